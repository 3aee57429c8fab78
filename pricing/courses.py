"""Courses: what an accepted quote started, session by session (P5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import allocations, corrections, treatments
from inventory.allocations import Promise
from inventory.clinic import Site
from inventory.corrections import Reversal
from inventory.database import MONEY, RATE, Base
from inventory.errors import Conflict, NotFound
from inventory.ledger import Document
from inventory.measures import ZERO
from inventory.treatments import Line, Treated, TreatmentSession, Visit
from inventory.vials import PreparedIn
from pricing import course_money, formulations, policies
from pricing.course_money import When


class SessionState(StrEnum):
    """Whether a session of a course is still to come."""

    PLANNED = "planned"
    PERFORMED = "performed"


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
        sa.Index(None, "planned_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("courses.id"))
    number: Mapped[int]
    planned_on: Mapped[date]
    price: Mapped[Decimal] = mapped_column(MONEY)
    quoted_cost: Mapped[Decimal] = mapped_column(MONEY)
    session_id: Mapped[int | None] = mapped_column(sa.ForeignKey("treatment_sessions.id"), unique=True)

    @property
    def state(self) -> SessionState:
        return SessionState.PLANNED if self.session_id is None else SessionState.PERFORMED


@dataclass(frozen=True)
class Planned:
    """A session that an accepted quote promises: its day, its price, and the stock it will need."""

    number: int
    on: date
    price: Decimal
    quoted_cost: Decimal
    promises: tuple[Promise, ...]


class UnknownCourse(NotFound):
    """No course has this key."""


class UnknownCourseSession(NotFound):
    """The course has no session of this number."""


class AlreadyPerformed(Conflict):
    """The session was performed; it cannot be performed twice."""


class AnotherPatient(Conflict):
    """The course, or the quote for it, is another patient's."""


class AnotherFormulation(Conflict):
    """The course was sold with another formulation; what differs is given as lines."""


def start(db: Session, new: Course, planned: Sequence[Planned], *, at: datetime) -> Course:
    """Plan the sessions of an accepted quote and promise their stock (P5)."""
    db.add(new)
    db.flush()
    for session in planned:
        db.add(
            CourseSession(
                course_id=new.id,
                number=session.number,
                planned_on=session.on,
                price=session.price,
                quoted_cost=session.quoted_cost,
            )
        )
        allocations.allocate(
            db,
            session.promises,
            site_id=new.site_id,
            reference=reference(new.id, session.number),
            patient_ref=new.patient_ref,
            at=at,
        )
    db.flush()
    return new


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


def perform(
    db: Session,
    subject: Course,
    number: int | None,
    *,
    visit_at: datetime,
    site: Site,
    recorded_at: datetime,
    by: str,
    patient_ref: str,
    lines: Sequence[Line] = (),
    level: str = "",
    prepared_in: PreparedIn = PreparedIn.PREPARATION_AREA,
) -> Treated:
    """Perform a session of a course: its recipe as it was sold, unless other lines are given.

    Without a number the next planned session is meant. Raises AlreadyPerformed, UnknownCourseSession,
    AnotherPatient, and all that `treatments.treat` refuses.
    """
    if patient_ref != subject.patient_ref:
        raise AnotherPatient(f"Course {subject.id} is of patient {subject.patient_ref}, not {patient_ref}.")
    course_money.refuse_ended(db, subject.id)
    due = _due(db, subject, number)
    recipe = formulations.version_by_id(db, subject.formulation_version_id)
    # Its own promise must not stand in the way of the session that it was made for.
    allocations.end(db, reference=reference(subject.id, due.number), at=recorded_at)
    treated = treatments.treat(
        db,
        Visit(
            patient_ref=patient_ref,
            at=visit_at,
            formulation=f"{recipe.code} version {recipe.version}",
            level=level or subject.level,
            reference=reference(subject.id, due.number),
            prepared_in=prepared_in,
        ),
        lines or recipe_lines(recipe),
        site=site,
        recorded_at=recorded_at,
        by=by,
    )
    due.session_id = treated.session.id
    db.flush()
    when = When(treated.session.on, visit_at, recorded_at, by)
    course_money.use_session(db, subject.id, due.number, when=when)
    return treated


def reverse_session(
    db: Session, session: TreatmentSession, *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> Reversal:
    """Undo a treatment session; the course session that it performed is to come again, its stock promised.

    A session of no course is undone alone. Raises all that `corrections.reverse_session` refuses.
    """
    performed = db.scalar(
        sa.select(CourseSession)
        .where(CourseSession.session_id == session.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    undone = corrections.reverse_session(db, session, at=at, recorded_at=recorded_at, by=by, reason=reason)
    if performed is not None:
        performed.session_id = None
        on = db.get_one(Site, session.site_id).day(at)
        when = When(on, at, recorded_at, by)
        course_money.undo_session(db, performed.course_id, performed.number, when=when, note=reason)
        allocations.renew(db, reference=reference(performed.course_id, performed.number))
        db.flush()
    return undone


def reverse_document(
    db: Session, document: Document, *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> Reversal:
    """Undo what is left of any act; of a session's, its course knows. Raises what `corrections` refuses."""
    when: dict[str, Any] = {"at": at, "recorded_at": recorded_at, "by": by, "reason": reason}
    session = db.scalar(sa.select(TreatmentSession).where(TreatmentSession.document_id == document.id))
    if session is not None:
        return reverse_session(db, session, **when)
    return corrections.reverse_document(db, document, **when)


def recipe_lines(recipe: formulations.Recipe) -> list[Line]:
    """The products of a recipe as lines of a session."""
    return [
        Line(
            quantity=line.quantity,
            sku=None if line.item is None else line.item.sku,
            ingredient=line.ingredient.code if line.item is None and line.ingredient is not None else None,
        )
        for line in recipe.products
    ]


def refuse_other_formulation(db: Session, subject: Course, code: str) -> None:
    """Raises AnotherFormulation unless the course was sold with the formulation of this code."""
    sold = formulations.version_by_id(db, subject.formulation_version_id)
    if sold.code != code:
        raise AnotherFormulation(
            f"Course {subject.id} was sold with {sold.code} version {sold.version}, not {code}: "
            "say what was used instead as lines."
        )


def performed_in(db: Session, session: TreatmentSession) -> CourseSession | None:
    """The course session that a treatment session performed, if it was one."""
    return db.scalar(sa.select(CourseSession).where(CourseSession.session_id == session.id))


def reference(course_id: int, number: int) -> str:
    """What movements and promises of a course session are filed under."""
    return f"course {course_id} session {number}"


def reference_in_sql() -> sa.ColumnElement[str]:
    """The reference of each course session in a statement over them."""
    number, key = (sa.cast(one, sa.String) for one in (CourseSession.number, CourseSession.course_id))
    return sa.literal("course ") + key + sa.literal(" session ") + number


def _due(db: Session, subject: Course, number: int | None) -> CourseSession:
    """The session to perform, locked so that of two people who perform it at once one is refused."""
    listed = db.scalars(
        sa.select(CourseSession)
        .where(CourseSession.course_id == subject.id)
        .order_by(CourseSession.number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if number is None:
        planned = [one for one in listed if one.session_id is None]
        if not planned:
            raise AlreadyPerformed(f"All {len(listed)} sessions of course {subject.id} were performed.")
        return planned[0]
    found = next((one for one in listed if one.number == number), None)
    if found is None:
        raise UnknownCourseSession(
            f"Course {subject.id} has sessions 1 to {len(listed)}, not a session {number}."
        )
    if found.session_id is not None:
        raise AlreadyPerformed(
            f"Session {number} of course {subject.id} was performed by session {found.session_id}."
        )
    return found
