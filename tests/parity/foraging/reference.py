"""Plays episodes of lbforaging 2.0.0 and writes down everything that can be compared.

Runs in an environment of its own (make parity): `python reference.py jobs.json traces.npz`. A job is {"settings" (of
ForagingEnv), "seed", "noise", "steps"}; its trace is, before each step: players [T, P, 3], field [T, H, W] and
observations [T, P, ...]; of each step: actions and rewards [T, P], over [T]; and spawned. Players act at random, or
with probability 1 - noise walk to the food nearest to them and load it, so that much is loaded. A job with "starts"
gives players and fields of so many starts instead.
"""

import json
import sys

import gymnasium
import numpy as np
from lbforaging.foraging import ForagingEnv
from lbforaging.foraging.environment import Action

MOVES = {Action.NORTH: (-1, 0), Action.SOUTH: (1, 0), Action.WEST: (0, -1), Action.EAST: (0, 1)}


class Field(ForagingEnv):
    """The reference with spaces that hold what it shows.

    Its own lets Gymnasium refuse grid observations, and has rows for columns where a field is not square.
    """

    def _get_observation_space(self):
        side, size = 1 + 2 * self.sight, 3 if self._observe_agent_levels else 2
        shape = (3, side, side) if self._grid_observation else (3 * self.max_num_food + size * len(self.players),)
        return gymnasium.spaces.Box(-1, 255, shape, np.float32)


def towards_food(env, player, generator):
    foods = np.argwhere(env.field)
    row, column = player.position
    gaps = np.abs(foods - (row, column)).sum(axis=1)
    if gaps.min() == 1:
        return Action.LOAD.value
    target = foods[gaps.argmin()]
    closer = [
        action.value
        for action, (dy, dx) in MOVES.items()
        if abs(target[0] - row - dy) + abs(target[1] - column - dx) < gaps.min()
    ]
    return closer[generator.integers(len(closer))]


def describe(env, observations):
    return {
        "players": [(*player.position, player.level) for player in env.players],
        "field": env.field.copy(),
        "observations": np.stack(observations),
    }


def start(job):
    """Starts of new environments: an old one keeps players away from where they were."""
    starts = []
    for seed in range(job["starts"]):
        env = Field(**job["settings"])
        env.reset(seed=seed)
        starts.append(([(*player.position, player.level) for player in env.players], env.field))
    return {"players": np.array([players for players, _ in starts]), "field": np.array([field for _, field in starts])}


def play(job):
    generator = np.random.default_rng(job["seed"])
    env = Field(**job["settings"])
    observations, _ = env.reset(seed=job["seed"])
    trace = {name: [] for name in ("players", "field", "observations", "rewards", "over", "actions")}
    spawned = int(env._food_spawned)
    for _ in range(job["steps"]):
        for name, value in describe(env, observations).items():
            trace[name].append(value)
        actions = [
            int(generator.integers(6)) if generator.random() < job["noise"] else towards_food(env, player, generator)
            for player in env.players
        ]
        observations, rewards, over, _, _ = env.step(actions)
        trace["actions"].append(actions)
        trace["rewards"].append(rewards)
        trace["over"].append(over)
        if over:
            break
    for name, value in describe(env, observations).items():
        trace[name].append(value)
    return {name: np.array(value) for name, value in trace.items()} | {"spawned": np.array(spawned)}


def main():
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    traces = {}
    for number, job in enumerate(jobs):
        traces |= {f"{number}/{name}": value for name, value in (start(job) if "starts" in job else play(job)).items()}
    np.savez(sys.argv[2], **traces)


main()
