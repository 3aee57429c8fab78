"""Courses over HTTP: paid, moved, missed, refunded by each policy, and who may do and see what (P5, B2)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.auth import Role
from inventory import clinic
from inventory.database import Database
from pricing import proof
from seed_data import reference
from tests.calls import NOW, Clinic, opened
from tests.conftest import NewDatabase

D = Decimal
ASKED = {
    "protocol": "P-00", "level": "L5", "site": "MAIN", "sessions": 4, "starts_on": "2026-01-15",
    "interval_weeks": 2, "screening": {"allergies": []},
}  # fmt: skip


@pytest.fixture(scope="module")
def here(new_database: NewDatabase) -> Iterator[Clinic]:
    """A clinic with the reference tables and vials; each test sells a course of its own."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            site = {"code": "MAIN", "name": "Main", "country": "US", "region": "North America"}
            found.made("/sites", site | {"time_zone": "America/New_York"})
            receipt = {"sku": "MP-001", "lot_number": "M1", "expires_on": "2027-12-31"}
            found.made("/receipts", receipt | {"containers": 400, "unit_cost": "32"})
            yield found


@pytest.fixture(autouse=True)
def sound(here: Clinic) -> Iterator[None]:
    """Every test begins on the same day, and leaves books that hold."""
    here.clock.now = NOW
    yield
    with here.database.read() as db:
        assert proof.verify(db) == []


def sold(here: Clinic, patient: str, policy: str = "PC-00", **change: Any) -> str:
    """A course that was just accepted under a policy; answers its address."""
    with here.database.write.begin() as db:
        clinic.change_setting(db, "cancellation_policy", policy, at=NOW, by="Manager Person")
    made = here.made("/quotes", ASKED | {"patient_ref": patient} | change)
    here.post(f"/quotes/{made['id']}/issue", {})
    accepted = here.made(f"/quotes/{made['id']}/accept", {})
    return f"/courses/{accepted['course']}"


def paid(here: Clinic, course: str, amount: str = "", **more: Any) -> Any:
    amount = amount or here.seen(course)["account"]["due"]
    return here.made(f"{course}/payments", {"amount": amount, "method": "card", **more}, role=Role.FRONT_DESK)


def performed(here: Clinic, course: str, number: int, patient: str) -> Any:
    body = {"patient_ref": patient, "course": int(course.rpartition("/")[2]), "session_number": number}
    return here.post("/sessions", body, role=Role.PRACTITIONER)


def test_the_front_desk_takes_a_deposit_and_the_rest_and_sees_what_is_due(here):
    course = sold(here, "C-1")
    first = paid(here, course, "100.00", deposit=True, note="at the desk")
    rest = paid(here, course)

    total = rest["account"]["total"]
    assert (first["entry"]["kind"], first["entry"]["amount"]) == ("deposit", "100.00")
    assert first["account"]["paid"] == "100.00"
    assert D(first["account"]["due"]) == D(total) - 100
    assert (rest["account"]["paid"], rest["account"]["due"]) == (total, "0.00")
    seen = here.seen(course, role=Role.FRONT_DESK)
    assert [one["kind"] for one in seen["entries"]] == ["deposit", "payment"]
    assert (seen["account"]["deferred"], seen["variance"]) == (None, None)
    assert here.seen(course)["account"]["deferred"] is not None
    assert seen["policy"]["refund"]


def test_paying_twice_with_one_key_pays_once(here):
    course = sold(here, "C-2")
    body, key = {"amount": "50.00", "method": "cash"}, {"Idempotency-Key": "desk-1"}

    first = here.post(f"{course}/payments", body, headers=key)
    second = here.post(f"{course}/payments", body, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert here.seen(course)["account"]["paid"] == "50.00"


def test_more_than_is_due_another_day_and_an_unknown_course_are_refused(here):
    course = sold(here, "C-3")
    due = D(here.seen(course)["account"]["due"])

    def refused(body: Any, at: str = course) -> str:
        answer = here.post(f"{at}/payments", {"method": "card"} | body)
        return f"{answer.status_code} {answer.json['name']}"

    assert refused({"amount": str(due + 1)}) == "409 PaidTooMuch"
    assert refused({"amount": "1.00", "on": "2026-01-14"}) == "422 NotOnThatDay"
    assert refused({"amount": "1.00", "on": "2026-01-16"}) == "422 NotOnThatDay"
    assert refused({"amount": "1.00"}, "/courses/99999") == "404 UnknownCourse"
    for amount in ("0", "-1", "1.005", "NaN", "", 5, None):
        assert here.post(f"{course}/payments", {"method": "card", "amount": amount}).status_code == 422
    assert here.post(f"{course}/payments", {"amount": "1.00", "method": "shells"}).status_code == 422
    assert here.seen(course)["entries"] == []


# Paid in full, one session of four received: what each policy gives back, by what was paid for all
# and what a session costs singly (both the same here: no discount).
POLICIES = {
    "PC-00": lambda total, one: total - one,
    "PC-01": lambda total, one: total - one,
    "PC-02": lambda total, one: (total * 3 / 4).quantize(D("0.01")),
    "PC-03": lambda total, one: D(0),
    "PC-04": lambda total, one: D(0),
    "PC-05": lambda total, one: D(0),
    "PC-06": lambda total, one: total - one - 35,
    "PC-07": lambda total, one: D(0),
    "PC-08": lambda total, one: D(0),
}
CREDIT = {"PC-02", "PC-06"}


@pytest.mark.parametrize("code", POLICIES)
def test_each_policy_gives_back_what_it_says_and_ends_the_course(here, code):
    course = sold(here, f"R-{code}", code)
    paid(here, course)
    assert performed(here, course, 1, f"R-{code}").status_code == 201
    seen = here.seen(course)
    total, one = D(seen["account"]["total"]), D(seen["account"]["total"]) / 4
    due = POLICIES[code](total, one)

    foretold = here.seen(f"{course}/refund", role=Role.FRONT_DESK)
    body = {"method": "card"} if due else {"method": "card", "note": "the patient moves away"}
    given = here.made(f"{course}/refund", body, role=Role.FRONT_DESK)

    assert D(foretold["amount"]) == due
    assert (foretold["credit"], foretold["sessions_received"]) == (code in CREDIT, 1)
    assert D(given["entry"]["amount"]) == due
    assert given["entry"]["kind"] == ("credit" if code in CREDIT else "refund")
    assert given["account"]["sessions_owed"] == 0
    after = here.seen(course)
    assert [session["state"] for session in after["sessions"]] == ["performed"] + ["ended"] * 3
    for again in (
        here.post(f"{course}/refund", {"method": "card", "note": "twice"}),
        here.post(f"{course}/payments", {"method": "card", "amount": "1.00"}),
        performed(here, course, 2, f"R-{code}"),
        here.get(f"{course}/refund"),
    ):
        assert (again.status_code, again.json["name"]) == (409, "CourseEnded")


def test_another_amount_is_a_manager_s_with_a_note_and_never_more_than_was_paid(here):
    course = sold(here, "C-4")
    paid(here, course, "200.00")
    body = {"method": "card", "amount": "120.00", "note": "as agreed"}

    by_desk = here.post(f"{course}/refund", body, role=Role.FRONT_DESK)
    too_much = here.post(f"{course}/refund", body | {"amount": "200.01"})
    silent = here.post(f"{course}/refund", {"method": "card", "amount": "120.00"})

    assert (by_desk.status_code, by_desk.json["name"]) == (403, "NotAllowed")
    assert (too_much.status_code, too_much.json["name"]) == (409, "RefundTooLarge")
    assert (silent.status_code, silent.json["name"]) == (409, "NothingToGiveBack")
    assert here.made(f"{course}/refund", body)["entry"]["amount"] == "120.00"


def test_a_session_is_moved_with_notice_and_its_history_is_kept(here):
    course = sold(here, "C-5", "PC-03")
    where = f"{course}/sessions/2/move"

    first = here.made(where, {"planned_on": "2026-02-05", "reason": "on holiday"}, role=Role.FRONT_DESK)
    past = here.post(where, {"planned_on": "2026-01-14", "reason": "a slip"})
    here.made(where, {"planned_on": "2026-02-06", "reason": "again"})
    often = here.post(where, {"planned_on": "2026-02-07", "reason": "again"})

    assert (first["event"]["from_on"], first["event"]["to_on"]) == ("2026-01-29", "2026-02-05")
    assert first["event"]["fee"] == "0.00"
    assert (past.status_code, past.json["name"]) == (422, "MovedToThePast")
    assert (often.status_code, often.json["name"]) == (409, "MovedTooOften")
    seen = here.seen(course)
    assert seen["sessions"][1]["planned_on"] == "2026-02-06"
    assert [(one["session"], one["by"]) for one in seen["events"]] == [
        (2, "Front Desk Person"), (2, "Manager Person"),
    ]  # fmt: skip
    assert (
        here.post(f"{course}/sessions/9/move", {"planned_on": "2026-02-07", "reason": "x"}).status_code == 404
    )


def test_a_missed_session_is_used_up_or_costs_a_fee_by_the_policy(here):
    used, charged = sold(here, "C-6", "PC-06"), sold(here, "C-7", "PC-05")

    up = here.made(f"{used}/sessions/1/forfeit", {}, role=Role.FRONT_DESK)
    fee = here.made(f"{charged}/sessions/1/forfeit", {"fee_method": "card"}, role=Role.FRONT_DESK)
    early = here.post(f"{used}/sessions/2/forfeit", {})
    no_method = here.post(f"{used}/sessions/2/forfeit", {"fee": "5.00"})

    assert (up["account"]["sessions_owed"], up["event"]["fee"]) == (3, "0.00")
    assert (fee["account"]["sessions_owed"], fee["event"]["fee"]) == (4, "100.00")
    assert [(one["kind"], one["amount"]) for one in here.seen(charged)["entries"]] == [("fee", "100.00")]
    assert (early.status_code, early.json["name"]) == (409, "NotYetMissed")
    assert no_method.status_code == 422
    assert performed(here, used, 1, "C-6").json["name"] == "SessionOver"
    back = here.made(f"{used}/sessions/1/take-back", {"reason": "came late"})
    assert back["account"]["sessions_owed"] == 4


def test_a_session_without_stock_is_a_practitioner_s_to_say_with_a_reason(here):
    course = sold(here, "C-8")
    where, body = f"{course}/sessions/1/without-stock", {"reason": "laser only"}

    assert here.post(where, body, role=Role.FRONT_DESK).status_code == 403
    assert here.post(where, {}, role=Role.PRACTITIONER).status_code == 422
    made = here.made(where, body, role=Role.PRACTITIONER)

    assert made["account"]["sessions_used"] == 1
    assert here.seen(course)["sessions"][0]["state"] == "without_stock"


def test_a_course_passes_on_as_often_as_its_policy_allows(here):
    course, bound = sold(here, "C-9", "PC-01"), sold(here, "C-10", "PC-04")
    body = {"patient_ref": "C-99", "reason": "her sister finishes it"}

    # PC-01 says that family may finish the course, without a number; the table has none.
    allowed = here.seen(course)["policy"]["transfers"]
    first = here.post(f"{sold(here, 'C-11', 'PC-07')}/transfer", body, role=Role.FRONT_DESK)

    assert first.status_code == 201
    assert (first.json["event"]["from_patient"], first.json["event"]["to_patient"]) == ("C-11", "C-99")
    again = here.post(f"/courses/{here.seen('/courses?patient_ref=C-99')['items'][0]['id']}/transfer", body)
    assert (again.status_code, again.json["name"]) == (409, "NotTransferable")
    assert here.post(f"{bound}/transfer", body).json["name"] == "NotTransferable"
    assert allowed >= 0


def test_what_is_owed_on_any_day_is_what_the_accounts_say(here):
    course = sold(here, "C-12")
    paid(here, course, "800.00")
    here.clock.now = NOW + timedelta(days=3)
    performed(here, course, 1, "C-12")
    key = int(course.rpartition("/")[2])

    def on(day: str) -> Any:
        return here.seen(f"/deferred-revenue?on={day}", role=Role.ACCOUNTANT)

    def mine(day: str) -> Any:
        return next((one for one in on(day)["courses"] if one["course"] == key), None)

    assert mine("2026-01-14") is None
    assert (mine("2026-01-15")["deferred"], mine("2026-01-15")["sessions_owed"]) == ("800.00", 4)
    assert mine("2026-01-18")["sessions_owed"] == 3
    assert D(mine("2026-01-18")["deferred"]) == 800 - D(mine("2026-01-18")["earned"])
    for day in ("2026-01-15", "2026-01-18"):
        balance = here.seen(f"/trial-balance?from={day}&to={day}")
        closing = {row["account"]: D(row["closing"]) for row in balance["items"]}
        assert D(on(day)["deferred"]) == -closing.get("2100", D(0))
        assert D(on(day)["receivable"]) == closing.get("1100", D(0))
    assert here.get("/deferred-revenue", role=Role.FRONT_DESK).status_code == 403


def test_a_session_s_other_products_are_kept_and_its_variance_is_for_those_who_see_costs(here):
    course = sold(here, "C-13")
    body = {"patient_ref": "C-13", "course": int(course.rpartition("/")[2]), "session_number": 1}
    body["lines"] = [{"sku": "MP-001", "quantity": "5"}]

    silent = here.post("/sessions", body, role=Role.PRACTITIONER)
    treated = here.made("/sessions", body | {"change_reason": "a larger face"}, role=Role.PRACTITIONER)

    assert (silent.status_code, silent.json["name"]) == (422, "ChangeNeedsReason")
    [change] = here.seen(f"/sessions/{treated['id']}")["changes"]
    assert (change["kind"], change["used"], change["reason"]) == ("changed", "5", "a larger face")
    [one] = here.seen(course)["variance"]
    assert D(one["price"]) + D(one["usage"]) == D(one["total"]) == D(one["actual"]) - D(one["quoted"])
    assert here.seen(course, role=Role.PRACTITIONER)["variance"] is None


def test_the_later_session_first_is_recorded_as_such(here):
    course = sold(here, "C-14", sessions=5)

    assert performed(here, course, 5, "C-14").status_code == 201

    [event] = here.seen(course)["events"]
    assert (event["kind"], event["session"], event["reason"]) == ("out_of_order", 5, "before session 1")


def test_the_books_of_an_empty_clinic_owe_nothing(database: Database):
    with opened(database) as found:
        seen = found.seen("/deferred-revenue")

    assert (seen["deferred"], seen["courses"]) == ("0.00", [])
