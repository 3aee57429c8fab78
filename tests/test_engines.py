"""A server that is ended, only follows, or cannot be reached: told to come again, and nothing is lost.

On PostgreSQL alone; each test has a server's database of its own and breaks real connections to it.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from api import engines, errors
from api.app import create_app
from api.migrations.tables import every_table
from inventory.ledger import Document
from tests import postgres
from tests.calls import Clinic, opened

NUMBERS = count()
RECEIPT = {
    "sku": "HA-3", "lot_number": "A17", "expires_on": "2026-12-31", "containers": 3, "unit_cost": "16.50",
    "supplier": "SUP-01", "document": "DN-1", "received_on": "2026-01-15", "site": "MAIN",
}  # fmt: skip


@pytest.fixture
def served(postgres_url: str) -> Iterator[Clinic]:
    with postgres.database(postgres_url, f"engine_{os.getpid()}_{next(NUMBERS)}") as url:
        database = engines.postgresql(url)
        every_table().create_all(database.engine)
        with opened(database) as clinic:
            yield clinic
        database.engine.dispose()


def asked_for(address: str) -> dict[str, object]:
    """How a server of an address would be connected to."""
    engine, asked = engines.postgresql(f"postgresql+psycopg://{address}").engine, []
    event.listen(engine, "do_connect", lambda *told: asked.append(dict(told[3])) or _stop())
    with pytest.raises(InterruptedError):
        engine.connect()
    return asked[0]


def _stop() -> None:
    raise InterruptedError


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("vialbook@db.example/vialbook", "require"),
        ("vialbook@10.0.0.7:5433/vialbook", "require"),
        ("vialbook@[2001:db8::7]/vialbook", "require"),
        ("vialbook@/vialbook?host=127.0.0.1:5432&host=db2:5432", "require"),
        ("vialbook@db.example/vialbook?sslmode=verify-full", "verify-full"),
        ("vialbook@db.example/vialbook?sslmode=disable", "disable"),
        ("vialbook@localhost/vialbook", None),
        ("vialbook@127.0.0.1:5433/vialbook", None),
        ("vialbook@[::1]/vialbook", None),
        ("vialbook@/vialbook?host=127.0.0.1:5432&host=127.0.0.1:5433", None),
        ("vialbook@/vialbook?host=/run/postgresql", None),
        ("vialbook@/vialbook", None),
    ],
)
def test_another_machine_is_spoken_to_over_tls_unless_its_address_says_otherwise(address, mode, monkeypatch):
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert asked_for(address).get("sslmode") == mode

    monkeypatch.setenv("PGSSLMODE", "verify-ca")  # which is said too, and read by the library itself
    assert asked_for(address).get("sslmode") == (mode if "sslmode" in address else None)


def receive(clinic: Clinic, key: str):
    return clinic.post("/receipts", RECEIPT, headers={"Idempotency-Key": key})


def receipts(clinic: Clinic) -> int:
    with clinic.database.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(Document))


def end_all_others(db: sa.Connection) -> None:
    """What a server does to its connections when it is stopped for another to lead."""
    db.exec_driver_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def once(served: Clinic, moment: str, words: str = "") -> None:
    """End every connection once, at the first statement that begins with the words, or at the commit."""
    ended = []
    other = sa.create_engine(served.database.engine.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def end(*said: object) -> None:
        if not ended and (not words or str(said[2]).upper().startswith(words)):
            ended.append(said)
            with other.connect() as connection:
                end_all_others(connection)

    event.listen(served.database.engine, moment, end)


def test_connections_that_ended_while_nobody_asked_are_made_anew(served):
    assert receive(served, "one").status_code == 201
    url = served.database.engine.url

    other = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with other.connect() as connection:
        end_all_others(connection)

    assert receive(served, "two").status_code == 201
    assert receipts(served) == 2


def test_a_connection_that_ends_within_a_request_is_replaced_and_the_request_is_done_once(served):
    once(served, "before_cursor_execute", "INSERT INTO MOVEMENTS")

    answer = receive(served, "one")
    if answer.status_code == 503:
        assert answer.headers["Retry-After"] == "1"
        answer = receive(served, "one")

    assert answer.status_code == 201
    assert receive(served, "one").get_data() == answer.get_data()
    assert receipts(served) == 1


def test_a_connection_lost_at_the_commit_is_settled_by_the_key(served):
    once(served, "commit")

    lost = receive(served, "one")

    assert (lost.status_code, lost.get_json()["name"], lost.headers["Retry-After"]) == (503, "Unsettled", "1")
    again = receive(served, "one")
    assert again.status_code == 201
    assert receipts(served) == 1


def test_a_server_that_only_follows_is_left_for_the_one_that_leads(served):
    assert receive(served, "one").status_code == 201
    dialled = []
    event.listen(served.database.engine, "connect", lambda *_: dialled.append("anew"))
    with served.database.engine.connect() as held:
        held.exec_driver_sql("SET default_transaction_read_only = on")
        held.commit()

    answer = receive(served, "two")

    assert answer.status_code in (201, 503), answer.get_data(as_text=True)
    assert dialled  # what refused to write was dropped
    assert receive(served, "two").status_code == 201
    assert receipts(served) == 2


def test_nobody_who_leads_is_said_with_when_to_come_again():
    database = engines.postgresql("postgresql+psycopg://nobody@127.0.0.1:9/none")

    with pytest.raises(sa.exc.OperationalError) as gone:
        database.engine.connect()

    assert errors.is_busy(gone.value)


def test_a_mistake_in_a_statement_is_not_taken_for_a_server_that_is_gone(served):
    with served.database.read() as db, pytest.raises(sa.exc.ProgrammingError) as mistake:
        db.execute(sa.text("SELECT nothing FROM nowhere"))

    assert not errors.is_busy(mistake.value)


def test_who_needs_what_somebody_holds_is_told_to_come_again_and_everybody_else_goes_on(served):
    vials = [RECEIPT, RECEIPT | {"sku": "LIDO-20", "lot_number": "L1"}]
    held, free = (served.made("/receipts", body)["lot"]["id"] for body in vials)
    other = sa.create_engine(served.database.engine.url, poolclass=sa.NullPool)

    def throw_away(lot: int, quantity: str) -> tuple[int, str]:
        answer = served.post("/write-offs", {"lot": lot, "quantity": quantity, "reason": "broken"})
        return answer.status_code, answer.get_json().get("name", "")

    with other.begin() as holder, ThreadPoolExecutor(4) as pool:
        holder.execute(sa.text("SELECT * FROM balances WHERE lot_id = :lot FOR UPDATE"), {"lot": held})
        waiting = [pool.submit(throw_away, held, "3") for _ in range(2)]
        others = [throw_away(free, "20") for _ in range(2)]
        told = [one.result() for one in waiting]

    assert [status for status, _ in others] == [201, 201]
    assert told == [(503, "Busy")] * 2
    assert throw_away(held, "3")[0] == 201  # nobody holds it any more


def test_more_than_the_pool_has_connections_for_are_told_to_come_again_and_none_is_lost(served):
    url = served.database.engine.url
    small = engines.postgresql(url.render_as_string(hide_password=False), pool_size=2, pool_timeout=0.2)
    event.listen(small.engine, "before_cursor_execute", lambda *_: time.sleep(0.02))
    crowd = Clinic(create_app(small, clock=served.clock), small, served.clock, served.tokens)

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda number: receive(crowd, f"crowd-{number}"), range(64)))

    done = [one for one in answers if one.status_code == 201]
    put_off = [one for one in answers if one.status_code == 503]
    others = [one.get_data(as_text=True) for one in answers if one.status_code not in (201, 503)]
    assert others == []
    assert done
    assert {(one.get_json()["name"], one.headers["Retry-After"]) for one in put_off} == {("Busy", "1")}
    assert receipts(served) == len(done)
    assert small.engine.pool.checkedout() == 0
    assert receive(crowd, "afterwards").status_code == 201
    small.engine.dispose()
