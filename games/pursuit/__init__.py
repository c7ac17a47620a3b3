"""Pursuit on a grid. See README.md beside this file and pursuit.h for the observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

ACTIONS = ("left", "right", "up", "down", "stay")
# The steps of the actions as (x, y); up is towards larger y, as in the reference.
STEPS = ((-1, 0), (1, 0), (0, 1), (0, -1), (0, 0))
GONE = 255  # both coordinates of an evader that was caught


@dataclass(frozen=True, kw_only=True, eq=False)
class PursuitConfig(WorldConfig):
    """Settings of a pursuit; names and defaults are those of PettingZoo's sisl/pursuit-v5."""

    world: ClassVar[str] = "pursuit"
    family: ClassVar[str] = "grid"

    x_size: int = setting(16, low=2, high=64, doc="columns")
    y_size: int = setting(16, low=2, high=64, doc="rows")
    has_building: bool = setting(True, doc="whether a rectangle in the middle cannot be entered")
    n_pursuers: int = setting(8, low=1, high=64, doc="pursuers")
    n_evaders: int = setting(30, low=1, high=64, doc="evaders")
    obs_range: int = setting(7, low=1, high=31, doc="cells of a side of what a pursuer sees, odd")
    surround: bool = setting(True, doc="whether evaders are caught when surrounded; otherwise n_catch must be on them")
    n_catch: int = setting(2, low=1, high=2**31 - 1, doc="pursuers on an evader that catch it, without surround")
    freeze_evaders: bool = setting(False, doc="whether evaders never move")
    shared_reward: bool = setting(True, doc="whether everybody gets the mean reward")
    tag_reward: float = setting(0.01, low=-1e6, high=1e6, doc="for an evader beside a pursuer")
    catch_reward: float = setting(5.0, low=-1e6, high=1e6, doc="to each pursuer that takes part in a catch")
    urgency_reward: float = setting(-0.1, low=-1e6, high=1e6, doc="to everybody in each step")
    constraint_window: float = setting(
        1.0, low=0, high=1, doc="share of each side of the window in which everybody starts"
    )
    horizon: int = setting(500, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.obs_range % 2 == 0:
            raise ValueError(f"obs_range must be odd, got {self.obs_range}")

    def walls(self) -> np.ndarray:
        """Returns [y_size, x_size] uint8, 1 where nobody can be.

        The building leaves 0.3 of the width free on the left and right, 0.2 of the height above and below.
        """
        x, y = np.arange(self.x_size) / self.x_size, np.arange(self.y_size) / self.y_size
        inside_x, inside_y = (x > 0.3) & (x < 1.0 - 0.3), (y > 0.2) & (y < 1.0 - 0.2)
        return (self.has_building * np.outer(inside_y, inside_x)).astype(np.uint8)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        fields = self.settings()
        del fields["has_building"], fields["n_pursuers"], fields["n_evaders"]
        for name in ("surround", "freeze_evaders", "shared_reward"):
            fields[name] = int(fields[name])
        return {
            **fields,
            "walls": self.walls().reshape(-1),
            "num_pursuers": self.n_pursuers,
            "num_evaders": self.n_evaders,
        }

    def properties(self) -> GameProperties:
        """Returns common interest with shared rewards, general utilities without."""
        # Each evader may stand on any of the four cells, and one of them twice in a corner: its two folds.
        tags = [0.0, 2 * self.n_evaders * self.tag_reward]
        catch = [0.0, self.catch_reward]
        bounds = (
            float(self.urgency_reward + min(tags) + min(catch)),
            float(self.urgency_reward + max(tags) + max(catch)),
        )
        return GameProperties(
            self.n_pursuers, "simultaneous", "common" if self.shared_reward else "general", bounds, self.horizon
        )


register(
    EnvSpec("grid/pursuit_v0", PursuitConfig, {}, "eight pursuers surround thirty evaders, as in PettingZoo's pursuit")
)

__all__ = ["ACTIONS", "STEPS", "PursuitConfig"]
