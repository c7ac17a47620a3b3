"""What the trained workers lose against their exact best, and what the trained planners' schedules are worth.

evaluation.csv has a row for each run of a planner; regrets.csv one for each schedule, economy and seed, of the workers
after phase 1; rates.csv a row for each bracket of each planner.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

import games
from agents.rational_worker import best_hours
from agents.trained import TrainedPlayer
from econ.one_step import OneStepConfig
from econ.taxation import Schedule
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.econ_one_step.exact import REFERENCES, ExactEconomy, baselines
from experiments.studies.econ_one_step.settings import Cell, Economy, OneStepSettings, world_config

NUM_RANDOM = 20
SCHEDULE_SEED = 0
EVALUATION_SEED = 1_000_003  # apart from every training seed's envs
MUST_BEAT = ("free market", "US federal", "Saez")


def schedules_to_try(config: OneStepConfig) -> dict[str, Schedule]:
    """Returns the free market, US federal, Saez, and 20 schedules of independent uniform levels."""
    rng = np.random.default_rng(SCHEDULE_SEED)
    schedules = {name: schedule for name, schedule in baselines(config).items() if name in MUST_BEAT}
    for i in range(NUM_RANDOM):
        levels = rng.integers(len(config.rate_levels), size=len(config.cutoffs))
        schedules[f"random {i}"] = config.schedule(config.rate_levels[levels])
    return schedules


def play_workers(policy: Path, economy: Economy, schedules: list[Schedule], *, is_greedy: bool) -> np.ndarray:
    """Returns the hours [S, N] that trained workers choose under schedules.

    Args:
        policy: Their folder.
        economy: Where.
        schedules: S of them.
        is_greedy: Always the most likely hours, instead of a draw.
    """
    batch = games.make_batch(economy.env_id, len(schedules), seed=EVALUATION_SEED, tax_model="planner_rates")
    batch.reset()
    workers = batch.groups["workers"]
    rates = np.array([schedule.rates for schedule in schedules], np.float32)[:, None]
    batch.step({"workers": np.zeros_like(workers.actions), "planner": rates})
    player = TrainedPlayer(policy, EVALUATION_SEED, is_greedy)
    return np.stack([player.act(batch, agent) for agent in workers.agents], axis=1)


def regret_shares(config: OneStepConfig, schedules: list[Schedule], hours: np.ndarray) -> np.ndarray:
    """Returns [S]: mean utility that workers forgo by their hours [S, N], over the mean utility of the best hours.

    The lump sum is the one that comes of everybody's best hours; it is part of that utility and not of the difference.
    """
    exact = ExactEconomy(config)
    taxes = exact.taxes(np.array([schedule.rates for schedule in schedules]))
    alone = exact.incomes - taxes - exact.labor
    best = alone.argmax(axis=2)[..., None]
    at_best, owed = (np.take_along_axis(array, best, axis=2)[..., 0] for array in (alone, taxes))
    chosen = np.take_along_axis(alone, hours[..., None], axis=2)[..., 0]
    return (at_best - chosen).mean(axis=1) / (at_best + owed.mean(axis=1, keepdims=True)).mean(axis=1)


def welfare_with(policy: Path, economy: Economy, schedule: Schedule, objective: str) -> float:
    """Returns the mean welfare of 64 episodes in which trained workers draw their hours under a schedule."""
    num_envs = 64
    hours = play_workers(policy, economy, [schedule] * num_envs, is_greedy=False)
    batch = games.make_batch(
        economy.env_id, num_envs, seed=EVALUATION_SEED, tax_model="planner_rates", objective=objective
    )
    batch.reset()
    rates = np.tile(schedule.rates.astype(np.float32), (num_envs, 1, 1))
    batch.step({"workers": np.zeros_like(hours), "planner": rates})
    batch.step({"workers": hours, "planner": rates})
    return float(batch.episode_statistics["welfare"].mean())


def learned_schedule(config: OneStepConfig, folder: Path) -> Schedule:
    """Returns the planner's most likely level for each bracket."""
    probabilities = np.array(json.loads((folder / "planner.json").read_text(encoding="utf-8"))["probabilities"])
    return config.schedule(config.rate_levels[probabilities.argmax(axis=1)])


def read_references() -> pd.DataFrame:
    """Returns the committed table of `exact.reference_table`, by economy and schedule."""
    return pd.read_csv(REFERENCES).set_index(["economy", "schedule"])


def _measure_workers(cell: Cell, folder: Path) -> pd.DataFrame:
    config = world_config(cell.economy)
    schedules = schedules_to_try(config)
    table = pd.DataFrame({"economy": cell.economy.name, "seed": cell.seed, "schedule": list(schedules)})
    for name, is_greedy in (("regret_when_drawn", False), ("regret", True)):
        hours = play_workers(folder, cell.economy, list(schedules.values()), is_greedy=is_greedy)
        table[name] = regret_shares(config, list(schedules.values()), hours).round(6)
    table["different_hours"] = [len(np.unique(each)) for each in hours]
    table["different_best_hours"] = [len(np.unique(best_hours(config, each))) for each in schedules.values()]
    return table


def _measure_planner(cell: Cell, folder: Path, objective: str) -> tuple[dict[str, object], pd.DataFrame]:
    config, references = world_config(cell.economy), read_references().loc[cell.economy.name]
    schedule, best = learned_schedule(config, folder), references.loc[f"best found, {objective}"]
    keys: dict[str, object] = {"economy": cell.economy.name, "objective": objective, "seed": cell.seed}
    names = [f"{cutoff:g}" for cutoff in config.cutoffs]
    rates = pd.DataFrame({**keys, "bracket": names, "rate": schedule.rates.round(4)})
    rates["best_rate"] = [best[f"rate_{name}"] for name in names]
    rates["workers"] = [int(best[f"workers_{name}"]) for name in names]
    gaps = (rates["rate"] - rates["best_rate"]).abs()[rates["workers"] > 0]
    welfare = ExactEconomy(config).welfare_of(schedule, objective)
    hours = play_workers(folder, cell.economy, [schedule], is_greedy=True)
    row = {
        **keys,
        "welfare": round(welfare, 4),
        "share_of_best": round(welfare / best[objective], 6),
        "welfare_with_trained_workers": round(welfare_with(folder, cell.economy, schedule, objective), 4),
        "best_found": best[objective],
        **{name.replace(" ", "_"): references.loc[name, objective] for name in MUST_BEAT},
        "largest_gap_in_populated_brackets": round(float(gaps.max()), 4),
        "regret_under_it": round(float(regret_shares(config, [schedule], hours)[0]), 6),
    }
    return row, rates


def evaluate(run: RunFolder, settings: OneStepSettings) -> None:
    """Writes evaluation.csv, regrets.csv, rates.csv and curves.csv.

    Raises:
        RunError: Not all cells are trained.
    """
    regrets, rows, rates, curves = [], [], [], []
    for cell in settings.cells():
        path = cell.path(run.path)
        if not (path / "done").exists():
            raise RunError(f"{path} is not trained to the end: agora resume {run.path}")
        regrets.append(_measure_workers(cell, path / "workers"))
        for objective in cell.economy.objectives:
            row, found = _measure_planner(cell, path / objective, objective)
            rows.append(row)
            rates.append(found)
            curve = pd.read_csv(path / objective / "curve.csv")
            curves.append(curve.assign(economy=cell.economy.name, objective=objective, seed=cell.seed))
    tables = {"regrets.csv": regrets, "rates.csv": rates, "curves.csv": curves}
    for name, parts in tables.items():
        write_atomically(run.path / name, pd.concat(parts).to_csv(index=False))
    write_atomically(run.evaluation_path, pd.DataFrame(rows).to_csv(index=False))
