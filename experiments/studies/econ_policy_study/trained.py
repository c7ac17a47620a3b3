"""Workers and planners that were trained: where a run keeps them, and what the world was like there."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

from agents.trained import PolicyDescription, PolicyError, load_policy
from econ.taxation import TaxSettings
from experiments.run_folder import RunError, RunFolder

POLICY_FILES = ("policy.json", "policy.safetensors")
SAEZ_FILE = "saez.json"  # the formula that workers were trained under, in a checkpoint of econ_gtb
WEIGHTS_FILE = "weights.safetensors"  # of policy and value network, in a checkpoint of econ_gtb
LEARNING = ("discount", "gae_lambda", "return_scale")  # settings of a run that its value network depends on
TAX_NAMES = frozenset(field.name for field in dataclasses.fields(TaxSettings))


def find_policy(source: Path, who: Literal["workers", "planner"]) -> Path:
    """Returns the folder with the policy of workers or planner: `source` itself, or one of a run's newest checkpoint.

    Raises:
        RunError: There is none.
    """
    if (source / POLICY_FILES[0]).is_file():
        return source
    if not (source / "settings.json").is_file():
        raise RunError(f"{who}: {source} is no run folder and holds no {POLICY_FILES[0]}")
    checkpoint = RunFolder(source).latest_checkpoint()
    if checkpoint is None:
        raise RunError(f"{who}: {source} has no checkpoint yet")
    for folder in (checkpoint / who, checkpoint):
        if (folder / POLICY_FILES[0]).is_file() and (who == "workers" or folder != checkpoint):
            return folder
    raise RunError(f"{who}: the newest checkpoint of {source} holds no policy of {who}")


def describe_policy(folder: Path) -> PolicyDescription:
    """Returns what a policy's files say of it, after reading them.

    Raises:
        PolicyError: A file is missing or damaged, or the policy is of another world.
    """
    description, _ = load_policy(folder)
    if not description.env_id.startswith("econ/gather_trade_build_"):
        raise PolicyError(
            f"{folder} holds a policy of {description.env_id}, expected one of econ/gather_trade_build_v0"
        )
    return description


def read_tax(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns those of a world's settings that are about its tax, but for how long a period is."""
    found = {name: value for name, value in settings.items() if name in TAX_NAMES}
    return {name: value for name, value in found.items() if name not in ("tax_period", "tax_annealing")}


def read_world(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the rest of a world's settings, but for the map, which the study chooses, and what warms up."""
    left_out = (TAX_NAMES - {"tax_period"}) | {"layout", "labor_weight", "numpy_streams"}
    return {name: value for name, value in settings.items() if name not in left_out}


def read_learning(source: Path) -> dict[str, float]:
    """Returns how trained workers learned, as far as going on needs it; nothing where no run says so."""
    if not (source / "settings.json").is_file():
        return {}
    _, _, settings = RunFolder.open(source)
    return {name: float(settings[name]) for name in LEARNING if isinstance(settings.get(name), int | float)}


def read_files(folder: Path) -> dict[str, bytes]:
    """Returns a policy's files by name, and what belongs to it: all weights, the state of Saez's formula."""
    names = [*POLICY_FILES, *(name for name in (SAEZ_FILE, WEIGHTS_FILE) if (folder / name).is_file())]
    return {name: (folder / name).read_bytes() for name in names}


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Writes files into a folder that exists."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
