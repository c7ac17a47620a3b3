"""Bytes of a stored step, in a fragment and in the replay buffer, against the sum of its own numbers."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from typing import Any

import numpy as np

from experiments.bench import Measure
from experiments.bench.ppo import make_config
from marl.rllib import Fragment, ReplayBuffer, use_batched_runner

ENVS, FRAGMENT = 256, 128
CAPACITY = 4 * ENVS * FRAGMENT
AIM = 1.3
REPLAYED = ("observations", "actions", "rewards", "terminations", "truncations")
RECORDED = (*REPLAYED, "alive", "action_dist_inputs", "action_logp")


def run(measure: Measure) -> None:
    """Counts both."""
    algorithm = use_batched_runner(make_config(ENVS, FRAGMENT, observation="features")).build_algo()
    runner: Any = algorithm.env_runner
    tracemalloc.start()
    (fragment,) = runner.sample()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    buffer = ReplayBuffer(CAPACITY)
    for _ in range(CAPACITY // fragment.env_steps() + 1):  # once around
        buffer.add(runner.sample())
    algorithm.stop()
    stores = (("fragment", fragment, RECORDED, fragment.env_steps()), ("replay buffer", buffer, REPLAYED, CAPACITY))
    for name, store, columns, steps in stores:
        stored = measure.count(f"{name}: bytes of a stored step", "bytes / env step", _nbytes(store) / steps)
        own = measure.count(f"{name}: its own numbers", "bytes / env step", _own_bytes(fragment, columns))
        measure.compare(f"{name}: bytes of a stored step / its own numbers (smaller is better)", stored, own, AIM)
    measure.note(
        f"while a runner samples its first fragment of {fragment.env_steps():,} steps, Python and NumPy hold at most "
        f"{peak / 2**20:.1f} MiB more than before; the fragment's arrays take {_nbytes(fragment) / 2**20:.1f} MiB"
    )


def _own_bytes(fragment: Fragment, columns: tuple[str, ...]) -> float:
    """Returns the bytes of some columns of one env step: T·E·P values each, without the row after the last step."""
    num_steps = len(fragment.ended)
    arrays = [getattr(group, name)[:num_steps] for group in fragment.groups.values() for name in columns]
    return sum(array.nbytes for array in arrays) / fragment.env_steps()


def _nbytes(thing: Any) -> int:
    """Returns the bytes of all arrays that can be reached from a thing, shared memory counted once."""
    owners: dict[int, int] = {}
    seen: set[int] = set()
    waiting = [thing]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            while isinstance(item.base, np.ndarray):
                item = item.base
            owners[item.ctypes.data] = item.nbytes
        else:
            waiting += _parts(item)
    return sum(owners.values())


def _parts(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    if isinstance(item, list | tuple | set):
        return item
    return vars(item).values() if hasattr(item, "__dict__") else ()
