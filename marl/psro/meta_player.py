"""Who plays the meta-strategy that a run of PSRO ended with.

A risk-averse meta-strategy gives every policy a least probability: mistakes that players reckon with, without which the
variance over the others' draws could not be seen. They are reckoned with in training, and not made on purpose after it.
"""

from __future__ import annotations

import numpy as np

from agents.mixture import MixturePlayer
from marl.psro.psro import Psro

ROUNDING = 1e-6  # of the solver, in probabilities


def without_trembles(strategy: np.ndarray, floor: float) -> np.ndarray:
    """Returns [K] what a player means to do who does everything with a probability of at least `floor` by mistake.

    Args:
        strategy: [K] probabilities of at least `floor`, to rounding.
        floor: In [0, 1 / K).
    """
    meant = np.maximum(strategy - floor, 0.0)
    meant[meant < ROUNDING] = 0.0
    whole: np.ndarray = meant / meant.sum()
    return whole


def meta_player(run: Psro, agent: str, seed: int) -> MixturePlayer:
    """Returns the player of an agent's part of the last meta-strategy: one policy is drawn for every episode.

    Trembles of a risk-averse one are left out.

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
    if run.settings.meta_solver == "rae":
        # Policies that the solver was not told of have no probability, all others at least the floor.
        parameters = run.settings.solver_parameters(max(int(np.count_nonzero(own)) for own in record.meta.profile))
        chances = without_trembles(chances, parameters["floor"])
    used = np.flatnonzero(chances)
    words = [int(word) for word in np.random.SeedSequence(seed).generate_state(len(used) + 1)]
    members = [
        run.population.make_player(run.seats[agent], int(number), word)
        for number, word in zip(used, words[1:], strict=True)
    ]
    return MixturePlayer(members, chances[used] / chances[used].sum(), words[0])
