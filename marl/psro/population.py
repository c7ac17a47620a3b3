"""The policies that PSRO has found, one folder each, so that a kill leaves them whole and others can play them.

    policies/<player>/0003/manifest.json     kind, number, what its oracle said, SHA-256 of the other files
    policies/<player>/0003/...               the policy's own files (agents/trained.py, agents/tabular.py)

A folder is complete or absent. Nothing in it can execute: scripted players are named, and looked up in a table that the
caller brings.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic

from agents.protocol import Player
from agents.random_player import RandomPlayer
from agents.tabular import load_table
from agents.trained import PolicyError, TrainedPlayer
from games.names import unknown_name

Kind = Literal["trained", "tabular", "scripted"]
MakePlayer = Callable[[int], Player]

SCRIPTED: Mapping[str, MakePlayer] = {"random": RandomPlayer}


class Manifest(pydantic.BaseModel, extra="forbid"):
    """What `manifest.json` holds.

    Attributes:
        format: Grows whenever these files change.
        kind: Who reads the other files: agents/trained.py, agents/tabular.py, or nobody (a scripted player).
        number: Of the policy among its player's.
        script: Name of a scripted player.
        about: How it was made: epoch, oracle, budget, what it was trained against.
        files: SHA-256 by name, of all other files.
    """

    format: Literal["agora-population-1"] = "agora-population-1"
    kind: Kind
    number: int = pydantic.Field(ge=0)
    script: str = ""
    about: dict[str, Any] = {}
    files: dict[str, str] = {}


class Population:
    """The policies of all players.

    Args:
        folder: Where they are, or will be.
        players: Names; their policies are numbered from 0.
        scripted: What makes scripted players from a seed, by name.

    Raises:
        PolicyError: A manifest is missing or damaged.
    """

    def __init__(self, folder: Path, players: Sequence[str], scripted: Mapping[str, MakePlayer] = SCRIPTED) -> None:
        self.folder, self.players, self._scripted = folder, tuple(players), scripted
        self._manifests = {player: self._read_all(player) for player in self.players}

    @property
    def sizes(self) -> tuple[int, ...]:
        """Policies of each player."""
        return tuple(len(self._manifests[player]) for player in self.players)

    def manifest(self, player: str, number: int) -> Manifest:
        """Returns what is said of a policy."""
        return self._manifests[player][number]

    def path(self, player: str, number: int) -> Path:
        """Returns the folder of a policy."""
        return self.folder / player / f"{number:04d}"

    def add(
        self,
        player: str,
        kind: Kind,
        *,
        write: Callable[[Path], None] | None = None,
        script: str = "",
        about: Mapping[str, Any] | None = None,
    ) -> int:
        """Adds a policy and returns its number.

        Args:
            player: Whose.
            kind: Who reads its files.
            write: Fills an empty folder with them.
            script: Name of a scripted player.
            about: How it was made; JSON.
        """
        number = len(self._manifests[player])
        if kind == "scripted" and script not in self._scripted:
            raise unknown_name("scripted player", script, self._scripted)
        place = self.path(player, number)
        aside = place.with_name(f".{place.name}.partial")
        shutil.rmtree(aside, ignore_errors=True)  # a kill left it
        aside.mkdir(parents=True)
        if write is not None:
            write(aside)
        files = {str(path.relative_to(aside)): _digest(path) for path in sorted(aside.rglob("*")) if path.is_file()}
        manifest = Manifest(kind=kind, number=number, script=script, about=dict(about or {}), files=files)
        (aside / "manifest.json").write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(aside, place)
        self._manifests[player].append(manifest)
        return number

    def verified(self, player: str, number: int) -> Manifest:
        """Returns what is said of a policy, after a look at its files.

        Raises:
            PolicyError: They are missing, damaged, or others than the manifest names.
        """
        manifest, path = self._manifests[player][number], self.path(player, number)
        for name, digest in manifest.files.items():
            if not (path / name).is_file():
                raise PolicyError(f"no policy file {path / name}")
            if _digest(path / name) != digest:
                raise PolicyError(f"{path / name} is damaged: its SHA-256 is not what {path / 'manifest.json'} says")
        return manifest

    def make_player(self, player: str, number: int, seed: int) -> Player:
        """Returns somebody who plays a policy.

        Raises:
            PolicyError: As `verified` does.
        """
        manifest, path = self.verified(player, number), self.path(player, number)
        if manifest.kind == "trained":
            return TrainedPlayer(path, seed)
        if manifest.kind == "tabular":
            return load_table(path, seed)
        if manifest.script not in self._scripted:
            raise unknown_name("scripted player", manifest.script, self._scripted)
        return self._scripted[manifest.script](seed)

    def _read_all(self, player: str) -> list[Manifest]:
        home = self.folder / player
        if not home.is_dir():
            return []
        numbers = sorted(int(path.name) for path in home.iterdir() if path.name.isdigit())
        if numbers != list(range(len(numbers))):
            missing = min(set(range(len(numbers))) - set(numbers))
            raise PolicyError(f"no policy folder {self.path(player, missing)}, although later ones are there")
        return [self._read(player, number) for number in numbers]

    def _read(self, player: str, number: int) -> Manifest:
        path = self.path(player, number) / "manifest.json"
        try:
            manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise PolicyError(f"no policy file {path}") from None
        except (pydantic.ValidationError, json.JSONDecodeError, OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path} is damaged: {str(error).splitlines()[0]}") from None
        if manifest.number != number or any(Path(name).is_absolute() or ".." in name for name in manifest.files):
            raise PolicyError(f"{path} is damaged: it is of another policy")
        return manifest


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
