"""Which convention the runs settle on, beside what the two scripted conventions alone foretell; the README's tables.

`python -m experiments.studies.rae_trust.analysis` prints the tables of each folder of results/ and draws frontier.svg
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.intervals import paired_gain
from experiments.markdown import to_markdown
from experiments.populations.arm_intervals import RESAMPLES, arm_intervals, shown
from experiments.populations.figures import draw_frontier
from experiments.populations.results import RETURNS, TITLES
from experiments.report import to_svg
from experiments.run_folder import RunFolder
from experiments.studies.rae_trust.settings import TrustStudySettings
from games.trust import risk_dominant
from marl.equilibrium import solve
from marl.psro.match import play_episodes

RESULTS = Path(__file__).parent / "results"  # a folder for each setting that was run: settings.json, runs.csv
OFTEN, RARELY = 0.9, 0.1  # shares of encounters that end with a catch, from which on a run has settled
EPISODES, SEED = 5000, 40_000_001  # of each cell of the game between conventions; apart from all other seeds
CONVENTIONS = ("hunt", "gather")


def settled(runs: pd.DataFrame) -> pd.Series:
    """Returns by arm and seed what a run's own two seats do: "hunt", "gather" or "neither".

    Hunters catch the stag in at least 90 % of encounters, gatherers in at most 10 %.

    Args:
        runs: A row for each arm, seed and group of partners, with `catches` of an encounter.
    """
    own = runs[runs["group"] == "own"].set_index(["arm", "seed"])["catches"]
    words = np.select([own >= OFTEN, own <= RARELY], CONVENTIONS, "neither")
    return pd.Series(words, own.index, name="settled")


def conventions_game(settings: TrustStudySettings) -> np.ndarray:
    """Returns [2, 2, 2] mean returns of player i where each seat is played by the script of (hunt, gather)."""
    scene, game = settings.scene(), np.zeros((2, 2, 2))
    scripts = [scene.scripted[name] for name in ("hunter", "gatherer")]
    for row, column in np.ndindex(2, 2):
        players = {"hunter_0": scripts[row](1), "hunter_1": scripts[column](2)}
        played = play_episodes(scene.world, players, EPISODES, seed=SEED, settings=scene.settings)
        game[:, row, column] = played.returns.mean(axis=0)
    return game


def foretold(settings: TrustStudySettings, game: np.ndarray) -> dict[str, str]:
    """Returns by risk-averse arm the convention that its meta-solver prefers if there are the two scripts alone."""
    found = {}
    for arm in settings.arms():
        if arm.meta_solver == "rae":
            profile = solve(game, "rae", **settings.run_settings(arm, 0).solver_parameters(2)).profile
            found[arm.name] = CONVENTIONS[int(np.argmax(profile[0]))]
    return found


def _conventions_table(runs: pd.DataFrame, settings: TrustStudySettings, game: np.ndarray) -> list[list[str]]:
    intervals = arm_intervals(runs, [*RETURNS, "catches", "maulings"])
    words, expected = settled(runs), foretold(settings, game)
    measures = ("mean", "worst", "catches", "maulings")
    rows = [["arm", "scripts alone", "hunt", "gather", "neither", *(f"own: {name}" for name in measures)]]
    for arm in settings.arms():
        counts = [str(int((words[arm.name] == word).sum())) for word in (*CONVENTIONS, "neither")]
        cells = [shown(intervals, arm.name, "own", name) for name in measures]
        rows.append([arm.name, expected.get(arm.name, ""), *counts, *cells])
    return rows


def _partners_table(runs: pd.DataFrame, settings: TrustStudySettings) -> list[list[str]]:
    measures = [*RETURNS, "maulings"]
    intervals = arm_intervals(runs, measures)
    rows = [["partners", "arm", *(name.replace("_", " ") for name in measures)]]
    for group in ("trained", "strangers"):
        for arm in settings.arms():
            rows.append([group, arm.name, *(shown(intervals, arm.name, group, name) for name in measures)])
    return rows


def coincidence_table(runs: pd.DataFrame, first: str, second: str) -> list[list[str]]:
    """Returns what one arm has more than another of the same seed: means over seeds, and 95 % intervals."""
    measures: Sequence[str] = ("mean", "variance", "worst", "catches", "maulings")
    rows = [["partners", *(f"{name}: {first} less {second}" for name in measures)]]
    for group in TITLES:
        own = runs[runs["group"] == group].pivot(index="seed", columns="arm", values=list(measures))
        gains = [paired_gain(own[name, first], own[name, second], RESAMPLES) for name in measures]
        rows.append(
            [group, *(f"{each['difference']:+.2f} ({each['low']:+.2f} to {each['high']:+.2f})" for each in gains)]
        )
    return rows


def tables_of(runs: pd.DataFrame, settings: TrustStudySettings) -> str:
    """Returns the README's tables of one setting as Markdown."""
    game = conventions_game(settings)
    (both, alone), (tempted, safe) = game[0]
    lead = (
        f"Two hunters {both:.2f}, a hunter alone {alone:.2f}, beside a hunter one gathers {tempted:.2f}, "
        f"two gatherers {safe:.2f}; risk-dominant: {risk_dominant(game)}."
    )
    parts = [lead, to_markdown(_conventions_table(runs, settings, game))]
    names = {arm.name for arm in settings.arms()}
    if {"rae 0", "nash_path"} <= names:
        parts.append(to_markdown(coincidence_table(runs, "rae 0", "nash_path")))
    return "\n\n".join([*parts, to_markdown(_partners_table(runs, settings))])


def main() -> None:
    """Prints the tables of the committed results and draws their figures."""
    for folder in sorted(path.parent for path in RESULTS.glob("*/runs.csv")):
        runs = pd.read_csv(folder / "runs.csv")
        settings = TrustStudySettings.model_validate(RunFolder.open(folder)[2])
        figure = draw_frontier(arm_intervals(runs, [*RETURNS, "maulings"]), settings.arms(), "own", "maulings", "mean")
        (folder / "frontier.svg").write_text(to_svg(figure) + "\n", encoding="utf-8")
        print(f"<!-- {folder.name} -->\n{tables_of(runs, settings)}\n<!-- /{folder.name} -->\n")


if __name__ == "__main__":
    main()
