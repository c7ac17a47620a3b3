"""What QMIX and its relatives are told beyond what RLlib's configs hold, with ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from games.names import unknown_name
from marl.checks import check_count, check_flag, check_number, check_schedule, check_widths

MIXERS = ("qmix", "vdn", "none")
LOSSES = ("squared", "huber")
OPTIMIZERS = ("adam", "rmsprop")
TEAM_REWARDS = ("mean", "sum", "own")


@dataclass(frozen=True)
class FactorizationSettings:
    """Settings of value factorization. RLlib's `lr`, `gamma` and `grad_clip` stand in the config.

    Attributes:
        mixer: "qmix": monotone in the agents' values, weights from the state; "vdn": their sum; "none": every agent
            learns by itself.
        hidden_sizes: Widths of the hidden layers of an agent's network.
        is_recurrent: Whether a GRU as wide as the last of them comes after them.
        share_parameters: Whether the agents of a group share a network; else each has its own.
        agent_ids: Whether a shared network is told who is asking, by a one-hot vector behind the observation.
        observation_scale: Multiplies observations before any network; 1/255 for bytes that use their range.
        mixing_size: Hidden units of the QMIX mixer.
        hypernet_size: Hidden units of the networks that make its weights; 0: they are linear, as in the paper.
        team_reward: What is learned from. "mean" or "sum" over the agents, or each agent's "own" (without a mixer).
        standardize_rewards: Whether the rewards of a batch are shifted and scaled to mean 0 and deviation 1.
        double_q: Whether the online network chooses the next actions that the target network judges.
        loss: "squared" error, or "huber" with threshold 1.
        optimizer_name: "adam", or "rmsprop" with smoothing 0.99 and epsilon 1e-5, the paper's.
        capacity: Env steps that are kept for replay; an episode of n steps takes n + 1.
        episodes_per_update: Episodes of a batch, drawn without replacement.
        steps_per_update: Steps of a batch in their place, drawn one by one from all episodes, which a network with a
            memory cannot learn from; None: whole episodes.
        updates_per_round: Updates after every round, in which each env plays an episode.
        target_update_interval: Updates between two updates of the target networks.
        tau: Share of the online weights that goes into the target's; 1: a copy.
        epsilon: Chance of a random legal action, as (env steps of all runners, chance) with straight lines between.
    """

    mixer: str = "qmix"
    hidden_sizes: Sequence[int] = (64,)
    is_recurrent: bool = True
    share_parameters: bool = True
    agent_ids: bool = True
    observation_scale: float = 1.0
    mixing_size: int = 32
    hypernet_size: int = 64
    team_reward: str = "mean"
    standardize_rewards: bool = False
    double_q: bool = True
    loss: str = "squared"
    optimizer_name: str = "adam"
    capacity: int = 100_000
    episodes_per_update: int = 32
    steps_per_update: int | None = None
    updates_per_round: int = 1
    target_update_interval: int = 200
    tau: float = 1.0
    epsilon: Sequence[tuple[int, float]] = ((0, 1.0), (50_000, 0.05))

    def __post_init__(self) -> None:
        for name, known in (
            ("mixer", MIXERS),
            ("loss", LOSSES),
            ("optimizer_name", OPTIMIZERS),
            ("team_reward", TEAM_REWARDS),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(name, str(getattr(self, name)), known)
        counts = ("mixing_size", "capacity", "episodes_per_update", "updates_per_round", "target_update_interval")
        for name in counts:
            check_count(name, getattr(self, name))
        check_count("hypernet_size", self.hypernet_size, least=0)
        check_widths("hidden_sizes", self.hidden_sizes)
        for name in ("is_recurrent", "share_parameters", "agent_ids", "standardize_rewards", "double_q"):
            check_flag(name, getattr(self, name))
        check_number("observation_scale", self.observation_scale, above=0)
        check_number("tau", self.tau, above=0, most=1)
        check_schedule("epsilon", self.epsilon)
        if self.steps_per_update is not None:
            check_count("steps_per_update", self.steps_per_update)
            if self.is_recurrent:
                raise ValueError("a memory begins with its episode: steps_per_update must be None where is_recurrent")
        if self.team_reward == "own" and self.mixer != "none":
            raise ValueError(
                f"team_reward='own' is for agents that learn by themselves; mixer {self.mixer!r} needs 'mean' or 'sum'"
            )
