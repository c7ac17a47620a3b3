"""From an approximate equilibrium to an exact one: Newton on the support's equations, supports changed by pivots.

On the support of an equilibrium, gradients are equal to a multiplier and probabilities sum to 1:

    g_ia(x) = mu_i for a in the support,   sum_a z_ia = 1.

Newton's method solves these for one support. Where a probability comes out negative its action leaves; where an action
outside is better than the multiplier, it enters; until nothing is left to change.
"""

from __future__ import annotations

import numpy as np

from marl.equilibrium.homotopy import FlooredGame

MAX_PIVOTS, MAX_NEWTON_STEPS = 40, 20
# What counts as a negative probability, and as a better action, for utilities of unit size.
NEGATIVE, BETTER = 1e-12, 1e-11
LONGEST_STEP = 1e4  # in any probability or multiplier; longer ones come of singular systems
SINGULAR = 1e-10  # singular values below this share of the largest count as 0
CONSISTENT = 1e-10  # how nearly the shortest step has to solve a singular system


def polish(game: FlooredGame, free: np.ndarray, least: float) -> np.ndarray | None:
    """Returns [N] the free probabilities of an equilibrium near a guess; None where pivots go round or Newton diverges.

    Args:
        game: With utilities of about unit size.
        free: [N] the guess.
        least: Actions with a smaller free probability stay outside the first support.
    """
    active = free > least
    seen: set[bytes] = set()
    while len(seen) < MAX_PIVOTS and active.tobytes() not in seen:
        seen.add(active.tobytes())
        solved = _solve_support(game, np.where(active, np.maximum(free, 0), 0), active)
        if solved is None:
            return None
        free, slack = solved
        if free.min() < -NEGATIVE:
            active[free.argmin()] = False
            if not (active @ game.membership > 0).all():
                return None
        elif slack.max() > BETTER:
            active[slack.argmax()] = True
        else:
            return np.maximum(free, 0)
    return None


def _newton_step(system: np.ndarray, residual: np.ndarray) -> np.ndarray | None:
    """Returns the step that solves a linear system; the shortest one where many do, as with actions that are alike.

    None where there is no such step.
    """
    try:
        step = np.linalg.solve(system, -residual)
    except np.linalg.LinAlgError:
        step = np.full(len(residual), np.inf)
    if np.abs(step).max() < LONGEST_STEP:
        return step
    # Singular, or so nearly that rounding hides it.
    step = np.linalg.lstsq(system, -residual, rcond=SINGULAR)[0]
    return step if np.abs(system @ step + residual).max() < CONSISTENT else None


def _solve_support(game: FlooredGame, free: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns z [N] that solves one support's equations, and how much better each action outside would be [N]."""
    support, players = np.flatnonzero(active), len(game.counts)
    members = game.membership[support]
    totals = free @ game.membership
    if not (totals > 0).all():
        return None
    free = free / totals[game.owner]
    system = np.zeros((len(support) + players,) * 2)
    system[: len(support), len(support) :] = -members
    system[len(support) :, : len(support)] = members.T
    for _ in range(MAX_NEWTON_STEPS):
        system[: len(support), : len(support)] = game.jacobian(free)[np.ix_(support, support)]
        residual = np.r_[game.gradients(free)[support], members.T @ free[support] - 1]
        step = _newton_step(system, residual)
        if step is None:
            return None
        free[support] += step[: len(support)]
        if not np.abs(free).max() < 10:
            return None
        moved = np.abs(step[: len(support)]).max()
        if moved < 1e-13:
            break
    if step is None or moved > 1e-9:
        return None
    slack = game.gradients(free) - step[len(support) :][game.owner]
    slack[active] = -np.inf
    return free, slack
