"""The curriculum over an adversary's temperature: self-paced reinforcement learning (Klink et al. 2021) with a Gamma.

Temperatures alpha are drawn from p_k = Gamma(concentration k, rate). An update looks for the k' that

    minimises  KL(p_k' || p_target)
    under      KL(p_k' || p_k) <= epsilon                                  (not too far at once)
               mean_i  p_k'(alpha_i) / p_k(alpha_i)  (J_i - xi)  >=  0     (still a good enough protagonist)

from pairs (alpha_i, J_i) of temperatures and discounted returns met since the last update, and leaves k as it is where
the mean return is below xi. The release of Reddi et al. 2024 has mean_i w_i J_i >= xi instead. In expectation that is
the same, but weights w_i of few samples do not sum to their number; it then depends on where the zero of the returns
is, and where they are negative, missing weight counts for the protagonist. With the rate fixed,
KL(p_a || p_b) = (a - b) psi(a) - log Gamma(a) + log Gamma(b), so all of it is about one number: the search is along the
interval of the trust region, without a general solver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gammaln

from marl.checks import check_number

SMALLEST = 1e-6  # concentration
POINTS = 256  # at which the constraint is looked at along the trust region


def divergence(a: float, b: float) -> float:
    """Returns KL(Gamma(a, rate) || Gamma(b, rate)), which no rate changes."""
    return float((a - b) * digamma(a) - gammaln(a) + gammaln(b))


@dataclass(frozen=True)
class CurriculumUpdate:
    """What one update did.

    Attributes:
        before: Concentration.
        after: Concentration.
        mean_return: Of the pairs, unweighted.
        expected_return: Importance-weighted, at `after`, by the same estimate as the constraint's.
        divergence: KL from before to after.
        is_held: Whether the mean return was below the threshold, so that nothing changed.
    """

    before: float
    after: float
    mean_return: float
    expected_return: float
    divergence: float
    is_held: bool


class GammaCurriculum:
    """A Gamma distribution that moves towards its target as fast as the protagonist bears.

    Args:
        threshold: xi, discounted return that the protagonist must keep.
        start: Concentration to begin with.
        target: Concentration to end at.
        rate: 1 / temperature; the mean temperature is concentration / rate.
        trust_region: epsilon, KL of one update.
        min_pairs: Pairs from which an update is made.
        max_pairs: Pairs that are kept at most, the latest.
        is_released: Whether the constraint is the release's, mean(w J) >= xi.
        seed: Of the draws.

    Attributes:
        concentration: Of now.

    Raises:
        ValueError: A number out of range.
    """

    def __init__(
        self,
        threshold: float,
        *,
        start: float = 50.0,
        target: float = 1.0,
        rate: float = 1000.0,
        trust_region: float = 0.5,
        min_pairs: int = 30,
        max_pairs: int = 100,
        is_released: bool = False,
        seed: int = 0,
    ) -> None:
        positive = {"start": start, "target": target, "rate": rate, "trust_region": trust_region}
        for name, value in positive.items():
            check_number(name, value, above=0)
        if not 1 <= min_pairs <= max_pairs:
            raise ValueError(f"min_pairs must be in [1, max_pairs], got {min_pairs} and {max_pairs}")
        check_number("threshold", threshold)
        self.concentration = start
        self._threshold, self._target, self._rate, self._trust_region = threshold, target, rate, trust_region
        self._min_pairs, self._max_pairs = min_pairs, max_pairs
        self._zero = 0.0 if is_released else threshold  # where the constraint counts returns from
        self._pairs: list[tuple[float, float]] = []
        self._rng = np.random.default_rng(seed)

    @property
    def mean_temperature(self) -> float:
        """Of the distribution now."""
        return self.concentration / self._rate

    def draw(self, count: int) -> np.ndarray:
        """Returns temperatures [count]."""
        return self._rng.gamma(self.concentration, 1 / self._rate, count)

    def add(self, temperatures: np.ndarray, returns: np.ndarray) -> None:
        """Takes note of episodes.

        Args:
            temperatures: [n] drawn since the last update.
            returns: [n] discounted returns of the protagonist.

        Raises:
            ValueError: Numbers that are not finite, or of different counts; temperatures that are not positive.
        """
        given, got = np.asarray(temperatures, float).ravel(), np.asarray(returns, float).ravel()
        if given.shape != got.shape or not (np.isfinite(given).all() and np.isfinite(got).all() and (given > 0).all()):
            raise ValueError(f"as many finite returns as positive temperatures, got {given} and {got}")
        self._pairs = [*self._pairs, *zip(given.tolist(), got.tolist(), strict=True)][-self._max_pairs :]

    def update(self) -> CurriculumUpdate | None:
        """Moves the distribution by the pairs noted, and forgets them; None where there are too few yet."""
        if len(self._pairs) < self._min_pairs:
            return None
        temperatures, returns = np.array(self._pairs).T
        self._pairs = []
        before, logs, gains = self.concentration, np.log(temperatures * self._rate), returns - self._zero
        is_held = bool(gains.mean() < self._threshold - self._zero)
        if not is_held:
            self.concentration = self._choose(logs, gains)
        after = self.concentration
        expected = self._zero + self._expected(after, before, logs, gains)
        return CurriculumUpdate(before, after, float(returns.mean()), expected, divergence(after, before), is_held)

    def _expected(self, new: float, old: float, logs: np.ndarray, gains: np.ndarray) -> float:
        """Returns the importance-weighted mean gain; logs are those of temperature times rate."""
        weights = np.exp((new - old) * logs - gammaln(new) + gammaln(old))
        return float((weights * gains).mean())

    def _choose(self, logs: np.ndarray, gains: np.ndarray) -> float:
        """Returns the concentration nearest to the target that both constraints allow."""
        old, far = self.concentration, self._reach()

        def surplus(new: float) -> float:
            return self._expected(new, old, logs, gains) - (self._threshold - self._zero)

        path = np.linspace(far, old, POINTS)
        surpluses = np.array([surplus(new) for new in path])
        first = int(np.argmax(surpluses >= 0))  # there is one: at the old concentration the weights are 1
        if first == 0:
            return far
        return float(brentq(surplus, path[first - 1], path[first], xtol=1e-9))

    def _reach(self) -> float:
        """Returns the concentration nearest to the target within the trust region."""
        old, target = self.concentration, self._target
        if divergence(target, old) <= self._trust_region:
            return target
        end = max(SMALLEST, target)
        return float(brentq(lambda new: divergence(new, old) - self._trust_region, end, old, xtol=1e-12))

    def get_state(self) -> dict[str, Any]:
        """Returns concentration, pairs and generator; JSON."""
        return {
            "concentration": self.concentration,
            "pairs": [list(pair) for pair in self._pairs],
            "generator": self._rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal curriculum returned."""
        self.concentration = float(state["concentration"])
        self._pairs = [(float(temperature), float(got)) for temperature, got in state["pairs"]]
        self._rng.bit_generator.state = state["generator"]
