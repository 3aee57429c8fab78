"""What the book pages read beside the reports: a year by months, a month's name, which months there are."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.history import signed
from inventory.ledger import MOVEMENTS
from inventory.measures import ZERO
from pricing import stock_book
from pricing.accounting import place_kinds
from pricing.chart import Flow, posting

MONTH = re.compile(r"(199[0-9]|20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])")
MONTHS = 12


@dataclass(frozen=True)
class Month:
    """One month in money: what stock was worth at its end, and what came and went in it."""

    first: date
    closing: Decimal
    received: Decimal
    used: Decimal
    discarded: Decimal
    wasted: Decimal

    @property
    def treatment(self) -> Decimal:
        """The cost of treatment: what was injected, and what had to be discarded with it."""
        return self.used + self.discarded


def month_of(text: str, *, today: date) -> date:
    """The first day of the month that an address names; this month where it names none."""
    match = MONTH.fullmatch(text)
    return min(date(int(match[1]), int(match[2]), 1), today.replace(day=1)) if match else today.replace(day=1)


def last_day(first: date) -> date:
    """The last day of a month."""
    return following(first) - timedelta(days=1)


def following(first: date) -> date:
    """The first day of the next month."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def before(first: date, months: int = 1) -> date:
    """The first day of the month so many months earlier."""
    count = first.year * 12 + first.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def named(first: date) -> str:
    """A month as people say it: `November 2026`."""
    return f"{first:%B %Y}"


def known_months(db: Session, *, today: date) -> list[date]:
    """Every month from the first movement to this one, the latest first."""
    begun = db.scalar(sa.select(sa.func.min(MOVEMENTS.c.on))) or today
    months, first = [], today.replace(day=1)
    while first >= begun.replace(day=1):
        months.append(first)
        first = before(first)
    return months or [today.replace(day=1)]


def year(db: Session, *, last: date) -> list[Month]:
    """Twelve months in money, up to and with the month that begins on `last`."""
    since = before(last, MONTHS - 1)
    value = signed(MOVEMENTS.c.value)
    crossed = MOVEMENTS.c.direction != 0
    held = db.scalar(sa.select(sa.func.sum(value)).where(MOVEMENTS.c.on < since, crossed)) or ZERO
    held += sum((before for _, before in stock_book.adjusted_before(db, since)), ZERO)
    fields = (
        MOVEMENTS.c.on,
        MOVEMENTS.c.source_id,
        MOVEMENTS.c.target_id,
        MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
    )
    rows = db.execute(
        sa.select(*fields, sa.func.sum(value))
        .where(MOVEMENTS.c.on.between(since, last_day(last)), crossed)
        .group_by(*fields)
    )
    kinds = place_kinds(db)
    flows: dict[tuple[date, Flow], Decimal] = defaultdict(Decimal)
    changes: dict[date, Decimal] = defaultdict(Decimal)
    for on, source_id, target_id, reason, mirrored, change in rows:
        rule = posting(kinds[source_id], kinds[target_id], reason, mirrored=mirrored)
        flows[on.replace(day=1), rule.flow] += change
        changes[on.replace(day=1)] += change
    for on, change in stock_book.adjusted_by_day(db, since=since, until=last_day(last)):
        changes[on.replace(day=1)] += change
    months, first = [], since
    while first <= last:
        held += changes[first]
        months.append(
            Month(
                first=first,
                closing=held,
                received=flows[first, Flow.RECEIVED],
                used=-flows[first, Flow.USED],
                discarded=-flows[first, Flow.DISCARDED],
                wasted=-flows[first, Flow.WASTED],
            )
        )
        first = following(first)
    return months
