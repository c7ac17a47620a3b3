"""Sampling and whole iterations: RLlib's runner and the batched one, with the same envs and the same batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from experiments.bench import Measure
from experiments.bench.ppo import build_both, often, sampling, training

FRAGMENT = 128
LEAST_STEPS = 32_768  # of a measured call of the batched runner, which takes 4,096 in hundredths of a second
FEW = 2  # repeats of an iteration that takes RLlib's runner a minute


class Size(NamedTuple):
    """What is measured with so many envs.

    Attributes:
        num_envs: E, for both.
        sampled: Steps of every env for which RLlib's runner samples; the batched one does whole fragments.
        takes_long: Whether iterations are repeated only a few times.
        sampling_aim: Times as many steps per CPU second.
        training_aim: Likewise.
    """

    num_envs: int
    sampled: int
    takes_long: bool
    sampling_aim: float
    training_aim: float


SIZES = (
    Size(32, FRAGMENT, False, 27, 8),
    Size(256, 32, False, 86, 16),
    Size(1024, 16, True, 170, 22),
)


def run(measure: Measure) -> None:
    """Measures all sizes."""
    for size in SIZES:
        _measure_size(measure, size)


def _measure_size(measure: Measure, size: Size) -> None:
    envs, batch = f"{size.num_envs:,} envs", size.num_envs * FRAGMENT
    few, times = size.num_envs * size.sampled, max(1, LEAST_STEPS // batch)
    stock, ours = build_both(size.num_envs, FRAGMENT, observation="features")
    runner: Any = ours.env_runner
    names = f"RLlib's runner, {envs}", f"batched runner, {envs}"
    theirs, batched = measure.rates(
        "env steps / CPU-s",
        {
            f"{names[0]}: sample": (few, sampling(stock, few)),
            f"{names[1]}: sample": (times * batch, often(times, lambda: runner.sample())),
        },
        note=f"{few:,} steps of RLlib's, {times * batch:,} of the batched one",
    )
    measure.compare(f"sampling, {envs}: batched runner / RLlib's", batched, theirs, size.sampling_aim)
    theirs, batched = measure.rates(
        "env steps / CPU-s",
        {
            f"{names[0]}: train": (batch, training(stock)),
            f"{names[1]}: train": (times * batch, often(times, ours.train)),
        },
        repeats=min(FEW, measure.repeats) if size.takes_long else None,
        note=f"a batch of {batch:,} steps" + (", few repeats" if size.takes_long else ""),
    )
    measure.compare(f"training, {envs}: batched runner / RLlib's", batched, theirs, size.training_aim)
    stock.stop()
    ours.stop()
