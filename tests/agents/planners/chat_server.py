"""A real HTTP server on this machine that answers chat completions by a script, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the server's next answer to each request."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(content)})
        self.server.answers[min(len(self.server.requests), len(self.server.answers)) - 1](self)
        self.close_connection = True

    def send(self, content: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Holds the script and the requests."""

    daemon_threads = True

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = answers, list[dict[str, Any]]()
        self.may_go_on = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def serve(*answers: Answer) -> Iterator[Server]:
    """Runs a server that gives these answers in turn, and the last one for ever."""
    server = Server(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.may_go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def completion(text: Any, **usage: Any) -> Answer:
    """A good answer."""
    document = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
    if usage:
        document["usage"] = usage
    return lambda handler: handler.send(json.dumps(document).encode())


def raw(content: bytes, status: int = 200, **headers: str) -> Answer:
    """These bytes."""
    return lambda handler: handler.send(content, status, **headers)


def cut_short(handler: Handler) -> None:
    """Half of what it announces."""
    handler.send(b'{"choices": [', length=500)


def stall(handler: Handler) -> None:
    """Nothing, until the test is over."""
    handler.server.may_go_on.wait(20)


def drip(handler: Handler) -> None:
    """A byte at a time, faster than a time limit between bytes would notice, for as long as somebody listens."""
    handler.send(b" ", length=1 << 20)
    try:
        while not handler.server.may_go_on.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        pass
