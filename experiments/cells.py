"""Cells: the runs that a study is made of, each in a folder of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from experiments.run_folder import RunFolder

T = TypeVar("T")


def _once(values: list[T]) -> list[T]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"must have each value once, got {value!r} twice")
    return values


Once = Annotated[list[T], Field(min_length=1), AfterValidator(_once)]
"""A list of settings, at least one, none of them twice: a cell has one folder and counts once."""

Seeds = Once[Annotated[int, Field(ge=0)]]
"""Seeds of cells."""


@dataclass(frozen=True)
class Cell(ABC):
    """One training run of a study.

    Attributes:
        arm: Who learns.
        seed: Of everything.
        steps: Env steps.
    """

    arm: str
    seed: int
    steps: int

    @property
    @abstractmethod
    def name(self) -> str:
        """Of its folder."""

    def path(self, folder: Path) -> Path:
        """Returns the folder of its curve and checkpoints, in that of the study's run."""
        return folder / "cells" / self.name

    def is_done(self, folder: Path) -> bool:
        """Returns whether it has been trained to its end."""
        return RunFolder(self.path(folder)).trained_steps() >= self.steps
