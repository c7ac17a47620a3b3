"""The settings of each scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, setting
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

BLUE, RED, DARK_RED, GREEN, GRAY, INK = "#3d6fb8", "#c9503c", "#8f2f22", "#3f9a5c", "#8a8f99", "#3b3f46"
LEAF, BERRY = "#a9cfa4", "#6a5acd"
RED_GREEN_BLUE = ("#b5483c", "#459b57", "#4363b0")


def _local_ratio(what: str) -> Any:
    return setting(
        0.5, low=0, high=1, doc=f"weight of an agent's own {what} in its reward; the shared one has the rest"
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class SpreadConfig(ParticlesConfig):
    """Settings of simple_spread.

    Attributes:
        num_agents: Slots for agents, and landmarks (N in mpe2).
        populations: How many agents, and as many landmarks, an episode may have; one is drawn for each episode. None:
            always num_agents. With populations, observations say who is there.
        local_ratio: Weight of an agent's own collisions in its reward; the shared distance has the rest.
        terminate_on_success: Whether an episode ends when every landmark is occupied.
        num_agent_neighbors: Other agents that an agent sees, the nearest ones; None: all.
        num_landmark_neighbors: Landmarks that an agent sees, the nearest ones; None: all.
    """

    scenario: ClassVar[str] = "simple_spread"

    num_agents: int = setting(3, low=1, high=MAX_AGENTS, doc="slots for agents, and landmarks")
    populations: Sequence[int] | None = populations_setting("agents")
    local_ratio: float = _local_ratio("collisions")
    terminate_on_success: bool = setting(False, doc="whether an episode ends when every landmark is occupied")
    num_agent_neighbors: int | None = neighbors_setting(MAX_AGENTS, "other agents")
    num_landmark_neighbors: int | None = neighbors_setting(MAX_LANDMARKS, "landmarks")

    def __post_init__(self) -> None:
        super().__post_init__()
        population_rows(self.populations, (self.num_agents,))

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The agents."""
        return (Body("agent", self.num_agents, 0.15, BLUE),)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The landmarks."""
        return (Body("landmark", self.num_agents, 0.05, INK),)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "populations": population_rows(self.populations, (self.num_agents,)),
            "local_ratio": float(self.local_ratio),
            "num_agents": self.num_agents,
            "agent_neighbors": self.num_agent_neighbors or 0,
            "landmark_neighbors": self.num_landmark_neighbors or 0,
            "ends_on_success": int(self.terminate_on_success),
        }

    def properties(self) -> GameProperties:
        """Returns the utility class: common if nobody's own collisions count."""
        worst = (1 - self.local_ratio) * self.num_agents * LONGEST_DISTANCE
        worst += self.local_ratio * (self.num_agents - 1)
        return self._properties("common" if self.local_ratio == 0 else "general", -worst, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class SimpleConfig(ParticlesConfig):
    """Settings of simple: those of every scenario."""

    scenario: ClassVar[str] = "simple"

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The agent."""
        return (Body("agent", 1, 0.05, BLUE),)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The landmark."""
        return (Body("landmark", 1, 0.05, RED),)

    def properties(self) -> GameProperties:
        """Returns what one agent alone is to itself."""
        return self._properties("common", -(LONGEST_DISTANCE**2), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class TagConfig(ParticlesConfig):
    """Settings of simple_tag.

    Attributes:
        num_agents: Slots for the agents who flee (num_good in mpe2).
        num_adversaries: Slots for the adversaries who chase them.
        num_obstacles: Landmarks in the way.
        populations: Pairs (adversaries, agents) that an episode may have; one is drawn for each episode. None: always
            all. With populations, observations say who is there.
        terminate_on_success: Whether an episode ends when every agent is being touched by an adversary.
        num_agent_neighbors: Others that an agent sees, the nearest ones; None: all.
        num_landmark_neighbors: Obstacles that an agent sees, the nearest ones; None: all.
    """

    scenario: ClassVar[str] = "simple_tag"

    num_agents: int = setting(1, low=1, high=MAX_AGENTS - 1, doc="slots for the agents who flee")
    num_adversaries: int = setting(3, low=1, high=MAX_AGENTS - 1, doc="slots for the adversaries who chase them")
    num_obstacles: int = setting(2, low=0, high=MAX_LANDMARKS, doc="landmarks in the way")
    populations: Sequence[tuple[int, int]] | None = setting(
        None, doc="pairs (adversaries, agents) that an episode may have, one drawn for each; None: always all"
    )
    terminate_on_success: bool = setting(False, doc="whether an episode ends when every agent is touched at once")
    num_agent_neighbors: int | None = neighbors_setting(MAX_AGENTS, "others")
    num_landmark_neighbors: int | None = neighbors_setting(MAX_LANDMARKS, "obstacles")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_num_agents(self.num_agents + self.num_adversaries)
        population_rows(self.populations, (self.num_adversaries, self.num_agents))

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """Adversaries, then agents."""
        return Body("adversary", self.num_adversaries, 0.075, RED), Body("agent", self.num_agents, 0.05, GREEN)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The obstacles."""
        return (Body("obstacle", self.num_obstacles, 0.2, GRAY),)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {
            "populations": population_rows(self.populations, (self.num_adversaries, self.num_agents)),
            "num_agents": self.num_agents,
            "num_adversaries": self.num_adversaries,
            "num_obstacles": self.num_obstacles,
            "agent_neighbors": self.num_agent_neighbors or 0,
            "landmark_neighbors": self.num_landmark_neighbors or 0,
            "ends_on_success": int(self.terminate_on_success),
        }

    def properties(self) -> GameProperties:
        """Returns the bounds: everybody touches everybody, in a corner far outside."""
        return self._properties(
            "general", -10.0 * self.num_adversaries - 20, 10.0 * self.num_agents * self.num_adversaries
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class AdversaryConfig(ParticlesConfig):
    """Settings of simple_adversary.

    Attributes:
        num_agents: Slots for the good agents, and landmarks (N in mpe2). There is one adversary.
        populations: How many good agents, and as many landmarks, an episode may have; one is drawn for each episode.
            None: always num_agents. With populations, observations say who is there.
        num_agent_neighbors: Others that an agent sees, the nearest ones; None: all.
        num_landmark_neighbors: Landmarks that an agent sees, the nearest ones; None: all.
    """

    scenario: ClassVar[str] = "simple_adversary"

    num_agents: int = setting(2, low=1, high=MAX_AGENTS - 1, doc="slots for the good agents, and landmarks")
    populations: Sequence[int] | None = populations_setting("good agents")
    num_agent_neighbors: int | None = neighbors_setting(MAX_AGENTS, "others")
    num_landmark_neighbors: int | None = neighbors_setting(MAX_LANDMARKS, "landmarks")

    def __post_init__(self) -> None:
        super().__post_init__()
        population_rows(self.populations, (self.num_agents,))

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The adversary, then the agents."""
        return Body("adversary", 1, 0.15, RED), Body("agent", self.num_agents, 0.15, BLUE)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The landmarks."""
        return (Body("landmark", self.num_agents, 0.08, INK),)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        sizes = population_rows(self.populations, (self.num_agents,))
        return super().core_fields() | {
            "populations": np.stack([np.ones_like(sizes), sizes], axis=1).reshape(-1),
            "num_agents": self.num_agents,
            "agent_neighbors": self.num_agent_neighbors or 0,
            "landmark_neighbors": self.num_landmark_neighbors or 0,
        }

    def properties(self) -> GameProperties:
        """Returns the bounds: nobody is further from the goal than the plane is wide."""
        return self._properties("general", -LONGEST_DISTANCE, LONGEST_DISTANCE)


@dataclass(frozen=True, kw_only=True, eq=False)
class PushConfig(ParticlesConfig):
    """Settings of simple_push: those of every scenario."""

    scenario: ClassVar[str] = "simple_push"

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The adversary, then the agent."""
        return Body("adversary", 1, 0.05, RED), Body("agent", 1, 0.05, BLUE)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The two landmarks, in their colors."""
        return Body("landmark", 1, 0.05, RED_GREEN_BLUE[1]), Body("landmark", 1, 0.05, RED_GREEN_BLUE[2])

    def properties(self) -> GameProperties:
        """Returns the bounds: nobody is further from the goal than the plane is wide."""
        return self._properties("general", -LONGEST_DISTANCE, LONGEST_DISTANCE)


@dataclass(frozen=True, kw_only=True, eq=False)
class SpeakerListenerConfig(ParticlesConfig):
    """Settings of simple_speaker_listener: those of every scenario."""

    scenario: ClassVar[str] = "simple_speaker_listener"

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The speaker, then the listener."""
        return Body("speaker", 1, 0.075, GRAY, words=3), Body("listener", 1, 0.075, BLUE)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The three landmarks, in their colors."""
        return tuple(Body("landmark", 1, 0.04, color) for color in RED_GREEN_BLUE)

    def properties(self) -> GameProperties:
        """Returns a common-payoff game."""
        return self._properties("common", -(LONGEST_DISTANCE**2), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceConfig(ParticlesConfig):
    """Settings of simple_reference.

    Attributes:
        local_ratio: Weight of the distance of the agent that one leads in one's reward; the mean has the rest.
    """

    scenario: ClassVar[str] = "simple_reference"

    local_ratio: float = _local_ratio("follower's distance")

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The two agents."""
        return (Body("agent", 2, 0.05, BLUE, words=10),)

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The three landmarks, in their colors."""
        return tuple(Body("landmark", 1, 0.05, color) for color in RED_GREEN_BLUE)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return super().core_fields() | {"local_ratio": float(self.local_ratio)}

    def properties(self) -> GameProperties:
        """Returns the utility class: common if only the mean counts."""
        return self._properties("common" if self.local_ratio == 0 else "general", -LONGEST_DISTANCE, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class CryptoConfig(ParticlesConfig):
    """Settings of simple_crypto: those of every scenario."""

    scenario: ClassVar[str] = "simple_crypto"

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """Eve, Bob, Alice."""
        return tuple(
            Body(name, 1, 0.05, color, words=4) for name, color in (("eve", RED), ("bob", BLUE), ("alice", GREEN))
        )

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """The two values of a bit."""
        return (Body("bit", 2, 0.05, INK),)

    def properties(self) -> GameProperties:
        """Returns the bounds: four numbers, each wrong by at most 1."""
        return self._properties("general", -4.0, 4.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class WorldCommConfig(ParticlesConfig):
    """Settings of simple_world_comm.

    Attributes:
        num_agents: Agents who flee (num_good in mpe2).
        num_adversaries: Adversaries who chase them, the leader among them.
        num_obstacles: Landmarks in the way.
        num_food: Landmarks that agents should touch.
        num_forests: Landmarks that hide who is inside.
    """

    scenario: ClassVar[str] = "simple_world_comm"

    num_agents: int = setting(2, low=1, high=MAX_AGENTS - 2, doc="agents who flee")
    num_adversaries: int = setting(4, low=2, high=MAX_AGENTS - 1, doc="adversaries, the leader among them")
    num_obstacles: int = setting(1, low=0, high=MAX_LANDMARKS - 1, doc="landmarks in the way")
    num_food: int = setting(2, low=1, high=MAX_LANDMARKS, doc="landmarks that agents should touch")
    num_forests: int = setting(2, low=0, high=MAX_LANDMARKS - 1, doc="landmarks that hide who is inside")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_num_agents(self.num_agents + self.num_adversaries)
        landmarks = self.num_obstacles + self.num_food + self.num_forests
        if landmarks > MAX_LANDMARKS:
            raise ValueError(f"obstacles, food and forests must be at most {MAX_LANDMARKS} together, got {landmarks}")

    @property
    def agent_bodies(self) -> tuple[Body, ...]:
        """The leader, the other adversaries, the agents."""
        return (
            Body("leadadversary", 1, 0.075, DARK_RED, words=4),
            Body("adversary", self.num_adversaries - 1, 0.075, RED),
            Body("agent", self.num_agents, 0.045, GREEN),
        )

    @property
    def landmark_bodies(self) -> tuple[Body, ...]:
        """Obstacles, food, forests."""
        return (
            Body("obstacle", self.num_obstacles, 0.2, GRAY),
            Body("food", self.num_food, 0.03, BERRY),
            Body("forest", self.num_forests, 0.3, LEAF),
        )

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        names = ("num_agents", "num_adversaries", "num_obstacles", "num_food", "num_forests")
        return super().core_fields() | {name: getattr(self, name) for name in names}

    def properties(self) -> GameProperties:
        """Returns the bounds: everybody touches everybody; nobody eats in a corner far outside."""
        worst = 5.0 * self.num_adversaries + 40 + 0.05 * LONGEST_DISTANCE
        best = max(5.0 * self.num_agents * self.num_adversaries, 2.0 * self.num_food)
        return self._properties("general", -max(worst, 0.1 * LONGEST_DISTANCE), best)
