"""What browser tests are given: the demo clinic, served, and the machine's browser; no browser, no tests."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import clinic
from tests.browser.clinic import Served

Window = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's chromium."""
    if os.environ.get("VIALBOOK_BROWSER") != "1":
        pytest.skip("pages are looked at by `make browse`, which takes minutes")
    path = clinic.chromium()
    if path is None:
        pytest.skip("no chromium on this machine: pages are not looked at (Debian: apt install chromium)")
    with sync_playwright() as driver:
        found = clinic.launch(driver, path)
        yield found
        found.close()


@pytest.fixture(scope="session")
def at(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo clinic, served; what one test changes the next one finds."""
    database, password = clinic.furnish(tmp_path_factory.mktemp("browser") / "demo.sqlite3")
    with clinic.served(database, password) as found:
        yield found
    database.engine.dispose()


@pytest.fixture(scope="session")
def window(browser: Browser, at: Served) -> Window:
    """Opens windows: `with window(role=Role.MANAGER) as page:`."""
    return partial(clinic.window, browser, at)
