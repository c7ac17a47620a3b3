"""Benchmarks: us and the peer in the same run, CPU time, one thread unless stated, medians of interleaved repeats.

Every package here is a benchmark with a `run(measure: Measure) -> None`. Results that are committed stand in results/.
"""

from __future__ import annotations

import csv
import io
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from statistics import median

from rich.console import Console
from rich.table import Table

from experiments.run_folder import RunError, write_atomically
from games.names import unknown_name

RESULTS = Path(__file__).parent / "results"

Work = Callable[[], float]
"""Does some work and returns how many CPU seconds it took."""


@dataclass
class Row:
    """One measured quantity.

    Attributes:
        name: What was measured.
        unit: Of the values, such as "env steps / CPU-s".
        values: One per repeat.
        note: What a reader should know.
    """

    name: str
    unit: str
    values: list[float]
    note: str = ""

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)


@dataclass
class Ratio:
    """How much faster one row is than another.

    Attributes:
        name: What is claimed.
        faster: Row that should be faster.
        slower: Row that it is compared with.
        value: Ratio of the medians.
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


@dataclass
class Measure:
    """Collects rows and ratios and shows them.

    Attributes:
        console: Where to show them.
        repeats: Of every quantity.
    """

    console: Console
    repeats: int = 5
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rates(self, unit: str, works: Mapping[str, tuple[float, Work]]) -> list[Row]:
        """Measures rates side by side: in every repeat each work runs once, after one warm-up of each.

        Args:
            unit: Of the rates.
            works: By name, the amount of work that one call does, and the call.
        """
        rates: dict[str, list[float]] = {name: [] for name in works}
        for repeat in range(self.repeats + 1):
            for name, (amount, work) in works.items():
                with self.console.status(f"{name}, repeat {repeat} of {self.repeats}"):
                    seconds = work()
                if repeat > 0:
                    rates[name].append(amount / seconds)
        rows = [Row(name, unit, values) for name, values in rates.items()]
        self.rows += rows
        return rows

    def compare(self, name: str, faster: Row, slower: Row, aim: float | None = None) -> None:
        """Adds a ratio."""
        self.ratios.append(Ratio(name, faster, slower, aim))

    def note(self, text: str) -> None:
        """Adds a line of text."""
        self.notes.append(text)

    def show(self) -> None:
        """Prints everything."""
        table = Table("measured", "median", "smallest", "largest", "unit")
        for row in self.rows:
            table.add_row(
                row.name, f"{row.median:,.0f}", f"{min(row.values):,.0f}", f"{max(row.values):,.0f}", row.unit
            )
        ratios = Table("ratio of medians", "is", "aim")
        for ratio in self.ratios:
            ratios.add_row(ratio.name, f"{ratio.value:,.1f}", "" if ratio.aim is None else f"{ratio.aim:,.1f}")
        self.console.print(table, ratios)
        for text in self.notes:
            self.console.print(text)

    def to_csv(self) -> str:
        """Returns all rows and ratios, with the processor they were measured on."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["name", "median", "smallest", "largest", "unit", "processor"])
        cpu = processor_name()
        for row in self.rows:
            values = (row.median, min(row.values), max(row.values))
            writer.writerow([row.name, *(f"{value:.4g}" for value in values), row.unit, cpu])
        for ratio in self.ratios:
            writer.writerow([ratio.name, f"{ratio.value:.3g}", "", "", "ratio", cpu])
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
    start = time.process_time()
    work()
    return time.process_time() - start


def speed_table(name: str) -> str:
    """Returns a benchmark's committed ratios as the README's Markdown table.

    Raises:
        RunError: Nothing is committed for it.
    """
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        raise RunError(f"no results for benchmark {name}: agora bench {name} --save")
    with path.open(newline="", encoding="utf-8") as file:
        ratios = [row for row in csv.DictReader(file) if row["unit"] == "ratio"]
    return "\n".join(["| ratio | measured |", "|---|---|", *(f"| {r['name']} | {r['median']} |" for r in ratios)])


def bench_names() -> list[str]:
    """Returns the names of all benchmarks."""
    return sorted(module.name for module in iter_modules(__path__) if module.ispkg)


def run_bench(name: str, console: Console, repeats: int, save: bool) -> None:
    """Runs one benchmark and shows it.

    Args:
        name: One of `bench_names()`.
        console: Where to show it.
        repeats: Of every quantity.
        save: Whether to write results/<name>.csv beside this file.

    Raises:
        RunError: No such benchmark.
    """
    if name not in bench_names():
        raise RunError(str(unknown_name("benchmark", name, bench_names())))
    measure = Measure(console, repeats)
    import_module(f"{__name__}.{name}").run(measure)
    measure.show()
    if save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.csv"
        write_atomically(path, measure.to_csv())
        console.print(f"written: {path.name}")
