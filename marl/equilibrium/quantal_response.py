"""Logit quantal response equilibria: every player's choice is a softmax of what its actions are worth.

McKelvey and Palfrey 1995: x_ia proportional to exp(lambda u_i(a, x_-i)). The branch that starts uniform at lambda = 0
is followed to the rationality asked for (homotopy.py), so the result is one of several where the game has several; as
lambda grows it leads to a Nash equilibrium (`risk_averse.solve_nash_path`).

Player i's strategy is then best in its payoff plus H(x_i) / lambda, H the entropy; what it could gain in that sum is
the divergence of its strategy from its softmax, over lambda. That is the record's `regret`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import log_softmax, rel_entr

from marl.equilibrium.homotopy import FlooredGame, at_rationality, logit_path
from marl.equilibrium.payoffs import (
    check_payoffs,
    deviation_payoffs,
    expected_payoffs,
    nash_conv,
    spread,
    uniform_profile,
)
from marl.equilibrium.record import TOLERANCE, Solution, to_simplex


def logit_regret(payoffs: np.ndarray, profile: Sequence[np.ndarray], rationality: float) -> float:
    """Returns the most that a player could gain in payoff plus entropy / rationality.

    Args:
        payoffs: [P, K_1, ..., K_P].
        profile: P strategies.
        rationality: lambda > 0, in units of 1 / payoff.
    """
    worths = deviation_payoffs(payoffs, profile)
    divergences = [
        rel_entr(x, np.exp(log_softmax(rationality * worth))).sum() for x, worth in zip(profile, worths, strict=True)
    ]
    return float(max(0.0, *divergences)) / rationality


def solve_logit(payoffs: Any, rationality: float, tolerance: float = TOLERANCE, max_steps: int = 5000) -> Solution:
    """Returns the quantal response equilibrium on the branch from the uniform profile.

    Args:
        payoffs: [P, K_1, ..., K_P].
        rationality: lambda >= 0, in units of 1 / payoff.
        tolerance: Of the regret, as a share of the largest difference between payoffs.
        max_steps: Of the path.

    Raises:
        PayoffError: Payoffs that are none.
        ValueError: A rationality that is negative or not finite.
    """
    array = check_payoffs(payoffs)
    if not (np.isfinite(rationality) and rationality >= 0):
        raise ValueError(f"rationality must be a finite number >= 0, got {rationality!r}")
    scale = spread(array)
    game = FlooredGame((array - array.min()) / scale)
    free, steps = _follow(game, rationality * scale, max_steps)
    profile = tuple(to_simplex(x) for x in game.profile(free))
    if rationality == 0:
        profile = uniform_profile(array)
    regret = logit_regret(array, profile, rationality) if rationality > 0 else 0.0
    parameters = {"rationality": rationality, "tolerance": tolerance, "max_steps": max_steps}
    values, conv = expected_payoffs(array, profile), nash_conv(array, profile)
    is_solved = regret <= tolerance * scale
    return Solution("logit equilibrium, by homotopy", parameters, profile, values, regret, conv, steps, is_solved)


def _follow(game: FlooredGame, rationality: float, max_steps: int) -> tuple[np.ndarray, int]:
    """Returns the free probabilities at a rationality, or at the last point of the path, and the steps to there."""
    before = None
    for point in logit_path(game, max_steps):
        if point.rationality >= rationality:
            return at_rationality(game, before or point, point, rationality), point.steps
        before = point
    assert before is not None
    return before.free, before.steps
