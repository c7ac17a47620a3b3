"""Small settlements of gather-trade-build: what its tests share."""

import numpy as np

import econ  # noqa: F401 - registers its worlds
import games
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


def total(fields):
    """Coin of all workers, that in open orders included."""
    return (fields["coin"] + fields["escrow_coin"]).sum()


def units(fields):
    """Units of each worker and resource, those in open orders included."""
    return fields["units"] + fields["escrow_units"]


def new_owners(before, after):
    """Who built a house in this step: indices of workers."""
    return after["owners"][(before["owners"] == 0) & (after["owners"] > 0)].astype(int) - 1
