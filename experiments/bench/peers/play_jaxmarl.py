"""JaxMARL 0.2.0, in its own environment: jit and scan, one thread, random actions drawn inside.

Lines: `<env id> <num_envs> <steps>`, steps of all envs together; `overcooked:<layout>` is Overcooked on a layout.
"""

import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
from jaxmarl import make
from jaxmarl.environments.overcooked import overcooked_layouts

LENGTH = 50  # of a scan


def make_play(name: str, num_envs: int):
    """Returns first states and the compiled scan of LENGTH steps of all envs."""
    name, _, layout = name.partition(":")
    env = make(name, layout=overcooked_layouts[layout], max_steps=400) if layout else make(name)

    def step(carry, key):
        states, total = carry
        key_actions, key_step = jax.random.split(key)
        keys = jax.random.split(key_actions, len(env.agents))
        actions = {
            agent: jax.random.randint(keys[i], (num_envs,), 0, env.action_space(agent).n)
            for i, agent in enumerate(env.agents)
        }
        observations, states, rewards, _, _ = jax.vmap(env.step)(jax.random.split(key_step, num_envs), states, actions)
        # Everything is summed, or the compiler leaves it out.
        seen = sum(observations[agent].astype("float32").sum() + rewards[agent].sum() for agent in env.agents)
        return (states, total + seen), None

    _, states = jax.vmap(env.reset)(jax.random.split(jax.random.PRNGKey(0), num_envs))
    return states, jax.jit(lambda states, key: jax.lax.scan(step, (states, 0.0), jax.random.split(key, LENGTH))[0])


plays = {}
for number, line in enumerate(sys.stdin):
    name, num_envs, steps = line.split()
    if (name, num_envs) not in plays:
        plays[name, num_envs] = make_play(name, int(num_envs))
        states, play = plays[name, num_envs]
        play(states, jax.random.PRNGKey(0))[1].block_until_ready()  # compiles
    states, play = plays[name, num_envs]
    rounds = max(1, int(steps) // (LENGTH * int(num_envs)))
    start = time.process_time()
    for repeat in range(rounds):
        states, total = play(states, jax.random.PRNGKey(1000 * number + repeat))
        total.block_until_ready()
    spent = time.process_time() - start
    print("seconds", spent * int(steps) / (rounds * LENGTH * int(num_envs)), flush=True)
