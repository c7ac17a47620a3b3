"""The coordination game: rules by hand, chance by frequencies, and the anchors of the authors' exact experiment."""

import numpy as np
import pytest

import games
from games.bits import BitsConfig, band_of, bits_game
from games.bits.tables import bit_rows, state_rewards
from marl.equilibrium.markov_games import evaluate, solve_common_payoff, uniform_policies


def play_once(bits, actions, **settings):
    """Returns the reward and the fields after one step from these bits, without chance."""
    batch = games.make_batch("coordination/bits_v0", 1, num_agents=len(bits), flip=0.0, **settings)
    batch.reset()
    batch.load_fields(0, {"bits": np.array(bits, np.uint8)})
    batch.step(np.array([actions], np.int32))
    return batch.rewards[0], batch.fields(0)


@pytest.mark.parametrize(
    ("bits", "reward"),
    [
        # Leads of the zeros 3, 1, -1, -3 in a band of 1; with five, 5, 3, 1, -1, -3, -5 in a band of 2.
        *[("000", 3), ("010", 0), ("110", 1), ("111", 2)],
        *[("00000", 3), ("00001", 3), ("01001", 0), ("01101", 1), ("11101", 2), ("11111", 2)],
        *[("00", 3), ("01", 0), ("11", 2)],
    ],
)
def test_the_majority_of_the_new_bits_is_paid(bits, reward):
    rewards, fields = play_once([1] * len(bits), [int(bit) for bit in bits])
    assert rewards.tolist() == [reward] * len(bits)
    assert fields["bits"].tolist() == [int(bit) for bit in bits]
    assert fields["best_steps"] == (reward == 3)


def test_the_release_of_the_exact_game_pays_the_bits_before_the_step():
    rewards, fields = play_once([0, 0, 0], [1, 1, 1], pays_next=False)
    assert rewards.tolist() == [3, 3, 3]
    assert fields["bits"].tolist() == [1, 1, 1]


def test_bands_are_those_of_the_release():
    assert [band_of(n) for n in (2, 3, 5, 10)] == [1, 1, 2, 3]


def test_chance_turns_each_bit_as_often_as_it_should_and_says_so():
    batch = games.make_batch("coordination/bits_5_v0", 4000, seed=3)
    batch.reset()
    share = batch.observations[:, 0].mean()
    assert abs(share - 0.8) < 5 * np.sqrt(0.8 * 0.2 / 20_000)  # zeros have the share 1 / 5
    actions = np.random.default_rng(0).integers(2, size=(4000, 5)).astype(np.int32)
    batch.step(actions)
    turned = batch.observations[:, 0] != actions
    np.testing.assert_array_equal(batch.infos["flipped"], turned)
    assert np.abs(turned.mean(axis=0) - 0.1).max() < 5 * np.sqrt(0.1 * 0.9 / 4000)


def test_an_episode_is_cut_after_25_steps_and_counts_its_best_ones():
    batch = games.make_batch("coordination/bits_v0", 1, flip=0.0, autoreset="disabled")
    batch.reset()
    for step in range(25):
        batch.step(np.full((1, 3), int(step < 5), np.int32))
        assert batch.truncations.all() == (step == 24)
    assert not batch.terminations.any()
    assert batch.episode_statistics["best_steps"].tolist() == [20]


@pytest.mark.parametrize(
    ("agents", "best", "random", "trap"),
    [(2, 95.60, 0.523, 0.682), (3, 114.94, 0.464, 0.774), (5, 344.18, 0.465, 0.699)],
)
def test_exact_values_are_the_anchors(agents, best, random, trap):
    """Fact sheet 2.1: the release weights each of 2^n states by 1 / n, so its values are 2^n / n times a mean."""
    game = bits_game(agents)
    optimum = solve_common_payoff(game, 0.95)
    value = optimum.values[0].mean()
    assert value * 2**agents / agents == pytest.approx(best, abs=0.01)
    assert all((policy[:, 0] == 1).all() for policy in optimum.profile)
    uniform = evaluate(game, uniform_policies(game), 0.95)[0].mean()
    ones = evaluate(game, [np.tile([0.0, 1.0], (2**agents, 1))] * agents, 0.95)[0].mean()
    assert uniform / value == pytest.approx(random, abs=1e-3)
    assert ones / value == pytest.approx(trap, abs=1e-3)


@pytest.mark.parametrize("action", [1, 4, 7])
def test_the_world_moves_and_pays_as_its_tables_say(action):
    """In the tables, as in the world, the next bits depend on the actions alone."""
    config, envs = BitsConfig(flip=0.2), 3000
    game = config.markov_game()
    assert (game.transitions == game.transitions[:1]).all()
    batch = games.make_batch("coordination/bits_v0", envs, seed=1, flip=0.2)
    batch.reset()
    batch.step(np.tile(bit_rows(3)[action], (envs, 1)).astype(np.int32))
    arrived = batch.observations[:, 0].astype(int) @ (4, 2, 1)
    expected = game.transitions[0].reshape(8, 8)[action]
    shares = np.bincount(arrived, minlength=8) / envs
    assert (np.abs(shares - expected) < 5 * np.sqrt(expected * (1 - expected) / envs)).all()
    np.testing.assert_array_equal(batch.rewards[:, 0], state_rewards(3, 1)[arrived])
    assert abs(batch.rewards.mean() - game.rewards[0, 0].ravel()[action]) < 5 * 1.5 / np.sqrt(envs)


@pytest.mark.parametrize("state", range(8))
def test_tables_that_pay_before_the_step_pay_as_the_world(state):
    bits = bit_rows(3)[state]
    rewards, _ = play_once(bits.tolist(), [0, 1, 0], pays_next=False)
    np.testing.assert_allclose(bits_game(3).rewards[:, state], rewards[0], rtol=1e-12)


def test_settings_that_fit_nothing_are_refused():
    with pytest.raises(ValueError, match="band must be at most num_agents, 3, got 4"):
        BitsConfig(band=4)
    with pytest.raises(ValueError, match=r"num_agents must be in \[1, 7\] for tables, got 8"):
        bits_game(8)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"band": -1}, "band must be 0 or more"),
        ({"flip": 2.0}, "flip must be a probability"),
        ({"zero_share": float("nan")}, "zero_share must be a probability"),
    ],
)
def test_tables_of_no_game_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        bits_game(2, **given)
