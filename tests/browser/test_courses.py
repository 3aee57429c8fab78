"""A course at the desk in a real browser: paid, moved, missed, given back, by keyboard and in the hand."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from api.auth import Role
from tests.browser import clinic
from tests.browser.clinic import Served
from tests.browser.looking import faults
from tests.counter import course

Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, selling: Served) -> Iterator[Open]:
    """Opens windows of the counter, which are closed when the test is over."""
    with ExitStack() as windows:
        yield lambda role, **how: windows.enter_context(clinic.window(browser, selling, role=role, **how))


@pytest.mark.parametrize(("size", "script"), [("desk", True), ("phone", False)])
def test_a_course_is_paid_moved_missed_and_given_back(opened: Open, selling: Served, size: str, script: bool):
    key = course(selling.house, patient_ref="M-100")
    page = opened(Role.FRONT_DESK, size=size, script=script)
    page.goto(f"/courses/{key}")
    found = {"course": faults(page) if script else []}

    page.get_by_role("link", name="Take a payment").press("Enter")
    page.get_by_label("Amount").fill("200.00")
    page.get_by_label("It is the deposit").check()
    page.get_by_label("How it was paid").select_option("card")
    page.get_by_role("button", name="Record it").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("$200.00 received.")
    expect(page.locator("main")).to_contain_text("Deposit received, card")

    page.get_by_role("link", name="Missed session 1").press("Enter")
    page.get_by_label("What was said").fill("the train stood still")
    page.get_by_role("button", name="Record it").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is still to come")

    page.get_by_role("link", name="Move session 1").press("Enter")
    page.get_by_label("To which day").fill("2026-01-19")
    page.get_by_label("Why").fill("comes on Monday")
    page.get_by_role("button", name="Move it").press("Enter")
    expect(page.locator("main")).to_contain_text("Mon 19 Jan 2026")
    expect(page.locator("main")).to_contain_text("missed on 15 Jan 2026")

    page.get_by_role("link", name="Refund").press("Enter")
    expect(page.locator("main")).to_contain_text("The policy gives back $200.00")
    expect(page.locator("main")).to_contain_text("$200.00 paid − 0 ×")
    found["refund"] = faults(page) if script else []
    page.get_by_role("button", name=re.compile("Give back")).press("Enter")
    expect(page.locator("main")).to_contain_text("The course has ended: refund.")
    expect(page.get_by_role("link", name="Take a payment")).to_have_count(0)
    found["ended"] = faults(page) if script else []
    assert found == {"course": [], "refund": [], "ended": []}
