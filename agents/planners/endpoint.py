"""Planners behind any server that speaks the chat-completions form of OpenAI's HTTP interface.

The key stands in an environment variable and nowhere else: it is sent in the Authorization header, and neither
messages, recordings nor errors have it. Whatever comes back is untrusted: its size, time, encoding and form are
checked, and the text of a server's error is not repeated, because servers quote keys in them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import numpy as np

from agents.planners.protocol import (
    BadReplyError,
    Message,
    PlannerError,
    RefusedError,
    Reply,
    UnavailableError,
    shorten,
)

COME_BACK = frozenset({408, 409, 425, 429, 500, 502, 503, 504})  # statuses after which asking again may help
MAX_COUNT = 1 << 31  # of tokens; a server that says more does not count


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """How an endpoint is asked.

    Attributes:
        temperature: Of sampling.
        top_p: Share of the likeliest tokens that are sampled from.
        max_tokens: Of a reply.
        options: More entries of the request's body, which replace those above by their names in it.
        key_variable: Environment variable of the key; None: the server wants none.
        timeout_s: Seconds for one request, until the last byte of its reply.
        max_attempts: Requests for one reply.
        backoff_s: Seconds before the second request, at most; twice as many before each later one, and each time a
            uniform share of them, so that many clients do not come back together.
        max_wait_s: Seconds that one wait may take, also when the server asks for more; then it is given up.
        requests_per_minute: Requests are spaced by 60 / this many seconds; None: as fast as they come.
        max_reply_bytes: Of a reply's body.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    options: dict[str, Any] = field(default_factory=dict)
    key_variable: str | None = "OPENAI_API_KEY"
    timeout_s: float = 60.0
    max_attempts: int = 5
    backoff_s: float = 1.0
    max_wait_s: float = 60.0
    requests_per_minute: float | None = None
    max_reply_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        for name in ("timeout_s", "max_attempts", "backoff_s", "max_wait_s", "max_reply_bytes", "max_tokens"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        if self.requests_per_minute is not None and not self.requests_per_minute > 0:
            raise ValueError(f"requests_per_minute must be above 0 or None, got {self.requests_per_minute!r}")


class EndpointPlanner:
    """Asks a server for each reply.

    Args:
        base_url: Up to the version, as `http://localhost:8000/v1`; `/chat/completions` is added.
        model: What the server calls its model.
        settings: How it is asked.
        sleep: Waits so many seconds.
        clock: Seconds from any fixed moment.
        seed: Of the shares that waits are of.

    Raises:
        ValueError: The address is none, or has a name and password in it.
        PlannerError: The environment variable of the key is not set, or no header can carry what it has.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        settings: EndpointSettings | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
    ) -> None:
        self._settings = settings or EndpointSettings()
        self._url, self._model = _check_url(base_url), model
        self._sleep, self._clock, self._rng = sleep, clock, np.random.default_rng(seed)
        self._next_start = -np.inf  # by the clock
        self._client = httpx.Client(timeout=self._settings.timeout_s, follow_redirects=False)
        self._key()

    def close(self) -> None:
        """Closes connections."""
        self._client.close()

    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns the server's answer.

        Raises:
            UnavailableError: No answer after all attempts.
            RefusedError: The server wants another key, has no such model or address, or is elsewhere.
            BadReplyError: The server refused the question, or answered something that is no reply.
        """
        settings = self._settings
        body = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
            **settings.options,
            "stream": False,
        }
        for attempt in range(1, settings.max_attempts + 1):
            self._keep_rate()
            try:
                content = self._post(body)
            except _ComeBackError as error:
                if attempt == settings.max_attempts:
                    raise UnavailableError(f"{self._url}: {error} in the last of {attempt} attempts") from None
                self._wait(error, attempt)
                continue
            return self._read(content, attempt)
        raise AssertionError("the last attempt returns or raises")

    def _key(self) -> str | None:
        name = self._settings.key_variable
        if name is None:
            return None
        if not (key := os.environ.get(name)):
            raise PlannerError(f"{self._url} needs a key: set the environment variable {name}")
        if not all("!" <= character <= "~" for character in key):
            raise PlannerError(f"{name} has a blank, a line end or another character that no key has: set it again")
        return key

    def _keep_rate(self) -> None:
        if self._settings.requests_per_minute is None:
            return
        now = self._clock()
        if now < self._next_start:
            self._sleep(self._next_start - now)
        self._next_start = max(now, self._next_start) + 60 / self._settings.requests_per_minute

    def _wait(self, error: _ComeBackError, attempt: int) -> None:
        """Waits as the server asks, else for a random share of a time that doubles."""
        longest = self._settings.max_wait_s
        if error.retry_after_s is not None and error.retry_after_s > longest:
            raise UnavailableError(
                f"{self._url}: {error}, to be asked again in {error.retry_after_s:.0f} s; at most {longest:.0f} s "
                "are waited"
            ) from None
        backoff = min(longest, self._settings.backoff_s * 2 ** (attempt - 1)) * self._rng.random()
        self._sleep(max(error.retry_after_s or 0.0, backoff))

    def _post(self, body: dict[str, Any]) -> bytes:
        """Returns the content of a successful response."""
        headers = {"Accept-Encoding": "identity"}  # so that bytes counted are bytes sent
        if (key := self._key()) is not None:
            headers["Authorization"] = f"Bearer {key}"
        deadline = self._clock() + self._settings.timeout_s
        try:
            with self._client.stream("POST", self._url, json=body, headers=headers) as response:
                self._check_status(response)
                return self._receive(response, deadline)
        except httpx.TimeoutException:
            raise _ComeBackError("no reply in time") from None
        except httpx.TransportError as error:
            raise _ComeBackError(f"the connection failed ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            raise BadReplyError(f"{self._url}: no readable response ({type(error).__name__})") from None

    def _check_status(self, response: httpx.Response) -> None:
        if response.status_code in COME_BACK:
            raise _ComeBackError(f"status {response.status_code}", _retry_after(response.headers.get("Retry-After")))
        if response.status_code == 200:
            return
        said = f"{self._url}: status {response.status_code}"
        if check := self._what_to_check(response.status_code):
            raise RefusedError(f"{said}; check {check}")
        raise BadReplyError(said)

    def _what_to_check(self, status: int) -> str:
        """Returns what is wrong where every question would be refused alike; empty where another one may pass."""
        name = self._settings.key_variable
        key = "key_variable, which is not set" if name is None else f"the key in the environment variable {name}"
        known = {
            401: key,
            403: f"{key}, and what it may use",
            404: f"the address, and the model's name {self._model!r}",
        }
        return "the address, which is elsewhere now" if 300 <= status < 400 else known.get(status, "")

    def _receive(self, response: httpx.Response, deadline: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self._settings.max_reply_bytes:
                raise BadReplyError(f"{self._url}: the reply has more than {self._settings.max_reply_bytes} bytes")
            if self._clock() > deadline:
                raise _ComeBackError("no whole reply in time")
        return bytes(content)

    def _read(self, content: bytes, attempts: int) -> Reply:
        try:
            document = json.loads(content.decode("utf-8"))
            text = document["choices"][0]["message"]["content"]
        except UnicodeDecodeError:
            raise BadReplyError(f"{self._url}: the reply is not UTF-8") from None
        except (ValueError, RecursionError):  # no JSON, or numbers of thousands of digits, or nested too deeply
            raise BadReplyError(f"{self._url}: the reply is not JSON") from None
        except (KeyError, IndexError, TypeError):
            text = None
        if not isinstance(text, str):
            raise BadReplyError(f"{self._url}: the reply has no text at choices[0].message.content")
        if (key := self._key()) is not None:
            text = text.replace(key, "[key]")
        usage = document.get("usage")
        readable = text.encode("utf-8", "replace").decode()  # halves of characters stand in JSON, but in no file
        return Reply(shorten(readable), _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"), attempts)

    def __repr__(self) -> str:
        return f"EndpointPlanner({self._url!r}, {self._model!r})"


class _ComeBackError(Exception):
    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


def _check_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url.rstrip("/") + "/chat/completions")
    except httpx.InvalidURL:
        raise ValueError("base_url is no address") from None
    if url.userinfo or url.query:
        raise ValueError("base_url must have no name, password or query in it: it is written into recordings")
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must be like http://localhost:8000/v1, got {base_url!r}")
    return str(url)


def _retry_after(value: str | None) -> float | None:
    """Returns seconds from a header that has them or a date; None where it has neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    now = datetime.now(UTC)
    return max(0.0, (date - (now if date.tzinfo else now.replace(tzinfo=None))).total_seconds())


def _count(usage: Any, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_COUNT else None
