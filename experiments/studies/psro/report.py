"""The report of a sweep of PSRO."""

from __future__ import annotations

import pandas as pd

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.psro.evaluation import evaluate
from experiments.studies.psro.figures import draw_distance, draw_frontier
from experiments.studies.psro.run_figures import draw_run
from experiments.studies.psro.settings import SweepSettings
from experiments.studies.psro.training import open_complete_runs
from marl.psro.psro import Psro

LEAD = (
    "Policy-space response oracles: each epoch solves the empirical game, and lets an oracle answer its "
    "meta-strategy. Every run can be taken up again where it ended."
)


def report(run: RunFolder, settings: SweepSettings) -> None:
    """Writes report.html.

    Raises:
        RunError: A run is not complete; a file of one, or a table that the report is made from, is damaged.
    """
    runs = open_complete_runs(run, settings)
    if not run.evaluation_path.exists() or not (run.path / "curves.csv").exists():
        evaluate(run, settings)
    try:
        curves = pd.read_csv(run.path / "curves.csv")
        rows = pd.read_csv(run.evaluation_path, dtype=str, keep_default_na=False)
        distance, frontier = draw_distance(curves), draw_frontier(rows)
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"a table of {run.path} is damaged: {error}; agora evaluate {run.path}") from None
    sections = [
        Section(
            "Distance to equilibrium",
            ["NashConv: what all players together could gain, each alone. " + _how(settings)],
            figure=to_svg(distance),
            caption="Line: median over seeds. Dots: runs. What is below 1e-6 is drawn there.",
        ),
        Section(
            "The last meta-strategies",
            table=[list(rows.columns), *rows.to_numpy().tolist()],
            caption="risk: gamma of the oracle, and which variance it is averse to. nash_conv: of the last "
            "meta-strategy. lower_bound: the last one that is known. solved: epochs in which the meta-solver "
            "converged. mean_i, sd_i: what agent i gets, over the others' draws.",
        ),
        Section(
            "Risk and return",
            figure=to_svg(frontier),
            caption="Of the last meta-strategies. Small: each agent of each run. Large: means of each meta-solver.",
        ),
    ]
    for name, each in runs.items():
        if name.endswith("-0"):
            sections.append(Section(f"Run {name}", figure=to_svg(draw_run(each)), table=_population(each)))
    replay = run.replay_path / "episode.mp4"
    if replay.exists():
        sections.append(
            Section("Replay", video=replay, caption="One episode between the last meta-strategies of the first run.")
        )
    write_report(run.report_path, f"PSRO on {settings.world}", LEAD, sections)


def _how(settings: SweepSettings) -> str:
    if settings.nash_conv == "exact":
        return "It is exact: the whole world was walked through."
    if settings.nash_conv == "fresh":
        settings_of = settings.runs()[next(iter(settings.runs()))].judge.model_dump(mode="json")
        budget = f"oracle {settings.oracle}" + "".join(f", {name} {value}" for name, value in settings_of.items())
        return f"It is a lower bound: what fresh best responses gained ({budget})."
    return "It is a lower bound: what the next epoch's responses gained, with the budget of the oracle."


def _population(run: Psro) -> list[list[str]]:
    """Returns a table of all policies, and how much the last meta-strategy plays them."""
    last = run.epochs[-1]
    assert last.meta is not None
    shares = dict(zip(run.seats.values(), last.meta.profile, strict=True))
    table = [["player", "policy", "kind", "epoch", "in the last meta-strategy", "how it was made"]]
    for player in run.population.players:
        for number, share in enumerate(shares[player]):
            manifest = run.population.manifest(player, number)
            about = {key: value for key, value in manifest.about.items() if key not in ("epoch", "agent", "against")}
            made = manifest.script or ", ".join(f"{key} {_short(value)}" for key, value in about.items())
            epoch = str(manifest.about.get("epoch", "")).replace("-1", "start")
            table.append([player, str(number), manifest.kind, epoch, f"{share:.3f}", made])
    return table


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
