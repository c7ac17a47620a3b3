"""Gather-trade-build in lock-step with ai-economist 1.7.1 on a grid: layouts, numbers of workers, tax models, starts.

Short episodes are compared in `make test`; `make learn` plays episodes of 1,000 steps, as many as Saez's formula needs
to have its 500 incomes, and more.
"""

from dataclasses import replace
from itertools import product

import pytest
from gather_lockstep import Job, assert_same_episode, play_ours, play_theirs

LAYOUTS = {  # and their sides
    "quadrant_25x25_20each_30clump": 25,
    "closed_quadrant_25x25_20each_30clump": 25,
    "quadrant_40x40_50each": 40,
}
TAXES = {  # our settings, the package's
    "free market": ({"tax_model": "free_market"}, {"disable_taxes": True}),
    "US federal": ({"tax_model": "us_federal"}, {"tax_model": "us-federal-single-filer-2018-scaled"}),
    "flat": (
        {"tax_model": "flat", "flat_rate": 0.35},
        {"tax_model": "fixed-bracket-rates", "fixed_bracket_rates": [0.35] * 7},
    ),
    "Saez": ({"tax_model": "planner_rates"}, {"tax_model": "saez"}),
    "planner": ({"tax_model": "planner"}, {}),
}


def make_job(seed: int, layout: str, num_agents: int, starts: str, tax: str) -> Job:
    """Whole episodes."""
    ours, theirs = TAXES[tax]
    is_saez = tax == "Saez"
    return Job(
        name=f"{layout}, {num_agents} workers, {starts}, {tax}",
        seed=seed,
        ours={"layout": layout, "num_agents": num_agents, "starts": starts, **ours},
        world={"env_layout_file": layout + ".txt", "world_size": [LAYOUTS[layout]] * 2},
        tax=theirs,
        saez={} if is_saez else None,
        episodes=500 // (10 * num_agents) + 2 if is_saez else 1,  # ten periods each
    )


GRID = [make_job(100 + k, *cell) for k, cell in enumerate(product(LAYOUTS, (4, 10), ("corners", "random"), TAXES))]


def shorten(job: Job) -> Job:
    """Four tax days, or as many as Saez's formula needs."""
    if job.saez is None:
        return replace(job, steps=40, ours=job.ours | {"tax_period": 10})
    num_agents = job.ours["num_agents"]
    return replace(job, steps=80, episodes=4 if num_agents == 4 else 2, ours=job.ours | {"tax_period": 2})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_short_episodes_are_equal(layout, peer_python, tmp_path):
    jobs = [shorten(job) for job in GRID if job.ours["layout"] == layout]
    assert len(jobs) == 20
    for job, traces in zip(jobs, play_theirs(peer_python("economist"), tmp_path, jobs), strict=True):
        compare(job, traces)


@pytest.mark.learn
@pytest.mark.timeout(1200)  # minutes of the package, on a busy machine too
@pytest.mark.parametrize("job", GRID, ids=lambda job: job.name)
def test_whole_episodes_are_equal(job, peer_python, tmp_path):
    (traces,) = play_theirs(peer_python("economist"), tmp_path, [job])
    compare(job, traces)


def compare(job, traces):
    for ours, theirs in zip(play_ours(job, traces), traces, strict=True):
        assert_same_episode(job, ours, theirs)
    if job.saez is not None:
        assert ours["average_rates"].max() > 0  # the formula's rates were in force
