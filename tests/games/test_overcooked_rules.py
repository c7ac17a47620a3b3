"""Hand-worked episodes in cramped_room.

    XXPXX      y = 0; x = 0..4
    O  2O      player 1 starts at (3, 1)
    X1  X      player 0 starts at (1, 2)
    XDXSX

Parity with overcooked-ai is tested in tests/parity; these follow the rules by hand, among them the clock of a soup and
`old_dynamics`, which overcooked-ai 1.1.0 does not have.
"""

import numpy as np
import pytest

import games
from games.overcooked.items import encode_item, event_names

N, S, E, W, STAY, ACT = range(6)
ID = "overcooked/cramped_room_v0"
SOUP = encode_item("soup", ["onion"] * 3)


def start(**settings):
    batch = games.make_batch(ID, 1, **settings)
    batch.reset()
    return batch


def play(batch, first, second=None):
    """Plays two strings of actions side by side; the shorter one stays. Returns the summed rewards of player 0."""
    second = [] if second is None else second
    total = 0.0
    for t in range(max(len(first), len(second))):
        pair = [actions[t] if t < len(actions) else STAY for actions in (first, second)]
        batch.step(np.array([pair], np.int32))
        total += float(batch.rewards[0, 0])
    return total


# Player 0: from (1, 2) north to (1, 1), facing the onions at (0, 1); take one; east to (2, 1); face the pot; put it in.
FETCH_FIRST = [N, W, ACT, E, N, ACT]
FETCH_AGAIN = [W, W, ACT, E, N, ACT]  # the first west walks back to (1, 1), the second is on the spot
ASIDE = [E, S]  # player 1 out of the way: it faces the onions at (4, 1), then walks to (3, 2)


def fill_pot(batch):
    play(batch, FETCH_FIRST + 2 * FETCH_AGAIN, ASIDE)


def test_three_onions_wait_until_somebody_starts_them():
    batch = start()
    fill_pot(batch)
    assert batch.fields(0)["items"][0, 2] == SOUP
    assert batch.fields(0)["pot_ticks"].tolist() == [-1]
    assert batch.fields(0)["shaped_return"] == 9  # three placements of 3
    play(batch, [STAY, ACT])
    assert batch.fields(0)["pot_ticks"].tolist() == [1]


def test_a_soup_is_ready_twenty_transitions_after_its_start_and_not_before():
    batch = start()
    fill_pot(batch)
    batch.load_fields(0, {"held": np.array([0, encode_item("dish")], np.uint8)})
    play(batch, [ACT])  # transition k
    play(batch, [W] + [STAY] * 15, [STAY, W, N] + [STAY] * 13)  # player 1 waits at (2, 1), facing the pot
    fields = batch.fields(0)
    assert fields["positions"].tolist() == [[1, 1], [2, 1]]
    assert fields["pot_ticks"].tolist() == [17]
    play(batch, [STAY, STAY], [STAY, ACT])  # transition k + 18: too early
    assert batch.fields(0)["held"][1] == encode_item("dish")
    play(batch, [STAY], [ACT])  # k + 19: ready only in the environment's part of this very transition
    assert batch.fields(0)["pot_ticks"].tolist() == [20]
    assert batch.fields(0)["held"][1] == encode_item("dish")
    play(batch, [STAY], [ACT])  # k + 20
    assert batch.fields(0)["held"][1] == SOUP
    assert batch.fields(0)["pot_ticks"].tolist() == [-1]
    assert batch.infos["shaped_reward"][0].tolist() == [0, 5]
    assert event_names(batch.fields(0)["events"][1]) == ["soup_pickup"]


def test_serving_pays_all_players_and_counts():
    batch = start(shaped_reward_weight=1.0)
    batch.load_fields(0, {"held": np.array([0, SOUP], np.uint8)})
    assert play(batch, [], [S, S, ACT]) == 20  # (3, 2) faces the serving place at (3, 3)
    assert batch.rewards[0].tolist() == [20, 20]
    assert batch.infos["sparse_reward"][0].tolist() == [0, 20]
    assert batch.fields(0)["deliveries"] == 1
    assert batch.fields(0)["held"].tolist() == [0, 0]


def test_soups_that_nobody_ordered_are_worth_nothing():
    batch = start()
    batch.load_fields(0, {"held": np.array([0, encode_item("soup", ["onion"])], np.uint8)})
    assert play(batch, [], [S, S, ACT]) == 0
    assert batch.fields(0)["deliveries"] == 1


def test_old_dynamics_starts_full_pots_in_the_same_step_and_ignores_empty_hands():
    batch = start(old_dynamics=True)
    play(batch, FETCH_FIRST, ASIDE)
    play(batch, [ACT])  # one onion in the pot: an interact starts nothing
    assert batch.fields(0)["pot_ticks"].tolist() == [-1]
    play(batch, FETCH_AGAIN)
    assert batch.fields(0)["pot_ticks"].tolist() == [-1]
    play(batch, FETCH_AGAIN)  # the third onion: it starts, and ticks in the same step
    assert batch.fields(0)["pot_ticks"].tolist() == [1]
    play(batch, [STAY] * 19)
    assert batch.fields(0)["pot_ticks"].tolist() == [20]
    play(batch, [STAY] * 3)
    assert batch.fields(0)["pot_ticks"].tolist() == [20]


def test_walking_into_each_other_stops_both_but_turns_both():
    batch = start()
    batch.load_fields(0, {"positions": np.array([[1, 1], [3, 1]], np.uint8)})
    play(batch, [E], [W])  # both want (2, 1)
    assert batch.fields(0)["positions"].tolist() == [[1, 1], [3, 1]]
    assert batch.fields(0)["orientations"].tolist() == [E, W]


def test_swapping_cells_is_refused_and_following_is_not():
    batch = start()
    batch.load_fields(0, {"positions": np.array([[1, 1], [2, 1]], np.uint8)})
    play(batch, [E], [W])
    assert batch.fields(0)["positions"].tolist() == [[1, 1], [2, 1]]
    play(batch, [E], [E])
    assert batch.fields(0)["positions"].tolist() == [[2, 1], [3, 1]]


def test_a_turn_and_an_interact_take_two_steps():
    batch = start()
    play(batch, [N, W])
    assert batch.fields(0)["held"][0] == 0
    play(batch, [ACT])
    assert batch.fields(0)["held"][0] == encode_item("onion")


def start_across_a_counter(held, item):
    """Both cooks of forced_coordination face the counter at (2, 2) from its two sides."""
    batch = start(layout="forced_coordination")
    items = np.zeros((5, 5), np.uint8)
    items[2, 2] = item
    positions, orientations = np.array([[3, 2], [1, 2]], np.uint8), np.array([W, E], np.uint8)
    batch.load_fields(
        0,
        {"items": items, "positions": positions, "orientations": orientations, "held": np.array(held, np.uint8)},
    )
    return batch


def test_player_0_acts_first_on_a_shared_counter():
    onion = encode_item("onion")
    batch = start_across_a_counter(held=[0, 0], item=onion)
    play(batch, [ACT], [ACT])
    assert batch.fields(0)["held"].tolist() == [onion, 0]
    batch = start_across_a_counter(held=[onion, 0], item=0)  # put down by 0, taken by 1 in the same step
    play(batch, [ACT], [ACT])
    assert batch.fields(0)["held"].tolist() == [0, onion]
    batch = start_across_a_counter(held=[0, onion], item=0)  # 0 finds nothing, then 1 puts it down
    play(batch, [ACT], [ACT])
    assert batch.fields(0)["held"].tolist() == [0, 0]
    assert batch.fields(0)["items"][2, 2] == onion


def test_dish_is_worth_a_reward_only_when_a_pot_needs_it():
    """Three idle onions do not count as a soup that needs a dish; one or two do (overcooked-ai 1.1.0, verified)."""
    for onions, expected in ((0, 0), (1, 3), (2, 3), (3, 0)):
        batch = start()
        items = np.zeros((4, 5), np.uint8)
        if onions:
            items[0, 2] = encode_item("soup", ["onion"] * onions)
        batch.load_fields(0, {"items": items, "orientations": np.array([S, N], np.uint8)})
        play(batch, [ACT])  # (1, 2) faces the dishes at (1, 3)
        assert batch.infos["shaped_reward"][0].tolist() == [expected, 0]


def test_the_urgency_channel_is_on_in_the_last_forty_observations():
    batch = start(autoreset="disabled")
    shown = [int(batch.observations[0, 0, :, :, 25].min())]
    for _ in range(400):
        play(batch, [STAY])
        shown.append(int(batch.observations[0, 0, :, :, 25].min()))
    assert shown == [0] * 361 + [1] * 40
    assert batch.truncations.all()
    assert not batch.terminations.any()


def test_random_starts_cover_the_floor_evenly():
    """30 joint positions of two cooks on six cells, each expected 1,000 times (chi-square below its 0.999 quantile)."""
    batch = games.make_batch(ID, 30_000, seed=5, random_start_positions=True)
    batch.reset()
    places = [batch.fields(e)["positions"].astype(int) for e in range(batch.num_envs)]
    joint = np.array([(a[1] * 5 + a[0]) * 100 + b[1] * 5 + b[0] for a, b in places])
    _, counts = np.unique(joint, return_counts=True)
    assert len(counts) == 30
    assert ((counts - 1000) ** 2 / 1000).sum() < 58.3  # 29 degrees of freedom


def test_shaped_weight_can_change_while_the_batch_lives():
    batch = start()
    items = np.zeros((4, 5), np.uint8)
    items[0, 2] = encode_item("soup", ["onion"])
    batch.load_fields(0, {"items": items, "orientations": np.array([S, N], np.uint8)})
    batch.configure(shaped_reward_weight=0.5)
    play(batch, [ACT])
    assert batch.rewards[0].tolist() == [1.5, 0]
    with pytest.raises(ValueError, match="cannot change"):
        batch.configure(cook_time=3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"positions": np.array([[0, 0], [3, 1]], np.uint8)}, r"player 0 stands at \(0, 0\), which is not floor"),
        ({"positions": np.array([[3, 1], [3, 1]], np.uint8)}, "same cell"),
        ({"held": np.array([7, 0], np.uint8)}, "holds 7, which is no item"),
        ({"orientations": np.array([4, 0], np.uint8)}, "faces 4"),
        ({"items": np.eye(4, 5, dtype=np.uint8)}, "row 1, column 1 cannot hold 1"),
        ({"pot_ticks": np.array([3], np.int16)}, "cannot have tick 3"),
        ({"timestep": 401}, r"timestep must be in \[0, 400\], got 401"),
    ],
)
def test_impossible_states_are_refused_and_change_nothing(fields, message):
    batch = start()
    before = batch.state_bytes(0)
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, fields)
    assert batch.state_bytes(0) == before
