"""The planner that slips: right without noise, as often wrong as it should be, and never twice what was refused."""

import numpy as np
import pytest

import games
from agents.cube_sorters import CubeSorter
from agents.planners.noisy_script import NoisyScriptPlanner
from agents.planners.plans import read_plan
from agents.planners.prompts import feedback, question, system_message, who_is_asked
from agents.planners.protocol import Message
from agents.sandwich_makers import SandwichMaker
from agents.sweepers import Sweeper
from games.wording import wording

STEPS = {"sweep": (Sweeper, 13), "sandwich": (SandwichMaker, 10), "sort": (CubeSorter, 4)}


def make(world, noise, seed=0):
    batch = games.make_batch(f"cooperation/{world}_v0", autoreset="disabled")
    batch.reset()
    player = STEPS[world][0]()
    return batch, wording(batch.config), NoisyScriptPlanner(batch, dict.fromkeys(batch.agents, player), noise, seed)


def ask(batch, words, asked=None, chosen=None):
    asked = list(range(len(words.robots))) if asked is None else asked
    return [system_message(words), question(words, batch.fields(0), asked, chosen)], asked


@pytest.mark.parametrize("world", STEPS)
def test_without_noise_its_words_take_the_fewest_steps(world):
    """Question, reply and parser together: 2 k + 1, L + 1 and 4 steps (tests/games)."""
    batch, words, planner = make(world, 0.0)
    steps = 0
    while not batch.ended[0]:
        messages, asked = ask(batch, words)
        plan = read_plan(planner.reply(messages).text, words, asked)
        joint = [plan.actions[robot] for robot in asked]
        assert words.objections(batch.fields(0), joint) == []
        batch.step(np.array([joint], np.int32))
        steps += 1
    assert batch.terminations.all()
    assert steps == STEPS[world][1]


def test_slips_are_as_frequent_as_asked_and_of_each_robot_alone():
    noise, replies = 0.3, 2000
    batch, words, planner = make("sweep", noise)
    messages, asked = ask(batch, words)
    choices = batch.only_group.action_space.n
    wanted = read_plan(make("sweep", 0.0)[2].reply(messages).text, words, asked).actions
    drawn = [read_plan(planner.reply(messages).text, words, asked).actions for _ in range(replies)]
    wrong = np.array([[plan[robot] != wanted[robot] for robot in asked] for plan in drawn])
    expected = noise * (choices - 1) / choices  # a random action is the right one at times
    assert np.abs(wrong.mean(axis=0) - expected).max() < 4 * np.sqrt(expected * (1 - expected) / replies)
    assert abs(wrong.all(axis=1).mean() - expected**2) < 4 * expected / np.sqrt(replies)


def test_a_refused_plan_is_not_proposed_again_until_the_state_is_another():
    batch, words, planner = make("sort", 0.05)
    messages, asked = ask(batch, words)
    met = []
    for _ in range(6):
        reply = planner.reply(messages)
        plan = read_plan(reply.text, words, asked).actions
        assert plan not in met
        met.append(plan)
        messages += [Message("assistant", reply.text), feedback(words, asked, ["Its score is too low."])]
    messages.append(question(words, batch.fields(0), asked))
    assert any(read_plan(planner.reply(messages).text, words, asked).actions in met for _ in range(20))


def test_it_answers_for_one_robot_when_one_is_asked():
    batch, words, planner = make("sweep", 0.0)
    messages, asked = ask(batch, words, [1], {0: 3})
    assert "Alice will MOVE blue_cube_1." in messages[-1].content
    assert who_is_asked(messages, words) == [1]
    assert read_plan(planner.reply(messages).text, words, asked).actions.keys() == {1}
    with pytest.raises(ValueError, match="asks for no robot"):
        planner.reply([Message("user", "Hello.")])


def test_equal_seeds_slip_alike():
    texts = []
    for seed in (1, 1, 2):
        batch, words, planner = make("sandwich", 0.8, seed)
        messages, _ = ask(batch, words)
        texts.append([planner.reply(messages).text for _ in range(10)])
    assert texts[0] == texts[1] != texts[2]
    with pytest.raises(ValueError, match=r"noise must be in \[0, 1\]"):
        make("sort", 1.5)
