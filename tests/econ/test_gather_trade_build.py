"""Gather-trade-build by hand: markets, houses, tax days, and the reference's statistics.

Side by side with ai-economist it is tested in tests/parity/economist."""

import numpy as np
import pytest
from settlement import ISLAND, MEADOW, make, make_market, play_randomly, step

import econ  # noqa: F401 - registers its worlds
from econ.gather_trade_build.actions import (
    BUILD,
    NOTHING,
    ask,
    bid,
    move,
)
from econ.welfare import OBJECTIVES, equality, isoelastic, welfare
from games.playthrough import random_actions

# ---- a market worked by hand ----


def test_orders_of_one_step_meet_at_the_price_that_was_asked():
    fields = step(make_market(), bid("stone", 5), ask("stone", 3))
    assert fields["coin"].tolist() == [17, 23]
    assert fields["units"].tolist() == [[6, 5], [4, 5]]
    assert fields["escrow_coin"].tolist() == [0, 0]
    assert [fields["num_trades"], fields["trade_volume"]] == [1, 3]
    assert fields["history_stone"][1, 3] == 1  # of the seller


def test_the_older_order_sets_the_price():
    batch = make_market()
    step(batch, bid("wood", 6))
    assert step(batch, NOTHING, ask("wood", 4))["coin"].tolist() == [14, 26]
    batch = make_market()
    step(batch, NOTHING, ask("wood", 4))
    assert step(batch, bid("wood", 6))["coin"].tolist() == [16, 24]


def test_a_bid_below_the_ask_waits_and_holds_its_coin():
    fields = step(make_market(), bid("stone", 3), ask("stone", 4))
    assert fields["coin"].tolist() == [17, 20]
    assert fields["escrow_coin"].tolist() == [3, 0]
    assert fields["escrow_units"].tolist() == [[0, 0], [1, 0]]
    assert fields["num_trades"] == 0


def test_the_highest_bid_is_served_first_then_the_oldest_and_the_lowest_ask():
    batch = make_market(4)
    step(batch, bid("stone", 5))
    step(batch, NOTHING, bid("stone", 5))
    step(batch, NOTHING, NOTHING, bid("stone", 6))
    fields = step(batch, NOTHING, NOTHING, NOTHING, ask("stone", 2))
    assert fields["units"][:, 0].tolist() == [5, 5, 6, 4]  # 6 is more than 5
    fields = step(batch, NOTHING, NOTHING, NOTHING, ask("stone", 2))
    assert fields["units"][:, 0].tolist() == [6, 5, 6, 3]  # the older of the two
    assert fields["coin"].tolist() == [15, 15, 14, 31]  # every bid was older, so it sets the price
    batch = make_market(4)
    step(batch, ask("wood", 7), ask("wood", 4))
    fields = step(batch, NOTHING, NOTHING, bid("wood", 9))
    assert fields["coin"].tolist() == [20, 24, 16, 20]


def test_nobody_trades_with_itself_and_who_is_passed_over_waits():
    batch = make_market(3)
    step(batch, ask("stone", 2), ask("stone", 6))
    # The first bid skips its owner's ask, finds 6 too dear and is out; the second bidder gets the ask for 2.
    fields = step(batch, bid("stone", 5), NOTHING, bid("stone", 4))
    assert fields["coin"].tolist() == [17, 20, 18]
    assert fields["escrow_coin"].tolist() == [5, 0, 0]
    assert fields["units"][:, 0].tolist() == [4, 4, 6]


def test_orders_lapse_and_give_back_what_they_hold():
    batch = make_market(order_duration=2)
    for expected in (4, 4, 0):  # it takes part in the matching of its own step and of two more
        fields = step(batch, bid("stone", 4) if batch.fields(0)["timestep"] == 0 else NOTHING)
        assert fields["escrow_coin"][0] == expected
    assert fields["coin"].tolist() == [20, 20]
    assert fields["open_orders"].sum() == fields["num_orders"].sum() == 0


def test_a_worker_has_so_many_open_orders_for_a_resource_and_no_more():
    batch = make_market(max_orders=2)
    for action in (bid("stone", 1), ask("stone", 9), bid("stone", 1), bid("wood", 1)):
        fields = step(batch, action)
    assert fields["num_orders"].tolist() == [[1, 1], [1, 0]]
    assert fields["labor"][0] == 3 * 0.25


def test_past_trades_fade_by_half_a_percent_a_step():
    batch = make_market()
    step(batch, bid("stone", 5), ask("stone", 3))
    step(batch)
    step(batch, bid("stone", 5), ask("stone", 5))
    assert step(batch)["history_stone"][1, [3, 5]] == pytest.approx([0.995**3, 0.995])


# ---- gathering, building, taxes by hand ----


def test_moving_gathering_and_building_by_hand():
    batch = make(layout="SW.\n...", num_agents=2, starts="random", gather_skills="none", regrowth_probability=0.0)
    fields = batch.fields(0)
    fields["positions"][:] = [[1, 0], [1, 2]]
    fields["planes"][6, :2] = [0, 0b101]
    batch.load_fields(0, fields)
    assert step(batch, move("up"))["units"][0].tolist() == [1, 0]
    fields = step(batch, move("right"), move("right"))  # the second is at the edge
    assert fields["units"][0].tolist() == [1, 1]
    assert fields["labor"].tolist() == [4, 0]
    assert step(batch, BUILD)["num_trades"] == 0
    assert batch.fields(0)["coin"][0] == 0  # not on a source, be it empty
    step(batch, move("right"))
    fields = step(batch, BUILD)
    assert fields["coin"].tolist() == [fields["payments"][0], 0]
    assert fields["units"][0].tolist() == [0, 0]
    assert fields["owners"].tolist() == [[0, 0, 1], [0, 0, 0]]
    assert fields["labor"][0] == 4 + 1 + 10
    step(batch, move("left"))
    assert step(batch, NOTHING, move("up"))["positions"].tolist() == [[0, 1], [1, 2]]  # somebody else's house
    assert step(batch, move("right"))["positions"][0].tolist() == [0, 2]  # its own


def test_a_tax_day_by_hand():
    batch = make(
        **{"layout": MEADOW, "num_agents": 2, "starts": "random", "build_skills": "none", "gather_skills": "none"},
        **{"payment": 10.0, "tax_period": 2, "tax_model": "fixed", "bracket_rates": (0.5, 0.1)},
        **{"bracket_spacing": "custom", "bracket_cutoffs": (0, 5)},
    )
    fields = batch.fields(0)
    fields["units"][0] = 1
    batch.load_fields(0, fields)
    assert step(batch, BUILD)["coin"].tolist() == [10, 0]
    # 2.5 on the first 5 coin, 0.5 on the rest; but 8 of the 10 are in a bid, which leaves 2 to pay. Each gets 1 back.
    fields = step(batch, bid("wood", 8))
    assert fields["coin"].tolist() == [1, 1]
    assert fields["escrow_coin"].tolist() == [8, 0]
    assert fields["last_incomes"].tolist() == [10, 0]
    assert fields["last_taxes"].tolist() == [2, 0]
    assert fields["last_coin"].tolist() == [9, 1]
    assert batch.groups["workers"].infos["tax"][0].tolist() == [2, 0]
    assert batch.groups["planner"].infos["tax_day"][0, 0] == 1


def test_the_planner_speaks_on_the_first_day_of_a_period_only_and_starts_anew_in_each_episode():
    batch = make(layout=MEADOW, num_agents=2, starts="random", tax_period=3, horizon=6)
    planner = batch.groups["planner"]
    for day in (1, 2, 3, 1):
        assert planner.action_masks[0, 0].reshape(7, 22).sum(axis=1).tolist() == [22 if day == 1 else 1] * 7
        before = batch.fields(0)["tax_rates"]
        fields = step(batch, planner=[[[day + 3] * 7]])
        assert fields["tax_rates"].tolist() == pytest.approx([0.05 * 3] * 7 if day == 1 else before)
    batch.reset()
    assert batch.fields(0)["tax_rates"].tolist() == [0] * 7


def test_wealth_can_be_shared_in_every_step():
    batch = make(layout=ISLAND, num_agents=5, starts="random", shares_wealth=True, starting_coin=7.0)
    for _, after in play_randomly(batch, 200):
        coin = after["coin"] + after["escrow_coin"]
        assert coin == pytest.approx([coin.mean()] * 5)
    assert after["coin"].sum() > 36


def test_who_has_less_than_nothing_can_bid_nothing():
    """As it may have, by rounding, where wealth is shared."""
    batch = make(layout=MEADOW, num_agents=2, starts="random", shares_wealth=True)
    fields = batch.fields(0)
    fields["coin"][:] = -3.5, 2.0
    batch.load_fields(0, fields)
    bids = batch.groups["workers"].action_masks[0, :, bid("stone", 0) : bid("stone", 10) + 1]
    assert bids.sum(axis=1).tolist() == [0, 3]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_utilities_welfare_and_statistics_are_those_of_the_measures(objective):
    batch = make(layout=ISLAND, num_agents=4, objective=objective, equality_weight=0.7, labor_weight=0.3, horizon=150)
    returns = np.zeros(5)
    start = batch.fields(0)
    for _ in play_randomly(batch, 150):
        returns += np.concatenate([group.rewards[0] for group in batch.groups.values()])
    fields = batch.fields(0)
    coin = fields["coin"] + fields["escrow_coin"]
    utilities = isoelastic(coin, 0.23) - 0.3 * 0.21 * fields["labor"]
    assert fields["utilities"] == pytest.approx(utilities, abs=1e-9)
    assert start["utilities"] == pytest.approx([-1 / 0.77] * 4)
    expected = welfare(objective, coin, coin, utilities, 0.7)
    assert fields["welfare"] == pytest.approx(expected, abs=1e-9)
    assert returns == pytest.approx([*(utilities + 1 / 0.77), expected - start["welfare"]], abs=1e-3)
    statistics = {name: values[0] for name, values in batch.episode_statistics.items()}
    assert statistics["productivity"] == pytest.approx(coin.sum())
    assert statistics["equality"] == pytest.approx(equality(coin))
    assert statistics["equality_productivity"] == pytest.approx(equality(coin) * coin.sum())
    assert statistics["houses"] == (fields["owners"] > 0).sum()
    assert statistics["mean_labor"] == pytest.approx(fields["labor"].mean())


def test_logarithmic_utility_and_a_warm_up_of_the_labor_cost():
    batch = make_market(isoelastic_eta=1.0)
    assert batch.fields(0)["utilities"] == pytest.approx(np.log([20, 20]))
    batch = make(layout=ISLAND, num_agents=2, labor_weight=0.0)
    for _ in play_randomly(batch, 30):
        pass
    assert batch.fields(0)["utilities"] == pytest.approx(isoelastic(batch.fields(0)["coin"] * 1, 0.23), abs=5)
    batch.configure(labor_weight=1.0)
    fields = step(batch)
    coin = fields["coin"] + fields["escrow_coin"]
    assert fields["utilities"] == pytest.approx(isoelastic(coin, 0.23) - 0.21 * fields["labor"])


# ---- the reference's statistics, with our own chance ----

NAMES = (
    *("productivity", "equality", "trades", "houses", "mean_labor"),
    *("mean_price", "gathered", "taxes", "mean_utility"),
)
# Mean and standard error of ai-economist 1.7.1 under random legal actions, measured; 30, 20 and 10 episodes.
MEASURED = [
    (
        {"num_agents": 4},
        [
            *((425.9, 27.8), (0.733, 0.017), (328.5, 9.3), (28.4, 1.9), (691.9, 4.0)),
            *((5.23, 0.10), (77.5, 3.8), (254.0, 16.2), (-100.6, 1.7)),
        ],
    ),
    (
        {"num_agents": 4, "tax_model": "free_market"},
        [
            *((420.1, 35.3), (0.460, 0.032), (293.5, 15.2), (28.0, 2.2), (701.7, 3.9)),
            *((5.45, 0.10), (78.6, 4.9), (0, 0), (-105.5, 2.4)),
        ],
    ),
    (
        {"num_agents": 10},
        [
            *((1012.7, 66.4), (0.713, 0.022), (834.7, 22.6), (66.1, 4.1), (674.6, 3.0)),
            *((5.38, 0.11), (170.9, 12.8), (626.3, 43.6), (-98.6, 1.8)),
        ],
    ),
]


@pytest.mark.parametrize(("settings", "measured"), MEASURED, ids=["planner", "no taxes", "ten workers"])
def test_random_play_has_the_statistics_of_the_reference(settings, measured):
    """Within 3 standard errors of the difference of two means."""
    batch, generator = make(50, seed=1, **settings), np.random.default_rng(0)
    for _ in range(1000):
        batch.step({name: random_actions(group, generator) for name, group in batch.groups.items()})
    statistics = batch.episode_statistics
    for name, (mean, error) in zip(NAMES, measured, strict=True):
        ours = statistics[name]
        allowed = 3 * np.hypot(error, ours.std(ddof=1) / np.sqrt(len(ours)))
        assert abs(ours.mean() - mean) <= allowed, f"{name}: {ours.mean():.4g} against {mean} +- {error}"
