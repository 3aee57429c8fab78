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

from inventory import adjustments, bills, clinic, layers, ledger
from inventory.adjustments import Adjust, AdjustmentKind
from inventory.bills import BadInvoice, Bill
from inventory.bills import Billed as Billed  # who matches a bill finds its lines here too
from inventory.catalog import Supplier
from inventory.charges import landed
from inventory.clinic import CostFormula, Site
from inventory.database import add_row, add_rows
from inventory.errors import Conflict
from inventory.invoices import INVOICE_LINES, INVOICES, SupplierInvoice, SupplierInvoiceLine, invoice
from inventory.layers import LAYERS
from inventory.ledger import Act, DocumentKind
from inventory.measures import ZERO, to_cents, to_cents_half_up
from inventory.receiving import Receipt


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


class AlreadyTakenBack(Conflict):
    """The invoice was taken back before."""


def match(db: Session, bill: Bill, *, supplier: Supplier) -> Matched:
    """What a bill means, line by line; it only reads. Raises BadInvoice, InvoiceTwice, NotReceived."""
    bills.check(db, bill, supplier=supplier)
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
