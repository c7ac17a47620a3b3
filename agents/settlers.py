"""Scripted workers of gather-trade-build: some do everything alone, others sell to the one who builds best."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from econ.gather_trade_build import GatherTradeBuildConfig
from econ.gather_trade_build.actions import BUILD, DIRECTIONS, NOTHING, RESOURCES, ask, bid, move, read_planes
from games.batch import Batch


@dataclass
class _Scene:
    """One env as one worker sees it now."""

    config: GatherTradeBuildConfig
    fields: dict[str, Any]
    mask: np.ndarray
    me: int

    def __post_init__(self) -> None:
        self.planes = read_planes(self.fields)
        self.here = tuple(self.fields["positions"][self.me].tolist())
        owners = self.fields["owners"]
        self.is_open = ~self.planes["water"] & ~self.planes["workers"] & ((owners == 0) | (owners == self.me + 1))

    def has(self, resource: str) -> bool:
        return bool(self.fields["units"][self.me, RESOURCES.index(resource)] > 0)

    def allowed(self, action: int) -> bool:
        return bool(self.mask[action])

    def walk(self, goals: np.ndarray) -> int | None:
        """Returns the first move on a shortest way to a goal, which is not where the worker stands; None: no way."""
        reached = goals & self.is_open
        while True:
            for name, (row, column) in DIRECTIONS.items():
                place = (self.here[0] + row, self.here[1] + column)
                if min(place) >= 0 and place[0] < reached.shape[0] and place[1] < reached.shape[1] and reached[place]:
                    return move(name, self.config.max_bid_ask)
            grown = reached.copy()
            grown[1:] |= reached[:-1]
            grown[:-1] |= reached[1:]
            grown[:, 1:] |= reached[:, :-1]
            grown[:, :-1] |= reached[:, 1:]
            grown &= self.is_open
            if (grown == reached).all():
                return None
            reached = grown


def _gather(scene: _Scene, wanted: list[str]) -> int:
    """Goes to the nearest unit of what is wanted, else to where one will grow."""
    for plane in ("{}", "{}_sources"):
        goals = np.logical_or.reduce([scene.planes[plane.format(name)] for name in wanted])
        if (step := scene.walk(goals)) is not None:
            return step
    return NOTHING


def _build(scene: _Scene) -> int:
    if scene.allowed(BUILD):
        return BUILD
    taken = np.logical_or.reduce(
        [scene.planes[name] for name in ("houses", "water", "stone_sources", "wood_sources", "stone", "wood")]
    )
    step = scene.walk(~taken)
    return NOTHING if step is None else step


class _Settler(Memoryless, ABC):
    """What the scripted workers share: they look at the whole state and have no memory."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the worker's actions, [E] int32."""
        config = cast(GatherTradeBuildConfig, batch.config)
        name, me = find_agent(batch, agent)
        masks = batch.groups[name].action_masks
        assert masks is not None
        scenes = (_Scene(config, batch.fields(env), masks[env, me], me) for env in range(batch.num_envs))
        return np.array([self._act_in(scene) for scene in scenes], np.int32)

    @abstractmethod
    def _act_in(self, scene: _Scene) -> int:
        """Returns the number of the action."""


class LoneSettler(_Settler):
    """Gathers what a house needs, builds it, and trades with nobody."""

    def _act_in(self, scene: _Scene) -> int:
        missing = [name for name in RESOURCES if not scene.has(name)]
        return _gather(scene, missing) if missing else _build(scene)


class TradingSettler(_Settler):
    """Builds if nobody is paid more for a house, from what it buys; otherwise gathers and sells.

    The builder begins as a lone settler, until it can pay.

    Args:
        price: Of every bid and every ask, coin.
    """

    def __init__(self, price: int = 5) -> None:
        self.price = price

    def _act_in(self, scene: _Scene) -> int:
        payments = scene.fields["payments"]
        return self._buy_and_build(scene) if payments[scene.me] == payments.max() else self._gather_and_sell(scene)

    def _buy_and_build(self, scene: _Scene) -> int:
        missing = [name for name in RESOURCES if not scene.has(name)]
        if not missing:
            return _build(scene)
        # What there is less of first, so that the order limits do not fill up with the other.
        for name in sorted(RESOURCES, key=lambda name: scene.fields["units"][scene.me, RESOURCES.index(name)]):
            order = bid(name, self.price, scene.config.max_bid_ask)
            if scene.allowed(order):
                return order
        has_orders = scene.fields["escrow_coin"][scene.me] > 0
        return NOTHING if has_orders else _gather(scene, missing)

    def _gather_and_sell(self, scene: _Scene) -> int:
        for name in RESOURCES:
            order = ask(name, self.price, scene.config.max_bid_ask)
            if scene.allowed(order):
                return order
        return _gather(scene, list(RESOURCES))
