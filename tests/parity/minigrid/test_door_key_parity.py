"""Step by step against minigrid 3.2.0's DoorKey: places, door, key, the view, rewards, both ends, and starts."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import games
from agents.door_openers import DoorOpener

EPISODES = 8  # of each variant
STARTS = 2000
VARIANTS = {
    "8x8": {"horizon": 640},
    "5x5": {"size": 5, "horizon": 250},
    "16x16": {"size": 16, "horizon": 300},
    "8x8, goals at hand, a time limit that is met": {"near_goal": 0.8, "horizon": 25},
    "9x9, a small view": {"size": 9, "view_size": 3, "horizon": 200},
    "12x12, a large view": {"size": 12, "view_size": 13, "horizon": 200},
}
NAMES = ("positions", "directions", "door", "key")


def record(variant, episode):
    """Plays one episode of ours: a scripted player with slips, from one in ten actions to all of them."""
    slips = (0.1, 0.3, 0.6, 1.0)[episode % 4]
    batch = games.make_batch("grid/door_key_v0", seed=episode, autoreset="disabled", **VARIANTS[variant])
    batch.reset()
    fields = batch.fields(0)
    goal, place = fields["goal"], fields["positions"][0]
    start = (fields["split"], fields["door_y"], *fields["key"], *goal, *place, fields["directions"][0])
    generator, player = np.random.default_rng(episode), DoorOpener()
    trace = {"images": [batch.observations[0, 0].copy()], "fields": [fields], "actions": [], "outcomes": []}
    while not batch.ended[0]:
        slip = generator.random() < slips
        action = int(generator.integers(7)) if slip else int(player.act(batch, "agent_0")[0])
        batch.step(np.array([[action]], np.int32))
        trace["actions"].append(action)
        trace["images"].append(batch.observations[0, 0].copy())
        trace["fields"].append(batch.fields(0))
        trace["outcomes"].append((batch.rewards[0, 0], batch.terminations[0, 0], batch.truncations[0, 0]))
    config = batch.config
    return (config.size, config.view_size, config.horizon), start, trace


@pytest.fixture(scope="module")
def both(peer_python, tmp_path_factory):
    """Returns our traces and the reference's, by number, and its starts."""
    folder = tmp_path_factory.mktemp("minigrid")
    ours = [record(variant, episode) for variant in VARIANTS for episode in range(EPISODES)]
    actions = {f"actions_{k}": np.array(trace["actions"]) for k, (_, _, trace) in enumerate(ours)}
    settings, starts = ([job[part] for job in ours] for part in (0, 1))
    np.savez(folder / "jobs.npz", settings=settings, start=np.array(starts, int), starts=STARTS, **actions)
    script = Path(__file__).with_name("reference.py")
    subprocess.run(
        [peer_python("minigrid"), "-W", "ignore", script, folder / "jobs.npz", folder / "traces.npz"],
        check=True,
        timeout=200,
    )
    with np.load(folder / "traces.npz") as file:
        return [trace for _, _, trace in ours], dict(file)


@pytest.mark.parametrize("variant", VARIANTS)
def test_episodes_are_those_of_minigrid(both, variant):
    traces, theirs = both
    first = list(VARIANTS).index(variant) * EPISODES
    for number in range(first, first + EPISODES):
        ours, reference = traces[number], {name: theirs[f"{number}/{name}"] for name in REFERENCE_NAMES}
        np.testing.assert_array_equal(np.array(ours["images"]), reference["images"])
        for name, values in zip(NAMES, ("positions", "directions", "doors", "keys"), strict=True):
            shown = np.array([np.squeeze(fields[name]) for fields in ours["fields"]])
            np.testing.assert_array_equal(shown, reference[values], err_msg=name)
        rewards, terminations, truncations = np.array(ours["outcomes"]).T
        np.testing.assert_array_equal(rewards.astype(np.float32), reference["rewards"].astype(np.float32))
        np.testing.assert_array_equal(terminations, reference["terminated"])
        # At the goal in the very last step the reference says both, and ours that the goal was reached.
        np.testing.assert_array_equal(truncations, reference["truncated"] & ~reference["terminated"])


REFERENCE_NAMES = ("images", "positions", "directions", "doors", "keys", "rewards", "terminated", "truncated")


def test_episodes_show_all_that_can_happen(both):
    traces, _ = both
    fields = [fields for trace in traces for fields in trace["fields"]]
    assert {int(f["door"]) for f in fields} == {0, 1, 2}
    ends = {tuple(int(flag) for flag in trace["outcomes"][-1][1:]) for trace in traces}
    assert ends == {(1, 0), (0, 1)}
    carried = [int(f["has_key"][0]) for f in fields]
    assert (np.diff(carried) == -1).sum() > len(traces), "keys were dropped within episodes too"


def test_starts_have_minigrids_distribution(both):
    starts = both[1]["starts"]
    batch = games.make_batch("grid/door_key_v0", STARTS, seed=4)
    batch.reset()
    ours = []
    for env in range(STARTS):
        f = batch.fields(env)
        ours.append((f["split"], f["door_y"], *f["key"], *f["positions"][0], f["directions"][0], f["door"] == 2))
        assert tuple(f["goal"]) == (6, 6)
    # Every column by itself, and the columns in which places depend on each other; a bound that equal
    # distributions all but never cross: six standard deviations of a difference of frequencies.
    for columns in [[k] for k in range(8)] + [[0, 2], [0, 4], [3, 5]]:
        frequencies = []
        for sample in (np.array(ours, int), starts.astype(int)):
            values, counts = np.unique(sample[:, columns], axis=0, return_counts=True)
            frequencies.append(dict(zip(map(tuple, values), counts / STARTS, strict=True)))
        assert frequencies[0].keys() == frequencies[1].keys()
        for value, share in frequencies[0].items():
            slack = 6 * np.sqrt(2 * max(share, 1 / STARTS) / STARTS)
            assert abs(share - frequencies[1][value]) < slack, (columns, value)
