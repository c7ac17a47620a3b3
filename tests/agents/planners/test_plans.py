"""The strict parser: what is a plan, what is none, and that nothing in a reply can be anything else."""

import hypothesis
import hypothesis.strategies as st
import pytest

import games
from agents.planners.plans import NoPlan, Plan, read_plan, write_plan
from agents.planners.protocol import MAX_REPLY_CHARACTERS
from games.wording import wording

WORDS = wording(games.spec("cooperation/sweep_v0").config())
BOTH = [0, 1]
GOOD = "NAME Alice ACTION MOVE green_cube_1\nNAME Bob ACTION WAIT"


def test_a_plan_stands_at_the_end_after_its_word():
    expected = Plan({0: 1, 1: 0})
    assert read_plan(f"I think.\nEXECUTE\n{GOOD}", WORDS, BOTH) == expected
    assert read_plan(f"EXECUTE\r\n\r\n  {GOOD}\t\n\n", WORDS, BOTH) == expected
    assert read_plan("EXECUTE\nNAME Bob ACTION WAIT\nNAME Alice ACTION MOVE green_cube_1", WORDS, BOTH) == expected
    assert read_plan(f"EXECUTE\nNAME Alice ACTION DUMP\nNo, better:\nEXECUTE\n{GOOD}", WORDS, BOTH) == expected


def test_one_robot_proceeds():
    assert read_plan("PROCEED\nNAME Bob ACTION WAIT", WORDS, [1]) == Plan({1: 0})
    assert "no line that says PROCEED" in read_plan("EXECUTE\nNAME Bob ACTION WAIT", WORDS, [1]).reason
    assert read_plan("PROCEED\nNAME Alice ACTION WAIT", WORDS, [1]).reason == "Alice was not asked."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no line that says EXECUTE"),
        (GOOD, "no line that says EXECUTE"),
        (f"execute\n{GOOD}", "no line that says EXECUTE"),
        (f"EXECUTE {GOOD}", "no line that says EXECUTE"),
        ("EXECUTE", "Alice and Bob must have an action"),
        ("EXECUTE\nNAME Alice ACTION WAIT", "Bob must have an action"),
        (f"EXECUTE\n{GOOD}\nNAME Bob ACTION WAIT", "Bob has two actions"),
        (f"EXECUTE\n{GOOD}\nThat is all.", "is not NAME <robot> ACTION <action>"),
        ("EXECUTE\nNAME Carol ACTION WAIT\nNAME Bob ACTION WAIT", "no robot 'Carol'"),
        ("EXECUTE\nNAME Alice ACTION MOVE trash_bin\nNAME Bob ACTION WAIT", "unknown action 'MOVE trash_bin'"),
        ("EXECUTE\nNAME Alice ACTION move green_cube_1\nNAME Bob ACTION WAIT", "did you mean 'MOVE green_cube_1'"),
        ("EXECUTE\nNAME Alice ACTION MOVE  green_cube_1\nNAME Bob ACTION WAIT", "unknown action"),
        (f"EXECUTE\nNAME Alice ACTION {'x' * 300}\nNAME Bob ACTION WAIT", "is not NAME"),
        ("EXECUTE\nNAME __class__ ACTION WAIT", "no robot '__class__'"),
        ("EXECUTE\nNAME {0} ACTION {0.__class__}", "no robot '{0}'"),
        (f"{'a' * MAX_REPLY_CHARACTERS}\nEXECUTE\n{GOOD}", "longer than"),
    ],
)
def test_what_is_no_plan_says_why_in_a_few_words(text, reason):
    read = read_plan(text, WORDS, BOTH)
    assert isinstance(read, NoPlan)
    assert reason in read.reason
    assert len(read.reason) < 1000


@hypothesis.given(st.text(max_size=300), st.sampled_from(["", "EXECUTE\n", f"EXECUTE\n{GOOD}\n", "EXECUTE\nNAME "]))
@hypothesis.settings(derandomize=True, deadline=None, max_examples=300)
def test_any_text_is_a_plan_or_none(text, beginning):
    read = read_plan(beginning + text, WORDS, BOTH)
    assert isinstance(read, NoPlan) or read.actions.keys() == {0, 1}


@pytest.mark.parametrize(
    "id", ["cooperation/sweep_v0", "cooperation/sandwich_v0", "cooperation/sort_v0", "overcooked/read_cramped_room_v0"]
)
def test_plans_that_are_written_are_read_as_they_were(id):
    words = wording(games.spec(id).config())
    batch = games.make_batch(id)
    for action in range(batch.only_group.action_space.n):
        joint = dict.fromkeys(range(len(words.robots)), action)
        assert read_plan(write_plan(joint, words), words, list(joint)) == Plan(joint)
        assert read_plan(write_plan({1: action}, words), words, [1]) == Plan({1: action})
