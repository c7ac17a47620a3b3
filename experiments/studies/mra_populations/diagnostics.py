"""What learning said of itself: last values, scores and information over steps, and which latents are drawn where."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.run_folder import RunFolder
from experiments.studies.mra_populations.curve import MEASURES, RETURN, USAGE
from experiments.studies.mra_populations.settings import WORLDS, Cell

STYLE: dict[Any, Any] = {"font.size": 8}
WORDS = str.maketrans("_", " ")


def read_curves(run: RunFolder, cells: list[Cell]) -> pd.DataFrame:
    """Returns the curves of all cells, one below the other; those that diverged have none."""
    return _read([(cell, cell.curve_path(run.path)) for cell in cells])


def read_latents(run: RunFolder, cells: list[Cell]) -> pd.DataFrame:
    """Returns the latents that were drawn in all evaluations, one below the other."""
    return _read([(cell, cell.latents_path(run.path)) for cell in cells])


def _read(paths: list[tuple[Cell, Any]]) -> pd.DataFrame:
    keyed = [
        pd.read_csv(path, keep_default_na=False).assign(world=cell.world, method=cell.method, seed=cell.seed)
        for cell, path in paths
        if path.exists()
    ]
    return pd.concat(keyed, ignore_index=True) if keyed else pd.DataFrame()


# ---- learning ----


def last_values(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns each measure at the last point of each run, by world, method, group and seed."""
    own = curves[curves["measure"].isin(MEASURES)]
    keys = ["world", "method", "group", "seed", "measure"]
    return own.sort_values("steps", kind="stable").groupby(keys, sort=False)["value"].last().reset_index()


def diagnostics_table(curves: pd.DataFrame, world: str) -> list[list[str]]:
    """Returns the last values in a world, means over seeds: a row for each method and group."""
    last = last_values(curves[curves["world"] == world])
    means = last.groupby(["method", "group", "measure"], sort=False)["value"].mean().unstack()
    named = [name for name in MEASURES if name in means]
    table = [["learned by", "group", *(name.translate(WORDS) for name in named)]]
    for (method, group), row in means.iterrows():
        numbers = ["" if np.isnan(row[name]) else f"{row[name]:.3g}" for name in named]
        table.append([str(method).translate(WORDS), str(group), *numbers])
    return table


def curve_returns(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of curves that are returns, with `population`."""
    if curves.empty:
        return pd.DataFrame(columns=["world", "population"])
    own = curves[curves["measure"].str.startswith(RETURN)]
    return own.assign(population=own["measure"].str.removeprefix(RETURN).astype(int))


def draw_returns(curves: pd.DataFrame, anchors: pd.DataFrame, world: str) -> Figure:
    """Draws scores over env steps, a panel for each population: means over seeds; a curriculum's teams apart."""
    own = curve_returns(curves[curves["world"] == world])
    joined = own.merge(anchors, on=["world", "population"], how="left")
    joined["value"] = (joined["value"] - joined["random"]) / (joined["scripted"] - joined["random"])
    sizes = sorted(joined["population"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.1 * len(sizes) + 1.2, 2.4), layout="constrained")
        panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
        for axes, size in zip(panels, sizes, strict=True):
            _draw_lines(axes, joined[joined["population"] == size])
            axes.axhline(0, color="#777777", linestyle=":", linewidth=0.8)
            axes.set_title(f"{size} {'agents' if world == 'resources' else 'collectors'}")
        panels[0].set_ylabel("0: random, 1: scripted")
        _add_legend(figure, panels)
    return figure


def draw_information(curves: pd.DataFrame, world: str) -> Figure:
    """Draws information and its ceiling over env steps, a panel for each group: means over seeds."""
    own = curves[(curves["world"] == world) & curves["measure"].isin(("information", "information_ceiling"))]
    groups = list(dict.fromkeys(own["group"]))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.2 * len(groups) + 1.2, 2.4), layout="constrained")
        panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for axes, group in zip(panels, groups, strict=True):
            for measure, line in (("information", "-"), ("information_ceiling", "--")):
                _draw_lines(axes, own[(own["group"] == group) & (own["measure"] == measure)], line)
            axes.set_title(group)
        panels[0].set_ylabel("nats; dashed: ceiling")
        _add_legend(figure, panels)
    return figure


def _draw_lines(axes: Axes, rows: pd.DataFrame, line: str = "-") -> None:
    colors = colors_of(rows["method"])
    for (method, team), own in rows.groupby(["method", "team"], sort=False):
        means = own.groupby("steps")["value"].mean()
        label = str(method).translate(WORDS) if team == 0 and line == "-" else None
        axes.plot(means.index / 1000, means, line, color=colors[str(method)], linewidth=1, label=label)
    axes.set_xlabel("thousand env steps")
    axes.spines[["top", "right"]].set_visible(False)


def _add_legend(figure: Figure, panels: Any) -> None:
    named = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc="outside right center", frameon=False, fontsize=6)


def colors_of(methods: Any) -> dict[str, str]:
    """Returns a colour for each way to learn, the same in all figures; specialists from light to dark."""
    fixed = {"mra": "#2f6fb5", "no_latent": "#d27a26", "uniform": "#3b9a5a", "released": "#9a6fb5"}
    fixed |= {"curriculum": "#a03c3c"}
    others = sorted(set(map(str, methods)) - set(fixed), key=lambda name: int(name.rpartition("_")[2]))
    return fixed | {name: str(shade) for name, shade in zip(others, np.linspace(0.75, 0.15, len(others)), strict=True)}


# ---- latents ----


def latents_table(curves: pd.DataFrame, latents: pd.DataFrame, world: str) -> list[list[str]]:
    """Returns entropies of the latents that are drawn, in nats, means over seeds, a column for each population.

    Those of training are of the prior, as the last point of a curve has it. Who has one latent has no row.
    """
    rows = [_of_training(curves[curves["world"] == world], world), latents[latents["world"] == world]]
    both = pd.concat([own for own in rows if not own.empty], ignore_index=True)
    keys = ["method", "group", "choice", "population"]
    entropies = both.groupby([*keys, "seed"], sort=False)["share"].agg(_entropy)
    means = entropies.groupby(keys, sort=False).mean().unstack()
    sizes = sorted(means.columns)
    table = [["learned by", "group", "latents", *map(str, sizes)]]
    for key, row in means[sizes].iterrows():
        cells = ["" if np.isnan(value) else f"{value:.2f}" for value in row]
        table.append([*(str(name).translate(WORDS) for name in key), *cells])
    return table


def _of_training(curves: pd.DataFrame, world: str) -> pd.DataFrame:
    own = curves[curves["measure"].str.match(rf"{USAGE}\d+_of_")]
    keys = ["method", "group", "seed", "measure"]
    last = own.sort_values("steps", kind="stable").groupby(keys, sort=False)["value"].last().reset_index()
    last = last.groupby(["method", "group", "seed"]).filter(
        lambda rows: rows["measure"].str.startswith(f"{USAGE}1_").any()
    )
    parts = last["measure"].str.extract(rf"{USAGE}(?P<latent>\d+)_of_(?P<agents>\d+)").astype(int)
    return pd.DataFrame(
        {
            **{name: last[name] for name in ("method", "group", "seed")},
            "choice": "prior, in training",
            "population": parts["agents"] - WORLDS[world].partners,
            "latent": parts["latent"],
            "share": last["value"],
        }
    )


def _entropy(shares: pd.Series) -> float:
    there = shares[shares > 0]
    return float(-(there * np.log(there)).sum())


def draw_latents(latents: pd.DataFrame, world: str) -> Figure:
    """Draws which latents agents of `mra` drew in each population, a panel for each group and seed."""
    own = latents[(latents["world"] == world) & (latents["method"] == "mra") & (latents["choice"] == "sampled")]
    panels_of = list(own.groupby(["group", "seed"], sort=False))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.5 * len(panels_of) + 0.6, 2), layout="constrained")
        panels = figure.subplots(1, len(panels_of), sharey=True, squeeze=False)[0]
        for axes, ((group, seed), rows) in zip(panels, panels_of, strict=True):
            shares = rows.pivot(index="population", columns="latent", values="share")
            tops = shares.cumsum(axis=1)
            for latent in shares:
                axes.bar(range(len(shares)), shares[latent], bottom=tops[latent] - shares[latent], width=0.9)
            axes.set_xticks(range(len(shares)), [str(n) for n in shares.index])
            axes.set_title(f"{group}, seed {seed}")
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("share of each latent")
    return figure
