"""Opened vials in a real browser: labelled, taken into a room, scanned, discarded; also without a script."""

import re

import pytest
from playwright.sync_api import Page, expect

from api.auth import Role
from tests.browser.conftest import Window

VIAL = re.compile(r"/vials/(\d+)$")


def open_one(page: Page, sku: str = "RX-025") -> int:
    """Open a vial of an item; answers its key."""
    page.goto(f"/stock/{sku}")
    page.get_by_role("link", name=re.compile("^Open one of lot")).first.click()
    page.get_by_role("button", name="Open it now").click()
    expect(page.get_by_role("status").first).to_contain_text("Print its label now.")
    found = VIAL.search(page.url)
    assert found is not None, page.url
    return int(found[1])


def label_of(page: Page) -> str:
    text = page.locator("main").inner_text()
    found = re.search(r"VIAL-\d+-\d\d", text)
    assert found is not None, text
    return found[0]


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_vial_is_opened_labelled_taken_into_a_room_and_corrected(window: Window, size: str):
    with window(role=Role.PRACTITIONER, size=size) as page:
        vial = open_one(page)
        expect(page.locator("main")).to_contain_text("the strictest")
        answer = page.request.get(f"/vials/{vial}/label.pdf")
        assert answer.headers["content-type"] == "application/pdf"
        page.get_by_role("link", name="Enter room").click()
        page.get_by_label("Patient’s chart number").fill("C-2001")
        page.get_by_label("Room", exact=False).nth(0).fill("Room 4")
        page.get_by_label("The session takes").fill("30")
        page.get_by_role("button", name="It enters the room").click()
        expect(page.get_by_role("status").first).to_contain_text("It is that patient’s alone now")

        page.goto("/vials")
        room = page.locator("section").filter(has=page.get_by_role("heading", name="Room 4"))
        expect(room).to_contain_text("C-2001 alone")
        expect(room).to_contain_text("30 min")
        room.get_by_role("link", name=f"vial {vial}", exact=True).click()
        page.get_by_role("link", name="Correct").click()
        page.get_by_label("Why").fill("the vial beside it was meant")
        page.get_by_role("button", name="Correct it").click()
        expect(page.locator("main")).to_contain_text("nobody in particular yet")


def test_the_label_is_scanned_on_the_board_and_while_treating(window: Window):
    with window(role=Role.MANAGER) as page:
        vial = open_one(page)
        code = label_of(page)
        page.goto("/vials")
        page.keyboard.press("/")
        expect(page.get_by_label("Find a vial")).to_be_focused()
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"/vials/{vial}$"))

        page.goto("/treat/walk-in")
        page.get_by_label("Scan a vial").fill(code)
        page.keyboard.press("Enter")
        expect(page.locator("#lines")).to_contain_text(f"opened vial {vial}")
        expect(page.get_by_label("From which lot")).to_have_value(f"vial:{vial}")


def test_the_board_needs_no_script_and_its_clock_ticks_with_one(window: Window):
    with window(role=Role.MANAGER, script=False) as page:
        vial = open_one(page)
        page.goto("/vials")
        expect(page.get_by_role("heading", name="Preparation area")).to_be_visible()
        page.locator(f"#v-{vial}").check()
        page.get_by_role("link", name=f"Discard vial {vial}").click()
        page.get_by_label("Reason").select_option("broken")
        page.get_by_role("button", name="Discard it").click()
        expect(page.get_by_role("status").first).to_contain_text("Discarded 30 mL of Bacteriostatic")
    with window(role=Role.MANAGER) as page:
        page.goto("/vials")
        clock = page.locator("time[data-left]").first
        before = clock.bounding_box()
        page.evaluate("document.querySelector('time[data-left]').dateTime = '2020-01-01T00:00:00Z'")
        page.evaluate("tick()")
        expect(clock).to_have_text("past its time")
        after = clock.bounding_box()
        assert before is not None
        assert after is not None
        assert (before["y"], before["height"]) == (after["y"], after["height"])
