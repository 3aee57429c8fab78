"""Serving: a production server that finishes the requests it has begun when it is told to stop."""

import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

import waitress
import waitress.parser
import waitress.utilities
from flask import Flask

THREADS = 8
LARGEST_REQUEST = (
    8 * 1024 * 1024
)  # the application refuses smaller ones with a problem; this is the last wall
LONGEST_HEADERS = 64 * 1024


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
    waitress.serve(
        make_app(),
        sockets=[listening],
        threads=THREADS,
        ident=None,
        max_request_body_size=LARGEST_REQUEST,
        max_request_header_size=LONGEST_HEADERS,
        clear_untrusted_proxy_headers=not proxies,
        channel_timeout=60,
        _quiet=True,
    )
