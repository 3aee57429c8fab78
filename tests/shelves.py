"""What the page tests put on the shelf of the first site, and what they find there."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from inventory import catalog, clinic, receiving, stock
from inventory.receiving import Delivery
from tests.pages import House

TODAY = date(2026, 1, 15)


def received(
    house: House, sku: str = "HA-3", *, lot: str = "A17", containers: int = 2, unit_cost: str = "16.50",
    expires_on: date = date(2027, 6, 30),
) -> int:  # fmt: skip
    """A lot on the shelf of the first site; answers its key."""
    with house.database.write.begin() as db:
        delivery = Delivery(catalog.item(db, sku), lot, expires_on, containers, Decimal(unit_cost))
        done = receiving.receive(
            db,
            delivery,
            site=clinic.site(db, "MAIN"),
            received_on=TODAY,
            recorded_at=house.clock.now,
            by="Manager Person",
        )
        return done.lot.id


def on_hand(house: House, sku: str) -> Decimal:
    with house.database.read() as db:
        (held,) = stock.stock(db, site=clinic.site(db, "MAIN"), at=house.clock.now, skus=[sku])
        return held.on_hand


def count(house: House, what: type) -> int:
    with house.database.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(what)) or 0
