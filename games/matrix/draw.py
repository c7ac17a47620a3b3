"""Pictures of a repeated normal-form game: the payoff table, with the last joint action marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from games.matrix import MatrixConfig

# All lengths in pixels. Even, so that every frame is even.
WIDTH = 480
HEADER = 56
MARGIN = 24
LABEL = 40
# Cells shrink with the size of the table, to fractions of a pixel if need be; text needs MIN_TEXT_CELL.
MAX_CELL, MIN_TEXT_CELL = 96, 52

PAPER, INK, FAINT, LINE = (250, 249, 246), (38, 40, 46), (128, 130, 138), (205, 203, 197)
MARK, MARK_EDGE = (255, 224, 130), (214, 150, 20)
LOSS, GAIN = np.array([244, 222, 220]), np.array([219, 238, 222])
ROW_PLAYER, COLUMN_PLAYER = (35, 92, 168), (186, 70, 40)


def draw(fields: dict[str, Any], config: MatrixConfig) -> np.ndarray:
    """Draws the game between two rounds.

    Rows are the actions of player 0, columns those of player 1. With more players the table is the slice at the last
    actions of the others (their first actions before round 1); with one player it has one column.

    Args:
        fields: `round` and `last_actions` [rounds, P], the latest first, -1 before the first round.
        config: The game.

    Returns:
        [H, W, 3] uint8, of one size for all states of a config.
    """
    payoffs = config.payoff_array()
    last = np.asarray(fields["last_actions"])[0]
    table = _slice(payoffs, last)
    cell = _cell_size(*table.shape[1:])
    height = HEADER + LABEL + round(cell * table.shape[1]) + MARGIN
    image = Image.new("RGB", (WIDTH, height + height % 2), PAPER)
    pen = ImageDraw.Draw(image)
    _draw_header(pen, fields["round"], config.horizon, payoffs, last)
    _draw_table(pen, table, last, cell)
    return np.asarray(image)


def _slice(payoffs: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Returns the payoffs [P, A_0, A_1] of the first two players' actions."""
    if len(last) == 1:
        return payoffs[:, :, None]
    return _take_last_axes(payoffs, np.maximum(last[2:], 0))


def _take_last_axes(payoffs: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Returns the payoffs where the last players choose these actions."""
    for action in actions[::-1]:
        payoffs = payoffs[..., int(action)]
    return payoffs


def _cell_size(rows: int, columns: int) -> float:
    """Returns the side of a cell: as large as the width allows, up to a limit."""
    return min(MAX_CELL, (WIDTH - 2 * (LABEL + MARGIN)) / max(rows, columns))


def _draw_header(pen: ImageDraw.ImageDraw, round: int, horizon: int, payoffs: np.ndarray, last: np.ndarray) -> None:
    pen.text((MARGIN, 12), f"round {round} of {horizon}", INK, ImageFont.load_default(18))
    if round == 0:
        return
    rewards = _take_last_axes(payoffs, last)
    text = "  ".join(f"{i}: {_number(reward)}" for i, reward in enumerate(rewards))
    pen.text((WIDTH - MARGIN, 15), f"last rewards   {text}", FAINT, ImageFont.load_default(13), anchor="ra")


def _draw_table(pen: ImageDraw.ImageDraw, table: np.ndarray, last: np.ndarray, cell: float) -> None:
    _, rows, columns = table.shape
    left, top = (WIDTH - cell * columns) / 2, HEADER + LABEL
    marked = (int(last[0]), int(last[1]) if len(last) > 1 else 0)
    for row in range(rows):
        for column in range(columns):
            box = (left + column * cell, top + row * cell, left + (column + 1) * cell, top + (row + 1) * cell)
            _draw_cell(pen, box, table[:, row, column], _shade(table, row, column))
    if marked[0] >= 0:
        x, y = left + marked[1] * cell, top + marked[0] * cell
        box = (x, y, x + cell, y + cell)
        _draw_cell(pen, box, table[:, marked[0], marked[1]], MARK)
        pen.rectangle(box, outline=MARK_EDGE, width=min(4, max(1, int(cell // 4))))
    if cell >= MIN_TEXT_CELL:
        _draw_labels(pen, left, rows, columns if len(last) > 1 else 0, cell)


def _draw_labels(pen: ImageDraw.ImageDraw, left: float, rows: int, columns: int, cell: float) -> None:
    font, top = ImageFont.load_default(15), HEADER + LABEL
    for row in range(rows):
        pen.text((left - 12, top + (row + 0.5) * cell), str(row), ROW_PLAYER, font, anchor="rm")
    for column in range(columns):
        pen.text((left + (column + 0.5) * cell, top - 10), str(column), COLUMN_PLAYER, font, anchor="mb")


def _draw_cell(
    pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], payoffs: np.ndarray, fill: tuple[int, int, int]
) -> None:
    left, top, right, bottom = box
    size = right - left
    pen.rectangle(box, fill=fill, outline=LINE if size >= 8 else None)
    if size < MIN_TEXT_CELL:
        return
    font = ImageFont.load_default(max(12, min(18, size / 5)))
    if len(payoffs) == 1:
        pen.text(((left + right) / 2, (top + bottom) / 2), _number(payoffs[0]), ROW_PLAYER, font, anchor="mm")
        return
    # The usual bimatrix cell: the row player's payoff below left, the column player's above right.
    pen.text((left + 8, bottom - 8), _number(payoffs[0]), ROW_PLAYER, font, anchor="lb")
    pen.text((right - 8, top + 8), _number(payoffs[1]), COLUMN_PLAYER, font, anchor="rt")


def _shade(table: np.ndarray, row: int, column: int) -> tuple[int, int, int]:
    """Returns a tint from the smallest to the largest payoff of player 0 in the table."""
    low, high = table[0].min(), table[0].max()
    share = 0.5 if high == low else (table[0, row, column] - low) / (high - low)
    red, green, blue = (LOSS + share * (GAIN - LOSS)).astype(int)
    return int(red), int(green), int(blue)


def _number(value: float) -> str:
    return f"{value:.4g}"
