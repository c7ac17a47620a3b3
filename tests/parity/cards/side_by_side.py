"""One of our card games and OpenSpiel's, played with the same deals and the same actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyspiel

import games
from games.batch import Batch
from games.playthrough import random_actions

Deal = Callable[[pyspiel.State, dict[str, Any]], None]


class SideBySide:
    """E hands at once, ours in a batch and theirs one by one.

    Args:
        id: Ours.
        game: Theirs.
        deal: Takes one of their states through all chance nodes that come now, as our fields say.
    """

    def __init__(self, id: str, game: pyspiel.Game, deal: Deal, num_envs: int, seed: int, **settings: Any) -> None:
        self.batch = games.make_batch(id, num_envs, seed=seed, autoreset="disabled", **settings)
        self.game, self.deal = game, deal
        self.players = game.num_players()
        self.num_compared = 0
        self.batch.reset()
        self.states = [game.new_initial_state() for _ in range(num_envs)]
        self.deals = [self.batch.fields(env) for env in range(num_envs)]
        self.follow_chance(range(num_envs))

    def follow_chance(self, envs: Any) -> None:
        for env in envs:
            self.deal(self.states[env], self.deals[env])

    def compare(self, is_mapped: bool = False) -> None:
        """Compares all that players see and may do.

        Args:
            is_mapped: Whether they take illegal actions, so that their legal actions say nothing.
        """
        tensors = np.array([[s.information_state_tensor(p) for p in range(self.players)] for s in self.states])
        np.testing.assert_array_equal(self.batch.observations, tensors)
        masks = np.zeros_like(self.batch.action_masks)
        for env, state in enumerate(self.states):
            for player in range(self.players):
                masks[env, player, legal_actions(state, player)] = 1
        if not is_mapped:
            np.testing.assert_array_equal(self.batch.action_masks, masks)
        self.num_compared += len(self.states)

    def step(self, actions: np.ndarray) -> None:
        """Plays joint actions [E, P] in both and compares the outcome."""
        self.batch.step(actions)
        for env, (state, joint) in enumerate(zip(self.states, actions.tolist(), strict=True)):
            if state.is_simultaneous_node():
                state.apply_actions(joint)
            else:
                state.apply_action(joint[state.current_player()])
            self.deal(state, self.deals[env])
        over = np.array([state.is_terminal() for state in self.states])
        np.testing.assert_array_equal(self.batch.ended, over)
        np.testing.assert_array_equal(self.batch.terminations, np.repeat(over[:, None], self.players, axis=1))
        # Theirs are doubles; ours are the nearest float32, up to the order of their additions.
        returns = np.array([state.returns() for state in self.states])
        np.testing.assert_allclose(self.batch.rewards, returns, rtol=1e-6, atol=1e-6)

    def deal_again(self) -> None:
        """Starts new hands where one is over."""
        over = np.flatnonzero(self.batch.ended)
        self.batch.reset(mask=self.batch.ended.copy())
        for env in over:
            self.states[env] = self.game.new_initial_state()
            self.deals[env] = self.batch.fields(int(env))
        self.follow_chance(over)

    def play(self, num_states: int, seed: int = 0, is_mapped: bool = False) -> None:
        """Plays at random until so many states have been compared, terminal ones included.

        Args:
            is_mapped: Whether to play illegal actions too, which both games then map to legal ones.
        """
        generator = np.random.default_rng(seed)
        group = self.batch.only_group
        while self.num_compared < num_states:
            self.compare(is_mapped)
            if self.batch.ended.any():
                self.deal_again()
                continue
            choices = int(group.action_space.n)
            any_action = generator.integers(choices, size=group.actions.shape, dtype=np.int32)
            self.step(any_action if is_mapped else random_actions(group, generator))


def legal_actions(state: pyspiel.State, player: int) -> list[int]:
    """What our masks must leave: waiting players, and all after the end, action 0."""
    if state.is_terminal() or not (state.is_simultaneous_node() or state.current_player() == player):
        return [0]
    return state.legal_actions(player)


def whole_tree(batch: Batch, state: pyspiel.State, deal: Deal) -> Iterator[pyspiel.State]:
    """Walks a tree of turns from the state that both show; yields each of their states while ours shows it too."""
    yield state
    if state.is_terminal():
        return
    player, snapshot = state.current_player(), batch.state_bytes(0)
    for action in state.legal_actions():
        child = state.child(action)
        deal(child, batch.fields(0))
        joint = np.zeros((1, len(batch.agents)), np.int32)
        joint[0, player] = action
        batch.load_state(0, snapshot)
        batch.step(joint)
        np.testing.assert_array_equal(batch.rewards[0], child.returns())
        assert bool(batch.ended[0]) == child.is_terminal()
        yield from whole_tree(batch, child, deal)
