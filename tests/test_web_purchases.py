"""The pages of bills, of short-dated stock and of the cost formula (B1, C1, C3)."""

import re
from datetime import timedelta
from html import unescape

import pytest

from api.auth import Role
from inventory import clinic, periods
from tests.pages import House, main, said
from tests.shelf import NOW

pytest_plugins = ("tests.calls", "tests.pages")
BOX = {"sku": "HA-3", "lot_number": "A17", "expires_on": "2026-09-30", "containers": 10, "unit_cost": "16.50"}


@pytest.fixture
def delivered(house: House) -> int:
    """Ten of HA-3 that await their bill; answers the receipt."""
    return house.clinic.made("/receipts", BOX | {"supplier": "SUP-01", "document": "DN-1"})["id"]


def test_a_bill_is_matched_looked_at_and_recorded(house, delivered):
    browser = house.as_(Role.ACCOUNTANT)
    page = said(browser.get("/books/purchases"))
    assert "Received, not invoiced $165.00" in page
    assert "Account 2050 agrees" in page

    form = browser.get("/books/bills/new?supplier=SUP-01")
    assert f'name="price-{delivered}" type="text" value="16.5"' in main(form)
    typed = browser.hidden(form) | {
        "number": "R-77",
        "invoiced_on": "2026-01-15",
        f"containers-{delivered}": "10",
        f"price-{delivered}": "17",
        "freight": "8.00",
    }
    looked = browser.post("/books/bills/new", typed | {"look": "1"})
    assert looked.status_code == 200
    assert "To stock $13.00" in said(looked)
    assert house.clinic.seen("/supplier-invoices")["items"] == []

    done = browser.follow(browser.post("/books/bills/new", typed))

    assert "Invoice R-77 of Northfield is recorded." in done.get_data(as_text=True)
    assert "Total $178.00" in said(done)
    assert "Every delivery up to that day has its bill." in said(browser.get("/books/purchases"))
    again = browser.send(
        "/books/bills/new?supplier=SUP-01", number="R-77", invoiced_on="2026-01-15", supplier="SUP-01"
    )
    assert again.status_code == 409
    assert "Say of at least one delivery how many containers the bill is for." in said(again)


def test_a_bill_that_was_a_mistake_is_taken_back_on_its_page(house, delivered):
    line = {"receipt": delivered, "containers": 10, "unit_price": "17.00"}
    made = house.clinic.made("/supplier-invoices", {"supplier": "SUP-01", "number": "R-1", "lines": [line]})
    browser = house.as_(Role.ACCOUNTANT)

    empty = browser.send(f"/books/bills/{made['id']}/take-back", on="2026-01-15", reason=" ")
    assert empty.status_code == 422
    done = browser.send(f"/books/bills/{made['id']}/take-back", on="2026-01-15", reason="another clinic's")

    assert "This takes an earlier record of the invoice back." in said(browser.follow(done))
    assert "This invoice was taken back" in said(browser.get(f"/books/bills/{made['id']}"))


def test_short_dated_stock_is_written_down_on_its_page_and_comes_back_under_ifrs(house, delivered):
    browser = house.as_(Role.ACCOUNTANT)
    page = browser.get("/books/write-downs")
    [lot] = re.findall(r'name="net-(\d+)"', main(page))

    nothing = browser.send("/books/write-downs", on="2026-01-15", reason="short-dated", **{f"net-{lot}": ""})
    assert "Type of at least one lot what it will bring" in said(nothing)
    done = browser.send("/books/write-downs", on="2026-01-15", reason="short-dated", **{f"net-{lot}": "65"})

    page = browser.follow(done)
    assert "1 lot is written down by 100.00." in page.get_data(as_text=True)
    assert "It is worth more again" not in said(page)
    with house.database.write.begin() as db:
        clinic.change_setting(db, "accounting_framework", "ifrs", at=NOW, by="mara")
    [address] = re.findall(
        r'href="(/books/write-downs/[0-9]+/take-back)"', main(browser.get("/books/write-downs"))
    )
    more = browser.send(address, amount="200", on="2026-01-15", reason="a course")
    assert "200 cannot come back" in said(more)
    back = browser.send(address, amount="100", on="2026-01-15", reason="a course")
    assert "100 came back." in browser.follow(back).get_data(as_text=True)


def test_the_effect_of_another_formula_is_shown_before_it_is_chosen(house, delivered):
    browser = house.as_(Role.ACCOUNTANT)
    early = browser.get("/books/cost-formula?formula=fifo")
    assert "Close the month before first" in said(early)
    house.clock.now = NOW + timedelta(days=20)
    with house.database.write.begin() as db:
        periods.close(db, NOW.date().replace(day=1), at=house.clock.now, by="mara")

    house.browsers.clear()  # nobody stays signed in for weeks
    browser = house.as_(Role.ACCOUNTANT)
    page = browser.get("/books/cost-formula?formula=weighted_average")
    assert "Hyaluronic acid 2%, 3 mL" in said(page)
    fields = browser.hidden(page)
    done = browser.post("/books/cost-formula", fields | {"reason": "as the auditor asks"})

    page = browser.follow(done)
    assert "The average of what is there, from 2026-02-01 on." in page.get_data(as_text=True)
    assert "Changes so far" in said(page)
    wrong = browser.post(
        "/books/cost-formula", browser.hidden(page) | {"formula": "lifo", "difference": "0", "reason": "x"}
    )
    assert wrong.status_code in (409, 422)


def test_a_carriers_bill_is_shared_over_the_deliveries_that_are_ticked(house, delivered):
    other = house.clinic.made("/receipts", BOX | {"lot_number": "B02", "supplier": "SUP-01"})["id"]
    house.clinic.made("/suppliers", {"code": "VAN", "name": "Van & Sons", "lead_days": 1})
    browser = house.as_(Role.ACCOUNTANT)
    assert 'name="carrier"' in main(browser.get("/books/purchases"))

    form = browser.get("/books/bills/new?supplier=VAN&carrier=1")
    typed = browser.hidden(form) | {"number": "V-1", "invoiced_on": "2026-01-15", "freight": "20.00"}
    none = browser.post("/books/bills/new", typed)
    looked = browser.post("/books/bills/new", typed | {f"brought-{delivered}": "yes", "look": "1"})
    done = browser.follow(browser.post("/books/bills/new", typed | {f"brought-{delivered}": "yes"}))

    assert "lot A17" in said(form)
    assert none.status_code == 409
    assert "Tick at least one delivery" in said(none)
    assert "To stock $20.00" in said(looked)
    assert "Invoice V-1 of Van & Sons is recorded." in unescape(done.get_data(as_text=True))
    (bill,) = house.clinic.seen("/supplier-invoices")["items"]
    assert [(line["receipt"], line["containers"]) for line in bill["lines"]] == [(delivered, 0)]
    awaited = said(browser.get("/books/purchases"))
    assert "Received, not invoiced $330.00" in awaited  # the goods still await their own bills
    last = max(one["id"] for one in house.clinic.seen("/movements?limit=500")["items"])
    house.clinic.made(f"/movements/{last}/reverse", {"reason": "not ours"})
    assert f"brought-{other}" in main(form)
    assert f"brought-{other}" not in main(browser.get("/books/bills/new?supplier=VAN&carrier=1"))
