"""Serving: a production server that finishes the requests it has begun when it is told to stop."""

import json
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import waitress
import waitress.parser
import waitress.utilities
from flask import Flask
from waitress.task import ThreadedTaskDispatcher

THREADS = 8
MOST_WAITING = 64  # requests of one process beside those under way
MOST_CONNECTIONS = 1_000
GRACE_SECONDS = 20  # for requests under way when the server is told to stop
BUSY_SECONDS = 2
LARGEST_REQUEST = (
    8 * 1024 * 1024
)  # the application refuses smaller ones with a problem; this is the last wall
LONGEST_HEADERS = 64 * 1024


class TooManyWaiting:
    """The answer to a request that finds too many waiting before it; the server writes it by itself."""

    code, reason = 503, "Service Unavailable"

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status, headers and body, as every other problem has them."""
        problem = {
            "type": "/problems/too-many-waiting",
            "title": "Too many waiting",
            "status": self.code,
            "detail": f"{MOST_WAITING} requests wait already; nothing was changed. Ask again in a moment.",
            "name": "TooManyWaiting",
        }
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Retry-After", str(BUSY_SECONDS)),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return f"{self.code} {self.reason}", headers, json.dumps(problem).encode()


class Queue(ThreadedTaskDispatcher):
    """First come, first served, up to a length; who comes then is told so at once and need not wait."""

    def __init__(self) -> None:
        super().__init__()
        # Who refuses does nothing else, or a refusal would wait as well.
        self.refusing = ThreadedTaskDispatcher()
        self.refusing.set_thread_count(1)

    def add_task(self, task: Any) -> None:
        """Take a request in. It is one of a connection, and a connection waits with one at a time."""
        if len(self.queue) < MOST_WAITING:
            with self.lock:
                self.queue.append(task)
                self.queue_cv.notify()
        else:
            task.requests[0].error = TooManyWaiting()
            self.refusing.add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = GRACE_SECONDS) -> bool:
        """Let those under way come to their end."""
        return bool(super().shutdown(cancel_pending, GRACE_SECONDS))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; several workers share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(1024)
    return listening


def serve(make_app: Callable[[], Flask], listening: socket.socket, *, workers: int, proxies: int = 0) -> None:
    """Serve until SIGTERM or Ctrl-C. Each worker makes its own application, and so its own connections.

    What `proxies` say of the caller is handed on to the application; of anybody else it is left out.
    """
    if workers == 1:
        _work(make_app, listening, proxies)
        return
    children = {_start(make_app, listening, proxies) for _ in range(workers)}
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while children:
        child, _ = os.wait()
        children.discard(child)
        if not stopping:  # a worker that died is replaced
            children.add(_start(make_app, listening, proxies))


def _start(make_app: Callable[[], Flask], listening: socket.socket, proxies: int) -> int:
    child = os.fork()
    if child == 0:
        try:
            _work(make_app, listening, proxies)
        finally:
            os._exit(0)
    return child


def _work(make_app: Callable[[], Flask], listening: socket.socket, proxies: int) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        # Without this, waitress drops the requests that are under way.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    # A body in a coding that nobody knows is refused as every other wrong request is, not as our fault.
    waitress.parser.ServerNotImplemented = waitress.utilities.BadRequest
    queue = Queue()
    queue.set_thread_count(THREADS)
    waitress.serve(
        make_app(),
        _server=partial(waitress.create_server, _dispatcher=queue),
        sockets=[listening],
        connection_limit=MOST_CONNECTIONS,
        asyncore_use_poll=True,
        ident=None,
        max_request_body_size=LARGEST_REQUEST,
        max_request_header_size=LONGEST_HEADERS,
        clear_untrusted_proxy_headers=not proxies,
        channel_timeout=60,
        _quiet=True,
    )
