"""Bad input in a real browser: an ended session, a change meanwhile, long names, right to left."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from api.auth import Role
from api.web import accounts
from tests.browser import clinic
from tests.browser.clinic import Served
from tests.browser.conftest import Window
from tests.browser.keys import press, type_into
from tests.browser.looking import faults
from tests.counter import VIALS

LONG = "Polydeoxyribonucleotide " * 8 + "complex!"
UNBROKEN = "W" * 200
ARABIC = "حمض الهيالورونيك 2%، 3 مل"
SIZES = pytest.mark.parametrize("size", ["desk", "phone"])


@SIZES
def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_typed(
    at: Served, window: Window, size: str
):
    with window(role=Role.MANAGER, size=size) as page:
        page.goto("/settings/numbers/overhead_rate")
        type_into(page, "Value", "16.5")
        type_into(page, "Why", "A new insurance, as agreed on Monday")
        at.clock.now += timedelta(minutes=31)
        press(page, "button", "Change it")

        expect(page.get_by_role("status")).to_contain_text("Nothing you typed is lost")
        type_into(page, "Name", accounts.DEMO_NAMES[Role.MANAGER])
        type_into(page, "Password", at.password)
        press(page, "button", "Sign in")
        expect(page.get_by_label("Value")).to_have_value("16.5")
        expect(page.get_by_label("Why")).to_have_value("A new insurance, as agreed on Monday")
        press(page, "button", "Change it")
        expect(page.get_by_role("status").first).to_be_visible()
        page.goto("/settings/numbers/overhead_rate")
        expect(page.get_by_label("Value")).to_have_value("16.5")


def test_a_live_page_whose_session_ended_says_so_and_keeps_what_was_typed(at: Served, window: Window):
    with window(role=Role.FRONT_DESK) as page:
        page.goto("/quotes/new")
        page.locator("#f-patient_ref").fill("C-77")
        at.clock.now += timedelta(minutes=31)
        page.locator("#f-protocol").select_option("P-00")

        expect(page.locator("#problem")).to_contain_text("Your session has ended")
        expect(page.locator("#f-patient_ref")).to_have_value("C-77")


def test_a_quote_whose_vials_went_meanwhile_is_told_so_before_it_is_issued(browser: Browser, selling: Served):
    with clinic.window(browser, selling, role=Role.FRONT_DESK) as page:
        page.goto("/quotes/new")
        page.locator("#f-patient_ref").fill("K-900")
        page.locator("#f-protocol").select_option("P-00")
        expect(page.locator("#price .plan li")).to_have_count(4)
        expect(page.locator("#price .plan .short")).to_have_count(0)

        manager = selling.client(Role.MANAGER)
        listed = manager.get(f"/stock/{VIALS}").get_data(as_text=True)
        for lot in sorted(set(re.findall(r"/lots/(\d+)/write-off", listed))):
            gone = manager.send(f"/lots/{lot}/write-off", containers="400", reason="broken")
            assert gone.status_code == 303
        page.keyboard.press("Control+Enter")

        expect(page.locator(".plan .short").first).to_be_visible()


@pytest.mark.parametrize("name", [LONG, UNBROKEN, ARABIC], ids=["long", "unbroken", "right-to-left"])
def test_a_name_of_200_characters_and_one_from_right_to_left_stand_whole_on_every_page(
    at: Served, window: Window, name: str
):
    assert len(name) <= 200
    found = {}
    with window(role=Role.ADMIN) as page:
        page.goto("/stock/MP-001/edit")
        page.get_by_label("Name").fill(name)
        page.get_by_role("button", name="Save").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        for path in (
            "/stock/MP-001",
            "/stock?q=MP-001",
            "/lots?q=MP-001",
            "/books/valuation",
            "/treat/walk-in",
        ):
            page.goto(path)
            found[path] = faults(page)
        page.goto("/stock/MP-001")
        right_to_left = page.locator("h1 bdi").evaluate("one => getComputedStyle(one).direction")

    assert {path: faults for path, faults in found.items() if faults} == {}
    assert right_to_left == ("rtl" if name is ARABIC else "ltr")


def test_without_a_script_a_patient_is_treated_and_the_site_and_the_theme_are_chosen(
    at: Served, window: Window
):
    with window(role=Role.PRACTITIONER, script=False) as page:
        page.goto("/treat/walk-in?formulation=F-01")
        page.get_by_label("Chart number").fill("C-900")
        page.get_by_role("button", name=re.compile("^Done|^Record")).first.click()
        expect(page).to_have_url(re.compile(r"/sessions/\d+$"))
        page.locator(".me > summary").click()
        page.get_by_role("button", name="Dark theme").click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.get_by_label("Site").select_option(index=1)
        page.get_by_role("button", name="Show").first.click()
        expect(page.get_by_label("Site").locator("option:checked")).not_to_have_text(
            "Demo Clinic, Main Street"
        )
