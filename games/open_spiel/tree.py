"""A world as a game tree, which unfolds as far as somebody walks. It needs no OpenSpiel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.batch import Batch, Group
from games.config import ChanceOutcome, Fields, TreeRules
from games.spec import make_batch, spec

# Nodes that a tree keeps; it makes those beyond anew when they are asked for.
MAX_KEPT_NODES = 200_000


class Node:
    """A state of the world, or what chance has to decide before there is one.

    Attributes:
        rewards: Of the step that led here, by player.
        is_over: Whether the episode is over.
        to_move: The player to move; None: all at once.
        legal: Legal actions by player.
        seen: What each player has seen and done, as text: its information state.
        now: What each player sees now, as text.
        tensors: [P, D] what each player sees now; None where groups differ.
        outcomes: What chance may do; empty: nothing.
        text: The state fields of the world.
        snapshot: To go on from: of this state or, where chance is to decide, of the last one that it had decided.
        fields: Where chance is to decide: the state fields as the step left them.
        ends: Where chance is to decide: whether the step ended the episode.
    """

    __slots__ = (
        *("children", "ends", "fields", "is_over", "legal", "now", "outcomes"),
        *("rewards", "seen", "snapshot", "tensors", "text", "to_move"),
    )

    def __init__(self, rewards: tuple[float, ...], seen: tuple[str, ...], now: tuple[str, ...]) -> None:
        self.rewards, self.seen, self.now = rewards, seen, now
        self.is_over = self.ends = False
        self.to_move: int | None = None
        self.legal: list[list[int]] = []
        self.tensors: np.ndarray | None = None
        self.outcomes: Sequence[ChanceOutcome] = ()
        self.snapshot, self.text = b"", "chance"
        self.fields: Fields = {}
        self.children: dict[Any, Node] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        """Nodes do not change: a copy of a state of OpenSpiel shares them."""
        return self


class Tree:
    """The tree of one world.

    Args:
        id: One of `games.env_ids()`.
        config: Settings that differ from the id's.

    Raises:
        ValueError: The world cannot be listed.
    """

    def __init__(self, id: str, config: dict[str, Any]) -> None:
        rules = spec(id).config(**config).tree()
        if rules is None:
            raise ValueError(f"{id} cannot be listed as a tree: its config does not say what chance may do (`tree`)")
        self.rules: TreeRules = rules
        self.batch: Batch = make_batch(id, 1, autoreset="disabled", **config)
        self.properties = self.batch.config.properties()
        self.rows: list[tuple[Group, int]] = [(g, i) for g in self.batch.groups.values() for i in range(len(g.agents))]
        for group in self.batch.groups.values():
            if group.actions.ndim != 2 or group.actions.dtype != np.int32:
                raise ValueError(f"{id} cannot be listed as a tree: actions of {group.name} are not discrete")
        self.num_players = len(self.rows)
        self.num_kept = 0
        self.root = self._make_root()

    def _make_root(self) -> Node:
        self.batch.reset(seed=0)
        nobody = ("",) * self.num_players
        start = Node((0.0,) * self.num_players, nobody, nobody)
        start.snapshot = self.batch.state_bytes(0)
        return self._unfold(start, start.rewards, start.seen, None, None)

    def child(self, node: Node, move: int | tuple[int, ...]) -> Node:
        """Returns what an outcome of chance, by index, or the actions of all players lead to."""
        if move in node.children:
            return node.children[move]
        self.batch.load_state(0, node.snapshot)
        child = self._decided(node, node.outcomes[move]) if isinstance(move, int) else self._stepped(node, move)
        if self.num_kept < MAX_KEPT_NODES:
            node.children[move] = child
            self.num_kept += 1
        return child

    def _decided(self, node: Node, outcome: ChanceOutcome) -> Node:
        self.batch.load_fields(0, {**node.fields, **outcome.fields})
        is_over = node.ends if outcome.is_over is None else outcome.is_over
        return self._read(outcome.rewards or (0.0,) * self.num_players, node.seen, is_over)

    def _stepped(self, node: Node, actions: tuple[int, ...]) -> Node:
        before = self.batch.fields(0)
        for (group, index), action in zip(self.rows, actions, strict=True):
            group.actions[0, index] = action
        joint = {name: group.actions[0].copy() for name, group in self.batch.groups.items()}
        self.batch.step()
        rewards = tuple(float(group.rewards[0, index]) for group, index in self.rows)
        seen = tuple(f"{text} a{action}" for text, action in zip(node.seen, actions, strict=True))
        return self._unfold(node, rewards, seen, before, joint)

    def _unfold(
        self,
        last: Node,
        rewards: tuple[float, ...],
        seen: tuple[str, ...],
        before: Fields | None,
        actions: dict[str, np.ndarray] | None,
    ) -> Node:
        """Returns the node after a step from `last`, or after a reset: chance's turn, if it had a part, or a state."""
        is_over = bool(self.batch.ended[0])
        after = self.batch.fields(0)
        outcomes = self.rules.chance(before, actions, after) if self.rules.chance else ()
        if not outcomes:
            return self._read(rewards, seen, is_over)
        pays_later = outcomes[0].rewards is not None
        node = Node((0.0,) * self.num_players if pays_later else rewards, seen, last.now)
        # Chance may have ended the episode, in the draw that is taken back: so from where it had not.
        node.outcomes, node.snapshot, node.fields, node.ends = outcomes, last.snapshot, after, is_over
        return node

    def _read(self, rewards: tuple[float, ...], seen: tuple[str, ...], is_over: bool) -> Node:
        """Returns the node of the state that the batch shows."""
        observations = [np.asarray(group.observations[0, index]).ravel() for group, index in self.rows]
        now = tuple(f"p{player}: {_listed(observation)}" for player, observation in enumerate(observations))
        if not self.rules.remembers:
            seen = tuple(f"{before} o{_listed(o)}" for before, o in zip(seen, observations, strict=True))
        node = Node(rewards, now if self.rules.remembers else seen, now)
        node.tensors = np.stack(observations).astype(np.float32) if len(self.batch.groups) == 1 else None
        node.snapshot = self.batch.state_bytes(0)
        node.text = " ".join(f"{name}={np.asarray(value).tolist()}" for name, value in self.batch.fields(0).items())
        node.is_over = is_over
        node.legal = [self._legal(group, index) for group, index in self.rows]
        if self.properties.dynamics == "turn" and not node.is_over:
            node.to_move = next((p for p, legal in enumerate(node.legal) if len(legal) > 1), 0)
        return node

    def _legal(self, group: Group, index: int) -> list[int]:
        if group.action_masks is None:
            return list(range(int(group.action_space.n))) if group.alive[0, index] else [0]  # type: ignore[union-attr]
        return np.flatnonzero(group.action_masks[0, index]).tolist() if group.alive[0, index] else [0]


def _listed(observation: np.ndarray) -> str:
    """Writes an observation by its entries that are not 0."""
    return ",".join(f"{i}" if observation[i] == 1 else f"{i}={observation[i]:g}" for i in np.flatnonzero(observation))
