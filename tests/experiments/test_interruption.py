"""Runs that are stopped or killed go on, and end as if nothing had happened."""

import csv
import random
import signal
import time

import pytest
from moments import finishing, kill_at, starting, training, writing_a_checkpoint
from tiny_run import TINY, run_words, start_agora

from experiments.run_folder import RunFolder
from games.recording import Recording


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


def go_on(path, **settings):
    is_begun = (path / "settings.json").exists()
    return start_agora(*(["resume", str(path)] if is_begun else run_words(path, **settings)))


def assert_same_results(path, expected):
    assert read_columns(path) == read_columns(expected)
    assert (path / "evaluation.csv").read_bytes() == (expected / "evaluation.csv").read_bytes()
    last, expected_last = (RunFolder(run).latest_checkpoint() for run in (path, expected))
    for name in ("policy.safetensors", "policy.json"):
        assert (last / name).read_bytes() == (expected_last / name).read_bytes()
    recordings = [Recording.load(run / "replay" / "episode.jsonl") for run in (path, expected)]
    assert recordings[0].digest == recordings[1].digest


def kill_again_and_again(path, lives, chance, **settings):
    """Returns how often a kill came before the end."""
    return sum(kill_at(moment, go_on(path, **settings), RunFolder(path), chance) for moment in lives)


@pytest.mark.learn
def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(finished_run, tmp_path):
    path = tmp_path / "killed"
    assert kill_again_and_again(path, [training, writing_a_checkpoint, finishing], random.Random(4)) == 3
    finish(path)
    assert_same_results(path, finished_run)


@pytest.mark.learn
@pytest.mark.timeout(1800)
def test_twenty_kills_at_random_moments_change_nothing(tmp_path):
    total_steps = 60_000  # 150 iterations, of which at most 6 pass between two kills
    whole, path = tmp_path / "whole", tmp_path / "killed"
    process = start_agora(*run_words(whole, total_steps=total_steps))
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    chance = random.Random(20)
    lives = [starting] * 4 + [training] * 7 + [writing_a_checkpoint] * 5
    chance.shuffle(lives)
    num_kills = kill_again_and_again(path, lives + [finishing] * 4, chance, total_steps=total_steps)
    assert num_kills >= 18  # the last moments are short: some of those processes come to their end
    finish(path)
    assert_same_results(path, whole)


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
