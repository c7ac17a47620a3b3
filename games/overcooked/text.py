"""Kitchens in words: what lies where as rows and columns, and the six primitive actions of a cook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from games.batch import Batch
from games.overcooked import OvercookedConfig
from games.overcooked.items import ACTIONS, ORIENTATIONS, SOUP, decode_ingredients, item_name
from games.overcooked.recipes import to_recipe
from games.spec import EnvSpec
from games.wording import Vocabulary

STAY, INTERACT = ACTIONS.index("stay"), ACTIONS.index("interact")
STEPS = ((0, -1), (0, 1), (1, 0), (-1, 0))  # (x, y) by orientation
THINGS = {
    **{"X": "counter", "P": "pot", "O": "onion dispenser", "T": "tomato dispenser", "D": "dish dispenser"},
    **{"S": "serving place", " ": "floor"},
}


class Text(Vocabulary):
    """Words for a kitchen. Cells are (row, column) from the upper left corner, (0, 0).

    Args:
        config: Its settings.
    """

    def __init__(self, config: OvercookedConfig) -> None:
        super().__init__(ACTIONS)
        self._config, self._layout = config, config.kitchen
        self.robots = tuple(f"Agent{number}" for number in range(len(self._layout.positions)))
        self._trial: Batch | None = None

    def task(self) -> str:
        """Returns what has to be done, and the map."""
        places = [f"{THINGS[letter]}: {self._cells(letter)}." for letter in THINGS if self._layout.cells(letter)]
        return (
            f"{' and '.join(self.robots)} share a kitchen and have to serve {self._orders()}. "
            "Ingredients go into a pot one by one; an empty-handed interact with the pot starts it; a done soup is "
            "taken with a dish and brought to a serving place. Cells are (row, column), (0, 0) is the upper left "
            "corner; north is towards row 0, west towards column 0.\n" + "\n".join(places)
        )

    def _cells(self, letter: str) -> str:
        return ", ".join(f"({y}, {x})" for x, y in self._layout.cells(letter))

    def _orders(self) -> str:
        orders = self._config.recipe_settings["all_orders"] or []
        times = self._config.tables[1]
        soups = [f"soup of {' and '.join(o)} ({times[to_recipe(o)]} steps to cook)" for o in orders]
        return " or ".join(soups) or "any soup"

    def options(self) -> str:
        """Returns what can be done in a step."""
        return (
            "north, south, east, west: turn there and, if the next cell is free floor, go there. When two cooks want "
            "the same cell or each other's, nobody walks.\n"
            "interact: with what the cook faces: take from a dispenser; put down or take at a counter; put an "
            "ingredient into a pot; start a pot with empty hands; take a done soup with a dish; serve a soup.\n"
            "stay: do nothing."
        )

    def describe(self, fields: Mapping[str, Any]) -> str:
        """Returns a state in sentences."""
        lines = [f"Step {fields['timestep']} of {self._config.horizon}."]
        for number, robot in enumerate(self.robots):
            (x, y), facing = fields["positions"][number].tolist(), int(fields["orientations"][number])
            dx, dy = STEPS[facing]
            seen, held = THINGS[self._layout.rows[y + dy][x + dx]], _name(int(fields["held"][number]))
            lines.append(f"{robot} is at ({y}, {x}), faces {ORIENTATIONS[facing]} ({seen}) and holds {held}.")
        for tick, (x, y) in zip(fields["pot_ticks"], self._layout.cells("P"), strict=True):
            lines.append(f"The pot at ({y}, {x}) {self._pot(int(fields['items'][y, x]), int(tick))}.")
        for x, y in self._layout.cells("X"):
            if fields["items"][y, x]:
                lines.append(f"On the counter at ({y}, {x}): {_name(int(fields['items'][y, x]))}.")
        return "\n".join(lines)

    def _pot(self, item: int, tick: int) -> str:
        if not item:
            return "is empty"
        inside = " and ".join(decode_ingredients(item))
        left = int(self._config.tables[1][to_recipe(decode_ingredients(item))]) - tick
        if tick < 0:
            return f"has {inside} and does not cook"
        return f"has {inside} and " + (f"cooks for {left} more steps" if left else "is done")

    def objections(self, fields: Mapping[str, Any], actions: Sequence[int | None]) -> list[str]:
        """Returns which actions would change nothing, and who would be in whose way.

        It tries: what a cook does has an effect if the kitchen would be another one had the cook stayed.
        """
        chosen = [STAY if action is None else action for action in actions]
        after = self._step(fields, chosen)
        found = []
        for number, action in enumerate(chosen):
            others = [STAY if i == number else other for i, other in enumerate(chosen)]
            if action != STAY and _same(after, self._step(fields, others)):
                found.append(f"{self.robots[number]}'s {ACTIONS[action]} would change nothing.")
            elif action < STAY and None not in actions and self._is_stopped(fields, after, number, action):
                found.append(f"{self.robots[number]}'s way {ACTIONS[action]} would not be free.")
        return found

    def _is_stopped(self, fields: Mapping[str, Any], after: Mapping[str, Any], number: int, action: int) -> bool:
        """Whether a cook who walks towards floor stays where it is."""
        (x, y), (dx, dy) = fields["positions"][number].tolist(), STEPS[action]
        is_floor = self._layout.rows[y + dy][x + dx] == " "
        return is_floor and bool((fields["positions"][number] == after["positions"][number]).all())

    def _step(self, fields: Mapping[str, Any], actions: Sequence[int]) -> dict[str, Any]:
        """Returns the fields after a joint action."""
        if self._trial is None:
            spec = EnvSpec("overcooked/trial", OvercookedConfig, description="what an action would do")
            self._trial = Batch(spec, self._config, 1, 0, 1, "disabled")
        self._trial.reset()
        self._trial.load_fields(0, dict(fields))
        self._trial.step(np.array([actions], np.int32))
        return self._trial.fields(0)


def _name(item: int) -> str:
    return f"soup of {' and '.join(decode_ingredients(item))}" if item >= SOUP else item_name(item)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    parts = ("positions", "orientations", "held", "items", "pot_ticks", "deliveries")
    return all(np.array_equal(one[part], other[part]) for part in parts)
