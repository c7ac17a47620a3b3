"""What MAPPO is told beyond PPO, with the ranges of each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from games.names import unknown_name
from marl.checks import check_flag, check_number, check_widths
from marl.mappo.layers import ACTIVATIONS, SHARING

CRITICS = ("central", "own")
CREDITS = ("team", "own")
RATIOS = ("agent", "joint")
NORMALIZATIONS = ("running", "popart", None)


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
        check_widths("hidden_sizes", self.hidden_sizes)
