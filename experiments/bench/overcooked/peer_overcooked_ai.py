"""overcooked-ai 1.1.0, in its own environment: rounds of random joint steps on cramped_room."""

import sys
import time

import numpy as np

setattr(np, "Inf", np.inf)  # noqa: B010 - written for NumPy 1

from overcooked_ai_py.mdp.actions import Action  # noqa: E402
from overcooked_ai_py.mdp.overcooked_env import OvercookedEnv  # noqa: E402
from overcooked_ai_py.mdp.overcooked_mdp import OvercookedGridworld  # noqa: E402

STEPS = 2000
HORIZON = 400
WITH_OBSERVATIONS = {"lossless": True, "bare": False}

env = OvercookedEnv.from_mdp(OvercookedGridworld.from_layout_name("cramped_room"), horizon=HORIZON, info_level=0)
choices = np.random.default_rng(0).integers(0, 6, (STEPS, 2))
actions = [tuple(Action.INDEX_TO_ACTION[a] for a in joint) for joint in choices]


def play(shows: bool) -> None:
    """Plays STEPS joint steps."""
    env.reset()
    for joint in actions:
        state, _, done, _ = env.step(joint)
        if shows:
            env.lossless_state_encoding_mdp(state)
        if done:
            env.reset(regen_mdp=False)


for line in sys.stdin:
    start = time.process_time()
    play(WITH_OBSERVATIONS[line.strip()])
    print("seconds", time.process_time() - start, flush=True)
