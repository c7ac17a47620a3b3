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
from marl.equilibrium.game_tree import FlatGame, flatten
from marl.psro.opponents import Opponents
from marl.psro.population import Kind, Population
from marl.psro.risk_rewards import RiskAversion

TIE = 1e-12  # of what a value is summed from: values nearer than this are equal, and the first action is taken
TREMBLE = 1e-40  # of every action of a mixture, as in OpenSpiel's policy aggregator: off its path, play is uniform


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
        ValueError: The world cannot be listed, or shows the same in different information sets, so that no table over
            observations is a behaviour strategy.
    """

    def __init__(self, env_id: str, settings: Mapping[str, Any]) -> None:
        self.env_id = env_id
        self.flat: FlatGame = flatten(games.open_spiel.game(env_id, **settings))
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
                raise ValueError(f"{env_id}: {agent} sees the same in different information sets")

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
        manifest = population.manifest(name, number)
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
        logits = TrainedPlayer(path).logits(self.observations[player]).astype(np.float64)
        return [
            softmax(np.where(np.isin(np.arange(len(own)), actions), own, -np.inf))
            for own, actions in zip(logits, self.flat.players[player].actions, strict=True)
        ]

    def read_all(self, population: Population, names: Sequence[str]) -> list[list[np.ndarray]]:
        """Reads all policies: for each player, from the population of that name."""
        sizes = dict(zip(population.players, population.sizes, strict=True))
        return [
            [self.read(player, population, name, number) for number in range(sizes[name])]
            for player, name in enumerate(names)
        ]

    def payoffs(self, strategies: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Returns [P, K_1, ..., K_P] what the players get under every joint policy."""
        reaches = [
            [tree.reach(strategy) for strategy in own] for tree, own in zip(self.flat.players, strategies, strict=True)
        ]
        sizes = tuple(len(own) for own in reaches)
        payoffs = np.zeros((len(sizes), *sizes))
        for cell in np.ndindex(*sizes):
            joint = [reaches[player][number] for player, number in enumerate(cell)]
            for player in range(len(sizes)):
                payoffs[(player, *cell)] = self.flat.worths(player, joint) @ joint[player]
        return payoffs

    def respond(self, player: int, reaches: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
        """Returns a pure best response [S] and its value; of equally good actions the first.

        Args:
            player: Who responds.
            reaches: [S] of each player, mixtures included; the player's own is not read.
        """
        tree = self.flat.players[player]
        worths, sizes = self.flat.worths(player, reaches), self._sizes.worths(player, reaches)
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
        if node.tensors is None:
            raise ValueError(f"{tree.batch.spec.id} shows its agents different things: it has several groups")
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
        ValueError: As ExactGame does.
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
        start: Path | None = None,
    ) -> dict[str, Any]:
        """Writes the best response to mixtures as a table.

        Args:
            agent: Who responds.
            opponents: Whom to.
            out: Existing folder for the table.
            seed: Not used: nothing is random.
            risk: Must be None.
            start: Not used.

        Returns:
            What a manifest should say about it.

        Raises:
            ValueError: An aversion to risk, with which best responses are not pure.
        """
        if risk is not None and risk.gamma > 0:
            raise ValueError("the exact oracle knows no aversion to risk; oracle ppo does")
        game = exact_game(self._env_id, self._settings)
        population = opponents.population()
        reaches = []
        for player, other in enumerate(game.agents):
            if other == agent:
                reaches.append(np.zeros(0))
                continue
            mixture = opponents.mixtures[other]
            own = [
                game.read(player, population, mixture.player, number) for number in range(len(mixture.probabilities))
            ]
            reaches.append(game.mixed(player, own, mixture.probabilities))
        player = game.agents.index(agent)
        strategy, value = game.respond(player, reaches)
        game.write(player, strategy, out)
        return {"oracle": "exact", "value": value}
