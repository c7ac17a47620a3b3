"""minigrid 3.2.0, in its own environment: steps with random actions, resets included.

Lines: `<gymnasium id> <num_envs> <steps>`; it steps one env, whatever num_envs says, because that is all it can.
"""

import sys
import time
from typing import Any

import gymnasium
import minigrid
import numpy as np

gymnasium.register_envs(minigrid)
envs: dict[str, Any] = {}

for line in sys.stdin:
    name, _, steps = line.split()
    if name not in envs:
        envs[name] = gymnasium.make(name).unwrapped
        envs[name].reset(seed=0)
    env = envs[name]
    choices = np.random.default_rng(0).integers(0, 7, int(steps)).tolist()
    start = time.process_time()
    for action in choices:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    print("seconds", time.process_time() - start, flush=True)
