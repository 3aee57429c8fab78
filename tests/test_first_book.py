"""A clinic's book of the first version, written by that version, is this version's after an upgrade."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from api import migrations
from api.auth import MAY, Role
from api.web import accounts, passwords, rights
from inventory import proof
from inventory.database import Database
from pricing import proof as proof_of_quotes
from tests.calls import NOW, opened
from tests.pages import House
from tests.test_web_rights import address

ROWS = Path(__file__).parent / "golden" / "book_of_the_first_version.sql"
FIRST = "0001"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # as the first version kept it: as it is

Kept = dict[str, list[dict[str, object]]]


def written(database: Database) -> Kept:
    """A database of the first version with the rows of its clinic; answers them, table by table."""
    migrations.upgrade(database, to=FIRST)
    with database.engine.begin() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for statement in ROWS.read_text("utf-8").split(";\n"):
            if statement:
                driver: Any = connection.connection.driver_connection
                driver.execute(statement)
        if connection.dialect.name == "postgresql":
            for table in metadata.sorted_tables:
                if "id" in table.c:  # the next row's key, as if the rows had been added one by one
                    numbers = sa.func.pg_get_serial_sequence(f'"{table.name}"', "id")
                    last = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 1)).scalar_subquery()
                    connection.execute(sa.select(sa.func.setval(numbers, last)))
        return read(connection, metadata)


def read(connection: sa.Connection, metadata: sa.MetaData) -> Kept:
    """Every row of these tables, by the columns they had."""
    return {
        table.name: sorted((dict(row) for row in connection.execute(sa.select(table)).mappings()), key=str)
        for table in metadata.sorted_tables
        if table.name != "alembic_version"
    }


@pytest.fixture
def book(empty_database) -> Iterator[tuple[Database, Kept]]:
    """The book after its upgrade, and what was in it before."""
    with empty_database() as database:
        before = written(database)
        migrations.upgrade(database)
        yield database, before


def test_the_first_book_has_something_of_all_that_a_clinic_had(empty_database):
    with empty_database() as database:
        before = written(database)

    for table in (
        "sites", "places", "items", "lots", "receipts", "documents", "movements", "balances", "cost_layers",
        "opened_vials", "treatment_sessions", "allocations", "quotes", "quote_states", "quote_events",
        "courses", "course_sessions", "number_series", "people", "credentials",
    ):  # fmt: skip
        assert before[table], table
    assert {row["kind"] for row in before["documents"]} >= {"receipt", "session", "reversal", "write_off"}
    assert {row["status"] for row in before["quote_states"]} == {"accepted", "issued"}


def test_every_row_of_the_first_book_is_there_as_it_was(book):
    database, before = book
    with database.engine.connect() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection, only=list(before))
        after = read(connection, metadata)

    for table, rows in before.items():
        columns = list(rows[0]) if rows else []
        kept = sorted(({name: row[name] for name in columns} for row in after[table]), key=str)
        assert kept == rows or not columns, table
        assert len(after[table]) == len(rows), table


def test_the_first_book_is_sound_after_its_upgrade(book):
    database, _ = book
    with database.read() as db:
        assert [*proof.verify(db), *proof_of_quotes.verify(db)] == []


def test_the_first_book_is_worked_with_as_before(book):
    database, before = book
    with opened(database, stocked=False) as here:
        house, faults = House(here), {}
        browser = house.as_(Role.ADMIN)
        for call in rights.MAY:
            method, path = address(call)
            if method == "GET" and (answer := browser.get(path)).status_code >= 500:
                faults[call] = answer.status_code
        for call in MAY:
            method, _, rule = call.partition(" ")
            path = re.sub(r"<id:\w+>", "1", rule.replace("<code:sku>", "MP-001"))
            if method == "GET" and (answer := here.get(path, role=Role.ADMIN)).status_code >= 500:
                faults[call] = answer.status_code
        for path in (
            "/",
            "/stock",
            "/lots/1",
            "/vials/1",
            "/quotes/1",
            "/courses/1",
            "/sessions/1",
            "/books",
        ):
            assert browser.get(path).status_code == 200, path
        assert faults == {}

        treated = here.made("/sessions", {"patient_ref": "C-1001", "course": 1, "session_number": 2})
        taken = here.made("/quotes/2/accept", {})
        thrown = next(row["id"] for row in before["documents"] if row["kind"] == "write_off")
        undone = here.made(f"/documents/{thrown}/reverse", {"reason": "It was found again"})

    assert treated["uses"]
    assert undone["movements"]
    assert taken["status"] == "accepted"
    with database.read() as db:
        assert [*proof.verify(db), *proof_of_quotes.verify(db)] == []


def test_a_session_performed_before_courses_had_a_book_is_received_and_earned_with_the_next(book):
    database, _ = book  # its course has three sessions of 250.00, the first of them performed
    with opened(database, stocked=False) as here:
        paid = here.made("/courses/1/payments", {"amount": "500.00", "method": "card"})["account"]
        preview = here.seen("/courses/1/refund")
        here.made("/sessions", {"patient_ref": "C-1001", "course": 1, "session_number": 2})
        treated = here.seen("/courses/1")["account"]
        owed = here.seen("/deferred-revenue")["courses"][0]

    assert (paid["sessions_used"], paid["sessions_owed"], paid["deferred"]) == (1, 2, "500.00")
    assert (preview["sessions_received"], preview["amount"]) == (1, "250.00")
    assert (treated["sessions_used"], treated["earned"], treated["deferred"]) == (2, "500.00", "0.00")
    assert (owed["sessions_used"], owed["earned"]) == (2, "500.00")
    with database.read() as db:
        assert [*proof.verify(db), *proof_of_quotes.verify(db)] == []


def test_a_second_factor_of_the_first_book_still_opens_and_is_sealed_by_that(book):
    database, _ = book
    code = pyotp.TOTP(SECRET).at(NOW)
    with database.write.begin() as db:
        person = accounts.by_name(db, "Manager Person")
        assert person is not None
        known = db.get_one(passwords.Credential, person.id)
        assert known.totp_secret == SECRET

        assert not passwords.take_code(db, known, "000000" if code != "000000" else "111111", at=NOW)
        assert passwords.take_code(db, known, code, at=NOW)
        key = person.id

    with database.read() as db:
        known = db.get_one(passwords.Credential, key)
        assert known.totp_secret != SECRET
        assert len(known.totp_secret or "") == 64
