"""How a planner is asked, and told what was wrong with its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.planners.plans import marker
from agents.planners.protocol import Message
from games.wording import Wording

STATE = re.compile(r"^\[State\]$", re.MULTILINE)
ASKED = re.compile(r"^Answer for ([\w, ]+)\.$", re.MULTILINE)


def system_message(wording: Wording) -> Message:
    """Returns the message that opens a conversation: the task, what can be done, and the form of an answer."""
    everybody = "\n".join(f"NAME {robot} ACTION <action>" for robot in wording.robots)
    return Message(
        "system",
        f"{wording.task()}\n\n[Action options]\n{wording.options()}\n\n[Form of the answer]\n"
        "Think in a few words. Then write EXECUTE on a line of its own, if you answer for everybody, or PROCEED, if "
        "you answer for one robot, and after it exactly one line for each robot you answer for, and nothing else:\n"
        f"EXECUTE\n{everybody}",
    )


def question(
    wording: Wording, fields: Mapping[str, Any], asked: Sequence[int], chosen: Mapping[int, int] | None = None
) -> Message:
    """Returns the question of a step.

    Args:
        wording: Of the world.
        fields: The state.
        asked: Robots whose actions are wanted.
        chosen: Actions of robots that are settled already.
    """
    settled = [f"{wording.robots[i]} will {wording.say(i, action)}." for i, action in (chosen or {}).items()]
    return Message("user", "\n".join(["[State]", wording.describe(fields), *settled, _request(wording, asked)]))


def feedback(wording: Wording, asked: Sequence[int], reasons: Sequence[str]) -> Message:
    """Returns what is said to an answer that was not accepted.

    Args:
        wording: Of the world.
        asked: Robots whose actions are still wanted.
        reasons: Sentences.
    """
    return Message("user", "\n".join(["[Feedback]", *reasons, "Give another plan.", _request(wording, asked)]))


def low_score(score: float, bar: float) -> str:
    """Returns the sentence that says that a critic's score of an answer did not reach what it must be above."""
    return f"The score of this plan is {score:.2f}; it must be above {bar:.2f}."


def _request(wording: Wording, asked: Sequence[int]) -> str:
    names = ", ".join(wording.robots[robot] for robot in asked)
    return f"Answer for {names}.\nEnd with {marker(asked, wording)} and the plan."


def last_state(messages: Sequence[Message]) -> list[Message]:
    """Returns a conversation from its last state on, without what stands before the state in its message."""
    for number in range(len(messages) - 1, -1, -1):
        if messages[number].role == "user" and (found := STATE.search(messages[number].content)):
            return [Message("user", messages[number].content[found.start() :]), *messages[number + 1 :]]
    return list(messages)


def who_is_asked(messages: Sequence[Message], wording: Wording) -> list[int]:
    """Returns the robots that the last message asks for.

    Raises:
        ValueError: It asks for none.
    """
    found = ASKED.findall(messages[-1].content) if messages else []
    names = found[-1].split(", ") if found else []
    if not names or any(name not in wording.robots for name in names):
        raise ValueError("the last message asks for no robot; prompts.question and prompts.feedback do")
    return [wording.robots.index(name) for name in names]
