"""Calls in processes of their own."""

from pathlib import Path

import pytest

from experiments.processes import call_in_processes


def write_or_fail(folder: str, number: int) -> None:
    if number == 0:
        raise ValueError("the first call fails")
    (Path(folder) / str(number)).touch()


def test_a_call_that_fails_ends_those_that_wait(tmp_path):
    """One process, ten calls: at most those that it was handed already are made, which is one more than it works on."""
    calls = [(str(tmp_path), number) for number in range(10)]
    with pytest.raises(ValueError, match="the first call fails"):
        call_in_processes("calls", write_or_fail, calls, total=10, parallel=1)
    assert len(list(tmp_path.iterdir())) < 5
