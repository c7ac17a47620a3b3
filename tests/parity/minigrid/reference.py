"""Plays recorded episodes in minigrid 3.2.0's DoorKey and writes down everything that can be compared.

Runs in an environment of its own (make parity): `python reference.py jobs.npz traces.npz`. Job k has size, view and
horizon, a start (split, door_y, key, goal, position, direction) and actions [T]; its trace is images [T + 1, V, V, 3],
positions [T + 1, 2], directions [T + 1], doors [T + 1], keys [T + 1, 2] (255 when carried), rewards [T], terminated [T]
and truncated [T]. `starts` is how many starts of DoorKey 8x8 to draw: [N, 8], split, door_y, key, position, direction,
and whether the door is locked.
"""

import sys

import numpy as np
from minigrid.core.grid import Grid
from minigrid.core.world_object import Door, Goal, Key
from minigrid.envs import DoorKeyEnv


def make(size, view, horizon, start):
    """Returns the reference at a start, and its door and key."""
    split, door_y, key_x, key_y, goal_x, goal_y, x, y, direction = (int(value) for value in start)
    env = DoorKeyEnv(size=int(size), max_steps=int(horizon), agent_view_size=int(view))
    env.reset(seed=0)
    env.grid = Grid(env.width, env.height)
    env.grid.wall_rect(0, 0, env.width, env.height)
    env.grid.vert_wall(split, 0)
    door, key = Door("yellow", is_locked=True), Key("yellow")
    env.put_obj(door, split, door_y)
    env.put_obj(Goal(), goal_x, goal_y)
    env.put_obj(key, key_x, key_y)
    env.agent_pos, env.agent_dir = (x, y), direction
    return env, door, key


def play(size, view, horizon, start, actions):
    env, door, key = make(size, view, horizon, start)
    names = ("images", "positions", "directions", "doors", "keys", "rewards", "terminated", "truncated")
    trace = {name: [] for name in names}

    def look(image):
        trace["images"].append(image)
        trace["positions"].append(env.agent_pos)
        trace["directions"].append(env.agent_dir)
        trace["doors"].append(door.encode()[2])
        trace["keys"].append((255, 255) if env.carrying is key else key.cur_pos)

    look(env.gen_obs()["image"])
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(int(action))
        look(observation["image"])
        trace["rewards"].append(reward)
        trace["terminated"].append(terminated)
        trace["truncated"].append(truncated)
    return {name: np.array(values) for name, values in trace.items()}


def draw_start(env, seed):
    env.reset(seed=seed)
    objects = {cell.type: cell for cell in env.grid.grid if cell is not None}
    door, key = objects["door"], objects["key"]
    return (*door.cur_pos, *key.cur_pos, *env.agent_pos, env.agent_dir, door.is_locked)


def main():
    with np.load(sys.argv[1]) as file:
        jobs = dict(file)
    env = DoorKeyEnv(size=8)
    traces = {"starts": np.array([draw_start(env, seed) for seed in range(int(jobs["starts"]))])}
    for k, (size, view, horizon) in enumerate(jobs["settings"]):
        trace = play(size, view, horizon, jobs["start"][k], jobs[f"actions_{k}"])
        traces |= {f"{k}/{name}": values for name, values in trace.items()}
    np.savez(sys.argv[2], **traces)


main()
