"""Tune, with its loggers, checkpoints and restores, on the batched runner."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.tune.logger import LoggerCallback, TBXLoggerCallback

from marl.rllib import use_batched_runner

STEPS = 4 * 20  # of one iteration


class CountingCallback(LoggerCallback):
    """What a logger such as WandbLoggerCallback or MLflowLoggerCallback is told."""

    def __init__(self) -> None:
        self.iterations: list[int] = []

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        self.iterations.append(result["training_iteration"])


def fail_once(algorithm: Algorithm, marker: Path, **kwargs: Any) -> None:
    """Stands for a kill after an iteration whose checkpoint is there."""
    if algorithm.iteration == 1 and not marker.exists():
        marker.touch()
        raise OSError("killed")


def make_tuner(folder: Path, logger: CountingCallback, *, fails: bool = False) -> tune.Tuner:
    """Two iterations."""
    config = PPOConfig().environment("matrix/prisoners_dilemma_v0").debugging(seed=2)
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=4, rollout_fragment_length=20)
    config.training(num_epochs=1, minibatch_size=40, lr=tune.grid_search([1e-3]))
    if fails:
        config.callbacks(on_train_result=partial(fail_once, marker=folder / "has_failed"))
    use_batched_runner(config)
    return tune.Tuner(
        config.algo_class,
        param_space=config,
        run_config=tune.RunConfig(
            name="dilemma",
            storage_path=str(folder),
            stop={"training_iteration": 2},
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=1),
            callbacks=[TBXLoggerCallback(), logger],
            verbose=0,
        ),
    )


def test_tune_trains_logs_and_saves_without_a_word_of_warning(
    local_ray: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = CountingCallback()
    (result,) = make_tuner(tmp_path, logger).fit()
    assert capfd.readouterr().err == ""
    assert result.error is None
    assert logger.iterations == [1, 2]
    assert result.metrics["env_runners"]["num_env_steps_sampled_lifetime"] == 2 * STEPS
    folder = Path(result.path)
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1
    lines = (folder / "result.json").read_text().splitlines()
    assert [json.loads(line)["training_iteration"] for line in lines] == [1, 2]
    algorithm = Algorithm.from_checkpoint(result.checkpoint.path)
    assert algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"] == 3 * STEPS
    algorithm.stop()


def test_an_experiment_that_failed_goes_on_from_its_checkpoint(local_ray: None, tmp_path: Path) -> None:
    tuner = make_tuner(tmp_path, CountingCallback(), fails=True)
    (failed,) = tuner.fit()
    assert "killed" in str(failed.error)
    tuner = tune.Tuner.restore(str(tmp_path / "dilemma"), trainable=PPO, resume_errored=True)
    (result,) = tuner.fit()
    assert result.error is None
    assert result.metrics["training_iteration"] == 2
    assert result.metrics["env_runners"]["num_env_steps_sampled_lifetime"] == 2 * STEPS
