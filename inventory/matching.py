"""Matching: a supplier's bill beside what was received, and what becomes of the difference (B1, C3).

The bill clears each receipt by its containers. Freight, duty and discount are shared over the lines by value.
The difference to the receipt goes to the stock of it that is still held, the rest to price variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import adjustments, clinic, layers, ledger
from inventory.adjustments import Adjust, AdjustmentKind
from inventory.catalog import Item, Supplier
from inventory.charges import NO_CHARGES, Charges, landed
from inventory.clinic import CostFormula, Site
from inventory.database import add_row, add_rows
from inventory.errors import Conflict, Invalid
from inventory.invoices import INVOICE_LINES, INVOICES, SupplierInvoice, SupplierInvoiceLine, invoice
from inventory.layers import LAYERS
from inventory.ledger import MOVEMENTS, Act, DocumentKind
from inventory.measures import LARGEST_MONEY, ZERO, places, to_cents, to_cents_half_up
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


@dataclass(frozen=True)
class MatchedLine:
    """One line beside its receipt, in money."""

    receipt: Receipt
    containers: int
    unit_price: Decimal
    amount: Decimal
    charges: Decimal
    cleared: Decimal
    to_stock: Decimal
    to_variance: Decimal
    layer_id: int

    @property
    def difference(self) -> Decimal:
        """What the bill says beyond the receipt."""
        return self.to_stock + self.to_variance


@dataclass(frozen=True)
class Matched:
    """A bill beside what was received: what would be posted, or was."""

    lines: tuple[MatchedLine, ...]
    goods: Decimal
    total: Decimal

    @property
    def cleared(self) -> Decimal:
        """What it takes from goods received, not invoiced."""
        return sum((line.cleared for line in self.lines), ZERO)

    @property
    def to_stock(self) -> Decimal:
        """What it adds to the stock that is still held."""
        return sum((line.to_stock for line in self.lines), ZERO)

    @property
    def to_variance(self) -> Decimal:
        """What of it belongs to stock that is gone."""
        return sum((line.to_variance for line in self.lines), ZERO)


class BadInvoice(Invalid):
    """It cannot be a supplier's bill."""


class InvoiceTwice(Conflict):
    """The supplier's number is on record already."""


class NotReceived(Conflict):
    """More is billed than was received and not invoiced."""


class AlreadyTakenBack(Conflict):
    """The invoice was taken back before."""


def match(db: Session, bill: Bill, *, supplier: Supplier) -> Matched:
    """What a bill means, line by line; it only reads. Raises BadInvoice, InvoiceTwice, NotReceived."""
    _check(bill)
    _refuse_twice(db, bill.number.strip(), supplier)
    _refuse_more_than_received(db, bill, supplier)
    amounts = [to_cents_half_up(line.containers * line.unit_price) for line in bill.lines]
    # Without goods of its own, a carrier's bill is shared by what the receipts were worth.
    weights = amounts if any(amounts) else [line.receipt.value for line in bill.lines]
    shares = landed(bill.charges.total, weights)
    found = _matched(
        db, [(line.receipt, line.containers, line.unit_price) for line in bill.lines], amounts, shares
    )
    goods = sum(amounts, ZERO)
    total = goods + bill.charges.total + bill.tax
    if total < 0 or goods + bill.charges.total < 0:
        raise BadInvoice(f"The discount of {bill.charges.discount} is more than the rest of the bill.")
    return Matched(tuple(found), goods, total)


def record(
    db: Session, bill: Bill, *, supplier: Supplier, site: Site, at: datetime, by: str, note: str = ""
) -> SupplierInvoice:
    """Match a bill and post it, all or nothing. Raises what `match` raises, and periods.PeriodClosed."""
    _hold(db, supplier, [line.receipt for line in bill.lines])
    matched = match(db, bill, supplier=supplier)
    act = Act(site.id, bill.on, site.moment_on(bill.on, at), at, by, bill.number.strip(), note)
    charges = {name: getattr(bill.charges, name) for name in ("freight", "duty", "discount")}
    head = {"supplier_id": supplier.id, "number": bill.number.strip(), "tax": bill.tax, **charges}
    return _post(db, act, matched, head)


def take_back(
    db: Session, subject: SupplierInvoice, *, site: Site, on: date, at: datetime, by: str, reason: str
) -> SupplierInvoice:
    """Undo an invoice that was recorded by mistake: what it cleared waits for its bill again.

    Raises AlreadyTakenBack, BadInvoice without a reason, and periods.PeriodClosed.
    """
    if not reason.strip():
        raise BadInvoice("Say why the invoice is taken back.", field="reason")
    if on < subject.on:
        raise BadInvoice(f"Invoice {subject.number} is of {subject.on}; it is not taken back on {on}.")
    lines = db.scalars(
        sa.select(SupplierInvoiceLine)
        .where(SupplierInvoiceLine.invoice_id == subject.id)
        .order_by(SupplierInvoiceLine.id)
    ).all()
    receipts = [db.get_one(Receipt, line.receipt_id) for line in lines]
    _hold(db, db.get_one(Supplier, subject.supplier_id), receipts)
    before = sa.select(INVOICES.c.id).where(INVOICES.c.reverses_id == subject.id)
    if subject.reverses_id is not None or db.scalar(before) is not None:
        raise AlreadyTakenBack(f"Invoice {subject.number} was taken back already.")
    found = []
    for line, receipt in zip(lines, receipts, strict=True):
        more = -line.to_stock - line.to_variance
        [split] = _split(db, [receipt], [more])
        found.append(
            MatchedLine(
                receipt, -line.containers, line.unit_price, -line.amount, -line.charges, -line.cleared,
                *split,
            )
        )  # fmt: skip
    matched = Matched(tuple(found), -subject.goods, -subject.total)
    act = Act(site.id, on, site.moment_on(on, at), at, by, subject.number, reason)
    names = ("supplier_id", "number")
    head = {name: getattr(subject, name) for name in names} | {"reverses_id": subject.id}
    head |= {name: -getattr(subject, name) for name in ("tax", "freight", "duty", "discount")}
    return _post(db, act, matched, head)


def _post(db: Session, act: Act, matched: Matched, head: dict[str, object]) -> SupplierInvoice:
    document_id = ledger.open_document(db, DocumentKind.INVOICE, act)
    sums = {name: getattr(matched, name) for name in ("goods", "total", "cleared", "to_stock", "to_variance")}
    key = add_row(db, INVOICES, document_id=document_id, on=act.on, **{"reverses_id": None, **head}, **sums)
    names = ("containers", "unit_price", "amount", "charges", "cleared", "to_stock", "to_variance")
    rows = [
        {"invoice_id": key, "receipt_id": line.receipt.id, **{name: getattr(line, name) for name in names}}
        for line in matched.lines
    ]
    add_rows(db, INVOICE_LINES, rows)
    changes = [
        Adjust(line.receipt.item_id, line.receipt.lot_id, line.layer_id, line.to_stock)
        for line in matched.lines
    ]
    adjustments.post(db, document_id, act.on, AdjustmentKind.BILLED, changes)
    return invoice(db, key)


def _hold(db: Session, supplier: Supplier, receipts: Sequence[Receipt]) -> None:
    """Two bills of one supplier wait for each other, and so do those who use what was delivered."""
    db.execute(sa.select(Supplier.id).where(Supplier.id == supplier.id).with_for_update())
    ledger.lock_items(db, [receipt.item_id for receipt in receipts])


def _check(bill: Bill) -> None:
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


def _matched(
    db: Session,
    lines: Sequence[tuple[Receipt, int, Decimal]],
    amounts: Sequence[Decimal],
    shares: Sequence[Decimal],
) -> list[MatchedLine]:
    receipts = [receipt for receipt, _, _ in lines]
    cleared = _cleared(db, [(receipt, count) for receipt, count, _ in lines])
    more = [amount + share - part for amount, share, part in zip(amounts, shares, cleared, strict=True)]
    splits = _split(db, receipts, more)
    return [
        MatchedLine(receipt, count, price, amount, share, part, *split)
        for (receipt, count, price), amount, share, part, split in zip(
            lines, amounts, shares, cleared, splits, strict=True
        )
    ]


def _cleared(db: Session, lines: Sequence[tuple[Receipt, int]]) -> list[Decimal]:
    """What of each receipt's value its containers clear; the last ones all that is left of it (C2)."""
    c = INVOICE_LINES.c
    ids = [receipt.id for receipt, _ in lines]
    sums = sa.select(c.receipt_id, sa.func.sum(c.containers), sa.func.sum(c.cleared)).group_by(c.receipt_id)
    before = {key: (int(count), value) for key, count, value in db.execute(sums.where(c.receipt_id.in_(ids)))}
    found = []
    for receipt, count in lines:
        gone, value = before.get(receipt.id, (0, ZERO))
        left = receipt.containers - gone
        rest = receipt.value - value
        found.append(ZERO if not count else rest if count == left else to_cents(rest * count / left))
    return found


def _split(
    db: Session, receipts: Sequence[Receipt], more: Sequence[Decimal]
) -> list[tuple[Decimal, Decimal, int]]:
    """What of each difference goes to stock still held, what is variance, and the layer that takes it.

    A layer never falls below nothing; two lines may share one, so what the first takes is gone for the next.
    """
    formula = clinic.settings(db).cost_formula
    taken: dict[int, Decimal] = {}
    found = []
    for receipt, difference in zip(receipts, more, strict=True):
        layer_id, quantity, value = _layer(db, formula, receipt)
        value += taken.get(layer_id, ZERO)
        part = min(quantity, receipt.quantity)
        to_stock = max(to_cents(difference * part / receipt.quantity), -value) if part else ZERO
        taken[layer_id] = taken.get(layer_id, ZERO) + to_stock
        found.append((to_stock, difference - to_stock, layer_id))
    return found


def _layer(db: Session, formula: CostFormula, receipt: Receipt) -> tuple[int, Decimal, Decimal]:
    """The layer in which what is left of a receipt is kept by now, and what that holds."""
    key = layers.found(db, formula, receipt.layer_id, item_id=receipt.item_id, lot_id=receipt.lot_id)
    if key is None:
        return receipt.layer_id, ZERO, ZERO
    row = db.execute(sa.select(LAYERS.c.quantity_left, LAYERS.c.value_left).where(LAYERS.c.id == key)).one()
    return key, row.quantity_left, row.value_left
