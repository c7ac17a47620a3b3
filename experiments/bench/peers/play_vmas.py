"""vmas 1.5.2, in its own environment: one torch thread, discrete random actions.

Lines: `<scenario> <num_envs> <steps>`, steps of all envs together. Full resets every 25 steps, as mpe2's episodes have.
"""

import sys
import time

import torch
import vmas

torch.set_num_threads(1)
EPISODE = 25

for line in sys.stdin:
    name, num_envs, steps = line.split()
    num_envs = int(num_envs)
    env = vmas.make_env(name, num_envs=num_envs, device="cpu", continuous_actions=False, seed=0)
    env.reset()
    rounds = max(1, int(steps) // num_envs)
    rows = torch.randint(0, 5, (64, len(env.agents), num_envs, 1), generator=torch.Generator().manual_seed(0))
    start = time.process_time()
    for t in range(rounds):
        env.step(list(rows[t % 64]))
        if (t + 1) % EPISODE == 0:
            env.reset()
    spent = time.process_time() - start
    print("seconds", spent * int(steps) / (rounds * num_envs), flush=True)
