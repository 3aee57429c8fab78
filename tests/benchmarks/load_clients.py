"""Clients of the load: processes that perform sessions when they are told to, and say how long each took."""

import http.client
import itertools
import json
import multiprocessing
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg

from api import checkpoints, idempotency
from api.idempotency import Answered
from api.settings import utc_now
from inventory import clinic, recording, treatments
from inventory.recording import Signed
from inventory.treatments import Line, Visit
from tests.benchmarks import book, dispense, load_duties
from tests.benchmarks.book import UNIT
from tests.benchmarks.dispense import Dose, LotsTaken
from tests.benchmarks.load_house import House

ADDRESS, CALL = "/api/v1/sessions", "POST /sessions"
PACE_SECONDS = 0.2  # of an unhurried client: as many sessions as a chain of twenty clinics has at its busiest
Session = Callable[[], Any]
Make = Callable[[House, int], Session]

ONE_STATEMENT = """
    WITH need AS (SELECT * FROM unnest(%s::int[], %s::bigint[]) AS t(p, q)),
      cand AS MATERIALIZED (SELECT n.p, n.q, l.id, l.balance, l.unit_cost, l.expiry
        FROM need n CROSS JOIN LATERAL (
          SELECT id, balance, unit_cost, expiry FROM lot
          WHERE product = n.p AND balance > 0 AND expiry >= %s ORDER BY expiry, id LIMIT 4 FOR UPDATE) l),
      run AS (SELECT *, coalesce(sum(balance) OVER (
          PARTITION BY p ORDER BY expiry, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM cand),
      take AS (SELECT p, id, unit_cost, least(balance, q - before) AS t FROM run WHERE before < q),
      up AS (UPDATE lot SET balance = lot.balance - take.t FROM take WHERE lot.id = take.id RETURNING 1),
      ins AS (INSERT INTO ledger (session, product, lot, qty, unit_cost, at)
        SELECT %s, p, id, -t, unit_cost, %s FROM take RETURNING 1)
    SELECT id, t, (SELECT count(*) FROM up), (SELECT count(*) FROM ins) FROM take
"""
"""A whole session as one statement: its lots by FEFO, their movements, their balances."""


def in_process(house: House, number: int) -> Session:
    """A session as the call performs it, without the web: request key, domain, audit trail, commit."""
    database, who = house.opened(log_pages=checkpoints.NET_PAGES), f"Client {number}"
    with database.read() as db:
        site = clinic.site(db, "MAIN")
    asked = (
        ([Line(dose.volume, sku=book.sku(dose.item)) for dose in doses], _body(doses))
        for doses in _doses(number)
    )

    def session() -> LotsTaken:
        (lines, body), now = next(asked), utc_now()
        with database.write() as db:
            recording.sign(db, Signed(who, now, CALL))
            request = idempotency.asked(
                person=who,
                call=CALL,
                key=uuid.uuid4().hex,
                query=b"",
                content_type="application/json",
                body=body,
            )
            assert idempotency.earlier(db, request) is None
            treated = treatments.treat(db, Visit("P-1", now), lines, site=site, recorded_at=now, by=who)
            answer = json.dumps({"id": treated.session.id, "cost": str(treated.cost)}).encode()
            idempotency.remember(db, request, Answered(201, {}, answer), at=now)
            db.commit()
        return [(use.lot_id, int((use.quantity + use.discarded) * UNIT)) for use in treated.uses]

    return session


def bare(house: House, number: int) -> Session:
    """The least: one statement on PostgreSQL, bare sqlite3 on SQLite."""
    asked, today = _doses(number), utc_now()
    return (_bare_file if house.engine == "sqlite" else _bare_server)(house.bare, asked, today)


def _bare_server(place: str, asked: Iterator[list[Dose]], now: datetime) -> Session:
    cursor, today = psycopg.connect(place, autocommit=True, prepare_threshold=1).cursor(), now.date()

    def session() -> LotsTaken:
        doses = sorted(next(asked), key=lambda dose: dose.item)
        items, wanted = [dose.item for dose in doses], [dose.vials * UNIT for dose in doses]
        taken = cursor.execute(ONE_STATEMENT, (items, wanted, today, 1, today)).fetchall()
        assert all(carried == moved == len(taken) >= len(items) for _, _, carried, moved in taken), taken
        return [(lot, much) for lot, much, _, _ in taken]

    return session


def dutiful(house: House, number: int) -> Session:
    """On PostgreSQL: one statement that also writes whatever our rules ask of a session."""
    cursor = psycopg.connect(house.bare, autocommit=True, prepare_threshold=1).cursor()
    every, by = _doses(number), f"Client {number}"

    def session() -> LotsTaken:
        doses = sorted(next(every), key=lambda dose: dose.item)
        lines = [(dose.item, dose.vials * UNIT, int(dose.volume * UNIT)) for dose in doses]
        given = load_duties.asked(lines, now=utc_now(), by=by, body=_body(doses))
        taken = cursor.execute(load_duties.STATEMENT, given).fetchall()
        assert all(carried == len(taken) >= len(lines) for _, _, carried in taken), taken
        return [(lot, much) for lot, much, _ in taken]

    return session


def _bare_file(place: str, asked: Iterator[list[Dose]], now: datetime) -> Session:
    connection = book.bare(Path(place))
    connection.execute("PRAGMA busy_timeout=60000")
    return lambda: dispense.bare_session(connection, 1, _needs(next(asked)), now.date().isoformat())


def _needs(doses: Sequence[Dose]) -> list[tuple[int, int]]:
    return [(dose.item, dose.vials * UNIT) for dose in doses]


def over_http(house: House, number: int) -> Session:
    """A session asked of the server over a connection that stays open."""
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    bodies = map(_body, _doses(number))

    def session() -> object:
        headers = {
            "Authorization": f"Bearer {house.token}",
            "Idempotency-Key": uuid.uuid4().hex,
            "Content-Type": "application/json",
        }
        connection.request("POST", ADDRESS, next(bodies), headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 201, said
        return said

    return session


def unhurried(house: House, number: int) -> Session:
    """The same with a pause between the beginnings."""
    ask, due = over_http(house, number), time.monotonic()

    def session() -> object:
        nonlocal due
        due = max(due + PACE_SECONDS, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        return ask()

    return session


def _doses(number: int) -> Iterator[list[Dose]]:
    return itertools.cycle(dispense.sessions(1_000 + number))


def _body(doses: Sequence[Dose]) -> bytes:
    lines = [{"sku": book.sku(dose.item), "quantity": str(dose.volume)} for dose in doses]
    return json.dumps({"patient_ref": "P-1", "site": "MAIN", "lines": lines}).encode()


@dataclass(frozen=True)
class Burst:
    """What some clients did at once: sessions a second of all, the milliseconds of each session, and those
    of the clients' processors."""

    rate: float
    took: list[float]
    spent: float


@dataclass(frozen=True)
class Clients:
    """Processes that wait to be told."""

    pipes: list[Connection]

    def tell(self, clients: int, each: int) -> None:
        """Have some of them begin with so many sessions each."""
        for pipe in self.pipes[:clients]:
            pipe.send(each)

    def heard(self, clients: int) -> tuple[list[float], float]:
        """Wait for them; the milliseconds of every session, and those of their processors together."""
        said = [pipe.recv() for pipe in self.pipes[:clients]]
        return [one for took, _ in said for one in took], sum(spent for _, spent in said)

    def burst(self, clients: int, each: int) -> Burst:
        """Have some of them do so many sessions each at once."""
        begun = time.perf_counter()
        self.tell(clients, each)
        took, spent = self.heard(clients)
        return Burst(len(took) / (time.perf_counter() - begun), took, spent)


@contextmanager
def clients(make: Make, house: House, count: int) -> Iterator[Clients]:
    """So many processes, each of which is ready; they end with the block."""
    # A fresh interpreter each: a file of SQLite must not be open in a process that forks.
    apart = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes: list[BaseProcess] = []
    for number in range(count):
        ours, theirs = apart.Pipe()
        processes.append(apart.Process(target=_work, args=(make, house, number, theirs), daemon=True))
        processes[-1].start()
        theirs.close()
        pipes.append(ours)
    try:
        working = Clients(pipes)
        working.heard(count)
        yield working
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(30)


def _work(make: Make, house: House, number: int, pipe: Connection) -> None:
    session = make(house, number)
    pipe.send(([], 0.0))
    while True:
        try:
            each = pipe.recv()
        except (EOFError, OSError):
            return  # nobody tells us any more
        took, spent = [], time.process_time()
        for _ in range(each):
            begun = time.perf_counter()
            session()
            took.append((time.perf_counter() - begun) * 1000)
        pipe.send((took, (time.process_time() - spent) * 1000))
