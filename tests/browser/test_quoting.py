"""Quoting in a real browser: several treatments, a promotion, versions side by side, why one was lost."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from api.auth import Role
from tests.browser import clinic
from tests.browser.clinic import Served
from tests.browser.looking import faults
from tests.counter import issued
from tests.test_quote_document import text_of

Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, selling: Served) -> Iterator[Open]:
    """Opens windows of the counter, which are closed when the test is over."""
    with ExitStack() as windows:
        yield lambda role, **how: windows.enter_context(clinic.window(browser, selling, role=role, **how))


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_second_treatment_goes_on_the_same_quote(opened: Open, size: str):
    page = opened(Role.FRONT_DESK, size=size)
    page.goto("/quotes/new")
    page.locator("#f-patient_ref").fill("Q-100")
    page.locator("#f-protocol").select_option("P-00")
    expect(page.locator("#price .plan li")).to_have_count(4)

    page.get_by_text("Second treatment").press("Enter")
    page.get_by_label("Protocol of treatment 2").select_option("P-16")
    expect(page.locator("#price .plan li")).to_have_count(8)
    page.keyboard.press("Control+Enter")

    expect(page).to_have_url(re.compile(r"/quotes/\d+$"))
    expect(page.get_by_role("status")).to_contain_text("is issued")
    assert faults(page) == []
    copy = page.get_by_role("link", name="Patient's copy").get_attribute("href") or ""
    assert "Neck and decollete" in text_of(page.request.get(copy).body())


def test_two_versions_stand_side_by_side(opened: Open, selling: Served):
    key = issued(selling.house, patient_ref="Q-200")
    page = opened(Role.FRONT_DESK)
    page.goto(f"/quotes/{key}/revise")
    page.locator("#f-sessions").fill("5")
    page.get_by_role("button", name="Save as draft").click()

    page.get_by_role("link", name="Side by side").click()

    expect(page.get_by_role("heading", name=re.compile("Quote Q-2026-"))).to_be_visible()  # not "Drafts"
    expect(page.get_by_role("row", name=re.compile("Sessions differs"))).to_contain_text("5, every 2 weeks")
    assert faults(page) == []


def test_why_a_quote_was_lost_is_chosen_and_reported(opened: Open, selling: Served):
    key = issued(selling.house, patient_ref="Q-300")
    page = opened(Role.FRONT_DESK)
    page.goto(f"/quotes/{key}/decline")
    page.get_by_label("The reason, to be counted").select_option(label="Went elsewhere")
    assert faults(page) == []
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_text("Declined: Went elsewhere")).to_be_visible()

    books = opened(Role.ACCOUNTANT)
    books.goto("/books/conversion?by=lost")
    expect(books.get_by_role("row", name=re.compile("Elsewhere"))).to_be_visible()
    assert faults(books) == []


def test_a_manager_adds_a_promotion_and_the_desk_gives_it(opened: Open):
    manager = opened(Role.MANAGER)
    manager.goto("/settings/discounts/new")
    assert faults(manager) == []
    for name, text in (
        ("code", "SIX"),
        ("name", "Buy 5, get 1"),
        ("from_sessions", "6"),
        ("free_sessions", "1"),
        ("source", "the owner"),
    ):
        manager.locator(f"#f-{name}").fill(text)
    manager.get_by_label("It is a promotion").check()
    manager.get_by_role("button", name="Add it").click()
    expect(manager.get_by_role("rowheader", name=re.compile("Buy 5"))).to_be_visible()

    page = opened(Role.FRONT_DESK)
    page.goto("/quotes/new")
    page.locator("#f-protocol").select_option("P-00")
    page.locator("#f-level").select_option("L6")
    page.locator("#f-sessions").fill("6")
    page.locator("#f-promotion").fill("six")
    expect(page.locator("#price .totals")).to_contain_text("Discount")
