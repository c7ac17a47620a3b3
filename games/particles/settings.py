"""Settings that all particle worlds share, and what their discs look like."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from games.config import GameProperties, WorldConfig, is_of_kind, setting

MAX_AGENTS = 64  # of all groups together; PARTICLES_MAX_AGENTS in particles.h
MAX_LANDMARKS = 64  # PARTICLES_MAX_LANDMARKS
# Places are held within [-1000, 1000]^2, so no distance is longer than that square's diagonal.
LONGEST_DISTANCE = 2 * 1000 * 2**0.5

# Numbers of the scenarios, in the order of ParticlesScenarioId in particles.h.
SCENARIOS = (
    "simple",
    "simple_spread",
    "simple_tag",
    "simple_adversary",
    "simple_push",
    "simple_speaker_listener",
    "simple_reference",
    "simple_crypto",
    "simple_world_comm",
    "resource_occupation",
    "treasure_collection",
    "grassland",
    "adversarial",
    "food_collection",
)

Utility = Literal["zero_sum", "common", "general"]


@dataclass(frozen=True)
class Body:
    """What discs of one kind look like to those who draw them or plan for them; the rules have them in C.

    Attributes:
        name: What they are.
        count: How many there are at most.
        radius: In length units.
        color: As Pillow reads it.
        words: Numbers in a message of theirs; 0: they are silent.
    """

    name: str
    count: int
    radius: float
    color: str
    words: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ParticlesConfig(WorldConfig):
    """Settings of every scenario.

    Attributes:
        horizon: Steps of an episode (max_cycles in mpe2).
        continuous_actions: Actions are numbers in [0, 1] instead of choices.
        integrator: "mpe2": places follow the velocity before a step's forces, as in mpe2 1.1.1. "mpe": the velocity
            after them, as in OpenAI's original.
    """

    world: ClassVar[str] = "particles"
    scenario: ClassVar[str]

    horizon: int = setting(25, low=1, high=2**31 - 1, doc="steps of an episode")
    continuous_actions: bool = setting(False, doc="whether actions are numbers in [0, 1] instead of choices")
    integrator: str = setting(
        "mpe2",
        choices=("mpe2", "mpe"),
        doc="whether places follow the velocity before (mpe2) or after (mpe) a step's forces",
    )

    @property
    @abstractmethod
    def agent_bodies(self) -> tuple[Body, ...]:
        """The kinds of agents, in the order of the groups."""

    @property
    @abstractmethod
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The kinds of landmarks, in their order."""

    @property
    def kind_colors(self) -> tuple[str, ...]:
        """What things that agents carry look like, by kind; nothing where they carry nothing."""
        return ()

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config; scenarios replace what they use."""
        return {
            "populations": np.zeros(0, np.int32),
            "local_ratio": 0.0,
            "scenario": SCENARIOS.index(self.scenario),
            "horizon": self.horizon,
            "num_agents": 0,
            "num_adversaries": 0,
            "num_obstacles": 0,
            "num_food": 0,
            "num_forests": 0,
            "agent_neighbors": 0,
            "landmark_neighbors": 0,
            "is_continuous": int(self.continuous_actions),
            "ends_on_success": 0,
            "moves_before_forces": int(self.integrator == "mpe2"),
            "shares_reward": 0,
            "shows_views": 0,
        }

    def _check_num_agents(self, num_agents: int) -> None:
        if num_agents > MAX_AGENTS:
            raise ValueError(f"all agents together must be at most {MAX_AGENTS}, got {num_agents}")

    def _properties(self, utility: Utility, lowest: float, highest: float) -> GameProperties:
        num_agents = sum(body.count for body in self.agent_bodies)
        return GameProperties(num_agents, "simultaneous", utility, (lowest, highest), self.horizon)


def neighbors_setting(most: int, what: str) -> Any:
    """Declares a limit on how many of something an agent sees."""
    return setting(None, low=1, high=most, doc=f"{what} that an agent sees, the nearest ones; None: all")


def populations_setting(what: str) -> Any:
    """Declares how many of something an episode may have."""
    return setting(None, doc=f"how many {what} an episode may have, one number drawn for each; None: always num_agents")


def population_rows(populations: Any, slots: tuple[int, ...]) -> np.ndarray:
    """Returns the sizes of all populations as one int32 row after the other; empty for None.

    Args:
        populations: None, or a sequence of sizes; of tuples of sizes where there are several kinds.
        slots: The largest size of each kind.

    Raises:
        ValueError: No size at all, or one that is no whole number in [1, its slots].
    """
    if populations is None:
        return np.zeros(0, np.int32)
    try:
        rows = [tuple(row) if len(slots) > 1 else (row,) for row in populations]
    except TypeError:
        rows = []
    is_right = bool(rows) and all(
        len(row) == len(slots) and all(is_of_kind(n, int) and 1 <= n <= k for n, k in zip(row, slots, strict=True))
        for row in rows
    )
    if not is_right:
        one = ", ".join(f"a whole number in [1, {most}]" for most in slots)
        each = f"tuples ({one})" if len(slots) > 1 else f"each {one}"
        raise ValueError(f"populations must be None or a sequence, {each}, got {populations!r}")
    return np.array(rows, np.int32).reshape(-1)
