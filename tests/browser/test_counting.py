"""Counting in a real browser: on a tablet with a scanner, on a bad net, without a script, and posting it."""

import re

import pytest
from playwright.sync_api import Page, expect

from api.auth import Role
from tests.browser.conftest import Window

BOX = "010952400000017017291231" + "10"  # Multipeptides HA, good until the end of 2029, lot ...


def scan(page: Page, *labels: str) -> None:
    """What a scanner does: it types fast, ends with Enter, and waits for nobody."""
    for label in labels:
        page.keyboard.type(label)
        page.keyboard.press("Enter")


def begin(page: Page, what: str, *, blind: bool = False) -> None:
    page.goto("/counts/new")
    page.get_by_label("What is counted").select_option(what)
    if blind:
        page.get_by_label("does not see what the book says").check()
    page.get_by_role("button", name="Begin").click()
    expect(page).to_have_url(re.compile(r"/counts/\d+$"))


def line(page: Page, number: int):
    return page.locator(".count-line").nth(number)


def receive(page: Page, lot: str, boxes: int) -> None:
    """So many boxes of a new lot, on the shelf."""
    page.goto("/receive")
    scan(page, *[BOX + lot] * boxes)
    expect(page.locator(".line").filter(has=page.locator(f'input[value="{lot}"]')).get_by_label("Containers")
           ).to_have_value(str(boxes))  # fmt: skip
    page.get_by_role("button", name="Receive all of it").click()
    expect(page.get_by_role("status").first).to_contain_text("Received 1 line")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_fridge_is_counted_typed_again_and_posted_with_a_reason(window: Window, size: str):
    with window(role=Role.MANAGER, size=size) as page:
        begin(page, "place FRIDGE")
        count = page.url
        first = line(page, 0).get_by_role("textbox")
        book = re.search(r"Book ([\d,]+)", line(page, 0).inner_text())[1].replace(",", "")
        name = first.get_attribute("name")
        first.fill(str(int(book) + 9))
        page.keyboard.press("Enter")
        expect(page.locator("[data-queue]")).to_have_text("Kept.")
        page.reload()  # nothing was pressed: it is kept all the same
        page.get_by_role("link", name=re.compile(r"^Counted")).click()
        expect(page.locator(f'[name="{name}"]')).to_have_value(str(int(book) + 9))

        page.get_by_role("link", name="Differences").click()
        expect(page.get_by_role("main")).to_contain_text("Cr 5120")
        page.get_by_role("link", name=re.compile("Count 1 again")).click()
        again = page.locator(f'[name="{name}"]')
        expect(again).to_have_value("")
        again.fill(str(int(book) + 1))
        page.get_by_role("button", name="Keep what is typed").click()
        page.goto(f"{count}/post")
        page.get_by_label("stay as the book has them").check()
        page.get_by_label("Why").fill("found behind the box")
        post = page.get_by_role("button", name="Post the differences")
        post.click()

        expect(page.get_by_role("main")).to_contain_text(re.compile("posted with|counted again"))
        expect(page).to_have_url(re.compile("/record$"))
        expect(page.get_by_role("main")).to_contain_text("found behind the box")


def test_a_scanner_counts_faster_than_the_server_answers_and_on_a_bad_net(window: Window):
    with window(role=Role.MANAGER) as page:
        receive(page, "COUNTED", 3)
        begin(page, "place SHELF", blind=True)
        count = page.url
        expect(page.locator("#scan")).to_be_focused()
        scan(page, BOX + "COUNTED", BOX + "COUNTED")
        expect(page.get_by_text("lot COUNTED").first).to_be_visible()
        page.route(
            "**/counts/*",
            lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
        )
        scan(page, BOX + "COUNTED", BOX + "NEVER")
        expect(page.locator("[data-queue]")).to_contain_text("wait here until the net is back")

        page.unroute("**/counts/*")
        page.reload()
        expect(page.get_by_text("No lot NEVER of")).to_be_visible()
        page.goto(f"{count}?show=counted")
        expect(page.locator(".count-line").filter(has_text="COUNTED").get_by_role("textbox")).to_have_value(
            "3"
        )
        expect(page.locator("#lines")).not_to_contain_text("Book")
        page.get_by_role("button", name="Put aside this scan").click()
        expect(page.get_by_text("No lot NEVER of")).to_have_count(0)
        page.goto(f"{count}/abandon")
        page.get_by_label("Why").fill("a trial")
        page.get_by_role("button", name="Give it up").click()
        expect(page.get_by_role("status").first).to_contain_text("nothing was posted")


def test_without_a_script_a_count_is_kept_all_the_same(window: Window):
    with window(role=Role.PRACTITIONER, script=False) as page:
        begin(page, "class hyaluronic acid")
        box = line(page, 0).get_by_role("textbox")
        box.fill("7")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"\?show=left$"))
        page.get_by_role("link", name=re.compile("^Counted")).click()

        expect(line(page, 0).get_by_role("textbox")).to_have_value("7")
        line(page, 0).get_by_role("button", name=re.compile("^1")).click()
        expect(line(page, 0).get_by_role("textbox")).to_have_value("8")
