"""Pages: courses sold, the sessions performed, and undoing one that was recorded by mistake (P5, S8)."""

from typing import Any

import sqlalchemy as sa
from flask import Response, g, request

from api.rest.treatments import flags_of, recorded_uses
from api.web import booked, forms, frame
from inventory import corrections, tracing, treatments
from inventory.catalog import Item, ItemKind
from inventory.clinic import Site
from inventory.ledger import Movement
from inventory.measures import ZERO
from pricing import courses, quote_records
from pricing.courses import Course, CourseSession
from pricing.protocols import Protocol
from pricing.quote_records import Quote, QuoteState

blueprint = frame.chapter("courses")

PAGE = 30
SHOWN = (("", "Still to come"), ("done", "Completed"), ("all", "All"))


@blueprint.get("/courses")
def listing() -> Response:
    """The courses of the site, the newest first; what is asked for stands in the address."""
    site = frame.here()
    shown, text = request.args.get("show", ""), forms.searched(40)
    shown = shown if shown in dict(SHOWN) else ""
    query = _rows(site)
    unfinished = sa.select(CourseSession.course_id).where(CourseSession.session_id.is_(None))
    if shown != "all":
        query = query.where(Course.id.not_in(unfinished) if shown else Course.id.in_(unfinished))
    if text:
        query = query.where(Course.patient_ref.contains(text, autoescape=True))
    after = request.args.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 18:
        query = query.where(Course.id < int(after))
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
    return frame.page("courses.html", **values, shown=SHOWN)


def _rows(site: Site) -> sa.Select[Any]:
    """Each course with how far it is and when it goes on."""
    performed = sa.func.count(CourseSession.session_id)
    planned = sa.case((CourseSession.session_id.is_(None), CourseSession.planned_on))
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
    to_come = [one for one in listed if one.session_id is None]
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
        number=g.db.get_one(QuoteState, quote.id).number,
        protocol=g.db.get_one(Protocol, quote.protocol_id),
        sessions=listed,
        performed=performed,
        missing=missing,
        next=to_come[0] if to_come else None,
        today=site.day(g.now),
        accepted_on=site.day(subject.accepted_at),
        zone=site.time_zone,
        may_treat=frame.may("GET /courses/<id:course_id>/sessions/<id:number>/treat"),
    )


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
    )


def _undone(subject: treatments.TreatmentSession) -> bool:
    """Whether all that a session took was given back."""
    ids = g.db.scalars(sa.select(Movement.id).where(Movement.document_id == subject.document_id)).all()
    return bool(ids) and len(corrections.reversed_ids(g.db, ids)) == len(ids)
