"""Plays given actions with highway-env 1.12.1 and writes down everything that can be compared.

Runs in an environment of its own (make parity): `python peer.py jobs.json traces.json`. All jobs of a call must be of
one scenario: making an intersection changes the drivers of the whole process. A job is {"id", "config", "seed",
"actions": a list a step of what each agent does}; its trace is {"start": the scene, "first": observations, "steps": a
dict for each step}.
"""

import importlib.util
import json
import logging
import sys
from pathlib import Path

import gymnasium
import highway_env  # noqa: F401 - registers its environments
import numpy as np

logging.disable(logging.WARNING)  # vehicles that leave their route
gymnasium.logger.min_level = 40  # ids that have a later version

_path = Path(__file__).parents[3] / "games" / "driving" / "reference.py"
_spec = importlib.util.spec_from_file_location("reference", _path)
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


def see(observation, num_agents):
    """Observations of all agents, as lists."""
    rows = observation if isinstance(observation, tuple) else (observation,)
    assert len(rows) == num_agents
    return [np.asarray(row, np.float64).round(9).tolist() for row in rows]


def play(job):
    env = gymnasium.make(job["id"], config=job["config"]).unwrapped
    observation, _ = env.reset(seed=job["seed"])
    agents = len(env.controlled_vehicles)
    trace = {"start": reference.describe(env), "first": see(observation, agents), "steps": []}
    scenes, own = [], []
    if hasattr(env, "_clear_vehicles"):
        # What a step ends with is recorded before vehicles go and come.
        clear = env._clear_vehicles

        def record_and_clear():
            scenes.append(reference.describe(env))
            own.append([float(env._agent_reward(None, vehicle)) for vehicle in env.controlled_vehicles])
            clear()

        env._clear_vehicles = record_and_clear
    is_multi = isinstance(env.action_space, gymnasium.spaces.Tuple)
    is_continuous = isinstance(env.action_space, gymnasium.spaces.Box)
    for joint in job["actions"]:
        parts = [np.array(part, np.float32) if is_continuous else int(part) for part in joint]
        try:
            observation, reward, is_terminated, is_truncated, _ = env.step(tuple(parts) if is_multi else parts[0])
        except ZeroDivisionError:  # its two-way reward, on the oncoming lane
            break
        after = reference.describe(env)
        scene = scenes.pop() if scenes else after
        came = after["vehicles"][-1:] if hasattr(env, "_clear_vehicles") and has_new(env, seen=scene) else []
        trace["steps"].append(
            {
                "vehicles": [slim(vehicle) for vehicle in scene["vehicles"]],
                "observations": see(observation, agents),
                "reward": float(reward),
                "own_rewards": own.pop() if own else [float(reward)],
                "terminated": bool(is_terminated),
                "truncated": bool(is_truncated),
                "came": came,
                "after": after,
            }
        )
        if is_terminated or is_truncated:
            break
    return trace


def slim(vehicle):
    return {key: vehicle[key] for key in ("position", "heading", "speed", "lane", "target_lane", "crashed")}


def has_new(env, seen):
    """Whether the last vehicle of the road was not there before."""
    last = reference.describe_vehicle(env.road.vehicles[-1])["position"]
    return all(vehicle["position"] != last for vehicle in seen["vehicles"])


def main(jobs_path, traces_path):
    jobs = json.loads(Path(jobs_path).read_text())
    Path(traces_path).write_text(json.dumps([play(job) for job in jobs]))


if __name__ == "__main__":
    main(*sys.argv[1:])
