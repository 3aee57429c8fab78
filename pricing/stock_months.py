"""Stock by months: what it was worth at the end of each, up to a day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.history import signed
from inventory.ledger import MOVEMENTS
from inventory.measures import ZERO
from pricing import accounting, stock_book

MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """What stock was worth at the end of the last day of a month, or of the day that was asked for."""

    on: date
    value: Decimal


def month_ends(db: Session, *, until: date, months: int = MONTHS) -> tuple[MonthEnd, ...]:
    """The last months in money, the earliest first; the last one ends on `until`."""
    firsts = [until.replace(day=1)]
    while len(firsts) < months:
        firsts.insert(0, (firsts[0] - timedelta(days=1)).replace(day=1))
    since = firsts[0]
    changes: dict[date, Decimal] = defaultdict(Decimal)
    for on, change in db.execute(
        sa.select(MOVEMENTS.c.on, sa.func.sum(signed(MOVEMENTS.c.value)))
        .where(MOVEMENTS.c.on.between(since, until), MOVEMENTS.c.direction != 0)
        .group_by(MOVEMENTS.c.on)
    ):
        changes[on.replace(day=1)] += change
    for on, change in stock_book.adjusted_by_day(db, since=since, until=until):
        changes[on.replace(day=1)] += change
    held, found = accounting.inventory_balance(db, on=since - timedelta(days=1)), []
    for first, following in zip(firsts, [*firsts[1:], until + timedelta(days=1)], strict=True):
        held += changes.get(first, ZERO)
        found.append(MonthEnd(following - timedelta(days=1), held))
    return tuple(found)
