"""The proof of values: bills, write-downs and changes of formula say what they did to layers (C1, C3)."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.adjustments import ADJUSTMENTS, CHANGES, AdjustmentKind
from inventory.clinic import CostFormula, settings
from inventory.database import table_of
from inventory.invoices import INVOICE_LINES, INVOICES
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.measures import ZERO, plain
from inventory.receiving import Receipt
from inventory.write_downs import WRITE_DOWNS

RECEIPTS = table_of(Receipt)


def _adjustments_are_their_facts(db: Session) -> Iterator[str]:
    """What a bill or a write-down says it did to stock is what its adjustments did, document by document."""
    said = sa.union_all(
        sa.select(INVOICES.c.document_id, INVOICES.c.to_stock.label("value")),
        sa.select(WRITE_DOWNS.c.document_id, -WRITE_DOWNS.c.amount),
        sa.select(ADJUSTMENTS.c.document_id, -ADJUSTMENTS.c.value).where(
            ADJUSTMENTS.c.kind != AdjustmentKind.REVALUATION
        ),
    ).subquery()
    gap = sa.func.sum(said.c.value)
    rows = db.execute(sa.select(said.c.document_id, gap).group_by(said.c.document_id).having(gap != ZERO))
    for document_id, more in rows:
        yield f"Document {document_id} says {more} more than its adjustments did."
    wrong = db.scalars(
        sa.select(ADJUSTMENTS.c.id)
        .join(DOCUMENTS, DOCUMENTS.c.id == ADJUSTMENTS.c.document_id)
        .where(DOCUMENTS.c.on != ADJUSTMENTS.c.on)
    )
    for key in wrong:
        yield f"Adjustment {key} is not dated as its document."


def _invoices_are_their_lines(db: Session) -> Iterator[str]:
    """B1: a bill is the sum of its lines: goods, charges, what it cleared, and where the difference went."""
    c, of = INVOICE_LINES.c, INVOICES.c
    both = sa.union_all(
        sa.select(
            c.invoice_id.label("id"), c.amount.label("goods"), c.charges, c.cleared, c.to_stock, c.to_variance
        ),
        sa.select(
            of.id, -of.goods, of.discount - of.freight - of.duty, -of.cleared, -of.to_stock, -of.to_variance
        ),
    ).subquery()
    names = ("goods", "charges", "cleared", "to_stock", "to_variance")
    sums = [sa.func.sum(both.c[name]) for name in names]
    rows = db.execute(
        sa.select(both.c.id, *sums).group_by(both.c.id).having(sa.or_(*(one != ZERO for one in sums)))
    )
    for key, *more in rows:
        told = ", ".join(f"{amount} of {name}" for amount, name in zip(more, names, strict=True) if amount)
        yield f"The lines of supplier invoice {key} have {told} more than it says."


def _nothing_is_billed_twice(db: Session) -> Iterator[str]:
    """B1: no more of a receipt is billed than came, in containers and in value."""
    containers, cleared = sa.func.sum(INVOICE_LINES.c.containers), sa.func.sum(INVOICE_LINES.c.cleared)
    rows = db.execute(
        sa.select(RECEIPTS.c.id, RECEIPTS.c.containers, RECEIPTS.c.value, containers, cleared)
        .join(INVOICE_LINES, INVOICE_LINES.c.receipt_id == RECEIPTS.c.id)
        .group_by(RECEIPTS.c.id, RECEIPTS.c.containers, RECEIPTS.c.value)
        .having(
            sa.or_(
                containers > RECEIPTS.c.containers,
                containers < 0,
                sa.and_(containers == RECEIPTS.c.containers, cleared != RECEIPTS.c.value),
                sa.and_(containers == 0, cleared != ZERO),
            )
        )
    )
    for key, came, value, billed, gone in rows:
        yield f"Of receipt {key} {came} came for {value}; {billed} are billed, which cleared {gone}."


def _formulas_change_between_periods(db: Session) -> Iterator[str]:
    """C1: the settings tell the formula of the last change, and a change moves no quantity of an item."""
    changes = db.execute(sa.select(CHANGES).order_by(CHANGES.c.on)).all()
    for before, after in pairwise(changes):
        if before.after != after.before:
            yield f"The formula was {before.after} from {before.on}; it changed from {after.before} later."
    if changes and CostFormula(changes[-1].after) is not settings(db).cost_formula:
        yield f"The formula changed to {changes[-1].after}; the settings say {settings(db).cost_formula}."
    moved = sa.func.sum(ADJUSTMENTS.c.quantity)
    rows = db.execute(
        sa.select(ADJUSTMENTS.c.document_id, ADJUSTMENTS.c.item_id, moved)
        .group_by(ADJUSTMENTS.c.document_id, ADJUSTMENTS.c.item_id)
        .having(moved != ZERO)
    )
    for document_id, item_id, quantity in rows:
        yield f"Document {document_id} changed the layers of item {item_id} by {plain(quantity)}."
    for one in changes:
        early = db.scalar(
            sa.select(MOVEMENTS.c.id)
            .where(
                MOVEMENTS.c.document_id > one.document_id, MOVEMENTS.c.on < one.on, MOVEMENTS.c.direction != 0
            )
            .limit(1)
        )
        if early is not None:
            yield f"Movement {early} is dated before the formula of {one.on} and has its cost by it."


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "adjustments are their facts": _adjustments_are_their_facts,
    "supplier invoices are their lines": _invoices_are_their_lines,
    "nothing is billed twice": _nothing_is_billed_twice,
    "cost formulas change between periods": _formulas_change_between_periods,
}
