"""mpe2 1.1.1: joint steps of its parallel env with random actions, resets included.

Lines: `<scenario> <num_envs> <steps>`; it steps one env, whatever num_envs says, because that is all it can.
"""

import sys
import time
from importlib import import_module

import numpy as np

envs = {}

for line in sys.stdin:
    name, _, steps = line.split()
    if name not in envs:
        envs[name] = import_module(f"mpe2.{name}").parallel_env()
    env = envs[name]
    env.reset(seed=0)
    choices = np.random.default_rng(0).integers(0, 5, (int(steps), len(env.possible_agents))).tolist()
    joint = [dict(zip(env.possible_agents, row, strict=True)) for row in choices]
    start = time.process_time()
    for actions in joint:
        env.step(actions)
        if not env.agents:
            env.reset()
    print("seconds", time.process_time() - start, flush=True)
