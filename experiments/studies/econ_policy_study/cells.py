"""Plays one cell of the grid; runs in any process, on any machine that has this package."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import games
from agents.protocol import Player
from agents.saez_planner import SaezPlanner
from econ.taxation.saez import MIN_SAMPLES
from experiments.studies.econ_policy_study.ledger import Ledger
from experiments.studies.econ_policy_study.policies import make_planner
from experiments.studies.econ_policy_study.populations import make_worker
from experiments.studies.econ_policy_study.settings import ENV_ID, Cell, PolicyStudySettings
from experiments.studies.econ_policy_study.tables import TABLES, Tables, make_table
from experiments.studies.econ_policy_study.trained import SAEZ_FILE, write_files
from games.batch import Batch

PLAY_SEED = 1_000_003  # apart from every training seed's envs
SEED_STEP = 10_007  # from one seed of the study to the next

Files = dict[str, bytes]


@dataclass(frozen=True)
class Job:
    """A cell with all that its process needs.

    Attributes:
        cell: Which.
        settings: Of the study.
        workers: Files of trained workers; empty for scripts.
        planner: Files of a trained planner.
    """

    cell: Cell
    settings: PolicyStudySettings
    workers: Files = field(default_factory=dict)
    planner: Files = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """Of the envs: the same for all policies and populations, so that they meet the same chance at the start."""
        return PLAY_SEED + SEED_STEP * self.cell.seed

    @property
    def saez_state(self) -> dict[str, Any] | None:
        """What the formula knew under which these workers were trained; None for others."""
        known = self.cell.population.trained_under
        is_theirs = known is not None and self.cell.policy.name == known.name and known.planner == "saez"
        return json.loads(self.workers[SAEZ_FILE]) if is_theirs and SAEZ_FILE in self.workers else None


@dataclass
class Company:
    """Who plays: one player for all workers, and one for the planner where the world does not set the rates."""

    workers: Player
    planner: Player | None

    def act(self, batch: Batch) -> dict[str, np.ndarray]:
        """Returns the joint action."""
        group = batch.groups["workers"]
        hands = [self.workers.act(batch, agent) for agent in group.agents]
        rates = np.zeros_like(batch.groups["planner"].actions)
        if self.planner is not None:
            rates[:] = self.planner.act(batch, "planner_0")[:, None]
        return {"workers": np.stack(hands, axis=1), "planner": rates}


def make_company(job: Job, folder: Path) -> Company:
    """Makes the players of a cell.

    Args:
        job: The cell.
        folder: Empty; for the files of trained players.
    """
    places = {}
    for name, files in (("workers", job.workers), ("planner", job.planner)):
        places[name] = folder / name
        places[name].mkdir()
        write_files(places[name], files)
    cell = job.cell
    cutoffs = job.settings.world_config(cell.policy, cell.layout).cutoffs
    planner = make_planner(cell.policy, cutoffs, places["planner"], job.saez_state, job.seed + 1)
    return Company(make_worker(cell.population, places["workers"], job.seed), planner)


def saez_rounds(job: Job) -> int:
    """Returns how many uncounted rounds of episodes the formula sees before the others."""
    if job.cell.policy.planner != "saez" or job.saez_state is not None:
        return 0
    config = job.settings.world_config(job.cell.policy, job.cell.layout)
    a_round = config.num_agents * job.settings.episodes * (config.horizon // config.tax_period)
    return max(job.settings.saez_rounds, math.ceil(MIN_SAMPLES / a_round)) if a_round else 0


def make_world(job: Job, num_envs: int, seed: int) -> Batch:
    """Makes envs of a cell's world, reset."""
    world = job.settings.world_settings(job.cell.policy, job.cell.layout)
    batch = games.make_batch(ENV_ID, num_envs, seed=seed, autoreset="disabled", **world)
    batch.reset()
    return batch


def play(batch: Batch, company: Company, look: Callable[[], None]) -> None:
    """Plays the episodes of a batch to their end; `look` is called after every step."""
    config: Any = batch.config
    for _ in range(config.horizon):
        batch.step(company.act(batch))
        look()


class Estimates:
    """The elasticities that Saez's formula estimates, one after each tax day; none without the formula."""

    def __init__(self, planner: Player | None) -> None:
        self.saez = planner.saez if isinstance(planner, SaezPlanner) else None
        self.rows: list[dict[str, Any]] = []

    def look(self, batch: Batch) -> None:
        """On a tax day, writes down what the rates of the period came from."""
        if self.saez is not None and batch.groups["planner"].infos["tax_day"][0, 0] > 0:
            samples = len(self.saez.samples)
            self.rows.append({"tax_day": len(self.rows), "samples": samples, "elasticity": self.saez.elasticity})


def prepare(job: Job, company: Company, estimates: Estimates) -> None:
    """Plays the rounds of episodes that only Saez's formula learns from."""
    for number in range(saez_rounds(job)):
        batch = make_world(job, job.settings.episodes, job.seed + 1 + number)
        play(batch, company, partial(estimates.look, batch))
        if company.planner is not None:
            company.planner.act(batch, "planner_0")  # it takes up the incomes of the last day


def play_cell(job: Job) -> Tables:
    """Plays a cell's episodes side by side and returns its part of every table."""
    cell = job.cell
    with tempfile.TemporaryDirectory() as folder:
        company = make_company(job, Path(folder))
        estimates = Estimates(company.planner)
        prepare(job, company, estimates)
        batch = make_world(job, job.settings.episodes, job.seed)
        ledger = Ledger(batch)

        def look() -> None:
            estimates.look(batch)
            ledger.look()

        play(batch, company, look)
    rows = ledger.rows | {
        "agents": ledger.describe_agents(),
        "episodes": [
            row | {"elasticity": None if estimates.saez is None else estimates.saez.elasticity}
            for row in ledger.describe_episodes()
        ],
        "estimates": estimates.rows,
    }
    keys = {
        "policy": cell.policy.name,
        "workers": cell.population.name,
        "adapted": cell.adapted,
        "layout": cell.layout.name,
        "seed": cell.seed,
    }
    return {name: make_table(name, [keys | row for row in rows[name]]) for name in TABLES}
