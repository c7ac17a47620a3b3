"""Benchmarks: us and the peer in the same run, CPU time, one thread unless stated, medians of interleaved repeats.

Every package here is a benchmark with a `run(measure: Measure) -> None`. Results that are committed stand in results/.
"""

from __future__ import annotations

import csv
import io
import math
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Column, Table

from experiments.markdown import to_markdown
from experiments.run_folder import RunError, write_atomically
from games.names import unknown_name

RESULTS = Path(__file__).parent / "results"


class Seconds(NamedTuple):
    """What some work took.

    Attributes:
        cpu: Of all processes that did it.
        wall: By the clock on the wall, which sees the machine's other jobs.
    """

    cpu: float
    wall: float


Work = Callable[[], float | Seconds]
"""Does some work and returns how many CPU seconds it took, alone or with those by the clock on the wall."""


@dataclass
class Row:
    """One measured quantity.

    Attributes:
        name: What was measured.
        unit: Of the values, such as "env steps / CPU-s".
        values: One per repeat.
        note: What a reader should know.
        walls: The same by the clock on the wall; empty: not looked at.
    """

    name: str
    unit: str
    values: list[float]
    note: str = ""
    walls: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def wall(self) -> float | None:
        """The middle value by the clock on the wall."""
        return median(self.walls) if self.walls else None


@dataclass
class Ratio:
    """How much faster one row is than another.

    Attributes:
        name: What is claimed.
        faster: Row that should be faster.
        slower: Row that it is compared with.
        value: Ratio of the medians.
        wall: The same by the clock on the wall, where both rows have that.
        aim: What it should at least be; None: shown for information.
    """

    name: str
    faster: Row
    slower: Row
    aim: float | None

    @property
    def value(self) -> float:
        """Ratio of the medians."""
        return self.faster.median / self.slower.median

    @property
    def wall(self) -> float | None:
        """Ratio of the medians by the clock on the wall."""
        faster, slower = self.faster.wall, self.slower.wall
        return None if faster is None or slower is None else faster / slower


@dataclass
class Measure:
    """Collects rows and ratios and shows them.

    Attributes:
        console: Where to show them.
        repeats: Of every quantity.
        tables: By name, further results: rows of cells, the first row the heading.
        files: By path, text that `--save` writes beside the results, such as a figure.
    """

    console: Console
    repeats: int = 5
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)

    def rates(
        self, unit: str, works: Mapping[str, tuple[float, Work]], *, repeats: int | None = None, note: str = ""
    ) -> list[Row]:
        """Measures rates side by side: in every repeat each work runs once, after one warm-up of each.

        Args:
            unit: Of the rates.
            works: By name, the amount of work that one call does, and the call.
            repeats: Of works that take too long for as many as all others get.
            note: Of all rows.
        """
        repeats = self.repeats if repeats is None else repeats
        rows = {name: Row(name, unit, [], note) for name in works}
        for repeat in range(repeats + 1):
            for name, (amount, work) in works.items():
                with self.console.status(f"{name}, repeat {repeat} of {repeats}"):
                    spent = work()
                if repeat == 0:
                    continue
                if isinstance(spent, Seconds):
                    rows[name].walls.append(amount / spent.wall)
                    spent = spent.cpu
                rows[name].values.append(amount / spent)
        self.rows += rows.values()
        return list(rows.values())

    def count(self, name: str, unit: str, value: float) -> Row:
        """Adds a quantity that is counted and not timed, and returns its row."""
        row = Row(name, unit, [value])
        self.rows.append(row)
        return row

    def compare(self, name: str, faster: Row, slower: Row, aim: float | None = None) -> None:
        """Adds a ratio."""
        self.ratios.append(Ratio(name, faster, slower, aim))

    def note(self, text: str) -> None:
        """Adds a line of text."""
        self.notes.append(text)

    def show(self) -> None:
        """Prints everything."""
        rows = [["measured", "median", "smallest", "largest", "wall clock", "unit", "note"]]
        for row in self.rows:
            numbers = (row.median, min(row.values), max(row.values), row.wall)
            rows.append([row.name, *(three_digits(number) for number in numbers), row.unit, row.note])
        ratios = [["ratio of medians", "is", "wall clock", "aim"]]
        for ratio in self.ratios:
            ratios.append([ratio.name, *(three_digits(number) for number in (ratio.value, ratio.wall, ratio.aim))])
        for table in (rows, ratios, *self.tables.values()):
            self._print(table)
        for text in self.notes:
            self.console.print(text)

    def _print(self, table: list[list[str]]) -> None:
        """Prints a table without the columns that say nothing; what does not fit is folded, never cut off."""
        heading, *rows = table
        used = [i for i, title in enumerate(heading) if any(cells[i] for cells in rows)]
        shown = Table(*(Column(heading[i], overflow="fold") for i in used))
        for cells in rows:
            shown.add_row(*(cells[i] for i in used))
        self.console.print(shown)

    def to_csv(self) -> str:
        """Returns all rows and ratios, with the processor they were measured on."""
        cpu = processor_name()
        table = [["name", "median", "smallest", "largest", "wall", "unit", "repeats", "note", "processor"]]
        for row in self.rows:
            values = [f"{value:.4g}" for value in (row.median, min(row.values), max(row.values))]
            wall = "" if row.wall is None else f"{row.wall:.4g}"
            table.append([row.name, *values, wall, row.unit, str(len(row.values)), row.note, cpu])
        for ratio in self.ratios:
            wall = "" if ratio.wall is None else f"{ratio.wall:.3g}"
            table.append([ratio.name, f"{ratio.value:.3g}", "", "", wall, "ratio", "", "", cpu])
        return _to_csv(table)

    def save(self, name: str) -> list[Path]:
        """Writes results/<name>.csv beside this file, results/<name>_<table>.csv and all files; returns what it wrote.

        Args:
            name: Of the benchmark.
        """
        texts = {RESULTS / f"{name}.csv": self.to_csv(), **self.files}
        texts |= {RESULTS / f"{name}_{table}.csv": _to_csv(rows) for table, rows in self.tables.items()}
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, text)
        return list(texts)


def three_digits(number: float | None) -> str:
    """Returns a number as people read it: rounded to three digits, with commas between thousands; "" for None."""
    if not number:
        return "" if number is None else "0"
    digits = 2 - math.floor(math.log10(abs(number)))
    shown = f"{round(number, digits):,.{max(digits, 0)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _to_csv(table: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def processor_name() -> str:
    """Returns the processor's model, as far as the system tells."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpu_seconds(work: Callable[[], object]) -> float:
    """Returns the CPU time, of all threads of this process, that a call takes."""
    return seconds(work).cpu


def seconds(work: Callable[[], object], cpu_clock: Callable[[], float] = time.process_time) -> Seconds:
    """Returns the time that a call takes.

    Args:
        work: The call.
        cpu_clock: Returns the CPU time so far; by default that of all threads of this process.
    """
    cpu, wall = cpu_clock(), time.perf_counter()
    work()
    return Seconds(cpu_clock() - cpu, time.perf_counter() - wall)


def speed_table(name: str) -> str:
    """Returns a benchmark's committed ratios, and its further tables, as the README's Markdown.

    Raises:
        RunError: Nothing is committed for it.
    """
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        raise RunError(f"no results for benchmark {name}: agora bench {name} --save")
    with path.open(newline="", encoding="utf-8") as file:
        ratios = [row for row in csv.DictReader(file) if row["unit"] == "ratio"]
    has_wall = any(row.get("wall") for row in ratios)
    table = [["ratio", "CPU time", "wall clock"] if has_wall else ["ratio", "measured"]]
    for row in ratios:
        numbers = [row["median"], row["wall"]] if has_wall else [row["median"]]
        table.append([row["name"], *(three_digits(float(number)) if number else "" for number in numbers)])
    further = [results_table(path.stem) for path in sorted(RESULTS.glob(f"{name}_*.csv"))]
    return "\n\n".join([to_markdown(table), *further])


def results_table(name: str) -> str:
    """Returns one of the tables that a benchmark saved, such as "worlds_contests", as Markdown."""
    with (RESULTS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return to_markdown(list(csv.reader(file)))


def bench_names() -> list[str]:
    """Returns the names of all benchmarks."""
    return sorted(module.name for module in iter_modules(__path__) if module.ispkg)


def run_bench(name: str, console: Console, repeats: int, save: bool) -> None:
    """Runs one benchmark and shows it.

    Args:
        name: One of `bench_names()`.
        console: Where to show it.
        repeats: Of every quantity.
        save: Whether to write what `Measure.save` writes.

    Raises:
        RunError: No such benchmark.
    """
    if name not in bench_names():
        raise RunError(str(unknown_name("benchmark", name, bench_names())))
    measure = Measure(console, repeats)
    import_module(f"{__name__}.{name}").run(measure)
    measure.show()
    if save:
        for path in measure.save(name):
            console.print(f"written: {path.name}")
