"""Exact values and policy gradients of softmax Bayesian-network policies in a team's Markov game, many at once.

All agents are paid alike, and each has a table of logits for every state and every configuration of its parents'
actions (Chen and Zhang 2023). Nothing is sampled. B policies, of as many seeds say, go through every call together.

    symbol       variable         shape
    theta_i      logits[i]        [B, S, C_i, A_i], C_i configurations of the parents
    pi_i         conditionals[i]  [B, S, C_i, A_i]
    pi           joint            [B, S, A], A = A_0 * ... * A_{P-1}
    V            values           [B, S]
    Q            stage            [B, S, A] what a joint action is worth, then going on with V
    d / (1 - g)  visits           [B, S] expected discounted visits, g the discount
    J            returns          [B] = initial . V

The gradient, in the paper's letters and with the visits unnormalised:

    dJ / dtheta_i[s, c, a_i] = visits(s) Pr(c, a_i | s) (Q_i(s, c, a_i) - V_i(s, c))

Q_i is the mean of Q over all agents but i, given what the parents did (c) and what i does, children included; V_i is
its mean over a_i. It is the gradient of J itself, which a test takes by automatic differentiation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from games.markov.game import MarkovGame
from marl.bayesian_network.network import BayesianNetwork
from marl.equilibrium.markov_games import check_discount, solve_common_payoff

Tables = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class TeamGame:
    """A Markov game in which all are paid alike, dense, with a discount.

    Attributes:
        num_actions: A_i of each agent.
        transitions: [S, A, S'], zero in rows of terminal states.
        rewards: [S, A] of the team.
        initial: [S] distribution of the first state.
        legal: Per agent [S, A_i] bool; None: everything.
        discount: In [0, 1]; 1 only where every way of playing ends.
        optimum: J of the best joint policy.
    """

    num_actions: tuple[int, ...]
    transitions: np.ndarray
    rewards: np.ndarray
    initial: np.ndarray
    legal: tuple[np.ndarray, ...] | None
    discount: float
    optimum: float


def team_game(game: MarkovGame, discount: float) -> TeamGame:
    """Returns a common-payoff game for exact gradients, with its optimum by value iteration.

    Raises:
        ValueError: Rewards differ between players, or a discount with which values may be infinite.
    """
    check_discount(game, discount)
    optimum = solve_common_payoff(game, discount)
    size = (game.num_states, game.num_profiles)
    return TeamGame(
        game.num_actions,
        game.transitions.reshape(*size, game.num_states),
        game.rewards[0].reshape(size),
        game.initial,
        game.legal,
        discount,
        float(optimum.values[0] @ game.initial),
    )


def draw_logits(
    team: TeamGame, network: BayesianNetwork, generators: Sequence[np.random.Generator]
) -> list[np.ndarray]:
    """Returns logits from a standard normal distribution: per agent [B, S, C_i, A_i], one policy for each generator.

    Raises:
        ValueError: A network of other agents, or no generator.
    """
    check_logits(team, network, None)
    if not generators:
        raise ValueError("generators must be at least one")
    shapes = _shapes(team, network)
    drawn = [[generator.standard_normal(shape) for shape in shapes] for generator in generators]
    return [np.stack(own) for own in zip(*drawn, strict=True)]


def _shapes(team: TeamGame, network: BayesianNetwork) -> list[tuple[int, int, int]]:
    """Returns (S, C_i, A_i) of each agent."""
    sizes = zip(network.configurations, network.num_actions, strict=True)
    return [(len(team.initial), configurations, actions) for configurations, actions in sizes]


def check_logits(team: TeamGame, network: BayesianNetwork, logits: Tables | None) -> None:
    """Checks that a network and logits are of a game.

    Args:
        team: S states.
        network: P agents.
        logits: Per agent [B, S, C_i, A_i], finite; None: not given.

    Raises:
        ValueError: They are not.
    """
    if network.num_actions != team.num_actions:
        raise ValueError(
            f"the network's agents must have the game's numbers of actions, {team.num_actions}, "
            f"got {network.num_actions}"
        )
    if logits is None:
        return
    wanted, found = _shapes(team, network), [np.shape(own) for own in logits]
    if [shape[1:] for shape in found] != wanted or len({shape[:1] for shape in found}) != 1:
        raise ValueError(f"logits must have the shapes {[('B', *shape) for shape in wanted]} by agent, got {found}")
    if not all(np.isfinite(own).all() for own in logits):
        raise ValueError("logits must be finite")


def softmax_conditionals(team: TeamGame, logits: Tables) -> list[np.ndarray]:
    """Returns per agent [B, S, C_i, A_i] the softmax of its logits over its legal actions."""
    conditionals = []
    for agent, own in enumerate(logits):
        if team.legal is not None:
            own = np.where(team.legal[agent][None, :, None, :], own, -np.inf)
        shares = np.exp(own - own.max(axis=-1, keepdims=True))
        conditionals.append(shares / shares.sum(axis=-1, keepdims=True))
    return conditionals


def joint_policy(network: BayesianNetwork, conditionals: Tables, without: int | None = None) -> np.ndarray:
    """Returns [B, S, A] the product of the conditionals: the probability of each joint action.

    Args:
        network: P agents.
        conditionals: Per agent [B, S, C_i, A_i].
        without: An agent whose factor is left out.
    """
    batch, states = conditionals[0].shape[:2]
    joint = np.ones((batch, states, len(network.pairs[0])))
    for agent, own in enumerate(conditionals):
        if agent != without:
            joint *= own.reshape(batch, states, -1)[:, :, network.pairs[agent]]
    return joint


def _system(team: TeamGame, joint: np.ndarray) -> np.ndarray:
    """Returns [B, S, S] the matrix I - discount * chain of V = r + discount * chain V."""
    chain = (joint.swapaxes(0, 1) @ team.transitions).swapaxes(0, 1)
    return np.eye(len(team.initial)) - team.discount * chain


def _paid(team: TeamGame, joint: np.ndarray) -> np.ndarray:
    """Returns [B, S, 1] expected rewards of a step."""
    return (joint * team.rewards).sum(axis=-1, keepdims=True)


def evaluate(team: TeamGame, joint: np.ndarray) -> np.ndarray:
    """Returns the values [B, S] of joint policies [B, S, A]."""
    return np.asarray(np.linalg.solve(_system(team, joint), _paid(team, joint))[..., 0])


def stage_values(team: TeamGame, values: np.ndarray) -> np.ndarray:
    """Returns [B, S, A] what a joint action is worth, then going on with values [B, S]."""
    states, profiles = team.rewards.shape
    ahead = values @ team.transitions.reshape(-1, states).T
    return team.rewards + team.discount * ahead.reshape(-1, states, profiles)


def policy_gradient(team: TeamGame, network: BayesianNetwork, logits: Tables) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns per agent [B, S, C_i, A_i] the gradient of J by its logits, and J [B] itself.

    Args:
        team: S states.
        network: P agents.
        logits: Per agent [B, S, C_i, A_i], finite.

    Raises:
        ValueError: A network or logits that are not of the game.
    """
    check_logits(team, network, logits)
    return _gradient(team, network, logits)


def _gradient(team: TeamGame, network: BayesianNetwork, logits: Tables) -> tuple[list[np.ndarray], np.ndarray]:
    conditionals = softmax_conditionals(team, logits)
    joint = joint_policy(network, conditionals)
    system = _system(team, joint)
    values = np.linalg.solve(system, _paid(team, joint))[..., 0]
    visits = np.linalg.solve(system.swapaxes(-1, -2), team.initial[None, :, None])
    worth = visits * joint * stage_values(team, values)
    gradients = []
    for agent, own in enumerate(conditionals):
        taken = (worth @ network.memberships[agent]).reshape(own.shape)
        gradients.append(taken - own * taken.sum(axis=-1, keepdims=True))
    return gradients, values @ team.initial


def ascend(
    team: TeamGame, network: BayesianNetwork, logits: Tables, step_size: float, iterations: int
) -> list[np.ndarray]:
    """Returns the logits after steps along the gradient of J.

    Args:
        team: The game.
        network: The agents.
        logits: Per agent [B, S, C_i, A_i], left as they are.
        step_size: Of each step, finite.
        iterations: Steps, 0 or more.

    Raises:
        ValueError: A network or logits that are not of the game, or steps that cannot be taken.
    """
    check_logits(team, network, logits)
    if not np.isfinite(step_size) or iterations < 0:
        raise ValueError(f"step_size must be finite and iterations 0 or more, got {step_size} and {iterations}")
    moved = [own.copy() for own in logits]
    for _ in range(iterations):
        gradients, _ = _gradient(team, network, moved)
        for own, gradient in zip(moved, gradients, strict=True):
            own += step_size * gradient
    return moved
