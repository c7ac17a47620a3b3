"""What every planner is: chat messages in, a text out, with what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")

MAX_REPLY_CHARACTERS = 16_384  # of a text that a planner returns; what is longer was cut


@dataclass(frozen=True)
class Message:
    """One message of a conversation.

    Attributes:
        role: Who says it; "assistant" is the planner.
        content: What is said.
    """

    role: Role
    content: str


@dataclass(frozen=True)
class Reply:
    """A planner's answer. It is untrusted: `plans.read_plan` reads it, and nothing else should.

    Attributes:
        text: At most MAX_REPLY_CHARACTERS characters.
        prompt_tokens: Tokens read, or None where the planner does not count.
        completion_tokens: Tokens written, or None.
        attempts: Requests that it took; more than 1 where some had to be repeated.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    attempts: int = 1


class PlannerError(RuntimeError):
    """A planner that could not answer."""


class UnavailableError(PlannerError):
    """Nobody answered in time, or the answer was to come back later, as often as was tried."""


class RefusedError(PlannerError):
    """Nobody here answers to this key, address or model, whatever is asked."""


class BadReplyError(PlannerError):
    """Something answered that is not a planner's reply, or refused the question."""


class Planner(Protocol):
    """Answers one question at a time. A call that returns is one query, whatever the text is worth."""

    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns the next message of a conversation.

        Args:
            messages: All of it, oldest first; the last one is not the planner's.

        Raises:
            PlannerError: There is no answer.
        """
        ...


@dataclass
class Usage:
    """What a number of queries cost together.

    Attributes:
        queries: Replies, those that were no plan included.
        failures: Questions without a reply.
        prompt_tokens: Tokens read, as far as planners count.
        completion_tokens: Tokens written, as far as planners count.
        attempts: Requests.
    """

    queries: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 0

    def add(self, reply: Reply) -> None:
        """Counts a reply."""
        self.queries += 1
        self.prompt_tokens += reply.prompt_tokens or 0
        self.completion_tokens += reply.completion_tokens or 0
        self.attempts += reply.attempts


def shorten(text: str) -> str:
    """Returns a text cut to what a reply may have."""
    return text[:MAX_REPLY_CHARACTERS]
