"""Bad input: for every call and every field a named refusal, and nothing has changed."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from api.migrations.tables import every_table
from tests.bad_input import CALLS, WRONG, Call
from tests.calls import Clinic, opened
from tests.conftest import NewDatabase


def cases() -> Iterator[Any]:
    for name, call in CALLS.items():
        for one, kind in call.kinds.items():
            for value in WRONG[kind]:
                yield pytest.param(
                    name, call.body | {one: value}, 422, id=f"{name}-{one}-{ascii(value)[:24]}"
                )
            if one not in call.optional:
                missing = {key: value for key, value in call.body.items() if key != one}
                yield pytest.param(name, missing, 422, id=f"{name}-without-{one}")
        yield pytest.param(name, call.body | {"colour": "red"}, 422, id=f"{name}-unknown-field")
        for label, change, status in call.refused:
            yield pytest.param(name, call.body | change, status, id=f"{name}-{label}")


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[tuple[Clinic, dict[str, int]]]:
    """A clinic with three lots, in which nothing may change; and the keys of its lots."""
    with new_database() as database, opened(database) as found:
        receipt = CALLS["receipts"].body
        lots = {
            number: found.made(
                "/receipts",
                receipt | {"sku": sku, "lot_number": number, "expires_on": expires_on},
            )["lot"]["id"]
            for sku, number, expires_on in (
                ("HA-3", "A17", "2026-06-30"),
                ("HA-3", "OLD", "2025-12-31"),
                ("LIDO-20", "L1", "2026-06-30"),
            )
        }
        yield found, lots


def recorded(there: Clinic) -> list[tuple[str, int]]:
    """How many rows every table has, and how much every balance and layer holds in all."""
    tables = sorted(every_table().tables)
    counts = sa.union_all(
        *(sa.select(sa.literal(name), sa.func.count()).select_from(sa.table(name)) for name in tables)
    )
    held = sa.text("SELECT SUM(quantity) FROM balances UNION ALL SELECT SUM(value_left) FROM cost_layers")
    with there.database.read() as db:
        rows = [(name, count) for name, count in db.execute(counts)]
        return [*rows, *(("held", int(Decimal(amount or 0))) for amount in db.scalars(held))]


def with_keys(value: Any, lots: dict[str, int]) -> Any:
    """Put the key of a lot where its number stands after an @."""
    if isinstance(value, dict):
        return {key: with_keys(part, lots) for key, part in value.items()}
    if isinstance(value, str) and value.startswith("@"):
        return lots[value[1:]]
    return value


def address(call: Call, lots: dict[str, int]) -> str:
    return "/".join(str(with_keys(part, lots)) for part in call.path.split("/"))


@pytest.mark.parametrize(("name", "body", "status"), cases())
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(there, name, body, status):
    clinic, lots = there
    before = recorded(clinic)

    answer = clinic.post(
        address(CALLS[name], lots), data=json.dumps(with_keys(body, lots)), content_type="application/json"
    )

    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["name"]
    assert answer.json["detail"]
    assert recorded(clinic) == before


@pytest.mark.parametrize("name", [name for name in CALLS if name != "release"])
def test_the_bodies_that_the_refused_ones_are_made_from_are_accepted(new_database, name):
    with new_database() as database, opened(database) as clinic:
        lots = {
            "A17": clinic.made("/receipts", CALLS["receipts"].body | {"lot_number": "A17"})["lot"]["id"],
            "L1": clinic.made("/receipts", CALLS["receipts"].body | {"sku": "LIDO-20"})["lot"]["id"],
        }

        answer = clinic.post(address(CALLS[name], lots), with_keys(CALLS[name].body, lots))

        assert answer.status_code in (200, 201), answer.text


NOWHERE = """
POST /lots/999999/quarantine
POST /lots/999999/release
POST /lots/999999/recall
GET /lots/999999/trace
GET /lots/999999
GET /lots/99999999999999999999
GET /lots/0
GET /lots/-1
GET /lots/1.5
POST /movements/999999/reverse
GET /movements/999999
GET /sessions/999999
POST /sessions/999999/reverse
GET /receipts/999999
GET /opened-vials/999999
POST /opened-vials/999999/discard
GET /items/NOPE
GET /suppliers/NOPE
GET /settings/nope
"""


@pytest.mark.parametrize("call", [*NOWHERE.strip().splitlines(), "GET /lots/" + "9" * 5000])
def test_what_is_not_on_record_is_not_found(there, call):
    clinic, _ = there
    method, path = call.split()
    body = {"reason": "broken" if "discard" in path else "because"} if method == "POST" else None

    answer = clinic.call(method, path, body)

    assert answer.status_code == 404, answer.text
    assert answer.mimetype == "application/problem+json"


QUESTIONS = """
/stock?on=2026-02-30
/stock?sku=NOPE
/stock?ingredient=NOPE
/stock?site=NOPE
/lots?state=lost
/lots?expiring_before=soon
/lots?held=yes
/lots?sku=NOPE
/movements?lot=x
/movements?lot=999999
/movements?from=2026-13-01
/movements?since=2026-01-01
/sessions?site=NOPE
/opened-vials?all=1
"""


@pytest.mark.parametrize("path", QUESTIONS.split())
def test_a_question_that_cannot_be_meant_is_refused(there, path):
    clinic, _ = there

    answer = clinic.get(path)

    assert answer.status_code in (404, 422), answer.text
    assert answer.json["name"]
