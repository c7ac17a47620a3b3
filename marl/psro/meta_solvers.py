"""Meta-strategies by name: every solver of marl/equilibrium, and the two rules of self-play.

name            meta-strategy                                                    with PPO it is
a method of     its profile; where it finds a joint distribution, the marginals  PSRO with that meta-solver
equilibrium     and the joint distribution itself
"self_play"     the last policy of every player                                  independent self-play
"fictitious_    every policy so far as often as any other, as "uniform"          fictitious self-play
 self_play"
"rectified"     that of "nash"                                                   PSRO_rN (Balduzzi et al. 2019)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.names import unknown_name
from marl.equilibrium import METHODS, solve
from marl.equilibrium.payoffs import PayoffError, joint_distribution

MetaSolver = str | Callable[[np.ndarray], "MetaStrategy"]
SAME_AS = {"fictitious_self_play": "uniform", "rectified": "nash"}  # in what is solved
META_SOLVERS = (*METHODS, "self_play", *SAME_AS)
WEIGHT_ERROR = 1e-6  # of a distribution, in its weights and their sum


@dataclass(frozen=True, eq=False)
class MetaStrategy:
    """How the policies of an empirical game are played.

    Attributes:
        profile: A distribution [K_i] for each player; of a joint distribution its marginals.
        joint: [K_1, ..., K_n]; the product of the profile unless the solver correlates.
        method: What the solver calls itself.
        regret: By the solver's own condition, within the empirical game.
        converged: Whether the condition holds.
    """

    profile: tuple[np.ndarray, ...]
    joint: np.ndarray
    method: str
    regret: float
    converged: bool

    @property
    def is_correlated(self) -> bool:
        """Whether the joint distribution is more than its marginals."""
        return not np.allclose(self.joint, joint_distribution(self.profile), rtol=0, atol=1e-9)


def independent(
    profile: tuple[np.ndarray, ...], method: str, regret: float = 0.0, converged: bool = True
) -> MetaStrategy:
    """Returns a meta-strategy of independent draws."""
    return MetaStrategy(profile, joint_distribution(profile), method, regret, converged)


def check_meta_solver(name: str) -> None:
    """Raises UnknownNameError for a name that is none."""
    if name not in META_SOLVERS:
        raise unknown_name("meta-solver", name, META_SOLVERS)


def check_parameters(solver: str, parameters: Mapping[str, Any], num_players: int, is_zero_sum: bool) -> None:
    """Looks whether a meta-solver takes its parameters, and games of so many players, on the smallest of games.

    Args:
        solver: One of META_SOLVERS.
        parameters: All of them.
        num_players: Of the games that it is to solve.
        is_zero_sum: Whether their payoffs sum to 0.

    Raises:
        UnknownNameError: No such solver or parameter.
        ValueError: A parameter is missing or out of range, or the solver is not for these games.
    """
    check_meta_solver(solver)
    if solver == "zero_sum" and not (is_zero_sum and num_players == 2):
        raise ValueError("the meta-solver zero_sum is for two players whose payoffs sum to 0; nash is for all")
    try:
        find_meta_strategy(np.zeros((num_players, *(1,) * num_players)), solver, parameters)
    except PayoffError as error:
        raise ValueError(f"the meta-solver {solver} cannot be taken here: {error}") from None


def find_meta_strategy(payoffs: np.ndarray, solver: MetaSolver, parameters: Mapping[str, Any]) -> MetaStrategy:
    """Returns how the policies of an empirical game are to be played.

    Args:
        payoffs: [n, K_1, ..., K_n].
        solver: One of META_SOLVERS, or what returns a meta-strategy for payoffs.
        parameters: Of a solver by name.

    Raises:
        UnknownNameError: No such solver or parameter.
        ValueError: A parameter is missing or out of range.
        PayoffError: What was returned are no distributions over the policies.
    """
    if not isinstance(solver, str):
        return _checked(solver(payoffs), payoffs.shape[1:])
    check_meta_solver(solver)
    if solver == "self_play":
        if parameters:
            raise ValueError(f"self_play has no parameters, got {', '.join(parameters)}")
        return independent(tuple(np.eye(size)[-1] for size in payoffs.shape[1:]), "self-play")
    solution = solve(payoffs, SAME_AS.get(solver, solver), **parameters)
    found = MetaStrategy(solution.profile, solution.joint, solution.method, solution.regret, solution.converged)
    return _checked(found, payoffs.shape[1:])


def _checked(meta: MetaStrategy, sizes: tuple[int, ...]) -> MetaStrategy:
    """Returns it if it can be played: written down, anything else would be found only when a run is resumed.

    Raises:
        PayoffError: It has no distribution for each player, or none over all policies together.
    """
    parts = [*meta.profile, meta.joint.ravel()]
    wanted = [*((size,) for size in sizes), (int(np.prod(sizes)),)]
    if [part.shape for part in parts] != wanted:
        raise PayoffError(f"{meta.method} must weigh policies {list(sizes)}, got {[part.size for part in parts[:-1]]}")
    if not all(np.all(part >= -WEIGHT_ERROR) and abs(part.sum() - 1) <= WEIGHT_ERROR for part in parts):
        raise PayoffError(f"{meta.method} did not return distributions: {[part.tolist() for part in meta.profile]}")
    return meta
