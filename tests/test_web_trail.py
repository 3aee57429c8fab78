"""The audit trail on its pages and over JSON: filters, pages, one entry, files, an anchor (I14, I15)."""

import csv
import io

import openpyxl
import pytest

from api.auth import Role
from tests.calls import NOW
from tests.pages import House, said

pytest_plugins = ("tests.calls", "tests.pages")


@pytest.fixture
def told(house: House) -> House:
    """A clinic in which a setting was changed twice and an item once, by its manager."""
    here = house.clinic
    for value in ("0.2", "0.3"):
        tag = here.get("/settings/draw_loss_ml").headers["ETag"]
        body = {"value": value, "reason": f"the syringes lose {value}"}
        assert here.call("PUT", "/settings/draw_loss_ml", body, headers={"If-Match": tag}).status_code == 200
    tag = here.get("/items/HA-3").headers["ETag"]
    body = {"name": "=1+1"}
    assert here.call("PATCH", "/items/HA-3", body, headers={"If-Match": tag}).status_code == 200
    return house


def test_entries_are_listed_the_latest_first_and_by_person_kind_day_and_subject(told: House):
    def listed(asked: str) -> list[str]:
        return [one["kind"] for one in told.clinic.seen(f"/audit-trail?{asked}")["items"]]

    by = "Manager Person".replace(" ", "%20")
    assert listed(f"by={by}") == ["item", "setting", "setting"]
    assert listed("kind=setting") == ["setting", "setting"]
    assert listed("subject=DRAW_LOSS") == ["setting", "setting"]
    assert listed("subject=nothing+like+it") == []
    assert listed(f"by={by}&from=2026-01-15&to=2026-01-15") == ["item", "setting", "setting"]
    assert listed(f"by={by}&from=2026-01-16") == []

    first = told.clinic.seen(f"/audit-trail?by={by}&limit=2")
    rest = told.clinic.seen(f"/audit-trail?by={by}&limit=2&after={first['next']}")
    numbers = [one["number"] for one in (*first["items"], *rest["items"])]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), rest["next"]) == (3, None)
    newest = first["items"][0]
    assert newest["through"] == "PATCH /api/v1/items/<code:sku>"
    assert newest["changes"][0]["after"]["name"] == "=1+1"
    assert newest["at"].startswith(f"{NOW:%Y-%m-%d}")


def test_the_page_filters_and_an_entry_shows_before_and_after(told: House):
    browser = told.as_(Role.ACCOUNTANT)

    page = said(browser.get("/audit?kind=setting"))
    assert "the syringes lose 0.3" in page
    assert "item =1+1" not in page
    number = told.clinic.seen("/audit-trail?kind=item")["items"][0]["number"]
    page = said(browser.get(f"/audit/{number}"))
    assert "Hyaluronic acid 2%, 3 mL" in page
    assert "=1+1" in page
    assert browser.get("/audit/999999").status_code == 404
    assert told.as_(Role.FRONT_DESK).get("/audit").status_code == 403


def test_the_trail_is_handed_out_as_files_and_no_text_becomes_a_formula(told: House):
    browser = told.as_(Role.ACCOUNTANT)

    rows = list(csv.DictReader(io.StringIO(browser.get("/audit.csv?kind=item").get_data(as_text=True))))
    assert [row["kind"] for row in rows] == ["item"]
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/audit.xlsx?kind=item").get_data()))
    cells = list(book["Audit trail"].iter_rows(values_only=True))
    assert "item =1+1" in cells[1]
    assert {cell.data_type for row in book["Audit trail"].iter_rows() for cell in row} <= {"s", "n"}


def test_an_anchor_is_shown_and_compared(told: House):
    anchor = told.clinic.seen("/audit-trail/anchor")["anchor"]
    browser = told.as_(Role.ADMIN)

    assert "It stands" in said(browser.get(f"/audit?anchor={anchor}"))
    assert told.clinic.seen(f"/audit-trail/anchor?anchor={anchor}")["stands"]
    number = anchor.partition(":")[0]
    assert "written anew" in said(browser.get(f"/audit?anchor={number}:{'0' * 64}"))
    assert "An anchor is a number" in said(browser.get("/audit?anchor=x"))
    assert told.clinic.get("/audit-trail/anchor?anchor=x").status_code == 422


def test_a_month_is_closed_shown_and_opened_again_over_json(house: House):
    here = house.clinic
    shown = here.seen("/periods/2025-12")
    assert (shown["closed"], [one["code"] for one in shown["checks"] if not one["sound"]]) == (False, [])

    closed = here.post("/periods/2025-12/close", {}, role=Role.ACCOUNTANT)
    assert (closed.status_code, closed.get_json()["closed"], closed.get_json()["moved"]) == (201, True, [])
    assert here.post("/periods/2025-12/close", {}).status_code == 409
    assert here.post("/periods/2026-01/close", {}).status_code == 409
    assert here.get("/periods/2026-13").status_code == 422
    assert here.post("/periods/2025-12/reopen", {"reason": "late"}, role=Role.MANAGER).status_code == 403
    again = here.post("/periods/2025-12/reopen", {"reason": "late"}, role=Role.ADMIN)
    assert (again.status_code, again.get_json()["closed"]) == (200, False)
    (one,) = here.seen("/periods")["items"]
    assert (one["month"], one["stands"], one["reopened_because"]) == ("2025-12", False, "late")
