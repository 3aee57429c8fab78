"""Who works at one site is told nothing of another's and does nothing there: every call, every page."""

from collections.abc import Iterator

import pytest

from api.auth import Role
from seed_data import reference
from tests import site_rules
from tests.calls import NOW, Clinic, opened
from tests.conftest import NewDatabase
from tests.pages import House, main
from tests.test_api_sites import QUOTE, USE, assign, furnished, taking_a_site

Furnished = tuple[House, dict[str, int]]

TELLING = ("SOUTHERN", "SOUTHIMP", "SOUTHFRIDGE", "SOUTHPAT", "southnote", "southward")
"""Words that stand in the book only with what is at SOUTH."""


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[Furnished]:
    """A clinic of three sites, with something of everything at SOUTH, and an admin who works at MAIN."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            for code in ("MAIN", "SOUTH", "NORTH"):
                site = {"code": code, "name": code.title(), "country": "US", "region": "North America"}
                found.made("/sites", site | {"time_zone": "America/New_York"})
            keys = furnished(found) | _more(found)
            assign(found, Role.ADMIN, ("MAIN",))
            yield House(found), keys


def _more(here: Clinic) -> dict[str, int]:
    """What else a site has."""
    south = {"site": "SOUTH"}
    place = {"code": "SOUTHFRIDGE", "name": "Cold", "temperature": "cold"}
    here.made("/sites/SOUTH/places", place)
    here.made("/sessions", {"patient_ref": "SOUTHPAT"} | USE | south)
    here.made("/quotes", QUOTE | {"patient_ref": "SOUTHPAT"} | south)
    lines = {"lines": [{"sku": "MP-001", "packs": 2, "pack_containers": 5, "pack_price": "80"}]}
    supplier = here.seen("/suppliers")["items"][0]["code"]
    order = here.made("/purchase-orders", lines | south | {"supplier": supplier, "note": "southnote"})
    load = {"lines": [{"sku": "MP-001", "containers": 2}]}
    sent = here.made("/transfers", load | south | {"target": "NORTH", "note": "southnote"})
    count = here.made("/counts", south)
    calendar = here.made("/calendars", south, role=Role.ADMIN)
    brought = here.post(
        "/imports/opening-stock?site=SOUTH",
        data=b"sku,lot_number,expires_on,containers,unit_cost\nMP-002,SOUTHIMP,2026-11-30,4,9.00\n",
        content_type="text/csv",
    ).json
    assert brought["imported"] == 1, brought
    thrown = here.made(
        "/write-offs",
        {"lot": here.seen("/lots?sku=MP-001")["items"][0]["id"], "quantity": "3", "reason": "broken"} | south,
    )
    return {
        "order": order["id"],
        "transfer": sent["id"],
        "count": count["id"],
        "calendar": calendar["id"],
        "import": brought["id"],
        "document": thrown["id"],
    }


def test_every_address_is_of_a_site_or_the_clinics_for_a_reason(there):
    house, _ = there
    takes = taking_a_site(house.clinic)
    unknown, twice = set(), set()
    for method, path, _ in site_rules.rules():
        call = f"{method} {path}"
        by_key = site_rules.asked_by_key(path)
        told = [path in site_rules.the_clinics(), by_key, call in takes or call in site_rules.listed()]
        unknown |= {call} if not any(told) else set()
        twice |= {call} if sum(told) > 1 else set()
    addresses = {path for _, path, _ in site_rules.rules()}
    calls = {f"{method} {path}" for method, path, _ in site_rules.rules()}

    assert unknown == set(), "give an example at another site, or say why it is the clinic's"
    assert twice == set()
    assert site_rules.the_clinics() - addresses == set()
    assert (site_rules.listed() | set(site_rules.BODIES)) - calls == set()


def test_of_what_is_at_another_site_no_call_says_or_does_anything(there):
    house, keys = there
    odd = {}
    for method, path, rule in site_rules.rules():
        if site_rules.asked_by_key(path) and rule.startswith("/api"):
            address, body = site_rules.example(rule, keys), site_rules.BODIES.get(f"{method} {path}", {})
            files = {"data": b"line,found", "content_type": "text/csv"} if path.endswith("/sheet") else {}
            sent = files or ({} if method == "GET" else {"body": body})

            answer = house.clinic.call(method, address, role=Role.ADMIN, **sent)

            if (answer.status_code, answer.json and answer.json["name"]) not in _kept_out(path):
                odd[f"{method} {path}"] = answer.text[:200]
    assert odd == {}


def _kept_out(path: str) -> set[tuple[int, str]]:
    if path.startswith("/sites/"):
        return {(403, "NotYourSite")}
    return {(404, "UnknownCalendar" if path.startswith("/calendars") else "UnknownSite")}


def test_of_what_is_at_another_site_no_page_shows_or_does_anything(there):
    house, keys = there
    browser, odd = house.as_(Role.ADMIN), {}
    token = browser.hidden(browser.get("/account"))
    for method, path, rule in site_rules.rules():
        if site_rules.asked_by_key(path) and not rule.startswith("/api"):
            address = site_rules.example(rule, keys)

            fields = {"data": token | {"reason": "x"}} if method == "POST" else {}
            answer = browser.client.open(address, method=method, **fields)

            if answer.status_code != (403 if path.startswith("/settings/sites/") else 404):
                odd[f"{method} {path}"] = (answer.status_code, main(answer)[:200])
    assert odd == {}


def test_no_list_names_what_is_only_at_another_site(there):
    house, keys = there
    browser, odd = house.as_(Role.ADMIN), {}
    for method, path, rule in site_rules.rules():
        if method == "GET" and path not in site_rules.the_clinics() and not site_rules.asked_by_key(path):
            address = site_rules.example(rule, keys)
            asked = f"?vials={keys['vial']}" if address.endswith("labels.pdf") else ""
            days = "?from=2026-01-01&to=2026-01-31" if "conversion" in address else ""
            if rule.startswith("/api"):
                answer = house.clinic.get(address + asked + days, role=Role.ADMIN)
            else:
                answer = browser.get(address + asked + days)

            text = answer.get_data().decode(errors="replace")
            found = [word for word in TELLING if word in text]
            assert answer.status_code == (404 if asked else 200), (rule, text[:300])
            if found:
                odd[rule] = found
    assert odd == {}


def test_nothing_at_the_other_site_was_touched(there):
    """The calls above did nothing: all of it stands as it was made."""
    house, keys = there
    here = house.clinic

    assert here.seen(f"/purchase-orders/{keys['order']}")["state"] == "draft"
    assert here.seen(f"/transfers/{keys['transfer']}")["state"] == "on_the_way"
    assert here.seen(f"/counts/{keys['count']}")["state"] == "open"
    assert here.seen(f"/imports/{keys['import']}")["undone_at"] is None
    assert here.seen(f"/lots/{keys['only_south']}")["state"] == "released"
    assert here.seen(f"/opened-vials/{keys['vial']}")["closed_at"] is None
    assert here.seen(f"/quotes/{keys['quote']}")["status"] == "accepted"
    session = here.seen(f"/sessions/{keys['session']}")
    assert not session.get("reversed_by")


def test_who_receives_a_transfer_may_undo_that_and_who_sent_it_may_not(there):
    house, _ = there
    here = house.clinic
    load = {"lines": [{"sku": "MP-001", "containers": 1}], "site": "MAIN", "target": "SOUTH"}
    sent = here.made("/transfers", load)
    here.made(f"/transfers/{sent['id']}/receive", {})
    came = max(one["id"] for one in here.seen("/movements?limit=500")["items"])

    answers = []
    for code in ("MAIN", "SOUTH"):
        assign(here, Role.ADMIN, (code,))
        asked = here.post(f"/movements/{came}/reverse?dry_run=true", site_rules.WHY, role=Role.ADMIN)
        answers.append(asked.status_code)
    assign(here, Role.ADMIN, ("MAIN",))

    assert answers[0] == 404
    assert answers[1] in (200, 409)
