"""Every solver of payoff arrays by name, so that settings and command lines can choose one.

`python -m marl.equilibrium` prints the README's table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np

from games.names import unknown_name
from marl.equilibrium.alpha_rank import solve_alpha_rank
from marl.equilibrium.bimatrix import solve_lemke_howson
from marl.equilibrium.correlated import solve_coarse_correlated, solve_correlated
from marl.equilibrium.fictitious_play import solve_fictitious_play
from marl.equilibrium.gambit import solve_first_with_gambit
from marl.equilibrium.maximin import solve_maximin
from marl.equilibrium.mirror_descent import solve_magnetic, solve_multiplicative_weights
from marl.equilibrium.nash import solve_nash
from marl.equilibrium.quantal_response import solve_logit
from marl.equilibrium.record import JointSolution, Solution
from marl.equilibrium.regret_matching import solve_regret_matching
from marl.equilibrium.replicator import solve_projected_replicator, solve_replicator
from marl.equilibrium.risk_averse import solve_nash_path, solve_risk_averse
from marl.equilibrium.trembling_hand import solve_trembling_hand
from marl.equilibrium.uniform import solve_uniform
from marl.equilibrium.zero_sum import solve_zero_sum


@dataclass(frozen=True)
class Method:
    """A solver that `solve` knows.

    Attributes:
        solve: Called with payoffs [P, K_1, ..., K_P] and the parameters by keyword.
        games: Of which it finds what it promises.
        how: In a few words.
        source: Who it is by.
    """

    solve: Callable[..., Solution | JointSolution]
    games: str
    how: str
    source: str


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "nash": Method(solve_nash, "n players", "the first of the next three that is for the game", ""),
        "zero_sum": Method(
            solve_zero_sum, "two players, zero-sum", "saddle point, else a linear program (HiGHS)", "von Neumann 1928"
        ),
        "lemke_howson": Method(
            solve_lemke_howson,
            "two players",
            "capped pivots (quantecon)",
            "Lemke and Howson 1964; Codenotti et al. 2008",
        ),
        "nash_path": Method(
            solve_nash_path,
            "n players",
            "logit path, then the exact support",
            "McKelvey and Palfrey 1995; Turocy 2005",
        ),
        "gambit": Method(
            solve_first_with_gambit,
            "n players",
            "the first that one of Gambit's eight methods finds",
            "Savani and Turocy 2025",
        ),
        "rae": Method(
            solve_risk_averse,
            "n players",
            "logit path of mean less variance, then the exact support; certified",
            "after Slumbers et al. 2023, by our own specification",
        ),
        "quantal_response": Method(
            solve_logit, "n players", "logit path up to one rationality", "McKelvey and Palfrey 1995"
        ),
        "trembling_hand": Method(solve_trembling_hand, "n players", "least probabilities that vanish", "Selten 1975"),
        "maximin": Method(solve_maximin, "n players", "a linear program each", "von Neumann 1928"),
        "correlated": Method(
            solve_correlated,
            "n players, joint",
            "linear program (welfare, least epsilon) or quadratic program (Gini)",
            "Aumann 1974; Marris et al. 2021",
        ),
        "coarse_correlated": Method(
            solve_coarse_correlated, "n players, joint", "the same", "Moulin and Vial 1978; Marris et al. 2021"
        ),
        "alpha_rank": Method(
            solve_alpha_rank,
            "n players, joint",
            "sparse chain, elimination or aggregation",
            "Omidshafiei et al. 2019",
        ),
        "regret_matching": Method(
            solve_regret_matching,
            "n players; Nash where zero-sum",
            "averages of RM or RM+",
            "Hart and Mas-Colell 2000; Tammelin 2014",
        ),
        "fictitious_play": Method(
            solve_fictitious_play,
            "n players; Nash where zero-sum or potential",
            "best or logit answers to averages",
            "Brown 1951; Fudenberg and Kreps 1993",
        ),
        "replicator": Method(
            solve_replicator, "n players; Nash where zero-sum", "time averages", "Taylor and Jonker 1978"
        ),
        "prd": Method(
            solve_projected_replicator,
            "n players; Nash where zero-sum",
            "time averages above a floor",
            "Lanctot et al. 2017",
        ),
        "multiplicative_weights": Method(
            solve_multiplicative_weights, "n players; Nash where zero-sum", "averages", "Freund and Schapire 1999"
        ),
        "mirror_descent": Method(
            solve_magnetic,
            "n players; logit or Nash where zero-sum",
            "last iterates near a magnet",
            "Sokota et al. 2023",
        ),
        "uniform": Method(solve_uniform, "n players", "every action as often", ""),
    }
)


def solve(payoffs: Any, method: str = "nash", **parameters: Any) -> Solution | JointSolution:
    """Returns what a method makes of a game: a frozen record with profile, regret and whether it converged.

    Args:
        payoffs: [P, K_1, ..., K_P] what each player gets under each joint action.
        method: One of `METHODS`.
        **parameters: Of the method's function, by name.

    Raises:
        PayoffError: Payoffs that are none, or of a game that the method is not for.
        UnknownNameError: No such method or parameter.
        ValueError: A parameter that is missing or out of its range.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    function = METHODS[method].solve
    known = list(inspect.signature(function).parameters.values())[1:]
    for name in parameters:
        if name not in [each.name for each in known]:
            raise unknown_name(f"parameter of {method}", name, [each.name for each in known])
    missing = [each.name for each in known if each.default is each.empty and each.name not in parameters]
    if missing:
        raise ValueError(f"{method} needs {' and '.join(missing)}")
    for each in known:
        if each.name in parameters:
            _check_type(method, each, parameters[each.name])
    return function(payoffs, **parameters)


def _check_type(method: str, parameter: inspect.Parameter, given: Any) -> None:
    """Refuses what is not of the kind that the function's annotation asks for; its range is the function's own."""
    wanted = str(parameter.annotation).removesuffix(" | None")
    if given is None and wanted != parameter.annotation:
        return
    kind, is_it = _KINDS["str" if wanted.startswith("Literal") else wanted]
    if not is_it(given):
        raise ValueError(f"{parameter.name} of {method} must be {kind}, got {given!r}")


def _is_number(given: Any) -> bool:
    return isinstance(given, Real) and not isinstance(given, bool)


_KINDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "float": ("a number", _is_number),
    "int": ("a whole number", lambda given: isinstance(given, Integral) and not isinstance(given, bool)),
    "bool": ("true or false", lambda given: isinstance(given, bool)),
    "str": ("a name", lambda given: isinstance(given, str)),
    "Sequence[float]": (
        "a list of numbers",
        lambda given: isinstance(given, Sequence | np.ndarray) and all(map(_is_number, given)),
    ),
}


def method_table() -> str:
    """Returns a Markdown table with a row for each method."""
    rows = []
    for name, method in METHODS.items():
        parameters = list(inspect.signature(method.solve).parameters.values())[1:]
        required = ", ".join(f"`{each.name}`" for each in parameters if each.default is each.empty)
        rows.append(f"| `{name}` | {required} | {method.games} | {method.how} | {method.source} |")
    return "\n".join(["| name | needs | of which games | how | source |", "|---|---|---|---|---|", *rows])
