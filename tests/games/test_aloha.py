"""Slotted Aloha: rules by hand, the graph of the release, chance by frequencies."""

import numpy as np
import pytest

import games
from games.aloha import FAILED, IDLE, NOISE, SENT, AlohaConfig

ID = "coordination/aloha_v0"
# Neighbours of each station in the release: a 2 x 5 grid and the edge 4-5 (fact sheet 2.2).
RELEASED = [{1, 5}, {0, 2, 6}, {1, 3, 7}, {2, 4, 8}, {3, 5, 9}, {0, 4, 6}, {1, 5, 7}, {2, 6, 8}, {3, 7, 9}, {4, 8}]


def step_from(backlogs, actions, **settings):
    """Plays one step of stations in a line and returns the batch."""
    count = len(backlogs)
    settings = {"num_agents": count, "columns": count, "arrival": 0.0, "autoreset": "disabled", **settings}
    batch = games.make_batch(ID, 1, **settings)
    batch.reset()
    batch.load_fields(0, {"backlogs": np.array(backlogs, np.uint8)})
    batch.step(np.array([actions], np.int32))
    return batch


def test_the_graph_is_that_of_the_release():
    found = [set(np.flatnonzero(row).tolist()) for row in AlohaConfig().neighbours()]
    assert found == RELEASED


def test_rows_that_do_not_wrap_lack_one_edge():
    both = AlohaConfig().neighbours().astype(int) - AlohaConfig(wraps=False).neighbours()
    assert np.argwhere(both).tolist() == [[4, 5], [5, 4]]


@pytest.mark.parametrize(
    ("backlogs", "actions", "outcomes", "left", "reward"),
    [
        ([1, 1, 1], [1, 0, 1], [SENT, IDLE, SENT], [0, 1, 0], 0.2),
        ([1, 1, 1], [1, 1, 0], [FAILED, FAILED, IDLE], [1, 1, 1], -20.0),
        ([2, 1, 3], [1, 1, 1], [FAILED, FAILED, FAILED], [2, 1, 3], -30.0),
        # A sender without a packet is neither paid nor fined, and jams its neighbours.
        ([1, 0, 0], [1, 1, 0], [FAILED, NOISE, IDLE], [1, 0, 0], -10.0),
        ([0, 5, 0], [0, 1, 0], [IDLE, SENT, IDLE], [0, 4, 0], 0.1),
        ([1, 0, 2, 1], [1, 0, 1, 1], [SENT, IDLE, FAILED, FAILED], [0, 0, 2, 1], 0.1 - 20.0),
    ],
)
def test_packets_get_through_where_no_neighbour_sends(backlogs, actions, outcomes, left, reward):
    batch = step_from(backlogs, actions)
    fields = batch.fields(0)
    assert fields["outcomes"].tolist() == outcomes
    assert fields["backlogs"].tolist() == left
    np.testing.assert_allclose(batch.rewards[0], reward, rtol=1e-6)
    assert batch.infos["sent"][0].tolist() == [outcome == SENT for outcome in outcomes]
    assert batch.infos["failed"][0].tolist() == [outcome == FAILED for outcome in outcomes]
    assert (fields["packets"], fields["collisions"]) == (outcomes.count(SENT), outcomes.count(FAILED))


def test_packets_come_after_sending_up_to_the_capacity():
    batch = step_from([5, 4, 1], [0, 0, 1], arrival=1.0)
    assert batch.fields(0)["backlogs"].tolist() == [5, 5, 1]
    batch = games.make_batch(ID, 2000, seed=4)
    batch.reset()
    assert (batch.observations == 1).all()
    batch.step(np.zeros((2000, 10), np.int32))
    shares = (batch.observations[:, :, 0] - 1).mean(axis=0)
    assert np.abs(shares - 0.6).max() < 5 * np.sqrt(0.6 * 0.4 / 2000)


def test_an_empty_station_that_may_only_idle_does_not_jam():
    batch = step_from([1, 0, 0], [1, 1, 0], mask_empty=True)
    assert batch.fields(0)["outcomes"].tolist() == [SENT, IDLE, IDLE]
    assert batch.action_masks[0].tolist() == [[1, 0], [1, 0], [1, 0]]
    assert games.make_batch(ID, 1).action_masks is None


def test_conflicts_can_be_any_graph():
    pairs = [(0, 3), (1, 3), (2, 3)]
    batch = step_from([1, 1, 1, 1], [1, 1, 1, 0], conflicts=pairs)
    assert batch.fields(0)["outcomes"].tolist() == [SENT, SENT, SENT, IDLE]
    batch = step_from([1, 1, 1, 1], [1, 0, 1, 1], conflicts=pairs)
    assert batch.fields(0)["outcomes"].tolist() == [FAILED, IDLE, FAILED, FAILED]
    assert not AlohaConfig(conflicts=[]).neighbours().any()


@pytest.mark.parametrize(
    "conflicts", [[(0, 10)], [(3, 3)], [(0, 1, 2)], [0, 1], "01", [(0.5, 1)], [(-1, 2)], [(0, 1), (2,)]]
)
def test_conflicts_that_are_no_pairs_are_refused(conflicts):
    with pytest.raises(ValueError, match="conflicts must be pairs of different stations"):
        AlohaConfig(conflicts=conflicts)


def test_an_episode_is_cut_after_20_steps():
    batch = games.make_batch(ID, 1, autoreset="disabled")
    batch.reset()
    for step in range(20):
        batch.step(np.zeros((1, 10), np.int32))
        assert batch.truncations.all() == (step == 19)
    assert not batch.terminations.any()


def test_more_packets_at_the_start_than_fit_are_refused():
    with pytest.raises(ValueError, match="start_backlog must be at most the capacity, 5, got 6"):
        AlohaConfig(start_backlog=6)


def test_stations_may_see_whether_they_sent_and_which_step_it_is():
    settings = {"num_agents": 2, "columns": 2, "arrival": 0.0, "shows_last": True, "shows_parity": True}
    batch = games.make_batch(ID, 1, **settings)
    batch.reset()
    assert batch.observations[0].tolist() == [[1, 0, 0], [1, 0, 0]]
    batch.step(np.array([[1, 0]], np.int32))
    assert batch.observations[0].tolist() == [[0, 1, 1], [1, 0, 1]]
    batch.step(np.array([[0, 1]], np.int32))
    assert batch.observations[0].tolist() == [[0, 0, 0], [0, 1, 0]]
    only_parity = games.make_batch(ID, 1, shows_parity=True)
    only_parity.reset()
    only_parity.step(np.ones((1, 10), np.int32))
    assert only_parity.observations[0, :, 1].tolist() == [1] * 10


def test_the_penalty_can_change_while_the_batch_lives():
    batch = step_from([1, 1], [1, 1])
    batch.configure(collision_penalty=0.5)
    batch.step(np.array([[1, 1]], np.int32))
    assert batch.rewards[0].tolist() == [-1.0, -1.0]  # two packets failed
    with pytest.raises(ValueError, match="cannot change"):
        batch.configure(arrival=0.1)
