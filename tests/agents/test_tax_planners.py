"""Planners that set schedules without learning."""

import numpy as np
import pytest

import econ  # noqa: F401 - registers its worlds
import games
from agents.random_schedules import RandomSchedules

ONE_STEP = "econ/one_step_v0"


def set_rates(player, num_envs=4000, **settings):
    batch = games.make_batch(ONE_STEP, num_envs, num_workers=2, **settings)
    batch.reset()
    action = player.act(batch, "planner_0")
    batch.step({"workers": np.zeros((num_envs, 2), np.int32), "planner": action[:, None]})
    return batch, batch.groups["planner"].observations[:, 0, :7]


def test_random_schedules_are_mild_flat_and_heavy():
    _, rates = set_rates(RandomSchedules(0, mild_share=0.5, flat_share=0.2))
    # Standard error of a share of 4,000: at most 0.008.
    is_flat = (rates == rates[:, :1]).all(axis=1)
    # A flat one, or one whose highest rate is the lowest level: 0.2 + 0.8 * 0.5 / 21.
    assert is_flat.mean() == pytest.approx(0.219, abs=0.03)
    # Rates up to 0.5 in all seven brackets: with probability (11 / 21)^7 = 0.011 if they are independent, 11 / 21 if
    # flat, and more than that if they have a highest rate of their own.
    assert (rates.max(axis=1) < 0.51).mean() > 0.4 * 0.011 + 0.2 * 11 / 21 + 0.4 * 11 / 21 - 0.03
    _, heavy = set_rates(RandomSchedules(0, mild_share=0.0, flat_share=0.0))
    assert (heavy.max(axis=1) < 0.51).mean() == pytest.approx(0.011, abs=0.008)
    assert heavy.mean() == pytest.approx(0.5, abs=0.01)


def test_random_schedules_keep_the_limit_and_are_silent_while_workers_work():
    player = RandomSchedules(3)
    batch, rates = set_rates(player, tax_annealing=(-1, 0.25))
    assert rates.max() == pytest.approx(0.25)
    assert not player.act(batch, "planner_0").any()


def test_random_schedules_repeat_themselves_and_need_a_planner_who_names_levels():
    first, second = RandomSchedules(5), RandomSchedules(0)
    second.set_state(first.get_state())
    batch, _ = set_rates(RandomSchedules(1), num_envs=8)
    batch.reset()
    np.testing.assert_array_equal(first.act(batch, "planner_0"), second.act(batch, "planner_0"))
    with pytest.raises(ValueError, match="tax_model='planner', got 'planner_rates'"):
        set_rates(RandomSchedules(0), tax_model="planner_rates")
    with pytest.raises(ValueError, match=r"flat_share must be in \[0, 1\], got 2"):
        RandomSchedules(0, flat_share=2)
