"""A training as two files, safetensors and JSON, from which it goes on as if it had never stopped."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from marl.qarl.soft_actor_critic import SoftActorCritics
from marl.qarl.trainer import ManySeedsTrainer

FORMAT = "agora-qarl-1"
TENSORS, FACTS = "trainer.safetensors", "trainer.json"


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or another training's."""


def save(trainer: ManySeedsTrainer, folder: Path, *, with_replays: bool = True) -> None:
    """Writes a training into a folder.

    Args:
        trainer: Of it.
        folder: Exists already.
        with_replays: Whether it is to go on; without them it can only be looked at.
    """
    tensors: dict[str, torch.Tensor] = {}
    replays = {}
    for role, student in trainer.students.items():
        tensors |= {f"{role}.learner.{name}": own for name, own in _tensors(student.learners).items()}
        arrays, replays[role] = student.replay.get_state()
        if with_replays:
            tensors |= {f"{role}.replay.{name}": torch.from_numpy(own.copy()) for name, own in arrays.items()}
    facts = {
        "format": FORMAT,
        "method": trainer.settings.method,
        "seeds": list(trainer.seeds),
        "iteration": trainer.iteration,
        "credit": {role: student.credit for role, student in trainer.students.items()},
        "temperatures": trainer.temperatures.get_state(),
        "replays": replays if with_replays else None,
    }
    save_file(tensors, folder / TENSORS)
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def load(trainer: ManySeedsTrainer, folder: Path) -> None:
    """Takes over what an equal training saved.

    Raises:
        CheckpointError: It is missing, damaged, or of another method or other seeds; the training may be half changed
            then, and is of no use.
    """
    try:
        facts = json.loads((folder / FACTS).read_text())
        tensors = load_file(folder / TENSORS)
        wanted = {"format": FORMAT, "method": trainer.settings.method, "seeds": list(trainer.seeds)}
        found = {name: facts.get(name) for name in wanted}
        if found != wanted:
            raise CheckpointError(f"{folder} holds {found}, not {wanted}")
        for role, student in trainer.students.items():
            _take(student.learners, _under(tensors, f"{role}.learner."))
            if facts["replays"] is None:
                continue
            stored = {name: own.numpy() for name, own in _under(tensors, f"{role}.replay.").items()}
            student.replay.set_state(stored, facts["replays"][role])
            student.credit = int(facts["credit"][role])
        trainer.temperatures.set_state(facts["temperatures"])
        trainer.iteration = int(facts["iteration"])
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{folder} cannot be read: {error}") from error


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): own for name, own in tensors.items() if name.startswith(prefix)}


def _tensors(learner: SoftActorCritics) -> dict[str, torch.Tensor]:
    """Returns every number of a learner, by name."""
    found = {"log_temperature": learner.log_temperature.detach()}
    for name, network in learner.networks().items():
        found |= {f"{name}.{part}": own for part, own in network.state_dict().items()}
    for name, optimizer in learner.optimizers().items():
        for number, state in optimizer.state_dict()["state"].items():
            found |= {f"{name}.optimizer.{number}.{part}": own for part, own in state.items()}
    for number, generator in enumerate(learner.generators):
        found[f"generator.{number}"] = generator.get_state()
    return {name: own.clone().contiguous() for name, own in found.items()}


def _take(learner: SoftActorCritics, tensors: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        learner.log_temperature.copy_(tensors["log_temperature"])
    for name, network in learner.networks().items():
        network.load_state_dict({part: tensors[f"{name}.{part}"] for part in network.state_dict()})
    for name, optimizer in learner.optimizers().items():
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, own in _under(tensors, f"{name}.optimizer.").items():
            place, part = key.split(".")
            state.setdefault(int(place), {})[part] = own
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    for number, generator in enumerate(learner.generators):
        generator.set_state(tensors[f"generator.{number}"])
