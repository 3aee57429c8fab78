"""Quotes over HTTP: from the costing to the course, inside the band, each stage explaining itself."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.auth import Role
from seed_data import reference
from tests.calls import NOW, Clinic, opened
from tests.conftest import NewDatabase

ASKED = {
    "protocol": "P-00",
    "level": "L5",
    "site": "MAIN",
    "sessions": 4,
    "starts_on": "2026-01-20",
    "interval_weeks": 2,
    "patient_ref": "P-100",
    "screening": {"allergies": [], "nsaids": True},
}
STAGES = ["cost", "target", "level", "list", "step", "band", "discount", "tax"]


@pytest.fixture(scope="module")
def here(new_database: NewDatabase) -> Iterator[Clinic]:
    """A clinic with the reference tables; each test asks for a patient of its own."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            site = {"code": "MAIN", "name": "Main", "country": "US", "region": "North America"}
            found.made("/sites", site | {"time_zone": "America/New_York"})
            yield found


@pytest.fixture(autouse=True)
def stopped(here: Clinic) -> None:
    """Every test begins on the same day."""
    here.clock.now = NOW


def quote(here: Clinic, **change: Any) -> Any:
    return here.made("/quotes", ASKED | change)


def step(here: Clinic, made: Any, verb: str, *, role: Role = Role.MANAGER, **body: Any) -> Any:
    return here.post(f"/quotes/{made['id']}/{verb}", body, role=role)


def test_a_costing_has_three_bases_and_its_lines_add_up(here):
    asked = {"protocol": "P-00", "level": "L2", "site": "MAIN", "on": "2026-01-20", "sessions": 4}

    costing = here.made("/costings", asked)

    days = ["2026-01-20", "2026-02-03", "2026-02-17", "2026-03-03"]
    assert [one["on"] for one in costing["sessions"]] == days
    for session in costing["sessions"]:
        for basis in ("actual", "average", "replacement"):
            assert sum(Decimal(line[basis]) for line in session["lines"]) == Decimal(session[basis])
    assert {line["kind"] for line in costing["sessions"][0]["lines"]} >= {
        "injectable",
        "consumable",
        "labour",
    }
    assert costing["shortages"][0]["session"] == 1


def test_a_costing_adds_nothing(here):
    before = here.seen("/quotes")["items"]

    here.made("/costings", {"formulation": "F-01", "level": "L2"})

    assert here.seen("/quotes")["items"] == before


def test_a_quote_lies_inside_its_band_and_explains_itself_in_eight_stages(here):
    made = quote(here)

    assert (made["number"], made["version"], made["status"], made["currency"]) == (None, 1, "draft", "USD")
    assert (made["band"]["low"], made["band"]["high"]) == ("250.00", "600.00")
    assert [stage["name"] for stage in made["stages"]] == STAGES
    assert all(stage["note"] for stage in made["stages"])
    prices = [Decimal(session["price"]) for session in made["sessions"]]
    assert all(250 <= price <= 600 for price in prices)
    assert sum(prices) == Decimal(made["subtotal"]) - Decimal(made["discount"])
    assert Decimal(made["total"]) == sum(prices) + Decimal(made["tax"])
    assert "nsaids" in {warning["code"] for warning in made["warnings"]}
    assert here.seen(f"/quotes/{made['id']}") == made


def test_an_issued_quote_has_a_number_and_an_accepted_one_a_course(here):
    made = quote(here, patient_ref="P-101")

    issued = step(here, made, "issue").json
    accepted = step(here, made, "accept", role=Role.FRONT_DESK).json
    course = here.seen(f"/courses/{accepted['course']}")

    assert issued["number"].startswith("Q-2026-")
    assert (issued["status"], issued["valid_until"]) == ("issued", "2026-02-14")
    assert accepted["status"] == "accepted"
    assert [one["state"] for one in course["sessions"]] == ["planned"] * 4
    assert [one["price"] for one in course["sessions"]] == [one["price"] for one in made["sessions"]]
    assert step(here, made, "decline").status_code == 409
    assert [event["status"] for event in here.seen(f"/quotes/{made['id']}")["events"]] == [
        "issued",
        "accepted",
    ]


def test_a_course_is_performed_session_by_session_by_its_own_patient(here):
    made = quote(here, patient_ref="P-102")
    step(here, made, "issue")
    course = step(here, made, "accept").json["course"]
    here.made(
        "/receipts",
        {"sku": "MP-001", "lot_number": "M1", "expires_on": "2026-12-31", "containers": 2, "unit_cost": "32"},
    )

    performed = here.made("/sessions", {"patient_ref": "P-102", "course": course}, role=Role.PRACTITIONER)
    second = here.made("/sessions", {"patient_ref": "P-102", "course": course, "session_number": 2})
    twice = here.post("/sessions", {"patient_ref": "P-102", "course": course, "session_number": 2})
    planned = here.seen(f"/courses/{course}")["sessions"]
    here.made(f"/sessions/{second['id']}/reverse", {"reason": "another patient"})

    assert performed["formulation"] == "F-01 version 1"
    assert [one["session"] for one in planned] == [performed["id"], second["id"], None, None]
    assert [one["state"] for one in here.seen(f"/courses/{course}")["sessions"]][1] == "planned"
    assert twice.status_code == 409


def test_what_a_course_will_need_is_on_the_reorder_list(here):
    made = quote(here, patient_ref="P-103")
    step(here, made, "issue")
    step(here, made, "accept")

    advice = {one["sku"]: one for one in here.seen("/reorder-advice?limit=500")["items"]}

    assert advice["MP-001"]["order_packs"] > 0
    assert Decimal(advice["MP-001"]["allocated"]) >= 12
    assert "Order" in advice["MP-001"]["why"]
    assert here.seen("/reorder-advice", role=Role.PRACTITIONER)["items"][0]["cost"] is None


def test_an_allergen_blocks_the_issue_until_a_practitioner_gives_a_reason(here):
    made = quote(here, patient_ref="P-104", screening={"allergies": ["lidocaine"]})

    by_manager = step(here, made, "issue", reason="it will be fine")
    by_practitioner = step(here, made, "issue", role=Role.PRACTITIONER, reason="patch test negative")

    assert by_manager.status_code == 409
    assert by_manager.json["name"] == "AllergenBlocks"
    assert by_practitioner.status_code == 200
    assert by_practitioner.json["events"][0]["reason"] == "patch test negative"


def test_a_lapsed_quote_is_accepted_by_a_manager_with_a_reason(here):
    made = quote(here, patient_ref="P-105")
    step(here, made, "issue")
    here.clock.now = NOW + timedelta(days=40)

    late = step(here, made, "accept")
    with_reason = step(here, made, "accept", reason="promised by telephone")

    assert (late.status_code, late.json["name"]) == (409, "QuoteLapsed")
    assert with_reason.status_code == 200


def test_a_revision_is_a_version_beside_the_old_and_its_issue_withdraws_it(here):
    made = quote(here, patient_ref="P-106")
    step(here, made, "issue")

    revised = step(here, made, "revise", sessions=5).json
    before = here.seen(f"/quotes/{made['id']}")["status"]
    issued = step(here, revised, "issue").json

    assert (revised["version"], revised["status"], len(revised["sessions"])) == (2, "draft", 5)
    assert before == "issued"
    assert here.seen(f"/quotes/{made['id']}")["status"] == "withdrawn"
    assert issued["number"] == here.seen(f"/quotes/{made['id']}")["number"]


def test_an_issued_quote_keeps_what_it_promised_whatever_is_edited_later(here):
    made = quote(here, patient_ref="P-107", level="L2")
    step(here, made, "issue")
    tag = here.get("/levels/L2").headers["ETag"]
    here.call("PATCH", "/levels/L2", {"multiplier": "2", "labour_rate": "90.00"}, headers={"If-Match": tag})

    kept = here.seen(f"/quotes/{made['id']}")
    drift = here.seen(f"/quotes/{made['id']}/drift")

    assert kept["stages"] == made["stages"]
    assert kept["total"] == made["total"]
    assert Decimal(drift["difference"]) > 0


def test_the_clinics_own_list_price_is_stage_four(here):
    here.made(
        "/list-prices", {"protocol": "P-00", "level": "L3", "price": "333.00", "valid_from": "2026-01-01"}
    )

    stages = {stage["name"]: stage["amount"] for stage in quote(here, level="L3")["stages"]}

    assert (stages["list"], stages["step"]) == ("333.00", "335.00")


def test_a_formulation_shows_its_products_and_what_its_maker_declares(here):
    formulation = here.seen("/formulations/F-01", role=Role.FRONT_DESK)

    assert formulation["products"][0]["sku"] == "MP-001"
    assert len(formulation["components"]) >= 59
    assert here.seen("/protocols/P-00")["sessions_typical"] == 4
