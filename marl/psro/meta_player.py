"""Who plays the meta-strategy that a run of PSRO ended with."""

from __future__ import annotations

import numpy as np

from agents.mixture import MixturePlayer
from marl.psro.psro import Psro


def meta_player(run: Psro, agent: str, seed: int) -> MixturePlayer:
    """Returns the player of an agent's part of the last meta-strategy: one policy is drawn for every episode.

    Args:
        run: With at least one complete epoch.
        agent: Whose seat.
        seed: Of the draws and of all members.

    Raises:
        ValueError: No epoch is complete.
        PolicyError: A policy's files are missing or damaged.
    """
    if not run.num_complete:
        raise ValueError(f"no epoch of {run.folder} is complete")
    record = run.epochs[run.num_complete - 1]
    assert record.meta is not None
    chances = np.array(record.meta.profile[list(run.seats).index(agent)])
    used = np.flatnonzero(chances)
    words = [int(word) for word in np.random.SeedSequence(seed).generate_state(len(used) + 1)]
    members = [
        run.population.make_player(run.seats[agent], int(number), word)
        for number, word in zip(used, words[1:], strict=True)
    ]
    return MixturePlayer(members, chances[used] / chances[used].sum(), words[0])
