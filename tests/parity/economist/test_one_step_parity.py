"""The one-step economy side by side with ai-economist 1.7.1: the same skills, the same actions, the same results."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import econ  # noqa: F401 - registers its worlds
import games
from games.playthrough import random_actions

EPISODES = 15
STATISTICS = ("productivity", "equality", "inverse_income_utility")
ROUNDING = 1e-8  # coin and utility: powers are our own, and sums run in another order


@dataclass
class Job:
    """Our settings, and what the package calls them."""

    workers: int
    ours: dict
    scenario: dict = field(default_factory=dict)
    tax: dict = field(default_factory=dict)


PRODUCT = ({"objective": "equality_productivity"}, {"planner_reward_type": "coin_eq_times_productivity"})
ELASTIC = ({"labor_cost": 0.012, "labor_exponent": 2.0}, {"labor_cost": 0.012, "labor_exponent": 2.0})
RATES = [0.0, 0.3, 0.1, 0.5, 0.25]
JOBS = [
    Job(100, {"labor_cost": 1.4e-5}, {"labor_cost": 1.4e-5, "labor_exponent": 3.5}),
    Job(4, {**ELASTIC[0], **PRODUCT[0], "skill_seed": 3}, {**ELASTIC[1], **PRODUCT[1]}),
    Job(
        30,
        {**ELASTIC[0], "tax_model": "us_federal", "skill_seed": 1},
        ELASTIC[1],
        {"tax_model": "us-federal-single-filer-2018-scaled"},
    ),
    Job(
        10,
        {
            **{"utility": "isoelastic", "labor_cost": 0.1, "tax_model": "fixed", "bracket_rates": RATES},
            **{"bracket_spacing": "linear", "top_cutoff": 120.0, **PRODUCT[0], "equality_weight": 0.25},
        },
        {
            **{"agent_reward_type": "isoelastic_coin_minus_labor", "labor_cost": 0.1, **PRODUCT[1]},
            "mixing_weight_gini_vs_coin": 0.75,
        },
        {
            **{"tax_model": "fixed-bracket-rates", "fixed_bracket_rates": RATES},
            **{"bracket_spacing": "linear", "top_bracket_cutoff": 120.0, "n_brackets": 5},
        },
    ),
    Job(5, {**ELASTIC[0], "tax_model": "free_market"}, ELASTIC[1], {"disable_taxes": True}),
    Job(
        7,
        {**ELASTIC[0], "bracket_spacing": "log", "num_brackets": 4, "rate_max": 0.8, "tax_annealing": (-3, 0.1)},
        ELASTIC[1],
        {
            **{"bracket_spacing": "log", "n_brackets": 4, "top_bracket_cutoff": 100, "rate_max": 0.8},
            "tax_annealing_schedule": [-3, 0.1],
        },
    ),
]


def play_ours(job: Job, seed: int) -> tuple[dict, dict]:
    """Plays random legal actions and returns them with the trace."""
    batch = games.make_batch("econ/one_step_v0", autoreset="disabled", num_workers=job.workers, **job.ours)
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    generator, looks, outcomes, played = np.random.default_rng(seed), [], [], []

    def look() -> dict:
        return {
            "workers": workers.observations[0].copy(),
            "worker_masks": workers.action_masks[0].copy(),
            "planner": planner.observations[0, 0].copy(),
            "planner_mask": planner.action_masks[0, 0].copy(),
        }

    for _ in range(EPISODES):
        batch.reset()
        looks.append(look())
        utilities, welfare = batch.fields(0)["utilities"], batch.fields(0)["welfare"]
        for _ in range(2):
            actions = {name: random_actions(group, generator) for name, group in batch.groups.items()}
            played.append((actions["workers"][0], actions["planner"][0, 0:1].reshape(-1)))
            batch.step(actions)
            looks.append(look())
            fields = batch.fields(0)
            rows = {
                "worker_rewards": fields["utilities"] - utilities,
                "planner_reward": np.float64(fields["welfare"] - welfare),
                "coin": fields["coin"],
                "labor": fields["labor"].astype(float),
            }
            np.testing.assert_allclose(workers.rewards[0], rows["worker_rewards"], rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(planner.rewards[0, 0], rows["planner_reward"], rtol=1e-6, atol=1e-6)
            utilities, welfare = fields["utilities"], fields["welfare"]
            outcomes.append(rows)
    statistics = batch.episode_statistics
    trace = {key: np.stack([row[key] for row in part]) for part in (looks, outcomes) for key in part[0]}
    trace |= {name: statistics[name] for name in STATISTICS}
    actions = {"workers": np.stack([w for w, _ in played]), "planner": np.stack([p for _, p in played])}
    return trace, actions


@pytest.fixture(scope="module")
def played(peer_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_step")
    ours = [play_ours(job, seed) for seed, job in enumerate(JOBS)]
    listed = [
        {
            "workers": job.workers,
            "skill_seed": job.ours.get("skill_seed", 0),
            "scenario": job.scenario,
            "tax": job.tax,
        }
        for job in JOBS
    ]
    paths = [folder / name for name in ("jobs.json", "actions.npz", "traces.npz")]
    paths[0].write_text(json.dumps(listed), encoding="utf-8")
    np.savez(paths[1], **{f"{i}/{k}": v for i, (_, actions) in enumerate(ours) for k, v in actions.items()})
    script = Path(__file__).with_name("one_step_reference.py")
    command = [str(peer_python("economist")), "-W", "ignore", str(script), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(paths[2]) as found:
        theirs = [{k.split("/")[1]: found[k] for k in found.files if k.startswith(f"{i}/")} for i in range(len(JOBS))]
    return [(job, trace, peer) for job, (trace, _), peer in zip(JOBS, ours, theirs, strict=True)]


def test_masks_are_equal(played):
    """But for the workers' after the last step, where the package would let them work on and we begin a new period."""
    for job, ours, theirs in played:
        is_last = np.arange(len(ours["worker_masks"])) % 3 == 2
        masks = ours["worker_masks"][~is_last], theirs["worker_masks"][~is_last]
        np.testing.assert_array_equal(*masks, err_msg=str(job))
        np.testing.assert_array_equal(ours["planner_mask"], theirs["planner_mask"], err_msg=str(job))


def test_observations_are_equal_to_the_rounding_of_float32(played):
    for job, ours, theirs in played:
        for name in ("workers", "planner"):
            assert ours[name].shape == theirs[name].shape, job
            np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-7, atol=1e-9, err_msg=str(job))


def test_coin_labor_utilities_and_welfare_are_equal(played):
    for job, ours, theirs in played:
        for name in ("coin", "labor", "worker_rewards", "planner_reward"):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-10, atol=ROUNDING, err_msg=str(job))
        for name in STATISTICS:  # of whole episodes
            np.testing.assert_allclose(ours[name], theirs[name][1::2], rtol=1e-10, atol=ROUNDING, err_msg=str(job))


def test_the_comparison_saw_taxes_and_work(played):
    for job, ours, theirs in played:
        assert ours["labor"].max() > 90
        assert len(theirs["coin"]) == 2 * EPISODES
        assert theirs["planner"].max() > 1, job  # incomes
