"""Two players, any payoffs: one Nash equilibrium by Lemke and Howson's pivots, or all of them by enumeration.

- `solve_lemke_howson`: Lemke and Howson 1964, restarted from another label whenever a run has taken `capping` pivots,
  as Codenotti, De Rossi and Pagan 2008 advise: uncapped runs on random games grow about like n^7.
- `enumerate_equilibria`: of a nondegenerate game all of them, by the vertices of the best-response polytopes ("vertex",
  von Stengel 2007, algorithm 3.5) or by supports of equal size ("support", ibid. 3.4). Exponential: 12 x 12 is large.

Pivots and polytopes are quantecon's, in float arithmetic compiled by Numba on first use; every result carries its
regret.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Literal

import numpy as np

from games.names import unknown_name
from marl.equilibrium.payoffs import check_payoffs, gains, pure_equilibria, spread
from marl.equilibrium.record import TOLERANCE, Solution, nash_solution

METHODS = ("vertex", "support")
DEFAULT_CAPPING = 200
SLACK = 1e-9  # of probabilities, and of gains as a share of the payoffs' spread


def _to_quantecon(payoffs: np.ndarray) -> Any:
    from quantecon.game_theory import NormalFormGame, Player  # Numba takes seconds to import

    # A player's own actions come first there.
    return NormalFormGame([Player(payoffs[0]), Player(payoffs[1].T.copy())])


def solve_lemke_howson(
    payoffs: Any,
    capping: int = DEFAULT_CAPPING,
    first_label: int = 0,
    max_pivots: int = 1_000_000,
    tolerance: float = TOLERANCE,
) -> Solution:
    """Returns one Nash equilibrium of a two-player game.

    Args:
        payoffs: [2, A, B].
        capping: Pivots after which another label is tried; the last one runs on.
        first_label: In [0, A + B): the action that is dropped first. Different ones may lead to different equilibria.
        max_pivots: After which it gives up.
        tolerance: Of the regret, as a share of the largest difference between payoffs.

    Raises:
        PayoffError: Not the payoffs of two players.
        ValueError: No such label.
    """
    from quantecon.game_theory import lemke_howson

    array = check_payoffs(payoffs, num_players=2)
    num_labels = array.shape[1] + array.shape[2]
    if not 0 <= first_label < num_labels:
        raise ValueError(f"first_label must be in [0, {num_labels}), got {first_label!r}")
    profile, run = lemke_howson(_to_quantecon(array), first_label, max_pivots, capping, full_output=True)
    parameters = {"capping": capping, "first_label": first_label, "max_pivots": max_pivots, "tolerance": tolerance}
    return nash_solution("Lemke-Howson", parameters, array, profile, int(run.num_iter), tolerance)


def enumerate_equilibria(
    payoffs: Any, method: Literal["vertex", "support"] = "vertex", tolerance: float = TOLERANCE
) -> list[Solution]:
    """Returns all Nash equilibria of a nondegenerate two-player game, those of a degenerate one that are vertices.

    Args:
        payoffs: [2, A, B].
        method: "vertex" or "support"; the second finds equilibria with supports of equal size alone.
        tolerance: Of the regret, as a share of the largest difference between payoffs.

    Raises:
        PayoffError: Not the payoffs of two players.
    """
    array = check_payoffs(payoffs, num_players=2)
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    profiles = list(_equal_supports(array)) if method == "support" else _vertices(array)
    parameters = {"method": method, "tolerance": tolerance}
    return [nash_solution(f"{method} enumeration", parameters, array, each, 0, tolerance) for each in profiles]


def _vertices(payoffs: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    counts = payoffs.shape[1:]
    if min(counts) == 1:  # quantecon's polytopes need a second action; pure equilibria are all there are
        actions = pure_equilibria(payoffs)
        return [tuple(np.eye(k)[a] for k, a in zip(counts, each, strict=True)) for each in actions]
    from quantecon.game_theory import vertex_enumeration

    return vertex_enumeration(_to_quantecon(payoffs))


def _equal_supports(payoffs: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the equilibria whose two supports are of one size."""
    num_rows, num_columns = payoffs.shape[1:]
    slack = SLACK * spread(payoffs)
    for size in range(1, min(num_rows, num_columns) + 1):
        for rows in combinations(range(num_rows), size):
            for columns in combinations(range(num_columns), size):
                y = _indifference(payoffs[0][np.ix_(rows, columns)], slack)
                x = _indifference(payoffs[1][np.ix_(rows, columns)].T, slack)
                if x is None or y is None:
                    continue
                profile = np.zeros(num_rows), np.zeros(num_columns)
                profile[0][list(rows)], profile[1][list(columns)] = x, y
                if gains(payoffs, profile).max() <= slack:
                    yield profile


def _indifference(own: np.ndarray, slack: float) -> np.ndarray | None:
    """Returns the opponent's mix [S] that makes all rows of [S, S] worth the same; None where there is none."""
    size = len(own)
    system = np.block([[own, -np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
    try:
        mix = np.linalg.solve(system, np.r_[np.zeros(size), 1.0])[:size]
    except np.linalg.LinAlgError:
        return None
    # A probability of 0 belongs to a smaller support.
    return mix if mix.min() > SLACK and np.ptp(own @ mix) <= slack else None
