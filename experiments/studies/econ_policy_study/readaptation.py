"""Trained workers who go on learning under another policy: what they do once they know it."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.tune.trainable import trainable
from safetensors.numpy import load

from agents.protocol import Player
from agents.random_player import RandomPlayer
from experiments.studies.econ_policy_study.cells import Files, Job
from experiments.studies.econ_policy_study.policies import make_planner
from experiments.studies.econ_policy_study.settings import ENV_ID
from experiments.studies.econ_policy_study.trained import POLICY_FILES, SAEZ_FILE, WEIGHTS_FILE, write_files
from marl.rllib import stagger_envs
from marl.rllib.export import export_policy, import_policy
from marl.two_level import WORKERS, Level, Sampling, falling, saez_state, take_weights, two_level_config

FRAGMENT_STEPS = 100
MINIBATCHES, NUM_EPOCHS = 8, 2
FINAL_SHARE = 0.1  # of learning rate and entropy bonus, to which they fall


def _make_planner(job: Job, folder: Path, seed: int) -> Player:
    config = job.settings.world_config(job.cell.policy, job.cell.layout)
    planner = make_planner(job.cell.policy, config.cutoffs, folder, job.saez_state, seed)
    # The planner of a schedule has nothing to decide: whoever plays it picks its only action.
    return RandomPlayer(seed) if planner is None else planner


def _falling(start: float, env_steps: int) -> list[tuple[int, float]]:
    return falling(start, FINAL_SHARE * start, env_steps)


def _build(job: Job, folder: Path) -> Algorithm:
    settings, cell = job.settings, job.cell
    world = settings.world_settings(cell.policy, cell.layout)
    level = Level(
        **cell.population.learning,
        learning_rate=_falling(settings.readapt_learning_rate, settings.readapt_steps),
        entropy_coefficient=_falling(settings.readapt_entropy, settings.readapt_steps),
        hidden_sizes=tuple(cell.population.hidden_sizes),
    )
    config = settings.world_config(cell.policy, cell.layout)
    sampling = Sampling(
        num_envs=settings.readapt_envs,
        fragment_steps=FRAGMENT_STEPS,
        num_epochs=NUM_EPOCHS,
        minibatch_size=settings.readapt_envs * FRAGMENT_STEPS * config.num_agents // MINIBATCHES,
        matmul_precision="medium",
        seed=cell.seed,
    )
    planner = partial(_make_planner, job, folder / "planner")
    with _results_in(folder):
        algorithm = two_level_config(ENV_ID, world, workers=level, planner=planner, sampling=sampling).build_algo()
    stagger_envs(algorithm, config.horizon)
    if WEIGHTS_FILE in job.workers:
        take_weights(algorithm, WORKERS, load(job.workers[WEIGHTS_FILE]))
    else:
        _take_policy(algorithm, folder / "workers")
    return algorithm


@contextlib.contextmanager
def _results_in(folder: Path) -> Iterator[None]:
    """Has RLlib make its folder here, and not in the home directory of whichever machine this is."""
    before, trainable.DEFAULT_STORAGE_PATH = trainable.DEFAULT_STORAGE_PATH, str(folder)
    yield
    trainable.DEFAULT_STORAGE_PATH = before


def _take_policy(algorithm: Algorithm, folder: Path) -> None:
    """Gives the learner the policy of a file; its value network starts anew."""
    group: Any = algorithm.learner_group
    group.foreach_learner(lambda learner: import_policy(learner.module[WORKERS], folder))
    runners: Any = algorithm.env_runner_group
    runners.sync_weights(from_worker_or_learner_group=group, inference_only=True)


def adapt(job: Job) -> Files:
    """Goes on training a cell's workers under its policy, with `readapt_steps` env steps; Ray must run.

    Returns:
        The files of the policy that they have then, and of Saez's formula, where that taxes them.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, files in (("workers", job.workers), ("planner", job.planner)):
            (folder / part).mkdir()
            write_files(folder / part, files)
        algorithm, steps = _build(job, folder), 0
        try:
            while steps < job.settings.readapt_steps:
                steps = int(algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"])
            module: Any = algorithm.get_module(WORKERS)
            world = job.settings.world_settings(job.cell.policy, job.cell.layout)
            (folder / "adapted").mkdir()
            export_policy(module, folder / "adapted", ENV_ID, world)
            adapted = {each: (folder / "adapted" / each).read_bytes() for each in POLICY_FILES}
            if job.cell.policy.planner == "saez":
                adapted[SAEZ_FILE] = json.dumps(saez_state(algorithm)).encode()
        finally:
            algorithm.stop()
    return adapted
