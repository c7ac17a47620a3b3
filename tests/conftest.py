"""Ray for one module of tests: its workers find only what could be imported when it started."""

import pytest

from marl.rllib.session import start_ray, stop_ray


@pytest.fixture(scope="module")
def local_ray():
    start_ray()
    yield
    stop_ray()
