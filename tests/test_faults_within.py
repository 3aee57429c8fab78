"""Faults within one request: an error at any statement, a disk that takes nothing, a clock that is moved.

All or nothing each time: what was refused left nothing behind, and the same request succeeds afterwards.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from api.auth import Role
from api.migrations.tables import every_table
from inventory import catalog, clinic, proof_of_trail
from inventory.database import Database
from inventory.proof import verify
from tests.bad_input import recorded
from tests.calls import NOW, Clinic, opened
from tests.test_api_stock import receive

MOST_STATEMENTS = 200
BECAUSE = {"reason": "by mistake"}


@contextmanager
def stocked(database: Database) -> Iterator[Clinic]:
    """A clinic with two sites, two shelves, ten vials for one patient each and ten for many."""
    with opened(database) as found:
        with database.write.begin() as db:
            clinic.open_site(
                db, code="SECOND", name="Harbour", country="US", region="North America",
                time_zone="America/New_York",
            )  # fmt: skip
            catalog.item(db, "LIDO-20").in_use_hours = 6
        found.made("/sites/MAIN/places", {"code": "CUP-1", "name": "Cupboard 1", "temperature": "any"})
        receive(found, "HA-3", "A17", "2026-06-30", 10, "16.50")
        receive(found, "LIDO-20", "L1", "2026-12-31", 10, "8.00")
        yield found


@pytest.fixture
def anywhere(database: Database) -> Iterator[Clinic]:
    """The clinic on each engine."""
    with stocked(database) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """A book on SQLite, for what is the same on every engine."""
    database = Database(f"sqlite:///{tmp_path / 'book.sqlite'}")
    every_table().create_all(database.engine)
    yield database
    database.engine.dispose()


@pytest.fixture
def here(file: Database) -> Iterator[Clinic]:
    """The clinic on SQLite."""
    with stocked(file) as found:
        yield found


def lot(here: Clinic, number: str) -> int:
    (key,) = [one["id"] for one in here.seen("/lots")["items"] if one["number"] == number]
    return key


def visit(sku: str = "HA-3", quantity: str = "2") -> dict[str, Any]:
    return {"patient_ref": "P-1", "lines": [{"sku": sku, "quantity": quantity}]}


def load(here: Clinic) -> dict[str, Any]:
    return {"lot": lot(here, "A17"), "quantity": "3"}


def counted(here: Clinic) -> tuple[str, dict[str, Any]]:
    count = here.made("/counts", {"skus": ["HA-3"]})
    for again in (False, True):
        line = {"line": count["lines"][0]["id"], "containers": 9, "again": again}
        answer = here.call("PUT", f"/counts/{count['id']}/lines", {"lines": [line]})
    return f"/counts/{count['id']}/post", {"reason": "weekly", "digest": answer.get_json()["digest"]}


def sent(here: Clinic) -> tuple[str, dict[str, Any]]:
    transfer = here.made("/transfers", {"target": "SECOND", "lines": [load(here)]})
    return f"/transfers/{transfer['id']}/receive", {}


def moved(here: Clinic) -> tuple[str, dict[str, Any]]:
    line = load(here) | {"place": "SHELF"}
    return "/moves", {"to": "CUP-1", "lines": [line]}


CALLS: dict[str, Callable[[Clinic], tuple[str, dict[str, Any]]]] = {
    "session": lambda here: ("/sessions", visit()),
    "session of an opened vial": lambda here: ("/sessions", visit("LIDO-20", "5")),
    "receipt": lambda here: (
        "/receipts",
        {
            "sku": "HA-3", "lot_number": "B2", "expires_on": "2027-01-31", "containers": 2, "unit_cost": "9",
        },
    ),
    "write-off": lambda here: ("/write-offs", load(here) | {"reason": "broken"}),
    "move": moved,
    "transfer": lambda here: ("/transfers", {"target": "SECOND", "lines": [load(here)]}),
    "arrival": sent,
    "opening": lambda here: ("/opened-vials", {"lot": lot(here, "L1")}),
    "discard": lambda here: (
        f"/opened-vials/{here.made('/opened-vials', {'lot': lot(here, 'L1')})['id']}/discard",
        {},
    ),
    "count": counted,
    "reversal": lambda here: (f"/sessions/{here.made('/sessions', visit())['id']}/reverse", BECAUSE),
    "recall": lambda here: (f"/lots/{lot(here, 'A17')}/recall", BECAUSE),
}  # fmt: skip


@contextmanager
def failing_at(database: Database, number: int) -> Iterator[list[str]]:
    """The disk fails at the statement of this number; answers what was asked of the database."""
    asked: list[str] = []

    def fail(*said: Any) -> None:
        asked.append(said[2] if len(said) > 1 else "COMMIT")
        if len(asked) == number:
            raise OperationalError(asked[-1], {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(database.engine, "before_cursor_execute", fail)
    event.listen(database.engine, "commit", fail, insert=True)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", fail)
        event.remove(database.engine, "commit", fail)


@pytest.mark.parametrize("name", ["session", "count", "arrival"])
def test_an_error_at_any_statement_leaves_all_or_nothing_on_each_engine(anywhere, name):
    fail_everywhere(anywhere, name)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"session", "count", "arrival"}))
def test_an_error_at_any_statement_leaves_all_or_nothing(here, name):
    fail_everywhere(here, name)


def fail_everywhere(here: Clinic, name: str) -> None:
    """Let the first statement fail, then the second, until there is none left to fail."""
    path, body = CALLS[name](here)
    key = {"Idempotency-Key": "once"}
    before, kept_before = recorded(here), kept(here)

    for number in range(1, MOST_STATEMENTS):
        with failing_at(here.database, number) as asked:
            answer = here.post(path, body, headers=key)
        if answer.status_code != 503:
            break
        assert answer.get_json()["name"] == "CannotWrite"
        assert kept(here) == kept_before, asked[-1]

    assert answer.status_code in (200, 201), answer.get_data(as_text=True)
    assert number > 10
    assert len(asked) == number - 1
    done = recorded(here)
    assert done != before
    assert kept(here)[1] == kept_before[1] + 1  # none of those before left its key
    assert here.post(path, body, headers=key).data == answer.data
    assert recorded(here) == done
    sound(here)


def kept(here: Clinic) -> tuple[object, ...]:
    """What no transaction leaves as it was: its entry in the trail, its key; and what it is about."""
    asked = sa.text(
        "SELECT (SELECT count(*) FROM trail), (SELECT count(*) FROM request_keys), "
        "(SELECT count(*) FROM movements), (SELECT sum(quantity * quantity) FROM balances)"
    )
    with here.database.read() as db:
        return tuple(db.execute(asked).one())


def sound(here: Clinic) -> None:
    with here.database.read() as db:
        assert [*verify(db), *proof_of_trail.verify(db)] == []


def test_a_book_that_can_only_be_read_is_read_and_says_that_it_cannot_be_written(here):
    before = recorded(here)

    def lock(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    here.database.engine.dispose()
    event.listen(here.database.engine, "connect", lock)
    refused, shown = here.post("/sessions", visit()), here.get("/stock?sku=HA-3")
    here.database.engine.dispose()
    event.remove(here.database.engine, "connect", lock)
    done = here.post("/sessions", visit())

    assert (refused.status_code, refused.get_json()["name"]) == (503, "CannotWrite")
    assert refused.headers["Retry-After"] == "30"
    assert shown.status_code == 200
    assert done.status_code == 201
    assert recorded(here) != before


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1), timedelta(days=-1)])
def test_a_clock_that_is_moved_to_and_fro_changes_no_order_and_breaks_nothing(here, back):
    first = here.made("/sessions", visit())
    vial = here.made("/opened-vials", {"lot": lot(here, "L1")})

    here.clock.now = NOW - back
    answers = [
        here.post("/sessions", visit()),
        here.post("/write-offs", load(here) | {"reason": "broken"}),
        here.post(f"/opened-vials/{vial['id']}/discard", {}),
        here.post("/transfers", {"target": "SECOND", "lines": [load(here)]}),
        here.post(f"/sessions/{first['id']}/reverse", BECAUSE),
    ]
    here.clock.now = NOW + timedelta(minutes=1)
    last = here.made("/sessions", visit())

    assert {answer.status_code for answer in answers} <= {200, 201, 409, 422}
    assert answers[0].status_code == 201  # a patient is in the chair, whatever the clock says
    order = [one["id"] for one in here.seen("/movements?limit=500")["items"]]
    assert order == sorted(order)
    assert last["id"] > answers[0].get_json()["id"] > first["id"]
    sound(here)


MOMENTS = {
    "an hour before clocks go forward": datetime(2026, 3, 8, 6, 30, tzinfo=UTC),
    "an hour before clocks go back": datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    "the hour that comes twice, again": datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    "the evening before a leap day": datetime(2028, 2, 29, 1, 0, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 29, 15, 0, tzinfo=UTC),
    "the last minute of a leap day": datetime(2028, 3, 1, 4, 59, tzinfo=UTC),
    "new year's night in UTC": datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
    "the last second that fits into 32 bits": datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_hours_are_hours_and_days_are_days_whatever_the_calendar_does(file, moment):
    now = MOMENTS[moment]
    with opened(file) as here:
        here.clock.now = now
        with file.write.begin() as db:
            catalog.item(db, "LIDO-20").in_use_hours = 6
            here_today = clinic.site(db, "MAIN").day(now)
        for number, good_until in (("L1", here_today), ("L2", here_today + timedelta(days=1))):
            body = {
                "sku": "LIDO-20", "lot_number": number, "expires_on": str(good_until), "containers": 2,
                "unit_cost": "8.00",
            }  # fmt: skip
            here.made("/receipts", body)
        vial = here.made("/opened-vials", {"lot": lot(here, "L2")})
        treated = here.made("/sessions", visit("LIDO-20", "2"))
        here.clock.now = now + timedelta(hours=5, minutes=59)
        early = here.made("/opened-vials/discard-due", {})
        here.clock.now = now + timedelta(hours=6, minutes=1)
        late = here.made("/opened-vials/discard-due", {})

        assert datetime.fromisoformat(vial["discard_at"]) == now + timedelta(hours=6)
        assert treated["on"] == str(here_today)
        assert vial["id"] not in {one["opened_vial"] for one in early["items"]}
        assert vial["id"] in {one["opened_vial"] for one in [*early["items"], *late["items"]]}
        assert here.get("/valuation?on=2028-02-29", role=Role.ACCOUNTANT).status_code == 200
        assert here.get("/valuation?on=2027-02-29", role=Role.ACCOUNTANT).status_code == 422
        sound(here)


def test_each_site_has_its_own_day_wherever_it_is_and_wherever_the_server_is(file):
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    days = {"Pacific/Kiritimati": "2026-11-23", "Pacific/Pago_Pago": "2026-11-21", "UTC": "2026-11-22"}
    with opened(file) as here:
        here.clock.now = now
        answers = {}
        for number, zone in enumerate(days):
            with file.write.begin() as db:
                clinic.open_site(
                    db, code=f"Z{number}", name=zone, country="US", region="North America", time_zone=zone
                )
            body = {
                "sku": "HA-3", "lot_number": f"L{number}", "expires_on": "2026-11-22", "containers": 2,
                "unit_cost": "8.00", "site": f"Z{number}", "received_on": "2026-11-21",
            }  # fmt: skip
            here.made("/receipts", body)
            answers[zone] = here.post("/sessions", visit() | {"site": f"Z{number}"})

        # On the 22nd the vials may be used; where it is the 23rd they are expired.
        assert answers["Pacific/Kiritimati"].status_code == 409
        for zone in ("Pacific/Pago_Pago", "UTC"):
            assert (answers[zone].status_code, answers[zone].get_json()["on"]) == (201, days[zone])
        sound(here)
