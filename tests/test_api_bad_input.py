"""Bad input: for every call and every field a named refusal, and nothing has changed."""

import json
from collections.abc import Iterator

import pytest

from tests.bad_input import address, cases, recorded, with_keys
from tests.bad_input_stock import CALLS
from tests.calls import Clinic, opened
from tests.conftest import NewDatabase


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


@pytest.mark.parametrize(("name", "body", "status"), list(cases(CALLS)))
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
POST /opened-vials/999999/correct-room
GET /opened-vials/999999/label.pdf
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
/opened-vials/to-discard?by=tonight
/opened-vials/labels.pdf?vials=
"""


@pytest.mark.parametrize("path", QUESTIONS.split())
def test_a_question_that_cannot_be_meant_is_refused(there, path):
    clinic, _ = there

    answer = clinic.get(path)

    assert answer.status_code in (404, 422), answer.text
    assert answer.json["name"]
