"""The one-step economy of the AI Economist. See README.md beside this file and one_step.h for the observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from econ.taxation import TaxSettings
from econ.welfare import OBJECTIVES
from games.config import GameProperties, is_of_kind, setting
from games.spec import EnvSpec, register

UTILITIES = ("labor_cost", "isoelastic")
MAX_WORKERS = 128
NUM_SKILL_DRAWS = 1000  # Pareto samples whose order statistics are averaged


def mean_skills(num_workers: int, seed: int = 0, shape: float = 4.0, max_skill: float = 3.0) -> np.ndarray:
    """Returns skills as ai-economist 1.7.1 draws them, rising, [N] coin an hour.

    1,000 times N samples of min(max_skill, (max_skill - 1) x + 1), x Lomax with the given shape, are sorted and
    averaged by rank. The stream is NumPy's RandomState(seed).

    Args:
        num_workers: N.
        seed: Of the stream.
        shape: Of the Lomax distribution; the reference has 4 whatever its `pareto_param` says.
        max_skill: Samples above are cut.
    """
    samples = np.random.RandomState(seed).pareto(shape, (NUM_SKILL_DRAWS, num_workers))
    return np.sort(np.minimum(max_skill, (max_skill - 1) * samples + 1), axis=1).mean(axis=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class OneStepConfig(TaxSettings):
    """Settings of the one-step economy; those of its tax are in econ/taxation/settings.py.

    Attributes:
        skills: Coin an hour of each worker, in [0, max_skill]; None: `mean_skills` of `skill_seed`.
    """

    world: ClassVar[str] = "one_step"
    family: ClassVar[str] = "econ"

    tax_period: int = setting(2, low=2, high=2**31 - 1, doc="steps from one tax day to the next; no work on the first")
    num_workers: int = setting(100, low=1, high=MAX_WORKERS, doc="workers N")
    hours: int = setting(100, low=1, high=1000, doc="most hours that a worker may choose")
    skills: Any = setting(None, doc="coin an hour of each worker; None: as the reference draws them")
    skill_seed: int = setting(0, low=0, high=2**32 - 1, doc="skills None: seed of the draw")
    skill_shape: float = setting(4.0, low=0.1, high=1000, doc="skills None: shape of the Pareto distribution")
    max_skill: float = setting(3.0, low=1e-9, high=1e6, doc="highest skill, coin an hour")
    utility: str = setting("labor_cost", choices=UTILITIES, doc="of workers: coin or isoelastic coin, less labor")
    labor_cost: float = setting(1.4e-5, low=0, high=1e6, doc="disutility c in c hours^d")
    labor_exponent: float = setting(3.5, low=1, high=6, doc="d in c hours^d; the elasticity of labor is 1 / (d - 1)")
    isoelastic_eta: float = setting(0.23, low=0, high=1, doc="utility isoelastic: curvature, 0 linear, 1 logarithmic")
    objective: str = setting("inverse_income_utility", choices=OBJECTIVES, doc="what the planner wants")
    equality_weight: float = setting(1.0, low=0, high=1, doc="of equality in equality_productivity; 0: coin alone")
    horizon: int = setting(2, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.skills
        if given is not None:
            is_list = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
            if not is_list or len(given) != self.num_workers:
                raise ValueError(f"skills must be {self.num_workers} numbers, one for each worker, got {given!r}")
            for i, skill in enumerate(given):
                if not is_of_kind(skill, float) or not 0 <= skill <= self.max_skill:
                    raise ValueError(f"skills[{i}] must be in [0, max_skill = {self.max_skill:g}], got {skill!r}")

    @cached_property
    def worker_skills(self) -> np.ndarray:
        """[N] coin an hour."""
        if self.skills is not None:
            return np.array(self.skills, np.float64)
        return mean_skills(self.num_workers, self.skill_seed, self.skill_shape, self.max_skill)

    @property
    def first_day_feature(self) -> int:
        """Which number of the planner's observation is 1 on the first day of a tax period, when rates are set."""
        return len(self.cutoffs)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {
            **self.core_tax_fields(),
            "skills": self.worker_skills,
            "max_skill": float(self.max_skill),
            "hours": self.hours,
            "utility": UTILITIES.index(self.utility),
            "labor_cost": float(self.labor_cost),
            "labor_exponent": float(self.labor_exponent),
            "isoelastic_eta": float(self.isoelastic_eta),
            "objective": OBJECTIVES.index(self.objective),
            "equality_weight": float(self.equality_weight),
            "horizon": self.horizon,
        }

    def properties(self) -> GameProperties:
        """Returns a general-sum game; nobody gains more than all could earn, or loses more than that and the labor."""
        earned = float(self.worker_skills.sum()) * self.hours * self.horizon
        cost = self.labor_cost * float(self.hours) ** (self.labor_exponent if self.utility == "labor_cost" else 1.0)
        bound = earned + cost + (1 / (1 - self.isoelastic_eta) if self.isoelastic_eta < 1 else 0.0) + 1.0
        return GameProperties(self.num_workers + 1, "simultaneous", "general", (-bound, bound), self.horizon)


register(
    EnvSpec(
        "econ/one_step_v0",
        OneStepConfig,
        {},
        "a planner sets taxes, 100 workers choose their hours; labor elasticity 0.4",
    )
)
register(
    EnvSpec(
        "econ/one_step_elastic_v0",
        OneStepConfig,
        {"labor_cost": 0.012, "labor_exponent": 2.0},
        "the same with a labor elasticity of 1, where Saez's formula is far from the best",
    )
)

__all__ = ["UTILITIES", "OneStepConfig", "mean_skills"]
