"""What MAPPO is told beyond PPO, with the ranges of each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

from games.names import unknown_name
from marl.mappo.layers import ACTIVATIONS, SHARING

CRITICS = ("central", "own")
CREDITS = ("team", "own")
RATIOS = ("agent", "joint")
NORMALIZATIONS = ("running", "popart", None)


def check_number(name: str, value: Any, *, least: float = -inf, above: float = -inf, most: float = inf) -> None:
    """Checks that a setting is a finite number in a range.

    Args:
        name: Of the setting.
        value: Of it.
        least: It must be at least that,
        above: and above that,
        most: and at most that.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    number = float(value)
    if not (number >= least and number > above and number <= most):
        allowed = f"above {above:g}" if above > -inf else f"at least {least:g}"
        allowed += f" and at most {most:g}" if most < inf else ""
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


def check_count(name: str, value: Any) -> None:
    """Checks that a setting is a whole number of at least 1.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Checks that a setting is True or False.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class TeamSettings:
    """Settings of `MAPPOConfig.training`, beside PPO's. Defaults are those of Yu et al. 2022 unless it says chosen.

    Attributes:
        hidden_sizes: Widths of the hidden layers of policy and critic.
        activation: "relu", "tanh" or "silu".
        sharing: Which weights of a network all agents share: "full", "heads" (a last layer for each), "none".
        agent_ids: Whether a network that agents share knows which of them it speaks for.
        head_gain: Of the policy's last layer, orthogonal: small, and the first policy is nearly uniform.
        layer_norms: Layer normalisation after the policy's hidden layers. Chosen: off, so that policies become files.
        critic_layer_norms: The same for the critic. Without it, so the hypothesis, a critic of states that are never
            negative, whose values are still rising, takes larger states for better ones (README.md).
        obs_layernorm: Layer normalisation of what the policy and the critic see; off. A single number it blinds to.
        observation_scale: Multiplies observations.
        critic: "central": V of the observations of all agents; "own": V of the agent's own.
        credit: "team": all are credited with the mean reward of those who are in, which needs the central critic;
            "own": each with its own.
        ratio: "agent": each agent's ratio is clipped by itself; "joint": that of the joint action.
        value_normalization: "running", "popart" (the critic's last layer follows the scale), or None.
        value_clip: How far values may move from the old ones in the loss, in units of their scale; None: anywhere.
        huber_delta: Error beyond which the value loss grows linearly; None: never.
        critic_lr: Of the critic's optimizer; None: the actor's.
        adam_epsilon: Of both.
    """

    hidden_sizes: Sequence[int] = (64, 64)
    activation: str = "relu"
    sharing: str = "full"
    agent_ids: bool = True
    head_gain: float = 0.01
    layer_norms: bool = False
    critic_layer_norms: bool = True
    obs_layernorm: bool = False
    observation_scale: float = 1.0
    critic: str = "central"
    credit: str = "team"
    ratio: str = "agent"
    value_normalization: str | None = "running"
    value_clip: float | None = 0.2
    huber_delta: float | None = 10.0
    critic_lr: float | None = None
    adam_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name, known in (
            ("activation", tuple(ACTIVATIONS)),
            ("sharing", SHARING),
            ("critic", CRITICS),
            ("credit", CREDITS),
            ("ratio", RATIOS),
            ("value_normalization", NORMALIZATIONS),
        ):
            value = getattr(self, name)
            if value not in known:
                raise unknown_name(name, str(value), tuple(map(str, known)))
        if self.critic == "own" and self.credit == "team":
            # The team's reward goes on when an agent is out, and nothing trains what its own critic says then.
            raise ValueError('critic="own" needs credit="own": values of agents that are out would be bootstrapped')
        for name in ("value_clip", "huber_delta", "critic_lr", "head_gain", "adam_epsilon", "observation_scale"):
            value = getattr(self, name)
            if value is not None or name in ("head_gain", "adam_epsilon", "observation_scale"):
                check_number(name, value, above=0)
        for name in ("agent_ids", "layer_norms", "critic_layer_norms", "obs_layernorm"):
            check_flag(name, getattr(self, name))
        if isinstance(self.hidden_sizes, str) or not isinstance(self.hidden_sizes, Sequence) or not self.hidden_sizes:
            raise ValueError(f"hidden_sizes must be at least one width in a list, got {self.hidden_sizes!r}")
        for width in self.hidden_sizes:
            check_count("hidden_sizes", width)
