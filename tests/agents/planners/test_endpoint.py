"""The endpoint planner against a real server that behaves well, badly, slowly, and not at all."""

import json
import traceback
from email.utils import formatdate

import pytest
from chat_server import completion, cut_short, drip, raw, serve, stall

from agents.planners.endpoint import EndpointPlanner, EndpointSettings
from agents.planners.protocol import (
    MAX_REPLY_CHARACTERS,
    BadReplyError,
    Message,
    PlannerError,
    RefusedError,
    UnavailableError,
)

KEY = "key-that-nobody-may-see-0123456789"
ASK = [Message("system", "Play."), Message("user", "What now?")]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Waits:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


def ask(server, waits=None, **settings):
    waits = waits or Waits()
    planner = EndpointPlanner(
        server.base_url, "small", EndpointSettings(**settings), sleep=waits.sleep, clock=waits.clock
    )
    try:
        return planner.reply(ASK)
    finally:
        planner.close()


def test_a_reply_has_text_and_counts_and_the_request_is_the_known_form():
    with serve(completion("EXECUTE", prompt_tokens=12, completion_tokens=3)) as server:
        reply = ask(server, temperature=0.5, options={"seed": 4})
        (request,) = server.requests
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens, reply.attempts) == ("EXECUTE", 12, 3, 1)
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert request["body"] == {
        **{"model": "small", "temperature": 0.5, "top_p": 1.0, "max_tokens": 512, "seed": 4, "stream": False},
        "messages": [{"role": "system", "content": "Play."}, {"role": "user", "content": "What now?"}],
    }


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": -1},
        {"prompt_tokens": "many"},
        {"prompt_tokens": True, "completion_tokens": None},
        {"prompt_tokens": 10**19, "completion_tokens": 2**31 + 1},
    ],
)
def test_counts_that_are_none_are_none(usage):
    with serve(completion("x", **usage)) as server:
        reply = ask(server)
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status):
    with serve(raw(b"later", status), raw(b"later", status), completion("ok")) as server:
        waits = Waits()
        assert ask(server, waits).attempts == 3
        assert len(server.requests) == 3
    assert 0 <= waits.slept[0] <= 1
    assert 0 <= waits.slept[1] <= 2


def test_waits_double_up_to_the_longest():
    with serve(raw(b"", 500)) as server:
        waits = Waits()
        with pytest.raises(UnavailableError, match="status 500 in the last of 7 attempts"):
            ask(server, waits, max_attempts=7, backoff_s=4, max_wait_s=10)
        assert len(server.requests) == 7
    assert all(wait <= longest for wait, longest in zip(waits.slept, (4, 8, 10, 10, 10, 10), strict=True))
    assert max(waits.slept[2:]) > 4


def test_a_server_that_says_when_is_not_asked_earlier():
    with serve(raw(b"", 429, Retry_After="7"), completion("ok")) as server:
        waits = Waits()
        ask(server, waits)
    assert waits.slept[0] >= 7
    with serve(raw(b"", 503, Retry_After=formatdate(4102444800, usegmt=True))) as server:  # the year 2100
        with pytest.raises(UnavailableError, match="at most 60 s are waited"):
            ask(server)
        assert len(server.requests) == 1
    with serve(raw(b"", 429, Retry_After="soon"), completion("ok")) as server:
        assert ask(server).attempts == 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_question_is_no_reply(status):
    with serve(raw(b"no", status)) as server:
        with pytest.raises(BadReplyError, match=f"status {status}$"):
            ask(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "check"),
    [
        (301, "the address, which is elsewhere"),
        (401, "the key in the environment variable OPENAI_API_KEY"),
        (403, "the key in the environment variable OPENAI_API_KEY, and what it may use"),
        (404, "the address, and the model's name 'small'"),
    ],
)
def test_who_refuses_every_question_alike_says_what_to_check(status, check):
    with serve(raw(b"no", status, Location="/elsewhere")) as server:
        with pytest.raises(RefusedError, match=f"status {status}; check {check}") as error:
            ask(server)
        assert "\n" not in str(error.value)
        assert len(server.requests) == 1
    with serve(raw(b"no", 401)) as server, pytest.raises(RefusedError, match="check key_variable, which is not set"):
        ask(server, key_variable=None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{not json", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"choices": [{"message": {"content": "\xff\xfe"}}]}', "not UTF-8"),
        (b"[]", "no text"),
        (b'"text"', "no text"),
        (b'{"choices": []}', "no text"),
        (b'{"choices": {}}', "no text"),
        (b'{"choices": [{"message": null}]}', "no text"),
        (b'{"choices": [{"message": {"content": null}}]}', "no text"),
        (b'{"choices": [{"message": {"content": [{"text": "EXECUTE"}]}}]}', "no text"),
        (b'{"error": {"message": "overloaded"}}', "no text"),
        (b'{"choices": [], "usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}", "not JSON"),
        (b'{"choices": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_what_is_no_reply_is_refused(content, message):
    with serve(raw(content)) as server:
        with pytest.raises(BadReplyError, match=message):
            ask(server)
        assert len(server.requests) == 1


def test_huge_replies_are_cut_off_and_long_texts_are_cut():
    with serve(raw(b" " * 300_000)) as server, pytest.raises(BadReplyError, match="more than 65536 bytes"):
        ask(server, max_reply_bytes=1 << 16)
    with serve(completion("a" * 50_000)) as server:
        assert ask(server).text == "a" * MAX_REPLY_CHARACTERS


def test_halves_of_characters_are_replaced():
    with serve(raw(b'{"choices": [{"message": {"content": "a\\ud800b"}}]}')) as server:
        assert ask(server).text == "a?b"


def test_a_reply_that_breaks_off_is_asked_for_again():
    with serve(cut_short, completion("whole")) as server:
        assert ask(server).text == "whole"
    with serve(cut_short) as server, pytest.raises(UnavailableError, match="the connection failed"):
        ask(server, max_attempts=2)


def test_a_silent_server_is_left_in_time():
    with serve(stall) as server, pytest.raises(UnavailableError, match="no reply in time in the last of 2 attempts"):
        ask(server, timeout_s=0.1, max_attempts=2)


def test_a_server_that_drips_is_left_in_time():
    """With the real clock: each byte comes in time, the whole never."""
    with serve(drip) as server:
        planner = EndpointPlanner(server.base_url, "small", EndpointSettings(timeout_s=0.3, max_attempts=1))
        with pytest.raises(UnavailableError, match="no whole reply in time"):
            planner.reply(ASK)
        planner.close()


def test_nobody_there():
    with serve(completion("x")) as server:
        url = server.base_url
    planner = EndpointPlanner(url, "small", EndpointSettings(max_attempts=2), sleep=Waits().sleep)
    with pytest.raises(UnavailableError, match="the connection failed"):
        planner.reply(ASK)
    planner.close()


def test_requests_keep_their_rate():
    with serve(raw(b"", 500), completion("ok")) as server:
        waits = Waits()
        settings = EndpointSettings(requests_per_minute=20, backoff_s=1e-9)
        planner = EndpointPlanner(server.base_url, "m", settings, sleep=waits.sleep, clock=waits.clock)
        starts = []
        for _ in range(3):
            planner.reply(ASK)
            starts.append(round(waits.now, 6))
        planner.close()
    assert starts == [3, 6, 9], "the first reply took two requests"


def test_without_a_key_the_error_says_which_variable_to_set(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(PlannerError, match="set the environment variable OPENAI_API_KEY"):
        EndpointPlanner("http://127.0.0.1:1/v1", "small")
    with serve(completion("ok")) as server:
        assert ask(server, key_variable=None).text == "ok"
        assert "Authorization" not in server.requests[0]["headers"]


@pytest.mark.parametrize("key", ["sk-7f\u00fc91", "sk-7f91\nx", "sk-7f91\r", "sk-7f 91", " sk-7f91"])
def test_a_key_that_no_header_can_carry_is_refused_by_its_variable(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(PlannerError, match="OPENAI_API_KEY has a blank") as error:
        EndpointPlanner("http://127.0.0.1:1/v1", "small")
    assert "7f" not in str(error.value)


def test_the_key_is_in_no_error_text_or_reply(caplog):
    """Servers quote keys in errors; a traceback with all chained errors is what would be pasted into a forum."""
    caplog.set_level("DEBUG")
    quoted = json.dumps({"error": f"bad key {KEY}"}).encode()
    for answer in (raw(quoted, 401), raw(quoted), raw(quoted, 500), cut_short, stall):
        with serve(answer) as server:
            try:
                ask(server, max_attempts=1, timeout_s=0.1)
            except PlannerError:
                assert KEY not in traceback.format_exc()
            else:
                pytest.fail("no reply was expected")
    with serve(completion(f"the key is {KEY}")) as server:
        assert ask(server).text == "the key is [key]"
        planner = EndpointPlanner(server.base_url, "small")
        assert KEY not in repr(planner)
        planner.close()
    assert KEY not in caplog.text


@pytest.mark.parametrize("url", ["http://me:secret@127.0.0.1/v1", "http://127.0.0.1/v1?key=secret"])
def test_an_address_with_a_secret_in_it_is_refused(url):
    with pytest.raises(ValueError, match="base_url must have no name") as error:
        EndpointPlanner(url, "small")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "file:///etc/passwd", "ftp://127.0.0.1/v1"])
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(ValueError, match="base_url"):
        EndpointPlanner(url, "small")


@pytest.mark.parametrize("name", ["timeout_s", "max_attempts", "max_reply_bytes", "requests_per_minute"])
def test_settings_that_cannot_be_are_refused(name):
    with pytest.raises(ValueError, match=name):
        EndpointSettings(**{name: 0})
