"""The demo clinic's front desk: who asks for a quote, what becomes of it, and whose course goes on today."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.clinic import Site
from inventory.treatments import Line
from pricing import courses, protocols, quote_life, quote_records, quotes
from pricing.courses import Course, CourseSession
from pricing.protocols import Protocol
from pricing.quote_records import Quote
from pricing.quotes import Request
from pricing.screening import Screening
from pricing.stages import NoPrice
from seed_data import demo_menu, demo_payments

DESK = "demo front desk"
MANAGER = "demo manager"
PRACTITIONER = "demo practitioner"

ASKED_FOR = (
    *("P-00", "P-04", "P-00", "P-18", "P-08", "P-00", "P-02", "P-06", "P-00", "P-20", "P-05", "P-13"),
    *("P-00", "P-24", "P-21", "P-10", "P-00", "P-03", "P-22", "P-23", "P-00", "P-14", "P-16", "P-19"),
)
"""Which protocol the next enquiry is about, the default one most often; then again from the start."""

ANSWERS = (
    *("accept", "accept", "decline", "accept", "silence", "accept", "revise", "accept", "accept"),
    *("withdraw", "accept", "accept", "late", "accept", "decline", "accept"),
)
"""What becomes of the next quote that is issued; then again from the start."""

SCREENINGS = (
    *(Screening(), Screening(), Screening(nsaids=True), Screening(), Screening(), Screening()),
    *(Screening(allergies=("latex",)), Screening(), Screening(autoimmune=True), Screening()),
)
LEVELS = ("L2", "L3", "L5", "L5", "L6")
DISCOUNTS = (Decimal(0), Decimal(0), Decimal("0.05"), Decimal(0), Decimal("0.10"))
PATIENCE = (2, 3, 5, 7, 9)  # days until an answer
TOO_LATE = 36  # days: past the validity


@dataclass(frozen=True)
class Pending:
    """What is to be done about a quote, and when."""

    on: date
    quote_id: int
    step: str


@dataclass
class FrontDesk:
    """Enquiries so far, and what is waiting for a day to come."""

    db: Session
    site: Site
    chance: Random
    enquiries: int = 0
    issued: int = 0
    priceless: int = 0
    pending: list[Pending] = field(default_factory=list)
    steps: dict[int, tuple[Line, ...]] = field(default_factory=dict)  # by protocol


def enquire(desk: FrontDesk, *, at: datetime) -> Quote | None:
    """Someone asks what a course would cost: a draft, or nothing where no price is possible (P1)."""
    number = desk.enquiries
    desk.enquiries += 1
    on = desk.site.day(at)
    request = Request(
        protocol=ASKED_FOR[number % len(ASKED_FOR)],
        level=desk.chance.choice(LEVELS),
        starts_on=on + timedelta(days=desk.chance.randrange(10, 18)),
        patient_ref=f"C-{2001 + number}",
        screening=SCREENINGS[number % len(SCREENINGS)],
        discount_rate=desk.chance.choice(DISCOUNTS),
    )
    if number % 9 == 8:
        request = replace(request, screening=Screening(allergies=("hyaluronic acid",)))
    try:
        quote = quotes.draft(desk.db, request, site=desk.site, at=at, by=DESK)
    except NoPrice:
        desk.priceless += 1
        return None
    desk.pending.append(Pending(on + timedelta(days=1), quote.id, "issue"))
    return quote


def follow_up(desk: FrontDesk, *, at: datetime) -> None:
    """Do what is due about the quotes of the days before; lapse those whose time is over."""
    on = desk.site.day(at)
    due = [one for one in desk.pending if one.on <= on]
    desk.pending = [one for one in desk.pending if one.on > on]
    for one in due:
        STEPS[one.step](desk, quote_records.quote(desk.db, one.quote_id), at)
    quote_life.lapse_due(desk.db, on=on, at=at, by=MANAGER)


def due_today(desk: FrontDesk, *, on: date) -> Sequence[CourseSession]:
    """The planned sessions whose day has come, the longest waiting first."""
    return desk.db.scalars(
        sa.select(CourseSession)
        .join(Course, Course.id == CourseSession.course_id)
        .where(
            courses.still_to_come(),
            CourseSession.planned_on <= on,
            Course.site_id == desk.site.id,
        )
        .order_by(CourseSession.planned_on, CourseSession.course_id, CourseSession.number)
    ).all()


def perform(desk: FrontDesk, session: CourseSession, *, at: datetime) -> None:
    """Treat a course patient: the recipe as it was sold, and what the technique uses."""
    course = courses.course(desk.db, session.course_id)
    quote = quote_records.quote(desk.db, course.quote_id)
    if demo_payments.stays_away(desk.db, course, session, site=desk.site, at=at):
        return
    courses.perform(
        desk.db,
        course,
        session.number,
        visit_at=at,
        site=desk.site,
        recorded_at=at,
        by=PRACTITIONER,
        patient_ref=course.patient_ref,
        lines=_lines(desk, quote.protocol_id),
    )
    demo_payments.after(desk.db, course, site=desk.site, at=at)


def _lines(desk: FrontDesk, protocol_id: int) -> tuple[Line, ...]:
    if protocol_id not in desk.steps:
        protocol = desk.db.get_one(Protocol, protocol_id)
        recipe = protocols.recipe(desk.db, protocol)
        desk.steps[protocol_id] = demo_menu.lines_of(desk.db, recipe, protocol.technique)
    return desk.steps[protocol_id]


def _issue(desk: FrontDesk, quote: Quote, at: datetime) -> None:
    override = _override(quote)
    quote_life.issue(desk.db, quote, site=desk.site, at=at, by=PRACTITIONER, override=override)
    answer = ANSWERS[desk.issued % len(ANSWERS)]
    desk.issued += 1
    days = TOO_LATE if answer == "late" else desk.chance.choice(PATIENCE)
    if answer != "silence":
        desk.pending.append(Pending(desk.site.day(at) + timedelta(days=days), quote.id, answer))


def _override(quote: Quote) -> str:
    """A practitioner's reason, where an allergen match stands in the way (T6)."""
    blocked = any(warning["blocks"] for warning in quote.warnings)
    return "Skin test negative on both forearms; discussed with the patient." if blocked else ""


def _accept(desk: FrontDesk, quote: Quote, at: datetime) -> None:
    course = quote_life.accept(desk.db, quote, site=desk.site, at=at, by=DESK)
    demo_payments.deposit(desk.db, course, site=desk.site, at=at)


def _accept_late(desk: FrontDesk, quote: Quote, at: datetime) -> None:
    reason = "The patient was abroad; the price is kept."
    course = quote_life.accept(desk.db, quote, site=desk.site, at=at, by=MANAGER, late_reason=reason)
    demo_payments.deposit(desk.db, course, site=desk.site, at=at)


def _decline(desk: FrontDesk, quote: Quote, at: datetime) -> None:
    quote_life.decline(desk.db, quote, at=at, by=DESK, reason="wants to think about it")


def _withdraw(desk: FrontDesk, quote: Quote, at: datetime) -> None:
    quote_life.withdraw(desk.db, quote, at=at, by=MANAGER, reason="the practitioner is on leave")


def _revise(desk: FrontDesk, quote: Quote, at: datetime) -> None:
    """The patient wants to begin a week later: a new version, issued at once and accepted in a few days."""
    asked = quotes.request_of(desk.db, quote)
    later = replace(asked, starts_on=asked.starts_on + timedelta(days=7))
    newer = quote_life.revise(desk.db, quote, later, site=desk.site, at=at, by=DESK)
    override = _override(newer)
    quote_life.issue(desk.db, newer, site=desk.site, at=at, by=PRACTITIONER, override=override)
    desk.pending.append(Pending(desk.site.day(at) + timedelta(days=3), newer.id, "accept"))


STEPS = {
    "issue": _issue,
    "accept": _accept,
    "late": _accept_late,
    "decline": _decline,
    "withdraw": _withdraw,
    "revise": _revise,
}
