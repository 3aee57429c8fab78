"""Purchases: what came from suppliers in a period, what bills cleared, and what waits for its bill (B1).

One list in which everything that the account of goods received, not invoiced had, got and gave stands in a
row: its values add up to what is owed at the end, and so do the amounts that are still open.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import uninvoiced
from inventory.catalog import Supplier
from inventory.clinic import PLACES, PlaceKind
from inventory.database import table_of
from inventory.history import signed
from inventory.invoices import INVOICE_LINES, INVOICES
from inventory.ledger import BROUGHT_IN, DOCUMENTS, MOVEMENTS
from inventory.measures import ZERO
from inventory.receiving import Receipt
from pricing.accounting import check_period, entry_id
from pricing.details import LOTS, Subject, subjects

RECEIPTS = table_of(Receipt)
Key = tuple[int, int, str]
"""The act that brought something, the item and the lot number."""


class Event(StrEnum):
    """What happened to what is owed for goods."""

    OPEN_BEFORE = "open before"
    RECEIVED = "received"
    SENT_BACK = "sent back"
    BILLED = "billed"


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """One event of one lot; `value` is what it adds to what is owed, `open` what of the act still is."""

    on: date
    event: Event
    entry: str
    supplier: str
    reference: str  # a delivery note, or the number of a bill
    item: Subject
    lot_number: str
    quantity: Decimal | None
    value: Decimal
    open: Decimal = ZERO
    days: int | None = None  # since it came, where something is open


def purchases(db: Session, *, since: date, until: date) -> tuple[PurchaseRow, ...]:
    """Every receipt, return and bill of a period, and what was open before it (B1).

    Raises accounting.BadPeriod.
    """
    check_period(since, until)
    items = subjects(db)
    left = {
        (row.document_id, row.item_id, row.lot_number): row for row in uninvoiced.ageing(db, on=until).rows
    }
    before = uninvoiced.ageing(db, on=since - timedelta(days=1)).rows
    keyed = [
        ((row.document_id, row.item_id, row.lot_number), _before(row, items, row.value)) for row in before
    ]
    keyed += _moved(db, items, since=since, until=until)
    known = {key for key, _ in keyed}
    # What a bill had cleared before the period waits again where the bill was taken back in it.
    keyed += [(key, _before(row, items, ZERO)) for key, row in left.items() if key not in known]
    rows = []
    for key, made in keyed:
        waiting = left.pop(key, None)
        rows.append(made if waiting is None else replace(made, open=waiting.value, days=waiting.days))
    rows += _billed(db, items, since=since, until=until)
    return tuple(sorted(rows, key=lambda row: (row.on, row.entry, row.item.sku, row.lot_number)))


def _before(row: uninvoiced.Uninvoiced, items: dict[int, Subject], value: Decimal) -> PurchaseRow:
    return PurchaseRow(
        on=row.on,
        event=Event.OPEN_BEFORE,
        entry=entry_id(row.document_id),
        supplier=row.supplier,
        reference=row.reference,
        item=items[row.item_id],
        lot_number=row.lot_number,
        quantity=None,
        value=value,
    )


def _moved(
    db: Session, items: dict[int, Subject], *, since: date, until: date
) -> list[tuple[Key, PurchaseRow]]:
    """What came from suppliers or went to them; what undoes one belongs to the act that it undoes."""
    beyond = sa.select(PLACES.c.id).where(PLACES.c.kind == PlaceKind.SUPPLIER)
    first = MOVEMENTS.alias("first")
    act = sa.func.coalesce(first.c.document_id, MOVEMENTS.c.document_id).label("act")
    fields = (
        MOVEMENTS.c.on, MOVEMENTS.c.document_id, act, MOVEMENTS.c.item_id, LOTS.c.number,
        DOCUMENTS.c.reference, sa.func.coalesce(Supplier.name, "").label("supplier"),
    )  # fmt: skip
    rows = db.execute(
        sa.select(
            *fields,
            sa.func.sum(signed(MOVEMENTS.c.quantity)).label("quantity"),
            sa.func.sum(signed(MOVEMENTS.c.value)).label("value"),
        )
        .select_from(MOVEMENTS)
        .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
        .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
        .outerjoin(first, first.c.id == MOVEMENTS.c.corrects_id)
        .outerjoin(RECEIPTS, RECEIPTS.c.document_id == act.element)
        .outerjoin(Supplier, Supplier.id == RECEIPTS.c.supplier_id)
        .where(
            MOVEMENTS.c.on.between(since, until),
            MOVEMENTS.c.direction != 0,
            sa.or_(MOVEMENTS.c.source_id.in_(beyond), MOVEMENTS.c.target_id.in_(beyond)),
            MOVEMENTS.c.reason.is_distinct_from(BROUGHT_IN),
        )
        .group_by(*fields)
        .order_by(MOVEMENTS.c.on, MOVEMENTS.c.document_id, MOVEMENTS.c.item_id, LOTS.c.number)
    )
    return [((row.act, row.item_id, row.number), _of_movement(row, items)) for row in rows]


def _of_movement(row: Any, items: dict[int, Subject]) -> PurchaseRow:
    return PurchaseRow(
        on=row.on,
        event=Event.RECEIVED if row.quantity > 0 else Event.SENT_BACK,
        entry=entry_id(row.document_id),
        supplier=row.supplier,
        reference=row.reference,
        item=items[row.item_id],
        lot_number=row.number,
        quantity=row.quantity,
        value=row.value,
    )


def _billed(db: Session, items: dict[int, Subject], *, since: date, until: date) -> list[PurchaseRow]:
    """What each line of a bill cleared; of a bill that was taken back, what waits again."""
    rows = db.execute(
        sa.select(
            INVOICES.c.on, INVOICES.c.document_id, INVOICES.c.number.label("bill"), Supplier.name,
            RECEIPTS.c.item_id, LOTS.c.number, INVOICE_LINES.c.cleared,
        )
        .join_from(INVOICE_LINES, INVOICES, INVOICES.c.id == INVOICE_LINES.c.invoice_id)
        .join(RECEIPTS, RECEIPTS.c.id == INVOICE_LINES.c.receipt_id)
        .join(LOTS, LOTS.c.id == RECEIPTS.c.lot_id)
        .join(Supplier, Supplier.id == INVOICES.c.supplier_id)
        .where(INVOICES.c.on.between(since, until))
        .order_by(INVOICE_LINES.c.id)
    )  # fmt: skip
    return [
        PurchaseRow(
            on=row.on,
            event=Event.BILLED,
            entry=entry_id(row.document_id),
            supplier=row.name,
            reference=row.bill,
            item=items[row.item_id],
            lot_number=row.number,
            quantity=None,
            value=-row.cleared,
        )
        for row in rows
    ]
