"""How good a Bayesian-network policy is: the share of the optimum, and what one agent could gain alone.

Two definitions of the Nash gap, which are not the same:

- `nash_gaps`: the agent may answer everything it sees. Its policy pi_i(a_i | s, a_{P_i}) is free in every state and for
  every configuration of its parents' actions, while the others' conditionals stay as they are (Chen and Zhang 2023).
- `blind_nash_gaps`: the agent's new policy is pi_i(a_i | s), blind to its parents. This is what the authors' release
  computes. It is never larger, and the same without edges; it can be negative, when the policy it replaces sees more
  than it may.
"""

from __future__ import annotations

import numpy as np

from marl.bayesian_network.exact import (
    Tables,
    TeamGame,
    check_logits,
    evaluate,
    joint_policy,
    softmax_conditionals,
    stage_values,
)
from marl.bayesian_network.network import BayesianNetwork

# An action replaces another in policy iteration if it is better by this share of the largest value: less is rounding.
IMPROVEMENT = 1e-12


def price_of_anarchy(team: TeamGame, network: BayesianNetwork, logits: Tables) -> np.ndarray:
    """Returns [B] J over the optimum's J: 1 is optimal.

    Raises:
        ValueError: A network or logits that are not of the game.
    """
    check_logits(team, network, logits)
    joint = joint_policy(network, softmax_conditionals(team, logits))
    return evaluate(team, joint) @ team.initial / team.optimum


def nash_gaps(team: TeamGame, network: BayesianNetwork, logits: Tables) -> np.ndarray:
    """Returns [B, P] how much J each agent could gain alone by a policy that answers its parents' actions too.

    Raises:
        ValueError: A network or logits that are not of the game.
    """
    return _gaps(team, network, logits, network.memberships)


def blind_nash_gaps(team: TeamGame, network: BayesianNetwork, logits: Tables) -> np.ndarray:
    """Returns [B, P] how much J each agent could gain alone by a policy that does not see its parents' actions.

    Raises:
        ValueError: A network or logits that are not of the game.
    """
    actions = np.indices(network.num_actions).reshape(network.num_agents, -1)
    own = tuple(np.eye(count)[each] for count, each in zip(network.num_actions, actions, strict=True))
    return _gaps(team, network, logits, own)


def _gaps(team: TeamGame, network: BayesianNetwork, logits: Tables, memberships: tuple[np.ndarray, ...]) -> np.ndarray:
    check_logits(team, network, logits)
    conditionals = softmax_conditionals(team, logits)
    value = evaluate(team, joint_policy(network, conditionals)) @ team.initial
    best = []
    for agent in range(network.num_agents):
        others = joint_policy(network, conditionals, without=agent)
        legal = None if team.legal is None else team.legal[agent]
        best.append(_best_values(team, others, memberships[agent], network.num_actions[agent], legal) @ team.initial)
    return np.stack(best, axis=1) - value[:, None]


def _best_values(
    team: TeamGame, others: np.ndarray, membership: np.ndarray, num_actions: int, legal: np.ndarray | None
) -> np.ndarray:
    """Returns [B, S] the best values that one agent can reach, by policy iteration (Howard 1960).

    Args:
        team: The game.
        others: [B, S, A] the product of the others' conditionals.
        membership: [A, C * A_i], 1 where a joint action belongs to what the agent sees (C of them) and does.
        num_actions: A_i.
        legal: [S, A_i] bool; None: everything.
    """
    batch, states = others.shape[:2]
    shape = (batch, states, -1, num_actions)
    barred = np.zeros((1, states, 1, num_actions)) if legal is None else np.where(legal, 0, -np.inf)[None, :, None]
    paid = ((others * team.rewards) @ membership).reshape(shape)
    choices = (paid + barred).argmax(axis=-1, keepdims=True)
    while True:
        policy = np.zeros(paid.shape)
        np.put_along_axis(policy, choices, 1.0, axis=-1)
        joint = others * (policy.reshape(batch, states, -1) @ membership.T)
        values = evaluate(team, joint)
        worth = ((others * stage_values(team, values)) @ membership).reshape(shape) + barred
        better = worth.argmax(axis=-1, keepdims=True)
        gain = np.take_along_axis(worth, better, -1) - np.take_along_axis(worth, choices, -1)
        is_better = gain > IMPROVEMENT * max(1.0, float(np.abs(values).max()))
        if not is_better.any():
            return values
        choices = np.where(is_better, better, choices)
