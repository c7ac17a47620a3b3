"""QARL, its rivals and its ablations, as combinations of a few choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Opponent = Literal["nobody", "pusher", "shifter", "shifter_released", "mixer", "mixer_released"]
Context = Literal["nothing", "temperature", "force", "constant"]
Schedule = Literal["cold", "linear", "point", "curriculum", "curriculum_released"]


@dataclass(frozen=True)
class Method:
    """Against whom a protagonist is trained.

    Attributes:
        opponent: "pusher": an agent that pushes the body. "shifter": an attack that shifts the protagonist's actions
            (marl/qarl/action_shift.py). "mixer": a second actor with a share of every action
            (marl/qarl/mixed_actors.py). The forms called released compute what the release of Reddi et al. 2024 does
            where we take that for a slip.
        context: What both agents are shown as the last number of their observations: the temperature of the pusher,
            its share of the largest force, or 0 always.
        schedule: How temperatures, or the forces that they stand for, are chosen; "curriculum_released" has the
            release's constraint on returns (marl/qarl/temperature.py).
        is_cold: Whether a pusher that is shown no temperature has the cold one, instead of one that it learns.
        is_homogeneous: Whether the protagonist learns with the pusher's temperature, too.
        draws_once: Whether all episodes of an iteration have the same temperature.
    """

    opponent: Opponent = "nobody"
    context: Context = "nothing"
    schedule: Schedule = "cold"
    is_cold: bool = False
    is_homogeneous: bool = False
    draws_once: bool = False

    @property
    def has_adversary(self) -> bool:
        """Whether an agent pushes."""
        return self.opponent == "pusher"

    @property
    def gives_temperature(self) -> bool:
        """Whether the pusher's temperature is the context."""
        return self.context == "temperature"

    @property
    def follows_schedule(self) -> bool:
        """Whether temperatures that are scheduled reach anybody, as they are or as shares of force."""
        return self.context in ("temperature", "force")

    @property
    def shows_context(self) -> bool:
        """Whether observations end with a context."""
        return self.context != "nothing"


METHODS: Mapping[str, Method] = {
    # compared in the paper
    "sac": Method(),
    "rarl": Method("pusher"),
    "qarl": Method("pusher", "temperature", "curriculum"),
    "force": Method("pusher", "force", "curriculum"),
    "cat": Method("shifter"),
    "mixed_ne_ld": Method("mixer"),
    # slips of the release
    "cat_released": Method("shifter_released"),
    "mixed_ne_ld_released": Method("mixer_released"),
    "qarl_released": Method("pusher", "temperature", "curriculum_released"),
    # ablations of the paper
    "linear": Method("pusher", "temperature", "linear"),
    "point": Method("pusher", "temperature", "point"),
    "single": Method("pusher", "temperature", "curriculum", draws_once=True),
    "homogeneous": Method("pusher", "temperature", "curriculum", is_homogeneous=True),
    # what QARL differs in from RARL beside its curriculum
    "fixed": Method("pusher", "temperature", "cold"),
    "rarl_constant": Method("pusher", "constant"),
    "rarl_cold": Method("pusher", is_cold=True),
}
