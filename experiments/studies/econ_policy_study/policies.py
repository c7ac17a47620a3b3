"""Tax policies by name: what a word of the settings means for the world, and who sets the rates."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pydantic

from agents.protocol import Player
from agents.saez_planner import SaezPlanner
from agents.trained import TrainedPlayer
from econ.taxation import SaezTax, TaxError, read_schedules, us_federal
from econ.taxation.schedule import check_rates
from experiments.studies.econ_policy_study.trained import describe_policy, find_policy, read_tax
from games.names import unknown_name

MODELS = ("free_market", "us_federal", "flat", "fixed", "saez", "saez_compat", "planner")
DEFAULT_RATE = 0.3  # of `flat` without a number


class Policy(pydantic.BaseModel, extra="forbid", frozen=True):
    """Who sets which rates.

    Attributes:
        name: In all tables.
        tax: Settings of the world.
        planner: "saez": by Saez's formula; "trained": by a saved policy; "none": the world itself, by `tax`.
        elasticity: That Saez's formula uses; None: it estimates one.
        compat: Whether the formula has the artefacts of ai-economist 1.7.1.
        source: Run folder, or folder of a policy, of a trained planner.
    """

    name: str
    tax: dict[str, Any]
    planner: Literal["none", "saez", "trained"] = "none"
    elasticity: float | None = None
    compat: bool = False
    source: str = ""


class Schedules(pydantic.BaseModel, extra="forbid", frozen=True):
    """A file of schedules, as its content: a run does not need the file any more.

    Attributes:
        file: Its name.
        cutoffs: [B] where brackets begin, coin.
        rates: [B] marginal rates, by the schedule's name.
    """

    file: str
    cutoffs: list[float]
    rates: dict[str, list[float]]

    def policies(self) -> list[Policy]:
        """Returns a policy for each schedule."""
        brackets = {"tax_model": "fixed", "bracket_spacing": "custom", "bracket_cutoffs": self.cutoffs}
        return [Policy(name=name, tax=brackets | {"bracket_rates": rates}) for name, rates in self.rates.items()]


def read_schedule_file(path: str) -> Schedules:
    """Reads a file of schedules (econ/taxation/reading.py).

    Raises:
        TaxError: One line that names the cell.
    """
    found = read_schedules(path)
    first = next(iter(found.values()))
    rates = {name: schedule.rates.tolist() for name, schedule in found.items()}
    return Schedules(file=Path(path).name, cutoffs=first.cutoffs.tolist(), rates=rates)


def read_policy(word: str) -> Policy:
    """Reads a policy from a word: MODEL, or MODEL:DETAIL for flat, fixed, saez, saez_compat and planner.

    Raises:
        UnknownNameError: No such tax model.
        TaxError: What follows the colon is wrong.
        PolicyError, RunError: A planner that is not there.
    """
    model, colon, detail = word.partition(":")
    if model not in MODELS:
        raise unknown_name("tax model", model, MODELS)
    if model in ("free_market", "us_federal"):
        if colon:
            raise TaxError(f"{word}: {model} takes no detail")
        return Policy(name=word, tax={"tax_model": model})
    if model == "flat":
        rate = _number(word, detail) if colon else DEFAULT_RATE
        check_rates([rate], 1, word)
        return Policy(name=word, tax={"tax_model": model, "flat_rate": rate})
    if model == "fixed":
        return Policy(name=word, tax={"tax_model": model, "bracket_rates": _read_rates(word, detail)})
    if model == "planner":
        if not detail:
            raise TaxError(f"{word}: say whose, planner:RUN")
        return trained_planner(word, detail)
    elasticity = _number(word, detail) if colon else None
    if elasticity is not None and not 0 <= elasticity < math.inf:
        raise TaxError(f"{word}: an elasticity must be a number from 0 on, got {elasticity:g}")
    tax = {"tax_model": "planner_rates"}
    return Policy(name=word, tax=tax, planner="saez", elasticity=elasticity, compat=model == "saez_compat")


def trained_planner(name: str, source: str) -> Policy:
    """Returns the policy of a planner that was trained.

    Raises:
        PolicyError, RunError: There is none.
    """
    description = describe_policy(find_policy(Path(source), "planner"))
    short = f"planner:{Path(source).name}" if name.startswith("planner:") else name
    return Policy(name=short, tax=read_tax(description.settings), planner="trained", source=source)


def _read_rates(word: str, detail: str) -> list[float]:
    """Rates of the US federal brackets, with slashes between."""
    rates = [_number(word, part) for part in detail.split("/")] if detail else []
    return check_rates(rates, len(us_federal().cutoffs), word).tolist()


def _number(word: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TaxError(f"{word}: expected a number, got {text!r}") from None


def make_planner(
    policy: Policy, cutoffs: np.ndarray, folder: Path | None, state: dict[str, Any] | None, seed: int
) -> Player | None:
    """Makes who sets the rates; None where the world does it.

    Args:
        policy: Which.
        cutoffs: [B] of the world's brackets.
        folder: Of a trained planner's policy.
        state: That a Saez model begins with, instead of with nothing.
        seed: Of a trained planner's draws.
    """
    if policy.planner == "none":
        return None
    if policy.planner == "trained":
        assert folder is not None
        return TrainedPlayer(folder, seed)
    saez = SaezTax(cutoffs, elasticity=policy.elasticity, compat=policy.compat)
    if state is not None:
        saez.set_state(state)
    return SaezPlanner(saez)
