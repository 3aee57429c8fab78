"""Bad input to orders: for every field a named refusal, and nothing has changed (O3)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bad_input import WRONG, Call, cases, recorded
from tests.calls import Clinic, opened
from tests.conftest import NewDatabase

WISH = {"sku": "HA-3", "packs": 2, "pack_containers": 10, "pack_price": "165.00"}
BOX = {
    "sku": "HA-3", "lot_number": "A17", "expires_on": "2027-06-30", "produced_on": "2025-06-30",
    "containers": 5, "unit_cost": "16.50", "reason": "",
}  # fmt: skip
WISHES = {"sku": "text", "packs": "count", "pack_containers": "count", "pack_price": "cost"}
BOXES = {
    "sku": "text", "lot_number": "text", "expires_on": "day", "produced_on": "day", "containers": "count",
    "unit_cost": "cost", "reason": "note",
}  # fmt: skip
MAY_BE_NONE = {"pack_containers", "pack_price"}

CALLS = {
    "draft": Call(
        "/purchase-orders",
        {"supplier": "SUP-01", "site": "MAIN", "note": "by courier", "lines": [WISH]},
        {"supplier": "text", "site": "text", "note": "note", "lines": "lines"},
        optional=("site", "note", "lines"),  # without lines the advice says which
        refused=[
            ("an unknown supplier", {"supplier": "NOPE"}, 404),
            ("an unknown site", {"site": "NOPE"}, 404),
            ("an unknown item", {"lines": [WISH | {"sku": "NOPE"}]}, 404),
            ("an item twice", {"lines": [WISH, WISH]}, 422),
            ("a pack without a price", {"lines": [{"sku": "HA-3", "packs": 1, "pack_containers": 7}]}, 422),
            ("too many containers", {"lines": [WISH | {"packs": 100_000, "pack_containers": 100_000}]}, 422),
            ("too much money", {"lines": [WISH | {"packs": 100_000, "pack_price": "9999999999.99"}]}, 422),
            ("too many lines", {"lines": [WISH] * 201}, 422),
        ],
    ),
    "send": Call(
        "/purchase-orders/1/send",
        {"expected_on": "2026-01-20"},
        {"expected_on": "day"},
        optional=("expected_on",),
        refused=[("a day that is past", {"expected_on": "2026-01-14"}, 422)],
    ),
    "receive": Call(
        "/purchase-orders/2/receive",
        {"document": "DN-1", "received_on": "2026-01-15", "lines": [BOX]},
        {"document": "note", "received_on": "day", "lines": "lines"},
        optional=("document", "received_on"),
        refused=[
            ("before it was sent", {"received_on": "2026-01-14"}, 422),
            ("more than was ordered", {"lines": [BOX | {"containers": 21}]}, 409),
            ("what was not ordered", {"lines": [BOX | {"sku": "LIDO-20"}]}, 409),
            ("an unknown item", {"lines": [BOX | {"sku": "NOPE"}]}, 404),
            ("an expiry before production", {"lines": [BOX | {"produced_on": "2027-07-01"}]}, 422),
            ("a lot of 21 characters", {"lines": [BOX | {"lot_number": "L" * 21}]}, 422),
            ("labels that disagree", {"lines": [{"labels": ["]C110A1", "]C110A2"]}]}, 422),
            ("a label of nothing", {"lines": [{"labels": [""]}]}, 422),
            ("no label", {"lines": [{"labels": []}]}, 422),
            ("a second line that cannot be", {"lines": [BOX, BOX | {"containers": 0}]}, 422),
        ],
    ),
    "close": Call(
        "/purchase-orders/2/close",
        {"reason": "discontinued"},
        {"reason": "note"},
        optional=("reason",),
        refused=[("no reason", {"reason": ""}, 422)],
    ),
    "cancel": Call(
        "/purchase-orders/1/cancel", {"reason": "twice"}, {"reason": "note"}, optional=("reason",),
        refused=[("no reason", {"reason": ""}, 422)],
    ),
}  # fmt: skip


def within_lines() -> Iterator[Any]:
    """Every wrong value of every field of a line."""
    for name, line, kinds in (("draft", WISH, WISHES), ("receive", BOX, BOXES)):
        for field, kind in kinds.items():
            for value in WRONG[kind]:
                if value is None and field in MAY_BE_NONE:
                    continue
                body = CALLS[name].body | {"lines": [line | {field: value}]}
                yield pytest.param(name, body, 422, id=f"{name}-line-{field}-{ascii(value)[:24]}")
        yield pytest.param(name, CALLS[name].body | {"lines": [line | {"colour": "red"}]}, 422)


def furnished(here: Clinic) -> None:
    """A draft, and an order that is sent."""
    here.made("/purchase-orders", CALLS["draft"].body)
    second = here.made("/purchase-orders", CALLS["draft"].body)
    here.made(f"/purchase-orders/{second['id']}/send", {})


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[Clinic]:
    """A clinic with a draft and an order that is sent, in which nothing may change."""
    with new_database() as database, opened(database) as found:
        furnished(found)
        yield found


REFUSED = [
    case
    for case in (*cases(CALLS), *within_lines())
    if case.values[:2] != ("send", {"expected_on": None})  # as if it were left out
]


@pytest.mark.parametrize(("name", "body", "status"), REFUSED)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(there, name, body, status):
    before = recorded(there)

    answer = there.post(CALLS[name].path, data=json.dumps(body), content_type="application/json")

    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["name"]
    assert recorded(there) == before


@pytest.mark.parametrize("name", CALLS)
def test_the_bodies_that_the_refused_ones_are_made_from_are_accepted(new_database, name):
    with new_database() as database, opened(database) as here:
        furnished(here)

        assert here.post(CALLS[name].path, CALLS[name].body).status_code in (200, 201)


@pytest.mark.parametrize("call", ["send", "receive", "close", "cancel"])
def test_an_order_that_is_not_there_and_one_at_another_step_are_refused(there, call):
    body = CALLS[call].body
    assert there.post(f"/purchase-orders/999999/{call}", body).status_code == 404
    wrong = {"send": 2, "receive": 1, "close": 1}
    if call in wrong:
        answer = there.post(f"/purchase-orders/{wrong[call]}/{call}", body)
        assert (answer.status_code, answer.json["name"]) == (409, "WrongOrderState")
