"""The measures of Perolat et al. 2017, section 2, with values worked by hand from the definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.social_dilemma import efficiency, equality, measures, peace, sustainability

# Four steps, one episode, two agents: agent 0 gets 1 in steps 1 and 3, agent 1 gets 2 in step 4.
REWARDS = np.array([[[1, 0]], [[0, 0]], [[1, 0]], [[0, 2]]])


def test_hand_worked_episode():
    # U = (2 + 2) / 4; both have 2, so the Gini coefficient is 0; t = ((1 + 3) / 2, 4), mean 3.
    assert efficiency(REWARDS).tolist() == [1.0]
    assert equality(REWARDS).tolist() == [1.0]
    assert sustainability(REWARDS).tolist() == [3.0]


def test_peace_counts_agents_that_are_not_in_time_out():
    out = np.zeros((4, 1, 2))
    out[1:, 0, 1] = 1  # agent 1 is away for 3 of 4 steps: (2 * 4 - 3) / 4
    assert peace(out).tolist() == [1.25]


# Returns (1, 3): gaps 2 * 2 = 4 over 2 * 2 * 4 = 16: Gini 0.25. One who has all of four: Gini 3/4.
@pytest.mark.parametrize(
    ("returns", "expected"),
    [([1, 3], 0.75), ([0, 0, 0, 5], 0.25), ([2, 2, 2], 1.0), ([0, 0], 1.0), ([7], 1.0), ([-2, -2], 1.0)],
)
def test_equality_of_known_distributions(returns, expected):
    assert equality(np.array(returns, float)[None, None]).tolist() == pytest.approx([expected])


def test_equality_is_nan_where_it_is_not_defined():
    assert np.isnan(equality(np.array([[[1.0, -1.0]], [[0.0, -2.0]]]))).all()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12))
def test_equality_agrees_with_the_lorenz_formula(returns):
    """Gini from sorted values, 2 sum_i i x_(i) / (n sum x) - (n + 1) / n: another formula for the same number."""
    ordered, count = np.sort(returns), len(returns)
    if ordered.sum() < 1e-3:
        return
    gini = 2 * (np.arange(1, count + 1) * ordered).sum() / (count * ordered.sum()) - (count + 1) / count
    assert equality(np.array(returns)[None, None])[0] == pytest.approx(1 - gini, abs=1e-9)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_measures_do_not_depend_on_the_order_of_agents(steps, episodes, agents, seed):
    generator = np.random.default_rng(seed)
    rewards = generator.integers(0, 3, (steps, episodes, agents))
    order = generator.permutation(agents)
    one, other = measures(rewards), measures(rewards[:, :, order])
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], err_msg=name)


def test_an_agent_without_positive_reward_counts_as_zero_steps():
    rewards = np.zeros((5, 1, 2))
    rewards[3, 0, 0] = 1  # step 4
    assert sustainability(rewards).tolist() == [2.0]


def test_measures_keep_episodes_apart():
    rewards = np.concatenate([REWARDS, 3 * REWARDS[::-1]], axis=1)
    values = measures(rewards, np.zeros(rewards.shape))
    assert values["efficiency"].tolist() == [1.0, 3.0]
    assert values["sustainability"].tolist() == [3.0, (3.0 + 1.0) / 2]
    assert values["peace"].tolist() == [2.0, 2.0]
    assert "peace" not in measures(rewards)


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        (np.zeros((3, 2)), r"shape \[T, E, P\] and no empty axis, got \[3, 2\]"),
        (np.zeros((0, 1, 2)), r"got \[0, 1, 2\]"),
        (np.full((1, 1, 1), np.nan), "rewards must be finite, got nan"),
    ],
)
def test_bad_rewards_are_refused(rewards, message):
    for measure in (efficiency, equality, sustainability):
        with pytest.raises(ValueError, match=message):
            measure(rewards)


def test_bad_time_outs_are_refused():
    with pytest.raises(ValueError, match="out must be 0 or 1, got 2"):
        peace(np.full((1, 1, 1), 2))
    with pytest.raises(ValueError, match=r"out must have the shape of rewards, \[4, 1, 2\], got \[1, 1, 1\]"):
        measures(REWARDS, np.zeros((1, 1, 1)))
