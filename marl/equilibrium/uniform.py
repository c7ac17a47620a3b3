"""All actions as often: what other methods are measured against."""

from __future__ import annotations

from typing import Any

from marl.equilibrium.payoffs import check_payoffs, expected_payoffs, gains, uniform_profile
from marl.equilibrium.record import Solution


def solve_uniform(payoffs: Any) -> Solution:
    """Returns the profile in which every player draws among all actions; `converged` whatever its regret is.

    Args:
        payoffs: [P, K_1, ..., K_P].
    """
    array = check_payoffs(payoffs)
    profile = uniform_profile(array)
    won, values = gains(array, profile), expected_payoffs(array, profile)
    return Solution("uniform", {}, profile, values, float(won.max()), float(won.sum()), 0, True)
