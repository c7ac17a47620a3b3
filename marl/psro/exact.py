"""Exact payoffs, best responses and NashConv of worlds small enough to walk through.

A policy is a behaviour strategy over the world's information sets, and on disk a table (agents/tabular.py) with a row
for each. A mixture of policies is the mixture of their realisation plans (von Stengel 1996), so nothing is sampled and
nothing is approximated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

import games.open_spiel
from agents.tabular import read_table, save_table
from agents.trained import PolicyError, TrainedPlayer
from games.open_spiel.tree import Node, Tree
from marl.equilibrium.game_tree import FlatGame, GameTreeError, flatten
from marl.psro.diversity import Diversity
from marl.psro.opponents import Opponents
from marl.psro.population import Kind, Population
from marl.psro.risk_rewards import RiskAversion

# Of a world's tree. Leduc poker has 9,451; of grid/trust, whose nodes are large, so many take 3 GB and half a minute.
MAX_NODES = 50_000
TIE = 1e-12  # of what a value is summed from: values nearer than this are equal, and the first action is taken
TREMBLE = 1e-40  # of every action of a mixture, as in OpenSpiel's policy aggregator: off its path, play is uniform


class ExactGameError(ValueError):
    """A world whose values cannot be exact; the message says why."""


def check_listable(env_id: str, settings: Mapping[str, Any]) -> None:
    """Looks whether a world can be walked through, but for its size, which only a walk shows.

    Args:
        env_id: One of `games.env_ids()`.
        settings: Of the world, beyond the id's.

    Raises:
        ExactGameError: It cannot.
    """
    try:
        tree = Tree(env_id, dict(settings))
    except ValueError as error:
        raise ExactGameError(f"nothing can be exact here: {error}") from None
    if len(tree.batch.groups) > 1:
        raise ExactGameError(f"nothing of {env_id} can be exact: its agents are in several groups")


class ExactGame:
    """A world as a flat game, with what each player sees at each information set.

    Args:
        env_id: One of `games.env_ids()`.
        settings: Of the world, beyond the id's.

    Attributes:
        flat: The game.
        agents: Of the world, in the order of the flat game's players.
        observations: By player, [I, D] what it sees at its information sets.

    Raises:
        ExactGameError: The world cannot be listed, has more than MAX_NODES nodes, or shows the same in different
            information sets, so that no table over observations is a behaviour strategy.
    """

    def __init__(self, env_id: str, settings: Mapping[str, Any]) -> None:
        self.env_id = env_id
        check_listable(env_id, settings)
        try:
            self.flat: FlatGame = flatten(games.open_spiel.game(env_id, **settings), MAX_NODES)
        except GameTreeError as error:
            raise ExactGameError(f"nothing of {env_id} can be exact: {error}") from None
        self._sizes = replace(self.flat, payoffs=np.abs(self.flat.payoffs), _matrices=[])
        tree = Tree(env_id, dict(settings))
        self.agents = tuple(agent for group in tree.batch.groups.values() for agent in group.agents)
        self.num_actions = [int(group.action_space.n) for group, _ in tree.rows]  # type: ignore[union-attr]
        seen = _observations(tree)
        self.observations = [
            np.array([seen[key] for key in player.keys]).reshape(len(player.keys), -1) for player in self.flat.players
        ]
        for agent, rows in zip(self.agents, self.observations, strict=True):
            if len(np.unique(rows, axis=0)) != len(rows):
                raise ExactGameError(
                    f"nothing of {env_id} can be exact: {agent} sees the same in different information sets"
                )

    def uniform(self, player: int) -> np.ndarray:
        """Returns [S] the strategy that draws among the legal actions."""
        return self.flat.players[player].uniform()

    def write(self, player: int, strategy: np.ndarray, folder: Path) -> None:
        """Writes a behaviour strategy [S] as a table."""
        tree = self.flat.players[player]
        table = np.zeros((len(tree.keys), self.num_actions[player]))
        for row, (actions, start) in enumerate(zip(tree.actions, tree.starts, strict=True)):
            table[row, list(actions)] = strategy[start : start + len(actions)]
        save_table(folder, self.env_id, self.observations[player], table)

    def read(self, player: int, population: Population, name: str, number: int) -> np.ndarray:
        """Reads a policy of a population as a behaviour strategy [S].

        Args:
            player: Who plays it here.
            population: Where it is.
            name: Whose it is there.
            number: Its number.

        Raises:
            PolicyError: Its files are damaged, or it is a scripted player other than the random one.
        """
        manifest = population.verified(name, number)
        if manifest.kind == "scripted" and manifest.script == "random":
            return self.uniform(player)
        tree, strategy = self.flat.players[player], self.uniform(player)
        path = population.path(name, number)
        if manifest.kind == "scripted":
            raise PolicyError(f"{path} is scripted: exact values need tables or networks")
        rows = self._table_rows if manifest.kind == "tabular" else self._network_rows
        for chances, actions, start in zip(rows(player, path), tree.actions, tree.starts, strict=True):
            if chances is not None:
                strategy[start : start + len(actions)] = chances[list(actions)] / chances[list(actions)].sum()
        return strategy

    def _table_rows(self, player: int, path: Path) -> list[np.ndarray | None]:
        """Returns the probabilities [K] at each information set; None where the table has nothing."""
        observations, probabilities = read_table(path)
        rows = {seen.tobytes(): own for seen, own in zip(observations, probabilities, strict=True)}
        return [rows.get(seen.tobytes()) for seen in self.observations[player]]

    def _network_rows(self, player: int, path: Path) -> list[np.ndarray | None]:
        trained = TrainedPlayer(path)
        logits = trained.logits(self.observations[player]).astype(np.float64)
        rows: list[np.ndarray | None] = []
        for own, actions in zip(logits, self.flat.players[player].actions, strict=True):
            legal = np.where(np.isin(np.arange(len(own)), actions), own, -np.inf)
            rows.append(np.eye(len(own))[legal.argmax()] if trained.description.is_greedy else softmax(legal))
        return rows

    def payoffs(self, reaches: Sequence[np.ndarray]) -> np.ndarray:
        """Returns [P] what the players get under realisation plans [S]."""
        return np.array([self.flat.worths(player, reaches) @ own for player, own in enumerate(reaches)])

    def respond(self, player: int, draws: Sequence[tuple[float, Sequence[np.ndarray]]]) -> tuple[np.ndarray, float]:
        """Returns a pure best response [S] and its value; of equally good actions the first.

        Args:
            player: Who responds.
            draws: What the others may play: its probability (any other weight serves as well), and realisation plans
                [S] of each player, mixtures included; the player's own is not read.
        """
        tree = self.flat.players[player]
        worths = sum((p * self.flat.worths(player, plans) for p, plans in draws), np.zeros(tree.num_sequences))
        sizes = sum((abs(p) * self._sizes.worths(player, plans) for p, plans in draws), np.zeros(tree.num_sequences))
        tree.back_up(worths, None)
        tree.back_up(sizes, np.ones(tree.num_sequences))
        strategy = np.zeros(tree.num_sequences)
        strategy[0] = 1
        for actions, start in zip(tree.actions, tree.starts, strict=True):
            own = slice(start, start + len(actions))
            is_best = worths[own] >= worths[own].max() - TIE * sizes[own].max()
            strategy[start + int(np.argmax(is_best))] = 1
        return strategy, float(worths[0])

    def mixed(self, player: int, strategies: Sequence[np.ndarray], probabilities: np.ndarray) -> np.ndarray:
        """Returns [S] the realisation plan of a mixture of behaviour strategies, which trembles by TREMBLE."""
        tree = self.flat.players[player]
        plan = np.sum([p * tree.reach(s) for s, p in zip(strategies, probabilities, strict=True)], axis=0)
        return tree.reach(tree.scaled(plan + TREMBLE))

    def nash_conv(self, reaches: Sequence[np.ndarray]) -> float:
        """Returns the sum of what the players could gain against realisation plans [S], each alone."""
        gains = 0.0
        for player, own in enumerate(reaches):
            worths = self.flat.worths(player, reaches)
            value = float(worths @ own)
            self.flat.players[player].back_up(worths, None)
            gains += float(worths[0]) - value
        return gains


def _observations(tree: Tree) -> dict[str, np.ndarray]:
    """Returns what a player sees at each information set, by the key that `flatten` gives it."""
    found: dict[str, np.ndarray] = {}
    is_turns = tree.properties.dynamics == "turn"
    pending: list[Node] = [tree.root]
    while pending:
        node = pending.pop()
        if node.outcomes:
            pending += [tree.child(node, index) for index in range(len(node.outcomes))]
            continue
        if node.is_over:
            continue
        assert node.tensors is not None  # there is one group
        movers = [node.to_move] if is_turns else range(tree.num_players)
        for player in movers:
            assert player is not None
            key = node.seen[player] if is_turns else f"Current player: {player}\n{node.seen[player]}"
            found.setdefault(key, node.tensors[player].astype(np.float64))
        pending += [tree.child(node, actions) for actions in product(*node.legal)]
    return found


@lru_cache(maxsize=4)
def _exact_game(env_id: str, settings: str) -> ExactGame:
    return ExactGame(env_id, json.loads(settings))


def exact_game(env_id: str, settings: Mapping[str, Any]) -> ExactGame:
    """Returns a world as an exact game; each process walks through it once.

    Raises:
        ExactGameError: As ExactGame does.
    """
    return _exact_game(env_id, json.dumps(dict(settings), sort_keys=True))


class ExactOracle:
    """The best response, to the last bit.

    Args:
        env_id: The world.
        settings: Of the world, beyond the id's.
    """

    kind: Kind = "tabular"

    def __init__(self, env_id: str, settings: Mapping[str, Any]) -> None:
        self._env_id, self._settings = env_id, dict(settings)

    def respond(
        self,
        agent: str,
        opponents: Opponents,
        out: Path,
        *,
        seed: int,
        risk: RiskAversion | None = None,
        diversity: Diversity | None = None,
        start: Path | None = None,
    ) -> dict[str, Any]:
        """Writes the best response as a table; nothing is random, and nothing grows from an earlier one.

        With a bonus for diversity, whose slope changes with the response, the best one to the mixture or to one joint
        policy is where a chain of pure responses begins, each the best one to the slope at the one before, for as long
        as they get better; a still better one may exist.
        """
        if risk is not None and risk.gamma > 0:
            raise ValueError("the exact oracle knows no aversion to risk; oracle ppo does")
        game = exact_game(self._env_id, self._settings)
        player = game.agents.index(agent)
        strategy, value = game.respond(player, _plans(game, opponents))
        if diversity is not None:
            strategy, value = _respond_unlike(game, player, opponents, diversity, strategy)
        game.write(player, strategy, out)
        return {"oracle": "exact", "value": value}


MOST_STEPS = 20  # of a chain of responses to slopes


def _respond_unlike(
    game: ExactGame, player: int, opponents: Opponents, diversity: Diversity, strategy: np.ndarray
) -> tuple[np.ndarray, float]:
    """Returns a response to payoff and diversity, and what it is worth in payoff; `strategy` is the one to payoff."""
    everybody = replace(opponents, joint=np.ones(opponents.distribution.shape))
    *draws, at_random = [plans for _, plans in _plans(game, everybody)]
    worths = np.array([game.flat.worths(player, plans) for plans in draws])  # [B, S]
    probabilities, tree = opponents.distribution.ravel(), game.flat.players[player]

    def judged(strategy: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        new = worths @ tree.reach(strategy)
        return diversity.objective(probabilities, new), strategy, new

    starts = [strategy, *(game.respond(player, [(1.0, plans), (TREMBLE, at_random)])[0] for plans in draws)]
    worth, strategy, new = max(map(judged, starts), key=lambda each: each[0])
    for _ in range(MOST_STEPS):
        slope = diversity.slope(probabilities, new).tolist()
        other, _ = game.respond(player, [*zip(slope, draws, strict=True), (TREMBLE, at_random)])
        better = judged(other)
        if better[0] <= worth:
            break
        worth, strategy, new = better
    return strategy, float(probabilities @ new)


def _plans(game: ExactGame, opponents: Opponents) -> list[tuple[float, list[np.ndarray]]]:
    """Returns what opponents may play, as `ExactGame.respond` takes it: independent mixtures are one plan each."""
    population = opponents.population()
    drawn = opponents.drawn_policies()
    known = {
        (agent, number): game.read(game.agents.index(agent), population, opponents.mixtures[agent].player, number)
        for agent, numbers in drawn.items()
        for number in numbers
    }
    if opponents.joint is None:
        plans = [np.zeros(0)] * len(game.agents)
        for agent, mixture in opponents.mixtures.items():
            player, own = game.agents.index(agent), [known[agent, number] for number in drawn[agent]]
            plans[player] = game.mixed(player, own, mixture.probabilities[drawn[agent]])
        return [(1.0, plans)]
    found = []
    for probability, numbers in opponents.draws():
        plans = [tree.reach(tree.uniform()) for tree in game.flat.players]
        for agent, number in numbers.items():
            player = game.agents.index(agent)
            plans[player] = game.flat.players[player].reach(known[agent, number])
        found.append((probability, plans))
    # Where no draw leads, the response is one to uniform play.
    return [*found, (TREMBLE, [tree.reach(tree.uniform()) for tree in game.flat.players])]
