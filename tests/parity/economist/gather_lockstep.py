"""Gather-trade-build in lock-step with ai-economist 1.7.1: jobs, how both play them, and how results are compared.

Where Saez's formula sets the rates, it is `econ.taxation.SaezTax`, which is fed with our incomes: its rates, 64 bits
long, are put in place after the first step of a period, because actions have 32. Random rates are drawn by our core.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import econ  # noqa: F401 - registers its worlds
import games
from econ.taxation import SaezTax
from games.batch import Batch

ROUNDING = 1e-8  # utilities and welfare: powers are our own, and sums run in another order
EVERYTHING = (
    *("worker_masks", "planner_mask", "workers", "planner", "last_stream"),
    *("labor", "units", "coin", "worker_rewards", "planner_reward"),
)


@dataclass
class Job:
    """Our settings, and what the package calls them."""

    name: str
    seed: int
    ours: dict = field(default_factory=dict)
    world: dict = field(default_factory=dict)
    tax: dict = field(default_factory=dict)
    saez: dict | None = None  # arguments of SaezTax; tax_model is planner_rates then
    episodes: int = 1
    steps: int = 1000
    golden: tuple = ()  # productivity, equality, houses, trades at the end, measured on the package

    def listed(self) -> dict:
        """What the reference process gets."""
        world = {
            "scenario_name": "layout_from_file/simple_wood_and_stone",
            "env_layout_file": "quadrant_25x25_20each_30clump.txt",
            "world_size": [25, 25],
            "fixed_four_skill_and_loc": self.ours.get("starts", "corners") == "corners",
            "planner_gets_spatial_info": False,
            "energy_cost": 0.21,
            **self.world,
        }
        return {
            **{"seed": self.seed, "episodes": self.episodes, "steps": self.steps, "world": world},
            "agents": self.ours.get("num_agents", 4),
            "build": {"skill_dist": self.ours.get("build_skills", "pareto"), "payment_max_skill_multiplier": 3},
            "gather": {"skill_dist": self.ours.get("gather_skills", "pareto")},
            "market": {"max_num_orders": 5},
            "tax": {"period": self.ours.get("tax_period", 100), **self.tax},
            "shares_wealth": self.ours.get("shares_wealth", False),
            "brackets": self.ours.get("num_brackets", 7),
        }


def look(batch: Batch) -> dict:
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    masks = planner.action_masks  # the package has one of a single action where the planner does not act
    return {
        "workers": workers.observations[0].copy(),
        "worker_masks": workers.action_masks[0].copy(),
        "planner": planner.observations[0, 0].copy(),
        "planner_mask": np.ones(1, np.uint8) if masks is None else masks[0, 0].copy(),
    }


def load_rates(batch: Batch, rates: np.ndarray) -> None:
    fields = batch.fields(0)
    fields["tax_rates"][:] = rates
    batch.load_fields(0, fields)


def step(batch: Batch, workers: np.ndarray, planner: np.ndarray, saez: SaezTax | None) -> dict:
    """Steps with a trace's actions, or with Saez's rates for the planner, and returns the fields."""
    before = batch.fields(0)
    is_first, is_last = before["tax_day"] == 1, before["tax_day"] == batch.config.tax_period
    rates = saez.next_rates(batch.config.rate_min, before["rate_limit"]) if saez and is_first else None
    if saez:
        planner = np.full(len(saez.cutoffs), -1 if rates is None else rates, np.float32)
    batch.step({"workers": workers[None], "planner": planner.reshape(batch.groups["planner"].actions.shape)})
    if rates is not None:
        load_rates(batch, rates)
    fields = batch.fields(0)
    if saez and is_last:
        saez.add(fields["last_incomes"], fields["last_marginal_rates"])
    return fields


def play_episode(batch: Batch, trace: dict, saez: SaezTax | None) -> dict:
    """Replays the next episode with a trace's actions."""
    batch.reset()
    if saez:
        load_rates(batch, saez.average_rates)
    looks, outcomes, before = [look(batch)], [], batch.fields(0)
    for actions, rates in zip(trace["actions"], trace["planner_actions"], strict=True):
        fields = step(batch, actions, rates, saez)
        looks.append(look(batch))
        outcomes.append(
            {
                "worker_rewards": fields["utilities"] - before["utilities"],
                "planner_reward": np.float64(fields["welfare"] - before["welfare"]),
                "coin": fields["coin"] + fields["escrow_coin"],
                "labor": fields["labor"],
                "units": fields["units"] + fields["escrow_units"],
            }
        )
        before = fields
    ours = {key: np.stack([row[key] for row in part]) for part in (looks, outcomes) for key in part[0]}
    statistics = {name: values[0] for name, values in batch.episode_statistics.items()}
    averages = {} if saez is None else {"average_rates": saez.average_rates}
    return ours | averages | {"statistics": statistics, "last_stream": before["numpy_stream"]}


def play_theirs(python: Path, folder: Path, jobs: list[Job]) -> list[list[dict]]:
    """Returns a trace for each episode of each job, whose arrays are read when they are asked for."""
    paths = [folder / name for name in ("jobs.json", "traces.npz")]
    paths[0].write_text(json.dumps([job.listed() for job in jobs]), encoding="utf-8")
    script = Path(__file__).with_name("gather_reference.py")
    command = [str(python), "-W", "ignore", str(script), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(paths[1]) as found:
        names = [name.split("/") for name in found.files]
        return [
            [
                {key: found[f"{index}/{number}/{key}"] for i, n, key in names if (i, n) == (str(index), str(number))}
                for number in range(job.episodes)
            ]
            for index, job in enumerate(jobs)
        ]


def play_ours(job: Job, traces: list[dict]) -> Iterator[dict]:
    """Replays a job's episodes with the actions of their traces."""
    batch = games.make_batch(
        "econ/gather_trade_build_v0",
        autoreset="disabled",
        horizon=job.steps,
        numpy_streams=np.stack([trace["streams"] for trace in traces]),
        **job.ours,
    )
    saez = None if job.saez is None else SaezTax(batch.config.cutoffs, compat=True, **job.saez)
    return (play_episode(batch, trace, saez) for trace in traces)


# ---- comparisons ----


def assert_equal(name: str, ours: np.ndarray, theirs: np.ndarray, job: Job) -> None:
    assert ours.shape == theirs.shape, (job.name, name)
    where = np.argwhere(ours != theirs)
    first = tuple(where[0]) if len(where) else ()
    assert not len(where), f"{job.name}: {name}: {len(where)} differ, first {first}: {ours[first]} != {theirs[first]}"


def without_first_rates(name: str, looks: np.ndarray, job: Job) -> np.ndarray:
    """Blanks the 7 rates in an episode's first observation, of workers with a window or a planner without a map."""
    agents = job.ours.get("num_agents", 4)
    behind = {"workers": agents + 10, "planner": 7 * agents + 7}[name]  # numbers that follow the rates
    shown = looks.copy()
    shown[0, ..., -behind - 7 : -behind] = 0
    return shown


def assert_same_episode(job: Job, ours: dict, theirs: dict, names: tuple[str, ...] = EVERYTHING) -> None:
    """Everything is equal; coin, utilities and welfare to ROUNDING.

    Left out are the rates that the package's Saez model shows before an episode's first step: those of the last one.
    """
    for name in names:
        if name in ("coin", "worker_rewards", "planner_reward"):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=ROUNDING, err_msg=f"{job.name}: {name}")
        elif job.saez is not None and name in ("workers", "planner"):
            assert_equal(name, *(without_first_rates(name, side[name], job) for side in (ours, theirs)), job)
        else:
            assert_equal(name, ours[name], theirs[name], job)
