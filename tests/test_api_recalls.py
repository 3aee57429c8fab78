"""Recalls over HTTP: the report and its page, a lot's history, the lots of a session and of a patient."""

import pytest

from api.auth import Role
from tests.calls import Clinic
from tests.test_api_stock import receive


def treat(here: Clinic, patient_ref: str, *skus: str) -> int:
    lines = [{"sku": sku, "quantity": "2"} for sku in skus]
    return here.made("/sessions", {"patient_ref": patient_ref, "lines": lines})["id"]


@pytest.fixture
def lot(here: Clinic) -> int:
    """Three vials of A17, one of which P/1 received and one P-2, who did not after all."""
    lot = receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")["lot"]["id"]
    treat(here, "P/1", "HA-3")
    here.made(f"/sessions/{treat(here, 'P-2', 'HA-3')}/reverse", {"reason": "the wrong chart"})
    return lot


def test_the_report_of_a_recall_names_places_papers_people_and_steps(here, lot):
    here.made(f"/lots/{lot}/recall", {"reason": "maker's letter"})

    report = here.seen(f"/lots/{lot}/recall-report", role=Role.FRONT_DESK)

    assert report["lot"]["state"] == "recalled"
    assert report["on_hand"] == "6"
    assert [(one["site"], one["kind"], one["quantity"]) for one in report["held"]] == [
        ("MAIN", "quarantine", "6")
    ]
    assert [(one["document"], one["containers"], one["unit_cost"]) for one in report["receipts"]] == [
        ("DN-7", 3, None)
    ]
    assert [(one["patient_ref"], one["reversed"]) for one in report["sessions"]] == [("P/1", False)]
    assert report["patients"] == ["P/1"]
    assert report["planned"] == []
    assert [(one["state"], one["reason"]) for one in report["history"]] == [("recalled", "maker's letter")]
    assert "1 patient received the lot in 1 session." in report["steps"][1]


def test_reversed_uses_are_shown_as_such_to_who_asks(here, lot):
    report = here.seen(f"/lots/{lot}/recall-report?reversed=true")

    assert [(one["patient_ref"], one["reversed"]) for one in report["sessions"]] == [
        ("P/1", False),
        ("P-2", True),
    ]
    assert report["patients"] == ["P/1"]


def test_the_report_is_one_page_to_print(here, lot):
    answer = here.get(f"/lots/{lot}/recall-report.pdf", role=Role.FRONT_DESK)

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF")
    assert answer.data == here.get(f"/lots/{lot}/recall-report.pdf", role=Role.FRONT_DESK).data


def test_the_history_of_a_lot_says_who_when_and_why(here, lot):
    here.made(f"/lots/{lot}/quarantine", {"reason": "fridge alarm"})
    here.made(f"/lots/{lot}/release", {"reason": "the probe was faulty"})

    assert [
        (one["state"], one["by"], one["reason"]) for one in here.seen(f"/lots/{lot}/history")["items"]
    ] == [
        ("quarantined", "Manager Person", "fridge alarm"),
        ("released", "Manager Person", "the probe was faulty"),
    ]


def test_a_session_is_followed_back_to_its_lots_with_maker_and_expiry(here, lot):
    lido = receive(here, "LIDO-20", "L1", "2026-12-31", 1, "3.20")["lot"]["id"]
    session = treat(here, "P-3", "HA-3", "LIDO-20")

    found = here.seen(f"/sessions/{session}/lots")["items"]

    assert [(one["lot"], one["lot_number"], one["expires_on"], one["maker"]) for one in found] == [
        (lot, "A17", "2026-06-30", found[0]["maker"]),
        (lido, "L1", "2026-12-31", found[1]["maker"]),
    ]
    assert here.get("/sessions/999/lots").status_code == 404


def test_a_patient_is_followed_back_to_every_lot_page_by_page(here, lot):
    receive(here, "LIDO-20", "L1", "2026-12-31", 1, "3.20")
    second = treat(here, "P/1", "HA-3", "LIDO-20")

    whole = here.seen("/patients/P/1/lots")["items"]
    first = here.seen("/patients/P%2F1/lots?limit=2")
    rest = here.seen(f"/patients/P%2F1/lots?limit=2&after={first['next']}")

    assert [(one["lot_number"], one["session"] == second) for one in whole] == [
        ("A17", False),
        ("A17", True),
        ("L1", True),
    ]
    assert first["items"] + rest["items"] == whole
    assert rest["next"] is None


def test_what_a_patient_received_by_mistake_is_shown_on_request_on_every_page(here, lot):
    both = here.seen("/patients/P-2/lots?reversed=true")["items"]

    assert here.seen("/patients/P-2/lots")["items"] == []
    assert [(one["lot_number"], one["reversed"]) for one in both] == [("A17", True)]


@pytest.mark.parametrize("ref", ["1990-01-02", "Ann Smith", "a@b.c", "-1"])
def test_a_patient_is_asked_for_by_chart_number_alone(here, ref):
    assert here.get(f"/patients/{ref}/lots").status_code == 422
