"""Actors of many seeds as policy files: they play what the learner plays, told a context or shown one."""

import json

import numpy as np
import pytest
import torch
from scipy import stats

import games
from agents.trained import (
    PolicyDescription,
    PolicyError,
    TrainedPlayer,
    save_policy,
)
from marl.qarl.export import export_actor
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics
from marl.rllib.export import import_policy

ENV = "control/point_mass_gap_plane_v0"


def make_learners(observation_size=4):
    return SoftActorCritics(observation_size, 2, SacSettings(hidden_sizes=(6, 5)), [3, 4])


def make_batch(num_envs=5, **settings):
    batch = games.make_batch(ENV, num_envs, seed=1, **settings)
    batch.reset()
    for env in range(num_envs):
        batch.load_fields(
            env, {"coordinates": np.array([0.1 * (env % 9), -1.0]), "speeds": np.array([0.2, 0.5 - env % 7])}
        )
    return batch


@pytest.mark.parametrize("index", [0, 1])
def test_a_greedy_player_acts_as_the_learner_does(tmp_path, index):
    learners, batch = make_learners(), make_batch()
    export_actor(learners, index, tmp_path, ENV, {}, is_greedy=True)
    actions = TrainedPlayer(tmp_path).act(batch, "protagonist_0")
    seen = torch.from_numpy(batch.groups["protagonist"].observations[:, 0])
    wanted = learners.act(seen.expand(2, -1, -1), is_greedy=True)[index]
    assert actions.dtype == np.float32
    np.testing.assert_allclose(actions, wanted.numpy(), rtol=1e-5, atol=1e-6)
    batch.step({"protagonist": actions[:, None], "adversary": actions[:, None]})


def test_draws_have_the_density_that_was_trained(tmp_path):
    """With weights of zero: u ~ N(0.3, 0.5^2) and N(-1, e^-20), so a = tanh(u) of known quantiles."""
    bias = torch.tensor([0.3, -1.0, np.log(0.5), -99.0])
    description = PolicyDescription(
        env_id=ENV, observation_size=4, hidden_sizes=[], num_actions=2, distribution="squashed_normal"
    )
    save_policy(tmp_path, description, [(torch.zeros(4, 4), bias)])
    batch = make_batch(4000)
    actions = TrainedPlayer(tmp_path, seed=5).act(batch, "adversary_0")
    raw = np.arctanh(actions[:, 0].astype(np.float64))
    assert raw.mean() == pytest.approx(0.3, abs=4 * 0.5 / np.sqrt(4000))
    assert raw.std() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(8000))
    np.testing.assert_allclose(actions[:, 1], np.tanh(-1.0), atol=1e-6)
    again = TrainedPlayer(tmp_path, seed=5)
    np.testing.assert_array_equal(again.act_rows(batch, "adversary_0", np.arange(3)), actions[:3])


def test_deviations_are_held_where_the_learners_are(tmp_path):
    """A last layer of log deviations far outside: the player draws as the learner does, hardly at all or by e^2."""
    learners = make_learners()
    learners.actor.weights[-1].data.zero_()
    learners.actor.biases[-1].data[0, 0] = torch.tensor([0.0, 0.0, -50.0, 50.0])
    export_actor(learners, 0, tmp_path, ENV, {})
    actions = TrainedPlayer(tmp_path, seed=1).act(make_batch(4000), "adversary_0")
    assert np.abs(actions[:, 0]).max() < 1e-6
    inside = 2 * stats.norm.cdf(np.arctanh(0.9) / np.exp(2)) - 1
    assert (np.abs(actions[:, 1]) < 0.9).mean() == pytest.approx(inside, abs=4 * np.sqrt(inside / 4000))
    _, deviation = learners.distribution(torch.zeros(2, 1, 4))
    assert deviation[0, 0].tolist() == pytest.approx([np.exp(-20), np.exp(2)])


def test_a_policy_that_is_told_its_context_plays_as_one_that_is_shown_it(tmp_path):
    learners = make_learners(observation_size=5)
    (tmp_path / "told").mkdir()
    (tmp_path / "shown").mkdir()
    export_actor(learners, 0, tmp_path / "told", ENV, {}, context=0.05, is_greedy=True)
    export_actor(learners, 0, tmp_path / "shown", ENV, {}, is_greedy=True)
    told, shown = make_batch(), make_batch(shows_context=True, contexts=(0.05,))
    wanted = TrainedPlayer(tmp_path / "shown").act(shown, "protagonist_0")
    np.testing.assert_array_equal(TrainedPlayer(tmp_path / "told").act(told, "protagonist_0"), wanted)
    given = TrainedPlayer(tmp_path / "shown", context=0.05)
    np.testing.assert_array_equal(given.act(told, "protagonist_0"), wanted)
    other = TrainedPlayer(tmp_path / "told", context=0.0).act(told, "protagonist_0")
    assert not np.array_equal(other, wanted)


def test_what_does_not_fit_is_refused(tmp_path):
    learners = make_learners(observation_size=5)
    export_actor(learners, 0, tmp_path, ENV, {}, context=0.5)
    with pytest.raises(PolicyError, match=r"with 4 numbers per observation besides the context 0.5; .* shows 5"):
        TrainedPlayer(tmp_path).act(make_batch(shows_context=True), "protagonist_0")
    other = games.make_batch("control/point_mass_gap_v0")
    other.reset()
    with pytest.raises(PolicyError, match=r"actions are 2 numbers in \[-1, 1\], those of adversary_0 are Box"):
        TrainedPlayer(tmp_path).act(other, "adversary_0")
    discrete = games.make_batch("grid/trust_v0")
    discrete.reset()
    size = int(np.prod(discrete.only_group.observation_space.shape))
    export_actor(make_learners(size), 0, tmp_path, ENV, {})
    with pytest.raises(PolicyError, match=r"those of \w+ are Discrete"):
        TrainedPlayer(tmp_path).act(discrete, discrete.agents[0])
    with pytest.raises(PolicyError, match="'squashed_normal' has no logits"):
        TrainedPlayer(tmp_path).logits(np.zeros((1, size)))
    with pytest.raises(PolicyError, match="a policy of 'squashed_normal', the module has logits"):
        import_policy(None, tmp_path)
    with pytest.raises(ValueError, match=r"index must be in \[0, 2\), got 2"):
        export_actor(learners, 2, tmp_path, ENV, {})


def test_files_of_before_are_read_as_they_were(tmp_path):
    description = PolicyDescription(env_id=ENV, observation_size=3, hidden_sizes=[2], num_actions=6)
    save_policy(tmp_path, description, [(torch.ones(2, 3), torch.zeros(2)), (torch.ones(6, 2), torch.zeros(6))])
    old = json.loads((tmp_path / "policy.json").read_text())
    del old["distribution"], old["context"]
    (tmp_path / "policy.json").write_text(json.dumps(old))
    player = TrainedPlayer(tmp_path)
    assert player.description == description
    np.testing.assert_allclose(player.logits(np.ones((1, 3))), np.full((1, 6), 6.0))
