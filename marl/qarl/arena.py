"""Where protagonists of many seeds meet their adversaries: a batch of episodes for each seed, played side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import games
from games.batch import Batch

PROTAGONIST, ADVERSARY = "protagonist", "adversary"
ROLES = (PROTAGONIST, ADVERSARY)

Looks = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Step:
    """What one step of K episodes of S seeds brought, by role.

    Attributes:
        seen: [S, K, D] before it.
        rewards: [S, K].
        nexts: [S, K, D] seen after it, the last of an episode where one ended.
        ends: [S, K] 1 where the episode terminated; not at a time limit.
        is_open: [S, K] whether the episode was still being played.
    """

    seen: Looks
    rewards: Looks
    nexts: Looks
    ends: Looks
    is_open: np.ndarray


class Arena:
    """Batches of one world with the groups `protagonist` and `adversary`, such as control/pendulum_swingup_v0.

    Args:
        batches: S of them, of K envs each, that begin anew in the step that ends an episode.
        seeds: One a batch. What happens in a batch does not depend on who is beside it.

    Attributes:
        observation_sizes: By role.
        action_sizes: By role.
        horizon: Steps of an episode at most.
    """

    def __init__(self, batches: Sequence[Batch], seeds: Sequence[int]) -> None:
        self._batches, self.seeds, self.episodes = list(batches), tuple(seeds), batches[0].num_envs
        groups, self.horizon = self._batches[0].groups, self._batches[0].config.properties().horizon
        self.observation_sizes = {role: groups[role].observations.shape[2] for role in ROLES}
        self.action_sizes = {role: groups[role].actions.shape[2] for role in ROLES}

    @classmethod
    def make(cls, env_id: str, settings: Mapping[str, Any], seeds: Sequence[int], episodes: int) -> Arena:
        """Returns an arena of `episodes` envs for each seed.

        Args:
            env_id: Of the world.
            settings: Of it, beyond the id's.
            seeds: One a batch.
            episodes: K.
        """
        made = [games.make_batch(env_id, episodes, seed=seed, autoreset="same_step", **settings) for seed in seeds]
        return cls(made, seeds)

    def begin(self, contexts: np.ndarray, *words: int) -> None:
        """Starts an episode everywhere.

        Args:
            contexts: [S, K] of the episodes.
            words: What the starts are drawn from, beside the seed.
        """
        for seed, batch, own in zip(self.seeds, self._batches, contexts, strict=True):
            batch.reset(int(np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0] >> 1))
            for env, context in enumerate(own):
                batch.load_fields(env, {"context": float(context)})

    def look(self, role: str) -> np.ndarray:
        """Returns [S, K, D] copies of what the role sees."""
        return self._gather(role, "observations")

    def play(self, choose: Callable[[Looks], Looks], note: Callable[[Step], None]) -> None:
        """Plays all episodes to their ends.

        Args:
            choose: Returns both roles' actions [S, K, A] for what they see.
            note: Is told of every step.
        """
        is_open = np.ones((len(self.seeds), self.episodes), bool)
        while is_open.any():
            seen = {role: self.look(role) for role in ROLES}
            actions = choose(seen)
            for index, batch in enumerate(self._batches):
                batch.step({role: own[index][:, None] for role, own in actions.items()})
            rewards, ends = ({role: self._gather(role, name) for role in ROLES} for name in ("rewards", "terminations"))
            note(Step(seen, rewards, {role: self._last_look(role) for role in ROLES}, ends, is_open.copy()))
            is_open &= np.stack([batch.ended for batch in self._batches]) == 0

    def _gather(self, role: str, name: str) -> np.ndarray:
        return np.stack([getattr(batch.groups[role], name)[:, 0] for batch in self._batches])

    def _last_look(self, role: str) -> np.ndarray:
        """Returns [S, K, D] what the role saw after the last step, before any env began anew."""
        views = []
        for batch in self._batches:
            group = batch.groups[role]
            assert group.final_observations is not None
            ended = batch.ended[:, None] > 0
            views.append(np.where(ended, group.final_observations[:, 0], group.observations[:, 0]))
        return np.stack(views)
