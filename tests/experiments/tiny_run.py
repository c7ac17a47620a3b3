"""A run of the Overcooked study that takes seconds."""

import subprocess
import sys
from pathlib import Path

# 10 iterations of 400 steps; a checkpoint after each.
TINY = {
    "num_envs": 8,
    "fragment_steps": 50,
    "total_steps": 4000,
    "minibatch_size": 400,
    "hidden_sizes": "[16]",
    "checkpoint_every_s": 0,
    "evaluation_episodes": 2,
}


def start_agora(*words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,  # so that a test can kill it with all that it started
    )


def run_words(out: Path, **settings: object) -> list[str]:
    return ["run", "overcooked", *(f"{k}={v}" for k, v in (TINY | settings).items()), "--out", str(out)]
