"""Workers by name: scripts of agents/, chance, or a policy that was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pydantic

import games
from agents.protocol import Player
from agents.random_player import RandomPlayer
from agents.settlers import LoneSettler, TradingSettler
from agents.trained import TrainedPlayer
from econ.gather_trade_build import GatherTradeBuildConfig
from experiments.run_folder import RunError
from experiments.studies.econ_policy_study.policies import Policy, trained_planner
from experiments.studies.econ_policy_study.trained import (
    describe_policy,
    find_policy,
    read_learning,
    read_tax,
    read_world,
)
from games.names import unknown_name

SCRIPTS = ("trading", "lone", "random")


class Population(pydantic.BaseModel, extra="forbid", frozen=True):
    """Who works.

    Attributes:
        name: In all tables.
        kind: A script, or "trained".
        price: Of the script "trading", coin.
        source: Of trained workers: the folder of their policy.
        trained_under: The policy that taxed them.
        world: The other settings of the world that they were trained in.
        observation_size: Numbers that they see.
        brackets: Of the tax, whose rates are among these numbers.
        hidden_sizes: Of their network.
        learning: How they learned: discount, gae_lambda, return_scale, as far as known.
    """

    name: str
    kind: Literal["trading", "lone", "random", "trained"]
    price: int = 5
    source: str = ""
    trained_under: Policy | None = None
    world: dict[str, Any] = {}
    observation_size: int = 0
    brackets: int = 0
    hidden_sizes: list[int] = []
    learning: dict[str, float] = {}


def read_population(word: str) -> Population:
    """Reads workers from a word: "trading", "trading:PRICE", "lone", "random", or a run folder or folder of a policy.

    Raises:
        UnknownNameError: Neither a script nor a folder.
        PolicyError, RunError: A folder without workers.
    """
    script, colon, detail = word.partition(":")
    if script == "trading" and colon:
        if not detail.isdigit():
            raise ValueError(f"{word}: a price must be a whole number, got {detail!r}")
        return Population(name=word, kind="trading", price=int(detail))
    if word in SCRIPTS:
        return Population(name=word, kind=word)  # type: ignore[arg-type] # one of them
    if not Path(word).is_dir():
        if "/" in word:
            raise RunError(f"workers: no run folder {word}")
        raise unknown_name("workers", word, SCRIPTS)
    folder = find_policy(Path(word), "workers")
    description = describe_policy(folder)
    return Population(
        name=Path(word).name,
        kind="trained",
        source=str(folder),
        trained_under=_taxed_by(Path(word), description.settings),
        world=read_world(description.settings),
        observation_size=description.observation_size,
        brackets=_count_brackets(description.settings),
        hidden_sizes=description.hidden_sizes,
        learning=read_learning(Path(word)),
    )


def _count_brackets(settings: dict[str, Any]) -> int:
    config = games.spec("econ/gather_trade_build_v0").config(**read_tax(settings))
    assert isinstance(config, GatherTradeBuildConfig)
    return len(config.cutoffs)


def _taxed_by(source: Path, settings: dict[str, Any]) -> Policy | None:
    """The policy that workers know; None where it cannot be had again."""
    tax = read_tax(settings)
    model = tax.get("tax_model", "planner")
    if model == "planner_rates":
        return Policy(name="saez", tax=tax, planner="saez")
    if model == "planner":
        try:
            return trained_planner("its planner", str(source))
        except RunError:  # random schedules, or a policy without its run
            return None
    name = f"flat:{tax['flat_rate']:g}" if model == "flat" and "flat_rate" in tax else model
    return Policy(name=name, tax=tax)


def make_worker(population: Population, folder: Path | None, seed: int) -> Player:
    """Makes the player that plays all workers.

    Args:
        population: Which.
        folder: Of trained workers' policy.
        seed: Of the player's draws.
    """
    if population.kind == "trained":
        assert folder is not None
        return TrainedPlayer(folder, seed)
    if population.kind == "random":
        return RandomPlayer(seed)
    return LoneSettler() if population.kind == "lone" else TradingSettler(population.price)
