"""Conversations on disk, one JSON object a line, written as they happen; and planners that repeat them."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.planners.protocol import (
    ROLES,
    BadReplyError,
    Message,
    Planner,
    PlannerError,
    RefusedError,
    Reply,
    UnavailableError,
    Usage,
    shorten,
)

ERRORS: Mapping[str, type[PlannerError]] = {
    **{"bad reply": BadReplyError, "unavailable": UnavailableError, "refused": RefusedError, "error": PlannerError},
}  # by what recordings call them; the last one is any other

PACKED = ".gz"


class RecordingPlanner:
    """Asks another planner and writes down each question with its answer before it returns.

    A line is on the disk before the answer is used. A process that was killed while it wrote leaves half a line, which
    the next recorder of the file takes away.

    Args:
        planner: Who is asked.
        path: The file; lines are added at its end.

    Attributes:
        usage: What the questions of this object have cost.
    """

    def __init__(self, planner: Planner, path: str | os.PathLike[str]) -> None:
        self._planner, self._path = planner, Path(path)
        self.usage = Usage()
        _drop_half_line(self._path)

    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns the other planner's answer; failures are written down and raised again."""
        asked: dict[str, Any] = {"messages": [asdict(message) for message in messages]}
        try:
            reply = self._planner.reply(messages)
        except PlannerError as error:
            self.usage.failures += 1
            kind = next(name for name, known in ERRORS.items() if isinstance(error, known))
            self._append({**asked, "error": str(error), "kind": kind})
            raise
        self.usage.add(reply)
        self._append({**asked, "reply": asdict(reply)})
        return reply

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=True) + "\n"
        with self._path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())


def _drop_half_line(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def pack(path: Path) -> Path:
    """Puts a compressed file in the place of a finished recording, the same bytes for the same words; returns it."""
    packed = path.with_name(path.name + PACKED)
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return packed


def read_conversation(path: str | os.PathLike[str]) -> Iterator[tuple[list[Message], Reply | PlannerError]]:
    """Yields the recorded questions with their replies, or with the errors that were raised in place of replies.

    Half a line at the end, of a recorder that was killed, is left out.

    Args:
        path: Of `RecordingPlanner` or of `pack`.

    Raises:
        ValueError: A line is no record.
    """
    content = Path(path).read_bytes()
    if Path(path).suffix == PACKED:
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged: {error}") from None
    lines = content.split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            messages = [Message(**message) for message in entry["messages"]]
            if any(message.role not in ROLES or not isinstance(message.content, str) for message in messages):
                raise ValueError("a message has an unknown role, or no text")
            outcome = _read_error(entry) if "error" in entry else _read_reply(entry["reply"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: line {number} is no record of a question: {error}") from error
        yield messages, outcome


def _read_error(entry: dict[str, Any]) -> PlannerError:
    if not isinstance(entry["error"], str):
        raise ValueError("an error has a text")
    return ERRORS[entry["kind"]](entry["error"])


def _read_reply(entry: dict[str, Any]) -> Reply:
    reply = Reply(**entry)
    counts = (reply.prompt_tokens, reply.completion_tokens, reply.attempts)
    if not isinstance(reply.text, str) or not all(count is None or isinstance(count, int) for count in counts):
        raise ValueError("a reply has a text and whole numbers")
    return Reply(shorten(reply.text), *counts)


class ReplayPlanner:
    """Gives the recorded answers again, in their order, to the recorded questions; errors too are raised again.

    Args:
        path: A file of `RecordingPlanner` or of `pack`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._records = enumerate(read_conversation(path), 1)

    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns the next recorded answer.

        Raises:
            PlannerError: The recording is at its end, has another question next, or had no answer to this one; then it
                is of the kind that was raised.
        """
        number, record = next(self._records, (0, None))
        if record is None:
            raise PlannerError(f"{self._path} has no more questions")
        if record[0] != list(messages):
            raise PlannerError(f"{self._path}: question {number} is not the one that is asked")
        if isinstance(record[1], PlannerError):
            raise record[1]
        return record[1]
