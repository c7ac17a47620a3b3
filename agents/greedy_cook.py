"""A scripted cook for any Overcooked kitchen: does the next useful thing, walking the shortest way.

It plans for itself alone, one step at a time, from the full state. What it cannot reach it leaves to the others, and
what they cannot reach it hands over on a counter, so that it delivers in divided kitchens too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from agents.protocol import find_agent
from games.batch import Batch
from games.overcooked import OvercookedConfig
from games.overcooked.items import ACTIONS, INGREDIENTS, ORIENTATIONS, decode_ingredients, item_name
from games.overcooked.recipes import ALL_RECIPES, Recipe, to_recipe

Cell = tuple[int, int]

STEPS: dict[str, Cell] = {"north": (0, -1), "south": (0, 1), "east": (1, 0), "west": (-1, 0)}
STAY, INTERACT = ACTIONS.index("stay"), ACTIONS.index("interact")
DISPENSERS = {"onion": "O", "tomato": "T", "dish": "D"}
# Of a random step by a cook who could not move, and of a pause by one who is about to turn back: two cooks who meet in
# a corridor, or make way for each other round a ring, would otherwise do so for ever.
SIDESTEP_PROBABILITY = 0.5


class _Map:
    """What never changes in a kitchen: which cells are floor, and who can get where."""

    def __init__(self, config: OvercookedConfig) -> None:
        layout = config.kitchen
        self.floor = set(layout.cells(" "))
        self.pots, self.counters, self.serve = (layout.cells(letter) for letter in "PXS")
        self.dispensers = {name: layout.cells(letter) for name, letter in DISPENSERS.items()}
        rewards, self.cook_times = config.tables
        available = [name for name in INGREDIENTS if self.dispensers[name]]
        self.rewards: dict[Recipe, float] = {
            recipe: float(rewards[recipe])
            for recipe in ALL_RECIPES
            if all(count == 0 or name in available for name, count in zip(INGREDIENTS, recipe, strict=True))
            and (sum(recipe) == 3 or not config.old_dynamics)
        }

    def sides(self, place: Cell) -> list[Cell]:
        """Floor cells from which a place can be used."""
        return [cell for dx, dy in STEPS.values() if (cell := (place[0] + dx, place[1] + dy)) in self.floor]

    def region(self, start: Cell) -> set[Cell]:
        """Floor cells that can be walked to."""
        seen, queue = {start}, deque([start])
        while queue:
            for cell in self.sides(queue.popleft()):
                if cell not in seen:
                    seen.add(cell)
                    queue.append(cell)
        return seen

    def best_recipe(self, contents: Recipe) -> Recipe | None:
        """The most valuable soup that can still become of a pot, the shortest among equals; None: worth nothing."""
        possible = [r for r in self.rewards if r[0] >= contents[0] and r[1] >= contents[1] and self.rewards[r] > 0]
        return max(possible, key=lambda r: (self.rewards[r], -sum(r)), default=None)


@dataclass
class _Pot:
    place: Cell
    contents: Recipe
    tick: int
    missing: list[str]
    is_done: bool

    @property
    def is_started(self) -> bool:
        return self.tick >= 0


class _Scene:
    """One env as one cook sees it now."""

    def __init__(self, kitchen: _Map, fields: dict[str, Any], me: int) -> None:
        self.kitchen, self.me = kitchen, me
        self.positions: list[Cell] = [(int(x), int(y)) for x, y in fields["positions"]]
        self.here, self.facing = self.positions[me], ORIENTATIONS[int(fields["orientations"][me])]
        self.held = [item_name(item) for item in fields["held"]]
        self.others = [i for i in range(len(self.positions)) if i != me]
        self.on_counter = {
            place: item_name(item) for place in kitchen.counters if (item := int(fields["items"][place[1], place[0]]))
        }
        self.reach = kitchen.region(self.here)
        self.reach_of_others: set[Cell] = set().union(*(kitchen.region(self.positions[i]) for i in self.others))
        self.pots = [
            self._look_at(place, int(fields["items"][place[1], place[0]]), int(tick))
            for place, tick in zip(kitchen.pots, fields["pot_ticks"], strict=True)
        ]

    def _look_at(self, place: Cell, item: int, tick: int) -> _Pot:
        contents: Recipe = to_recipe(decode_ingredients(item)) if item else (0, 0)
        target: Recipe = self.kitchen.best_recipe(contents) or contents
        missing = ["onion"] * (target[0] - contents[0]) + ["tomato"] * (target[1] - contents[1])
        return _Pot(place, contents, tick, missing, tick >= 0 and tick >= int(self.kitchen.cook_times[contents]))

    def can_use(self, place: Cell, reach: set[Cell] | None = None) -> bool:
        return any(cell in (self.reach if reach is None else reach) for cell in self.kitchen.sides(place))

    def usable(self, places: Iterable[Cell]) -> list[Cell]:
        return [place for place in places if self.can_use(place)]

    def sources(self, name: str) -> list[Cell]:
        """Where I can take an item: counters within reach, dispensers."""
        lying = [place for place, item in self.on_counter.items() if item == name]
        return self.usable(lying + self.kitchen.dispensers.get(name, []))

    def free_counters(self) -> list[Cell]:
        return self.usable(place for place in self.kitchen.counters if place not in self.on_counter)

    def handover_counters(self) -> list[Cell]:
        return [place for place in self.free_counters() if self.can_use(place, self.reach_of_others)]

    def handed_over(self, name: str) -> int:
        """Items of a kind that others have or can take from a counter."""
        lying = [p for p, item in self.on_counter.items() if item == name and self.can_use(p, self.reach_of_others)]
        return len(lying) + sum(self.held[i] == name for i in self.others)


def _choose_goals(scene: _Scene) -> list[Cell]:
    """Places to interact with now, any of them; none: nothing useful to do."""
    held = scene.held[scene.me]
    if held == "nothing":
        return _choose_errand(scene)
    if held == "soup":
        return scene.usable(scene.kitchen.serve) or scene.handover_counters()
    if held == "dish":
        return _bring_dish(scene)
    return _bring_ingredient(scene, held)


def _bring_dish(scene: _Scene) -> list[Cell]:
    started = [pot for pot in scene.pots if pot.is_started and scene.can_use(pot.place)]
    done = [pot.place for pot in started if pot.is_done]
    if done or started:
        return done or [pot.place for pot in started]
    if scene.usable(scene.kitchen.pots):
        return scene.free_counters()  # nothing cooks: the hands are needed for something else
    return scene.handover_counters()


def _bring_ingredient(scene: _Scene, held: str) -> list[Cell]:
    wanting = [pot for pot in scene.pots if not pot.is_started and held in pot.missing and scene.can_use(pot.place)]
    if wanting:
        fewest = min(len(pot.missing) for pot in wanting)
        return [pot.place for pot in wanting if len(pot.missing) == fewest]
    if not scene.usable(scene.kitchen.pots):
        return scene.handover_counters()
    return scene.free_counters()


def _choose_errand(scene: _Scene) -> list[Cell]:
    """What to do with empty hands."""
    mine = [pot for pot in scene.pots if scene.can_use(pot.place)]
    ready_to_start = [pot.place for pot in mine if not pot.is_started and any(pot.contents) and not pot.missing]
    if ready_to_start:
        return ready_to_start
    soups = [place for place, item in scene.on_counter.items() if item == "soup"]
    if scene.usable(scene.kitchen.serve) and scene.usable(soups):
        return scene.usable(soups)
    if not mine:
        return _supply(scene)
    started = sum(pot.is_started for pot in mine)
    if started > sum(scene.held[i] == "dish" for i in scene.others) and scene.sources("dish"):
        return scene.sources("dish")
    return _fetch_ingredient(scene, mine)


def _fetch_ingredient(scene: _Scene, pots: list[_Pot]) -> list[Cell]:
    missing = [name for pot in pots if not pot.is_started for name in pot.missing]
    for i in scene.others:
        if scene.held[i] in missing:
            missing.remove(scene.held[i])
    return [place for name in dict.fromkeys(missing) for place in scene.sources(name)]


def _supply(scene: _Scene) -> list[Cell]:
    """What the others need and only I can bring: dishes for soups that cook, ingredients for pots that do not."""
    if not scene.handover_counters():
        return []
    soups = sum(pot.is_started for pot in scene.pots)
    if soups > scene.handed_over("dish") and scene.kitchen.dispensers["dish"] and scene.sources("dish"):
        return scene.usable(scene.kitchen.dispensers["dish"])
    for name in INGREDIENTS:
        wanted = sum(pot.missing.count(name) for pot in scene.pots if not pot.is_started)
        if wanted > scene.handed_over(name):
            return scene.usable(scene.kitchen.dispensers[name])
    return []


def _walk(scene: _Scene, goals: list[Cell], obstacles: set[Cell]) -> tuple[int, bool] | None:
    """The first action on a shortest way to use one of the goals, and whether it is a step; None: no way."""
    for name, (dx, dy) in STEPS.items():
        if (scene.here[0] + dx, scene.here[1] + dy) in goals:
            return (INTERACT if name == scene.facing else ACTIONS.index(name)), False
    targets = {cell for goal in goals for cell in scene.kitchen.sides(goal)} - obstacles
    queue, first = deque([scene.here]), {scene.here: -1}
    while queue:
        cell = queue.popleft()
        if cell in targets:
            return first[cell], True
        for name, (dx, dy) in STEPS.items():
            step = (cell[0] + dx, cell[1] + dy)
            if step in scene.kitchen.floor and step not in obstacles and step not in first:
                first[step] = ACTIONS.index(name) if cell == scene.here else first[cell]
                queue.append(step)
    return None


class GreedyCook:
    """Plays one cook by the rules above.

    Args:
        seed: Of the generator that breaks stand-offs.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._kitchen: tuple[OvercookedConfig, _Map] | None = None
        # (env, player) -> the cell that the cook walked away from, or wanted to, a step ago
        self._left: dict[tuple[int, int], Cell] = {}

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the cook's actions, [E] int32."""
        config = cast(OvercookedConfig, batch.config)
        if self._kitchen is None or self._kitchen[0] is not config:
            self._kitchen = (config, _Map(config))
        _, me = find_agent(batch, agent)
        for env in np.flatnonzero(batch.ended):
            self._left.pop((int(env), me), None)
        return np.array([self._act_in(e, batch.fields(e), me) for e in range(batch.num_envs)], np.int32)

    def get_state(self) -> dict[str, Any]:
        """Returns the generator's state, and where cooks stood: env, player and cell of each."""
        left = [[*who, *cell] for who, cell in self._left.items()]
        return {"generator": self._rng.bit_generator.state, "left": left}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` returned."""
        self._rng.bit_generator.state = state["generator"]
        self._left = {(env, me): (x, y) for env, me, x, y in state["left"]}

    def _act_in(self, env: int, fields: dict[str, Any], me: int) -> int:
        assert self._kitchen is not None
        scene = _Scene(self._kitchen[1], fields, me)
        left = self._left.pop((env, me), None)
        hesitates = self._rng.random() < SIDESTEP_PROBABILITY
        if left == scene.here and hesitates:
            return int(self._rng.integers(len(STEPS)))
        bodies = {scene.positions[i] for i in scene.others}
        goals = _choose_goals(scene)
        found = _walk(scene, goals, bodies) or _walk(scene, goals, set())
        if found is None:
            return self._make_room(scene)
        action, is_step = found
        if not is_step:
            return action
        dx, dy = STEPS[ACTIONS[action]]
        if (scene.here[0] + dx, scene.here[1] + dy) == left and hesitates:
            return STAY
        self._left[env, me] = scene.here
        return action

    def _make_room(self, scene: _Scene) -> int:
        """With nothing to do, a cook wanders now and then, so as not to stand in the way."""
        return int(self._rng.integers(len(STEPS))) if self._rng.random() < SIDESTEP_PROBABILITY else STAY
