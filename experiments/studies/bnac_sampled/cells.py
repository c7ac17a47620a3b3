"""One cell: a world, a way to learn, a seed; its curve, and its graphs over training."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import games
from experiments.processes import call_in_processes
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.bnac_sampled.eased import falling_entropy, penalty_at
from experiments.studies.bnac_sampled.settings import METHODS, PARTS, BnacSampledSettings, Cell
from games.aloha import AlohaConfig
from games.bits import BitsConfig
from games.bits.tables import MAX_TABLE_AGENTS, bit_rows, bits_game
from marl.bayesian_network import TeamGame, team_game
from marl.bayesian_network.exact import evaluate
from marl.bn_actor_critic import BNMAPPOConfig
from marl.bn_actor_critic.exact import joint_table
from marl.mappo import MAPPOConfig
from marl.mappo.play import play_episodes
from marl.rllib import configure_envs, start_ray, stop_ray

DISCOUNT = 0.95  # of exact values, as the release evaluates
GRAPH_DRAWS = 20  # of the exact value with graphs as they are drawn in training
COLUMNS = (
    *("steps", "sampled_return", "entropy", "density", "wanted_density"),
    *("score", "score_with_noise", "score_without_edges", "packets", "collisions", "cpu_seconds"),
)
EDGE_COLUMNS = ("steps", "parent", "child", "share")


@dataclass(frozen=True)
class Budget:
    """How a run is looked at.

    Attributes:
        evaluations: In the course of it.
        episodes: Of an evaluation by play.
    """

    evaluations: int
    episodes: int


def make_config(cell: Cell) -> MAPPOConfig:
    """Returns the config of a cell."""
    part, own = PARTS[cell.part], dict(METHODS[cell.method])
    anneals, is_released, falls = (own.pop(name, False) for name in ("anneals", "is_released", "entropy_falls"))
    own.pop("eases_penalty", None)
    has_graph = "graph" in own
    config = (BNMAPPOConfig if has_graph else MAPPOConfig)()
    config.environment(part.env_id, env_config=part.world).debugging(seed=cell.seed, log_level="ERROR")
    config.env_runners(num_envs_per_env_runner=part.num_envs, rollout_fragment_length=part.length)
    config.training(**part.training)
    if has_graph:
        config.training(**part.graph)
    if is_released and own["graph"] == "learned":
        config.training(**part.released)
    if anneals:
        config.training(annealing_steps=cell.env_steps)
    if falls:
        config.training(entropy_coeff=falling_entropy(cell.env_steps))
    return config.training(**own)


class Judge:
    """Scores the module of a cell: exactly in the coordination game, by greedy episodes elsewhere.

    Args:
        cell: Which.
        budget: How long episodes are played.
    """

    def __init__(self, cell: Cell, budget: Budget) -> None:
        self._part, self._budget = PARTS[cell.part], budget
        self._team: TeamGame | None = None
        config = games.spec(self._part.env_id).config(**self._part.world)
        if isinstance(config, BitsConfig) and config.num_agents <= MAX_TABLE_AGENTS:
            self._team = team_game(bits_game(config.num_agents, config.clear_band(), config.flip), DISCOUNT)
            self._rows = np.repeat(bit_rows(config.num_agents)[:, None], config.num_agents, axis=1)

    def score(self, module: Any, seed: int) -> dict[str, float]:
        """Returns numbers by column; `score` is J / J* of the coordination game, or the mean return."""
        if self._team is not None:
            found = {"score": self._share(module, 0), "score_with_noise": self._share(module, GRAPH_DRAWS)}
        else:
            found = self._play(module, seed)
        if hasattr(module, "keeps_edges") and module.keeps_edges:
            module.keeps_edges = False
            found["score_without_edges"] = self._share(module, 0) if self._team else self._play(module, seed)["score"]
            module.keeps_edges = True
        else:
            found["score_without_edges"] = found["score"]
        return found

    def _share(self, module: Any, graphs: int) -> float:
        assert self._team is not None
        values = evaluate(self._team, joint_table(module, self._rows, graphs)[None])
        return float((values @ self._team.initial / self._team.optimum)[0])

    def _play(self, module: Any, seed: int) -> dict[str, float]:
        played = play_episodes(
            module, self._part.env_id, self._part.world, episodes=self._budget.episodes, seed=seed, is_greedy=True
        )
        numbers = {name: float(values.mean()) for name, values in played.statistics.items()}
        return {"score": float(played.returns.mean()), **{name: numbers[name] for name in COLUMNS if name in numbers}}


def run_cell(cell: Cell, folder: Path, budget: Budget) -> Path:
    """Trains one cell in a process of its own; returns the curve's path."""
    start_ray(num_cpus=1)
    path = train_cell(cell, folder, budget)
    stop_ray()
    return path


def play_seed(seed: int, evaluation: int) -> int:
    """Returns the seed of an evaluation's episodes, so that luck with one draw of them is not the luck of a run."""
    return int(np.random.SeedSequence([seed, evaluation]).generate_state(1)[0])


def train_cell(cell: Cell, folder: Path, budget: Budget) -> Path:
    """Trains one cell and writes its graphs and its curve, in this order. Returns the curve's path."""
    algorithm, judge = make_config(cell).build_algo(), Judge(cell, budget)
    (group,) = games.make_batch(PARTS[cell.part].env_id, **PARTS[cell.part].world).groups.values()
    rows: list[dict[str, Any]] = []
    edges: list[tuple[int, int, int, float]] = []
    started, steps = time.process_time(), 0
    whole_penalty = _penalty_to_ease(cell)
    while steps < cell.env_steps:
        if whole_penalty is not None:
            configure_envs(algorithm, collision_penalty=penalty_at(steps / cell.env_steps, whole_penalty))
        result = algorithm.train()
        sampled, learned = result["env_runners"], result["learners"][group.name]
        steps = int(sampled["num_env_steps_sampled_lifetime"])
        if steps * budget.evaluations < (len(rows) + 1) * cell.env_steps:
            continue
        row = {"steps": steps, "sampled_return": float(sampled.get("episode_return_mean", np.nan)) / len(group.agents)}
        row |= {name: float(learned[name]) for name in ("entropy", "density", "wanted_density") if name in learned}
        row |= judge.score(algorithm.get_module(group.name), seed=play_seed(cell.seed, len(rows)))
        rows.append(row | {"cpu_seconds": time.process_time() - started})
        edges += [(steps, *key, share) for key, share in _edges(learned).items()]
    algorithm.stop()
    if edges:
        _write(cell.edges_path(folder), EDGE_COLUMNS, [[*key, f"{share:.3f}"] for *key, share in edges])
    _write(cell.path(folder), COLUMNS, [[_text(row.get(name)) for name in COLUMNS] for row in rows])
    return cell.path(folder)


def _penalty_to_ease(cell: Cell) -> float | None:
    """Returns the penalty of collisions that rises in the course of a cell; None: none does."""
    if not METHODS[cell.method].get("eases_penalty", False):
        return None
    return AlohaConfig(**PARTS[cell.part].world).collision_penalty


def _edges(learned: dict[str, Any]) -> dict[tuple[int, int], float]:
    names = {name: name.split("_")[1:] for name in learned if name.startswith("edge_")}
    return {(int(parent), int(child)): float(learned[name]) for name, (parent, child) in names.items()}


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)


def _write(path: Path, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def run_cells(run: RunFolder, settings: BnacSampledSettings) -> bool:
    """Runs all cells that are not done, a few at a time, each in a process of its own; returns whether all are."""
    cells, budget = settings.cells(), Budget(settings.evaluations, settings.episodes)
    (run.path / "cells").mkdir(exist_ok=True)
    missing = [cell for cell in cells if not cell.path(run.path).exists()]
    calls = [(cell, run.path, budget) for cell in missing]
    return call_in_processes("cells of bnac_sampled", run_cell, calls, total=len(cells), parallel=settings.parallel)
