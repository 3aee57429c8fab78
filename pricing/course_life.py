"""The life of a course after it was sold: sessions moved, missed and completed, passed on, ended (P5, B2)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import allocations, treatments
from inventory.clinic import Site
from inventory.errors import Conflict, Invalid
from inventory.measures import ZERO
from pricing import course_events, course_money, courses, policies
from pricing.course_book import CourseEntry, Method
from pricing.course_events import CourseEvent, CourseEventKind
from pricing.course_money import Terms, When
from pricing.course_records import Course, CourseSession, SessionState, locked_sessions, planned_session
from pricing.policies import CancellationPolicy

NOON = time(12)  # of what is recorded for an earlier day without its hour
MOST_AHEAD = timedelta(days=3 * 366)
TAKEN_BACK = frozenset({SessionState.FORFEITED, SessionState.WITHOUT_STOCK})


@dataclass(frozen=True)
class Fee:
    """A fee that was paid on the spot; without an amount it is the one that the policy proposes."""

    method: Method
    amount: Decimal | None = None


class NotOnThatDay(Invalid):
    """What is recorded of a course happened between its sale and today."""


class MovedToThePast(Invalid):
    """A session is moved to today or to a day to come, within three years."""


class BeyondItsTime(Conflict):
    """The course expires before that day."""


class MovedTooOften(Conflict):
    """The policy lets a session be moved only so many times."""


class NotYetMissed(Conflict):
    """A session can be missed on its day, not before, and once."""


class NotTransferable(Conflict):
    """The policy lets a course pass to another patient only so many times."""


class LifeNeedsReason(Invalid):
    """What departs from the plan of a course says why."""


class NotTakenBack(Conflict):
    """Only a session that was missed or completed without stock is taken back."""


def dated(subject: Course, *, on: date | None, site: Site, at: datetime, by: str) -> When:
    """When something happened to a course: now, or on an earlier day since its sale. Raises NotOnThatDay."""
    today, sold_on = site.day(at), site.day(subject.accepted_at)
    if on is None or on == today:
        return When(today, at, at, by)
    if not sold_on <= on < today:
        raise NotOnThatDay(
            f"Course {subject.id} was sold on {sold_on}: something is recorded of it from then to {today}, "
            f"not on {on}."
        )
    return When(on, datetime.combine(on, NOON, tzinfo=ZoneInfo(site.time_zone)), at, by)


def move(
    db: Session,
    subject: Course,
    number: int,
    *,
    to: date,
    site: Site,
    when: When,
    reason: str,
    fee: Fee | None = None,
) -> CourseEvent:
    """Plan a session on another day, and its stock with it; the policy's fee for short notice is proposed.

    Nobody writes down the hour of a session, so notice counts until its day is over: the patient has the
    benefit of the doubt. Raises MovedToThePast, BeyondItsTime, MovedTooOften, LifeNeedsReason,
    course_money.CourseEnded, and what `course_records.planned_session` refuses.
    """
    course_money.refuse_ended(db, subject.id)
    session = planned_session(subject, locked_sessions(db, subject), number)
    terms = course_money.terms(db, subject.id)
    _check_reason(reason, "Moving a session")
    _refuse_day(session, to, when.on)
    if terms.expires_on is not None and to > terms.expires_on:
        raise BeyondItsTime(f"Course {subject.id} may be used until {terms.expires_on}, not on {to}.")
    moves = _count(db, subject, CourseEventKind.MOVED, number)
    if terms.policy.changes is not None and moves >= terms.policy.changes:
        raise MovedTooOften(
            f"{terms.policy.code} lets a session be moved {terms.policy.changes} times; "
            f"session {number} was moved {moves} times."
        )
    notice = notice_hours(session, site=site, at=when.at)
    missed = _missed_on(db, subject, session)
    late = notice < terms.policy.notice_hours and not missed  # what a miss costs was asked for already
    event = courses.note(
        db,
        subject,
        CourseEventKind.MOVED,
        when,
        session,
        reason=reason,
        fee=late_fee(terms, session, missed=False) if late else ZERO,
        from_on=session.planned_on,
        to_on=to,
        notice_hours=notice,
    )
    session.planned_on = to
    allocations.move(db, reference=courses.reference(subject.id, number), due_on=to)
    _take(db, subject, event, fee, when)
    return event


def _refuse_day(session: CourseSession, to: date, on: date) -> None:
    if not on <= to <= on + MOST_AHEAD or to == session.planned_on:
        raise MovedToThePast(
            f"Session {session.number} is planned for {session.planned_on}; it can be moved to another day "
            f"from {on} to {on + MOST_AHEAD}, not to {to}."
        )


def miss(
    db: Session, subject: Course, number: int, *, when: When, reason: str = "", fee: Fee | None = None
) -> CourseEvent:
    """The patient did not come: by the policy the session is used up, or costs a fee, or both, or nothing.

    Raises NotYetMissed, course_money.CourseEnded, and what `course_records.planned_session` refuses.
    """
    course_money.refuse_ended(db, subject.id)
    session = planned_session(subject, locked_sessions(db, subject), number)
    if when.on < session.planned_on:
        raise NotYetMissed(f"Session {number} is planned for {session.planned_on}: nobody has missed it yet.")
    if _missed_on(db, subject, session):
        raise NotYetMissed(
            f"Session {number} was missed on {session.planned_on} and is on record; move it to another day."
        )
    terms = course_money.terms(db, subject.id)
    event = courses.note(
        db,
        subject,
        CourseEventKind.MISSED,
        when,
        session,
        reason=reason,
        fee=late_fee(terms, session, missed=True),
        from_on=session.planned_on,
    )
    if terms.policy.no_show_uses_session:
        session.settled = SessionState.FORFEITED
        allocations.end(db, reference=courses.reference(subject.id, number), at=when.recorded_at)
        course_money.use_session(db, subject.id, number, when=when, forfeited=True, note=reason)
    _take(db, subject, event, fee, when)
    return event


def complete_without_stock(
    db: Session, subject: Course, number: int, *, when: When, reason: str
) -> CourseEvent:
    """A session took place and nothing was drawn for it: it counts as performed and books its revenue.

    It is said explicitly and with a reason, or not at all. Raises LifeNeedsReason, course_money.CourseEnded,
    and what `course_records.planned_session` refuses.
    """
    course_money.refuse_ended(db, subject.id)
    session = planned_session(subject, locked_sessions(db, subject), number)
    _check_reason(reason, "Completing a session without taking anything from stock")
    session.settled = SessionState.WITHOUT_STOCK
    allocations.end(db, reference=courses.reference(subject.id, number), at=when.recorded_at)
    course_money.use_session(db, subject.id, number, when=when, note=reason)
    return courses.note(
        db,
        subject,
        CourseEventKind.WITHOUT_STOCK,
        when,
        session,
        reason=reason,
        from_on=session.planned_on,
    )


def take_back(db: Session, subject: Course, number: int, *, when: When, reason: str) -> CourseEvent:
    """A session that was forfeited, or completed without stock, by mistake is to come again.

    Raises NotTakenBack, LifeNeedsReason, course_money.CourseEnded.
    """
    course_money.refuse_ended(db, subject.id)
    session = next((one for one in locked_sessions(db, subject) if one.number == number), None)
    if session is None or session.settled not in TAKEN_BACK:
        raise NotTakenBack(
            f"Session {number} of course {subject.id} was neither missed and used up nor completed "
            "without stock."
        )
    _check_reason(reason, "Taking a session back")
    session.settled = None
    reference = courses.reference(subject.id, number)
    allocations.renew(db, reference=reference)
    allocations.move(db, reference=reference, due_on=session.planned_on)
    allocations.pass_on(db, reference=reference, patient_ref=subject.patient_ref)
    course_money.undo_session(db, subject.id, number, when=when, note=reason)
    return courses.note(db, subject, CourseEventKind.TAKEN_BACK, when, session, reason=reason)


def transfer(db: Session, subject: Course, patient_ref: str, *, when: When, reason: str) -> CourseEvent:
    """Pass what is left of a course to another patient, as often as its policy allows.

    Raises NotTransferable, LifeNeedsReason, treatments.BadPatientRef, course_money.CourseEnded.
    """
    course_money.refuse_ended(db, subject.id)
    treatments.check_patient_ref(patient_ref)
    _check_reason(reason, "Passing a course on")
    policy = course_money.terms(db, subject.id).policy
    done = _count(db, subject, CourseEventKind.TRANSFERRED)
    if done >= policy.transfers:
        allowed = f"{policy.transfers} times" if policy.transfers else "to nobody"
        raise NotTransferable(
            f"{policy.code} lets a course pass on {allowed}; it was passed on {done} times."
        )
    left = [one for one in locked_sessions(db, subject) if one.to_come]
    if not left or patient_ref == subject.patient_ref:
        raise NotTransferable(
            f"Course {subject.id} of patient {subject.patient_ref} has {len(left)} sessions to come; "
            f"nothing of it can pass to {patient_ref}."
        )
    event = courses.note(
        db,
        subject,
        CourseEventKind.TRANSFERRED,
        when,
        None,
        reason=reason,
        from_patient=subject.patient_ref,
        to_patient=patient_ref,
    )
    subject.patient_ref = patient_ref
    for session in left:
        reference = courses.reference(subject.id, session.number)
        allocations.pass_on(db, reference=reference, patient_ref=patient_ref)
    db.flush()
    return event


def refund(
    db: Session, subject: Course, *, when: When, method: Method, amount: Decimal | None = None, note: str = ""
) -> CourseEntry:
    """End a course, give back what its policy says, and free the stock of the sessions that will not be.

    Raises what `course_money.give_back` refuses.
    """
    locked_sessions(db, subject)
    entry = course_money.give_back(db, subject.id, when=when, method=method, amount=amount, note=note)
    _end(db, subject, entry, when)
    return entry


def expire_due(db: Session, *, on: date, at: datetime, by: str, site: Site) -> int:
    """End the courses of a site whose last day is past; answers how many. Twice ends none twice (B2)."""
    due = course_money.due_to_expire(db, on=on)
    subjects = db.scalars(
        sa.select(Course).where(Course.id.in_(due), Course.site_id == site.id).order_by(Course.id)
    ).all()
    when = When(on, at, at, by)
    for subject in subjects:
        locked_sessions(db, subject)
        _end(db, subject, course_money.expire(db, subject.id, when=when), when)
    return len(subjects)


def notice_hours(session: CourseSession, *, site: Site, at: datetime) -> int:
    """How many whole hours before the end of its day a session is moved; negative when that is over."""
    over = datetime.combine(session.planned_on + timedelta(days=1), time.min, tzinfo=ZoneInfo(site.time_zone))
    return int((over - at) // timedelta(hours=1))


def late_fee(terms: Terms, session: CourseSession, *, missed: bool) -> Decimal:
    """What the policy asks for a session that was missed, or moved without notice, at its price with tax."""
    sold = terms.sold
    priced = sum(sold.prices, ZERO)
    price = session.price + (sold.tax * session.price / priced if priced != sold.total and priced else ZERO)
    return policies.fee_for(terms.policy, price, missed=missed)


def moves_left(db: Session, subject: Course, policy: CancellationPolicy, number: int) -> int | None:
    """How often a session may still be moved; none: as often as wanted."""
    if policy.changes is None:
        return None
    return max(0, policy.changes - _count(db, subject, CourseEventKind.MOVED, number))


def transfers_left(db: Session, subject: Course, policy: CancellationPolicy) -> int:
    """How often a course may still pass to another patient."""
    return max(0, policy.transfers - _count(db, subject, CourseEventKind.TRANSFERRED))


def _end(db: Session, subject: Course, entry: CourseEntry, when: When) -> None:
    """Nothing more is to come, and no stock is promised any more."""
    for session in locked_sessions(db, subject):
        if session.to_come:
            session.settled = SessionState.ENDED
            reference = courses.reference(subject.id, session.number)
            allocations.end(db, reference=reference, at=when.recorded_at)
    reason = f"{entry.kind.spoken}: {entry.note}"
    courses.note(db, subject, CourseEventKind.ENDED, when, None, reason=reason)


def _take(db: Session, subject: Course, event: CourseEvent, fee: Fee | None, when: When) -> None:
    """Book the fee that was paid with it: the proposed one, unless another was agreed."""
    if fee is None or not (amount := event.fee if fee.amount is None else fee.amount):
        return
    words = f"session {event.number} {event.kind.value}"
    course_money.charge(db, subject.id, amount, when=when, method=fee.method, note=words)


def _count(db: Session, subject: Course, kind: CourseEventKind, number: int | None = None) -> int:
    listed = course_events.events(db, subject.id)
    return sum(1 for one in listed if one.kind is kind and one.number == number)


def _missed_on(db: Session, subject: Course, session: CourseSession) -> bool:
    """Whether the session was recorded as missed on the day for which it is planned now."""
    listed = [one for one in course_events.events(db, subject.id) if one.number == session.number]
    since = [one for one in listed if one.kind in (CourseEventKind.MISSED, CourseEventKind.TAKEN_BACK)]
    last = since[-1] if since else None
    return last is not None and last.kind is CourseEventKind.MISSED and last.from_on == session.planned_on


def _check_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise LifeNeedsReason(f"{what} needs a reason; it is kept.")
