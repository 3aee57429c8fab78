"""A database that is busy, full or damaged: tried again where that helps, otherwise said in words."""

import errno
import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from inventory.catalog import Item
from tests.calls import NEW_ITEM


class Met(Exception):
    """Two transactions met, and one of them must begin again."""

    sqlstate = "40001"


@pytest.mark.parametrize(
    ("cause", "times"), [(Met("could not serialize access"), 5), (Exception("database is locked"), 1)]
)
def test_a_transaction_that_met_another_is_tried_again_and_who_waited_long_is_told_so(
    there, monkeypatch, cause, times
):
    from inventory import catalog

    asked = []

    def busy(*_: object, **__: object) -> None:
        asked.append(1)
        raise OperationalError("INSERT", {}, cause)

    monkeypatch.setattr(catalog, "add_item", busy)

    answer = there.post("/items", NEW_ITEM)

    assert len(asked) == times
    assert (answer.status_code, answer.get_json()["name"]) == (503, "Busy")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("database or disk is full", "CannotWrite"),
        ("attempt to write a readonly database", "CannotWrite"),
        ("disk I/O error", "CannotWrite"),
        ("database disk image is malformed", "BookDamaged"),
    ],
)
def test_a_disk_that_takes_nothing_is_told_apart_from_a_busy_one(there, monkeypatch, cause, name):
    from inventory import catalog

    def broken(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError(cause))

    monkeypatch.setattr(catalog, "add_item", broken)

    answer = there.post("/items", NEW_ITEM)

    assert (answer.status_code, answer.get_json()["name"]) == (503, name)
    assert answer.headers["Retry-After"] == "30"


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 503), (errno.EROFS, 503), (errno.EPERM, 500)])
def test_a_file_for_which_there_is_no_room_is_told_apart_from_a_fault(there, monkeypatch, number, status):
    from inventory import catalog

    def broken(*_: object, **__: object) -> None:
        raise OSError(number, "cannot be written")

    monkeypatch.setattr(catalog, "add_item", broken)

    answer = there.post("/items", NEW_ITEM)

    assert answer.status_code == status
    assert answer.get_json().get("name") == ("CannotWrite" if status == 503 else None)


def test_a_request_that_was_busy_once_succeeds_with_one_effect(here, monkeypatch):
    from inventory import catalog

    real, asked = catalog.add_item, []

    def locked_once(db: object, new: Item) -> Item:
        added = real(db, new)
        asked.append(1)
        if len(asked) == 1:
            raise OperationalError("INSERT", {}, Met("deadlock detected"))
        return added

    monkeypatch.setattr(catalog, "add_item", locked_once)

    answer = here.post("/items", NEW_ITEM, headers={"Idempotency-Key": "1"})

    assert answer.status_code == 201
    with here.database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Item)) == 5
