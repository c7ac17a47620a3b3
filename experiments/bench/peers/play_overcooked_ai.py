"""overcooked-ai 1.1.0, in its own environment: random joint steps on a kitchen, with observations or without.

Lines: `<layout>:lossless <num_envs> <steps>` or `<layout>:bare ...`; it steps one kitchen, whatever num_envs says.
"""

import sys
import time

import numpy as np

setattr(np, "Inf", np.inf)  # noqa: B010 - written for NumPy 1

from overcooked_ai_py.mdp.actions import Action  # noqa: E402
from overcooked_ai_py.mdp.overcooked_env import OvercookedEnv  # noqa: E402
from overcooked_ai_py.mdp.overcooked_mdp import OvercookedGridworld  # noqa: E402

HORIZON = 400

envs = {}


def play(env: OvercookedEnv, actions: list, shows: bool) -> None:
    """Plays the given joint actions; both cooks' lossless observations are made where asked for."""
    env.reset()
    for joint in actions:
        state, _, done, _ = env.step(joint)
        if shows:
            env.lossless_state_encoding_mdp(state)
        if done:
            env.reset(regen_mdp=False)


for line in sys.stdin:
    name, _, steps = line.split()
    layout, _, what = name.partition(":")
    if layout not in envs:
        mdp = OvercookedGridworld.from_layout_name(layout)
        envs[layout] = OvercookedEnv.from_mdp(mdp, horizon=HORIZON, info_level=0)
    choices = np.random.default_rng(0).integers(0, 6, (int(steps), 2))
    actions = [tuple(Action.INDEX_TO_ACTION[a] for a in joint) for joint in choices]
    start = time.process_time()
    play(envs[layout], actions, what == "lossless")
    print("seconds", time.process_time() - start, flush=True)
