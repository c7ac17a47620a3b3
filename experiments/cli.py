"""The `agora` command."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from agents.trained import PolicyError
from experiments.cluster import check_address
from experiments.run_folder import RunError, RunFolder
from experiments.study import Study, find_study, open_run, study_names

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Worlds in C, learners under RLlib, studies that anyone can run again.",
)
console = Console()

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")]
# The variable is what Ray sets for the processes of a submitted job.
RayAddressOption = Annotated[
    str | None, typer.Option(envvar="RAY_ADDRESS", help="HOST:PORT of a Ray cluster, auto, or local (the default)")
]
MOST_COLUMNS = 400  # characters of a table
STOPPED = 130  # exit status of a command that Ctrl-C ended


def _read_overrides(overrides: list[str]) -> dict[str, Any]:
    """Reads NAME=VALUE words, or --NAME VALUE.

    A value is read as YAML, so 3, 1e-4, true and [64, 64] are what they look like.
    """
    settings, words = {}, list(overrides)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            name = name.removeprefix("--").replace("-", "_")
            if not equals:
                if not words:
                    raise RunError(f"{word} needs a value")
                equals, value = "=", words.pop(0)
        if not equals:
            raise RunError(f"settings are given as name=value or --name value, got {word!r}")
        try:
            settings[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise RunError(f"{name}: cannot read the value {value!r}") from None
        if isinstance(settings[name], str):
            with contextlib.suppress(ValueError):  # YAML 1.1 takes 1e-4, without a point, for a string
                settings[name] = float(value)
    return settings


def _new_path(out: Path | None, name: str) -> Path:
    if out is not None:
        return out
    path, number = Path("runs") / name, 2
    while path.exists():
        path, number = Path("runs") / f"{name}-{number}", number + 1
    return path


def _finish(run: RunFolder, study: Study, settings: Any, ray_address: str | None) -> None:
    """Trains what is left, then evaluates, renders and reports."""
    with run.lock():
        if not study.train(run, settings, ray_address):
            console.print(f"stopped; go on with: agora resume {run.path}", soft_wrap=True)
            raise typer.Exit(STOPPED)
        for step, title in ((study.evaluate, "evaluating"), (study.render, "rendering"), (study.report, "reporting")):
            if step is not None:
                with console.status(title):
                    step(run, settings)
    _show_results(run)


def _show_results(run: RunFolder) -> None:
    rows = [line.split(",") for line in run.evaluation_path.read_text(encoding="utf-8").splitlines()]
    table = Table(title="evaluation", box=SIMPLE, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="left" if name.endswith("cook") else "right", no_wrap=True)
    for row in rows[1:]:
        table.add_row(*row)
    # A line that the screen folds can be read; a number that is cut off cannot.
    needed = console.measure(table, options=console.options.update(width=MOST_COLUMNS)).maximum
    Console(width=max(needed, console.width)).print(table)
    for label, path in (("replay", run.replay_path / "episode.gif"), ("report", run.report_path)):
        if path.exists():
            console.print(f"{label}: {path}", soft_wrap=True)


@app.command("list")
def list_command() -> None:
    """List the studies and the worlds."""
    import econ  # noqa: F401 - registers its worlds
    import games

    studies = Table("study", "claim")
    for name in study_names():
        studies.add_row(name, find_study(name).claim)
    worlds = Table("environment id", "agents", "utility", "description")
    for id in games.env_ids():
        spec = games.spec(id)
        worlds.add_row(id, str(spec.properties.num_agents), spec.properties.utility, spec.description)
    console.print(studies, worlds)


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    study: Annotated[str, typer.Argument(help="one of `agora list`")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="settings to change; --name value does too")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="run folder; default runs/<study and settings>")] = None,
    ray_address: RayAddressOption = None,
) -> None:
    """Run a study: train, evaluate, render and report."""
    found = find_study(study)
    found.check_cluster(ray_address)
    check_address(ray_address)
    resolved = found.read_settings(_read_overrides(settings or []))
    folder = RunFolder.create(_new_path(out, found.name_run(resolved)), study, resolved.model_dump(mode="json"))
    console.print(f"run folder: {folder.path}", soft_wrap=True)
    _finish(folder, found, resolved, ray_address)


@app.command()
def resume(
    path: RunArgument,
    ray_address: RayAddressOption = None,
) -> None:
    """Go on with a run that was stopped or killed.

    Reads RLlib's own checkpoint, which can execute code: resume only runs that you trust.
    """
    folder, study, settings = open_run(path)
    study.check_cluster(ray_address)
    check_address(ray_address)
    _finish(folder, study, settings, ray_address)


@app.command()
def evaluate(
    paths: Annotated[list[Path], typer.Argument(metavar="RUN", help="a run folder; two populations for --cross-play")],
    cross_play: Annotated[
        bool, typer.Option("--cross-play", help="two runs of the study psro against each other, in every seating")
    ] = False,
) -> None:
    """Play the trained policies again and write evaluation.csv."""
    if cross_play:
        _play_across(paths)
        return
    if len(paths) != 1:
        raise RunError(f"evaluate takes one run folder, got {len(paths)}; two populations need --cross-play")
    folder, study, settings = open_run(paths[0])
    with folder.lock():
        study.evaluate(folder, settings)
    _show_results(folder)


def _play_across(paths: list[Path]) -> None:
    from experiments.studies.psro.cross_play import cross_play

    if len(paths) != 2:
        raise RunError(f"--cross-play takes two runs of the study psro, got {len(paths)}")
    heading, *rows = cross_play(paths[0], paths[1])
    table = Table(*heading, title=f"A: {paths[0]}\nB: {paths[1]}")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@app.command()
def render(
    path: RunArgument,
    policies: Annotated[
        str | None,
        typer.Option(metavar="NUMBER,...", help="of a run of the study psro: an episode between these policies"),
    ] = None,
) -> None:
    """Write the replay of a run as recording, GIF and MP4."""
    if policies is not None:
        _render_policies(path, policies)
        return
    folder, study, settings = open_run(path)
    if study.render is None:
        raise RunError(f"study {study.name} has no replay of its own; if it is made of runs, render one")
    with folder.lock():
        study.render(folder, settings)
    console.print(f"replay: {folder.replay_path}", soft_wrap=True)


def _render_policies(path: Path, policies: str) -> None:
    from experiments.studies.psro.replay import render_policies

    try:
        numbers = [int(word) for word in policies.split(",")]
    except ValueError:
        raise RunError(f"--policies takes numbers with commas between them, got {policies!r}") from None
    console.print(f"replay: {render_policies(path, numbers)}", soft_wrap=True)


@app.command()
def report(path: RunArgument) -> None:
    """Write report.html of a run."""
    folder, study, settings = open_run(path)
    with folder.lock():
        study.report(folder, settings)
    console.print(f"report: {folder.report_path}", soft_wrap=True)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="one benchmark; default: all")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="of every quantity")] = 5,
    save: Annotated[bool, typer.Option(help="write the committed results anew")] = False,
    table: Annotated[bool, typer.Option(help="measure nothing; print the README's table of committed results")] = False,
) -> None:
    """Measure this machine: us and the peers in the same run, CPU time, medians."""
    from experiments.bench import bench_names, run_bench, speed_table

    for each in [name] if name else bench_names():
        if table:
            print(speed_table(each))
        else:
            run_bench(each, console, repeats, save)


def main() -> None:
    """Runs the command; an error of the user's is one line and exit status 1."""
    # Torch waits for its own threads on busy machines, and Ray reports nothing unless asked.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        app()
    except (RunError, PolicyError) as error:
        # One that comes from a Ray task has the whole traceback as its text.
        print(f"agora: {getattr(error, 'cause', error)}", file=sys.stderr)
        sys.exit(1)
