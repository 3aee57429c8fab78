"""The book of stock that does not move: what bills and changes of value mean to the accounts (B1, C1, C3).

As in `accounting`, nothing is written down: debit and credit follow from the facts by one table.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.adjustments import ADJUSTMENTS
from inventory.catalog import Item
from inventory.invoices import INVOICES
from inventory.measures import ZERO
from pricing.chart import (
    ADJUSTINGS,
    GRNI,
    INPUT_TAX,
    INVENTORY,
    PAYABLES,
    PRICE_VARIANCE,
    Flow,
    Side,
)

Dated = Callable[[sa.ColumnElement[date]], sa.ColumnElement[bool]]
Written = tuple[int, str, Side, Decimal]
"""What a document wrote: its key, the account, the side and the amount, above zero."""


def sides(db: Session, which: Dated | Sequence[int]) -> Iterator[Written]:
    """What the bills and changes of value of some documents, or of some dates, wrote on each account."""
    net: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for table in (ADJUSTMENTS, INVOICES):
        wanted = which(table.c.on) if callable(which) else table.c.document_id.in_(list(which))
        for document_id, account, debit in _OF[table.name](db, wanted):
            net[document_id, account] += debit
    for (document_id, account), debit in sorted(net.items()):
        if debit:
            yield document_id, account, Side.DEBIT if debit > 0 else Side.CREDIT, abs(debit)


Lines = Iterator[tuple[int, str, Decimal]]
"""By document and account, debit above zero and credit below it."""


def _of_adjustments(db: Session, wanted: sa.ColumnElement[bool]) -> Lines:
    fields = (ADJUSTMENTS.c.document_id, ADJUSTMENTS.c.kind, Item.kind)
    rows = db.execute(
        sa.select(*fields, sa.func.sum(ADJUSTMENTS.c.value))
        .join(Item, Item.id == ADJUSTMENTS.c.item_id)
        .where(wanted)
        .group_by(*fields)
    )
    for document_id, why, kind, value in rows:
        yield document_id, INVENTORY[kind], value
        if (against := ADJUSTINGS[why].against) is not None:
            yield document_id, against, -value


def _of_invoices(db: Session, wanted: sa.ColumnElement[bool]) -> Lines:
    c = INVOICES.c
    fields = (c.document_id, c.cleared, c.to_variance, c.tax, c.total)
    for document_id, cleared, variance, tax, total in db.execute(sa.select(*fields).where(wanted)):
        yield document_id, GRNI, cleared
        yield document_id, PRICE_VARIANCE, variance
        yield document_id, INPUT_TAX, tax
        yield document_id, PAYABLES, -total


_OF: dict[str, Callable[[Session, sa.ColumnElement[bool]], Lines]] = {
    ADJUSTMENTS.name: _of_adjustments,
    INVOICES.name: _of_invoices,
}


def adjusted_before(db: Session, day: date) -> list[tuple[int, Decimal]]:
    """What adjustments before a day made of each item's value."""
    sums = sa.select(ADJUSTMENTS.c.item_id, sa.func.sum(ADJUSTMENTS.c.value))
    rows = db.execute(sums.where(ADJUSTMENTS.c.on < day).group_by(ADJUSTMENTS.c.item_id))
    return [(item_id, value) for item_id, value in rows if value != ZERO]


def adjusted(db: Session, *, since: date, until: date) -> Iterator[tuple[int, Flow, Decimal]]:
    """What adjustments of a period made of each item's value, by the column of the roll-forward."""
    fields = (ADJUSTMENTS.c.item_id, ADJUSTMENTS.c.kind)
    rows = db.execute(
        sa.select(*fields, sa.func.sum(ADJUSTMENTS.c.value))
        .where(ADJUSTMENTS.c.on.between(since, until))
        .group_by(*fields)
    )
    for item_id, why, value in rows:
        yield item_id, ADJUSTINGS[why].flow, value


def adjusted_by_day(db: Session, *, since: date, until: date) -> list[tuple[date, Decimal]]:
    """What adjustments of a period made of the value of all stock, day by day."""
    sums = sa.select(ADJUSTMENTS.c.on, sa.func.sum(ADJUSTMENTS.c.value)).group_by(ADJUSTMENTS.c.on)
    return [(on, value) for on, value in db.execute(sums.where(ADJUSTMENTS.c.on.between(since, until)))]
