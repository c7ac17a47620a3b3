"""Protagonists and adversaries of many seeds, trained in turns, all seeds in one stack of networks.

One iteration, as in the release of Reddi et al. 2024: contexts are drawn, one an episode; in `episodes` episodes the
adversary alone learns; in as many with the same contexts the protagonist alone; each learns from its own phases'
transitions. What the protagonist got moves the schedule. Without an adversary there is the protagonist's phase alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from games.names import unknown_name
from marl.checks import check_count, check_number
from marl.qarl.action_shift import ActionShift
from marl.qarl.arena import ADVERSARY, PROTAGONIST, Arena, Looks, Step
from marl.qarl.methods import METHODS, Method
from marl.qarl.mixed_actors import MixedActors
from marl.qarl.replay import StackedReplay
from marl.qarl.replay_learner import Pace, ReplayLearner
from marl.qarl.schedules import Temperatures
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics


@dataclass(frozen=True)
class TrainerSettings:
    """What is trained, and for how long.

    Attributes:
        method: One of marl.qarl.methods.METHODS.
        iterations: Of the schedule.
        episodes: Of each phase of an iteration.
        threshold: Discounted return that curriculum and point ask of the protagonist.
        hot: Temperature at which every schedule begins.
        cold: Temperature at which it ends.
        shift: Largest Euclidean length of an attack's shift of the protagonist's actions (method "cat").
        mixing: Share of the second actor in an action (method "mixed_ne_ld").
        sac: Of both agents.
        batch_size: Transitions of an update.
        steps_per_update: Env steps of a seed for each update.
        critic_after: Transitions of a seed before updates begin.
        capacity: Transitions that each agent keeps.
    """

    method: str = "qarl"
    iterations: int = 200
    episodes: int = 5
    threshold: float = 10.0
    hot: float = 0.05
    cold: float = 0.001
    shift: float = 0.5
    mixing: float = 0.1
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
            check_count(name, getattr(self, name))
        if self.critic_after > self.capacity:
            raise ValueError(
                f"critic_after must be at most capacity, or nobody learns; got {self.critic_after} and {self.capacity}"
            )
        check_number("threshold", self.threshold)
        if not 0 < self.cold <= self.hot < np.inf:
            raise ValueError(f"0 < cold <= hot must hold, got {self.cold} and {self.hot}")
        check_number("mixing", self.mixing, least=0, most=1)
        check_number("shift", self.shift, least=0)

    @property
    def plan(self) -> Method:
        """What the method's name stands for."""
        return METHODS[self.method]

    def env_settings(self) -> dict[str, Any]:
        """Returns what the method asks of the world."""
        if self.plan.context == "force":
            return {"shows_context": True, "context_scales_force": True, "contexts": (1.0,)}
        return {"shows_context": self.plan.shows_context}


@dataclass(frozen=True, eq=False)
class IterationResult:
    """What became of one iteration, [S] each.

    Attributes:
        returns: Mean undiscounted return of the protagonist while it learned.
        discounted: Mean discounted return over both phases.
        contexts: Mean context.
        temperatures: Mean temperature of the adversary; 0 without one.
        shares: Of the largest force or shift that the adversary had; 0 without one.
    """

    returns: np.ndarray
    discounted: np.ndarray
    contexts: np.ndarray
    temperatures: np.ndarray
    shares: np.ndarray


def _words(role: str, seeds: Sequence[int]) -> list[int]:
    """Returns what a role's draws come from; no two roles and seeds share any."""
    return [2 * seed + (role == ADVERSARY) for seed in seeds]


def make_learners(
    settings: TrainerSettings, role: str, sizes: tuple[int, int], seeds: Sequence[int]
) -> SoftActorCritics:
    """Returns a role's learners before they have learned.

    Args:
        settings: Of the training.
        role: Of both.
        sizes: Of an observation and an action.
        seeds: One a run.
    """
    plan, words = settings.plan, _words(role, seeds)
    if plan.opponent.startswith("mixer"):
        return MixedActors(*sizes, settings.sac, words, settings.mixing, plan.opponent == "mixer_released")
    is_given = plan.gives_temperature and (role == ADVERSARY or plan.is_homogeneous)
    fixed = settings.cold if plan.is_cold and role == ADVERSARY else None
    sac = replace(settings.sac, gives_temperature=is_given, fixed_temperature=fixed)
    return SoftActorCritics(*sizes, sac, words)


class ManySeedsTrainer:
    """Trains all seeds at once; each gets what it would get alone.

    Updates are done for all seeds at once, when the mean seed's env steps are due. So where episodes end early, a
    seed's updates come at other times than they would alone.

    Args:
        env_id: A world with the groups `protagonist` and `adversary`, such as control/pendulum_swingup_v0.
        env_settings: Of it, beyond the id's.
        settings: Of the training.
        seeds: One a run.

    Attributes:
        iteration: Iterations done.
        students: By role.
        temperatures: Of the adversaries, as scheduled.
    """

    def __init__(
        self, env_id: str, env_settings: Mapping[str, Any], settings: TrainerSettings, seeds: Sequence[int]
    ) -> None:
        self.settings, self.seeds, self.iteration = settings, tuple(seeds), 0
        plan = settings.plan
        self._arena = Arena.make(env_id, {**env_settings, **settings.env_settings()}, seeds, settings.episodes)
        roles = (PROTAGONIST, ADVERSARY) if plan.has_adversary else (PROTAGONIST,)
        self.students = {role: self._make_student(role) for role in roles}
        self.temperatures = Temperatures(
            plan, settings.iterations, settings.threshold, settings.hot, settings.cold, seeds
        )
        is_released = plan.opponent == "shifter_released"
        self._shift = ActionShift(settings.shift, is_released) if plan.opponent.startswith("shifter") else None

    def _make_student(self, role: str) -> ReplayLearner:
        settings = self.settings
        sizes = self._arena.observation_sizes[role], self._arena.action_sizes[role]
        learners = make_learners(settings, role, sizes, self.seeds)
        replay = StackedReplay(_words(role, self.seeds), settings.capacity, *sizes)
        pace = Pace(settings.batch_size, settings.steps_per_update, settings.critic_after)
        return ReplayLearner(role, learners, replay, pace, [f"seed {seed}" for seed in self.seeds])

    def iterate(self) -> IterationResult:
        """Does one iteration.

        Raises:
            SeedDivergedError: A seed's numbers are not finite any more.
        """
        temperatures = self.temperatures.draw(self.iteration, self.settings.episodes)
        contexts = self._contexts(temperatures)
        found = [self._phase(role, contexts) for role in reversed(self.students)]
        returns, discounted = found[-1][0], np.concatenate([part[1] for part in found], axis=1)
        self.temperatures.note(np.concatenate([temperatures] * len(found), axis=1), discounted)
        shares = self._shares(contexts)
        self.iteration += 1
        return IterationResult(
            returns.mean(axis=1), discounted.mean(axis=1), contexts.mean(axis=1), self._heat(contexts), shares
        )

    # ---- contexts ----

    def _contexts(self, temperatures: np.ndarray) -> np.ndarray:
        """Returns [S, K] temperatures as they are, or the share of force they stand for (0 at the hot end), or 0."""
        if self.settings.plan.context == "force":
            return np.clip((self.settings.hot - temperatures) / (self.settings.hot - self.settings.cold), 0, 1)
        return temperatures if self.settings.plan.gives_temperature else np.zeros_like(temperatures)

    def _heat(self, contexts: np.ndarray) -> np.ndarray:
        """Returns [S] mean temperatures of the adversaries."""
        if ADVERSARY not in self.students:
            return np.zeros(len(self.seeds))
        if self.settings.plan.gives_temperature:
            return contexts.mean(axis=1)
        learned: np.ndarray = self.students[ADVERSARY].learners.log_temperature.detach().exp().numpy()
        return learned[:, 0]

    def _shares(self, contexts: np.ndarray) -> np.ndarray:
        """Returns [S] what share of the largest force or shift there was."""
        if self.settings.plan.context == "force":
            return contexts.mean(axis=1)
        if self._shift is not None:
            return np.full(len(self.seeds), self._shift.share(self._progress()))
        return np.full(len(self.seeds), float(self.settings.plan.opponent != "nobody"))

    def _progress(self) -> float:
        return self.iteration / self.settings.iterations

    # ---- a phase ----

    def _act(self, role: str, seen: np.ndarray) -> np.ndarray:
        if role not in self.students:
            return np.zeros((*seen.shape[:2], self._arena.action_sizes[role]), np.float32)
        return self.students[role].act(seen)

    def _phase(self, role: str, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plays an episode in every env while one role learns; returns [S, K] returns, plain and discounted."""
        plain, discounted = np.zeros(contexts.shape), np.zeros(contexts.shape)
        factor, chosen = 1.0, np.empty(0)

        def choose(seen: Looks) -> Looks:
            nonlocal chosen
            actions = {each: self._act(each, view) for each, view in seen.items()}
            chosen = actions[role]  # what is learned from, whatever is made of it
            return self._shifted(seen, actions)

        def note(step: Step) -> None:
            nonlocal factor
            gained = step.is_open * step.rewards[PROTAGONIST]
            plain[:] += gained
            discounted[:] += factor * gained
            factor *= self.settings.sac.discount
            self.students[role].note(step, chosen)

        self._arena.begin(contexts, self.iteration, role == ADVERSARY)
        self._arena.play(choose, note)
        return plain, discounted

    def _shifted(self, seen: Looks, actions: Looks) -> Looks:
        """Returns actions as the attack on the protagonist's leaves them."""
        if self._shift is None:
            return actions
        own, share = self.students[PROTAGONIST].learners, self._shift.share(self._progress())
        return {**actions, PROTAGONIST: self._shift.apply(own, seen[PROTAGONIST], actions[PROTAGONIST], share)}
