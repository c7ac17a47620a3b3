"""Which best responses an epoch learns, and against whom: what a meta-strategy asks of the oracles.

rule           responses of a player                              for
"marginal"     one, to the others' independent draws              most meta-solvers
"joint"        one, to the others' joint draws                    coarse correlated (Marris et al. 2021)
"conditional"  one to each recommendation, to what the others     correlated (Marris et al. 2021)
               then do
"rectified"    one from each policy in use, to those it beats     PSRO_rN (Balduzzi et al. 2019)

Agents with one population share a response where they face the same opponents, as they all do where the meta-strategy
is symmetric. Where it is not, each of them is answered for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Literal

import numpy as np

from marl.equilibrium.payoffs import joint_distribution
from marl.psro.meta_solvers import MetaStrategy
from marl.psro.opponents import Mixture

Rule = Literal["marginal", "joint", "conditional", "rectified"]
RULES: Mapping[str, Rule] = {"coarse_correlated": "joint", "correlated": "conditional", "rectified": "rectified"}

IN_USE = 1e-6  # probability from which a policy counts as in use
ALIKE = 1e-6  # probabilities nearer than this are the same but for a solver's rounding


@dataclass(frozen=True)
class Response:
    """One best response to learn.

    Attributes:
        agent: Who learns it.
        player: To whose population it is added.
        mixtures: By agent, whom the others play as.
        joint: Their joint draws, as `Opponents` has them; None: independent ones.
        start: Number of the own policy that it grows from, if any.
        agents: Whose response it is: the learner's, and that of others who face the same opponents.
    """

    agent: str
    player: str
    mixtures: Mapping[str, Mixture]
    joint: np.ndarray | None = None
    start: int | None = None
    agents: tuple[str, ...] = ()


def plan_responses(
    seats: Mapping[str, str], meta: MetaStrategy, payoffs: np.ndarray, rule: Rule = "marginal"
) -> list[Response]:
    """Returns the responses of one epoch.

    Args:
        seats: By agent, from whose population it is played. Agents with one population are exchangeable: of those who
            face the same opponents, in any order, only the first learns.
        meta: The meta-strategy.
        payoffs: [n, K_1, ..., K_n].
        rule: Above.
    """
    planned: list[Response] = []
    for number in range(len(seats)):
        planned = _shared(planned, _respond_by_rule(seats, number, meta, payoffs, rule))
    return planned


def _respond_by_rule(
    seats: Mapping[str, str], learner: int, meta: MetaStrategy, payoffs: np.ndarray, rule: Rule
) -> list[Response]:
    if rule == "marginal":
        others = [own for player, own in enumerate(meta.profile) if player != learner]
        return [_respond(seats, learner, others)]
    if rule == "joint":
        return [_respond_to_joint(seats, learner, meta.joint.sum(axis=learner))]
    return _by_own_policy(seats, learner, meta, payoffs, rule == "rectified")


def _shared(planned: Sequence[Response], more: Sequence[Response]) -> list[Response]:
    """Returns the planned responses with those of one more agent, who takes part in those that are the same."""
    found, added = list(planned), []
    for response in more:
        same = next((place for place, other in enumerate(planned) if _is_same(other, response)), None)
        if same is None:
            added.append(response)
        elif response.agent not in found[same].agents:
            found[same] = replace(found[same], agents=(*found[same].agents, response.agent))
    return [*found, *added]


def _is_same(one: Response, other: Response) -> bool:
    """Whether two responses are of one population, to the same opponents in any order."""
    if (one.player, one.start) != (other.player, other.start):
        return False
    if (one.joint is None) != (other.joint is None):
        return False
    first, second = list(one.mixtures.values()), list(other.mixtures.values())
    for order in permutations(range(len(second))):
        pairs = list(zip(first, (second[place] for place in order), strict=True))
        if all(a.player == b.player and _are_alike(a.probabilities, b.probabilities) for a, b in pairs) and (
            one.joint is None or other.joint is None or _are_alike(one.joint, other.joint.transpose(order))
        ):
            return True
    return False


def _are_alike(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=ALIKE)


def _respond(
    seats: Mapping[str, str],
    learner: int,
    marginals: Sequence[np.ndarray],
    joint: np.ndarray | None = None,
    start: int | None = None,
) -> Response:
    agents = list(seats)
    others = [agent for number, agent in enumerate(agents) if number != learner]
    mixtures = {agent: Mixture(seats[agent], own) for agent, own in zip(others, marginals, strict=True)}
    return Response(agents[learner], seats[agents[learner]], mixtures, joint, start, (agents[learner],))


def _respond_to_joint(seats: Mapping[str, str], learner: int, joint: np.ndarray, start: int | None = None) -> Response:
    """Returns a response to draws [K_1, ..., K_M] of the others, which may turn out to be independent."""
    axes = range(joint.ndim)
    marginals = tuple(joint.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes)
    is_product = np.allclose(joint, joint_distribution(marginals), rtol=0, atol=1e-9)
    return _respond(seats, learner, marginals, None if is_product else joint, start)


def _by_own_policy(
    seats: Mapping[str, str], learner: int, meta: MetaStrategy, payoffs: np.ndarray, rectified: bool
) -> list[Response]:
    joint, won = np.moveaxis(meta.joint, learner, 0), np.moveaxis(payoffs[learner], learner, 0)
    responses = []
    for policy in np.flatnonzero(meta.profile[learner] > IN_USE).tolist():
        draws = joint[policy] / joint[policy].sum()
        if rectified:
            beaten = draws * np.maximum(won[policy], 0)
            draws = beaten / beaten.sum() if beaten.any() else draws
        responses.append(_respond_to_joint(seats, learner, draws, policy if rectified else None))
    return responses


def gains(joint: np.ndarray, payoffs: np.ndarray, added: Sequence[Sequence[int]], rule: Rule) -> list[float]:
    """Returns what new policies gain on a meta-strategy, for each player alone; 0 where they lose.

    Args:
        joint: [K_1, ..., K_n] the meta-strategy as it was responded to, 0 for the new policies.
        payoffs: [n, K_1, ..., K_n].
        added: The new policies of each player.
        rule: By which they were asked for: "conditional" responses deviate where their recommendation comes, all others
            whatever comes.
    """
    found = []
    for player, new in enumerate(added):
        size = joint.shape[player]
        chances = np.moveaxis(joint, player, 0).reshape(size, -1)
        worths = np.moveaxis(payoffs[player], player, 0).reshape(size, -1)
        kept = (chances * worths).sum(axis=1)  # [K] by recommendation
        if rule != "conditional":
            chances, kept = chances.sum(axis=0, keepdims=True), kept.sum(keepdims=True)
        best = (chances @ worths[list(new)].T).max(axis=1, initial=-np.inf)
        found.append(float(np.maximum(best - kept, 0).sum()))
    return found
