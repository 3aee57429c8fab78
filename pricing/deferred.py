"""What is owed on courses at the end of a day: to patients in sessions, by patients in money (B2)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.clinic import Site
from inventory.measures import ZERO
from pricing import course_book
from pricing.course_book import (
    BREAKAGE,
    DEFERRED,
    ENDS,
    RECEIVABLE,
    SESSIONS_DELIVERED,
    CourseEntry,
    CourseLine,
    EntryKind,
)
from pricing.course_records import Course, CourseSession
from pricing.quote_records import Quote


@dataclass(frozen=True)
class CourseBalance:
    """One course at the end of a day; `deferred` and `receivable` are without tax, as the books have them."""

    course_id: int
    site: str
    patient_ref: str
    sold_on: date
    total: Decimal
    paid: Decimal  # less what was given back
    earned: Decimal
    deferred: Decimal
    receivable: Decimal
    sessions: int
    sessions_used: int
    ended: EntryKind | None

    @property
    def sessions_owed(self) -> int:
        """What the patient may still ask for."""
        return 0 if self.ended else self.sessions - self.sessions_used


@dataclass(frozen=True)
class Owed:
    """All courses together."""

    paid: Decimal
    earned: Decimal
    deferred: Decimal
    receivable: Decimal
    sessions_owed: int


@dataclass
class _Course:
    """What the entries of a course say, gathered."""

    paid: Decimal = ZERO
    ended: EntryKind | None = None

    def __post_init__(self) -> None:
        self.used: set[int] = set()

    def add(self, kind: EntryKind, amount: Decimal, number: int) -> None:
        """Take one entry into account."""
        if kind in (EntryKind.DEPOSIT, EntryKind.PAYMENT):
            self.paid += amount
        elif kind in (EntryKind.REFUND, EntryKind.CREDIT):
            self.paid -= amount
        elif kind in (EntryKind.PERFORMED, EntryKind.FORFEITED):
            self.used.add(number)
        elif kind is EntryKind.UNDONE:
            self.used.discard(number)
        self.ended = kind if kind in ENDS else self.ended


def balances(db: Session, *, on: date, site_ids: frozenset[int] | None = None) -> tuple[CourseBalance, ...]:
    """Every course sold until a day as it stood at the end of it, by its key; of some sites or of all."""
    sums = _sums(db, on)
    told: dict[int, _Course] = defaultdict(_Course)
    for course_id, numbers in course_book.performed_unwritten(db, on=on).items():
        told[course_id].used |= numbers
    for course_id, kind, amount, number in db.execute(
        sa.select(CourseEntry.course_id, CourseEntry.kind, CourseEntry.amount, CourseEntry.number)
        .where(CourseEntry.on <= on)
        .order_by(CourseEntry.id)
    ):
        told[course_id].add(kind, amount, number or 0)
    counts = sa.select(sa.func.count(CourseSession.id)).where(CourseSession.course_id == Course.id)
    query = (
        sa.select(Course, Site, Quote.total, counts.scalar_subquery().label("sessions"))
        .join(Site, Site.id == Course.site_id)
        .join(Quote, Quote.id == Course.quote_id)
        .order_by(Course.id)
    )
    if site_ids is not None:
        query = query.where(Course.site_id.in_(sorted(site_ids)))
    found = []
    for course, site, total, sessions in db.execute(query):
        sold_on = site.day(course.accepted_at)
        if sold_on > on and course.id not in told:
            continue
        book = told[course.id]
        found.append(
            CourseBalance(
                course_id=course.id,
                site=site.code,
                patient_ref=course.patient_ref,
                sold_on=sold_on,
                total=total,
                paid=book.paid,
                earned=sums.get((course.id, SESSIONS_DELIVERED), ZERO)
                + sums.get((course.id, BREAKAGE), ZERO),
                deferred=sums.get((course.id, DEFERRED), ZERO),
                receivable=-sums.get((course.id, RECEIVABLE), ZERO),
                sessions=sessions,
                sessions_used=len(book.used),
                ended=book.ended,
            )
        )
    return tuple(found)


def _sums(db: Session, on: date) -> dict[tuple[int, str], Decimal]:
    """Credit less debit of each course's accounts at the end of a day."""
    rows = db.execute(
        sa.select(
            CourseLine.course_id,
            CourseLine.account,
            sa.func.sum(CourseLine.credit),
            sa.func.sum(CourseLine.debit),
        )
        .join(CourseEntry, CourseEntry.id == CourseLine.entry_id)
        .where(CourseEntry.on <= on)
        .group_by(CourseLine.course_id, CourseLine.account)
    )
    return {(course_id, account): credit - debit for course_id, account, credit, debit in rows}


def together(rows: Sequence[CourseBalance]) -> Owed:
    """What is owed on several courses."""
    return Owed(
        paid=sum((row.paid for row in rows), ZERO),
        earned=sum((row.earned for row in rows), ZERO),
        deferred=sum((row.deferred for row in rows), ZERO),
        receivable=sum((row.receivable for row in rows), ZERO),
        sessions_owed=sum(row.sessions_owed for row in rows),
    )
