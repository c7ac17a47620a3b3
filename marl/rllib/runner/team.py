"""TeamAPI: modules that choose for all agents of a group at once."""

from __future__ import annotations

import numpy as np

# Entries of a forward pass in a runner, beside the observations: [E, P] bool, and what chance adds to the actions,
# [E·P, num_noise] of their `ActionKind` (None: the likeliest are taken).
ALIVE = "alive"
ACTION_NOISE = "action_noise"


class TeamAPI:
    """A module that plays all agents of one group and chooses their actions by itself, one seeing another's perhaps.

    Its forward passes in a runner get the observations of E envs and P agents as rows [E·P, D], env by env, with
    entries `ALIVE`, `ACTION_NOISE` and those that `draw_noise` names. They return RLlib's columns ACTIONS [E·P, ...],
    ACTION_DIST_INPUTS [E·P, L] and ACTION_LOGP [E·P], and draw nothing themselves: all chance is the runner's
    generator, so that runs repeat and resume. What `draw_noise` made stays with the fragment, for the update; a pass
    that returns an entry of such a name, [E·P, ...], puts it in the place of what was drawn for its step.

    One with a memory gets observations as RLlib's recurrent modules do, [E·P, 1, D], and returns everything so.
    """

    def draw_noise(self, rng: np.random.Generator, num_steps: int, num_envs: int) -> dict[str, np.ndarray]:
        """Returns by name what chance adds beside the actions, [T, E, ...] float32 each."""
        return {}
