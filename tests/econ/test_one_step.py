"""The one-step economy: hand-worked periods, published optima, invariants, bad input."""

import numpy as np
import pytest

import econ  # noqa: F401 - registers its worlds
import games
from agents.rational_worker import RationalWorker, SchedulePlanner, best_hours
from agents.saez_planner import SaezPlanner
from econ.one_step import mean_skills
from econ.taxation import SaezTax, TaxError, flat, free_market, us_federal
from econ.welfare import OBJECTIVES, isoelastic, welfare
from games.names import UnknownNameError
from games.playthrough import random_actions

SMALL = {
    **{"num_workers": 2, "skills": (1.0, 3.0), "labor_cost": 0.01, "labor_exponent": 2.0},
    **{"bracket_spacing": "custom", "bracket_cutoffs": (0, 50)},
}


def make(id="econ/one_step_v0", num_envs=1, **settings):
    batch = games.make_batch(id, num_envs, autoreset="disabled", **settings)
    batch.reset()
    return batch


def step(batch, hours, planner=None):
    workers = np.tile(np.array(hours, np.int32), (batch.num_envs, 1))
    given = np.zeros_like(batch.groups["planner"].actions)
    if planner is not None:
        given[:] = planner
    batch.step({"workers": workers, "planner": given})


def play(batch, workers, planner):
    """Steps once with players."""
    names = batch.groups["workers"].agents
    hours = np.stack([workers.act(batch, name) for name in names], axis=1)
    batch.step({"workers": hours, "planner": planner.act(batch, "planner_0")[:, None]})


# ---- rules ----


def test_a_hand_worked_period():
    batch = make(**SMALL)
    step(batch, [0, 0], [[[11, 3]]])  # levels 10 and 2: half of the first 50 coin, a tenth of what is above
    assert batch.fields(0)["tax_rates"].tolist() == [0.5, 0.1]
    step(batch, [40, 60])
    # Incomes 40 and 180: taxes 20 and 25 + 13 = 38, so 29 for each. Coin 49 and 171, labor 0.01 h^2 = 16 and 36.
    fields = batch.fields(0)
    assert fields["coin"].tolist() == pytest.approx([49, 171])
    assert fields["utilities"].tolist() == pytest.approx([33, 135])
    assert fields["last_taxes"].tolist() == pytest.approx([20, 38])
    assert fields["last_marginal_rates"].tolist() == [0.5, 0.1]
    workers = batch.groups["workers"]
    assert workers.rewards[0] == pytest.approx([33, 135])
    assert workers.infos["tax"][0] == pytest.approx([20, 38])
    weights = np.array([1 / 40, 1 / 180])
    assert batch.groups["planner"].rewards[0, 0] == pytest.approx((weights * [33, 135]).sum() / weights.sum())
    assert workers.terminations.all()


def test_nobody_works_on_the_planners_step_and_the_planner_is_silent_on_theirs():
    batch = make(**SMALL)
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    assert workers.action_masks[0].sum(axis=1).tolist() == [1, 1]
    assert planner.action_masks[0, 0].sum() == 2 * 22
    step(batch, [40, 60], [[[11, 3]]])  # illegal work
    assert batch.fields(0)["coin"].tolist() == [0, 0]
    assert workers.action_masks[0].sum(axis=1).tolist() == [101, 101]
    assert planner.action_masks[0, 0].sum() == 2
    step(batch, [10, 0], [[[1, 1]]])  # an illegal change of rates
    assert batch.fields(0)["last_taxes"].tolist() == [5, 0]


def test_observations_say_what_the_header_says():
    batch = make(**SMALL)
    step(batch, [0, 0], [[[11, 3]]])
    workers, planner = batch.groups["workers"].observations[0], batch.groups["planner"].observations[0, 0]
    assert workers[1].tolist() == pytest.approx([0.5, 0.1, 0, 1, 0, 0, 0.5, 1, 1, 0.5])
    step(batch, [40, 60])
    workers, planner = batch.groups["workers"].observations[0], batch.groups["planner"].observations[0, 0]
    assert workers[0].tolist() == pytest.approx([0.5, 0.1, 1, 0, 20, 90, 0.5, 0.5, 1 / 3, 1])
    # Coin 49 and 171: gaps 2 * 122 over 2 * 2 * 220, doubled.
    expected = [0.5, 0.1, 1, 0, 20, 90, 0.5, 1, 1 - 122 / 220, 0.11, 0.5, 20, 0.5, 0.5, 90, 0.1]
    assert planner.tolist() == pytest.approx(expected)


def test_a_limit_on_rates_grows_with_the_episodes():
    batch = make(**SMALL, tax_annealing=(-1, 0.25))
    allowed = []
    for _ in range(5):
        allowed.append(int(batch.groups["planner"].action_masks[0, 0, 1:22].sum()))
        step(batch, [0, 0], [[[21, 21]]])
        assert batch.fields(0)["tax_rates"].max() <= batch.fields(0)["rate_limit"]
        step(batch, [0, 0])
        batch.reset()
    assert allowed == [6, 11, 16, 21, 21]  # up to 0.25, 0.5, 0.75, 1


def test_rates_as_numbers_and_rates_left_to_chance():
    batch = make(num_envs=500, **SMALL, tax_model="planner_rates", rate_min=0.2, rate_max=0.6)
    step(batch, [0, 0], [[[0.5, -1.0]]])
    rates = np.array([batch.fields(env)["tax_rates"] for env in range(500)])
    assert (rates[:, 0] == 0.5).all()
    assert rates[:, 1].min() >= 0.2
    assert rates[:, 1].max() <= 0.6
    # Uniform on [0.2, 0.6]: standard error 0.4 / sqrt(12 * 500) = 0.005.
    assert rates[:, 1].mean() == pytest.approx(0.4, abs=0.02)
    batch.reset()
    step(batch, [0, 0], [[[0.0, 1.0]]])
    assert batch.fields(0)["tax_rates"].tolist() == [0.2, 0.6]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_welfare_and_statistics_are_those_of_the_measures(objective):
    batch = make(num_workers=35, objective=objective, equality_weight=0.7, utility="isoelastic", labor_cost=0.1)
    generator, total = np.random.default_rng(1), 0.0
    start = batch.fields(0)["welfare"]
    for _ in range(2):
        batch.step({name: random_actions(group, generator) for name, group in batch.groups.items()})
        total += batch.groups["planner"].rewards[0, 0]
    fields = batch.fields(0)
    assert fields["utilities"] == pytest.approx(isoelastic(fields["coin"], 0.23) - 0.1 * fields["labor"], abs=1e-10)
    expected = welfare(objective, fields["coin"], fields["production"], fields["utilities"], 0.7)
    assert fields["welfare"] == pytest.approx(expected, abs=1e-9)
    assert start + total == pytest.approx(expected, rel=1e-5)
    statistics = batch.episode_statistics
    assert statistics["productivity"][0] == pytest.approx(fields["coin"].sum())
    assert statistics["mean_hours"][0] == fields["labor"].mean()


def test_taxes_move_coin_and_make_none():
    batch = make(num_envs=50, num_workers=20, horizon=12, tax_period=3)
    generator = np.random.default_rng(2)
    for _ in range(12):
        batch.step({name: random_actions(group, generator) for name, group in batch.groups.items()})
        for env in range(50):
            fields = batch.fields(env)
            assert fields["coin"].sum() == pytest.approx(fields["production"].sum(), rel=1e-12)
            assert (fields["coin"] >= 0).all()


# ---- optima ----


# Measured: ai-economist's metrics where every worker is at its exact optimum. A: elasticity 0.4; B: 1.
TABLE = [
    ("econ/one_step_v0", "free_market", (10413.6, 0.7368, 76.730, 61.071)),
    ("econ/one_step_v0", "us_federal", (9237.1, 0.8098, 74.806, 64.062)),
    ("econ/one_step_v0", "flat", (9019.7, 0.8161, 73.612, 64.135)),
    ("econ/one_step_elastic_v0", "free_market", (11176.5, 0.6519, 72.865, 40.015)),
    ("econ/one_step_elastic_v0", "us_federal", (8661.4, 0.7476, 64.752, 44.484)),
]


@pytest.mark.parametrize(("id", "model", "expected"), TABLE)
def test_rational_workers_reach_the_published_outcomes(id, model, expected):
    batch = make(id, tax_model=model)
    planner = SchedulePlanner(free_market())
    planner.act = lambda batch, agent: np.zeros(1, np.int32)
    for _ in range(2):
        play(batch, RationalWorker(), planner)
    statistics = batch.episode_statistics
    found = [
        statistics[name][0] for name in ("productivity", "equality", "equality_productivity", "inverse_income_utility")
    ]
    assert found == pytest.approx(expected, rel=1e-4)


def test_hours_follow_the_closed_form():
    """Without brackets h = (s (1 - tau) / (c d))^(1 / (d - 1)); whole hours are within 1 of it."""
    config = games.spec("econ/one_step_v0").config()
    for rate in (0.0, 0.3, 0.6):
        exact = (config.worker_skills * (1 - rate) / (1.4e-5 * 3.5)) ** (1 / 2.5)
        assert np.abs(best_hours(config, flat(rate)) - np.minimum(exact, 100)).max() <= 1


def test_a_planner_with_levels_gets_what_it_names():
    batch = make(rate_step=0.01)
    play(batch, RationalWorker(), SchedulePlanner(us_federal()))
    assert batch.fields(0)["tax_rates"] == pytest.approx(us_federal().rates)


def test_rational_workers_beat_random_ones():
    batch = make(num_envs=8, tax_model="us_federal")
    generator = np.random.default_rng(3)
    for _ in range(2):
        batch.step({name: random_actions(group, generator) for name, group in batch.groups.items()})
    by_chance = batch.episode_statistics["mean_utility"].mean()
    batch.reset()
    idle = SchedulePlanner(us_federal())
    idle.act = lambda batch, agent: np.zeros(batch.num_envs, np.int32)
    for _ in range(2):
        play(batch, RationalWorker(), idle)
    assert batch.episode_statistics["mean_utility"].mean() > by_chance + 10


@pytest.mark.parametrize("compat", [True, False])
def test_saez_planner_with_the_true_elasticity_reaches_the_published_welfare(compat):
    """A damped fixed point of the package's formula has 64.747, the best schedule known 65.335."""
    batch = games.make_batch("econ/one_step_v0", 4, tax_model="planner_rates")
    batch.reset()
    worker = RationalWorker()
    planner = SaezPlanner(SaezTax(batch.config.cutoffs, elasticity=0.4, capacity=20_000, compat=compat))
    for _ in range(200):
        play(batch, worker, planner)
    assert 64.7 < batch.episode_statistics["welfare"][-80:].mean() < 65.335


# ---- skills and bad input ----


def test_skills_of_the_reference():
    """Measured on ai-economist 1.7.1: four workers, seed 0; a hundred workers."""
    assert mean_skills(4, 0) == pytest.approx([1.128, 1.321, 1.650, 2.256], abs=5e-4)
    many = mean_skills(100, 0)
    assert [many.min(), np.median(many), many.max()] == pytest.approx([1.005, 1.382, 3.0], abs=5e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tax_model": "fixed"}, "bracket_rates belong to tax_model fixed: give both or neither"),
        ({"bracket_rates": (0.1,)}, "bracket_rates belong to tax_model fixed"),
        (
            {"tax_model": "fixed", "bracket_rates": (0.1,) * 6},
            "bracket_rates must be 7 numbers, one for each bracket, got 6",
        ),
        (
            {"tax_model": "fixed", "bracket_rates": (0.1,) * 6 + (1.2,)},
            r"bracket_rates\[6\] must be in \[0, 1\], got 1.2",
        ),
        (
            {"tax_model": "fixed", "bracket_rates": (0.1,) * 6 + (np.nan,)},
            r"bracket_rates\[6\] must be a number, got nan",
        ),
        ({"bracket_spacing": "custom", "bracket_cutoffs": (0, 5, 4)}, r"bracket_cutoffs\[2\] = 4 after 5"),
        ({"bracket_cutoffs": (0, 5)}, "bracket_cutoffs belong to bracket_spacing custom"),
        (
            {"tax_model": "us_federal", "bracket_spacing": "log"},
            "us_federal needs bracket_spacing us_federal, got 'log'",
        ),
        ({"rate_min": 0.5, "rate_max": 0.4}, "rate_min must be at most rate_max, got 0.5 and 0.4"),
        ({"tax_annealing": (1,)}, r"tax_annealing must be \(start, slope\) or None, got \(1,\)"),
        ({"num_workers": 129}, r"num_workers must be a whole number in \[1, 128\], got 129"),
        ({"num_workers": 2, "skills": (1.0,)}, "skills must be 2 numbers, one for each worker"),
        ({"num_workers": 2, "skills": (1.0, 4.0)}, r"skills\[1\] must be in \[0, max_skill = 3\], got 4.0"),
        ({"labor_cost": float("nan")}, "labor_cost must be a number in"),
    ],
)
def test_wrong_settings_are_refused_in_one_line_that_names_them(settings, message):
    with pytest.raises(ValueError, match=message) as refused:
        games.make_batch("econ/one_step_v0", **settings)
    assert "\n" not in str(refused.value)


def test_an_unknown_tax_model_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'us_federal'"):
        games.make_batch("econ/one_step_v0", tax_model="us_federl")


def test_players_refuse_worlds_of_other_brackets():
    batch = make(**SMALL)
    with pytest.raises(ValueError, match="the schedule has other brackets"):
        SchedulePlanner(us_federal()).act(batch, "planner_0")
    with pytest.raises(ValueError, match="needs tax_model='planner_rates', got 'planner'"):
        SaezPlanner(SaezTax((0, 50))).act(batch, "planner_0")
    with pytest.raises(TaxError, match="cutoffs must increase"):
        SaezTax((0, 50, 50))
