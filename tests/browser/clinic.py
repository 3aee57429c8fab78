"""The demo clinic, served to a browser over a clock that stands still; and the browser itself."""

import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from sqlalchemy.orm import Session
from waitress.server import create_server

from api.app import create_app
from api.auth import Person, Role
from api.migrations.tables import every_table
from api.starting import load_reference
from api.web import accounts, rights, sign_ins, static_files
from api.web.sign_ins import Stage
from inventory.allocations import Allocation
from inventory.balances import Balance
from inventory.catalog import DoseClass, Item
from inventory.clinic import Place, PlaceKind
from inventory.database import Database
from inventory.ledger import Document, DocumentKind, Movement
from inventory.lots import Lot, LotState
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial
from pricing.courses import Course, CourseSession, still_to_come
from pricing.quote_life import QuoteState
from pricing.quote_records import Quote, QuoteStatus
from seed_data import demo
from tests.calls import Clinic, Clock
from tests.pages import Browser as Client
from tests.pages import House

NOW = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)  # a Thursday morning in New York
PATIENCE = 90_000  # milliseconds: longer than any page takes on a machine that has much else to do
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
SIZES = {"desk": {"width": 1360, "height": 900}, "phone": {"width": 390, "height": 844}}
FILES = frozenset(
    {
        "GET /static/<tag>/<path:name>",
        "GET /reorder/sheet",
        "GET /orders/<id:order_id>/order.pdf",
        "GET /orders/<id:order_id>/order.xlsx",
        "GET /vials/<id:vial_id>/label.pdf",
        "GET /vials/labels.pdf",
        "GET /counts/<id:count_id>/sheet.pdf",
        "GET /counts/<id:count_id>/sheet.xlsx",
        "GET /imports/lists/<code:key>/corrected.xlsx",
        "GET /imports/templates/<code:kind>",
        "GET /quotes/<id:quote_id>/quote.pdf",
        "GET /settings/mark.png",
        "GET /lots/<id:lot_id>/recall-report.pdf",
        "GET /books/conversion.xlsx",
        "GET /books/workbook.xlsx",
        "GET /privacy/file.xlsx",
        "GET /audit.csv",
        "GET /audit.xlsx",
        "GET /books/files/journal",
        "GET /books/workbook/<code:key>/file",
    }
)
"""Calls that answer a file."""
PARTS = frozenset(
    {
        "GET /quotes/price",
        "GET /treat/preview",
        "GET /books/workbook/<code:key>",
        "GET /imports/lists/<code:key>",
        "GET /imports/<id:import_id>/undo",
    }
)
"""Calls whose answer stands within a page, and is looked at there by a journey."""
DOORS = frozenset({"GET /sign-in", "GET /sign-in/code", "GET /first-start"})
"""Pages of somebody who is not signed in."""


def is_page(call: str) -> bool:
    """Whether a call shows a page to somebody who is signed in."""
    return call.startswith("GET ") and call not in FILES | PARTS | DOORS


def chromium() -> str | None:
    """Where the machine's browser is, or the one that VIALBOOK_BROWSER names; none if it says `none`."""
    if unwanted():
        return None
    named = os.environ.get("VIALBOOK_BROWSER", "")
    return next((path for name in (named, *CHROMIUM) if name and (path := shutil.which(name))), None)


def unwanted() -> bool:
    """Whether the environment asks to leave the browser out."""
    return os.environ.get("VIALBOOK_BROWSER") == "none"


ORDERS = {
    "/reorder/<code:sku>": "/reorder/RX-021",
    "/orders/<id:order_id>": "/orders/1",  # came in part and is late
    "/orders/<id:order_id>/cancel": "/orders/2/cancel",
    "/orders/<id:order_id>/edit": "/orders/3/edit",
    "/orders/<id:order_id>/send": "/orders/3/send",
}
FIXED = {
    "<code:task>": "receive",
    "<code:place>": "FRIDGE",
    "<id:transfer_id>": "1",
    "<id:invoice_id>": "1",
    "<id:write_down_id>": "1",
    "/counts/<id:count_id>/record": "/counts/1/record",  # the fridge, posted
    "<id:count_id>": "2",  # the cupboard, half counted
    "numbers/<code:key>": "numbers/overhead_rate",
    "sites/<code:code>": "sites/MAIN",
    "suppliers/<code:code>": "suppliers/SUP-01",
    "levels/<code:code>": "levels/L2",
    "discounts/<code:code>": "discounts/COURSE-6",
    "/books/files/accounts/<code:name>": "/books/files/accounts/sage",
    "<code:protocol>/<code:level>": "P-00/L2",
}
"""Parts of addresses that the demo clinic has under the same name every time."""


@dataclass
class Served:
    """A clinic at an address; its clock stands still until a test moves it."""

    house: House
    address: str
    password: str

    @property
    def database(self) -> Database:
        return self.house.database

    @property
    def clock(self) -> Clock:
        return self.house.clock

    def sign_in(self, context: BrowserContext, role: Role) -> None:
        """Give a browser the cookie of somebody of the role, without going through the door."""
        with self.database.write.begin() as db:
            token = sign_ins.begin(db, self._somebody(db, role), stage=Stage.DONE, at=self.clock.now)
        context.add_cookies([{"name": "vialbook-session", "value": token, "url": self.address}])

    def client(self, role: Role) -> Client:
        """Somebody of the role without a browser, for what a test needs done beside what it looks at."""
        with self.database.read() as db:
            key = self._somebody(db, role).id
        return self.house.signed_in(key)

    def _somebody(self, db: Session, role: Role) -> Person:
        names = (accounts.DEMO_NAMES[role], self.house.name_of(role))
        return next(found for name in names if (found := accounts.by_name(db, name)))

    def pages(self, role: Role, calls: Iterable[str] = rights.MAY) -> list[str]:
        """An address of every page that a role may see, with keys that are on record."""
        with self.database.read() as db:
            known = examples(db)
        return [filled(call[4:], known) for call in calls if is_page(call) and role in rights.MAY[call]]


def filled(rule: str, known: dict[str, str]) -> str:
    """A rule with keys in it; the longest name of a place that fits is taken."""
    for place in sorted(known, key=len, reverse=True):
        rule = rule.replace(place, known[place])
    assert "<" not in rule, f"{rule}: name an example in tests.browser.clinic"
    return rule


def examples(db: Any) -> dict[str, str]:
    """What stands for each part of an address."""

    def first(query: sa.Select[Any]) -> str:
        found = db.scalar(query.limit(1))
        assert found is not None, query
        return str(found)

    lot_here = (
        sa.select(Lot.id)
        .join(Balance, Balance.lot_id == Lot.id)
        .join(Place, Place.id == Balance.place_id)
        .where(Place.kind == PlaceKind.SHELF, Balance.quantity > 0, Place.site_id == 1)
    )
    many = lot_here.join(Item, Item.id == Lot.item_id).where(Item.dose_class == DoseClass.MULTI_DOSE)
    held = sa.select(Lot.id).where(Lot.state == LotState.QUARANTINED, Lot.expires_on >= NOW.date())
    quotes = sa.select(Quote.id).join(QuoteState, QuoteState.quote_id == Quote.id).order_by(Quote.id.desc())
    issued = first(quotes.where(QuoteState.status == QuoteStatus.ISSUED))
    receipts = sa.select(Movement.id).join(Document, Document.id == Movement.document_id)
    planned = sa.select(CourseSession).where(still_to_come()).order_by(CourseSession.planned_on)
    session = db.scalars(planned.limit(1)).one()
    return {
        "/lots/<id:lot_id>/open": f"/lots/{first(many.where(Lot.expires_on >= NOW.date()))}/open",
        "/lots/<id:lot_id>/release": f"/lots/{first(held)}/release",
        "<id:lot_id>": first(lot_here.where(Lot.state == LotState.RELEASED)),
        "<id:vial_id>": first(sa.select(OpenedVial.id).where(OpenedVial.closed_at.is_(None))),
        "<id:movement_id>": first(
            receipts.where(Document.kind == DocumentKind.RECEIPT).order_by(Movement.id.desc())
        ),
        "<id:document_id>": first(
            sa.select(Document.id).where(Document.kind == DocumentKind.RECEIPT).order_by(Document.id.desc())
        ),
        "<id:quote_id>": issued,
        **ORDERS,
        "audit/<id:number>": "audit/1",
        "<id:course_id>/sessions/<id:number>": f"{session.course_id}/sessions/{session.number}",
        "<id:course_id>": first(sa.select(Course.id).order_by(Course.id.desc())),
        "<id:session_id>": first(sa.select(TreatmentSession.id).order_by(TreatmentSession.id.desc())),
        "<id:person_id>": first(sa.select(Person.id).where(Person.role == Role.MANAGER)),
        "<code:sku>": first(
            sa.select(Item.sku)
            .join(Allocation, Allocation.item_id == Item.id)
            .where(Allocation.ended_at.is_(None), Item.dose_class == DoseClass.SINGLE_DOSE)
        ),
        **FIXED,
    }


def furnish(file: Path) -> tuple[Database, str]:
    """The demo clinic in a file, with people who may sign in; answers their password too."""
    database = Database(f"sqlite:///{file}")
    every_table().create_all(database.engine)
    load_reference(database, now=NOW)
    with database.write.begin() as db:
        demo.load(db, now=NOW)
        return database, accounts.add_demo_people(db, at=NOW).password


class Server:
    """A server on a port of its own, and the clinic it shows: another one for every test that changes it."""

    def __init__(self) -> None:
        self.address = ""
        self.app: Flask | None = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        assert self.app is not None, "no clinic is shown"
        return self.app(environ, start_response)

    def show(self, database: Database, password: str = "") -> Served:
        """Show a clinic from now on."""
        clock = Clock(NOW)
        self.app = create_app(database, clock=clock)
        return Served(House(Clinic(self.app, database, clock)), self.address, password)


@contextmanager
def serving() -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server()
    static_files.asset("inter.woff2")  # takes seconds, once: before a browser waits for it
    listening: Any = create_server(server, host="127.0.0.1", port=0, threads=8)
    server.address = f"http://127.0.0.1:{listening.effective_port}"
    thread = threading.Thread(target=listening.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.close()
        thread.join(5)


@contextmanager
def served(database: Database, password: str) -> Iterator[Served]:
    """Serve one clinic for the length of a block."""
    with serving() as server:
        yield server.show(database, password)


def launch(driver: Playwright, path: str) -> Browser:
    """The machine's browser with a profile of its own."""
    return driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))


@contextmanager
def window(
    browser: Browser,
    at: Served,
    *,
    role: Role | None,
    size: str = "desk",
    theme: str = "light",
    script: bool = True,
) -> Iterator[Page]:
    """A fresh window in which somebody of the role is signed in; whatever the page complains of fails."""
    context = browser.new_context(
        base_url=at.address,
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=theme,  # type: ignore[arg-type]
        java_script_enabled=script,
        locale="en-US",
        reduced_motion="reduce",
        accept_downloads=True,
    )
    if role is not None:
        at.sign_in(context, role)
    if script:
        context.clock.set_fixed_time(NOW)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    page.on(
        "response",
        lambda answer: complaints.append(f"{answer.status}: {answer.url}") if answer.status >= 500 else None,
    )
    yield page
    context.close()
    assert complaints == []
