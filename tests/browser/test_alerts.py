"""What presses, in a real browser: looking ahead, a calendar made and ended, a quote's paper."""

import re
import urllib.error
import urllib.request

import icalendar
import pypdfium2
import pytest
from playwright.sync_api import expect

from api.auth import Role
from tests.browser.clinic import Served
from tests.browser.conftest import Window
from tests.browser.looking import faults


def test_alerts_are_looked_through_and_followed_by_a_calendar(at: Served, window: Window):
    with window(role=Role.MANAGER) as page:
        page.goto("/")
        page.get_by_role("link", name="Alerts", exact=True).click()
        near = page.get_by_role("listitem").count()
        page.get_by_role("link", name="180 days").press("Enter")
        expect(page).to_have_url(re.compile("within=180"))
        assert page.get_by_role("listitem").count() >= near

        page.get_by_role("button", name="Make an address").press("Enter")
        expect(page.get_by_role("heading", name="A calendar of")).to_be_visible()
        assert faults(page) == []
        address = page.locator("code.secret").inner_text()
        with urllib.request.urlopen(address) as answer:
            assert icalendar.Calendar.from_ical(answer.read()).walk("VEVENT")

        page.get_by_role("link", name="I have it").press("Enter")
        page.get_by_role("button", name="End").press("Enter")
        expect(page.get_by_text("its address answers no more")).to_be_visible()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address)


def test_a_quote_is_foretold_and_its_paper_is_read_in_spanish(at: Served, window: Window):
    with window(role=Role.MANAGER, size="phone") as page:
        page.goto("/quotes?status=issued")
        page.locator("main a[href^='/quotes/']").filter(has_text=re.compile("Q-|P-")).first.click()
        page.get_by_role("link", name="How sure is the cost?").click()
        expect(page.get_by_text("Break-even")).to_be_visible()
        assert faults(page) == []

        page.get_by_role("link", name=re.compile("^Quote Q-")).first.click()
        paper = page.request.get(page.get_by_role("link", name="Spanish").get_attribute("href") or "")
        with pypdfium2.PdfDocument(paper.body()) as document:
            assert "Copia del paciente" in document[0].get_textpage().get_text_range()
