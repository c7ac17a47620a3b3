"""Every world: env steps per CPU second at 1, 64 and 1,024 envs, against every peer that plays the same."""

from __future__ import annotations

from functools import partial

import games
from experiments.bench import Measure, Row, Work, three_digits
from experiments.bench.peer import Peer, Program
from experiments.bench.worlds.contests import CONTESTS, Contest
from experiments.bench.worlds.rounds import size_round, step_batch

UNIT = "env steps / CPU-s"
SIZES = (1, 64, 1024)  # envs of a batch


def run(measure: Measure) -> None:
    """Measures all registered ids, then each contest beside its peer."""
    table = [["id", "agents", *(_envs(size) for size in SIZES)]]
    for id in games.env_ids():
        rows = measure.rates(UNIT, {f"{id}, {_envs(size)}": step_batch(id, size) for size in SIZES})
        table.append(
            [f"`{id}`", str(games.spec(id).properties.num_agents), *(three_digits(row.median) for row in rows)]
        )
    measure.tables["ids"] = table
    contests = [["world", "peer", *(f"{_envs(size)}: ours / theirs" for size in SIZES), "note"]]
    for program in dict.fromkeys(contest.program for contest in CONTESTS):
        contests += _against(measure, program)
    measure.tables["contests"] = contests


def _against(measure: Measure, program: Program) -> list[list[str]]:
    """Measures all contests with a peer, ours and theirs in turns; returns their rows of the table."""
    python = program.find_python()
    if python is None:
        measure.note(f"{program.title} is not installed (make bench installs it): not compared")
        return []
    cells = []
    for contest in CONTESTS:
        if contest.program is not program:
            continue
        # A process for each game: some peers keep settings of one game while they play the next.
        with Peer(python, program) as peer:
            rows = {row.name: row for row in measure.rates(UNIT, _works(contest, peer))}
        cells.append(_compare(measure, contest, rows))
    return cells


def _works(contest: Contest, peer: Peer) -> dict[str, tuple[float, Work]]:
    works = {_ours(contest, size): step_batch(contest.id, size, **contest.settings) for size in SIZES}
    for size in _sizes(contest.program):
        peer.play(contest.game, size, size)  # a first round, in which some peers compile
        steps = size * size_round(partial(_play_rounds, peer, contest.game, size))
        works[_theirs(contest, size)] = (steps, partial(peer.play, contest.game, size, steps))
    return works


def _play_rounds(peer: Peer, game: str, num_envs: int, rounds: int) -> float:
    return peer.play(game, num_envs, rounds * num_envs)


def _envs(size: int) -> str:
    return "1 env" if size == 1 else f"{size:,} envs"


def _sizes(program: Program) -> tuple[int, ...]:
    return SIZES if program.is_vectorised else SIZES[:1]


def _ours(contest: Contest, size: int) -> str:
    return f"{contest.id} beside {contest.program.title}, {_envs(size)}"


def _theirs(contest: Contest, size: int) -> str:
    return f"{contest.program.title} {contest.game}, {_envs(size)}"


def _compare(measure: Measure, contest: Contest, rows: dict[str, Row]) -> list[str]:
    """Adds the ratios of a contest and returns its row of the table."""
    cells = [f"`{contest.id}`", contest.program.title]
    for size in SIZES:
        ours, theirs = rows[_ours(contest, size)], rows[_theirs(contest, size if contest.program.is_vectorised else 1)]
        name = f"{contest.id}, {_envs(size)} / {contest.program.title} {contest.game}"
        measure.compare(name, ours, theirs, contest.aim if size == SIZES[-1] else 1.0)
        cells.append(
            f"{three_digits(ours.median)} / {three_digits(theirs.median)} = {three_digits(ours.median / theirs.median)}"
        )
    return [*cells, contest.note]
