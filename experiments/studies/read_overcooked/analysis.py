"""Tables and transcripts of read_overcooked."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from experiments.report import Section, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.read_overcooked.settings import ReadOvercookedSettings
from experiments.studies.read_planning.analysis import (
    compare,
    differences_table,
    methods_table,
    summarize,
    transcripts_of,
)


def _read(run: RunFolder, settings: ReadOvercookedSettings) -> list[dict[str, Any]]:
    paths = [
        run.path / "episodes" / f"{kitchen}-{method}-{number}.json" for kitchen, method, number in settings.plays()
    ]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    if len(found) < len(paths):
        raise RunError(f"{len(found)} of {len(paths)} episodes are played: agora resume {run.path}")
    return found


def evaluate(run: RunFolder, settings: ReadOvercookedSettings) -> None:
    """Writes episodes.csv (raw) and evaluation.csv, a row for each kitchen and method.

    Raises:
        RunError: Episodes are missing.
    """
    rows = pd.DataFrame([episode["row"] for episode in _read(run, settings)])
    write_atomically(run.path / "episodes.csv", rows.to_csv(index=False))
    write_atomically(run.evaluation_path, summarize(rows).to_csv(index=False, float_format="%.4f"))


def report(run: RunFolder, settings: ReadOvercookedSettings) -> None:
    """Writes report.html."""
    episodes = _read(run, settings)
    rows = pd.DataFrame([episode["row"] for episode in episodes])
    who = {"script": "scripted cooks that slip", "openai": f"{settings.model} behind a server", "local": settings.model}
    lead = (
        f"The planner is {who[settings.planner]}. The critic is fitted to scripted cooks that slip; the paper's was "
        "to a person's play. GPT-4's published numbers are of ten runs each."
    )
    sections = [Section("All methods", table=methods_table(rows))]
    if not compare(rows).empty:
        sections.insert(0, Section("ReAd-J beside checks of validity", table=differences_table(rows)))
    firsts = [episode for episode in episodes if episode["row"]["episode"] == 0]
    cells = [
        {
            "facts": {"task": episode["row"]["task"], "critic": 1},
            "transcripts": {episode["row"]["method"]: episode["transcript"]},
        }
        for episode in firsts
    ]
    write_report(run.report_path, "ReAd's kitchens", lead, [*sections, *transcripts_of(cells)])
