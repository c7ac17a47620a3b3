"""Players whose hand slips."""

import numpy as np
import pytest

import games
from agents.noisy_player import NoisyPlayer


class _Always:
    """Plays action 2 in every env."""

    def act(self, batch, agent):
        return np.full(batch.num_envs, 2, np.int32)

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


def make_batch():
    batch = games.make_batch("grid/trust_v0", 4000, seed=0)
    batch.reset()
    return batch


def test_the_share_of_random_actions_is_the_noise():
    """Of 5 actions, all equally likely in a slip: others than 2 in 0.3 * 4 / 5 = 24 % of 4,000; 5 standard errors."""
    actions = NoisyPlayer(_Always(), 0.3, seed=1).act(make_batch(), "hunter_0")
    assert abs((actions != 2).mean() - 0.24) < 5 * np.sqrt(0.24 * 0.76 / 4000)
    assert set(actions.tolist()) == {0, 1, 2, 3, 4}


def test_without_noise_it_is_the_player_itself():
    assert (NoisyPlayer(_Always(), 0.0).act(make_batch(), "hunter_0") == 2).all()


def test_an_equal_player_goes_on_from_its_state():
    batch, first, second = make_batch(), NoisyPlayer(_Always(), 0.5, 3), NoisyPlayer(_Always(), 0.5, 4)
    first.act(batch, "hunter_0")
    second.set_state(first.get_state())
    assert first.act(batch, "hunter_0").tolist() == second.act(batch, "hunter_0").tolist()


def test_noise_that_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"noise must be in \[0, 1\], got 1.5"):
        NoisyPlayer(_Always(), 1.5)
