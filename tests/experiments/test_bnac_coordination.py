"""The study bnac_coordination: its committed results against the fact sheet, again from its code, and after a kill."""

import numpy as np
import pandas as pd
import pytest

from experiments.markdown import to_markdown
from experiments.run_folder import RunError, RunFolder
from experiments.studies.bnac_coordination.analysis import (
    RESULTS,
    compare,
    differences_table,
    evaluate,
    report,
    shares_table,
    summarize,
)
from experiments.studies.bnac_coordination.exact import COLUMNS, cells_path, run_cell, run_cells
from experiments.studies.bnac_coordination.settings import BnacCoordinationSettings

ITERATIONS = (0, 100, 250, 500, 1000, 2000)
# Means of J / J* over 49 seeds, of another implementation with random numbers of its own: fact sheet bnac_mra.md,
# table 3.2, where the graphs of two agents are two.
EMPTY_2 = (0.520, 0.842, 0.891, 0.907, 0.913, 0.916)
COMPLETE_2 = (0.510, 0.904, 0.954, 0.974, 0.984, 0.988)
EXPECTED = {
    (2, "empty"): EMPTY_2,
    (2, "released_line"): EMPTY_2,
    (2, "line"): COMPLETE_2,
    (2, "complete"): COMPLETE_2,
    (3, "empty"): (0.462, 0.697, 0.818, 0.856, 0.871, 0.877),
    (3, "released_line"): (0.464, 0.707, 0.829, 0.863, 0.881, 0.889),
    (3, "line"): (0.469, 0.721, 0.852, 0.901, 0.920, 0.929),
    (3, "complete"): (0.462, 0.723, 0.860, 0.912, 0.932, 0.943),
    (5, "empty"): (0.465, 0.581, 0.769, 0.841, 0.869, 0.882),
    (5, "released_line"): (0.464, 0.552, 0.743, 0.848, 0.886, 0.903),
    (5, "line"): (0.465, 0.550, 0.732, 0.847, 0.887, 0.909),
    (5, "complete"): (0.463, 0.537, 0.698, 0.831, 0.889, 0.911),
}


@pytest.fixture(scope="module")
def committed():
    return pd.read_csv(RESULTS / "exact.csv")


def test_the_committed_means_are_within_three_hundredths_of_the_table(committed):
    """But for one cell of 72, before the last iteration; it is within four standard errors of a difference of means."""
    summary = summarize(committed).set_index(["agents", "graph", "iteration"])
    apart = {}
    for cell, means in EXPECTED.items():
        for iteration, expected in zip(ITERATIONS, means, strict=True):
            apart[*cell, iteration] = summary.loc[(*cell, iteration), "mean"] - expected
    assert len(apart) == len(summary) == 72
    outside = {cell for cell, difference in apart.items() if abs(difference) > 0.03}
    assert outside == {(5, "complete", 250)}
    (cell,) = outside
    assert abs(apart[cell]) < 4 * 2**0.5 * summary.loc[cell, "sd"] / 7


def test_complete_graphs_end_above_independent_agents_for_every_number_of_agents(committed):
    rows = compare(committed)
    complete = rows[rows["graph"] == "complete"]
    assert list(complete["agents"]) == [2, 3, 5]
    assert (complete["low"] > 0).all()


@pytest.mark.parametrize(("name", "make"), [("shares", shares_table), ("differences", differences_table)])
def test_the_readme_has_the_tables_of_the_committed_results(name, make, committed):
    text = (RESULTS.parent / "README.md").read_text(encoding="utf-8")
    table = text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]
    assert table == to_markdown(make(committed)), "paste `python -m experiments.studies.bnac_coordination.analysis`"


def test_the_committed_results_come_out_again(committed):
    """The first two seeds of a cell, which have the same numbers alone."""
    settings = BnacCoordinationSettings(seeds=2, recorded=[0, 100])
    again = pd.DataFrame(run_cell(3, "complete", settings), columns=COLUMNS)
    same = committed["agents"].eq(3) & committed["graph"].eq("complete") & committed["seed"].le(2)
    same &= committed["iteration"].le(100)
    for column in ("anarchy", "gap", "blind_gap"):
        np.testing.assert_allclose(again[column].astype(float), committed.loc[same, column], atol=1.1e-5)


def test_a_run_that_was_stopped_goes_on_with_the_cells_that_are_missing(tmp_path):
    settings = BnacCoordinationSettings(agents=[2], graphs=["empty", "complete"], seeds=3, recorded=[0, 5])
    run = RunFolder.create(tmp_path / "run", "bnac_coordination", {})
    assert run_cells(run, settings)
    whole = cells_path(run).read_text()
    lines = whole.splitlines(keepends=True)
    cells_path(run).write_text("".join(lines[: 1 + 6]))
    with pytest.raises(RunError, match="1 of 2 cells are done: agora resume"):
        evaluate(run, settings)
    assert run_cells(run, settings)
    assert cells_path(run).read_text() == whole
    evaluate(run, settings)
    report(run, settings)
    assert len(pd.read_csv(run.evaluation_path)) == 4
    assert "Against independent agents" in run.report_path.read_text()


def test_differences_are_paired_by_seed():
    rows = [
        {"agents": 2, "graph": graph, "seed": seed, "iteration": 9, "anarchy": share}
        for graph, shares in {"empty": (0.5, 0.9), "complete": (0.7, 1.0)}.items()
        for seed, share in enumerate(shares)
    ]
    (row,) = compare(pd.DataFrame(rows)).to_dict("records")
    assert (row["graph"], row["better"]) == ("complete", 1.0)
    assert row["difference"] == pytest.approx(0.15)
    assert row["low"] >= 0.1 - 1e-12
    assert row["high"] <= 0.2 + 1e-12


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"agents": [2, 2]}, "each value once, got 2 twice"),
        ({"agents": [0]}, r"must be in \[2, 7\]"),
        ({"recorded": [0, 0, 3]}, "each value once, got 0 twice"),
        ({"recorded": [-5]}, "iterations from 0 on, got -5"),
        ({"step_size": float("inf")}, "finite number"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        BnacCoordinationSettings(**given)
