"""Playing and training on PettingZoo's environments through RLlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

from marl.rllib import ActorCriticModule, register_pettingzoo

Build = Callable[[PPOConfig], Algorithm]


def ppo(make_env: Any, *, one_policy: bool = True, module: Any = ActorCriticModule, **options: Any) -> PPOConfig:
    """A small PPO config on RLlib's own runner."""
    register_pettingzoo("world", make_env, **options)
    config = PPOConfig().environment("world")
    names = {"shared"} if one_policy else {"a", "b", "c"}
    config.multi_agent(policies=names, policy_mapping_fn=lambda a, episode, **kw: "shared" if one_policy else a)
    if module is not None:
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=module, model_config={"head_fcnet_hiddens": []}))
    config.env_runners(num_env_runners=0, rollout_fragment_length=60)
    config.training(train_batch_size_per_learner=60, minibatch_size=30, num_epochs=1)
    return config.debugging(seed=1, log_level="ERROR")


def assert_trains(algorithm: Algorithm, iterations: int = 2) -> dict[str, Any]:
    for _ in range(iterations):
        result = algorithm.train()
    losses = [row["total_loss"] for name, row in result["learners"].items() if name != "__all_modules__"]
    assert losses
    assert np.isfinite(losses).all()
    return result["env_runners"]


def play_episode(config: PPOConfig) -> Any:
    """Returns what RLlib makes of one episode."""
    (episode,) = MultiAgentEnvRunner(config=config, worker_index=0).sample(num_episodes=1)
    return episode


def assert_same_episodes(first: Any, second: Any, num_steps: int = 50) -> None:
    """Plays both with the same seed and actions, and compares all that they tell RLlib."""
    generator, num_episodes = np.random.default_rng(0), 0
    started = first.reset(seed=5)
    np.testing.assert_equal(second.reset(seed=5), started)
    observations = started[0]
    for _ in range(num_steps):
        actions = {agent: draw(first.action_spaces[agent], seen, generator) for agent, seen in observations.items()}
        told = first.step(actions)
        np.testing.assert_equal(second.step(actions), told)
        observations, _, terminations, truncations, _ = told
        if terminations["__all__"] or truncations["__all__"]:
            num_episodes += 1
            started = first.reset()
            np.testing.assert_equal(second.reset(), started)
            observations = started[0]
        else:
            observations = {a: s for a, s in observations.items() if not (terminations[a] or truncations[a])}
    assert num_episodes > 0


def draw(space: spaces.Space, observation: Any, generator: np.random.Generator) -> Any:
    if isinstance(space, spaces.Box):
        return generator.uniform(space.low, space.high).astype(space.dtype)
    choices = [space.n] if isinstance(space, spaces.Discrete) else list(space.nvec)
    masks = np.ones(sum(choices)) if not isinstance(observation, dict) else observation["action_mask"]
    parts = np.split(np.asarray(masks), np.cumsum(choices)[:-1])
    drawn = [generator.choice(np.flatnonzero(part)) for part in parts]
    return drawn[0] if isinstance(space, spaces.Discrete) else np.array(drawn, np.int32)
