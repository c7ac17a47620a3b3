"""A peer that cannot live in this environment: measured in a process of its own, in turns with us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from experiments.run_folder import RunError

# Where `make parity` puts the peers' environments: beside this package, in a checkout.
PEERS = Path(__file__).parents[2] / ".parity"


def find_python(peer: str, module: str) -> str | None:
    """Returns an interpreter that can import a peer's module: `make parity`'s, else this one; None: there is none."""
    own = PEERS / peer / "bin" / "python"
    for python in (str(own), sys.executable) if own.exists() else (sys.executable,):
        found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
        if found.returncode == 0:
            return python
    return None


class Peer:
    """A script that does a round of work for each line that it gets, and answers with the CPU seconds.

    Args:
        python: Its interpreter.
        script: Its file; reads `name` lines, answers one number each.
    """

    def __init__(self, python: str, script: Path) -> None:
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def work(self, name: str) -> float:
        """Asks for one round of the named work and returns its CPU seconds.

        Raises:
            RunError: The peer failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{name}\n")
            self._process.stdin.flush()
            while True:
                line = self._process.stdout.readline()
                if not line:
                    break
                if line.startswith("seconds "):  # a peer may print other things
                    return float(line.split()[1])
        except BrokenPipeError:
            pass
        errors = self._process.stderr.read() if self._process.stderr else ""
        raise RunError(f"the peer failed: {errors.strip().splitlines()[-1] if errors.strip() else 'no message'}")
