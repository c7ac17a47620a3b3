"""An episode of a trained team in which subgoals are visible: pictures, a timeline, and the task tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from experiments.report import to_svg
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.gmah_trash.settings import GMAH, LABELS, WORLD, GmahTrashSettings
from experiments.studies.gmah_trash.training import open_cell
from games.batch import Batch
from games.canvas import SCALE, Canvas
from games.recording import Recording, record
from games.trash import BINS, TrashConfig
from games.trash.draw import AGENTS, draw
from marl.gmah import TaskTree, draw_tree, kind_colours
from marl.gmah.goals import CAUSES
from marl.gmah.play import GoalTeam, Played
from marl.rllib import start_ray

SEED = 1  # of the episode
FPS = 6
BAR = 24 * 3  # pixels below the map, a line for each agent
MARKS = {"completed": "k.", "void": "kx", "expired": "k|", "novel": "r^", "surprising": "rv"}


def render(run: RunFolder, settings: GmahTrashSettings) -> None:
    """Plays an episode with the first arm of GMAH that is trained, and writes recording, MP4, GIF, timeline and tree.

    Raises:
        RunError: No such arm is trained to its end.
    """
    if not any(cell.arm in GMAH for cell in settings.cells()):
        Console().print("no arm has subgoals: there is no replay")
        return
    done = [cell for cell in settings.cells() if cell.arm in GMAH and cell.is_done(run.path)]
    if not done:
        raise RunError(f"no arm with subgoals is trained to its end yet: agora resume {run.path}")
    start_ray(num_cpus=1)
    training = open_cell(done[0], run.path, settings)
    module: Any = training.algorithm.env_runner.module["agents"]
    team, played = GoalTeam(module, 1), list[Played]()

    def act(batch: Batch) -> Any:
        played.append(team.act(batch.observations, batch.action_masks))
        return played[-1].actions.astype(np.int32)

    recording = record(WORLD, act, seed=SEED, **settings.world_settings())
    training.algorithm.stop()
    run.replay_path.mkdir(exist_ok=True)
    recording.save(run.replay_path / "episode.jsonl")
    frames = list(draw_frames(recording, played, team.tree.names))
    recording.save_mp4(run.replay_path / "episode.mp4", fps=FPS, frames=frames)
    recording.save_gif(run.replay_path / "episode.gif", fps=FPS, frames=frames)
    write_atomically(run.replay_path / "who.txt", f"{LABELS[done[0].arm]}, seed {done[0].seed}\n")
    write_atomically(run.replay_path / "timeline.svg", to_svg(draw_timeline(played, team.tree)))
    write_atomically(run.replay_path / "tree.svg", to_svg(draw_tree(team.tree)))


def draw_frames(recording: Recording, played: list[Played], names: tuple[str, ...]) -> Iterator[np.ndarray]:
    """Yields a picture of each state but the last: the map, an arrow to each agent's target, and its subgoal's name.

    Args:
        recording: Of the episode.
        played: What the team did in each step.
        names: Of all subgoals.
    """
    for batch, step in zip(recording.replay(), played, strict=False):
        fields, config = batch.fields(0), cast(TrashConfig, batch.config)
        yield _mark(draw(fields, config), fields, [names[goal] for goal in step.subgoals[0]])


def _mark(picture: np.ndarray, fields: dict[str, Any], goals: list[str]) -> np.ndarray:
    """Returns the picture of a map with arrows to the targets of subgoals and their names below."""
    height, width, _ = picture.shape
    canvas = Canvas(1, 1, width, height - width + BAR)
    # Larger by SCALE, and shrunk again with all that is drawn over it.
    canvas.image.paste(_enlarged(picture), (0, 0))
    side = 10
    for i, (goal, place) in enumerate(zip(goals, fields["agents"].tolist(), strict=True)):
        colour = AGENTS[i % len(AGENTS)][0]
        target = _target(goal, place, fields)
        if target is not None:
            x, y = ((v + 0.5) / side for v in reversed(place))
            dx, dy = ((t - p) / side for t, p in zip(reversed(target), reversed(place), strict=True))
            canvas.arrow(x, y, dx, dy, colour, width=0.006, head=0.025)
        canvas.text(0.03, height / width + (i + 0.5) * BAR / width / 3, f"agent {i}: {goal}", 0.04, "lm", colour)
    return canvas.shrink()


def _enlarged(picture: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(picture).resize((picture.shape[1] * SCALE, picture.shape[0] * SCALE))


def _target(goal: str, place: list[int], fields: dict[str, Any]) -> tuple[int, int] | None:
    """Returns the cell that a subgoal is about; None where its piece is gone."""
    if goal == "deliver":
        return min(BINS, key=lambda cell: abs(cell[0] - place[0]) + abs(cell[1] - place[1]))
    row, column, kind = fields["pieces"][int(goal.split()[1])].tolist()
    return (row, column) if kind else None


def draw_timeline(played: list[Played], tree: TaskTree) -> Figure:
    """Draws who followed which subgoal when: a row an agent, a bar a subgoal, a mark where one ended, by the cause.

    Args:
        played: What a team did in each step of an episode, of one env.
        tree: Of the subgoals.
    """
    subgoals, causes = (np.stack([getattr(step, name)[0] for step in played]) for name in ("subgoals", "causes"))
    colours = kind_colours(tree)
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 0.9 + 0.5 * subgoals.shape[1]), layout="constrained")
        axes = figure.subplots()
        for agent in range(subgoals.shape[1]):
            starts = np.flatnonzero(causes[:, agent]).tolist()
            for start, stop in zip(starts, [*starts[1:], len(played)], strict=True):
                name = tree.names[subgoals[start, agent]]
                colour = colours[tree.graph.nodes[name]["kind"]]
                axes.barh(agent, stop - start, left=start, height=0.7, color=colour, edgecolor="white", linewidth=0.6)
                if stop - start > 3:
                    axes.text((start + stop) / 2, agent, name, ha="center", va="center", fontsize=6)
        for cause, mark in MARKS.items():
            steps, agents = np.nonzero(causes == CAUSES.index(cause))
            axes.plot(steps, agents + 0.42, mark, markersize=4, label=cause, clip_on=False)
        axes.set_yticks(range(subgoals.shape[1]), [f"agent {agent}" for agent in range(subgoals.shape[1])])
        axes.invert_yaxis()
        axes.set_xlabel("step")
        figure.legend(loc="outside upper right", ncols=len(MARKS), frameon=False, title="a subgoal ended:")
        axes.spines[["top", "right"]].set_visible(False)
    return figure
