"""Trained relational policies as files: to play (`agents.relational_player.RelationalPlayer`), and to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file, save_file

import games
from agents.relational_player import RelationalDescription, load_relations, save_relations
from agents.trained import PolicyError
from marl.mra.algorithm import MRAConfig, module_specs
from marl.mra.module import OF_TRAINING, MRAModule

WEIGHTS = "module.safetensors"


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


def export_team(modules: Mapping[str, MRAModule], folder: Path, config: MRAConfig) -> None:
    """Writes a folder for each group: its policy files, and all weights but the predictor's, for `load_team`.

    Args:
        modules: By group, whole ones.
        folder: Exists already, and is empty.
        config: Of their training.
    """
    for name, module in modules.items():
        own = folder / name
        own.mkdir()
        export_policy(module, own, str(config.env), dict(config.env_config))
        weights = {key: array for key, array in module.state_dict().items() if not key.startswith(OF_TRAINING)}
        save_file({key: array.contiguous() for key, array in weights.items()}, own / WEIGHTS)


def load_team(folder: Path, config: MRAConfig) -> dict[str, MRAModule]:
    """Returns whole modules by group, with the weights that `export_team` wrote and a new predictor.

    Args:
        folder: That it wrote.
        config: With the same world's groups and the same networks; populations may be others.

    Raises:
        PolicyError: A file is missing or damaged, or of other networks.
    """
    batch, modules = games.make_batch(str(config.env), **config.env_config), dict[str, MRAModule]()
    for name, spec in module_specs(batch, config.mra_settings()).items():
        path, module = folder / name / WEIGHTS, spec.build()
        assert isinstance(module, MRAModule)
        try:
            weights = load_file(path)
            module.take_weights(weights, load_relations(folder / name)[0].shape)
        except (safetensors.SafetensorError, RuntimeError, OSError) as error:
            raise PolicyError(f"{path} is missing or damaged: {' '.join(str(error).split())}") from error
        except ValueError as error:
            raise PolicyError(f"{path} is {error}") from error
        modules[name] = module
    return modules
