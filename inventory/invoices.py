"""Supplier invoices: what a delivery was billed at, beside what it was received at (B1, C3).

A bill clears what was received and not invoiced. What it says beyond that, its freight and duty too, goes
to the stock that is still held of the delivery; what is gone by then is price variance (S12).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import Item, Supplier
from inventory.database import MONEY, UNIT_COST, Base, append_only, table_of
from inventory.errors import NotFound
from inventory.ledger import DOCUMENTS
from inventory.lots import Lot
from inventory.receiving import Receipt


class SupplierInvoice(Base):
    """One bill of a supplier, or what takes one back; the document has where, when, who and why."""

    __tablename__ = "supplier_invoices"
    __table_args__ = (
        sa.CheckConstraint("total = goods + freight + duty - discount + tax", name="total_adds_up"),
        sa.CheckConstraint("cleared + to_stock + to_variance + tax = total", name="sides_agree"),
        sa.Index(None, "supplier_id", "number"),
        sa.Index(None, "on", "id"),
        sa.Index(
            "uq_supplier_invoices_reverses_id",
            "reverses_id",
            unique=True,
            sqlite_where=sa.text("reverses_id IS NOT NULL"),
            postgresql_where=sa.text("reverses_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    supplier_id: Mapped[int] = mapped_column(sa.ForeignKey("suppliers.id"))
    number: Mapped[str] = mapped_column(sa.String(40))
    on: Mapped[date]
    goods: Mapped[Decimal] = mapped_column(MONEY)
    freight: Mapped[Decimal] = mapped_column(MONEY)
    duty: Mapped[Decimal] = mapped_column(MONEY)
    discount: Mapped[Decimal] = mapped_column(MONEY)
    tax: Mapped[Decimal] = mapped_column(MONEY)  # that the clinic gets back
    total: Mapped[Decimal] = mapped_column(MONEY)
    cleared: Mapped[Decimal] = mapped_column(MONEY)  # of what was received and not invoiced
    to_stock: Mapped[Decimal] = mapped_column(MONEY)
    to_variance: Mapped[Decimal] = mapped_column(MONEY)
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("supplier_invoices.id"))


class SupplierInvoiceLine(Base):
    """What a bill says of one receipt; without containers it only bears its share of freight and duty."""

    __tablename__ = "supplier_invoice_lines"
    __table_args__ = (
        sa.UniqueConstraint("invoice_id", "receipt_id"),
        sa.CheckConstraint("amount + charges = cleared + to_stock + to_variance", name="sides_agree"),
        sa.Index(None, "receipt_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(sa.ForeignKey("supplier_invoices.id"))
    receipt_id: Mapped[int] = mapped_column(sa.ForeignKey("receipts.id"))
    containers: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(UNIT_COST)  # of one container
    amount: Mapped[Decimal] = mapped_column(MONEY)
    charges: Mapped[Decimal] = mapped_column(MONEY)  # freight and duty less discount, its share
    cleared: Mapped[Decimal] = mapped_column(MONEY)
    to_stock: Mapped[Decimal] = mapped_column(MONEY)
    to_variance: Mapped[Decimal] = mapped_column(MONEY)


append_only(SupplierInvoice)
append_only(SupplierInvoiceLine)

INVOICES = table_of(SupplierInvoice)
INVOICE_LINES = table_of(SupplierInvoiceLine)


class UnknownInvoice(NotFound):
    """No supplier invoice has this key."""


def invoice(db: Session, key: int) -> SupplierInvoice:
    """The invoice with this key. Raises UnknownInvoice."""
    found = db.get(SupplierInvoice, key)
    if found is None:
        raise UnknownInvoice(f"No supplier invoice has the key {key}.")
    return found


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of an invoice beside its receipt."""

    receipt_id: int
    document_id: int
    received_on: date
    sku: str
    name: str
    lot_number: str
    containers: int
    unit_price: Decimal
    unit_cost: Decimal  # as it was received
    amount: Decimal
    charges: Decimal
    cleared: Decimal
    to_stock: Decimal
    to_variance: Decimal

    @property
    def difference(self) -> Decimal:
        """What the bill says beyond the receipt."""
        return self.to_stock + self.to_variance


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice as people look at it; `taken_back` says whether another undid it."""

    invoice: SupplierInvoice
    supplier: str
    supplier_name: str
    by: str
    recorded_at: datetime
    note: str
    taken_back: bool
    lines: tuple[LineView, ...]

    @property
    def difference(self) -> Decimal:
        """What all lines say beyond their receipts."""
        return self.invoice.to_stock + self.invoice.to_variance


def listing(
    db: Session, *, supplier_id: int | None = None, before: int | None = None, limit: int
) -> list[InvoiceView]:
    """Invoices, the newest first, from behind one that was seen, with their lines: three statements."""
    page = sa.select(SupplierInvoice).order_by(SupplierInvoice.id.desc()).limit(limit)
    if supplier_id is not None:
        page = page.where(SupplierInvoice.supplier_id == supplier_id)
    if before is not None:
        page = page.where(SupplierInvoice.id < before)
    return _views(db, db.scalars(page).all())


def view(db: Session, subject: SupplierInvoice) -> InvoiceView:
    """One invoice with its lines."""
    return _views(db, [subject])[0]


@dataclass(frozen=True, slots=True)
class BilledBy:
    """One bill that stands over a receipt, and how many of its containers it is for."""

    receipt_id: int
    invoice_id: int
    number: str
    containers: int


def over(db: Session, receipt_ids: Collection[int]) -> list[BilledBy]:
    """Which bills stand over receipts, the oldest first; what only bears its share of freight is in none."""
    c, back = INVOICE_LINES.c, INVOICES.alias("back")
    rows = db.execute(
        sa.select(c.receipt_id, c.invoice_id, INVOICES.c.number, c.containers)
        .join(INVOICES, INVOICES.c.id == c.invoice_id)
        .outerjoin(back, back.c.reverses_id == INVOICES.c.id)
        .where(
            c.receipt_id.in_(receipt_ids),
            c.containers > 0,
            INVOICES.c.reverses_id.is_(None),
            back.c.id.is_(None),
        )
        .order_by(c.id)
    )
    return [BilledBy(*row) for row in rows]


def _views(db: Session, found: Sequence[SupplierInvoice]) -> list[InvoiceView]:
    ids = [one.id for one in found]
    lines: dict[int, list[LineView]] = {key: [] for key in ids}
    c = INVOICE_LINES.c
    rows = db.execute(
        sa.select(
            c.invoice_id, c.receipt_id, Receipt.document_id, Receipt.received_on, Item.sku, Item.name,
            Lot.number, c.containers, c.unit_price, Receipt.unit_cost, c.amount, c.charges, c.cleared,
            c.to_stock, c.to_variance,
        )
        .join(Receipt, Receipt.id == c.receipt_id)
        .join(Item, Item.id == Receipt.item_id)
        .join(Lot, Lot.id == Receipt.lot_id)
        .where(c.invoice_id.in_(ids))
        .order_by(c.id)
    )  # fmt: skip
    for key, *line in rows:
        lines[key].append(LineView(*line))
    heads = db.execute(
        sa.select(INVOICES.c.id, Supplier.code, Supplier.name, DOCUMENTS.c.by, DOCUMENTS.c.recorded_at,
                  DOCUMENTS.c.note)
        .join(Supplier, Supplier.id == INVOICES.c.supplier_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == INVOICES.c.document_id)
        .where(INVOICES.c.id.in_(ids))
    )  # fmt: skip
    told = {row.id: row for row in heads}
    back = set(db.scalars(sa.select(INVOICES.c.reverses_id).where(INVOICES.c.reverses_id.in_(ids))))
    return [
        InvoiceView(
            invoice=one,
            supplier=told[one.id].code,
            supplier_name=told[one.id].name,
            by=told[one.id].by,
            recorded_at=told[one.id].recorded_at,
            note=told[one.id].note,
            taken_back=one.id in back,
            lines=tuple(lines[one.id]),
        )
        for one in found
    ]
