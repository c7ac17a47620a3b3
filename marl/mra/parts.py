"""A batch in parts of like populations, so that networks see few empty slots.

A batch of steps of 6 and of 12 agents has 12 slots everywhere, and pairs of slots are what learning costs. Its steps
are put in the order of their populations, and networks that see pairs are asked part by part; what they say goes back
into slots, so that everything else, draws included, is as if they had been asked at once.

B rows, N slots of a group, M of the others that each sees; of a part b, n and m.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from games.particles import EntityViews

MOST = 4  # parts: each is a call of every network
LEAST_ROWS = 64  # of a part on average: smaller ones cost more in calls than they save in slots


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a batch, and who is there in them.

    Attributes:
        rows: Of the batch, one after the other.
        agents: n, slots of the group up to the last agent.
        others: [m] slots of others in which anybody sees anybody.
        views: [b, n, ...] with m others.
    """

    rows: slice
    agents: int
    others: torch.Tensor
    views: EntityViews

    def of(self, values: torch.Tensor) -> torch.Tensor:
        """Returns [b, n, ...] of values [B, N, ...]."""
        return values[self.rows, : self.agents]

    def of_others(self, values: torch.Tensor) -> torch.Tensor:
        """Returns [b, n, ..., m] of values [B, N, ..., M]."""
        own = self.of(values)
        return own if len(self.others) == own.shape[-1] else own.index_select(-1, self.others)

    def within(self, values: torch.Tensor) -> torch.Tensor:
        """Returns [b, n, n] of values [B, N, N] between the agents of the group."""
        return self.of(values)[..., : self.agents]


def in_order(columns: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Returns columns [B, ...] of steps in the order of their populations."""
    order = torch.argsort(columns["num_agents"], stable=True)
    return {name: values[order] for name, values in columns.items()}


@dataclass(frozen=True, eq=False)
class Sight:
    """What all agents of a batch see, [B, N, ...] with M others, in parts.

    Attributes:
        parts: Row after row, all of it.
        agents: N.
        others: M.
    """

    parts: tuple[Part, ...]
    agents: int
    others: int

    def ask(self, network: Callable[[Part], torch.Tensor]) -> torch.Tensor:
        """Returns [B, N, ...] from what a network says of each part, [b, n, ...]; 0 in empty slots."""
        told = [network(part) for part in self.parts]
        return torch.cat([_padded(values, self.agents) for values in told])

    def ask_of_others(self, network: Callable[[Part], torch.Tensor]) -> torch.Tensor:
        """Returns [B, N, ..., M] from what a network says of each part, [b, n, ..., m]; 0 in empty slots."""
        return self.ask(lambda part: _spread(network(part), part.others, self.others))


def see(views: EntityViews, there: torch.Tensor, num_agents: torch.Tensor) -> Sight:
    """Returns views in parts, or as one where steps do not stand in the order of their populations.

    Args:
        views: [B, N, ...].
        there: [B, N] bool; of whom a number is wanted.
        num_agents: [B] that the episode began with.
    """
    agents, others = views.other_mask.shape[1:]
    if bool((num_agents.diff() < 0).any()):
        return Sight((Part(slice(None), agents, torch.arange(others), views),), agents, others)
    return Sight(tuple(_part(views, there, rows) for rows in _rows(num_agents)), agents, others)


def _rows(num_agents: torch.Tensor) -> list[slice]:
    """Returns the rows of each population, or of neighbouring ones together where those are many or small."""
    sizes, counts = np.unique(num_agents.numpy(), return_counts=True)
    ends = np.cumsum(counts)
    most = max(1, min(MOST, len(sizes), len(num_agents) // LEAST_ROWS))
    lasts = [run[-1] for run in np.array_split(np.arange(len(sizes)), most)]
    edges = [0, *ends[lasts].tolist()]
    return [slice(first, end) for first, end in pairwise(edges)]


def _part(views: EntityViews, there: torch.Tensor, rows: slice) -> Part:
    seen = (views.other_mask[rows] > 0).any(dim=0)
    filled = (there[rows].any(dim=0) | seen.any(dim=-1)).nonzero()
    agents = int(filled[-1]) + 1 if len(filled) else 1
    others = seen[:agents].any(dim=0).nonzero().squeeze(-1)
    own = EntityViews(*(values[rows, :agents] for values in views))
    if len(others) == seen.shape[-1]:
        return Part(rows, agents, others, own)
    kept = own._replace(others=own.others.index_select(-2, others), other_mask=own.other_mask[..., others])
    return Part(rows, agents, others, kept)


def _padded(values: torch.Tensor, slots: int) -> torch.Tensor:
    return nn.functional.pad(values, (0, 0) * (values.dim() - 2) + (0, slots - values.shape[1]))


def _spread(values: torch.Tensor, others: torch.Tensor, slots: int) -> torch.Tensor:
    if len(others) == slots:
        return values
    return values.new_zeros(*values.shape[:-1], slots).index_copy(-1, others, values)
