"""Gather-trade-build in lock-step with ai-economist 1.7.1: the same chance, the same actions, the same everything."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import econ  # noqa: F401 - registers its worlds
import games
from econ.gather_trade_build import numpy_stream
from games.batch import Batch

ROUNDING = 1e-8  # utilities and welfare: powers are our own, and sums run in another order


@dataclass
class Job:
    """Our settings, and what the package calls them."""

    name: str
    seed: int
    ours: dict = field(default_factory=dict)
    world: dict = field(default_factory=dict)
    tax: dict = field(default_factory=dict)
    episodes: int = 1
    steps: int = 1000
    golden: tuple = ()  # productivity, equality, houses, trades at the end, measured on the package

    def listed(self) -> dict:
        """What the reference process gets."""
        world = {
            "scenario_name": "layout_from_file/simple_wood_and_stone",
            "env_layout_file": "quadrant_25x25_20each_30clump.txt",
            "world_size": [25, 25],
            "fixed_four_skill_and_loc": self.ours.get("starts", "corners") == "corners",
            "planner_gets_spatial_info": False,
            "energy_cost": 0.21,
            **self.world,
        }
        return {
            **{"seed": self.seed, "episodes": self.episodes, "steps": self.steps, "world": world},
            "agents": self.ours.get("num_agents", 4),
            "build": {"skill_dist": self.ours.get("build_skills", "pareto"), "payment_max_skill_multiplier": 3},
            "gather": {"skill_dist": self.ours.get("gather_skills", "pareto")},
            "market": {"max_num_orders": 5},
            "tax": {"period": 100, **self.tax},
            "shares_wealth": self.ours.get("shares_wealth", False),
            "brackets": self.ours.get("num_brackets", 7),
        }


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
    Job("shared wealth", 15, {"shares_wealth": True, "num_agents": 9}, steps=300),
]


def look(batch: Batch) -> dict:
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    return {
        "workers": workers.observations[0].copy(),
        "worker_masks": workers.action_masks[0].copy(),
        "planner": planner.observations[0, 0].copy(),
        "planner_mask": planner.action_masks[0, 0].copy(),
    }


def play_episode(batch: Batch, trace: dict) -> dict:
    """Replays the next episode with a trace's actions."""
    batch.reset()
    looks, outcomes, before = [look(batch)], [], batch.fields(0)
    for actions, rates in zip(trace["actions"], trace["planner_actions"], strict=True):
        batch.step({"workers": actions[None], "planner": rates.reshape(batch.groups["planner"].actions.shape)})
        looks.append(look(batch))
        fields = batch.fields(0)
        outcomes.append(
            {
                "worker_rewards": fields["utilities"] - before["utilities"],
                "planner_reward": np.float64(fields["welfare"] - before["welfare"]),
                "coin": fields["coin"] + fields["escrow_coin"],
                "labor": fields["labor"],
            }
        )
        before = fields
    ours = {key: np.stack([row[key] for row in part]) for part in (looks, outcomes) for key in part[0]}
    statistics = {name: values[0] for name, values in batch.episode_statistics.items()}
    return ours | {"statistics": statistics, "last_stream": before["numpy_stream"]}


def play_ours(job: Job, traces: list[dict]) -> list[dict]:
    batch = games.make_batch(
        "econ/gather_trade_build_v0",
        autoreset="disabled",
        horizon=job.steps,
        numpy_streams=np.stack([trace["streams"] for trace in traces]),
        **job.ours,
    )
    return [play_episode(batch, trace) for trace in traces]


@pytest.fixture(scope="module")
def played(peer_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gather")
    paths = [folder / name for name in ("jobs.json", "traces.npz")]
    paths[0].write_text(json.dumps([job.listed() for job in JOBS]), encoding="utf-8")
    script = Path(__file__).with_name("gather_reference.py")
    command = [str(peer_python("economist")), "-W", "ignore", str(script), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    results = []
    with np.load(paths[1]) as found:
        for index, job in enumerate(JOBS):
            traces = []
            for number in range(job.episodes):
                prefix = f"{index}/{number}/"
                traces.append({key.removeprefix(prefix): found[key] for key in found.files if key.startswith(prefix)})
            results += [(job, ours, theirs) for ours, theirs in zip(play_ours(job, traces), traces, strict=True)]
    return results


def assert_equal(name, ours, theirs, job):
    assert ours.shape == theirs.shape, (job.name, name)
    if not np.array_equal(ours, theirs):
        where = np.argwhere(ours != theirs)
        first = tuple(where[0])
        pytest.fail(
            f"{job.name}: {name} differs {len(where)} times, first at {first}: {ours[first]} != {theirs[first]}"
        )


@pytest.mark.parametrize("name", ["worker_masks", "planner_mask", "workers", "planner", "last_stream"])
def test_every_observation_mask_and_draw_is_equal(played, name):
    for job, ours, theirs in played:
        assert_equal(name, ours[name], theirs[name], job)


def test_coin_labor_and_rewards_are_equal(played):
    for job, ours, theirs in played:
        assert_equal("labor", ours["labor"], theirs["labor"], job)
        for name in ("coin", "worker_rewards", "planner_reward"):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=ROUNDING, err_msg=f"{job.name}: {name}")


def test_golden_rows(played):
    """Measured on the package before this world was written."""
    rows = [(job, ours["statistics"]) for job, ours, _ in played if job.golden]
    assert len(rows) == 5
    for job, statistics in rows:
        found = [statistics[name] for name in ("productivity", "equality", "houses", "trades")]
        assert found == pytest.approx(job.golden, abs=1e-6), job.name


def test_the_stream_of_a_seed_is_numpys(played):
    for job, _, theirs in played:
        if job.episodes == 1:
            assert numpy_stream(job.seed).tolist() == theirs["streams"].tolist()
