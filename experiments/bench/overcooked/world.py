"""The world and its faces: env steps per CPU second."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

import games
from experiments.bench import Measure, Row, Work, cpu_seconds
from experiments.bench.peer import JAXMARL, OVERCOOKED_AI, Peer

ID = "overcooked/cramped_room_v0"
UNIT = "env steps / CPU-s"
ENVS = 1024
ACTION_ROWS = 64  # different joint actions that are played in turn, made beforehand
FOLDER = Path(__file__).parent
REFERENCE_STEPS = 2000  # of a round of overcooked-ai
JAXMARL_STEPS = 4 * 50 * 1024  # of a round of JaxMARL: four scans


def step_batch(num_envs: int, steps: int, num_threads: int = 1, timer: Callable[[], float] = time.process_time) -> Work:
    """Returns the work of stepping a batch with random actions, observations of both cooks included."""
    batch = games.make_batch(ID, num_envs, num_threads=num_threads)
    batch.reset()
    rows = np.random.default_rng(0).integers(0, 6, (ACTION_ROWS, num_envs, 2), dtype=np.int32)

    def work() -> float:
        start = timer()
        for t in range(steps):
            np.copyto(batch.actions, rows[t % ACTION_ROWS])
            batch.step()
        return timer() - start

    return work


def step_parallel_env(steps: int) -> Work:
    """Returns the work of stepping one env through PettingZoo's face."""
    env = games.parallel_env(ID)
    env.reset(seed=0)
    choices = np.random.default_rng(0).integers(0, 6, (steps, 2)).tolist()
    joint = [dict(zip(env.possible_agents, row, strict=True)) for row in choices]

    def play() -> None:
        for actions in joint:
            env.step(actions)
            if not env.agents:
                env.reset()

    return lambda: cpu_seconds(play)


def make_floors(steps: int) -> dict[str, tuple[float, Work]]:
    """Compiles floor.c and returns its works on the arrays of a real batch."""
    batch = games.make_batch(ID, ENVS)
    batch.reset()
    observations, template = batch.observations, batch.observations[0].copy()
    size = template.nbytes
    places = np.random.default_rng(0).integers(0, size, (ENVS, 24), dtype=np.int32)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "floor.so"
        subprocess.run(["cc", "-O3", "-shared", "-fPIC", "-o", str(library), str(FOLDER / "floor.c")], check=True)
        floor = ctypes.CDLL(str(library))

    def point(array: np.ndarray) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    envs, bytes_each = ctypes.c_int64(ENVS), ctypes.c_int64(size)

    def set_memory() -> None:
        for _ in range(steps):
            floor.floor_memset(point(observations), envs, bytes_each)

    def copy_template() -> None:
        for _ in range(steps):
            floor.floor_template(point(observations), point(template), point(places), envs, bytes_each)

    return {
        "floor: memset of the observations": (ENVS * steps, lambda: cpu_seconds(set_memory)),
        "floor: template and 24 scattered bytes": (ENVS * steps, lambda: cpu_seconds(copy_template)),
    }


def run(measure: Measure) -> None:
    """Measures the world against its peers and the floor."""
    works: dict[str, tuple[float, Work]] = {
        "agora, 1 env": (20_000, step_batch(1, 20_000)),
        "agora, 64 envs": (64 * 4000, step_batch(64, 4000)),
        "agora, 1,024 envs": (ENVS * 800, step_batch(ENVS, 800)),
        "agora, 4,096 envs": (4096 * 200, step_batch(4096, 200)),
        "agora, 1 env through parallel_env": (20_000, step_parallel_env(20_000)),
        **make_floors(800),
    }
    with ExitStack() as stack:
        reference, jax_python = OVERCOOKED_AI.find_python(), JAXMARL.find_python()
        if reference:
            peer = stack.enter_context(Peer(reference, OVERCOOKED_AI))
            for name, what in (("step + lossless encoding", "lossless"), ("step alone", "bare")):
                play = partial(peer.play, f"cramped_room:{what}", 1, REFERENCE_STEPS)
                works[f"overcooked-ai, {name}"] = (REFERENCE_STEPS, play)
        else:
            measure.note("overcooked-ai is not installed (make parity): not compared")
        if jax_python:
            jax_peer = stack.enter_context(Peer(jax_python, JAXMARL))
            play = partial(jax_peer.play, "overcooked:cramped_room", ENVS, JAXMARL_STEPS)
            works["JaxMARL, jit and scan, 1,024 envs"] = (JAXMARL_STEPS, play)
        else:
            measure.note("JaxMARL is not installed (make bench installs it): not compared")
        rows = {row.name: row for row in measure.rates(UNIT, works)}
    _compare(measure, rows)
    _compare_threads(measure)


def _compare(measure: Measure, rows: dict[str, Row]) -> None:
    ours, floor = rows["agora, 1,024 envs"], rows["floor: template and 24 scattered bytes"]
    measure.compare("template floor / agora, 1,024 envs (smaller is better)", floor, ours, 2.5)
    if "overcooked-ai, step + lossless encoding" in rows:
        theirs = rows["overcooked-ai, step + lossless encoding"]
        measure.compare("agora, 1,024 envs / overcooked-ai", ours, theirs, 1200)
        measure.compare("agora, parallel_env / overcooked-ai", rows["agora, 1 env through parallel_env"], theirs, 10)
    if "JaxMARL, jit and scan, 1,024 envs" in rows:
        measure.compare("agora, 1,024 envs / JaxMARL", ours, rows["JaxMARL, jit and scan, 1,024 envs"], 10)


def _compare_threads(measure: Measure) -> None:
    """Two threads against one, by the clock on the wall: it takes two free cores to see anything."""
    works = {
        f"agora, 4,096 envs, {threads} thread{'s' * (threads > 1)}": (
            4096 * 200,
            step_batch(4096, 200, threads, time.perf_counter),
        )
        for threads in (1, 2)
    }
    one, two = measure.rates("env steps / wall-s", works)
    measure.compare("two threads / one, wall clock", two, one, 1.7)
