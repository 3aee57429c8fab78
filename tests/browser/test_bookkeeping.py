"""The accountant's month in a real browser, by keyboard: looked at, taken along as a workbook, and closed."""

import re
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from api.auth import Role
from api.web import workbooks
from tests.browser.conftest import Window
from tests.browser.keys import choose, press

SIZES = pytest.mark.parametrize("size", ["desk", "phone"])


@SIZES
def test_the_books_are_looked_through_by_keyboard(window: Window, size: str):
    with window(role=Role.ACCOUNTANT, size=size) as page:
        page.goto("/books")
        choose(page, "Month", "December 2025")
        expect(page).to_have_url(re.compile("month=2025-12"))
        expect(page.locator(".tag.good", has_text="agrees")).to_have_count(4)
        closing = page.locator("tr", has_text="Closing").locator("td").first.inner_text()

        press(page, "link", "Roll-forward")
        expect(page).to_have_url(re.compile(r"/books/roll-forward\?month=2025-12"))
        expect(page.locator("tfoot")).to_contain_text(closing)
        press(page, "link", "Valuation")
        expect(page.get_by_role("main")).to_contain_text("31 Dec 2025")
        expect(page.locator("tfoot, .figures").first).to_contain_text(closing)
        press(page, "link", "Journal")
        expect(page).to_have_url(re.compile(r"/books/journal\?month=2025-12"))


def test_every_chart_has_its_numbers_beside_it(window: Window):
    with window(role=Role.ACCOUNTANT) as page:
        page.goto("/books")
        table = page.locator("details", has_text="Both charts as a table")
        expect(table.locator("table")).to_be_hidden()
        table.locator("summary").press("Enter")

        expect(table.locator("table")).to_be_visible()
        for chart in page.locator("svg[role=img]").all():
            expect(chart).to_have_accessible_name(re.compile("."))


@SIZES
def test_the_workbook_is_waited_for_and_taken_along_by_keyboard(window: Window, tmp_path: Path, size: str):
    with window(role=Role.ACCOUNTANT, size=size) as page:
        page.goto("/books/workbook?month=2025-12")
        with workbooks.ONE_AT_A_TIME:  # another one is being written
            press(page, "button", "Write it")
            expect(page.get_by_role("progressbar")).to_have_attribute("value", "0")
            expect(page.locator("#workbook")).to_contain_text("as soon as the one before it is written")

        expect(page.get_by_role("heading", name="The workbook is written")).to_be_visible()
        with page.expect_download() as found:
            press(page, "link", "Download accounting-2025-12-01-2025-12-31.xlsx")
        book = openpyxl.load_workbook(BytesIO(found.value.path().read_bytes()))
        assert {"Summary", "Roll-forward", "Valuation"} <= set(book.sheetnames)


def test_without_a_script_the_workbook_is_looked_for_again_and_is_there(window: Window):
    with window(role=Role.ACCOUNTANT, script=False) as page:
        page.goto("/books/workbook?month=2025-12")
        page.get_by_role("button", name="Write it").press("Enter")
        download = page.get_by_role("link", name=re.compile("^Download accounting"))
        again = page.get_by_role("link", name="Look again")
        while not download.is_visible():
            again.press("Enter")
            expect(again.or_(download)).to_be_visible()
        with page.expect_download() as found:
            download.press("Enter")

        assert found.value.suggested_filename == "accounting-2025-12-01-2025-12-31.xlsx"


@SIZES
def test_a_month_is_closed_by_keyboard_and_says_what_that_means(window: Window, size: str):
    with window(role=Role.ACCOUNTANT, size=size) as page:
        page.goto("/books")
        press(page, "link", "Close ")
        expect(page.get_by_role("main")).to_contain_text("After this, nothing can be dated in")
        closed = re.sub("^Close ", "", page.get_by_role("heading", level=1).inner_text())
        why = page.get_by_label("Why it is closed")
        if why.count():  # something of that month is left to be done
            why.fill("Bills come in February")
        press(page, "button", f"Close {closed}")

        expect(page.get_by_role("status").first).to_contain_text(f"{closed} is closed")
        page.goto("/books/close")
        expect(page.get_by_role("main")).to_contain_text("The books are closed through")


def test_of_two_tabs_that_close_a_month_the_second_is_told(window: Window):
    with window(role=Role.ACCOUNTANT) as page:
        page.goto("/books/close")
        other = page.context.new_page()
        other.goto("/books/close")
        name = re.compile("^Close .* 20")
        other.get_by_role("button", name=name).press("Enter")
        expect(other.get_by_role("status").first).to_contain_text("is closed")
        page.get_by_role("button", name=name).press("Enter")

        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_role("alert")).to_contain_text("not the next month to close")
