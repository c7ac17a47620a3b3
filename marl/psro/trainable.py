"""PSRO for Ray Tune: one epoch an iteration, a checkpoint that holds everything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ray.tune import Trainable

from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings
from marl.psro.workers import Workers


class PsroTrainable(Trainable):
    """A run of PSRO as a trial.

    `config` holds the fields of `PsroSettings`, and `parallel`: how many oracles and simulations run at a time as Ray
    tasks beside the trial, 0 (the default) for none. Results of an iteration are those of its epoch: `nash_conv` if it
    is exact, `fresh_bound` if fresh responses were asked for, `lower_bound` of the epoch before, `regret` and
    `converged` of the meta-solver, `policies`, `variance`.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Opens the run in the trial's folder.

        Raises:
            ValueError: Settings that are none; the message names the field.
        """
        given = dict(config)
        self._workers = Workers(given.pop("parallel", 0))
        self._settings = PsroSettings(**given)
        self._open()

    def _open(self) -> None:
        self._psro = Psro(self._folder, self._settings, workers=self._workers)

    @property
    def _folder(self) -> Path:
        return Path(self.logdir) / "psro"

    def step(self) -> dict[str, Any]:
        """Does an epoch."""
        record = self._psro.step()
        assert record.meta is not None
        result = {
            "regret": record.meta.regret,
            "converged": record.meta.converged,
            "policies": sum(record.sizes),
            "variance": record.variance,
        }
        if record.nash_conv is not None:
            result["nash_conv"] = record.nash_conv
        if record.bound is not None:
            result["fresh_bound"] = record.bound.nash_conv
        if record.gains is not None:
            result["lower_bound"] = sum(record.gains)
        return result

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Copies the run's folder."""
        shutil.copytree(self._folder, Path(checkpoint_dir) / "psro")

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Goes on from a copy of a run's folder."""
        assert isinstance(checkpoint, str)  # what save_checkpoint left
        shutil.rmtree(self._folder, ignore_errors=True)  # a trial that has done no epoch has none
        shutil.copytree(Path(checkpoint) / "psro", self._folder)
        self._open()
