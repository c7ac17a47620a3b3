"""ai-economist 1.7.1, in its own environment: steps of gather-trade-build with random legal actions.

Lines: `<layout>:<workers>:<corners or random> <num_envs> <steps>`; it steps one env, whatever num_envs says, because
that is all it can. Time counts in `env.step` and `env.reset` alone, not in choosing actions; observations are flat,
with 11 x 11 windows and masks, the planner without the map, as in the papers' settings.
"""

import contextlib
import io
import sys
import time
from typing import Any

import numpy as np

setattr(np, "int", int)  # noqa: B010 - ai-economist 1.7.1 was written for NumPy 1.21

with contextlib.redirect_stdout(io.StringIO()):  # it tells whether it found a GPU
    from ai_economist import foundation

HORIZON = 1000
SIDES = {"quadrant_25x25_20each_30clump": 25, "quadrant_40x40_50each_no_water": 40}


def make(layout: str, workers: int, starts: str) -> Any:
    """Makes the env with the papers' settings."""
    return foundation.make_env_instance(
        "layout_from_file/simple_wood_and_stone",
        components=[
            {"Build": {"skill_dist": "pareto", "payment_max_skill_multiplier": 3}},
            {"ContinuousDoubleAuction": {"max_num_orders": 5}},
            {"Gather": {"skill_dist": "pareto"}},
            {"PeriodicBracketTax": {"period": 100}},
        ],
        env_layout_file=f"{layout}.txt",
        world_size=[SIDES[layout]] * 2,
        fixed_four_skill_and_loc=starts == "corners",
        planner_gets_spatial_info=False,
        n_agents=workers,
        episode_length=HORIZON,
        multi_action_mode_agents=False,
        multi_action_mode_planner=True,
        flatten_observations=True,
        flatten_masks=True,
    )


def choose(mask: np.ndarray, generator: np.random.Generator) -> int:
    """Draws one of the legal actions."""
    legal = np.flatnonzero(mask)
    return int(legal[generator.integers(len(legal))])


def play(env: Any, seen: dict, steps: int, generator: np.random.Generator) -> tuple[float, dict]:
    """Steps with random legal actions; returns the seconds of the steps, and what is seen at last."""
    seconds = 0.0
    for _ in range(steps):
        actions: dict[str, Any] = {
            name: choose(each["action_mask"], generator) for name, each in seen.items() if name != "p"
        }
        actions["p"] = [choose(head, generator) for head in seen["p"]["action_mask"].reshape(7, -1)]
        start = time.process_time()
        seen, _, done, _ = env.step(actions)
        if done["__all__"]:
            seen = env.reset()
        seconds += time.process_time() - start
    return seconds, seen


envs: dict[str, tuple[Any, dict]] = {}
generator = np.random.default_rng(0)

for line in sys.stdin:
    game, _, steps = line.split()
    if game not in envs:
        layout, workers, starts = game.split(":")
        np.random.seed(1)  # noqa: NPY002 - the package draws from the global generator
        env = make(layout, int(workers), starts)
        envs[game] = env, env.reset()
    env, seen = envs[game]
    seconds, seen = play(env, seen, int(steps), generator)
    envs[game] = env, seen
    print("seconds", seconds, flush=True)
