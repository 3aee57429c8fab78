"""Bills: a supplier's invoice as it is on paper, and what is refused before anything is compared (B1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Item, Supplier
from inventory.charges import NO_CHARGES, Charges
from inventory.errors import Conflict, Invalid
from inventory.invoices import INVOICE_LINES, INVOICES
from inventory.ledger import MOVEMENTS
from inventory.measures import LARGEST_MONEY, ZERO, places
from inventory.orders import LINKS, stands
from inventory.receiving import Receipt

MOST_LINES = 200
LONGEST_NUMBER = 40


@dataclass(frozen=True)
class Billed:
    """So many containers of one receipt at a price each; none: the line only bears freight and duty."""

    receipt: Receipt
    containers: int
    unit_price: Decimal = ZERO


@dataclass(frozen=True)
class Bill:
    """A supplier's invoice as it is on paper; `tax` is what the clinic gets back, the rest is cost."""

    number: str
    on: date
    lines: Sequence[Billed]
    charges: Charges = NO_CHARGES
    tax: Decimal = ZERO


class BadInvoice(Invalid):
    """It cannot be a supplier's bill."""


class InvoiceTwice(Conflict):
    """The supplier's number is on record already."""


class NotReceived(Conflict):
    """More is billed than was received and not invoiced."""


def check(db: Session, bill: Bill, *, supplier: Supplier) -> None:
    """Raises BadInvoice, InvoiceTwice and NotReceived."""
    _refuse_bad(bill)
    _refuse_twice(db, bill.number.strip(), supplier)
    _refuse_more_than_received(db, bill, supplier)


def over_order_line(db: Session, line_id: int, containers: int, unit_price: Decimal) -> list[Billed]:
    """The containers of an order's line over what came of it and is not invoiced, the oldest first.

    Raises NotReceived where nothing came of it.
    """
    c = INVOICE_LINES.c
    billed = sa.select(c.receipt_id, sa.func.sum(c.containers).label("containers")).group_by(c.receipt_id)
    found = billed.subquery()
    rows = db.execute(
        sa.select(Receipt, sa.func.coalesce(found.c.containers, 0))
        .join(LINKS, LINKS.c.receipt_id == Receipt.id)
        .outerjoin(found, found.c.receipt_id == Receipt.id)
        .where(LINKS.c.order_line_id == line_id, stands())
        .order_by(Receipt.received_on, Receipt.id)
    ).all()
    if not rows:
        raise NotReceived(f"Nothing has come of order line {line_id}.")
    shared, left = [], containers
    for receipt, before in rows:
        part = min(left, receipt.containers - int(before))
        shared.append(Billed(receipt, part, unit_price))
        left -= part
    shared[-1] = replace(shared[-1], containers=shared[-1].containers + left)  # `match` says what is too much
    return [line for line in shared if line.containers] or shared[-1:]


def _refuse_bad(bill: Bill) -> None:
    number = bill.number.strip()
    if not 0 < len(number) <= LONGEST_NUMBER:
        raise BadInvoice(f"An invoice has a number of 1 to {LONGEST_NUMBER} characters.", field="number")
    if not 1 <= len(bill.lines) <= MOST_LINES:
        raise BadInvoice(f"An invoice has 1 to {MOST_LINES} lines, not {len(bill.lines)}.")
    if not ZERO <= bill.tax <= LARGEST_MONEY or places(bill.tax) > 2:
        raise BadInvoice(f"{bill.tax} cannot be the tax of an invoice.", field="tax")
    bill.charges.check()
    seen = set()
    for line in bill.lines:
        if line.receipt.id in seen:
            raise BadInvoice(f"Receipt {line.receipt.id} stands on the invoice twice: put it into one line.")
        seen.add(line.receipt.id)
        if line.containers < 0 or not ZERO <= line.unit_price <= LARGEST_MONEY or places(line.unit_price) > 6:
            raise BadInvoice(f"{line.containers} containers at {line.unit_price} cannot be billed.")
        if line.containers * line.unit_price > LARGEST_MONEY:
            raise BadInvoice(f"{line.containers} containers at {line.unit_price} exceed {LARGEST_MONEY}.")
        if bill.on < line.receipt.received_on and line.containers:
            raise BadInvoice(
                f"Receipt {line.receipt.id} came on {line.receipt.received_on}; a bill of {bill.on} is dated "
                "before it. Date the invoice on the day of the delivery, or later.",
                field="on",
            )
    if not any(line.containers for line in bill.lines) and not bill.charges.total and not bill.tax:
        raise BadInvoice("Nothing is billed: say how many containers, or what freight and duty.")


def _refuse_twice(db: Session, number: str, supplier: Supplier) -> None:
    back = INVOICES.alias("back")
    standing = sa.select(INVOICES.c.on).where(
        INVOICES.c.supplier_id == supplier.id,
        INVOICES.c.number == number,
        INVOICES.c.reverses_id.is_(None),
        ~sa.exists(sa.select(back.c.id).where(back.c.reverses_id == INVOICES.c.id)),
    )
    before = db.scalar(standing.limit(1))
    if before is not None:
        raise InvoiceTwice(
            f"Invoice {number} of {supplier.name} is on record already, of {before}.", field="number"
        )


def _refuse_more_than_received(db: Session, bill: Bill, supplier: Supplier) -> None:
    ids = [line.receipt.id for line in bill.lines]
    c = INVOICE_LINES.c
    sums = (
        sa.select(c.receipt_id, sa.func.sum(c.containers)).where(c.receipt_id.in_(ids)).group_by(c.receipt_id)
    )
    invoiced: dict[int, int] = {key: int(count) for key, count in db.execute(sums)}
    undone = MOVEMENTS.alias("undone")
    gone = set(
        db.scalars(
            sa.select(MOVEMENTS.c.document_id)
            .join(undone, undone.c.corrects_id == MOVEMENTS.c.id)
            .where(MOVEMENTS.c.document_id.in_([line.receipt.document_id for line in bill.lines]))
        )
    )
    for line in bill.lines:
        receipt = line.receipt
        item = db.get_one(Item, receipt.item_id)
        if line.containers and receipt.supplier_id not in (None, supplier.id):
            other = db.get_one(Supplier, receipt.supplier_id).name
            raise NotReceived(
                f"{item.sku} of {receipt.received_on} came from {other}, not from {supplier.name}."
            )
        left = 0 if receipt.document_id in gone else receipt.containers - invoiced.get(receipt.id, 0)
        if line.containers > left:
            raise NotReceived(
                f"{line.containers} of {item.sku} are billed; of the {receipt.containers} that came on "
                f"{receipt.received_on} {left} {'is' if left == 1 else 'are'} not invoiced."
            )
