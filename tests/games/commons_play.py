"""Commons in a given state, played step by step: what the tests of harvest and cleanup share."""

import numpy as np

import games
from games.commons import ACTIONS
from games.commons.maps import APPLE, WASTE

LEFT, RIGHT, FORWARD, BACKWARD, STAY, TURN_RIGHT, TURN_LEFT, FIRE, CLEAN = range(len(ACTIONS))
UP, EAST, DOWN, WEST = range(4)  # orientations

FIELD = """
@@@@@@@@@
@PPPPPPP@
@PPPPPPP@
@PPPPPPP@
@PPPPPPP@
@PPPPPPP@
@@@@@@@@@
"""
CALM = {"regrowth_probabilities": (0.0,)}  # nothing grows


def place(agents, map=FIELD, num_envs=1, id="grid/harvest_v0", items=None, **settings):
    """A batch with agents (x, y, orientation) and letters of `items` laid over the map: a apple, h waste, . nothing."""
    batch = games.make_batch(
        id, num_envs, map=map, num_agents=len(agents), autoreset="disabled", **{**CALM, **settings}
    )
    batch.reset()
    shape = batch.fields(0)["items"].shape
    laid = np.zeros(shape, np.uint8)
    for y, row in enumerate((items or "").split("\n")):
        for x, letter in enumerate(row):
            laid[y, x] = {"a": APPLE, "h": WASTE}.get(letter, 0)
    state = {
        "positions": np.array([agent[:2] for agent in agents], np.uint8),
        "orientations": np.array([agent[2] for agent in agents], np.uint8),
        "items": laid,
    }
    for env in range(num_envs):
        batch.load_fields(env, state)
    return batch


def step(batch, *actions):
    batch.step(np.tile(np.array(actions, np.int32), (batch.num_envs, 1)))
    return batch.rewards[0].tolist()


def where(batch, env=0):
    return [tuple(position) for position in batch.fields(env)["positions"].tolist()]


def cells(batch, bit, env=0):
    """(x, y) of the cells with an item."""
    return {(int(x), int(y)) for y, x in np.argwhere(batch.fields(env)["items"] & bit)}


def seen(batch, agent, channel):
    """(row, column) in the agent's window."""
    return {(int(row), int(column)) for row, column in np.argwhere(batch.observations[0, agent, :, :, channel])}
