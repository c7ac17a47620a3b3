"""What a short script prints in a process of its own: nothing of RLlib's, and all that is meant for its author."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import nullcontext
from typing import Any

import pytest

from marl.rllib import session

SCRIPT = """
import warnings
from ray.rllib.algorithms.ppo import PPOConfig
from marl.rllib import start_ray, stop_ray, use_batched_runner
start_ray(num_cpus=2)
config = PPOConfig().environment("matrix/prisoners_dilemma_v0")
config.env_runners(num_env_runners={runners}, num_envs_per_env_runner=4, rollout_fragment_length=20)
config.learners(num_learners={learners}).training(num_epochs=1, minibatch_size=40)
{more}
algorithm = use_batched_runner(config).build_algo()
for iteration in range(2):
    algorithm.train()
{end}
"""


def run_script(runners: int = 0, learners: int = 0, more: str = "", end: str = "") -> subprocess.CompletedProcess:
    text = SCRIPT.format(runners=runners, learners=learners, more=more, end=end)
    return subprocess.run(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200
    )


@pytest.mark.parametrize(
    ("runners", "learners", "end"),
    [pytest.param(0, 0, "algorithm.stop(); stop_ray()", marks=pytest.mark.learn), (1, 1, "")],
)
def test_a_script_prints_nothing_of_its_own_accord(runners: int, learners: int, end: str) -> None:
    """With other processes, and with an algorithm that nobody stops, too."""
    finished = run_script(runners, learners, end=end)
    assert (finished.returncode, finished.stdout) == (0, "")


def test_warnings_that_mean_something_are_shown() -> None:
    more = 'warnings.warn("mine")\nconfig.multi_agent(policies_to_train=[]).multi_agent(policies_to_train=None)'
    finished = run_script(more=more)
    assert finished.returncode == 0
    lines = finished.stdout.splitlines()
    assert any("UserWarning: mine" in line for line in lines)
    assert any("`config.multi_agent(policies_to_train=..)` is empty!" in line for line in lines)  # RLlib's
    assert len(lines) == 2


def test_a_script_that_is_terminated_ends_without_a_stack() -> None:
    finished = run_script(end=f"import os; os.kill(os.getpid(), {int(signal.SIGTERM)})")
    assert (finished.returncode != 0, finished.stdout) == (True, "")


def test_importing_starts_no_ray_and_opens_no_connection() -> None:
    text = """
import sys
def see(event, args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo"):
        raise RuntimeError(event)
sys.addaudithook(see)
import marl.rllib, ray
print(ray.is_initialized())
"""
    finished = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert (finished.stdout, finished.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    ("error", "failures", "starts"),
    [(RuntimeError("timed out"), 2, 3), (RuntimeError("timed out"), 3, 3), (ValueError("no such argument"), 1, 1)],
)
def test_a_start_that_fails_is_made_again_unless_its_arguments_are_wrong(
    monkeypatch: pytest.MonkeyPatch, error: Exception, failures: int, starts: int
) -> None:
    """Three attempts: two failures are one too few to give up."""
    made: list[dict[str, Any]] = []

    def start(**init: Any) -> None:
        made.append(init)
        if len(made) <= failures:
            raise error

    monkeypatch.setattr(session.ray, "init", start)
    monkeypatch.setattr(session.ray, "shutdown", lambda: None)
    with nullcontext() if failures < starts else pytest.raises(type(error), match=str(error)):
        session._init(3, num_cpus=1)
    assert made == [{"num_cpus": 1}] * starts
