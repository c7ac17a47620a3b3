"""JaxMARL's Overcooked, in its own environment: jit, scan and 1,024 envs, random actions drawn inside."""

import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
from jaxmarl import make
from jaxmarl.environments.overcooked import overcooked_layouts

ENVS, STEPS = 1024, 50

env = make("overcooked", layout=overcooked_layouts["cramped_room"], max_steps=400)


def step(carry, key):
    """Steps all envs with random actions."""
    states, total = carry
    key_actions, key_step = jax.random.split(key)
    choices = jax.random.randint(key_actions, (2, ENVS), 0, 6)
    actions = {agent: choices[i] for i, agent in enumerate(env.agents)}
    observations, states, rewards, _, _ = jax.vmap(env.step)(jax.random.split(key_step, ENVS), states, actions)
    # Every observation is summed, or the compiler leaves them out.
    seen = sum(observations[agent].astype("float32").sum() for agent in env.agents)
    return (states, total + seen + rewards[env.agents[0]].sum()), None


@jax.jit
def play(states, key):
    """Plays STEPS steps."""
    return jax.lax.scan(step, (states, 0.0), jax.random.split(key, STEPS))[0]


_, states = jax.vmap(env.reset)(jax.random.split(jax.random.PRNGKey(0), ENVS))
states, _ = play(states, jax.random.PRNGKey(1))  # compiles
for number, _ in enumerate(sys.stdin):
    start = time.process_time()
    for repeat in range(4):
        states, total = play(states, jax.random.PRNGKey(4 * number + repeat))
        total.block_until_ready()
    print("seconds", time.process_time() - start, flush=True)
