"""What GMAH is told beyond what value factorization is, with ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from games.names import unknown_name
from marl.checks import check_count, check_flag, check_number, check_schedule, check_widths
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
        novelty: Share of replayed steps whose error of the autoencoder counts as novel; 0: nothing does.
        surprise: Share of replayed steps at which what successor features foretold counts as missed; 0: none.
        low_hidden_sizes: Widths of the low level's hidden layers.
        low_batch_size: Steps of agents in an update of the low level, out of the drawn ones.
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
    steps_per_update: int | None = 512
    target_update_interval: int = 1
    tau: float = 0.01
    epsilon: Sequence[tuple[int, float]] = ((0, 1.0), (50_000, 0.05))
    chooser: str = "learned"
    trigger: str = "adaptive"
    interval: int = 16
    autoencoder: bool = True
    code_size: int = 8
    novelty: float = 0.02
    surprise: float = 0.02
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
        if self.is_recurrent:
            raise ValueError("the high level has no memory: is_recurrent must be False")
        super().__post_init__()
        for name, known in (("trigger", TRIGGERS), ("chooser", CHOOSERS)):
            if getattr(self, name) not in known:
                raise unknown_name(name, str(getattr(self, name)), known)
        if not self.share_parameters:
            raise ValueError("one module chooses for a whole group: share_parameters must be True")
        for name in ("interval", "code_size", "low_batch_size", "low_updates"):
            check_count(name, getattr(self, name))
        for name in ("low_level_steps", "independent_steps"):
            check_count(name, getattr(self, name), least=0)
        for name in ("completion_reward", "progress_reward", "step_cost"):
            check_number(name, getattr(self, name), least=0)
        for name in ("low_discount", "hindsight", "novelty", "surprise"):
            check_number(name, getattr(self, name), least=0, most=1)
        check_flag("autoencoder", self.autoencoder)
        check_widths("low_hidden_sizes", self.low_hidden_sizes)
        check_schedule("low_epsilon", self.low_epsilon)
