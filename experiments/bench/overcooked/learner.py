"""RLlib on Overcooked's lossless images: its own runner and the batched one, same world, network, batch and epochs."""

from __future__ import annotations

from typing import Any

from experiments.bench import Measure, cpu_seconds
from experiments.bench.ppo import (
    HIDDEN_SIZES,
    MINIBATCHES,
    make_config,
    sampling,
    train_columns,
    training,
)
from experiments.bench.shares import spent_by_part
from marl.rllib import register, start_ray, stop_ray, use_batched_runner
from marl.rllib.bare_update import update_bare

STOCK_ENVS = 32  # where RLlib's own runner is at its best: it does not gain beyond
BATCHED_ENVS = 256
STOCK_FRAGMENT, BATCHED_FRAGMENT = 1024, 128  # the same 32,768 steps in a batch
STEPS = BATCHED_ENVS * BATCHED_FRAGMENT


def run(measure: Measure) -> None:
    """Measures sampling and training, then what is left of an iteration."""
    start_ray(num_cpus=1)
    register()
    stock = make_config(STOCK_ENVS, STOCK_FRAGMENT).build_algo()
    ours = use_batched_runner(make_config(BATCHED_ENVS, BATCHED_FRAGMENT)).build_algo()
    names = (f"RLlib's runner, {STOCK_ENVS} envs", f"batched runner, {BATCHED_ENVS} envs")
    for label, short, make_work, aim in (
        ("sampling", "sample", lambda algorithm: sampling(algorithm, STEPS), 25),
        ("training", "train", training, 8),
    ):
        works = {f"{name}: {short}": (STEPS, make_work(a)) for name, a in zip(names, (stock, ours), strict=True)}
        theirs, batched = measure.rates("env steps / CPU-s", works)
        measure.compare(f"{label}: batched runner / RLlib's", batched, theirs, aim)
    _explain(measure, ours)
    ours.stop()
    stock.stop()
    stop_ray()


def _explain(measure: Measure, algorithm: Any) -> None:
    """Says what an iteration of the batched path spends its time on, and what bare PyTorch would."""
    spent = spent_by_part(algorithm, measure.repeats)
    total = sum(spent.values())
    parts = ", ".join(f"{part} {100 * seconds / total:.0f} %" for part, seconds in spent.items())
    measure.note(f"sampling and training on {STEPS:,} steps take {total:.3f} CPU-s: {parts}")
    columns = train_columns(algorithm, algorithm.env_runner.sample())
    minibatch_size = 2 * STEPS // MINIBATCHES
    bare = cpu_seconds(lambda: update_bare(columns, algorithm.config, HIDDEN_SIZES, minibatch_size))
    measure.note(f"the update takes {spent['update']:.3f} CPU-s of them; the same in bare PyTorch {bare:.3f} CPU-s")
