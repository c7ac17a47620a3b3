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

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agents.trained import PolicyError
from marl.equilibrium.payoffs import joint_distribution
from marl.psro.diversity import Diversity
from marl.psro.exact import exact_game
from marl.psro.exact_population import ExactPopulation
from marl.psro.judging import Bound, try_response
from marl.psro.match import Episodes
from marl.psro.meta_solvers import MetaSolver, MetaStrategy, find_meta_strategy, independent
from marl.psro.opponents import Opponents
from marl.psro.oracles import Oracle, copy_response, learn, make_oracle, read_about
from marl.psro.payoff_table import Cell, PayoffTable, PayoffTableError
from marl.psro.pipeline import in_play, learning_chains, newest_snapshots, restricted, widened
from marl.psro.population import SCRIPTED, MakePlayer, Population
from marl.psro.records import EpochRecord, MetaRecord, RecordError, read_epochs
from marl.psro.responses import RULES, Response, Rule, gains, plan_responses
from marl.psro.sampling import deal_out
from marl.psro.settings import PsroSettings
from marl.psro.simulation import Arena, add_episodes
from marl.psro.symmetry import check_places, orders, symmetrized
from marl.psro.workers import Workers

SAVE_EVERY_S = 5.0  # how much simulation a kill may cost, to be done again
SIMULATING, LEARNING, JUDGING = 1, 2, 3  # words that keep the seeds apart


class Psro:
    """A run of PSRO, begun or continued. Opening one writes nothing.

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
        arena: Where its policies meet.
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
        self._oracle: Oracle = oracle or make_oracle(
            settings.oracle, settings.own_oracle, settings.world, settings.world_settings
        )
        self.seats = settings.seats()
        players = tuple(dict.fromkeys(self.seats.values()))
        self.population = Population(folder / "policies", players, scripted)
        self.arena = Arena(
            settings.world, settings.world_settings, self.seats, self.population.folder, players, scripted
        )
        self._exact: ExactPopulation | None = None
        self.epochs = read_epochs(self._records)
        self._check_population()
        self.table = self._open_table()

    def _check_population(self) -> None:
        """Compares the population with what the epochs know of it.

        Raises:
            PolicyError: A policy is missing.
            RecordError: An epoch is, although its policies are there.
        """
        last = self.epochs[-1] if self.epochs else None
        for player, size in zip(self.population.players, self.population.sizes, strict=True):
            known = 0 if last is None else last.sizes[list(self.seats.values()).index(player)]
            known += 0 if last is None else len(last.responses.get(player, []))
            if size < known:
                raise PolicyError(
                    f"no policy folder {self.population.path(player, size)}, although {self._records} has {known} "
                    f"policies of {player}"
                )
            most = len(self.settings.first_policies) if last is None else known
            if size > most and (last is None or last.is_complete):
                missing = self._records / f"{len(self.epochs):04d}.json"
                raise RecordError(f"no epoch file {missing}, although {self.population.path(player, most)} is there")

    def _open_table(self) -> PayoffTable:
        """Returns the table of the run's file, empty where nothing has been simulated yet.

        Raises:
            PayoffTableError: The file is missing, damaged, or of another game.
        """
        solved = [record for record in self.epochs if record.meta is not None]
        is_needed = self.settings.payoffs == "simulated" and bool(solved)
        players, numbers = tuple(self.seats), self.arena.numbers()
        if not is_needed and not self._table_path.exists():
            return PayoffTable(players, numbers)
        table = PayoffTable.load(self._table_path)
        if (table.players, table.numbers) != (players, numbers):
            raise PayoffTableError(
                f"{self._table_path} is of another game: players {list(table.players)} and numbers "
                f"{list(table.numbers)}, not {list(players)} and {list(numbers)}"
            )
        least = solved[-1].sizes if is_needed else [0] * len(players)
        most = self.epochs[-1].sizes if self.epochs else least
        if any(not low <= size <= high for low, size, high in zip(least, table.sizes, most, strict=True)):
            raise PayoffTableError(
                f"{self._table_path} is of another run: of {table.sizes} policies, not {tuple(most)}"
            )
        if is_needed and not (table.counts[np.ix_(*_played(solved[-1]))] > 0).all():
            raise PayoffTableError(f"{self._table_path} is damaged: it lacks episodes of epoch {solved[-1].number}")
        return table

    @property
    def _table_path(self) -> Path:
        return self.folder / "payoffs.npz"

    @property
    def _records(self) -> Path:
        return self.folder / "epochs"

    @property
    def num_complete(self) -> int:
        """Epochs that are complete."""
        return sum(record.is_complete for record in self.epochs)

    @property
    def exact(self) -> ExactPopulation:
        """The population in the world as an exact game.

        Raises:
            ExactGameError: The world is too large, or cannot be listed.
        """
        if self._exact is None:
            game = exact_game(self.settings.world, self.settings.world_settings)
            self._exact = ExactPopulation(game, self.population, list(self.seats.values()))
        return self._exact

    def step(self) -> EpochRecord:
        """Does one epoch, or what is left of it, and returns what is known of it."""
        record = self._begin()
        payoffs, meta = self._find_meta(record)
        with self._timed(record, "responses"):
            self._respond(record, meta, payoffs)
        return self._complete(record)

    def close(self) -> EpochRecord:
        """Does the epoch that ends a run, which nobody answers: the last responses become part of the meta-strategy.

        Where that is done already nothing happens; `step` may still follow.

        Raises:
            RuntimeError: Responses are being learned: `step` first.
        """
        last = self.epochs[-1] if self.epochs else None
        if last is not None and last.is_complete and not last.responses:
            return last
        if last is not None and not last.is_complete and last.responses:
            raise RuntimeError(f"epoch {last.number} of {self.folder} waits for its responses: step() first")
        record = self._begin()
        self._find_meta(record)
        return self._complete(record)

    def _find_meta(self, record: EpochRecord) -> tuple[np.ndarray, MetaStrategy]:
        with self._timed(record, "payoffs"):
            payoffs = self._find_payoffs(record)
        with self._timed(record, "meta-strategy"):
            meta = self._solve(record, payoffs)
            self._judge(record, payoffs, meta)
        return payoffs, meta

    def _complete(self, record: EpochRecord) -> EpochRecord:
        record.is_complete = True
        self._save(record)
        return record

    def _begin(self) -> EpochRecord:
        if self.epochs and not self.epochs[-1].is_complete:
            return self.epochs[-1]
        if not self.epochs:
            self._add_first_policies()
        sizes = dict(zip(self.population.players, self.population.sizes, strict=True))
        record = EpochRecord(
            number=len(self.epochs),
            variance=self.settings.risk.label,
            sizes=[sizes[player] for player in self.seats.values()],
            in_play=self._in_play(len(self.epochs)) if self._is_pipeline else None,
        )
        self.epochs.append(record)
        self._save(record)
        return record

    def _add_first_policies(self) -> None:
        for player, size in zip(self.population.players, self.population.sizes, strict=True):
            for script in self.settings.first_policies[size:]:  # a kill may have come between two of them
                self.population.add(player, "scripted", script=script, about={"epoch": -1})

    def _save(self, record: EpochRecord) -> None:
        record.save(self._records)

    @contextmanager
    def _timed(self, record: EpochRecord, part: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        record.seconds[part] = round(record.seconds.get(part, 0.0) + time.monotonic() - begun, 3)
        self._save(record)

    # ---- payoffs ----

    def payoffs(self, record: EpochRecord) -> np.ndarray:
        """Returns the payoffs [n, K_1, ..., K_n] of the policies that an epoch began with, as they are known now.

        Those of policies that nobody plays any more are NaN.
        """
        payoffs = np.full((len(record.sizes), *record.sizes), np.nan)
        payoffs[np.ix_(range(len(payoffs)), *_played(record))] = self._payoffs_in_play(record)
        return payoffs

    def _payoffs_in_play(self, record: EpochRecord) -> np.ndarray:
        played = _played(record)
        if self.settings.payoffs == "exact":
            return self.exact.payoffs(played)
        payoffs = self.table.payoffs(played)
        return symmetrized(payoffs) if self.settings.symmetric else payoffs

    def _find_payoffs(self, record: EpochRecord) -> np.ndarray:
        if self.settings.payoffs == "simulated":
            self.table.add_policies(record.sizes)  # a kill may have come before the table was saved
            if record.episodes is None:
                record.episodes = self._plan_episodes(record)
                self._save(record)
            self._simulate(record.episodes)
        return self.payoffs(record)

    def _plan_episodes(self, record: EpochRecord) -> list[tuple[list[int], int]]:
        """Returns the cells to simulate, and how many episodes each has afterwards."""
        strategies = None
        before = self.epochs[record.number - 1].meta if record.number else None
        if before is not None:
            strategies = _padded(before.profile, record.sizes)
        more = deal_out(
            self.table,
            self.settings.more_episodes,
            least=self.settings.episodes,
            strategies=strategies,
            numbers=record.in_play,
        )
        cells = [tuple(cell) for cell in np.argwhere(more > 0).tolist()]
        if self.settings.symmetric:
            dealt = {cell: self._dealt_to_orders(cell, more) for cell in dict.fromkeys(map(_in_order, cells))}
        else:
            dealt = {cell: int(more[cell]) for cell in cells}
        return [(list(cell), int(self.table.counts[cell]) + count) for cell, count in dealt.items()]

    def _dealt_to_orders(self, cell: Cell, more: np.ndarray) -> int:
        """Returns how many episodes the orders of a cell get together: one episode counts in all of them."""
        missing = max(0, self.settings.episodes - int(self.table.counts[cell]))
        return missing + sum(int(more[other]) - missing for other in orders(cell))

    def _simulate(self, planned: Sequence[tuple[list[int], int]]) -> None:
        missing = [(tuple(cell), count - int(self.table.counts[tuple(cell)])) for cell, count in planned]
        missing = [(cell, episodes) for cell, episodes in missing if episodes > 0]
        if not missing:
            return
        tasks = [
            partial(self.arena.play, cell, episodes, self._words(SIMULATING, *cell, int(self.table.rounds[cell])))
            for cell, episodes in missing
        ]
        saved = time.monotonic()
        for number, played in self._workers.run(tasks, "simulations"):
            self._add(missing[number][0], played)
            if time.monotonic() - saved > SAVE_EVERY_S:
                self.table.save(self._table_path)
                saved = time.monotonic()
        self.table.save(self._table_path)

    def _add(self, cell: Cell, played: Episodes) -> None:
        if self.settings.symmetric and len(set(cell)) == 1:
            check_places(list(self.seats), cell[0], played.returns)
        seatings = orders(cell) if self.settings.symmetric else {cell: tuple(range(len(cell)))}
        for other, order in seatings.items():
            add_episodes(self.table, other, Episodes(played.returns[:, order], played.lengths, played.statistics))

    def _words(self, *words: int) -> tuple[int, ...]:
        return (self.settings.seed, *words)

    # ---- meta-strategy ----

    def _solve(self, record: EpochRecord, payoffs: np.ndarray) -> MetaStrategy:
        if record.meta is not None:
            return _from_record(record.meta)
        meta = self._solve_among(payoffs, _played(record))
        record.meta = MetaRecord(
            method=meta.method,
            profile=[strategy.tolist() for strategy in meta.profile],
            joint=meta.joint.ravel().tolist() if meta.is_correlated else None,
            regret=float(meta.regret),
            converged=bool(meta.converged),
            values=(np.nan_to_num(payoffs) * meta.joint).reshape(len(payoffs), -1).sum(axis=1).tolist(),
        )
        return _from_record(record.meta)

    def _solve_among(self, payoffs: np.ndarray, numbers: Sequence[Sequence[int]]) -> MetaStrategy:
        """Returns the meta-strategy of the game between some policies of each agent, all others never played."""
        among = restricted(payoffs, numbers)
        parameters = self.settings.solver_parameters(max(among.shape[1:]))
        return widened(find_meta_strategy(among, self._meta_solver, parameters), numbers, payoffs.shape[1:])

    def _judge(self, record: EpochRecord, payoffs: np.ndarray, meta: MetaStrategy) -> None:
        if record.number and not self._is_pipeline:
            record.gains = self._gains(self.epochs[record.number - 1], record, payoffs)
        if self.settings.nash_conv == "exact" and record.nash_conv is None:
            if self._rule in ("joint", "conditional"):
                record.nash_conv = self.exact.joint_gain(meta.joint)
            else:
                record.nash_conv = self.exact.nash_conv(meta.profile)
        if self.settings.nash_conv == "fresh" and record.bound is None:
            record.bound = self._try_fresh_responses(record, meta, payoffs)
            self._save(record)

    def _try_fresh_responses(self, record: EpochRecord, meta: MetaStrategy, payoffs: np.ndarray) -> Bound:
        """Returns what fresh responses gain, one of each agent, to the opponents that it faces itself."""
        own, episodes = self.settings.judge, self.settings.judge_episodes
        oracle = make_oracle(self.settings.oracle, own, self.settings.world, self.settings.world_settings)
        rule: Rule = "joint" if self._rule in ("joint", "conditional") else "marginal"
        planned, tasks = plan_responses(self.seats, meta, payoffs, rule), []
        for index, response in enumerate(planned):
            place = self.folder / "pending" / f"{record.number:04d}-judge-{index:02d}"
            seed = self._seed(JUDGING, record.number, index)
            opponents = self._opponents(response)
            tasks.append(partial(try_response, oracle, self.arena, response.agent, opponents, place, seed, episodes))
        found = dict(self._workers.run(tasks, "judges"))
        served = {agent: index for index, response in enumerate(planned) for agent in response.agents}
        means, errors = np.array([found[served[agent]] for agent in self.seats]).T
        assert record.meta is not None
        return Bound(
            gains=(means - record.meta.values).tolist(),
            errors=np.hypot(errors, self._value_errors(record, meta)).tolist(),
            oracle=self.settings.oracle,
            settings=own.model_dump(mode="json"),
            episodes=episodes,
        )

    def _value_errors(self, record: EpochRecord, meta: MetaStrategy) -> np.ndarray:
        """Returns [n] the standard errors of the meta-strategy's values."""
        if self.settings.payoffs == "exact":
            return np.zeros(len(record.sizes))
        known = tuple(slice(size) for size in record.sizes)
        errors = np.where(meta.joint > 0, meta.joint * self.table.standard_errors()[(slice(None), *known)], 0.0)
        return np.sqrt((errors**2).reshape(len(errors), -1).sum(axis=1))

    @property
    def _is_pipeline(self) -> bool:
        return self.settings.levels > 1

    def _in_play(self, epoch: int, below: int | None = None) -> list[list[int]]:
        own = self.settings
        return in_play(
            self.epochs[:epoch], list(self.seats.values()), own.levels, first=len(own.first_policies), below=below
        )

    @property
    def _rule(self) -> Rule:
        return RULES.get(self.settings.meta_solver, "marginal")

    def _gains(self, before: EpochRecord, now: EpochRecord, payoffs: np.ndarray) -> list[float]:
        """Returns what the last epoch's responses gain against its meta-strategy, by agent; 0 where they lose."""
        assert before.meta is not None
        meta = _from_record(before.meta)
        joint = joint_distribution(meta.profile) if self._rule == "marginal" else meta.joint
        room = [(0, new - old) for old, new in zip(before.sizes, now.sizes, strict=True)]
        added = [range(old, new) for old, new in zip(before.sizes, now.sizes, strict=True)]
        return gains(np.pad(joint, room), payoffs, added, self._rule)

    # ---- responses ----

    def _plan(self, record: EpochRecord, meta: MetaStrategy, payoffs: np.ndarray) -> list[Response]:
        if not self._is_pipeline:
            return plan_responses(self.seats, meta, payoffs, self._rule)
        planned, levels = [], self.settings.levels
        for chain in learning_chains(record.number, levels):
            against = self._solve_among(payoffs, self._in_play(record.number, below=chain))
            for response in _firsts(plan_responses(self.seats, against, payoffs, self._rule)):
                newest = newest_snapshots(self.epochs[: record.number], response.player, levels)
                planned.append(replace(response, start=newest.get(chain)))
        return planned

    def _respond(self, record: EpochRecord, meta: MetaStrategy, payoffs: np.ndarray) -> None:
        planned = self._plan(record, meta, payoffs)
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
        tasks = [self._task(planned[index], places[index], record, index, payoffs) for index in waiting]
        self._take_in(record, planned, numbers, places)
        for _ in self._workers.run(tasks, "oracles"):
            self._take_in(record, planned, numbers, places)
        shutil.rmtree(self.folder / "pending", ignore_errors=True)

    def _task(self, response: Response, place: Path, record: EpochRecord, index: int, payoffs: np.ndarray) -> Any:
        start, learner = response.start, list(self.seats).index(response.agent)
        if start is None and self.settings.warm_start:
            start = record.sizes[learner] - 1
        path = None
        if start is not None and self.population.manifest(response.player, start).kind == "trained":
            path = self.population.path(response.player, start)
        diversity = None
        if self.settings.diversity:
            own = np.moveaxis(payoffs[learner], learner, 0)
            diversity = Diversity(self.settings.diversity, own.reshape(len(own), -1))
        seed = self._seed(LEARNING, record.number, index)
        opponents, risk = self._opponents(response), self.settings.risk
        return partial(learn, self._oracle, response.agent, opponents, place, seed, risk, diversity, path)

    def _opponents(self, response: Response) -> Opponents:
        return Opponents(
            self.population.folder, self.population.players, response.mixtures, self.arena.scripted, response.joint
        )

    def _seed(self, *words: int) -> int:
        return int(np.random.SeedSequence(self._words(*words)).generate_state(1)[0])

    def _take_in(
        self, record: EpochRecord, planned: Sequence[Response], numbers: Sequence[int], places: Sequence[Path]
    ) -> None:
        """Moves finished responses into the population, in the order of the plan."""
        for response, number, place in zip(planned, numbers, places, strict=True):
            size = self.population.sizes[self.population.players.index(response.player)]
            if number != size or not place.exists():
                continue
            about = read_about(place)
            against = {agent: mixture.probabilities.tolist() for agent, mixture in response.mixtures.items()}
            self.population.add(
                response.player,
                self._oracle.kind,
                write=partial(copy_response, place),
                about={"epoch": record.number, "agent": response.agent, "against": against, **about},
            )
            shutil.rmtree(place)


def _firsts(planned: Sequence[Response]) -> list[Response]:
    """Returns the first response of each player: a chain of a pipeline has one."""
    return list({response.player: response for response in reversed(planned)}.values())[::-1]


def _in_order(cell: Cell) -> Cell:
    return tuple(sorted(cell))


def _played(record: EpochRecord) -> list[list[int]]:
    """Returns the numbers of the policies of each agent that are played in an epoch."""
    return record.in_play or [list(range(size)) for size in record.sizes]


def _padded(profile: Sequence[Sequence[float]], sizes: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Returns strategies with probability 0 for policies that came later."""
    return tuple(np.pad(np.array(own), (0, size - len(own))) for own, size in zip(profile, sizes, strict=True))


def _from_record(record: MetaRecord) -> MetaStrategy:
    profile = tuple(np.array(strategy) for strategy in record.profile)
    if record.joint is None:
        return independent(profile, record.method, record.regret, record.converged)
    joint = np.array(record.joint).reshape([len(strategy) for strategy in profile])
    return MetaStrategy(profile, joint, record.method, record.regret, record.converged)
