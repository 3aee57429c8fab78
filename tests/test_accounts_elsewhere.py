"""What other software calls our accounts, over JSON and on pages, and the files that follow from it (B6)."""

import io
import re
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from api.auth import Role
from api.journal_rows import FORMS
from pricing import mapping
from pricing.accounting import Account
from pricing.mapping import Software
from seed_data import read, rows
from tests.deliveries import received
from tests.pages import Browser, House, main, said

pytest_plugins = ("tests.calls", "tests.pages")

MONTH = "from=2026-01-01&to=2026-01-31"


@pytest.fixture
def house(house: House) -> House:
    """The clinic with its chart of accounts and a delivery."""
    with house.database.write.begin() as db:
        db.add_all(Account(**rows.account(row)) for row in read("chart_of_accounts"))
    received(house, date(2026, 1, 5))
    return house


def accountant(house: House) -> Browser:
    return house.as_(Role.ACCOUNTANT)


def names(house: House, software: Software) -> dict[str, str]:
    with house.database.read() as db:
        return mapping.account_names(db, software)


# Files


def test_a_file_is_had_over_json_and_by_a_page_with_its_control_total_in_its_name(house: House):
    over_json = house.clinic.get(f"/exports/journal?format=xero&{MONTH}", role=Role.ACCOUNTANT)
    by_page = accountant(house).get(f"/books/files/journal?format=xero&{MONTH}")

    assert over_json.status_code == by_page.status_code == 200
    assert over_json.data == by_page.data
    assert over_json.data.startswith(b"*Narration,*Date,")
    assert b",1200,No VAT,165.00,Clinic,Main Street," in over_json.data
    for answer in (over_json, by_page):
        name = answer.headers["Content-Disposition"].rpartition("=")[2]
        assert name == "journal-xero-2026-01-01-2026-01-31-total-165.00.csv"
        assert answer.headers["Cache-Control"] == "no-store"


def test_more_lines_than_a_program_takes_come_as_several_files_in_a_zip(house: House):
    most = FORMS[Software.XERO].most_lines or 0
    for number in range(most // 2):
        received(house, date(2026, 1, 6), lot=f"L{number}", unit_cost="1.00")

    answer = house.clinic.get(f"/exports/journal?format=xero&{MONTH}")

    assert answer.mimetype == "application/zip"
    package = zipfile.ZipFile(io.BytesIO(answer.data))
    totals = [Decimal(re.findall(r"-total-(.+)\.csv", name)[0]) for name in package.namelist()]
    assert len(totals) == 2
    assert f"total-{sum(totals)}.zip" in answer.headers["Content-Disposition"]
    for name in package.namelist():
        assert package.read(name).count(b"\r\n") <= most + 1


def test_a_file_is_refused_with_the_accounts_that_have_no_place(house: House):
    with house.database.write.begin() as db:
        mapping.rename(db, Software.SAGE, {"2050": ""}, at=house.clock.now, by="test")

    answer = house.clinic.get(f"/exports/journal?format=sage&{MONTH}")
    page = said(accountant(house).get(f"/books/files?{MONTH}"))

    assert answer.status_code == 409
    assert answer.get_json()["detail"].startswith(
        "In Sage 50 2050 Goods received not invoiced (GRNI) has no acc"
    )
    assert "In Sage 50 2050 Goods received" in page
    assert page.count("Download for") == 4


def test_what_no_file_is_written_for_is_refused(house: House):
    assert house.clinic.get(f"/exports/journal?format=peachtree&{MONTH}").status_code == 422
    assert house.clinic.get("/exports/journal?format=xero&from=2026-01-31&to=2026-01-01").status_code == 422
    assert house.clinic.get(f"/exports/journal?format=xero&{MONTH}", role=Role.FRONT_DESK).status_code == 403
    assert accountant(house).get("/books/files/journal?format=books").status_code == 404
    assert accountant(house).get("/books/files/accounts/peachtree").status_code == 404
    assert "cannot end on" in said(accountant(house).get("/books/files?from=2026-02-01&to=2026-01-01"))
    assert accountant(house).get("/books/files?from=x&to=9999-99-99").status_code == 200


# Names over JSON


def test_an_account_is_renamed_by_who_has_read_it(house: House):
    read_it = house.clinic.get("/accounts/1200", role=Role.ACCOUNTANT)
    tag = {"If-Match": read_it.headers["ETag"]}

    changed = house.clinic.call("PATCH", "/accounts/1200", {"xero": "630", "sage": "1001"}, headers=tag)
    late = house.clinic.call("PATCH", "/accounts/1200", {"xero": "631"}, headers=tag)

    assert read_it.get_json()["xero"] == "1200"
    assert changed.get_json()["xero"] == "630"
    assert changed.get_json()["sage"] == "1001"
    assert late.status_code == 412
    assert house.clinic.call("PATCH", "/accounts/1200", {"xero": "631"}).status_code == 428
    listed = house.clinic.seen("/accounts?limit=500")["items"]
    assert {one["code"]: one["xero"] for one in listed}["1200"] == "630"
    assert house.clinic.get("/accounts/9999").status_code == 404


def test_a_name_that_another_account_has_is_refused(house: House):
    tag = {"If-Match": house.clinic.get("/accounts/1200").headers["ETag"]}

    answer = house.clinic.call("PATCH", "/accounts/1200", {"xero": "1210"}, headers=tag)

    assert answer.status_code == 409
    assert "1200 and 1210 are both 1210" in answer.get_json()["detail"]
    tag = {"If-Match": house.clinic.get("/accounts/1200").headers["ETag"]}
    assert house.clinic.call("PATCH", "/accounts/1200", {"sage": "x"}, headers=tag).status_code == 422
    assert names(house, Software.SAGE)["1200"] == "1200"


# Names on the page


def test_all_names_of_a_program_are_changed_on_one_form(house: House):
    browser = accountant(house)
    address = "/books/files/accounts/sage"
    fields = filled(browser, address) | {"account-1200": "1001", "account-7000": "", "site-MAIN": "7"}

    answer = browser.post(address, fields)

    assert "Sage 50: 3 names are changed." in said(browser.follow(answer)) or answer.status_code == 303
    found = names(house, Software.SAGE)
    assert (found["1200"], found["7000"], found["1210"]) == ("1001", "", "1210")
    with house.database.read() as db:
        assert mapping.site_names(db, Software.SAGE) == {"MAIN": "7"}


def test_our_own_names_are_those_of_the_trial_balance(house: House):
    browser = accountant(house)
    address = "/books/files/accounts/books"

    browser.post(address, filled(browser, address) | {"account-1200": "Vials on the shelf"})

    assert "Vials on the shelf" in said(browser.get("/books/trial-balance"))


def test_what_is_refused_stands_in_the_form_as_typed_and_nothing_is_changed(house: House):
    browser = accountant(house)
    address = "/books/files/accounts/xero"

    answer = browser.post(address, filled(browser, address) | {"account-1200": "1210", "account-5000": "310"})

    assert answer.status_code == 409
    assert "1200 and 1210 are both 1210" in said(answer)
    assert 'value="310"' in main(answer)
    assert names(house, Software.XERO)["5000"] == "5000"


def test_two_who_edit_at_once_see_what_the_other_did(house: House):
    browser = accountant(house)
    address = "/books/files/accounts/xero"
    mine = filled(browser, address) | {"account-1200": "630"}
    with house.database.write.begin() as db:
        mapping.rename(db, Software.XERO, {"1210": "640"}, at=house.clock.now, by="another")

    answer = browser.post(address, mine)

    assert answer.status_code == 409
    assert "640" in said(answer)
    assert names(house, Software.XERO)["1200"] == "1200"


def filled(browser: Browser, address: str) -> dict[str, str]:
    """The form of a program as it is opened, every field with what stands in it."""
    page = browser.get(address)
    shown = re.findall(r'<input name="((?:account|site)-[^"]+)" value="([^"]*)"', main(page))
    assert len(shown) > 40
    return browser.hidden(page) | dict(shown)
