"""Tables: the row beside what is seen, and nothing else."""

import numpy as np
import pytest

import games
from agents.tabular import TabularPlayer, _Rows, load_table, save_table
from agents.trained import PolicyError


def kuhn(num_envs):
    batch = games.make_batch("cards/kuhn_poker_v0", num_envs, autoreset="disabled")
    batch.reset()
    return batch


def seen_rows(batch):
    return np.unique(batch.observations[:, 0], axis=0)


def test_actions_have_the_distribution_beside_the_observation():
    batch = kuhn(30_000)
    rows = seen_rows(batch)
    assert len(rows) == 3  # a jack, a queen or a king
    shares = np.array([0.1, 0.5, 0.9])
    player = TabularPlayer(rows, np.c_[1 - shares, shares], seed=1)
    actions = player.act(batch, "player_0")
    for row, share in zip(rows, shares, strict=True):
        holds = (batch.observations[:, 0] == row).all(axis=1)
        assert abs(actions[holds].mean() - share) < 0.02  # four standard deviations of 10,000 draws
    some = np.flatnonzero((batch.observations[:, 0] == rows[2]).all(axis=1))[:50]
    always = TabularPlayer(rows, np.array([[1.0, 0], [1, 0], [0, 1]]))
    np.testing.assert_array_equal(always.act_rows(batch, "player_0", some), np.ones(50))


def test_what_stands_nowhere_is_answered_by_a_legal_action():
    settings = {"legal_actions": [[True, False, True], [True, True, True]]}
    batch = games.make_batch("matrix/rock_paper_scissors_v0", 3000, **settings)
    batch.reset()
    width = batch.observations[0, 0].size
    player = TabularPlayer(np.full((1, width), 7.0), np.array([[0.0, 1.0, 0.0]]))
    counts = np.bincount(player.act(batch, "player_0"), minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] - 1500) < 110  # four standard deviations
    assert (np.bincount(player.act(batch, "player_1"), minlength=3) > 850).all()


def test_minus_zero_is_zero_and_what_a_dtype_cannot_say_is_never_shown():
    rows = np.array([[0.5, -0.0], [0.1, 1.0], [1.0, 0.0]])  # 0.1 is no float32
    seen = np.array([[[0.5, 0.0]], [[1.0, -0.0]], [[0.1, 1.0]]], np.float32)

    class Shown:
        observations, action_masks = seen, None

    table = _Rows(rows, np.dtype(np.float32), np.array([4, 5, 6], np.int32))
    assert table.choose(Shown, 0, np.arange(3)) is None  # the last one is unknown
    assert table.find(Shown, 0, np.arange(3)).tolist() == [0, 2, -1]
    assert table.choose(Shown, 0, np.arange(1)).tolist() == [4]
    assert table.num_different == 2


def test_a_table_comes_back_from_its_files(tmp_path):
    batch = kuhn(50)
    rows = seen_rows(batch)
    save_table(tmp_path, "cards/kuhn_poker_v0", rows, np.full((3, 2), 0.5))
    again = load_table(tmp_path, seed=4).act(batch, "player_0")
    np.testing.assert_array_equal(again, TabularPlayer(rows, np.full((3, 2), 0.5), seed=4).act(batch, "player_0"))
    first, second = load_table(tmp_path, 1), load_table(tmp_path, 2)
    second.set_state(first.get_state())
    np.testing.assert_array_equal(first.act(batch, "player_1"), second.act(batch, "player_1"))


def test_damaged_tables_are_named(tmp_path):
    with pytest.raises(PolicyError, match=r"no policy file .*table\.json"):
        load_table(tmp_path)
    save_table(tmp_path, "cards/kuhn_poker_v0", np.eye(2), np.eye(2))
    for name, content in (("table.safetensors", b"no"), ("table.json", b'{"format": "other"}'), ("table.json", b"[")):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PolicyError, match=str(tmp_path)):
            load_table(tmp_path)
        (tmp_path / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("observations", "probabilities", "said"),
    [
        (np.eye(2), np.eye(3), "needs"),
        (np.eye(2), np.full((2, 2), 0.4), "sum to 1"),
        (np.full((1, 2), np.nan), np.eye(1), "finite"),
        (np.zeros((2, 2)), np.eye(2), "twice"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path, observations, probabilities, said):
    with pytest.raises(PolicyError, match=said):
        save_table(tmp_path, "cards/kuhn_poker_v0", observations, probabilities)
    assert not list(tmp_path.iterdir())


def test_a_table_of_another_world_is_refused():
    with pytest.raises(PolicyError, match="numbers per observation"):
        TabularPlayer(np.eye(2), np.eye(2)).act(kuhn(1), "player_0")
    width = kuhn(1).observations[0, 0].size
    with pytest.raises(PolicyError, match="3 actions"):
        TabularPlayer(np.ones((1, width)), np.array([[0.2, 0.3, 0.5]])).act(kuhn(1), "player_0")
