"""Playthroughs: a readable record of one random episode of every environment, kept under version control.

A change of rules, chance, observations or settings shows as a diff that a person can read; a test plays all of them
again. `python -m games.playthrough` writes them anew (the idea is OpenSpiel's).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from games.batch import Batch, Group
from games.spec import env_ids, make_batch, spec

FOLDER = Path("tests/playthroughs")
SEED = 7

# Steps shown whatever happens in them, and steps shown later because somebody was rewarded or left.
FIRST_STEPS = 30
EVENTFUL_STEPS = 30

# Arrays with more entries are shown as a digest; a longer episode is cut here.
MAX_ENTRIES = 400
MAX_STEPS = 1000

DIGEST_DIGITS = 12


def random_actions(group: Group, generator: np.random.Generator) -> np.ndarray:
    """Draws uniformly from each agent's legal actions.

    Args:
        group: A group of a batch that has been reset.
        generator: Where the chance comes from.

    Returns:
        Of the shape and dtype of the group's `actions`.
    """
    space, shape = group.action_space, group.actions.shape
    if isinstance(space, gymnasium.spaces.Box):
        share = generator.random(shape, np.float32)
        return np.clip(space.low + share * (space.high - space.low), space.low, space.high, dtype=np.float32)
    choices = [space.n] if isinstance(space, gymnasium.spaces.Discrete) else list(space.nvec)
    if group.action_masks is None:
        return generator.integers(np.reshape(choices, shape[2:]), size=shape, dtype=np.int32)
    masks = np.split(group.action_masks, np.cumsum(choices)[:-1], axis=-1)
    # The largest of uniform numbers among the legal ones is a uniform legal action.
    parts = [np.argmax(generator.random(mask.shape) * mask + mask, axis=-1) for mask in masks]
    return np.stack(parts, axis=-1).astype(np.int32).reshape(shape)


def playthrough(id: str) -> str:
    """Plays one episode of an id at random and returns its record."""
    batch = make_batch(id, 1, seed=SEED, autoreset="disabled")
    return "".join(f"{line}\n" for line in (*_header(batch), *_episode(batch)))


def file_name(id: str) -> str:
    """Returns the name of an id's playthrough."""
    return id.replace("/", "__") + ".txt"


def _header(batch: Batch) -> Iterator[str]:
    env_spec = spec(batch.spec.id)
    yield f"id: {env_spec.id}"
    yield f"description: {env_spec.description}"
    yield f"world: {env_spec.world}"
    for name, value in batch.config.settings().items():
        yield from _named(f"setting {name}", value)
    for name, value in vars(batch.config.properties()).items():
        yield f"property {name}: {value}"
    for group in batch.groups.values():
        yield f"group {group.name}: {', '.join(group.agents)}"
        yield f"  observations: {_space(group.observation_space)}"
        yield f"  actions: {_space(group.action_space)}"
        yield f"  action masks: {'no' if group.action_masks is None else 'yes'}"
        yield f"  infos: {', '.join(group.infos) or 'none'}"
    yield f"seed: {SEED}"


def _space(space: gymnasium.Space) -> str:
    """Describes a space without the bounds of every entry."""
    if not isinstance(space, gymnasium.spaces.Box):
        return str(space)
    return f"Box({space.low.min()}, {space.high.max()}, {space.shape}, {space.dtype})"


def _episode(batch: Batch) -> Iterator[str]:
    generator = np.random.default_rng(SEED)
    batch.reset()
    shown: dict[str, str] = {}
    yield ""
    yield "step 0"
    yield from _state(batch, shown)
    yield f"  digest: {_digest(batch)}"
    skipped: list[tuple[int, str]] = []
    events = 0
    for step in range(1, MAX_STEPS + 1):
        was_alive = _agents(batch, "alive")
        for group in batch.groups.values():
            group.actions[...] = random_actions(group, generator)
        batch.step()
        is_last = bool(batch.ended[0]) or step == MAX_STEPS
        is_eventful = _is_eventful(batch, was_alive)
        events += is_eventful and step > FIRST_STEPS
        if step <= FIRST_STEPS or is_last or (is_eventful and events <= EVENTFUL_STEPS):
            yield from _skipped_lines(skipped)
            skipped.clear()
            yield ""
            yield from _step(batch, step, shown)
        else:
            skipped.append((step, _digest(batch)))
        if is_last:
            break
    yield ""
    yield "the episode is over" if batch.ended[0] else f"the episode goes on after {MAX_STEPS} steps"
    if batch.ended[0]:
        yield f"  returns: {_text(batch.episode_returns[0])}"
        for name, values in batch.episode_statistics.items():
            yield f"  statistic {name}: {_text(values[0])}"


def _skipped_lines(skipped: list[tuple[int, str]]) -> Iterator[str]:
    """Stands for steps that are not shown, by one digest of theirs."""
    if skipped:
        digest = hashlib.sha256("".join(part for _, part in skipped).encode()).hexdigest()[:DIGEST_DIGITS]
        yield ""
        yield f"steps {skipped[0][0]} to {skipped[-1][0]}: digest {digest}"


def _step(batch: Batch, step: int, shown: dict[str, str]) -> Iterator[str]:
    yield f"step {step}"
    for group in batch.groups.values():
        prefix = f"  {group.name} " if len(batch.groups) > 1 else "  "
        yield from _named(f"{prefix}actions", group.actions[0])
        yield from _named(f"{prefix}rewards", group.rewards[0])
        for name in ("terminations", "truncations"):
            if getattr(group, name).any():
                yield from _named(prefix + name, getattr(group, name)[0])
        if not group.alive.all():
            yield from _named(f"{prefix}alive", group.alive[0])
        for name, array in group.infos.items():
            if array.any():
                yield from _named(f"{prefix}info {name}", array[0])
    yield from _state(batch, shown)
    yield f"  digest: {_digest(batch)}"


def _state(batch: Batch, shown: dict[str, str]) -> Iterator[str]:
    """Lists the fields that changed since they were last shown."""
    for name, value in batch.fields(0).items():
        lines = list(_named(f"  state {name}", value))
        if shown.get(name) != "\n".join(lines):
            shown[name] = "\n".join(lines)
            yield from lines


def _agents(batch: Batch, name: str) -> np.ndarray:
    """Returns one array of all groups' agents, [N]."""
    return np.concatenate([getattr(group, name)[0] for group in batch.groups.values()])


def _is_eventful(batch: Batch, was_alive: np.ndarray) -> bool:
    ends = _agents(batch, "terminations") | _agents(batch, "truncations")
    return bool(_agents(batch, "rewards").any() or (ends & was_alive).any())


def _digest(batch: Batch) -> str:
    """Returns the start of the SHA-256 of all that agents see and get."""
    digest = hashlib.sha256()
    for group in batch.groups.values():
        for array in (group.observations, group.action_masks, group.rewards, *group.infos.values()):
            digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()[:DIGEST_DIGITS]


def _named(name: str, value: Any) -> Iterator[str]:
    """Writes a name and a value, below each other where the value takes several lines."""
    lines = _text(value).splitlines()
    if len(lines) == 1:
        yield f"{name}: {lines[0]}"
        return
    indent = " " * (len(name) - len(name.lstrip()) + 2)
    yield f"{name}:"
    yield from ((indent + line).rstrip() for line in lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return repr(float(value))
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.size > MAX_ENTRIES:
        digest = hashlib.sha256(value.tobytes()).hexdigest()[:DIGEST_DIGITS]
        return f"{value.dtype} {list(value.shape)}, {np.count_nonzero(value)} not 0, digest {digest}"
    # The shortest digits that give the same float again, so that no change hides behind rounding.
    kind: Any = {"float_kind": np.format_float_positional} if value.dtype.kind == "f" else {}
    return np.array2string(value, max_line_width=110, threshold=MAX_ENTRIES + 1, formatter=kind or None)


def write_all(folder: Path) -> list[Path]:
    """Writes the playthroughs of all registered ids and returns the files that changed."""
    changed = []
    for id in env_ids():
        path, text = folder / file_name(id), playthrough(id)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed


def main(arguments: list[str] | None = None) -> None:
    """Rewrites the playthroughs and says which changed."""
    parser = argparse.ArgumentParser(prog="python -m games.playthrough", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"default: {FOLDER}")
    parser.add_argument("--import", dest="packages", action="append", default=[], metavar="PACKAGE",
                        help="a package that registers more environments, such as econ")  # fmt: skip
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"there is no folder {str(options.folder)!r}; call this from the root of the repository")
    for package in options.packages:
        importlib.import_module(package)
    for path in write_all(options.folder):
        print(f"changed: {path}")


if __name__ == "__main__":
    main()
