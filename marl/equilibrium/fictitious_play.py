"""Fictitious play: answer the average of what the others have played so far.

Brown 1951; the stochastic kind of Fudenberg and Kreps 1993 answers by a softmax of rationality lambda, and leads to
logit equilibria where it settles (Hofbauer and Sandholm 2002: zero-sum, potential and supermodular games, and those
with an interior stable state).

    average^t = average^{t-1} + (answer(average^{t-1}) - average^{t-1}) / t
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import softmax

from marl.equilibrium.payoffs import Profile, check_payoffs, deviation_payoffs, uniform_profile
from marl.equilibrium.quantal_response import logit_regret
from marl.equilibrium.record import Solution, settle


def fictitious_play_profiles(payoffs: np.ndarray, rationality: float | None = None) -> Iterator[Profile]:
    """Yields the average profile after each iteration; the uniform profile counts as the first play.

    Args:
        payoffs: [P, K_1, ..., K_P].
        rationality: Of the softmax, in units of 1 / payoff; None: best responses, the first of equally good ones.
    """
    average = uniform_profile(payoffs)
    plays = 1
    while True:
        plays += 1
        worths = deviation_payoffs(payoffs, average)
        answers = [
            np.eye(len(worth))[worth.argmax()] if rationality is None else softmax(rationality * worth)
            for worth in worths
        ]
        average = tuple(x + (answer - x) / plays for x, answer in zip(average, answers, strict=True))
        yield average


def solve_fictitious_play(
    payoffs: Any, rationality: float | None = None, max_iterations: int = 10_000, tolerance: float = 1e-3
) -> Solution:
    """Returns the average strategies of fictitious play.

    Args:
        payoffs: [P, K_1, ..., K_P].
        rationality: Of the answers' softmax, > 0, in units of 1 / payoff; `regret` is then in payoff plus entropy /
            rationality. None: best responses.
        max_iterations: After which it gives up.
        tolerance: Of the regret, as a share of the largest difference between payoffs.
    """
    array = check_payoffs(payoffs)
    if rationality is not None and not (np.isfinite(rationality) and rationality > 0):
        raise ValueError(f"rationality must be a finite number > 0, or None for best responses, got {rationality!r}")
    parameters = {"rationality": rationality, "max_iterations": max_iterations, "tolerance": tolerance}
    profiles = fictitious_play_profiles(array, rationality)
    if rationality is None:
        return settle("fictitious play", parameters, array, profiles, max_iterations, tolerance)
    return settle(
        "stochastic fictitious play",
        parameters,
        array,
        profiles,
        max_iterations,
        tolerance,
        lambda profile: logit_regret(array, profile, rationality),
    )
