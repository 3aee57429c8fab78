"""Stock over HTTP: receive by scan, open, treat, hold, undo, and what each list then shows."""

from datetime import timedelta
from typing import Any

import pytest

from api.auth import Role
from tests.calls import NOW, Clinic


def receive(here: Clinic, sku: str, number: str, expires_on: str, containers: int, cost: str) -> Any:
    return here.made(
        "/receipts",
        {
            "sku": sku,
            "lot_number": number,
            "expires_on": expires_on,
            "containers": containers,
            "unit_cost": cost,
            "supplier": "SUP-01",
            "document": "DN-7",
            "received_on": "2026-01-10",
            "site": "MAIN",
        },
    )


def stock_of(here: Clinic, sku: str, **query: str) -> Any:
    words = "&".join(f"{name}={value}" for name, value in {"sku": sku, **query}.items())
    (row,) = here.seen(f"/stock?{words}")["items"]
    return row


def test_a_scanned_box_becomes_a_lot_on_the_shelf(here):
    scan = here.made("/scans", {"data": "]d201095212345432131726063010A17"})
    body = {"sku": scan["item"], "lot_number": scan["lot"], "expires_on": scan["expires_on"]}

    receipt = here.made("/receipts", body | {"containers": 7, "unit_cost": "16.5", "site": "MAIN"})
    again = here.made("/scans", {"data": "]d201095212345432131726063010A17"})

    assert (scan["item"], scan["lot_id"]) == ("HA-3", None)
    assert receipt["lot"] == {
        "id": receipt["lot"]["id"],
        "sku": "HA-3",
        "number": "A17",
        "expires_on": "2026-06-30",
        "state": "released",
    }
    assert (receipt["quantity"], receipt["value"]) == ("21", "115.50")
    assert again["lot_id"] == receipt["lot"]["id"]


def test_an_expired_lot_is_received_into_quarantine_with_a_warning(here):
    receipt = receive(here, "HA-3", "OLD", "2025-12-31", 2, "16.50")

    assert receipt["lot"]["state"] == "quarantined"
    assert "expired on 2025-12-31" in receipt["warnings"][0]
    assert stock_of(here, "HA-3")["usable"] == "0"
    assert stock_of(here, "HA-3")["on_hand"] == "6"


def test_a_session_takes_what_expires_first_and_says_what_it_cost(here):
    late = receive(here, "HA-3", "B18", "2026-12-31", 5, "17.90")
    soon = receive(here, "HA-3", "A17", "2026-06-30", 1, "16.50")

    session = here.made(
        "/sessions",
        {
            "patient_ref": "P-1",
            "at": "2026-01-15T10:00:00-05:00",
            "site": "MAIN",
            "lines": [{"ingredient": "HA20", "quantity": "4"}],
        },
    )

    assert [use["lot"] for use in session["uses"]] == [soon["lot"]["id"], late["lot"]["id"]]
    assert session["cost"] == "34.40"
    assert sum(float(use["discarded"]) for use in session["uses"]) == pytest.approx(1.9)
    assert session["at"] == "2026-01-15T15:00:00+00:00"
    shown = here.seen(f"/sessions/{session['id']}")
    assert shown["cost"] == "34.40"
    assert [use["lot_number"] for use in shown["uses"]] == ["B18", "A17"]
    assert here.seen(f"/sessions/{session['id']}", role=Role.PRACTITIONER)["cost"] is None
    assert stock_of(here, "HA-3")["containers"] == 4


def test_a_session_that_stock_cannot_supply_moves_nothing_and_says_why(here):
    receive(here, "HA-3", "A17", "2026-06-30", 1, "16.50")
    held = receive(here, "HA-3", "B18", "2026-12-31", 2, "16.50")
    here.made(f"/lots/{held['lot']['id']}/quarantine", {"reason": "wet box"})

    answer = here.post("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "5"}]})

    assert answer.status_code == 409
    assert answer.json["name"] == "NotEnoughStock"
    assert "5 mL needed, 3 mL usable" in answer.json["detail"]
    assert "6 mL quarantined" in answer.json["detail"]
    assert stock_of(here, "HA-3")["on_hand"] == "9"
    assert here.seen("/sessions")["items"] == []


def test_an_opened_vial_is_shown_until_it_is_discarded(here):
    lot = receive(here, "LIDO-20", "L1", "2026-12-31", 1, "8.00")["lot"]["id"]
    vial = here.made("/opened-vials", {"lot": lot, "at": "2026-01-15T09:00:00-05:00"}, role=Role.PRACTITIONER)
    here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "LIDO-20", "quantity": "3"}]})

    (open_now,) = stock_of(here, "LIDO-20")["opened"]
    discarded = here.made(f"/opened-vials/{vial['id']}/discard", {"reason": "contaminated"})
    again = here.post(f"/opened-vials/{vial['id']}/discard", {})

    assert (open_now["id"], open_now["left"]) == (vial["id"], "17")
    assert (discarded["quantity"], discarded["value"], discarded["reason"]) == ("17", "6.80", "contaminated")
    assert again.status_code == 409
    assert here.seen("/opened-vials")["items"] == []
    assert here.seen("/opened-vials?all=true")["items"][0]["closed_at"] is not None


def test_what_is_past_its_discard_time_goes_in_one_call_in_the_evening(here):
    lot = receive(here, "LIDO-20", "L1", "2026-12-31", 2, "8.00")["lot"]["id"]
    with here.database.write.begin() as db:
        from inventory import catalog

        catalog.item(db, "LIDO-20").in_use_hours = 6
    here.made("/opened-vials", {"lot": lot})
    before = here.made("/opened-vials/discard-due", {"site": "MAIN"})

    here.clock.now = NOW + timedelta(hours=7)
    after = here.made("/opened-vials/discard-due", {})

    assert before["items"] == []
    assert [row["quantity"] for row in after["items"]] == ["20"]


def test_a_recall_holds_the_lot_and_names_who_received_it(here):
    lot = receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")["lot"]["id"]
    session = here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})

    recalled = here.made(f"/lots/{lot}/recall", {"reason": "maker's letter of 14 January"})
    trace = here.seen(f"/lots/{lot}/trace", role=Role.FRONT_DESK)

    assert recalled["state"] == "recalled"
    assert recalled["patients"] == ["P-1"]
    assert [one["id"] for one in recalled["sessions"]] == [session["id"]]
    assert trace["on_hand"] == "6"
    assert trace["receipts"][0]["unit_cost"] is None
    assert here.post(f"/lots/{lot}/release", {"reason": "no"}).status_code == 409


def test_a_quarantined_lot_can_be_released(here):
    lot = receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")["lot"]["id"]

    held = here.made(f"/lots/{lot}/quarantine", {"reason": "wet box"}, role=Role.PRACTITIONER)
    back = here.made(f"/lots/{lot}/release", {"reason": "vials dry"})

    assert (held["state"], back["state"]) == ("quarantined", "released")
    assert stock_of(here, "HA-3")["usable"] == "9"


def test_a_movement_is_undone_once_by_one_that_points_at_it(here):
    lot = receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")["lot"]["id"]
    here.made("/write-offs", {"lot": lot, "quantity": "3", "reason": "broken"})
    wrong = here.seen(f"/movements?lot={lot}")["items"][-1]

    undone = here.made(f"/movements/{wrong['id']}/reverse", {"reason": "another box"})
    again = here.post(f"/movements/{wrong['id']}/reverse", {"reason": "another box"})

    assert (wrong["source"], wrong["target"], wrong["reason"]) == ("shelf", "waste", "broken")
    assert undone["corrects"] == wrong["id"]
    assert (undone["source"], undone["target"]) == ("waste", "shelf")
    assert again.status_code == 409
    assert stock_of(here, "HA-3")["on_hand"] == "9"


def test_a_session_recorded_by_mistake_is_undone_whole(here):
    receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")
    session = here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})

    undone = here.made(f"/sessions/{session['id']}/reverse", {"reason": "another patient"})

    assert len(undone["movements"]) == 2
    assert stock_of(here, "HA-3")["on_hand"] == "9"
    assert here.seen("/reconciliation")["difference"] == "0.00"


def test_stock_is_shown_as_it_was_at_the_end_of_any_day(here):
    receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")
    here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})

    assert stock_of(here, "HA-3", on="2026-01-09")["on_hand"] == "0"
    assert stock_of(here, "HA-3", on="2026-01-14")["on_hand"] == "9"
    assert stock_of(here, "HA-3", on="2026-07-01")["usable"] == "0"
    assert here.seen("/valuation?on=2026-01-14")["total"] == "49.50"
    assert here.seen("/valuation")["total"] == "33.00"


def test_the_journal_of_a_receipt_and_a_session_balances(here):
    receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")
    here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})

    entries = here.seen("/journal?from=2026-01-01&to=2026-01-31", role=Role.ACCOUNTANT)["items"]

    assert [entry["on"] for entry in entries] == ["2026-01-10", "2026-01-15"]
    assert {line["account"]: line["debit"] for line in entries[0]["lines"]} == {
        "1200": "49.50",
        "2050": "0.00",
    }


def test_long_lists_go_on_page_by_page(here):
    for number in range(6):
        receive(here, "HA-3", f"N{number}", f"2026-0{9 - number}-28", 1, "16.50")

    for path in ("/lots", "/movements", "/journal", "/stock"):
        whole = here.seen(f"{path}?limit=500")["items"]
        rows, after = [], ""
        while after is not None:
            page = here.seen(f"{path}?limit=4{after and '&after=' + after}")
            rows += page["items"]
            after = page["next"]

        assert rows == whole, path


def test_a_list_of_opening_stock_is_imported_whole_or_tried(here):
    good = "sku,lot,expires,containers,unit cost\nHA-3,A17,2027-06-30,5,16.50\n"
    bad = good + "NOPE,B18,2027-06-30,5,16.50\n"

    def send(text: str, query: str = "", **form: Any) -> Any:
        return here.post(f"/imports/opening-stock{query}", data=text, content_type="text/csv", **form)

    tried = send(bad, "?dry_run=true")
    refused = send(bad)
    key = {"Idempotency-Key": "monday"}
    taken = here.post("/imports/opening-stock", data={"file": (_file(good), "stock.csv")}, headers=key)
    retried = here.post("/imports/opening-stock", data={"file": (_file(good), "stock.csv")}, headers=key)

    assert tried.status_code == 200
    assert [row["ok"] for row in tried.json["rows"]] == [True, False]
    assert refused.status_code == 422
    assert "NOPE" in refused.json["rows"][1]["message"]
    assert taken.json["imported"] == 1
    assert retried.data == taken.data
    assert stock_of(here, "HA-3")["on_hand"] == "15"
    assert (send(good).json["imported"], send(good).json["repeated"]) == (0, 1)
    assert here.post("/imports/cars", data=good, content_type="text/csv").status_code == 404
    assert here.post("/imports/items", data={"list": (_file(good), "x.csv")}).status_code == 400


def _file(text: str) -> Any:
    import io

    return io.BytesIO(text.encode())


def test_the_workbook_of_a_period_is_a_file(here):
    receive(here, "HA-3", "A17", "2026-06-30", 3, "16.50")

    answer = here.get("/exports/accounting.xlsx?from=2026-01-01&to=2026-01-31", role=Role.ACCOUNTANT)
    backwards = here.get("/exports/accounting.xlsx?from=2026-01-31&to=2026-01-01")

    assert answer.status_code == 200
    assert answer.data[:2] == b"PK"
    assert "accounting-2026-01-01-2026-01-31.xlsx" in answer.headers["Content-Disposition"]
    assert backwards.status_code == 422
