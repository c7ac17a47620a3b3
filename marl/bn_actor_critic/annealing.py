"""How edges are taken away in the course of a run: the release's schedule, in shares of its length.

The loss gets weight * |density - wanted|. The release of Chen and Zhang 2023 (its SMAC runs, 6,250 updates) goes by
counts of updates:

    what                            release                             here, as a share of the run
    wanted density                  1, so that it first pulls towards   likewise
                                    complete graphs
    begins to fall                  at update 2,500                     0.4
    falls by 1/40                   every 46 updates                    every 46 / 6250; 0 at about 0.7
    weight begins to rise           at update 4,375                     0.7
    rises by 1/15 of the way        every 15 updates, to 1              every 15 / 6250; all of it at about 0.74
"""

from __future__ import annotations

from dataclasses import dataclass

THINS_FROM, THINNING_STEPS, THINNING_STEP = 0.4, 40, 46 / 6250
PRESSES_FROM, PRESSING_STEPS, PRESSING_STEP = 0.7, 15, 15 / 6250


@dataclass(frozen=True)
class Annealing:
    """The schedule of a run.

    Attributes:
        env_steps: Of the whole run, at least 1.
        first_weight: Of the pull, until the weight rises.
        last_weight: At the end.
    """

    env_steps: int
    first_weight: float
    last_weight: float

    def wanted_density(self, env_step: int) -> float:
        """Returns the density that the loss pulls towards."""
        return 1 - _stairs(env_step / self.env_steps, THINS_FROM, THINNING_STEP, THINNING_STEPS)

    def weight(self, env_step: int) -> float:
        """Returns the weight of the pull."""
        risen = _stairs(env_step / self.env_steps, PRESSES_FROM, PRESSING_STEP, PRESSING_STEPS)
        return self.first_weight + risen * (self.last_weight - self.first_weight)


def _stairs(share: float, start: float, width: float, count: int) -> float:
    """Returns how much of a flight of stairs is behind one, in [0, 1]; the first rises one width after the start."""
    return min(max(int((share - start) / width + 1e-9), 0), count) / count  # 1e-9: rounding
