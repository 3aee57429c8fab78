"""Stock for the pages of the books: a delivery on a day, a vial that is dropped."""

from datetime import date, datetime
from decimal import Decimal

from inventory import catalog, clinic, receiving, wastage
from inventory.ledger import WasteReason
from inventory.lots import Lot
from inventory.receiving import Delivery
from tests.pages import House


def received(
    house: House, on: date, *, containers: int = 10, unit_cost: str = "16.50", lot: str = "A17"
) -> int:
    with house.database.write.begin() as db:
        done = receiving.receive(
            db,
            Delivery(catalog.item(db, "HA-3"), lot, date(2027, 6, 30), containers, Decimal(unit_cost)),
            site=clinic.site(db, "MAIN"),
            received_on=on,
            recorded_at=house.clock.now,
            by="Manager Person",
        )
        return done.lot.id


def broken(house: House, lot_id: int, on: datetime) -> None:
    """One vial of a lot is dropped."""
    with house.database.write.begin() as db:
        wastage.write_off(
            db,
            db.get_one(Lot, lot_id),
            quantity_off=Decimal("3"),
            site=clinic.site(db, "MAIN"),
            reason=WasteReason.BROKEN,
            at=on,
            recorded_at=on,
            by="Manager Person",
        )
