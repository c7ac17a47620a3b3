"""Sorting cubes in words; the form of actions and names is that of the paper's released prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from games.sort import CUBES, NUM_PANELS, REACH, ROBOTS, SortConfig
from games.wording import Vocabulary

NAMES = tuple(CUBES)


class Text(Vocabulary):
    """Words for a line of panels.

    Args:
        config: Its settings.
    """

    robots = ROBOTS

    def __init__(self, config: SortConfig) -> None:
        self._config = config
        panels = range(1, NUM_PANELS + 1)
        super().__init__(["WAIT", *(f"PICK {cube} PLACE panel{panel}" for cube in CUBES for panel in panels)])

    def task(self) -> str:
        """Returns what has to be done."""
        goals = ", ".join(f"{cube} on panel{panel}" for cube, panel in CUBES.items())
        reaches = " ".join(f"{name} reaches {_list_panels(reach)}." for name, reach in REACH.items())
        return f"Three robots sort three cubes along a line of panels, panel1 to panel{NUM_PANELS}: {goals}. {reaches}"

    def options(self) -> str:
        """Returns what can be done in a step."""
        return (
            "PICK <cube> PLACE <panel>: moves a cube from one panel within reach to another. A cube may lie on its own "
            "target and on odd panels, never on another cube's target; a panel holds any number of cubes. Two must not "
            "pick the same cube.\n"
            "WAIT: do nothing. At least one robot has to act in a step."
        )

    def describe(self, fields: Mapping[str, Any]) -> str:
        """Returns a state in sentences."""
        lines = [f"Step {fields['timestep']} of {self._config.horizon}."]
        lines += [f"{cube} is on panel{int(at) + 1}." for cube, at in zip(NAMES, fields["panels"], strict=True)]
        return "\n".join(lines)

    def objections(self, fields: Mapping[str, Any], actions: Sequence[int | None]) -> list[str]:
        """Returns why a joint action would not do what it says, or that everybody waits."""
        found = [
            f"{ROBOTS[robot]} cannot {self.texts[action]}: {reason}."
            for robot, action in enumerate(actions)
            if action and (reason := _obstacle(fields, robot, action))
        ]
        picked = [(action - 1) // NUM_PANELS for action in actions if action]
        if not found:
            found = [f"Two robots pick {NAMES[cube]}." for cube in sorted(set(picked)) if picked.count(cube) > 1]
        return found or (["At least one robot has to act."] if all(action == 0 for action in actions) else [])


def _list_panels(panels: Sequence[int]) -> str:
    return ", ".join(f"panel{panel}" for panel in panels)


def _obstacle(fields: Mapping[str, Any], robot: int, action: int) -> str:
    cube, to = (action - 1) // NUM_PANELS, (action - 1) % NUM_PANELS + 1
    here, reach = int(fields["panels"][cube]) + 1, REACH[ROBOTS[robot]]
    if here not in reach:
        return f"it lies on panel{here}, within reach are {_list_panels(reach)}"
    if to not in reach:
        return f"within reach are {_list_panels(reach)}"
    if to in CUBES.values() and to != CUBES[NAMES[cube]]:
        return f"panel{to} is another cube's target"
    return "it lies there already" if to == here else ""
