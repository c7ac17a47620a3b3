"""Recordings: an episode kept as its joint actions, replayed exactly, and shown as GIF or MP4.

A recording file is JSON-lines: a header with the id, all settings, the seed and a digest of what happened, then one
line for each step with the joint action. Chance depends on the seed alone, so the engine makes everything else again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np

from games.batch import Batch
from games.spec import make_batch
from games.window import RENDER_FPS, render_frame

FORMAT = "agora-recording-1"

# How long a GIF rests on its last frame before it starts again, in seconds.
REST_S = 1.5

Actions = np.ndarray | dict[str, np.ndarray] | None
Policy = Callable[[Batch], Actions]


@dataclass(frozen=True, eq=False)
class Recording:
    """One episode, or the beginning of one.

    Attributes:
        id: The environment's.
        settings: All settings of the world, defaults included.
        seed: The episode is episode 0 of env 0 under it.
        actions: For each of T steps the joint action: per group [P] or [P, A].
        digest: SHA-256 of all that agents saw and got, as hexadecimal digits.
    """

    id: str
    settings: dict[str, Any]
    seed: int
    actions: tuple[dict[str, np.ndarray], ...]
    digest: str

    def replay(self) -> Iterator[Batch]:
        """Plays the episode again.

        Yields:
            The batch of one env after the reset and after each of T steps; it is the same one every time.
        """
        batch = make_batch(self.id, 1, seed=self.seed, autoreset="disabled", **self.settings)
        batch.reset()
        yield batch
        for joint in self.actions:
            batch.step({name: actions[None] for name, actions in joint.items()})
            yield batch

    def fields(self) -> list[dict[str, Any]]:
        """Returns the T + 1 states, by field name."""
        return [batch.fields(0) for batch in self.replay()]

    def rewards(self) -> np.ndarray:
        """Returns [T, N] float32: the rewards of the N agents of all groups."""
        rows = [np.concatenate([group.rewards[0] for group in batch.groups.values()]) for batch in self.replay()]
        return np.stack(rows)[1:]

    def frames(self) -> Iterator[np.ndarray]:
        """Draws the T + 1 states.

        Yields:
            [H, W, 3] uint8, all of one size.

        Raises:
            ValueError: The world cannot be drawn.
        """
        for batch in self.replay():
            yield render_frame(batch)

    def save(self, path: str | Path) -> None:
        """Writes the recording file."""
        path = _writable(path, ".jsonl")
        header = {"format": FORMAT, "id": self.id, "seed": self.seed, "digest": self.digest}
        header |= {"steps": len(self.actions), "settings": _to_json(self.settings)}
        lines = [header, *({name: a.tolist() for name, a in joint.items()} for joint in self.actions)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a recording file and checks it by playing it.

        Raises:
            FileNotFoundError: No such file.
            ValueError: It is no recording, is damaged, or is of an id or settings that this version does not know, or
                the world behaves differently now.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"there is no recording {str(path)!r}")
        header, lines = _read_lines(path)
        recording = cls(
            id=header["id"],
            settings=_from_json(header["settings"]),
            seed=header["seed"],
            actions=_read_actions(path, header, lines),
            digest=header["digest"],
        )
        digest = _digest(recording.replay())
        if digest != recording.digest:
            raise ValueError(
                f"{path}: the episode does not replay as it was recorded (digest {digest[:12]}, recorded "
                f"{recording.digest[:12]}): the world has changed since, or the file was"
            )
        return recording

    def save_gif(self, path: str | Path, fps: float = RENDER_FPS, frames: Iterable[np.ndarray] | None = None) -> None:
        """Writes an animated GIF that repeats for ever.

        Args:
            path: Ends in .gif.
            fps: Steps a second; GIF counts in hundredths of a second.
            frames: What to show instead of every state, [H, W, 3] uint8 each.
        """
        from PIL import Image

        path = _writable(path, ".gif")
        pause, last = _check_fps(fps), None
        pictures: list[Image.Image] = []
        durations: list[int] = []
        for frame in self.frames() if frames is None else frames:
            if frame is last:  # one that stands for longer
                durations[-1] += pause
                continue
            last = frame
            # A palette makes a picture a third as large while it waits for the others.
            pictures.append(Image.fromarray(frame).quantize())
            durations.append(pause)
        durations[-1] = max(durations[-1], round(REST_S * 1000))
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)

    def save_mp4(self, path: str | Path, fps: float = RENDER_FPS, frames: Iterable[np.ndarray] | None = None) -> None:
        """Writes an H.264 video that browsers play.

        Args:
            path: Ends in .mp4.
            fps: Steps a second.
            frames: What to show instead of every state, [H, W, 3] uint8 each.
        """
        import imageio_ffmpeg

        path = _writable(path, ".mp4")
        _check_fps(fps)
        shown = iter(self.frames() if frames is None else frames)
        first = next(shown)
        height, width, _ = first.shape
        # yuv420p is what browsers decode, and needs even sizes; faststart puts the index first, for streaming.
        writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=fps,
            codec="libx264",
            pix_fmt_in="rgb24",
            pix_fmt_out="yuv420p",
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-movflags", "+faststart"],
        )
        writer.send(None)
        try:
            for frame in chain([first], shown):
                writer.send(np.ascontiguousarray(frame))
        finally:
            writer.close()


def record(id: str, policy: Policy, *, seed: int = 0, max_steps: int | None = None, **config: Any) -> Recording:
    """Plays one episode and keeps it.

    Args:
        id: One of `games.env_ids()`.
        policy: Gets the batch (of one env) before each step and returns what `Batch.step` takes: an array [1, P, ...],
            a dict of them by group, or None after writing into the batch's `actions`.
        seed: In [0, 2^64).
        max_steps: Steps after which the recording stops even if the episode goes on.
        **config: Settings of the world that differ from the id's.
    """
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps!r}")
    batch = make_batch(id, 1, seed=seed, autoreset="disabled", **config)
    joint_actions: list[dict[str, np.ndarray]] = []

    def play() -> Iterator[Batch]:
        batch.reset()
        yield batch
        while not batch.ended[0] and len(joint_actions) != max_steps:
            batch.step(policy(batch))
            joint_actions.append({name: group.actions[0].copy() for name, group in batch.groups.items()})
            yield batch

    digest = _digest(play())
    return Recording(id, batch.config.settings(), int(seed), tuple(joint_actions), digest)


def _digest(play: Iterator[Batch]) -> str:
    """Returns the SHA-256 of all that agents see and get in an episode."""
    digest = hashlib.sha256()
    for batch in play:
        for group in batch.groups.values():
            arrays = (group.observations, group.rewards, group.terminations, group.truncations, group.alive)
            for array in arrays:
                digest.update(array.tobytes())
    return digest.hexdigest()


def _check_fps(fps: float) -> int:
    """Returns how long a frame stays, in milliseconds."""
    if not 0.1 <= fps <= 100:
        raise ValueError(f"fps must be in [0.1, 100], got {fps!r}")
    return round(1000 / fps)


def _writable(path: str | Path, suffix: str) -> Path:
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"the file must end in {suffix}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name} into")
    return path


def _to_json(value: Any) -> Any:
    """Writes arrays with their dtype, so that settings come back as they were."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"array", "dtype"}:
            return np.array(value["array"], dtype=value["dtype"])
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    return value


_HEADER = {"format": str, "id": str, "seed": int, "digest": str, "steps": int, "settings": dict}


def _read_lines(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = []
    for number, text in enumerate(path.read_text(errors="replace").splitlines(), 1):
        try:
            line = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number} is no line of a recording: {error}") from None
        if not isinstance(line, dict):
            raise ValueError(f"{path}:{number} is no line of a recording: expected an object, got {text[:40]!r}")
        lines.append(line)
    if not lines or lines[0].get("format") != FORMAT:
        raise ValueError(f"{path} is no recording: its first line must say {FORMAT!r}")
    header = lines[0]
    for name, kind in _HEADER.items():
        if not isinstance(header.get(name), kind):
            raise ValueError(f"{path}:1: the header needs {name!r} ({kind.__name__}), got {header.get(name)!r}")
    if header["steps"] != len(lines) - 1:
        raise ValueError(f"{path} is cut off: it announces {header['steps']} steps and holds {len(lines) - 1}")
    return header, lines[1:]


def _read_actions(path: Path, header: dict[str, Any], lines: list[dict[str, Any]]) -> tuple[dict[str, np.ndarray], ...]:
    batch = make_batch(header["id"], 1, **_from_json(header["settings"]))
    joint_actions = []
    for number, line in enumerate(lines, 2):
        if line.keys() != batch.groups.keys():
            raise ValueError(f"{path}:{number} must give the actions of {list(batch.groups)}, got {list(line)}")
        try:
            joint = {name: np.array(line[name], group.actions.dtype) for name, group in batch.groups.items()}
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{path}:{number} holds no actions: {error}") from None
        joint_actions.append(joint)
    return tuple(joint_actions)
