"""Selling and treating in a real browser, by keyboard, on a desk and in the hand, in both themes."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from api.auth import Role
from tests.browser import clinic
from tests.browser.clinic import Served
from tests.browser.keys import Hands
from tests.browser.looking import faults
from tests.counter import VIALS, course, drafted, issued
from tests.test_quote_document import text_of

Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, selling: Served) -> Iterator[Open]:
    """Opens windows of the counter, which are closed when the test is over."""
    with ExitStack() as windows:
        yield lambda role, **how: windows.enter_context(clinic.window(browser, selling, role=role, **how))


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_front_desk_quotes_by_keyboard_alone_in_fewer_strokes_than_a_minute_has_seconds(
    opened: Open, size: str
):
    page = opened(Role.FRONT_DESK, size=size)
    page.goto("/quotes")
    page.get_by_role("link", name="New quote").press("Enter")
    keys = Hands(page)

    expect(page.get_by_label("Chart number")).to_be_focused()
    keys.type("K-100")
    for _ in range(6):  # allergies and four ticks
        keys.press("Tab")
    keys.type("General facial")
    keys.press("Tab")
    keys.press("Tab")
    expect(page.get_by_label("Sessions", exact=False).first).to_be_focused()
    keys.type("5")
    expect(page.locator("#price .plan li")).to_have_count(5)  # it came while typing
    keys.press("Enter")
    expect(page.locator("#price .plan li")).to_have_count(5)
    assert page.url.endswith("/quotes/new")
    keys.press("Control+Enter")

    expect(page).to_have_url(re.compile(r"/quotes/\d+$"))
    expect(page.get_by_role("status")).to_contain_text("is issued")
    assert keys.strokes < 60
    page.get_by_role("button", name="Accept").press("Enter")
    expect(page.get_by_role("heading", name="Course of K-100")).to_be_visible()


def test_a_reason_is_asked_in_place_and_what_is_typed_meanwhile_stays(opened: Open):
    page = opened(Role.FRONT_DESK)
    page.goto("/quotes/new")
    reason = page.get_by_label("Why the course leaves the protocol")
    expect(reason).to_be_hidden()

    page.locator("#f-protocol").select_option("P-00")
    page.locator("#f-sessions").fill("9")
    expect(page.locator("#price")).to_contain_text("has 3 to 6 sessions, not 9")
    reason.press_sequentially("old scars", delay=60)

    expect(page.locator("#price .plan li")).to_have_count(9)
    expect(reason).to_have_value("old scars")
    expect(reason).to_be_focused()


def test_without_a_script_the_same_button_shows_the_price(opened: Open):
    page = opened(Role.FRONT_DESK, script=False)
    page.goto("/quotes/new")
    page.locator("#f-patient_ref").fill("K-200")
    page.locator("#f-protocol").select_option("P-00")

    page.locator("#f-patient_ref").press("Enter")

    assert page.url.endswith("/quotes/price")
    assert page.locator("#price .plan li").count() == 4
    page.get_by_role("button", name="Save as draft").click()
    assert re.search(r"/quotes/\d+$", page.url)


def test_a_double_click_and_the_back_button_make_one_quote(opened: Open):
    page = opened(Role.FRONT_DESK)
    page.goto("/quotes/new")
    page.locator("#f-patient_ref").fill("K-300")
    page.locator("#f-protocol").select_option("P-00")
    page.get_by_role("button", name="Save as draft").dblclick()
    expect(page).to_have_url(re.compile(r"/quotes/\d+$"))

    page.go_back()
    page.goto("/quotes?q=K-300")

    expect(page.locator("#quotes tbody tr")).to_have_count(1)


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_practitioner_scans_looks_and_records_by_keyboard(opened: Open, selling: Served, size: str):
    key = course(selling.house, patient_ref="K-400")
    page = opened(Role.PRACTITIONER, size=size)
    page.goto(f"/courses/{key}/sessions/1/treat")
    keys = page.keyboard

    expect(page.get_by_label("Scan a vial")).to_be_focused()
    keys.type("CN-050")
    keys.press("Enter")
    keys.type("CN-051")  # before the first has come back
    keys.press("Enter")
    expect(page.locator('#lines input[name="lines"]')).to_have_value("25")
    page.locator("#f-quantity-0").fill("2")
    expect(page.locator("#foreseen")).to_contain_text("0.9")
    page.locator("#f-change_reason").fill("a smaller face")
    page.locator("#f-change_reason").press("Control+Enter")

    expect(page).to_have_url(re.compile(r"/sessions/\d+$"))
    expect(page.locator("table").first).to_contain_text(VIALS)


def test_nothing_is_wrong_with_a_draft_a_session_that_is_due_and_a_walk_in(opened: Open, selling: Served):
    draft, sold = drafted(selling.house, patient_ref="K-500"), course(selling.house, patient_ref="K-501")
    page = opened(Role.MANAGER)
    found = {}
    for path in (
        "/",
        f"/quotes/{draft}",
        f"/quotes/{draft}/withdraw",
        f"/courses/{sold}",
        f"/courses/{sold}/sessions/1/treat",
        "/treat/walk-in?formulation=F-01",
    ):
        page.goto(path)
        found[path] = faults(page)

    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(("size", "script"), [("desk", True), ("phone", False)])
def test_a_walk_in_is_treated_by_a_formulation_and_nothing_is_refused_before_it_is_typed(
    opened: Open, size: str, script: bool
):
    page = opened(Role.PRACTITIONER, size=size, script=script)
    page.goto("/treat")
    page.get_by_role("link", name="Walk-in").press("Enter")
    expect(page.locator(".trouble")).to_have_count(0)
    expect(page.locator("#foreseen")).to_contain_text("is told here once something is to be injected")
    found = {"empty": faults(page) if script else []}

    page.get_by_label("Formulation").select_option("F-01")
    page.get_by_role("button", name="Fill in its lines").press("Enter")
    expect(page.locator("#f-quantity-0")).to_have_value("3")
    found["filled"] = faults(page) if script else []
    page.get_by_label("Chart number").fill(f"W-{size}-1")
    page.get_by_role("button", name="Done: record it").press("Enter")

    expect(page).to_have_url(re.compile(r"/sessions/\d+$"))
    expect(page.get_by_role("status")).to_contain_text("Done.")
    expect(page.locator("table").first).to_contain_text(VIALS)
    assert found == {"empty": [], "filled": []}


def test_the_patients_copy_is_the_document_that_was_kept(opened: Open, selling: Served):
    key = issued(selling.house, patient_ref="K-600")
    page = opened(Role.FRONT_DESK)
    page.goto(f"/quotes/{key}")
    link = page.get_by_role("link", name="Patient's copy")

    copy = page.request.get(link.get_attribute("href") or "")

    assert copy.headers["content-type"] == "application/pdf"
    assert "No drug is approved by the FDA" in text_of(copy.body())
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(link).to_be_hidden()
