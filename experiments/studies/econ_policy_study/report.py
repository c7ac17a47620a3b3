"""The report of a policy study, and its figures as files of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.econ_policy_study.analysis import (
    NEAR,
    WELFARES,
    Interval,
    bunching,
    count_finished,
    differences,
    elasticities,
    elasticity_table,
    evaluate,
    frontier_table,
    groups_of,
    policies_of,
    read_all,
    summarise,
    winner_table,
    winners,
)
from experiments.studies.econ_policy_study.figures import (
    draw_elasticity,
    draw_frontier,
    draw_gaming,
    draw_houses,
    draw_labor,
    draw_lorenz,
    draw_prices,
    draw_schedules,
    draw_transfers,
    draw_wealth,
)
from experiments.studies.econ_policy_study.settings import Layout, PolicyStudySettings

PNG_DPI = 130
LEAD_LIMIT = 6  # names that the lead lists
SCRIPTED = (
    "Scripted workers do not look at taxes: what differs between their policies is what taxes and lump sums do with "
    "the same behaviour, not how people would answer. Trained workers do answer; re-adapted ones have learned under "
    "the policy that they are measured under."
)


def _write_figure(run: RunFolder, name: str, figure: Figure) -> str:
    """Writes figures/<name>.svg and .png; returns the SVG."""
    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    svg = to_svg(figure)
    write_atomically(folder / f"{name}.svg", svg)
    aside = folder / f".{name}.partial"
    figure.set_layout_engine("none")  # everything has its place already
    figure.savefig(aside, format="png", dpi=PNG_DPI)
    aside.replace(folder / f"{name}.png")
    return svg


def bunching_table(tables: dict[str, pd.DataFrame]) -> list[list[str]]:
    """Returns a row for each group, policy and cut-off that incomes come near."""
    table = [["workers", "policy", "cut-off", "incomes just below", "just above", "share below"]]
    for group in groups_of(tables["periods"]):
        for policy in policies_of(tables["periods"]):
            incomes, rates = (
                each[(each["group"] == group) & (each["policy"] == policy)]
                for each in (tables["periods"], tables["rates"])
            )
            found = bunching(incomes["income"].to_numpy(), np.unique(rates["cutoff"].to_numpy()))
            for _, row in found[found["below"] + found["above"] > 0].iterrows():
                counts = [f"{row['below']:.0f}", f"{row['above']:.0f}", f"{row['share_below']:.2f}"]
                table.append([group, policy, f"{row['cutoff']:g}", *counts])
    return table


def _measure_table(summary: pd.DataFrame, measures: dict[str, str]) -> list[list[str]]:
    table = [["workers", "policy", *measures.values()]]
    for (group, policy), own in summary.groupby(["group", "policy"], sort=False):
        found = own.set_index("measure")
        cells = []
        for name in measures:
            is_known = name in found.index and not np.isnan(found.loc[name, "mean"])
            cells.append(str(Interval(*found.loc[name, ["mean", "low", "high"]])) if is_known else "")
        table.append([str(group), str(policy), *cells])
    return table


@dataclass(frozen=True)
class _Drawn:
    """A section with a figure: its file's name, its title, what draws it, and what stands below it."""

    name: str
    title: str
    draw: Callable[[dict[str, pd.DataFrame], list[Layout]], Figure | None]
    caption: str


FIGURES = (
    _Drawn(
        "frontier",
        "Equality and productivity",
        draw_frontier,
        "Means over episodes with 95 % bootstrap intervals. Grey: equal products. Utilities count all coin and labor "
        "of an episode.",
    ),
    _Drawn("lorenz", "Inequality", draw_lorenz, "Lorenz curves of coin at the end, mean over episodes."),
    _Drawn(
        "schedules",
        "Schedules and incomes",
        draw_schedules,
        "Histogram: incomes of all workers and tax periods. Red: marginal rates, mean over periods (pale: the middle "
        "80 % where they change). Dashed: effective rates of these means. Dotted: cut-offs. Table: incomes within "
        f"{NEAR:.0%} of a cut-off; where workers bunch below it, most lie below.",
    ),
    _Drawn(
        "transfers",
        "Who pays for whom",
        draw_transfers,
        "Lump sums less taxes, by skill, mean over episodes with 95 % intervals. Above 0: others paid.",
    ),
    _Drawn(
        "elasticity",
        "Elasticity of income, as Saez's formula estimates it",
        draw_elasticity,
        "What Saez's formula estimates, a line for each cell. It begins at 0.5 and takes 2 % of each new estimate.",
    ),
    _Drawn("wealth", "Wealth over time", draw_wealth, "Coin by rank of skill, mean over episodes."),
    _Drawn("labor", "Labor", draw_labor, "By skill, mean over episodes with 95 % intervals."),
    _Drawn("prices", "Trade", draw_prices, "Mean price in each tenth of an episode; bars: standard deviation."),
    _Drawn(
        "houses",
        "Houses",
        draw_houses,
        "Where houses stood at the end on the first map: the darker, the more often. Colour: the rank that built most "
        "of them there.",
    ),
    _Drawn(
        "gaming",
        "Tax gaming",
        draw_gaming,
        "Tax paid against the tax on the same total income, earned evenly. Above 0: workers shift income between "
        "periods, or have too little at hand on tax days, and pay less. Below 0: uneven incomes cost them.",
    ),
)


def _figure_sections(
    run: RunFolder, settings: PolicyStudySettings, tables: dict[str, pd.DataFrame], summary: pd.DataFrame
) -> list[Section]:
    below = {
        "frontier": frontier_table(summary),
        "schedules": bunching_table(tables),
        "prices": _measure_table(summary, {"trades": "units traded", "mean_price": "mean price, coin"}),
        "houses": _measure_table(summary, {"houses": "houses"}),
        "gaming": _measure_table(summary, {"tax_gaming": "share of smoothed tax not paid", "taxes": "taxes, coin"}),
    }
    sections = []
    for each in FIGURES:
        figure = each.draw(tables, settings.layouts)
        if figure is not None:
            svg = _write_figure(run, each.name, figure)
            sections.append(Section(each.title, figure=svg, table=below.get(each.name, []), caption=each.caption))
    return sections


def _difference_section(tables: dict[str, pd.DataFrame]) -> list[Section]:
    rows = differences(tables["episodes"])
    if rows.empty:
        return []
    table = [["workers", "policy", "productivity", "equality", *WELFARES.values()]]
    for (group, policy), own in rows.groupby(["group", "policy"], sort=False):
        cells = [str(Interval(*each)) for each in own[["mean", "low", "high"]].to_numpy()]
        table.append([str(group), str(policy), *cells])
    text = f"What each policy changes against {rows['base'].iloc[0]}, on the same starts, with 95 % intervals."
    return [Section("What a policy changes", text=[text], table=table)]


def _elasticity_section(tables: dict[str, pd.DataFrame]) -> list[Section]:
    rows = elasticities(tables["periods"])
    if rows.empty:
        return []
    caption = (
        "How income answers what is kept of another coin, 1 - marginal rate: by what workers of the same rank earn "
        "under the policies compared, with 95 % intervals over starts. 0: not at all. Where rates rise with income "
        "they also follow from it."
    )
    return [Section("Elasticity of income between policies", table=elasticity_table(rows), caption=caption)]


def report(run: RunFolder, settings: PolicyStudySettings) -> None:
    """Writes report.html and figures/, of the cells that are finished.

    Raises:
        RunError: No cell is finished, or a part of a table is damaged.
    """
    evaluate(run, settings)
    tables = read_all(run, settings)
    summary = summarise(tables)
    finished, total = count_finished(run, settings)
    groups = groups_of(tables["episodes"])
    shown = ", ".join(groups[:LEAD_LIMIT]) + (", ..." if len(groups) > LEAD_LIMIT else "")
    lead = (
        f"{len(settings.grid_policies())} policies, workers: {shown}; {len(settings.layouts)} map(s), "
        f"{len(settings.seeds)} seeds, {len(tables['episodes'])} episodes. "
        + (f"PARTIAL: {finished} of {total} cells are finished." if finished < total else f"All {total} cells.")
    )
    first, *others = _figure_sections(run, settings, tables, summary)
    winning = Section(
        "Who wins",
        text=[SCRIPTED],
        table=winner_table(winners(tables["episodes"])),
        caption="The policy with the highest mean under each welfare function. The lead over the next is measured on "
        "the same starts; it is clear where its 95 % interval does not hold 0.",
    )
    replay = run.replay_path / "episode.mp4"
    seen = [Section("Replay", video=replay, caption="One episode; see README.")] if replay.exists() else []
    rows = [[name, _short(value)] for name, value in settings.model_dump(mode="json").items()]
    sections = [
        first,
        *_difference_section(tables),
        winning,
        *others,
        *_elasticity_section(tables),
        *seen,
        Section("Settings", table=[["setting", "value"], *rows]),
    ]
    write_report(run.report_path, "Tax policies in gather-trade-build", lead, sections)


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each["name"]) if isinstance(each, dict) else str(each) for each in value)
    if isinstance(value, dict) and "file" in value:
        return str(value["file"])
    return str(value)
