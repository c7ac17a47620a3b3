"""The trust dilemma: a stag hunt on a grid. See README.md beside this file and trust.h for the observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from games.config import GameProperties, TreeRules, WorldConfig, setting
from games.spec import EnvSpec, register
from games.trust.tree import tree_rules

OBSERVATIONS = ("grid", "coordinates")
ACTIONS = ("left", "down", "right", "up", "stand")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustConfig(WorldConfig):
    """Settings of the hunt. `stag_reward > plant_reward > mauling_reward`, or it is no stag hunt."""

    world: ClassVar[str] = "trust"
    family: ClassVar[str] = "grid"

    width: int = setting(5, low=2, high=32, doc="columns")
    height: int = setting(5, low=2, high=32, doc="rows")
    num_plants: int = setting(2, low=0, high=16, doc="plants; four cells at least must be left")
    stag_reward: float = setting(5.0, low=-1e6, high=1e6, doc="to both agents when both are on the stag")
    plant_reward: float = setting(1.0, low=-1e6, high=1e6, doc="to an agent on a plant")
    mauling_reward: float = setting(-5.0, low=-1e6, high=1e6, doc="to an agent alone on the stag")
    follow_probability: float = setting(
        1.0, low=0, high=1, doc="of a step of the stag towards the nearest agent; otherwise it steps at random"
    )
    runs_after_mauling: bool = setting(False, doc="whether the stag appears elsewhere after a mauling")
    ends_at_catch: bool = setting(False, doc="whether a catch ends the episode")
    ends_at_mauling: bool = setting(False, doc="whether a mauling ends the episode")
    horizon: int = setting(1000, low=1, high=2**31 - 1, doc="steps of an episode")
    observation: str = setting("grid", choices=OBSERVATIONS, doc="what agents see (trust.h)")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.stag_reward > self.plant_reward > self.mauling_reward:
            raise ValueError(
                "a stag hunt has stag_reward > plant_reward > mauling_reward, "
                f"got {self.stag_reward:g}, {self.plant_reward:g}, {self.mauling_reward:g}"
            )
        if self.num_plants > self.width * self.height - 4:
            raise ValueError(
                f"a grid of {self.width} x {self.height} cells has room for {self.width * self.height - 4} plants, "
                f"got {self.num_plants}"
            )

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        fields = self.settings()
        for name in ("runs_after_mauling", "ends_at_catch", "ends_at_mauling"):
            fields[name] = int(fields[name])
        return {**fields, "observation": OBSERVATIONS.index(self.observation)}

    def properties(self) -> GameProperties:
        """Returns a general-sum game whose rewards are the three of the settings, or none."""
        bounds = (min(0.0, float(self.mauling_reward)), max(0.0, float(self.stag_reward)))
        return GameProperties(2, "simultaneous", "general", bounds, self.horizon)

    def tree(self) -> TreeRules:
        """Returns the hunt as a game tree; few steps on few cells can be walked whole."""
        return tree_rules(self)


def induced_game(config: TrustConfig) -> np.ndarray:
    """Returns the 2 x 2 game of one encounter, [2, 2, 2]: the payoffs of player i for (hunt, gather)^2.

    Both hunt: a catch. One hunts: it is mauled while the other eats a plant. Both gather: a plant each.
    """
    stag, plant, mauling = config.stag_reward, config.plant_reward, config.mauling_reward
    row = np.array([[stag, mauling], [plant, plant]])
    return np.stack([row, row.T])


def risk_dominant(payoffs: np.ndarray) -> Literal["hunt", "gather", "neither"]:
    """Returns the risk-dominant equilibrium of a stag hunt: the one with the larger product of deviation losses.

    Harsanyi and Selten 1988. For `induced_game` that is hunting where stag_reward + mauling_reward > 2 plant_reward.

    Args:
        payoffs: [2, 2, 2] payoffs of player i for (hunt, gather)^2, where both (hunt, hunt) and (gather, gather) are
            equilibria: of one encounter, or measured over episodes.

    Raises:
        ValueError: Not 2 x 2, or one of the two is no equilibrium.
    """
    payoffs = np.asarray(payoffs, np.float64)
    if payoffs.shape != (2, 2, 2):
        raise ValueError(f"payoffs must have the shape [2, 2, 2], got {list(payoffs.shape)}")
    row, column = payoffs
    losses = np.array([[row[0, 0] - row[1, 0], column[0, 0] - column[0, 1]],
                       [row[1, 1] - row[0, 1], column[1, 1] - column[1, 0]]])  # fmt: skip
    if not (losses >= 0).all():
        raise ValueError("both hunting and both gathering must be equilibria; a player would deviate from one of them")
    hunt, gather = losses.prod(axis=1)
    return "hunt" if hunt > gather else "gather" if gather > hunt else "neither"


register(EnvSpec("grid/trust_v0", TrustConfig, {}, "a stag hunt on a grid: together for the stag, or plants alone"))
register(
    EnvSpec(
        "grid/trust_small_v0",
        TrustConfig,
        {"width": 3, "height": 3, "num_plants": 1, "horizon": 20, "observation": "coordinates"},
        "the same on 3 x 3 cells with one plant: small enough to enumerate",
    )
)
register(
    EnvSpec(
        "grid/trust_once_v0",
        TrustConfig,
        {"horizon": 10, "ends_at_catch": True, "ends_at_mauling": True},
        "the same for one encounter: a catch or a mauling ends the episode; gathering is risk-dominant",
    )
)

__all__ = ["ACTIONS", "TrustConfig", "induced_game", "risk_dominant"]
