"""PSRO as a trial of Ray Tune."""

from pathlib import Path

import ray.tune

from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings
from marl.psro.trainable import PsroTrainable

CONFIG = {"world": "cards/kuhn_poker_v0", "oracle": "exact", "payoffs": "exact", "nash_conv": "exact"}


def test_tune_runs_meta_solvers_side_by_side(local_ray, tmp_path):
    tuner = ray.tune.Tuner(
        PsroTrainable,
        param_space={**CONFIG, "meta_solver": ray.tune.grid_search(["nash", "uniform"])},
        run_config=ray.tune.RunConfig(
            storage_path=str(tmp_path),
            stop={"training_iteration": 4},
            checkpoint_config=ray.tune.CheckpointConfig(checkpoint_at_end=True),
            verbose=0,
        ),
    )
    results = tuner.fit()
    assert not results.errors
    alone = [Psro(tmp_path / solver, PsroSettings(**CONFIG, meta_solver=solver)) for solver in ("nash", "uniform")]
    for result, run in zip(sorted(results, key=lambda each: each.config["meta_solver"]), alone, strict=True):
        expected = [run.step() for _ in range(4)][-1]
        assert result.metrics["nash_conv"] == expected.nash_conv
        assert result.metrics["lower_bound"] == sum(expected.gains)


def test_a_restored_trial_goes_on_where_it_was(local_ray, tmp_path):
    first = PsroTrainable(CONFIG)
    first.train()
    first.train()
    saved = first.save(str(tmp_path / "checkpoint"))
    expected = first.train()
    second = PsroTrainable(CONFIG)
    second.restore(saved)
    assert second.train()["nash_conv"] == expected["nash_conv"]
    assert expected["policies"] == 6
    assert Path(second.logdir, "psro", "epochs", "0002.json").is_file()
    first.stop()
    second.stop()
