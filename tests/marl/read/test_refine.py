"""ReAd's loop, with planners and judges whose every word is known."""

import numpy as np
import pytest

import games
from agents.planners.plans import write_plan
from agents.planners.prompts import who_is_asked
from agents.planners.protocol import BadReplyError, Reply, UnavailableError
from games.wording import wording
from marl.read.critic import Critic, CriticSettings
from marl.read.encoders import StructuredEncoder
from marl.read.methods import METHODS, Controls, choose_by
from marl.read.refine import Memory, Rules, Threshold, decide, play, waiting
from marl.read.scores import Coin, Shuffled


class Says:
    """Gives these answers in turn and keeps the questions; an exception is raised."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def reply(self, messages):
        self.asked.append(list(messages))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, 10, 2)


class Scores:
    """Gives these scores in turn, and keeps what it was asked."""

    def __init__(self, *scores):
        self.scores, self.asked = list(scores), []

    def score(self, batch, chosen, plan):
        self.asked.append((dict(chosen), dict(plan)))
        return self.scores.pop(0)


@pytest.fixture
def floor():
    batch = games.make_batch("cooperation/sweep_v0", level="y1_g1", autoreset="disabled")
    batch.reset()
    return batch


def plan(batch, *actions, first=0):
    """A plan in words: robots from `first` on do these."""
    words = wording(batch.config)
    return write_plan({first + i: words.read(first + i, text) for i, text in enumerate(actions)}, words)


def texts(batch, joint):
    words = wording(batch.config)
    return [words.say(robot, action) for robot, action in enumerate(joint)]


def verdicts(memory):
    return [exchange.verdict for exchange in memory.exchanges]


def test_a_plan_is_asked_for_until_its_score_is_above_the_bar_which_each_refusal_doubles(floor):
    """Bars by hand: -0.1, -0.2, -0.4, and -0.1 again in the next step; a score at the bar is not above it."""
    words, memory = wording(floor.config), Memory()
    here, there = plan(floor, "MOVE green_cube_1", "WAIT"), plan(floor, "MOVE blue_cube_1", "WAIT")
    planner, judge = Says(here, there, here, here), Scores(-0.5, -0.2, -0.3, 0.0)
    rules = Rules(threshold=Threshold(-0.1))
    joint = decide(floor, words, planner, rules, judge, memory)
    assert texts(floor, joint) == ["MOVE green_cube_1", "WAIT"]
    assert verdicts(memory) == ["low score", "low score", "accepted"]
    assert [exchange.bar for exchange in memory.exchanges] == pytest.approx([-0.1, -0.2, -0.4])
    assert [exchange.score for exchange in memory.exchanges] == [-0.5, -0.2, -0.3]
    assert "The score of this plan is -0.50; it must be above -0.10." in planner.asked[1][-1].content
    decide(floor, words, planner, rules, judge, memory)
    assert memory.exchanges[-1].bar == pytest.approx(-0.1)
    assert (memory.usage.queries, memory.usage.prompt_tokens, memory.usage.completion_tokens) == (4, 40, 8)


def test_the_bar_of_the_papers_text_is_halved_by_refusals_and_doubled_by_steps(floor):
    """By hand: 0.8, 0.4, 0.2; the next step begins with 0.4."""
    words, memory = wording(floor.config), Memory()
    says = plan(floor, "MOVE green_cube_1", "WAIT")
    rules = Rules(threshold=Threshold(0.8, per_refusal=0.5, per_step=2.0))
    decide(floor, words, Says(says, says, says), rules, Scores(0.1, 0.1, 0.3), memory)
    decide(floor, words, Says(says), rules, Scores(1.0), memory)
    assert [exchange.bar for exchange in memory.exchanges] == pytest.approx([0.8, 0.4, 0.2, 0.4])


def test_what_cannot_be_read_or_done_is_refused_with_reasons_and_costs_a_query(floor):
    words, memory = wording(floor.config), Memory()
    dump = plan(floor, "DUMP", "WAIT")
    planner = Says("Let me think.", BadReplyError("garbled"), dump, plan(floor, "WAIT", "WAIT"))
    joint = decide(floor, words, planner, Rules(), None, memory)
    assert joint == [0, 0]
    assert verdicts(memory) == ["no plan", "no reply", "not valid", "accepted"]
    assert "no line that says EXECUTE" in memory.exchanges[0].reasons[0]
    assert memory.exchanges[2].reasons == ("Alice cannot DUMP: the dustpan is empty.",)
    assert (memory.usage.queries, memory.usage.failures) == (3, 1)


def test_without_checks_a_plan_that_cannot_be_done_is_taken_as_it_is(floor):
    rules = Rules(max_queries=1, checks_validity=False)
    joint = decide(floor, wording(floor.config), Says(plan(floor, "DUMP", "WAIT")), rules)
    assert texts(floor, joint) == ["DUMP", "WAIT"]


def test_after_the_last_query_the_best_valid_plan_is_taken_and_without_one_robots_wait(floor):
    words = wording(floor.config)
    answers = [plan(floor, f"MOVE {cube}", "WAIT") for cube in ("green_cube_1", "blue_cube_1", "pink_cube_1")]
    rules = Rules(max_queries=3)
    joint = decide(floor, words, Says(*answers), rules, Scores(-3.0, -1.0, -2.0))
    assert texts(floor, joint) == ["MOVE blue_cube_1", "WAIT"]
    assert decide(floor, words, Says("?", "?", plan(floor, "DUMP", "WAIT")), rules) == [0, 0]


def test_one_by_one_each_robot_knows_what_those_before_it_do(floor):
    words, memory = wording(floor.config), Memory()
    alice = plan(floor, "MOVE green_cube_1")
    sweep, bob = plan(floor, "SWEEP green_cube_1", first=1), plan(floor, "MOVE green_cube_1", first=1)
    planner, judge = Says(alice, sweep, bob), Scores(0.5, 0.5)
    joint = decide(floor, words, planner, Rules(is_sequential=True), judge, memory)
    assert texts(floor, joint) == ["MOVE green_cube_1", "MOVE green_cube_1"]
    assert verdicts(memory) == ["accepted", "not valid", "accepted"]
    assert judge.asked == [({}, {0: joint[0]}), ({0: joint[0]}, {1: joint[1]})]
    assert "Answer for Alice." in planner.asked[0][-1].content
    assert "Alice will MOVE green_cube_1." in planner.asked[1][-1].content


@pytest.mark.parametrize(("kept", "expected"), [(0, 0), (1, 1), (None, 2)])
def test_history_keeps_the_last_question_and_answer_of_so_many_steps(floor, kept, expected):
    words, memory, says = wording(floor.config), Memory(), plan(floor, "MOVE green_cube_1", "WAIT")
    for _ in range(2):
        decide(floor, words, Says("no plan", says), Rules(history=kept), None, memory)
    planner = Says(says)
    decide(floor, words, planner, Rules(history=kept), None, memory)
    (talk,) = planner.asked
    assert [message.role for message in talk] == ["system", *["user", "assistant"] * expected, "user"]
    assert sum(message.content == says for message in talk) == expected


def test_refusals_are_remembered_where_the_rules_say_so(floor):
    words, memory, says = wording(floor.config), Memory(), plan(floor, "WAIT", "WAIT")
    planner = Says(plan(floor, "DUMP", "WAIT"), says, says)
    for _ in range(2):
        decide(floor, words, planner, Rules(remembers_refusals=True), None, memory)
    told = "[Reflection]\nIn step 0: Alice cannot DUMP: the dustpan is empty.\n[State]\n"
    assert planner.asked[2][1].content.startswith(told)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.rules])
def test_user_and_assistant_take_turns_behind_the_system_message_in_every_method(floor, name):
    """As the chat templates of many models ask for; some of them refuse everything else."""
    words = wording(floor.config)

    class Slips:
        def __init__(self):
            self.asked = []

        def reply(self, messages):
            self.asked.append([message.role for message in messages])
            if len(self.asked) % 7 == 0:
                raise BadReplyError("no text")
            robots = who_is_asked(messages, words)
            return Reply(
                write_plan(dict.fromkeys(robots, words.read(0, "DUMP" if len(self.asked) % 3 else "WAIT")), words)
            )

    critic = Critic(StructuredEncoder(floor), CriticSettings(hidden=(4,)))
    controls = Controls(max_queries=4, refused=0.5)
    planner = Slips()
    play(floor, choose_by(METHODS[name], floor, words, planner, critic, controls))
    assert len(planner.asked) >= 15
    for roles in planner.asked:
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2 - 1), "user"]


def test_whoever_cannot_be_reached_stops_the_episode(floor):
    with pytest.raises(UnavailableError):
        decide(floor, wording(floor.config), Says(UnavailableError("gone")), Rules())


def test_everything_is_back_at_the_start_after_a_silent_reset_but_the_time(floor):
    words = wording(floor.config)
    move = [words.read(0, "MOVE green_cube_1"), words.read(1, "MOVE green_cube_1")]
    seen = []

    def choose(memory):
        seen.append(floor.fields(0))
        return move

    episode = play(floor, choose, reset_after=2)
    assert (episode.is_done, episode.steps) == (False, 15)
    assert [int(fields["places"][0]) == 254 for fields in seen[:4]] == [True, False, True, False]
    assert [int(fields["timestep"]) for fields in seen] == list(range(15))


def test_waiting_has_its_name_in_every_world_with_words():
    for id in ("cooperation/sort_v0", "cooperation/sandwich_v0", "overcooked/read_cramped_room_v0"):
        batch = games.make_batch(id)
        words = wording(batch.config)
        assert {words.say(0, action) for action in waiting(words, len(batch.agents))} <= {"WAIT", "stay"}


def test_a_coin_refuses_as_often_as_it_is_told():
    """A binomial of 4,000: four standard deviations are 0.028."""
    coin = Coin(0.3, seed=1)
    assert np.mean([coin.score(None, {}, {}) < 0 for _ in range(4000)]) == pytest.approx(0.3, abs=0.028)


def test_a_shuffled_judge_gives_each_plan_the_score_of_another_and_always_the_same():
    class Number:
        def score(self, batch, chosen, plan):
            return 10 * plan[0] + plan[1]

    judge = Shuffled(Number(), 2, 5, seed=3)
    scores = [judge.score(None, {}, {0: a, 1: b}) for a in range(5) for b in range(5)]
    assert sorted(scores) == sorted(10 * a + b for a in range(5) for b in range(5))
    assert scores != [10 * a + b for a in range(5) for b in range(5)]
    assert scores == [judge.score(None, {}, {0: a, 1: b}) for a in range(5) for b in range(5)]
