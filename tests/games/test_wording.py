"""Words for worlds: texts of actions go both ways, texts of states tell them apart, objections foretell effects."""

import numpy as np
import pytest

import games
from games.playthrough import random_actions
from games.wording import WordingError, wording

TABLES = ["cooperation/sweep_v0", "cooperation/sandwich_v0", "cooperation/sort_v0"]
KITCHENS = ["overcooked/read_cramped_room_v0", "overcooked/read_forced_coordination_v0"]
EPISODES = 30


def make(id):
    batch = games.make_batch(id, autoreset="disabled")
    batch.reset()
    return batch, wording(batch.config)


def played_states(batch, seed=0):
    """Returns snapshots of all states of some random play, those of starts included."""
    generator, states = np.random.default_rng(seed), []
    for _ in range(EPISODES):
        batch.reset()
        while not batch.ended[0]:
            states.append(batch.state_bytes(0))
            batch.step(random_actions(batch.only_group, generator))
    return states


def after(batch, snapshot, joint):
    """The fields but for the time, as one tuple of lists, after a joint action."""
    batch.load_state(0, snapshot)
    batch.step(np.array([joint], np.int32))
    return {name: np.array(v).tolist() for name, v in batch.fields(0).items() if name != "timestep"}


def changes(before, now):
    """Entries of list fields, and scalars, that differ: name, place, new value."""
    found = set()
    for name, value in now.items():
        for place, (was, entry) in enumerate(zip(np.ravel(before[name]), np.ravel(value), strict=True)):
            if was != entry:
                found.add((name, place, int(entry)))
    return found


@pytest.mark.parametrize("id", TABLES + KITCHENS)
def test_texts_of_actions_go_both_ways(id):
    batch, words = make(id)
    for robot in range(len(batch.agents)):
        texts = [words.say(robot, action) for action in range(batch.only_group.action_space.n)]
        assert [words.read(robot, text) for text in texts] == list(range(len(texts)))
    for wrong in ("", "wait", "WAIT ", texts[1] + " ", "MOVE trash_bin", "x" * 10_000, "\u0000", "0"):
        with pytest.raises(WordingError) as error:
            words.read(0, wrong)
        assert len(str(error.value)) < 2000


@pytest.mark.parametrize("id", TABLES + KITCHENS)
def test_texts_of_states_tell_them_apart(id):
    batch, words = make(id)
    texts = {}
    for snapshot in played_states(batch):
        batch.load_state(0, snapshot)
        fields = batch.fields(0)
        ignored = ("events", "sparse_return", "shaped_return", "deliveries")
        state = tuple(np.array(v).tobytes() for name, v in fields.items() if name not in ignored)
        assert texts.setdefault(words.describe(fields), state) == state
    assert len(texts) > 50


@pytest.mark.parametrize("id", TABLES)
def test_no_objection_means_that_everybody_does_what_they_say(id):
    """Objections come from the words, effects from the world in C; both legal and illegal joint actions are tried."""
    batch, words = make(id)
    generator = np.random.default_rng(1)
    choices, num = batch.only_group.action_space.n, len(batch.agents)
    outcomes = {True: 0, False: 0}
    for snapshot in played_states(batch, seed=2):
        batch.load_state(0, snapshot)
        fields, masks = batch.fields(0), batch.action_masks[0].copy()
        before = {name: np.array(v).tolist() for name, v in fields.items() if name != "timestep"}
        for trial in range(6):
            joint = generator.integers(choices, size=num).tolist()
            if trial < 4:
                joint = [int(generator.choice(np.flatnonzero(mask))) for mask in masks]
            alone = [
                after(batch, snapshot, [a if i == robot else 0 for i in range(num)]) for robot, a in enumerate(joint)
            ]
            expected = set().union(*(changes(before, now) for now in alone))
            does_all = changes(before, after(batch, snapshot, joint)) == expected
            is_legal = all(masks[robot, action] for robot, action in enumerate(joint))
            all_wait = id == "cooperation/sort_v0" and not any(joint)
            is_free = not words.objections(fields, joint)
            assert is_free == (is_legal and does_all and not all_wait), [words.say(0, a) for a in joint]
            outcomes[is_free] += 1
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize("id", TABLES)
def test_what_others_have_not_chosen_yet_is_no_ground_for_an_objection(id):
    batch, words = make(id)
    for snapshot in played_states(batch):
        batch.load_state(0, snapshot)
        fields, masks = batch.fields(0), batch.action_masks[0].copy()
        for robot, mask in enumerate(masks):
            for action, is_legal in enumerate(mask):
                joint = [action if i == robot else None for i in range(len(masks))]
                assert bool(words.objections(fields, joint)) != bool(is_legal)


@pytest.mark.parametrize(
    ("id", "fields", "joint", "message"),
    [
        ("cooperation/sweep_v0", {}, ["WAIT", "SWEEP green_cube_1"], "Alice and Bob must be at green_cube_1 first"),
        ("cooperation/sweep_v0", {}, ["DUMP", "WAIT"], "the dustpan is empty"),
        ("cooperation/sweep_v0", {"places": [0, 0]}, ["MOVE blue_cube_1", "SWEEP green_cube_1"], "Alice must WAIT"),
        ("cooperation/sandwich_v0", {}, ["PICK ham", "WAIT"], "it is on the left side"),
        ("cooperation/sandwich_v0", {"hands": [255, 3]}, ["WAIT", "PUT ON cutting_board"], "ham is not the next food"),
        ("cooperation/sandwich_v0", {"hands": [6, 0]}, ["PUT ON table", "PUT ON cutting_board"], "Only one may PUT"),
        ("cooperation/sort_v0", {}, ["WAIT", "WAIT", "WAIT"], "At least one robot has to act"),
        ("cooperation/sort_v0", {}, ["PICK yellow_trapezoid PLACE panel2", "WAIT", "WAIT"], "another cube's target"),
        (
            "cooperation/sort_v0",
            {},
            ["PICK pink_polygon PLACE panel1", "PICK pink_polygon PLACE panel4", "WAIT"],
            "Two robots pick pink_polygon",
        ),
    ],
)
def test_objections_say_why(id, fields, joint, message):
    batch, words = make(id)
    batch.load_fields(0, {name: np.array(value, np.uint8) for name, value in fields.items()})
    actions = [words.read(robot, text) for robot, text in enumerate(joint)]
    assert message in " ".join(words.objections(batch.fields(0), actions))


def test_cooks_hear_of_actions_that_change_nothing_and_of_each_other_in_the_way():
    batch, words = make("overcooked/read_cramped_room_v0")  # cook 0 at row 1, column 3, cook 1 at row 2, column 1
    fields = batch.fields(0)

    def ask(*texts):
        return words.objections(fields, [None if t is None else words.read(0, t) for t in texts])

    assert ask("north", "stay") == ["Agent0's north would change nothing."], "it faces that counter already"
    assert ask("east", "stay") == [], "it turns to the onions"
    assert ask("interact", "stay") == ["Agent0's interact would change nothing."]
    assert ask("west", "north") == []
    batch.load_fields(0, {"positions": np.array([[3, 1], [1, 1]], np.uint8)})
    fields = batch.fields(0)
    assert ask("west", "east") == ["Agent0's way west would not be free.", "Agent1's way east would not be free."]
    assert ask("west", None) == []


def test_a_kitchen_is_described_with_hands_pots_and_counters():
    batch, words = make("overcooked/read_cramped_room_v0")
    items = batch.fields(0)["items"]
    items[0, 2], items[0, 1] = 64 + 1 + 4, 3  # two onions in the pot, a dish on a counter
    batch.load_fields(0, {"items": items, "pot_ticks": np.array([1], np.int16), "held": np.array([1, 0], np.uint8)})
    text = words.describe(batch.fields(0))
    assert "Agent0 is at (1, 3), faces north (counter) and holds onion." in text
    assert "The pot at (0, 2) has onion and onion and cooks for 1 more steps." in text
    assert "On the counter at (0, 1): dish." in text
    assert "soup of onion and onion (2 steps to cook)" in words.task()


def test_a_world_without_words_says_so():
    with pytest.raises(ValueError, match="world matrix has no words"):
        wording(games.spec("matrix/prisoners_dilemma_v0").config())
