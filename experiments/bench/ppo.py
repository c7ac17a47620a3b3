"""PPO with one policy for all agents, as the benchmarks train it: on RLlib's runner and on the batched one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

import games
from experiments.bench import Work, seconds
from marl.rllib import ActorCriticModule, Fragment, FragmentToBatch, use_batched_runner

KITCHEN = "overcooked/cramped_room_v0"
HIDDEN_SIZES = [64, 64]
NETWORK = {"fcnet_hiddens": HIDDEN_SIZES, "fcnet_activation": "relu", "vf_share_layers": False}
POLICY = "shared"
EPOCHS, MINIBATCHES = 2, 8


def make_config(
    num_envs: int, fragment: int, world: str = KITCHEN, num_runners: int = 0, **env_config: Any
) -> PPOConfig:
    """Returns what both runners share: world, network, batch, minibatches and epochs.

    Args:
        num_envs: Of every runner.
        fragment: Steps of an env in a batch.
        world: An environment id.
        num_runners: Remote ones; 0: the local one.
        **env_config: Settings of the world.
    """
    batch = num_envs * max(1, num_runners) * fragment
    num_agents = games.spec(world).config(**env_config).properties().num_agents
    return (
        PPOConfig()
        .environment(world, env_config=env_config)
        .env_runners(num_env_runners=num_runners, num_envs_per_env_runner=num_envs, rollout_fragment_length=fragment)
        .multi_agent(policies={POLICY}, policy_mapping_fn=_choose)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=ActorCriticModule, model_config=NETWORK))
        .training(
            train_batch_size_per_learner=batch,
            num_epochs=EPOCHS,
            # Rows, one for each agent and step; RLlib takes no more than the env steps of a batch.
            minibatch_size=min(num_agents * batch // MINIBATCHES, batch),
            use_kl_loss=False,
        )
        .debugging(log_level="ERROR", seed=0)
    )


def _choose(agent: Any, *args: Any, **kwargs: Any) -> str:
    return POLICY


def build_both(num_envs: int, fragment: int, **env_config: Any) -> tuple[Algorithm, Algorithm]:
    """Returns the same PPO on RLlib's own runner and on the batched one."""
    stock, ours = (make_config(num_envs, fragment, **env_config) for _ in range(2))
    return stock.build_algo(), use_batched_runner(ours).build_algo()


def sampling(algorithm: Algorithm, num_timesteps: int) -> Work:
    """Returns the work of a local runner that samples so many env steps."""
    runner: Any = algorithm.env_runner
    return lambda: seconds(lambda: runner.sample(num_timesteps=num_timesteps))


def training(algorithm: Algorithm) -> Work:
    """Returns the work of one iteration."""
    return lambda: seconds(algorithm.train)


def often(times: int, work: Callable[[], object], cpu_clock: Callable[[], float] = time.process_time) -> Work:
    """Returns the work of some calls, for what is too short for the clocks."""

    def calls() -> None:
        for _ in range(times):
            work()

    return lambda: seconds(calls, cpu_clock)


def train_columns(algorithm: Algorithm, fragments: list[Fragment]) -> dict[str, Any]:
    """Returns what the loss of the policy is computed from: tensors [B, ...] by name."""
    learner: Any = algorithm.learner_group._learner  # type: ignore[union-attr]
    connector = FragmentToBatch(discounts=learner.discounts)
    return connector(rl_module=learner.module, batch={}, episodes=fragments)[POLICY]
