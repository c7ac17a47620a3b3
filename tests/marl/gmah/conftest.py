from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ray.rllib.algorithms.algorithm import Algorithm


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
