"""A conformance world: no game, but everything that worlds may do. See README.md beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

NUM_AGENTS = 6
NUM_CALLS = 5
MAX_STOCK = 10_000


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeConfig(WorldConfig):
    """Settings of the conformance world. The defaults make every kind of end occur.

    Attributes:
        horizon: Steps of an episode at most.
        speed: Field units that a walker moves in a step at full velocity; may change while the batch lives.
        gust: Largest wind along an axis, in field units per step.
        radius: A walker this near to the beacon has arrived, in field units.
        stamina: Lowest and highest number of steps that a walker can last.
        stock: Items in each of the 4 bins at reset.
        values: Reward for taking from each of the 4 bins; may change while the batch lives.
        quota: Takes after which a picker leaves.
        melody: Calls, each below 5, that the caller should repeat for ever.
        max_mistakes: Wrong calls after which the caller leaves.
    """

    world: ClassVar[str] = "probe"

    horizon: int = setting(40, low=1, high=2**31 - 1, doc="steps of an episode at most")
    speed: float = setting(0.1, low=0, high=1, live=True, doc="field units a walker moves in a step at full velocity")
    gust: float = setting(0.02, low=0, high=1, doc="largest wind along an axis, field units per step")
    radius: float = setting(0.2, low=0, high=1, doc="a walker this near to the beacon has arrived, field units")
    stamina: Sequence[int] = setting((5, 60), doc="lowest and highest number of steps that a walker can last")
    stock: Sequence[int] = setting((3, 2, 1, 2), doc="items in each of the 4 bins at reset")
    values: Sequence[float] = setting(
        (0.25, 0.5, 1.0, 0.75), live=True, doc="reward for taking from each of the 4 bins"
    )
    quota: int = setting(4, low=1, high=2**63 - 1, doc="takes after which a picker leaves")
    melody: Sequence[int] = setting((0, 2, 4, 1, 2), doc="calls, each below 5, that the caller should repeat for ever")
    max_mistakes: int = setting(20, low=1, high=255, doc="wrong calls after which the caller leaves")

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_numbers("stamina", self.stamina, 2, 1, 2**15 - 1)
        _check_numbers("stock", self.stock, 4, 0, MAX_STOCK)
        _check_numbers("values", self.values, 4, 0, 1)
        _check_numbers("melody", self.melody, None, 0, NUM_CALLS - 1)
        if self.stamina[0] > self.stamina[1]:
            raise ValueError(f"stamina must be the lowest and the highest number of steps, got {self.stamina!r}")

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {
            "melody": np.array(self.melody, np.uint8),
            "quota": self.quota,
            "gust": self.gust,
            "values": np.array(self.values, np.float32),
            "speed": self.speed,
            "radius": self.radius,
            "horizon": self.horizon,
            "stock": np.array(self.stock, np.int32),
            "stamina": np.array(self.stamina, np.int16),
            "max_mistakes": self.max_mistakes,
        }

    def properties(self) -> GameProperties:
        """Returns what kind of game this would be."""
        return GameProperties(NUM_AGENTS, "simultaneous", "general", (-1.0, 1.0), self.horizon)


def _check_numbers(name: str, numbers: Any, count: int | None, low: float, high: float) -> None:
    """Refuses what is no sequence of `count` (None: at least 1) numbers in [low, high]; whole ones, but for values."""
    array = np.asarray(numbers)
    kinds = "iuf" if name == "values" else "iu"
    is_right_shape = array.ndim == 1 and (array.size == count if count is not None else array.size > 0)
    if not (is_right_shape and array.dtype.kind in kinds and ((array >= low) & (array <= high)).all()):
        length = "at least 1" if count is None else count
        kind = "numbers" if name == "values" else "whole numbers"
        raise ValueError(f"{name} must be {length} {kind} in [{low}, {high}], got {numbers!r}")


register(
    EnvSpec(
        "probe/everything_v0",
        ProbeConfig,
        {},
        "a test world, no game: three groups, alive masks, action masks, both kinds of end",
    )
)
