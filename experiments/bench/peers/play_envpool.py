"""EnvPool 1.2.5, in its own environment: one thread, synchronous, random actions.

Lines: `<envpool id> <num_envs> <steps>`, steps of all envs together.
"""

import sys
import time

import envpool
import numpy as np

for line in sys.stdin:
    name, num_envs, steps = line.split()
    num_envs = int(num_envs)
    env = envpool.make(name, env_type="gymnasium", num_envs=num_envs, num_threads=1, seed=0)
    env.reset()
    rounds = max(1, int(steps) // num_envs)
    rows = np.random.default_rng(0).integers(0, env.action_space.n, (64, num_envs))
    start = time.process_time()
    for t in range(rounds):
        env.step(rows[t % 64])
    spent = time.process_time() - start
    env.close()
    print("seconds", spent * int(steps) / (rounds * num_envs), flush=True)
