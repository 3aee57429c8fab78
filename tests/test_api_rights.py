"""Who may call what, and who sees what: every call by every role, and no cost where none may be seen (P5)."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from api import auth
from api.auth import Role
from seed_data import reference
from tests.calls import NOW, Clinic, opened
from tests.conftest import NewDatabase

DUTIES = {
    "POST /api/v1/receipts": "manager admin",
    "POST /api/v1/write-offs": "manager admin",
    "POST /api/v1/movements/<id:movement_id>/reverse": "manager admin",
    "POST /api/v1/lots/<id:lot_id>/recall": "manager admin",
    "POST /api/v1/lots/<id:lot_id>/quarantine": "manager practitioner admin",
    "POST /api/v1/sessions": "manager practitioner admin",
    "POST /api/v1/quotes": "manager front_desk practitioner admin",
    "POST /api/v1/costings": "manager accountant admin",
    "POST /api/v1/courses/<id:course_id>/payments": "manager front_desk practitioner admin",
    "POST /api/v1/courses/<id:course_id>/sessions/<id:number>/without-stock": "manager practitioner admin",
    "POST /api/v1/courses/<id:course_id>/sessions/<id:number>/take-back": "manager admin",
    "GET /api/v1/deferred-revenue": "manager accountant admin",
    "GET /api/v1/valuation": "manager accountant admin",
    "GET /api/v1/journal": "manager accountant admin",
    "GET /api/v1/offers": "manager accountant admin",
    "GET /api/v1/stock": "manager front_desk accountant practitioner admin",
    "PUT /api/v1/settings/<code:key>": "manager admin",
}


@pytest.mark.parametrize("call", DUTIES)
def test_duties_are_kept_apart(call):
    assert {role.value for role in auth.MAY[call]} == set(DUTIES[call].split())


def test_every_call_of_the_program_is_in_the_table_and_only_a_few_are_open(there):
    calls = {
        f"{method} {rule.rule}"
        for rule in there.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert calls - set(auth.MAY) == {call for call in auth.OPEN if "/api/" in call}


@pytest.mark.parametrize("role", [None, *Role])
def test_a_call_is_open_to_exactly_the_roles_of_the_table(there, role):
    for call, roles in auth.MAY.items():
        method, rule = call.split(" ", 1)
        path = re.sub(r"<id:[^>]*>", "999999", rule)
        path = re.sub(r"<[^>]*>", "NONE", path)

        answer = there.call(method, path, {} if method != "GET" else None, role=role)

        if role is None:
            assert answer.status_code == 401, call
        elif role in roles:
            assert answer.status_code not in (401, 403, 500), (call, answer.text)
        else:
            assert answer.status_code == 403, (call, answer.text)
            assert answer.json["name"] == "NotAllowed"
            assert role.spoken in answer.json["detail"]


def test_head_is_allowed_to_whom_get_is(there):
    assert there.call("HEAD", "/valuation", role=Role.FRONT_DESK).status_code == 403
    assert there.call("HEAD", "/valuation", role=Role.ACCOUNTANT).status_code == 200
    assert there.call("HEAD", "/valuation", role=None).status_code == 401


def test_who_was_given_another_role_has_it_from_the_next_request_on(here):
    assert here.get("/valuation", role=Role.ACCOUNTANT).status_code == 200

    with here.database.write.begin() as db:
        here.tokens[Role.ACCOUNTANT] = auth.issue_token(db, "Accountant Person", role=Role.FRONT_DESK, at=NOW)

    assert here.get("/valuation", role=Role.ACCOUNTANT).status_code == 403


PLANTED = "98765.43"
TELLING = ("98765", "197530")  # of one vial, and of both


@pytest.fixture(scope="module")
def dear(new_database: NewDatabase) -> Iterator[Clinic]:
    """A clinic with the reference tables, whose one vial of MP-001 cost far more than anything else."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            site = {"code": "MAIN", "name": "Main", "country": "US", "region": "North America"}
            found.made("/sites", site | {"time_zone": "America/New_York"})
            for number in ("DEAR", "DEARER"):
                found.made(
                    "/receipts",
                    {
                        "sku": "MP-001",
                        "lot_number": number,
                        "expires_on": "2026-12-31",
                        "containers": 1,
                        "unit_cost": PLANTED,
                    },
                )
            yield found


QUOTE = {
    "protocol": "P-00",
    "level": "L2",
    "starts_on": "2026-01-20",
    "sessions": 3,
    "patient_ref": "P-7",
    "screening": {"allergies": []},
}


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER])
def test_who_does_not_see_costs_finds_them_nowhere(dear, role):
    answers = []
    if role is Role.PRACTITIONER:
        session = {"patient_ref": "P-1", "lines": [{"sku": "MP-001", "quantity": "3"}]}
        answers.append(dear.post("/sessions", session, role=role))
    answers.append(dear.post("/quotes", QUOTE, role=role))
    for call, roles in auth.MAY.items():
        method, rule = call.split(" ", 1)
        if method == "GET" and role in roles:
            path = rule.replace("<code:sku>", "MP-001").replace("<code:code>", "F-01")
            answers.append(dear.get(re.sub(r"<id:[^>]*>", "1", path), role=role))

    # A document is a file, not text; what its pages say is looked at where it is made.
    texts = [answer.text for answer in answers if answer.mimetype != "application/pdf"]
    told = "".join(texts).replace(",", "")
    shown = dear.get("/lots").text + dear.get("/stock?sku=MP-001").text

    assert any("DEAR" in text for text in texts)
    assert not any(number in told for number in TELLING)
    assert "98765" in shown  # a manager sees it


def test_a_refused_price_tells_the_front_desk_no_floor_and_a_manager_the_numbers(dear):
    dear.made("/receipts", {"sku": "MP-001", "lot_number": "A", "expires_on": "2026-12-31", "containers": 9,
                            "unit_cost": PLANTED})  # fmt: skip

    told = dear.post("/quotes", QUOTE, role=Role.FRONT_DESK)
    shown = dear.post("/quotes", QUOTE, role=Role.MANAGER)

    assert (told.status_code, shown.status_code) == (409, 409)
    assert told.json["name"] == shown.json["name"] == "NoPrice"
    assert "facts" not in told.json
    floor = shown.json["facts"]["floor"]
    assert f"{Decimal(floor):,.2f}" in shown.json["detail"]
    assert f"{Decimal(floor):,.2f}" not in told.text


def test_only_a_manager_overrides_the_band_and_the_reason_is_kept(dear):
    override = QUOTE | {"price_override": "a friend of the house"}

    refused = dear.post("/quotes", override, role=Role.FRONT_DESK)
    made = dear.made("/quotes", override)

    assert refused.status_code == 403
    assert made["price_override"] == "a friend of the house"
