"""Tax schedules from a CSV file: one row a schedule, one column a bracket.

The first line names the columns: `schedule`, then the cut-offs in coin, rising from 0. A further line holds the name of
a schedule and its rates:

    schedule,0,9.7,39.475
    mild,0.1,0.2,0.3
"""

from __future__ import annotations

import csv
import io
import math
from itertools import pairwise
from pathlib import Path

import numpy as np

from econ.taxation.schedule import MAX_BRACKETS, Schedule, TaxError, check_cutoffs


def read_schedules(source: str | Path) -> dict[str, Schedule]:
    """Reads schedules by name.

    Args:
        source: Path of a CSV file.

    Raises:
        TaxError: One line that names the cell.
    """
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaxError(f"cannot read tax schedules from {str(path)!r}: {error}") from None
    rows = [(n, row) for n, row in enumerate(csv.reader(io.StringIO(text)), 1) if any(cell.strip() for cell in row)]
    if not rows or rows[0][1][0].strip() != "schedule":
        raise TaxError(f"{path.name}: the first line must be `schedule` and the brackets' cut-offs, comma-separated")
    head = rows[0][1]
    cutoffs = [_number(path, rows[0][0], column, cell) for column, cell in enumerate(head[1:], 2)]
    _check_head(path, rows[0][0], cutoffs)
    checked = check_cutoffs(cutoffs)
    schedules: dict[str, Schedule] = {}
    for line, row in rows[1:]:
        name = row[0].strip()
        if not name or name in schedules:
            raise TaxError(f"{path.name}, line {line}: schedules need names of their own, got {name!r}")
        if len(row) != len(head):
            cell = f"line {line}, column {min(len(row), len(head)) + 1}"
            raise TaxError(f"{path.name}, {cell}: {len(head) - 1} brackets need as many rates, got {len(row) - 1}")
        rates = [_number(path, line, column, cell) for column, cell in enumerate(row[1:], 2)]
        for column, rate in enumerate(rates, 2):
            if not 0 <= rate <= 1:
                raise TaxError(f"{path.name}, line {line}, column {column}: a rate must be in [0, 1], got {rate:g}")
        schedules[name] = Schedule(checked, np.array(rates))
    if not schedules:
        raise TaxError(f"{path.name}: there is no schedule below the first line")
    return schedules


def _check_head(path: Path, line: int, cutoffs: list[float]) -> None:
    place = f"{path.name}, line {line}"
    if not 1 <= len(cutoffs) <= MAX_BRACKETS:
        raise TaxError(f"{place}: there can be 1 to {MAX_BRACKETS} brackets, got {len(cutoffs)}")
    if cutoffs[0] != 0:
        raise TaxError(f"{place}, column 2: the first cut-off must be 0, got {cutoffs[0]:g}")
    for column, (last, cutoff) in enumerate(pairwise(cutoffs), 3):
        if not cutoff > last:
            raise TaxError(f"{place}, column {column}: cut-offs must increase, got {cutoff:g} after {last:g}")


def _number(path: Path, line: int, column: int, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise TaxError(f"{path.name}, line {line}, column {column}: expected a number, got {cell.strip()!r}")
    return number
