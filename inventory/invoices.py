"""Supplier invoices: what a delivery was billed at, beside what it was received at (B1, C3).

A bill clears what was received and not invoiced. What it says beyond that, its freight and duty too, goes
to the stock that is still held of the delivery; what is gone by then is price variance (S12).
"""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, UNIT_COST, Base, append_only, table_of
from inventory.errors import NotFound


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
