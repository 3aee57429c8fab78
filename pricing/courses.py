"""Courses: what an accepted quote started, session by session (P5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import allocations, corrections, treatments
from inventory.allocations import Promise
from inventory.clinic import Site
from inventory.corrections import Reversal
from inventory.errors import Conflict
from inventory.ledger import Document
from inventory.measures import ZERO
from inventory.treatments import Line, Treated, TreatmentSession, Visit
from inventory.vials import PreparedIn
from pricing import course_money, formulations, session_changes
from pricing.course_events import CourseEvent, CourseEventKind
from pricing.course_money import When
from pricing.course_records import AlreadyPerformed as AlreadyPerformed  # who asks for courses finds all here
from pricing.course_records import Course as Course
from pricing.course_records import CourseSession as CourseSession
from pricing.course_records import SessionOver as SessionOver
from pricing.course_records import SessionState as SessionState
from pricing.course_records import UnknownCourse as UnknownCourse
from pricing.course_records import UnknownCourseSession as UnknownCourseSession
from pricing.course_records import course as course
from pricing.course_records import locked_sessions, planned_session
from pricing.course_records import reference as reference
from pricing.course_records import reference_in_sql as reference_in_sql
from pricing.course_records import sessions as sessions
from pricing.course_records import still_to_come as still_to_come


@dataclass(frozen=True)
class Planned:
    """A session that an accepted quote promises: its day, its price, and the stock it will need."""

    number: int
    on: date
    price: Decimal
    quoted_cost: Decimal
    promises: tuple[Promise, ...]


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
    reason: str = "",
) -> Treated:
    """Perform a session of a course: its recipe as it was sold, unless other lines are given; `reason` says
    why other products or amounts are used.

    Without a number the next planned session is meant. Raises AlreadyPerformed, SessionOver, AnotherPatient,
    UnknownCourseSession, session_changes.ChangeNeedsReason, course_money.CourseEnded, and all that
    `treatments.treat` refuses.
    """
    if patient_ref != subject.patient_ref:
        raise AnotherPatient(f"Course {subject.id} is of patient {subject.patient_ref}, not {patient_ref}.")
    course_money.refuse_ended(db, subject.id)
    due, before = _due(db, subject, number)
    recipe = formulations.version_by_id(db, subject.formulation_version_id)
    sold = recipe_lines(recipe)
    changed = session_changes.changes(db, sold, lines, reason=reason) if lines else []
    # Its own promise must not stand in the way of the session that it was made for.
    allocations.end(db, reference=reference(subject.id, due.number), at=recorded_at)
    visit = Visit(
        patient_ref=patient_ref,
        at=visit_at,
        formulation=f"{recipe.code} version {recipe.version}",
        level=level or subject.level,
        reference=reference(subject.id, due.number),
        prepared_in=prepared_in,
    )
    treated = treatments.treat(db, visit, lines or sold, site=site, recorded_at=recorded_at, by=by)
    when = When(treated.session.on, visit_at, recorded_at, by)
    course_money.use_session(db, subject.id, due.number, when=when)
    due.session_id = treated.session.id
    db.flush()
    session_changes.keep(db, treated.session.id, changed)
    if before is not None:
        note(db, subject, CourseEventKind.OUT_OF_ORDER, when, due, reason=f"before session {before.number}")
    return treated


def note(
    db: Session,
    subject: Course,
    kind: CourseEventKind,
    when: When,
    session: CourseSession | None,
    *,
    reason: str,
    fee: Decimal = ZERO,
    **facts: Any,
) -> CourseEvent:
    """Keep what happened to a course or to one of its sessions."""
    event = CourseEvent(
        course_id=subject.id,
        number=session.number if session else None,
        kind=kind,
        reason=reason.strip()[:500],
        fee=fee,
        **vars(when),
        **facts,
    )
    db.add(event)
    db.flush()
    return event


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


def _due(db: Session, subject: Course, number: int | None) -> tuple[CourseSession, CourseSession | None]:
    """The session to perform, and the earlier one that it is performed before, if there is one."""
    listed = locked_sessions(db, subject)
    planned = [one for one in listed if one.to_come]
    if number is None:
        if not planned:
            raise AlreadyPerformed(f"All {len(listed)} sessions of course {subject.id} were performed.")
        return planned[0], None
    due = planned_session(subject, listed, number)
    return due, next((one for one in planned if one.number < due.number), None)
