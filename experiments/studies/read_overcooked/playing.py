"""Episodes of a planner of the user's; each is a file, and each conversation another, written while it is held."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.planners.noisy_script import NoisyScriptPlanner
from agents.planners.protocol import Planner, PlannerError
from agents.planners.recording import RecordingPlanner
from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.read_overcooked.settings import ReadOvercookedSettings
from experiments.studies.read_planning.cells import NO_RESET, open_task, row_of
from experiments.studies.read_planning.settings import TASKS
from games.batch import Batch
from games.wording import wording
from marl.read.critic import Critic, CriticSettings, fit, load_critic, save_critic
from marl.read.encoders import StructuredEncoder
from marl.read.experience import ExperienceSettings, gather
from marl.read.methods import METHODS, Controls, choose_by
from marl.read.refine import play, transcript

MakePlanner = Callable[[Batch, int], Planner]


@contextmanager
def planner_maker(settings: ReadOvercookedSettings) -> Iterator[MakePlanner]:
    """Opens who makes the planner of an episode, from its env and number; connections are closed afterwards.

    Raises:
        RunError: There is no key, no such folder, or the address is none.
    """
    if settings.planner == "script":
        yield lambda batch, number: _script(batch, settings, number)
        return
    with ExitStack() as connections:
        try:
            planner = _endpoint(settings, connections) if settings.planner == "openai" else _local(settings)
        except (PlannerError, ValueError, ImportError, OSError) as error:
            raise RunError(str(error)) from None
        yield lambda batch, number: planner


def _script(batch: Batch, settings: ReadOvercookedSettings, number: int) -> Planner:
    players = open_task(TASKS["cramped_room"])[1]  # the same player of all kitchens
    player = next(iter(players.values()))
    return NoisyScriptPlanner(batch, dict.fromkeys(batch.agents, player), settings.noise, number)


def _endpoint(settings: ReadOvercookedSettings, connections: ExitStack) -> Planner:
    from agents.planners.endpoint import EndpointPlanner, EndpointSettings

    asked = EndpointSettings(
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        key_variable=settings.key_variable,
        timeout_s=settings.timeout_s,
        requests_per_minute=settings.requests_per_minute,
    )
    planner = EndpointPlanner(settings.base_url, settings.model, asked)
    connections.callback(planner.close)
    return planner


def _local(settings: ReadOvercookedSettings) -> Planner:
    from agents.planners.local_model import LocalModelPlanner

    sampling: dict[str, Any] = {"temperature": settings.temperature, "top_p": settings.top_p}
    return LocalModelPlanner(settings.model, max_new_tokens=settings.max_tokens, **sampling)


def critic_of(folder: Path, kitchen: str, settings: ReadOvercookedSettings) -> Critic:
    """Returns a kitchen's critic, fitted to scripted cooks that slip; one that is there already is read."""
    batch, players = open_task(TASKS[kitchen])
    place, encoder = folder / "critics" / kitchen, StructuredEncoder(batch)
    if (place / "critic.safetensors").exists():
        return load_critic(place, encoder)
    gathered = ExperienceSettings(
        episodes=settings.experience, max_queries=settings.max_queries, discount=settings.discount, seed=settings.seed
    )
    experience = gather(
        batch, lambda n: NoisyScriptPlanner(batch, players, settings.noise, 1_000_000 + n), players, gathered
    )
    fitted = CriticSettings(steps=settings.critic_steps, discount=settings.discount, seed=settings.seed)
    critic = fit(experience, encoder, fitted)
    save_critic(critic, place)
    return critic


def episode_path(folder: Path, kitchen: str, method: str, number: int) -> Path:
    """Returns the file of an episode."""
    return folder / "episodes" / f"{kitchen}-{method}-{number}.json"


def play_all(run: RunFolder, settings: ReadOvercookedSettings) -> bool:
    """Plays the episodes that have no file yet; returns whether all have one then.

    The critics are fitted first, before any reply is paid for.

    Raises:
        RunError: The planner cannot be had, or does not answer any more; what was played is kept.
    """
    plays = settings.plays()
    left = [which for which in plays if not episode_path(run.path, *which).exists()]
    if not left:
        return True
    done = len(plays) - len(left)
    progress = TrainingProgress("episodes", len(plays), done, Console(), unit="episodes")
    with planner_maker(settings) as make, StopRequest() as stop, progress:
        critics = dict[str, Critic]()
        for kitchen in dict.fromkeys(kitchen for kitchen, method, _ in left if METHODS[method].needs_critic):
            critics[kitchen] = critic_of(run.path, kitchen, settings)
            if stop.is_made:
                return False
        for which in left:
            try:
                _play_one(run.path, which, make, critics.get(which[0]), settings)
            except PlannerError as error:
                raise RunError(f"{error}; go on with: agora resume {run.path}") from None
            done += 1
            progress.update(done, {})
            if stop.is_made:
                break
    return done == len(plays)


def _play_one(
    folder: Path,
    which: tuple[str, str, int],
    make: MakePlanner,
    critic: Critic | None,
    settings: ReadOvercookedSettings,
) -> None:
    kitchen, method, number = which
    batch, _ = open_task(TASKS[kitchen])
    path = episode_path(folder, *which)
    talk = folder / "conversations" / f"{path.stem}.jsonl"
    for place in (path.parent, talk.parent):
        place.mkdir(exist_ok=True)
    talk.unlink(missing_ok=True)  # of an episode that was cut short
    planner = RecordingPlanner(make(batch, number), talk)
    controls = Controls(settings.max_queries, settings.bar, seed=number, history=settings.history)
    choose = choose_by(METHODS[method], batch, wording(batch.config), planner, critic, controls)
    episode = play(batch, choose)
    row = row_of(kitchen, method, settings.seed if METHODS[method].needs_critic else 0, number, NO_RESET, episode)
    write_atomically(path, json.dumps({"row": row, "transcript": transcript(episode)}))
