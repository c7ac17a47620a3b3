"""Replies as plans. A reply comes from outside: it is matched against a few fixed forms, and is never run or a path.

A plan is the end of a reply: a line that says EXECUTE (all robots were asked) or PROCEED (one was), then for each robot
asked one line `NAME <robot> ACTION <action>`, in any order, and nothing else but blank lines. What stands before the
last such line is the planner's own thinking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.planners.protocol import MAX_REPLY_CHARACTERS
from games.wording import ECHO, Wording, WordingError

LINE = re.compile(r"NAME (\S{1,40}) ACTION (.{1,200})")


@dataclass(frozen=True)
class Plan:
    """Actions by robot, those of the robots asked."""

    actions: dict[int, int]


@dataclass(frozen=True)
class NoPlan:
    """A reply that is no plan, which costs a query as any other.

    Attributes:
        reason: What is wrong with it, to be told the planner.
    """

    reason: str


def marker(asked: Sequence[int], wording: Wording) -> str:
    """Returns the word that announces a plan of the robots asked."""
    return "EXECUTE" if len(asked) == len(wording.robots) else "PROCEED"


def read_plan(text: str, wording: Wording, asked: Sequence[int]) -> Plan | NoPlan:
    """Returns what a reply says the robots should do.

    Args:
        text: The reply.
        wording: Of the world.
        asked: Robots that must have an action, no others may.
    """
    word = marker(asked, wording)
    if len(text) > MAX_REPLY_CHARACTERS:
        return NoPlan(f"The reply is longer than {MAX_REPLY_CHARACTERS} characters.")
    lines = [line.strip(" \t\r") for line in text.split("\n")]
    if word not in lines:
        return NoPlan(f"There is no line that says {word} alone.")
    last = len(lines) - 1 - lines[::-1].index(word)
    actions: dict[int, int] = {}
    for line in lines[last + 1 :]:
        if not line:
            continue
        read = _read_line(line, wording, asked)
        if isinstance(read, NoPlan):
            return read
        robot, action = read
        if robot in actions:
            return NoPlan(f"{wording.robots[robot]} has two actions.")
        actions[robot] = action
    missing = [wording.robots[robot] for robot in asked if robot not in actions]
    return NoPlan(f"{' and '.join(missing)} must have an action.") if missing else Plan(actions)


def _read_line(line: str, wording: Wording, asked: Sequence[int]) -> tuple[int, int] | NoPlan:
    found = LINE.fullmatch(line)
    if found is None:
        return NoPlan(f"The line {line[:ECHO]!r} is not NAME <robot> ACTION <action>.")
    name, text = found.groups()
    if name not in wording.robots:
        return NoPlan(f"There is no robot {name!r}; there are {', '.join(wording.robots)}.")
    robot = wording.robots.index(name)
    if robot not in asked:
        return NoPlan(f"{name} was not asked.")
    try:
        return robot, wording.read(robot, text)
    except WordingError as error:
        return NoPlan(f"{name}: {error}.")


def write_plan(actions: dict[int, int], wording: Wording) -> str:
    """Returns the plan that `read_plan` reads as these actions."""
    lines = [f"NAME {wording.robots[robot]} ACTION {wording.say(robot, action)}" for robot, action in actions.items()]
    return "\n".join([marker(list(actions), wording), *lines])
