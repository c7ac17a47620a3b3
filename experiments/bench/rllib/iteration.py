"""What is left of an iteration on the batched runner: the share of every part."""

from __future__ import annotations

from experiments.bench import Measure
from experiments.bench.ppo import make_config
from experiments.bench.shares import spent_by_part
from marl.rllib import use_batched_runner

FRAGMENT = 128
ENVS = (32, 256, 1024)


def run(measure: Measure) -> None:
    """Adds the table of shares."""
    table = []
    for num_envs in ENVS:
        algorithm = use_batched_runner(make_config(num_envs, FRAGMENT, observation="features")).build_algo()
        algorithm.train()
        spent = spent_by_part(algorithm, measure.repeats)
        algorithm.stop()
        total = sum(spent.values())
        shares = [f"{100 * seconds / total:.0f} %" for seconds in spent.values()]
        table.append([f"{num_envs:,} envs", f"{1e6 * total / (num_envs * FRAGMENT):.1f}", *shares])
    measure.tables["shares"] = [["iteration with", "CPU-µs for each env step", *spent], *table]
