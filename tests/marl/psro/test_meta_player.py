"""Who plays a run's meta-strategy: what its solver means, not the mistakes that it reckons with."""

import numpy as np
import pytest
from small_runs import run_epochs

import games
from marl.psro.meta_player import meta_player, without_trembles
from marl.psro.settings import PsroSettings


def test_trembles_are_taken_off_by_hand():
    """Of 0.97, 0.02 and 0.01 with a floor of 0.01, 0.96 and 0.01 are meant."""
    meant = without_trembles(np.array([0.97, 0.02, 0.01]), 0.01)
    assert meant == pytest.approx([96 / 97, 1 / 97, 0])
    assert meant[2] == 0
    rounded = without_trembles(np.array([0.98 - 1e-9, 0.01 + 1e-9, 0.01]), 0.01)
    assert rounded.tolist() == [1, 0, 0]


def test_a_risk_averse_run_is_played_without_its_trembles(tmp_path):
    """In the prisoners' dilemma defection is dominant, and the first policy is random."""
    settings = PsroSettings(
        world="matrix/prisoners_dilemma_v0",
        world_settings={"horizon": 1},
        oracle="exact",
        payoffs="exact",
        meta_solver="rae",
        risk_aversion=0.0,
        tremble=0.2,
    )
    run = run_epochs(tmp_path, 2, settings)
    chances = np.array(run.epochs[-1].meta.profile[0])
    assert chances.min() == pytest.approx(0.2 / len(chances)), "the random policy keeps its tremble in training"
    batch = games.make_batch(settings.world, 200, seed=3, **settings.world_settings)
    batch.reset()
    for agent in run.seats:
        assert (meta_player(run, agent, 0).act(batch, agent) == 1).all()
