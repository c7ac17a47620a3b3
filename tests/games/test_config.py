"""Settings are held to their declared types and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from games.config import GameProperties, WorldConfig, setting
from games.names import UnknownNameError


@dataclass(frozen=True, kw_only=True, eq=False)
class EveryKind(WorldConfig):
    world: ClassVar[str] = "none"

    flag: bool = setting(False, doc="")
    text: str = setting("a", doc="")
    choice: str = setting("near", choices=("near", "far"), doc="")
    whole: int = setting(3, doc="")
    bounded: int = setting(3, low=1, high=9, doc="")
    number: float = setting(0.5, doc="")
    share: float = setting(0.5, low=0, high=1, doc="")
    maybe_whole: int | None = setting(None, doc="")
    maybe_number: float | None = setting(None, low=0, doc="")
    array: Any = setting((1, 2), doc="")
    numbers: Sequence[int] = setting((1, 2), doc="")

    def core_fields(self) -> dict[str, Any]:
        return {}

    def properties(self) -> GameProperties:
        return GameProperties(1, "simultaneous", "general", (0.0, 0.0), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", True),
        ("flag", np.True_),
        ("text", np.str_("b")),
        ("choice", "far"),
        ("whole", -(10**30)),
        ("whole", np.int8(4)),
        ("bounded", 9),
        ("number", 2),
        ("number", np.inf),
        ("number", np.float32(0.1)),
        ("number", np.uint8(3)),
        ("share", 1),
        ("maybe_whole", None),
        ("maybe_whole", 5),
        ("maybe_number", None),
        ("maybe_number", 0.5),
        ("array", np.zeros(3)),
        ("array", None),
        ("numbers", "the world checks these"),
    ],
)
def test_values_of_the_declared_kind_are_taken(name, value):
    assert getattr(EveryKind(**{name: value}), name) is value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("flag", 7, "flag must be True or False, got 7"),
        ("flag", 1, "flag must be True or False, got 1"),
        ("flag", None, "flag must be True or False, got None"),
        ("text", 5, "text must be a string, got 5"),
        ("choice", "fat", "unknown choice 'fat'; did you mean 'far'"),
        ("choice", np.zeros(2), "unknown choice array"),
        ("whole", 1.0, "whole must be a whole number, got 1.0"),
        ("whole", True, "whole must be a whole number, got True"),
        ("whole", None, "whole must be a whole number, got None"),
        ("bounded", 10, r"bounded must be a whole number in \[1, 9\], got 10"),
        ("number", "x", "number must be a number, got 'x'"),
        ("number", True, "number must be a number, got True"),
        ("number", np.nan, "number must be a number, got nan"),
        ("number", np.float32("nan"), "number must be a number, got .*nan"),
        ("number", 10**400, "number must be a number, got 1000"),
        ("number", np.zeros(1), "number must be a number, got array"),
        ("share", 1.5, r"share must be a number in \[0, 1\], got 1.5"),
        ("maybe_whole", 2.5, "maybe_whole must be a whole number, got 2.5"),
        ("maybe_number", "x", r"maybe_number must be a number in \[0, inf\], got 'x'"),
        ("maybe_number", -1, r"maybe_number must be a number in \[0, inf\], got -1"),
    ],
)
def test_values_of_another_kind_are_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        EveryKind(**{name: value})


def test_unknown_settings_get_the_nearest_name():
    with pytest.raises(UnknownNameError, match="unknown setting of world none 'wohle'; did you mean 'whole'"):
        EveryKind.from_settings({"wohle": 3})
