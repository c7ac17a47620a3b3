"""What the study read_overcooked is told."""

from __future__ import annotations

from typing import Literal, Self

import pydantic
from pydantic import Field

from experiments.study import StudySettings

Kitchen = Literal["cramped_room", "forced_coordination"]
MethodName = Literal[
    "none",
    "validity",
    "validity_s",
    "reflexion",
    "read_j",
    "read_s",
    "read_j_alone",
    "read_j_twice",
    "shuffled",
    "argmax",
]


class ReadOvercookedSettings(StudySettings):
    """ReAd's two kitchens with a planner of the user's."""

    planner: Literal["script", "openai", "local"] = Field(
        "script", description="scripted cooks that slip, a chat-completions server, or a folder of transformers"
    )
    model: str = Field("", description="what the server calls it; of local, its folder")
    base_url: str = Field("", description="of the server, such as http://localhost:8000/v1")
    key_variable: str | None = Field("OPENAI_API_KEY", description="environment variable with the key; null: none")
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(0.1, gt=0, le=1, description="the released runs' value")
    max_tokens: int = Field(512, ge=1, description="of a reply")
    requests_per_minute: float | None = Field(None, gt=0, description="null: as fast as they come")
    timeout_s: float = Field(60.0, gt=0, description="seconds for one request")
    noise: float = Field(0.1, ge=0, le=1, description="of the scripted cooks")
    kitchens: list[Kitchen] = Field(["cramped_room", "forced_coordination"], min_length=1)
    methods: list[MethodName] = Field(["validity", "read_j"], min_length=1)
    episodes: int = Field(10, ge=1, description="of each method; the paper's number")
    experience: int = Field(300, ge=1, description="episodes of scripted cooks that the critic is fitted to")
    critic_steps: int = Field(4000, ge=1, description="updates of the critic")
    discount: float = Field(0.95, gt=0, le=1)
    max_queries: int = Field(10, ge=2, description="of a question")
    history: int = Field(1, ge=0, description="steps whose last question and answer are told, of all methods")
    bar: float = Field(
        -0.01, description="a score must be above it, in shares of the largest return; refusals double it"
    )
    seed: int = Field(1, ge=1, description="of experience and critic")

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        if self.planner == "openai" and not (self.model and self.base_url):
            raise ValueError("planner openai needs --model NAME and --base-url URL")
        if self.planner == "local" and not self.model:
            raise ValueError("planner local needs --model FOLDER")
        return self

    def plays(self) -> list[tuple[str, str, int]]:
        """Returns kitchen, method and number of every episode."""
        return [(k, m, n) for k in self.kitchens for m in self.methods for n in range(self.episodes)]
