"""Protagonists and adversaries of many seeds, trained in turns, all seeds in one stack of networks.

One iteration, as in the release of Reddi et al. 2024: contexts are drawn, one an episode; in `episodes` episodes the
adversary alone learns; in as many with the same contexts the protagonist alone; each learns from its own phases'
transitions. What the protagonist got moves the curriculum.

A context is what the method schedules: the adversary's temperature (which both agents see, and the adversary's learner
takes for its own), its share of the largest force (which both see), or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch

import games
from games.names import unknown_name
from marl.qarl.replay import StackedReplay
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics
from marl.qarl.temperature import GammaCurriculum

PROTAGONIST, ADVERSARY = "protagonist", "adversary"
METHODS = ("sac", "rarl", "qarl", "linear", "fixed", "force")
Method = Literal["sac", "rarl", "qarl", "linear", "fixed", "force"]
HOT, COLD = 0.05, 0.001  # temperatures at the start and at the end of every schedule
LINEAR_SHARE = 2 / 3  # of the iterations after which the linear schedule has ended


@dataclass(frozen=True)
class TrainerSettings:
    """What is trained, and for how long.

    Attributes:
        method: "sac": no adversary. "rarl": an adversary that learns its own temperature. "qarl": one whose temperature
            follows the curriculum. "linear", "fixed": the same with a temperature that falls steadily, or is low from
            the start. "force": an adversary as in "rarl", whose force follows the curriculum.
        iterations: Of the schedule.
        episodes: Of each phase of an iteration.
        threshold: Discounted return that the curriculum asks of the protagonist.
        sac: Of both agents.
        batch_size: Transitions of an update.
        steps_per_update: Env steps of a seed for each update.
        critic_after: Transitions of a seed before updates begin.
        capacity: Transitions that each agent keeps.
    """

    method: Method = "qarl"
    iterations: int = 200
    episodes: int = 5
    threshold: float = 10.0
    sac: SacSettings = field(default_factory=SacSettings)
    batch_size: int = 256
    steps_per_update: int = 3
    critic_after: int = 3000
    capacity: int = 500_000

    def __post_init__(self) -> None:
        """Checks names and ranges."""
        if self.method not in METHODS:
            raise unknown_name("method", self.method, METHODS)
        counts = ("iterations", "episodes", "batch_size", "steps_per_update", "critic_after", "capacity")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def has_adversary(self) -> bool:
        """Whether anybody pushes."""
        return self.method != "sac"

    @property
    def gives_temperature(self) -> bool:
        """Whether the adversary's temperature is the context."""
        return self.method in ("qarl", "linear", "fixed")

    @property
    def has_curriculum(self) -> bool:
        """Whether contexts follow the curriculum."""
        return self.method in ("qarl", "force")

    def env_settings(self) -> dict[str, Any]:
        """Returns what the method asks of the world."""
        if self.method == "force":
            return {"shows_context": True, "context_scales_force": True, "contexts": (1.0,)}
        return {"shows_context": self.gives_temperature}


@dataclass(frozen=True, eq=False)
class IterationResult:
    """What became of one iteration, [S] each.

    Attributes:
        returns: Mean undiscounted return of the protagonist while it learned.
        discounted: Mean discounted return over both phases.
        contexts: Mean context.
        temperatures: Mean temperature of the adversary; 0 without one.
    """

    returns: np.ndarray
    discounted: np.ndarray
    contexts: np.ndarray
    temperatures: np.ndarray


class ManySeedsTrainer:
    """Trains all seeds at once; each gets what it would get alone.

    Args:
        env_id: A world with the groups `protagonist` and `adversary`, such as control/pendulum_swingup_v0.
        env_settings: Of it, beyond the id's.
        settings: Of the training.
        seeds: One a run.

    Attributes:
        iteration: Iterations done.
        learners: By group.
        curricula: One a seed, where the method has one.
    """

    def __init__(
        self, env_id: str, env_settings: Mapping[str, Any], settings: TrainerSettings, seeds: Sequence[int]
    ) -> None:
        self.settings, self.seeds, self.iteration = settings, tuple(seeds), 0
        world = {**env_settings, **settings.env_settings()}
        # A batch for each seed: its envs draw the same whoever is beside it. Updates, not steps, are what takes time.
        self._batches = [
            games.make_batch(env_id, settings.episodes, seed=seed, autoreset="same_step", **world) for seed in seeds
        ]
        groups = self._batches[0].groups
        sizes = {name: (group.observations.shape[2], group.actions.shape[2]) for name, group in groups.items()}
        roles = (PROTAGONIST, ADVERSARY) if settings.has_adversary else (PROTAGONIST,)
        self.learners: dict[str, SoftActorCritics] = {}
        self._replays: dict[str, StackedReplay] = {}
        for index, role in enumerate(roles):
            sac = replace(settings.sac, gives_temperature=role == ADVERSARY and settings.gives_temperature)
            words = [2 * seed + index for seed in seeds]
            self.learners[role] = SoftActorCritics(*sizes[role], sac, words)
            self._replays[role] = StackedReplay(words, settings.capacity, *sizes[role])
        self._action_sizes = {name: size for name, (_, size) in sizes.items()}
        self.curricula = [GammaCurriculum(settings.threshold, seed=seed) for seed in seeds]
        self._credit = dict.fromkeys(roles, 0.0)

    def iterate(self) -> IterationResult:
        """Does one iteration."""
        temperatures = self._draw_temperatures()
        contexts = self._contexts(temperatures)
        found = [self._phase(role, contexts) for role in reversed(self.learners)]
        returns, discounted = found[-1][0], np.concatenate([part[1] for part in found], axis=1)
        if self.settings.has_curriculum:
            again = np.concatenate([temperatures] * len(found), axis=1)
            for curriculum, own, got in zip(self.curricula, again, discounted, strict=True):
                curriculum.add(own, got)
                curriculum.update()
        self.iteration += 1
        learned = np.zeros(len(self.seeds))
        if self.settings.gives_temperature:
            learned = contexts.mean(axis=1)
        elif self.settings.has_adversary:
            learned = self.learners[ADVERSARY].log_temperature.detach().exp().numpy()[:, 0]
        return IterationResult(returns.mean(axis=1), discounted.mean(axis=1), contexts.mean(axis=1), learned)

    # ---- contexts ----

    def _draw_temperatures(self) -> np.ndarray:
        """Returns [S, K] temperatures by the method's schedule."""
        shape = (len(self.seeds), self.settings.episodes)
        if self.settings.has_curriculum:
            return np.stack([curriculum.draw(self.settings.episodes) for curriculum in self.curricula])
        if self.settings.method == "linear":
            share = min(1.0, self.iteration / (LINEAR_SHARE * self.settings.iterations))
            return np.full(shape, HOT + share * (COLD - HOT))
        return np.full(shape, COLD)

    def _contexts(self, temperatures: np.ndarray) -> np.ndarray:
        """Returns [S, K] temperatures as they are, or the share of force they stand for: 0 at the hot end."""
        if self.settings.method == "force":
            return np.clip((HOT - temperatures) / (HOT - COLD), 0, 1)
        return temperatures

    # ---- a phase ----

    def _begin(self, contexts: np.ndarray) -> None:
        for batch, own in zip(self._batches, contexts, strict=True):
            batch.reset()
            for env, context in enumerate(own):
                batch.load_fields(env, {"context": float(context)})

    def _look(self, role: str) -> np.ndarray:
        """Returns [S, K, D] copies of what the role sees."""
        return np.stack([batch.groups[role].observations[:, 0] for batch in self._batches])

    def _last_look(self, role: str) -> np.ndarray:
        """Returns [S, K, D] what the role saw after the last step, before any env began anew."""
        views = []
        for batch in self._batches:
            group = batch.groups[role]
            assert group.final_observations is not None
            ended = batch.ended[:, None] > 0
            views.append(np.where(ended, group.final_observations[:, 0], group.observations[:, 0]))
        return np.stack(views)

    def _act(self, role: str, seen: np.ndarray) -> np.ndarray:
        if role not in self.learners:
            return np.zeros((*seen.shape[:2], self._action_sizes[role]), np.float32)
        return self.learners[role].act(torch.from_numpy(seen)).numpy()

    def _phase(self, learner: str, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plays an episode in every env while one role learns; returns [S, K] returns, plain and discounted."""
        self._begin(contexts)
        is_open = np.ones(contexts.shape, bool)
        plain, discounted, factor = np.zeros(contexts.shape), np.zeros(contexts.shape), 1.0
        while is_open.any():
            seen = {role: self._look(role) for role in (PROTAGONIST, ADVERSARY)}
            actions = {role: self._act(role, own) for role, own in seen.items()}
            for index, batch in enumerate(self._batches):
                batch.step({role: own[index][:, None] for role, own in actions.items()})
            rewards = {role: self._gather(role, "rewards") for role in seen}
            self._replays[learner].add(
                seen[learner],
                actions[learner],
                rewards[learner],
                self._last_look(learner),
                self._gather(learner, "terminations"),
                is_open,
            )
            plain += is_open * rewards[PROTAGONIST]
            discounted += is_open * factor * rewards[PROTAGONIST]
            factor *= self.settings.sac.discount
            self._learn(learner, is_open.sum() / len(self.seeds))
            is_open &= np.stack([batch.ended for batch in self._batches]) == 0
        return plain, discounted

    def _gather(self, role: str, name: str) -> np.ndarray:
        return np.stack([getattr(batch.groups[role], name)[:, 0] for batch in self._batches])

    def _learn(self, role: str, steps: float) -> None:
        """Does the updates that so many env steps of a seed allow."""
        replay = self._replays[role]
        if replay.sizes.min() < self.settings.critic_after:
            return
        self._credit[role] += steps / self.settings.steps_per_update
        while self._credit[role] >= 1:
            self.learners[role].update(replay.draw(self.settings.batch_size))
            self._credit[role] -= 1
