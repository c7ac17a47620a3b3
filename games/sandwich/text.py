"""Making a sandwich in words; the form of actions and names is that of the paper's released prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from games.sandwich import FOODS, NOTHING, ROBOTS, SandwichConfig
from games.wording import Vocabulary

SIDES = ("right", "left")  # by robot


class Text(Vocabulary):
    """Words for a table.

    A PUT says where alone: what is put is what the hand holds.

    Args:
        config: Its settings.
    """

    robots = ROBOTS

    def __init__(self, config: SandwichConfig) -> None:
        self._config = config
        picks = [f"PICK {food}" for food in config.foods]
        puts = [f"PUT ON {place}" for place in (*config.foods, "cutting_board", "table")]
        super().__init__(["WAIT", *picks, *puts])

    def task(self) -> str:
        """Returns what has to be done."""
        return (
            "Chad and Dave stack a sandwich on the cutting_board, in exactly this order from below: "
            f"{', '.join(self._config.recipe)}. Chad reaches the foods on the right side, Dave those on the left."
        )

    def options(self) -> str:
        """Returns what can be done in a step."""
        return (
            "PICK <food>: from the own side, with an empty hand.\n"
            "PUT ON <place>: what the hand holds. The place is the cutting_board for the first food of the recipe, the "
            "food on top of the stack for each later one in its turn, or table, which is back to the own side. Only "
            "one may PUT in a step.\n"
            "WAIT: do nothing."
        )

    def describe(self, fields: Mapping[str, Any]) -> str:
        """Returns a state in sentences."""
        stack = self._config.recipe[: int(fields["height"])]
        hands = [self._held(fields, robot) for robot in range(len(ROBOTS))]
        lines = [f"Step {fields['timestep']} of {self._config.horizon}."]
        lines.append(f"On the cutting_board, from below: {', '.join(stack) or 'nothing'}.")
        for robot, name in enumerate(ROBOTS):
            here = [food for food in FOODS if FOODS[food] == robot and food not in stack and food != hands[robot]]
            lines.append(f"{name} holds {hands[robot] or 'nothing'}.")
            lines.append(f"On the {SIDES[robot]} side: {', '.join(here) or 'nothing'}.")
        return "\n".join(lines)

    def _held(self, fields: Mapping[str, Any], robot: int) -> str:
        held = int(fields["hands"][robot])
        return "" if held == NOTHING else self._config.foods[held]

    def objections(self, fields: Mapping[str, Any], actions: Sequence[int | None]) -> list[str]:
        """Returns why a joint action would not do what it says."""
        found = [
            f"{ROBOTS[robot]} cannot {self.texts[action]}: {reason}."
            for robot, action in enumerate(actions)
            if action and (reason := self._obstacle(fields, robot, self.texts[action]))
        ]
        putting = [robot for robot, action in enumerate(actions) if action and self.texts[action].startswith("PUT")]
        if not found and len(putting) > 1:
            found.append("Only one may PUT in a step.")
        return found

    def _obstacle(self, fields: Mapping[str, Any], robot: int, text: str) -> str:
        verb, name = text.split(" ")[0], text.split(" ")[-1]
        held, height = self._held(fields, robot), int(fields["height"])
        if verb == "PICK":
            if held:
                return f"the hand holds {held}"
            if name in self._config.recipe[:height]:
                return "it is part of the sandwich"
            return "" if FOODS[name] == robot else f"it is on the {SIDES[FOODS[name]]} side"
        if not held:
            return "the hand is empty"
        if name == "table":
            return ""
        if held not in self._config.recipe[height : height + 1]:
            return f"{held} is not the next food of the recipe"
        top = self._config.recipe[height - 1] if height else "cutting_board"
        return "" if name == top else f"{held} goes on {top}"
