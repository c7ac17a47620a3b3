"""Checks of settings: what is out of range is one line that says which setting, what is allowed, and what it was."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any


def check_number(name: str, value: Any, *, least: float = -inf, above: float = -inf, most: float = inf) -> None:
    """Checks that a setting is a finite number in a range.

    Args:
        name: Of the setting.
        value: Of it.
        least: It must be at least that,
        above: and above that,
        most: and at most that.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    number = float(value)
    if not (number >= least and number > above and number <= most):
        allowed = f"above {above:g}" if above > -inf else f"at least {least:g}"
        allowed += f" and at most {most:g}" if most < inf else ""
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Checks that a setting is a whole number, at least so large.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Checks that a setting is True or False.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def check_widths(name: str, value: Any) -> None:
    """Checks that a setting is the widths of at least one layer.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise ValueError(f"{name} must be at least one width in a list, got {value!r}")
    for width in value:
        check_count(name, width)


def check_schedule(name: str, value: Any) -> None:
    """Checks that a setting is chances by env steps: pairs (step, chance), the steps rising from 0.

    Raises:
        ValueError: It is not.
    """
    is_list = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    if not is_list or not all(isinstance(point, Sequence) and len(point) == 2 for point in value):
        raise ValueError(f"{name} must be a list of (step, chance), got {value!r}")
    for step, chance in value:
        check_number(f"a step of {name}", step, least=0)
        check_number(f"a chance of {name}", chance, least=0, most=1)
    steps = [step for step, _ in value]
    if steps[0] != 0 or not all(a < b for a, b in pairwise(steps)):
        raise ValueError(f"{name} must be (step, chance) from step 0 on, each step after the one before, got {value!r}")
