"""The admin's part in a real browser, by keyboard: who comes in, as what, with which password and code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from api.auth import Role
from api.migrations.tables import every_table
from api.starting import load_reference
from api.web import accounts
from inventory.database import Database
from tests.browser import clinic
from tests.browser.clinic import NOW, Served, Server
from tests.browser.conftest import Window
from tests.browser.keys import choose, press, type_into
from tests.browser.looking import faults

SIZES = pytest.mark.parametrize("size", ["desk", "phone"])
OWN = "violet harbour quietly ninety"
SITE = {"Name": "Main Street", "Code": "MAIN", "Country": "US", "Time zone": "America/New_York"}


def come_in(page: Page, name: str, password: str) -> None:
    """Through the door, by keyboard."""
    page.goto("/sign-in")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


@SIZES
def test_somebody_is_let_in_and_chooses_a_password_of_their_own(window: Window, size: str):
    with window(role=Role.ADMIN, size=size) as page, window(role=None, size=size) as new:
        page.goto("/people")
        press(page, "link", "Let somebody in")
        type_into(page, "Name", "Nora New")
        choose(page, "Role", "Front desk")
        press(page, "button", "Let them in")
        given = page.locator("code.secret").inner_text()
        press(page, "link", "They have it")
        expect(page.locator("tr", has_text="Nora New")).to_contain_text("must change it")

        come_in(new, "Nora New", given)
        expect(new).to_have_url(re.compile("/account/password"))
        type_into(new, "Present password", given)
        type_into(new, "New password", "password")
        press(new, "button", "Change it")
        expect(new.get_by_role("alert")).to_be_focused()
        type_into(new, "Present password", given)
        type_into(new, "New password", OWN)
        press(new, "button", "Change it")
        expect(new.get_by_role("status").first).to_contain_text("Your password is changed")


@SIZES
def test_a_password_is_reset_and_the_old_one_and_its_sessions_end(at: Served, window: Window, size: str):
    with window(role=Role.ADMIN, size=size) as page, window(role=Role.FRONT_DESK, size=size) as desk:
        page.goto("/people")
        press(page, "link", f"Change {accounts.DEMO_NAMES[Role.FRONT_DESK]}")
        press(page, "button", "Reset")
        given = page.locator("code.secret").inner_text()

        desk.goto("/stock")
        expect(desk).to_have_url(re.compile("/sign-in"))
        come_in(desk, accounts.DEMO_NAMES[Role.FRONT_DESK], at.password)
        expect(desk.get_by_role("alert")).to_contain_text("do not belong together")
        come_in(desk, accounts.DEMO_NAMES[Role.FRONT_DESK], given)
        expect(desk).to_have_url(re.compile("/account/password"))


@SIZES
def test_a_second_factor_is_added_asked_for_and_turned_off_by_the_admin(
    at: Served, window: Window, size: str
):
    name = accounts.DEMO_NAMES[Role.ACCOUNTANT]
    with window(role=Role.ACCOUNTANT, size=size) as own, window(role=None, size=size) as page:
        own.goto("/account/second-factor")
        press(own, "button", "Show the code to scan")
        expect(own.locator("svg.qr")).to_be_visible()
        own.locator("summary", has_text="It cannot scan").press("Enter")
        codes = pyotp.TOTP(own.locator("code.secret").inner_text().replace(" ", ""))
        type_into(own, "Code", "000000")
        press(own, "button", "Turn it on")
        expect(own.get_by_role("alert")).to_be_focused()
        type_into(own, "Code", codes.at(at.clock.now))
        press(own, "button", "Turn it on")
        expect(own.get_by_role("status").first).to_contain_text("takes a code of your authenticator")

        come_in(page, name, at.password)
        expect(page.get_by_label("Code")).to_be_focused()
        assert faults(page) == []
        page.goto("/books")
        expect(page).to_have_url(re.compile("/sign-in"))
        page.goto("/sign-in/code")
        expect(page.get_by_label("Code")).to_be_focused()
        page.keyboard.type(codes.at(at.clock.now, counter_offset=1))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Good day")

    with window(role=Role.ADMIN, size=size) as admin:
        admin.goto("/people")
        press(admin, "link", f"Change {name}")
        press(admin, "button", "Turn off")
        expect(admin.get_by_role("status").first).to_contain_text("without a second factor now")


@pytest.fixture
def empty(server: Server, tmp_path: Path) -> Iterator[Served]:
    """A book in which there is nobody."""
    database = Database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    every_table().create_all(database.engine)
    load_reference(database, now=NOW)
    yield server.show(database)
    database.engine.dispose()


@SIZES
def test_in_a_new_book_the_first_admin_comes_in_with_the_printed_secret(
    browser: Browser, empty: Served, size: str
):
    with empty.database.write.begin() as db:
        secret = accounts.new_first_secret(db, at=NOW)
    assert secret is not None
    with clinic.window(browser, empty, role=None, size=size) as page:
        page.goto("/")
        expect(page).to_have_url(re.compile("/first-start"))
        assert faults(page) == []
        page.set_viewport_size(clinic.SIZES[size])  # type: ignore[arg-type]
        type_into(page, "Secret", "not-the-secret")
        type_into(page, "Your name", "Ada First")
        type_into(page, "Password", OWN)
        press(page, "button", "Make the first admin")
        expect(page.get_by_role("alert")).to_contain_text("not the secret")
        expect(page.get_by_label("Your name")).to_have_value("Ada First")
        type_into(page, "Secret", secret)
        type_into(page, "Password", OWN)
        press(page, "button", "Make the first admin")

        expect(page.get_by_role("heading", name="Welcome, Ada First")).to_be_visible()
        assert faults(page) == []
        page.goto("/first-start")
        expect(page).to_have_url(re.compile(r"/$"))
        press(page, "link", "Open the first site")
        for label, words in SITE.items():
            type_into(page, label, words)
        choose(page, "Price region", "North America")
        press(page, "button", "Open it")
        expect(page.get_by_role("status").first).to_be_visible()
        page.goto("/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Good day, Ada First")
