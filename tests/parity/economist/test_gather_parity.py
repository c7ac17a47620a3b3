"""Gather-trade-build in lock-step with ai-economist 1.7.1: the same chance, the same actions, the same everything."""

import itertools

import pytest
from gather_lockstep import EVERYTHING, Job, assert_same_episode, play_ours, play_theirs

from econ.gather_trade_build import numpy_stream

US = {"tax_model": "us-federal-single-filer-2018-scaled"}
CLOSED = "closed_quadrant_25x25_20each_30clump"
LARGE = "quadrant_40x40_50each"
SEE = ({"sees_all": True, "planner_sees_map": True}, {"full_observability": True, "planner_gets_spatial_info": True})
JOBS = [
    Job("planner", 1, golden=(350.210901, 0.863177, 22, 321)),
    Job("random starts", 2, {"starts": "random"}, golden=(290.818378, 0.766281, 24, 246)),
    Job("US federal", 3, {"tax_model": "us_federal"}, tax=US, golden=(306.290219, 0.550077, 23, 243)),
    Job(
        "no taxes", 5, {"tax_model": "free_market"}, tax={"disable_taxes": True}, golden=(357.642424, 0.786319, 23, 369)
    ),
    Job(
        "closed quadrant",
        8,
        {"layout": CLOSED},
        {"env_layout_file": CLOSED + ".txt"},
        golden=(491.580107, 0.822864, 33, 404),
    ),
    Job(
        "ten workers who see all",
        11,
        {"num_agents": 10, "layout": LARGE, **SEE[0]},
        {"env_layout_file": LARGE + ".txt", "world_size": [40, 40], **SEE[1]},
        steps=250,
    ),
    Job(
        "ten workers, random starts",
        12,
        {"num_agents": 10, "starts": "random", "view": 3, "planner_sees_map": True},
        {"mobile_agent_observation_range": 3, "planner_gets_spatial_info": True},
        steps=400,
    ),
    Job(
        "annealing over episodes",
        13,
        {"tax_annealing": (-2, 0.25), "rate_max": 0.8, "objective": "inverse_income_utility", "starting_coin": 5.0},
        {"planner_reward_type": "inv_income_weighted_utility", "starting_agent_coin": 5.0},
        {"tax_annealing_schedule": [-2, 0.25], "rate_max": 0.8},
        episodes=3,
        steps=250,
    ),
    Job(
        "fixed rates on few brackets",
        14,
        {
            **{"tax_model": "fixed", "bracket_rates": [0.1, 0.5, 0.2], "bracket_spacing": "log", "num_brackets": 3},
            **{"layout": "env_pure_and_mixed_15x15", "starts": "random", "objective": "inverse_income_coin"},
            "isoelastic_eta": 0.5,
        },
        {
            **{"env_layout_file": "env-pure_and_mixed-15x15.txt", "world_size": [15, 15], "isoelastic_eta": 0.5},
            "planner_reward_type": "inv_income_weighted_coin_endowments",
        },
        {
            **{"tax_model": "fixed-bracket-rates", "fixed_bracket_rates": [0.1, 0.5, 0.2]},
            **{"bracket_spacing": "log", "n_brackets": 3},
        },
        steps=500,
    ),
    Job(
        "split layout",
        16,
        {"starts": "split", "split_top_ranks": (0, 2), "gather_skills": "lognormal"},
        {"scenario_name": "split_layout/simple_wood_and_stone", "skill_rank_of_top_agents": [0, 2]},
        episodes=2,
        steps=150,
    ),
    Job(
        "lognormal skills",
        17,
        {"starts": "random", "num_agents": 5, "build_skills": "lognormal", "gather_skills": "lognormal"},
        episodes=2,
        steps=150,
    ),
    Job(
        "Saez, estimated elasticity",
        18,
        {"num_agents": 10, "tax_model": "planner_rates", "tax_period": 10, "rate_min": 0.05, "rate_max": 0.9},
        tax={"tax_model": "saez", "rate_min": 0.05, "rate_max": 0.9},
        saez={},
        episodes=3,
        steps=250,
    ),
    Job(
        "Saez, fixed elasticity",
        19,
        {"tax_model": "planner_rates", "tax_period": 5, "starts": "random"},
        tax={"tax_model": "saez", "saez_fixed_elas": 0.8, "pareto_weight_type": "uniform"},
        saez={"elasticity": 0.8, "weights": "uniform"},
        episodes=3,
        steps=250,
    ),
    Job("shared wealth", 15, {"shares_wealth": True, "num_agents": 9}, steps=300),
]


@pytest.fixture(scope="module")
def played(peer_python, tmp_path_factory):
    """Returns (job, our episodes, theirs) of every job."""
    traces = play_theirs(peer_python("economist"), tmp_path_factory.mktemp("gather"), JOBS)
    return [(job, list(play_ours(job, theirs)), theirs) for job, theirs in zip(JOBS, traces, strict=True)]


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_observation_mask_outcome_and_draw_is_equal(played, name):
    for job, ours, theirs in played:
        for episode in zip(ours, theirs, strict=True):
            assert_same_episode(job, *episode, (name,))


def test_golden_rows(played):
    """Measured on the package before this world was written."""
    rows = [(job, ours[0]["statistics"]) for job, ours, _ in played if job.golden]
    assert len(rows) == 5
    for job, statistics in rows:
        found = [statistics[name] for name in ("productivity", "equality", "houses", "trades")]
        assert found == pytest.approx(job.golden, abs=1e-6), job.name


def test_the_stream_of_a_seed_is_numpys(played):
    for job, _, theirs in played:
        assert numpy_stream(job.seed).tolist() == theirs[0]["streams"].tolist()


def test_the_package_shows_saez_rates_of_the_episode_before(played):
    """The one thing that is not equal: before an episode's first step we show what is in force, a running average."""
    for job, ours, theirs in played:
        if job.saez is not None:
            rates = slice(-7 * job.ours.get("num_agents", 4) - 14, -7 * job.ours.get("num_agents", 4) - 7)
            for before, after in itertools.pairwise(theirs):
                assert after["planner"][0, rates].tolist() == before["planner"][-1, rates].tolist()
            for before, after in itertools.pairwise(ours):
                assert after["planner"][0, rates] == pytest.approx(before["average_rates"])


def test_the_comparison_saw_rates_by_chance_and_rates_by_the_formula(played):
    averages = [[episode["average_rates"] for episode in ours] for job, ours, _ in played if job.saez is not None]
    assert len(averages) == 2
    for first, *_, last in averages:
        assert (first == 0).all()  # none counted yet
        assert last.max() > 0
