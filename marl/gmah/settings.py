"""What GMAH is told beyond what value factorization is, with ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from games.names import unknown_name
from marl.qmix.settings import FactorizationSettings

TRIGGERS = ("adaptive", "completion", "fixed")
CHOOSERS = ("learned", "random", "oracle")


@dataclass(frozen=True)
class GoalSettings(FactorizationSettings):
    """Settings of GMAH: those of `FactorizationSettings` are the high level's, and these.

    Frames are env steps of all runners together, those of the low level's phase included.

    Attributes:
        chooser: Who chooses subgoals: the "learned" high level, "random" among the admissible ones, or the task tree's
            own "oracle".
        trigger: When a subgoal is chosen anew. "completion": when it is done, its preconditions are gone, or after
            `interval` steps; "adaptive": also at something novel or surprising; "fixed": every `interval` steps.
        interval: c, the most steps that a subgoal stays.
        autoencoder: Whether there is one. Without, nothing is novel, and successor features are of the observation.
        code_size: Numbers of its code.
        novelty: Times its mean error at which an observation counts as novel.
        surprise: Times its mean error at which what successor features foretold counts as missed.
        low_hidden_sizes: Widths of the low level's hidden layers.
        low_batch_size: Steps of agents in an update of the low level.
        low_updates: Times `updates_per_round` in the first phase, whose updates are small.
        low_discount: Of the intrinsic reward, a step.
        low_epsilon: Chance of a random action, as `epsilon`, from the first env step on.
        completion_reward: For a completed subgoal.
        progress_reward: For each step of the way to it.
        step_cost: Of each step.
        hindsight: Share of the low level's batch whose subgoal is replaced by one that the agent went on to complete.
        low_level_steps: Frames of the first phase: subgoals at random, only the low level learns.
        independent_steps: Frames of the second: each agent's high level learns by itself, the low level rests, and the
            mixer learns from values that it does not change. After it, all learn together, from the mixed value if
            there is a mixer; `epsilon` counts from the end of the first.
    """

    hidden_sizes: Sequence[int] = (64, 64)
    is_recurrent: bool = False
    target_update_interval: int = 1
    tau: float = 0.01
    epsilon: Sequence[tuple[int, float]] = ((0, 1.0), (50_000, 0.05))
    chooser: str = "learned"
    trigger: str = "adaptive"
    interval: int = 16
    autoencoder: bool = True
    code_size: int = 8
    novelty: float = 4.0
    surprise: float = 4.0
    low_hidden_sizes: Sequence[int] = (64, 64)
    low_batch_size: int = 512
    low_updates: int = 4
    low_discount: float = 0.95
    low_epsilon: Sequence[tuple[int, float]] = ((0, 1.0), (50_000, 0.05))
    completion_reward: float = 1.0
    progress_reward: float = 0.05
    step_cost: float = 0.02
    hindsight: float = 0.5
    low_level_steps: int = 100_000
    independent_steps: int = 100_000

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("trigger", TRIGGERS), ("chooser", CHOOSERS)):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        if self.is_recurrent:
            raise ValueError("the high level has no memory: is_recurrent must be False")
        if not self.share_parameters:
            raise ValueError("one module chooses for a whole group: share_parameters must be True")
        for name, least in (("interval", 1), ("code_size", 1), ("low_batch_size", 1), ("low_updates", 1)):
            _check(name, getattr(self, name), isinstance(getattr(self, name), int), least)
        for name in ("low_level_steps", "independent_steps"):
            _check(name, getattr(self, name), isinstance(getattr(self, name), int), 0)
        for name in ("novelty", "surprise", "completion_reward", "progress_reward", "step_cost"):
            _check(name, getattr(self, name), True, 0)
        for name in ("low_discount", "hindsight"):
            _check(name, getattr(self, name), getattr(self, name) <= 1, 0)
        if not self.low_hidden_sizes:
            raise ValueError("low_hidden_sizes must name one layer at least, got none")
        FactorizationSettings(epsilon=self.low_epsilon)


def _check(name: str, value: Any, is_right: bool, least: float) -> None:
    if not is_right or value < least:
        raise ValueError(f"{name} is out of range: got {value!r}, the least is {least}")
