"""Retention: with what chance each session of a course takes place, learned from the courses so far (O1)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pricing.courses import CourseSession, SessionState

LATE = timedelta(days=28)  # who has not come so long after the day will not come
EXPECTED = Decimal("0.94")  # until the clinic's own courses tell; an assumption
WEIGHT = 20  # how many courses that assumption is worth
PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Chance:
    """How often a session of this number took place, of those whose course had come so far."""

    number: int
    came: int
    due: int

    @property
    def rate(self) -> Decimal:
        """The chance, shrunk towards what is expected while little is known."""
        return ((self.came + EXPECTED * WEIGHT) / (self.due + WEIGHT)).quantize(PLACES)


def chances(db: Session, *, sessions: int, on: date) -> tuple[Chance, ...]:
    """The chance of each session of a course, after those before it took place.

    A session counts once its day is four weeks past; session 1 counts always, the others where the one
    before was performed.
    """
    before = sa.orm.aliased(CourseSession)
    came = sa.func.sum(sa.case((_took_place(CourseSession), 1), else_=0))
    rows = db.execute(
        sa.select(CourseSession.number, came, sa.func.count())
        .outerjoin(
            before,
            sa.and_(before.course_id == CourseSession.course_id, before.number == CourseSession.number - 1),
        )
        .where(
            CourseSession.planned_on <= on - LATE,
            CourseSession.number <= sessions,
            sa.or_(CourseSession.number == 1, _took_place(before)),
        )
        .group_by(CourseSession.number)
    )
    known = {number: Chance(number, int(done), due) for number, done, due in rows}
    return tuple(known.get(number, Chance(number, 0, 0)) for number in range(1, sessions + 1))


def _took_place(session: type[CourseSession]) -> sa.ColumnElement[bool]:
    """Whether a session was performed, with or without stock."""
    return sa.or_(session.session_id.isnot(None), session.settled == SessionState.WITHOUT_STOCK)
