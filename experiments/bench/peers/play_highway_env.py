"""highway-env 1.12.1, in its own environment: joint steps with random actions, resets included.

Lines: `<gymnasium id> <num_envs> <steps>`; it steps one env, whatever num_envs says, because that is all it can. Making
an intersection changes the traffic of every env of the process, so each id wants a process of its own.
"""

import sys
import time

import gymnasium
import highway_env

gymnasium.register_envs(highway_env)
envs = {}


def play(env: gymnasium.Env, actions: list) -> None:
    """Plays the given actions."""
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()


for line in sys.stdin:
    name, _, steps = line.split()
    if name not in envs:
        envs[name] = gymnasium.make(name).unwrapped
        envs[name].reset(seed=0)
    env = envs[name]
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(int(steps))]
    start = time.process_time()
    play(env, actions)
    print("seconds", time.process_time() - start, flush=True)
