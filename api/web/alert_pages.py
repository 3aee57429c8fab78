"""Pages: what a site is to look after, and the private calendars of it."""

from flask import Response, g, request

from api import calendars
from api.rest.alerts import address
from api.web import forms, frame
from api.web.forms import Done
from inventory import alerts
from inventory.alerts import AlertKind
from inventory.clinic import Site

blueprint = frame.chapter("alerts")

HEADS = {
    AlertKind.DISCARD: ("Discard today", "Opened vials whose time is past or ends with the day", "trash-2"),
    AlertKind.EXPIRED: ("Expired", "Still on a shelf: write it off", "calendar-clock"),
    AlertKind.EXPIRES: ("Expires", "Use it first, or ask the supplier to take it back", "calendar-clock"),
    AlertKind.LATE: ("Late", "Ordered and not come by its day: ask for it, or close the order", "truck"),
    AlertKind.SHORT: ("Runs short", "Below what is needed until a delivery can come", "shopping-cart"),
    AlertKind.HELD: ("Held back", "Waits for a decision", "hand"),
}
WINDOWS = (7, 30, 60, 90, 180)


@blueprint.get("/alerts")
def list_alerts() -> Response:
    """What the site is to look after, the most pressing first."""
    site = frame.here()
    asked = request.args.get("within", "")
    within = int(asked) if asked in {str(days) for days in WINDOWS} else None
    found = alerts.alerts(g.db, site=site, at=g.now, within_days=within, others=frame.my_sites())
    days = tuple(sorted({*WINDOWS, found.within_days}))
    return frame.page(
        "alerts.html",
        found=found,
        parts=[(kind, *HEADS[kind], found.of(kind)) for kind in AlertKind],
        windows=days,
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        calendars=[(one, g.db.get_one(Site, one.site_id)) for one in calendars.of(g.db, g.caller)],
        may_discard=frame.may("GET /vials/discard-due"),
        may_order=frame.may("GET /reorder"),
        may_see=frame.may("GET /orders/<id:order_id>"),
    )


@blueprint.post("/alerts/calendars")
def make_calendar() -> Response:
    """A new private address of the site's alerts, shown this once."""
    site = frame.here()
    _, secret = calendars.make(g.db, site=site, caller=g.caller, at=g.now)
    return frame.page("calendar.html", address=address(secret), site=site)


@blueprint.post("/alerts/calendars/<id:calendar_id>/end")
def end_calendar(calendar_id: int) -> Response:
    """End a calendar: its address answers no more."""
    calendars.end(g.db, calendar_id, caller=g.caller, at=g.now)
    return forms.go(Done("/alerts", "The calendar is ended: its address answers no more."))
