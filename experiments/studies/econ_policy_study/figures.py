"""Figures of the policy study. A column of panels for each group of workers, a colour for each policy or rank.

All `draw_...` take the tables (`analysis.read_all`) and the maps of the study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from econ.gather_trade_build.layouts import read_maps
from econ.gather_trade_build.maps import STONE_SOURCE, WATER, WOOD_SOURCE
from econ.taxation import Schedule
from experiments.studies.econ_policy_study.analysis import (
    by_episode_and_rank,
    gaming,
    gini_of,
    groups_of,
    interval,
    lorenz,
    policies_of,
)
from experiments.studies.econ_policy_study.settings import Layout

Tables = dict[str, pd.DataFrame]

POLICY_COLORS = ("#5f646d", "#2f6fb5", "#d27a26", "#3d9a57", "#a2436f", "#8a4fb0", "#7a7a2c", "#1f9c9c", "#c23b3b")
STYLE: Any = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "legend.fontsize": 7,
}
WIDTH, HEIGHT = 3.4, 2.7  # of a panel, inches
BINS = 60  # of incomes
NO_INCOME = 1e-6  # coin; below it only rounding is left
GROUND = {WATER: (0.53, 0.71, 0.85), STONE_SOURCE: (0.76, 0.77, 0.80), WOOD_SOURCE: (0.78, 0.86, 0.70)}  # RGB
INK, FAINT = "#2d2a26", "#b9b2a2"
MOST_ROWS = 8  # of panels, policies beyond them are left out of figures that have a row for each


def colors_of(policies: list[str]) -> dict[str, str]:
    """Returns a colour for each policy."""
    return {policy: POLICY_COLORS[number % len(POLICY_COLORS)] for number, policy in enumerate(policies)}


def _rank_colors(count: int) -> list[Any]:
    return [mpl.colormaps["viridis"](0.9 - 0.8 * rank / max(count - 1, 1)) for rank in range(count)]


@contextmanager
def _panels(rows: int, columns: int, height: float = HEIGHT, **share: Any) -> Iterator[tuple[Figure, np.ndarray]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(WIDTH * columns, 4.6), height * rows), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False, **share)


def _add_legend(figure: Figure, panels: np.ndarray) -> None:
    """One legend for all panels, below them."""
    named: dict[str, Any] = {}
    for axes in panels:
        for mark, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, mark)
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=min(len(named), 5))


def _part(table: pd.DataFrame, group: str, policy: str | None = None) -> pd.DataFrame:
    own = table[table["group"] == group]
    return own if policy is None else own[own["policy"] == policy]


def draw_frontier(tables: Tables, layouts: list[Layout]) -> Figure:
    """Equality against productivity, with intervals, and curves of equal product."""
    episodes, policies = tables["episodes"], policies_of(tables["episodes"])
    groups, colors = groups_of(episodes), colors_of(policies_of(tables["episodes"]))
    with _panels(1, len(groups), 3.0) as (figure, panels):
        for axes, group in zip(panels[0], groups, strict=True):
            for policy in policies:
                own = _part(episodes, group, policy)
                if own.empty:
                    continue
                x, y = interval(own["equality"]), interval(own["productivity"])
                axes.errorbar(
                    x.mean,
                    y.mean,
                    xerr=[[x.mean - x.low], [x.high - x.mean]],
                    yerr=[[y.mean - y.low], [y.high - y.mean]],
                    fmt="o",
                    color=colors[policy],
                    markersize=5,
                    label=policy,
                )
            _draw_products(axes)
            axes.set_title(group)
            axes.set_xlabel("equality, 1 - Gini")
        panels[0][0].set_ylabel("productivity, coin")
        _add_legend(figure, panels[0])
    return figure


def _draw_products(axes: Axes) -> None:
    """Curves of equal product through what is seen."""
    axes.margins(0.2)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    left, low = max(left, 1e-3), max(low, 1e-3)
    x = np.linspace(left, max(right, left * 1.01), 50)
    for product in np.linspace(left * low, right * high, 7)[1:-1]:
        axes.plot(x, product / x, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def draw_lorenz(tables: Tables, layouts: list[Layout]) -> Figure:
    """Lorenz curves of coin at the end."""
    agents = tables["agents"]
    groups, policies = groups_of(agents), policies_of(agents)
    colors = colors_of(policies)
    with _panels(1, len(groups), 3.0) as (figure, panels):
        for axes, group in zip(panels[0], groups, strict=True):
            axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
            for policy in policies:
                own = _part(agents, group, policy)
                if own.empty:
                    continue
                episode = own["layout"] + " " + own["seed"].astype(str) + " " + own["episode"].astype(str)
                x, y = lorenz(own["coin"], episode)
                found = gini_of(own)
                label = f"{policy}: {found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"
                axes.plot(x, y, color=colors[policy], marker="o", markersize=3, label=label)
            axes.set_title(group)
            axes.set_xlabel("share of workers, the poorest first")
            axes.legend(title="Gini index", title_fontsize=7)
        panels[0][0].set_ylabel("share of coin")
    return figure


def draw_schedules(tables: Tables, layouts: list[Layout]) -> Figure:
    """Marginal and effective rates over the incomes of tax periods, a row for each policy."""
    periods, rates = tables["periods"], tables["rates"]
    groups, policies = groups_of(periods), policies_of(periods)[:MOST_ROWS]
    edges = np.linspace(0, max(float(periods["income"].quantile(0.995)), 1.0), BINS + 1)
    with _panels(len(policies), len(groups), 2.0, sharex=True) as (figure, panels):
        for line, policy in zip(panels, policies, strict=True):
            for axes, group in zip(line, groups, strict=True):
                own = _part(periods, group, policy)
                earned = own["income"][own["income"] > NO_INCOME]
                axes.hist(earned, edges, color="#d9d2c2")
                share = 1 - len(earned) / max(len(own), 1)
                axes.text(0.98, 0.04, f"without income: {share:.0%}", transform=axes.transAxes, ha="right", fontsize=6)
                axes.set_yticks([])
                axes.spines["left"].set_visible(False)
                _draw_rates(axes.twinx(), _part(rates, group, policy), edges)
                axes.set_title(f"{policy}, {group}")
        for axes in panels[-1]:
            axes.set_xlabel("income of a tax period, coin")
    return figure


def _draw_rates(axes: Axes, rates: pd.DataFrame, edges: np.ndarray) -> None:
    """Rates that were in force, their mean over periods, and what they vary; cut-offs as lines."""
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines["right"].set_visible(True)
    if rates.empty:
        return
    by_bracket = rates.groupby("bracket").agg(cutoff=("cutoff", "first"), rate=("rate", "mean"))
    low, high = (rates.groupby("bracket")["rate"].quantile(share).to_numpy() for share in (0.1, 0.9))
    cutoffs, means = by_bracket["cutoff"].to_numpy(), by_bracket["rate"].to_numpy()
    x = np.linspace(edges[-1] / 600, edges[-1], 600)
    schedule = Schedule(cutoffs, np.clip(means, 0, 1))
    place = np.searchsorted(cutoffs, x, side="right") - 1
    if (high - low).max() > 1e-9:
        axes.fill_between(x, low[place], high[place], color="#ba4628", alpha=0.15, linewidth=0)
    axes.plot(x, means[place], color="#ba4628", linewidth=1.3, label="marginal")
    axes.plot(x, schedule.effective_rates(x), color=INK, linewidth=1, linestyle="--", label="effective")
    for cutoff in cutoffs[(cutoffs > 0) & (cutoffs < edges[-1])]:
        axes.axvline(cutoff, color=INK, linewidth=0.6, linestyle=":")
    axes.legend(loc="upper right", fontsize=6)


def _draw_by_rank(tables: Tables, label: str, measure: Callable[[pd.DataFrame], pd.Series]) -> Figure:
    """Bars of a measure by rank, a colour for each policy."""
    agents = tables["agents"]
    groups, policies = groups_of(agents), policies_of(agents)
    colors = colors_of(policies)
    with _panels(1, len(groups)) as (figure, panels):
        for axes, group in zip(panels[0], groups, strict=True):
            width = 0.8 / len(policies)
            for number, policy in enumerate(policies):
                own = _part(agents, group, policy)
                found = by_episode_and_rank(own, measure)
                places = np.array(list(found)) - 0.4 + width * (number + 0.5)
                means = np.array([each.mean for each in found.values()])
                reach = [[each.mean - each.low for each in found.values()], [e.high - e.mean for e in found.values()]]
                axes.bar(places, means, width * 0.9, color=colors[policy], label=policy)
                axes.errorbar(places, means, yerr=reach, fmt="none", color=INK, linewidth=0.7)
            pays = _part(agents, group).groupby("rank")["payment"].mean()
            axes.set_xticks(pays.index, [f"{pay:.1f}" for pay in pays] if len(pays) <= 10 else None)
            axes.axhline(0, color=FAINT, linewidth=0.8)
            axes.set_title(group)
            axes.set_xlabel("skill: coin that a house pays")
        panels[0][0].set_ylabel(label)
        _add_legend(figure, panels[0])
    return figure


def draw_transfers(tables: Tables, layouts: list[Layout]) -> Figure:
    """What workers get from lump sums less what they pay, by skill."""
    return _draw_by_rank(tables, "net transfer, coin an episode", lambda agents: agents["lump_sums"] - agents["tax"])


def draw_labor(tables: Tables, layouts: list[Layout]) -> Figure:
    """Labor by skill."""
    return _draw_by_rank(tables, "labor an episode", lambda agents: agents["labor"])


def draw_elasticity(tables: Tables, layouts: list[Layout]) -> Figure | None:
    """The estimates of Saez's formula, a line for each cell; None where there are none."""
    estimates = tables["estimates"]
    if estimates.empty:
        return None
    groups, colors = groups_of(estimates), colors_of(policies_of(tables["episodes"]))
    with _panels(1, len(groups)) as (figure, panels):
        for axes, group in zip(panels[0], groups, strict=True):
            named = set()
            for (policy, _, _), own in _part(estimates, group).groupby(["policy", "layout", "seed"], sort=False):
                label = None if policy in named else policy
                named.add(policy)
                axes.plot(own["tax_day"], own["elasticity"], color=colors[policy], linewidth=1, alpha=0.8, label=label)
            axes.set_title(group)
            axes.set_xlabel("tax day, those of uncounted episodes first")
            axes.set_ylim(bottom=0)
        panels[0][0].set_ylabel("estimated elasticity of income")
        _add_legend(figure, panels[0])
    return figure


def draw_wealth(tables: Tables, layouts: list[Layout]) -> Figure:
    """Coin over time by rank, a row for each policy."""
    wealth = tables["wealth"]
    groups, policies = groups_of(wealth), policies_of(wealth)[:MOST_ROWS]
    colors = _rank_colors(int(wealth["rank"].max()) + 1)
    with _panels(len(policies), len(groups), 2.0, sharex=True, sharey="col") as (figure, panels):
        for line, policy in zip(panels, policies, strict=True):
            for axes, group in zip(line, groups, strict=True):
                for rank, own in _part(wealth, group, policy).groupby("rank"):
                    means = own.groupby("step")["coin"].mean()
                    axes.plot(means.index, means, color=colors[int(rank)], linewidth=1.2, label=f"rank {rank}")
                axes.set_title(f"{policy}, {group}")
        for axes in panels[-1]:
            axes.set_xlabel("step")
        for line in panels:
            line[0].set_ylabel("coin")
        if len(colors) <= 10:
            _add_legend(figure, panels[0])
    return figure


def draw_prices(tables: Tables, layouts: list[Layout]) -> Figure | None:
    """Mean price of stone and wood over the episode, a tenth at a time; None without trades."""
    trades = tables["trades"]
    if trades.empty:
        return None
    groups, colors = groups_of(trades), colors_of(policies_of(tables["episodes"]))
    last = int(tables["wealth"]["step"].max())
    with _panels(2, len(groups), 2.0, sharex=True, sharey=True) as (figure, panels):
        for line, resource in zip(panels, ("stone", "wood"), strict=True):
            for axes, group in zip(line, groups, strict=True):
                own = _part(trades, group)
                own = own[own["resource"] == resource]
                for policy, rows in own.groupby("policy", sort=False):
                    tenth = ((rows["step"] - 1) * 10 // last + 0.5) * last / 10
                    prices = rows.groupby(tenth)["price"].agg(["mean", "std"]).fillna(0)
                    axes.errorbar(
                        prices.index,
                        prices["mean"],
                        yerr=prices["std"],
                        color=colors[str(policy)],
                        linewidth=1.2,
                        elinewidth=0.5,
                        label=f"{policy}: {len(rows):,} units",
                    )
                axes.set_title(f"{resource}, {group}")
                if len(own):
                    axes.legend(fontsize=6)
        for axes in panels[-1]:
            axes.set_xlabel("step")
        for line in panels:
            line[0].set_ylabel("price, coin")
    return figure


def draw_houses(tables: Tables, layouts: list[Layout]) -> Figure:
    """Where houses stood at the end: the more episodes the darker, coloured by the rank that built most of them."""
    houses, episodes = tables["houses"], tables["episodes"]
    layout = layouts[0]
    groups, policies = groups_of(episodes[episodes["layout"] == layout.name]), policies_of(episodes)[:MOST_ROWS]
    tiles = read_maps(layout.source)
    ground = np.full((*tiles.shape[1:], 3), 0.97)
    if len(tiles) == 1:  # else every episode may be on another map
        for kind, color in GROUND.items():
            ground[tiles[0] == kind] = color
    num_ranks = int(tables["agents"]["rank"].max()) + 1
    colors = np.array([color[:3] for color in _rank_colors(num_ranks)])
    with _panels(len(policies), len(groups), 2.6) as (figure, panels):
        for line, policy in zip(panels, policies, strict=True):
            for axes, group in zip(line, groups, strict=True):
                own = _part(houses, group, policy)
                counts = np.zeros((num_ranks, *tiles.shape[1:]))
                np.add.at(counts, (own["rank"].to_numpy(), own["row"].to_numpy(), own["column"].to_numpy()), 1)
                share = counts.sum(axis=0) / max(len(_part(episodes, group, policy)), 1)
                strength = np.where(share > 0, 0.25 + 0.75 * np.clip(share, 0, 1), 0)[..., None]
                axes.imshow(ground * (1 - strength) + colors[counts.argmax(axis=0)] * strength)
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_title(f"{policy}, {group}")
        if num_ranks <= 10:
            marks = [mpl.patches.Patch(color=color, label=f"rank {rank}") for rank, color in enumerate(colors)]
            figure.legend(handles=marks, loc="outside lower center", ncols=min(num_ranks, 5))
    return figure


def draw_gaming(tables: Tables, layouts: list[Layout]) -> Figure:
    """The tax-gaming index of every policy."""
    agents = tables["agents"]
    groups, policies = groups_of(agents), policies_of(agents)
    colors = colors_of(policies)
    with _panels(1, len(groups)) as (figure, panels):
        for axes, group in zip(panels[0], groups, strict=True):
            for number, policy in enumerate(policies):
                found = gaming(_part(agents, group, policy))
                if np.isnan(found.mean):
                    continue
                reach = [[found.mean - found.low], [found.high - found.mean]]
                axes.errorbar(number, found.mean, yerr=reach, fmt="o", color=colors[policy], markersize=5)
            axes.axhline(0, color=FAINT, linewidth=0.8)
            axes.set_xticks(range(len(policies)), policies, rotation=30, ha="right")
            axes.set_xlim(-0.5, len(policies) - 0.5)
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            axes.set_title(group)
        panels[0][0].set_ylabel("share of smoothed tax not paid")
    return figure
