"""Moving stock in a real browser: packed at one site by scanner, received at the other on a phone."""

import re

from playwright.sync_api import Page, expect

from api.auth import Role
from tests.browser.conftest import Window

NEEDLES = "Mesotherapy needle 30G x 4 mm"


def looked_for(page: Page, words: str) -> None:
    """Type into the field at the top and press Enter, as a scanner does."""
    page.locator("#f-find").fill(words)
    page.keyboard.press("Enter")


def line(page: Page, name: str):
    return page.locator(".line").filter(has_text=name)


def packed(page: Page, containers: str) -> None:
    """Needles by their number, so many of them."""
    page.goto("/transfers/new")
    expect(page.locator("#f-find")).to_be_focused()
    looked_for(page, "CN-001")
    expect(line(page, NEEDLES).get_by_label("Containers")).to_have_value("1")
    line(page, NEEDLES).get_by_label("Containers").fill(containers)


def test_a_box_is_sent_to_the_other_site_and_received_there_on_a_phone(window: Window):
    with window(role=Role.MANAGER) as page:
        packed(page, "5")
        page.get_by_label("To", exact=True).select_option(label="Demo Clinic, Harbour")
        page.get_by_role("button", name="Move it").click()
        expect(page.get_by_role("status").first).to_contain_text("on the way to Demo Clinic, Harbour")
        expect(page.locator("main")).to_contain_text("5 on the way")
        address = page.url

    with window(role=Role.MANAGER, size="phone") as page:
        page.goto("/transfers")
        page.locator(f'a[href="{address[address.index("/transfers/") :]}/receive"]').click()
        page.get_by_label("Arrived").fill("4")
        page.get_by_label("What did not arrive").select_option(label="broken")
        page.get_by_role("button", name="Receive it").click()

        expect(page.get_by_role("status").first).to_contain_text("Received at Demo Clinic, Harbour.")
        expect(page.locator("main")).to_contain_text("4 received")
        expect(page.locator("main")).to_contain_text("1 did not arrive")
        page.goto(address + "/receive")
        expect(page.locator("main")).to_contain_text("Nothing of it is on the way any more.")


def test_without_a_script_it_is_packed_moved_and_taken_back_all_the_same(window: Window):
    with window(role=Role.MANAGER, script=False) as page:
        packed(page, "2")
        looked_for(page, "needle")
        page.get_by_role("button", name=re.compile("needle 32G", re.IGNORECASE)).first.click()
        expect(page.locator(".line")).to_have_count(2)
        page.get_by_role("button", name=re.compile("^Put aside.*32G", re.IGNORECASE)).click()
        expect(page.locator(".line")).to_have_count(1)
        expect(line(page, NEEDLES).get_by_label("Containers")).to_have_value("2")

        page.get_by_label("To", exact=True).select_option(label="Demo Clinic, Harbour")
        page.get_by_role("button", name="Move it").click()
        page.get_by_role("link", name="Take it back").click()
        page.get_by_label("Why").fill("the wrong box")
        page.get_by_role("button", name="Take it back").click()
        expect(page.locator("main")).to_contain_text("2 taken back")


def test_what_is_kept_warm_is_not_put_into_the_fridge_and_the_form_keeps_what_was_typed(window: Window):
    with window(role=Role.PRACTITIONER) as page:
        packed(page, "3")
        expect(page.get_by_label("To", exact=True)).not_to_contain_text("Harbour")
        page.get_by_label("To", exact=True).select_option(label="Fridge")
        page.get_by_role("button", name="Move it").click()

        expect(page.get_by_role("alert")).to_contain_text(
            "CN-001 is kept at 15 to 25 °C; Fridge is at 2 to 8 °C."
        )
        expect(line(page, NEEDLES).get_by_label("Containers")).to_have_value("3")
        page.get_by_label("To", exact=True).select_option(label="Treatment room 1")
        page.get_by_role("button", name="Move it").click()
        expect(page.get_by_role("status").first).to_contain_text("Moved to Treatment room 1.")


def test_a_freezer_is_added_and_a_fridge_with_stock_in_it_is_not_given_up(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/settings/sites/MAIN")
        page.get_by_role("link", name="Add a place").click()
        page.get_by_label("Code").fill("freezer-1")
        page.get_by_label("Name").fill("Freezer")
        page.get_by_label("Kept at").select_option(label="Frozen, -25 to -15 °C")
        page.get_by_role("button", name="Add it").click()
        expect(page.get_by_role("row").filter(has_text="FREEZER-1")).to_contain_text("-25 to -15 °C")

        page.get_by_role("link", name="Change Fridge").click()
        page.get_by_label("It is given up").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Fridge is not empty")
