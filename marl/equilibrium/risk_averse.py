"""Risk-averse equilibria: nobody gains in mean payoff less variance over the others' draws, with trembles.

RAE(gamma, eps), after Slumbers et al. 2023, by our own specification (risk.py): the Nash equilibria of the concave game
with utilities r_i = m_i - gamma V_i, every action kept at a probability of at least eps. One always exists. Solved by

1. following the logit path of these utilities from the uniform profile (homotopy.py),
2. now and then solving exactly for the support that the path shows (active_set.py), until the solution is near it,
3. certifying the result: `regret` bounds what any player could gain in its utility (`risk.risk_gaps`).

Which equilibrium it is, where there are several, depends on the path alone: no start is drawn. With gamma = 0 and
eps = 0 the result is a Nash equilibrium, of any number of players.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl.equilibrium.active_set import polish
from marl.equilibrium.homotopy import FlooredGame, PathPoint, logit_path
from marl.equilibrium.payoffs import PayoffError, check_payoffs, expected_payoffs, nash_conv, spread
from marl.equilibrium.record import Solution, to_simplex
from marl.equilibrium.risk import risk_gaps

FIRST_POLISH = 8.0  # rationality, in units of 1 / spread, from which supports are looked at, then ever 1.5 times later
LARGEST_RATIONALITY = 1e6  # where the path ends at the latest
SUPPORT_THRESHOLDS = (1e-3, 1e-6)  # free probabilities from which an action may be in the support
NEAR = 0.05  # how far in any probability the exact solution may be from the path that it is the end of


def solve_risk_averse(
    payoffs: Any, risk_aversion: float, floor: float, tolerance: float = 1e-6, max_steps: int = 5000
) -> Solution:
    """Returns a risk-averse equilibrium of any number of players.

    Args:
        payoffs: [P, K_1, ..., K_P].
        risk_aversion: gamma >= 0, weight of the variance, in units of 1 / payoff.
        floor: eps in [0, 1 / max K_i), least probability of every action.
        tolerance: Of the certified gap, as a share of the largest difference between payoffs.
        max_steps: Of the path.

    Returns:
        The profile; `regret` is the certified gap in utility.

    Raises:
        PayoffError: Payoffs that are none.
        ValueError: Parameters outside their ranges.
    """
    array = check_payoffs(payoffs)
    if not (np.isfinite(risk_aversion) and risk_aversion >= 0):
        raise ValueError(f"risk_aversion must be a finite number >= 0, got {risk_aversion!r}")
    check_floor(array, floor)
    scale = spread(array)
    game = FlooredGame((array - array.min()) / scale, risk_aversion * scale, floor)
    free, steps = _follow(game, max_steps)
    strategies = game.profile(np.concatenate([to_simplex(z) for z in np.split(free, np.cumsum(game.counts)[:-1])]))
    regret = float(risk_gaps(array, strategies, risk_aversion, floor).max())
    parameters = {"risk_aversion": risk_aversion, "floor": floor, "tolerance": tolerance, "max_steps": max_steps}
    return Solution(
        method="risk-averse equilibrium, by homotopy",
        parameters=parameters,
        profile=strategies,
        values=expected_payoffs(array, strategies),
        regret=regret,
        nash_conv=nash_conv(array, strategies),
        iterations=steps,
        converged=regret <= tolerance * scale,
    )


def solve_nash_path(payoffs: Any, tolerance: float = 1e-8, max_steps: int = 5000) -> Solution:
    """Returns the Nash equilibrium at the end of the logit path, for any number of players.

    McKelvey and Palfrey 1995 call it the limiting logit equilibrium; the exact solution for the path's support is
    returned as soon as there is one.

    Args:
        payoffs: [P, K_1, ..., K_P].
        tolerance: Of the regret, as a share of the largest difference between payoffs.
        max_steps: Of the path.
    """
    found = solve_risk_averse(payoffs, 0.0, 0.0, tolerance, max_steps)
    parameters = {"tolerance": tolerance, "max_steps": max_steps}
    return Solution(
        "Nash equilibrium, by homotopy",
        parameters,
        found.profile,
        found.values,
        found.regret,
        found.nash_conv,
        found.iterations,
        found.converged,
    )


def check_floor(payoffs: np.ndarray, floor: float) -> None:
    """Refuses a least probability that the actions cannot all have.

    Raises:
        PayoffError: Not in [0, 1 / max K_i).
    """
    most = max(payoffs.shape[1:])
    if not 0 <= floor < 1 / most:
        raise PayoffError(f"floor must be in [0, 1 / {most}), {most} the largest number of actions; got {floor!r}")


def _follow(game: FlooredGame, max_steps: int) -> tuple[np.ndarray, int]:
    """Returns the free probabilities of an equilibrium, or of the last point of the path, and the steps to there."""
    look_at = FIRST_POLISH
    point: PathPoint | None = None
    for point in logit_path(game, max_steps):
        if point.rationality < look_at:
            continue
        for least in SUPPORT_THRESHOLDS:
            exact = polish(game, point.free, least)
            if exact is not None and np.abs(exact - point.free).max() <= NEAR:
                return exact, point.steps
        if point.rationality > LARGEST_RATIONALITY:
            break
        look_at = 1.5 * point.rationality
    assert point is not None
    return point.free, point.steps
