"""Run folders: what a study writes, so that it survives a kill at any moment and can be read without this package.

settings.json          the study and its resolved settings, with versions
metrics.csv            one row per training iteration
tensorboard/           the same for TensorBoard, made from metrics.csv whenever training starts
checkpoints/<steps>/   complete or absent: written aside, then renamed; manifest.json has the SHA-256 of every file
evaluation.csv, replay/, report.html     written at the end
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FORMAT = "agora-run-1"
KEPT_CHECKPOINTS = 2
_PACKAGES = ("agora", "numpy", "ray", "torch", "gymnasium", "pettingzoo")


class RunError(Exception):
    """A run folder that is missing, damaged or not what was asked for; one line for the user."""


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file in one step: a reader sees the old content or the new one, never a part."""
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


def read_csv(path: Path, columns: set[str]) -> list[dict[str, str]]:
    """Reads a CSV file; a last line without its end was cut short by a kill and is left out.

    Args:
        path: Of the file.
        columns: That it must have.

    Raises:
        RunError: It cannot be read, or lacks a column or a value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunError(f"no file {path}") from None
    except (OSError, UnicodeError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    reader = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
    rows = list(reader)
    if not columns <= set(reader.fieldnames or ()) or any(None in row or None in row.values() for row in rows):
        raise RunError(f"{path} is damaged: it must have the columns {', '.join(sorted(columns))} in every row")
    return rows


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class RunFolder:
    """One run's folder. Make one with `create` or `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics_path = path / "metrics.csv"
        self.checkpoints_path = path / "checkpoints"
        self.replay_path = path / "replay"
        self.report_path = path / "report.html"
        self.evaluation_path = path / "evaluation.csv"

    @classmethod
    def create(cls, path: Path, study: str, settings: dict[str, Any]) -> RunFolder:
        """Makes a new folder.

        Raises:
            RunError: Something is there already.
        """
        # A kill right after the folder was made leaves what is no run yet.
        if path.exists() and (not path.is_dir() or any(file.suffix != ".partial" for file in path.iterdir())):
            raise RunError(f"{path} exists already; choose another --out, or `agora resume {path}`")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make the run folder {path}: {error.strerror}") from None
        run = cls(path)
        about = {
            "format": FORMAT,
            "study": study,
            "settings": settings,
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "versions": {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        }
        write_atomically(path / "settings.json", json.dumps(about, indent=2) + "\n")
        return run

    @classmethod
    def open(cls, path: Path) -> tuple[RunFolder, str, dict[str, Any]]:
        """Opens a folder that `create` made, and returns its study and settings too.

        Raises:
            RunError: It is not there, or its settings cannot be read.
        """
        if not path.is_dir():
            raise RunError(f"no run folder {path}")
        try:
            about = json.loads((path / "settings.json").read_text(encoding="utf-8"))
            if about["format"] != FORMAT:
                raise RunError(f"{path} was written by another version ({about['format']}; this one reads {FORMAT})")
            if not isinstance(about["study"], str) or not isinstance(about["settings"], dict):
                raise TypeError("it must name a study and its settings")
            return cls(path), about["study"], about["settings"]
        except FileNotFoundError:
            raise RunError(f"{path} is no run folder: it has no settings.json") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path / 'settings.json'} is damaged: {error}") from None

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes from writing here meanwhile; the system lets go of it when this process ends, however.

        Raises:
            RunError: Another process writes here.
        """
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"{self.path} is in use by another process") from None
            yield

    # ---- metrics ----

    def append_metrics(self, row: dict[str, float]) -> None:
        """Adds a row; the first one decides the columns."""
        is_new = not self._has_metrics()
        with self.metrics_path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def _has_metrics(self) -> bool:
        # The header and the first row are written at once; a kill just before leaves an empty file.
        return self.metrics_path.exists() and self.metrics_path.stat().st_size > 0

    def read_metrics(self) -> list[dict[str, float]]:
        """Returns all complete rows; empty numbers are NaN."""
        if not self._has_metrics():
            return []
        rows = read_csv(self.metrics_path, {"steps"})
        try:
            return [{name: float(value or "nan") for name, value in row.items()} for row in rows]
        except ValueError as error:
            raise RunError(f"{self.metrics_path} is damaged: {error}") from None

    def drop_metrics_after(self, steps: int) -> None:
        """Forgets rows that a resumed run will write again; the others stay letter for letter."""
        kept = sum(row["steps"] <= steps for row in self.read_metrics())
        if not kept:
            self.metrics_path.unlink(missing_ok=True)
            return
        lines = self.metrics_path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_atomically(self.metrics_path, "".join(lines[: 1 + kept]))

    # ---- checkpoints ----

    def save_checkpoint(self, steps: int, write: Callable[[Path], None], kept: int = KEPT_CHECKPOINTS) -> None:
        """Writes a checkpoint aside, then puts it in place in one step, and drops all but the latest ones.

        Args:
            steps: Env steps so far; names the checkpoint. One that is there already is left as it is.
            write: Fills an empty folder.
            kept: How many there are to be afterwards at most.
        """
        self.checkpoints_path.mkdir(exist_ok=True)
        for partial in self.checkpoints_path.glob(".*.partial"):  # a kill left it
            shutil.rmtree(partial)
        place, aside = self.checkpoints_path / f"{steps:012d}", self.checkpoints_path / f".{steps:012d}.partial"
        if place.exists():
            return
        aside.mkdir()
        write(aside)
        files = sorted(path for path in aside.rglob("*") if path.is_file())
        manifest = {str(path.relative_to(aside)): _digest(path) for path in files}
        (aside / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        os.replace(aside, place)
        for old in self._checkpoints()[:-kept]:
            shutil.rmtree(old)

    def trained_steps(self) -> int:
        """Returns the steps of the newest checkpoint, without checking it; 0 where there is none."""
        checkpoints = self._checkpoints()
        return int(checkpoints[-1].name) if checkpoints else 0

    def latest_checkpoint(self) -> Path | None:
        """Returns the newest checkpoint after checking every file of it; None where there is none.

        Raises:
            RunError: It is damaged; the message names the file.
        """
        checkpoints = self._checkpoints()
        if not checkpoints:
            return None
        place = checkpoints[-1]
        hint = f"remove {place} to go on from the one before" if len(checkpoints) > 1 else "it was the only one"
        try:
            manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
            damaged = [name for name, digest in manifest.items() if _digest(place / name) != digest]
        except (OSError, ValueError, AttributeError) as error:
            raise RunError(f"checkpoint {place} is damaged ({error}); {hint}") from None
        if damaged:
            raise RunError(f"checkpoint file {place / damaged[0]} is damaged: its checksum does not match; {hint}")
        return place

    def _checkpoints(self) -> list[Path]:
        if not self.checkpoints_path.is_dir():
            return []
        return sorted(path for path in self.checkpoints_path.iterdir() if path.name.isdigit())
