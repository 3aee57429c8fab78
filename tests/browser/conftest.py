"""What browser tests are given: the machine's browser, a server, and a clinic of their own in it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.auth import Role
from api.migrations.tables import every_table
from inventory.database import Database
from tests.browser import clinic
from tests.browser.clinic import PATIENCE, Served, Server
from tests.counter import counter
from tests.once import made_once
from tests.pages import PASSWORD

Window = Callable[..., AbstractContextManager[Page]]
BOOK = "book.sqlite3"
expect.set_options(timeout=PATIENCE)


# For the length of this folder only: Playwright keeps an event loop running, which others may not expect.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's chromium."""
    path = clinic.chromium()
    if path is None:
        if os.environ.get("VIALBOOK_BROWSER") == "required":
            pytest.fail("There is no chromium on this machine, and VIALBOOK_BROWSER=required asks for one.")
        why = "VIALBOOK_BROWSER=none" if clinic.unwanted() else "apt install chromium"
        pytest.skip(f"no page was looked at in a browser ({why})")
    with sync_playwright() as driver:
        found = clinic.launch(driver, path)
        yield found
        found.close()


@pytest.fixture(scope="package")
def server(browser: Browser) -> Iterator[Server]:
    """One server, whatever it shows."""
    with clinic.serving() as found:
        yield found


@pytest.fixture(scope="package")
def demo_pattern(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clinic in a folder, made once for all who test at the same time."""

    def make(folder: Path) -> None:
        database, password = clinic.furnish(folder / BOOK)
        database.engine.dispose()
        (folder / "password").write_text(password)

    return made_once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="package")
def counter_pattern(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The counter of a small clinic in a folder; see `tests.counter`."""

    def make(folder: Path) -> None:
        database = Database(f"sqlite:///{folder / BOOK}")
        every_table().create_all(database.engine)
        with counter(database) as house:
            for role in Role:
                house.give_password(role)
        database.engine.dispose()
        (folder / "password").write_text(PASSWORD)

    return made_once(tmp_path_factory, "counter", make)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program keeps the workbooks of this test."""
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path / "home"))


@contextmanager
def copied(server: Server, pattern: Path, folder: Path) -> Iterator[Served]:
    """A copy of a clinic, served for the length of a block."""
    copy = shutil.copytree(pattern, folder / "book")
    database = Database(f"sqlite:///{copy / BOOK}")
    yield server.show(database, (copy / "password").read_text())
    database.engine.dispose()
    shutil.rmtree(copy)


@pytest.fixture
def at(server: Server, demo_pattern: Path, tmp_path: Path) -> Iterator[Served]:
    """The demo clinic, served, as it is in the beginning: whatever a test changes, the next does not find."""
    with copied(server, demo_pattern, tmp_path) as found:
        yield found


@pytest.fixture
def selling(server: Server, counter_pattern: Path, tmp_path: Path) -> Iterator[Served]:
    """The counter of a small clinic, served, as it is in the beginning."""
    with copied(server, counter_pattern, tmp_path) as found:
        yield found


@pytest.fixture(scope="package")
def kept(server: Server, demo_pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo clinic, served, for tests that only look."""
    with copied(server, demo_pattern, tmp_path_factory.mktemp("kept")) as found:
        yield found


@pytest.fixture
def looked_at(server: Server, kept: Served) -> Served:
    """The demo clinic for tests that only look: the same one each time."""
    server.app = kept.house.clinic.app
    return kept


@pytest.fixture
def window(browser: Browser, at: Served) -> Window:
    """Opens windows of the demo clinic: `with window(role=Role.MANAGER) as page:`."""
    return partial(clinic.window, browser, at)
