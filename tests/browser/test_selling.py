"""Selling and treating in a real browser, by keyboard, on a desk and in the hand, in both themes."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from api.auth import Role
from tests.counter import VIALS, course, issued
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

DESK, HAND, NARROW = (1280, 900), (390, 844), (320, 720)


@dataclass
class Served:
    """The clinic behind an address, and a browser to look at it with."""

    house: House
    browser: Browser
    address: str

    def open(self, role: Role, size: tuple[int, int] = DESK, **options: object) -> Page:
        """A window in which somebody of the role is signed in."""
        context = self.browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        self._sign_in(context, role)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
        return page

    def _sign_in(self, context: BrowserContext, role: Role) -> None:
        cookie = self.house.as_(role).client.get_cookie("vialbook-session")
        assert cookie is not None
        context.add_cookies([{"name": "vialbook-session", "value": cookie.value, "url": self.address}])


@pytest.fixture(scope="module")
def served(here: House, browser: Browser) -> Iterator[Served]:
    server = make_server("127.0.0.1", 0, here.clinic.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Served(here, browser, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()


def fits(page: Page) -> bool:
    """Whether nothing sticks out to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("size", [DESK, HAND], ids=["desk", "hand"])
def test_the_front_desk_quotes_by_keyboard_alone(served: Served, size: tuple[int, int]):
    page = served.open(Role.FRONT_DESK, size)
    page.goto(f"{served.address}/quotes")
    page.get_by_role("link", name="New quote").press("Enter")
    keys = page.keyboard

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
    page.get_by_role("button", name="Accept").press("Enter")
    expect(page.get_by_role("heading", name="Course of K-100")).to_be_visible()


def test_a_reason_is_asked_in_place_and_what_is_typed_meanwhile_stays(served: Served):
    page = served.open(Role.FRONT_DESK)
    page.goto(f"{served.address}/quotes/new")
    reason = page.get_by_label("Why the course leaves the protocol")
    expect(reason).to_be_hidden()

    page.locator("#f-protocol").select_option("P-00")
    page.locator("#f-sessions").fill("9")
    expect(page.locator("#price")).to_contain_text("has 3 to 6 sessions, not 9")
    reason.press_sequentially("old scars", delay=60)

    expect(page.locator("#price .plan li")).to_have_count(9)
    expect(reason).to_have_value("old scars")
    expect(reason).to_be_focused()


def test_without_a_script_the_same_button_shows_the_price(served: Served):
    page = served.open(Role.FRONT_DESK, java_script_enabled=False)
    page.goto(f"{served.address}/quotes/new")
    page.locator("#f-patient_ref").fill("K-200")
    page.locator("#f-protocol").select_option("P-00")

    page.locator("#f-patient_ref").press("Enter")

    assert page.url.endswith("/quotes/price")
    assert page.locator("#price .plan li").count() == 4
    page.get_by_role("button", name="Save as draft").click()
    assert re.search(r"/quotes/\d+$", page.url)


def test_a_double_click_and_the_back_button_make_one_quote(served: Served):
    page = served.open(Role.FRONT_DESK)
    page.goto(f"{served.address}/quotes/new")
    page.locator("#f-patient_ref").fill("K-300")
    page.locator("#f-protocol").select_option("P-00")
    page.get_by_role("button", name="Save as draft").dblclick()
    expect(page).to_have_url(re.compile(r"/quotes/\d+$"))

    page.go_back()
    page.goto(f"{served.address}/quotes?q=K-300")

    expect(page.locator("#quotes tbody tr")).to_have_count(1)


@pytest.mark.parametrize("size", [DESK, HAND], ids=["desk", "hand"])
def test_the_practitioner_scans_looks_and_records_by_keyboard(served: Served, size: tuple[int, int]):
    key = course(served.house, patient_ref=f"K-4{size[0]}")
    page = served.open(Role.PRACTITIONER, size)
    page.goto(f"{served.address}/courses/{key}/sessions/1/treat")
    keys = page.keyboard

    expect(page.get_by_label("Scan a vial")).to_be_focused()
    keys.type("CN-050")
    keys.press("Enter")
    keys.type("CN-051")  # before the first has come back
    keys.press("Enter")
    expect(page.locator('#lines input[name="lines"]')).to_have_value("25")
    page.locator("#f-quantity-0").fill("2")
    expect(page.locator("#foreseen")).to_contain_text("0.9")
    page.locator("#f-quantity-0").press("Control+Enter")

    expect(page).to_have_url(re.compile(r"/sessions/\d+$"))
    expect(page.locator("table")).to_contain_text(VIALS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, HAND, NARROW], ids=["desk", "hand", "narrow"])
def test_no_page_of_selling_or_treating_has_a_fault_that_axe_finds(
    served: Served, size: tuple[int, int], theme: str
):
    quote, sold = issued(served.house, patient_ref="K-500"), course(served.house, patient_ref="K-501")
    page = served.open(Role.MANAGER, size, color_scheme=theme)
    for path in (
        "/",
        "/quotes",
        "/quotes/new",
        f"/quotes/{quote}",
        f"/quotes/{quote}/withdraw",
        f"/quotes/{quote}/revise",
        f"/quotes/{quote}/print",
        "/courses",
        f"/courses/{sold}",
        "/treat",
        f"/courses/{sold}/sessions/1/treat",
        "/treat/walk-in?formulation=F-01",
    ):
        page.goto(served.address + path)
        found = Axe().run(page).response["violations"]

        assert [(one["id"], one["nodes"][0]["target"]) for one in found] == [], path
        assert fits(page), path


def test_on_paper_the_frame_is_gone_and_the_copy_is_whole(served: Served):
    key = issued(served.house, patient_ref="K-600")
    page = served.open(Role.FRONT_DESK)
    page.goto(f"{served.address}/quotes/{key}/print")
    page.emulate_media(media="print")

    expect(page.locator("header.top")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_text("No drug is approved by the FDA")).to_be_visible()
