"""What came out of the runs of a sweep, as two tables."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.psro.settings import SweepSettings
from experiments.studies.psro.training import open_complete_runs
from marl.equilibrium.risk import mean_and_variance
from marl.psro.psro import Psro
from marl.psro.records import EpochRecord

NOISE = 1e-12  # what rounding leaves of 0
QUANTILES = (0.05, 0.5, 0.95)


def evaluate(run: RunFolder, settings: SweepSettings) -> None:
    """Writes evaluation.csv, a row for each run, curves.csv, one for each of their epochs, and payoffs.csv.

    Columns of evaluation.csv: gamma and the variance that the oracle is averse to; policies of each player; NashConv of
    the last meta-strategy, and a lower bound of the one before it; in how many epochs the meta-solver converged; what
    agent i gets, mean and standard deviation over the others' draws.

    payoffs.csv has a row for each agent in each cell of the last epoch: the policies' numbers, episodes, mean and
    standard deviation of the return, its quantiles (of the sample that the payoff table keeps), and the means of the
    world's own statistics, such as crashes. Exact payoffs have a mean alone.

    Raises:
        RunError: A run is not complete, or a file of one is missing or damaged.
    """
    runs = open_complete_runs(run, settings)
    curves = pd.DataFrame([row for name, each in runs.items() for row in _curve(name, each)])
    write_atomically(run.path / "curves.csv", curves.to_csv(index=False))
    cells = pd.DataFrame([row for name, each in runs.items() for row in cell_rows(name, each)])
    write_atomically(run.path / "payoffs.csv", cells.to_csv(index=False))
    rows = pd.DataFrame([_summary(name, each) for name, each in runs.items()])
    write_atomically(run.evaluation_path, rows.to_csv(index=False))


def _curve(name: str, run: Psro) -> list[dict[str, Any]]:
    """Returns a row for each epoch; a lower bound of its NashConv is what fresh or the next epoch's responses gain."""
    solver, seed = name.rsplit("-", 1)
    following = [*run.epochs[1:], None]
    return [
        {
            "solver": solver,
            "seed": int(seed),
            "epoch": record.number,
            "policies": "x".join(map(str, record.sizes)),
            "nash_conv": record.nash_conv,
            "lower_bound": _lower_bound(record, after),
            "regret": record.meta.regret if record.meta else None,
            "converged": record.meta.converged if record.meta else None,
            "seconds": round(sum(record.seconds.values()), 2),
        }
        for record, after in zip(run.epochs, following, strict=True)
    ]


def _lower_bound(record: EpochRecord, after: EpochRecord | None) -> float | None:
    if record.bound is not None:
        return record.bound.nash_conv
    return sum(after.gains) if after is not None and after.gains is not None else None


def _summary(name: str, run: Psro) -> dict[str, Any]:
    """Returns what the last epoch's meta-strategy is worth, and how much that varies with the others' draws."""
    last, curve = run.epochs[-1], _curve(name, run)
    assert last.meta is not None
    known = [row["lower_bound"] for row in curve if row["lower_bound"] is not None]
    row = {
        "run": name,
        "risk": f"{run.settings.risk_aversion:g} {run.settings.variance}",
        "policies": curve[-1]["policies"],
        "nash_conv": _rounded(last.nash_conv),
        "lower_bound": _rounded(known[-1] if known else None),
        "solved": f"{sum(bool(each['converged']) for each in curve)}/{len(curve)}",
    }
    for number, (mean, spread) in enumerate(zip(last.meta.values, spreads(run), strict=True)):
        row[f"mean_{number}"] = _rounded(mean)
        row[f"sd_{number}"] = _rounded(spread)
    return row


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value if abs(value) > NOISE else 0:.3g}"


def cell_rows(name: str, run: Psro) -> list[dict[str, Any]]:
    """Returns what is known of the cells of the last epoch, a row for each agent."""
    last, table = run.epochs[-1], run.table
    payoffs = run.payoffs(last)
    is_simulated = run.settings.payoffs == "simulated"
    deviations = np.sqrt(table.variances()) if is_simulated else np.zeros(0)
    rows = []
    for cell in product(*(last.in_play or map(range, last.sizes))):
        low, middle, high = table.quantiles(cell, QUANTILES) if is_simulated else np.zeros((3, len(cell)))
        for number, agent in enumerate(run.seats):
            row = {"run": name, "cell": "-".join(map(str, cell)), "agent": agent}
            row["mean"] = _digits(payoffs[(number, *cell)])
            if is_simulated:
                row |= {"episodes": str(table.counts[cell]), "sd": _digits(deviations[(number, *cell)])}
                row |= {"q05": _digits(low[number]), "q50": _digits(middle[number]), "q95": _digits(high[number])}
                row |= {event: _digits(table.means(event)[cell]) for event in table.numbers}
            rows.append(row)
    return rows


def _digits(value: float) -> str:
    return f"{value:.6g}"


def spreads(run: Psro) -> list[float]:
    """Returns for each agent the standard deviation of what its mixture gets, over the others' draws."""
    last = run.epochs[-1]
    assert last.meta is not None
    _, variances = mean_and_variance(run.payoffs(last), [np.array(own) for own in last.meta.profile])
    return np.sqrt(variances).tolist()
