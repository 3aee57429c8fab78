"""Goods received, not invoiced: what came and was not billed yet, receipt by receipt, at any day (B1).

What the list adds up to is what the account has at the end of that day: both follow from what crossed the
border to or from a supplier, less what bills have cleared.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import orders
from inventory.catalog import Item, Supplier
from inventory.clinic import PLACES, PlaceKind
from inventory.database import table_of
from inventory.history import signed
from inventory.invoices import INVOICE_LINES, INVOICES
from inventory.ledger import BROUGHT_IN, DOCUMENTS, MOVEMENTS
from inventory.lots import Lot
from inventory.measures import ZERO
from inventory.receiving import Receipt

BUCKETS = ((0, 30), (31, 60), (61, 90), (91, None))
"""Ages in days, from the first to the last of each column."""

RECEIPTS = table_of(Receipt)
LOTS = table_of(Lot)


@dataclass(frozen=True, slots=True)
class Uninvoiced:
    """What one receipt still awaits of bills; below zero was billed and went back."""

    document_id: int
    receipt_id: int | None  # none: it was sent back to a supplier
    site_id: int
    supplier_id: int | None
    supplier: str
    on: date
    item_id: int
    sku: str
    name: str
    lot_number: str
    reference: str  # the delivery note
    containers: int  # not invoiced yet
    received: int
    unit_cost: Decimal
    received_value: Decimal
    value: Decimal
    days: int

    @property
    def bucket(self) -> int:
        """Which of the columns of age it belongs to."""
        return next(
            n for n, (first, last) in enumerate(BUCKETS) if last is None or max(self.days, first) <= last
        )


@dataclass(frozen=True, slots=True)
class Brought:
    """One receipt that stands, whoever brought it."""

    receipt_id: int
    supplier: str
    on: date
    sku: str
    name: str
    lot_number: str
    reference: str  # the delivery note
    containers: int
    value: Decimal


@dataclass(frozen=True)
class Ageing:
    """All that awaits its bill at the end of a day."""

    on: date
    rows: tuple[Uninvoiced, ...]

    @property
    def total(self) -> Decimal:
        """What the account of goods received, not invoiced has (credit)."""
        return sum((row.value for row in self.rows), ZERO)

    @property
    def by_age(self) -> tuple[Decimal, ...]:
        """The total in columns, the youngest first."""
        return tuple(
            sum((row.value for row in self.rows if row.bucket == n), ZERO) for n in range(len(BUCKETS))
        )


def ageing(
    db: Session, *, on: date, supplier_id: int | None = None, site_ids: Collection[int] | None = None
) -> Ageing:
    """What was received and not invoiced at the end of a day, the oldest first."""
    came, billed = _came(on), _billed(on)
    open_value = came.c.value - sa.func.coalesce(billed.c.cleared, sa.literal(ZERO, INVOICES.c.cleared.type))
    invoiced = sa.func.coalesce(billed.c.containers, 0)
    query = (
        sa.select(
            DOCUMENTS.c.id, RECEIPTS.c.id, DOCUMENTS.c.site_id, Supplier.id,
            sa.func.coalesce(Supplier.name, ""), DOCUMENTS.c.on, came.c.item_id, Item.sku, Item.name,
            LOTS.c.number, DOCUMENTS.c.reference, RECEIPTS.c.containers, came.c.quantity,
            RECEIPTS.c.quantity, invoiced, RECEIPTS.c.unit_cost, came.c.value, open_value.label("open"),
        )
        .join_from(came, DOCUMENTS, DOCUMENTS.c.id == came.c.document_id)
        .outerjoin(RECEIPTS, RECEIPTS.c.document_id == came.c.document_id)
        .outerjoin(Supplier, Supplier.id == RECEIPTS.c.supplier_id)
        .outerjoin(billed, billed.c.receipt_id == RECEIPTS.c.id)
        .join(Item, Item.id == came.c.item_id)
        .join(LOTS, LOTS.c.id == came.c.lot_id)
        .where(sa.or_(open_value != ZERO, sa.and_(came.c.quantity > ZERO, RECEIPTS.c.containers > invoiced)))
        .order_by(DOCUMENTS.c.on, DOCUMENTS.c.id, LOTS.c.number)
    )  # fmt: skip
    if supplier_id is not None:
        query = query.where(RECEIPTS.c.supplier_id == supplier_id)
    if site_ids is not None:
        query = query.where(DOCUMENTS.c.site_id.in_(sorted(site_ids)))
    return Ageing(on, tuple(_row(row, on) for row in db.execute(query)))


def brought(db: Session, *, since: date, limit: int) -> tuple[Brought, ...]:
    """What was received since a day and not sent back, the latest first: what a carrier's bill may be for."""
    rows = db.execute(
        sa.select(
            RECEIPTS.c.id, sa.func.coalesce(Supplier.name, ""), RECEIPTS.c.received_on, Item.sku, Item.name,
            LOTS.c.number, DOCUMENTS.c.reference, RECEIPTS.c.containers, RECEIPTS.c.value,
        )
        .join(DOCUMENTS, DOCUMENTS.c.id == RECEIPTS.c.document_id)
        .join(Item, Item.id == RECEIPTS.c.item_id)
        .join(LOTS, LOTS.c.id == RECEIPTS.c.lot_id)
        .outerjoin(Supplier, Supplier.id == RECEIPTS.c.supplier_id)
        .where(RECEIPTS.c.received_on >= since, orders.stands())
        .order_by(RECEIPTS.c.received_on.desc(), RECEIPTS.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return tuple(Brought(*row) for row in rows)


def _row(row: Any, on: date) -> Uninvoiced:
    (document, receipt, site, supplier_id, supplier, day, item_id, sku, name, lot, reference, containers,
     held, brought, invoiced, unit_cost, value, left) = row  # fmt: skip
    stood = containers if receipt is not None and held == brought else 0  # else it was taken back
    return Uninvoiced(
        document_id=document,
        receipt_id=receipt,
        site_id=site,
        supplier_id=supplier_id,
        supplier=supplier,
        on=day,
        item_id=item_id,
        sku=sku,
        name=name,
        lot_number=lot,
        reference=reference,
        containers=stood - invoiced,
        received=stood,
        unit_cost=unit_cost or ZERO,
        received_value=value,
        value=left,
        days=(on - day).days,
    )


def _came(on: date) -> sa.Subquery:
    """What each act brought from suppliers or sent to them; what undoes one counts as its own."""
    beyond = sa.select(PLACES.c.id).where(PLACES.c.kind == PlaceKind.SUPPLIER)
    first = MOVEMENTS.alias("first")
    document = sa.func.coalesce(first.c.document_id, MOVEMENTS.c.document_id)
    return (
        sa.select(
            document.label("document_id"),
            MOVEMENTS.c.item_id,
            MOVEMENTS.c.lot_id,
            sa.func.sum(signed(MOVEMENTS.c.quantity)).label("quantity"),
            sa.func.sum(signed(MOVEMENTS.c.value)).label("value"),
        )
        .outerjoin(first, first.c.id == MOVEMENTS.c.corrects_id)
        .where(
            MOVEMENTS.c.on <= on,
            MOVEMENTS.c.direction != 0,
            sa.or_(MOVEMENTS.c.source_id.in_(beyond), MOVEMENTS.c.target_id.in_(beyond)),
            MOVEMENTS.c.reason.is_distinct_from(BROUGHT_IN),
        )
        .group_by(document, MOVEMENTS.c.item_id, MOVEMENTS.c.lot_id)
        .subquery("came")
    )


def _billed(on: date) -> sa.Subquery:
    """What bills up to a day cleared of each receipt."""
    return (
        sa.select(
            INVOICE_LINES.c.receipt_id,
            sa.func.sum(INVOICE_LINES.c.containers).label("containers"),
            sa.func.sum(INVOICE_LINES.c.cleared).label("cleared"),
        )
        .join(INVOICES, INVOICES.c.id == INVOICE_LINES.c.invoice_id)
        .where(INVOICES.c.on <= on)
        .group_by(INVOICE_LINES.c.receipt_id)
        .subquery("billed")
    )
