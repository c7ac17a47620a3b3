"""kill -9 at random moments."""

import os
import subprocess
import sys
from pathlib import Path


def test_twenty_kills_at_random_moments_change_nothing(tmp_path):
    script = Path(__file__).with_name("kill_a_run.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "20", "9"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("20 kills")
