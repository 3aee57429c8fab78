"""The demo clinic's bills, a month after what came, and one lot that will not be used in time."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from inventory import matching, receiving, uninvoiced, write_downs
from inventory.bills import Bill, Billed
from inventory.catalog import Supplier
from inventory.charges import Charges
from inventory.write_downs import Lower
from seed_data.demo_stockroom import Stockroom

ACCOUNTANT = "demo accountant"
FREIGHT = Decimal("18.50")
OLD_ENOUGH = timedelta(days=12)
DEARER = Decimal("0.40")  # a container, on every fourth bill
EVERY = 4
MOST_ON_A_BILL = 60


def bill(room: Stockroom, *, on: date, at: datetime) -> None:
    """Match a bill of each supplier for what came of it some time ago."""
    waiting = [
        row
        for row in uninvoiced.ageing(room.db, on=on - OLD_ENOUGH).rows
        if row.supplier_id is not None and row.containers > 0
    ]
    by_supplier = groupby(sorted(waiting, key=lambda row: row.supplier_id or 0), lambda row: row.supplier_id)
    for number, (supplier_id, rows) in enumerate(by_supplier):
        dearer = DEARER if number % EVERY == 0 else Decimal(0)
        lines = [
            Billed(receiving.receipt(room.db, row.receipt_id or 0), row.containers, row.unit_cost + dearer)
            for row in list(rows)[:MOST_ON_A_BILL]
        ]
        supplier = room.db.get_one(Supplier, supplier_id)
        paper = Bill(f"{supplier.code[-2:]}-{on:%y%m%d}", on, lines, Charges(freight=FREIGHT))
        matching.record(room.db, paper, supplier=supplier, site=room.site, at=at, by=ACCOUNTANT)


def lower(room: Stockroom, sku: str, *, on: date, at: datetime) -> None:
    """Write an item's lot that expires soon down to what the part that will be used cost."""
    found = [lot for lot in write_downs.candidates(room.db, on=on) if lot.sku == sku]
    lines = [Lower(lot.lot_id, lot.net_value) for lot in found[:1]]
    if lines:
        reason = "will expire before it is used up"
        write_downs.write_down(room.db, lines, site=room.site, on=on, at=at, by=ACCOUNTANT, reason=reason)
