"""Worlds in words: states and actions as texts, and texts as actions, for planners that read and write.

A world that can be talked about has a module `text.py` with a class `Text`, which this module finds by the world's
name. Texts name robots, things and actions as the world's README does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from games.config import WorldConfig
from games.names import unknown_name

ECHO = 80  # characters of an unknown text that an error repeats: it may come from anywhere


class WordingError(ValueError):
    """A text that is no action of its world."""


class Wording(Protocol):
    """What a world's `Text` offers.

    Attributes:
        robots: What texts call the agents, in the order of `batch.agents`.
    """

    robots: tuple[str, ...]

    def task(self) -> str:
        """Returns what has to be done, and by whom, in sentences."""
        ...

    def options(self) -> str:
        """Returns what can be done in a step, with the exact form of each action."""
        ...

    def describe(self, fields: Mapping[str, Any]) -> str:
        """Returns a state in sentences; different states have different texts.

        Args:
            fields: From `Batch.fields`.
        """
        ...

    def say(self, robot: int, action: int) -> str:
        """Returns the text of an action."""
        ...

    def read(self, robot: int, text: str) -> int:
        """Returns the action that a text stands for.

        Raises:
            WordingError: No action has exactly this text.
        """
        ...

    def objections(self, fields: Mapping[str, Any], actions: Sequence[int | None]) -> list[str]:
        """Returns why a joint action would not do what it says; empty: it would.

        Args:
            fields: The state before it.
            actions: One for each robot; None where it is not chosen yet.
        """
        ...


class Vocabulary:
    """Actions whose texts are the same for all robots.

    Args:
        texts: By action.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._numbers = {text: number for number, text in enumerate(texts)}
        assert len(self._numbers) == len(self.texts), "two actions have the same text"

    def say(self, robot: int, action: int) -> str:
        """Returns the text of an action."""
        return self.texts[action]

    def read(self, robot: int, text: str) -> int:
        """Returns the action that a text stands for.

        Raises:
            WordingError: No action has exactly this text.
        """
        if text not in self._numbers:
            raise WordingError(str(unknown_name("action", text[:ECHO], self._numbers)))
        return self._numbers[text]


def wording(config: WorldConfig) -> Wording:
    """Returns the words for a world.

    Raises:
        ValueError: The world has none.
    """
    name = f"games.{config.world}.text"
    if find_spec(f"games.{config.world}") is None or find_spec(name) is None:
        raise ValueError(f"world {config.world} has no words (no module {name})")
    return import_module(name).Text(config)
