"""Training of a study's cells, one after the other; a kill costs minutes of one at most."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Console

from experiments.cells import Cell
from experiments.checkpointed import CheckpointedAlgorithm
from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder
from marl.qmix.algorithm import FactorizationAlgorithm
from marl.rllib import start_ray


class CellTraining(CheckpointedAlgorithm, ABC):
    """Trains a cell in its folder, on from the newest checkpoint.

    Args:
        cell: What to train.
        folder: Of the run.
        config: Of the algorithm, with evaluations every so many rounds.
        checkpoint_every_s: Seconds between two checkpoints.

    Attributes:
        shown: Column of the rows that the progress line shows.

    Raises:
        RunError: The newest checkpoint cannot be restored.
    """

    shown: ClassVar[str]

    def __init__(self, cell: Cell, folder: Path, config: Any, checkpoint_every_s: float) -> None:
        self.cell, self.checkpoint_every_s = cell, checkpoint_every_s
        cell.path(folder).mkdir(parents=True, exist_ok=True)
        self._interval = config.evaluation_interval
        super().__init__(RunFolder(cell.path(folder)), config.build_algo())

    @abstractmethod
    def measure(self, result: dict[str, Any], judged: dict[str, Any]) -> dict[str, float]:
        """Returns the columns of a row, beside steps and seconds.

        Args:
            result: RLlib's, of a round.
            judged: Its evaluation's numbers; empty where there was none.
        """

    def iterate(self) -> dict[str, float]:
        """Does one round and returns its row."""
        start = time.process_time()
        result = self.algorithm.train()
        self.seconds += time.process_time() - start
        self.steps = int(result["env_runners"]["num_env_steps_sampled_lifetime"])
        # RLlib shows an evaluation's numbers again in the iteration after it.
        is_judged = result["training_iteration"] % self._interval == 0
        judged = result["evaluation"]["env_runners"] if is_judged else {}
        row = {"steps": self.steps, "cpu_seconds": round(self.seconds, 1)}
        return row | {name: round(float(value), 4) for name, value in self.measure(result, judged).items()}

    def train(self, stop: StopRequest, progress: TrainingProgress, done: int) -> bool:
        """Trains to the end, or until a stop is asked for; returns whether the end was reached.

        Args:
            stop: Asked after every round.
            progress: Is told of every round.
            done: Steps of the cells before this one.
        """
        saved_at = time.monotonic()
        while self.steps < self.cell.steps and not stop.is_made:
            row = self.iterate()
            self.run.append_metrics(row)
            progress.update(done + self.steps, {self.cell.name: f"{row[self.shown]:.2f}"})
            is_due = time.monotonic() - saved_at > self.checkpoint_every_s
            if is_due and self.steps < self.cell.steps:
                self.save()
                saved_at = time.monotonic()
        self._end()
        return self.steps >= self.cell.steps

    def _end(self) -> None:
        """Writes the last checkpoint. A replay is most of one, and of no use to who has learned all it was to learn."""
        is_done = self.steps >= self.cell.steps
        if is_done and isinstance(self.algorithm, FactorizationAlgorithm):
            self.algorithm.replay.clear()
        self.save(kept=1 if is_done else None)
        self.algorithm.stop()


def run_cells(title: str, folder: Path, cells: Sequence[Cell], make: Callable[[Any], CellTraining]) -> bool:
    """Trains all cells that are not done, one after the other; returns whether all are.

    Args:
        title: Of the progress display.
        folder: Of the run.
        cells: All of them.
        make: Makes the training of one.
    """
    missing = [cell for cell in cells if not cell.is_done(folder)]
    total = sum(cell.steps for cell in cells)
    done = total - sum(cell.steps for cell in missing)
    start_ray(num_cpus=1)
    with StopRequest() as stop, TrainingProgress(title, total, done, Console()) as progress:
        for cell in missing:
            if stop.is_made or not make(cell).train(stop, progress, done):
                return False
            done += cell.steps
    return True
