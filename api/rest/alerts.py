"""JSON: what a site is to look after, and the private calendars of it."""

from typing import Any

from flask import Response, current_app, g, request
from marshmallow import fields

from api import calendars, where
from api.openapi import BASE
from api.rest.calls import made, noun, site_or_first
from api.schemas import Cost, Moment, Quantity, Shape, Whole, Words, one_word
from inventory import alerts
from inventory.alerts import LONGEST_VIEW, AlertKind
from inventory.clinic import Site

blueprint = noun("alerts", "Alerts and their calendars")


class AlertsQuery(Shape):
    """Whose alerts, and how far to look."""

    site = Words(20)
    within_days = Whole(least=0, most=LONGEST_VIEW, in_address=True)
    held_days = Whole(least=0, most=LONGEST_VIEW, in_address=True)


class AlertShape(Shape):
    """One thing to look after."""

    kind = one_word(AlertKind)
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    quantity = Quantity()
    value = Cost(allow_none=True)
    due_on = fields.Date(allow_none=True)
    due_at = Moment(allow_none=True)
    lot = fields.Integer(attribute="lot_id", allow_none=True)
    lot_number = fields.String(allow_none=True)
    opened_vial = fields.Integer(attribute="vial_id", allow_none=True)
    order = fields.Integer(attribute="order_id", allow_none=True)
    reason = fields.String()
    sentence = fields.String()


class AlertsShape(Shape):
    """A site's alerts, the most pressing first, and what expires is worth."""

    site = fields.String(attribute="site.code")
    on = fields.Date()
    within_days = fields.Integer()
    held_days = fields.Integer()
    value_at_risk = Cost(allow_none=True)
    items = fields.List(fields.Nested(AlertShape))


@blueprint.get("/alerts")
@blueprint.arguments(AlertsQuery, location="query")
@blueprint.response(200, AlertsShape)
def list_alerts(query: dict[str, Any]) -> Any:
    """Say what to discard, what expires and its value, what is late or short, what waits in quarantine."""
    return alerts.alerts(
        g.db,
        site=site_or_first(query.get("site")),
        at=g.now,
        within_days=query.get("within_days"),
        held_days=query.get("held_days"),
        others=where.mine(),
    )


class NewCalendar(Shape):
    """Whose alerts."""

    site = Words(20)


class CalendarShape(Shape):
    """A calendar; its address is told once, when it is made."""

    id = fields.Integer()
    site = fields.String()
    made_at = Moment()
    ended_at = Moment(allow_none=True)
    address = fields.String()


class CalendarsShape(Shape):
    """The caller's calendars that were not ended."""

    items = fields.List(fields.Nested(CalendarShape))


@blueprint.get("/calendars")
@blueprint.response(200, CalendarsShape)
def list_calendars() -> Any:
    """List the caller's private calendars; an admin sees everybody's."""
    return {"items": [_shown(calendar) for calendar in calendars.of(g.db, g.caller)]}


@blueprint.post("/calendars")
@blueprint.arguments(NewCalendar)
@blueprint.response(201, CalendarShape)
def make_calendar(body: dict[str, Any]) -> Any:
    """Make a private address of a site's alerts for a calendar program; it is told this once."""
    calendar, secret = calendars.make(g.db, site=site_or_first(body.get("site")), caller=g.caller, at=g.now)
    # An answer that is kept to be given again would keep the secret: a retry makes another calendar.
    g.asked = None
    return made(_shown(calendar) | {"address": address(secret)}, f"/calendars/{calendar.id}")


@blueprint.post("/calendars/<id:calendar_id>/end")
@blueprint.response(200, CalendarShape)
def end_calendar(calendar_id: int) -> Any:
    """End a calendar: its address answers no more."""
    return _shown(calendars.end(g.db, calendar_id, caller=g.caller, at=g.now))


@blueprint.get("/calendars/<code:secret>.ics")
@blueprint.doc(responses={"200": {"description": "An iCalendar file", "content": {"text/calendar": {}}}})
def get_calendar(secret: str) -> Response:
    """Answer a site's alerts as an iCalendar file, to whoever has the address."""
    site = calendars.site_of(g.db, secret)
    answer = Response(calendars.feed(g.db, site=site, at=g.now), mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'inline; filename="vialbook-{site.code}.ics"'
    answer.headers["Cache-Control"] = "private, max-age=900"
    return answer


def address(secret: str) -> str:
    """The whole private address: under the name that the clinic chose, else as the caller reached us."""
    host = next((one for one in current_app.config["VIALBOOK_HOSTS"] if one[0] != "."), request.host)
    return f"{request.scheme}://{host}{BASE}/calendars/{secret}.ics"


def _shown(calendar: calendars.Calendar) -> dict[str, Any]:
    site = g.db.get_one(Site, calendar.site_id)
    return {
        "id": calendar.id,
        "site": site.code,
        "made_at": calendar.made_at,
        "ended_at": calendar.ended_at,
    }
