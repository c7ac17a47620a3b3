"""PettingZoo's pursuit_v5: joint steps of its parallel env with random actions, resets included.

Lines: `pursuit <num_envs> <steps>`; it steps one env, whatever num_envs says, because that is all it can.
"""

import sys
import time

import numpy as np
from pettingzoo.sisl import pursuit_v5

env = pursuit_v5.parallel_env()

for line in sys.stdin:
    steps = int(line.split()[2])
    env.reset(seed=0)
    choices = np.random.default_rng(0).integers(0, 5, (steps, len(env.possible_agents))).tolist()
    joint = [dict(zip(env.possible_agents, row, strict=True)) for row in choices]
    start = time.process_time()
    for actions in joint:
        env.step(actions)
        if not env.agents:
            env.reset()
    print("seconds", time.process_time() - start, flush=True)
