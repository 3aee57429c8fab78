"""Pages: courses sold, the sessions performed, and undoing one that was recorded by mistake (P5, S8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Response, g, request

from api.rest.treatments import flags_of, recorded_uses
from api.schemas import key_of
from api.web import booked, forms, frame
from api.web.formats import day
from inventory import corrections, tracing, treatments
from inventory.catalog import Item, ItemKind
from inventory.clinic import Site
from inventory.ledger import Movement
from inventory.measures import ZERO
from pricing import (
    course_book,
    course_events,
    course_life,
    course_money,
    courses,
    quote_records,
    session_changes,
    sharing_hints,
    variance,
)
from pricing.course_events import CourseEvent, CourseEventKind
from pricing.courses import Course, CourseSession, SessionState
from pricing.protocols import Protocol
from pricing.quote_records import Quote
from pricing.variance import SessionVariance

blueprint = frame.chapter("courses")

STATES = {
    SessionState.FORFEITED: "missed, used up",
    SessionState.WITHOUT_STOCK: "done without stock",
    SessionState.ENDED: "not to come",
}
EVENTS = {
    CourseEventKind.MISSED: "missed",
    CourseEventKind.WITHOUT_STOCK: "completed without stock",
    CourseEventKind.OUT_OF_ORDER: "performed out of order",
    CourseEventKind.TAKEN_BACK: "taken back: it is to come again",
    CourseEventKind.ENDED: "Ended",
}
PAGE = 30
SHOWN = (("", "Still to come"), ("done", "Completed"), ("all", "All"))


@dataclass(frozen=True)
class Happened:
    """One line of a course's story."""

    at: datetime
    by: str
    reason: str
    words: str


@blueprint.get("/courses")
def listing() -> Response:
    """The courses of the site, the newest first; what is asked for stands in the address."""
    site = frame.here()
    shown, text = request.args.get("show", ""), forms.searched(40)
    shown = shown if shown in dict(SHOWN) else ""
    query = _rows(site)
    unfinished = sa.select(CourseSession.course_id).where(courses.still_to_come())
    if shown != "all":
        query = query.where(Course.id.not_in(unfinished) if shown else Course.id.in_(unfinished))
    if text:
        query = query.where(Course.patient_ref.contains(text, autoescape=True))
    after = key_of(request.args.get("after", ""))
    if after is not None:
        query = query.where(Course.id < after)
    found = g.db.execute(query.order_by(Course.id.desc()).limit(PAGE + 1)).all()
    values = {
        "rows": found[:PAGE],
        "next": found[PAGE - 1].id if len(found) > PAGE else 0,
        "after": after,
        "show": shown,
        "q": text,
        "today": site.day(g.now),
    }
    if request.headers.get("HX-Target") == "courses":
        return frame.page("_course_rows.html", **values)
    hints = sharing_hints.hints(g.db, site=site, on=site.day(g.now))
    return frame.page("courses.html", **values, shown=SHOWN, hints=hints)


def _rows(site: Site) -> sa.Select[Any]:
    """Each course with how far it is and when it goes on."""
    took_place = sa.or_(
        CourseSession.session_id.isnot(None), CourseSession.settled == SessionState.WITHOUT_STOCK
    )
    performed = sa.func.count(sa.case((took_place, CourseSession.id)))
    planned = sa.case((courses.still_to_come(), CourseSession.planned_on))
    ended = sa.case((CourseSession.settled == SessionState.ENDED, CourseSession.id))
    return (
        sa.select(
            Course.id,
            Course.patient_ref,
            Course.accepted_at,
            Protocol.concern,
            Protocol.area,
            performed.label("performed"),
            sa.func.count(CourseSession.id).label("of"),
            sa.func.min(planned).label("next_on"),
            sa.func.count(ended).label("ended"),
        )
        .join(CourseSession, CourseSession.course_id == Course.id)
        .join(Quote, Quote.id == Course.quote_id)
        .join(Protocol, Protocol.id == Quote.protocol_id)
        .where(Course.site_id == site.id)
        .group_by(Course.id, Course.patient_ref, Course.accepted_at, Protocol.concern, Protocol.area)
    )


@blueprint.get("/courses/<id:course_id>")
def course(course_id: int) -> Response:
    """A course: what is planned, what was performed, and whether the vials are there."""
    subject = courses.course(g.db, course_id)
    site = frame.at_my_site(subject.site_id)
    quote = quote_records.quote(g.db, subject.quote_id)
    listed = courses.sessions(g.db, subject)
    missing = {}
    to_come = [one for one in listed if one.to_come]
    if to_come:
        last = max(one.planned_on for one in to_come)
        every = booked.booked(g.db, site=site, until=last, at=g.now)
        missing = {one.number: one.missing for one in every if one.course_id == subject.id}
    performed = {
        one.id: one
        for one in g.db.scalars(
            sa.select(treatments.TreatmentSession).where(
                treatments.TreatmentSession.id.in_([one.session_id for one in listed if one.session_id])
            )
        )
    }
    return frame.page(
        "course.html",
        course=subject,
        quote=quote,
        number=quote_records.state(g.db, quote).number,
        protocol=g.db.get_one(Protocol, quote.protocol_id),
        sessions=listed,
        performed=performed,
        missing=missing,
        next=to_come[0] if to_come else None,
        today=site.day(g.now),
        accepted_on=site.day(subject.accepted_at),
        zone=site.time_zone,
        may_treat=frame.may("GET /courses/<id:course_id>/sessions/<id:number>/treat"),
        states=STATES,
        **_money(subject),
        **_life(subject),
    )


def _money(subject: Course) -> dict[str, Any]:
    """What was paid for a course and under which terms; what it cost, for who sees that (P5, B2, C6)."""
    costs = frame.sees_costs()
    variances = variance.of_course(g.db, subject) if costs else ()
    return {
        "account": course_money.account(g.db, subject.id),
        "entries": course_book.entries(g.db, subject.id),
        "policy": course_money.terms(g.db, subject.id).policy,
        "may_pay": frame.may("GET /courses/<id:course_id>/pay"),
        "costs": costs,
        "variances": variances,
        "together": variance.together(variances),
    }


def _life(subject: Course) -> dict[str, Any]:
    """What happened to a course: each session's days, and the whole story, the latest first."""
    told = course_events.events(g.db, subject.id)
    moves: dict[int, list[str]] = {}
    for one in told:
        if one.number is not None and one.kind is CourseEventKind.MOVED and one.from_on:
            moves.setdefault(one.number, []).append(f"was {day(one.from_on)}")
        elif one.number is not None and one.kind is CourseEventKind.MISSED and one.from_on:
            moves.setdefault(one.number, []).append(f"missed on {day(one.from_on)}")
    policy = course_money.terms(g.db, subject.id).policy
    return {
        "moves": moves,
        "history": [Happened(one.at, one.by, one.reason, _words(one)) for one in reversed(told)],
        "may_take_back": frame.may("GET /courses/<id:course_id>/sessions/<id:number>/take-back"),
        "may_pass_on": course_life.transfers_left(g.db, subject, policy) > 0,
    }


def _words(event: CourseEvent) -> str:
    """What an event was, in a few words."""
    fee = f"; the policy asks for {event.fee:.2f}" if event.fee else ""
    if event.kind is CourseEventKind.MOVED and event.from_on and event.to_on:
        return (
            f"Session {event.number} moved from {day(event.from_on)} to {day(event.to_on)}, "
            f"{event.notice_hours} hours before{fee}"
        )
    if event.kind is CourseEventKind.TRANSFERRED:
        return f"Passed from {event.from_patient} to {event.to_patient}"
    if event.number is None:
        return EVENTS[event.kind]
    return f"Session {event.number} {EVENTS[event.kind]}{fee}"


@blueprint.get("/sessions/<id:session_id>")
def session(session_id: int) -> Response:
    """A session as it was performed: what it used of which lot, and what was discarded."""
    subject = treatments.session(g.db, session_id)
    site = frame.at_my_site(subject.site_id)
    uses = recorded_uses(subject)
    items = {
        item.sku: item for item in g.db.scalars(sa.select(Item).where(Item.sku.in_([u["sku"] for u in uses])))
    }
    uses.sort(key=lambda use: items[use["sku"]].kind is not ItemKind.INJECTABLE)  # what is injected, first
    performed = courses.performed_in(g.db, subject)
    return frame.page(
        "session.html",
        session=subject,
        uses=uses,
        items=items,
        labels={one.lot_id: one for one in tracing.of_session(g.db, subject, with_reversed=True)},
        cost=sum((use["value"] for use in uses), ZERO),
        performed=performed,
        flags=flags_of(uses),
        undone=_undone(subject),
        may_undo=frame.may("GET /sessions/<id:session_id>/undo"),
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        changes=session_changes.of_session(g.db, subject.id),
        variance=_variance(performed) if frame.sees_costs() else None,
    )


def _variance(performed: CourseSession | None) -> SessionVariance | None:
    """What the session cost against its quote (C6)."""
    if performed is None:
        return None
    return variance.of_session(g.db, courses.course(g.db, performed.course_id), performed)


def _undone(subject: treatments.TreatmentSession) -> bool:
    """Whether all that a session took was given back."""
    ids = g.db.scalars(sa.select(Movement.id).where(Movement.document_id == subject.document_id)).all()
    return bool(ids) and len(corrections.reversed_ids(g.db, ids)) == len(ids)
