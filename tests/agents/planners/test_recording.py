"""Conversations on disk: they can be played again, outlive a kill, and are checked when they are read."""

import json

import pytest

import games
from agents.planners.protocol import (
    BadReplyError,
    Message,
    PlannerError,
    RefusedError,
    Reply,
    UnavailableError,
    Usage,
)
from agents.planners.recording import RecordingPlanner, ReplayPlanner, pack, read_conversation
from games.wording import wording
from marl.read.methods import METHODS, Controls, choose_by
from marl.read.refine import play, transcript

FIRST = [Message("system", "Play."), Message("user", "What now?")]
SECOND = [*FIRST, Message("assistant", "ä\n\ud800"), Message("user", "Again.")]


class Script:
    """Answers by a list; an error in it is raised."""

    def __init__(self, *replies):
        self.replies = list(replies)

    def reply(self, messages):
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


REPLIES = (Reply("ä\n\ud800", 5, 2), BadReplyError("no text"), Reply("EXECUTE", None, None, 3))


def record(path):
    recorder = RecordingPlanner(Script(*REPLIES), path)
    assert recorder.reply(FIRST) == REPLIES[0]
    with pytest.raises(BadReplyError):
        recorder.reply(SECOND)
    assert recorder.reply(SECOND) == REPLIES[2]
    return recorder


def test_a_recording_is_played_again(tmp_path):
    recorder = record(tmp_path / "talk.jsonl")
    assert recorder.usage == Usage(queries=2, failures=1, prompt_tokens=5, completion_tokens=2, attempts=4)
    planner = ReplayPlanner(tmp_path / "talk.jsonl")
    assert planner.reply(FIRST) == REPLIES[0]
    with pytest.raises(BadReplyError, match="no text"):
        planner.reply(SECOND)
    assert planner.reply(SECOND) == REPLIES[2]
    with pytest.raises(PlannerError, match="no more questions"):
        planner.reply(SECOND)


@pytest.mark.parametrize("error", [BadReplyError, UnavailableError, RefusedError, PlannerError])
def test_errors_are_raised_again_as_what_they_were(tmp_path, error):
    with pytest.raises(error, match="gone"):
        RecordingPlanner(Script(error("gone")), tmp_path / "talk.jsonl").reply(FIRST)
    with pytest.raises(error, match="gone") as raised:
        ReplayPlanner(tmp_path / "talk.jsonl").reply(FIRST)
    assert raised.type is error


def test_an_episode_with_bad_replies_in_it_is_played_again_word_for_word(tmp_path):
    batch = games.make_batch("cooperation/sweep_v0", level="y1_g1", autoreset="disabled")
    words, waits = wording(batch.config), Reply("EXECUTE\nNAME Alice ACTION WAIT\nNAME Bob ACTION WAIT", 9, 7)
    script = Script(*[BadReplyError("status 400"), Reply("I do not know."), waits, BadReplyError("no text")] * 8)
    path, told = tmp_path / "talk.jsonl", []
    for planner in (RecordingPlanner(script, path), ReplayPlanner(path)):
        choose = choose_by(METHODS["reflexion"], batch, words, planner, None, Controls(max_queries=3))
        episode = play(batch, choose)
        told.append((transcript(episode), episode.memory.usage, episode.steps))
    assert told[0] == told[1]
    said, packed = list(map(repr, read_conversation(path))), pack(path)
    assert list(map(repr, read_conversation(packed))) == said
    assert not path.exists()
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ValueError, match="is damaged"):
        list(read_conversation(packed))
    assert episode.count("no reply") == episode.memory.usage.failures > 5


def test_another_question_is_not_answered(tmp_path):
    record(tmp_path / "talk.jsonl")
    with pytest.raises(PlannerError, match="question 1 is not the one that is asked"):
        ReplayPlanner(tmp_path / "talk.jsonl").reply(SECOND)


def test_each_line_is_on_the_disk_before_the_answer_is_used(tmp_path):
    recorder = RecordingPlanner(Script(*REPLIES), tmp_path / "talk.jsonl")
    recorder.reply(FIRST)
    assert len((tmp_path / "talk.jsonl").read_bytes().splitlines()) == 1


def test_half_a_line_of_a_killed_process_is_dropped(tmp_path):
    path = tmp_path / "talk.jsonl"
    record(path)
    whole = path.read_bytes()
    for cut in (1, 20, len(whole.splitlines()[-1])):
        path.write_bytes(whole[:-cut])
        assert len(list(read_conversation(path))) == 2
        RecordingPlanner(Script(REPLIES[2]), path).reply(SECOND)
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"messages": [], "reply": {}}',
        '{"messages": [], "reply": {"text": 5}}',
        '{"messages": [], "reply": {"text": "x", "attempts": "many"}}',
        '{"messages": [], "reply": {"text": "x", "unknown": 1}}',
        '{"messages": [], "error": "gone", "kind": "unknown"}',
        '{"messages": [], "error": 5, "kind": "error"}',
        '{"messages": [{"role": "judge", "content": "x"}], "reply": {"text": "x"}}',
        '{"messages": [{"role": "user", "content": 3}], "reply": {"text": "x"}}',
    ],
)
def test_what_is_no_record_is_refused_by_its_line(tmp_path, line):
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps({"messages": [], "reply": {"text": "x"}}) + f"\n{line}\n")
    with pytest.raises(ValueError, match="line 2 is no record"):
        list(read_conversation(path))
