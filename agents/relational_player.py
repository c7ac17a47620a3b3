"""Relational policies as two small files, JSON and safetensors, and the player who plays them in any number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pydantic
import safetensors
import torch
from safetensors.torch import load_file, save_file

from agents.protocol import find_agent
from agents.relations import RelationalPolicy, RelationShape
from agents.trained import PolicyError
from games.batch import Batch
from games.particles import CrowdConfig


class RelationalDescription(pydantic.BaseModel, extra="forbid"):
    """What `policy.json` holds.

    Attributes:
        format: Grows whenever these files change.
        env_id: Where the policy was trained.
        settings: Of the world, beyond the id's.
        own, landmark, other, num_actions, num_latents, fixed_landmarks, sees_itself, has_uniform_prior,
            prior_temperature: As `RelationShape` has them.
        latent: The latent that everybody plays by; None: each agent draws its own from the prior, once an episode.
    """

    format: Literal["agora-relations-2"] = "agora-relations-2"
    env_id: str
    settings: dict[str, Any] = {}
    own: int = pydantic.Field(ge=1)
    landmark: int = pydantic.Field(ge=0)
    other: int = pydantic.Field(ge=1)
    num_actions: int = pydantic.Field(ge=1)
    num_latents: int = pydantic.Field(ge=1)
    fixed_landmarks: int = pydantic.Field(ge=0)
    sees_itself: bool
    has_uniform_prior: bool
    prior_temperature: float = pydantic.Field(gt=0)
    latent: int | None = pydantic.Field(default=None, ge=0)

    @property
    def shape(self) -> RelationShape:
        """What the networks are built for."""
        return RelationShape(**{name: getattr(self, name) for name in RelationShape.__dataclass_fields__})

    @pydantic.model_validator(mode="after")
    def _has_its_latent(self) -> RelationalDescription:
        if self.latent is not None and self.latent >= self.num_latents:
            raise ValueError(f"latent must be below num_latents={self.num_latents}, got {self.latent}")
        return self


def save_relations(folder: Path, description: RelationalDescription, policy: RelationalPolicy) -> None:
    """Writes `policy.json` and `policy.safetensors` into a folder that exists."""
    save_file({name: array.contiguous() for name, array in policy.state_dict().items()}, folder / "policy.safetensors")
    (folder / "policy.json").write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_relations(folder: Path) -> tuple[RelationalDescription, RelationalPolicy]:
    """Reads the two files.

    Raises:
        PolicyError: A file is missing or damaged; the message names it.
    """
    description_path, weights_path = folder / "policy.json", folder / "policy.safetensors"
    for path in (description_path, weights_path):
        if not path.is_file():
            raise PolicyError(f"no policy file {path}")
    try:
        description = RelationalDescription.model_validate_json(description_path.read_text(encoding="utf-8"))
    except (pydantic.ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{description_path} is damaged: {str(error).splitlines()[0]}") from error
    policy = RelationalPolicy(description.shape)
    try:
        policy.load_state_dict(load_file(weights_path))
    except (safetensors.SafetensorError, RuntimeError, OSError) as error:
        message = " ".join(str(error).split())
        raise PolicyError(f"{weights_path} is damaged, or not of {description_path.name}: {message}") from error
    return description, policy.eval()


class RelationalPlayer:
    """Plays a saved relational policy for any agent, in worlds of any number of them.

    It draws an agent's latent when it is first asked for it, and anew when `batch.ended` says that an episode is over.

    Args:
        folder: With `policy.json` and `policy.safetensors`.
        seed: Of the player's own generator.
        is_greedy: Always the most probable action; latents are drawn all the same.
        latent: Everybody's, in place of the policy's own; None: the policy's own, or drawn.

    Raises:
        PolicyError: A file is missing or damaged.
        ValueError: There is no such latent.
    """

    def __init__(self, folder: Path, seed: int = 0, is_greedy: bool = False, latent: int | None = None) -> None:
        self.description, self._policy = load_relations(folder)
        self._rng = np.random.default_rng(seed)
        self._is_greedy = is_greedy
        self._latent = self.description.latent if latent is None else latent
        if self._latent is not None and not 0 <= self._latent < self.description.num_latents:
            raise ValueError(f"latent must be in [0, {self.description.num_latents}), got {self._latent}")
        self._latents: dict[str, np.ndarray] = {}

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32.

        Raises:
            PolicyError: The world shows other things, or has other actions, than the one of the training.
        """
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        self._check(batch, name)
        layout = cast(CrowdConfig, batch.config).layout
        views = layout.split(torch.from_numpy(group.observations[:, row].copy()))
        with torch.inference_mode():
            logits = self._policy(views, self._latents_of(batch, agent, views)).numpy()
        if group.action_masks is not None:
            logits = np.where(group.action_masks[:, row], logits, -np.inf)
        if not self._is_greedy:
            logits = logits + self._rng.gumbel(size=logits.shape)
        return logits.argmax(axis=-1).astype(np.int32)

    def _check(self, batch: Batch, name: str) -> None:
        told = self.description
        layout = getattr(batch.config, "layout", None)
        seen = None if layout is None else (layout.own, layout.landmarks[1], layout.others[1])
        if seen != (told.own, told.landmark, told.other):
            raise PolicyError(
                f"the policy was trained on {told.env_id}, whose entities have {told.own}, {told.landmark} and "
                f"{told.other} numbers; {batch.spec.id} shows {'no sets of entities' if seen is None else seen}"
            )
        if told.fixed_landmarks not in (0, layout.landmarks[0]):  # type: ignore[union-attr]
            raise PolicyError(f"the policy sees {told.fixed_landmarks} landmarks, no other number of them")
        if getattr(batch.groups[name].action_space, "n", None) != told.num_actions:
            raise PolicyError(f"the policy has {told.num_actions} actions, not {batch.groups[name].action_space}")

    def _latents_of(self, batch: Batch, agent: str, views: Any) -> torch.Tensor:
        """Returns the agent's latents, [E, H]."""
        count = self.description.num_latents
        if self._latent is not None:
            return torch.eye(count)[self._latent].expand(batch.num_envs, -1)
        kept = self._latents.get(agent)
        noise = torch.from_numpy(self._rng.gumbel(size=(batch.num_envs, count)).astype(np.float32))
        drawn = self._policy.draw_latents(views, noise).argmax(dim=-1).numpy()
        if kept is not None and len(kept) == batch.num_envs:
            drawn = np.where(batch.ended, drawn, kept)
        self._latents[agent] = drawn
        return torch.eye(count)[torch.from_numpy(drawn)]

    def get_state(self) -> dict[str, Any]:
        """Returns the generator's state, and every agent's latents."""
        return {
            "generator": self._rng.bit_generator.state,
            "latents": {agent: latents.copy() for agent, latents in self._latents.items()},
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal player returned."""
        self._rng.bit_generator.state = state["generator"]
        self._latents = {agent: latents.copy() for agent, latents in state["latents"].items()}
