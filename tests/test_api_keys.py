"""Request keys: the same request sent twice has one effect and one answer."""

import json
import threading

import pytest
import sqlalchemy as sa

from api.auth import Role
from api.idempotency import RequestKey
from inventory.catalog import Item
from tests.calls import NEW_ITEM, Clinic


def items_on_record(here: Clinic) -> int:
    with here.database.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(Item)) or 0


def test_the_same_key_and_body_is_done_once_and_answered_alike(here):
    key = {"Idempotency-Key": "order-1"}

    first = here.post("/items", NEW_ITEM, headers=key)
    again = here.post(
        "/items", data=json.dumps(NEW_ITEM, indent=3), content_type="application/json", headers=key
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.headers["ETag"] == again.headers["ETag"]
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert items_on_record(here) == 5


def test_the_same_key_with_another_body_is_refused(here):
    key = {"Idempotency-Key": "order-1"}
    here.made("/items", NEW_ITEM, headers=key)

    answer = here.post("/items", NEW_ITEM | {"sku": "VITC-6"}, headers=key)

    assert answer.status_code == 422
    assert answer.json["name"] == "KeyReused"
    assert items_on_record(here) == 5


def test_a_refused_request_may_be_corrected_under_its_key(here):
    key = {"Idempotency-Key": "order-1"}

    refused = here.post("/items", NEW_ITEM | {"sku": "HA-3"}, headers=key)
    corrected = here.post("/items", NEW_ITEM, headers=key)

    assert (refused.status_code, corrected.status_code) == (409, 201)


def test_a_key_is_one_persons_and_one_calls(here):
    key = {"Idempotency-Key": "1"}
    here.made("/items", NEW_ITEM, headers=key)

    other_call = here.post("/suppliers", {"code": "S", "name": "S"}, headers=key)
    other_person = here.post("/items", NEW_ITEM, headers=key, role=Role.ADMIN)

    assert other_call.status_code == 201
    assert other_person.status_code == 409  # it is done afresh, and the SKU is taken


@pytest.mark.parametrize("key", ["", "a b", "é", "k" * 256, "tab\tkey"])
def test_what_is_not_a_key_is_refused(there, key):
    answer = there.post("/items", NEW_ITEM, headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert items_on_record(there) == 4


def test_twenty_requests_at_once_under_one_key_have_one_effect(here):
    answers = []

    def ask() -> None:
        answers.append(here.post("/items", NEW_ITEM, headers={"Idempotency-Key": "at-once"}))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert items_on_record(here) == 5
    with here.database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(RequestKey)) == 1
