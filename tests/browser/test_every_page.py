"""Every page, as every role: no violation of axe, nothing wider than a small phone, nothing that jumps."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from api.auth import Role
from tests.browser.clinic import Served
from tests.browser.conftest import Window

AXE = Axe()
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
# An admin sees every page, the others their own view of it; colours do not depend on who looks.
VIEWS = (
    (None, "light"),
    (None, "dark"),
    (Role.ADMIN, "light"),
    (Role.ADMIN, "dark"),
    (Role.FRONT_DESK, "light"),
    (Role.PRACTITIONER, "light"),
    (Role.ACCOUNTANT, "light"),
)


def violations(page: Page) -> list[str]:
    found: dict[str, Any] = AXE.run(page, options=RULES).response
    return [
        f"{page.url}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
    ]


def addresses(at: Served, role: Role | None) -> Iterator[str]:
    if role is None:
        yield "/sign-in"
    else:
        yield from at.pages(role)
        yield "/nowhere"


@pytest.mark.parametrize(("role", "theme"), VIEWS)
def test_axe_finds_nothing_on_any_page(at: Served, window: Window, role: Role | None, theme: str):
    found = []
    with window(role=role, theme=theme) as page:
        for path in addresses(at, role):
            page.goto(path)
            found += violations(page)

    assert found == []


@pytest.mark.parametrize("role", [None, Role.ADMIN])
def test_axe_finds_nothing_on_a_phone_either(at: Served, window: Window, role: Role | None):
    found = []
    with window(role=role, size="phone") as page:
        for path in addresses(at, role):
            page.goto(path)
            found += violations(page)

    assert found == []


@pytest.mark.parametrize("width", [320, 680, 1280])
def test_no_page_is_wider_than_its_window(at: Served, window: Window, width: int):
    wide = []
    with window(role=Role.ADMIN) as page:
        page.set_viewport_size({"width": width, "height": 800})
        for path in addresses(at, Role.ADMIN):
            page.goto(path)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(path)

    assert wide == []


def test_nothing_jumps_while_a_page_is_drawn(at: Served, window: Window):
    jumped = {}
    with window(role=Role.ADMIN) as page:
        page.add_init_script(
            "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())"
            " if (!entry.hadRecentInput) window.shift += entry.value; })"
            ".observe({type: 'layout-shift', buffered: true});"
        )
        for path in addresses(at, Role.ADMIN):
            page.goto(path)
            page.wait_for_load_state("networkidle")
            if (shift := page.evaluate("window.shift")) > 0.01:
                jumped[path] = shift

    assert jumped == {}
