"""One attack for all: fresh adversaries, trained by soft actor-critic against protagonists that no longer learn.

What an adversary met in training says little about how bad things can get: whoever was trained with a weak one looks
robust against it. So every protagonist meets new adversaries of one kind and one budget, several times over, and the
worst counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from marl.qarl.arena import ADVERSARY, PROTAGONIST, Arena, Looks, Step
from marl.qarl.replay import StackedReplay
from marl.qarl.replay_learner import Pace, ReplayLearner
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics
from marl.qarl.stacked import StackedMLP

JUDGED = 2**20  # word of the starts that adversaries are judged from; training's are its iterations


@dataclass(frozen=True)
class AttackSettings:
    """Of the attack; adversaries learn their temperatures.

    Attributes:
        restarts: Adversaries of each protagonist.
        iterations: Of `episodes` each: the budget.
        episodes: Played at a time.
        judged_episodes: That each adversary, greedy, is judged by after `iterations` (a multiple of `episodes`).
        sac: Of the adversaries.
        batch_size: Transitions of an update.
        steps_per_update: Env steps of an adversary for each update.
        first: Transitions before updates begin.
    """

    restarts: int = 3
    iterations: int = 50
    episodes: int = 5
    judged_episodes: int = 20
    sac: SacSettings = field(default_factory=SacSettings)
    batch_size: int = 256
    steps_per_update: int = 3
    first: int = 1000

    def __post_init__(self) -> None:
        """Checks ranges."""
        counts = ("restarts", "iterations", "episodes", "judged_episodes", "batch_size", "steps_per_update", "first")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.judged_episodes % self.episodes:
            raise ValueError(f"judged_episodes must be a multiple of {self.episodes}, got {self.judged_episodes}")


@dataclass(frozen=True, eq=False)
class FrozenProtagonists:
    """Greedy protagonists of S seeds.

    Attributes:
        actors: Theirs.
        context: What they are shown after the observation; None: nothing.
    """

    actors: StackedMLP
    context: float | None = None

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Returns actions [S, n, A] for observations [S, n, D] without context."""
        seen = torch.from_numpy(observations)
        if self.context is not None:
            seen = torch.cat([seen, torch.full((*seen.shape[:2], 1), self.context)], dim=-1)
        mean, _ = self.actors(seen).chunk(2, dim=-1)
        acted: np.ndarray = torch.tanh(mean).numpy()
        return acted


class CommonAttack:
    """Adversaries of all protagonists, trained side by side.

    Args:
        env_id: As the protagonists'.
        env_settings: Of it, beyond the id's; no context is shown.
        protagonists: Of S seeds.
        settings: Of the attack.
        seeds: S; an adversary's draws come from its protagonist's seed and the number of its restart.

    Attributes:
        iteration: Iterations done.
        student: The adversaries, [S * restarts], those of a protagonist one after the other.

    Raises:
        ValueError: A budget so small that nobody would learn.
    """

    def __init__(
        self,
        env_id: str,
        env_settings: Mapping[str, Any],
        protagonists: FrozenProtagonists,
        settings: AttackSettings,
        seeds: Sequence[int],
    ) -> None:
        self.settings, self._count, self.iteration = settings, len(seeds), 0
        words = [
            int(word) for seed in seeds for word in np.random.SeedSequence([seed, 7]).generate_state(settings.restarts)
        ]
        self._protagonists = FrozenProtagonists(protagonists.actors.repeated(settings.restarts), protagonists.context)
        self._arena = Arena.make(env_id, env_settings, words, settings.episodes)
        sizes = self._arena.observation_sizes[ADVERSARY], self._arena.action_sizes[ADVERSARY]
        capacity = settings.iterations * settings.episodes * self._arena.horizon
        if settings.first > capacity:
            raise ValueError(f"first must be at most {capacity}, all the steps, or nobody learns; got {settings.first}")
        names = [f"attack {restart} on seed {seed}" for seed in seeds for restart in range(settings.restarts)]
        self.student = ReplayLearner(
            ADVERSARY,
            SoftActorCritics(*sizes, settings.sac, words),
            StackedReplay(words, capacity, *sizes),
            Pace(settings.batch_size, settings.steps_per_update, settings.first),
            names,
        )

    def iterate(self) -> np.ndarray:
        """Plays and learns once; returns the protagonists' mean returns [S, restarts]."""
        returns = self._play(self.iteration, is_judged=False)
        self.iteration += 1
        return returns.mean(axis=-1)

    def judge(self) -> np.ndarray:
        """Returns the protagonists' returns [S, restarts, judged_episodes] against greedy adversaries."""
        rounds = range(self.settings.judged_episodes // self.settings.episodes)
        return np.concatenate([self._play(JUDGED + number, is_judged=True) for number in rounds], axis=-1)

    def _play(self, word: int, is_judged: bool) -> np.ndarray:
        shape = (self._count * self.settings.restarts, self.settings.episodes)
        returns, pushed = np.zeros(shape), np.empty(0)

        def choose(seen: Looks) -> Looks:
            nonlocal pushed
            pushed = self.student.act(seen[ADVERSARY], is_judged)
            return {PROTAGONIST: self._protagonists.act(seen[PROTAGONIST]), ADVERSARY: pushed}

        def note(step: Step) -> None:
            returns[:] += step.is_open * step.rewards[PROTAGONIST]
            if not is_judged:
                self.student.note(step, pushed)

        self._arena.begin(np.zeros(shape), word)
        self._arena.play(choose, note)
        return returns.reshape(self._count, self.settings.restarts, -1)
