"""How many steps two cooks need at least until a soup of two onions is served: a bound for the search of plans.

Cooks are thought to walk through each other, and each errand to be done by whoever does it soonest; so a bound is never
too high. Times count steps that have passed; an interact takes one.
"""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np

from agents.shortest_plans import Fields
from games.overcooked import OvercookedConfig
from games.overcooked.items import ITEMS, SOUP, decode_ingredients

Cell = tuple[int, int]
Pose = tuple[Cell, int]  # a floor cell and an orientation

STEPS: tuple[Cell, ...] = ((0, -1), (0, 1), (1, 0), (-1, 0))  # by orientation
ONION, DISH = ITEMS.index("onion"), ITEMS.index("dish")
NEVER = float("inf")
WANTED = ("onion", "onion")
SOUPS = (SOUP + ONION + 4 * ONION,)


class Ways:
    """Fewest steps of a cook who is alone.

    Args:
        config: The kitchen.
    """

    def __init__(self, config: OvercookedConfig) -> None:
        layout = config.kitchen
        self._floor = set(layout.cells(" "))
        self._ready = {(cell, facing): self._search((cell, facing)) for cell in self._floor for facing in range(4)}

    def _search(self, start: Pose) -> dict[Cell, int]:
        """Returns the steps from a pose until a place, or a floor cell, is right ahead."""
        ready: dict[Cell, int] = {}
        depths, queue = {start: 0}, deque([start])
        while queue:
            (x, y), facing = pose = queue.popleft()
            ready.setdefault((x + STEPS[facing][0], y + STEPS[facing][1]), depths[pose])
            for turn, (dx, dy) in enumerate(STEPS):
                cell = (x + dx, y + dy) if (x + dx, y + dy) in self._floor else (x, y)
                if (cell, turn) not in depths:
                    depths[cell, turn] = depths[pose] + 1
                    queue.append((cell, turn))
        return ready

    def ready(self, pose: Pose, place: Cell) -> float:
        """Returns the steps from a pose until a place is right ahead."""
        return self._ready[pose].get(place, NEVER)

    def between(self, one: Cell, other: Cell, near: Cell) -> float:
        """Returns the steps from one place until another is right ahead, of a cook who can walk to a cell."""
        poses = [
            ((one[0] - dx, one[1] - dy), facing)
            for facing, (dx, dy) in enumerate(STEPS)
            if (one[0] - dx, one[1] - dy) in self._floor
        ]
        reach = self._ready[near, 0]
        return min((self.ready(pose, other) for pose in poses if set(self._ready[pose]) & set(reach)), default=NEVER)


class _Scene:
    """A state as far as the bound looks at it."""

    def __init__(self, fields: Fields) -> None:
        cells = [(int(x), int(y)) for x, y in fields["positions"]]
        self.poses: list[Pose] = [(c, int(facing)) for c, facing in zip(cells, fields["orientations"], strict=True)]
        self.held = [int(item) for item in fields["held"]]
        self.items = {(x, y): int(fields["items"][y, x]) for y, x in np.argwhere(fields["items"]).tolist()}
        self.ticks = [int(tick) for tick in fields["pot_ticks"]]


class StepsLeft:
    """The bound, as a function of the fields of a state.

    Args:
        config: A kitchen with two cooks, whose only order is a soup of two onions.

    Raises:
        ValueError: It is another kind of kitchen.
    """

    def __init__(self, config: OvercookedConfig) -> None:
        layout, orders = config.kitchen, config.recipe_settings["all_orders"]
        if [tuple(order) for order in orders or []] != [WANTED]:
            raise ValueError("the bound is for kitchens whose only order is a soup of two onions")
        if len(layout.positions) != 2:
            raise ValueError(f"the bound is for two cooks, got {len(layout.positions)}")
        ways, self._cook_time = Ways(config), int(config.tables[1][2, 0])
        self._ready = ways.ready
        self._serve, self._dishes, self._onions, self._pots = (layout.cells(letter) for letter in "SDOP")
        homes = [(int(x), int(y)) for x, y in layout.positions]  # a cook never leaves its part of the kitchen
        self._walk = cache(lambda one, other, cook: ways.between(one, other, homes[cook]))
        self._counters = layout.cells("X")
        self._handovers = [c for c in self._counters if all(self._walk(c, c, cook) < NEVER for cook in (0, 1))]
        self._carry = cache(self._find_carry)
        # What is left once a cook with a dish is ready at a done soup: take it, bring it, serve it.
        self._out = {pot: 1 + self._carry_from(pot, self._serve) + 1 for pot in self._pots}
        self._supplier = self._find_supplier()

    def __call__(self, fields: Fields) -> float:
        """Returns a number of steps; no plan is shorter."""
        scene = _Scene(fields)
        served = self._bring(scene, SOUPS, self._serve, []) + 1
        return min(
            [served, *(self._soup_from(scene, pot, tick) for pot, tick in zip(self._pots, scene.ticks, strict=True))]
        )

    def _soup_from(self, scene: _Scene, pot: Cell, tick: int) -> float:
        """Steps until a soup that is in a pot, or will be, is served."""
        item = scene.items.get(pot, 0)
        contents = tuple(decode_ingredients(item)) if item else ()
        dish, out = self._bring(scene, (DISH,), [pot], self._dishes), self._out[pot]
        if tick >= 0 and contents == WANTED:
            return max(self._cook_time - tick, dish) + out
        is_wrong = tick >= 0 or len(contents) > len(WANTED)  # and has to get out first
        missing = len(WANTED) - (0 if is_wrong else len(contents))
        filled = max(self._fill(scene, pot, missing), dish + 1 + 1 if is_wrong else 0)
        together = max(filled + self._cook_time, dish) + out
        return max(together, self._supply(scene, pot, missing, self._cook_time + out))

    # ---- errands ----

    def _find_carry(self, one: Cell, other: Cell, cook: int) -> float:
        """Steps from one place, with something in a cook's hand, until somebody is ready with it at another place.

        It may be handed over on a counter.
        """
        handed = [
            self._walk(one, counter, cook) + 1 + cook + self._walk(counter, other, 1 - cook)
            for counter in self._handovers  # `+ cook`: a put by cook 0 can be taken in the same step
        ]
        return min([self._walk(one, other, cook), *handed])

    def _carry_from(self, one: Cell, places: list[Cell]) -> float:
        return min(self._carry(one, place, cook) for place in places for cook in (0, 1))

    def _bring_held(self, scene: _Scene, cook: int, places: list[Cell]) -> float:
        pose = scene.poses[cook]
        ways = [self._ready(pose, place) for place in places]
        for counter in self._handovers:
            put = self._ready(pose, counter) + 1 + cook
            ways += [put + self._walk(counter, place, 1 - cook) for place in places]
        return min(ways)

    def _bring_from(self, scene: _Scene, cell: Cell, cook: int, places: list[Cell]) -> float:
        """Steps until a cook has taken something somewhere, with a free hand, and it is ready at one of the places."""
        pose, start = scene.poses[cook], self._ready(scene.poses[cook], cell)
        if scene.held[cook] and start < NEVER:
            drops = [*self._counters, *self._pots, *self._serve]
            start = min(self._ready(pose, drop) + 1 + self._walk(drop, cell, cook) for drop in drops)
        return start + 1 + min(self._carry(cell, place, cook) for place in places)

    def _bring_loose(self, scene: _Scene, kinds: tuple[int, ...], places: list[Cell]) -> list[float]:
        """Steps until each thing of some kinds, in a hand or on a counter, is ready at one of the places."""
        found = [self._bring_held(scene, cook, places) for cook in (0, 1) if scene.held[cook] in kinds]
        for cell, item in scene.items.items():
            if item in kinds and cell not in self._pots:
                found.append(min(self._bring_from(scene, cell, cook, places) for cook in (0, 1)))
        return found

    def _bring(self, scene: _Scene, kinds: tuple[int, ...], places: list[Cell], dispensers: list[Cell]) -> float:
        """Steps until the first thing of some kinds is ready at one of the places."""
        fetched = [self._bring_from(scene, cell, cook, places) for cell in dispensers for cook in (0, 1)]
        return min([*self._bring_loose(scene, kinds, places), *fetched], default=NEVER)

    def _fill(self, scene: _Scene, pot: Cell, missing: int) -> float:
        """Steps until a pot has its onions."""
        if missing == 0:
            return 0
        times = self._bring_loose(scene, (ONION,), [pot])
        for cell in self._onions:
            for cook in (0, 1):
                first = self._bring_from(scene, cell, cook, [pot])
                drops = [pot, *self._handovers]
                again = min(self._walk(cell, d, cook) + 1 + self._walk(d, cell, cook) for d in drops) + 1
                times += [first, first + again]
        return sorted(times)[missing - 1] + 1

    # ---- a cook who alone gets at dispensers, and not at the pot ----

    def _find_supplier(self) -> int | None:
        for cook in (0, 1):
            gets = [
                min(self._walk(c, c, who) for c in (*self._onions, *self._dishes)) < NEVER for who in (cook, 1 - cook)
            ]
            if gets == [True, False] and all(self._walk(pot, pot, cook) == NEVER for pot in self._pots):
                return cook
        return None

    def _supply(self, scene: _Scene, pot: Cell, missing: int, rest: float) -> float:
        """Steps if one cook has to put all onions and the dish that still lie in dispensers on counters, one by one."""
        if self._supplier is None:
            return 0
        cook = self._supplier
        mine = {c: i for c, i in scene.items.items() if c in self._counters and self._walk(c, c, 1 - cook) == NEVER}
        passed = [scene.held[1 - cook], *(item for c, item in scene.items.items() if c not in mine)]
        onions, dishes = max(0, missing - passed.count(ONION)), int(DISH not in passed)
        sources = {
            item: dispensers + [c for c, i in mine.items() if i == item]
            for item, dispensers in ((ONION, self._onions), (DISH, self._dishes))
        }
        last_leg = cook + min(self._walk(c, pot, 1 - cook) for c in self._handovers)
        after_onion, after_dish = last_leg + 1 + rest, last_leg + self._out[pot]
        best = self._put_all(scene, cook, sources, [ONION] * onions) + after_onion if onions else 0
        if dishes:
            after = min(after_onion, after_dish) if onions else after_dish
            best = max(best, self._put_all(scene, cook, sources, [ONION] * onions + [DISH]) + after)
        return best

    def _put_all(self, scene: _Scene, cook: int, sources: dict[int, list[Cell]], wanted: list[int]) -> float:
        """Steps until a cook has put such things on counters where the other gets at them, one by one."""
        pose, held = scene.poses[cook], scene.held[cook]
        put = {k: min(self._walk(d, c, cook) for d in sources[k] for c in self._handovers) + 1 for k in wanted}
        back = {k: min(self._walk(c, d, cook) for d in sources[k] for c in self._counters) + 1 for k in wanted}
        rounds = sum(back[kind] + put[kind] for kind in wanted)
        if held in wanted:  # it need not be fetched
            return rounds - back[held] - put[held] + min(self._ready(pose, c) for c in self._handovers) + 1
        if held:
            return rounds + min(self._ready(pose, c) for c in self._counters) + 1
        return rounds + min(min(self._ready(pose, d) for d in sources[kind]) + 1 - back[kind] for kind in wanted)
