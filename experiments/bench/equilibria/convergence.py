"""How often the risk-averse solver gets there on random general-sum games, beside fictitious play.

`python -m experiments.bench.equilibria.convergence` with one thread (OMP_NUM_THREADS=1) adds the games that
results/convergence_of_equilibria.csv lacks, one row a game, so a run that was stopped goes on; it takes some ten CPU
minutes from an empty file. `--table` prints the README's table.

Two players, payoffs uniform in [0, 1], floor 0.01 / actions, one game a seed. The solver counts where its certified gap
is below 1e-6. Fictitious play answers the averages by exact best responses, 1,500 times, and counts where its gap, the
larger of the two players', is below 1e-3.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from experiments.bench import RESULTS, three_digits
from experiments.markdown import to_markdown
from experiments.run_folder import write_atomically
from marl.equilibrium.payoffs import uniform_profile
from marl.equilibrium.risk import best_risk_response, risk_gaps
from marl.equilibrium.risk_averse import solve_risk_averse

ACTIONS = (5, 10, 20, 50)
RISK_AVERSIONS = (0.5, 2.0, 10.0)
HOMOTOPY, PLAY = "homotopy", "fictitious play"
GAMES = {HOMOTOPY: 100, PLAY: 20}
GAPS = {HOMOTOPY: 1e-6, PLAY: 1e-3}
ROUNDS_OF_PLAY = 1500
PATH = RESULTS / "convergence_of_equilibria.csv"


class Game(NamedTuple):
    """What one solver made of one game.

    Attributes:
        solver: HOMOTOPY or PLAY.
        actions: Of each player.
        risk_aversion: Weight of the variance.
        seed: Of the payoffs.
        gap: Certified bound of what a player could gain in utility.
        cpu_s: CPU seconds that it took.
        steps: Of the path, or rounds of play.
    """

    solver: str
    actions: int
    risk_aversion: float
    seed: int
    gap: float
    cpu_s: float
    steps: int


def random_game(num_actions: int, seed: int) -> np.ndarray:
    """Returns [2, A, A] payoffs uniform in [0, 1]."""
    return np.random.default_rng(seed).uniform(size=(2, num_actions, num_actions))


def play_fictitiously(payoffs: np.ndarray, risk_aversion: float, floor: float) -> float:
    """Returns the gap of the average profile after ROUNDS_OF_PLAY risk-averse best responses to it."""
    average = uniform_profile(payoffs)
    for plays in range(2, ROUNDS_OF_PLAY + 2):
        answers = [best_risk_response(payoffs, average, player, risk_aversion, floor) for player in range(len(payoffs))]
        average = tuple(x + (answer - x) / plays for x, answer in zip(average, answers, strict=True))
    return float(risk_gaps(payoffs, average, risk_aversion, floor).max())


def solve_one(solver: str, num_actions: int, risk_aversion: float, seed: int) -> Game:
    """Solves one game and times it."""
    payoffs, floor = random_game(num_actions, seed), 0.01 / num_actions
    start = time.process_time()
    if solver == HOMOTOPY:
        solution = solve_risk_averse(payoffs, risk_aversion, floor)
        gap, steps = solution.regret, solution.iterations
    else:
        gap, steps = play_fictitiously(payoffs, risk_aversion, floor), ROUNDS_OF_PLAY
    spent = time.process_time() - start
    return Game(solver, num_actions, risk_aversion, seed, float(f"{gap:.3g}"), float(f"{spent:.3g}"), steps)


def read_games(path: Path = PATH) -> list[Game]:
    """Returns the games that a file has; none where there is no file."""
    if not path.exists():
        return []
    kinds = (str, int, float, int, float, float, int)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [Game(*(kind(cell) for kind, cell in zip(kinds, row, strict=True))) for row in rows]


def missing_games(games: list[Game]) -> Iterator[tuple[str, int, float, int]]:
    """Yields solver, actions, risk aversion and seed of what has not been solved yet."""
    done = {game[:4] for game in games}
    for solver, count in GAMES.items():
        for num_actions in ACTIONS:
            for risk_aversion in RISK_AVERSIONS:
                for seed in range(count):
                    if (solver, num_actions, risk_aversion, seed) not in done:
                        yield solver, num_actions, risk_aversion, seed


def write_games(games: list[Game], path: Path = PATH) -> None:
    """Writes all games in order, whole or not at all."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([Game._fields, *sorted(games)])
    write_atomically(path, out.getvalue())


def solved_share(games: list[Game], solver: str, num_actions: int, risk_aversion: float) -> float:
    """Returns the share of a solver's games of one kind that count as solved."""
    gaps = [game.gap for game in games if game[:3] == (solver, num_actions, risk_aversion)]
    return sum(gap < GAPS[solver] for gap in gaps) / len(gaps)


def convergence_table(games: list[Game]) -> str:
    """Returns the README's Markdown."""
    table = [["actions", "gamma", "solved", "largest gap", "CPU s, median", "largest", "fictitious play"]]
    for num_actions in ACTIONS:
        for risk_aversion in RISK_AVERSIONS:
            ours = [game for game in games if game[:3] == (HOMOTOPY, num_actions, risk_aversion)]
            shares = [f"{solved_share(games, solver, num_actions, risk_aversion):.0%}" for solver in GAMES]
            spent = [game.cpu_s for game in ours]
            cells = [f"{max(game.gap for game in ours):.0e}", three_digits(median(spent)), three_digits(max(spent))]
            table.append([str(num_actions), f"{risk_aversion:g}", shares[0], *cells, shares[1]])
    return to_markdown(table)


def main() -> None:
    """Solves what is missing, game by game, and prints the table."""
    games = read_games()
    if "--table" not in sys.argv[1:]:
        for missing in missing_games(games):
            games.append(solve_one(*missing))
            write_games(games)
    print(convergence_table(games))


if __name__ == "__main__":
    main()
