"""The three worlds of the study, as they were settled before its main run (calibration.py, results/calibration.csv)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """A world and what of the training depends on it.

    Attributes:
        world: Its id.
        settings: Beyond the id's; the largest force among them.
        threshold: Discounted return that curricula ask of the protagonist.
        certified: Return whose probability is bounded under attacks on what the protagonist sees.
        scale: What doing nothing brings, and plain SAC that nobody pushes (results/calibration.csv, means over seeds):
            the 0 and the 1 of scores that are averaged over worlds.
        training: Further settings of the study `qarl`.
    """

    world: str
    settings: Mapping[str, Any]
    threshold: float
    certified: float
    scale: tuple[float, float]
    training: Mapping[str, Any] = field(default_factory=dict)


TASKS: Mapping[str, Task] = {
    # Plain SAC keeps 65 % of its return under the common attack (seeds 100 to 103, results/calibration.csv).
    "cartpole": Task(
        "control/cartpole_swingup_v0",
        {"horizon": 250, "substeps": 2, "force": 0.125},
        threshold=20.0,
        certified=100.0,
        scale=(0.003, 171.45),
    ),
    # It keeps 60 % of what it has over doing nothing, by seed 9, 50, 93 and 100 %.
    "point_mass": Task(
        "control/point_mass_gap_v0",
        {"horizon": 150, "force": 1.25},
        threshold=-60.0,
        certified=-120.0,
        scale=(-142.53, -62.12),
    ),
    # With the motor of 1 N m and so few samples plain SAC does not learn to get up, so there would be nothing to rob.
    # With 2 N m it keeps 60 %, and at little more force, 2 N, 17 %.
    "pendulum": Task(
        "control/pendulum_swingup_v0",
        {"horizon": 250, "substeps": 2, "motor": 2.0, "force": 1.75},
        threshold=20.0,
        certified=100.0,
        scale=(0.4, 210.28),
        training={"first_temperature": 0.1},
    ),
}
