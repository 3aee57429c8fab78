"""The counter of a clinic that can sell: the reference tables, one site, some stock, and its pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.auth import Role
from api.web import passwords
from inventory import catalog, clinic, receiving
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.database import Database
from inventory.receiving import Delivery
from pricing import protocols
from pricing.quote_records import Quote
from seed_data import reference
from tests.calls import NOW, opened
from tests.conftest import NewDatabase
from tests.pages import Browser, House

TYPED = {
    "patient_ref": "P-100",
    "protocol": "P-00",
    "level": "L2",
    "starts_on": "2026-01-20",
}
VIALS = "MP-001"  # what the formulation of P-00 is


@contextmanager
def counter(database: Database) -> Iterator[House]:
    """A site in New York with the reference tables and vials for the usual formulation."""
    with database.write.begin() as db:
        reference.load(db, at=NOW)
        site = clinic.open_site(
            db,
            code="MAIN",
            name="Main Street",
            country="US",
            region="North America",
            time_zone="America/New_York",
        )
        technique = protocols.protocol(db, TYPED["protocol"]).technique
        for item, _ in protocols.consumables(db, technique):
            _receive(db, site, item, f"LOT-{item.sku}", date(2027, 6, 30), 500, "1.00")
        vials = catalog.item(db, VIALS)
        _receive(db, site, vials, "SOON", date(2026, 9, 30), 400, "33.00")
        _receive(db, site, vials, "LATER", date(2026, 12, 31), 400, "33.00")
    with opened(database, stocked=False) as found:
        yield House(found)


def _receive(
    db: Session, site: Site, item: Item, number: str, expires_on: date, containers: int, cost: str
) -> None:
    delivery = Delivery(item, number, expires_on, containers, Decimal(cost))
    receiving.receive(
        db, delivery, site=site, received_on=date(2026, 1, 10), recorded_at=NOW, by="Test Person"
    )


def drafted(house: House, role: Role = Role.FRONT_DESK, **change: str) -> int:
    """A draft made at the desk; answers its key."""
    answer = house.as_(role).send("/quotes/new", **TYPED | {"do": "draft"} | change)
    assert answer.status_code == 303, answer.get_data(as_text=True)[-3000:]
    return int(answer.headers["Location"].rpartition("/")[2])


def issued(house: House, role: Role = Role.FRONT_DESK, **change: str) -> int:
    """A quote issued at the desk; answers its key."""
    return drafted(house, role, **{"do": "issue"} | change)


def step(browser: Browser, key: int, verb: str, reason: str = "") -> str:
    """Take a step by its page; answers what the next page, or the refusal, says."""
    answer = browser.send(f"/quotes/{key}/{verb}", reason=reason)
    page = browser.follow(answer) if answer.status_code == 303 else answer
    return page.get_data(as_text=True)


def course(house: House, **change: str) -> int:
    """A course whose first session is planned for the day of the tests; answers its key."""
    key = issued(house, **{"starts_on": "2026-01-15"} | change)
    answer = house.as_(Role.FRONT_DESK).send(f"/quotes/{key}/accept")
    assert answer.status_code == 303, answer.get_data(as_text=True)[-3000:]
    return int(answer.headers["Location"].rpartition("/")[2])


def count(house: House) -> int:
    """How many quotes are kept."""
    with house.database.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(Quote)) or 0


@pytest.fixture(scope="module")
def open_counter(new_database: NewDatabase) -> Iterator[House]:
    """A clinic with the reference tables and some stock, for the tests of one file."""
    with pytest.MonkeyPatch.context() as patch:
        from argon2 import PasswordHasher

        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        with new_database() as database, counter(database) as house:
            yield house


@pytest.fixture
def at_the_desk(open_counter: House) -> House:
    """The clinic, on the same day for every test; each test quotes for itself."""
    open_counter.clock.now = NOW
    return open_counter
