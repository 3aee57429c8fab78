"""Opened vials over HTTP and at the command line: what limits each, the room, lists, the evening (S4, P5)."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from api import cli, settings
from api.auth import Role
from inventory import catalog
from inventory.database import Database
from inventory.vials import VialRule
from seed_data import read, rows
from tests.calls import NOW, Clinic, opened


@pytest.fixture
def here(database: Database) -> Iterator[Clinic]:
    """A clinic of the test's own, with the rules of the reference tables and a generous label."""
    with opened(database) as found:
        with database.write.begin() as db:
            db.execute(sa.insert(VialRule), [rows.vial_rule(row) for row in read("vial_rules")])
            catalog.item(db, "LIDO-20").in_use_hours = 30 * 24
        yield found


def open_one(here: Clinic, number: str = "L1", site: str = "MAIN", **more: Any) -> Any:
    receipt = {
        "sku": "LIDO-20", "lot_number": number, "expires_on": "2026-12-31", "containers": 3,
        "unit_cost": "8.00", "received_on": "2026-01-10", "site": site,
    }  # fmt: skip
    lot = here.made("/receipts", receipt)["lot"]["id"]
    return here.made("/opened-vials", {"lot": lot, "site": site} | more, role=Role.PRACTITIONER)


def enter(here: Clinic, vial: Any, patient: str = "P-1", **more: Any) -> Any:
    return here.post(
        f"/opened-vials/{vial['id']}/enter-room", {"patient_ref": patient} | more, role=Role.PRACTITIONER
    )


def test_a_vial_says_everything_that_limits_it_and_which_limit_is_the_strictest(here):
    vial = open_one(here)

    shown = here.seen(f"/opened-vials/{vial['id']}", role=Role.PRACTITIONER)

    assert [(limit["rule"].split(":")[0], limit["strictest"]) for limit in shown["limits"]] == [
        ("VR-02 US (CDC)", True),
        ("VR-09 US (USP 797, all)", False),
        ("label", False),
        ("printed expiry 2026-12-31", False),
    ]
    assert shown["discard_rule"] == shown["limits"][0]["rule"]
    assert shown["discard_at"] == shown["limits"][0]["at"] == (NOW + timedelta(days=28)).isoformat()
    assert shown["limits"][0]["source"].startswith("http")
    assert [(rule["code"], rule["counts"]) for rule in shown["rules"]] == [
        ("VR-02", True), ("VR-09", True), ("VR-21", True), ("VR-03", False),
    ]  # fmt: skip
    assert shown["value"] is None  # a practitioner sees no costs (P5)
    assert here.seen(f"/opened-vials/{vial['id']}")["value"] == "8.00"


def test_a_vial_enters_a_room_by_an_act_of_its_own_and_a_slip_is_corrected(here):
    vial = open_one(here)
    here.clock.now = NOW + timedelta(hours=1)

    entered = enter(here, vial, room="Room 2", ends_at="2026-01-15T11:45:00-05:00").json
    refused = enter(here, vial, "P-2")
    path = f"/opened-vials/{vial['id']}/correct-room"
    corrected = here.made(path, {"reason": "the other vial"}, role=Role.PRACTITIONER)

    assert (entered["patient_ref"], entered["room"], entered["prepared_in"]) == (
        "P-1", "Room 2", "treatment_room",
    )  # fmt: skip
    assert entered["discard_at"] == "2026-01-15T16:45:00+00:00"
    assert entered["discard_rule"] == (
        "VR-21 clinic policy (default): treat as single-patient, until the session ends"
    )
    assert entered["entries"][0]["by"] == "Practitioner Person"
    assert (refused.status_code, refused.json["name"]) == (409, "InARoom")
    assert (corrected["patient_ref"], corrected["room"]) == (None, "")
    assert corrected["discard_at"] == vial["discard_at"]
    assert [entry["corrects"] for entry in corrected["entries"]] == [None, entered["entries"][0]["id"]]
    assert here.post(path, {"reason": "again"}).status_code == 409
    assert here.post(path, {"reason": ""}).status_code == 422


def test_the_same_entry_sent_twice_is_one(here):
    vial = open_one(here)
    sent = {"headers": {"Idempotency-Key": "room"}, "role": Role.PRACTITIONER}
    path = f"/opened-vials/{vial['id']}/enter-room"

    first, again = (here.post(path, {"patient_ref": "P-1"}, **sent) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert len(here.seen(f"/opened-vials/{vial['id']}")["entries"]) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"patient_ref": "Jane Doe"}, 422),
        ({"patient_ref": "P-1", "at": "2026-01-15T09:00:00-05:00"}, 422),  # before it was opened
        ({"patient_ref": "P-1", "at": "2026-01-15T10:30:00-05:00"}, 422),  # ahead of now
        ({"patient_ref": "P-1", "ends_at": "2026-01-15T09:59:00-05:00"}, 422),
        ({"patient_ref": "P-1", "ends_at": "2026-01-17T09:59:00-05:00"}, 422),
        ({"patient_ref": "P-1", "ends_at": "soon"}, 422),
        ({"patient_ref": "P-1", "room": "R" * 41}, 422),
        ({"patient_ref": 7}, 422),
    ],
)
def test_an_entry_that_cannot_be_is_refused_and_nothing_has_changed(here, body, status):
    vial = open_one(here)
    before = here.seen(f"/opened-vials/{vial['id']}")

    answer = here.post(f"/opened-vials/{vial['id']}/enter-room", body, role=Role.PRACTITIONER)

    assert answer.status_code == status
    assert here.seen(f"/opened-vials/{vial['id']}") == before
    assert here.post("/opened-vials/999999/enter-room", {"patient_ref": "P-1"}).status_code == 404


def test_what_to_discard_now_and_by_when_is_told_by_the_sites_own_clock(here):
    tokyo = {
        "code": "TOKYO", "name": "Tokyo", "country": "JP", "region": "Asia", "time_zone": "Asia/Tokyo",
    }  # fmt: skip
    here.made("/sites", tokyo, role=Role.MANAGER)
    first, second = open_one(here), open_one(here, "L2")
    far = open_one(here, "L3", site="TOKYO")
    enter(here, second)
    here.clock.now = NOW + timedelta(days=28)

    lists = here.seen("/opened-vials/to-discard?site=MAIN", role=Role.PRACTITIONER)
    ahead = here.seen("/opened-vials/to-discard?site=TOKYO&by=2026-03-01T00:00:00Z")

    assert [row["id"] for row in lists["now"]] == [second["id"], first["id"]]
    assert (lists["by"], lists["later"]) == ("2026-02-13T05:00:00+00:00", [])  # midnight in New York
    assert (ahead["now"], [row["id"] for row in ahead["later"]]) == ([], [far["id"]])
    assert ahead["later"][0]["value"] == "8.00"
    assert here.get("/opened-vials/to-discard?site=NOWHERE").status_code == 404
    assert here.get("/opened-vials/to-discard?by=tomorrow").status_code == 422


def test_the_evenings_call_names_what_went_with_its_rule_and_its_cost(here):
    vial = open_one(here)
    here.clock.now = NOW + timedelta(days=29)

    gone = here.made("/opened-vials/discard-due", {"site": "MAIN"})
    again = here.made("/opened-vials/discard-due", {"site": "MAIN"}, role=Role.PRACTITIONER)

    (row,) = gone["items"]
    assert (row["opened_vial"], row["sku"], row["lot_number"], row["quantity"], row["value"]) == (
        vial["id"], "LIDO-20", "L1", "20", "8.00",
    )  # fmt: skip
    assert row["discard_rule"].startswith("VR-02 US (CDC): ")
    assert (gone["site"], gone["value"]) == ("MAIN", "8.00")
    assert (again["items"], again["value"]) == ([], None)
    assert here.seen(f"/opened-vials/{vial['id']}")["closed_at"] is not None


def test_the_commands_say_the_same_and_the_evening_comes_once(here, monkeypatch):
    vial, other = open_one(here), open_one(here, "L2")
    enter(here, other)
    monkeypatch.setattr(cli, "opened", lambda _: here.database)
    monkeypatch.setattr(settings, "from_environment", lambda: None)

    def run(*words: str, at: timedelta) -> str:
        monkeypatch.setattr("api.vial_commands.utc_now", lambda: NOW + at)
        done = CliRunner().invoke(cli.vialbook, words)
        assert done.exit_code == 0, done.output
        return done.output

    told = run("opened-vials", "--days", "30", at=timedelta(hours=2))
    (listed,) = json.loads(run("opened-vials", "--json", at=timedelta(hours=2)))
    evening = run("discard-due", "--site", "MAIN", at=timedelta(hours=10))
    again = run("discard-due", at=timedelta(hours=10))

    assert told.index("MAIN: discard now (1)") < told.index("P-1 alone") < told.index("discard by (1)")
    assert "2026-02-12 10:00" in told
    assert [row["id"] for row in listed["now"]] == [other["id"]]
    assert f"vial {other['id']}  LIDO-20  lot L2  20 mL  8.00 USD  good until 2026-01-15 11:00" in evening
    assert "1 opened vial discarded, 8.00 USD." in evening
    assert again == "0 opened vials discarded, 0.00 USD.\n"
    assert here.seen(f"/opened-vials/{vial['id']}")["closed_at"] is None
    unknown = CliRunner().invoke(cli.vialbook, ["discard-due", "--site", "NOWHERE"])
    assert unknown.exit_code == 1
