"""QARL (Reddi et al. 2024) and its rivals as an algorithm of RLlib: one run, where `ManySeedsTrainer` does many.

An iteration is one of the trainer's: a phase in which the adversary learns, a phase in which the protagonist does.
What is whose:

    RLlib                                                   the many-seeds trainer
    modules, learners, optimizers, weights, checkpoints     phases, contexts, curriculum, replay, times of updates
    runner, evaluation, metrics, Tune                       the update itself (`SoftActorCritics.update`)

Numbers are those of `ManySeedsTrainer` with the same seed alone, bit for bit. Acting and learning take turns within an
episode, so both are in the process of the algorithm; what runs side by side is Tune's trials and evaluation.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.utils import metrics as names

import games
from agents.swingers import ConstantPusher
from games.names import unknown_name
from marl.qarl.arena import ADVERSARY, PROTAGONIST, ROLES
from marl.qarl.replay_learner import SeedDivergedError
from marl.qarl.rllib.learner import SoftActorCriticLearner
from marl.qarl.rllib.module import SoftActorCriticModule
from marl.qarl.rllib.single_run import GroupedLearner, SingleRun
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics
from marl.qarl.temperature import GammaCurriculum
from marl.qarl.trainer import IterationResult, TrainerSettings
from marl.rllib import BatchedEnvRunner, DivergedError, TrainingError, register
from marl.rllib.runner.player_module import PlayerModule
from marl.rllib.runner.runner_callbacks import find_unsupported
from marl.rllib.seating import seat_by_group

RUN = "single_run"
OF_TRAINER = tuple(field.name for field in fields(TrainerSettings) if field.name != "sac")
OF_SAC = tuple(
    field.name for field in fields(SacSettings) if field.name not in ("gives_temperature", "fixed_temperature")
)
# RLlib's names of what has another name here.
OTHER_NAMES = {
    "lr": "actor_rate and critic_rate",
    "gamma": "discount",
    "tau": "smoothing",
    "initial_alpha": "first_temperature",
    "train_batch_size": "batch_size",
    "train_batch_size_per_learner": "batch_size",
}
READ_BACK = ("model", "optimizer")  # RLlib calls `training` with them when it reads a dict


def _make_still(size: int, seed: int) -> ConstantPusher:
    return ConstantPusher((0.0,) * size)


class QARLConfig(AlgorithmConfig):
    """Settings of a run: RLlib's, and `training(...)` with the names of `TrainerSettings` and `SacSettings`.

    The world needs groups `protagonist` and `adversary`, and contexts, as `games.control` has them. As many envs as a
    phase has episodes are played at a time.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or QARL)
        for name in OF_TRAINER:
            setattr(self, name, getattr(TrainerSettings(), name))
        for name in OF_SAC:
            setattr(self, name, getattr(SacSettings(), name))
        self.env_runners(env_runner_cls=BatchedEnvRunner, num_env_runners=0)
        self.learners(num_learners=0)
        self.multi_agent(policies=set(ROLES))

    def training(self, **settings: Any) -> QARLConfig:
        """Sets fields of `TrainerSettings` (`method`, `episodes`, ...) and `SacSettings` (`hidden_sizes`, ...).

        Raises:
            UnknownNameError: No such setting.
            ValueError: RLlib's name of something that has another name here.
        """
        for name, value in settings.items():
            if name in READ_BACK:
                super().training(**{name: value})
            elif name in OTHER_NAMES:
                raise ValueError(f"QARL's {name} is called {OTHER_NAMES[name]}: training({OTHER_NAMES[name]}=...)")
            elif name not in (*OF_TRAINER, *OF_SAC):
                raise unknown_name("setting of QARL", name, (*OF_TRAINER, *OF_SAC))
            else:
                setattr(self, name, value)
        return self

    def trainer_settings(self) -> TrainerSettings:
        """Returns what the trainer is told.

        Raises:
            ValueError: A setting out of range.
        """
        sac = SacSettings(**{name: getattr(self, name) for name in OF_SAC})
        return TrainerSettings(**{name: getattr(self, name) for name in OF_TRAINER}, sac=sac)

    def validate(self) -> None:
        """Checks the settings, and brings RLlib's into line with them.

        Raises:
            TrainingError: A world without the two groups, or processes or callbacks that a run has no use for.
            ValueError: A setting out of range.
        """
        settings = self.trainer_settings()
        if not self.in_evaluation:
            self._refuse_other_processes()
            if self.seed is None:
                self.debugging(seed=int(np.random.default_rng().integers(2**31)))
            self._seat(settings)
            self.environment(env_config=settings.env_settings())
            self.env_runners(num_envs_per_env_runner=settings.episodes)
        register()
        super().validate()

    def _refuse_other_processes(self) -> None:
        for name in ("num_env_runners", "num_learners", "num_gpus_per_learner"):
            if getattr(self, name):
                raise TrainingError(
                    f"QARL updates in the midst of episodes, on the CPU of its own process: {name} must be 0, got "
                    f"{getattr(self, name)}. Several runs side by side are what Tune is for, or ManySeedsTrainer"
                )
        unsupported = find_unsupported(self)
        if unsupported:
            raise TrainingError(f"QARL keeps no episodes step by step and cannot call {unsupported}")

    def _seat(self, settings: TrainerSettings) -> None:
        groups = games.make_batch(str(self.env), **self.env_config).groups
        if set(groups) != set(ROLES):
            raise TrainingError(f"QARL needs a world with the groups {list(ROLES)}; {self.env} has {list(groups)}")
        self.multi_agent(
            policies=set(ROLES),
            policy_mapping_fn=seat_by_group(groups),
            policies_to_train=list(ROLES) if settings.plan.has_adversary else [PROTAGONIST],
        )
        specs = {role: self._module_spec(settings, role) for role in ROLES}
        if not settings.plan.has_adversary:
            make_player = partial(_make_still, groups[ADVERSARY].actions.shape[2])
            specs[ADVERSARY] = RLModuleSpec(module_class=PlayerModule, model_config={"make_player": make_player})
        self.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))

    def _module_spec(self, settings: TrainerSettings, role: str) -> RLModuleSpec:
        own = {name: getattr(settings, name) for name in OF_TRAINER}
        model = {"settings": own, "sac": dict(vars(settings.sac)), "role": role, "seed": int(self.seed or 0)}
        return RLModuleSpec(module_class=SoftActorCriticModule, model_config=model)

    def get_default_learner_class(self) -> type[Learner]:
        """Returns the only one there is."""
        return SoftActorCriticLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """Returns the module that both agents have."""
        return RLModuleSpec(module_class=SoftActorCriticModule)


class QARL(Algorithm):
    """One run of QARL, or of a rival (`TrainerSettings.method`).

    Results, beside RLlib's own:
        env_runners/agent_episode_returns_mean, module_episode_returns_mean: While the protagonist learned.
            (`episode_return_mean` is their sum over agents, which in a zero-sum game is 0.)
        qarl/discounted_return_mean: The protagonist's over both phases, which the curriculum looks at.
        qarl/context_mean, temperature: Of the episodes; the adversary's.
        qarl/concentration: Of the curriculum, where the method has one.
        learners/<role>/critic_loss, actor_loss, entropy, temperature.

    Attributes:
        agents: By role, what learns, a `SoftActorCritics` of one seed.
        run: What takes turns with it.
    """

    # RLlib has all of these as "or None".
    config: Any
    metrics: Any
    env_runner: Any
    learner_group: Any

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns settings as `TrainerSettings` and `SacSettings` have them."""
        return QARLConfig()

    def setup(self, config: Any) -> None:
        """Builds runner and learner, and what takes turns with them."""
        super().setup(config)
        settings = self.config.trainer_settings()
        (modules,) = (found.get() for found in self.learner_group.foreach_learner(lambda learner: learner.module))
        roles = ROLES if settings.plan.has_adversary else (PROTAGONIST,)
        self.agents: dict[str, SoftActorCritics] = {role: modules[role].learner for role in roles}
        self.run = SingleRun(
            str(self.config.env),
            self.config.env_config,
            settings,
            self.config.seed,
            batch=self.env_runner.env,
            learners={role: GroupedLearner(role, own, self.learner_group) for role, own in self.agents.items()},
        )

    def training_step(self) -> None:
        """Does one iteration of the schedule.

        Raises:
            DivergedError: A loss or an action is not a number.
        """
        before = sum(self.run.steps.values())
        try:
            result = self.run.iterate()
        except SeedDivergedError as error:
            raise DivergedError(str(error)) from None
        self._count(sum(self.run.steps.values()) - before)
        self._report(result)
        with self.metrics.log_time((names.TIMERS, names.SYNCH_WORKER_WEIGHTS_TIMER)):
            self._send_weights()

    def _send_weights(self) -> None:
        modules = [f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}/{role}" for role in self.agents]
        state = self.learner_group.get_state(components=modules, inference_only=True)[COMPONENT_LEARNER]
        self.env_runner.set_state({key: state[key] for key in (COMPONENT_RL_MODULE, names.WEIGHTS_SEQ_NO)})

    # ---- numbers ----

    def _count(self, steps: int) -> None:
        """Adds an iteration's env steps and episodes to what the runner reports."""
        metrics, episodes = self.env_runner.metrics, len(self.agents) * self.config.episodes
        self.env_runner.num_env_steps_sampled_lifetime += steps
        metrics.log_value(names.NUM_ENV_STEPS_SAMPLED, steps, reduce="sum")
        metrics.log_value(names.NUM_ENV_STEPS_SAMPLED_LIFETIME, steps, reduce="lifetime_sum", with_throughput=True)
        metrics.log_value(names.NUM_EPISODES, episodes, reduce="sum")
        metrics.log_value(names.NUM_EPISODES_LIFETIME, episodes, reduce="lifetime_sum")
        metrics.log_value(names.EPISODE_LEN_MEAN, steps / episodes, window=1)
        for group in self.env_runner.env.groups.values():
            for agent in group.agents:
                metrics.log_value((names.NUM_AGENT_STEPS_SAMPLED, agent), steps, reduce="sum")
                metrics.log_value((names.NUM_AGENT_STEPS_SAMPLED_LIFETIME, agent), steps, reduce="lifetime_sum")

    def _report(self, result: IterationResult) -> None:
        own, runner = float(result.returns[0]), self.env_runner.metrics
        for role, value in ((PROTAGONIST, own), (ADVERSARY, -own)):
            runner.log_value((names.EPISODE_MODULE_RETURN_MEAN, role), value, window=1)
            (agent,) = self.env_runner.env.groups[role].agents
            runner.log_value((names.EPISODE_AGENT_RETURN_MEAN, agent), value, window=1)
        runner.log_value(names.EPISODE_RETURN_MEAN, 0.0, window=1)
        self.metrics.aggregate([self.env_runner.get_metrics()], key=names.ENV_RUNNER_RESULTS)
        learned = self.learner_group.foreach_learner(lambda learner: learner.metrics.reduce())
        self.metrics.aggregate([found.get() for found in learned], key=names.LEARNER_RESULTS)
        numbers = {
            "discounted_return_mean": result.discounted[0],
            "context_mean": result.contexts[0],
            "temperature": result.temperatures[0],
        }
        for follower in self.run.temperatures.followers:
            if isinstance(follower, GammaCurriculum):
                numbers["concentration"] = follower.concentration
        self.metrics.log_dict({name: float(value) for name, value in numbers.items()}, key="qarl", window=1)

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the algorithm's state, with curriculum, replays and the credit of steps.

        It is a copy. RLlib's own holds the very weights, and goes on with the training.
        """
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(RUN, components, not_components):
            state[RUN] = self.run.get_state()
        return copy.deepcopy(state)

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if RUN in state:
            self.run.set_state(state[RUN])
