"""The proof of the courses: they are what was promised, and their book says what happened (P5, B2)."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.allocations import Allocation
from inventory.database import table_of
from inventory.measures import ZERO, plain
from inventory.treatments import TreatmentSession
from pricing.course_book import (
    CASH,
    DEFERRED,
    ENDS,
    FEES,
    RECEIVABLE,
    REFUNDS_PAYABLE,
    CourseEntry,
    CourseLine,
    EntryKind,
)
from pricing.course_events import CourseEvent, CourseEventKind
from pricing.courses import Course, CourseSession, SessionState
from pricing.quote_records import Quote, QuoteLine, QuoteSession, QuoteState, QuoteStatus

QUOTES = table_of(Quote)
OFFERED = table_of(QuoteSession)
LINES = table_of(QuoteLine)
STATES = table_of(QuoteState)
COURSES = table_of(Course)
PLANNED = table_of(CourseSession)
EVENTS = table_of(CourseEvent)
PROMISES = table_of(Allocation)
TREATED = table_of(TreatmentSession)
ENTRIES = table_of(CourseEntry)
SIDES = table_of(CourseLine)


def _courses_are_their_quotes(db: Session) -> Iterator[str]:
    """P5, I12: every accepted quote has one course, no other has one, and it is what the quote promised."""
    leading = sa.func.coalesce(QUOTES.c.part_of, QUOTES.c.id)
    rows = db.execute(
        sa.select(QUOTES.c.id, STATES.c.status, COURSES.c.id)
        .join(STATES, STATES.c.quote_id == leading)
        .join(COURSES, COURSES.c.quote_id == QUOTES.c.id, isouter=True)
        .where((STATES.c.status == QuoteStatus.ACCEPTED) != COURSES.c.id.isnot(None))
    )
    for key, status, course_id in rows:
        yield f"Quote {key} is {status}; its course is {course_id}."
    patient = sa.func.coalesce(_last(EVENTS.c.to_patient, CourseEventKind.TRANSFERRED), QUOTES.c.patient_ref)
    other = db.scalars(
        sa.select(COURSES.c.id)
        .join(QUOTES, QUOTES.c.id == COURSES.c.quote_id)
        .where(
            sa.or_(
                COURSES.c.patient_ref != patient,
                COURSES.c.site_id != QUOTES.c.site_id,
                COURSES.c.formulation_version_id != QUOTES.c.formulation_version_id,
            )
        )
    )
    for course_id in other:
        yield f"Course {course_id} has not the patient, site or formulation of its quote."
    yield from _course_sessions_are_those_offered(db)


def _last(column: sa.ColumnElement[str], kind: CourseEventKind) -> sa.ScalarSelect[str]:
    """What the last event of a kind says of a course."""
    return (
        sa.select(column)
        .where(EVENTS.c.course_id == COURSES.c.id, EVENTS.c.kind == kind)
        .order_by(EVENTS.c.id.desc())
        .limit(1)
        .correlate(COURSES)
        .scalar_subquery()
    )


def _course_sessions_are_those_offered(db: Session) -> Iterator[str]:
    moved = {
        (course_id, number): to_on
        for course_id, number, to_on in db.execute(
            sa.select(EVENTS.c.course_id, EVENTS.c.number, EVENTS.c.to_on)
            .where(EVENTS.c.kind == CourseEventKind.MOVED)
            .order_by(EVENTS.c.id)
        )
    }
    offered = {
        (row.id, row.number): (moved.get((row.id, row.number), row.on), row.price, row.actual)
        for row in db.execute(
            sa.select(COURSES.c.id, OFFERED.c.number, OFFERED.c.on, OFFERED.c.price, OFFERED.c.actual).join(
                OFFERED, OFFERED.c.quote_id == COURSES.c.quote_id
            )
        )
    }
    planned = {
        (row.course_id, row.number): (row.planned_on, row.price, row.quoted_cost)
        for row in db.execute(sa.select(PLANNED))
    }
    for here, there, words in (
        (offered, planned, "was offered and is not planned so"),
        (planned, offered, "is planned and was not offered so"),
    ):
        for course_id, number in sorted(here):
            if there.get((course_id, number)) != here[course_id, number]:
                on, price, cost = here[course_id, number]
                yield f"Session {number} of course {course_id} on {on} for {price}, costing {cost}, {words}."


def _performed_sessions_are_the_patient_s(db: Session) -> Iterator[str]:
    """P5: the treatment that performed a course session treated a patient whose course it was."""
    passed_on = sa.select(EVENTS.c.from_patient).where(
        EVENTS.c.course_id == COURSES.c.id, EVENTS.c.kind == CourseEventKind.TRANSFERRED
    )
    rows = db.execute(
        sa.select(PLANNED.c.course_id, PLANNED.c.number, COURSES.c.patient_ref, TREATED.c.patient_ref)
        .join(COURSES, COURSES.c.id == PLANNED.c.course_id)
        .join(TREATED, TREATED.c.id == PLANNED.c.session_id)
        .where(
            TREATED.c.patient_ref != COURSES.c.patient_ref,
            TREATED.c.patient_ref.not_in(passed_on.correlate(COURSES)),
        )
    )
    for course_id, number, patient, treated in rows:
        yield f"Session {number} of course {course_id} is of patient {patient}; {treated} was treated."


def _promises_are_of_planned_sessions(db: Session) -> Iterator[str]:
    """P5, I12: what is promised is what the sessions still to come need, on their days, no more."""
    filed = (
        sa.literal("course ")
        + sa.cast(PLANNED.c.course_id, sa.String)
        + sa.literal(" session ")
        + sa.cast(PLANNED.c.number, sa.String)
    )
    needed = (
        sa.select(
            filed.label("reference"), COURSES.c.site_id, LINES.c.item_id, LINES.c.quantity.label("much")
        )
        .join(COURSES, COURSES.c.id == PLANNED.c.course_id)
        .join(LINES, sa.and_(LINES.c.quote_id == COURSES.c.quote_id, LINES.c.session == PLANNED.c.number))
        .where(PLANNED.c.session_id.is_(None), PLANNED.c.settled.is_(None), LINES.c.item_id.isnot(None))
    )
    discarded = needed.with_only_columns(
        filed.label("reference"), COURSES.c.site_id, LINES.c.item_id, LINES.c.discarded
    )
    promised = sa.select(
        PROMISES.c.reference, PROMISES.c.site_id, PROMISES.c.item_id, -PROMISES.c.quantity
    ).where(PROMISES.c.ended_at.is_(None))
    both = sa.union_all(needed, discarded, promised).subquery()
    short = sa.func.sum(both.c.much)
    rows = db.execute(
        sa.select(both.c.reference, both.c.item_id, short)
        .group_by(both.c.reference, both.c.site_id, both.c.item_id)
        .having(short != ZERO)
    )
    for reference, item_id, lacking in rows:
        amount: Decimal = lacking
        words = "too little" if amount > 0 else "too much"
        yield f"Item {item_id} is promised to {reference} with {plain(abs(amount))} {words}."
    elsewhere = db.execute(
        sa.select(PROMISES.c.reference, PROMISES.c.due_on, PROMISES.c.patient_ref)
        .join(PLANNED, filed == PROMISES.c.reference)
        .join(COURSES, COURSES.c.id == PLANNED.c.course_id)
        .where(
            PROMISES.c.ended_at.is_(None),
            sa.or_(
                PROMISES.c.due_on != PLANNED.c.planned_on, PROMISES.c.patient_ref != COURSES.c.patient_ref
            ),
        )
    )
    for reference, due_on, patient in elsewhere:
        yield f"Stock is promised to {reference} on {due_on} for {patient}, which is not its day or patient."


@dataclass
class _Told:
    """What the entries of one course say, taken one after the other."""

    cash: Decimal = ZERO  # that came in, less what went out
    credit: Decimal = ZERO
    fees: Decimal = ZERO
    used: dict[int, EntryKind] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    ended: bool = False
    balances: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def _told(db: Session) -> tuple[dict[int, _Told], list[tuple[str, str]]]:
    """What each course's entries say, and what is wrong with single entries, by invariant."""
    lines: dict[int, list[tuple[str, Decimal]]] = defaultdict(list)
    for entry_id, account, debit, credit in db.execute(
        sa.select(SIDES.c.entry_id, SIDES.c.account, SIDES.c.debit, SIDES.c.credit)
    ):
        lines[entry_id].append((account, credit - debit))
    found: dict[int, _Told] = defaultdict(_Told)
    wrong: list[tuple[str, str]] = []
    for entry in db.execute(sa.select(ENTRIES).order_by(ENTRIES.c.id)):
        told, mine = found[entry.course_id], lines[entry.id]
        if gap := sum((amount for _, amount in mine), ZERO):
            wrong.append((BALANCED, f"Entry {entry.id} of course {entry.course_id} is out by {gap}."))
        if told.ended:
            wrong.append((ENDED, f"Entry {entry.id} of course {entry.course_id} came after its end."))
        for account, amount in mine:
            told.balances[account] += amount
        if told.balances[DEFERRED] < 0 or told.balances[RECEIVABLE] > 0:
            words = f"{told.balances[DEFERRED]} deferred and {-told.balances[RECEIVABLE]} receivable"
            wrong.append((SIDED, f"Entry {entry.id} leaves course {entry.course_id} with {words}."))
        if entry.kind in (EntryKind.PERFORMED, EntryKind.FORFEITED) and entry.number in told.used:
            twice = f"Session {entry.number} of course {entry.course_id} is used up twice."
            wrong.append((SESSIONS, twice))
        _add(told, entry.kind, entry.amount, entry.number or 0)
    return found, wrong


def _add(told: _Told, kind: EntryKind, amount: Decimal, number: int) -> None:
    if kind in (EntryKind.DEPOSIT, EntryKind.PAYMENT):
        told.cash += amount
    elif kind is EntryKind.REFUND:
        told.cash -= amount
    elif kind is EntryKind.CREDIT:
        told.credit += amount
    elif kind is EntryKind.FEE:
        told.cash, told.fees = told.cash + amount, told.fees + amount
    elif kind in (EntryKind.PERFORMED, EntryKind.FORFEITED):
        told.used[number] = kind
    elif kind is EntryKind.UNDONE:
        told.used.pop(number, None)
    if number:
        told.numbers.add(number)
    told.ended = told.ended or kind in ENDS


BALANCED = "entries of courses balance"
SIDED = "nothing is owed the wrong way round"
ENDED = "nothing follows the end of a course"
SESSIONS = "sessions are used up as the book says"


def _named(name: str) -> Callable[[Session], Iterator[str]]:
    """The breaches of one invariant among those of single entries."""

    def check(db: Session) -> Iterator[str]:
        yield from (sentence for invariant, sentence in _told(db)[1] if invariant == name)

    return check


def _lines_are_their_entries(db: Session) -> Iterator[str]:
    """B2: cash, credit and fees of a course are what its entries say was paid and given back."""
    for course_id, told in sorted(_told(db)[0].items()):
        for account, due in ((CASH, -told.cash), (REFUNDS_PAYABLE, told.credit), (FEES, told.fees)):
            if told.balances[account] != due:
                yield (
                    f"Account {account} of course {course_id} has {told.balances[account]}; "
                    f"its entries make it {due}."
                )


def _sessions_are_in_the_book(db: Session) -> Iterator[str]:
    """B2: a session that is over has one standing entry of its kind, one that is to come none.

    Sessions that were performed before the book was kept have none at all.
    """
    found, wrong = _told(db)
    yield from (sentence for invariant, sentence in wrong if invariant == SESSIONS)
    for row in db.execute(sa.select(PLANNED).order_by(PLANNED.c.course_id, PLANNED.c.number)):
        told = found.get(row.course_id, _Told())
        stands = told.used.get(row.number)
        due = EntryKind.PERFORMED if row.session_id is not None else DUE.get(row.settled)
        before = row.session_id is not None and row.number not in told.numbers
        if stands is not due and not before:
            yield (
                f"Session {row.number} of course {row.course_id} should have the entry {due}; "
                f"it has {stands}."
            )
        if told.ended and row.session_id is None and row.settled is None:
            yield f"Session {row.number} of course {row.course_id} is to come, though the course ended."


DUE = {
    SessionState.FORFEITED: EntryKind.FORFEITED,
    SessionState.WITHOUT_STOCK: EntryKind.PERFORMED,
}

INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "courses are what was promised": _courses_are_their_quotes,
    "performed sessions are the patient's": _performed_sessions_are_the_patient_s,
    "promises are of planned sessions": _promises_are_of_planned_sessions,
    BALANCED: _named(BALANCED),
    SIDED: _named(SIDED),
    ENDED: _named(ENDED),
    SESSIONS: _sessions_are_in_the_book,
    "money of courses is what was paid": _lines_are_their_entries,
}
"""Each invariant by the words that a breach names it with."""
