"""Evidence: what the book says of need and deliveries, as plain numbers that statistics learn from (O1).

Sessions that drew stock, bookings that took place and that did not, bookings ahead, what receipts had left
of their life, and how long orders took: a few statements, however many items there are.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import orders, usage
from inventory.allocations import ALLOCATIONS
from inventory.clinic import Site
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind, WasteReason
from inventory.lots import Lot
from inventory.orders import EVENTS, LINKS, ORDERS, RECEIPTS, OrderStep
from inventory.usage import COURSE_SESSION, SHORTEST_HISTORY

LOOKED_BACK = 365  # days of use
RECEIPTS_BACK = 1096  # days of deliveries
BOOKED_BACK = 200  # days of bookings
REMAINDER = (WasteReason.SINGLE_DOSE_REMAINDER.value,)


@dataclass(frozen=True, slots=True)
class Line:
    """One item drawn for one session."""

    item_id: int
    ago: int  # days
    dose: Decimal
    lead: int = 0  # days that it had stood in the calendar


@dataclass(frozen=True, slots=True)
class Booking:
    """One session of a course that was due: when that was known, and whether it took place."""

    number: int  # in its course
    due_ago: int
    made_ago: int
    gone_ago: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """What one session to come will need of one item."""

    due_on: date
    quantity: Decimal
    number: int


@dataclass(frozen=True)
class Evidence:
    """All that is learned from, as of a day."""

    days: int = SHORTEST_HISTORY  # of history
    lines: tuple[Line, ...] = ()
    bookings: tuple[Booking, ...] = ()
    ahead: dict[int, list[Ahead]] = field(default_factory=dict)  # by item
    lives: dict[int, list[int]] = field(default_factory=dict)  # days left at receipt by item, latest last
    took: dict[int, list[int]] = field(default_factory=dict)  # days from order to receipt by supplier


def read(db: Session, *, site: Site, on: date) -> Evidence:
    """What the book of a site says up to a day."""
    began = db.scalar(sa.select(sa.func.min(DOCUMENTS.c.on)).where(DOCUMENTS.c.site_id == site.id))
    known = 0 if began is None else (on - began).days + 1
    made = _made(db, site=site, since=on - timedelta(days=LOOKED_BACK + BOOKED_BACK))
    lines, performed = _lines(db, site=site, on=on, made={key: one[0] for key, one in made.items()})
    return Evidence(
        days=min(LOOKED_BACK, max(known, SHORTEST_HISTORY)),
        lines=tuple(lines),
        bookings=tuple(_bookings(made, performed, on=on)),
        ahead=_ahead(db, site=site),
        lives=_lives(db, on=on),
        took=deliveries(db, on=on),
    )


def number_of(reference: str) -> int:
    """Which session of its course a reference names: 3 of `course 12 session 3`."""
    last = reference.rpartition(" ")[2]
    return int(last) if last.isdecimal() and len(last) < 6 else 1


def deliveries(db: Session, *, on: date) -> dict[int, list[int]]:
    """How many days orders took from being sent to each receipt that stands, by supplier, latest last."""
    rows = db.execute(
        sa.select(ORDERS.c.supplier_id, EVENTS.c.on, RECEIPTS.c.received_on)
        .join(EVENTS, sa.and_(EVENTS.c.order_id == ORDERS.c.id, EVENTS.c.step == OrderStep.SENT))
        .join(LINKS, LINKS.c.order_id == ORDERS.c.id)
        .join(RECEIPTS, RECEIPTS.c.id == LINKS.c.receipt_id)
        .where(
            RECEIPTS.c.received_on.between(on - timedelta(days=RECEIPTS_BACK), on),
            LINKS.c.containers > 0,
            orders.stands(),
        )
        .order_by(RECEIPTS.c.received_on, RECEIPTS.c.id)
    )
    took: dict[int, list[int]] = defaultdict(list)
    for supplier_id, sent_on, received_on in rows:
        took[supplier_id].append(max(0, (received_on - sent_on).days))
    return took


def _made(db: Session, *, site: Site, since: date) -> dict[str, tuple[date, date, date | None]]:
    """When each planned session was booked, when it is due, and when it was struck out, by reference."""
    a = ALLOCATIONS.c
    struck = sa.case((sa.func.count(a.ended_at) == sa.func.count(), sa.func.max(a.ended_at)))
    rows = db.execute(
        sa.select(
            a.reference,
            sa.func.min(a.made_at),
            sa.func.min(a.due_on),
            sa.type_coerce(struck, a.ended_at.type),
        )
        .where(a.site_id == site.id, a.due_on >= since)
        .group_by(a.reference)
    )
    return {
        reference: (site.day(made), due, None if ended is None else site.day(ended))
        for reference, made, due, ended in rows
    }


def _lines(db: Session, *, site: Site, on: date, made: dict[str, date]) -> tuple[list[Line], set[str]]:
    """What each session drew of each item, its remainders included; and the references that were served."""
    m, d = MOVEMENTS.c, DOCUMENTS.c
    rows = db.execute(
        sa.select(m.item_id, d.on, d.reference, sa.func.sum(m.quantity))
        .join(DOCUMENTS, d.id == m.document_id)
        .where(
            m.on.between(on - timedelta(days=LOOKED_BACK - 1), on),
            d.site_id == site.id,
            usage.taken(db, lost=REMAINDER),
        )
        .group_by(m.item_id, d.id, d.on, d.reference)
        .order_by(m.item_id, d.id)
    )
    prefix = COURSE_SESSION.rstrip("%")
    lines, served = [], set()
    for item_id, day, reference, dose in rows:
        lead = 0
        if reference.startswith(prefix):
            served.add(reference)
            lead = max(0, (day - made.get(reference, day)).days)
        lines.append(Line(item_id, (on - day).days, dose, lead))
    return lines, served


def _bookings(
    made: dict[str, tuple[date, date, date | None]], performed: set[str], *, on: date
) -> list[Booking]:
    """The sessions that were due before today: performed, or struck out; who is late may still come."""
    found = []
    for reference, (booked, due, struck) in sorted(made.items()):
        kept = reference in performed
        if not on - timedelta(days=BOOKED_BACK) <= due < on or (not kept and struck is None):
            continue
        gone = due if kept or struck is None else min(struck, due)
        found.append(
            Booking(
                number_of(reference),
                due_ago=(on - due).days,
                made_ago=(on - min(booked, due)).days,
                gone_ago=(on - gone).days,
                kept=kept,
            )
        )
    return found


def _ahead(db: Session, *, site: Site) -> dict[int, list[Ahead]]:
    """What open courses were promised, by item, session by session (P5)."""
    a = ALLOCATIONS.c
    rows = db.execute(
        sa.select(a.item_id, a.due_on, a.quantity, a.reference)
        .where(a.site_id == site.id, a.ended_at.is_(None))
        .order_by(a.item_id, a.due_on, a.reference, a.id)
    )
    found: dict[int, list[Ahead]] = defaultdict(list)
    for item_id, due_on, quantity, reference in rows:
        found[item_id].append(Ahead(due_on, quantity, number_of(reference)))
    return found


def _lives(db: Session, *, on: date) -> dict[int, list[int]]:
    """How many days each receipt that stands had left to live, by item; what came expired went to quarantine,
    and what was there when the books began was not fresh."""
    rows = db.execute(
        sa.select(RECEIPTS.c.item_id, RECEIPTS.c.received_on, Lot.expires_on)
        .join(Lot, Lot.id == RECEIPTS.c.lot_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == RECEIPTS.c.document_id)
        .where(
            DOCUMENTS.c.kind == DocumentKind.RECEIPT,
            RECEIPTS.c.received_on.between(on - timedelta(days=RECEIPTS_BACK), on),
            Lot.expires_on >= RECEIPTS.c.received_on,
            orders.stands(),
        )
        .order_by(RECEIPTS.c.received_on, RECEIPTS.c.id)
    )
    lives: dict[int, list[int]] = defaultdict(list)
    for item_id, received_on, expires_on in rows:
        lives[item_id].append((expires_on - received_on).days)
    return lives
