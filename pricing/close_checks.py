"""The checks before a month is closed: what is left to be done, and whether all agrees (B3, B4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import uninvoiced
from inventory.clinic import Site
from inventory.counts import Count, CountState
from inventory.database import table_of
from inventory.ledger import DOCUMENTS
from inventory.measures import ZERO
from inventory.orders import EVENTS, ORDERS, OrderStep
from inventory.transfers import LINES, Transfer
from inventory.vials import OpenedVial
from pricing import accounting, reports
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from pricing.reports import Flows

BILL_DAYS = 30  # after which a supplier is asked
COUNTS, VIALS, TRANSFERS = table_of(Count), table_of(OpenedVial), table_of(Transfer)


@dataclass(frozen=True)
class Check:
    """One question before the closing: what was found, and whether it stops it or only warns.

    `count` is what is left to be done, `gap` what lies between amounts that should be one.
    """

    code: str
    words: str
    detail: str
    stops: bool
    count: int = 0
    gap: Decimal = ZERO

    @property
    def sound(self) -> bool:
        """Whether nothing is left to be done and nothing disagrees."""
        return not self.count and not self.gap


def run(db: Session, *, first: date, until: date) -> tuple[Check, ...]:
    """Every check of a month: first what is left to be done, then what must agree."""
    return (*_left_to_do(db, until=until), *agreeing(db, first=first, until=until))


def _left_to_do(db: Session, *, until: date) -> Iterator[Check]:
    ends = _end(db, until)
    quotes = db.scalar(
        sa.select(sa.func.count())
        .select_from(QuoteState)
        .join(Quote, Quote.id == QuoteState.quote_id)
        .where(QuoteState.status == QuoteStatus.DRAFT, Quote.created_at < ends)
    )
    beyond = (OrderStep.SENT, OrderStep.CLOSED, OrderStep.CANCELLED)
    past = sa.exists().where(EVENTS.c.order_id == ORDERS.c.id, EVENTS.c.step.in_(beyond))
    begun = sa.exists().where(EVENTS.c.order_id == ORDERS.c.id, EVENTS.c.at < ends)
    orders = db.scalar(sa.select(sa.func.count()).select_from(ORDERS).where(begun, ~past))
    yield _warning("quotes", "No quote is a draft", quotes, "quote", "is drafted and not issued")
    yield _warning("orders", "No order is a draft", orders, "order", "is drafted and not sent")
    counts = db.scalar(
        sa.select(sa.func.count()).where(COUNTS.c.state == CountState.OPEN, COUNTS.c.begun_at < ends)
    )
    yield _warning(
        "counts", "No count is open", counts, "count", "was begun and is neither posted nor given up"
    )
    vials = db.scalar(
        sa.select(sa.func.count()).where(
            VIALS.c.opened_at < ends,
            VIALS.c.discard_at < ends,
            sa.or_(VIALS.c.closed_at.is_(None), VIALS.c.closed_at >= ends),
        )
    )
    yield _warning(
        "vials", "No opened vial is past its time", vials, "opened vial", "should have been discarded by then"
    )
    transfers = db.scalar(
        sa.select(sa.func.count(LINES.c.transfer_id.distinct()))
        .join(TRANSFERS, TRANSFERS.c.id == LINES.c.transfer_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == TRANSFERS.c.document_id)
        .where(LINES.c.left_quantity > ZERO, DOCUMENTS.c.on <= until)
    )
    yield _warning("transfers", "Every transfer arrived", transfers, "transfer", "is still under way")
    late = [row for row in uninvoiced.ageing(db, on=until).rows if row.supplier_id and row.days > BILL_DAYS]
    what = f"is not invoiced after {BILL_DAYS} days"
    yield _warning("bills", "Every delivery that should have its bill has it", len(late), "delivery", what)


def agreeing(db: Session, *, first: date, until: date) -> tuple[Check, ...]:
    """The ways in which a month's books must agree; each gap is zero in sound books (B3)."""
    found, awaited = reports.reconcile(db, on=until), reports.reconcile_uninvoiced(db, on=until)
    values = together(reports.roll_forward(db, since=first, until=until))
    balance = accounting.trial_balance(db, since=first, until=until)
    worth = f"account {found.account:,.2f}, lots {found.valuation:,.2f}"
    if found.layers is not None:
        worth += f", cost layers {found.layers:,.2f}"
    sides = sum((row.debit - row.credit for row in balance), ZERO)
    closing = sum((row.closing for row in balance), ZERO)
    return (
        Check(
            "inventory",
            "The inventory account is what the lots are worth",
            worth,
            stops=True,
            gap=found.difference,
        ),
        Check(
            "roll_forward",
            "Opening, what came and what went make the closing",
            f"roll-forward {values.closing:,.2f}",
            stops=True,
            gap=values.closing - found.valuation,
        ),
        Check(
            "balance",
            "Debits are credits",
            f"{sum((row.debit for row in balance), ZERO):,.2f} on each side of {len(balance)} accounts",
            stops=True,
            gap=sides or closing,
        ),
        Check(
            "uninvoiced",
            "What was received and not invoiced is its list, delivery by delivery",
            f"account {awaited.account:,.2f}, list {awaited.ageing.total:,.2f}",
            stops=True,
            gap=awaited.difference,
        ),
    )


def together(rows: tuple[reports.RollForwardRow, ...]) -> Flows:
    """The values of all items in one."""
    names = Flows.__dataclass_fields__
    return Flows(**{name: sum((getattr(row.value, name) for row in rows), ZERO) for name in names})


def _warning(code: str, words: str, count: int | None, noun: str, what: str) -> Check:
    found = count or 0
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    plural = what.replace("is ", "are ", 1).replace("was ", "were ", 1)
    detail = f"{found} {several} {plural}" if found > 1 else f"one {noun} {what}" if found else "none"
    return Check(code, words, detail, stops=False, count=found)


def _end(db: Session, until: date) -> datetime:
    """The instant at which a day is over at every site."""
    ends = [site.end_of(until) for site in db.scalars(sa.select(Site))]
    return max(ends, default=datetime.combine(until + timedelta(days=1), time(), UTC))
