"""Serving: a production server that finishes the requests it has begun when it is told to stop."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import waitress
import waitress.parser
import waitress.utilities
from flask import Flask
from waitress import wasyncore
from waitress.buffers import OverflowableBuffer
from waitress.task import ThreadedTaskDispatcher

from api.errors import NoRoomForBody

THREADS = 8
MOST_WAITING = 64  # requests of one process beside those under way
MOST_CONNECTIONS = 1_000
GRACE_SECONDS = 20  # for requests under way when the server is told to stop, and for their answers
LAST_SECONDS = 2  # to tell those who wait even then
BUSY_SECONDS = 2
LARGEST_REQUEST = (
    8 * 1024 * 1024
)  # the application refuses smaller ones with a problem; this is the last wall
LONGEST_HEADERS = 64 * 1024


@dataclass(frozen=True)
class NotTaken:
    """The answer to a request that is not even begun; the server writes it by itself."""

    name: str
    title: str
    sentence: str
    code: int = 503
    reason: str = "Service Unavailable"

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status, headers and body, as every other problem has them."""
        problem = {
            "type": f"/problems/{self.title.lower().replace(' ', '-')}",
            "title": self.title,
            "status": self.code,
            "detail": self.sentence,
            "name": self.name,
        }
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Retry-After", str(BUSY_SECONDS)),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return f"{self.code} {self.reason}", headers, json.dumps(problem).encode()


TOO_MANY_WAITING = NotTaken(
    "TooManyWaiting",
    "Too many waiting",
    f"{MOST_WAITING} requests wait already; nothing was changed. Ask again in a moment.",
)
ENDING = NotTaken("Ending", "Ending", "The server is ending; nothing was changed. Ask again in a moment.")


class Queue(ThreadedTaskDispatcher):
    """First come, first served, up to a length; who comes then is told so at once and need not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = False
        # Who refuses does nothing else, or a refusal would wait as well.
        self.refusing = ThreadedTaskDispatcher()
        self.refusing.set_thread_count(1)

    def add_task(self, task: Any) -> None:
        """Take a request in. It is one of a connection, and a connection waits with one at a time."""
        if self.ending:
            self._refuse(task, ENDING)
        elif len(self.queue) < MOST_WAITING:
            with self.lock:
                self.queue.append(task)
                self.queue_cv.notify()
        else:
            self._refuse(task, TOO_MANY_WAITING)

    def refuse_waiting(self) -> None:
        """Tell those who wait that the server ends."""
        with self.lock:
            waiting = list(self.queue)
            self.queue.clear()
        for task in waiting:
            self._refuse(task, ENDING)

    def _refuse(self, task: Any, answer: NotTaken) -> None:
        task.requests[0].error = answer
        self.refusing.add_task(task)


class Lost:
    """A body that the disk had no room for: whoever reads it is told."""

    def read(self, _size: int = -1) -> bytes:
        """Raises NoRoomForBody."""
        raise NoRoomForBody

    readline = readinto = read


class Body(OverflowableBuffer):
    """A body as it comes; it is heard to its end even on a full disk, for an answer comes after it."""

    full = False

    def append(self, s: bytes) -> None:
        """Keep a piece, as long as there is room."""
        try:
            if not self.full:
                super().append(s)
        except OSError:
            self.full = True

    def getfile(self) -> Any:
        """What is read of it."""
        return Lost() if self.full else super().getfile()


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
        listening.close()  # who comes now is told at once that nobody listens
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
    # A body in a coding that nobody knows is refused as every other wrong request is, not as our fault.
    waitress.parser.ServerNotImplemented = waitress.utilities.BadRequest
    waitress.parser.OverflowableBuffer = Body
    queue = Queue()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        queue.ending = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    queue.set_thread_count(THREADS)
    server = waitress.create_server(
        make_app(),
        _dispatcher=queue,
        sockets=[listening],
        connection_limit=MOST_CONNECTIONS,
        ident=None,
        max_request_body_size=LARGEST_REQUEST,
        max_request_header_size=LONGEST_HEADERS,
        clear_untrusted_proxy_headers=not proxies,
        channel_timeout=60,
    )

    run(server, queue)


def run(server: Any, queue: Queue) -> None:
    """Serve until told to end. Nobody new is taken in then, and what was begun is answered to its last byte.

    The waitress way is to leave its loop and wait for the threads: what a slow reader has not yet taken of
    his answer is lost, for only the loop sends it.
    """
    while not queue.ending:
        _step(server)
    wasyncore.dispatcher.close(server)  # its listening socket alone
    _finish(server, GRACE_SECONDS)
    queue.refuse_waiting()
    _finish(server, LAST_SECONDS)


def _finish(server: Any, seconds: float) -> None:
    """Go on until every request that has begun to come is answered, or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(map(_under_way, list(server.active_channels.values()))):
        _step(server)


def _under_way(channel: Any) -> bool:
    return bool(channel.requests or channel.request or channel.total_outbufs_len)


def _step(server: Any) -> None:
    wasyncore.loop(timeout=0.5, use_poll=True, map=server._map, count=1)
