"""Door and key on a grid. See README.md beside this file and door_key.h for rules and observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

ACTIONS = ("left", "right", "forward", "pick up", "drop", "toggle", "done")
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # the cell in front as (x, y), by direction
OPEN, CLOSED, LOCKED = range(3)  # states of the door
CARRIED = 255  # both coordinates of a key that somebody has
MAX_AGENTS = 16
SPARE_CELLS = 4  # size - this is the most agents: the smallest room also holds the key and a goal


@dataclass(frozen=True, kw_only=True, eq=False)
class DoorKeyConfig(WorldConfig):
    """Settings of a map with a door and a key."""

    world: ClassVar[str] = "door_key"
    family: ClassVar[str] = "grid"

    size: int = setting(8, low=5, high=32, doc="cells of a side of the map, its outer walls included")
    num_agents: int = setting(1, low=1, high=MAX_AGENTS, doc="agents, at most size - 4")
    view_size: int = setting(7, low=3, high=15, doc="cells of a side of what an agent sees, odd")
    near_goal: float = setting(0.0, low=0, high=1, doc="probability that the goal is in the agents' room")
    time_penalty: float = setting(0.9, low=0, high=1, doc="by how much the reward 1 has fallen at the horizon")
    shared_reward: bool = setting(True, doc="whether everybody gets the reward, or only who reached the goal")
    horizon: int = setting(640, low=1, high=2**31 - 1, doc="steps of an episode; the reference's is 10 size^2")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.view_size % 2 == 0:
            raise ValueError(f"view_size must be odd, got {self.view_size}")
        if self.num_agents > self.size - SPARE_CELLS:
            raise ValueError(
                f"num_agents must be at most size - {SPARE_CELLS} = {self.size - SPARE_CELLS}, got {self.num_agents}"
            )

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {**self.settings(), "shared_reward": int(self.shared_reward)}

    def properties(self) -> GameProperties:
        """Returns common interest with shared rewards, general utilities without."""
        utility: Any = "common" if self.shared_reward else "general"
        return GameProperties(self.num_agents, "simultaneous", utility, (0.0, 1.0), self.horizon)


register(EnvSpec("grid/door_key_v0", DoorKeyConfig, {}, "fetch the key, open the door, reach the goal, as in minigrid"))
register(
    EnvSpec(
        "grid/door_key_2p_v0", DoorKeyConfig, {"num_agents": 2}, "two agents with one key; who arrives wins for all"
    )
)
register(
    EnvSpec(
        "grid/door_key_gmah_v0",
        DoorKeyConfig,
        {"near_goal": 0.8, "time_penalty": 0.5, "horizon": 256},
        "GMAH's easier door and key: four goals in five need no key",
    )
)

__all__ = ["ACTIONS", "CARRIED", "CLOSED", "LOCKED", "OPEN", "STEPS", "DoorKeyConfig"]
