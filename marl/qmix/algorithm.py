"""QMIX, VDN and independent Q-learning as algorithms of RLlib. See README.md beside this file.

A round: every env plays an episode, the replay takes them, so many updates follow, the runners get the weights.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.policy import PolicySpec
from ray.rllib.utils import metrics as names

import games
from games.batch import Group
from games.names import unknown_name
from marl.qmix.episodes import Episode, whole_episodes
from marl.qmix.learner import FactorizationLearner
from marl.qmix.modules import AgentModule
from marl.qmix.replay import Drawn, EpisodeReplay, part
from marl.qmix.seating import Seat, find_seats, map_agents, module_specs, to_batch
from marl.qmix.settings import FactorizationSettings
from marl.rllib import BatchedEnvRunner, TrainingError, register
from marl.rllib.rounds import collect, gather_learned, send_weights
from marl.rllib.runner.runner_callbacks import find_unsupported

REPLAY = "episode_replay"
RLLIBS = ("lr", "gamma", "grad_clip", "model", "optimizer")  # the last two when RLlib reads a dict
# RLlib's names of what has another name here.
OTHER_NAMES = {
    "target_network_update_freq": "target_update_interval",
    "train_batch_size": "episodes_per_update",
    "train_batch_size_per_learner": "episodes_per_update",
    "replay_buffer_config": "capacity",
    "num_epochs": "updates_per_round",
}


class FactorizationConfig(AlgorithmConfig):
    """RLlib's settings, and `training(...)` with the names of `FactorizationSettings`.

    One learner, in the process of the algorithm; any number of env runners. Each plays `num_envs_per_env_runner` whole
    episodes a round. Evaluation is greedy.
    """

    defaults = FactorizationSettings()

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or FactorizationAlgorithm)
        for name in self.own_names():
            setattr(self, name, getattr(self.defaults, name))
        super().training(lr=5e-4, gamma=0.99, grad_clip=10.0)
        self.env_runners(
            env_runner_cls=BatchedEnvRunner,
            num_env_runners=0,
            num_envs_per_env_runner=8,
            batch_mode="complete_episodes",
            merge_env_runner_states=False,
        )
        self.learners(num_learners=0, add_default_connectors_to_learner_pipeline=False)
        self.reporting(min_time_s_per_iteration=0)
        self.evaluation(evaluation_config=AlgorithmConfig.overrides(explore=False))

    @classmethod
    def own_names(cls) -> tuple[str, ...]:
        """Returns the names of all settings beyond RLlib's."""
        return tuple(field.name for field in fields(cls.defaults))

    def training(self, **settings: Any) -> FactorizationConfig:
        """Sets `lr`, `gamma`, `grad_clip` (a norm, of all gradients together) and fields of `FactorizationSettings`.

        Raises:
            UnknownNameError: No such setting.
            ValueError: RLlib's name of something that has another name here.
        """
        for name, value in settings.items():
            if name in RLLIBS:
                super().training(**{name: value})
            elif name in OTHER_NAMES:
                raise ValueError(f"{name} is called {OTHER_NAMES[name]} here: training({OTHER_NAMES[name]}=...)")
            elif name not in self.own_names():
                raise unknown_name("setting of value factorization", name, (*self.own_names(), *RLLIBS[:3]))
            else:
                setattr(self, name, value)
        return self

    def factorization_settings(self) -> FactorizationSettings:
        """Returns what stands beyond RLlib's own settings.

        Raises:
            ValueError: A setting out of range.
        """
        return type(self.defaults)(**{name: getattr(self, name) for name in self.own_names()})

    def validate(self) -> None:
        """Checks the settings, and brings RLlib's into line with them.

        Raises:
            TrainingError: A world whose actions are no single choices; processes or callbacks that are of no use here.
            ValueError: A setting out of range.
        """
        settings = self.factorization_settings()
        if not self.in_evaluation:
            self._refuse_what_has_no_use()
            batch = games.make_batch(str(self.env), **self.env_config)
            self._check_capacity(settings, batch.config.properties().horizon)
            groups = batch.groups
            seats = find_seats(groups, settings.share_parameters)
            self.multi_agent(
                policies={module_id: PolicySpec() for module_id in seats}, policy_mapping_fn=map_agents(groups, seats)
            )
            runners = max(1, self.num_env_runners)
            self.rl_module(rl_module_spec=self.make_modules(groups, seats, settings, runners))
        register()
        super().validate()

    def make_modules(
        self, groups: dict[str, Group], seats: dict[str, Seat], settings: FactorizationSettings, num_runners: int
    ) -> MultiRLModuleSpec:
        """Returns what RLlib builds (`module_specs`)."""
        return module_specs(groups, seats, settings, num_runners)

    def _check_capacity(self, settings: FactorizationSettings, horizon: int | None) -> None:
        """Refuses a replay that can never hold a batch, with which nothing would ever be learned."""
        needed = 1 if settings.steps_per_update else settings.episodes_per_update
        if horizon is not None and settings.capacity < needed * (horizon + 1):
            raise TrainingError(
                f"capacity={settings.capacity} cannot hold {needed} episodes of {horizon} steps; it needs "
                f"{needed * (horizon + 1)}"
            )

    def _refuse_what_has_no_use(self) -> None:
        if self.num_learners:
            raise TrainingError(
                f"a batch of episodes is one update, which one learner in this process does: num_learners must be 0, "
                f"got {self.num_learners}"
            )
        if self.batch_mode != "complete_episodes":
            raise TrainingError(f"batch_mode must be 'complete_episodes', got {self.batch_mode!r}")
        unsupported = find_unsupported(self)
        if unsupported:
            raise TrainingError(f"the batched runner keeps no episodes step by step and cannot call {unsupported}")

    def get_default_learner_class(self) -> type[Learner]:
        """Returns the learner."""
        return FactorizationLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """Returns the module that agents have."""
        return RLModuleSpec(module_class=AgentModule)


class QMIXConfig(FactorizationConfig):
    """QMIX (Rashid et al. 2018)."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or QMIX)


class VDNConfig(FactorizationConfig):
    """Value decomposition networks (Sunehag et al. 2018): the team's value is the sum."""

    defaults = FactorizationSettings(mixer="vdn")

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or VDN)


class IQLConfig(FactorizationConfig):
    """Independent Q-learning (Tan 1993; Tampuu et al. 2017): every agent takes the others for part of the world."""

    defaults = FactorizationSettings(mixer="none")

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or IQL)


class FactorizationAlgorithm(Algorithm):
    """Learns the value of joint actions as a function of the agents' own values.

    Results, beside RLlib's own:
        learners/agents/loss, q_mean, target_mean, td_error_abs, gradient_norm: Of the last update.
        episode_replay/num_episodes, num_env_steps_stored.

    Attributes:
        replay: The episodes.
    """

    # What the replay keeps of the modules' notes.
    notes: tuple[str, ...] = ()
    # RLlib has all of these as "or None".
    config: Any
    metrics: Any
    env_runner_group: Any
    learner_group: Any

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns the settings that the algorithm starts from."""
        return FactorizationConfig()

    def setup(self, config: Any) -> None:
        """Builds runners and learner, and the replay."""
        super().setup(config)
        settings = self.config.factorization_settings()
        self.replay = EpisodeReplay(settings.capacity, None if self.config.seed is None else [self.config.seed, 1])
        groups = games.make_batch(str(self.config.env), **self.config.env_config).groups
        self._seats = find_seats(groups, settings.share_parameters)

    def training_step(self) -> None:
        """Does one round."""
        self._collect()
        if not self.config.steps_per_update and len(self.replay) < self.config.episodes_per_update:
            return
        with self.metrics.log_time((names.TIMERS, names.LEARNER_UPDATE_TIMER)):
            self.update_all()
        gather_learned(self)
        send_weights(self, self._seats)

    def _collect(self) -> None:
        self.keep([episode for fragment in collect(self) for episode in whole_episodes(fragment, self.notes)])
        stored = {"num_episodes": len(self.replay), names.NUM_ENV_STEPS_STORED: self.replay.num_steps}
        self.metrics.log_dict(stored, key=REPLAY, window=1)

    def keep(self, episodes: list[Episode]) -> None:
        """Puts a round's episodes into the replay."""
        for episode in episodes:
            self.replay.add(episode)

    def update_all(self) -> None:
        """Does a round's updates."""
        self._learn(self.config.updates_per_round)

    def _learn(self, updates: int) -> None:
        for drawn in self._batches(updates):
            self._update(drawn)

    def _batches(self, updates: int) -> Iterator[Drawn]:
        count = self.config.steps_per_update
        if count is None:
            for _ in range(updates):
                yield self.replay.draw(self.config.episodes_per_update)
        else:
            # At once for the whole round, whose updates read on in it.
            drawn = self.replay.draw_short(count * updates)
            yield from (part(drawn, slice(first, first + count)) for first in range(0, count * updates, count))

    def _update(self, drawn: Drawn) -> None:
        key = names.NUM_ENV_STEPS_SAMPLED_LIFETIME
        steps = self.metrics.peek((names.ENV_RUNNER_RESULTS, key), default=0)
        self.learner_group.update(batch=to_batch(drawn, self._seats), timesteps={key: steps}, _no_metrics_reduce=True)

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the algorithm's state and the replay, as a copy: RLlib's own holds the very weights."""
        state = copy.deepcopy(super().get_state(components, not_components=not_components, **kwargs))
        if self._check_component(REPLAY, components, not_components):
            state[REPLAY] = self.replay.get_state()  # a copy already, and a large one
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if REPLAY in state:
            self.replay.set_state(state[REPLAY])


class QMIX(FactorizationAlgorithm):
    """QMIX."""

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns QMIX's settings."""
        return QMIXConfig()


class VDN(FactorizationAlgorithm):
    """VDN."""

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns VDN's settings."""
        return VDNConfig()


class IQL(FactorizationAlgorithm):
    """Independent Q-learning."""

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns IQL's settings."""
        return IQLConfig()
