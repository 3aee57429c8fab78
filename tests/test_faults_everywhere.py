"""Every call that adds facts, with an error at each of its statements that writes: all of it or nothing (F3).

`test_faults_within` asks it of twelve at every statement, of three of them on each engine; here are all, on
SQLite, over a book that is furnished once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.auth import MAY, Role
from api.migrations.tables import every_table
from inventory.database import Database
from tests.calls import BASE, Clinic, opened
from tests.corpus.clinic import furnish
from tests.every_call import CALLS, Book
from tests.test_faults_within import failing_at

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "DROP", "CREATE")
QUESTIONS = {f"POST {path}" for path in ("/scans", "/costings", "/imports/<code:kind>/corrected.xlsx")}
TOLD_ONCE = "POST /calendars"
"""Its answer has a secret that is told once and kept nowhere: who sends it again has another calendar."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, bytes]]:
    """Something of most that a clinic has, and the file of it."""
    file = tmp_path_factory.mktemp("everywhere") / "book.sqlite"
    database = Database(f"sqlite:///{file}")
    every_table().create_all(database.engine)
    with opened(database, stocked=False) as found:
        book = Book(found, furnish(found), file)
        yield book, book.kept()
    database.engine.dispose()


@pytest.fixture
def book(furnished: tuple[Book, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))  # or a purge would put away what others left
    found, kept = furnished
    found.put_back(kept)
    return found


def test_every_call_that_adds_facts_is_there():
    adding = {call.replace(f" {BASE}/", " /") for call in MAY if call.startswith("POST ")} - QUESTIONS

    assert {call.partition(",")[0] for call in CALLS} == adding


def send(here: Clinic, path: str, body: Any, role: Role = Role.MANAGER) -> TestResponse:
    key = {"Idempotency-Key": "once"}
    if isinstance(body, bytes):
        kind = "text/csv" if b"sku" in body[:10] else XLSX
        return here.post(path, role=role, headers=key, data=body, content_type=kind)
    return here.post(path, body, role=role, headers=key)


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize("call", CALLS)
def test_an_error_at_any_statement_that_writes_leaves_nothing_and_the_retry_has_one_effect(book, call):
    here, asked = book.here, CALLS[call](book)
    kept, now = book.kept(), here.clock.now
    with failing_at(here.database, 0) as said:  # how it goes
        answer = send(here, *asked)
    assert answer.status_code in (200, 201), answer.get_data(as_text=True)
    book.put_back(kept)
    here.clock.now = now

    with book.watched() as version:
        before = version()
        for number in places(said):
            with failing_at(here.database, number) as failed:
                answer = send(here, *asked)
            assert (answer.status_code, answer.get_json()["name"]) == (503, "CannotWrite"), failed[-1]
            assert version() == before, failed[-1]  # nobody committed anything
        done = send(here, *asked)
        after = version()
        again = send(here, *asked)
        assert done.status_code in (200, 201)
        assert before != after
        if call != TOLD_ONCE:
            assert (again.data, version()) == (done.data, after)


def places(said: list[str]) -> list[int]:
    """The first statement, and from the first that writes on where each comes first and where last."""
    first = next(at for at, text in enumerate(said, 1) if text.lstrip().upper().startswith(WRITES))
    last_of = {said[at - 1]: at for at in range(first, len(said) + 1)}
    first_of = {said[at - 1]: at for at in range(len(said), first - 1, -1)}
    return sorted({1, *first_of.values(), *last_of.values()})
