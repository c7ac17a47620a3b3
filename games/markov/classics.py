"""Markov games of the literature, built from their rules."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from games.markov.game import MarkovGame, Outcome, from_rules

Cell = tuple[int, int]  # row from the top, column from the left

NORTH, SOUTH, EAST, WEST = (-1, 0), (1, 0), (0, 1), (0, -1)


def two_step() -> MarkovGame:
    """Returns the two-step game of Rashid et al. 2018 (QMIX, section 6): the common reward comes in the second step.

    Player 0's first action chooses the second state: 2A, where everything pays 7, or 2B, which pays 0 1 / 1 8.
    """

    def play(state: str, actions: tuple[int, ...]) -> Iterator[Outcome]:
        if state == "1":
            yield ("2A", "2B")[actions[0]], 1.0, (0, 0)
        else:
            paid = 7 if state == "2A" else ((0, 1), (1, 8))[actions[0]][actions[1]]
            yield "end", 1.0, (paid, paid)

    return from_rules({"1": 1.0}, (2, 2), play, lambda state: state == "end")


def absorbing(discount: float = 0.75) -> MarkovGame:
    """Returns a zero-sum game of one state in which one joint action of four goes on.

    Row payoffs go-on 1 / 1 0. With a discount g, the value solves v = 1 / (2 - g v), so v = (1 - sqrt(1 - g)) / g: 2/3
    at g = 3/4, where the row player goes on with probability 2/3.

    Args:
        discount: g, the probability of going on; the discount itself is then 1.
    """

    def play(state: str, actions: tuple[int, ...]) -> Iterator[Outcome]:
        if actions == (0, 0):
            yield "play", discount, (0, 0)
            yield "end", 1 - discount, (0, 0)
        else:
            paid = int(sum(actions) == 1)
            yield "end", 1.0, (paid, -paid)

    return from_rules({"play": 1.0}, (2, 2), play, lambda state: state == "end")


@functools.cache
def soccer(rows: int = 4, columns: int = 5) -> MarkovGame:
    """Returns the soccer of Littman 1994: two players on a grid, one ball, moves in random order.

    Actions: north, south, east, west, stand. The two moves are carried out one after the other, in either order with
    probability 1/2. A move into the other's cell does not happen and gives the ball to the other. With the ball, player
    0 scores by moving west off the board from a middle row, player 1 by moving east; a goal is worth 1 and ends the
    episode (in the paper the board is set up again). Other moves off the board do nothing, so there are no own goals.
    Player 0 begins one column east of the middle in the lower middle row, player 1 one column west of it in the upper
    one, and the ball is with either.

    Args:
        rows: Of the board; the goals are as high as its one or two middle rows.
        columns: Of the board, at least 2.
    """
    goal_rows = {(rows - 1) // 2, rows // 2}
    moves = (NORTH, SOUTH, EAST, WEST, (0, 0))

    def move_one(state: tuple[Cell, Cell, int], player: int, action: int) -> tuple[Cell, Cell, int] | str:
        cells, ball = [state[0], state[1]], state[2]
        row, column = cells[player][0] + moves[action][0], cells[player][1] + moves[action][1]
        if ball == player and row in goal_rows and column == (-1, columns)[player]:
            return f"goal of {player}"
        if not (0 <= row < rows and 0 <= column < columns):
            return state
        if (row, column) == cells[1 - player]:
            return cells[0], cells[1], 1 - player
        cells[player] = (row, column)
        return cells[0], cells[1], ball

    def play(state: tuple[Cell, Cell, int], actions: tuple[int, ...]) -> Iterator[Outcome]:
        ends = []
        for first in (0, 1):
            after = move_one(state, first, actions[first])
            ends.append(after if isinstance(after, str) else move_one(after, 1 - first, actions[1 - first]))
        for end in dict.fromkeys(ends):
            paid = {"goal of 0": 1, "goal of 1": -1}.get(end, 0) if isinstance(end, str) else 0
            yield end, ends.count(end) / 2, (paid, -paid)

    upper, left = (rows - 1) // 2, max(columns // 2 - 1, 0)
    cells = (rows - 1 - upper, columns - 1 - left), (upper, left)
    first = {(*cells, ball): 0.5 for ball in (0, 1)}
    return from_rules(first, (5, 5), play, lambda state: isinstance(state, str))


@functools.cache
def grid_game(number: int) -> MarkovGame:
    """Returns grid game 1 or 2 of Hu and Wellman 2003: two players walk to their goals on 3 x 3 cells.

    Actions: up, down, right, left; a move off the board leaves the player where it is. Two players who would stand in
    one cell, or change places, stay where they were and lose 1 each; a shared goal holds both. Who reaches its goal
    gets 100, and the episode is over. Player 0 begins in the lower left cell, player 1 in the lower right one.
    Game 1: the goals are the opposite upper corners. Game 2: both have the upper middle cell as goal, and a barrier
    above each first cell lets a move up through with probability 1/2.

    Args:
        number: 1 or 2.
    """
    goals = ((0, 2), (0, 0)) if number == 1 else ((0, 1), (0, 1))
    starts = ((2, 0), (2, 2))
    moves = (NORTH, SOUTH, EAST, WEST)

    def targets(cell: Cell, start: Cell, action: int) -> list[tuple[Cell, float]]:
        to = (cell[0] + moves[action][0], cell[1] + moves[action][1])
        if not (0 <= to[0] < 3 and 0 <= to[1] < 3):
            return [(cell, 1.0)]
        if number == 2 and cell == start and moves[action] == NORTH:
            return [(to, 0.5), (cell, 0.5)]
        return [(to, 1.0)]

    def play(state: tuple[Cell, Cell], actions: tuple[int, ...]) -> Iterator[Outcome]:
        for one, share in targets(state[0], starts[0], actions[0]):
            for other, other_share in targets(state[1], starts[1], actions[1]):
                meet = one == other and not one == goals[0] == goals[1]
                if meet or (one, other) == (state[1], state[0]):
                    yield state, share * other_share, (-1, -1)
                else:
                    paid = (100 * (one == goals[0]), 100 * (other == goals[1]))
                    yield (one, other), share * other_share, paid

    def is_over(state: tuple[Cell, Cell]) -> bool:
        return state[0] == goals[0] or state[1] == goals[1]

    return from_rules({starts: 1.0}, (4, 4), play, is_over)
