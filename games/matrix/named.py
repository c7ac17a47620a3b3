"""The named games of the literature as data: payoffs, source, known equilibria.

Where a game has one action that helps the others, it is action 0: cooperate, stag, swerve. Payoffs that only have to
stand in some order have the numbers that the source prints.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Profile = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class NamedGame:
    """A normal-form game with a name.

    Attributes:
        name: What the id says after `matrix/`, without the version.
        description: One line for tables.
        actions: What the actions mean, in order; of player 0 and, where they differ, of each player.
        payoffs: [P, A_0, ..., A_{P-1}] of a round.
        source: Where the payoffs are printed.
        equilibria: Nash equilibria as a mixed strategy per player. Of two players with up to 3 actions each: all.
        payoff_dominant: The equilibrium in pure actions that is best for everybody, where there is one.
        risk_dominant: Of two equilibria in pure actions of a 2 x 2 game, the one with the larger product of losses
            from leaving it (Harsanyi and Selten 1988); None without such a choice.
        settings: Settings other than the payoffs.
    """

    name: str
    description: str
    actions: str
    payoffs: np.ndarray
    source: str
    equilibria: tuple[Profile, ...] = ()
    payoff_dominant: tuple[int, ...] | None = None
    risk_dominant: tuple[int, ...] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def from_bimatrix(row: Any, column: Any) -> np.ndarray:
    """Stacks the payoff matrices of a two-player game, [A_0, A_1] each, to [2, A_0, A_1]."""
    return np.stack([np.asarray(row, np.float64), np.asarray(column, np.float64)])


def symmetric(row: Any) -> np.ndarray:
    """Returns the game in which the column player has the row player's payoffs with the roles exchanged."""
    return from_bimatrix(row, np.transpose(row))


def common(payoffs: Any) -> np.ndarray:
    """Returns the two-player game in which both get the same, [A_0, A_1]."""
    return from_bimatrix(payoffs, payoffs)


def zero_sum(row: Any) -> np.ndarray:
    """Returns the two-player game in which one gets what the other loses, [A_0, A_1]."""
    return from_bimatrix(row, -np.asarray(row, np.float64))


def penalty_game(penalty: float = -100) -> np.ndarray:
    """Returns the penalty game: two good meeting points, and a loss for choosing different ones.

    Args:
        penalty: The loss k, at most 0.
    """
    return common([[10, 0, penalty], [0, 2, 0], [penalty, 0, 10]])


def public_goods(num_players: int = 4, contributions: Any = (0, 5, 10, 15, 20), return_rate: float = 0.4) -> np.ndarray:
    """Returns the linear public goods game: u_i = endowment - c_i + rate * sum_j c_j.

    Args:
        num_players: P.
        contributions: What the actions give, from small to large; the last is the endowment.
        return_rate: What each gets back for each unit given. Between 1 / P and 1, giving is good for all and bad for
            the giver.
    """
    given = np.meshgrid(*[np.asarray(contributions, np.float64)] * num_players, indexing="ij")
    return np.stack([contributions[-1] - own + return_rate * sum(given) for own in given])


def minimum_effort(
    num_players: int = 4, efforts: int = 7, gain: float = 0.2, cost: float = 0.1, base: float = 0.6
) -> np.ndarray:
    """Returns the weakest-link game: u_i = gain * min_j e_j - cost * e_i + base, efforts 1, 2, ....

    Args:
        num_players: P.
        efforts: Number of actions.
        gain: For each unit of the smallest effort.
        cost: For each unit of the own effort, below `gain`.
        base: What everybody gets.
    """
    effort = np.stack(np.meshgrid(*[np.arange(1.0, efforts + 1)] * num_players, indexing="ij"))
    return gain * effort.min(axis=0) - cost * effort + base


def travelers_dilemma(lowest: int = 2, highest: int = 100, bonus: float = 2) -> np.ndarray:
    """Returns the traveler's dilemma: both get the lower claim, the lower claimant a bonus that the other pays.

    Args:
        lowest: Action 0.
        highest: The last action.
        bonus: More than 1, or undercutting by 1 does not pay.
    """
    claims = np.arange(lowest, highest + 1.0)
    own, other = claims[:, None], claims[None, :]
    return symmetric(np.minimum(own, other) + bonus * np.sign(other - own))


def colonel_blotto(soldiers: int = 10, fields: int = 3) -> np.ndarray:
    """Returns Colonel Blotto: who has more soldiers on more fields wins 1.

    Args:
        soldiers: Of each player, all of them placed.
        fields: Battlefields. Actions are the placements in lexicographic order.
    """
    every = itertools.product(range(soldiers + 1), repeat=fields)
    placements = np.array([placed for placed in every if sum(placed) == soldiers])
    return zero_sum(np.sign(np.sign(placements[:, None] - placements[None]).sum(axis=2)))


def _pure(num_actions: int, *actions: int) -> Profile:
    return tuple(tuple(float(a == action) for a in range(num_actions)) for action in actions)


def _same(num_players: int, *strategy: float) -> Profile:
    return (strategy,) * num_players


# Temptation 5, reward 3, punishment 1, sucker 0: Axelrod 1984, The Evolution of Cooperation, figure 1.
PRISONERS_DILEMMA = symmetric([[3, 0], [5, 1]])
ROCK_PAPER_SCISSORS = zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])

NAMED_GAMES = (
    NamedGame(
        "prisoners_dilemma",
        "the iterated prisoner's dilemma, 150 rounds with memory of the last one",
        "cooperate, defect",
        PRISONERS_DILEMMA,
        "Axelrod 1984, figure 1: 5, 3, 1, 0",
        (_pure(2, 1, 1),),
        settings={"horizon": 150, "memory": 1},
    ),
    NamedGame(
        "rock_paper_scissors",
        "rock, paper, scissors, once",
        "rock, paper, scissors",
        ROCK_PAPER_SCISSORS,
        "folklore: 1, 0, -1",
        (_same(2, 1 / 3, 1 / 3, 1 / 3),),
    ),
    NamedGame(
        "stag_hunt",
        "the stag needs both, the hare is sure: the trust dilemma",
        "stag, hare",
        symmetric([[4, 0], [3, 3]]),
        "story: Rousseau 1755; 4, 0, 3, 3: Skyrms 2004",
        (_pure(2, 0, 0), _pure(2, 1, 1), _same(2, 3 / 4, 1 / 4)),
        payoff_dominant=(0, 0),
        risk_dominant=(1, 1),
    ),
    NamedGame(
        "chicken",
        "who swerves loses face, if nobody does both crash",
        "swerve, dare",
        symmetric([[6, 2], [7, 0]]),
        "Aumann 1974: 7, 6, 2, 0",
        (_pure(2, 0, 1), _pure(2, 1, 0), _same(2, 2 / 3, 1 / 3)),
    ),
    NamedGame(
        "battle_of_the_sexes",
        "together rather than apart, but each likes one place better",
        "Bach, Stravinsky",
        from_bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]]),
        "Luce and Raiffa 1957; 3, 2, 0 as in OpenSpiel's matrix_bos",
        (_pure(2, 0, 0), _pure(2, 1, 1), ((3 / 5, 2 / 5), (2 / 5, 3 / 5))),
    ),
    NamedGame(
        "matching_pennies",
        "one wants to match, the other not to",
        "heads, tails",
        zero_sum([[1, -1], [-1, 1]]),
        "von Neumann and Morgenstern 1944",
        (_same(2, 1 / 2, 1 / 2),),
    ),
    NamedGame(
        "asymmetric_pennies",
        "matching pennies with a better side; value 1/5",
        "heads, tails",
        zero_sum([[2, -1], [-1, 1]]),
        "worked by hand in the README",
        (_same(2, 2 / 5, 3 / 5),),
    ),
    NamedGame(
        "biased_rock_paper_scissors",
        "rock, paper, scissors with unequal stakes",
        "rock, paper, scissors",
        zero_sum([[0, -25, 50], [25, 0, -5], [-50, 5, 0]]),
        "Lanctot et al. 2019 (OpenSpiel), matrix_brps",
        (_same(2, 1 / 16, 5 / 8, 5 / 16),),
    ),
    NamedGame(
        "coordination",
        "two meeting places, equally good",
        "left, right",
        common([[1, 0], [0, 1]]),
        "Schelling 1960: 1 for meeting",
        (_pure(2, 0, 0), _pure(2, 1, 1), _same(2, 1 / 2, 1 / 2)),
    ),
    NamedGame(
        "penalty",
        "two good meeting points, and 100 lost between them",
        "a, b, c",
        penalty_game(),
        "Claus and Boutilier 1998, the penalty game, k = -100",
        (
            *(_pure(3, action, action) for action in range(3)),
            *(_same(2, 1 / 6, 5 / 6, 0.0), _same(2, 0.0, 5 / 6, 1 / 6)),
        ),
    ),
    NamedGame(
        "climbing",
        "the best profile stands beside the worst",
        "a, b, c",
        common([[11, -30, 0], [-30, 7, 6], [0, 0, 5]]),
        "Claus and Boutilier 1998, the climbing game",
        (_pure(3, 0, 0), _pure(3, 1, 1), _same(2, 5 / 16, 0.0, 11 / 16)),
        payoff_dominant=(0, 0),
    ),
    NamedGame(
        "shapley",
        "fictitious play goes round and never settles",
        "a, b, c",
        from_bimatrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        "Shapley 1964",
        (_same(2, 1 / 3, 1 / 3, 1 / 3),),
    ),
    NamedGame(
        "inspection",
        "work or shirk; inspect or trust",
        "work, shirk; trust, inspect",
        from_bimatrix([[2, 2], [4, 0]], [[2, 1], [-4, -1]]),
        "Fudenberg and Tirole 1991, example 1.7, wage 4, effort 2, inspection 1, output 6",
        (((3 / 4, 1 / 4), (1 / 2, 1 / 2)),),
    ),
    NamedGame(
        "travelers_dilemma",
        "claims from 2 to 100, a bonus of 2 for the lower one",
        "2, 3, ..., 100",
        travelers_dilemma(),
        "Basu 1994",
        (_pure(99, 0, 0),),
    ),
    NamedGame(
        "colonel_blotto",
        "10 soldiers on 3 battlefields",
        "placements in lexicographic order",
        colonel_blotto(),
        "Borel 1921; as OpenSpiel's blotto",
    ),
    NamedGame(
        "public_goods",
        "4 players give 0 to 20, 10 rounds with memory of the last one",
        "0, 5, 10, 15, 20",
        public_goods(),
        "Fehr and Gächter 2000: 20 tokens, return 0.4; contributions in steps of 5 here",
        (_pure(5, 0, 0, 0, 0),),
        settings={"horizon": 10, "memory": 1},
    ),
    NamedGame(
        "minimum_effort",
        "4 players, and the weakest link counts",
        "effort 1, ..., 7",
        minimum_effort(),
        "Van Huyck, Battalio and Beil 1990, game A: 0.2, 0.1, 0.6",
        tuple(_pure(7, effort, effort, effort, effort) for effort in range(7)),
        payoff_dominant=(6, 6, 6, 6),
    ),
)
