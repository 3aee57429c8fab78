"""Holding back, recalling and tracing in a real browser: with a mouse, by keyboard, on a phone (S10)."""

import re

import pytest
from playwright.sync_api import Page, expect

from api.auth import Role
from tests.browser import clinic
from tests.browser.clinic import Served
from tests.browser.conftest import Window
from tests.browser.keys import press, tab_to, type_into
from tests.browser.looking import violations

LETTER = "The maker's letter of 12 January: glass in the vials."


def lot_of(at: Served) -> str:
    """The address of a released lot that is on the shelf."""
    with at.database.read() as db:
        return f"/lots/{clinic.examples(db)['<id:lot_id>']}"


def figure(page: Page, name: str):
    return page.locator(".figures > *").filter(has_text=name)


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_lot_is_held_back_and_released_and_both_reasons_stay_beside_it(
    at: Served, window: Window, size: str
):
    with window(role=Role.MANAGER, size=size) as page:
        page.goto(lot_of(at))
        page.get_by_role("link", name="Hold back").click()
        page.get_by_role("button", name="Hold it back").click()
        expect(page.get_by_role("alert")).to_be_focused()
        page.get_by_label("Why").fill("the fridge was open")
        page.get_by_role("button", name="Hold it back").click()
        expect(figure(page, "State")).to_contain_text("Quarantined")

        page.get_by_role("link", name="Release").click()
        page.get_by_label("Why").fill("the logger says 7 degrees")
        page.get_by_role("button", name="Release it").click()
        expect(figure(page, "State")).to_contain_text("Released")
        held = page.locator("section").filter(has_text="Held back and released")
        expect(held).to_contain_text("the fridge was open")
        expect(held).to_contain_text("the logger says 7 degrees")


def test_a_recall_by_keyboard_ends_at_a_report_that_says_who_and_what_next(at: Served, window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto(lot_of(at))
        press(page, "link", "Recall")
        expect(page.locator("dl.facts")).to_contain_text("Received it")
        type_into(page, "Why", LETTER)
        tab_to(page, page.locator("main form button.danger"))
        page.keyboard.press("Enter")

        expect(page.locator("main")).to_contain_text(LETTER)
        if "/trace" not in page.url:
            press(page, "link", "Recall report")
        expect(page.locator("h1")).to_contain_text("Recall of lot")
        expect(page.locator("ol.steps")).to_contain_text("count it, and keep it apart")
        expect(page.get_by_role("link", name=re.compile("^Recall$"))).to_have_count(0)
        assert violations(page) == []
        sheet = page.get_by_role("link", name="Print the report").get_attribute("href")
        answer = page.request.get(at.address + sheet)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
        assert answer.body().startswith(b"%PDF")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_from_a_lot_to_its_patients_and_from_a_patient_to_all_their_lots(
    at: Served, window: Window, size: str
):
    with window(role=Role.PRACTITIONER, size=size) as page:
        page.goto(lot_of(at) + "/trace")
        who = page.locator("section").filter(has=page.locator("#who")).get_by_role("link")
        someone = page.locator("#who ~ *, section").locator('a[href^="/patients"]').first
        assert who.count()
        ref = someone.inner_text()
        someone.click()

        expect(page.locator("h1")).to_have_text(f"Lots of {ref}")
        number = page.locator('main a[href$="/trace"]').first
        words = number.inner_text()
        number.click()
        expect(page.locator("h1")).to_contain_text(f"of lot {words}")
        expect(page.locator("main")).to_contain_text(ref)


def test_a_patients_lots_are_found_by_chart_number_and_a_wrong_one_keeps_what_was_typed(window: Window):
    with window(role=Role.PRACTITIONER) as page:
        page.goto("/patients")
        type_into(page, "Chart number", "NOBODY-1")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("No session of this chart number used anything.")

        page.get_by_label("Chart number").fill("two words\u200b")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Chart number")).to_have_attribute("aria-invalid", "true")
        assert violations(page) == []


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_document_is_undone_after_a_look_at_what_that_changes(window: Window, size: str):
    with window(role=Role.MANAGER, size=size) as page:
        page.goto("/stock/RX-025")
        page.get_by_role("link", name=re.compile("^Write off lot")).first.click()
        page.get_by_label("How many").fill("1")
        page.get_by_label("Reason").select_option("broken")
        page.get_by_role("button", name="Write it off").click()
        expect(page.get_by_role("status").first).to_contain_text("Wrote off 1")
        page.locator('main a[href^="/movements/"]').first.click()
        whole = page.locator('main a[href^="/documents/"]')
        if whole.count():
            whole.first.click()
        expect(page.locator("main")).to_contain_text("What would change")
        page.get_by_label("Why").fill("it was the empty one")
        page.get_by_role("button", name="Show what would change").click()
        expect(page.get_by_label("Why")).to_have_value("it was the empty one")
        assert violations(page) == []
        page.get_by_role("button", name=re.compile("^Undo")).click()

        expect(page.get_by_role("status").first).to_contain_text(re.compile("undone", re.IGNORECASE))


def test_a_delivery_of_last_week_shows_what_it_would_change(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/receive")
        page.keyboard.type("010952400000017017291231" + "10LATE")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Containers")).to_have_value("1")
        page.get_by_label("Received on").fill("2026-01-08")
        page.get_by_role("button", name="Show what would change").click()

        expect(page.locator("#would")).to_be_visible()
        page.get_by_text(re.compile("before today would be other than on record")).click()
        expect(page.locator("details.more-of")).to_contain_text("LATE")
        expect(page.get_by_label("Received on")).to_have_value("2026-01-08")
        assert violations(page) == []
        page.get_by_role("button", name="Receive all of it").click()
        expect(page.get_by_role("status").first).to_contain_text("Received 1 line for $")
