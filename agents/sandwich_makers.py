"""A scripted robot for making a sandwich: picks its next food while the other one puts."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.sandwich import FOODS, NOTHING, SandwichConfig

WAIT = 0


class SandwichMaker(Memoryless):
    """Does its part of the shortest plan: L foods, from side to side in turn, take L + 1 steps."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the robot's actions, [E] int32."""
        config = cast(SandwichConfig, batch.config)
        _, me = find_agent(batch, agent)
        return np.array([_choose(batch.fields(env), config, me) for env in range(batch.num_envs)], np.int32)


def _choose(fields: dict[str, Any], config: SandwichConfig, me: int) -> int:
    """Does what the robot wants to, unless both would PUT; then the one whose food is needed sooner goes first."""
    wishes = [_wish(fields, config, robot) for robot in (0, 1)]
    first_put = 1 + len(config.foods)
    if min(action for action, _ in wishes) < first_put or wishes[me][1] < wishes[1 - me][1]:
        return wishes[me][0]
    return WAIT


def _wish(fields: dict[str, Any], config: SandwichConfig, robot: int) -> tuple[int, int]:
    """Returns what a robot would do, and where in the recipe the food stands that it does it for."""
    height, held, num = int(fields["height"]), int(fields["hands"][robot]), len(config.foods)
    recipe = [config.foods.index(food) for food in config.recipe]
    mine = [food for food in recipe[height:] if FOODS[config.foods[food]] == robot]
    if not mine:
        return WAIT, len(recipe)
    first_pick, first_put, board, table = 1, 1 + num, 1 + 2 * num, 2 + 2 * num
    place = recipe.index(mine[0])
    if held == NOTHING:
        return first_pick + mine[0], place
    if held != mine[0]:
        return table, place
    if place > height:
        return WAIT, place
    return first_put + recipe[height - 1] if height else board, place
