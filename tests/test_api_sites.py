"""Who works where: every call that names a site, by every role, of people of one site, of two and of all."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.auth import MAY, Role
from api.web import accounts
from inventory import clinic
from seed_data import reference
from tests.calls import BASE, NOW, Clinic, opened
from tests.conftest import NewDatabase

RECEIPT = {"sku": "MP-001", "expires_on": "2026-12-31", "containers": 40, "unit_cost": "16.50"}
QUOTE = {"protocol": "P-00", "level": "L2", "starts_on": "2026-01-20", "screening": {"allergies": []}}
USE = {"lines": [{"sku": "MP-001", "quantity": "3"}]}

LIST = b"sku,lot_number,expires_on,containers,unit_cost\nMP-001,LISTED,2026-12-31,1,1.00\n"

NAMING_A_SITE: dict[str, Any] = {
    "GET /stock": None,
    "GET /lots": None,
    "GET /sessions": None,
    "GET /opened-vials": None,
    "GET /reorder-advice": None,
    "POST /costings": {"protocol": "P-00", "level": "L2"},
    "POST /receipts": RECEIPT | {"lot_number": "NEW"},
    "POST /sessions": {"patient_ref": "P-1"} | USE,
    "POST /quotes": QUOTE | {"patient_ref": "P-1"},
    "POST /opened-vials": {"lot": "MULTI"},
    "POST /opened-vials/discard-due": {},
    "POST /write-offs": {"lot": "SINGLE", "quantity": "3", "reason": "broken"},
    "POST /imports/<code:kind>": None,
}
"""Calls that take a site, and a body that they would accept."""

OF_A_SITE = """
GET /sessions/{session}
POST /sessions/{session}/reverse {"reason": "an error"}
GET /opened-vials/{vial}
POST /opened-vials/{vial}/discard {}
POST /write-offs {"lot": {multi}, "opened_vial": {vial}, "quantity": "1", "reason": "broken"}
GET /quotes/{quote}
GET /quotes/{quote}/drift
POST /quotes/{quote}/issue {}
POST /quotes/{quote}/accept {}
POST /quotes/{quote}/decline {}
POST /quotes/{quote}/withdraw {"reason": "an error"}
POST /quotes/{quote}/revise {"sessions": 3}
GET /courses/{course}
GET /courses/{course}/refund
POST /courses/{course}/payments {"amount": "1.00", "method": "card"}
POST /courses/{course}/refund {"method": "card", "note": "moves away"}
POST /courses/{course}/transfer {"patient_ref": "P-8", "reason": "a gift"}
POST /courses/{course}/sessions/1/move {"planned_on": "2026-02-20", "reason": "ill"}
POST /courses/{course}/sessions/1/forfeit {}
POST /courses/{course}/sessions/1/without-stock {"reason": "laser only"}
POST /courses/{course}/sessions/1/take-back {"reason": "a slip"}
POST /sessions {"patient_ref": "P-9", "course": {course}}
GET /receipts/{receipt}
GET /movements/{movement}
POST /movements/{movement}/reverse {"reason": "an error"}
GET /lots/{only_south}
GET /lots/{only_south}/trace
POST /lots/{only_south}/quarantine {"reason": "warm"}
POST /lots/{only_south}/release {"reason": "checked"}
POST /lots/{only_south}/recall {"reason": "the maker"}
"""
"""What is said of a thing at SOUTH, or done to it, by its key."""

ASSIGNED = [("MAIN",), ("SOUTH",), ("MAIN", "SOUTH"), ()]


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[tuple[Clinic, dict[str, int]]]:
    """A clinic with something of everything at SOUTH, its second site; and the keys of it."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            for code in ("MAIN", "SOUTH"):
                site = {"code": code, "name": code.title(), "country": "US", "region": "North America"}
                found.made("/sites", site | {"time_zone": "America/New_York"})
            yield found, furnished(found)


def furnished(here: Clinic) -> dict[str, int]:
    """Something at SOUTH of most that a site has, and the keys of it."""
    keys = {}
    for site, number in (("MAIN", "A17"), ("SOUTH", "A17"), ("SOUTH", "SOUTHERN")):
        received = here.made("/receipts", RECEIPT | {"site": site, "lot_number": number})
    keys["receipt"], keys["only_south"] = received["id"], received["lot"]["id"]
    multi = next(one for one in here.seen("/items?limit=500")["items"] if one["dose_class"] == "multi_dose")
    for site in ("MAIN", "SOUTH"):
        line = RECEIPT | {"sku": multi["sku"], "lot_number": "MULTI", "site": site}
        keys["multi"] = here.made("/receipts", line)["lot"]["id"]
    keys["vial"] = here.made("/opened-vials", {"lot": keys["multi"], "site": "SOUTH"})["id"]
    visit = {"patient_ref": "P-9", "site": "SOUTH"} | USE
    keys["session"] = here.made("/sessions", visit)["id"]
    keys["movement"] = max(one["id"] for one in here.seen("/movements?limit=500")["items"])
    quote = here.made("/quotes", QUOTE | {"patient_ref": "P-9", "site": "SOUTH"})
    here.made(f"/quotes/{quote['id']}/issue", {})
    here.made(f"/quotes/{quote['id']}/accept", {})
    keys["quote"], keys["course"] = quote["id"], here.seen("/courses")["items"][0]["id"]
    keys["SINGLE"] = here.seen("/lots?sku=MP-001")["items"][0]["id"]
    return keys | {"MULTI": keys["multi"]}


def assign(here: Clinic, role: Role, codes: tuple[str, ...]) -> None:
    """Have the person of a role work at these sites only; at all, where there are none."""
    with here.database.write.begin() as db:
        person = accounts.by_name(db, f"{role.spoken.title()} Person")
        assert person is not None
        accounts.set_sites(db, person, [clinic.site(db, code).id for code in codes])


def ask(here: Clinic, keys: dict[str, int], call: str, role: Role, site: str | None) -> Any:
    method, rule = call.split()
    path = rule.replace("<code:kind>", "opening-stock")
    body = NAMING_A_SITE[call]
    if body is None:
        query = f"?site={site}" if site else ""
        sent = {"data": LIST, "content_type": "text/csv"} if method == "POST" else {}
        return here.call(method, path + query, role=role, **sent)
    body = body | {name: keys[value] for name, value in body.items() if value in ("MULTI", "SINGLE")}
    return here.call(method, path, body | ({"site": site} if site else {}), role=role)


def taking_a_site(here: Clinic) -> set[str]:
    """Every call of the interface that takes a site, by its document."""
    document = here.seen("/openapi.json", role=None)
    found = set()
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            if isinstance(call, dict) and "site" in _asked(document, call):
                rule = path.removeprefix(BASE).replace("{kind}", "<code:kind>").replace("{sku}", "<code:sku>")
                found.add(f"{method.upper()} {rule}")
    return found


def test_the_table_names_calls_that_take_a_site(there):
    here, _ = there

    assert set(NAMING_A_SITE) <= taking_a_site(here)


def test_no_question_about_another_site_is_answered(there):
    here, _ = there
    assign(here, Role.ADMIN, ("MAIN",))
    asked = [call for call in taking_a_site(here) if call.startswith("GET ") and "{" not in call]

    answers = {call: here.get(f"{call[4:]}?site=SOUTH", role=Role.ADMIN).status_code for call in asked}
    assign(here, Role.ADMIN, ())

    assert answers == dict.fromkeys(asked, 403)


def _asked(document: Any, call: dict[str, Any]) -> set[str]:
    """The names of what a call may be given in its address and its body."""
    names = {one["name"] for one in call.get("parameters", ()) if "name" in one}
    for content in call.get("requestBody", {}).get("content", {}).values():
        shape = content["schema"]
        if "$ref" in shape:
            shape = document["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]]
        names |= set(shape.get("properties", ()))
    return names


@pytest.mark.parametrize("codes", ASSIGNED, ids="-".join)
@pytest.mark.parametrize("role", Role)
def test_a_site_is_named_only_by_who_works_there(there, role, codes):
    here, keys = there
    assign(here, role, codes)
    for call in NAMING_A_SITE:
        if role not in MAY[call.replace(" /", f" {BASE}/")]:
            continue
        for site in ("MAIN", "SOUTH", None):
            answer = ask(here, keys, call, role, site)

            if site in (*codes, None) or not codes:
                assert answer.status_code not in (401, 403, 404, 500), (call, site, answer.text)
            else:
                assert answer.status_code == 403, (call, site, answer.text)
                assert answer.json["name"] == "NotYourSite"
                assert f"works at {codes[0]}, not at {site}." in answer.json["detail"]
        assert ask(here, keys, call, role, "NOPE").status_code == 404, call
    assign(here, role, ())


@pytest.mark.parametrize("role", Role)
def test_of_what_is_at_another_site_nothing_is_said_and_nothing_is_done_to_it(there, role):
    here, keys = there
    assign(here, role, ("MAIN",))
    for line in OF_A_SITE.strip().splitlines():
        method, path, *body = line.split(maxsplit=2)
        for name, key in keys.items():
            path = path.replace(f"{{{name}}}", str(key))
            body = [part.replace(f"{{{name}}}", str(key)) for part in body]

        answer = here.call(
            method, path, role=role, **({"data": body[0], "content_type": "application/json"} if body else {})
        )

        if answer.status_code == 403:
            assert answer.json["name"] == "NotAllowed", line
        else:
            assert (answer.status_code, answer.json["name"]) == (404, "UnknownSite"), (line, answer.text)
            assert answer.json["detail"] == "This is at a site where you do not work."
    assign(here, role, ())


def test_where_no_site_is_named_it_is_the_first_of_the_callers_own(there):
    here, _ = there
    assign(here, Role.MANAGER, ("SOUTH",))

    made = here.made("/quotes", QUOTE | {"patient_ref": "P-2"})
    treated = here.made("/sessions", {"patient_ref": "P-2"} | USE)
    assign(here, Role.MANAGER, ())

    assert treated["site"] == "SOUTH"
    assert made["id"] in [one["id"] for one in here.seen("/quotes?patient_ref=P-2")["items"]]


LISTS = ["/sites", "/lots", "/movements", "/sessions", "/quotes", "/courses", "/opened-vials?all=true"]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_shows_only_what_is_at_the_callers_sites(there, path):
    here, _ = there
    role = Role.PRACTITIONER
    seen = {}
    for codes in ASSIGNED:
        assign(here, role, codes)
        joined = "&" if "?" in path else "?"
        rows = here.seen(f"{path}{joined}limit=500", role=role)["items"]
        seen[codes] = {one.get("id") or one["code"] for one in rows}
        assert path != "/sessions" or {one["site"] for one in rows} <= set(codes or ("MAIN", "SOUTH"))

    assert seen["SOUTH",]
    assert seen["MAIN",] < seen["MAIN", "SOUTH"] or path.startswith("/opened-vials")
    assert seen["MAIN", "SOUTH"] == seen[()]
    if path != "/lots":  # a lot may be at both
        assert not seen["MAIN",] & seen["SOUTH",]


def test_a_lot_at_two_sites_is_shown_with_the_part_that_is_the_callers(there):
    here, keys = there
    path = f"/lots/{keys['SINGLE']}"
    shown = {}
    for codes in (("MAIN",), ("SOUTH",), ()):
        assign(here, Role.MANAGER, codes)
        shown[codes] = here.seen(path)
    listed = {one["id"]: one for one in here.seen("/lots?limit=500")["items"]}

    assert shown[()] == listed[keys["SINGLE"]]
    for field in ("on_hand", "value"):
        parts = [float(shown[codes][field]) for codes in (("MAIN",), ("SOUTH",))]
        assert all(part > 0 for part in parts)
        assert sum(parts) == pytest.approx(float(shown[()][field]))
