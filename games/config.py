"""Settings of a world: one frozen dataclass a world owns their names, defaults, ranges and documentation."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from games.names import unknown_name

if TYPE_CHECKING:
    from games.batch import Batch

REQUIRED = dataclasses.MISSING


def setting(
    default: Any = REQUIRED,
    *,
    doc: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    live: bool = False,
) -> Any:
    """Declares one setting of a world.

    Args:
        default: Its value when the user gives none; without it the user must give one.
        doc: What it means, with its unit.
        low: Smallest number allowed.
        high: Largest number allowed.
        choices: The strings allowed.
        live: Whether `Batch.configure` may change it while the batch lives.
    """
    metadata = {"doc": doc, "low": low, "high": high, "choices": choices, "live": live}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class GameProperties:
    """What kind of game a configured world is; conformance tests hold the world to it.

    Attributes:
        num_agents: Agents of all groups together.
        dynamics: "simultaneous": all act in every step; "turn": one acts, the others' masks leave one action.
        utility: "zero_sum": rewards of a step sum to 0; "common": all agents get the same;
            "general": neither is promised.
        reward_bounds: Smallest and largest reward of one agent in one step.
        horizon: Steps after which an episode ends at the latest.
    """

    num_agents: int
    dynamics: Literal["simultaneous", "turn"]
    utility: Literal["zero_sum", "common", "general"]
    reward_bounds: tuple[float, float]
    horizon: int


@dataclass(frozen=True)
class ChanceOutcome:
    """One thing that chance may do in a step or a reset.

    Attributes:
        probability: Of this outcome; those of a list sum to 1.
        fields: The state fields that it sets, for `Batch.load_fields`.
        rewards: Of the step, by agent; None: chance has no part in them.
        is_over: Whether the episode ends with it; None: chance has no part in that.
    """

    probability: float
    fields: dict[str, Any]
    rewards: tuple[float, ...] | None = None
    is_over: bool | None = None


Fields = dict[str, Any]
ListChance = Callable[[Fields | None, dict[str, np.ndarray] | None, Fields], Sequence[ChanceOutcome]]


@dataclass(frozen=True)
class TreeRules:
    """How a world unfolds as a game tree, so that solvers can walk all of it (`games.open_spiel.game`).

    Nothing but actions and the chance listed here may decide what happens.

    Attributes:
        chance: Called with the fields before a step (None: a reset), the joint action by group, [P] each (None: a
            reset), and the fields after it, which chance has drawn already; lists what may be there instead, or nothing
            where chance had no part. None: a world without chance.
        max_chance_outcomes: Length of the longest list.
        remembers: Whether an observation tells all that its agent has seen and done so far, or all of it that matters.
            Otherwise information states are made of all observations and actions of an agent.
        pays_at_end: Whether only the last step of an episode has rewards.
    """

    chance: ListChance | None = None
    max_chance_outcomes: int = 0
    remembers: bool = False
    pays_at_end: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class WorldConfig(ABC):
    """Base of the worlds' configs. Construction checks every setting against its declaration.

    Settings declared as bool, int, float or str, or as one of them or None, are held to that, numpy's scalars included;
    worlds check settings of other types themselves.

    Attributes:
        world: Name of the C world.
        family: What its ids start with; empty: the world's name.
        extra: What pip has to install beside the package, `agora[extra]`; empty: nothing.
    """

    world: ClassVar[str]
    family: ClassVar[str] = ""
    extra: ClassVar[str] = ""

    def __post_init__(self) -> None:
        config_class: Any = type(self)  # mypy takes it for unhashable: it sees the hash of its instances
        hints = _type_hints(config_class)
        for field in dataclasses.fields(self):
            _check(field, hints[field.name], getattr(self, field.name))

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Builds the config from names and values.

        Raises:
            UnknownNameError: A name is no setting of this world.
            ValueError: A required setting is missing or a value is out of range.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for name in settings:
            if name not in fields:
                raise unknown_name(f"setting of world {cls.world}", name, fields)
        for name, field in fields.items():
            if field.default is REQUIRED and name not in settings:
                raise ValueError(f"world {cls.world} needs the setting {name!r}: {field.metadata['doc']}")
        return cls(**settings)

    def settings(self) -> dict[str, Any]:
        """Returns all settings by name, defaults included."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @abstractmethod
    def core_fields(self) -> dict[str, Any]:
        """Returns the values of the C config by name; scalars, or arrays of exactly the declared dtype."""

    @abstractmethod
    def properties(self) -> GameProperties:
        """Returns what kind of game these settings make."""

    def batch_class(self) -> type[Batch]:
        """Returns what steps the world.

        Raises:
            ImportError: What it needs is not installed; the message says what to install.
        """
        from games.batch import Batch

        return Batch

    def tree(self) -> TreeRules | None:
        """Returns how the world unfolds as a game tree; None where its chance cannot be listed."""
        return None


@functools.cache
def _type_hints(config_class: Any) -> dict[str, Any]:
    return typing.get_type_hints(config_class)


def _check(field: dataclasses.Field, hint: Any, value: Any) -> None:
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    kinds = set(typing.get_args(hint)) if typing.get_origin(hint) in (types.UnionType, typing.Union) else {hint}
    if value is None and types.NoneType in kinds:
        return
    if choices is not None:
        if not isinstance(value, str) or value not in choices:
            raise unknown_name(field.name, value, choices)
        return
    kind = next((kind for kind in (bool, int, float, str) if kinds - {types.NoneType} == {kind}), None)
    is_bounded = low is not None or high is not None
    if kind is None and not is_bounded:
        return
    kind = kind or float
    lowest, highest = (-math.inf if low is None else low), (math.inf if high is None else high)
    if not is_of_kind(value, kind) or (is_bounded and not lowest <= value <= highest):
        expected = _KINDS[kind] + (f" in [{lowest}, {highest}]" if is_bounded else "")
        raise ValueError(f"{field.name} must be {expected}, got {value!r}")


_KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string"}


def is_of_kind(value: Any, kind: type) -> bool:
    """Returns whether a value may stand for a bool, an int, a float or a str; numpy's scalars may.

    True and False are no numbers; NaN and whole numbers beyond the range of floats are no floats.
    """
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if kind is str:
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    if kind is int:
        return isinstance(value, int | np.integer)
    return abs(value) <= sys.float_info.max if isinstance(value, int) else not math.isnan(value)
