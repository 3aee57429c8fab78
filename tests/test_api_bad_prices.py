"""Bad input about prices: for every call and every field a named refusal, and nothing has changed."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.auth import Role
from seed_data import reference
from tests.bad_input import address, cases, recorded, with_keys
from tests.bad_input_prices import CALLS
from tests.calls import NOW, Clinic, opened
from tests.conftest import NewDatabase


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[tuple[Clinic, dict[str, int]]]:
    """A clinic with quotes in every state, in which nothing may change; and their keys."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            main = {"code": "MAIN", "name": "Main", "country": "US", "region": "North America"}
            pole = {"code": "POLE", "name": "Pole", "country": "AQ", "region": "Antarctica"}
            for site in (main, pole):
                found.made("/sites", site | {"time_zone": "America/New_York"})
            yield found, quoted(found)


def quoted(clinic: Clinic) -> dict[str, int]:
    body = CALLS["quotes"].body

    def draft(**change: object) -> int:
        return clinic.made("/quotes", body | change)["id"]

    keys = {"lapsed": draft(), "sold": draft(patient_ref="P-200")}
    for key in keys.values():
        clinic.made(f"/quotes/{key}/issue", {"reason": ""})
    keys["course"] = clinic.made(f"/quotes/{keys['sold']}/accept", {})["course"]
    clinic.clock.now = NOW + timedelta(days=45)
    keys |= {"draft": draft(), "issued": draft(), "allergic": draft(screening={"allergies": ["lidocaine"]})}
    clinic.made(f"/quotes/{keys['issued']}/issue", {})
    return keys


@pytest.mark.parametrize(("name", "body", "status"), list(cases(CALLS)))
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(there, name, body, status):
    clinic, keys = there
    before = recorded(clinic)

    answer = clinic.post(
        address(CALLS[name], keys), data=json.dumps(with_keys(body, keys)), content_type="application/json"
    )

    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["name"]
    assert answer.json["detail"]
    assert recorded(clinic) == before


def test_a_lapsed_quote_is_shown_as_lapsed_and_only_a_manager_accepts_it(there):
    clinic, keys = there
    reason = {"reason": "promised by telephone"}

    by_front_desk = clinic.post(f"/quotes/{keys['lapsed']}/accept", reason, role=Role.FRONT_DESK)

    assert clinic.seen(f"/quotes/{keys['lapsed']}")["status"] == "lapsed"
    assert by_front_desk.status_code == 409
    assert by_front_desk.json["name"] == "QuoteLapsed"
