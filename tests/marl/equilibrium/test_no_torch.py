"""Exact solvers run where no learning library is installed."""

import subprocess
import sys


def test_equilibria_are_computed_without_torch_and_ray():
    code = "import sys, marl.equilibrium.markov_games; print([m for m in ('torch', 'ray') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
