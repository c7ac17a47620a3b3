"""Step by step against lbforaging 2.0.0: players, food, rewards, both observations, the end of the episode."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import games

EPISODES = 12
STARTS = 1500
BASE = {
    "players": 2,
    "min_player_level": 1,
    "max_player_level": 2,
    "min_food_level": 1,
    "max_food_level": None,
    "field_size": (8, 8),
    "max_num_food": 2,
    "sight": 8,
    "max_episode_steps": 50,
    "force_coop": False,
}
# Those of the registered ids, then what they do not use.
VARIANTS = {
    "8x8-2p-2f": {},
    "8x8-2p-2f-coop": {"force_coop": True},
    "10x10-3p-3f": {"players": 3, "max_num_food": 3, "field_size": (10, 10), "sight": 10},
    "2s-10x10-3p-3f": {"players": 3, "max_num_food": 3, "field_size": (10, 10), "sight": 2},
    "grid": {"grid_observation": True, "players": 4, "max_num_food": 4, "field_size": (7, 9), "sight": 3},
    "grid without levels": {"grid_observation": True, "observe_agent_levels": False, "players": 3, "sight": 1},
    "a crowd with penalties": {
        **{"players": 8, "max_num_food": 4, "field_size": (6, 5), "sight": 2, "penalty": 0.5},
        **{"normalize_reward": False, "observe_agent_levels": False, "max_player_level": 5, "max_food_level": 9},
    },
    "a crowd of equals": {"players": 9, "max_num_food": 3, "field_size": (5, 7), "sight": 7, "max_episode_steps": 25},
}


def our_settings(settings):
    rows, columns = settings["field_size"]
    names = {"players": "num_players", "max_num_food": "num_foods", "max_episode_steps": "horizon"}
    ours = {names.get(name, name): value for name, value in settings.items()}
    del ours["field_size"]
    observation = "grid" if ours.pop("grid_observation", False) else "vector"
    return {**ours, "rows": rows, "columns": columns, "observation": observation}


def foods_of(field, num_foods):
    foods = np.zeros((num_foods, 3), np.uint8)
    for k, (row, column) in enumerate(np.argwhere(field)):
        foods[k] = row, column, field[row, column]
    return foods


def field_of(foods, shape):
    field = np.zeros(shape, np.int64)
    for row, column, level in foods:
        field[row, column] += level
    return field


@pytest.fixture(scope="module")
def traces(peer_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("foraging")
    jobs = [
        {"settings": {**BASE, **settings}, "seed": 100 * v + k, "noise": (1.0, 0.3, 0.1)[k % 3], "steps": 50}
        for v, settings in enumerate(VARIANTS.values())
        for k in range(EPISODES)
    ]
    jobs.append({"settings": BASE, "starts": STARTS})
    (folder / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).with_name("reference.py")
    subprocess.run(
        [peer_python("foraging"), script, folder / "jobs.json", folder / "traces.npz"], check=True, timeout=200
    )
    with np.load(folder / "traces.npz") as file:
        arrays = dict(file)
    return [
        (job, {name.split("/")[1]: value for name, value in arrays.items() if name.startswith(f"{number}/")})
        for number, job in enumerate(jobs)
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_episodes_are_those_of_lbforaging(traces, variant):
    first = list(VARIANTS).index(variant) * EPISODES
    loaded = steps = 0
    for job, trace in traces[first : first + EPISODES]:
        settings = our_settings(job["settings"])
        batch = games.make_batch("grid/foraging_8x8_2p_2f_v0", autoreset="disabled", **settings)
        batch.reset()
        shape = trace["field"].shape[1:]
        start = foods_of(trace["field"][0], settings["num_foods"])
        batch.load_fields(
            0, {"players": trace["players"][0].astype(np.uint8), "foods": start, "spawned": int(trace["spawned"])}
        )
        for t, actions in enumerate(trace["actions"]):
            np.testing.assert_array_equal(batch.observations[0], trace["observations"][t])
            batch.step(actions[None].astype(np.int32))
            np.testing.assert_allclose(batch.rewards[0], trace["rewards"][t], rtol=1e-6)
            fields = batch.fields(0)
            np.testing.assert_array_equal(fields["players"], trace["players"][t + 1])
            np.testing.assert_array_equal(field_of(fields["foods"], shape), trace["field"][t + 1])
            assert bool(batch.ended[0]) == bool(trace["over"][t])
            loaded += int((batch.rewards[0] > 0).sum())
            steps += 1
        np.testing.assert_array_equal(batch.observations[0], trace["observations"][-1])
        assert bool(batch.terminations[0].all()) == (not trace["field"][-1].any())
    assert loaded > EPISODES
    assert steps > 10 * EPISODES


def describe_start(players, foods):
    """Numbers whose means tell distributions apart: levels, where food lies, how far things are from each other."""
    gaps = np.abs(foods[0, :2] - foods[1, :2]).sum(), np.abs(players[0, :2] - players[1, :2]).sum()
    border = np.minimum(foods[:, :2], 7 - foods[:, :2]).min()
    return [
        *gaps,
        border,
        np.abs(players[:, None, :2] - foods[None, :, :2]).sum(axis=-1).min(),
        *players[:, 2],
        *foods[:, 2],
    ]


def test_starts_have_lbforagings_distribution(traces):
    _, starts = traces[-1]
    theirs = [
        describe_start(players, foods_of(field, 2).astype(int))
        for players, field in zip(starts["players"], starts["field"], strict=True)
    ]
    batch = games.make_batch("grid/foraging_8x8_2p_2f_v0", STARTS)
    batch.reset()
    fields = [batch.fields(env) for env in range(STARTS)]
    ours = [describe_start(start["players"].astype(int), start["foods"].astype(int)) for start in fields]
    ours, theirs = np.array(ours), np.array(theirs)
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / STARTS)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4.5 * error).all()
    np.testing.assert_array_equal(np.unique(ours[:, 4:]), np.unique(theirs[:, 4:]))
