"""What benchmarks measure is what they save and what READMEs show."""

import csv
import io

import numpy as np
import pytest
from rich.console import Console

from experiments import bench
from experiments.bench import Measure, Seconds, speed_table, three_digits
from experiments.bench.rllib.memory import _nbytes
from experiments.bench.shares import _Stopwatch


@pytest.fixture
def measure(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    return Measure(Console(quiet=True), repeats=3)


def test_rates_leave_the_warm_up_out_and_keep_both_clocks(measure):
    spent = iter([Seconds(100.0, 100.0), Seconds(1.0, 2.0), Seconds(2.0, 4.0), Seconds(4.0, 8.0)])
    (row,) = measure.rates("steps / CPU-s", {"work": (8, lambda: next(spent))})
    assert (row.values, row.walls) == ([8.0, 4.0, 2.0], [4.0, 2.0, 1.0])
    assert (row.median, row.wall) == (4.0, 2.0)


def test_a_row_may_have_few_repeats_and_no_wall_clock(measure):
    calls = []
    (row,) = measure.rates("steps / CPU-s", {"work": (1, lambda: calls.append(1) or 0.5)}, repeats=1, note="few")
    assert len(calls) == 2
    assert (row.values, row.wall, row.note) == ([2.0], None, "few")


def test_what_is_saved_is_what_a_readme_shows(measure, tmp_path):
    works = {"ours": (8, lambda: Seconds(1.0, 1.0)), "theirs": (4, lambda: Seconds(1.0, 2.0))}
    measure.compare("ours / theirs", *measure.rates("steps / CPU-s", works), 1.5)
    measure.tables["shares"] = [["envs", "network"], ["32", "10 %"]]
    measure.files[tmp_path / "figure.svg"] = "<svg/>"
    measure.save("some")
    assert speed_table("some").splitlines() == [
        "| ratio | CPU time | wall clock |",
        "|---|---|---|",
        "| ours / theirs | 2 | 4 |",
        "",
        "| envs | network |",
        "|---|---|",
        "| 32 | 10 % |",
    ]
    assert (tmp_path / "figure.svg").read_text() == "<svg/>"
    with (tmp_path / "some.csv").open() as file:
        first, second, ratio = csv.DictReader(file)
    assert (first["median"], first["wall"], second["wall"], first["repeats"]) == ("8", "8", "2", "3")
    assert (ratio["name"], ratio["median"], ratio["unit"]) == ("ours / theirs", "2", "ratio")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1913.4, "1,910"),
        (23_887_259, "23,900,000"),
        (99.96, "100"),
        (17.04, "17"),
        (3.616, "3.62"),
        (0.0123456, "0.0123"),
        (0, "0"),
        (-5.004, "-5"),
        (200.0, "200"),
        (None, ""),
    ],
)
def test_numbers_are_shown_with_three_digits(number, shown):
    assert three_digits(number) == shown


def test_nothing_is_cut_off_in_a_narrow_terminal():
    out = io.StringIO()
    measure = Measure(Console(width=60, file=out), repeats=1)
    measure.rates("env steps / CPU-s", {"particles/simple_spread_v0 beside somebody": (3, lambda: 1.0)})
    measure.show()
    assert "\N{HORIZONTAL ELLIPSIS}" not in out.getvalue()
    assert "note" not in out.getvalue()  # nobody left one


def test_shared_memory_is_counted_once():
    array = np.zeros((4, 8))
    assert _nbytes({"views": [array[:2], array[1:]], "own": (np.zeros(3),)}) == array.nbytes + 24


def test_time_inside_of_a_part_is_not_counted_twice(monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 10.0])  # the outer part starts, the inner one runs for 2 seconds, the outer one ends
    monkeypatch.setattr("experiments.bench.shares.time.process_time", lambda: next(clock))
    stopwatch = _Stopwatch()
    inner = stopwatch.watch("inner", lambda: None)
    stopwatch.watch("outer", inner)()
    assert dict(stopwatch.spent) == {"inner": 2.0, "outer": 8.0}
