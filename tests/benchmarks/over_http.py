"""Through HTTP: what a session costs the processor beyond the domain's own work, and how long it takes."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from waitress import create_server

from api import auth
from api.app import create_app
from api.auth import Role
from tests.benchmarks import book, dispense, timing
from tests.benchmarks.book import Book
from tests.benchmarks.dispense import LotsTaken
from tests.benchmarks.timing import Figure

ADDRESS = "/api/v1/sessions"


def ours(app: Flask, token: str, seed: int = 1) -> Callable[[], LotsTaken]:
    """One session through Flask's test client, with a token and a request key."""
    client, bodies = app.test_client(), iter(_bodies(seed))

    def session() -> LotsTaken:
        answer = client.post(ADDRESS, data=next(bodies), headers=_headers(token))
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return _taken(answer.get_json())

    return session


def through_a_server(port: int, token: str, seed: int) -> Callable[[], LotsTaken]:
    """One session over a connection to a server on this machine."""
    connection, bodies = http.client.HTTPConnection("127.0.0.1", port), iter(_bodies(seed))

    def session() -> LotsTaken:
        connection.request("POST", ADDRESS, next(bodies), _headers(token))
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status == 201, said
        return _taken(said)

    return session


def opened(large: Book) -> tuple[Flask, str]:
    """The application over a book, and a practitioner's token."""
    with large.database.write.begin() as db:
        token = auth.issue_token(db, "Bench", role=Role.MANAGER, at=book.NOW)
    return create_app(large.database, clock=lambda: book.NOW), token


@contextmanager
def serving(app: Flask) -> Iterator[int]:
    """A server of the application on a free port, in a thread of its own."""
    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.close()
        thread.join(timeout=5)


def figures(large: Book, *, rounds: int) -> list[Figure]:
    """Processor time beyond the same session in process; and the wall time over a connection."""
    app, token = opened(large)
    posted, called = timing.in_turn(
        ours(app, token, 4), dispense.ours(large, 5), rounds=rounds, clock=time.process_time
    )
    with serving(app) as port:
        served, done = timing.in_turn(
            through_a_server(port, token, 6), dispense.ours(large, 7), rounds=rounds // 2
        )
    name = f"session of 10 over HTTP, {large.lots:,} lots"
    return [
        Figure(f"{name}: processor time", timing.middle(posted), timing.middle(called), most_over=3),
        Figure(f"{name}: wall time from a client", timing.middle(served), timing.middle(done)),
    ]


def _bodies(seed: int) -> list[bytes]:
    return [
        json.dumps(
            {
                "patient_ref": "P-1",
                "site": "MAIN",
                "lines": [{"sku": book.sku(dose.item), "quantity": str(dose.volume)} for dose in doses],
            }
        ).encode()
        for doses in dispense.sessions(seed)
    ]


def _headers(token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": uuid.uuid4().hex,
        "Content-Type": "application/json",
    }


def _taken(said: dict[str, list[dict[str, str]]]) -> LotsTaken:
    """What a session took of each lot, as the other ways of performing it answer it."""
    return [
        (int(use["lot"]), round((float(use["quantity"]) + float(use["discarded"])) * book.UNIT))
        for use in said["uses"]
    ]
