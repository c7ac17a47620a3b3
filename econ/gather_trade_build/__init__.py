"""Gather-trade-build, the AI Economist's spatial economy. See README.md beside this file and gather_trade_build.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np

from econ.gather_trade_build.layouts import (
    LayoutError,
    corner_tiles,
    layout_names,
    read_layout,
    read_maps,
    split_maps,
)
from econ.gather_trade_build.maps import WATER, RandomMaps
from econ.taxation import TaxSettings
from econ.welfare import OBJECTIVES
from games.config import GameProperties, setting
from games.spec import EnvSpec, register

SKILLS = ("none", "pareto", "lognormal")
STARTS = ("random", "corners", "split")
MAX_AGENTS, MAX_HISTORY, MAX_OPEN_ORDERS = 100, 1100, 512
NUMPY_WORDS = 625


@cache
def ranked_payments(num_agents: int, payment: float = 10.0, max_skill: float = 3.0) -> np.ndarray:
    """Returns the mean payment of each rank of skill, the lowest first, [N] coin a house.

    As ai-economist 1.7.1 works them out: 100,000 times N samples of min(max_skill, (max_skill - 1) x + 1), x Lomax with
    shape 4 from NumPy's RandomState(1), sorted and averaged by rank.
    """
    samples = np.random.RandomState(1).pareto(4, (100_000, num_agents))
    payments = np.sort(np.minimum(max_skill, (max_skill - 1) * samples + 1), axis=1).mean(axis=0) * payment
    payments.flags.writeable = False
    return payments


def numpy_stream(seed: int) -> np.ndarray:
    """Returns the state that `numpy.random.seed(seed)` makes, as a row of the setting `numpy_streams`, [625] int32."""
    _, key, position, *_ = np.random.RandomState(seed).get_state()
    return np.append(key, position).astype(np.uint32).view(np.int32)


@dataclass(frozen=True, kw_only=True, eq=False)
class GatherTradeBuildConfig(TaxSettings):
    """Settings of gather-trade-build; those of its tax are in econ/taxation/settings.py.

    Attributes:
        starts: "corners": workers start in the corners, by rank of skill, and the ranks are dealt out anew in each
            episode. "random": anywhere, with payments drawn. "split": a row of water halves the map; the workers of
            `split_top_ranks` start anywhere above it, the others below.
        labor_weight: Of the labor cost in utilities, for warm-ups; may change while the batch lives.
        numpy_streams: [K, 625] int32 states of NumPy's legacy generator (`numpy_stream`): episode k draws from row
            k mod K as ai-economist 1.7.1 does. None: the engine's own chance.
    """

    world: ClassVar[str] = "gather_trade_build"
    family: ClassVar[str] = "econ"

    layout: Any = setting(
        "quadrant_25x25_20each_30clump",
        doc="a shipped map's name, the text of one, several of either, random_<kind> or a RandomMaps (maps.py)",
    )
    num_agents: int = setting(4, low=2, high=MAX_AGENTS, doc="workers N")
    starts: str = setting("corners", choices=STARTS, doc="where workers start, and what decides their payments")
    split_row: int = setting(0, low=0, high=62, doc="starts split: which row is water; 0: the middle")
    split_top_ranks: Any = setting((0,), doc="starts split: ranks of skill above it, 0 the best paid")
    build_skills: str = setting("pareto", choices=SKILLS, doc="how payments for houses are drawn")
    gather_skills: str = setting("pareto", choices=SKILLS, doc="how chances of a second unit are drawn")
    payment: float = setting(10.0, low=1e-6, high=1e6, doc="coin for a house at skill 1")
    max_skill: float = setting(3.0, low=1, high=1e6, doc="highest multiple of the payment")
    build_labor: float = setting(10.0, low=0, high=1e6, doc="labor of building a house")
    move_labor: float = setting(1.0, low=0, high=1e6, doc="labor of a step")
    gather_labor: float = setting(1.0, low=0, high=1e6, doc="labor of taking what lies on a tile")
    order_labor: float = setting(0.25, low=0, high=1e6, doc="labor of an order")
    starting_coin: float = setting(0.0, low=0, high=1e6, doc="coin at the start")
    regrowth_probability: float = setting(0.01, low=0, high=1, doc="of an empty source in a step")
    max_bid_ask: int = setting(10, low=0, high=31, doc="highest price, coin")
    max_orders: int = setting(5, low=0, high=255, doc="open orders of an agent for one resource")
    order_duration: int = setting(50, low=0, high=250, doc="steps after which an order lapses")
    isoelastic_eta: float = setting(0.23, low=0, high=1, doc="curvature of utility in coin: 0 linear, 1 logarithmic")
    labor_cost: float = setting(0.21, low=0, high=1e6, doc="utility that a unit of labor costs")
    labor_weight: float = setting(1.0, low=0, high=1, live=True, doc="of the labor cost, for warm-ups")
    objective: str = setting("equality_productivity", choices=OBJECTIVES, doc="what the planner wants")
    equality_weight: float = setting(1.0, low=0, high=1, doc="of equality in equality_productivity; 0: coin alone")
    view: int = setting(5, low=0, high=15, doc="tiles that a worker sees to each side")
    sees_all: bool = setting(False, doc="whether workers see the whole map (and the planner no inventories)")
    planner_sees_map: bool = setting(False, doc="whether the planner sees the map")
    shares_wealth: bool = setting(False, doc="whether all coin is shared equally in every step")
    numpy_streams: Any = setting(None, doc="[K, 625] states of NumPy's legacy generator, or None")
    horizon: int = setting(1000, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._streams()
        prices = self.max_bid_ask + 1
        if self.num_agents * prices > MAX_HISTORY:
            raise ValueError(f"{self.num_agents} workers and {prices} prices are more than {MAX_HISTORY} together")
        if self.num_agents * self.max_orders > MAX_OPEN_ORDERS:
            raise ValueError(
                f"{self.num_agents} workers with {self.max_orders} orders each are more than {MAX_OPEN_ORDERS} together"
            )
        free = int((self.maps != WATER).sum(axis=(1, 2)).min())
        if free < self.num_agents:
            raise LayoutError(f"layout: {self.num_agents} workers need as many tiles without water, there are {free}")
        for rank, tile in enumerate(self._ranked_tiles()):
            row, column = divmod(int(tile), self.maps.shape[2])
            if (self.maps[:, row, column] == WATER).any():
                raise LayoutError(
                    f"layout: row {row + 1}, column {column + 1} is water, where the worker of rank {rank} starts"
                )
        self._ranked_tops()

    @cached_property
    def maps(self) -> np.ndarray:
        """[M, H, W] uint8 tiles of the maps that episodes are on."""
        maps = read_maps(self.layout)
        return split_maps(maps, self.split_row) if self.starts == "split" else maps

    @property
    def first_day_feature(self) -> int:
        """Which number of the planner's observation is 1 on the first day of a tax period, when rates are set."""
        prices, map_planes = self.max_bid_ask + 1, 8 * int(self.planner_sees_map)
        return map_planes * self.maps[0].size + 6 * prices + 2 + len(self.cutoffs)

    def _ranked_tiles(self) -> np.ndarray:
        """Where ranks of skill start, [N] int32, the lowest first; empty where starts are random."""
        if self.starts != "corners":
            return np.zeros(0, np.int32)
        return corner_tiles(self.num_agents, *self.maps.shape[1:])

    def _ranked_tops(self) -> np.ndarray:
        """Whether ranks of skill start above the split, [N] uint8, the lowest first; empty without a split."""
        if self.starts != "split":
            return np.zeros(0, np.uint8)
        given, known = self.split_top_ranks, range(self.num_agents)
        is_list = isinstance(given, Sequence) and all(isinstance(rank, int) and rank in known for rank in given)
        if not is_list or not 0 < len(set(given)) < self.num_agents:
            raise ValueError(
                f"split_top_ranks must be some of the ranks 0 to {self.num_agents - 1}, not all, got {given!r}"
            )
        return np.array([self.num_agents - 1 - rank in given for rank in known], np.uint8)

    def _streams(self) -> np.ndarray:
        if self.numpy_streams is None:
            return np.zeros(0, np.int32)
        streams = np.asarray(self.numpy_streams)
        if streams.dtype != np.int32 or streams.ndim != 2 or streams.shape[1] != NUMPY_WORDS or not len(streams):
            raise ValueError(
                f"numpy_streams must be [K, {NUMPY_WORDS}] int32, got {streams.dtype} {list(streams.shape)}"
            )
        return np.ascontiguousarray(streams).reshape(-1)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        height, width = self.maps.shape[1:]
        is_ranked = self.starts != "random"
        payments = ranked_payments(self.num_agents, self.payment, self.max_skill) if is_ranked else np.zeros(0)
        same = (
            *("num_agents", "payment", "max_skill", "build_labor", "move_labor", "gather_labor", "order_labor"),
            *("starting_coin", "regrowth_probability", "max_bid_ask", "max_orders", "order_duration"),
            *("isoelastic_eta", "labor_cost", "labor_weight", "equality_weight", "view", "horizon"),
        )
        return {
            **self.core_tax_fields(),
            **{name: getattr(self, name) for name in same},
            "layout": self.maps.reshape(-1),
            "height": height,
            "width": width,
            "starts": STARTS.index(self.starts),
            "ranked_payments": payments,
            "ranked_tiles": self._ranked_tiles(),
            "ranked_tops": self._ranked_tops(),
            "split_row": self.split_row or height // 2,
            "build_skills": SKILLS.index(self.build_skills),
            "gather_skills": SKILLS.index(self.gather_skills),
            "objective": OBJECTIVES.index(self.objective),
            "sees_all": int(self.sees_all),
            "planner_sees_map": int(self.planner_sees_map),
            "shares_wealth": int(self.shares_wealth),
            "numpy_streams": self._streams(),
        }

    def properties(self) -> GameProperties:
        """Returns a general-sum game; rewards are bounded by the houses that fit the map, generously."""
        most = float(self.payment * self.max_skill * self.maps[0].size + self.starting_coin * self.num_agents)
        labor = self.labor_cost * (self.build_labor + self.move_labor + 2 * self.gather_labor + self.order_labor)
        bound = most + labor * self.horizon + 1 / (1 - min(self.isoelastic_eta, 0.99))
        return GameProperties(self.num_agents + 1, "simultaneous", "general", (-bound, bound), self.horizon)


register(
    EnvSpec(
        "econ/gather_trade_build_v0",
        GatherTradeBuildConfig,
        {},
        "four workers gather, trade and build in the open quadrant; a planner sets taxes for ten years",
    )
)

__all__ = [
    "GatherTradeBuildConfig",
    "LayoutError",
    "RandomMaps",
    "layout_names",
    "numpy_stream",
    "ranked_payments",
    "read_layout",
]
