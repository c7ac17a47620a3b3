"""Rewards with which an ordinary learner becomes averse to the variance of its returns.

After Slumbers et al. 2023, by our own specification (the paper's oracle objective is not public). Opponents b are drawn
once an episode from the meta-strategy q; u_b is what the learner gets from b on average, U = sum_b q_b u_b. The
learner maximises U - gamma V, where the kinds differ in the variance V that they mean:

    "opponents"  V = sum_b q_b (u_b - U)^2, between opponents: the variance of the risk-averse equilibrium
                 (marl/equilibrium/risk.py). Its gradient is that of U with every episode's rewards times
                     w_b = 1 - 2 gamma (u_b - U),
                 with running means for u_b.
    "paired"     The same V without running means of u_b: the weight takes the return of the env's last episode against
                 the same opponent, which is independent of this one. Unbiased, and noisier.
    "total"      V = Var(G) over everything: a last reward of -gamma (G - y)^2, y the running mean of G. Of a mixed
                 strategy this counts one's own draw too, and equilibria may not exist.
    "steps"      V = Var(R) of single rewards: r - gamma r^2 + 2 gamma y r, y the running mean of r (the form of
                 mean-variance policy iteration, Zhang et al. 2021).

A weight may be negative: against an opponent who pays far above the mean, less is better. `clip` changes the objective.

A bonus for diversity (diversity.py) is a weight of the same kind. Opponents are then drawn more widely, with p_b, and
with the bonus's slope D_b the weight is (q_b (1 - 2 gamma (u_b - U)) + tau D_b) / p_b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from marl.psro.diversity import Diversity

Kind = Literal["opponents", "paired", "total", "steps"]


@dataclass(frozen=True)
class RiskAversion:
    """What a learner is averse to, and how much.

    Attributes:
        gamma: Weight of the variance, in 1 / units of return; at least 0.
        kind: Which variance; the module's docstring has them.
        memory: Episodes that a running mean reaches back.
        clip: Weights are kept within [-clip, clip]; infinite: as they are.

    Raises:
        ValueError: Out of range.
    """

    gamma: float
    kind: Kind = "opponents"
    memory: int = 1000
    clip: float = np.inf

    def __post_init__(self) -> None:
        """Checks the ranges."""
        if not (self.gamma >= 0 and np.isfinite(self.gamma)) or self.memory < 1 or not self.clip > 0:
            raise ValueError(f"gamma must be at least 0, memory at least 1 and clip above 0, got {self}")
        if self.kind not in ("opponents", "paired", "total", "steps"):
            raise ValueError(f"kind must be 'opponents', 'paired', 'total' or 'steps', got {self.kind!r}")

    @property
    def label(self) -> str:
        """What every result of it is labelled with."""
        return f"gamma={self.gamma:g}, variance: {self.kind}"


class RunningMean:
    """Means of streams, over all of a stream at first and over about `memory` of its latest values later.

    Args:
        size: Streams.
        memory: Values.
    """

    def __init__(self, size: int, memory: int) -> None:
        self.counts, self.values, self._memory = np.zeros(size, np.int64), np.zeros(size), memory

    def add(self, stream: int, value: float) -> None:
        """Adds a value to a stream."""
        self.counts[stream] += 1
        self.values[stream] += (value - self.values[stream]) / min(self.counts[stream], self._memory)


class RiskAverseRewards:
    """Changes the rewards of one learner, fragment by fragment.

    Args:
        risk: What it is averse to.
        probabilities: [B] q of the opponents: how often it means to meet each.
        diversity: What it is rewarded for beside its payoff; only with the kind "opponents".
        drawn: [B] p: how often it does meet each, above 0; None: as it means to.

    Raises:
        ValueError: Diversity with a variance of another kind.
    """

    def __init__(
        self,
        risk: RiskAversion,
        probabilities: Sequence[float] | np.ndarray,
        diversity: Diversity | None = None,
        drawn: np.ndarray | None = None,
    ) -> None:
        if diversity is not None and risk.kind != "opponents":
            raise ValueError(f"diversity goes with the variance between opponents, got {risk.kind!r}")
        self._risk, self._probabilities = risk, np.asarray(probabilities, np.float64)
        self._diversity, self._drawn = diversity, self._probabilities if drawn is None else drawn
        size = len(self._probabilities)
        self._of_opponent = RunningMean(size, risk.memory)
        self._of_all, self._of_steps = RunningMean(1, risk.memory), RunningMean(1, risk.memory)
        self._so_far = np.zeros(0)  # [E] of the running episodes
        self._last = np.zeros((0, size))  # [E, B] return of the last episode against each opponent

    def means(self) -> np.ndarray:
        """Returns [B] the mean return against each opponent so far; NaN where there was no episode."""
        return np.where(self._of_opponent.counts > 0, self._of_opponent.values, np.nan)

    def weights(self) -> np.ndarray:
        """Returns [B] the factors of rewards by the running means; opponents not met yet are worth what others got."""
        weight = self._probabilities * (self._of_opponent.counts > 0)
        mean = weight @ self._of_opponent.values / max(weight.sum(), 1e-300)
        averse = self._weigh(self.means(), mean)
        if self._diversity is None:
            return averse
        expected = np.where(self._of_opponent.counts > 0, self._of_opponent.values, self._diversity.rows.mean(axis=0))
        return self._diversity.slope(self._probabilities * averse, expected) / self._drawn

    def _weigh(self, returns: np.ndarray, mean: float) -> np.ndarray:
        factors = 1 - 2 * self._risk.gamma * (returns - mean)
        return np.where(np.isnan(returns), 1.0, np.clip(factors, -self._risk.clip, self._risk.clip))

    def change(self, rewards: np.ndarray, ended: np.ndarray, opponents: np.ndarray) -> np.ndarray:
        """Returns the rewards that the learner is to see, [T, E].

        Args:
            rewards: [T, E] of the world.
            ended: [T, E] bool; whether an episode ended with this step.
            opponents: [T, E] whom it was played against.
        """
        if len(self._so_far) != rewards.shape[1]:
            self._so_far = np.zeros(rewards.shape[1])
            self._last = np.full((rewards.shape[1], len(self._probabilities)), np.nan)
        raw = rewards.astype(np.float64)
        changed, gamma = raw.copy(), self._risk.gamma
        if self._risk.kind == "opponents":
            changed *= self.weights()[opponents]
        elif self._risk.kind == "steps":
            changed += gamma * raw * (2 * self._of_steps.values[0] - raw)
            self._of_steps.add(0, float(raw.mean()))
        envs = np.arange(raw.shape[1])
        for t in range(len(raw)):
            if self._risk.kind == "paired":
                changed[t] *= self._weigh(self._last[envs, opponents[t]], self._of_all.values[0])
            self._so_far += raw[t]
            for env in np.flatnonzero(ended[t]).tolist():
                changed[t, env] += self._last_reward(float(self._so_far[env]))
                self._note(env, int(opponents[t, env]), float(self._so_far[env]))
        return changed.astype(rewards.dtype)

    def _last_reward(self, total: float) -> float:
        if self._risk.kind != "total":
            return 0.0
        return -self._risk.gamma * (total - float(self._of_all.values[0])) ** 2

    def _note(self, env: int, opponent: int, total: float) -> None:
        self._of_opponent.add(opponent, total)
        self._of_all.add(0, total)
        self._last[env, opponent] = total
        self._so_far[env] = 0.0


class RiskCallback:
    """`on_sample_end` of a batched runner: gives the learner its rewards, and says how it fares against whom.

    Args:
        rewards: What changes them; its opponents are all joint draws, flattened.
        learner: Its agent.
        opponents: Policies that are mixtures with a log (`agents.mixture.MixturePlayer`), which together say what was
            drawn.
        shape: How many draws each of them may note.
    """

    def __init__(
        self, rewards: RiskAverseRewards, learner: str, opponents: Sequence[str], shape: tuple[int, ...]
    ) -> None:
        self.rewards, self._learner, self._opponents, self._shape = rewards, learner, tuple(opponents), shape

    def __call__(self, *, env_runner: Any, metrics_logger: Any, samples: Sequence[Any], **kwargs: Any) -> None:
        """Changes the rewards in the fragments.

        Raises:
            ValueError: More than one fragment, which only evaluation asks for.
        """
        (fragment,) = samples
        logs = [env_runner.module[policy].player.take_log() for policy in self._opponents]
        opponents = np.ravel_multi_index(tuple(logs), self._shape)
        for group in fragment.groups.values():
            if self._learner in group.agents:
                column = group.agents.index(self._learner)
                group.rewards[..., column] = self.rewards.change(group.rewards[..., column], fragment.ended, opponents)
