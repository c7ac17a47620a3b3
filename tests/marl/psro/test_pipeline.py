"""The pipeline: who learns when, against whom, from what; and that a run of one level is PSRO."""

import numpy as np
import pytest
from small_runs import KUHN, everything, run_epochs

from marl.psro.exact import ExactOracle
from marl.psro.meta_solvers import independent
from marl.psro.pipeline import in_play, learning_chains, newest_snapshots, widened
from marl.psro.psro import Psro
from marl.psro.records import EpochRecord
from marl.psro.settings import PsroSettings

TWO = KUHN.model_copy(update={"levels": 2, "meta_solver": "uniform"})


def test_chains_overlap():
    assert [list(learning_chains(epoch, 3)) for epoch in range(4)] == [[0], [0, 1], [0, 1, 2], [1, 2, 3]]
    assert [list(learning_chains(epoch, 1)) for epoch in range(2)] == [[0], [1]]


def test_the_newest_snapshot_of_each_chain_is_played():
    """As the module's table has it: a0; a1 and b0; b1 and c0."""
    epochs = [
        EpochRecord(number=0, variance="", sizes=[1], responses={"p": [1]}),
        EpochRecord(number=1, variance="", sizes=[2], responses={"p": [2, 3]}),
        EpochRecord(number=2, variance="", sizes=[4], responses={"p": [4, 5]}),
    ]
    assert newest_snapshots(epochs, "p", 2) == {0: 2, 1: 4, 2: 5}
    assert in_play(epochs, ["p"], 2) == [[0, 2, 4, 5]]
    assert in_play(epochs, ["p"], 2, below=2) == [[0, 2, 4]]
    assert in_play(epochs[:1], ["p"], 2) == [[0, 1]]
    assert in_play(epochs[:0], ["p", "q"], 2, first=3) == [[0, 1, 2]] * 2


def test_a_meta_strategy_over_some_policies_leaves_the_others_out():
    meta = widened(independent((np.array([0.3, 0.7]), np.array([1.0])), "x"), [[0, 2], [1]], (3, 2))
    np.testing.assert_array_equal(meta.profile[0], [0.3, 0, 0.7])
    np.testing.assert_array_equal(meta.joint, [[0, 0.3], [0, 0], [0, 0.7]])


class Watching(ExactOracle):
    """Notes whom it was asked to answer, and from where."""

    def __init__(self):
        super().__init__("cards/kuhn_poker_v0", {})
        self.asked = []

    def respond(self, agent, opponents, out, **kwargs):
        (mixture,) = opponents.mixtures.values()
        self.asked.append((agent, mixture.probabilities.tolist()))
        return super().respond(agent, opponents, out, **kwargs)


def test_higher_levels_learn_against_the_snapshots_of_lower_ones_which_learn_on(tmp_path):
    oracle = Watching()
    run = Psro(tmp_path, TWO, oracle=oracle)
    for _ in range(3):
        run.step()
    against = [mixture for agent, mixture in oracle.asked if agent == "player_0"]
    assert against == [
        [1.0],  # epoch 0: a against the first policy
        [1.0, 0.0],  # epoch 1: a learns on, against the same
        [0.5, 0.5],  # b against the first policy and a's snapshot
        pytest.approx([1 / 2, 0, 1 / 2, 0]),  # epoch 2: b learns on, against the first and what a has become
        pytest.approx([1 / 3, 0, 1 / 3, 1 / 3]),  # c against b's snapshot too
    ]
    assert run.epochs[2].in_play == [[0, 2, 3]] * 2
    assert run.epochs[2].meta.profile[0] == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])
    assert run.table.counts[1, 2] == 0  # a0 is played no more
    assert np.isnan(run.payoffs(run.epochs[2])[0, 1, 2])


def test_it_comes_to_an_equilibrium_with_nash(tmp_path):
    settings = TWO.model_copy(update={"payoffs": "exact", "meta_solver": "nash"})
    epochs = run_epochs(tmp_path, 12, settings).epochs
    assert epochs[-1].nash_conv < 0.05 * epochs[0].nash_conv


def test_one_level_is_psro(tmp_path):
    assert PsroSettings(**{**KUHN.model_dump(), "levels": 1}) == KUHN
    run_epochs(tmp_path / "a", 2)
    assert all(record.in_play is None for record in Psro(tmp_path / "a", KUHN).epochs)


def test_a_symmetric_pipeline_and_one_that_was_interrupted_end_alike(tmp_path):
    settings = PsroSettings(
        world="matrix/rock_paper_scissors_v0", oracle="exact", symmetric=True, episodes=20, more_episodes=30, levels=2
    )
    run_epochs(tmp_path / "whole", 4, settings)
    for epochs in range(1, 5):
        run_epochs(tmp_path / "parts", epochs, settings)
    assert everything(tmp_path / "parts") == everything(tmp_path / "whole")
