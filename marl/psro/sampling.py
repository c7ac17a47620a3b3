"""How many episodes a cell of a payoff table gets: more where it matters to the meta-strategy, and where it is noisy.

A cell matters as far as somebody meets it: by the meta-strategy itself, or by one player's deviation from it. What one
unit of episodes takes off the summed variance of those values is largest where relevance times standard deviation over
the episodes so far is largest (Neyman 1934); episodes are dealt out until that is even.

    symbol   variable      shape
    s_i      strategies    [K_i]
    w(c)     relevance     [K_1, ..., K_n] = max_i prod_{j != i} s_j(c_j)
    sd(c)    deviations    [K_1, ..., K_n] of single episodes' returns, of the player who varies most
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marl.psro.payoff_table import PayoffTable


def relevance(strategies: Sequence[np.ndarray]) -> np.ndarray:
    """Returns w(c): how often a cell is met by the strategies, or by some player's deviation from them."""
    n = len(strategies)
    met = []
    for player in range(n):
        others = [np.ones_like(s) if i == player else s for i, s in enumerate(strategies)]
        met.append(np.prod(np.meshgrid(*others, indexing="ij"), axis=0) if n > 1 else others[0])
    return np.max(met, axis=0)


def deal_out(
    table: PayoffTable,
    episodes: int,
    *,
    least: int,
    strategies: Sequence[np.ndarray] | None = None,
    numbers: Sequence[Sequence[int]] | None = None,
) -> np.ndarray:
    """Returns how many further episodes each cell gets, [K_1, ..., K_n] int64.

    Args:
        table: What is known.
        episodes: To deal out, beyond what `least` takes.
        least: Every cell has at least so many episodes afterwards, however many that takes.
        strategies: The meta-strategy, [K_i] each; None: every cell matters as much.
        numbers: Policies of each player that are played; cells of others get nothing. None: all.

    Raises:
        ValueError: Strategies of other sizes than the table's.
    """
    played = np.ones(table.sizes, bool)
    if numbers is not None:
        played[...] = False
        played[np.ix_(*numbers)] = True
    missing = np.where(played, np.maximum(least - table.counts, 0), 0)
    weights = np.ones(table.sizes) if strategies is None else relevance(strategies)
    if weights.shape != table.sizes:
        raise ValueError(f"strategies for {weights.shape} policies, and a table of {table.sizes}")
    # Where one episode or none was seen, the spread is taken to be the largest that was seen elsewhere.
    variances = table.variances().max(axis=0)
    known = np.isfinite(variances)
    deviations = np.sqrt(np.where(known, variances, variances[known].max() if known.any() else 1.0))
    value = weights * deviations * played
    if not value.any():
        return missing.astype(np.int64)
    return (missing + _fill(table.counts + missing, value, episodes)).astype(np.int64)


def _fill(counts: np.ndarray, value: np.ndarray, episodes: int) -> np.ndarray:
    """Raises counts towards proportionality to `value`, lowest first, with `episodes` in all; whole numbers."""
    flat_counts, flat_value = counts.ravel().astype(float), value.ravel()
    level = _water_level(flat_counts, flat_value, episodes)
    wanted = np.maximum(level * flat_value - flat_counts, 0)
    whole = np.floor(wanted)
    rest = int(episodes - whole.sum())
    if rest > 0:  # to the largest remainders
        whole[np.argsort(wanted - whole, kind="stable")[::-1][:rest]] += 1
    return whole.reshape(counts.shape)


def _water_level(counts: np.ndarray, value: np.ndarray, episodes: int) -> float:
    """Returns the level L with sum(max(L * value - counts, 0)) = episodes."""
    used = np.flatnonzero(value)
    order = used[np.argsort(counts[used] / value[used])]
    # Raising only the k lowest to a level takes no more than raising all of them: the least of the levels is the one.
    return float(((episodes + np.cumsum(counts[order])) / np.cumsum(value[order])).min())
