"""Nash equilibria of n players by Gambit's solvers, with its Python package (`pip install 'agora[gambit]'`).

Gambit 17 (Savani and Turocy 2025). Methods:

    "enumpure"   all pure equilibria
    "enumpoly"   all equilibria of generic games, support by support
    "gnm"        global Newton (Govindan and Wilson 2003): some equilibria
    "ipa"        iterated polymatrix approximation (Govindan and Wilson 2004): at most one
    "logit"      the logit path's limit (Turocy 2005): one
    "simpdiv"    simplicial subdivision (van der Laan, Talman and van der Heyden 1987): one
    "lcp"        Lemke and Howson 1964, two players: all that its pivots reach
    "enummixed"  extreme equilibria, two players: all

Every result carries its own regret, so an approximate one says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.names import unknown_name
from marl.equilibrium.payoffs import PayoffError, check_payoffs, uniform_profile
from marl.equilibrium.record import Solution, nash_solution

METHODS = ("enumpure", "enumpoly", "gnm", "ipa", "logit", "simpdiv", "lcp", "enummixed")
TWO_PLAYERS = ("lcp", "enummixed")


class GambitMissingError(ImportError):
    """Gambit's Python package is not installed."""


def solve_with_gambit(payoffs: Any, method: str = "gnm", tolerance: float = 1e-6) -> list[Solution]:
    """Returns the Nash equilibria that a method of Gambit's finds; none of them, an empty list.

    Args:
        payoffs: [P, K_1, ..., K_P], P >= 2.
        method: As the module's docstring lists them.
        tolerance: Of the regret, as a share of the largest difference between payoffs.

    Raises:
        GambitMissingError: pygambit is not installed.
        PayoffError: Payoffs that are none, or of more than two players for a method of two.
        UnknownNameError: No such method.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    array = check_payoffs(payoffs, num_players=2 if method in TWO_PLAYERS else None)
    if len(array) < 2:
        raise PayoffError("Gambit's methods are for two players or more, got payoffs of one")
    try:
        import pygambit
    except ImportError:
        raise GambitMissingError("this needs Gambit's Python package: pip install 'agora[gambit]'") from None
    game = pygambit.StrategicGame.from_arrays(*(np.ascontiguousarray(own) for own in array))
    start: Any = game
    if method == "simpdiv":
        start = game.mixed_strategy_profile(rational=True)
    solver = getattr(pygambit.nash, f"{method}_solve")
    options = {"rational": False} if method in TWO_PLAYERS else {}
    parameters = {"method": method, "tolerance": tolerance}
    result = solver(start, **options)
    profiles = result.equilibria if hasattr(result, "equilibria") else [result.equilibrium]
    found = [_as_arrays(each, array.shape[1:]) for each in profiles if each is not None]
    return [nash_solution(f"Gambit {method}", parameters, array, each, 0, tolerance) for each in found]


def solve_first_with_gambit(payoffs: Any, algorithm: str = "gnm", tolerance: float = 1e-6) -> Solution:
    """Returns the first Nash equilibrium that a method of Gambit's finds; where it finds none, the uniform profile.

    Args:
        payoffs: [P, K_1, ..., K_P], P >= 2.
        algorithm: As the module's docstring lists them.
        tolerance: Of the regret, as a share of the largest difference between payoffs.

    Returns:
        The equilibrium; `converged` is False for a uniform profile in place of one that was not found, unless that is
        an equilibrium itself.
    """
    found = solve_with_gambit(payoffs, algorithm, tolerance)
    if found:
        return found[0]
    array = check_payoffs(payoffs)
    parameters = {"method": algorithm, "tolerance": tolerance}
    return nash_solution(f"Gambit {algorithm}", parameters, array, uniform_profile(array), 0, tolerance)


def _as_arrays(profile: Any, counts: tuple[int, ...]) -> list[np.ndarray]:
    """Returns a profile of Gambit's, whose players and strategies are numbered from "1", as arrays."""
    return [
        np.array([float(profile[str(player)][str(action + 1)]) for action in range(count)])
        for player, count in enumerate(counts, start=1)
    ]
