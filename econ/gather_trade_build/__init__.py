"""Gather-trade-build, the AI Economist's spatial economy. See README.md beside this file and gather_trade_build.h."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np

from econ.gather_trade_build.layouts import WATER, LayoutError, corner_tiles, layout_names, read_layout
from econ.taxation import TaxSettings
from econ.welfare import OBJECTIVES
from games.config import GameProperties, setting
from games.spec import EnvSpec, register

SKILLS = ("none", "pareto")
STARTS = ("random", "corners")
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
            episode. "random": anywhere, with payments drawn.
        labor_weight: Of the labor cost in utilities, for warm-ups; may change while the batch lives.
        numpy_streams: [K, 625] int32 states of NumPy's legacy generator (`numpy_stream`): episode k draws from row
            k mod K as ai-economist 1.7.1 does. None: the engine's own chance.
    """

    world: ClassVar[str] = "gather_trade_build"
    family: ClassVar[str] = "econ"

    layout: str = setting("quadrant_25x25_20each_30clump", doc="a shipped map's name, or the text of one (layouts.py)")
    num_agents: int = setting(4, low=2, high=MAX_AGENTS, doc="workers N")
    starts: str = setting("corners", choices=STARTS, doc="where workers start, and what decides their payments")
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
        free = int((self.tiles != WATER).sum())
        if free < self.num_agents:
            raise LayoutError(f"layout: {self.num_agents} workers need as many tiles without water, there are {free}")
        for rank, tile in enumerate(self._ranked_tiles()):
            row, column = divmod(int(tile), self.tiles.shape[1])
            if self.tiles[row, column] == WATER:
                raise LayoutError(
                    f"layout: row {row + 1}, column {column + 1} is water, where the worker of rank {rank} starts"
                )

    @cached_property
    def tiles(self) -> np.ndarray:
        """[H, W] uint8 tiles of the map."""
        return read_layout(self.layout)

    def _ranked_tiles(self) -> np.ndarray:
        """Where ranks of skill start, [N] int32, the lowest first; empty where starts are random."""
        if self.starts == "random":
            return np.zeros(0, np.int32)
        return corner_tiles(self.num_agents, *self.tiles.shape)

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
        height, width = self.tiles.shape
        is_ranked = self.starts == "corners"
        payments = ranked_payments(self.num_agents, self.payment, self.max_skill) if is_ranked else np.zeros(0)
        same = (
            *("num_agents", "payment", "max_skill", "build_labor", "move_labor", "gather_labor", "order_labor"),
            *("starting_coin", "regrowth_probability", "max_bid_ask", "max_orders", "order_duration"),
            *("isoelastic_eta", "labor_cost", "labor_weight", "equality_weight", "view", "horizon"),
        )
        return {
            **self.core_tax_fields(),
            **{name: getattr(self, name) for name in same},
            "layout": self.tiles.reshape(-1),
            "height": height,
            "width": width,
            "starts": STARTS.index(self.starts),
            "ranked_payments": payments,
            "ranked_tiles": self._ranked_tiles(),
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
        most = float(self.payment * self.max_skill * self.tiles.size + self.starting_coin * self.num_agents)
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

__all__ = ["GatherTradeBuildConfig", "LayoutError", "layout_names", "numpy_stream", "ranked_payments", "read_layout"]
