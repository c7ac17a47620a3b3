"""The best response that RLlib learns: PPO or DQN on the batched runner, against mixtures of the populations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.ppo import PPOConfig

from agents.mixture import MixturePlayer
from marl.psro.opponents import Mixture, Opponents
from marl.psro.population import Kind, MakePlayer
from marl.psro.risk_rewards import RiskAversion, RiskCallback
from marl.rllib import use_batched_runner
from marl.rllib.export import export_policy, import_policy

LEARNER = "learner"


@dataclass(frozen=True)
class RLlibOracle:
    """How a response is learned.

    Attributes:
        env_id: The world.
        settings: Of the world, beyond the id's.
        env_steps: Budget of one response.
        num_envs: Envs of the batched runner.
        fragment_steps: Steps of each env between two updates.
        hidden_sizes: Of the policy and the value network.
        learning_rate: Of Adam.
        discount: Per step.
        gae_lambda: Of the advantages.
        entropy_coefficient: At the start; falls to 0 linearly.
        num_epochs: Passes over a fragment.
        minibatches: Of one pass.
        observation_scale: Multiplies the observations.
    """

    env_id: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    env_steps: int = 200_000
    num_envs: int = 64
    fragment_steps: int = 64
    hidden_sizes: Sequence[int] = (64, 64)
    learning_rate: float = 1e-3
    discount: float = 0.99
    gae_lambda: float = 0.95
    entropy_coefficient: float = 0.01
    num_epochs: int = 4
    minibatches: int = 4
    observation_scale: float = 1.0
    algorithm: Literal["ppo"] = "ppo"

    kind: ClassVar[Kind] = "trained"

    def respond(
        self,
        agent: str,
        opponents: Opponents,
        out: Path,
        *,
        seed: int,
        risk: RiskAversion | None = None,
        start: Path | None = None,
    ) -> dict[str, Any]:
        """Learns a response and writes it as a policy of `agents.trained`.

        Args:
            agent: Who responds.
            opponents: Whom against, one joint draw an episode.
            out: Existing folder for the policy.
            seed: Of everything random.
            risk: What the learner is averse to; None: nothing.
            start: Folder of a policy of the same shape to start from.

        Returns:
            What a manifest should say about it.
        """
        config = self._config(agent, seed)
        callback = None
        if risk is not None and risk.gamma > 0:
            callback = RiskCallback(risk, agent, [_seat(other) for other in opponents.mixtures], opponents.joint)
            config.callbacks(on_sample_end=callback)
        players = _seats(opponents, seed, keeps_log=callback is not None)
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
            module: Any = algorithm.get_module(LEARNER)
            export_policy(module, out, self.env_id, dict(self.settings))
        finally:
            algorithm.stop()
        about = {"oracle": self.algorithm, "env_steps": last["steps"], "seed": seed, "return": last["return"]}
        if risk is not None:
            about["risk"] = risk.label
        if callback is not None:
            about["return_by_opponents"] = [None if math.isnan(u) else float(u) for u in callback.rewards.means()]
        return about

    def _config(self, agent: str, seed: int) -> AlgorithmConfig:
        rows = self.num_envs * self.fragment_steps
        entropy: Any = [[0, self.entropy_coefficient], [self.env_steps, 0.0]]
        return (
            PPOConfig()
            .environment(self.env_id, env_config=dict(self.settings))
            .env_runners(
                num_env_runners=0, num_envs_per_env_runner=self.num_envs, rollout_fragment_length=self.fragment_steps
            )
            .learners(num_learners=0)
            .rl_module(
                model_config={
                    "fcnet_hiddens": list(self.hidden_sizes),
                    "fcnet_activation": "tanh",
                    "vf_share_layers": False,
                    "observation_scale": self.observation_scale,
                }
            )
            .training(
                lr=self.learning_rate,
                gamma=self.discount,
                lambda_=self.gae_lambda,
                entropy_coeff=entropy,
                num_epochs=self.num_epochs,
                minibatch_size=max(1, rows // self.minibatches),
                vf_clip_param=math.inf,
                grad_clip=0.5,
                clip_param=0.2,
                use_kl_loss=False,
            )
            .debugging(seed=seed, log_level="ERROR")
        )

    def _train(self, algorithm: Algorithm) -> dict[str, Any]:
        steps, returns = 0, math.nan
        while steps < self.env_steps:
            result = algorithm.train()
            sampled = result["env_runners"]
            steps = int(sampled["num_env_steps_sampled_lifetime"])
            returns = float(sampled.get("module_episode_returns_mean", {}).get(LEARNER, returns))
        return {"steps": steps, "return": None if math.isnan(returns) else returns}


def _seat(agent: str) -> str:
    return f"opponent_{agent}"


def _choose(agent: Any, *args: Any, learner: str, **kwargs: Any) -> str:
    return LEARNER if agent == learner else _seat(agent)


def _seats(opponents: Opponents, seed: int, keeps_log: bool) -> dict[str, MakePlayer]:
    return {
        _seat(agent): partial(_make_mixture, opponents, mixture, seed + 1 + index, keeps_log)
        for index, (agent, mixture) in enumerate(opponents.mixtures.items())
    }


def _make_mixture(opponents: Opponents, mixture: Mixture, own_seed: int, keeps_log: bool, seed: int) -> MixturePlayer:
    """Makes the mixture in the process of the runner, which brings the last seed."""
    population = opponents.population()
    drawn = np.flatnonzero(mixture.probabilities)  # nobody waits for policies that never come
    seeds = [int(word) for word in np.random.SeedSequence([own_seed, seed]).generate_state(len(drawn) + 1)]
    members = [
        population.make_player(mixture.player, int(number), its_seed)
        for number, its_seed in zip(drawn, seeds, strict=False)
    ]
    return MixturePlayer(members, mixture.probabilities[drawn], seeds[-1], numbers=drawn, keeps_log=keeps_log)


def _start_from(algorithm: Algorithm, folder: Path) -> None:
    """Gives the learner the policy of a file; its value network stays as it is."""
    group: Any = algorithm.learner_group
    group.foreach_learner(lambda learner: import_policy(learner.module[LEARNER], folder))
    runners: Any = algorithm.env_runner_group
    runners.sync_weights(from_worker_or_learner_group=group, inference_only=True)
