"""One cell: a task with one critic, or without, all methods on the same episodes.

The first episode of each method that asks a planner is recorded in words, to be played again by `replay`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import games
from agents.planned_cooks import PlannedCook
from agents.planners.noisy_script import NoisyScriptPlanner
from agents.planners.protocol import Planner, PlannerError
from agents.planners.recording import PACKED, RecordingPlanner, ReplayPlanner, pack
from agents.protocol import Player
from experiments.processes import call_in_processes
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.read_planning.settings import TASKS, WITHOUT_CRITIC, ReadPlanningSettings, Task
from games.batch import Batch
from games.wording import wording
from marl.read.critic import Critic, CriticSettings, fit, load_critic, save_critic
from marl.read.encoders import OPEN, StructuredEncoder
from marl.read.exact import ExactValues
from marl.read.experience import ExperienceSettings, gather
from marl.read.methods import METHODS, Controls, choose_by
from marl.read.refine import Episode, play, transcript
from marl.read.scores import evaluate, wait_gap
from marl.small_planner import PLAYERS

EXPERIENCE_SEEDS = 1_000_000  # planners' seeds of experience begin here, apart from those of episodes that count
COOK_WEIGHT = 2.0  # of the search for kitchens' plans: at 1 it took ten times as long in states far from the start
NO_RESET = -1
MakePlanner = Callable[[int], Planner]


@cache
def player_of(world: str) -> Player:
    """Returns a world's scripted player; it keeps the plans that it found."""
    return PlannedCook(COOK_WEIGHT) if world == "overcooked" else PLAYERS[world]()


def open_task(task: Task) -> tuple[Batch, dict[str, Player]]:
    """Returns one env of a task and its scripted players, by agent."""
    batch = games.make_batch(task.id, autoreset="disabled", **task.config)
    return batch, dict.fromkeys(batch.agents, player_of(batch.config.world))


def planners(task: Task, batch: Batch, players: Mapping[str, Player], settings: ReadPlanningSettings) -> MakePlanner:
    """Returns who makes the planner of an episode, from its number."""
    if settings.planner == "script":
        return lambda number: NoisyScriptPlanner(batch, players, task.noise, number)
    from agents.planners.small_model import SmallModelPlanner, load_model  # torch, which the script does without

    model, vocabulary = load_model(settings.folder)
    return lambda number: SmallModelPlanner(model, vocabulary, settings.temperature, seed=number)


def fit_critic(
    batch: Batch, make: MakePlanner, players: Mapping[str, Player], seed: int, settings: ReadPlanningSettings
) -> tuple[Critic, dict[str, Any]]:
    """Returns a critic of a planner, and what it took."""
    begun = time.process_time()
    gathered = ExperienceSettings(
        episodes=settings.experience, max_queries=settings.max_queries, discount=settings.discount, seed=seed
    )
    experience = gather(batch, lambda n: make(EXPERIENCE_SEEDS * seed + n), players, gathered)
    fitted = CriticSettings(steps=settings.critic_steps, discount=settings.discount, seed=seed)
    critic = fit(experience, StructuredEncoder(batch), fitted)
    facts = {"rows": len(experience.returns), "experience_queries": experience.queries}
    return critic, facts | {"seconds": round(time.process_time() - begun, 1)}


def calibration(task: Task, batch: Batch, players: Mapping[str, Player], critic: Critic) -> dict[str, float]:
    """Returns how the critic ranks valid plans beside exact values, on the way of a slipping script.

    Spearman's correlation of Q(s, a) - V(s) with the exact advantage, pooled over 20 episodes; and the mean of the
    critic's Q(s, w) - gamma V(s).
    """
    exact, words = ExactValues(batch, players, task.noise, critic.settings.discount), wording(batch.config)
    scores, truths, gaps = list[float](), list[float](), list[float]()
    nothing = np.full((1, len(batch.agents)), OPEN)
    for number in range(20):
        rng = np.random.default_rng(number)
        batch.reset()
        while not batch.ended[0]:
            key, step = exact.key_of(batch), int(batch.fields(0)["timestep"])
            choices = exact.choices[key]
            values = evaluate(critic, batch, words, np.concatenate([choices.joints, nothing]))
            scores += (values[:-1] - values[-1]).tolist()
            truths += (exact.joint_values(key, step) - exact.value(key, step, nothing[0])).tolist()
            gaps.append(wait_gap(critic, batch, words, critic.settings.discount))
            batch.step(choices.joints[[rng.choice(len(choices.joints), p=choices.chances)]].astype(np.int32))
    return {"rank_correlation": round(float(spearmanr(scores, truths).statistic), 4), "wait_gap": float(np.mean(gaps))}


def run_cell(folder: str, given: dict[str, Any], name: str, seed: int) -> None:
    """Plays a cell and writes its file, whole or not at all."""
    settings, task = ReadPlanningSettings(**given), TASKS[name]
    batch, players = open_task(task)
    make, facts, critic = planners(task, batch, players, settings), dict[str, Any](), None
    if seed != WITHOUT_CRITIC:
        critic, facts = fit_critic(batch, make, players, seed, settings)
        save_critic(critic, Path(folder) / "critics" / f"{name}-{seed}")
        if task.has_exact_values and settings.planner == "script":
            facts |= calibration(task, batch, players, critic)
    played = play_methods(Path(folder), name, batch, make, critic, seed, settings)
    document = {"facts": {"task": name, "critic": seed, **facts}, **played}
    path = cell_path(Path(folder), name, seed)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, json.dumps(document))


def play_methods(
    folder: Path,
    name: str,
    batch: Batch,
    make: MakePlanner,
    critic: Critic | None,
    seed: int,
    settings: ReadPlanningSettings,
) -> dict[str, Any]:
    """Returns a row for each method and episode, the first episode's words of each method, and what the coin refused.

    The first episodes' questions and answers go to the run's folder.
    """
    rows, transcripts, refused = list[dict[str, Any]](), dict[str, Any](), 0.0
    resets = [NO_RESET, *(settings.resets if name == "recipe3" else [])]
    for key, method in METHODS.items():
        if key not in settings.methods or method.needs_critic != (seed != WITHOUT_CRITIC):
            continue
        counted = list[Episode]()
        for reset in resets if key in ("validity", "read_j", "read_s") else [NO_RESET]:
            for number in range(settings.episodes if method.rules else 1):  # the critic alone draws nothing
                is_kept, controls = number == 0 and reset == NO_RESET, controls_of(settings, refused, seed, number)
                talk = conversation_path(folder, name, seed, key)
                planner = _record(make(number), talk) if is_kept and method.rules else make(number)
                choose = choose_by(method, batch, wording(batch.config), planner, critic, controls)
                episode = play(batch, choose, None if reset == NO_RESET else reset)
                rows.append(row_of(name, key, seed, number, reset, episode))
                if is_kept:
                    transcripts[key] = transcript(episode)
                if isinstance(planner, RecordingPlanner):
                    pack(talk.with_suffix(""))
                if reset == NO_RESET:
                    counted.append(episode)
        if key == "read_j":
            low = sum(episode.count("low score") for episode in counted)
            refused = low / max(1, low + sum(episode.count("accepted") for episode in counted))
    return {"rows": rows, "transcripts": transcripts, "refused": refused}


def controls_of(settings: ReadPlanningSettings, refused: float, seed: int, number: int) -> Controls:
    """Returns what an episode is played with."""
    return Controls(settings.max_queries, settings.bar, refused, 1000 * seed + number)


def _record(planner: Planner, talk: Path) -> RecordingPlanner:
    talk.parent.mkdir(exist_ok=True)
    unpacked = talk.with_suffix("")
    unpacked.unlink(missing_ok=True)  # of a cell that was cut short
    return RecordingPlanner(planner, unpacked)


def replay(run: RunFolder, settings: ReadPlanningSettings, name: str, seed: int, method: str) -> Episode:
    """Plays a cell's first episode of a method again, with the recorded answers and the cell's critic.

    Args:
        run: With the cell.
        settings: Of the run.
        name: Task.
        seed: Of the critic; WITHOUT_CRITIC for methods that have none.
        method: By its key; one that asks a planner.

    Raises:
        RunError: There is no such recording.
        PlannerError: What is asked is not what was asked.
    """
    talk, place = conversation_path(run.path, name, seed, method), cell_path(run.path, name, seed)
    if not (talk.exists() and place.exists()):
        raise RunError(f"no conversation of {method} on {name} with critic {seed} is recorded in {run.path}")
    batch, _ = open_task(TASKS[name])
    critic, refused = None, json.loads(place.read_text(encoding="utf-8"))["refused"]
    if seed != WITHOUT_CRITIC:
        critic = load_critic(run.path / "critics" / f"{name}-{seed}", StructuredEncoder(batch))
    controls = controls_of(settings, refused, seed, 0)
    return play(batch, choose_by(METHODS[method], batch, wording(batch.config), ReplayPlanner(talk), critic, controls))


def row_of(name: str, method: str, seed: int, number: int, reset: int, episode: Episode) -> dict[str, Any]:
    """Returns an episode's numbers, with a failure's question counted as a query."""
    usage = episode.memory.usage
    return {
        **{"task": name, "method": method, "critic": seed, "episode": number, "reset_after": reset},
        **{"is_done": int(episode.is_done), "steps": episode.steps, "queries": usage.queries + usage.failures},
        **{"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens},
        **{"low_scores": episode.count("low score"), "not_valid": episode.count("not valid")},
        "no_plans": episode.count("no plan") + episode.count("no reply"),
    }


def cell_path(folder: Path, name: str, seed: int) -> Path:
    """Returns the file of a cell."""
    return folder / "cells" / f"{name}-{seed}.json"


def conversation_path(folder: Path, name: str, seed: int, method: str) -> Path:
    """Returns the file of a cell's first conversation of a method."""
    return folder / "conversations" / f"{name}-{seed}-{method}.jsonl{PACKED}"


def run_cells(run: RunFolder, settings: ReadPlanningSettings) -> bool:
    """Plays the cells that have no file yet; returns whether all have one then.

    Raises:
        RunError: There is no stand-in in the folder.
    """
    cells = settings.cells()
    left = [cell for cell in cells if not cell_path(run.path, *cell).exists()]
    if left and settings.planner == "stand_in":
        _check_stand_in(settings.folder)
    calls = [(str(run.path), settings.model_dump(mode="json"), *cell) for cell in left]
    return call_in_processes(
        "cells", run_cell, calls, total=len(cells), parallel=settings.parallel, reuses_processes=True
    )


def _check_stand_in(folder: str) -> None:
    from agents.planners.small_model import load_model

    try:
        load_model(folder)
    except (FileNotFoundError, PlannerError) as error:
        raise RunError(str(error)) from None
