"""GMAH-style subgoal hierarchies as an algorithm of RLlib. See README.md beside this file."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.utils import metrics as names

from games.batch import Group
from games.spec import spec
from marl.gmah.goals import CAUSES as CAUSE_NAMES
from marl.gmah.goals import FIRST, GOES_ON, count_subgoals, next_achievements
from marl.gmah.learner import INDEPENDENT, JOINT, LOW_LEVEL, UPCOMING, GoalLearner
from marl.gmah.module import CAUSES, SUBGOALS, GoalModule
from marl.gmah.settings import GoalSettings
from marl.gmah.task_tree import find_tree
from marl.qmix.algorithm import FactorizationAlgorithm, FactorizationConfig
from marl.qmix.episodes import Episode
from marl.qmix.learner import MIXER
from marl.qmix.seating import Seat, module_specs
from marl.qmix.settings import FactorizationSettings
from marl.rllib.errors import TrainingError

GOALS = ("chooser", "trigger", "interval", "autoencoder", "code_size", "low_discount")


class GMAHConfig(FactorizationConfig):
    """Settings of `FactorizationConfig` and of `GoalSettings`; `mixer="none"` is GMAH without its mixer."""

    defaults = GoalSettings()

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or GMAH)

    def make_modules(
        self, groups: dict[str, Group], seats: dict[str, Seat], settings: FactorizationSettings, num_runners: int
    ) -> MultiRLModuleSpec:
        """Returns modules that follow subgoals, and the mixer.

        Raises:
            TrainingError: Agents of several groups.
            UnknownNameError: A world that nobody has declared a task tree for.
        """
        assert isinstance(settings, GoalSettings)
        if len(groups) > 1:
            raise TrainingError(f"a task tree is of one group of agents; {self.env} has {list(groups)}")
        find_tree(spec(str(self.env)).config(**self.env_config))
        specs = module_specs(groups, seats, settings, num_runners)
        start = settings.low_level_steps
        epsilon = [(0.0, 1.0), *((max(start + step, 1) / num_runners, chance) for step, chance in settings.epsilon)]
        goals = {name: getattr(settings, name) for name in GOALS} | {
            "low_hidden_sizes": list(settings.low_hidden_sizes),
            "low_epsilon": [(step / num_runners, chance) for step, chance in settings.low_epsilon],
        }
        for module_id, own in specs.rl_module_specs.items():  # type: ignore[union-attr]
            if module_id != MIXER:
                own.module_class = GoalModule
                world = (str(self.env), dict(self.env_config))
                model: Any = own.model_config
                own.model_config = {**model, "epsilon": epsilon, "goals": goals, "world": world}
        return specs

    def get_default_learner_class(self) -> type[Learner]:
        """Returns the learner."""
        return GoalLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """Returns the module that agents have."""
        return RLModuleSpec(module_class=GoalModule)


class GMAH(FactorizationAlgorithm):
    """Learns which subgoal each agent of a team should follow, and how to reach it.

    Results, beside those of `FactorizationAlgorithm`:
        subgoals/<cause>: Share of the round's subgoals that ended so (`marl.gmah.goals.CAUSES`), of those that ended
            before their episode. Agents that can do nothing have none.
        subgoals/length: Steps in a subgoal, over subgoals that ended.
        subgoals/phase: 0 low level, 1 independent, 2 joint.
        learners/agents/low_loss, low_q_mean, novelty, surprise: Of the last update.
    """

    notes = (SUBGOALS, CAUSES)

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns GMAH's settings."""
        return GMAHConfig()

    def setup(self, config: Any) -> None:
        """Builds what `FactorizationAlgorithm` has, and the task tree."""
        super().setup(config)
        self._tree = find_tree(spec(str(self.config.env)).config(**self.config.env_config))

    @property
    def phase(self) -> int:
        """What is learned now, by the frames so far."""
        steps = self._steps()
        if steps < self.config.low_level_steps:
            return LOW_LEVEL
        return INDEPENDENT if steps < self.config.low_level_steps + self.config.independent_steps else JOINT

    def _steps(self) -> int:
        key = (names.ENV_RUNNER_RESULTS, names.NUM_ENV_STEPS_SAMPLED_LIFETIME)
        return int(self.metrics.peek(key, default=0))

    def keep(self, episodes: list[Episode]) -> None:
        """Puts a round's episodes into the replay with what agents completed, and logs how their subgoals went."""
        (group,) = episodes[0].groups
        counts = np.zeros(len(CAUSE_NAMES) + 1, np.int64)
        for episode in episodes:
            columns = episode.groups[group]
            seen = torch.from_numpy(columns["observations"]).float()
            upcoming = next_achievements(self._tree.achievements(seen[:-1], seen[1:]))
            columns[UPCOMING] = upcoming.numpy().astype(np.int16)
            is_idle = ~self._tree.admissible(seen[:-1]).any(dim=-1).numpy()
            counts += count_subgoals(columns[CAUSES], is_idle)
            _choose_after_the_end(columns)
        super().keep(episodes)
        ended = max(1, int(counts[: len(CAUSE_NAMES)].sum()))
        shares = {name: counts[i] / ended for i, name in enumerate(CAUSE_NAMES) if i not in (GOES_ON, FIRST)}
        self.metrics.log_dict(shares | {"length": counts[-1] / ended, "phase": self.phase}, key="subgoals", window=1)

    def update_all(self) -> None:
        """Does a round's updates, of what this phase learns."""
        phase = self.phase
        self.learner_group.foreach_learner(lambda learner: setattr(learner, "phase", phase))
        self._learn(self.config.updates_per_round * (self.config.low_updates if phase == LOW_LEVEL else 1))


def _choose_after_the_end(columns: dict[str, np.ndarray]) -> None:
    """Makes subgoals and causes columns of moments: after an episode's last step everybody would choose anew."""
    columns[SUBGOALS] = np.concatenate([columns[SUBGOALS], columns[SUBGOALS][-1:]])
    columns[CAUSES] = np.concatenate([columns[CAUSES], np.full_like(columns[CAUSES][-1:], FIRST)])
