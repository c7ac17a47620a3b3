from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ray.rllib.algorithms.algorithm import Algorithm
from small_teams import small_config

ROUNDS = 3
_shared: list[Any] = []  # a build takes seconds, and has no other process that could lose its Ray


@pytest.fixture(scope="module", autouse=True)
def shared_ends() -> Iterator[None]:
    yield
    while _shared:
        _shared.pop().stop()


@pytest.fixture
def trained(local_ray: None) -> Any:
    """One algorithm for a whole file, after three rounds; tests leave it as it is."""
    if not _shared:
        _shared.append(small_config().build_algo())
        for _ in range(ROUNDS):
            _shared[0].train()
    return _shared[0]


@pytest.fixture
def build_one(local_ray: None) -> Iterator[Callable[[Any], Any]]:
    """Builds algorithms and stops them when the test is over."""
    built: list[Algorithm] = []

    def build(config: Any) -> Any:
        built.append(config.build_algo())
        return built[-1]

    yield build
    for algorithm in built:
        algorithm.stop()
