"""Planners that set schedules without learning."""

import numpy as np
import pytest
import torch

import econ  # noqa: F401 - registers its worlds
import games
from agents.random_player import RandomPlayer
from agents.random_schedules import RandomSchedules
from agents.saez_planner import SaezPlanner
from agents.trained import PolicyDescription, PolicyError, TrainedPlayer, save_policy
from econ.taxation import SaezTax, us_federal

ONE_STEP, GATHER_TRADE_BUILD = "econ/one_step_v0", "econ/gather_trade_build_v0"


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


@pytest.mark.parametrize("settings", [{}, {"planner_sees_map": True}, {"max_bid_ask": 4, "sees_all": True}])
def test_saezs_formula_sets_rates_on_the_first_day_of_every_period_and_on_no_other(settings):
    """It leaves rates to chance until it has 500 incomes: 10 envs of 4 workers have them after 13 periods."""
    batch = games.make_batch(GATHER_TRADE_BUILD, 10, tax_model="planner_rates", tax_period=3, horizon=90, **settings)
    batch.reset()
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    saez, random = SaezPlanner(SaezTax(us_federal().cutoffs)), RandomPlayer(0)
    in_force = []
    for step in range(36):
        rates = saez.act(batch, "planner_0")
        assert (rates == (-1 if step % 3 == 0 else 0)).all()
        batch.step({"workers": np.stack([random.act(batch, a) for a in workers.agents], 1), "planner": rates[:, None]})
        in_force.append(batch.fields(0)["tax_rates"])
    assert planner.infos["tax_day"].all()
    by_period = np.array(in_force).reshape(12, 3, 7)
    assert (by_period == by_period[:, :1]).all()
    assert len(np.unique(by_period[:, 0], axis=0)) == 12


def test_a_trained_planner_names_the_most_likely_legal_level_of_every_bracket(tmp_path):
    batch = games.make_batch(GATHER_TRADE_BUILD, 2, tax_period=2, tax_annealing=(-3, 0.1))  # levels up to 0.3
    batch.reset()
    wanted = np.array([1, 3, 5, 7, 6, 2, 0])
    bias = torch.zeros(7, 22)
    bias[range(7), wanted] = 2
    bias[2, 20] = 9  # the level 0.95 is above the limit
    description = PolicyDescription(env_id=GATHER_TRADE_BUILD, observation_size=110, hidden_sizes=[], num_actions=154)
    save_policy(tmp_path, description, [(torch.zeros(154, 110), bias.flatten())])
    player = TrainedPlayer(tmp_path, is_greedy=True)
    actions = player.act(batch, "planner_0")
    assert actions.shape == (2, 7)
    assert actions.tolist() == [[1, 3, 5, 7, 6, 2, 0]] * 2
    batch.step({"workers": np.zeros((2, 4), np.int32), "planner": actions[:, None]})
    assert batch.fields(0)["tax_rates"].tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.25, 0.05, 0])
    assert not player.act(batch, "planner_0").any()  # the mask leaves nothing to choose on other days
    with pytest.raises(PolicyError, match="the policy was trained on"):
        player.act(batch, "worker_0")
