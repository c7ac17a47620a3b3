"""What a study is, and where they are found: every package in experiments/studies is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pydantic

import experiments.studies
from experiments.run_folder import RunError, RunFolder
from games.names import unknown_name


class StudySettings(pydantic.BaseModel):
    """Base of the studies' settings: names, types, ranges and descriptions live in the subclass."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Study:
    """A study, as the `agora` command sees it. Each function works on a run folder.

    Attributes:
        name: Of its folder.
        claim: One line: what it shows.
        settings: The class of its settings.
        name_run: Settings -> a name for the run's folder.
        train: Trains, or goes on where a checkpoint left off; returns True when training is complete.
        evaluate: Plays the trained policies and writes evaluation.csv.
        render: Writes the replay; None where there is nothing to show.
        report: Writes report.html.
        takes_cluster: Whether `train` can run on a Ray cluster; otherwise its third argument is None or "local".
    """

    name: str
    claim: str
    settings: type[StudySettings]
    name_run: Callable[[Any], str]
    train: Callable[[RunFolder, Any, str | None], bool]
    evaluate: Callable[[RunFolder, Any], None]
    render: Callable[[RunFolder, Any], None] | None
    report: Callable[[RunFolder, Any], None]
    takes_cluster: bool = True

    def check_cluster(self, ray_address: str | None) -> None:
        """Checks that this study can run there.

        Raises:
            RunError: The address is a cluster's, and the study runs on this machine only.
        """
        if not self.takes_cluster and ray_address not in (None, "local"):
            raise RunError(f"{self.name} runs in processes of this machine; it takes no --ray-address")

    def read_settings(self, given: dict[str, Any]) -> Any:
        """Checks settings.

        Raises:
            RunError: An unknown name or a value out of range.
        """
        for name in given:
            if name not in self.settings.model_fields:
                raise RunError(str(unknown_name(f"setting of study {self.name}", name, self.settings.model_fields)))
        try:
            return self.settings(**given)
        except OSError as error:  # a file that a setting names
            raise RunError(str(error)) from None
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            message = first["msg"].removeprefix("Value error, ")
            if not first["loc"]:  # about several settings together, or from the world
                raise RunError(message) from None
            raise RunError(f"{'.'.join(map(str, first['loc']))}: {message}, got {first['input']!r}") from None


def check_different(values: list[Any], least: int | None = None, most: int | None = None) -> list[Any]:
    """Returns values of a setting.

    Raises:
        ValueError: Two are the same, or one is out of [least, most].
    """
    is_out = any((least is not None and value < least) or (most is not None and value > most) for value in values)
    if len(set(values)) < len(values) or is_out:
        bounds = "" if least is None else f" from {least} on" if most is None else f" from {least} to {most}"
        raise ValueError(f"must be different values{bounds}")
    return values


def study_names() -> list[str]:
    """Returns the names of all studies."""
    return sorted(module.name for module in iter_modules(experiments.studies.__path__) if module.ispkg)


def find_study(name: str) -> Study:
    """Returns a study by name.

    Raises:
        RunError: No such study.
    """
    if name not in study_names():
        raise RunError(str(unknown_name("study", name, study_names())))
    return import_module(f"experiments.studies.{name}").STUDY


def open_run(path: Path) -> tuple[RunFolder, Study, Any]:
    """Opens a run folder with its study and its settings.

    Raises:
        RunError: The folder or its settings cannot be read.
    """
    run, name, given = RunFolder.open(path)
    study = find_study(name)
    return run, study, study.read_settings(given)
