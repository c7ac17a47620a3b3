"""The loop of policy-space response oracles (Lanctot et al. 2017), an epoch at a time, all of it on disk.

    <folder>/policies/          population.py
    <folder>/payoffs.npz        payoff_table.py; absent where payoffs are exact
    <folder>/epochs/0003.json   records.py
    <folder>/pending/           responses that are learned, until they are in the population

An epoch simulates the cells that matter, solves the empirical game, says how far that is from an equilibrium, and lets
oracles answer it. Whatever was done before a kill is found on disk and not done again: a cell's episodes are in the
table or have not been counted, and their seeds come from the cell and how often it was simulated, so that a run with
kills ends with the numbers of one without.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from marl.equilibrium.payoffs import expected_payoffs
from marl.psro.exact import ExactGame, ExactOracle, exact_game
from marl.psro.match import Episodes
from marl.psro.meta_solvers import MetaSolver, MetaStrategy, find_meta_strategy, independent
from marl.psro.opponents import Opponents
from marl.psro.payoff_table import Cell, PayoffTable
from marl.psro.population import SCRIPTED, Kind, MakePlayer, Population
from marl.psro.records import EpochRecord, MetaRecord, read_epochs
from marl.psro.responses import RULES, Response, plan_responses
from marl.psro.risk_rewards import RiskAversion
from marl.psro.sampling import deal_out
from marl.psro.settings import PsroSettings
from marl.psro.simulation import Arena, add_episodes
from marl.psro.workers import Workers

SAVE_EVERY_S = 5.0  # how much simulation a kill may cost, to be done again
SIMULATING, LEARNING = 1, 2  # words that keep the seeds apart


class Oracle(Protocol):
    """What learns best responses."""

    @property
    def kind(self) -> Kind:
        """Of its policies."""

    def respond(
        self,
        agent: str,
        opponents: Opponents,
        out: Path,
        *,
        seed: int,
        risk: RiskAversion | None,
        start: Path | None,
    ) -> dict[str, Any]:
        """Writes a policy into an existing folder and returns what a manifest should say about it."""


class Psro:
    """A run of PSRO, begun or continued.

    Args:
        folder: Where everything is, or will be.
        settings: What is run.
        workers: Where oracles and simulations run; None: here.
        meta_solver: Instead of the settings' one.
        oracle: Instead of the settings' one; where workers have their own processes, it is pickled for them.
        scripted: What makes scripted players of the population, by name.

    Attributes:
        population: The policies.
        table: The payoffs that were simulated.
        epochs: What is known of each epoch.
        seats: By agent, from whose population it is played.

    Raises:
        PolicyError, PayoffTableError, RecordError: A file of the folder is missing or damaged.
    """

    def __init__(
        self,
        folder: Path,
        settings: PsroSettings,
        *,
        workers: Workers | None = None,
        meta_solver: MetaSolver | None = None,
        oracle: Oracle | None = None,
        scripted: Mapping[str, MakePlayer] = SCRIPTED,
    ) -> None:
        self.folder, self.settings, self._workers = folder, settings, workers or Workers()
        self._meta_solver = meta_solver or settings.meta_solver
        self._oracle: Oracle = oracle or make_oracle(settings)
        self.seats = settings.seats()
        players = tuple(dict.fromkeys(self.seats.values()))
        self.population = Population(folder / "policies", players, scripted)
        self._arena = Arena(
            settings.world, settings.world_settings, self.seats, self.population.folder, players, scripted
        )
        self.epochs = read_epochs(folder / "epochs")
        self.table = self._open_table()
        for player, size in zip(players, self.population.sizes, strict=True):
            for script in settings.first_policies[size:]:
                self.population.add(player, "scripted", script=script, about={"epoch": -1})

    def _open_table(self) -> PayoffTable:
        if self._table_path.exists():
            return PayoffTable.load(self._table_path)
        return PayoffTable(list(self.seats), self._arena.numbers())

    @property
    def _table_path(self) -> Path:
        return self.folder / "payoffs.npz"

    @property
    def num_complete(self) -> int:
        """Epochs that are complete."""
        return sum(record.is_complete for record in self.epochs)

    @property
    def exact(self) -> ExactGame:
        """The world as an exact game.

        Raises:
            ValueError: It is too large, or cannot be listed.
        """
        return exact_game(self.settings.world, self.settings.world_settings)

    def step(self) -> EpochRecord:
        """Does one epoch, or what is left of it, and returns what is known of it."""
        record = self._begin()
        with self._timed(record, "payoffs"):
            payoffs = self._find_payoffs(record)
        with self._timed(record, "meta-strategy"):
            meta = self._solve(record, payoffs)
            self._judge(record, payoffs, meta)
        with self._timed(record, "responses"):
            self._respond(record, meta, payoffs)
        record.is_complete = True
        self._save(record)
        return record

    def _begin(self) -> EpochRecord:
        if self.epochs and not self.epochs[-1].is_complete:
            return self.epochs[-1]
        sizes = dict(zip(self.population.players, self.population.sizes, strict=True))
        record = EpochRecord(
            number=len(self.epochs),
            variance=self.settings.risk.label,
            sizes=[sizes[player] for player in self.seats.values()],
        )
        self.epochs.append(record)
        self._save(record)
        return record

    def _save(self, record: EpochRecord) -> None:
        record.save(self.folder / "epochs")

    @contextmanager
    def _timed(self, record: EpochRecord, part: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        record.seconds[part] = round(record.seconds.get(part, 0.0) + time.monotonic() - begun, 3)
        self._save(record)

    # ---- payoffs ----

    def payoffs(self, record: EpochRecord) -> np.ndarray:
        """Returns the payoffs [n, K_1, ..., K_n] of the policies that an epoch began with, as they are known now."""
        if self.settings.payoffs == "exact":
            strategies = self.exact.read_all(self.population, list(self.seats.values()))
            return self.exact.payoffs([own[:size] for own, size in zip(strategies, record.sizes, strict=True)])
        known = tuple(slice(size) for size in record.sizes)
        return self.table.payoffs()[(slice(None), *known)]

    def _find_payoffs(self, record: EpochRecord) -> np.ndarray:
        if self.settings.payoffs == "exact":
            return self.payoffs(record)
        if record.episodes is None:
            self.table.add_policies(record.sizes)
            record.episodes = self._plan_episodes(record)
            self._save(record)
        self.table.add_policies(record.sizes)  # a kill may have come before the table was saved
        self._simulate(record.episodes)
        return self.table.payoffs()

    def _plan_episodes(self, record: EpochRecord) -> list[tuple[list[int], int]]:
        """Returns the cells to simulate, and how many episodes each has afterwards."""
        strategies = None
        before = self.epochs[record.number - 1].meta if record.number else None
        if before is not None:
            strategies = _padded(before.profile, record.sizes)
        more = deal_out(self.table, self.settings.more_episodes, least=self.settings.episodes, strategies=strategies)
        wanted = self.table.counts + more
        cells = [tuple(cell) for cell in np.argwhere(more > 0).tolist()]
        if self.settings.symmetric:
            most = {cell: max(int(wanted[other]) for other in _orders(cell)) for cell in cells}
            return [(list(cell), count) for cell, count in most.items() if cell == tuple(sorted(cell))]
        return [(list(cell), int(wanted[cell])) for cell in cells]

    def _simulate(self, planned: Sequence[tuple[list[int], int]]) -> None:
        missing = [(tuple(cell), count - int(self.table.counts[tuple(cell)])) for cell, count in planned]
        missing = [(cell, episodes) for cell, episodes in missing if episodes > 0]
        if not missing:
            return
        tasks = [
            partial(self._arena.play, cell, episodes, self._words(SIMULATING, *cell, int(self.table.rounds[cell])))
            for cell, episodes in missing
        ]
        saved = time.monotonic()
        for number, played in self._workers.run(tasks):
            self._add(missing[number][0], played)
            if time.monotonic() - saved > SAVE_EVERY_S:
                self.table.save(self._table_path)
                saved = time.monotonic()
        self.table.save(self._table_path)

    def _add(self, cell: Cell, played: Episodes) -> None:
        orders = _orders(cell) if self.settings.symmetric else {cell: tuple(range(len(cell)))}
        for other, order in orders.items():
            add_episodes(self.table, other, Episodes(played.returns[:, order], played.lengths, played.statistics))

    def _words(self, *words: int) -> tuple[int, ...]:
        return (self.settings.seed, *words)

    # ---- meta-strategy ----

    def _solve(self, record: EpochRecord, payoffs: np.ndarray) -> MetaStrategy:
        if record.meta is not None:
            return _from_record(record.meta)
        sizes = payoffs.shape[1:]
        parameters = self.settings.solver_parameters(max(sizes))
        meta = find_meta_strategy(payoffs, self._meta_solver, parameters)
        record.meta = MetaRecord(
            method=meta.method,
            profile=[strategy.tolist() for strategy in meta.profile],
            joint=meta.joint.ravel().tolist() if meta.is_correlated else None,
            regret=float(meta.regret),
            converged=bool(meta.converged),
            values=(payoffs * meta.joint).reshape(len(payoffs), -1).sum(axis=1).tolist(),
        )
        return _from_record(record.meta)

    def _judge(self, record: EpochRecord, payoffs: np.ndarray, meta: MetaStrategy) -> None:
        if record.number:
            record.gains = self._gains(self.epochs[record.number - 1], record, payoffs)
        if self.settings.nash_conv == "exact" and record.nash_conv is None:
            names = list(self.seats.values())
            strategies = self.exact.read_all(self.population, names)
            reaches = [
                self.exact.mixed(player, own[:size], probabilities)
                for player, (own, size, probabilities) in enumerate(
                    zip(strategies, record.sizes, meta.profile, strict=True)
                )
            ]
            record.nash_conv = self.exact.nash_conv(reaches)

    def _gains(self, before: EpochRecord, now: EpochRecord, payoffs: np.ndarray) -> list[float]:
        """Returns what the last epoch's responses gain against its meta-strategy, by agent; 0 where they lose."""
        assert before.meta is not None
        profile = _padded(before.meta.profile, now.sizes)
        values = expected_payoffs(payoffs, profile)
        gains = []
        for agent, (old, new) in enumerate(zip(before.sizes, now.sizes, strict=True)):
            deviations = [
                expected_payoffs(payoffs, [*profile[:agent], np.eye(new)[number], *profile[agent + 1 :]])[agent]
                for number in range(old, new)
            ]
            gains.append(max([0.0, *(float(worth - values[agent]) for worth in deviations)]))
        return gains

    # ---- responses ----

    def _respond(self, record: EpochRecord, meta: MetaStrategy, payoffs: np.ndarray) -> None:
        planned = plan_responses(self.seats, meta, payoffs, RULES.get(self.settings.meta_solver, "marginal"))
        begun = dict(zip(self.seats.values(), record.sizes, strict=True))
        numbers, counted = [], dict.fromkeys(begun, 0)
        for response in planned:
            numbers.append(begun[response.player] + counted[response.player])
            counted[response.player] += 1
        record.responses = {
            player: list(range(begun[player], begun[player] + count)) for player, count in counted.items()
        }
        places = [self.folder / "pending" / f"{record.number:04d}-{index:02d}" for index in range(len(planned))]
        sizes = dict(zip(self.population.players, self.population.sizes, strict=True))
        waiting = [
            index
            for index, (response, number) in enumerate(zip(planned, numbers, strict=True))
            if number >= sizes[response.player] and not places[index].exists()
        ]
        tasks = [self._task(planned[index], places[index], record.number, index) for index in waiting]
        self._take_in(record, planned, numbers, places)
        for _ in self._workers.run(tasks):
            self._take_in(record, planned, numbers, places)
        shutil.rmtree(self.folder / "pending", ignore_errors=True)

    def _task(self, response: Response, place: Path, epoch: int, index: int) -> Any:
        start = response.start
        if start is None and self.settings.warm_start:
            start = len(self.epochs[epoch].meta.profile[list(self.seats).index(response.agent)]) - 1  # type: ignore[union-attr]
        path = None
        if start is not None and self.population.manifest(response.player, start).kind == "trained":
            path = self.population.path(response.player, start)
        opponents = Opponents(self.population.folder, self.population.players, response.mixtures, self._arena.scripted)
        seed = int(np.random.SeedSequence(self._words(LEARNING, epoch, index)).generate_state(1)[0])
        return partial(_learn, self._oracle, response.agent, opponents, place, seed, self.settings.risk, path)

    def _take_in(
        self, record: EpochRecord, planned: Sequence[Response], numbers: Sequence[int], places: Sequence[Path]
    ) -> None:
        """Moves finished responses into the population, in the order of the plan."""
        for response, number, place in zip(planned, numbers, places, strict=True):
            size = self.population.sizes[self.population.players.index(response.player)]
            if number != size or not place.exists():
                continue
            about = json.loads((place / _ABOUT).read_text(encoding="utf-8"))
            against = {agent: as_list(mixture.probabilities) for agent, mixture in response.mixtures.items()}
            self.population.add(
                response.player,
                self._oracle.kind,
                write=partial(_copy_policy, place),
                about={"epoch": record.number, "agent": response.agent, "against": against, **about},
            )
            shutil.rmtree(place)


def make_oracle(settings: PsroSettings) -> Oracle:
    """Returns the oracle that settings name."""
    if settings.oracle == "exact":
        return ExactOracle(settings.world, settings.world_settings)
    from marl.psro.rllib_oracle import RLlibOracle

    return RLlibOracle(settings.world, settings.world_settings, **settings.oracle_settings)


_ABOUT = "about.json"


def _learn(
    oracle: Oracle, agent: str, opponents: Opponents, place: Path, seed: int, risk: RiskAversion, start: Path | None
) -> None:
    """Writes a response and what is to be said about it; the folder is complete or absent."""
    aside = place.with_name(f".{place.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    about = oracle.respond(agent, opponents, aside, seed=seed, risk=risk if risk.gamma > 0 else None, start=start)
    (aside / _ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")
    os.replace(aside, place)


def _copy_policy(place: Path, folder: Path) -> None:
    shutil.copytree(place, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_ABOUT))


def as_list(array: np.ndarray) -> list[float]:
    """Returns an array as JSON takes it."""
    return [float(value) for value in array]


def _padded(profile: Sequence[Sequence[float]], sizes: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Returns strategies with probability 0 for policies that came later."""
    return tuple(np.pad(np.array(own), (0, size - len(own))) for own, size in zip(profile, sizes, strict=True))


def _orders(cell: Cell) -> dict[Cell, tuple[int, ...]]:
    """Returns each different order of a cell's policies, with the agents in that order."""
    return {
        tuple(cell[agent] for agent in order): order for order in sorted(permutations(range(len(cell))), reverse=True)
    }


def _from_record(record: MetaRecord) -> MetaStrategy:
    profile = tuple(np.array(strategy) for strategy in record.profile)
    if record.joint is None:
        return independent(profile, record.method, record.regret, record.converged)
    joint = np.array(record.joint).reshape([len(strategy) for strategy in profile])
    return MetaStrategy(profile, joint, record.method, record.regret, record.converged)
