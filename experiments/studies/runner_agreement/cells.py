"""One cell of the study: an algorithm, a runner, a seed; everything else is the same on both sides."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.appo import APPOConfig
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.impala import IMPALAConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.sac import SACConfig

from experiments.processes import call_in_processes
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.runner_agreement.settings import BATCHED_STOCK_ROWS, STOCK, AgreementSettings, Cell
from marl.rllib import register, start_ray, stop_ray, use_batched_runner
from marl.rllib.learner.fragment_to_trajectories import FragmentToTrajectories

NUM_ENVS = 32
ITERATION_STEPS = 1600

KITCHEN = ("overcooked/cramped_room_v0", {"observation": "features", "shaped_reward_weight": 1.0, "horizon": 100})
# The best profile is not the one that does best against a player who mixes evenly.
PAYOFFS = [[0.0, 0.0, 0.0], [0.0, 0.6, 0.6], [0.0, 0.6, 1.0]]
COORDINATION = (
    "matrix/rock_paper_scissors_v0",
    {"payoffs": [PAYOFFS, PAYOFFS], "horizon": 10, "memory": 1},
)


UNIFORM = {"type": "MultiAgentEpisodeReplayBuffer"}
PRIORITIZED = {"type": "MultiAgentPrioritizedEpisodeReplayBuffer", "alpha": 0.6, "beta": 0.4}


def choose_policy(agent: Any, *args: Any, **kwargs: Any) -> str:
    """One policy plays all agents."""
    return "shared"


def _ppo() -> AlgorithmConfig:
    config = PPOConfig().training(lr=1e-3, num_epochs=4, minibatch_size=800, lambda_=0.95, vf_clip_param=1e3)
    return config.training(entropy_coeff=0.01, use_kl_loss=False, train_batch_size_per_learner=50 * NUM_ENVS)


def _vtrace(config: Any, lr: float) -> AlgorithmConfig:
    config.training(lr=lr, entropy_coeff=0.02, vf_loss_coeff=0.5, grad_clip=1.0)
    return config.training(train_batch_size_per_learner=20 * NUM_ENVS)


def _dqn(buffer: dict[str, Any]) -> AlgorithmConfig:
    config = DQNConfig().training(lr=1e-3, train_batch_size_per_learner=128, training_intensity=16)
    config.training(num_steps_sampled_before_learning_starts=2000, target_network_update_freq=500)
    return config.training(epsilon=[(0, 1.0), (20_000, 0.05)], replay_buffer_config={"capacity": 50_000, **buffer})


def _sac() -> AlgorithmConfig:
    config = SACConfig().training(actor_lr=5e-4, critic_lr=5e-4, alpha_lr=5e-4, twin_q=True, tau=0.01, n_step=1)
    config.training(target_entropy=0.1, initial_alpha=0.3, train_batch_size_per_learner=128, training_intensity=16)
    return config.training(
        num_steps_sampled_before_learning_starts=2000, replay_buffer_config={"capacity": 50_000, **UNIFORM}
    )


# Config, world and its settings, fragment length.
MAKERS: dict[str, tuple[Callable[[], AlgorithmConfig], tuple[str, dict[str, Any]], int]] = {
    "ppo": (_ppo, KITCHEN, 50),
    "appo": (lambda: _vtrace(APPOConfig(), 2e-3), KITCHEN, 20),
    "impala": (lambda: _vtrace(IMPALAConfig(), 1e-3), KITCHEN, 20),
    "dqn": (partial(_dqn, UNIFORM), KITCHEN, 1),
    "dqn_prioritized": (partial(_dqn, PRIORITIZED), KITCHEN, 1),
    "sac": (_sac, COORDINATION, 1),
}


def make_config(cell: Cell) -> AlgorithmConfig:
    """Returns the config of a cell. All that depends on the runner is the last call."""
    make, (env, settings), fragment_length = MAKERS[cell.algorithm]
    config = make().environment(env, env_config=settings)
    config.env_runners(
        num_env_runners=0, num_envs_per_env_runner=NUM_ENVS, rollout_fragment_length=fragment_length
    ).learners(num_learners=0)
    config.multi_agent(policies={"shared"}, policy_mapping_fn=choose_policy)
    config.debugging(seed=cell.seed, log_level="ERROR")
    # RLlib's runner averages its last 100 episodes, which lags behind a rising curve; all envs end an episode together.
    config.reporting(metrics_num_episodes_for_smoothing=NUM_ENVS)
    if cell.algorithm != "ppo":
        config.reporting(min_time_s_per_iteration=0, min_sample_timesteps_per_iteration=ITERATION_STEPS)
    if cell.runner == STOCK:
        return config
    if cell.runner == BATCHED_STOCK_ROWS:
        config.learners(learner_connector=partial(FragmentToTrajectories, repeats_logp=True))
    return use_batched_runner(config, rllib_module=True)


def run_cell(cell: Cell, path: Path) -> Path:
    """Trains one cell and writes its curve: env steps, episodes that ended, their mean return. Returns the path."""
    start_ray(num_cpus=1)
    register()
    algorithm = make_config(cell).build_algo()
    rows: list[tuple[int, int, float]] = []
    steps = 0
    while steps < cell.steps:
        sampled = algorithm.train()["env_runners"]
        steps = int(sampled["num_env_steps_sampled_lifetime"])
        # Without an ended episode RLlib reports NaN for both, or neither.
        mean, episodes = (float(sampled.get(name, math.nan)) for name in ("episode_return_mean", "num_episodes"))
        if episodes > 0 and not math.isnan(mean):
            rows.append((steps, int(episodes), round(mean, 4)))
    algorithm.stop()
    stop_ray()
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["steps", "episodes", "return"])
    writer.writerows(rows)
    write_atomically(path, table.getvalue())
    return path


def run_cells(run: RunFolder, settings: AgreementSettings) -> bool:
    """Runs all cells that are not done, a few at a time; returns whether all are."""
    cells = settings.cells()
    (run.path / "cells").mkdir(exist_ok=True)
    missing = [cell for cell in cells if not cell.path(run.path).exists()]
    calls = [(cell, cell.path(run.path)) for cell in missing]
    return call_in_processes("cells of runner_agreement", run_cell, calls, total=len(cells), parallel=settings.parallel)
