"""How Aloha's penalty of collisions rises in the course of a run, and how the reward for entropy falls beside it.

While a collision costs ten packets, whoever sends at random only loses, and the way from there to taking turns leads
through collisions. Without a penalty agents can first learn who sends when; then it rises, with the square of time, so
that the policy can follow. Runs are scored with the whole penalty at all times.
"""

from __future__ import annotations

EASED_UNTIL, WHOLE_FROM = 0.5, 0.8  # shares of a run: no penalty before, all of it after


def penalty_at(share: float, whole: float) -> float:
    """Returns the penalty of a collision.

    Args:
        share: Of the run that is behind, in [0, 1].
        whole: The world's own.
    """
    risen = (share - EASED_UNTIL) / (WHOLE_FROM - EASED_UNTIL)
    return whole * min(max(risen, 0.0), 1.0) ** 2


def falling_entropy(env_steps: int) -> list[list[float]]:
    """Returns the schedule of the entropy's coefficient for a run, as RLlib reads it: steps and values."""
    return [[0, 0.05], [EASED_UNTIL * env_steps, 0.02], [WHOLE_FROM * env_steps, 0.0]]
