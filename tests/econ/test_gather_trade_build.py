"""Gather-trade-build: hand-worked markets and tax days, invariants, layouts, the reference's statistics, bad input.

Side by side with ai-economist it is tested in tests/parity/economist."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

import econ  # noqa: F401 - registers its worlds
import games
from econ.gather_trade_build import LayoutError, RandomMaps, layout_names, ranked_payments, read_layout
from econ.gather_trade_build.actions import (
    BUILD,
    DIRECTIONS,
    NOTHING,
    RESOURCES,
    action_name,
    ask,
    bid,
    move,
    num_actions,
    read_planes,
)
from econ.gather_trade_build.layouts import LETTERS, corner_tiles
from econ.welfare import OBJECTIVES, equality, isoelastic, welfare
from games.names import UnknownNameError
from games.playthrough import random_actions

ID = "econ/gather_trade_build_v0"
MEADOW = "...\n...\n..."
ISLAND = "WW..~.W.W\n.S..~..W.\nSS.......\n~~.~~~~.~\n.S..~....\nS...~...."


def make(num_envs=1, **settings):
    batch = games.make_batch(ID, num_envs, autoreset="disabled", **settings)
    batch.reset()
    return batch


def make_market(num_agents=2, **settings):
    """Workers on an empty map with 20 coin and 5 units of each resource, whom labor costs nothing."""
    batch = make(
        layout=MEADOW, num_agents=num_agents, starting_coin=20.0, tax_model="free_market", labor_cost=0.0, **settings
    )
    fields = batch.fields(0)
    fields["units"][:] = 5
    batch.load_fields(0, fields)
    return batch


def step(batch, *workers, planner=None):
    """Steps all envs with the same actions; workers without one do nothing."""
    actions = np.zeros(batch.groups["workers"].actions.shape, np.int32)
    actions[:, : len(workers)] = workers
    given = np.zeros_like(batch.groups["planner"].actions)
    if planner is not None:
        given[:] = planner
    batch.step({"workers": actions, "planner": given})
    return batch.fields(0)


def play_randomly(batch, steps, seed=0, legal=True):
    """Yields the fields of env 0 before and after each step of random actions."""
    generator = np.random.default_rng(seed)
    before = batch.fields(0)
    for _ in range(steps):
        batch.step({name: random_actions(group, generator) for name, group in batch.groups.items()})
        after = batch.fields(0)
        yield before, after
        before = after


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


# ---- invariants ----

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


def total(fields):
    return (fields["coin"] + fields["escrow_coin"]).sum()


def units(fields):
    return fields["units"] + fields["escrow_units"]


def new_owners(before, after):
    return after["owners"][(before["owners"] == 0) & (after["owners"] > 0)].astype(int) - 1


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


# ---- layouts and skills ----

# Sources of stone, of wood, and water, counted in the package's files.
CONTENTS = {
    "quadrant_25x25_20each_30clump": (25, 25, 20, 20, 33),
    "closed_quadrant_25x25_20each_30clump": (25, 25, 20, 20, 49),
    "quadrant_25x25_20each_30clump_no_water": (25, 25, 20, 20, 0),
    "uniform_25x25_25each_65clump": (25, 25, 24, 27, 0),
    "quadrant_40x40_50each": (40, 40, 51, 49, 108),
    "quadrant_40x40_50each_no_water": (40, 40, 51, 49, 0),
    "env_pure_and_mixed_15x15": (15, 15, 12, 23, 21),
    "env_pure_and_mixed_25x25": (25, 25, 45, 43, 37),
    "env_pure_and_mixed_40x40": (40, 40, 36, 27, 0),
    "top_wood_bottom_stone_14x14": (14, 14, 9, 9, 0),
    "quadrant_8x8_4each_8clump": (9, 9, 9, 13, 15),
}


def test_shipped_layouts_have_the_contents_of_the_packages():
    assert sorted(CONTENTS) == layout_names()
    for name, expected in CONTENTS.items():
        tiles = read_layout(name)
        assert (*tiles.shape, *((tiles == LETTERS.index(letter)).sum() for letter in "SW~")) == expected, name


def test_payments_of_the_ranks():
    """Measured on ai-economist 1.7.1."""
    assert ranked_payments(4) == pytest.approx([11.3316, 13.2671, 16.4724, 22.2496], abs=5e-5)
    ten = [10.5121, 11.0983, 11.7795, 12.5863, 13.5678, 14.8045, 16.4421, 18.7679, 22.1584, 26.5725]
    assert ranked_payments(10) == pytest.approx(ten, abs=5e-5)


def test_the_worst_paid_start_top_right_and_the_best_bottom_right():
    assert [divmod(tile, 25) for tile in corner_tiles(4, 25, 25)] == [(0, 24), (24, 0), (0, 0), (24, 24)]
    places = [divmod(int(tile), 25) for tile in corner_tiles(20, 25, 25)]
    assert places[:5] == [(0, 24), (0, 23), (0, 22), (0, 21), (1, 24)]
    assert len(set(places)) == 20
    batch = make(20)
    best = []
    for env in range(20):
        fields = batch.fields(env)
        best.append(int(fields["payments"].argmax()))
        assert fields["positions"][best[-1]].tolist() == [24, 24]
    assert set(best) == {0, 1, 2, 3}  # ranks are dealt out anew


def test_a_hundred_workers_live_on_a_map_of_their_own():
    land = "\n".join(["." * 30, ".S" * 15, "W." * 15] * 10)
    batch = make(2, layout=land, num_agents=100, view=2)
    for before, after in play_randomly(batch, 60):
        assert total(after) == pytest.approx(total(before) + after["payments"][new_owners(before, after)].sum())
    assert after["num_gathered"] > 100


def test_a_split_map_keeps_the_best_paid_above_the_water():
    batch = make(20, starts="split", split_top_ranks=(0, 1), num_agents=5)
    for env in range(20):
        fields = batch.fields(env)
        is_top = fields["positions"][:, 0] < 12
        assert sorted(fields["payments"][is_top], reverse=True) == pytest.approx(ranked_payments(5)[:2:-1])
        assert sorted(fields["payments"]) == pytest.approx(ranked_payments(5))
        assert read_planes(fields)["water"][12].all()


def test_every_episode_is_on_one_of_several_maps():
    batch = make(60, layout=["S..\n...", "...\n..S", "..W\n~~~"], num_agents=2, starts="random")
    seen = {read_planes(batch.fields(env))["stone_sources"].tobytes() for env in range(60)}
    assert len(seen) == 3
    fields = batch.fields(0)
    assert fields["owners"].shape == (2, 3)


@pytest.mark.parametrize("kind", ["uniform", "quadrant", "multi_zone"])
def test_random_maps_cover_what_they_should(kind):
    """The generator keeps maps within a factor of 1.4 of the coverage; the cross of water clears a few sources."""
    maps = RandomMaps(kind, count=30, wood_coverage=0.04, stone_coverage=0.06).draw_all()
    for letter, coverage in (("W", 0.04), ("S", 0.06)):
        shares = (maps == LETTERS.index(letter)).mean(axis=(1, 2))
        assert shares.max() <= 1.4 * coverage + 1e-9
        assert shares.mean() >= coverage * (0.9 if kind == "quadrant" else 1)
    assert len({tiles.tobytes() for tiles in maps}) == 30
    batch = make(8, layout=RandomMaps(kind, count=3), num_agents=4, starts="random")
    assert batch.config.maps.shape == (3, 25, 25)


def test_random_maps_have_their_sources_where_their_kind_says():
    uniform, quadrant = (RandomMaps(kind, count=40, seed=1).draw_all() for kind in ("uniform", "quadrant"))
    rows, columns = np.indices((25, 25))
    for maps, letter, places, sign in (
        *((uniform, "W", rows, 1), (uniform, "S", rows, -1)),
        *((quadrant, "W", rows, -1), (quadrant, "S", columns, -1)),
    ):
        where = maps == LETTERS.index(letter)
        assert sign * ((places * where).sum() / where.sum() - 12) > 3
    assert (quadrant[:, 12] == LETTERS.index("~")).mean() == pytest.approx(17 / 25)


def test_wrong_random_maps_are_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'quadrant'"):
        RandomMaps("quadrent")
    with pytest.raises(ValueError, match=r"RandomMaps: height must be in \[8, 64\], got 65"):
        RandomMaps(height=65)
    with pytest.raises(UnknownNameError, match="did you mean 'random_quadrant'"):
        games.make_batch(ID, layout="randm_quadrant")


# ---- names and bad input ----


def test_actions_have_names_and_numbers_of_their_own():
    names = [action_name(action) for action in range(num_actions())]
    assert len(set(names)) == num_actions() == 50
    for resource in RESOURCES:
        for price in range(11):
            assert names[bid(resource, price)] == f"bid {price} for {resource}"
            assert names[ask(resource, price)] == f"ask {price} for {resource}"
    assert names[46:] == list(DIRECTIONS)
    assert [names.index(name) for name in ("nothing", "build", "left")] == [NOTHING, BUILD, move("left")]
    with pytest.raises(ValueError, match=r"a price must be in \[0, 3\], got 4"):
        bid("stone", 4, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layout": "S.x\n..."}, "layout: row 1, column 3: unknown letter 'x'; known: .SW~"),
        ({"layout": "S..\n.."}, "layout: row 2 has 2 columns, row 1 has 3"),
        ({"layout": "S~\n~~", "num_agents": 2}, "2 workers need as many tiles without water, there are 1"),
        ({"layout": ("." * 65 + "\n") * 2}, "a layout has 1 to 64 rows and columns, got 2 rows of 65"),
        (
            {"layout": "~..\n...\n...", "num_agents": 4},
            "layout: row 1, column 1 is water, where the worker of rank 2 starts",
        ),
        ({"layout": "..\n..\n..", "num_agents": 6}, "layout: the corners of 3 rows and 2 columns have no room for 6"),
        ({"layout": ["..\n..", "...\n..."], "num_agents": 2}, r"layout: map 2 is of \(2, 3\), map 1 of \(2, 2\)"),
        ({"layout": 3}, "layout must be a name, a text, a sequence of them or a RandomMaps, got 3"),
        ({"layout": "...\n...", "starts": "split", "num_agents": 2}, "split_row must leave rows on both sides of 2"),
        ({"starts": "split", "split_top_ranks": (0, 4)}, "split_top_ranks must be some of the ranks 0 to 3, not all"),
        (
            {"starts": "split", "split_row": 1, "layout": "~~~\n...\n...", "num_agents": 2},
            "leaves no room for 1 ",
        ),
        ({"num_agents": 101}, r"num_agents must be a whole number in \[2, 100\], got 101"),
        ({"num_agents": 100, "max_bid_ask": 20}, "100 workers and 21 prices are more than 1100 together"),
        ({"num_agents": 100, "max_orders": 6}, "100 workers with 6 orders each are more than 512 together"),
        ({"regrowth_probability": 1.5}, r"regrowth_probability must be a number in \[0, 1\], got 1.5"),
        ({"starting_coin": float("nan")}, "starting_coin must be a number in"),
        ({"numpy_streams": np.zeros((1, 625), np.int32)}, "numpy_streams: a key must not be 0"),
        (
            {"numpy_streams": np.zeros((2, 624), np.int32)},
            r"numpy_streams must be \[K, 625\] int32, got int32 \[2, 624\]",
        ),
    ],
)
def test_wrong_settings_are_refused_in_one_line_that_names_them(settings, message):
    with pytest.raises(ValueError, match=message) as refused:
        games.make_batch(ID, **settings)
    assert "\n" not in str(refused.value)


def test_an_unknown_layout_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'quadrant_40x40_50each'"):
        games.make_batch(ID, layout="quadrant_40x40_50eachs")
    assert issubclass(LayoutError, ValueError)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("escrow_coin", lambda array: array.__setitem__(0, 3.0)),
        ("positions", lambda array: array.__setitem__(0, (200, 0))),
        ("planes", lambda array: array.__setitem__((0, 0), -1)),
        ("owners", lambda array: array.__setitem__((0, 0), 9)),
        ("coin", lambda array: array.__setitem__(0, np.nan)),
        ("orders", lambda array: array.__setitem__((0, 0, 0), (1, 2, 3, 0))),
        ("num_orders", lambda array: array.__setitem__((0, 0), 600)),
        ("open_orders", lambda array: array.__setitem__((0, 1), 1)),
    ],
)
def test_fields_that_no_play_leads_to_are_refused_by_name(name, change):
    batch = make()
    before, fields = batch.state_bytes(0), batch.fields(0)
    change(fields[name])
    with pytest.raises(ValueError, match=name):
        batch.load_fields(0, fields)
    assert batch.state_bytes(0) == before
