"""Boards of the classics that are played on one: soccer and the grid games."""

from __future__ import annotations

import re

from PIL import ImageDraw, ImageFont

Cell = tuple[int, int]
Color = tuple[int, int, int]

GRASS, LINE, INK, BARRIER = (233, 241, 228), (196, 205, 190), (38, 40, 46), (120, 84, 60)
PLAYERS: tuple[Color, Color] = ((35, 92, 168), (186, 70, 40))
GOALS: tuple[Color, Color] = ((204, 220, 242), (244, 214, 204))
BOTH: Color = (226, 214, 236)
BALL, BALL_EDGE = (255, 255, 255), (38, 40, 46)

# Rows, columns, and cells of the goals of player 0 and of player 1; those of soccer lie beside the board.
SIZES: dict[str, tuple[int, int]] = {"soccer": (4, 5), "grid_game_1": (3, 3), "grid_game_2": (3, 3)}
TARGETS: dict[str, tuple[list[Cell], list[Cell]]] = {
    "soccer": ([(1, -1), (2, -1)], [(1, 5), (2, 5)]),
    "grid_game_1": ([(0, 2)], [(0, 0)]),
    "grid_game_2": ([(0, 1)], [(0, 1)]),
}
BARRIERS: dict[str, list[Cell]] = {"grid_game_2": [(2, 0), (2, 2)]}  # above these cells


class _Board:
    """Where cells lie in the picture.

    Args:
        game: A key of SIZES.
        box: Left, top, right and bottom of the room for it, in pixels.
    """

    def __init__(self, game: str, box: tuple[int, int, int, int]) -> None:
        rows, columns = SIZES[game]
        self.cell = min((box[2] - box[0]) // (columns + 2), (box[3] - box[1]) // (rows + 1))
        self.left = (box[0] + box[2] - self.cell * columns) // 2
        self.top = (box[1] + box[3] - self.cell * rows) // 2

    def square(self, cell: Cell) -> tuple[int, int, int, int]:
        """Returns the corners of a cell."""
        x, y = self.left + cell[1] * self.cell, self.top + cell[0] * self.cell
        return x, y, x + self.cell, y + self.cell

    def middle(self, cell: Cell, shift: float = 0) -> tuple[float, float]:
        """Returns the middle of a cell, moved to the right by a share of it."""
        x, y, _, _ = self.square(cell)
        return x + self.cell * (0.5 + shift), y + self.cell * 0.5


def draw_board(pen: ImageDraw.ImageDraw, game: str, state: str, last: str, box: tuple[int, int, int, int]) -> None:
    """Draws who stands where, and who has the ball.

    Args:
        pen: Of the picture.
        game: A key of SIZES.
        state: Name of the state.
        last: Name of the state before, which shows where the players stood when the state is only a goal.
        box: Left, top, right and bottom of the room for it, in pixels.
    """
    board = _Board(game, box)
    for row in range(SIZES[game][0]):
        for column in range(SIZES[game][1]):
            pen.rectangle(board.square((row, column)), fill=GRASS, outline=LINE)
    for color, cells in zip(GOALS, TARGETS[game], strict=True):
        for cell in cells:
            pen.rectangle(
                board.square(cell), fill=BOTH if TARGETS[game][0] == TARGETS[game][1] else color, outline=LINE
            )
    for cell in BARRIERS.get(game, []):
        x, y, right, _ = board.square(cell)
        pen.line([(x, y), (right, y)], fill=BARRIER, width=7)
    scorer = re.fullmatch(r"goal of (\d)", state)
    numbers = [int(digits) for digits in re.findall(r"\d+", last if scorer else state)]
    if len(numbers) < 4:  # a state that was loaded, with a goal before it
        return
    cells = [(numbers[0], numbers[1]), (numbers[2], numbers[3])]
    if scorer:
        player = int(scorer[1])
        cells[player] = (cells[player][0], (-1, SIZES[game][1])[player])
    _draw_players(pen, board, cells, int(scorer[1]) if scorer else numbers[4] if len(numbers) > 4 else None)


def _draw_players(pen: ImageDraw.ImageDraw, board: _Board, cells: list[Cell], ball: int | None) -> None:
    radius = board.cell * 0.32
    for player, cell in enumerate(cells):
        shift = (player - 0.5) * 0.4 if cells[0] == cells[1] else 0.0
        x, y = board.middle(cell, shift)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=PLAYERS[player])
        pen.text((x, y), str(player), (255, 255, 255), ImageFont.load_default(radius), anchor="mm")
        if player == ball:
            x, y, small = x + radius * 0.8, y + radius * 0.8, radius * 0.42
            pen.ellipse((x - small, y - small, x + small, y + small), fill=BALL, outline=BALL_EDGE, width=2)
