"""What the study rae_matrix is told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from experiments.study import StudySettings

Kind = Literal["general_sum", "potential", "zero_sum"]


class RaeMatrixSettings(StudySettings):
    """Random games of two players, solved in several ways."""

    kinds: list[Kind] = Field(["general_sum", "potential", "zero_sum"], min_length=1)
    sizes: list[int] = Field([5, 10, 20, 50], min_length=1, description="actions of each player")
    seeds: int = Field(100, ge=2, description="games of each kind and size")
    parallel: int = Field(2, ge=1, description="processes")

    def games(self) -> list[tuple[str, int, int]]:
        """Returns kind, actions and seed of every game, small ones first."""
        return [(kind, size, seed) for size in sorted(self.sizes) for seed in range(self.seeds) for kind in self.kinds]
