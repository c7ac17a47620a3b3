"""Which best responses an epoch learns, and against whom: what a meta-strategy asks of the oracles.

rule           responses of a player                              for
"marginal"     one, to the others' independent draws              most meta-solvers
"joint"        one, to the others' joint draws                    coarse correlated (Marris et al. 2021)
"conditional"  one to each recommendation, to what the others     correlated (Marris et al. 2021)
               then do
"rectified"    one from each policy in use, to those it beats     PSRO_rN (Balduzzi et al. 2019)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from marl.psro.meta_solvers import MetaStrategy
from marl.psro.opponents import Mixture

Rule = Literal["marginal", "joint", "conditional", "rectified"]
RULES: Mapping[str, Rule] = {"coarse_correlated": "joint", "correlated": "conditional", "rectified": "rectified"}

IN_USE = 1e-6  # probability from which a policy counts as in use


@dataclass(frozen=True)
class Response:
    """One best response to learn.

    Attributes:
        agent: Who learns it.
        player: To whose population it is added.
        mixtures: By agent, whom the others play as.
        start: Number of the own policy that it grows from, if any.
    """

    agent: str
    player: str
    mixtures: Mapping[str, Mixture]
    start: int | None = None


def plan_responses(
    seats: Mapping[str, str], meta: MetaStrategy, payoffs: np.ndarray, rule: Rule = "marginal"
) -> list[Response]:
    """Returns the responses of one epoch.

    Args:
        seats: By agent, from whose population it is played. Agents with one population share its responses: only the
            first of them learns.
        meta: The meta-strategy.
        payoffs: [n, K_1, ..., K_n].
        rule: Above.

    Raises:
        ValueError: Another rule than "marginal" among more than two agents.
    """
    agents = list(seats)
    learners = [number for number, agent in enumerate(agents) if seats[agent] not in list(seats.values())[:number]]
    if rule != "marginal" and len(agents) != 2:
        raise ValueError(f"{rule} responses are for 2 agents, got {len(agents)}")
    if rule in ("marginal", "joint"):  # of two agents, the other's joint draw is its marginal
        return [_respond(seats, number, dict(enumerate(meta.profile))) for number in learners]
    rectified = rule == "rectified"
    return [response for number in learners for response in _by_own_policy(seats, number, meta, payoffs, rectified)]


def _respond(
    seats: Mapping[str, str], learner: int, draws: Mapping[int, np.ndarray], start: int | None = None
) -> Response:
    agents = list(seats)
    mixtures = {other: Mixture(seats[other], draws[number]) for number, other in enumerate(agents) if number != learner}
    return Response(agents[learner], seats[agents[learner]], mixtures, start)


def _by_own_policy(
    seats: Mapping[str, str], learner: int, meta: MetaStrategy, payoffs: np.ndarray, rectified: bool
) -> list[Response]:
    joint, won = (meta.joint, payoffs[learner]) if learner == 0 else (meta.joint.T, payoffs[learner].T)
    responses = []
    for policy in np.flatnonzero(meta.profile[learner] > IN_USE).tolist():
        draws = joint[policy] / joint[policy].sum()
        if rectified:
            beaten = draws * np.maximum(won[policy], 0)
            draws = beaten / beaten.sum() if beaten.any() else draws
        start = policy if rectified else None
        responses.append(_respond(seats, learner, {1 - learner: draws}, start))
    return responses
