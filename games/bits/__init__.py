"""The n-bit coordination game. See README.md beside this file and bits.h for the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from games.bits.tables import band_of, bits_game
from games.config import GameProperties, WorldConfig, setting
from games.markov.game import MarkovGame
from games.spec import EnvSpec, register

MAX_AGENTS = 64  # BITS_MAX_AGENTS
NO_CHOICE = 2  # in the field `choices` before the first step


@dataclass(frozen=True, kw_only=True, eq=False)
class BitsConfig(WorldConfig):
    """Settings of the coordination game; defaults are those of the authors' sampled experiment."""

    world: ClassVar[str] = "bits"
    family: ClassVar[str] = "coordination"

    num_agents: int = setting(3, low=1, high=MAX_AGENTS, doc="agents, each with a bit")
    band: int | None = setting(
        None, low=0, high=MAX_AGENTS, doc="largest lead that is no clear majority; None: a third of the agents, rounded"
    )
    flip: float = setting(0.1, low=0, high=1, doc="probability that a bit is turned by chance")
    zero_share: float | None = setting(
        None, low=0, high=1, doc="probability that a bit starts as 0; None: 1 / num_agents, as in the release"
    )
    pays_next: bool = setting(True, doc="whether a step is paid for the bits after it; otherwise for those before it")
    horizon: int = setting(25, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.band is not None and self.band > self.num_agents:
            raise ValueError(f"band must be at most num_agents, {self.num_agents}, got {self.band}")

    def clear_band(self) -> int:
        """Returns the largest lead that is no clear majority."""
        return band_of(self.num_agents) if self.band is None else self.band

    def start_share(self) -> float:
        """Returns the probability that a bit starts as 0."""
        return 1 / self.num_agents if self.zero_share is None else self.zero_share

    def markov_game(self) -> MarkovGame:
        """Returns the game as arrays, for exact solvers; it has no horizon.

        Raises:
            ValueError: More agents than tables are made for.
        """
        return bits_game(self.num_agents, self.clear_band(), self.flip, self.start_share(), self.pays_next)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {
            **self.settings(),
            "band": self.clear_band(),
            "zero_share": self.start_share(),
            "pays_next": int(self.pays_next),
        }

    def properties(self) -> GameProperties:
        """Returns common interest: the team is paid."""
        return GameProperties(self.num_agents, "simultaneous", "common", (0.0, 3.0), self.horizon)


for _spec in (
    EnvSpec("coordination/bits_v0", BitsConfig, {}, "three agents set a bit each: all 0 is best, all 1 is a trap"),
    EnvSpec("coordination/bits_5_v0", BitsConfig, {"num_agents": 5}, "the same with five agents and a wider low band"),
):
    register(_spec)

__all__ = ["MAX_AGENTS", "NO_CHOICE", "BitsConfig", "band_of", "bits_game"]
