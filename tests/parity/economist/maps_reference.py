"""Draws random maps with ai-economist 1.7.1 and writes down their tiles.

Runs in an environment of its own (make parity): `python maps_reference.py jobs.json maps.npz`. A job is {"scenario",
"seed", "world" (arguments of the scenario)}; the global generator is seeded just before the map is drawn. A map is
[H, W], 0 nothing, 1 a source of stone, 2 of wood, 3 water.
"""

import json
import sys

import numpy as np

setattr(np, "int", int)  # noqa: B010 - ai-economist 1.7.1 was written for NumPy 1.21

from ai_economist import foundation  # noqa: E402


def draw(job):
    env = foundation.make_env_instance(
        f"{job['scenario']}/simple_wood_and_stone",
        components=[{"Build": {}}, {"Gather": {}}],
        n_agents=2,
        episode_length=10,
        **job["world"],
    )
    np.random.seed(job["seed"])  # noqa: NPY002 - the package draws from the global generator
    env.reset_starting_layout()
    maps = env.world.maps
    water = maps.get("Water") if "Water" in maps.keys() else 0 * maps.get("Wood")  # noqa: SIM118 - not a mapping
    stone, wood = maps.get("StoneSourceBlock"), maps.get("WoodSourceBlock")
    return np.where(water > 0, 3, np.where(wood > 0, 2, np.where(stone > 0, 1, 0))).astype(np.uint8)


def main(jobs_path, maps_path):
    with open(jobs_path, encoding="utf-8") as file:
        jobs = json.load(file)
    np.savez(maps_path, *(draw(job) for job in jobs))


if __name__ == "__main__":
    main(*sys.argv[1:])
