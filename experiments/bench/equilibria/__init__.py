"""Equilibria: counterfactual regrets against OpenSpiel's C++, and what a meta-game costs each solver.

One thread and CPU time; set OMP_NUM_THREADS=1. How often the risk-averse solver converges is measured apart, by
`python -m experiments.bench.equilibria.convergence`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import pyspiel

from experiments.bench import Measure, Row, Work, cpu_seconds, three_digits
from experiments.bench.worlds.rounds import size_round
from games.matrix import generators
from games.open_spiel.load import load_game
from marl.equilibrium.alpha_rank import solve_alpha_rank
from marl.equilibrium.bimatrix import solve_lemke_howson
from marl.equilibrium.correlated import solve_correlated
from marl.equilibrium.counterfactual import CounterfactualRegrets
from marl.equilibrium.game_tree import flatten
from marl.equilibrium.quantal_response import solve_logit
from marl.equilibrium.risk_averse import solve_nash_path, solve_risk_averse
from marl.equilibrium.zero_sum import solve_zero_sum

ITERATIONS = "iterations / CPU-s"
# Name, OpenSpiel's parameters, and how many times OpenSpiel's rate we aim for.
TREES: tuple[tuple[str, dict[str, Any], float | None], ...] = (
    ("kuhn_poker", {}, None),
    ("leduc_poker", {}, 10.0),
    ("goofspiel", {"num_cards": 4, "imp_info": True, "points_order": "descending"}, None),
    ("liars_dice", {"dice_sides": 4}, None),
)
VARIANTS: tuple[tuple[Literal["cfr", "cfr+"], Any], ...] = (("cfr", pyspiel.CFRSolver), ("cfr+", pyspiel.CFRPlusSolver))
SIZES = (10, 20, 50, 100)  # policies of each of two players
SOLVERS: dict[str, tuple[int, Callable[[np.ndarray], object]]] = {
    "zero-sum, linear program": (100, solve_zero_sum),
    "Lemke-Howson": (100, solve_lemke_howson),
    "Nash by homotopy": (50, solve_nash_path),
    "logit, rationality 10": (50, lambda payoffs: solve_logit(payoffs, 10.0)),
    "risk-averse, gamma 2": (50, lambda payoffs: solve_risk_averse(payoffs, 2.0, 0.01 / payoffs.shape[1])),
    "coarse correlated, gini": (20, lambda payoffs: solve_correlated(payoffs, "coarse", "gini")),
    "alpha-rank": (100, lambda payoffs: solve_alpha_rank(payoffs, 1.0)),
}


def run(measure: Measure) -> None:
    """Measures the trees, ours and OpenSpiel's in turns, then one solution of a random game by each solver."""
    for name, parameters, aim in TREES:
        for variant, _ in VARIANTS:
            ours, theirs = _race(measure, name, parameters, variant)
            measure.compare(f"{name}, {variant}: ours / OpenSpiel C++", ours, theirs, aim)
    table = [["two players' meta-game, CPU ms", *(f"{size} policies" for size in SIZES)]]
    for solver, (largest, solve) in SOLVERS.items():
        cells = [three_digits(_milliseconds(measure, solver, solve, n)) if n <= largest else "" for n in SIZES]
        table.append([solver, *cells])
    measure.tables["solvers"] = table


def _race(measure: Measure, name: str, parameters: dict[str, Any], variant: Literal["cfr", "cfr+"]) -> tuple[Row, Row]:
    run_ours = CounterfactualRegrets(flatten(name, **parameters), variant)
    game = load_game(name, parameters)
    if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        game = pyspiel.convert_to_turn_based(game)
    theirs = dict(VARIANTS)[variant](game)

    def iterate_theirs(iterations: int) -> None:
        for _ in range(iterations):
            theirs.evaluate_and_update_policy()

    works = {
        f"{name}, {variant}, ours": _work(run_ours.iterate),
        f"{name}, {variant}, OpenSpiel C++": _work(iterate_theirs),
    }
    ours, peer = measure.rates(ITERATIONS, works)
    return ours, peer


def _work(iterate: Callable[[int], object]) -> tuple[float, Work]:
    """Returns how many iterations a round has, and the round."""

    def play(iterations: int) -> float:
        return cpu_seconds(partial(iterate, iterations))

    rounds = size_round(play)
    return rounds, partial(play, rounds)


def _milliseconds(measure: Measure, solver: str, solve: Callable[[np.ndarray], object], size: int) -> float:
    """Measures solutions per CPU second of one random game; returns the milliseconds of one."""
    draw = generators.zero_sum if solver.startswith("zero-sum") else generators.general_sum
    payoffs = draw((size, size), np.random.default_rng(0))
    solve(payoffs)  # a first one, in which Numba compiles
    (row,) = measure.rates("solutions / CPU-s", {f"{solver}, {size} policies": _work(partial(_repeat, solve, payoffs))})
    return 1000 / row.median


def _repeat(solve: Callable[[np.ndarray], object], payoffs: np.ndarray, times: int) -> None:
    for _ in range(times):
        solve(payoffs)
