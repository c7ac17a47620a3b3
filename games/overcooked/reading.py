"""Reads values out of layout files and states; what does not fit is refused with what was expected and where."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np


class LayoutError(ValueError):
    """A kitchen or a start that cannot be; the message names the row and column, counted from 1, or the key."""


def read_table(where: str, value: Any) -> dict[str, Any]:
    """Returns a table of keys and values, or refuses what is none.

    Args:
        where: Subject of the message, such as "layout mine: start".
        value: What stands there.
    """
    if not isinstance(value, dict):
        raise LayoutError(f"{where} must be a table of keys and values, got {reprlib.repr(value)}")
    return value


def read_key(where: str, table: Any, key: str) -> Any:
    """Returns what stands under a key of a table."""
    if key not in read_table(where, table):
        raise LayoutError(f"{where} has no {key!r}: {reprlib.repr(table)}")
    return table[key]


def is_list(value: Any) -> bool:
    """Returns whether a value is a list, a tuple or an array with entries."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def read_list(where: str, value: Any, count: int | None = None) -> list[Any]:
    """Returns the entries of a list, `count` of them unless that is None."""
    if not is_list(value) or count not in (None, len(value)):
        expected = "a list" if count is None else f"a list of {count}"
        raise LayoutError(f"{where} must be {expected}, got {reprlib.repr(value)}")
    return list(value)
