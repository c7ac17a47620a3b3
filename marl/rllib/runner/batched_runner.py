"""BatchedEnvRunner: RLlib's env runner for a batch of envs that steps in C.

RLlib's own runner pays 200 microseconds of Python for every env step, whatever the number of envs. This one pays for a
forward pass per module and a few array operations per step of all envs together.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import ray
import torch
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core import COMPONENT_RL_MODULE, DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns as Cols
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils.checkpoints import Checkpointable
from ray.rllib.utils.metrics import (
    ENV_RUNNER_STATE_SERVER_PULL_TIMER,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    SAMPLE_TIMER,
    TIME_BETWEEN_SAMPLING,
    WEIGHTS_SEQ_NO,
)

import games
from agents.protocol import Player
from games.batch import Batch, Group
from games.names import unknown_name
from marl.rllib.errors import Failure, TrainingError, answer_all, check_weights
from marl.rllib.restorable import number_after
from marl.rllib.runner.actions import ActionKind, action_kind
from marl.rllib.runner.buffers import BufferPool
from marl.rllib.runner.decisions import carry_over
from marl.rllib.runner.episode_log import EpisodeLog, log_steps
from marl.rllib.runner.fragment import Fragment, OpenDecisions, join_fragments
from marl.rllib.runner.memory import Memory, max_seq_len
from marl.rllib.runner.observations import agent_space, module_space
from marl.rllib.runner.player_module import PlayerModule
from marl.rllib.runner.recorder import Place, Recorder, find_seating
from marl.rllib.runner.runner_callbacks import RunnerCallbacks
from marl.rllib.runner.staggering import stagger
from marl.rllib.runner.team import TeamAPI

logger = logging.getLogger(__name__)

# Steps of one fragment while whole episodes are played, whose number of steps is not known beforehand.
EPISODE_FRAGMENT_LENGTH = 128

# State keys of this runner, beside RLlib's.
LIVE_SETTINGS = "live_settings"
ENV_STATES = "env_states"


@dataclass(frozen=True)
class MappingArgument:
    """What `policy_mapping_fn` gets in the place of an episode: all envs of a fragment share one mapping.

    Attributes:
        id_: Number of the fragment; a mapping that draws partners by hashing an episode's id works with it.
    """

    id_: int


class BatchedEnvRunner(EnvRunner, Checkpointable):
    """Steps E envs with one forward pass per module and returns Fragments.

    Set it up with `marl.rllib.use_batched_runner`. It samples actions itself, with a generator of its own, and keeps no
    connectors; `policy_mapping_fn` is asked once per fragment.

    Args:
        config: Of the algorithm; `env` is an id of `games`, `env_config` its settings.
        **kwargs: What EnvRunnerGroup passes.
    """

    def __init__(self, *, config: AlgorithmConfig, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        torch.set_num_threads(1)  # small nets lose far more by waiting for each other than they gain
        # Typed loosely, as RLlib has it: None in a local runner whose remote ones do the sampling.
        self.env: Any = None
        self.num_envs = 0
        self.module: Any = None
        self.live_settings: dict[str, Any] = {}
        self._weights_seq_no = 0
        self._num_fragments = 0
        self._time_after_sampling: float | None = None
        # Asynchronous algorithms put the newest weights on this actor and hand it to every runner.
        self._env_runner_state_server: Any = None
        self._failure: Failure | None = None
        self._is_built = False
        self._modules: dict[str, str] = {}
        self._buffers = BufferPool()
        self._memory = Memory()
        # By group, decisions of earlier fragments whose agents have only waited since.
        self._opened: dict[str, OpenDecisions] = {}
        self._callbacks = RunnerCallbacks(self.config)
        if self.worker_index:  # in another process, which an error would end without a word
            self._answer(BatchedEnvRunner._build, (), {})
        else:
            self._build()

    def _build(self) -> None:
        self._groups = self._make_batch(num_envs=1).groups
        if self.worker_index is None or self.worker_index > 0 or self._has_local_env():
            self.make_env()
        self.make_module()
        self._is_built = True

    def _has_local_env(self) -> bool:
        return self.config.create_env_on_local_worker or self.config.num_env_runners == 0

    def apply(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls a function with this runner for a driver in another process, where what it raises is raised.

        RLlib's own would end this process for any exception, and start a new one that makes the same mistake.
        """
        ask: Any = BatchedEnvRunner._answer
        return super().apply(ask, func, args, kwargs)

    def _answer(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Returns what a call returns, or what stands for its error.

        RLlib looks at the results of some calls only, so what went wrong in one is the answer to the next as well; once
        two calls have been told, the runner goes on, unless it could not even be built.
        """
        told = self._failure
        if told is not None:
            self._failure = None if self._is_built else told
            return told
        result = answer_all(partial(func, self, *args, **kwargs), f"env runner {self.worker_index}")
        self._failure = result if isinstance(result, Failure) else None
        return result

    # ---- what RLlib builds ----

    def _make_batch(self, num_envs: int) -> Batch:
        settings = {**self.config.env_config, **self.live_settings}
        return games.make_batch(str(self.config.env), num_envs, seed=self._env_seed(), **settings)

    def _env_seed(self) -> int:
        return int(np.random.default_rng().integers(2**63)) if self._seed is None else self._seed

    def make_env(self) -> None:
        """Makes the batch; its first episodes start with the next sample."""
        self.num_envs = self.config.num_envs_per_env_runner
        self.env = self._make_batch(self.num_envs)
        self._rng = np.random.default_rng(self._seed)
        self._needs_initial_reset = self._starts_fresh = True
        self._episodes = EpisodeLog(self.env)
        self._callbacks.environment_created(self, self.env)

    def make_module(self) -> None:
        """Builds all modules of the config, without what only a learner needs."""
        spec = self.config.get_multi_rl_module_spec(spaces=self.get_spaces(), inference_only=True)
        self.module = spec.build()
        for _, module in self.module.items():
            if isinstance(module, torch.nn.Module):
                module.eval()
            if isinstance(module, PlayerModule):
                module.sit_down(0 if self._seed is None else self._seed)

    def get_spaces(self) -> dict[str, tuple[gymnasium.Space, gymnasium.Space]]:
        """Returns the spaces of every agent, and those that each module is built for."""
        modules = self.map_agents()
        spaces: dict[str, tuple[gymnasium.Space, gymnasium.Space]] = {}
        for group in self._groups.values():
            pair = (module_space(group), group.action_space)
            for agent in group.agents:
                if spaces.setdefault(modules[agent], pair) != pair:
                    raise TrainingError(
                        f"policy {modules[agent]!r} plays agents whose spaces differ, among them {agent}; give each of "
                        f"the groups {list(self._groups)} of {self.config.env} a policy of its own with "
                        "config.multi_agent(policies=..., policy_mapping_fn=...)"
                    )
        for policy in self.config.policies:
            if policy not in spaces:
                spaces[policy] = self._spaces_of_idle(policy)
        agents = [(agent, group) for group in self._groups.values() for agent in group.agents]
        env_spaces = (
            gymnasium.spaces.Dict({agent: agent_space(group) for agent, group in agents}),
            gymnasium.spaces.Dict({agent: group.action_space for agent, group in agents}),
        )
        return {INPUT_ENV_SPACES: env_spaces, INPUT_ENV_SINGLE_SPACES: env_spaces, **spaces}

    def _spaces_of_idle(self, policy: str) -> tuple[gymnasium.Space, gymnasium.Space]:
        """Returns the spaces of a policy that plays nobody yet, such as one of a league."""
        named = self.config.policies[policy]
        if named.observation_space is not None and named.action_space is not None:
            return named.observation_space, named.action_space
        pairs = [(module_space(group), group.action_space) for group in self._groups.values()]
        if any(pair != pairs[0] for pair in pairs):
            raise TrainingError(
                f"policy {policy!r} plays nobody in the first fragment, and the groups {list(self._groups)} of "
                f"{self.config.env} have different spaces; name its own: config.multi_agent(policies={{{policy!r}: "
                "PolicySpec(observation_space=..., action_space=...), ...})"
            )
        return pairs[0]

    def map_agents(self) -> dict[str, str]:
        """Asks `policy_mapping_fn` for the module of every agent.

        Raises:
            UnknownNameError: It names a policy that does not exist.
        """
        mapping, argument = self.config.policy_mapping_fn, MappingArgument(self._num_fragments)
        is_default = mapping is None or mapping == AlgorithmConfig.DEFAULT_POLICY_MAPPING_FN
        ask: Any = mapping
        known = list(self.config.policies) if self.module is None else list(self.module.keys())
        default = known[0] if len(known) == 1 else DEFAULT_MODULE_ID
        modules = {}
        for group in self._groups.values():
            for agent in group.agents:
                modules[agent] = default if is_default else ask(agent, argument)
                if modules[agent] not in known:
                    raise unknown_name(f"policy for agent {agent}", modules[agent], known)
        return modules

    def _kind_of(self, module_id: str, group: Group) -> ActionKind:
        module, distribution = self.module[module_id], None
        if not isinstance(module, PlayerModule | TeamAPI):  # those choose their actions by themselves
            with contextlib.suppress(NotImplementedError):  # RLlib's RandomRLModule, for one, has none
                distribution = module.get_exploration_action_dist_cls()
        return action_kind(group.action_space, self.config.normalize_actions, distribution)

    # ---- sampling ----

    def sample(  # type: ignore[override]
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool | None = None,
        random_actions: bool = False,
        force_reset: bool = False,
    ) -> list[Fragment]:
        """Plays on, and returns what happened.

        Args:
            num_timesteps: Env steps of all envs together, rounded up to whole steps of the batch. By default the
                config's fragment length times E.
            num_episodes: Plays exactly this many whole episodes instead, from fresh ones, spread evenly over the envs.
            explore: Whether to sample actions or take the most likely ones; by default as the config says.
            random_actions: Samples actions uniformly, without the modules.
            force_reset: Starts fresh episodes first.
        """
        if self.env is None:
            raise ValueError(f"runner {self.worker_index} has no env to sample from")
        if num_timesteps is not None and num_episodes is not None:
            raise ValueError("sample takes num_timesteps or num_episodes, not both")
        if self._time_after_sampling is not None:
            self.metrics.log_value(TIME_BETWEEN_SAMPLING, time.perf_counter() - self._time_after_sampling)
        self._pull_state()
        self.metrics.log_value(WEIGHTS_SEQ_NO, self._weights_seq_no, window=1)
        if num_timesteps is None and num_episodes is None and self.config.batch_mode == "complete_episodes":
            num_episodes = self.num_envs
        explore = self.config.explore if explore is None else explore
        with self.metrics.log_time(SAMPLE_TIMER), torch.inference_mode():
            if num_episodes is not None:
                fragments = self._sample_episodes(num_episodes, explore, random_actions)
            else:
                fragments = [self._sample_steps(self._num_steps(num_timesteps), explore, random_actions, force_reset)]
        for fragment in fragments:
            log_steps(self.metrics, fragment)
        self._callbacks.sample_ended(self, fragments)
        self._time_after_sampling = time.perf_counter()
        return fragments

    def sample_get_state_and_metrics(self) -> tuple[ray.ObjectRef, dict[str, Any], dict[str, Any]]:
        """Samples for an asynchronous algorithm: a reference to the fragments, no states of connectors, the metrics.

        RLlib's own would send the state of every env along.
        """
        fragments = self.sample()
        return ray.put(fragments), {}, self.get_metrics()

    def _pull_state(self) -> None:
        if self._env_runner_state_server is None:
            return
        try:
            with self.metrics.log_time(ENV_RUNNER_STATE_SERVER_PULL_TIMER):
                state = ray.get(self._env_runner_state_server.pull_if_newer.remote(self._weights_seq_no))
        except ray.exceptions.RayError as error:  # Ray restarts the server; old weights are what V-trace is for
            logger.warning("runner %s samples with the weights it has: %s", self.worker_index, error)
            return
        if state is not None:
            self.set_state(state)

    def _num_steps(self, num_timesteps: int | None) -> int:
        if num_timesteps is None:
            return self.config.get_rollout_fragment_length(self.worker_index or 0)
        return max(1, math.ceil(num_timesteps / self.num_envs))

    def _sample_steps(self, num_steps: int, explore: bool, random_actions: bool, force_reset: bool) -> Fragment:
        if force_reset or self._needs_initial_reset:
            self._reset()
        return self._play(num_steps, explore, random_actions, None, self.map_agents())

    def _sample_episodes(self, num_episodes: int, explore: bool, random_actions: bool) -> list[Fragment]:
        self._reset()
        # An env plays a fixed number of episodes. Taking the first n that end instead would favour short ones.
        quota = (num_episodes + np.arange(self.num_envs)[::-1]) // self.num_envs
        parts = []
        modules = self.map_agents()
        while quota.any():
            parts.append(self._play(self._part_length(), explore, random_actions, quota, modules))
        self._needs_initial_reset = True  # envs that were done early are somewhere in an episode nobody asked for
        # One fragment, so that returns reach from the end of an episode to its beginning.
        return [join_fragments(parts)]

    def _part_length(self) -> int:
        """Returns the steps of one part of whole episodes: a multiple of what every recurrent module unrolls."""
        lengths = [max_seq_len(module) for _, module in self.module.items() if module.is_stateful()]
        unit = math.lcm(*lengths) if lengths else 1
        return -(-EPISODE_FRAGMENT_LENGTH // unit) * unit

    def _reset(self) -> None:
        self.env.reset(self._seed_of_late_start())
        self._needs_initial_reset = False
        self._starts_fresh = True
        self._memory.forget(np.arange(self.num_envs))
        self._opened = {}

    def stagger(self, num_steps: int) -> None:
        """Starts new episodes, and the envs at steps that are spread evenly over so many (`staggering.stagger`)."""
        self._reset()
        stagger(self.env, num_steps, self._rng)

    def _seed_of_late_start(self) -> int | None:
        """Returns a seed for a runner that takes the place of one that died, or of one before a checkpoint.

        It has the same number, and would play the very episodes that training began with.
        """
        steps = self.num_env_steps_sampled_lifetime
        if self._seed is None or self._num_fragments > 0 or steps == 0 or self.config.in_evaluation:
            return None
        draws = np.random.SeedSequence([self._seed, steps])
        self._rng = np.random.default_rng(draws)
        return int(draws.generate_state(1, np.uint64)[0] >> np.uint64(1))

    def _play(
        self, num_steps: int, explore: bool, random_actions: bool, quota: np.ndarray | None, modules: dict[str, str]
    ) -> Fragment:
        self._forget_decisions_of_others(modules)
        self._modules = modules
        seating = find_seating(self.env.groups, self._modules, self._kind_of)
        self._memory.seat(self.module, seating, self.num_envs)
        rng = self._rng if explore and not random_actions else None
        recorder = Recorder(self.env, seating, num_steps, rng, self._buffers)
        for module_id in seating:
            if isinstance(self.module[module_id], TeamAPI):
                recorder.seat_team(module_id, self.module[module_id], rng)
        self._episodes.skip(self.env)
        for t in range(num_steps):
            if quota is not None and not quota.any():
                recorder.cut(t)
                break
            is_active = None if quota is None else quota > 0
            recorder.see(t, is_active)
            for module_id, places in seating.items():
                if random_actions:
                    self._act_randomly(recorder, t, module_id, places)
                elif isinstance(self.module[module_id], PlayerModule):
                    self._let_play(recorder, t, module_id, places)
                else:
                    self._act(recorder, t, module_id, explore)
            recorder.choose(t)
            self.env.step()
            recorder.note(t)
            rows = np.flatnonzero(recorder.ended[t])
            if len(rows):
                self._memory.forget(rows)
                counts = np.ones(len(rows), bool) if is_active is None else is_active[rows]
                self._note_episodes(rows[counts], self._episodes.note(self.env, counts))
            if quota is not None:
                quota[rows] = np.maximum(quota[rows] - 1, 0)
        self._episodes.fold()
        fragment = recorder.finish((self.worker_index or 0, self._num_fragments), self._starts_fresh)
        fragment.weights_seq_no = self._weights_seq_no
        for name, opened in self._opened.items():
            fragment.groups[name].opened = opened
        self._opened = carry_over(fragment, {m: self._gamma(m) for m in seating})
        self._starts_fresh = False
        self._num_fragments += 1
        self.num_env_steps_sampled_lifetime += fragment.env_steps()
        return fragment

    def _gamma(self, module_id: str) -> float:
        return self.config.get_config_for_module(module_id).gamma

    def _forget_decisions_of_others(self, modules: dict[str, str]) -> None:
        """Drops open decisions of agents that another module plays from now on."""
        for name, opened in self._opened.items():
            agents = self.env.groups[name].agents
            is_same = np.array([modules[agent] == self._modules.get(agent) for agent in agents])
            self._opened[name] = opened.select(is_same[opened.places[:, 1]])

    def _note_episodes(self, envs: np.ndarray, rows: np.ndarray) -> None:
        if self._callbacks.wants_episodes:
            self._callbacks.episodes_ended(self, self.env, envs, rows, self._modules)

    def _act(self, recorder: Recorder, t: int, module_id: str, explore: bool) -> None:
        module = self.module[module_id]
        batch: dict[str, Any] = {Cols.OBS: recorder.module_input(t, module_id)}
        is_recurrent = self._memory.recalls(module_id)
        if is_recurrent:
            if t % max_seq_len(module) == 0:
                recorder.keep_state(module_id, self._memory.leaves(module_id))
            batch = self._memory.add_to(batch, module_id)
        if isinstance(module, TeamAPI):
            batch |= recorder.team_input(t, module_id)
        output = self._forward(module_id, batch, explore)
        recorder.take(t, module_id, self._memory.keep(output, module_id) if is_recurrent else output)

    def _forward(self, module_id: str, batch: dict[str, Any], explore: bool) -> dict[str, Any]:
        module = self.module[module_id]
        try:
            if explore:
                return module.forward_exploration(batch, t=self.num_env_steps_sampled_lifetime)
            return module.forward_inference(batch)
        except Exception:
            check_weights(module_id, module)  # torch draws nothing from them, and says so in other words
            raise

    def _let_play(self, recorder: Recorder, t: int, module_id: str, places: list[Place]) -> None:
        for place in places:
            actions = [self.module[module_id].player.act(self.env, agent) for agent in place.agents]
            recorder.write_actions(t, module_id, place, np.stack(actions, axis=1))

    def _act_randomly(self, recorder: Recorder, t: int, module_id: str, places: list[Place]) -> None:
        for place in places:
            masks = self.env.groups[place.group].action_masks
            rows = self.num_envs * len(place.agents)
            masks = None if masks is None else masks[:, place.columns].reshape(rows, -1)
            recorder.write_actions(t, module_id, place, place.kind.draw_uniform(self._rng, rows, masks))

    # ---- live settings ----

    def configure_env(self, **live: Any) -> None:
        """Changes live settings of the world, from the next step on, here and in restored copies of this runner.

        `marl.rllib.configure_envs` calls it on all runners of an algorithm.

        Raises:
            ValueError: No such setting, out of range, or not live.
        """
        target = self.env if self.env is not None else self._make_batch(num_envs=1)
        target.configure(**live)
        self.live_settings = {**self.live_settings, **live}

    def _go_back_to(self, settings: dict[str, Any]) -> None:
        """Makes these the live settings, and all others what the config says."""
        original = games.spec(str(self.config.env)).config(**self.config.env_config)
        forgotten = [name for name in self.live_settings if name not in settings]
        self.configure_env(**{name: getattr(original, name) for name in forgotten}, **settings)
        self.live_settings = dict(settings)

    # ---- metrics, state, life ----

    def get_metrics(self) -> dict[str, Any]:
        """Returns what was logged since the last call."""
        if self.env is not None:
            self._episodes.log(self.metrics, self._modules)
        return self.metrics.reduce()

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns counters and live settings; modules, envs and the generator where these components are asked for."""
        state: dict[str, Any] = {
            NUM_ENV_STEPS_SAMPLED_LIFETIME: self.num_env_steps_sampled_lifetime,
            LIVE_SETTINGS: (self.config.in_evaluation, dict(self.live_settings)),
        }
        if self._check_component(COMPONENT_RL_MODULE, components, not_components):
            state[COMPONENT_RL_MODULE] = self.module.get_state(
                components=self._get_subcomponents(COMPONENT_RL_MODULE, components),
                not_components=self._get_subcomponents(COMPONENT_RL_MODULE, not_components),
                **kwargs,
            )
            state[WEIGHTS_SEQ_NO] = self._weights_seq_no
        if self.env is not None and self._check_component(ENV_STATES, components, not_components):
            state[ENV_STATES] = self._env_state()
        return state

    def _env_state(self) -> dict[str, Any]:
        return {
            "worker": (self.worker_index, self.config.in_evaluation),
            # Even where a reset comes first: the next episodes follow from the seed and number of the last ones.
            "envs": [self.env.state_bytes(e) for e in range(self.num_envs)],
            "needs_initial_reset": self._needs_initial_reset,
            "generator": self._rng.bit_generator.state,
            "num_fragments": self._num_fragments,
            "modules": dict(self._modules),
            "memory": self._memory.get_state(),
            "opened": {name: dict(vars(opened)) for name, opened in self._opened.items()},
            "players": {module_id: player.get_state() for module_id, player in self._players()},
        }

    def _players(self) -> list[tuple[str, Player]]:
        players = [(module_id, getattr(module, "player", None)) for module_id, module in self.module.items()]
        return [(module_id, player) for module_id, player in players if player is not None]

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        if COMPONENT_RL_MODULE in state:
            self._set_weights(state)
        if NUM_ENV_STEPS_SAMPLED_LIFETIME in state:
            self.num_env_steps_sampled_lifetime = state[NUM_ENV_STEPS_SAMPLED_LIFETIME]
        # RLlib hands the training runner's state to evaluation runners, whose settings are their own.
        in_evaluation, settings = state.get(LIVE_SETTINGS, (not self.config.in_evaluation, {}))
        if in_evaluation == self.config.in_evaluation and settings != self.live_settings:
            self._go_back_to(settings)
        if ENV_STATES in state:
            self._set_env_state(state[ENV_STATES])

    def _set_weights(self, state: dict[str, Any]) -> None:
        # Without a number, or with 0, the weights are taken, and those of a checkpoint; otherwise only newer ones are.
        weights_seq_no = state.get(WEIGHTS_SEQ_NO, 0)
        if ENV_STATES in state:
            weights_seq_no = number_after(self._weights_seq_no, weights_seq_no)
        if weights_seq_no == 0 or self._weights_seq_no < weights_seq_no:
            weights = state[COMPONENT_RL_MODULE]
            self.module.set_state(ray.get(weights) if isinstance(weights, ray.ObjectRef) else weights)
        if weights_seq_no > 0:
            self._weights_seq_no = weights_seq_no

    def get_weights(self, modules: Collection[str] | None = None) -> dict[str, Any]:
        """Returns the modules' weights; `Algorithm.get_weights` still goes by this name."""
        return self.module.get_state(components=modules)

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Takes weights, whatever their number; `Algorithm.set_weights` still goes by this name."""
        self.set_state({COMPONENT_RL_MODULE: weights})

    def _set_env_state(self, state: dict[str, Any]) -> None:
        # RLlib hands the training runner's state to restarted and to evaluation runners as well. Their episodes and
        # draws must stay their own: two runners in one state would sample the same data.
        if self.env is None or state["worker"] != (self.worker_index, self.config.in_evaluation):
            return
        if len(state["envs"]) != self.num_envs:
            raise ValueError(
                f"the checkpoint holds {len(state['envs'])} envs, this runner has num_envs_per_env_runner="
                f"{self.num_envs}; load the weights alone with restore_from_path(..., component='learner_group')"
            )
        for e, snapshot in enumerate(state["envs"]):
            self.env.load_state(e, snapshot)
        self._needs_initial_reset = state["needs_initial_reset"]
        self._rng.bit_generator.state = state["generator"]
        self._modules = dict(state["modules"])
        if state["modules"]:  # none: nothing was played yet
            seating = find_seating(self.env.groups, state["modules"], self._kind_of)
            self._memory.seat(self.module, seating, self.num_envs)
        self._memory.set_state(state["memory"])
        self._opened = {name: OpenDecisions(**arrays) for name, arrays in state["opened"].items()}
        for module_id, player in self._players():
            player.set_state(state["players"][module_id])
        self._num_fragments, self._starts_fresh = state["num_fragments"], False
        self._episodes.forget()

    def get_ctor_args_and_kwargs(self) -> tuple[tuple, dict[str, Any]]:
        """Returns what a copy is built from."""
        return (), {"config": self.config}

    def get_checkpointable_components(self) -> list[tuple[str, Any]]:
        """Returns the parts that save themselves."""
        return [(COMPONENT_RL_MODULE, self.module)]

    def assert_healthy(self) -> None:
        """Raises AssertionError where `__init__` has not come to its end."""
        assert self.module is not None

    def stop(self) -> None:
        """Lets go of the envs."""
        self.env = None
