"""The conformance tests over a robot of MuJoCo, which is not among `env_ids()`: its steps are slow, its episodes short.

Left out: more threads than one, which change nothing there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import test_autoreset
import test_determinism
import test_illegal_input
import test_pettingzoo
import test_properties
import test_snapshots
from seeded_play import Case

ROBOT = Case("mujoco/hopper_v0", {"horizon": 9, "contexts": (0.5, 1.0), "shows_context": True, "force": 50.0})
MODULES = (test_autoreset, test_determinism, test_illegal_input, test_pettingzoo, test_properties, test_snapshots)
LEFT_OUT = {"test_any_number_of_threads_gives_the_same_bytes"}
FREE = {"batch": lambda: test_illegal_input.batch.__wrapped__(ROBOT), "reference": dict}
CHOICES = {"autoreset": test_snapshots.AUTORESETS, "legal": (True, False)}
SLOW = {"test_forged_snapshots_are_refused_or_valid"}  # tried with one of them


def checks() -> list[Callable]:
    """The tests that are asked of a case."""
    found = [test for module in MODULES for name, test in vars(module).items() if name.startswith("test_")]
    asked = [test for test in found if "case" in signature(test) or "batch" in signature(test)]
    return [test for test in asked if test.__name__ not in LEFT_OUT]


def signature(test: Callable) -> list[str]:
    return list(inspect.signature(test).parameters)


@pytest.mark.parametrize(
    "check", [test for test in checks() if test.__name__ not in LEFT_OUT], ids=lambda f: f.__name__
)
def test_a_robot_conforms(check, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log where a forged state makes it diverge
    wanted = signature(check)
    given = {"case": ROBOT, "monkeypatch": monkeypatch} | {name: make() for name, make in FREE.items()}
    (chosen,) = [name for name in wanted if name in CHOICES] or [None]
    for choice in CHOICES.get(chosen, (None,))[: 1 if check.__name__ in SLOW else None]:
        check(**{name: choice if name == chosen else given[name] for name in wanted})
