"""Settings of the study `overcooked`; what is not named here is RLlib's or the world's default."""

from __future__ import annotations

import re
from typing import Any, Self

import pydantic
from pydantic import Field

import games
from experiments.study import StudySettings
from games.overcooked import OvercookedConfig, load_layout


class OvercookedSettings(StudySettings):
    """PPO self-play: one network plays both cooks, shaped rewards are annealed to zero."""

    layout: str = Field("cramped_room", description="a shipped layout, the text of one, or a .toml or .layout file")
    seed: int = Field(0, ge=0, lt=2**31)
    total_steps: int = Field(2_500_000, ge=1, description="env steps of training")
    num_envs: int = Field(128, ge=1, description="envs of one runner")
    num_env_runners: int = Field(0, ge=0, description="remote runners; 0: the main process steps the envs")
    fragment_steps: int = Field(100, ge=1, description="steps of each env between two updates")
    placement_reward: float = Field(3.0, description="shaped: an ingredient into a pot")
    dish_reward: float = Field(1.0, description="shaped: a dish when one is needed; the reference's 3 invites a trap")
    soup_reward: float = Field(1.0, description="shaped: a soup from a pot; the reference's 5 invites a trap")
    shaping_fraction: float = Field(0.5, ge=0, le=1, description="of the training, in which shaping falls from 1 to 0")
    hidden_sizes: list[pydantic.PositiveInt] = Field(
        [128, 128], description="of the network that policy and value share"
    )
    learning_rate: float = Field(8e-4, gt=0)
    discount: float = Field(0.99, gt=0, le=1)
    gae_lambda: float = Field(0.95, ge=0, le=1)
    entropy_coefficient: float = Field(0.03, ge=0, description="at the start; falls linearly to 0 at the end")
    clip: float = Field(0.2, gt=0)
    num_epochs: int = Field(4, ge=1)
    minibatch_size: int = Field(3200, ge=1)
    value_loss_coefficient: float = Field(0.5, gt=0)
    gradient_clip: float = Field(0.5, gt=0)
    checkpoint_every_s: float = Field(20.0, ge=0, description="seconds between two checkpoints")
    evaluation_episodes: int = Field(64, ge=1, description="of each pair of players")

    @pydantic.field_validator("layout")
    @classmethod
    def _keep_content(cls, layout: str) -> str:
        """A run keeps the content of a file, not its path: it can be moved, and the file can change."""
        return load_layout(layout).to_toml() if layout.endswith((".toml", ".layout")) else layout

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Self:
        self.world_config()
        batch = self.num_envs * max(1, self.num_env_runners) * self.fragment_steps
        if self.minibatch_size > batch:
            raise ValueError(
                f"minibatch_size must be at most num_envs x fragment_steps = {batch}, got {self.minibatch_size}"
            )
        return self

    @property
    def env_id(self) -> str:
        """The registered id of the layout, or the id that takes any layout."""
        named = f"overcooked/{self.layout}_v0"
        return named if named in games.env_ids() else "overcooked/cramped_room_v0"

    @property
    def kitchen_name(self) -> str:
        """For titles."""
        return self.world_config().kitchen.name

    def world_settings(self) -> dict[str, Any]:
        """Settings of the world beyond the id's."""
        return {"layout": self.layout}

    def training_settings(self) -> dict[str, Any]:
        """Settings of the world in training, where shaped rewards count."""
        return self.world_settings() | {
            "placement_reward": self.placement_reward,
            "dish_reward": self.dish_reward,
            "soup_reward": self.soup_reward,
            "shaped_reward_weight": 1.0,
        }

    def world_config(self) -> OvercookedConfig:
        """Builds the world's config, which refuses a layout that cannot be."""
        config = games.spec(self.env_id).config(**self.world_settings())
        assert isinstance(config, OvercookedConfig)
        return config


def name_run(settings: OvercookedSettings) -> str:
    """Returns a name for the folder of a run, of letters that every file system takes."""
    layout = re.sub(r"[^A-Za-z0-9_.-]+", "_", settings.kitchen_name)
    return f"overcooked-{layout}-seed{settings.seed}"
