"""A bonus for responses whose payoffs are unlike those of the policies so far: diverse PSRO (Perez-Nieves et al. 2021).

The diversity of policies is the expected cardinality of the determinantal point process over them whose kernel is made
of their payoffs; a response to the mixture q maximises what it gets and tau times the diversity that it makes,

    D(A) = Tr(I - (I + A A')^-1)             sum_b q_b u_b + tau D([M; u])

    symbol    variable    shape
    M         rows        [K, B] what the own policies get from each joint policy b of the others
    u         new         [B] what the response gets
    q                     [B] how often each b is met
    tau       weight      in units of payoff

D is no sum over episodes, but its slope in u is known, so any learner of weighted episodes climbs it: its rewards
against b are weighted by (q_b + tau dD/du_b) / p_b where b is drawn with probability p_b > 0
(marl/psro/risk_rewards.py). Payoffs count in their own units: rows far below 1 make nearly no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MET_ANYHOW = 0.3  # share of the episodes in which every b is as likely: what is never met cannot be told apart


def expected_cardinality(rows: np.ndarray) -> float:
    """Returns D of payoffs [K, B]: from 0 to the rank."""
    kernel = np.eye(len(rows)) + rows @ rows.T
    return float(len(rows) - np.trace(np.linalg.inv(kernel)))


def cardinality_slope(rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Returns [B] the derivative of D([rows; new]) in `new`: the last row of 2 (I + A A')^-2 A."""
    together = np.concatenate([rows, new[None]])
    inverse = np.linalg.inv(np.eye(len(together)) + together @ together.T)
    slope: np.ndarray = 2 * (inverse @ inverse @ together)[-1]
    return slope


@dataclass(frozen=True, eq=False)
class Diversity:
    """What a response is rewarded for beside its payoff.

    Attributes:
        weight: tau.
        rows: [K, B] payoffs of the own policies against each joint policy of the others, flattened.
    """

    weight: float
    rows: np.ndarray

    def objective(self, probabilities: np.ndarray, new: np.ndarray) -> float:
        """Returns what a response is worth that gets `new` [B] from opponents who are met with probabilities [B]."""
        return float(probabilities @ new) + self.weight * expected_cardinality(np.concatenate([self.rows, new[None]]))

    def slope(self, probabilities: np.ndarray, new: np.ndarray) -> np.ndarray:
        """Returns [B] the derivative of `objective` in `new`."""
        return probabilities + self.weight * cardinality_slope(self.rows, new)
