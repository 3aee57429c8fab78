"""Pages: what the first page weighs, what it and the stock list take beyond their queries, how fast the price
comes while it is typed, and whether anything jumps; by `vialbook serve` and a real browser."""

import http.client
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from api import imports, migrations, settings, starting
from api.app import create_app
from api.auth import Role
from api.settings import utc_now
from api.web import accounts, sign_ins
from api.web.sign_ins import Stage
from inventory import catalog, clinic
from inventory.catalog import Item
from inventory.database import Database
from seed_data import demo
from tests.benchmarks import book, timing
from tests.benchmarks.timing import Figure
from tests.browser.clinic import SIZES, chromium, launch
from tests.server import free_port, started

FIRST, STOCK = "/", "/stock"
MAIN = (
    "/sign-in", FIRST, STOCK, "/stock/{sku}", "/lots", "/vials", "/receive", "/reorder", "/quotes",
    "/quotes/new", "/courses", "/treat", "/books", "/settings", "/people", "/help", "/help/quote",
)  # fmt: skip
COOKIE = "vialbook-session"
TRIES = 60  # prices asked for while typing
MOST_KB, MOST_PRICE_MS = 100, 150
SHIFTS = (
    "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())"
    " window.shift += entry.hadRecentInput ? 0 : entry.value; })"
    ".observe({type: 'layout-shift', buffered: true});"
)

Statements = list[tuple[str, tuple[Any, ...]]]


@dataclass(frozen=True)
class House:
    """The clinic of the run: its book, and what a manager's browser shows when it comes."""

    home: Path
    database: Database
    token: str
    lots: int
    sku: str

    @property
    def file(self) -> Path:
        """The book's file."""
        return self.home / "vialbook.sqlite"


def furnished(folder: Path, *, lots: int, days: int) -> House:
    """The demo clinic with so many lots more, from one list of opening stock; a manager is signed in."""
    home, now = folder / "pages", utc_now()
    environment = settings.from_environment({"VIALBOOK_HOME": str(home)})
    environment.make_home()
    database = environment.open_database()
    migrations.upgrade(database)
    starting.load_reference(database, now=now)
    with database.write.begin() as db:
        demo.load(db, now=now, days=days)
        accounts.add_demo_people(db, at=now)
        site, today = clinic.site(db, "MAIN"), now.date()
        items = db.execute(sa.select(Item.sku, Item.id).where(Item.active).order_by(Item.sku)).all()
        offers = catalog.replacements(db, [key for _, key in items], on=today)
        costs = {sku: offers[key].container_cost if key in offers else Decimal(1) for sku, key in items}
        rows = opening(costs, lots, today)
        taken = imports.run(
            db, "opening-stock", "lots.csv", rows, partial=False, at=now, by="Bench", site=site
        )
        assert taken.imported == lots, taken
        person = accounts.by_name(db, accounts.DEMO_NAMES[Role.ADMIN])
        assert person is not None
        token = sign_ins.begin(db, person, stage=Stage.DONE, at=now)
    with sqlite3.connect(home / "vialbook.sqlite") as connection:
        connection.execute("ANALYZE")
    connection.close()
    return House(home, database, token, lots, items[0].sku)


def opening(costs: dict[str, Decimal], lots: int, today: date) -> bytes:
    """The list: lots of every item in turn, which expire over the next two years and cost about the same."""
    lines = []
    for n, sku in zip(range(lots), cycle(costs), strict=False):
        expires_on = today + timedelta(days=n * 104_729 % 750)
        lines.append(f"{sku},B{n:06},{expires_on},{n * 7919 % 6 + 1},{costs[sku] * (90 + n % 21) / 100:.2f}")
    return "\n".join(("sku,lot_number,expires_on,containers,unit_cost", *lines)).encode()


@contextmanager
def served(house: House) -> Iterator[int]:
    """`vialbook serve` over the book in a process of its own; answers the port."""
    port = free_port()
    words = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
    home = {"VIALBOOK_HOME": str(house.home), "VIALBOOK_DATABASE_URL": ""}
    process = started(words, port, **home)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


def queries(house: House, path: str) -> Statements:
    """Every statement that a page asks of the database, with what it asks for: the second time, when what is
    kept is kept."""
    client, found = create_app(house.database).test_client(), []
    client.set_cookie(COOKIE, house.token)

    def heard(_c: Any, _cursor: Any, statement: str, asked: Any, _context: Any, _many: bool) -> None:
        found.append((statement, tuple(asked)))

    assert client.get(path).status_code == 200
    sa.event.listen(house.database.engine, "before_cursor_execute", heard)
    try:
        client.get(path)
    finally:
        sa.event.remove(house.database.engine, "before_cursor_execute", heard)
    return [one for one in found if one[0].lstrip().upper().startswith("SELECT")]


def floor(connection: sqlite3.Connection, asked: Statements) -> Callable[[], int]:
    """The same rows by bare sqlite3, one statement after the other; answers how many."""
    return lambda: sum(len(connection.execute(statement, values).fetchall()) for statement, values in asked)


def fetched(port: int, house: House, path: str) -> Callable[[], bytes]:
    """A page from the server over a connection that stays open, as a browser has it sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Cookie": f"{COOKIE}={house.token}", "Accept-Encoding": "gzip"}

    def fetch() -> bytes:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status)
        return body

    return fetch


@contextmanager
def visit(browser: Browser, port: int, house: House, *, size: str = "desk") -> Iterator[Page]:
    """A browser's first visit, with nothing kept but the cookie of a session."""
    address = f"http://127.0.0.1:{port}"
    view: Any = SIZES[size]
    context: BrowserContext = browser.new_context(base_url=address, viewport=view)
    context.add_cookies([{"name": COOKIE, "value": house.token, "url": address}])
    yield context.new_page()
    context.close()


def transferred(page: Page, path: str) -> int:
    """The bytes of a page on the wire, with its style, scripts, icons and typeface; headers too."""
    wire, sizes = page.context.new_cdp_session(page), []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    return int(sum(sizes))


def shifts(page: Page, path: str) -> float:
    """How much of a page moved while it was drawn (cumulative layout shift)."""
    page.goto(path, wait_until="networkidle")
    found: float = page.evaluate("window.shift")
    return found


def priced(page: Page, tries: int) -> tuple[list[float], list[float]]:
    """Type a number of sessions again and again; the milliseconds from each question to its answer, as the
    browser saw them, and from each key to the price on the screen."""
    page.goto("/quotes/new", wait_until="networkidle")
    page.locator("#f-patient_ref").fill("B-1")
    page.locator("#f-protocol").select_option("P-00")
    page.locator("#price .plan li").first.wait_for()
    answered, shown = [], []
    for number in range(tries):
        sessions = 3 + number % 4
        begin = time.perf_counter()
        with page.expect_response("**/quotes/price") as found:
            page.locator("#f-sessions").fill(str(sessions))
        page.wait_for_function("n => document.querySelectorAll('#price .plan li').length === n", arg=sessions)
        shown.append((time.perf_counter() - begin) * 1000)
        found.value.finished()
        answered.append(found.value.request.timing["responseEnd"])
    return answered, shown


def speeds(house: House, port: int, *, rounds: int) -> Iterator[Figure]:
    """The first page and the stock list against the same rows by bare sqlite3."""
    connection = book.bare(house.file)
    for name, path in (("first page", FIRST), ("stock list", STOCK)):
        asked = queries(house, path)
        yield timing.compared(
            f"{name}, {house.lots:,} lots, {len(asked)} queries: answered over HTTP",
            fetched(port, house, path),
            floor(connection, asked),
            rounds=rounds,
            goal=3,
        )
    connection.close()


def looked_at(house: House, port: int, browser: Browser, *, tries: int) -> Iterator[Figure]:
    """What only a browser can say: bytes, the live price, and what jumps."""
    for name, path in (("first page", FIRST), ("sign-in page", "/sign-in")):
        with visit(browser, port, house) as page:
            if path == "/sign-in":
                page.context.clear_cookies()
            size = transferred(page, path) / 1000
        yield Figure(f"{name} on a first visit, everything it loads", size, unit="KB", most=MOST_KB)
    with visit(browser, port, house) as page:
        answered, shown = priced(page, tries)
    worst = sorted(answered)[int(len(answered) * 0.95)]
    yield Figure("live price, question to answer, median", timing.middle(answered), most=MOST_PRICE_MS)
    yield Figure("live price, question to answer, 95 of 100", worst, most=MOST_PRICE_MS)
    yield Figure("live price, key to screen, median (120 ms of it wait for more)", timing.middle(shown))
    for size_name in SIZES:
        moved = {}
        with visit(browser, port, house, size=size_name) as page:
            page.add_init_script(SHIFTS)
            for rule in MAIN:
                path = rule.format(sku=house.sku)
                moved[path] = shifts(page, path)
        path = max(moved, key=lambda one: moved[one])
        most = f"layout shift of {len(moved)} pages ({size_name}), most: {path}"
        yield Figure(most, moved[path], unit="", most=0)


def figures(folder: Path, *, lots: int, days: int, rounds: int) -> Iterator[Figure]:
    """All of it, one after the other."""
    house = furnished(folder, lots=lots, days=days)
    with served(house) as port:
        yield from speeds(house, port, rounds=rounds)
        path = chromium()
        if path is None:
            print("No chromium here: bytes, price and shifts are left out (Debian: apt install chromium).")
        else:
            os.environ.setdefault("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
            with sync_playwright() as driver:
                browser = launch(driver, path)
                yield from looked_at(house, port, browser, tries=TRIES if rounds > 10 else 5)
                browser.close()
    house.database.engine.dispose()
