"""Alerts where people look: the call, the page, the command, and the private calendars."""

import json
import re
from datetime import date, timedelta

import icalendar
import pytest
from click.testing import CliRunner

from api import cli, settings
from api.auth import Role
from api.web import accounts
from inventory import catalog, clinic
from tests.calls import NOW
from tests.pages import House, main, said
from tests.shelves import received

pytest_plugins = ("tests.calls", "tests.pages")

SOON = date(2026, 1, 31)
EVENTS = "VEVENT"


@pytest.fixture
def here(house: House):
    received(house, expires_on=SOON)
    return house.clinic


def feed(here, address: str) -> list:
    answer = here.call("GET", address.removeprefix("http://localhost"), role=None)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/calendar"
    return icalendar.Calendar.from_ical(answer.get_data()).walk(EVENTS)


def made(here, role: Role = Role.MANAGER):
    answer = here.made("/calendars", {"site": "MAIN"}, role=role)
    assert here.get("/calendars", role=role).json["items"][-1] == {
        key: value for key, value in answer.items() if key != "address"
    }
    return answer


def test_the_call_says_what_the_domain_says(here):
    seen = here.seen("/alerts?within_days=30")

    assert (seen["site"], seen["on"], seen["value_at_risk"]) == ("MAIN", "2026-01-15", "33.00")
    assert [(one["kind"], one["lot_number"], one["due_on"], one["value"]) for one in seen["items"]] == [
        ("expires", "A17", "2026-01-31", "33.00")
    ]
    assert here.seen("/alerts?within_days=3")["items"] == []


def test_who_sees_no_costs_sees_none_among_the_alerts(here):
    seen = here.seen("/alerts", role=Role.PRACTITIONER)

    assert seen["value_at_risk"] is None
    assert [one["value"] for one in seen["items"]] == [None]


@pytest.mark.parametrize("days", ["-1", "3651", "x", "1.5"])
def test_days_beyond_the_limits_are_refused(here, days):
    assert here.get(f"/alerts?within_days={days}").status_code in (400, 422)


def test_a_calendar_program_finds_the_last_day_at_the_private_address(here):
    (event,) = feed(here, made(here)["address"])

    assert event["SUMMARY"] == "Last day: Hyaluronic acid 2%, 3 mL, lot A17"
    assert event["DTSTART"].dt == SOON
    assert event["DTEND"].dt == SOON + timedelta(days=1)
    assert "16.5" not in event.to_ical().decode()
    assert "33.0" not in event.to_ical().decode()


def test_an_event_keeps_its_key_from_one_look_to_the_next(here):
    address = made(here)["address"]
    first = feed(here, address)[0]["UID"]
    here.clock.now = NOW + timedelta(days=20)  # past its last day

    (event,) = feed(here, address)

    assert event["UID"] == first
    assert event["SUMMARY"].startswith("Expired: ")
    assert event["DTSTART"].dt == SOON


def test_an_opened_vial_stands_at_its_hour_without_the_patient(house: House, here):
    lot_id = received(house, "LIDO-20", lot="L1")
    opened = here.made(
        "/opened-vials", {"lot": lot_id, "patient_ref": "P-4711", "prepared_in": "treatment_room"}
    )
    address = made(here)["address"]

    events = feed(here, address)

    assert len(events) == 2
    assert [event["DTSTART"].dt.isoformat() for event in events if event["UID"].startswith("vial-")] == [
        opened["discard_at"].replace("Z", "+00:00")
    ]
    assert all(b"P-4711" not in event.to_ical() for event in events)


def test_what_would_use_up_an_opened_vial_stands_on_its_last_day(house: House, here):
    received(house, sku="LIDO-20", expires_on=date(2027, 6, 30), lot="L7")
    with house.database.write.begin() as db:
        clinic.site(db, "MAIN").share_opened_vials = True
        catalog.item(db, "LIDO-20").in_use_hours = 28 * 24
    house.clinic.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "LIDO-20", "quantity": "4"}]})
    address = made(here)["address"]
    assert not [event for event in feed(here, address) if "Share" in event["SUMMARY"]]

    house.clock.now = NOW + timedelta(days=20)  # it is good for four weeks: the last of them has begun
    (event,) = (event for event in feed(here, address) if "Share" in event["SUMMARY"])

    assert event["SUMMARY"] == "Share a vial: Lidocaine 2%, 20 mL"
    assert "would use up the opened one, which has 16 mL left" in event["DESCRIPTION"]
    assert "P-1" not in event.to_ical().decode()


def test_an_address_that_is_ended_or_guessed_answers_nothing(here):
    calendar = made(here)
    path = calendar["address"].removeprefix("http://localhost")

    here.made(f"/calendars/{calendar['id']}/end", {})

    assert here.call("GET", path, role=None).status_code == 404
    assert here.call("GET", "/api/v1/calendars/guess.ics", role=None).status_code == 404
    assert here.get("/calendars").json == {"items": []}
    # Ended once is ended for good, and nobody ends another's.
    assert here.post(f"/calendars/{calendar['id']}/end", {}).status_code == 404
    other = made(here, Role.ACCOUNTANT)
    assert here.post(f"/calendars/{other['id']}/end", {}, role=Role.MANAGER).status_code == 404
    assert here.post(f"/calendars/{other['id']}/end", {}, role=Role.ADMIN).status_code == 200


def test_an_address_dies_with_its_owners_right_to_come_in(house: House, here):
    path = made(here, Role.FRONT_DESK)["address"].removeprefix("http://localhost")
    assert here.call("GET", path, role=None).status_code == 200

    with house.database.read() as db:
        found = accounts.by_name(db, house.name_of(Role.FRONT_DESK))
        assert found is not None
        person_id = found.id
    house.as_(Role.ADMIN).send(f"/people/{person_id}", role="front_desk", active="")

    assert here.call("GET", path, role=None).status_code == 404


def test_the_same_key_again_tells_no_secret_twice(here):
    headers = {"Idempotency-Key": "calendar-1"}
    first = here.post("/calendars", {"site": "MAIN"}, headers=headers)
    second = here.post("/calendars", {"site": "MAIN"}, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["address"] != second.json["address"]


def test_the_page_says_what_presses_and_makes_and_ends_an_address(house: House, here):
    browser = house.as_(Role.MANAGER)
    page = said(browser.get("/alerts"))
    assert "6 mL · lot A17 31 Jan 2026 16 days" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "$33.00 at risk" in page

    shown = said(browser.post("/alerts/calendars", browser.hidden(browser.get("/alerts"))))
    address = re.search(r"http://localhost(/api/v1/calendars/\S+\.ics)", shown)
    assert here.call("GET", address[1], role=None).status_code == 200

    hidden = browser.hidden(browser.get("/alerts"))
    ended = browser.post("/alerts/calendars/1/end", hidden)
    assert "its address answers no more" in said(browser.follow(ended)) + browser.page.get_data(as_text=True)
    assert here.call("GET", address[1], role=None).status_code == 404


def test_the_front_desk_sees_no_value_on_the_page(house: House, here):
    page = said(house.as_(Role.FRONT_DESK).get("/alerts"))

    assert "lot A17" in page
    assert "33.00" not in page


def test_a_window_nobody_offered_is_the_clinics_own(house: House, here):
    assert "the next 30 days" in said(house.as_(Role.MANAGER).get("/alerts?within=31"))
    assert "the next 7 days" in said(house.as_(Role.MANAGER).get("/alerts?within=7"))


def test_a_late_order_is_asked_for_on_the_pages_and_in_the_calendar(house: House, here):
    lines = [{"sku": "HA-3", "packs": 2}, {"sku": "LIDO-20", "packs": 1}]
    order = here.made("/purchase-orders", {"supplier": "SUP-01", "lines": lines})["id"]
    here.made(f"/purchase-orders/{order}/send", {"expected_on": "2026-01-20"})
    assert here.seen("/alerts?within_days=3")["items"] == []
    address = made(here)["address"]
    assert "late" not in said(house.as_(Role.ADMIN).get("/"))
    house.clock.now = NOW + timedelta(days=6)

    late = [one for one in here.seen("/alerts")["items"] if one["kind"] == "late"]
    assert [(one["sku"], one["order"], one["quantity"], one["due_on"]) for one in late] == [
        ("HA-3", order, "60", "2026-01-20"), ("LIDO-20", order, "200", "2026-01-20"),
    ]  # fmt: skip
    manager = house.as_(Role.MANAGER)
    page = said(manager.get("/alerts"))
    assert "Late 2" in page
    assert "PO-00001: it should have come on 20 Jan 2026, 1 day ago." in page
    assert f'href="/orders/{order}"' in main(manager.page)
    assert "1 order is late" in said(manager.get("/"))
    assert f'href="/orders/{order}"' not in main(house.as_(Role.FRONT_DESK).get("/alerts"))
    events = [one for one in feed(here, address) if one["UID"].startswith(f"late-{order}-")]
    assert [str(one["SUMMARY"]) for one in events] == [
        "Ask for: Hyaluronic acid 2%, 3 mL", "Ask for: Lidocaine 2%, 20 mL",
    ]  # fmt: skip
    assert {one["DTSTART"].dt for one in events} == {date(2026, 1, 21)}  # today, where somebody looks
    assert len({one["UID"] for one in events}) == 2


def test_the_command_prints_a_line_each_with_its_day_or_all_for_a_program(here, monkeypatch):
    order = here.made("/purchase-orders", {"supplier": "SUP-01", "lines": [{"sku": "LIDO-20", "packs": 1}]})
    here.made(f"/purchase-orders/{order['id']}/send", {"expected_on": "2026-01-20"})
    monkeypatch.setattr(cli, "opened", lambda _: here.database)
    monkeypatch.setattr(settings, "from_environment", lambda: None)
    monkeypatch.setattr(cli, "utc_now", lambda: NOW + timedelta(days=6))

    said, listed = (
        CliRunner().invoke(cli.vialbook, ["alerts", *more], catch_exceptions=False)
        for more in ([], ["--json"])
    )

    *lines, last = said.output.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "expires 2026-01-31 33.00 HA-3 Use 6 mL of Hyaluronic acid 2%, 3 mL, lot A17, by 2026-01-31: "
        "10 days left.",
        "late 2026-01-20 LIDO-20 Ask Northfield for 200 mL of Lidocaine 2%, 20 mL, PO-00001: "
        "it should have come on 2026-01-20, 1 day ago.",
    ]
    assert last == "2 alerts at MAIN on 2026-01-21; 33.00 USD expired or expiring within 30 days."
    assert [one["kind"] for one in json.loads(listed.output)["items"]] == ["expires", "late"]
