"""The books: a month's figures as the reports have them, a year by months, and every entry."""

import re
from datetime import date
from decimal import Decimal

import pytest

from api.auth import Role
from api.web import months
from pricing import accounting
from tests.deliveries import broken, received
from tests.pages import Browser, House, main, said

pytest_plugins = ("tests.calls", "tests.pages")


def accountant(house: House) -> Browser:
    return house.as_(Role.ACCOUNTANT)


# The month


def test_a_month_shows_what_came_what_went_and_that_all_agrees(house: House):
    lot = received(house, date(2026, 1, 5))
    broken(house, lot, house.clock.now)

    page = said(accountant(house).get("/books"))

    assert "January 2026" in page
    assert "Stock at the end $148.50" in page
    assert "Received $165.00" in page
    assert "Thrown away $16.50" in page
    assert page.count("agrees") == 4
    assert "Broken 16.50" in page


def test_an_earlier_month_is_as_it_was(house: House):
    received(house, date(2025, 12, 20))
    received(house, date(2026, 1, 5), lot="B18")

    page = said(accountant(house).get("/books?month=2025-12"))

    assert "Stock at the end $165.00" in page
    assert "from $0.00" in page


def test_a_month_that_is_no_month_or_to_come_is_this_one(house: House):
    for asked in ("2026-13", "0000-01", "later", "2030-01", "2026-1", "\u0662026-01"):
        page = accountant(house).get(f"/books?month={asked}")

        assert page.status_code == 200
        assert "January 2026" in said(page)


def test_a_year_by_months_ends_at_what_the_journal_says(house: House):
    lot = received(house, date(2025, 11, 3))
    received(house, date(2025, 12, 20), lot="B18", unit_cost="7.01")
    broken(house, lot, house.clock.now)

    with house.database.read() as db:
        line = months.year(db, last=date(2026, 1, 1))

        assert [one.first for one in line][:2] == [date(2025, 2, 1), date(2025, 3, 1)]
        for one in line:
            held = accounting.inventory_balance(db, on=months.last_day(one.first))
            assert one.closing == held, one
        assert line[-1].wasted == Decimal("16.50")
        assert line[-2].received == Decimal("70.10")


def test_each_chart_is_named_described_and_stands_beside_its_table(house: House):
    received(house, date(2026, 1, 5))

    page = main(accountant(house).get("/books"))

    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for picture in re.findall(r"<svg class=\"narrow\".*?</svg>", page, re.DOTALL):
        assert 'role="img"' in picture
        assert "<title" in picture
        assert "<desc" in picture
    assert "Both charts as a table" in page
    assert "165.00" in page


def test_an_empty_clinic_has_books_too(house: House):
    for path in ("/books", "/books/roll-forward", "/books/valuation", "/books/journal", "/books/workbook"):
        assert accountant(house).get(path).status_code == 200


def test_the_books_are_for_those_who_see_costs(house: House):
    for role in (Role.FRONT_DESK, Role.PRACTITIONER):
        answer = house.as_(role).get("/books")

        assert answer.status_code == 403
        assert "Looking at the books is for manager, accountant or admin" in said(answer)
        assert 'href="/books"' not in house.as_(role).get("/").get_data(as_text=True)


# The lists


def test_the_roll_forward_has_every_item_in_value_and_quantity(house: House):
    lot = received(house, date(2026, 1, 5))
    broken(house, lot, house.clock.now)

    page = said(accountant(house).get("/books/roll-forward")).replace("\N{NO-BREAK SPACE}", " ")

    assert "HA-3 – – 165.00 30 mL – – 16.50 3 mL – – – – 148.50 27 mL" in page
    assert "Together – – 165.00 – – 16.50 – – – – 148.50" in page


def test_the_valuation_is_that_of_the_day_asked_for(house: House):
    received(house, date(2025, 12, 20))
    received(house, date(2026, 1, 5), lot="B18")

    now = said(accountant(house).get("/books/valuation"))
    then = said(accountant(house).get("/books/valuation?on=2025-12-31"))

    assert "Worth $330.00" in now
    assert "B18" in now
    assert "Worth $165.00" in then
    assert "B18" not in then
    assert accountant(house).get("/books/valuation?on=2025-02-30").status_code == 200


def test_the_journal_goes_on_where_the_page_ended(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.web.books.ENTRIES", 2)
    for day in (5, 6, 7):
        received(house, date(2026, 1, day), lot=f"L{day}")

    first = accountant(house).get("/books/journal")
    onward = re.search(r'href="(/books/journal[^"]*after=[^"]+)"', main(first))
    assert onward is not None
    second = accountant(house).get(onward[1].replace("&amp;", "&"))

    assert "5 Jan 2026" in said(first)
    assert "7 Jan 2026" not in said(first)
    assert "7 Jan 2026" in said(second)
    assert "5 Jan 2026" not in said(second)
    for wrong in ("x", "2026-01-05", "2026-02-30.1", "2026-01-05.99999999999999999999"):
        assert accountant(house).get(f"/books/journal?after={wrong}").status_code == 200
