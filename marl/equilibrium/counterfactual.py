"""Counterfactual regret minimisation over a flat game: CFR, CFR+ and discounted CFR, all information sets at once.

Zinkevich et al. 2007; Tammelin 2014; Brown and Sandholm 2019. Every information set matches its own regrets; players
take turns, and in iteration t, for the player whose turn it is,

    regrets R += q - v                      q the counterfactual worths of actions, v of information sets
    average  += w_t * reach                 before the update, so that the average is over what was played

    variant    after the update                                                w_t
    "cfr"      nothing                                                         1
    "cfr+"     R = max(R, 0)                                                   t
    "dcfr"     R > 0 times t^alpha / (t^alpha + 1), R < 0 times t^beta / (t^beta + 1)    t^gamma

In two-player zero-sum games the averages lead to an equilibrium; in others to no more than coarse correlated play.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from games.names import unknown_name
from marl.equilibrium.game_tree import FlatGame
from marl.equilibrium.record import Solution

VARIANTS = ("cfr", "cfr+", "dcfr")


class CounterfactualRegrets:
    """A run of CFR: regrets and averages of all players, which each iteration changes.

    Args:
        game: What is played.
        variant: "cfr", "cfr+" or "dcfr".
        alpha: Of "dcfr": how positive regrets last.
        beta: Of "dcfr": how negative regrets last.
        gamma: Of "dcfr": how fast the average forgets.

    Attributes:
        iteration: How many have been done.
    """

    def __init__(
        self,
        game: FlatGame,
        variant: Literal["cfr", "cfr+", "dcfr"] = "cfr+",
        alpha: float = 1.5,
        beta: float = 0.0,
        gamma: float = 2.0,
    ) -> None:
        if variant not in VARIANTS:
            raise unknown_name("variant", variant, VARIANTS)
        self.game, self.variant, self.iteration = game, variant, 0
        self._discounts = alpha, beta, gamma
        self._strategies = list(game.uniform())
        self._reaches = [tree.reach(s) for tree, s in zip(game.players, self._strategies, strict=True)]
        self._regrets = [np.zeros(tree.num_sequences) for tree in game.players]
        self._averages = [np.zeros(tree.num_sequences) for tree in game.players]

    def iterate(self, iterations: int = 1) -> None:
        """Plays a number of iterations."""
        for _ in range(iterations):
            self.iteration += 1
            weight = {"cfr": 1.0, "cfr+": float(self.iteration), "dcfr": float(self.iteration) ** self._discounts[2]}
            for player in range(len(self.game.players)):
                self._update(player, weight[self.variant])

    def _update(self, player: int, weight: float) -> None:
        tree, regrets = self.game.players[player], self._regrets[player]
        if not tree.levels:
            return
        self._averages[player] += weight * self._reaches[player]
        worths = self.game.worths(player, self._reaches)
        values = tree.back_up(worths, self._strategies[player])
        regrets[1:] += worths[1:] - values[tree.owners]
        if self.variant == "cfr+":
            np.maximum(regrets, 0, out=regrets)
        elif self.variant == "dcfr":
            alpha, beta, _ = self._discounts
            kept = [self.iteration**power / (self.iteration**power + 1) for power in (alpha, beta)]
            regrets *= np.where(regrets > 0, kept[0], kept[1])
        positive = regrets if self.variant == "cfr+" else np.maximum(regrets, 0)
        self._strategies[player] = tree.scaled(positive)
        self._reaches[player] = tree.reach(self._strategies[player])

    def current(self) -> tuple[np.ndarray, ...]:
        """Returns the behaviour strategies [S] that the next iteration begins with."""
        return tuple(strategy.copy() for strategy in self._strategies)

    def average(self) -> tuple[np.ndarray, ...]:
        """Returns the average behaviour strategies [S]; uniform before the first iteration."""
        return tuple(tree.scaled(sums) for tree, sums in zip(self.game.players, self._averages, strict=True))


def solve_counterfactual(
    game: FlatGame,
    variant: Literal["cfr", "cfr+", "dcfr"] = "cfr+",
    max_iterations: int = 10_000,
    tolerance: float = 1e-3,
    **discounts: Any,
) -> Solution:
    """Returns the average strategies of CFR.

    Args:
        game: From `game_tree.flatten`.
        variant: "cfr", "cfr+" or "dcfr".
        max_iterations: After which it gives up, at least 1.
        tolerance: Of the NashConv, in units of payoff; it is looked at ever more rarely.
        **discounts: alpha, beta and gamma of "dcfr".

    Returns:
        `profile` has for each player the behaviour strategy [S] over its sequences (`game.players[i].keys` and
        `.starts` say which is which; `game.to_policy` makes OpenSpiel's policy of it).
    """
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, got {max_iterations}")
    run = CounterfactualRegrets(game, variant, **discounts)
    look_at = 10
    while True:
        run.iterate(min(look_at, max_iterations) - run.iteration)
        profile = run.average()
        values, best = game.values(profile), game.best_values(profile)
        conv = float((best - values).sum())
        if conv <= tolerance or run.iteration >= max_iterations:
            break
        look_at += max(10, look_at // 5)
    regret = max(0.0, float((best - values).max()))
    parameters = {"variant": variant, "max_iterations": max_iterations, "tolerance": tolerance, **discounts}
    return Solution(variant.upper(), parameters, profile, values, regret, conv, run.iteration, conv <= tolerance)
