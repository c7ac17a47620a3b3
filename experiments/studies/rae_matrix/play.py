"""One random game solved by every method, and what its solutions mean for those who play them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from experiments.processes import call_in_processes
from experiments.run_folder import RunFolder, read_csv
from experiments.studies.rae_matrix.settings import RaeMatrixSettings
from games.matrix import generators
from marl.equilibrium import solve
from marl.equilibrium.payoffs import joint_distribution, spread
from marl.equilibrium.risk import mean_and_variance

WORST = 0.05  # share of outcomes that the worst ones are
FLOOR = 0.01  # least probability of an action, times the number of actions: of RAE and of Nash beside it

# Payoffs are scaled to a spread of 1, so gamma and lambda have no units.
METHODS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "nash": ("nash", {}),
        "nash with trembles": ("rae", {"risk_aversion": 0.0}),
        "rae 0.5": ("rae", {"risk_aversion": 0.5}),
        "rae 2": ("rae", {"risk_aversion": 2.0}),
        "rae 10": ("rae", {"risk_aversion": 10.0}),
        "quantal 2": ("quantal_response", {"rationality": 2.0}),
        "quantal 10": ("quantal_response", {"rationality": 10.0}),
        "quantal 50": ("quantal_response", {"rationality": 50.0}),
        "trembling hand": ("trembling_hand", {}),
        "maximin": ("maximin", {}),
        "uniform": ("uniform", {}),
    }
)
COLUMNS = ("kind", "actions", "seed", "method", "solved", "mean", "variance", "worst")


def make_game(kind: str, num_actions: int, seed: int) -> np.ndarray:
    """Returns payoffs [2, A, A] of a random game, with a spread of 1."""
    rng = np.random.default_rng([num_actions, seed])
    counts = (num_actions, num_actions)
    if kind == "potential":
        payoffs, _ = generators.potential(counts, rng)
    else:
        payoffs = {"general_sum": generators.general_sum, "zero_sum": generators.zero_sum}[kind](counts, rng)
    return payoffs / spread(payoffs)


def worst_outcomes(payoffs: np.ndarray, profile: tuple[np.ndarray, ...]) -> np.ndarray:
    """Returns [P] the mean of each player's worst 5 % of outcomes, over all draws."""
    chances = joint_distribution(profile).ravel()
    means = []
    for own in payoffs:
        order = np.argsort(own.ravel())
        before = np.cumsum(chances[order]) - chances[order]
        shares = np.clip(WORST - before, 0, chances[order])
        means.append(float(shares @ own.ravel()[order]) / WORST)
    return np.array(means)


def solve_game(kind: str, num_actions: int, seed: int) -> list[list[Any]]:
    """Returns a row for each method: whether it converged, and what its profile means for the average player."""
    payoffs, rows = make_game(kind, num_actions, seed), []
    for name, (method, parameters) in METHODS.items():
        own = {**parameters, "floor": FLOOR / num_actions} if method == "rae" else parameters
        solution = solve(payoffs, method, **own)
        means, variances = mean_and_variance(payoffs, solution.profile)
        worst = worst_outcomes(payoffs, solution.profile)
        numbers = (f"{value.mean():.4g}" for value in (means, variances, worst))
        rows.append([kind, num_actions, seed, name, int(solution.converged), *numbers])
    return rows


def games_path(run: RunFolder) -> Path:
    """Returns the file with a row for each game and method."""
    return run.path / "games.csv"


def solve_games(run: RunFolder, settings: RaeMatrixSettings) -> bool:
    """Solves the games that are not in games.csv yet; returns whether all are there then."""
    path, games = games_path(run), settings.games()
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    done = _clean(path)
    missing = [game for game in games if game not in done]
    with path.open("a", encoding="utf-8") as file:

        def take(rows: list[list[Any]]) -> None:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            file.write(text.getvalue())
            file.flush()

        return call_in_processes(
            "random games",
            solve_game,
            missing,
            total=len(games),
            parallel=settings.parallel,
            take=take,
            unit="games",
            reuses_processes=True,
        )


def _clean(path: Path) -> set[tuple[str, int, int]]:
    """Keeps the rows of games that have all of them, and returns those games."""
    rows = read_csv(path, set(COLUMNS))
    counts: dict[tuple[str, int, int], int] = {}
    for row in rows:
        game = row["kind"], int(row["actions"]), int(row["seed"])
        counts[game] = counts.get(game, 0) + 1
    whole = {game for game, count in counts.items() if count == len(METHODS)}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in rows if (row["kind"], int(row["actions"]), int(row["seed"])) in whole)
    aside = path.with_suffix(".partial")
    aside.write_text(text.getvalue(), encoding="utf-8")
    aside.replace(path)
    return whole
