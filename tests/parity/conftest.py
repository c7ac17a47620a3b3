"""Parity tests drive a peer in an environment of its own, made by `make parity`."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def peer_python():
    """Returns the interpreter of a peer's environment; fails, not skips, when it has not been made."""

    def find(peer: str) -> Path:
        python = ROOT / ".parity" / peer / "bin" / "python"
        if not python.exists():
            pytest.fail(f"{python.relative_to(ROOT)} does not exist: run `make parity` (make test does)")
        return python

    return find
