"""A trained relational policy as policy files, for `agents.relational_player.RelationalPlayer`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.relational_player import RelationalDescription, save_relations
from marl.mra.module import MRAModule


def export_policy(
    module: MRAModule, folder: Path, env_id: str, settings: dict[str, Any], latent: int | None = None
) -> None:
    """Writes `policy.json` and `policy.safetensors`, which play any agent of the group in any number.

    Args:
        module: The trained module, inference-only or whole.
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.
        latent: Everybody's, as `choose_latent` found it; None: each agent draws its own.

    Raises:
        ValueError: There is no such latent.
    """
    shape = asdict(module.actor.shape)
    description = RelationalDescription(env_id=env_id, settings=settings, latent=latent, **shape)
    save_relations(folder, description, module.actor)
