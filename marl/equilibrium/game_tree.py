"""Extensive-form games as flat arrays: every player's information sets by level, and what joint sequences pay.

A sequence is what a player has done on the way, ending with an action at one of its information sets; with perfect
recall each information set stands behind one sequence of its player's, so a player's information sets form a tree. A
behaviour strategy is then one array over sequences, and a game one sparse array over joint sequences (von Stengel
1996), in which all leaves with the same sequences are summed. A pass over all information sets is a few array
operations a level.

    symbol  variable    shape
    S       sequences   of a player, with 0 the empty one
    I       infosets    of a player, in the order of their levels and parents
    sigma   strategy    [S], probability of a sequence's last action; 1 for the empty one
    r       reach       [S], product of the own probabilities along a sequence
    q       worths      [S], counterfactual value of a sequence's last action
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyspiel
from scipy import sparse

from games.open_spiel.load import load_game

MAX_NODES = 5_000_000  # of a tree that is walked, unless its caller says otherwise


class GameTreeError(ValueError):
    """A game that cannot be flattened; the message says why."""


@dataclass(frozen=True)
class Level:
    """Information sets of one player that stand behind as many own actions.

    Attributes:
        infosets: Their numbers, which follow one another.
        sequences: The numbers of their actions' sequences, which follow one another.
        starts: [i] where each information set's actions begin, counted from the level's first.
        owners: [s] the information set of each sequence, counted from the level's first.
        before: [s] the sequence behind which each sequence's information set stands.
        parents: [p] the sequences behind which information sets stand, each once.
        families: [p] where each parent's information sets begin, counted from the level's first.
    """

    infosets: slice
    sequences: slice
    starts: np.ndarray
    owners: np.ndarray
    before: np.ndarray
    parents: np.ndarray
    families: np.ndarray


@dataclass(frozen=True, eq=False)
class PlayerTree:
    """The information sets of one player.

    Attributes:
        keys: [I] OpenSpiel's information state strings.
        actions: [I] the legal actions of each.
        starts: [I] where each one's sequences begin.
        owners: [S - 1] the information set of each sequence but the empty one.
        levels: From the root on.
    """

    keys: tuple[str, ...]
    actions: tuple[tuple[int, ...], ...]
    starts: np.ndarray
    owners: np.ndarray
    levels: tuple[Level, ...]

    @property
    def num_sequences(self) -> int:
        """S."""
        return len(self.owners) + 1

    def uniform(self) -> np.ndarray:
        """Returns [S] the strategy that draws among the legal actions."""
        counts = np.array([len(actions) for actions in self.actions])
        return np.r_[1.0, 1 / counts[self.owners]] if len(counts) else np.ones(1)

    def scaled(self, weights: np.ndarray) -> np.ndarray:
        """Returns [S] the strategy in proportion to weights [S] >= 0; uniform where all of them are 0."""
        if not len(self.starts):
            return np.ones(1)
        totals = np.add.reduceat(weights, self.starts)[self.owners]
        strategy = self.uniform()
        np.divide(weights[1:], totals, out=strategy[1:], where=totals > 0)
        return strategy

    def reach(self, strategy: np.ndarray) -> np.ndarray:
        """Returns [S] the player's own probability of each sequence."""
        reach = np.empty_like(strategy)
        reach[0] = 1
        for level in self.levels:
            np.multiply(reach[level.before], strategy[level.sequences], out=reach[level.sequences])
        return reach

    def back_up(self, worths: np.ndarray, strategy: np.ndarray | None) -> np.ndarray:
        """Adds to each sequence's worth what the information sets behind it are worth; returns their values [I].

        Args:
            worths: [S] what the sequences pay themselves; changed in place.
            strategy: [S] how the player goes on; None: as well as it can.
        """
        values = np.empty(len(self.starts))
        for level in reversed(self.levels):
            own = worths[level.sequences]
            if strategy is None:
                value = np.maximum.reduceat(own, level.starts)
            else:
                value = np.add.reduceat(own * strategy[level.sequences], level.starts)
            values[level.infosets] = value
            worths[level.parents] += np.add.reduceat(value, level.families)
        return values


@dataclass(frozen=True, eq=False)
class FlatGame:
    """A game of P players as arrays.

    Attributes:
        name: OpenSpiel's.
        players: P trees.
        leaves: [L, P] joint sequences at which something is paid.
        payoffs: [L, P] what is paid there, times chance's probability.
    """

    name: str
    players: tuple[PlayerTree, ...]
    leaves: np.ndarray
    payoffs: np.ndarray
    _matrices: list[sparse.csr_array] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Keeps two players' payoffs as sparse matrices, own sequences in rows."""
        if len(self.players) == 2:
            sizes = [player.num_sequences for player in self.players]
            for i in (0, 1):
                entries = self.payoffs[:, i], (self.leaves[:, i], self.leaves[:, 1 - i])
                self._matrices.append(sparse.csr_array(entries, shape=(sizes[i], sizes[1 - i])))

    def worths(self, player: int, reaches: Sequence[np.ndarray]) -> np.ndarray:
        """Returns [S] what each sequence of a player pays, by the others' and chance's probabilities.

        Args:
            player: Whose.
            reaches: P arrays [S]; the player's own is not read.
        """
        if self._matrices:
            return self._matrices[player] @ reaches[1 - player]
        weights = self.payoffs[:, player].copy()
        for other, reach in enumerate(reaches):
            if other != player:
                weights *= reach[self.leaves[:, other]]
        return np.bincount(self.leaves[:, player], weights, self.players[player].num_sequences)

    def values(self, profile: Sequence[np.ndarray]) -> np.ndarray:
        """Returns [P] what the players get under behaviour strategies [S]."""
        reaches = [tree.reach(strategy) for tree, strategy in zip(self.players, profile, strict=True)]
        return np.array([self.worths(i, reaches) @ reaches[i] for i in range(len(self.players))])

    def best_values(self, profile: Sequence[np.ndarray]) -> np.ndarray:
        """Returns [P] what each player would get by answering best to the others' behaviour strategies [S]."""
        reaches = [tree.reach(strategy) for tree, strategy in zip(self.players, profile, strict=True)]
        best = []
        for i, tree in enumerate(self.players):
            worths = self.worths(i, reaches)
            tree.back_up(worths, None)
            best.append(worths[0])
        return np.array(best)

    def nash_conv(self, profile: Sequence[np.ndarray]) -> float:
        """Returns the sum of what the players could gain by answering best, each alone."""
        return float((self.best_values(profile) - self.values(profile)).sum())

    def uniform(self) -> tuple[np.ndarray, ...]:
        """Returns the behaviour strategies that draw among the legal actions."""
        return tuple(tree.uniform() for tree in self.players)

    def to_policy(self, profile: Sequence[np.ndarray]) -> pyspiel.TabularPolicy:
        """Returns behaviour strategies [S] as OpenSpiel's policy of all players."""
        table = {}
        for tree, strategy in zip(self.players, profile, strict=True):
            for key, actions, start in zip(tree.keys, tree.actions, tree.starts, strict=True):
                table[key] = list(zip(actions, strategy[start : start + len(actions)].tolist(), strict=True))
        return pyspiel.TabularPolicy(table)

    def from_policy(self, policy: Any) -> tuple[np.ndarray, ...]:
        """Returns [S] per player of an OpenSpiel policy that knows every information state.

        Args:
            policy: With `action_probabilities(key)`, as pyspiel's, or a mapping of keys to (action, probability) pairs.
        """
        profile = []
        for tree in self.players:
            strategy = tree.uniform()
            for key, actions, start in zip(tree.keys, tree.actions, tree.starts, strict=True):
                chances = dict(policy[key] if isinstance(policy, dict) else policy.action_probabilities(key))
                strategy[start : start + len(actions)] = [chances.get(action, 0.0) for action in actions]
            profile.append(strategy)
        return tuple(profile)


@dataclass
class _Found:
    """What a walk through a tree collects, with sequences as (information set, action index) in order of discovery."""

    numbers: list[dict[str, int]]
    actions: list[list[tuple[int, ...]]]
    parents: list[list[tuple[int, int] | None]]
    leaves: dict[tuple[Any, ...], np.ndarray]
    max_nodes: int
    nodes: int = 0


def flatten(game: str | pyspiel.Game, max_nodes: int = MAX_NODES, **params: Any) -> FlatGame:
    """Returns a game of OpenSpiel's as arrays, by walking its whole tree once.

    Args:
        game: Its name or a pyspiel.Game, ours from `games.open_spiel.game` too; simultaneous moves become turns.
        max_nodes: That are walked.
        **params: OpenSpiel's parameters of the game.

    Raises:
        GameTreeError: A tree of more than `max_nodes` nodes, or one without perfect recall.
        UnknownNameError: OpenSpiel has no such game or parameter.
    """
    loaded = load_game(game, params)
    if loaded.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        loaded = pyspiel.convert_to_turn_based(loaded)
    num_players = loaded.num_players()
    walk = _Found(
        numbers=[{} for _ in range(num_players)],
        actions=[[] for _ in range(num_players)],
        parents=[[] for _ in range(num_players)],
        leaves={},
        max_nodes=max_nodes,
    )
    _walk(loaded.new_initial_state(), walk, 1.0, (None,) * num_players)
    trees, places = zip(*(_order(walk, player) for player in range(num_players)), strict=True)
    leaves = np.array([[places[i][s] for i, s in enumerate(key)] for key in walk.leaves], np.int64)
    payoffs = np.array(list(walk.leaves.values()))
    return FlatGame(str(loaded), trees, leaves.reshape(-1, num_players), payoffs.reshape(-1, num_players))


def _walk(root: pyspiel.State, walk: _Found, chance: float, behind: tuple[tuple[int, int] | None, ...]) -> None:
    """Goes through all nodes, the last in first out, in the order of a recursion."""
    pending = [(root, chance, behind)]
    while pending:
        state, chance, behind = pending.pop()
        walk.nodes += 1
        if walk.nodes > walk.max_nodes:
            raise GameTreeError(f"this game's tree has more than {walk.max_nodes:,} nodes")
        if state.is_terminal():
            paid = chance * np.array(state.returns())
            walk.leaves[behind] = walk.leaves[behind] + paid if behind in walk.leaves else paid
        elif state.is_chance_node():
            pending += [(state.child(a), chance * p, behind) for a, p in reversed(state.chance_outcomes())]
        else:
            pending += _moves(state, walk, chance, behind)


def _moves(
    state: pyspiel.State, walk: _Found, chance: float, behind: tuple[tuple[int, int] | None, ...]
) -> list[tuple[pyspiel.State, float, tuple[tuple[int, int] | None, ...]]]:
    """Returns the children of a decision, the last action's first."""
    player = state.current_player()
    key, actions = state.information_state_string(player), tuple(state.legal_actions())
    number = walk.numbers[player].setdefault(key, len(walk.actions[player]))
    if number == len(walk.actions[player]):
        walk.actions[player].append(actions)
        walk.parents[player].append(behind[player])
    elif walk.parents[player][number] != behind[player] or walk.actions[player][number] != actions:
        raise GameTreeError(
            f"player {player} forgets what it knew: its information state {key!r} stands behind different own actions"
        )
    moves = []
    for index in reversed(range(len(actions))):
        after = (*behind[:player], (number, index), *behind[player + 1 :])
        moves.append((state.child(actions[index]), chance, after))
    return moves


def _order(walk: _Found, player: int) -> tuple[PlayerTree, dict[tuple[int, int] | None, int]]:
    """Returns a player's tree, and the number of each sequence of the walk's."""
    parents, actions = walk.parents[player], walk.actions[player]
    keys = list(walk.numbers[player])
    places: dict[tuple[int, int] | None, int] = {None: 0}
    waiting: dict[tuple[int, int] | None, list[int]] = {}
    for number, parent in enumerate(parents):
        waiting.setdefault(parent, []).append(number)
    order: list[int] = []
    starts: list[int] = []
    levels: list[Level] = []
    behind: list[tuple[int, int] | None] = [None]
    while behind := [sequence for sequence in behind if sequence in waiting]:
        first_infoset, first_sequence = len(order), len(places)
        families, added = [], []
        for parent in behind:
            families.append(len(order) - first_infoset)
            for number in waiting[parent]:
                order.append(number)
                starts.append(len(places))
                for index in range(len(actions[number])):
                    places[number, index] = len(places)
                    added.append((number, index))
        counts = [len(actions[number]) for number in order[first_infoset:]]
        owners = np.repeat(np.arange(len(counts)), counts)
        before = np.array([places[parents[number]] for number in order[first_infoset:]])[owners]
        levels.append(
            Level(
                infosets=slice(first_infoset, len(order)),
                sequences=slice(first_sequence, len(places)),
                starts=np.array(starts[first_infoset:]) - first_sequence,
                owners=owners,
                before=before,
                parents=np.array([places[parent] for parent in behind]),
                families=np.array(families),
            )
        )
        behind = list(added)
    all_counts = [len(actions[number]) for number in order]
    tree = PlayerTree(
        keys=tuple(keys[number] for number in order),
        actions=tuple(actions[number] for number in order),
        starts=np.array(starts, np.int64),
        owners=np.repeat(np.arange(len(order)), all_counts),
        levels=tuple(levels),
    )
    return tree, places
