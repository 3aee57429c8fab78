"""Dry runs over HTTP: what receipts, write-offs, sessions and reversals would change (S12)."""

import pytest
import sqlalchemy as sa

from api.auth import Role
from api.idempotency import RequestKey
from inventory.ledger import Document, Movement
from tests.calls import Clinic
from tests.test_api_stock import receive

WRITE_OFF = {"quantity": "6", "reason": "lost", "at": "2026-01-12T15:00:00Z"}
RECEIPT = {
    "sku": "HA-3", "lot_number": "B02", "expires_on": "2026-12-31", "containers": 2, "unit_cost": "17.90",
    "site": "MAIN",
}  # fmt: skip
SESSION = {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]}


@pytest.fixture
def lot(here: Clinic) -> int:
    return receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")["lot"]["id"]


def kept(here):
    """How much is on record."""
    with here.database.read() as db:
        return [
            db.scalar(sa.select(sa.func.count()).select_from(kind))
            for kind in (Document, Movement, RequestKey)
        ]


def tried(here, path, body, *, role=Role.MANAGER, headers=None):
    """What a dry run answers, having kept nothing."""
    before = kept(here)
    answer = here.post(f"{path}?dry_run=true", body, role=role, headers=headers or {})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert kept(here) == before
    return answer.get_json()


def test_a_write_off_says_what_would_change_on_every_day_since_its_own(here, lot):
    found = tried(here, "/write-offs", WRITE_OFF | {"lot": lot})

    assert found["dry_run"] is True
    assert [(one["place"], one["before"], one["after"]) for one in found["balances"]] == [("SHELF", "9", "3")]
    assert [(one["on"], one["before"], one["after"]) for one in found["days"]] == [("2026-01-12", "9", "3")]
    assert [(one["on"], one["before"], one["after"]) for one in found["values"]] == [
        ("2026-01-12", "49.50", "16.50")
    ]
    assert found["value_change"] == "-33.00"
    assert [one["reason"] for one in found["movements"]] == ["lost"]


def test_a_receipt_a_session_and_their_reversals_are_tried_without_being_done(here, lot):
    assert [one["lot_number"] for one in tried(here, "/receipts", RECEIPT)["balances"]] == ["B02"]
    assert [one["after"] for one in tried(here, "/sessions", SESSION)["balances"]] == ["6"]

    session = here.made("/sessions", SESSION)["id"]
    movement = here.seen("/movements")["items"][-1]["id"]
    document = here.seen(f"/movements/{movement}")["document"]
    why = {"reason": "the wrong chart"}

    for path in (f"/sessions/{session}", f"/movements/{movement}", f"/documents/{document}"):
        found = tried(here, f"{path}/reverse", why)
        assert [(one["before"], one["after"]) for one in found["balances"]] == [("6", "9")]
    here.made(f"/documents/{document}/reverse", why)
    assert here.post(f"/sessions/{session}/reverse?dry_run=true", why).status_code == 409


def test_a_dry_run_refuses_what_the_act_would_refuse(here, lot):
    much = WRITE_OFF | {"lot": lot, "quantity": "30"}

    tried_answer = here.post("/write-offs?dry_run=true", much)
    done = here.post("/write-offs", much)

    assert (tried_answer.status_code, done.status_code) == (409, 409)
    assert tried_answer.get_json()["detail"] == done.get_json()["detail"]


def test_the_key_of_a_dry_run_is_free_for_the_act_itself(here, lot):
    body = WRITE_OFF | {"lot": lot}

    tried(here, "/write-offs", body, headers={"Idempotency-Key": "evening"})
    done = here.post("/write-offs", body, headers={"Idempotency-Key": "evening"})

    assert done.status_code == 201
    assert "Idempotency-Replayed" not in done.headers


def test_who_sees_no_costs_sees_none_in_a_dry_run(here, lot):
    found = tried(here, "/sessions", SESSION, role=Role.PRACTITIONER)

    assert found["value_change"] is None
    assert [(one["before"], one["after"]) for one in found["values"]] == [(None, None)]
    assert [one["value"] for one in found["movements"]] == [None, None]


def test_a_mistake_is_undone_as_of_its_own_day(here, lot):
    here.made("/write-offs", WRITE_OFF | {"lot": lot})
    movement = here.seen("/movements")["items"][-1]["id"]
    undo = {"reason": "found again", "at": "2026-01-13T15:00:00Z"}

    found = tried(here, f"/movements/{movement}/reverse", undo)
    undone = here.made(f"/movements/{movement}/reverse", undo)

    assert [(one["on"], one["after"]) for one in found["days"]] == [("2026-01-13", "9")]
    assert undone["on"] == "2026-01-13"
