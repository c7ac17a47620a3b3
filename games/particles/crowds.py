"""Settings and observations of the scenarios that papers about populations of many sizes use."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from games.config import GameProperties, setting
from games.particles.entities import EntityLayout
from games.particles.settings import (
    LONGEST_DISTANCE,
    MAX_AGENTS,
    MAX_LANDMARKS,
    Body,
    ParticlesConfig,
    neighbors_setting,
    population_rows,
    populations_setting,
)

BLUE, RED, GRAY, CREAM, GREEN = "#3d6fb8", "#c9503c", "#6d7480", "#b8a888", "#7fae5a"
JEWELS = ("#b5483c", "#4363b0", "#459b57", "#d9a02b", "#8a5aa8", "#3aa3a0", "#d0708f", "#7a6a4f")
MAX_BANKS = len(JEWELS)  # PARTICLES_MAX_KINDS in particles.h
NUM_RESOURCES = 6
BOX_DIAGONAL = 2 * 2**0.5  # of EPC's box [-1, 1]^2


@dataclass(frozen=True, kw_only=True, eq=False)
class CrowdConfig(ParticlesConfig):
    """What these scenarios have in common.

    Attributes:
        integrator: As for every scenario; the original's "mpe" by default.
        num_agent_neighbors: Other agents that an agent sees, the nearest ones; None: all.
        num_landmark_neighbors: Landmarks that an agent sees, the nearest ones; None: all.
    """

    integrator: str = setting(
        "mpe",
        choices=("mpe2", "mpe"),
        doc="whether places follow the velocity before (mpe2) or after (mpe) a step's forces",
    )
    num_agent_neighbors: int | None = neighbors_setting(MAX_AGENTS, "other agents")
    num_landmark_neighbors: int | None = neighbors_setting(MAX_LANDMARKS, "landmarks")

    @property
    @abstractmethod
    def layout(self) -> EntityLayout:
        """What an observation of any agent consists of, for networks that read sets of entities."""

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "agent_neighbors": self.num_agent_neighbors or 0,
            "landmark_neighbors": self.num_landmark_neighbors or 0,
        }

    def _layout(self, own: int, landmark_features: int, other_features: int) -> EntityLayout:
        landmarks = sum(body.count for body in self.landmark_bodies)
        others = sum(body.count for body in self.agent_bodies) - 1
        return EntityLayout(
            own=own,
            landmarks=(self.num_landmark_neighbors or landmarks, landmark_features),
            others=(self.num_agent_neighbors or others, other_features),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ResourceOccupationConfig(CrowdConfig):
    """Settings of resource_occupation.

    Attributes:
        horizon: Steps of an episode.
        num_agents: Slots for agents.
        populations: How many agents an episode may have; one is drawn for each episode. None: always num_agents.
        shared_reward: Whether everybody gets what all get together (the released code sets MPE's flag for that), or
            each its part.
        shows_others_views: Whether what an agent sees of another includes where that one sees the resources.
    """

    scenario: ClassVar[str] = "resource_occupation"

    horizon: int = setting(20, low=1, high=2**31 - 1, doc="steps of an episode")
    num_agents: int = setting(6, low=1, high=MAX_AGENTS, doc="slots for agents")
    populations: Sequence[int] | None = populations_setting("agents")
    shared_reward: bool = setting(True, doc="whether everybody gets what all get together, or each its part")
    shows_others_views: bool = setting(
        True, doc="whether what an agent sees of another includes where that one sees the resources"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        population_rows(self.populations, (self.num_agents,))

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The agents."""
        return (Body("agent", self.num_agents, 0.05, BLUE),)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The resources, from the smallest to the largest."""
        return tuple(Body("resource", 1, 0.05 * k, GREEN + "90") for k in range(1, NUM_RESOURCES + 1))

    @property
    def layout(self) -> EntityLayout:
        """Own: velocity, position. Resource: offset, radius. Other: offset, velocity, its resources."""
        return self._layout(4, 3, 4 + 3 * NUM_RESOURCES * self.shows_others_views)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "populations": population_rows(self.populations, (self.num_agents,)),
            "num_agents": self.num_agents,
            "shares_reward": int(self.shared_reward),
            "shows_views": int(self.shows_others_views),
        }

    def properties(self) -> GameProperties:
        """Returns the bounds: somebody in every resource."""
        highest = 10 * sum(body.radius for body in self.landmark_bodies)
        is_common = self.shared_reward and self.populations is None  # empty slots get nothing
        return self._properties("common" if is_common else "general", 0.0, highest)


@dataclass(frozen=True, kw_only=True, eq=False)
class TreasureCollectionConfig(CrowdConfig):
    """Settings of treasure_collection.

    Attributes:
        num_collectors: Slots for collectors.
        num_banks: Slots for banks; each takes treasures of its own kind.
        num_treasures: Treasures that lie around; None: as many as the episode has collectors.
        populations: Pairs (collectors, banks) that an episode may have; one is drawn for each episode. None: always
            all.
        shared_reward: Whether everybody is paid for all pick-ups and deposits (MAAC's), or a collector for its own and
            a bank for deposits at it.
    """

    scenario: ClassVar[str] = "treasure_collection"

    num_collectors: int = setting(6, low=1, high=MAX_AGENTS - 1, doc="slots for collectors")
    num_banks: int = setting(2, low=1, high=MAX_BANKS, doc="slots for banks, each for treasures of its own kind")
    num_treasures: int | None = setting(
        None, low=1, high=MAX_LANDMARKS, doc="treasures that lie around; None: as many as the episode has collectors"
    )
    populations: Sequence[tuple[int, int]] | None = setting(
        None, doc="pairs (collectors, banks) that an episode may have, one drawn for each; None: always all"
    )
    shared_reward: bool = setting(True, doc="whether all are paid for all pick-ups and deposits, or each for its own")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_num_agents(self.num_collectors + self.num_banks)
        population_rows(self.populations, (self.num_collectors, self.num_banks))

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """Collectors, then banks in the color of what they take."""
        banks = tuple(Body("bank", 1, 0.075, color) for color in JEWELS[: self.num_banks])
        return (Body("collector", self.num_collectors, 0.05, GRAY), *banks)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The treasures, whose colors change with their kinds."""
        return (Body("treasure", self.num_treasures or self.num_collectors, 0.025, GRAY),)

    @property
    def kind_colors(self) -> tuple[str, ...]:
        """The banks' colors."""
        return JEWELS[: self.num_banks]

    @property
    def layout(self) -> EntityLayout:
        """With B banks: own: velocity, position, which bank one is [B], what one holds [B]. Treasure: offset, kind [B].

        Other: offset, velocity, which bank it is [B], what it holds [B].
        """
        return self._layout(4 + 2 * self.num_banks, 2 + self.num_banks, 4 + 2 * self.num_banks)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "populations": population_rows(self.populations, (self.num_collectors, self.num_banks)),
            "num_agents": self.num_collectors,
            "num_adversaries": self.num_banks,
            "num_food": self.num_treasures or 0,
            "shares_reward": int(self.shared_reward),
        }

    def properties(self) -> GameProperties:
        """Returns the bounds: everybody at everything; or on each other and far away."""
        treasures = self.num_treasures or self.num_collectors
        best = 5.0 * self.num_collectors * (treasures + 1)
        return self._properties("general", -5.0 * (self.num_collectors - 1) - 0.1 * LONGEST_DISTANCE, best)


@dataclass(frozen=True, kw_only=True, eq=False)
class _TeamConfig(CrowdConfig):
    """Two teams over the same pellets: what grassland and adversarial have in common."""

    num_pellets: int = setting(4, low=1, high=MAX_LANDMARKS, doc="pellets of food")
    populations: Sequence[tuple[int, int]] | None = setting(
        None, doc="pairs of team sizes that an episode may have, one drawn for each; None: always all"
    )
    sharing: float = setting(
        0.0, low=0, high=1, doc="share of what an agent gains that goes to everybody of its team instead (alpha)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_num_agents(sum(self._teams))
        population_rows(self.populations, self._teams)

    @property
    @abstractmethod
    def _teams(self) -> tuple[int, int]:
        """Slots of both teams, in the order of the groups."""

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The pellets."""
        return (Body("pellet", self.num_pellets, 0.03, GREEN),)

    @property
    def layout(self) -> EntityLayout:
        """Own: velocity, position. Pellet: offset. Other: offset, velocity, whether it is of the same team."""
        return self._layout(4, 2, 5)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "populations": population_rows(self.populations, self._teams),
            "num_agents": self._teams[1],
            "num_adversaries": self._teams[0],
            "num_food": self.num_pellets,
            "local_ratio": 1.0 - self.sharing,
            "ends_on_success": 1,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class GrasslandConfig(_TeamConfig):
    """Settings of grassland.

    Attributes:
        num_wolves: Slots for wolves.
        num_sheep: Slots for sheep.
        num_pellets: Pellets of grass.
        populations: Pairs (wolves, sheep) that an episode may have; one is drawn for each episode. None: always all.
        sharing: Share of what an agent gains that goes to everybody of its kind instead (alpha in EPC).
    """

    scenario: ClassVar[str] = "grassland"

    num_wolves: int = setting(2, low=1, high=MAX_AGENTS - 1, doc="slots for wolves")
    num_sheep: int = setting(3, low=1, high=MAX_AGENTS - 1, doc="slots for sheep")

    @property
    def _teams(self) -> tuple[int, int]:
        return self.num_wolves, self.num_sheep

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """Wolves, then sheep."""
        return Body("wolf", self.num_wolves, 0.075, RED), Body("sheep", self.num_sheep, 0.05, CREAM)

    def properties(self) -> GameProperties:
        """Returns the bounds: everybody at everything, and all of it shared."""
        catches, shaping = 5.0 * self.num_wolves * self.num_sheep, 0.1 * BOX_DIAGONAL
        best = max(catches, 2.0 * self.num_pellets * self.num_sheep)
        return self._properties("general", -catches - shaping, best)


@dataclass(frozen=True, kw_only=True, eq=False)
class AdversarialConfig(_TeamConfig):
    """Settings of adversarial.

    Attributes:
        num_reds: Slots for the first team.
        num_blues: Slots for the second team.
        num_pellets: Pellets of food.
        populations: Pairs (reds, blues) that an episode may have; one is drawn for each episode. None: always all.
        sharing: Share of what an agent gains that goes to everybody of its team instead (alpha in EPC).
    """

    scenario: ClassVar[str] = "adversarial"

    num_reds: int = setting(4, low=1, high=MAX_AGENTS - 1, doc="slots for the first team")
    num_blues: int = setting(4, low=1, high=MAX_AGENTS - 1, doc="slots for the second team")
    sharing: float = setting(
        1.0, low=0, high=1, doc="share of what an agent gains that goes to everybody of its team instead (alpha)"
    )

    @property
    def _teams(self) -> tuple[int, int]:
        return self.num_reds, self.num_blues

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """Reds, then blues."""
        return Body("red", self.num_reds, 0.08, RED), Body("blue", self.num_blues, 0.08, BLUE)

    def properties(self) -> GameProperties:
        """Returns the bounds: a whole team dies, or eats and kills, and all of it is shared."""
        most, shaping = max(self._teams), 0.14 * BOX_DIAGONAL
        return self._properties("general", -6.0 * most - shaping, (6.0 + self.num_pellets) * most)


@dataclass(frozen=True, kw_only=True, eq=False)
class FoodCollectionConfig(CrowdConfig):
    """Settings of food_collection.

    Attributes:
        num_agents: Slots for agents.
        num_pellets: Pellets of food; None: as many as the episode has agents.
        populations: How many agents an episode may have; one is drawn for each episode. None: always num_agents.
        sharing: Share of what an agent pays for collisions that everybody pays instead (alpha in EPC).
    """

    scenario: ClassVar[str] = "food_collection"

    num_agents: int = setting(3, low=1, high=MAX_AGENTS, doc="slots for agents")
    num_pellets: int | None = setting(
        None, low=1, high=MAX_LANDMARKS, doc="pellets of food; None: as many as the episode has agents"
    )
    populations: Sequence[int] | None = populations_setting("agents")
    sharing: float = setting(
        0.0, low=0, high=1, doc="share of what an agent pays for collisions that everybody pays instead (alpha)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        population_rows(self.populations, (self.num_agents,))

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The agents."""
        return (Body("agent", self.num_agents, 0.05, BLUE),)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The pellets."""
        return (Body("pellet", self.num_pellets or self.num_agents, 0.03, GREEN),)

    @property
    def layout(self) -> EntityLayout:
        """Own: velocity, position. Pellet: offset. Other: offset, velocity, 1."""
        return self._layout(4, 2, 5)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "populations": population_rows(self.populations, (self.num_agents,)),
            "num_agents": self.num_agents,
            "num_food": self.num_pellets or 0,
            "local_ratio": 1.0 - self.sharing,
        }

    def properties(self) -> GameProperties:
        """Returns the bounds: everybody collides and all pay; everything is occupied."""
        pellets = self.num_pellets or self.num_agents
        worst = 3.0 * (self.num_agents - 1) + BOX_DIAGONAL
        return self._properties("general", -worst, 6.0 * pellets + 10.0)
