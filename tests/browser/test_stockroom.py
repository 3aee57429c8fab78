"""The manager's and the practitioner's morning in a real browser: by keyboard, by scanner, on a bad net."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from api.auth import Role
from tests.browser.clinic import Served
from tests.browser.conftest import Window

BOX = "010952400000017017291231" + "10"  # Multipeptides HA, good until the end of 2029, lot ...


def scan(page: Page, *labels: str) -> None:
    """What a scanner does: it types fast, ends with Enter, and waits for nobody."""
    for label in labels:
        page.keyboard.type(label)
        page.keyboard.press("Enter")


@contextmanager
def slow_net(page: Page) -> Iterator[None]:
    """Within the block nothing that is sent arrives; after it all of it does, and what follows at once."""
    waiting: list[Route] = []
    net = {"away": True}
    page.route("**/receive", lambda route: waiting.append(route) if net["away"] else route.continue_())
    yield
    net["away"] = False
    for route in waiting:
        route.continue_()


def line(page: Page, lot: str):
    return page.locator(".line").filter(has=page.locator(f'input[value="{lot}"]'))


def test_signing_in_by_keyboard_leads_to_the_page_that_was_asked_for(at: Served, window: Window):
    with window(role=None) as page:
        page.goto("/lots")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type("Demo Manager")
        page.keyboard.press("Tab")
        page.keyboard.type("not the password")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type(at.password)
        page.keyboard.press("Enter")

        expect(page).to_have_url(re.compile(r"/lots$"))
        page.locator(".me > summary").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Sign out").press("Enter")
        expect(page.get_by_role("status")).to_have_text("You are signed out.")
        page.goto("/stock")
        expect(page).to_have_url(re.compile("/sign-in"))


def test_the_first_tab_leads_past_the_navigation(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/stock")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")

        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_stock_is_found_while_it_is_typed_and_the_address_says_what_was_asked(window: Window):
    with window(role=Role.FRONT_DESK) as page:
        page.goto("/stock")
        page.keyboard.press("/")
        expect(page.get_by_label("Search the stock")).to_be_focused()
        page.keyboard.type("lidocaine")
        expect(page).to_have_url(re.compile("q=lidocaine"))
        expect(page.locator("#items")).not_to_contain_text("Vitamin C")
        page.get_by_role("radio", name="All items").check()
        expect(page).to_have_url(re.compile("q=lidocaine&show=all"))
        page.reload()

        expect(page.get_by_label("Search the stock")).to_have_value("lidocaine")
        expect(page.locator("#items")).not_to_contain_text("Vitamin C")
        expect(page.locator("#items")).not_to_contain_text("$")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_delivery_is_scanned_faster_than_the_server_answers_and_received_whole(window: Window, size: str):
    lot = f"FAST{size}"
    with window(role=Role.MANAGER, size=size) as page:
        page.goto("/receive")
        expect(page.locator("#scan")).to_be_focused()
        with slow_net(page):
            scan(page, BOX + lot, BOX + lot, BOX + lot + "2", BOX + lot)
            expect(page.locator("[data-queue]")).to_contain_text("Keeping")

        expect(line(page, lot).get_by_label("Containers")).to_have_value("3")
        expect(line(page, lot + "2").get_by_label("Containers")).to_have_value("1")
        page.get_by_role("button", name="Receive all of it").click()
        expect(page.get_by_role("status").first).to_contain_text("Received 2 lines for $")


def test_no_scan_is_lost_while_the_net_is_away_nor_when_the_page_is_loaded_again(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/receive")
        page.route(
            "**/receive", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
        )
        scan(page, BOX + "OFFLINE", BOX + "OFFLINE")
        expect(page.locator("[data-queue]")).to_contain_text("2 scans wait here until the net is back")

        page.unroute("**/receive")
        page.reload()
        expect(line(page, "OFFLINE").get_by_label("Containers")).to_have_value("2")
        page.get_by_role("button", name=re.compile("^Put aside")).first.click()
        expect(page.locator(".line")).to_have_count(0)


def test_what_is_typed_while_a_scan_is_on_its_way_stays(window: Window):
    with window(role=Role.ADMIN) as page:
        page.goto("/receive")
        scan(page, BOX + "TYPED")
        cost = line(page, "TYPED").get_by_label("Cost of one")
        with slow_net(page):
            page.locator("#scan").focus()
            scan(page, BOX + "OTHER")
            expect(page.locator("[data-queue]")).to_contain_text("Keeping")
            cost.fill("12.34")

        expect(line(page, "OTHER")).to_be_visible()
        expect(cost).to_have_value("12.34")


def test_without_a_script_a_delivery_is_received_all_the_same(window: Window):
    with window(role=Role.MANAGER, script=False) as page:
        page.goto("/receive")
        page.get_by_label("Scan here").fill(BOX + "PLAIN")
        page.keyboard.press("Enter")
        page.get_by_label("Delivery note").fill("DN-1")
        page.get_by_label("Scan here").fill("not a label")
        page.keyboard.press("Enter")
        expect(page.get_by_text("This is not a GS1 label")).to_be_visible()
        expect(page.get_by_label("Delivery note")).to_have_value("DN-1")
        page.get_by_role("button", name="Put aside A label that cannot be read").click()
        page.get_by_role("button", name="Receive all of it").click()

        expect(page.get_by_role("status").first).to_contain_text("Received 1 line for $")


def test_a_vial_is_opened_and_discarded_by_keyboard_on_a_phone(window: Window):
    with window(role=Role.PRACTITIONER, size="phone") as page:
        page.goto("/stock/RX-021")
        page.get_by_role("link", name=re.compile("^Open one of lot")).first.press("Enter")
        page.get_by_role("button", name="Open it now").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("discard by")
        page.goto("/vials")
        page.get_by_role("link", name=re.compile("^Discard")).first.press("Enter")
        page.get_by_label("Reason").select_option("contaminated")
        page.get_by_role("button", name="Discard it").press("Enter")

        expect(page.get_by_role("status").first).to_contain_text("Discarded")


def test_a_mistake_stands_beside_its_field_and_the_summary_is_read_first(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/stock/RX-025")
        page.get_by_role("link", name=re.compile("^Write off lot")).first.click()
        page.get_by_label("How many").fill("two")
        page.get_by_role("button", name="Write it off").click()

        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("How many")).to_have_value("two")
        expect(page.get_by_label("How many")).to_have_attribute("aria-invalid", "true")
        page.get_by_role("alert").get_by_role("link").first.click()
        expect(page.get_by_label("How many")).to_be_focused()


def test_a_double_click_and_the_back_button_write_off_once(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/stock/RX-025")
        page.get_by_role("link", name=re.compile("^Write off lot")).first.click()
        held = page.locator("main").get_by_text(re.compile(r"holds \d+")).inner_text()
        before = int(re.findall(r"holds (\d+)", held)[0])
        page.get_by_label("How many").fill("1")
        page.get_by_label("Reason").select_option("broken")
        page.get_by_role("button", name="Write it off").dblclick()
        expect(page.get_by_role("status").first).to_contain_text("Wrote off 1")
        page.go_back()

        page.reload()
        expect(page.locator("main")).to_contain_text(f"holds {before - 1}")


def test_the_theme_is_one_click_away_and_stays(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.locator(".me > summary").click()
        page.get_by_role("button", name="Dark theme").click()
        page.goto("/stock")

        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_page_that_is_not_ones_own_says_whose_it_is(window: Window):
    with window(role=Role.FRONT_DESK) as page:
        answer = page.goto("/receive")

        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_role("main")).to_contain_text("Receiving stock is for manager or admin")
