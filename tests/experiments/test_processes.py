"""Calls in processes of their own."""

import os
import signal
from pathlib import Path

import pytest

from experiments.processes import call_in_processes


def write_or_fail(folder: str, number: int) -> None:
    if number == 0:
        raise ValueError("the first call fails")
    (Path(folder) / str(number)).touch()


def test_a_call_that_fails_ends_those_that_wait(tmp_path):
    calls = [(str(tmp_path), number) for number in range(10)]
    with pytest.raises(ValueError, match="the first call fails"):
        call_in_processes("calls", write_or_fail, calls, total=10, parallel=1)
    assert not list(tmp_path.iterdir())


def write_and_stop(folder: str, number: int) -> None:
    (Path(folder) / str(number)).touch()
    if number == 1:
        os.kill(os.getppid(), signal.SIGTERM)


def test_a_stop_lets_what_is_under_way_end_and_begins_nothing_more(tmp_path):
    taken = []
    calls = [(str(tmp_path), number) for number in range(6)]
    assert not call_in_processes("calls", write_and_stop, calls, total=6, parallel=1, take=taken.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
    assert len(taken) == 2
    left = [call for call in calls if not (tmp_path / str(call[1])).exists()]
    assert call_in_processes("calls", write_or_fail, left, total=6, parallel=2)
    assert len(list(tmp_path.iterdir())) == 6
