"""Beside dm_control's swing-ups, from traces that reference.py recorded: motion, observations and rewards."""

from pathlib import Path

import numpy as np
import pytest

import games

EVERY = 10  # steps between two recorded ones
TRACES = np.load(Path(__file__).with_name("traces.npz"))
EPISODES = sorted({name.rsplit("/", 1)[0] for name in TRACES})


@pytest.mark.parametrize("episode", EPISODES)
def test_pushed_bodies_move_as_in_mujoco(episode):
    """To 1e-10 over 500 steps, the soft end of the cartpole's rail included; both in double precision."""
    task = episode.split("/")[0]
    given = {name: TRACES[f"{episode}/{name}"] for name in ("start", "actions", "pushes")}
    batch = games.make_batch(f"control/{task}_swingup_v0", autoreset="disabled")
    batch.reset()
    fields, joints = batch.fields(0), len(given["start"]) // 2
    fields["coordinates"][:joints], fields["speeds"][:joints] = np.split(given["start"], 2)
    batch.load_fields(0, fields)
    shares = (given["pushes"] / fields["force"]).astype(np.float32)
    states, observations, rewards = [], [], []
    for t, action in enumerate(given["actions"]):
        batch.step({"protagonist": np.full((1, 1, 1), action), "adversary": shares[None, t : t + 1]})
        if (t + 1) % EVERY == 0:
            now = batch.fields(0)
            states.append(np.concatenate([now["coordinates"][:joints], now["speeds"][:joints]]))
            observations.append(batch.groups["adversary"].observations[0, 0].copy())
            rewards.append(batch.groups["protagonist"].rewards[0, 0])
    np.testing.assert_allclose(states, TRACES[f"{episode}/states"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(observations, TRACES[f"{episode}/observations"], rtol=1e-6, atol=1e-6)  # float32
    np.testing.assert_allclose(rewards, TRACES[f"{episode}/rewards"], rtol=1e-6, atol=1e-7)


def test_the_traces_hold_what_can_happen():
    carts = np.concatenate([TRACES[f"{episode}/states"][:, 0] for episode in EPISODES if "cartpole" in episode])
    assert np.abs(carts).max() > 1.8, "the cart met the end of its rail"
    assert all(np.ptp(TRACES[f"{episode}/rewards"]) > 0 for episode in EPISODES if "pendulum" not in episode)
