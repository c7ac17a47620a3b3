"""Sweeping the floor in words; the form of actions and names is that of the paper's released prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from games.sweep import BIN, IN_BIN, IN_PAN, ON_FLOOR, ROBOTS, START, WANTED_COLOURS, SweepConfig
from games.wording import Vocabulary

WHERE = {ON_FLOOR: "on the floor", IN_PAN: "in the dustpan", IN_BIN: "in the trash_bin"}
ALICE, BOB = range(2)


class Text(Vocabulary):
    """Words for a floor.

    Args:
        config: Its settings.
    """

    robots = ROBOTS

    def __init__(self, config: SweepConfig) -> None:
        self._config = config
        self._cubes = tuple("{}_cube_{}".format(*name.split("_")) for name in config.cubes)
        moves, sweeps = ([f"{verb} {cube}" for cube in self._cubes] for verb in ("MOVE", "SWEEP"))
        super().__init__(["WAIT", *moves, *sweeps, "DUMP"])

    def task(self) -> str:
        """Returns what has to be done."""
        return (
            f"Alice and Bob clear the floor: every {' and every '.join(f'{c} cube' for c in WANTED_COLOURS)} has to "
            "get into the trash_bin, in as few steps as possible. Alice holds a dustpan, Bob a broom."
        )

    def options(self) -> str:
        """Returns what can be done in a step."""
        return (
            "MOVE <cube>: go to a cube that lies on the floor.\n"
            "SWEEP <cube>: only Bob. Both must stand at the cube already, and Alice must WAIT in the same step; the "
            "cube is in the dustpan then.\n"
            "DUMP: only Alice, with at least one cube in the dustpan; all of them are in the trash_bin then.\n"
            "WAIT: stay."
        )

    def describe(self, fields: Mapping[str, Any]) -> str:
        """Returns a state in sentences."""
        lines = [f"Step {fields['timestep']} of {self._config.horizon}."]
        lines += [f"{name} is {self._place(int(place))}." for name, place in zip(ROBOTS, fields["places"], strict=True)]
        lines += [f"{cube} is {WHERE[int(at)]}." for cube, at in zip(self._cubes, fields["cubes"], strict=True)]
        return "\n".join(lines)

    def _place(self, place: int) -> str:
        named = {START: "where the work began", BIN: "at trash_bin"}
        return named.get(place) or f"at {self._cubes[place]}"

    def objections(self, fields: Mapping[str, Any], actions: Sequence[int | None]) -> list[str]:
        """Returns why a joint action would not do what it says."""
        found = [
            f"{ROBOTS[robot]} cannot {self.texts[action]}: {reason}."
            for robot, action in enumerate(actions)
            if action and (reason := self._obstacle(fields, robot, self.texts[action]))
        ]
        alice, bob = actions
        if not found and bob and self.texts[bob].startswith("SWEEP") and alice:
            found.append(f"Alice must WAIT while Bob does {self.texts[bob]}.")
        return found

    def _obstacle(self, fields: Mapping[str, Any], robot: int, text: str) -> str:
        verb, _, cube = text.partition(" ")
        if verb == "DUMP":
            if robot != ALICE:
                return "only Alice has the dustpan"
            return "" if IN_PAN in fields["cubes"] else "the dustpan is empty"
        number = self._cubes.index(cube)
        if verb == "SWEEP" and robot != BOB:
            return "only Bob has the broom"
        if fields["cubes"][number] != ON_FLOOR:
            return f"it is {WHERE[int(fields['cubes'][number])]}"
        away = [name for name, place in zip(ROBOTS, fields["places"], strict=True) if place != number]
        if verb == "SWEEP" and away:
            return f"{' and '.join(away)} must be at {cube} first"
        return ""
