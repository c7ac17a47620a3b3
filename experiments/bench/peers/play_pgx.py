"""pgx 2.6.0, in its own environment: jit and scan, one thread, random legal moves drawn inside, autoreset.

Lines: `<game> <num_envs> <steps>`, moves of all envs together.
"""

import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import pgx
from pgx.experimental.wrappers import auto_reset

LENGTH = 50  # of a scan


def make_play(name: str, num_envs: int):
    """Returns first states and the compiled scan of LENGTH moves in all envs."""
    env = pgx.make(name)
    step_env = auto_reset(env.step, env.init)

    def step(carry, key):
        states, total = carry
        key_actions, key_step = jax.random.split(key)
        logits = jnp.where(states.legal_action_mask, 0.0, -jnp.inf)
        actions = jax.random.categorical(key_actions, logits, axis=-1)
        states = jax.vmap(step_env)(states, actions, jax.random.split(key_step, num_envs))
        # Everything is summed, or the compiler leaves it out.
        return (states, total + states.observation.astype("float32").sum() + states.rewards.sum()), None

    states = jax.vmap(env.init)(jax.random.split(jax.random.PRNGKey(0), num_envs))
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
