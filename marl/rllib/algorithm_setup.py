"""One call that puts an algorithm's config on the batched runner, and one that reaches all its envs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.dqn.dqn import DQNConfig
from ray.rllib.algorithms.impala.impala import IMPALAConfig
from ray.rllib.algorithms.ppo.ppo_learner import PPOLearner
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.algorithms.sac.sac import SACConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.env_runner import EnvRunner
from ray.tune.registry import register_env
from ray.tune.search.sample import Domain

import games
from marl.rllib.dry_run import try_out
from marl.rllib.envs.multi_agent_env import BatchMultiAgentEnv
from marl.rllib.errors import TrainingError
from marl.rllib.learner.fragment_learner import FragmentLearner
from marl.rllib.learner.global_state import GlobalStateAPI, global_state_size
from marl.rllib.learner.ppo_learner import PPOFragmentLearner
from marl.rllib.learner.vtrace_learner import set_up_vtrace
from marl.rllib.modules.actor_critic import ActorCriticModule
from marl.rllib.noise import silence_noise
from marl.rllib.replay.replay_algorithms import set_up_replay
from marl.rllib.replay.replay_checks import check_replay_config
from marl.rllib.runner.batched_runner import BatchedEnvRunner
from marl.rllib.runner.player_module import MakePlayer, seat_players
from marl.rllib.runner.runner_callbacks import find_unsupported

Config = TypeVar("Config", bound=AlgorithmConfig)


def register() -> None:
    """Registers every id with RLlib, as the plain MultiAgentEnv; env_config = world settings."""
    for id in games.env_ids(with_extras=True):
        register_env(id, partial(BatchMultiAgentEnv, id))


def use_batched_runner(
    config: Config, *, rllib_module: bool = False, players: Mapping[str, MakePlayer] | None = None
) -> Config:
    """Puts a config on the batched runner. Call it last: it also plays a step, to say now what does not fit.

    Sets the runner, the learner and its connector, and - where the config has none yet - the module
    (`ActorCriticModule`, which takes RLlib's `model_config` names) and the train batch size (all that the runners
    collect in one round; for IMPALA and APPO one runner's fragment for each learner). DQN and SAC get an algorithm with
    an array replay buffer, and keep their own module and batch size (`set_up_replay`).

    Args:
        config: Its `env` is one of `games.env_ids()`. A learner class of its own must be a `FragmentLearner`, or a
            `VTraceFragmentLearner` for IMPALA and APPO, and then `learners` has to be called before.
        rllib_module: Keeps the algorithm's own default module.
        players: Policies that are not learned, each with what makes its player from a seed: a class of `agents` such as
            `GreedyCook`, or `functools.partial(TrainedPlayer, folder)`. The mapping decides whom they play.

    Raises:
        UnknownNameError: No such environment, setting or policy.
        TrainingError: Policies, modules and spaces do not fit together.
        TypeError: A learner class that cannot train on fragments.
        ValueError: Callbacks or connectors that a batched runner cannot call; a player's policy that is to be trained;
            settings of IMPALA or APPO that `set_up_vtrace` refuses, or of DQN or SAC that `set_up_replay` does.
    """
    silence_noise()
    _refuse_search_spaces(config)
    games.spec(str(config.env)).config(**config.env_config)  # says now what a runner would say from another process
    _refuse_what_needs_episodes(config)
    register()
    # RLlib builds modules in the order of a set, which every process has its own of; their first weights follow it.
    config.multi_agent(policies={policy: config.policies[policy] for policy in sorted(config.policies)})
    # Nothing to merge from the runners; what the local one holds (live settings) goes to all after every iteration.
    config.env_runners(env_runner_cls=BatchedEnvRunner, merge_env_runner_states=False)
    is_off_policy = isinstance(config, DQNConfig | SACConfig)
    _refuse_too_few_envs(config)
    if is_off_policy:
        set_up_replay(config, rllib_module=rllib_module)
    elif isinstance(config, IMPALAConfig):  # and APPO's, which derives from it
        set_up_vtrace(config)
    else:
        config.learners(
            learner_class=_fragment_learner(config.learner_class), add_default_connectors_to_learner_pipeline=False
        )
    if config._rl_module_spec is None and not rllib_module and not is_off_policy:
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=ActorCriticModule))
    if config._rl_module_spec is None and players:
        config.rl_module(rl_module_spec=config.get_default_rl_module_spec())
    if players:
        seat_players(config, players)
    _size_centralized_critics(config)
    takes_all = config._train_batch_size_per_learner is None and not is_off_policy
    if takes_all and isinstance(config.rollout_fragment_length, int):
        num_envs = max(config.num_env_runners, 1) * config.num_envs_per_env_runner
        config.training(train_batch_size_per_learner=num_envs * config.rollout_fragment_length)
    if is_off_policy:
        check_replay_config(config)  # before RLlib's modules say the same in other words
    try_out(config)
    return config


def _refuse_search_spaces(config: AlgorithmConfig) -> None:
    looked_at = {
        "env": config.env,
        "env_config": config.env_config,
        "model_config": config.model_config,
        **{name: getattr(config, name) for name in ("num_env_runners", "num_learners", "num_envs_per_env_runner")},
        "rollout_fragment_length": config.rollout_fragment_length,
    }
    for name, value in looked_at.items():
        leaves = [value, *(value.values() if isinstance(value, dict) else ())]
        if any(isinstance(leaf, Domain) or (isinstance(leaf, dict) and "grid_search" in leaf) for leaf in leaves):
            raise TrainingError(
                f"{name} is a search space, and use_batched_runner has to know its value: call it inside a function "
                "that Tune calls with the value (learning rates and the like may be search spaces)"
            )


def _refuse_too_few_envs(config: AlgorithmConfig) -> None:
    num_envs = max(config.num_env_runners, 1) * config.num_envs_per_env_runner
    if num_envs < config.num_learners:
        raise TrainingError(
            f"{config.num_learners} learners share {num_envs} envs, and an env is never cut in two; set "
            "num_envs_per_env_runner higher or num_learners lower"
        )


def _refuse_what_needs_episodes(config: AlgorithmConfig) -> None:
    advice = "; use RLlib's own runner for them (marl.rllib.register() and no use_batched_runner)"
    unsupported = find_unsupported(config)
    if unsupported:
        raise ValueError(f"the batched runner keeps no episodes step by step and cannot call {unsupported}{advice}")
    for name in ("env_to_module_connector", "module_to_env_connector"):
        if getattr(config, f"_{name}") is not None:
            raise ValueError(f"the batched runner has no connector pipelines and would not call {name}{advice}")


def _size_centralized_critics(config: AlgorithmConfig) -> None:
    spec: Any = config._rl_module_spec
    specs: list[Any] = [spec]
    if isinstance(spec, MultiRLModuleSpec):
        specs = list((spec.rl_module_specs or {}).values())
    for each in specs:
        if each is not None and each.module_class is not None and issubclass(each.module_class, GlobalStateAPI):
            groups = games.make_batch(str(config.env), **config.env_config).groups
            own = config.model_config if each.model_config is None else each.model_config
            each.model_config = {
                **own,
                "global_state_size": global_state_size(groups),
                "num_agents": sum(len(group.agents) for group in groups.values()),
            }


def _fragment_learner(learner_class: type) -> type:
    if issubclass(learner_class, FragmentLearner):
        return learner_class
    if learner_class is PPOTorchLearner:
        return PPOFragmentLearner
    base = "PPOFragmentLearner" if issubclass(learner_class, PPOLearner) else "FragmentLearner"
    raise TypeError(
        f"{learner_class.__name__} cannot train on fragments; derive it from marl.rllib.{base} "
        "(the mixin before the learner class) and pass it to config.learners(learner_class=...)"
    )


def configure_envs(algorithm: Algorithm, **live: Any) -> None:
    """Changes live settings of the world for all training envs of an algorithm, from their next step on.

    A runner that RLlib restarts later gets them from the local runner (so keep `create_local_env_runner`, which is
    RLlib's default). A checkpoint holds them as well; remote runners of a restored algorithm have them after its first
    iteration, or at once with a call without any settings. Evaluation runners keep the settings of the config.

    Args:
        algorithm: Built from a config that `use_batched_runner` prepared, or on RLlib's own runner.
        **live: Names and values.

    Raises:
        ValueError: No such setting, out of range, or not live. No env has changed then.
    """
    group = algorithm.env_runner_group
    assert group is not None
    local = group.local_env_runner
    if local is not None:
        _configure(local, live)
        live = getattr(local, "live_settings", live)
    group.foreach_env_runner(partial(_configure, live=live), local_env_runner=False)


def stagger_envs(algorithm: Algorithm, num_steps: int) -> None:
    """Spreads the training envs of an algorithm evenly over the steps of an episode; before the first iteration.

    Args:
        algorithm: Built from a config that `use_batched_runner` prepared.
        num_steps: Of an episode.
    """
    group = algorithm.env_runner_group
    assert group is not None
    is_remote = group.num_healthy_remote_workers() > 0
    group.foreach_env_runner(partial(_stagger, num_steps=num_steps), local_env_runner=not is_remote)


def _stagger(runner: Any, num_steps: int) -> None:
    runner.stagger(num_steps)


def _configure(runner: EnvRunner, live: dict[str, Any]) -> None:
    if isinstance(runner, BatchedEnvRunner):
        runner.configure_env(**live)
    elif runner.env is not None:
        for env in runner.env.envs:
            env.unwrapped.configure(**live)
