"""Tables of mra_populations: where each way to learn ends in every population, between scripted anchors.

`python -m experiments.studies.mra_populations.analysis <run folder>` prints the tables of a run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.mra_populations.anchors import anchors_of
from experiments.studies.mra_populations.diagnostics import (
    curve_returns,
    diagnostics_table,
    draw_information,
    draw_latents,
    draw_returns,
    latents_table,
    read_curves,
    read_latents,
)
from experiments.studies.mra_populations.figures import draw_choices, draw_scores
from experiments.studies.mra_populations.gains import gains, gains_table
from experiments.studies.mra_populations.settings import MraPopulationsSettings, trained_sizes
from marl.robustness.statistics import interquartile_mean

KEYS = ["world", "method", "choice", "population"]


def read_cells(run: RunFolder, settings: MraPopulationsSettings) -> pd.DataFrame:
    """Returns the returns of all cells, one below the other.

    Raises:
        RunError: Cells are missing.
    """
    cells = settings.cells()
    missing = [cell for cell in cells if not cell.path(run.path).exists()]
    if missing:
        raise RunError(f"{len(missing)} of {len(cells)} cells are not done: agora resume {run.path}")
    keyed = [
        pd.read_csv(cell.path(run.path)).assign(world=cell.world, method=cell.method, seed=cell.seed) for cell in cells
    ]
    return pd.concat(keyed, ignore_index=True)


def normalize(returns: pd.DataFrame, anchors: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows with `score`: (return - random) / (scripted - random) of the same world and population.

    Args:
        returns: With columns world, population and return.
        anchors: With columns world, population, random and scripted.
    """
    joined = returns.merge(anchors, on=["world", "population"], how="left", validate="many_to_one")
    joined["score"] = (joined["return"] - joined["random"]) / (joined["scripted"] - joined["random"])
    return joined


def summarize(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each world, method, choice and population: interquartile mean over seeds, 95 % interval.

    Runs that diverged have no score; they are counted, and in no mean.
    """
    rows = []
    for key, whole in scores.groupby(KEYS, sort=False):
        own = whole.dropna(subset="score")
        if own.empty:
            continue
        found = interquartile_mean(own["score"].to_numpy())
        rows.append(
            dict(zip(KEYS, key, strict=True))
            | {
                "seeds": len(own),
                "diverged": len(whole) - len(own),
                "iqm": found.value,
                "low": found.low,
                "high": found.high,
            }
            | {"return": own["return"].mean(), "cpu_seconds": own["cpu_seconds"].mean()}
        )
    return pd.DataFrame(rows)


def diverged_runs(scores: pd.DataFrame) -> list[str]:
    """Returns the names of runs whose training diverged."""
    rows = scores[scores["return"].isna() & (scores["choice"] == "sampled")]
    names = rows["world"] + "-" + rows["method"] + "-" + rows["seed"].astype(str)
    return list(dict.fromkeys(names))


def score_table(summary: pd.DataFrame, world: str) -> list[list[str]]:
    """Returns the table of a world: a row for each method and choice, a column for each population.

    A star marks sizes that the row's own training had.
    """
    own = summary[summary["world"] == world]
    populations = sorted(own["population"].unique())
    table = [["learned by", "latents", *map(str, populations)]]
    for (method, choice), rows in own.groupby(["method", "choice"], sort=False):
        by_size, trained = rows.set_index("population").to_dict("index"), trained_sizes(world, str(method))
        cells = [_score(by_size[n]) + "*" * (n in trained) if n in by_size else "" for n in populations]
        table.append([str(method).replace("_", " "), str(choice).replace("_", " "), *cells])
    return table


def _score(row: dict[Any, float]) -> str:
    return f"{row['iqm']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def evaluate(run: RunFolder, settings: MraPopulationsSettings) -> None:
    """Writes anchors.csv, curves.csv, latents.csv, summary.csv, gains.csv and evaluation.csv, a row for each return.

    Raises:
        RunError: Cells are missing.
    """
    returns, curves = read_cells(run, settings), read_curves(run, settings.cells())
    played = pd.concat([own[["world", "population"]] for own in (returns, curve_returns(curves))])
    pairs = played.drop_duplicates().itertuples(index=False)
    anchors = pd.DataFrame(
        [pair._asdict() | anchors_of(pair.world, int(pair.population), settings.anchor_episodes) for pair in pairs]
    )
    scores = normalize(returns, anchors)
    for path, table in (
        (run.path / "anchors.csv", anchors),
        (run.path / "curves.csv", curves),
        (run.path / "latents.csv", read_latents(run, settings.cells())),
        (run.path / "summary.csv", summarize(scores)),
        (run.path / "gains.csv", gains(scores)),
        (run.evaluation_path, scores),
    ):
        write_atomically(path, table.to_csv(index=False, float_format="%.5g"))


def report(run: RunFolder, settings: MraPopulationsSettings) -> None:
    """Writes report.html."""
    summary = pd.read_csv(run.path / "summary.csv")
    runs = pd.read_csv(run.evaluation_path).drop_duplicates(["world", "method", "seed"])
    lead = (
        f"{len(runs)} runs, {runs['cpu_seconds'].sum() / 3600:.1f} CPU-hours. Scores: (return - random) / (scripted - "
        "random) in the same population; interquartile means over seeds with 95 % intervals."
    )
    lead += "".join(f" {name} diverged, and is in no mean." for name in diverged_runs(runs))
    names = ("gains.csv", "curves.csv", "latents.csv", "anchors.csv")
    found, curves, latents, anchors = (_read(run.path / name) for name in names)
    sections = []
    for world in dict.fromkeys(summary["world"]):
        sections += _score_sections(summary, found, world)
        sections += _learning_sections(curves, latents, anchors, world)
    write_report(run.report_path, "Policies for populations of any size", lead, sections)


def _read(path: Path) -> pd.DataFrame:
    # The name of all groups together is empty, which is not missing.
    return pd.read_csv(path, keep_default_na=False) if path.stat().st_size > 1 else pd.DataFrame()


def _score_sections(summary: pd.DataFrame, found: pd.DataFrame, world: str) -> list[Section]:
    caption = (
        "*: trained in that size. Latents: sampled from the prior; best of all by a few episodes; adapted by k updates "
        "of logits; or k updates of the networks in the new population."
    )
    sections = [Section(world, table=score_table(summary, world), caption=caption)]
    caption = (
        "Interquartile means over seeds with 95 % bootstrap intervals. Latents as they are sampled, specialists on the "
        "right, large marks in the sizes of the own training; or, in choices, all ways to take latents, and adaptation."
    )
    sections.append(Section(f"{world}: all populations", figure=to_svg(draw_scores(summary, world)), caption=caption))
    if "mra" in set(summary.loc[summary["world"] == world, "method"]):
        sections.append(Section(f"{world}: choices", figure=to_svg(draw_choices(summary, world)), caption=caption))
    caption = (
        "Differences of scores, paired by seed, with 95 % bootstrap intervals; all new: the mean over populations that "
        "neither was trained in, and p of the sign-flip test there, which is 0.06 at least with five seeds."
    )
    if not found.empty:
        table = gains_table(found, world)
        sections.append(Section(f"{world}: differences", table=table, caption=caption))
    return sections


def _learning_sections(curves: pd.DataFrame, latents: pd.DataFrame, anchors: pd.DataFrame, world: str) -> list[Section]:
    """Returns what learning said of itself, and which latents were drawn, as far as there is any."""
    sections = []
    if not curves.empty and world in set(curves["world"]):
        caption = "Means over seeds, 20 episodes a point and population. A curriculum's teams are lines of their own."
        figure = to_svg(draw_returns(curves, anchors, world))
        sections.append(Section(f"{world}: in the course of training", figure=figure, caption=caption))
        caption = (
            "Last values of training, means over seeds; information and entropies in nats, attention's is relative."
        )
        table = diagnostics_table(curves, world)
        sections.append(Section(f"{world}: diagnostics", table=table, caption=caption))
    if not latents.empty and world in set(latents["world"]):
        caption = "Actions' information on latents, and what it would be if each latent named one other agent."
        figure = to_svg(draw_information(curves, world))
        sections.append(Section(f"{world}: information", figure=figure, caption=caption))
        caption = "Entropy of the latents that agents have, in nats (ln 6 = 1.79), means over seeds."
        table = latents_table(curves, latents, world)
        sections.append(Section(f"{world}: latents", table=table, caption=caption))
        if "mra" in set(latents.loc[latents["world"] == world, "method"]):
            sections.append(Section(f"{world}: latents of mra", figure=to_svg(draw_latents(latents, world))))
    return sections


def main() -> None:
    """Prints the tables of a run folder."""
    summary = pd.read_csv(Path(sys.argv[1]) / "summary.csv")
    for world in dict.fromkeys(summary["world"]):
        print(f"{world}\n\n{to_markdown(score_table(summary, world))}\n")
        print(f"{to_markdown(gains_table(_read(Path(sys.argv[1]) / 'gains.csv'), world))}\n")
        print(f"{to_markdown(diagnostics_table(_read(Path(sys.argv[1]) / 'curves.csv'), world))}\n")


if __name__ == "__main__":
    main()
