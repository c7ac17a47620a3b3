"""Gather-trade-build: what is conserved, and masks that say which actions have an effect."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from settlement import ISLAND, MEADOW, make, new_owners, play_randomly, step, total, units

import econ  # noqa: F401 - registers its worlds
from econ.gather_trade_build.actions import (
    RESOURCES,
    action_name,
    num_actions,
    read_planes,
)

SETTINGS = [
    {"layout": ISLAND, "num_agents": 6, "starts": "random", "starting_coin": 5.0, "regrowth_probability": 0.2},
    {
        "layout": ISLAND,
        "num_agents": 3,
        "tax_period": 10,
        "max_orders": 2,
        "order_duration": 5,
        "objective": "rawlsian",
    },
]
ECONOMIES = st.fixed_dictionaries(
    {
        "layout": st.sampled_from([ISLAND, "env_pure_and_mixed_15x15"]),
        "num_agents": st.integers(2, 7),
        "starts": st.sampled_from(["random", "corners", "split"]),
        "starting_coin": st.sampled_from([0.0, 2.5, 40.0]),
        "regrowth_probability": st.sampled_from([0.0, 0.3]),
        "max_bid_ask": st.integers(1, 12),
        "max_orders": st.integers(1, 6),
        "order_duration": st.integers(0, 30),
        "tax_period": st.integers(1, 25),
        "tax_model": st.sampled_from(["free_market", "us_federal", "flat", "planner", "planner_rates"]),
        "shares_wealth": st.booleans(),
    }
)


def check_conservation(before, after):
    """Coin is made by building alone, resources by gathering alone; a builder gives one of each."""
    built = new_owners(before, after)
    assert total(after) == pytest.approx(total(before) + after["payments"][built].sum(), abs=1e-9)
    gathered = after["num_gathered"] - before["num_gathered"]
    assert units(after).sum() == units(before).sum() + gathered - 2 * len(built)
    for resource, name in enumerate(RESOURCES):
        gained = units(after)[:, resource].sum() - units(before)[:, resource].sum() + len(built)
        taken = (read_planes(before)[name] & ~read_planes(after)[name]).sum()
        assert taken <= gained  # a unit that was taken may have grown again


def check_escrow(fields):
    """Escrow is what open orders hold, agent by agent, and nobody has less than nothing."""
    coin, held, count = np.zeros(len(fields["coin"])), 0 * fields["units"], 0 * fields["units"]
    for (resource, side), number in np.ndenumerate(fields["num_orders"]):
        for agent, price, _, _ in fields["orders"][resource, side, :number].tolist():
            coin[agent] += price if side == 0 else 0
            held[agent, resource] += side
            count[agent, resource] += 1
    assert (fields["escrow_coin"] == coin).all()
    assert (fields["escrow_units"] == held).all()
    assert (fields["open_orders"] == count).all()
    assert fields["coin"].min() >= -1e-9
    assert fields["units"].min() >= 0


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_lively_economy_conserves_coin_and_resources_and_holds_orders_in_escrow(settings):
    most_orders = 0
    for before, after in play_randomly(make(**settings), 600):
        check_conservation(before, after)
        check_escrow(after)
        most_orders = max(most_orders, after["open_orders"].sum())
    assert (after["owners"] > 0).sum() > 5
    assert after["num_trades"] > 20
    assert after["taxes_collected"] > 0
    assert most_orders > 5


@trials(deadline=None, max_examples=15)
@given(economy=ECONOMIES, seed=st.integers(0, 99))
def test_any_economy_conserves_coin_and_resources_and_holds_orders_in_escrow(economy, seed):
    for before, after in play_randomly(make(seed=seed, **economy), 60, seed):
        check_conservation(before, after)
        check_escrow(after)


@trials(deadline=None, max_examples=10)
@given(economy=ECONOMIES, seed=st.integers(0, 99), steps=st.integers(0, 100))
def test_in_any_economy_a_mask_says_whether_an_action_has_an_effect(economy, seed, steps):
    source = make(seed=seed, **economy)
    for _ in play_randomly(source, steps, seed):
        pass
    trial = make(num_actions(economy["max_bid_ask"]), **economy)
    for worker in range(economy["num_agents"]):
        mask, effects = try_actions(source, trial, worker)
        assert effects[1:].tolist() == mask[1:].tolist()


def try_actions(source, trial, worker):
    """Returns the mask of a worker, and whether each of its actions alone changes what doing nothing leads to."""
    start = source.state_bytes(0)
    for env in range(trial.num_envs):
        trial.load_state(env, start)
    workers, planner = trial.groups["workers"], trial.groups["planner"]
    mask = workers.action_masks[0, worker].astype(bool)
    given = np.zeros_like(workers.actions)
    given[:, worker] = np.arange(trial.num_envs)
    trial.step({"workers": given, "planner": np.zeros_like(planner.actions)})
    without = trial.state_bytes(0)
    return mask, np.array([trial.state_bytes(env) != without for env in range(trial.num_envs)])


def test_a_masked_in_action_has_an_effect_and_a_masked_out_one_has_none():
    """Each action of a worker who acts alone, against doing nothing, from states in which all of them are possible."""
    economy = {"layout": ISLAND, "num_agents": 4, "starts": "random", "max_orders": 2, "regrowth_probability": 0.1}
    source, actions = make(seed=2, **economy), num_actions()
    trial = make(actions, **economy)
    seen = np.zeros((2, actions), int)  # masked out and in
    for turn, _ in enumerate(play_randomly(source, 400)):
        if turn % 10 == 0:
            mask, effects = try_actions(source, trial, turn // 10 % 4)
            for action in range(1, actions):
                assert effects[action] == mask[action], (turn, action_name(action))
            seen[mask.astype(int), np.arange(actions)] += 1
    assert (seen[0, 1:] > 0).all()
    assert (seen[1] > 0).all()


def test_the_planners_mask_says_which_levels_it_can_set():
    """Under a limit of 0.5 and on later days too; a level that stands already is set, which changes nothing."""
    batch = make(layout=MEADOW, num_agents=2, starts="random", tax_annealing=(-1, 0.5), tax_period=3)
    levels = batch.config.rate_levels
    for day in (1, 2, 3):
        start = batch.state_bytes(0)
        mask = batch.groups["planner"].action_masks[0, 0].reshape(7, 22).copy()
        assert mask[:, 1:].tolist() == [[int(day == 1 and level <= 0.5) for level in levels]] * 7
        for bracket, choice in itertools.product(range(7), range(22)):
            batch.load_state(0, start)
            before, is_legal = batch.fields(0)["tax_rates"], mask[bracket, choice]
            rates = step(batch, planner=[[[choice if b == bracket else 0 for b in range(7)]]])["tax_rates"]
            before[bracket] = levels[choice - 1] if choice and is_legal else before[bracket]
            assert rates.tolist() == before.tolist()
        batch.load_state(0, start)
        step(batch, planner=[[[4] * 7]])
