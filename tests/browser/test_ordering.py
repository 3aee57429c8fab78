"""Ordering and receiving in a real browser: from the advice to the last box, by scanner, photo and phone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.auth import Role
from seed_data import reference
from tests.browser.conftest import Window
from tests.browser.keys import press, type_into
from tests.browser.looking import faults
from tests.pictures import printed, sent, table

BOX = "0109524000000019"  # MP-001, of which PO-00002 of the demo waits for 5
FULL = BOX + "17291231" + "10"
GTINS = {row["sku"]: row["gtin14_each_illustrative"] for row in reference.read("products")}
SIZES = pytest.mark.parametrize("size", ["desk", "phone"])


def scan(page: Page, *labels: str) -> None:
    """What a scanner does: it types fast, ends with Enter, and waits for nobody."""
    for label in labels:
        page.keyboard.type(label)
        page.keyboard.press("Enter")


def line(page: Page, lot: str):
    return page.locator(".line").filter(has=page.locator(f'input[value="{lot}"]'))


def test_the_advice_is_read_with_its_chart_changed_on_the_list_made_an_order_and_sent_by_keyboard(
    window: Window,
):
    with window(role=Role.MANAGER) as page:
        page.goto("/reorder")
        row = page.locator("table.reorder tbody tr").filter(has=page.locator("input")).first
        name = row.locator("th a").first.inner_text()
        row.locator("details.why summary").press("Enter")
        row.get_by_role("link", name="The days ahead").press("Enter")
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        expect(page.get_by_role("img", name=re.compile("What will be needed of")).first).to_be_visible()
        assert faults(page) == []
        page.get_by_text("The same as a table, by weeks").press("Enter")
        expect(page.get_by_role("columnheader", name="Week until")).to_be_visible()

        page.go_back()
        field = row.get_by_label("Packs of")
        field.fill("4")
        form = field.get_attribute("form")
        page.locator(f"#{form} button").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("is drafted from the advice")
        expect(page.locator("tbody tr").filter(has_text=name)).to_contain_text("4 packs")
        press(page, "link", "Change")
        type_into(page, "Packs", "5")
        press(page, "button", "Save the draft")
        press(page, "link", "Send")
        press(page, "button", "It was sent")

        expect(page.get_by_role("status").first).to_contain_text("its lines are fixed now")
        expect(page.get_by_text("sent 15 Jan 2026")).to_be_visible()
        assert page.request.get(page.url + "/order.pdf").body().startswith(b"%PDF-")
        assert page.request.get(page.url + "/order.xlsx").body().startswith(b"PK")
        assert faults(page) == []


@SIZES
def test_a_delivery_is_scanned_against_its_order_and_the_rest_is_closed(window: Window, size: str):
    with window(role=Role.MANAGER, size=size) as page:
        page.goto("/orders/2")
        page.get_by_role("link", name="Receive", exact=True).last.press("Enter")
        expect(page.locator("#scan")).to_be_focused()
        scan(page, BOX + "10TWO1", "17291231" + "21S1", "17291231" + "21S2", BOX + "10TWO1")
        expect(line(page, "TWO1").get_by_label("Containers")).to_have_value("2")
        expect(page.get_by_text("3 still to come").first).to_be_visible()
        page.get_by_role("button", name="Receive all of it").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("PO-00002: 26 still to come.")

        page.get_by_role("link", name="Close it: no more will come").press("Enter")
        type_into(page, "Why", "They stopped making it")
        press(page, "button", "Close it")

        expect(page.get_by_role("status").first).to_contain_text("PO-00002 is closed.")
        expect(page.get_by_role("main")).to_contain_text("They stopped making it")


def test_what_is_advised_is_ordered_comes_in_part_by_scan_and_its_bill_is_matched(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/reorder")
        rows = page.locator("table.reorder tbody tr").filter(has=page.get_by_label("Packs of"))
        row = rows.filter(has_text=re.compile("MP-|RX-")).first  # what has a barcode
        name, sku = row.locator("th a").first.inner_text(), row.locator("th small").first.inner_text()
        field = row.get_by_label("Packs of")
        field.fill("2")
        page.locator(f"#{field.get_attribute('form')} button").press("Enter")
        press(page, "link", "Send")
        press(page, "button", "It was sent")
        expect(page.get_by_role("status").first).to_contain_text("its lines are fixed now")
        order = page.url
        page.get_by_role("link", name="Receive", exact=True).last.press("Enter")
        expect(page.locator("#scan")).to_be_focused()
        scan(page, "01" + GTINS[sku] + "17291231" + "10PART1")
        expect(line(page, "PART1").get_by_label("Containers")).to_have_value("1")
        page.get_by_role("button", name="Receive all of it").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("still to come")

        page.goto(order)
        expect(page.locator(".figures")).to_contain_text("Partly received")
        assert faults(page) == []
        press(page, "link", "Match a bill")
        type_into(page, "Its number", "R-2026-1")
        type_into(page, "Freight", "3.50")
        press(page, "button", "Show the difference")
        expect(page.locator("#difference")).to_contain_text("To stock")
        expect(page.locator("#difference")).to_contain_text(name)
        assert faults(page) == []
        press(page, "button", "Record the bill")
        expect(page.get_by_role("status").first).to_contain_text("Invoice R-2026-1")
        expect(page.locator("main")).to_contain_text("PART1")


def test_too_many_and_short_dated_boxes_are_asked_about_and_no_scan_is_lost(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/receive?order=2")
        scan(page, BOX + "17260430" + "10SOON", FULL + "MANY")
        line(page, "MANY").get_by_label("Containers").fill("9")
        expect(line(page, "SOON")).to_contain_text("is short-dated")
        page.get_by_role("button", name="Receive all of it").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Say why it is taken all the same.")
        expect(line(page, "MANY")).to_contain_text("5 more")
        line(page, "SOON").get_by_label("Why it is taken all the same").fill("Needed on Friday")
        line(page, "MANY").get_by_label("Why it is taken all the same").fill("They sent a box more")
        page.get_by_role("button", name="Receive all of it").press("Enter")

        expect(page.get_by_role("status").first).to_contain_text("Received 2 lines")
        expect(page.get_by_role("main")).to_contain_text("They sent a box more")
        page.goto("/receive")
        expect(page.get_by_text("Nothing is scanned yet.")).to_be_visible()


def test_labels_that_contradict_each_other_are_said_to(window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/receive")
        scan(page, BOX + "10ONE", "10OTHER")

        expect(page.locator(".line")).to_have_count(2)
        expect(page.locator(".line").last).to_contain_text("ONE in one place and OTHER in another")


@pytest.mark.parametrize("script", [True, False])
def test_a_photo_taken_with_a_phone_makes_lines_and_what_was_typed_stays(
    window: Window, tmp_path: Path, script: bool
):
    picture = tmp_path / "boxes.jpg"
    picture.write_bytes(sent(table(printed("]d2" + FULL + "PHOTO1"), printed("]d2" + FULL + "PHOTO2"))))
    with window(role=Role.MANAGER, size="phone", script=script) as page:
        page.goto("/receive")
        page.get_by_label("Delivery note").fill("DN-77")
        page.get_by_role("button", name="Read a photo instead").press("Enter")
        expect(page.get_by_label("Photo")).to_have_attribute("capture", "environment")
        page.get_by_label("Photo").set_input_files(str(picture))
        page.get_by_role("button", name="Read it").press("Enter")

        expect(page.get_by_role("status").first).to_have_text(re.compile("Read 2 barcodes"))
        expect(page.get_by_label("Delivery note")).to_have_value("DN-77")
        expect(line(page, "PHOTO1")).to_be_visible()
        expect(line(page, "PHOTO2")).to_be_visible()
        page.get_by_role("button", name="Receive all of it").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Received 2 lines")
