"""Driving: what a vehicle costs on a highway with 10 to 100 others."""

from __future__ import annotations

from experiments.bench import Measure
from experiments.bench.worlds.rounds import step_batch
from games.driving import DrivingConfig

ID = "driving/highway_v0"
UNIT = "vehicle frames / CPU-s"
OTHERS = (10, 20, 40, 60, 80, 100)
NUM_ENVS = 64
AIM = 0.8  # least speed with the most vehicles, relative to the fewest: all pairs would make it a tenth


def run(measure: Measure) -> None:
    """Measures the crowds in turns and adds the table of costs."""
    rates = {}
    for others in OTHERS:
        env_steps, work = step_batch(ID, NUM_ENVS, vehicles_count=others)
        rates[f"{others} others"] = (env_steps * _frames_per_step() * (others + 1), work)
    rows = measure.rates(UNIT, rates)
    table = [["vehicles", "ns / vehicle and frame", "env steps / CPU-s"]]
    for others, row in zip(OTHERS, rows, strict=True):
        per_step = _frames_per_step() * (others + 1)
        table.append([str(others + 1), f"{1e9 / row.median:.0f}", f"{row.median / per_step:,.0f}"])
    measure.tables["crowds"] = table
    measure.compare(f"speed per vehicle, {OTHERS[-1]} others / {OTHERS[0]}", rows[-1], rows[0], AIM)


def _frames_per_step() -> int:
    config = DrivingConfig()
    return config.simulation_frequency // config.policy_frequency
