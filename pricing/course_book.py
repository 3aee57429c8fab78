"""The book of a course: what was paid, performed and given back, each with the journal lines it made (B2).

An entry and its lines are written together, from how the course stood at that moment, and never change:
what is recorded later, even for an earlier day, makes lines of its own. Payments are owed in sessions
(deferred revenue) until these are performed; what is performed before it is paid is owed by the patient.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import periods
from inventory.database import MONEY, Base, append_only, choice, one_of
from inventory.errors import Conflict, Invalid
from inventory.measures import ZERO, share_by_weight, to_cents, to_cents_half_up

# The courses are a later chapter; which of their sessions were performed is read from its table.
SESSIONS = sa.table("course_sessions", sa.column("course_id"), sa.column("number"), sa.column("session_id"))
TREATED = sa.table("treatment_sessions", sa.column("id"), sa.column("on", sa.Date))
CASH, RECEIVABLE = "1000", "1100"
DEFERRED, REFUNDS_PAYABLE, OUTPUT_TAX = "2100", "2150", "2200"
SESSIONS_DELIVERED, BREAKAGE, FEES = "4010", "4020", "4030"


class EntryKind(StrEnum):
    """What happened to a course."""

    DEPOSIT = "deposit"
    PAYMENT = "payment"
    PERFORMED = "performed"
    UNDONE = "undone"  # a session that was performed by mistake
    FORFEITED = "forfeited"  # a session that was missed and is used up
    REFUND = "refund"
    CREDIT = "credit"  # given back for other treatments
    EXPIRED = "expired"
    FEE = "fee"

    @property
    def spoken(self) -> str:
        """What it is called in the journal."""
        return SPOKEN[self]


SPOKEN = {
    EntryKind.DEPOSIT: "deposit received",
    EntryKind.PAYMENT: "payment received",
    EntryKind.PERFORMED: "session performed",
    EntryKind.UNDONE: "session undone",
    EntryKind.FORFEITED: "session missed and used up",
    EntryKind.REFUND: "refund",
    EntryKind.CREDIT: "credit given",
    EntryKind.EXPIRED: "expired",
    EntryKind.FEE: "fee",
}
ENDS = frozenset({EntryKind.REFUND, EntryKind.CREDIT, EntryKind.EXPIRED})
"""What ends a course: nothing is performed on it afterwards."""


class Method(StrEnum):
    """How money changed hands."""

    CASH = "cash"
    CARD = "card"
    TRANSFER = "transfer"
    OTHER = "other"


class CourseEntry(Base):
    """One fact about a course's money; `amount` is what the patient paid or got, with tax."""

    __tablename__ = "course_entries"
    __table_args__ = (
        one_of("kind", EntryKind),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.Index(None, "course_id", "id"),
        sa.Index(None, "on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("courses.id"))
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    on: Mapped[date]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    amount: Mapped[Decimal] = mapped_column(MONEY)
    number: Mapped[int | None]  # of the session, where it is about one
    method: Mapped[str] = mapped_column(sa.String(20), default="")
    note: Mapped[str] = mapped_column(sa.String(500), default="")


class CourseLine(Base):
    """One line that an entry wrote in the journal; either debit or credit is zero."""

    __tablename__ = "course_lines"
    __table_args__ = (
        sa.CheckConstraint("debit >= 0 AND credit >= 0", name="sides_not_negative"),
        sa.CheckConstraint("debit = 0 OR credit = 0", name="one_side"),
        sa.Index(None, "course_id", "account"),
    )

    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("course_entries.id"), primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("courses.id"))
    debit: Mapped[Decimal] = mapped_column(MONEY)
    credit: Mapped[Decimal] = mapped_column(MONEY)


append_only(CourseEntry)
append_only(CourseLine)


@dataclass(frozen=True)
class Sold:
    """What a course was sold for: the total with tax, the tax in it, and the price of each session."""

    total: Decimal
    tax: Decimal
    prices: tuple[Decimal, ...]
    breakage_rate: Decimal = ZERO  # of the sessions that are expected never to be asked for (B2)

    @property
    def net(self) -> Decimal:
        return self.total - self.tax

    @property
    def shares(self) -> tuple[Decimal, ...]:
        """Each session's part of the net, in whole cents that add up (P2)."""
        return share_by_weight(self.net, self.prices)

    def tax_on(self, paid: Decimal) -> Decimal:
        """The tax in what was paid so far: in the end exactly the tax of the course."""
        return to_cents_half_up(self.tax * min(paid, self.total) / self.total) if self.total else ZERO


@dataclass(frozen=True)
class State:
    """How a course stands: credit balances of its accounts, what was paid, which sessions are used up."""

    balances: Mapping[str, Decimal]
    paid: Decimal  # less what was given back
    used: frozenset[int]
    ended: EntryKind | None

    def balance(self, account: str) -> Decimal:
        """Credit less debit."""
        return self.balances.get(account, ZERO)


Change = dict[str, Decimal]
"""By account, credit positive, debit negative; adds up to zero."""


class PaidTooMuch(Conflict):
    """More would be paid than the course costs."""


class CourseEnded(Conflict):
    """The course was given back or has expired."""


class NotAnAmount(Invalid):
    """An amount of money is above zero, in whole cents."""


def paid(sold: Sold, state: State, amount: Decimal) -> Change:
    """A payment: first what the patient owes for sessions received, then owed to the patient in sessions."""
    tax = sold.tax_on(state.paid + amount) - sold.tax_on(state.paid)
    net = amount - tax
    owed = min(net, max(ZERO, -state.balance(RECEIVABLE)))
    return {CASH: -amount, RECEIVABLE: owed, DEFERRED: net - owed, OUTPUT_TAX: tax}


def used(sold: Sold, state: State, number: int) -> Change:
    """A session performed or forfeited: its share becomes revenue, and its part of the expected breakage."""
    return _earned(sold, state, state.used | {number})


def undone(sold: Sold, state: State, number: int) -> Change:
    """A session that was not performed after all."""
    return _earned(sold, state, state.used - {number})


def _earned(sold: Sold, state: State, sessions: frozenset[int]) -> Change:
    """From what is earned by now to what would be with these sessions used up.

    With a share b of sessions expected never to be asked for, 1 / (1 - b) times the sessions' shares are
    earned, and never more than the whole (WE-12, WE-13).
    """
    delivered = sum((sold.shares[number - 1] for number in sessions), ZERO)
    in_all = min(sold.net, to_cents(delivered / (1 - sold.breakage_rate)))
    change = {
        SESSIONS_DELIVERED: delivered - state.balance(SESSIONS_DELIVERED),
        BREAKAGE: in_all - delivered - state.balance(BREAKAGE),
    }
    earned = sum(change.values(), ZERO)
    if earned >= 0:
        from_deferred = min(earned, max(ZERO, state.balance(DEFERRED)))
        return change | {DEFERRED: -from_deferred, RECEIVABLE: from_deferred - earned}
    back = min(-earned, max(ZERO, -state.balance(RECEIVABLE)))
    return change | {RECEIVABLE: back, DEFERRED: -earned - back}


def given_back(sold: Sold, state: State, amount: Decimal, *, credit: bool) -> Change:
    """A refund, which ends the course: what is kept beyond the sessions' shares re-rates them (B2)."""
    tax = sold.tax_on(state.paid) - sold.tax_on(state.paid - amount)
    left = max(ZERO, state.balance(DEFERRED))
    return {
        REFUNDS_PAYABLE if credit else CASH: amount,
        OUTPUT_TAX: -tax,
        DEFERRED: -left,
        SESSIONS_DELIVERED: left - (amount - tax),
    }


def expired(state: State) -> Change:
    """What was paid and never asked for is earned on the day on which it expires."""
    left = max(ZERO, state.balance(DEFERRED))
    return {DEFERRED: -left, BREAKAGE: left}


def fee(amount: Decimal) -> Change:
    """A fee for a session moved late or missed, paid on the spot."""
    return {CASH: -amount, FEES: amount}


def state(db: Session, course_id: int, *, on: date | None = None) -> State:
    """How a course stands by its entries and their lines, now or by those dated on a day and before."""
    lines = sa.select(
        CourseLine.account, sa.func.sum(CourseLine.credit), sa.func.sum(CourseLine.debit)
    ).where(CourseLine.course_id == course_id)
    if on is not None:
        lines = lines.join(CourseEntry, CourseEntry.id == CourseLine.entry_id).where(CourseEntry.on <= on)
    balances = {
        account: credit - debit for account, credit, debit in db.execute(lines.group_by(CourseLine.account))
    }
    so_far, ended = ZERO, None
    sessions = performed_unwritten(db, on=on, course_id=course_id).get(course_id, set())
    for entry in entries(db, course_id):
        if on is not None and entry.on > on:
            continue
        if entry.kind in (EntryKind.DEPOSIT, EntryKind.PAYMENT):
            so_far += entry.amount
        elif entry.kind in (EntryKind.REFUND, EntryKind.CREDIT):
            so_far -= entry.amount
        elif entry.kind in (EntryKind.PERFORMED, EntryKind.FORFEITED):
            sessions.add(entry.number or 0)
        elif entry.kind is EntryKind.UNDONE:
            sessions.discard(entry.number or 0)
        ended = entry.kind if entry.kind in ENDS else ended
    return State(balances, so_far, frozenset(sessions), ended)


def performed_unwritten(
    db: Session, *, on: date | None = None, course_id: int | None = None
) -> dict[int, set[int]]:
    """The sessions that were performed before courses had a book, by course: received, and never earned.

    Their share is earned with whatever session is performed next, or when the course ends.
    """
    written = sa.exists().where(
        CourseEntry.course_id == SESSIONS.c.course_id,
        CourseEntry.number == SESSIONS.c.number,
        CourseEntry.kind == EntryKind.PERFORMED,
    )
    query = (
        sa.select(SESSIONS.c.course_id, SESSIONS.c.number)
        .join(TREATED, TREATED.c.id == SESSIONS.c.session_id)
        .where(~written)
    )
    if course_id is not None:
        query = query.where(SESSIONS.c.course_id == course_id)
    if on is not None:
        query = query.where(TREATED.c.on <= on)
    found: dict[int, set[int]] = {}
    for key, number in db.execute(query):
        found.setdefault(key, set()).add(number)
    return found


def entries(db: Session, course_id: int) -> Sequence[CourseEntry]:
    """What happened to a course, in the order in which it was recorded."""
    return db.scalars(
        sa.select(CourseEntry).where(CourseEntry.course_id == course_id).order_by(CourseEntry.id)
    ).all()


def written(
    db: Session, *, since: date, until: date, after: tuple[date, int], limit: int
) -> list[tuple[CourseEntry, list[CourseLine]]]:
    """Entries of a period with their lines, by date and key, a handful from behind `after` on."""
    order = sa.tuple_(CourseEntry.on, CourseEntry.id)
    heads = db.scalars(
        sa.select(CourseEntry)
        .where(CourseEntry.on.between(since, until), order > sa.tuple_(*after))
        .order_by(CourseEntry.on, CourseEntry.id)
        .limit(limit)
    ).all()
    found: dict[int, list[CourseLine]] = {head.id: [] for head in heads}
    lines = sa.select(CourseLine).where(CourseLine.entry_id.in_(list(found)))
    for line in db.scalars(lines.order_by(CourseLine.entry_id, CourseLine.account)):
        found[line.entry_id].append(line)
    return [(head, found[head.id]) for head in heads]


def sides(
    db: Session, dated: Callable[[sa.ColumnElement[date]], sa.ColumnElement[bool]]
) -> Sequence[sa.Row[str, Decimal, Decimal]]:
    """Debits and credits of each account by the entries of some dates."""
    return db.execute(
        sa.select(CourseLine.account, sa.func.sum(CourseLine.debit), sa.func.sum(CourseLine.credit))
        .join(CourseEntry, CourseEntry.id == CourseLine.entry_id)
        .where(dated(sa.type_coerce(CourseEntry.on, sa.Date)))
        .group_by(CourseLine.account)
    ).all()


def write(db: Session, entry: CourseEntry, change: Change) -> CourseEntry:
    """Add an entry with its lines. Raises periods.PeriodClosed (B4)."""
    periods.refuse_closed(db, entry.on)
    assert not sum(change.values(), ZERO), change
    db.add(entry)
    db.flush()
    periods.refuse_closed_meanwhile(db, entry.on)
    db.add_all(
        CourseLine(
            entry_id=entry.id,
            account=account,
            course_id=entry.course_id,
            debit=max(ZERO, -amount),
            credit=max(ZERO, amount),
        )
        for account, amount in sorted(change.items())
        if amount
    )
    db.flush()
    return entry
