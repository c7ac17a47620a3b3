"""Plays a run's recorded conversations again, and prints them.

    python -m experiments.studies.read_planning.replay RUN y3_g3 1 read_j

The planner is not asked: its answers are read. World and critic are; a question, score or verdict that differs from
what was recorded ends the command.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.planners.prompts import system_message
from agents.planners.protocol import PlannerError
from experiments.run_folder import RunError, RunFolder
from experiments.studies.read_planning.cells import cell_path, open_task, replay
from experiments.studies.read_planning.settings import TASKS, TITLES, ReadPlanningSettings
from experiments.study import open_run
from games.wording import wording
from marl.read.refine import Episode, transcript


def replay_and_check(run: RunFolder, settings: ReadPlanningSettings, name: str, seed: int, method: str) -> Episode:
    """Returns `cells.replay`'s episode, which is word for word, and score for score, the recorded one.

    Raises:
        RunError: There is none, or it comes out differently.
    """
    try:
        episode = replay(run, settings, name, seed, method)
    except (PlannerError, ValueError) as error:
        raise RunError(str(error)) from None
    recorded = json.loads(cell_path(run.path, name, seed).read_text(encoding="utf-8"))["transcripts"][method]
    if transcript(episode) != recorded:
        raise RunError(f"{method} on {name} with critic {seed} comes out differently than it was recorded")
    return episode


def write(name: str, method: str, episode: Episode) -> str:
    """Returns an episode as Markdown: the system message, then each question with its answer and what became of it."""
    batch, _ = open_task(TASKS[name])
    end = "done" if episode.is_done else "not done"
    parts = [
        f"# {name}, {TITLES[method]}: {end} in {episode.steps} steps",
        f"First in every conversation:\n\n{_quote(system_message(wording(batch.config)).content)}",
    ]
    return "\n\n".join([*parts, *(_write_exchange(said) for said in transcript(episode))]) + "\n"


def _write_exchange(said: Mapping[str, Any]) -> str:
    score = "" if said["score"] is None else f", score {said['score']:.2f}, bar {said['bar']:.2f}"
    told = f": {said['reasons']}" if said["reasons"] else ""
    heading = f"## Step {said['step']}: {said['verdict']}{score}{told}"
    return "\n\n".join([heading, "Asked:", _quote(said["question"]), "Answered:", _quote(said["reply"])])


def _quote(text: str) -> str:
    """Returns a text as a block of code, whatever stands in it."""
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a conversation from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a run of read_planning")
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("critic", type=int, help="its seed; 0 for methods without one")
    parser.add_argument("method", choices=list(TITLES))
    given = parser.parse_args(arguments)
    try:
        run, study, settings = open_run(given.run)
        if study.name != "read_planning":
            raise RunError(f"{given.run} is a run of {study.name}")
        episode = replay_and_check(run, settings, given.task, given.critic, given.method)
    except RunError as error:
        parser.error(str(error))
    sys.stdout.write(write(given.task, given.method, episode))


if __name__ == "__main__":
    main()
