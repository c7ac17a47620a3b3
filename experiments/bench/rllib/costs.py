"""What a step costs against the number of envs, agents and runners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from ray.rllib.algorithms.algorithm import Algorithm

import marl.rllib
from experiments.bench import Measure, Row, Work
from experiments.bench.ppo import build_both, make_config, often, sampling
from experiments.bench.rllib.figure import draw_costs
from marl.rllib import use_batched_runner

FIGURE = Path(marl.rllib.__path__[0]) / "costs.svg"
FRAGMENT = 128
LARGEST_BATCH, LEAST_STEPS = 131_072, 8_192  # env steps of one measured call
NUM_ENVS = (1, 4, 16, 64, 256, 1024, 4096)
STOCK_ENVS, STOCK_STEPS = (1, 4, 16, 64), 1_024
CROWD_ENVS, CROWD_FRAGMENT = 256, 32
NUM_AGENTS = (2, 4, 8, 16, 32)
NUM_RUNNERS = (0, 1, 2)
RUNNER_ENVS = 256  # of all runners together, so that the learner has the same batch
RUNNER_SAMPLES, RUNNER_ITERATIONS = 8, 3  # of one measured call: the system tells hundredths of a second of a process


class Cost(NamedTuple):
    """One line of the table.

    Attributes:
        against: What grows: "envs", "agents" or "remote runners".
        number: How many.
        sample: Steps per second of the batched runner.
        train: Of whole iterations on it.
        stock: Steps per second of RLlib's own runner, where it was measured.
    """

    against: str
    number: int
    sample: Row
    train: Row
    stock: Row | None = None


def crowd(num_agents: int) -> tuple[str, dict[str, Any]]:
    """Returns a world for so many agents, and its settings; each sees as much, however many they are."""
    return "particles/simple_spread_v0", {
        "num_agents": num_agents,
        "num_agent_neighbors": 1,
        "num_landmark_neighbors": 2,
    }


def run(measure: Measure) -> None:
    """Adds the table and the figure."""
    # Measured apart, as the table says the same as its rows.
    own = Measure(measure.console, measure.repeats)
    costs = [
        *(_against_envs(own, num_envs) for num_envs in NUM_ENVS),
        *(_against_agents(own, num_agents) for num_agents in NUM_AGENTS),
        *(_against_runners(own, num_runners) for num_runners in NUM_RUNNERS),
    ]
    measure.tables["costs"] = _table(costs)
    measure.files[FIGURE] = draw_costs(costs)
    measure.note(
        "costs against envs and runners are in env steps on Overcooked (features), against agents in agent steps of "
        f"{CROWD_ENVS} envs of particles/simple_spread_v0, where each sees one neighbour and two landmarks. With "
        f"remote runners all {RUNNER_ENVS} envs are spread over them, and CPU seconds are those of all processes"
    )


def _table(costs: list[Cost]) -> list[list[str]]:
    heading = ["with", "sample, steps / CPU-s", "wall", "train, steps / CPU-s", "wall"]
    heading += ["RLlib's runner: sample, steps / CPU-s", "wall"]
    lines = [heading]
    for cost in costs:
        label = f"{cost.number:,} {cost.against if cost.number != 1 else cost.against[:-1]}"
        lines.append([label, *_shown(cost.sample), *_shown(cost.train), *_shown(cost.stock)])
    return lines


def _shown(row: Row | None) -> list[str]:
    return ["", ""] if row is None else [f"{row.median:,.0f}", f"{row.wall:,.0f}"]


def _against_envs(measure: Measure, num_envs: int) -> Cost:
    fragment = min(FRAGMENT, LARGEST_BATCH // num_envs)
    batch = num_envs * fragment
    times = max(1, LEAST_STEPS // batch)
    works: dict[str, tuple[float, Work]] = {}
    if num_envs in STOCK_ENVS:
        stock, ours = build_both(num_envs, fragment, observation="features")
        works["RLlib's runner: sample"] = (STOCK_STEPS, sampling(stock, STOCK_STEPS))
        algorithms = [stock, ours]
    else:
        ours = use_batched_runner(make_config(num_envs, fragment, observation="features")).build_algo()
        algorithms = [ours]
    works["sample"] = (times * batch, often(times, _sample(ours)))
    works["train"] = (times * batch, often(times, ours.train))
    return _measured(measure, "envs", num_envs, works, algorithms)


def _against_agents(measure: Measure, num_agents: int) -> Cost:
    world, settings = crowd(num_agents)
    algorithm = use_batched_runner(make_config(CROWD_ENVS, CROWD_FRAGMENT, world, **settings)).build_algo()
    steps = num_agents * CROWD_ENVS * CROWD_FRAGMENT
    works: dict[str, tuple[float, Work]] = {
        "sample": (steps, often(1, _sample(algorithm))),
        "train": (steps, often(1, algorithm.train)),
    }
    return _measured(measure, "agents", num_agents, works, [algorithm])


def _against_runners(measure: Measure, num_runners: int) -> Cost:
    envs = RUNNER_ENVS // max(1, num_runners)
    config = make_config(envs, FRAGMENT, num_runners=num_runners, observation="features")
    algorithm = use_batched_runner(config).build_algo()
    group: Any = algorithm.env_runner_group

    def sample() -> None:
        group.foreach_env_runner(lambda runner: runner.sample(), local_env_runner=num_runners == 0)

    works: dict[str, tuple[float, Work]] = {
        name: (times * RUNNER_ENVS * FRAGMENT, often(times, work, _cpu_of_all_processes))
        for name, work, times in (("sample", sample, RUNNER_SAMPLES), ("train", algorithm.train, RUNNER_ITERATIONS))
    }
    return _measured(measure, "remote runners", num_runners, works, [algorithm])


def _sample(algorithm: Algorithm) -> Callable[[], object]:
    runner: Any = algorithm.env_runner
    return lambda: runner.sample()


def _measured(
    measure: Measure, against: str, number: int, works: dict[str, tuple[float, Work]], algorithms: list[Algorithm]
) -> Cost:
    *stock, sample, train = measure.rates("steps / CPU-s", works)
    for algorithm in algorithms:
        algorithm.stop()
    return Cost(against, number, sample, train, stock[0] if stock else None)


def _cpu_of_all_processes() -> float:
    """Returns the CPU seconds of this process and of all of Ray's that it started."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
