"""Two-level training: workers learn to earn under taxes, a planner learns to set them (Zheng et al. 2022).

Zheng, Trott, Srinivasa, Parkes and Socher 2022, "The AI Economist: Taxation policy design via two-level deep multiagent
reinforcement learning", Science Advances 8. Both levels are PPO: one policy for all workers, one for the planner, each
with the reward of its own group. What makes it work there, and where it is here:

    in the paper                                here
    a planner that acts once a tax period       decisions span the steps of waiting after them, in whatever unit of
                                                time the world has (`marl/rllib/learner/advantages.py`)
    actions that are forbidden                  action masks of the world
    phase 1, workers without a learner above    `planner=` a player of `agents/`, such as `RandomSchedules`
    phase 2 from the weights of phase 1         `weights_of`, `take_weights`
    labor that costs little at first            `warm_up`, for the world's live setting `labor_weight`
    exploitability (not in the paper)           `others=` a player, beside whom one worker goes on learning
    taxes of 10 % at most, then of 100 %        the world's `tax_annealing`
    planner's entropy, high and then low        `Level.entropy_coefficient`
    Saez's formula on the incomes of all envs   `share_samples`

Worlds are those with groups "workers" and "planner"; a group's name is the name of its policy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

import games
from marl.rllib import ActorCriticModule, use_batched_runner
from marl.rllib.runner.player_module import MakePlayer

WORKERS, PLANNER = "workers", "planner"
OTHERS = "others"  # all workers but the first, where it alone learns

OverTime = float | Sequence[tuple[int, float]]
"""A number, or (env step, value) pairs from step 0 on, between which the number moves linearly."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """How one of the two policies learns.

    Attributes:
        learning_rate: Of Adam.
        entropy_coefficient: Of the entropy bonus. Advantages have standard deviation 1.
        discount: By step of the world, also of a planner that acts once a period.
        gae_lambda: By decision.
        hidden_sizes: Of the policy network and of the value network, each.
        return_scale: Size that discounted returns have; values are learned in units of it.
    """

    learning_rate: OverTime = 3e-4
    entropy_coefficient: OverTime = 0.025
    discount: float = 0.998
    gae_lambda: float = 0.98
    hidden_sizes: tuple[int, ...] = (128, 128)
    return_scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How much is played between two updates, and how it is gone through.

    Attributes:
        num_envs: Of each runner.
        fragment_steps: Of each env between two updates; need not be a multiple of a tax period.
        num_env_runners: Remote runners; 0: the main process steps the envs.
        num_epochs: Passes over what was played.
        minibatch_size: Decisions of the workers; the planner's are spread evenly over as many minibatches.
        clip: Of PPO's ratio.
        gradient_clip: Largest norm of a policy's gradient.
        matmul_precision: "highest", or "medium" for products of bfloat16 where the processor is faster with them.
        seed: Of everything.
    """

    num_envs: int = 64
    fragment_steps: int = 200
    num_env_runners: int = 0
    num_epochs: int = 1
    minibatch_size: int = 3200
    clip: float = 0.2
    gradient_clip: float = 0.5
    matmul_precision: str = "highest"
    seed: int = 0


def falling(start: float, end: float, env_steps: int) -> list[tuple[int, float]]:
    """Returns a number that moves linearly from a start to an end within so many env steps, and stays there."""
    return [(0, start), (max(env_steps, 1), end)]


class _Seats:
    """Maps agents to the policy of their group; picklable, for runners in other processes."""

    def __init__(self, env_id: str, env_settings: dict[str, Any], *, has_others: bool) -> None:
        groups = games.make_batch(env_id, 1, **env_settings).groups
        self._policies = {agent: name for name, group in groups.items() for agent in group.agents}
        if set(groups) != {WORKERS, PLANNER}:
            raise ValueError(
                f"two-level training needs groups {WORKERS!r} and {PLANNER!r}; {env_id} has {list(groups)}"
            )
        if has_others:
            self._policies |= dict.fromkeys(groups[WORKERS].agents[1:], OTHERS)
        self.names = set(self._policies.values())
        self.num_learning = sum(name != OTHERS for name in self._policies.values())

    def __call__(self, agent: Any, *args: Any, **kwargs: Any) -> str:
        return self._policies[agent]


def two_level_config(
    env_id: str,
    env_settings: dict[str, Any],
    *,
    workers: Level | MakePlayer,
    planner: Level | MakePlayer,
    sampling: Sampling,
    others: MakePlayer | None = None,
) -> PPOConfig:
    """Returns a config with which RLlib's PPO trains workers and planner, or one of them beside a player.

    Args:
        env_id: A world with groups "workers" and "planner".
        env_settings: Its settings.
        workers: How the policy of all workers learns; or what makes the player that they are.
        planner: The same for the planner.
        sampling: How much is played.
        others: What makes the player of all workers but the first, which `workers` is then about: how much it gains by
            itself is what shows whether they play a best response. None: `workers` is about all of them.

    Raises:
        ValueError: The world has other groups, or nobody learns.
    """
    seats = _Seats(env_id, env_settings, has_others=others is not None)
    levels = {name: who for name, who in ((WORKERS, workers), (PLANNER, planner)) if isinstance(who, Level)}
    players: dict[str, Any] = {WORKERS: workers, PLANNER: planner}
    players = {name: who for name, who in players.items() if name not in levels}
    players |= {} if others is None else {OTHERS: others}
    if not levels:
        raise ValueError("workers and planner are both players: nobody learns")
    specs = {
        name: RLModuleSpec(module_class=ActorCriticModule, model_config=_model(level, sampling))
        for name, level in levels.items()
    }
    specs |= {name: RLModuleSpec(module_class=ActorCriticModule) for name in players}  # players take these places
    fragment = sampling.num_envs * max(sampling.num_env_runners, 1) * sampling.fragment_steps
    config = PPOConfig().environment(env_id, env_config=env_settings)
    config.env_runners(
        num_env_runners=sampling.num_env_runners,
        num_envs_per_env_runner=sampling.num_envs,
        rollout_fragment_length=sampling.fragment_steps,
    )
    config.multi_agent(
        policies=seats.names,
        policy_mapping_fn=seats,
        count_steps_by="agent_steps",  # a minibatch may have more rows than there are env steps
    )
    config.rl_module(
        rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs),
        algorithm_config_overrides_per_module={name: _overrides(level) for name, level in levels.items()},
    )
    config.training(
        train_batch_size_per_learner=fragment * seats.num_learning,
        num_epochs=sampling.num_epochs,
        minibatch_size=sampling.minibatch_size,
        clip_param=sampling.clip,
        grad_clip=sampling.gradient_clip,
        vf_clip_param=math.inf,
        use_kl_loss=False,
    )
    config.debugging(seed=sampling.seed, log_level="ERROR")
    return use_batched_runner(config, players=players)


def _model(level: Level, sampling: Sampling) -> dict[str, Any]:
    return {
        "fcnet_hiddens": list(level.hidden_sizes),
        "fcnet_activation": "relu",
        "vf_share_layers": False,
        "value_scale": level.return_scale,
        "matmul_precision": sampling.matmul_precision,
    }


def _overrides(level: Level) -> Any:
    def in_rllibs_form(number: OverTime) -> Any:
        return number if isinstance(number, float | int) else [list(pair) for pair in number]

    return PPOConfig.overrides(
        lr=in_rllibs_form(level.learning_rate),
        entropy_coeff=in_rllibs_form(level.entropy_coefficient),
        gamma=level.discount,
        lambda_=level.gae_lambda,
        vf_loss_coeff=0.5 / level.return_scale**2,
    )


# ---- phases ----


def weights_of(algorithm: Algorithm, policy: str) -> dict[str, np.ndarray]:
    """Returns all weights of a policy that an algorithm trains, its value network included, by name."""
    assert algorithm.learner_group is not None
    return dict(algorithm.learner_group.get_weights([policy])[policy])


def take_weights(algorithm: Algorithm, policy: str, weights: dict[str, np.ndarray]) -> None:
    """Gives a policy of an algorithm, and its runners, weights of an earlier phase; its optimizer starts anew."""
    assert algorithm.learner_group is not None
    assert algorithm.env_runner_group is not None
    algorithm.learner_group.set_weights({policy: weights})
    algorithm.env_runner_group.sync_weights(
        policies=[policy], from_worker_or_learner_group=algorithm.learner_group, inference_only=True
    )


def decisions_of(
    algorithm: Algorithm, policy: str, observations: np.ndarray, masks: np.ndarray, parts: int
) -> np.ndarray:
    """Returns the probabilities [P, parts, K] with which a policy would choose, from observations [P, D]."""
    module = algorithm.get_module(policy)
    assert module is not None
    seen = {"observations": torch.from_numpy(observations.copy()), "action_mask": torch.from_numpy(masks.copy())}
    with torch.no_grad():
        logits = module.forward_inference({"obs": seen})["action_dist_inputs"]
    return torch.softmax(logits.reshape(len(observations), parts, -1), dim=2).numpy().astype(np.float64)


def warm_up(elapsed: float, constant: float) -> float:
    """Returns 1 - exp(-elapsed / constant), the share of the labor cost that counts after so much training.

    ai-economist's "decay" schedule, there by episodes of an env; whatever the unit is, both have the same.
    `configure_envs(algorithm, labor_weight=warm_up(...))` before every iteration.
    """
    return 1.0 if constant == 0 else -math.expm1(-elapsed / constant)


# ---- Saez's formula on several runners ----


def share_samples(algorithm: Algorithm) -> None:
    """Lets the `SaezPlanner` of every runner know the incomes that the others have seen; once an iteration."""
    group = algorithm.env_runner_group
    assert group is not None
    by_runner = dict(group.foreach_env_runner(_own_samples, local_env_runner=False))
    if len(by_runner) > 1:

        def tell(runner: Any) -> None:
            others = [samples for index, samples in by_runner.items() if index != runner.worker_index]
            _saez_of(runner).learn_from_others(np.concatenate(others))

        group.foreach_env_runner(tell, local_env_runner=False)


def saez_state(algorithm: Algorithm) -> dict[str, Any]:
    """Returns the state of the first runner's Saez model, for an equal model elsewhere."""
    group = algorithm.env_runner_group
    assert group is not None
    is_remote = group.num_healthy_remote_workers() > 0
    states = group.foreach_env_runner(lambda runner: _saez_of(runner).get_state(), local_env_runner=not is_remote)
    return dict(states[0])


def _saez_of(runner: Any) -> Any:
    player = getattr(runner.module[PLANNER], "player", None)
    if player is None or not hasattr(player, "saez"):
        raise ValueError(f"the planner must be a SaezPlanner to share samples, it is {type(player).__name__}")
    return player.saez


def _own_samples(runner: Any) -> tuple[int, np.ndarray]:
    return runner.worker_index, _saez_of(runner).samples
