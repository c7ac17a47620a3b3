"""A finite Markov game as a game tree: what chance may do at the start and after a joint action."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.config import ChanceOutcome, TreeRules
from games.markov.game import MarkovGame


def tree_rules(game: MarkovGame, continuation: float, horizon: int) -> TreeRules:
    """Returns the tree of a game that goes on with probability `continuation` after a step, `horizon` steps at most."""

    def list_chance(before: Any, actions: Any, after: Any) -> list[ChanceOutcome]:
        if before is None:
            return _first_states(game)
        return _successors(game, before["state"], after["last_actions"], continuation, after["steps"] >= horizon)

    longest = int(np.diff(game.row_starts).max()) * (1 if continuation in (0, 1) else 2)
    return TreeRules(list_chance, max(longest, int(np.count_nonzero(game.initial))))


def _first_states(game: MarkovGame) -> list[ChanceOutcome]:
    states = np.flatnonzero(game.initial)
    weights = game.initial[states] / game.initial.sum()
    outcomes = [ChanceOutcome(float(w), {"state": int(s)}) for s, w in zip(states, weights, strict=True)]
    return outcomes if len(outcomes) > 1 else []


def _successors(
    game: MarkovGame, state: int, actions: np.ndarray, continuation: float, is_last: bool
) -> list[ChanceOutcome]:
    """Lists where a joint action may lead, with what it pays, and whether the game goes on from there."""
    row = int(np.ravel_multi_index((state, *actions), (game.num_states, *game.num_actions)))
    first, end = game.row_starts[row], game.row_starts[row + 1]
    total = game.probabilities[first:end].sum()
    outcomes = []
    for entry in range(first, end):
        successor = int(game.successors[entry])
        ends = bool(game.terminal[successor]) or is_last
        for is_over, share in ((True, 1.0),) if ends else ((False, continuation), (True, 1 - continuation)):
            weight = float(game.probabilities[entry] / total) * share
            if weight > 0:
                # As the engine pays: in float32.
                rewards = tuple(game.outcome_rewards[entry].astype(np.float32).tolist())
                outcomes.append(ChanceOutcome(weight, {"state": successor}, rewards, is_over))
    return outcomes if len(outcomes) > 1 else []
