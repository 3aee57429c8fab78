"""The manager's day in a real browser, by keyboard: what to order, what to write off or undo, what to set."""

import re
from io import BytesIO

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from api.auth import Role
from tests.browser.conftest import Window
from tests.browser.keys import choose, press, type_into

SIZES = pytest.mark.parametrize("size", ["desk", "phone"])


def held(page: Page) -> int:
    """How many containers the page says there are of the lot."""
    return int(re.findall(r"holds (\d+)", page.get_by_role("main").inner_text())[0])


@SIZES
def test_what_to_order_is_read_with_its_reasons_and_taken_along_as_a_sheet(window: Window, size: str):
    with window(role=Role.MANAGER, size=size) as page:
        page.goto("/")
        if size == "phone":
            page.locator(".menu > summary").press("Enter")
        press(page, "link", "Reorder")
        expect(page.get_by_role("heading", name="Reorder", level=1)).to_be_visible()
        first = page.locator("details.why").first
        expect(first.locator("p").first).to_be_hidden()
        first.locator("summary").press("Enter")
        expect(first.locator("p").first).to_contain_text(re.compile(r"\d"))
        names = page.locator("table.reorder").first.locator("tbody th > a").all_inner_texts()
        page.keyboard.press("ControlOrMeta+Home")

        with page.expect_download() as found:
            page.get_by_role("link", name="Download as a sheet").press("Enter")
        sheet = openpyxl.load_workbook(BytesIO(found.value.path().read_bytes())).worksheets[0]
        written = {cell.value for row in sheet.iter_rows() for cell in row}
        assert set(names) <= written


@SIZES
def test_stock_is_written_off_by_keyboard_and_the_movement_is_undone(window: Window, size: str):
    with window(role=Role.MANAGER, size=size) as page:
        page.goto("/stock/RX-025")
        page.get_by_role("link", name=re.compile("^Write off lot")).first.press("Enter")
        expect(page.get_by_role("heading", name="Write off", level=1)).to_be_visible()
        form, before = page.url, held(page)
        type_into(page, "How many", "2")
        choose(page, "Reason", "Broken")
        press(page, "button", "Write it off")
        expect(page.get_by_role("status").first).to_contain_text("Wrote off 2")
        page.goto(form)
        assert held(page) == before - 2

        page.goto("/stock/RX-025")
        page.get_by_role("link", name=re.compile("^Undo")).first.press("Enter")
        type_into(page, "Why", "They stood in the other fridge")
        press(page, "button", "Undo it")
        expect(page.get_by_role("status").first).to_be_visible()
        page.goto(form)
        assert held(page) == before


def test_of_two_tabs_that_undo_a_movement_the_second_is_told(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/stock/MP-001")
        page.get_by_role("link", name=re.compile("^Undo")).last.press("Enter")
        expect(page.get_by_role("heading", name="Undo a movement")).to_be_visible()
        other = page.context.new_page()
        other.goto(page.url)
        for tab in (other, page):
            tab.get_by_label("Why").fill("Entered twice")
            tab.get_by_role("button", name="Undo it").press("Enter")
            tab.wait_for_load_state()

        expect(other.get_by_role("status").first).to_be_visible()
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("Why")).to_have_value("Entered twice")


@SIZES
def test_of_two_who_change_a_setting_the_second_sees_both_and_decides(window: Window, size: str):
    with window(role=Role.MANAGER, size=size) as mine, window(role=Role.ADMIN, size=size) as theirs:
        for page in (mine, theirs):
            page.goto("/settings/numbers/overhead_rate")
        for page, value, why in ((theirs, "18", "A new lease"), (mine, "16.5", "A new insurance")):
            type_into(page, "Value", value)
            type_into(page, "Why", why)
            press(page, "button", "Change it")
        expect(theirs).to_have_url(re.compile("/settings"))

        versions = mine.locator(".versions tbody tr")
        expect(versions.first).to_contain_text("18")
        expect(versions.first).to_contain_text("16.5")
        expect(mine.get_by_label("Why")).to_have_value("A new insurance")
        press(mine, "button", "Change it")
        expect(mine.get_by_role("status").first).to_be_visible()
        mine.goto("/settings/numbers/overhead_rate")
        expect(mine.get_by_label("Value")).to_have_value("16.5")
        expect(mine.get_by_role("main")).to_contain_text("A new lease")
