"""Training of one RLlib algorithm in a run folder: iterations, rows of metrics, checkpoints, progress, Ctrl-C."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from ray.rllib.algorithms.algorithm import Algorithm
from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import KEPT_CHECKPOINTS, RunError, RunFolder
from experiments.scalars import Scalars

PROGRESS_FILE, RLLIB_FOLDER = "progress.json", "rllib"
LOSSES = ("policy_loss", "vf_loss", "entropy")

# Iterations in a row without a single fragment: the runners died, and RLlib starts them again.
PATIENCE_ITERATIONS = 20


class CheckpointedAlgorithm:
    """An algorithm that goes on from its run's newest checkpoint.

    Args:
        run: Its folder.
        algorithm: Built, with its first weights.

    Attributes:
        steps: Env steps so far.
        seconds: Spent on them.

    Raises:
        RunError: The newest checkpoint cannot be restored.
    """

    def __init__(self, run: RunFolder, algorithm: Algorithm) -> None:
        self.run, self.algorithm = run, algorithm
        self.steps, self.seconds = 0, 0.0
        checkpoint = run.latest_checkpoint()
        if checkpoint is not None:
            self._restore(checkpoint)
        run.drop_metrics_after(self.steps)

    def export(self, folder: Path) -> None:
        """Writes whatever belongs to a checkpoint beside RLlib's own files; nothing, unless a subclass does."""

    def _restore(self, checkpoint: Path) -> None:
        try:
            progress = json.loads((checkpoint / PROGRESS_FILE).read_text(encoding="utf-8"))
            self.steps, self.seconds = int(progress["steps"]), float(progress["seconds"])
            self.algorithm.restore_from_path(str((checkpoint / RLLIB_FOLDER).absolute()))
        except Exception as error:  # RLlib's files of another version fail in any way that pickles can
            raise RunError(f"checkpoint {checkpoint} cannot be restored: {type(error).__name__}: {error}") from None

    def save(self, kept: int | None = None) -> None:
        """Writes a checkpoint of this moment, and leaves so many; None: as many as usual."""

        def write(folder: Path) -> None:
            self.algorithm.save_to_path(str((folder / RLLIB_FOLDER).absolute()))
            progress = {"steps": self.steps, "seconds": self.seconds}
            (folder / PROGRESS_FILE).write_text(json.dumps(progress) + "\n", encoding="utf-8")
            self.export(folder)

        self.run.save_checkpoint(self.steps, write, kept or KEPT_CHECKPOINTS)


class CheckpointedTraining(CheckpointedAlgorithm, ABC):
    """Training of an algorithm that shows what it does, writes metrics and stops when asked.

    Args:
        run: Its folder.
        algorithm: Built, with its first weights.
        module: Id of the module that the metrics are about.

    Attributes:
        shown: Column of metrics -> its name and format in the progress line, such as ("return", ".0f").

    Raises:
        RunError: The newest checkpoint cannot be restored.
    """

    shown: ClassVar[dict[str, tuple[str, str]]] = {}

    def __init__(self, run: RunFolder, algorithm: Algorithm, module: str) -> None:
        self.module = module
        super().__init__(run, algorithm)

    @abstractmethod
    def prepare(self) -> dict[str, float]:
        """Tells the envs what holds in the next iteration; returns it as columns of the metrics."""

    @abstractmethod
    def measure(self, sampled: dict[str, Any]) -> dict[str, float]:
        """Returns the columns of the metrics that come from what RLlib's runners report."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Writes the policy and whatever else belongs to a checkpoint, beside RLlib's own files."""

    def train_once(self) -> dict[str, Any]:
        """Runs one iteration and returns RLlib's result, with fragments of at least one runner in it."""
        for _ in range(PATIENCE_ITERATIONS):
            result = self.algorithm.train()
            if "env_runners" in result:
                return result
        raise RunError("no env runner answers any more; where memory is short, fewer envs or runners may help")

    def iterate(self) -> dict[str, float]:
        """Runs one RLlib iteration and returns its row of metrics.

        Raises:
            RunError: A loss is not a number any more, or no env runner answers.
        """
        start = time.monotonic()
        prepared = self.prepare()
        result = self.train_once()
        self.seconds += time.monotonic() - start
        sampled, learnt = result["env_runners"], result["learners"][self.module]
        self.steps = int(sampled["num_env_steps_sampled_lifetime"])
        row = {"steps": self.steps, "seconds": round(self.seconds, 3)} | prepared | self.measure(sampled)
        row |= {name: float(learnt[name]) for name in (*LOSSES, "vf_explained_var")}
        if not all(math.isfinite(row[name]) for name in LOSSES):
            raise RunError(
                f"the loss became {row['policy_loss']} after {self.steps} steps; try a smaller learning_rate"
            )
        return row

    def train_until(self, total_steps: int, title: str, checkpoint_every_s: float) -> bool:
        """Iterates until `total_steps`, or until Ctrl-C; ends with a checkpoint either way.

        Args:
            total_steps: Env steps.
            title: Of the progress display.
            checkpoint_every_s: Seconds between two checkpoints.

        Returns:
            Whether `total_steps` are done.
        """
        saved_at, numbers = time.monotonic(), dict[str, str]()
        with (
            StopRequest() as stop,
            Scalars(self.run) as scalars,
            TrainingProgress(title, total_steps, self.steps, Console()) as progress,
        ):
            while self.steps < total_steps and not stop.is_made:
                row = self.iterate()
                self.run.append_metrics(row)
                scalars.add(row)
                for name, (label, form) in self.shown.items():
                    if not math.isnan(row[name]):  # episodes do not end in every iteration
                        numbers[label] = format(row[name], form)
                progress.update(self.steps, numbers)
                if time.monotonic() - saved_at > checkpoint_every_s:
                    self.save()
                    saved_at = time.monotonic()
            self.save()
        return self.steps >= total_steps
