"""Shortest ways on a grid for who turns and walks: breadth first over cells and directions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

Cell = tuple[int, int]
Place = tuple[int, int, int]
"""A cell and a direction, an index into the steps."""

Turns = tuple[int, int, int]
"""The actions that turn left, turn right, and go forward."""


def ways_to(
    start: Place,
    targets: Collection[Cell],
    is_closed: Callable[[Cell], bool],
    steps: tuple[Cell, ...],
    turns: Turns,
) -> dict[Cell, tuple[list[int], Place]]:
    """Returns the fewest actions after which each target is in front, and where the walker stands then.

    Targets to which no way leads are left out.

    Args:
        start: Of the walker.
        targets: Cells to face; they may be closed.
        is_closed: Whether a cell cannot be walked on.
        steps: Change of the cell by direction, each direction a right turn after the one before.
        turns: The actions.
    """
    left, right, forward = turns
    came: dict[Place, tuple[Place, int] | None] = {start: None}
    front, found = deque([start]), dict[Cell, tuple[list[int], Place]]()
    wanted = set(targets)
    while front and len(found) < len(wanted):
        place = front.popleft()
        direction = place[2]
        ahead = (place[0] + steps[direction][0], place[1] + steps[direction][1])
        if ahead in wanted and ahead not in found:
            found[ahead] = (_trace(came, place), place)
        nexts = [
            ((place[0], place[1], (direction - 1) % len(steps)), left),
            ((place[0], place[1], (direction + 1) % len(steps)), right),
        ]
        if not is_closed(ahead):
            nexts.append(((*ahead, direction), forward))
        for following, action in nexts:
            if following not in came:
                came[following] = (place, action)
                front.append(following)
    return found


def _trace(came: dict[Place, tuple[Place, int] | None], place: Place) -> list[int]:
    way = []
    while (step := came[place]) is not None:
        place = step[0]
        way.append(step[1])
    return way[::-1]
