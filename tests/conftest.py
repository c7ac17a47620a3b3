"""One Ray for all tests: started where it is asked for and does not run, ended with the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marl.rllib.session import start_ray, stop_ray

# Runners and learners in other processes import mappings, modules and callbacks from the files of these tests.
IMPORTED_BY_WORKERS = Path(__file__).parent / "marl"


@pytest.fixture
def local_ray() -> None:
    """Ray runs on this machine. A test that stopped it in between, as scripts and studies do, harms no other."""
    start_ray(num_cpus=4, runtime_env={"env_vars": {"PYTHONPATH": str(IMPORTED_BY_WORKERS)}})


@pytest.fixture(scope="session", autouse=True)
def ray_ends() -> Iterator[None]:
    yield
    stop_ray()
