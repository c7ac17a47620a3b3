"""Multiplicative weights and magnetic mirror descent: steps in the logarithms of the probabilities.

Multiplicative weights (Freund and Schapire 1999):  x^{t+1} proportional to x^t exp(step * q^t), q^t = u_i(., x_-i^t).
The average leads to an equilibrium of two-player zero-sum games, and joint play to coarse correlated equilibria.

Magnetic mirror descent (Sokota et al. 2023, eq. 9) is drawn back to a magnet m at temperature alpha:

    x^{t+1} proportional to (x^t m^{step * alpha} exp(step * q^t))^{1 / (1 + step * alpha)}

With the magnet uniform its last iterate leads to the logit equilibrium of rationality 1 / alpha in two-player zero-sum
games, for steps up to alpha over the squared payoffs' size. With the magnet moved to the present strategy every
`follow_every` steps, it leads to a Nash equilibrium there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import softmax

from marl.equilibrium.payoffs import Profile, check_payoffs, deviation_payoffs, spread, uniform_profile
from marl.equilibrium.quantal_response import logit_regret
from marl.equilibrium.record import Solution, settle
from marl.equilibrium.replicator import time_average


def mirror_descent_profiles(
    payoffs: np.ndarray, step: float, temperature: float = 0.0, follow_every: int | None = None
) -> Iterator[Profile]:
    """Yields the profile after each step, all players moving at once from the uniform profile.

    Args:
        payoffs: [P, K_1, ..., K_P].
        step: In units of 1 / payoff.
        temperature: alpha, in units of payoff; 0: multiplicative weights.
        follow_every: Steps after which the magnet moves to where the players are; None: it stays uniform.
    """
    logs = [np.log(x) for x in uniform_profile(payoffs)]
    magnets = [np.zeros(len(y)) for y in logs]
    iteration = 0
    while True:
        iteration += 1
        worths = deviation_payoffs(payoffs, [softmax(y) for y in logs])
        logs = [
            (y + step * (temperature * magnet + worth)) / (1 + step * temperature)
            for y, magnet, worth in zip(logs, magnets, worths, strict=True)
        ]
        logs = [y - y.max() for y in logs]
        if follow_every is not None and iteration % follow_every == 0:
            magnets = logs
        yield tuple(softmax(y) for y in logs)


def _check_step(step: float) -> None:
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be a finite number > 0, got {step!r}")


def solve_multiplicative_weights(
    payoffs: Any, step: float = 0.05, max_iterations: int = 50_000, tolerance: float = 1e-2
) -> Solution:
    """Returns the average strategies of multiplicative weights.

    Args:
        payoffs: [P, K_1, ..., K_P].
        step: For payoffs scaled to a spread of 1; the average's regret in zero-sum games is of the same size.
        max_iterations: After which it gives up.
        tolerance: Of the regret, as a share of the largest difference between payoffs.
    """
    array = check_payoffs(payoffs)
    _check_step(step)
    parameters = {"step": step, "max_iterations": max_iterations, "tolerance": tolerance}
    profiles = time_average(mirror_descent_profiles(array, step / spread(array)), uniform_profile(array))
    return settle("multiplicative weights", parameters, array, profiles, max_iterations, tolerance)


def solve_magnetic(
    payoffs: Any,
    temperature: float = 0.1,
    step: float | None = None,
    follow_every: int | None = None,
    max_iterations: int = 50_000,
    tolerance: float = 1e-6,
) -> Solution:
    """Returns the last iterate of magnetic mirror descent.

    Args:
        payoffs: [P, K_1, ..., K_P].
        temperature: alpha > 0, in units of payoff.
        step: In units of 1 / payoff; None: temperature / spread^2, within the theorem's range for zero-sum games.
        follow_every: Steps after which the magnet moves to the present strategies. None: it stays uniform, and
            `regret` is that of the logit equilibrium of rationality 1 / temperature.
        max_iterations: After which it gives up.
        tolerance: Of the regret, as a share of the largest difference between payoffs.
    """
    array = check_payoffs(payoffs)
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature must be a finite number > 0, got {temperature!r}")
    if follow_every is not None and follow_every < 1:
        raise ValueError(f"follow_every must be at least 1, or None, got {follow_every!r}")
    chosen = temperature / spread(array) ** 2 if step is None else step
    _check_step(chosen)
    parameters = {
        **{"temperature": temperature, "step": chosen, "follow_every": follow_every},
        **{"max_iterations": max_iterations, "tolerance": tolerance},
    }
    profiles = mirror_descent_profiles(array, chosen, temperature, follow_every)
    regret_of = None if follow_every is not None else lambda profile: logit_regret(array, profile, 1 / temperature)
    return settle("magnetic mirror descent", parameters, array, profiles, max_iterations, tolerance, regret_of)
