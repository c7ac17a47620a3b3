"""The task tree of grid/trash: split a big piece, take a small one, deliver what is carried.

There is a subgoal for each piece that can be split, each that can be taken, and one for the recycling area. What an
agent on its way is told is where the target lies from where it looks, and what stands in the way around it.
"""

from __future__ import annotations

from typing import cast

import networkx as nx
import torch

from games.config import WorldConfig
from games.trash import BIG, BINS, SIDE, SMALL, STEPS, TrashConfig
from marl.gmah.task_tree import TREES, TaskTree

TAKE, SPLIT, DELIVER = range(3)
KINDS = 3
# The eight cells around an agent that looks ahead: steps forward and to the right.
AROUND = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


class TrashTree(TaskTree):
    """Subgoals "take m" of M pieces, then "split m" of the big ones, then "deliver".

    "take m" needs a small piece m and room, "split m" a big one, "deliver" a load. Who can do nothing goes where pieces
    are delivered, which is out of the others' way.

    Args:
        config: Of the world.
    """

    def __init__(self, config: TrashConfig) -> None:
        self._num_others, self._num_pieces = config.num_agents - 1, config.num_pieces
        self._num_small, self._capacity = config.num_small, config.capacity
        self._first_piece = 4 * config.num_agents
        self._first_bin = self._first_piece + 3 * self._num_pieces
        big = range(config.num_small, config.num_pieces)
        self.graph = nx.DiGraph()
        for piece in range(config.num_pieces):
            self.graph.add_node(f"take {piece}", layer=1, kind="take")
        for piece in big:
            self.graph.add_node(f"split {piece}", layer=0, kind="split")
            self.graph.add_edge(f"split {piece}", f"take {piece}")
        self.graph.add_node("deliver", layer=2, kind="deliver")
        self.graph.add_edges_from((f"take {piece}", "deliver") for piece in range(config.num_pieces))
        self.num_features = 3 + KINDS + len(AROUND)
        self.most_steps = 2.0 * SIDE
        self.idle = len(self.graph) - 1
        self._steps = torch.tensor(STEPS, dtype=torch.float32)
        self._kinds = torch.tensor([TAKE] * config.num_pieces + [SPLIT] * config.num_big + [DELIVER])

    def admissible(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., G] bool."""
        kinds, load = self._pieces(observations)[..., 2], observations[..., 2:3]
        takes = (kinds == SMALL) & (load < self._capacity)
        return torch.cat([takes, kinds[..., self._num_small :] == BIG, load > 0], dim=-1)

    def achievements(self, observations_t: torch.Tensor, observations_tp1: torch.Tensor) -> torch.Tensor:
        """Returns [..., G] bool. Who faces a big piece that is split at that moment counts as having split it."""
        pieces_t, pieces_tp1 = self._pieces(observations_t), self._pieces(observations_tp1)
        ahead = self._steps[observations_t[..., 3].long()].unsqueeze(-2)
        faces = (pieces_t[..., :2] == ahead).all(dim=-1)
        kinds_t, kinds_tp1 = pieces_t[..., 2], pieces_tp1[..., 2]
        load_t, load_tp1 = observations_t[..., 2:3], observations_tp1[..., 2:3]
        takes = faces & (kinds_t == SMALL) & (load_tp1 == load_t + 1)
        splits = (faces & (kinds_t == BIG) & (kinds_tp1 == SMALL))[..., self._num_small :]
        return torch.cat([takes, splits, (load_t > 0) & (load_tp1 == 0)], dim=-1)

    def aim(self, observations: torch.Tensor, subgoals: torch.Tensor) -> torch.Tensor:
        """Returns [..., 6]: target forward, to the right and in steps, and what it is."""
        index = subgoals[..., None, None].expand(*subgoals.shape, 1, 2)
        forward, right = self._seen(observations, self._targets(observations).gather(-2, index).squeeze(-2))
        steps = _steps_to(forward, right) / self.most_steps
        kinds = torch.nn.functional.one_hot(self._kinds[subgoals], KINDS)
        where = torch.stack([forward / SIDE, right / SIDE, steps], dim=-1)
        return torch.cat([where, kinds.to(where.dtype)], dim=-1)

    def around(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., 8], 1 where a cell around the observer is closed to it."""
        direction = observations[..., 3].long()
        forward, right = self._steps[direction], self._steps[(direction + 1) % 4]
        cells = torch.stack([f * forward + r * right for f, r in AROUND], dim=-2)
        # Where a piece is gone its row and column are 0, the observer's own cell, which is not among those around it.
        others = observations[..., 4 : self._first_piece].unflatten(-1, (self._num_others, 4))[..., :2]
        things = torch.cat([self._pieces(observations)[..., :2], others], dim=-2)
        taken = (_number(cells).unsqueeze(-1) == _number(things).unsqueeze(-2)).any(dim=-1)
        own = torch.tensor(BINS[0], dtype=observations.dtype) - self._bins(observations)[..., :1, :]
        row, column = (own + cells).unbind(-1)
        outside = (row < 0) | (row >= SIDE) | (column < 0) | (column >= SIDE)
        is_bin = (row >= BINS[0][0]) & (column >= BINS[0][1])  # the area reaches to the map's last corner
        return (taken | outside | is_bin).to(observations.dtype)

    def distances(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., G], the steps and turns until each target is in front, on an empty map."""
        return _steps_to(*self._seen(observations.unsqueeze(-2), self._targets(observations)))

    def oracle(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [E, P]: pieces are dealt out to who is nearest and has room; who is full or gets none delivers."""
        num_agents = observations.shape[1]
        pieces = self._pieces(observations)
        costs = _steps_to(*self._seen(observations.unsqueeze(2), pieces[..., :2]))
        kinds, has_room = pieces[..., 2], observations[..., 2] < self._capacity
        costs = costs.masked_fill((kinds == 0) | ~has_room.unsqueeze(-1), torch.inf)
        subgoals = torch.full(observations.shape[:2], len(self) - 1)
        envs = torch.arange(len(observations))
        for _ in range(num_agents):
            least, best = costs.flatten(1).min(dim=1)
            agents, chosen = best // self._num_pieces, best % self._num_pieces
            is_big = kinds[envs, agents, chosen] == BIG
            meant = torch.where(is_big, chosen + self._num_pieces - self._num_small, chosen)
            subgoals[envs, agents] = torch.where(least.isinf(), subgoals[envs, agents], meant)
            costs[envs, agents] = torch.inf
            costs[envs, :, chosen] = torch.inf
        return subgoals

    # ---- what an observation says ----

    def _pieces(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., M, 3] row, column and kind."""
        return observations[..., self._first_piece : self._first_bin].unflatten(-1, (self._num_pieces, 3))

    def _bins(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., 8, 2]."""
        return observations[..., self._first_bin :].unflatten(-1, (len(BINS), 2))

    def _targets(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., G, 2] row and column of all targets: of the nearest cell, where that is an area."""
        bins = self._bins(observations)
        nearest = bins.abs().sum(dim=-1).argmin(dim=-1)[..., None, None].expand(*bins.shape[:-2], 1, 2)
        pieces = self._pieces(observations)[..., :2]
        return torch.cat([pieces, pieces[..., self._num_small :, :], bins.gather(-2, nearest)], dim=-2)

    def _seen(self, observations: torch.Tensor, cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns how far forward and to the right of where the observer looks cells [..., 2] lie."""
        direction = observations[..., 3].long()
        forward = (cells * self._steps[direction]).sum(dim=-1)
        right = (cells * self._steps[(direction + 1) % 4]).sum(dim=-1)
        return forward, right


def _number(cells: torch.Tensor) -> torch.Tensor:
    """Returns [...] a number for each cell [..., 2], relative to somebody on the map, which no other has."""
    return 2 * SIDE * cells[..., 0] + cells[..., 1]


def _steps_to(forward: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Returns the steps and turns until what lies there is in front, on an empty map."""
    turns = torch.where(forward > 0, (right != 0).float(), torch.where(forward == 0, 1.0, 2.0))
    return (forward.abs() + right.abs() - 1).clamp(min=0) + turns


def _make(config: WorldConfig) -> TaskTree:
    return TrashTree(cast(TrashConfig, config))


TREES["trash"] = _make
