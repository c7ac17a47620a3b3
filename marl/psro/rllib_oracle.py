"""The best response that RLlib learns: PPO or DQN on the batched runner, against mixtures of the populations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from agents.mixture import MixturePlayer
from marl.psro.diversity import MET_ANYHOW, Diversity
from marl.psro.opponents import Opponents
from marl.psro.oracles import DQNSettings, PPOSettings
from marl.psro.population import Kind, MakePlayer
from marl.psro.risk_rewards import RiskAverseRewards, RiskAversion, RiskCallback
from marl.rllib import QModule, use_batched_runner
from marl.rllib.export import export_policy, import_policy

LEARNER = "learner"


@dataclass(frozen=True)
class RLlibOracle:
    """How a response is learned.

    Attributes:
        env_id: The world.
        world_settings: Of the world, beyond the id's.
        settings: Of the algorithm.
    """

    env_id: str
    world_settings: Mapping[str, Any]
    settings: PPOSettings | DQNSettings

    kind: ClassVar[Kind] = "trained"

    def respond(
        self,
        agent: str,
        opponents: Opponents,
        out: Path,
        *,
        seed: int,
        risk: RiskAversion | None = None,
        diversity: Diversity | None = None,
        start: Path | None = None,
    ) -> dict[str, Any]:
        """Learns a response and writes it as a policy of `agents.trained`."""
        is_ppo = isinstance(self.settings, PPOSettings)
        if (risk is not None or diversity is not None) and not is_ppo:
            raise ValueError("the oracle dqn knows no aversion to risk and no diversity; oracle ppo does")
        config, keeps_log = self._config(seed), risk is not None or diversity is not None
        if keeps_log:
            meant = opponents.distribution.ravel()
            opponents = opponents if diversity is None else opponents.widened(MET_ANYHOW)
            rewards = RiskAverseRewards(risk or RiskAversion(0.0), meant, diversity, opponents.distribution.ravel())
            config.callbacks(on_sample_end=RiskCallback(rewards, agent, *_logs(opponents)))
        players = _seats(opponents, seed, keeps_log)
        config.multi_agent(
            policies={LEARNER, *players},
            policy_mapping_fn=partial(_choose, learner=agent),
            policies_to_train=[LEARNER],
        )
        algorithm = use_batched_runner(config, players=players).build_algo()
        try:
            if start is not None:
                _start_from(algorithm, start)
            last = self._train(algorithm)
            met = _returns_by_opponents(algorithm) if keeps_log else None
            module: Any = algorithm.get_module(LEARNER)
            export_policy(module, out, self.env_id, dict(self.world_settings))
        finally:
            algorithm.stop()
        about = {
            "oracle": "ppo" if is_ppo else "dqn",
            "env_steps": last["steps"],
            "seed": seed,
            "return": last["return"],
        }
        if risk is not None:
            about["risk"] = risk.label
        if met is not None:
            about["return_by_opponents"] = met
        return about

    def _config(self, seed: int) -> AlgorithmConfig:
        own = self.settings
        config = _ppo(own) if isinstance(own, PPOSettings) else _dqn(own)
        return (
            config.environment(self.env_id, env_config=dict(self.world_settings))
            .env_runners(
                num_env_runners=0, num_envs_per_env_runner=own.num_envs, rollout_fragment_length=own.fragment_steps
            )
            .learners(num_learners=0)
            .debugging(seed=seed, log_level="ERROR")
        )

    def _train(self, algorithm: Algorithm) -> dict[str, Any]:
        steps, returns = 0, math.nan
        while steps < self.settings.env_steps:
            result = algorithm.train()
            sampled = result["env_runners"]
            steps = int(sampled["num_env_steps_sampled_lifetime"])
            returns = float(sampled.get("module_episode_returns_mean", {}).get(LEARNER, returns))
        return {"steps": steps, "return": None if math.isnan(returns) else returns}


def _ppo(own: PPOSettings) -> AlgorithmConfig:
    entropy: Any = [[0, own.entropy_coefficient], [own.env_steps, 0.0]]
    return (
        PPOConfig()
        .rl_module(
            model_config={
                "fcnet_hiddens": list(own.hidden_sizes),
                "fcnet_activation": "tanh",
                "vf_share_layers": False,
                "observation_scale": own.observation_scale,
            }
        )
        .training(
            lr=own.learning_rate,
            gamma=own.discount,
            lambda_=own.gae_lambda,
            entropy_coeff=entropy,
            num_epochs=own.num_epochs,
            minibatch_size=max(1, own.num_envs * own.fragment_steps // own.minibatches),
            vf_clip_param=math.inf,
            grad_clip=0.5,
            clip_param=0.2,
            use_kl_loss=False,
        )
    )


def _dqn(own: DQNSettings) -> AlgorithmConfig:
    epsilon: Any = [(0, 1.0), (own.env_steps // 2, own.exploration)]
    return (
        DQNConfig()
        .rl_module(
            rl_module_spec=RLModuleSpec(module_class=QModule),
            model_config={
                "fcnet_hiddens": list(own.hidden_sizes),
                "fcnet_activation": "relu",
                "observation_scale": own.observation_scale,
            },
        )
        .training(
            lr=own.learning_rate,
            gamma=own.discount,
            n_step=own.n_step,
            train_batch_size_per_learner=own.batch_size,
            training_intensity=own.replay_ratio,
            replay_buffer_config={"type": "MultiAgentEpisodeReplayBuffer", "capacity": own.capacity},
            num_steps_sampled_before_learning_starts=own.learning_starts,
            target_network_update_freq=own.target_update_steps,
            double_q=True,
            dueling=False,
            epsilon=epsilon,
        )
        .reporting(min_time_s_per_iteration=0, min_sample_timesteps_per_iteration=max(1, own.env_steps // 20))
    )


def _seat(agent: str) -> str:
    return f"opponent_{agent}"


def _choose(agent: Any, *args: Any, learner: str, **kwargs: Any) -> str:
    return LEARNER if agent == learner else _seat(agent)


def _seats(opponents: Opponents, seed: int, keeps_log: bool) -> dict[str, MakePlayer]:
    return {_seat(agent): partial(_sit_down, opponents, agent, seed, keeps_log) for agent in opponents.mixtures}


def _sit_down(opponents: Opponents, agent: str, seed: int, keeps_log: bool, runner_seed: int) -> MixturePlayer:
    """Makes a player in the process of the runner, which brings the last seed."""
    return opponents.make_player(agent, (seed, runner_seed), keeps_log=keeps_log)


def _logs(opponents: Opponents) -> tuple[list[str], tuple[int, ...]]:
    """Returns the seats whose logs say together which joint draw was played, and how many each may note."""
    seats = [_seat(agent) for agent in opponents.mixtures]
    if opponents.joint is None:
        return seats, opponents.distribution.shape
    return seats[:1], (opponents.joint.size,)


def _returns_by_opponents(algorithm: Algorithm) -> list[float | None]:
    """Returns what the learner got from each joint draw of the others; None for those that it never met."""
    runner: Any = algorithm.env_runner
    callback: RiskCallback = runner.config.callbacks_on_sample_end  # RLlib gave the runner a copy of ours
    return [None if math.isnan(mean) else float(mean) for mean in callback.rewards.means()]


def _start_from(algorithm: Algorithm, folder: Path) -> None:
    """Gives the learner the policy of a file; a value network stays as it is."""
    group: Any = algorithm.learner_group
    group.foreach_learner(lambda learner: import_policy(learner.module[LEARNER], folder))
    runners: Any = algorithm.env_runner_group
    runners.sync_weights(from_worker_or_learner_group=group, inference_only=True)
