"""Every page of the table of rights, as every role: nothing for axe to find, nothing too wide, no jumping."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from api.auth import Role
from api.web import rights
from tests.browser import clinic
from tests.browser.clinic import DOORS, FILES, PARTS, Served, Server, is_page
from tests.browser.looking import DRAWN, WATCH, faults, slow_line, violations

PAGES = [call for call in rights.MAY if is_page(call)]
OF_THE_BOOK = re.compile(r'value="[^"]{20,}"|aria-current="page"')  # tokens and keys, new each time

NOT_READ_YET = """() => {
  const rest = document.querySelectorAll("h1 ~ *, footer");
  rest.forEach((one) => one.remove());
  return rest.length;
}"""


@pytest.fixture(scope="package")
def admin(browser: Browser, server: Server, kept: Served) -> Iterator[Page]:
    """One window in which the admin, who sees every page, goes from page to page."""
    server.app = kept.house.clinic.app  # another test may have shown its own
    with clinic.window(browser, kept, role=Role.ADMIN) as page:
        page.add_init_script(WATCH)
        page.goto("/help")  # the typeface is optional: on a first visit it may come too late
        yield page


def test_every_address_of_the_table_is_a_page_that_is_looked_at_or_said_to_be_none():
    shown = {call for call in rights.MAY.keys() | rights.OPEN if call.startswith("GET ")}

    assert shown >= FILES | PARTS | DOORS
    assert shown == set(PAGES) | FILES | PARTS | DOORS
    assert all(Role.ADMIN in rights.MAY[call] for call in PAGES)


@pytest.mark.parametrize("call", PAGES)
def test_a_page_has_no_fault_in_either_theme_at_any_size(looked_at: Served, admin: Page, call: str):
    (path,) = looked_at.pages(Role.ADMIN, [call])

    answer = admin.goto(path)

    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
    assert answer.request.redirected_from is None, f"{path} leads to {admin.url}"
    assert faults(admin) == [], path


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.ACCOUNTANT, Role.MANAGER])
def test_axe_finds_nothing_where_a_role_sees_another_page_than_the_admin(
    looked_at: Served, browser: Browser, role: Role
):
    admin, found = looked_at.client(Role.ADMIN), {}
    with clinic.window(browser, looked_at, role=role) as page:
        for path in looked_at.pages(role):
            answer = page.goto(path)
            assert answer is not None
            mine = answer.text()
            if OF_THE_BOOK.sub("", content(mine)) != OF_THE_BOOK.sub("", content(admin.get(path).text)):
                found[path] = violations(page)

    assert found, "every page is the admin's"
    assert {path: faults for path, faults in found.items() if faults} == {}


def content(html: str) -> str:
    """What stands between the frame and the end."""
    return html.partition("<main")[2]


def test_nothing_is_wrong_with_the_doors_and_the_pages_that_say_no(looked_at: Served, browser: Browser):
    found = {}
    for role, path in (
        (Role.ADMIN, "/"),
        (None, "/sign-in"),
        (None, "/nowhere"),
        (Role.ADMIN, "/nowhere"),
        (Role.FRONT_DESK, "/receive"),
        (Role.MANAGER, "/quotes/999999"),
    ):
        with clinic.window(browser, looked_at, role=role) as page:
            page.add_init_script(WATCH)
            page.goto("/help")
            page.goto(path)
            found[role, path] = faults(page)
            page.emulate_media(color_scheme="dark")  # and the frame of a wide window
            found[role, path] += violations(page)

    assert {where: faults for where, faults in found.items() if faults} == {}


def test_a_door_that_is_half_read_has_its_head_where_the_whole_one_has(looked_at: Served, browser: Browser):
    with clinic.window(browser, looked_at, role=None) as page:
        for path in ("/sign-in", "/nowhere"):
            page.goto(path)
            head = page.locator("h1")
            whole = head.bounding_box()

            assert page.evaluate(NOT_READ_YET) > 0, path
            assert head.bounding_box() == whole, path


@pytest.mark.parametrize(
    "call", ["GET /books/roll-forward", "GET /books/valuation", "GET /lots", "GET /quotes/<id:quote_id>"]
)
def test_a_page_that_comes_slowly_does_not_jump(looked_at: Served, admin: Page, call: str):
    (path,) = looked_at.pages(Role.ADMIN, [call])

    with slow_line(admin):
        admin.goto(path)

        assert admin.evaluate(DRAWN) == 0
