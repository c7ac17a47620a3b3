"""The figure of costs: steps per CPU second against envs, agents and runners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, StrMethodFormatter

from experiments.report import to_svg

if TYPE_CHECKING:
    from experiments.bench.rllib.costs import Cost

LINES = {"sample": ("batched runner: sampling", "#2f6fb5"), "train": ("batched runner: training", "#d27a26")}
STOCK = ("RLlib's runner: sampling", "#7a7a7a")
UNITS = {"envs": "env steps", "agents": "agent steps", "remote runners": "env steps"}


def draw_costs(costs: list[Cost]) -> str:
    """Returns the figure as an SVG element, its text as paths."""
    style: Any = {
        "font.size": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(8.4, 2.7), layout="constrained")
        panels = figure.subplots(1, len(UNITS), sharey=True, width_ratios=[2, 1, 1])
        for axes, (against, unit) in zip(panels, UNITS.items(), strict=True):
            _draw(axes, [cost for cost in costs if cost.against == against], against, unit)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        return to_svg(figure)


def _draw(axes: Any, costs: list[Cost], against: str, unit: str) -> None:
    for name, (label, colour) in LINES.items():
        values = [getattr(cost, name).median for cost in costs]
        axes.plot([cost.number for cost in costs], values, "o-", markersize=3, color=colour, label=label)
    stock = [(cost.number, cost.stock.median) for cost in costs if cost.stock is not None]
    if stock:
        axes.plot(*zip(*stock, strict=True), "o-", markersize=3, color=STOCK[1], label=STOCK[0])
    axes.set_yscale("log")
    if against != "remote runners":
        axes.set_xscale("log")
    axes.set_xticks([cost.number for cost in costs], [f"{cost.number:,}" for cost in costs])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(against)
    axes.set_title(f"{unit} / CPU-s", fontsize=8, loc="left")
