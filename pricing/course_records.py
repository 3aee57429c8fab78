"""Records of courses: what was sold to whom, and where each of its sessions stands (P5)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, RATE, Base, choice
from inventory.errors import Conflict, NotFound
from inventory.measures import ZERO
from pricing import policies


class SessionState(StrEnum):
    """Whether a session of a course is still to come."""

    PLANNED = "planned"
    PERFORMED = "performed"
    FORFEITED = "forfeited"  # missed, and used up by the policy
    WITHOUT_STOCK = "without_stock"  # completed, and nothing was drawn: counts as performed
    ENDED = "ended"  # the course ended before it


class Course(Base):
    """A course sold: so many sessions for one patient at one site, as one quote promised."""

    __tablename__ = "courses"
    __table_args__ = (sa.Index(None, "patient_ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), unique=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    patient_ref: Mapped[str] = mapped_column(sa.String(40))
    formulation_version_id: Mapped[int] = mapped_column(sa.ForeignKey("formulation_versions.id"))
    level: Mapped[str] = mapped_column(sa.String(20))
    accepted_at: Mapped[datetime]
    accepted_by: Mapped[str] = mapped_column(sa.String(80))
    late_reason: Mapped[str] = mapped_column(sa.String(500), default="")
    policy_code: Mapped[str] = mapped_column(
        sa.String(20), default=policies.USUAL, server_default=policies.USUAL
    )
    breakage_rate: Mapped[Decimal] = mapped_column(RATE, default=ZERO, server_default=sa.text("0"))
    expires_on: Mapped[date | None]  # the last day on which it may be used


class CourseSession(Base):
    """One session of a course: planned on a day for a price, and performed by one treatment session."""

    __tablename__ = "course_sessions"
    __table_args__ = (
        sa.UniqueConstraint("course_id", "number"),
        sa.CheckConstraint("price >= 0", name="price_not_negative"),
        sa.CheckConstraint("settled IN ('forfeited', 'without_stock', 'ended')", name="settled_known"),
        sa.CheckConstraint("settled IS NULL OR session_id IS NULL", name="over_in_one_way"),
        sa.Index(None, "planned_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("courses.id"))
    number: Mapped[int]
    planned_on: Mapped[date]
    price: Mapped[Decimal] = mapped_column(MONEY)
    quoted_cost: Mapped[Decimal] = mapped_column(MONEY)
    session_id: Mapped[int | None] = mapped_column(sa.ForeignKey("treatment_sessions.id"), unique=True)
    settled: Mapped[SessionState | None] = mapped_column(choice(SessionState))  # over without a treatment

    @property
    def state(self) -> SessionState:
        if self.session_id is not None:
            return SessionState.PERFORMED
        return self.settled or SessionState.PLANNED

    @property
    def to_come(self) -> bool:
        """Whether it is still to be performed."""
        return self.state is SessionState.PLANNED


class UnknownCourse(NotFound):
    """No course has this key."""


class UnknownCourseSession(NotFound):
    """The course has no session of this number."""


class AlreadyPerformed(Conflict):
    """The session was performed; it cannot be performed twice."""


class SessionOver(Conflict):
    """The session was missed and is used up, was completed without stock, or ended with its course."""


def course(db: Session, key: int) -> Course:
    """The course with this key. Raises UnknownCourse."""
    found = db.get(Course, key)
    if found is None:
        raise UnknownCourse(f"No course has the key {key}.")
    return found


def sessions(db: Session, subject: Course) -> Sequence[CourseSession]:
    """The sessions of a course in their order."""
    return db.scalars(
        sa.select(CourseSession).where(CourseSession.course_id == subject.id).order_by(CourseSession.number)
    ).all()


def reference(course_id: int, number: int) -> str:
    """What movements and promises of a course session are filed under."""
    return f"course {course_id} session {number}"


def still_to_come() -> sa.ColumnElement[bool]:
    """Which sessions are still to be performed, in a statement over them."""
    return sa.and_(CourseSession.session_id.is_(None), CourseSession.settled.is_(None))


def reference_in_sql() -> sa.ColumnElement[str]:
    """The reference of each course session in a statement over them."""
    number, key = (sa.cast(one, sa.String) for one in (CourseSession.number, CourseSession.course_id))
    return sa.literal("course ") + key + sa.literal(" session ") + number


def locked_sessions(db: Session, subject: Course) -> Sequence[CourseSession]:
    """The sessions of a course, locked so that of two people who act at once one is refused."""
    return db.scalars(
        sa.select(CourseSession)
        .where(CourseSession.course_id == subject.id)
        .order_by(CourseSession.number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def planned_session(subject: Course, listed: Sequence[CourseSession], number: int) -> CourseSession:
    """The session of this number, still to come.

    Raises UnknownCourseSession, AlreadyPerformed, SessionOver.
    """
    found = next((one for one in listed if one.number == number), None)
    if found is None:
        raise UnknownCourseSession(
            f"Course {subject.id} has sessions 1 to {len(listed)}, not a session {number}."
        )
    if found.session_id is not None:
        raise AlreadyPerformed(
            f"Session {number} of course {subject.id} was performed by session {found.session_id}."
        )
    if found.settled is not None:
        raise SessionOver(f"Session {number} of course {subject.id} {OVER[found.settled]}.")
    return found


OVER = {
    SessionState.FORFEITED: "was missed and is used up",
    SessionState.WITHOUT_STOCK: "was completed without stock",
    SessionState.ENDED: "ended with its course",
}
