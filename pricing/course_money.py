"""Money of courses: payments, sessions earned, refunds by policy, expiry, what is still owed (B2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.database import MONEY, RATE
from inventory.errors import Conflict, NotFound
from inventory.measures import ZERO, places, share_out
from pricing import course_book, policies
from pricing.course_book import (
    CourseEnded,
    CourseEntry,
    EntryKind,
    Method,
    NotAnAmount,
    PaidTooMuch,
    Sold,
    State,
)
from pricing.policies import CancellationPolicy, Standing

# The courses and quotes are later chapters; what they were sold for is read from their tables.
COURSES = sa.table(
    "courses", sa.column("id"), sa.column("quote_id"), sa.column("policy_code"),
    sa.column("breakage_rate", RATE), sa.column("expires_on", sa.Date),
)  # fmt: skip
QUOTES = sa.table(
    "quotes", sa.column("id"), sa.column("subtotal", MONEY), sa.column("total", MONEY),
    sa.column("tax", MONEY), sa.column("sessions"), sa.column("tax_inclusive", sa.Boolean),
    sa.column("currency"),
)  # fmt: skip
SESSIONS = sa.table("course_sessions", sa.column("course_id"), sa.column("number"), sa.column("price", MONEY))


@dataclass(frozen=True)
class When:
    """Who records what happened, on which of the site's days."""

    on: date
    at: datetime
    recorded_at: datetime
    by: str


@dataclass(frozen=True)
class Terms:
    """What a course was sold for and under which policy."""

    sold: Sold
    single_price: Decimal  # of a session without the course discount, with tax
    policy: CancellationPolicy
    expires_on: date | None
    currency: str

    def money(self, amount: Decimal) -> str:
        """An amount as sentences name it."""
        return f"{self.currency} {amount:.2f}"


@dataclass(frozen=True)
class Account:
    """How a course stands at the end of a day."""

    total: Decimal
    paid: Decimal
    due: Decimal  # still to be paid
    deferred: Decimal  # received and owed in sessions, without tax
    receivable: Decimal  # performed and not yet paid, without tax
    earned: Decimal
    sessions_used: int
    sessions_owed: int
    ended: EntryKind | None


@dataclass(frozen=True)
class Refund:
    """What would be given back of a course, and how that is reckoned."""

    amount: Decimal
    credit: bool
    paid: Decimal
    received: int
    sentence: str


class UnknownTerms(NotFound):
    """No course has this key."""


class NothingToGiveBack(Conflict):
    """The policy gives nothing back, or nothing was paid."""


class RefundTooLarge(Conflict):
    """More would be given back than was paid."""


class SessionUsedUp(Conflict):
    """The session was performed or forfeited."""


def terms(db: Session, course_id: int) -> Terms:
    """What a course was sold for. Raises UnknownTerms, policies.UnknownPolicy."""
    row = db.execute(
        sa.select(COURSES, QUOTES)
        .join(QUOTES, QUOTES.c.id == COURSES.c.quote_id)
        .where(COURSES.c.id == course_id)
    ).first()
    if row is None:
        raise UnknownTerms(f"No course has the key {course_id}.")
    prices = db.scalars(
        sa.select(SESSIONS.c.price).where(SESSIONS.c.course_id == course_id).order_by(SESSIONS.c.number)
    )
    gross = row.subtotal if row.tax_inclusive else _with_tax(row.subtotal, row.total, row.tax)
    return Terms(
        sold=Sold(row.total, row.tax, tuple(prices), row.breakage_rate),
        single_price=share_out(gross, row.sessions)[0],
        policy=policies.policy(db, row.policy_code),
        expires_on=row.expires_on,
        currency=row.currency,
    )


def _with_tax(subtotal: Decimal, total: Decimal, tax: Decimal) -> Decimal:
    """The course without its discount, with tax at the course's own rate."""
    net = total - tax
    return subtotal + (tax * subtotal / net).quantize(Decimal("0.01")) if net else subtotal


def pay(
    db: Session,
    course_id: int,
    amount: Decimal,
    *,
    when: When,
    method: Method,
    deposit: bool = False,
    note: str = "",
) -> CourseEntry:
    """Record a payment. Raises NotAnAmount, PaidTooMuch, CourseEnded, periods.PeriodClosed."""
    known, state = _open(db, course_id)
    _check(amount)
    beyond = state.paid + amount - known.sold.total
    if beyond > 0:
        raise PaidTooMuch(
            f"Course {course_id} costs {known.money(known.sold.total)} and {known.money(state.paid)} was "
            f"paid; {known.money(amount)} would be {known.money(beyond)} too much."
        )
    kind = EntryKind.DEPOSIT if deposit else EntryKind.PAYMENT
    entry = _entry(course_id, kind, when, amount=amount, method=method, note=note)
    return course_book.write(db, entry, course_book.paid(known.sold, state, amount))


def use_session(
    db: Session, course_id: int, number: int, *, when: When, forfeited: bool = False, note: str = ""
) -> CourseEntry:
    """A session was performed, or missed and used up: its share is earned.

    Raises CourseEnded, SessionUsedUp, periods.PeriodClosed.
    """
    known, state = _open(db, course_id)
    if number in state.used:
        raise SessionUsedUp(f"Session {number} of course {course_id} is used up already.")
    kind = EntryKind.FORFEITED if forfeited else EntryKind.PERFORMED
    entry = _entry(course_id, kind, when, number=number, note=note)
    return course_book.write(db, entry, course_book.used(known.sold, state, number))


def undo_session(db: Session, course_id: int, number: int, *, when: When, note: str = "") -> CourseEntry:
    """A session was not performed after all: its share is not earned. Raises CourseEnded."""
    known, state = _open(db, course_id)
    entry = _entry(course_id, EntryKind.UNDONE, when, number=number, note=note)
    return course_book.write(db, entry, course_book.undone(known.sold, state, number))


def charge(
    db: Session, course_id: int, amount: Decimal, *, when: When, method: Method, note: str
) -> CourseEntry:
    """Record a fee that was paid for a session missed or moved late. Raises NotAnAmount, CourseEnded."""
    _open(db, course_id)
    _check(amount)
    entry = _entry(course_id, EntryKind.FEE, when, amount=amount, method=method, note=note)
    return course_book.write(db, entry, course_book.fee(amount))


def refund_due(db: Session, course_id: int) -> Refund:
    """What the course's policy gives back now. Raises CourseEnded."""
    return _refund(*_stands(db, course_id))


def _refund(known: Terms, state: State) -> Refund:
    policy = known.policy
    standing = Standing(state.paid, known.single_price, len(known.sold.prices), len(state.used))
    amount = policies.refund_of(policy.refund, standing, admin_fee=policy.admin_fee)
    less_fee = f" − {known.money(policy.admin_fee)} fee" if policy.admin_fee else ""
    what = "credit for other treatments" if policy.credit else "money back"
    gives = f"{less_fee} = {known.money(amount)} as {what}"
    sentence = {
        policies.RefundRule.NONE: f"{policy.code} gives nothing back.",
        policies.RefundRule.SINGLE_PRICE: (
            f"{known.money(state.paid)} paid − {len(state.used)} × {known.money(known.single_price)} "
            f"for the sessions received{gives}, not below zero ({policy.code})."
        ),
        policies.RefundRule.UNUSED: (
            f"{standing.sessions - standing.received} of {standing.sessions} sessions of "
            f"{known.money(state.paid)} paid{gives} ({policy.code})."
        ),
    }[policy.refund]
    return Refund(amount, policy.credit, state.paid, len(state.used), sentence)


def give_back(
    db: Session,
    course_id: int,
    *,
    when: When,
    method: Method,
    amount: Decimal | None = None,
    note: str = "",
) -> CourseEntry:
    """End a course and give back what its policy says, or what a manager decides with a note.

    Raises CourseEnded, NothingToGiveBack, RefundTooLarge, NotAnAmount, periods.PeriodClosed.
    """
    known, state = _open(db, course_id)
    due = _refund(known, state)
    given = due.amount if amount is None else amount
    if given != ZERO:
        _check(given)
    if given > state.paid:
        raise RefundTooLarge(
            f"{known.money(given)} cannot be given back: {known.money(state.paid)} was paid for course "
            f"{course_id}."
        )
    if not given and not note.strip():
        raise NothingToGiveBack(f"{due.sentence} Ending the course all the same needs a reason.")
    if amount is not None and amount != due.amount and not note.strip():
        raise NothingToGiveBack(f"{due.sentence} Giving back {known.money(amount)} instead needs a reason.")
    kind = EntryKind.CREDIT if due.credit else EntryKind.REFUND
    entry = _entry(course_id, kind, when, amount=given, method=method, note=note or due.sentence)
    return course_book.write(db, entry, course_book.given_back(known.sold, state, given, credit=due.credit))


def expire(db: Session, course_id: int, *, when: When) -> CourseEntry:
    """End a course whose last day is past; what was paid for it is earned (B2). Raises CourseEnded."""
    _, state = _open(db, course_id)
    entry = _entry(course_id, EntryKind.EXPIRED, when, note=f"valid until {when.on}")
    return course_book.write(db, entry, course_book.expired(state))


def account(db: Session, course_id: int, *, on: date | None = None) -> Account:
    """How a course stands, now or at the end of a day: by what is dated on it and before (B2)."""
    known = terms(db, course_id)
    state = course_book.state(db, course_id, on=on)
    used = len(state.used)
    return Account(
        total=known.sold.total,
        paid=state.paid,
        due=ZERO if state.ended else known.sold.total - state.paid,
        deferred=max(ZERO, state.balance(course_book.DEFERRED)),
        receivable=max(ZERO, -state.balance(course_book.RECEIVABLE)),
        earned=state.balance(course_book.SESSIONS_DELIVERED) + state.balance(course_book.BREAKAGE),
        sessions_used=used,
        sessions_owed=0 if state.ended else len(known.sold.prices) - used,
        ended=state.ended,
    )


def due_to_expire(db: Session, *, on: date) -> Sequence[int]:
    """The courses whose last day lies before a day and that did not end."""
    ends = sa.select(CourseEntry.course_id).where(CourseEntry.kind.in_(sorted(course_book.ENDS)))
    rows = db.scalars(
        sa.select(COURSES.c.id)
        .where(COURSES.c.expires_on < on, COURSES.c.id.not_in(ends))
        .order_by(COURSES.c.id)
    )
    return rows.all()


def refuse_ended(db: Session, course_id: int) -> None:
    """Raises CourseEnded where a course was given back or has expired."""
    ended = sa.select(CourseEntry.kind).where(
        CourseEntry.course_id == course_id, CourseEntry.kind.in_(sorted(course_book.ENDS))
    )
    _refuse(course_id, db.scalar(ended.limit(1)))


def _refuse(course_id: int, ended: EntryKind | None) -> None:
    if ended is not None:
        words = "has expired" if ended is EntryKind.EXPIRED else "was given back"
        raise CourseEnded(f"Course {course_id} {words}; nothing more can be recorded on it.")


def _open(db: Session, course_id: int) -> tuple[Terms, State]:
    """The terms of a course that did not end, and how it stands, locked. Raises CourseEnded, UnknownTerms."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(sa.select(COURSES.c.id).where(COURSES.c.id == course_id).with_for_update())
    return _stands(db, course_id)


def _stands(db: Session, course_id: int) -> tuple[Terms, State]:
    known, state = terms(db, course_id), course_book.state(db, course_id)
    _refuse(course_id, state.ended)
    return known, state


def _check(amount: Decimal) -> None:
    if not (amount.is_finite() and amount > 0 and places(amount) <= 2):
        raise NotAnAmount(f"An amount is above zero, in whole cents, not {amount}.")


def _entry(
    course_id: int,
    kind: EntryKind,
    when: When,
    *,
    amount: Decimal = ZERO,
    number: int | None = None,
    method: str = "",
    note: str = "",
) -> CourseEntry:
    return CourseEntry(
        course_id=course_id,
        kind=kind,
        amount=amount,
        number=number,
        method=method,
        note=note[:500],
        **vars(when),
    )
