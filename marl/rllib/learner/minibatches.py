"""Minibatches: every row of every module once per epoch, for one learner or several in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.core.columns import Columns

from marl.rllib.learner.ranks import largest_of_learners, least_of_learners

ModuleColumns = dict[str, dict[str, Any]]
"""By module and name: tensors [B, ...], or nested dicts of them."""


def minibatches(
    columns: ModuleColumns,
    *,
    module_ids: list[str],
    num_epochs: int,
    minibatch_size: int | None,
    generator: torch.Generator | None,
) -> Iterator[ModuleColumns]:
    """Yields every row of every module once per epoch.

    An epoch has as many minibatches as the largest module needs, and the rows of each module are spread evenly over
    them. (RLlib's iterator gives every module the same number of rows each time, so that a planner with a ninth of the
    rows makes nine times the passes; it also leaves the first epoch in the order of time.)

    Several learners take the same number of minibatches with the same modules in each. A module that has no rows at
    one of them waits for the next update.

    Args:
        columns: Of the modules that have rows.
        module_ids: All modules that are trained, in the same order at every learner.
        num_epochs: Passes over the data.
        minibatch_size: Steps of the largest module; None: all.
        generator: Shuffles; None: the order is kept.
    """
    steps = largest_of_learners(np.array([count_steps(columns.get(module_id)) for module_id in module_ids]))
    rows = least_of_learners(np.array([_count_rows(columns.get(module_id)) for module_id in module_ids]))
    if steps.max(initial=0) == 0:
        return
    num_parts = 1 if minibatch_size is None else max(1, round(float(steps.max()) / minibatch_size))
    shares = {m: min(num_parts, int(least)) for m, least in zip(module_ids, rows.tolist(), strict=True) if least > 0}
    for _ in range(num_epochs):
        parts = {m: _split(_count_rows(columns[m]), share, generator) for m, share in shares.items()}
        for i in range(num_parts):
            # Modules with few rows come last: the last minibatch has all modules, and RLlib logs what that one says.
            first = {m: num_parts - share for m, share in shares.items()}
            part = {m: take_rows(columns[m], parts[m][i - first[m]]) for m in shares if i >= first[m]}
            if part:
                yield part


def _count_rows(columns: dict[str, Any] | None) -> int:
    return 0 if columns is None else len(columns[Columns.OBS])


def count_steps(columns: dict[str, Any] | None) -> int:
    """Returns the steps in the rows of a module: all of them, but for the padding of sequences."""
    if columns is None:
        return 0
    return int(columns[Columns.LOSS_MASK].sum()) if Columns.LOSS_MASK in columns else len(columns[Columns.OBS])


def take_rows(columns: dict[str, Any], rows: torch.Tensor) -> dict[str, Any]:
    """Returns some rows of all columns of a module."""
    return map_columns(lambda column: column.index_select(0, rows), columns)


def map_columns(change: Callable[[Any], Any], columns: dict[str, Any]) -> dict[str, Any]:
    """Returns columns changed one by one, states of recurrent modules leaf by leaf."""
    return {
        # Walking a tree of one leaf takes ten times as long as changing it.
        name: change(column) if hasattr(column, "index_select") else tree.map_structure(change, column)
        for name, column in columns.items()
    }


def _split(size: int, num_parts: int, generator: torch.Generator | None) -> list[torch.Tensor]:
    rows = torch.arange(size) if generator is None else torch.randperm(size, generator=generator)
    return list(torch.tensor_split(rows, num_parts))
