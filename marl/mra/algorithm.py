"""MRA as an algorithm of RLlib: `MRAConfig().environment(id, env_config=...).build_algo().train()`.

S. Zhang, Li Shen, L. Han, Li Shen 2023, "Learning meta representations for agents in multi-agent reinforcement
learning" (CoLLAs; arXiv 2108.12988). See README.md beside this file.

A round: every env plays an episode of some population, the replay takes them, updates follow, the runners get the
weights.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import gymnasium
import numpy as np
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.policy import PolicySpec
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils import metrics as names

import games
from agents.relations import RelationShape
from games.batch import Batch
from games.names import unknown_name
from games.particles import CrowdConfig
from marl.mra.learner import MRALearner
from marl.mra.module import LATENTS, MRAModule
from marl.mra.reward_scale import RewardScale
from marl.mra.settings import MRASettings, check_rates
from marl.qmix.episodes import Episode, whole_episodes
from marl.qmix.replay import DrawnSteps, EpisodeReplay
from marl.rllib import BatchedEnvRunner, TrainingError, register
from marl.rllib.rounds import collect, gather_learned, send_weights
from marl.rllib.runner.observations import module_space
from marl.rllib.runner.runner_callbacks import find_unsupported
from marl.rllib.seating import seat_by_group

REPLAY, SCALES = "replay", "reward_scales"
POPULATION = "num_agents"
OWN = tuple(field.name for field in fields(MRASettings))
RLLIBS = ("lr", "gamma", "grad_clip", "model", "optimizer")  # the last two when RLlib reads a dict
# RLlib's names of what has another name here.
OTHER_NAMES = {
    "target_network_update_freq": "tau",
    "train_batch_size": "batch_steps",
    "train_batch_size_per_learner": "batch_steps",
    "replay_buffer_config": "capacity",
    "num_steps_sampled_before_learning_starts": "learning_starts",
    "num_epochs": "updates_per_round",
}


class MRAConfig(AlgorithmConfig):
    """RLlib's settings, and `training(...)` with the names of `MRASettings`.

    The world is one whose config has a `layout`, so that observations are sets of entities, best with `populations`.
    Each of its groups has a module of the group's name. One learner, in the process of the algorithm; any number of env
    runners, each of which plays `num_envs_per_env_runner` whole episodes a round.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or MRA)
        for name in OWN:
            setattr(self, name, getattr(MRASettings, name))
        super().training(lr=3e-4, gamma=0.95, grad_clip=10.0)
        self.env_runners(
            env_runner_cls=BatchedEnvRunner,
            num_env_runners=0,
            num_envs_per_env_runner=12,
            batch_mode="complete_episodes",
            merge_env_runner_states=False,
        )
        self.learners(num_learners=0, add_default_connectors_to_learner_pipeline=False)
        self.reporting(min_time_s_per_iteration=0)
        self.evaluation(evaluation_config=AlgorithmConfig.overrides(explore=False))

    def training(self, **settings: Any) -> MRAConfig:
        """Sets `lr`, `gamma`, `grad_clip` (a norm, of each network) and fields of `MRASettings`.

        Raises:
            UnknownNameError: No such setting.
            ValueError: RLlib's name of something that has another name here.
        """
        for name, value in settings.items():
            if name in RLLIBS:
                super().training(**{name: value})
            elif name in OTHER_NAMES:
                raise ValueError(f"{name} is called {OTHER_NAMES[name]} here: training({OTHER_NAMES[name]}=...)")
            elif name not in OWN:
                raise unknown_name("setting of MRA", name, (*OWN, *RLLIBS[:3]))
            else:
                setattr(self, name, value)
        return self

    def mra_settings(self) -> MRASettings:
        """Returns what stands beyond RLlib's own settings.

        Raises:
            ValueError: A setting out of range, RLlib's `lr`, `gamma` and `grad_clip` included.
        """
        check_rates(self.lr, self.gamma, self.grad_clip)
        return MRASettings(**{name: getattr(self, name) for name in OWN})

    def validate(self) -> None:
        """Checks the settings, and brings RLlib's into line with them.

        Raises:
            TrainingError: A world that shows no sets of entities; processes or callbacks that are of no use here.
            ValueError: A setting out of range.
        """
        settings = self.mra_settings()
        if not self.in_evaluation:
            self._refuse_what_has_no_use()
            batch = games.make_batch(str(self.env), **self.env_config)
            seating = seat_by_group(batch.groups)
            self.multi_agent(policies={name: PolicySpec() for name in batch.groups}, policy_mapping_fn=seating)
            self.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=module_specs(batch, settings)))
        register()
        super().validate()

    def _refuse_what_has_no_use(self) -> None:
        if self.num_learners:
            raise TrainingError(
                f"small networks are learned by one learner in this process: num_learners must be 0, "
                f"got {self.num_learners}"
            )
        if self.batch_mode != "complete_episodes":
            raise TrainingError(f"batch_mode must be 'complete_episodes', got {self.batch_mode!r}")
        unsupported = find_unsupported(self)
        if unsupported:
            raise TrainingError(f"the batched runner keeps no episodes step by step and cannot call {unsupported}")

    def get_default_learner_class(self) -> type[Learner]:
        """Returns the learner."""
        return MRALearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """Returns the module that a group has."""
        return RLModuleSpec(module_class=MRAModule)


def populations_of(batch: Batch) -> tuple[int, ...]:
    """Returns the numbers of agents that a world's episodes may have, in rising order."""
    rows = getattr(batch.config, "populations", None)
    if rows is None:
        return (len(batch.agents),)
    named = np.asarray(rows).reshape(len(rows), -1)
    # Groups of fixed size, which `populations` does not name, come first.
    fixed = sum(len(group.agents) for group in list(batch.groups.values())[: len(batch.groups) - named.shape[1]])
    return tuple(sorted({int(total) + fixed for total in named.sum(axis=1)}))


def module_specs(batch: Batch, settings: MRASettings) -> dict[str, RLModuleSpec]:
    """Returns what RLlib builds, by group.

    Raises:
        TrainingError: Observations that are no sets of all entities, or actions that are no single choice.
    """
    world = batch.config
    if not isinstance(world, CrowdConfig):
        raise TrainingError(
            f"MRA needs a world that says of which entities its observations are (`config.layout`), which "
            f"{batch.spec.id} does not"
        )
    if world.num_agent_neighbors is not None:
        raise TrainingError("MRA relates every agent to all others: num_agent_neighbors must be None")
    layout, specs, first = world.layout, {}, 0
    for name, group in batch.groups.items():
        if not isinstance(group.action_space, gymnasium.spaces.Discrete):
            raise TrainingError(f"MRA needs Discrete actions; {name!r} have {group.action_space}")
        shape = RelationShape(
            own=layout.own,
            landmark=layout.landmarks[1],
            other=layout.others[1],
            num_actions=int(group.action_space.n),
            num_latents=settings.num_latents,
            fixed_landmarks=layout.landmarks[0] if settings.landmarks == "row" else 0,
            sees_itself=settings.sees_itself,
            has_uniform_prior=settings.prior == "uniform",
            prior_temperature=settings.prior_temperature,
        )
        model = {
            "layout": asdict(layout),
            "shape": asdict(shape),
            "num_agents": len(group.agents),
            "first": first,
            "games": populations_of(batch),
            "own_action_in_critic": settings.own_action_in_critic,
        }
        specs[name] = RLModuleSpec(MRAModule, module_space(group), group.action_space, model_config=model)
        first += len(group.agents)
    return specs


class MRA(Algorithm):
    """Learns policies under latents, for populations of any size.

    Results, beside RLlib's own:
        learners/<group>/critic_loss, policy_loss, game_loss, q_mean, target_mean, entropy: Of the last update.
        learners/<group>/information_bound, information: Between actions and latents in nats, by the bound and exactly.
        learners/<group>/information_ceiling: What it would be if each latent attended to one other agent.
        learners/<group>/game_information: Between latents and populations, in nats.
        learners/<group>/game_accuracy: Share of steps whose population the predictor names.
        learners/<group>/attention_entropy: Of relations, over that of equal weights.
        learners/<group>/latent_entropy, prior_entropy, latent_<z>_of_<n>: Which latents are drawn, in all and by n.
        replay/num_episodes, num_env_steps_stored.

    Attributes:
        replay: The episodes.
        scales: Of the rewards, by group.
    """

    # RLlib has all of these as "or None".
    config: Any
    metrics: Any
    learner_group: Any

    @classmethod
    def get_default_config(cls) -> AlgorithmConfig:
        """Returns the settings that the algorithm starts from."""
        return MRAConfig()

    def setup(self, config: Any) -> None:
        """Builds runners and learner, and the replay."""
        super().setup(config)
        settings = self.config.mra_settings()
        self.replay = EpisodeReplay(settings.capacity, None if self.config.seed is None else [self.config.seed, 1])
        batch = games.make_batch(str(self.config.env), **self.config.env_config)
        self._games = populations_of(batch)
        self.scales = {name: RewardScale() for name in batch.groups}

    def training_step(self) -> None:
        """Does one round."""
        for fragment in collect(self):
            for episode in whole_episodes(fragment, (LATENTS,)):
                self._keep(episode)
        stored = {"num_episodes": len(self.replay), names.NUM_ENV_STEPS_STORED: self.replay.num_steps}
        self.metrics.log_dict(stored, key=REPLAY, window=1)
        if self.replay.num_steps < self.config.learning_starts:
            return
        with self.metrics.log_time((names.TIMERS, names.LEARNER_UPDATE_TIMER)):
            drawn = self.replay.draw_steps(self.config.batch_steps * self.config.updates_per_round)
            key = names.NUM_ENV_STEPS_SAMPLED_LIFETIME
            steps = self.metrics.peek((names.ENV_RUNNER_RESULTS, key), default=0)
            self.learner_group.update(batch=self._batch(drawn), timesteps={key: steps}, _no_metrics_reduce=True)
        gather_learned(self)
        send_weights(self, list(self.scales))

    def _keep(self, episode: Episode) -> None:
        """Puts an episode into the replay, with its number of agents, and its rewards into the scales."""
        episode = with_population(episode)
        for name, columns in episode.groups.items():
            self.scales[name].add(int(columns[POPULATION][0]), columns["rewards"][columns["alive"]])
        self.replay.add(episode)

    def _batch(self, drawn: DrawnSteps) -> MultiAgentBatch:
        scales = self.scales if self.config.standardize_rewards else {}
        columns = learner_columns(drawn, self._games, scales)
        count = self.config.batch_steps * self.config.updates_per_round
        return MultiAgentBatch({name: SampleBatch(own) for name, own in columns.items()}, env_steps=count)

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the algorithm's state, the replay and the scales, as a copy: RLlib's own holds the very weights."""
        state = copy.deepcopy(super().get_state(components, not_components=not_components, **kwargs))
        if self._check_component(REPLAY, components, not_components):
            state[REPLAY] = self.replay.get_state()  # a copy already, and a large one
            state[SCALES] = {name: copy.deepcopy(scale.get_state()) for name, scale in self.scales.items()}
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if REPLAY in state:
            self.replay.set_state(state[REPLAY])
            for name, scale in self.scales.items():
                scale.set_state(state[SCALES][name])


def with_population(episode: Episode) -> Episode:
    """Returns an episode of which every group has the number of agents of all groups that began it, [L] int32."""
    total = sum(int(columns["alive"][0].sum()) for columns in episode.groups.values())
    counts = np.full(len(episode), total, np.int32)
    return replace(episode, groups={name: {**own, POPULATION: counts} for name, own in episode.groups.items()})


def learner_columns(
    drawn: DrawnSteps, populations: tuple[int, ...], scales: Mapping[str, RewardScale]
) -> dict[str, dict[str, np.ndarray]]:
    """Returns by group the columns of steps that the learner takes.

    Args:
        drawn: From a replay of episodes with their populations.
        populations: Of the training, in rising order.
        scales: Of the rewards, by group; of groups that it lacks, rewards are as the world paid them.
    """
    made = {}
    for name, own in drawn.groups.items():
        count, rewards, following = own[POPULATION], own["rewards"], drawn.following[name]
        columns = {
            "obs": own["observations"].reshape(*rewards.shape, -1),
            "new_obs": following["observations"].reshape(*rewards.shape, -1),
            "actions": own["actions"],
            "rewards": scales[name].scale(rewards, count) if name in scales else rewards,
            "alive": own["alive"],
            "next_alive": own["next_alive"],
            LATENTS: own[LATENTS],
            "games": np.searchsorted(populations, count).clip(max=len(populations) - 1),
            POPULATION: count,
        }
        if "action_masks" in own:
            columns |= {"action_mask": own["action_masks"], "new_action_mask": following["action_masks"]}
        made[name] = columns
    return made
