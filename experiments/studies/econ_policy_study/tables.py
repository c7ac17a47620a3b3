"""The study's tables: their columns, and the parts in which they grow.

A table is a folder tables/<name> with a Parquet file for each finished cell. `pandas.read_parquet` reads the folder as
one table, at any time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.run_folder import RunError, RunFolder

Columns = Mapping[str, tuple[pa.DataType, str]]
"""Type and meaning, with its unit, by name."""

KEYS: Columns = MappingProxyType(
    {
        "policy": (pa.string(), "who sets the rates"),
        "workers": (pa.string(), "the population"),
        "adapted": (pa.bool_(), "whether the workers went on learning under this policy"),
        "layout": (pa.string(), "the map"),
        "seed": (pa.int64(), "of the cell"),
        "episode": (pa.int64(), "of the cell, from 0"),
    }
)
_AGENT: Columns = MappingProxyType(
    {
        "agent": (pa.int64(), "number of the worker"),
        "rank": (pa.int64(), "by what a house pays, 0 the worst paid"),
    }
)
_F64, _I64 = pa.float64(), pa.int64()

TABLES: Mapping[str, Columns] = MappingProxyType(
    {
        "episodes": {
            **KEYS,
            "productivity": (_F64, "coin of all workers at the end"),
            "equality": (_F64, "1 - Gini index of that coin"),
            "equality_productivity": (_F64, "their product, coin"),
            "utilitarian": (_F64, "mean utility"),
            "inverse_income": (_F64, "mean utility, weighted by 1 / max(coin, 1)"),
            "rawlsian": (_F64, "least utility"),
            "houses": (_I64, "built"),
            "trades": (_I64, "units that changed hands"),
            "mean_price": (_F64, "of them, coin; 0 without any"),
            "gathered": (_I64, "units of stone and wood"),
            "mean_labor": (_F64, "labor of a worker"),
            "taxes": (_F64, "collected and shared out, coin"),
            "elasticity": (_F64, "Saez's formula: its estimate after the cell's last tax day; else empty"),
        },
        "agents": {
            **KEYS,
            **_AGENT,
            "payment": (_F64, "coin for a house"),
            "second_unit": (_F64, "probability of gathering a second unit"),
            "coin": (_F64, "at the end, what is in open bids included"),
            "income": (_F64, "coin earned, of all tax periods"),
            "tax": (_F64, "coin paid"),
            "lump_sums": (_F64, "coin got back, equal parts of all taxes"),
            "smoothed_tax": (_F64, "coin that would be due on the mean income in every period"),
            "sales": (_F64, "coin from the market, less what was bought"),
            "units_sold": (_I64, "stone and wood"),
            "houses": (_I64, "built"),
            "labor": (_F64, "spent"),
            "utility": (_F64, "at the end"),
        },
        "periods": {
            **KEYS,
            **_AGENT,
            "period": (_I64, "tax period, from 0"),
            "income": (_F64, "coin earned in it, before taxes"),
            "tax": (_F64, "coin paid at its end"),
            "marginal_rate": (_F64, "at that income"),
            "labor": (_F64, "spent in it"),
        },
        "rates": {
            **KEYS,
            "period": (_I64, "tax period, from 0"),
            "bracket": (_I64, "from 0"),
            "cutoff": (_F64, "where it begins, coin"),
            "rate": (_F64, "marginal rate in force"),
        },
        "trades": {
            **KEYS,
            "agent": (_I64, "number of the seller"),
            "rank": (_I64, "of the seller, by what a house pays"),
            "step": (_I64, "of the episode, from 1"),
            "resource": (pa.string(), "stone or wood"),
            "price": (_I64, "coin"),
        },
        "wealth": {
            **KEYS,
            **_AGENT,
            "step": (_I64, "of the episode, fifty of them"),
            "coin": (_F64, "what is in open bids included"),
            "labor": (_F64, "spent so far"),
        },
        "houses": {
            **KEYS,
            **_AGENT,
            "step": (_I64, "in which it was built"),
            "row": (_I64, "of the map, from 0"),
            "column": (_I64, "of the map, from 0"),
        },
        "estimates": {
            **{name: column for name, column in KEYS.items() if name != "episode"},
            "tax_day": (_I64, "counted over all rounds of episodes of the cell, uncounted rounds too"),
            "samples": (_I64, "incomes that Saez's formula knew then"),
            "elasticity": (_F64, "its estimate of the elasticity of income"),
        },
    }
)

COMMIT = "episodes"  # written last: a cell is finished when its part of this table is there

Tables = dict[str, pa.Table]


def make_table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Returns rows as a table with the declared columns."""
    columns = TABLES[name]
    schema = pa.schema([pa.field(column, kind, metadata={"meaning": text}) for column, (kind, text) in columns.items()])
    return pa.Table.from_pylist([dict(row) for row in rows], schema)


def part_path(run: RunFolder, table: str, file_name: str) -> Path:
    """Returns where a cell's part of a table belongs."""
    return run.path / "tables" / table / f"{file_name}.parquet"


def write_cell(run: RunFolder, file_name: str, tables: Tables) -> None:
    """Writes a cell's parts, each in one step, and the one last that says that all are there."""
    for name in sorted(TABLES, key=lambda table: table == COMMIT):
        path = part_path(run, name, file_name)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.partial")  # pandas does not look at files that begin with a point
        pq.write_table(tables[name], aside, compression="zstd")
        os.replace(aside, path)


def is_finished(run: RunFolder, file_name: str) -> bool:
    """Whether a cell's parts are all there."""
    return part_path(run, COMMIT, file_name).exists()


def read_table(run: RunFolder, name: str, file_names: Sequence[str]) -> pd.DataFrame:
    """Returns a table of the finished ones among some cells, in their order.

    Raises:
        RunError: No cell is finished, or a part is damaged.
    """
    paths = [part_path(run, name, each) for each in file_names if is_finished(run, each)]
    if not paths:
        raise RunError(f"no cell of {run.path} is finished yet: agora resume {run.path}")
    parts = []
    for path in paths:
        try:
            parts.append(pq.read_table(path))
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{path} is damaged ({' '.join(str(error).split())}): remove it and resume") from None
    return pa.concat_tables(parts).to_pandas()


def column_table() -> str:
    """Returns all columns as the README's Markdown table."""
    lines = ["| table | column | type | meaning |", "|---|---|---|---|"]
    lines += [f"| all | `{name}` | {kind} | {text} |" for name, (kind, text) in KEYS.items()]
    for table, columns in TABLES.items():
        own = [(name, *column) for name, column in columns.items() if name not in KEYS]
        lines += [f"| `{table}` | `{name}` | {kind} | {text} |" for name, kind, text in own]
    return "\n".join(lines)


if __name__ == "__main__":
    print(column_table())
