"""What the study mra_equilibria is told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from experiments.study import StudySettings, check_different

Game = Literal["resources", "volunteers"]
Method = Literal["mra", "no_information", "payoffs", "uniform"]

# Settings of `marl.mra.exact.SetSettings` that each way to learn has for itself.
METHODS: dict[Method, dict[str, Any]] = {
    "mra": {},
    "no_information": {"information_coeff": 0.0},
    "payoffs": {"prior": "payoffs", "information_coeff": 0.0},
    "uniform": {"prior": "uniform", "information_coeff": 0.0},
}


class MraEquilibriaSettings(StudySettings):
    """Sets of policies in symmetric games of few and many players."""

    games: list[Game] = Field(["resources", "volunteers"], min_length=1)
    methods: list[Method] = Field(list(METHODS), min_length=1)
    latents: list[int] = Field([1, 2, 3, 6, 12], min_length=1, description="H, policies of a set")
    trained: list[int] = Field([2, 4, 8], min_length=1, description="numbers of players of the training")
    judged: list[int] = Field([2, 3, 4, 6, 8, 12, 16], min_length=1, description="and of the evaluation")
    seeds: int = Field(10, ge=1, description="seeds 1, 2, ... of the first weights")
    iterations: int = Field(3000, ge=1, description="of Adam")
    updates: list[int] = Field([1, 5, 20, 500], description="k, of latents' logits in a game")

    @field_validator("games", "methods")
    @classmethod
    def _check_names(cls, values: list[str]) -> list[str]:
        return check_different(values)

    @field_validator("latents", "trained", "judged", "updates")
    @classmethod
    def _check_counts(cls, values: list[int]) -> list[int]:
        return check_different(values, least=1)

    def cells(self) -> list[tuple[Game, Method, int]]:
        """Returns game, way to learn and number of latents of every cell; one latent is learned in one way only."""
        return [
            (game, method, latents)
            for game in self.games
            for method in self.methods
            for latents in self.latents
            if latents > 1 or method == self.methods[0]
        ]
