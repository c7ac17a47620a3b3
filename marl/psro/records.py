"""What is known of each epoch, one file each, which grows as the epoch goes on and which a kill leaves whole.

epochs/0003.json     EpochRecord
"""

from __future__ import annotations

from pathlib import Path

import pydantic

from marl.psro.files import replace_file
from marl.psro.judging import Bound


class RecordError(ValueError):
    """An epoch's file that is missing or damaged."""


class MetaRecord(pydantic.BaseModel, extra="forbid"):
    """A meta-strategy.

    Attributes:
        method: What the solver calls itself.
        profile: A distribution for each player.
        joint: The flattened joint distribution, of a solver that correlates.
        regret: By the solver's own condition.
        converged: Whether that holds.
        values: What each player gets, by the payoffs of the time.
    """

    method: str
    profile: list[list[float]]
    joint: list[float] | None = None
    regret: float
    converged: bool
    values: list[float]


class EpochRecord(pydantic.BaseModel, extra="forbid"):
    """One epoch: simulate, solve, judge, respond; each part is there once it is done.

    Attributes:
        number: From 0.
        variance: Label of the variance that anybody is averse to.
        sizes: Policies of each player when it began.
        in_play: Numbers of those that are played, of each player; None: all.
        episodes: What is simulated: cell and episodes, in order; None until it is planned.
        meta: The meta-strategy.
        nash_conv: What the players could gain in the whole world against it, each alone: exact, or None. Of correlated
            meta-strategies: by ignoring their part of the joint draw.
        bound: What fresh best responses gained on it, and with which budget.
        gains: By player, what the responses of the epoch before gained against its meta-strategy: a lower bound of
            its NashConv, with their budget; None in the first epoch, and in a pipeline, whose epochs simulate other
            cells.
        responses: Numbers of the policies that were added, by player; none in the epoch that ends a run.
        is_complete: Whether all responses are in the population.
        seconds: Of each part.
    """

    number: int
    variance: str
    sizes: list[int]
    in_play: list[list[int]] | None = None
    episodes: list[tuple[list[int], int]] | None = None
    meta: MetaRecord | None = None
    nash_conv: float | None = None
    bound: Bound | None = None
    gains: list[float] | None = None
    responses: dict[str, list[int]] = {}
    is_complete: bool = False
    seconds: dict[str, float] = {}

    def save(self, folder: Path) -> None:
        """Replaces the epoch's file in one step."""
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / f"{self.number:04d}.json", (self.model_dump_json(indent=1) + "\n").encode())


def read_epochs(folder: Path) -> list[EpochRecord]:
    """Reads all epochs, the last of which may be incomplete.

    Raises:
        RecordError: A file is damaged, or one is missing between others.
    """
    records: list[EpochRecord] = []
    for path in sorted(folder.glob("[0-9]*.json")):
        try:
            record = EpochRecord.model_validate_json(path.read_text(encoding="utf-8"))
        except (pydantic.ValidationError, OSError, UnicodeDecodeError) as error:
            raise RecordError(f"{path} is damaged: {str(error).splitlines()[0]}") from None
        if record.number != len(records) or path.name != f"{len(records):04d}.json":
            raise RecordError(f"no epoch file {folder / f'{len(records):04d}.json'}, although later ones are there")
        records.append(record)
    if any(not record.is_complete for record in records[:-1]):
        raise RecordError(f"{folder} is damaged: an epoch before the last is incomplete")
    return records
