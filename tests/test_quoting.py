"""Quoting at the desk: several treatments, discounts by rule and code, overrides, lost reasons (P4, T6)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from api.auth import Role
from tests.counter import TYPED, VIALS, drafted, issued, step
from tests.pages import House, said
from tests.test_quote_document import text_of

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

SCREENING = {
    "allergies": [],
    "pregnant": False,
    "autoimmune": False,
    "skin_infection": False,
    "nsaids": False,
}
NECK = {"protocol": "P-16", "starts_on": "2026-01-27", "sessions": 4}


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def asked(**changes: Any) -> dict[str, Any]:
    return {**TYPED, "screening": SCREENING, **changes}


def quoted(here: House, role: Role = Role.FRONT_DESK, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = here.clinic.made("/quotes", asked(**changes), role=role)
    return found


def refused(here: House, path: str, body: dict[str, Any], role: Role = Role.FRONT_DESK) -> tuple[int, str]:
    answer = here.clinic.post(path, body, role=role)
    return answer.status_code, answer.get_json()["detail"]


def rule(here: House, code: str, **changes: Any) -> dict[str, Any]:
    """A discount of the clinic's, ended again by `end`."""
    usual = {"code": code, "name": f"{code} for all", "from_sessions": 5, "valid_from": "2026-01-01"}
    body = {**usual, "source": "the owner", **changes}
    found: dict[str, Any] = here.clinic.made("/discounts", body)
    return found


def end(here: House, code: str) -> None:
    here.clinic.clock.now = here.clinic.clock.now
    assert here.clinic.post(f"/discounts/{code}/end", {}).status_code == 200


def test_two_treatments_are_one_quote_one_total_and_one_document_and_start_a_course_each(here: House):
    one = quoted(here)
    both = quoted(here, treatments=[NECK])

    face, neck = both["treatments"]
    assert (face["protocol"], neck["protocol"]) == ("P-00", "P-16")
    assert face["total"] == one["total"]
    assert Decimal(both["total"]) == Decimal(face["total"]) + Decimal(neck["total"])
    assert [each["treatment"] for each in both["sessions"]] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert sum(Decimal(each["price"]) for each in both["sessions"]) == Decimal(both["subtotal"]) - Decimal(
        both["discount"]
    )
    numbered = here.clinic.made(f"/quotes/{both['id']}/issue", {}, role=Role.FRONT_DESK)
    assert numbered["number"].startswith("Q-2026-")
    accepted = here.clinic.made(f"/quotes/{both['id']}/accept", {}, role=Role.FRONT_DESK)

    courses = [each["course"] for each in accepted["treatments"]]
    assert len(set(courses)) == 2
    assert None not in courses
    assert here.clinic.seen(f"/quotes/{neck['id']}")["number"] == numbered["number"]
    page = text_of(here.as_(Role.FRONT_DESK).get(f"/quotes/{both['id']}/quote.pdf").get_data())
    assert "Neck" in page
    assert f"${Decimal(both['total']):,.2f}" in page


def test_a_treatment_takes_no_step_without_its_quote(here: House):
    both = quoted(here, treatments=[NECK])
    part = both["treatments"][1]["id"]

    for verb in ("issue", "decline", "withdraw"):
        status, detail = refused(here, f"/quotes/{part}/{verb}", {"reason": "x"})
        assert (status, "as a whole" in detail) == (409, True)
    listed = here.clinic.seen("/quotes?limit=500")["items"]
    assert part not in {row["id"] for row in listed}


def test_a_quote_has_five_treatments_at_most(here: House):
    assert len(quoted(here, treatments=[NECK] * 4)["treatments"]) == 5
    assert here.clinic.post("/quotes", asked(treatments=[NECK] * 5)).status_code == 422


def test_a_revision_keeps_the_other_treatments_unless_they_are_named(here: House):
    both = quoted(here, treatments=[NECK])

    later = here.clinic.made(f"/quotes/{both['id']}/revise", {"sessions": 5}, role=Role.FRONT_DESK)
    alone = here.clinic.made(f"/quotes/{both['id']}/revise", {"treatments": []}, role=Role.FRONT_DESK)

    assert [len(each["treatments"]) for each in (later, alone)] == [2, 1]
    versions = here.clinic.seen(f"/quotes/{both['id']}/versions")["items"]
    assert [one["version"] for one in versions] == [1, 2, 3]
    page = said(here.as_(Role.FRONT_DESK).get(f"/quotes/{later['id']}/versions"))
    assert "1. Sessions differs 4, every 2 weeks 5, every 2 weeks" in page
    assert "Margin" not in page
    assert "Margin" in said(here.as_(Role.MANAGER).get(f"/quotes/{later['id']}/versions"))


def test_a_rule_is_proposed_where_no_discount_is_typed_and_typing_none_stands(here: House):
    rule(here, "FIVE", rate="0.04")

    proposed, typed = (
        quoted(here, sessions=5, level="L6"),
        quoted(here, sessions=5, level="L6", discount_rate="0"),
    )
    short = quoted(here, sessions=4, level="L6")
    end(here, "FIVE")

    assert (proposed["discount_rule"], proposed["discount_rate"]) == ("FIVE", "0.04")
    assert Decimal(proposed["discount"]) == Decimal(proposed["subtotal"]) / 25
    assert (typed["discount"], typed["discount_rule"]) == ("0.00", "")
    assert short["discount"] == "0.00"
    notes = [stage["note"] for stage in here.clinic.seen(f"/quotes/{proposed['id']}")["stages"]]
    assert notes[6].startswith("FIVE for all: 4 % of ")


def test_buy_five_get_one_is_spread_over_the_six_and_still_trimmed(here: House):
    rule(here, "BUY5", promotion=True, from_sessions=6, free_sessions=1, valid_to="2026-01-31")

    spread = quoted(here, sessions=6, level="L6", promotion="buy5")
    trimmed = quoted(here, sessions=6, promotion="BUY5")
    end(here, "BUY5")

    each = Decimal(spread["subtotal"]) / 6
    assert Decimal(spread["discount"]) == each
    prices = [Decimal(one["price"]) for one in spread["sessions"]]
    assert max(prices) - min(prices) <= Decimal("0.01")
    assert sum(prices) == each * 5
    assert all(Decimal(one["price"]) >= 250 for one in trimmed["sessions"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sessions": 5}, "is for courses of 6 sessions or more, not 5"),
        ({"protocol": "P-16", "sessions": 6}, "is for protocol P-00, not P-16"),
        ({"sessions": 6, "discount_rate": "0.05"}, "one of the two"),
        ({"sessions": 6, "promotion": "NOPE"}, "No discount and no promotion has the code 'NOPE'"),
        ({"sessions": 6, "promotion": "OVER"}, "from 2025-01-01 to 2025-12-31, not on 2026-01-15"),
    ],
)
def test_a_promotion_is_refused_by_name(here: House, changes: dict[str, Any], words: str):
    known = {one["code"] for one in here.clinic.seen("/discounts")["items"]}
    if "GIFT" not in known:
        rule(here, "GIFT", promotion=True, from_sessions=6, free_sessions=1, protocol="P-00")
        rule(here, "OVER", promotion=True, rate="0.1", valid_from="2025-01-01", valid_to="2025-12-31")

    status, detail = refused(here, "/quotes", asked(**{"promotion": "GIFT", **changes}))

    assert status in (404, 409, 422)
    assert words in detail


def test_the_desk_gives_what_the_rules_and_the_setting_let_it_and_a_manager_more(here: House):
    within = quoted(here, level="L6", discount_rate="0.10")
    status, detail = refused(here, "/quotes", asked(level="L6", discount_rate="0.11"))
    beyond = quoted(here, Role.MANAGER, level="L6", discount_rate="0.11")

    assert Decimal(within["discount"]) == Decimal(within["subtotal"]) / 10
    assert status == 403
    assert "11 % is beyond the 10 %" in detail
    assert "a manager or an admin may give more" in detail
    assert Decimal(beyond["discount"]) > Decimal(within["discount"])


@pytest.mark.parametrize(
    "change",
    [
        {"sessions": 0}, {"sessions": 50}, {"interval_weeks": 0}, {"discount_rate": "-0.05"},
        {"discount_rate": "1"}, {"region": "Atlantis"}, {"level": "L1", "protocol": "P-20"},
    ],
)  # fmt: skip
def test_what_cannot_be_quoted_is_refused_and_nothing_is_kept(here: House, change: dict[str, Any]):
    before = len(here.clinic.seen("/quotes?limit=500")["items"])

    answer = here.clinic.post("/quotes", asked(**change), role=Role.FRONT_DESK)

    assert answer.status_code in (403, 409, 422), answer.get_data(as_text=True)
    assert len(here.clinic.seen("/quotes?limit=500")["items"]) == before


def test_a_start_in_the_past_is_quoted_and_warned_of(here: House):
    codes = {one["code"] for one in quoted(here, starts_on="2026-01-02")["warnings"]}

    assert "starts_in_the_past" in codes


def test_all_that_is_off_at_a_managers_word_is_trimmed_to_what_must_stay(here: House):
    free = quoted(here, Role.MANAGER, level="L6", discount_rate="1")

    assert min(Decimal(one["price"]) for one in free["sessions"]) >= Decimal(free["band"]["low"])
    assert "discount_trimmed" in {one["code"] for one in free["warnings"]}


def test_an_override_is_kept_with_what_it_is_about_who_why_and_when(here: House):
    held = quoted(here, screening={**SCREENING, "allergies": ["hyaluronic acid", "moon dust"]})
    assert "unknown_allergen" in {one["code"] for one in held["warnings"]}
    assert held["screening"]["allergies"] == ["hyaluronic acid", "moon dust"]
    path = f"/quotes/{held['id']}/issue"

    reasons = {"overrides": [{"allergy": "hyaluronic acid", "reason": "skin test negative"}]}
    assert refused(here, path, reasons)[0] == 409  # the desk may not
    assert (
        refused(here, path, {"overrides": [{"allergy": "latex", "reason": "x"}]}, Role.PRACTITIONER)[0] == 409
    )
    made = here.clinic.made(path, reasons, role=Role.PRACTITIONER)

    (kept,) = made["overrides"]
    assert (kept["about"], kept["reason"], kept["by"]) == (
        "hyaluronic acid",
        "skin test negative",
        "Practitioner Person",
    )
    page = said(here.as_(Role.FRONT_DESK).get(f"/quotes/{held['id']}"))
    assert "Overridden Allergy to hyaluronic acid" in page
    assert "skin test negative" in page


def test_a_level_that_may_not_inject_medicines_is_refused_and_one_under_order_is_warned_of(here: House):
    status, detail = refused(here, "/quotes", asked(protocol="P-20", level="L1"))
    nurse = quoted(here, protocol="P-20", level="L2")
    doctor = quoted(here, protocol="P-20", level="L5")

    assert status == 409
    assert "may not inject what is prescription-only" in detail
    (warned,) = [one for one in nurse["warnings"] if one["code"] == "prescription_only"]
    assert "under a prescriber's order" in warned["message"]
    assert "prescription_only" not in {one["code"] for one in doctor["warnings"]}


def test_what_a_manager_marks_as_prescription_only_is_no_longer_quoted_for_who_may_not_inject_it(here: House):
    boss, rule = here.as_(Role.MANAGER), "prescription-only: "
    fields = boss.hidden(boss.get(f"/stock/{VIALS}/edit"))
    item = here.clinic.seen(f"/items/{VIALS}")
    typed = {name: str(item[name] or "") for name in ("name", "storage", "pack_containers")}
    assert quoted(here, level="L1")["status"] == "draft"

    marked = boss.post(f"/stock/{VIALS}/edit", fields | typed | {"prescription_only": "yes", "active": "yes"})
    status, detail = refused(here, "/quotes", asked(level="L1"))

    assert marked.status_code == 303, said(marked)
    assert (status, rule in detail, item["name"] in detail) == (409, True, True)
    read = here.clinic.get(f"/items/{VIALS}")
    assert read.json["prescription_only"] is True
    again = here.clinic.call(
        "PATCH", f"/items/{VIALS}", {"prescription_only": False}, headers={"If-Match": read.headers["ETag"]}
    )
    assert again.json["prescription_only"] is False
    assert quoted(here, level="L1")["status"] == "draft"


def test_lost_reasons_are_counted_and_another_one_is_told_in_words(here: House):
    key = issued(here)
    assert refused(here, f"/quotes/{key}/decline", {"lost": "other"})[0] == 422
    browser = here.as_(Role.FRONT_DESK)
    browser.send(f"/quotes/{key}/decline", lost="price", reason="found it dear")

    page = said(browser.get(f"/quotes/{key}"))
    assert "Declined: Too dear" in page
    seen = here.clinic.seen("/conversion?by=lost&from=2026-01-01&to=2026-01-31")
    assert any(row["group"] == "price" and row["lost"] >= 1 for row in seen["items"])


@pytest.mark.parametrize("by", ["month", "protocol", "level", "person", "lost"])
def test_the_conversion_report_adds_up_and_is_the_same_in_three_faces(here: House, by: str):
    span = "from=2026-01-01&to=2026-01-31"
    seen = here.clinic.seen(f"/conversion?by={by}&{span}")

    total = seen["total"]
    for name in ("quotes", "issued", "accepted", "lost", "open"):
        assert total[name] == sum(row[name] for row in seen["items"])
    assert Decimal(total["won"]) == sum(Decimal(row["won"]) for row in seen["items"])
    csv = here.clinic.get(f"/exports/conversion.csv?by={by}&{span}").get_data(as_text=True).splitlines()
    assert [line.split(",")[1] for line in csv[1:]] == [str(row["quotes"]) for row in seen["items"]]
    page = said(here.as_(Role.ACCOUNTANT).get(f"/books/conversion?by={by}&{span}"))
    assert f"Quotes {total['quotes']}" in page
    for role in (Role.FRONT_DESK, Role.PRACTITIONER):
        assert here.clinic.get(f"/conversion?by={by}&{span}", role=role).status_code == 403


def test_the_workbook_has_a_sheet_for_each_way(here: House, tmp_path: Any):
    file = tmp_path / "conversion.xlsx"
    file.write_bytes(here.clinic.get("/exports/conversion.xlsx?from=2026-01-01&to=2026-01-31").get_data())

    book = load_workbook(file)

    assert book.sheetnames == ["By month", "By protocol", "By level", "By person", "By lost"]
    assert book["By month"]["A2"].value == "2026-01"


def test_a_manager_adds_a_discount_and_ends_it_on_its_page(here: House):
    browser = here.as_(Role.MANAGER)
    typed = {"code": "spring", "name": "Spring", "from_sessions": "6", "percent": "8", "source": "the owner"}
    page = browser.follow(browser.send("/settings/discounts/new", **typed | {"valid_from": "2026-01-01"}))
    assert "SPRING is added" in page.get_data(as_text=True)
    again = browser.send("/settings/discounts/new", **typed | {"valid_from": "2026-01-01"})
    assert "Another discount has the code SPRING" in said(again)
    both = browser.send(
        "/settings/discounts/new", **typed | {"code": "B", "free_sessions": "1", "valid_from": "2026-01-01"}
    )
    assert "one of the two" in said(both)

    ended = browser.follow(browser.send("/settings/discounts/SPRING/end"))
    assert "for the last time" in ended.get_data(as_text=True)
    assert here.clinic.seen("/discounts/SPRING")["valid_to"] == str(date(2026, 1, 15))
    assert here.clinic.post("/discounts", {**typed}, role=Role.FRONT_DESK).status_code in (403, 422)


def test_the_desk_types_a_second_treatment_in_the_form(here: House):
    key = drafted(here, protocol_2="P-16", sessions_2="4", starts_on_2="2026-01-27")

    page = said(here.as_(Role.FRONT_DESK).get(f"/quotes/{key}"))
    assert "2 treatments 8 sessions" in page
    assert len(here.clinic.seen(f"/quotes/{key}")["treatments"]) == 2
    revised = here.as_(Role.FRONT_DESK).get(f"/quotes/{key}/revise").get_data(as_text=True)
    assert '<option value="P-16" selected>' in revised
    assert "Withdrawn" in step(here.as_(Role.FRONT_DESK), key, "withdraw", "a slip")


def test_fields_that_are_left_empty_ask_for_nothing(here: House):
    names = ("sessions", "starts_on", "discount")
    empty = {f"{name}_{place}": "" for name in names for place in (2, 3, 4, 5)}

    key = issued(here, **empty | {"protocol_2": "P-16", "protocol_3": "", "promotion": "", "discount": ""})

    assert len(here.clinic.seen(f"/quotes/{key}")["treatments"]) == 2
