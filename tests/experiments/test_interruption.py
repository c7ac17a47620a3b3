"""Runs that are stopped or killed go on, and end as if nothing had happened."""

import csv
import os
import signal
import time

import pytest
from tiny_run import TINY, run_words, start_agora

from experiments.run_folder import RunFolder


def wait_for_rows(path, count, process):
    for _ in range(2400):
        if len(RunFolder(path).read_metrics()) >= count:
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    pytest.fail("the run does not get on")


def read_columns(path):
    with (path / "metrics.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def finish(path):
    process = start_agora("resume", str(path))
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


@pytest.mark.parametrize("rows", [2, 5])
def test_a_killed_run_resumes_to_the_same_end(finished_run, tmp_path, rows):
    path = tmp_path / "killed"
    process = start_agora(*run_words(path))
    wait_for_rows(path, rows, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finish(path)
    assert read_columns(path) == read_columns(finished_run)
    assert (path / "evaluation.csv").read_text() == (finished_run / "evaluation.csv").read_text()


def test_ctrl_c_writes_a_checkpoint_and_says_how_to_go_on(finished_run, tmp_path):
    path = tmp_path / "stopped"
    process = start_agora(*run_words(path, checkpoint_every_s=1000))
    wait_for_rows(path, 2, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert f"agora resume {path}" in output
    checkpoint = RunFolder(path).latest_checkpoint()
    assert int(checkpoint.name) == RunFolder(path).read_metrics()[-1]["steps"] < TINY["total_steps"]
    finish(path)
    assert read_columns(path) == read_columns(finished_run)


def test_resuming_a_finished_run_changes_no_metrics(finished_run):
    before = (finished_run / "metrics.csv").read_text()
    finish(finished_run)
    assert (finished_run / "metrics.csv").read_text() == before
