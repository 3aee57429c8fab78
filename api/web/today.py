"""Page: today. What each role should look at first: to discard, expiring, short, and who comes."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import Response, g

from api.auth import Role
from api.web import formats, frame, quote_desk, rights, shelves
from api.web.booked import booked as planned
from inventory import alerts, lot_list, reordering
from inventory.clinic import Site
from inventory.lot_list import LotRow
from inventory.measures import ZERO
from inventory.reordering import Advice

blueprint = frame.chapter("today")

FEW = 6
WEEK = 7
NEAR = timedelta(days=14)  # of what is open: bags and tubes last for months


@dataclass(frozen=True)
class Parts:
    """Which parts of the page a role gets; first what is theirs to do."""

    treat: bool
    vials: bool
    expiring: bool
    short: bool
    quotes: bool


PARTS = {
    Role.MANAGER: Parts(treat=True, vials=True, expiring=True, short=True, quotes=True),
    Role.ADMIN: Parts(treat=True, vials=True, expiring=True, short=True, quotes=True),
    Role.PRACTITIONER: Parts(treat=True, vials=True, expiring=True, short=False, quotes=False),
    Role.FRONT_DESK: Parts(treat=True, vials=False, expiring=False, short=True, quotes=True),
    Role.ACCOUNTANT: Parts(treat=False, vials=False, expiring=True, short=True, quotes=False),
}


@blueprint.get("/")
def today() -> Response:
    """The start page of the visitor's role; in a new book the way to the first site."""
    role = g.visitor.role
    if not frame.my_sites():
        return frame.page(
            "no_site.html",
            name=g.visitor.name,
            opens=rights.may(role, "POST /settings/sites/new"),
            lets_in=rights.may(role, "POST /people/new"),
        )
    site = frame.here()
    on = site.day(g.now)
    parts = PARTS[role]
    lots = _expiring(site, on)
    vials = [vial for vial in shelves.vials(g.db, site=site) if vial.discard_at <= g.now + NEAR]
    advice = reordering.advise(g.db, site=site, on=on, others=frame.my_sites())
    week = on + timedelta(days=WEEK - 1)
    booked = planned(g.db, site=site, until=week, at=g.now) if parts.treat else []
    waiting = quote_desk.waiting(site, most=FEW + 1) if parts.quotes else ()
    return frame.page(
        "today.html",
        name=g.visitor.name,
        on=on,
        parts=parts,
        lots=lots[:FEW],
        lots_more=len(lots) - FEW,
        expired=[lot for lot in lots if lot.expires_on < on],
        at_risk=sum((lot.value for lot in lots), ZERO),
        lot_count=len(lots),
        vials=vials[:FEW],
        vials_more=len(vials) - FEW,
        due=[vial for vial in vials if vial.discard_at <= g.now],
        tonight=[vial for vial in vials if vial.discard_at <= site.end_of(on)],
        short=_urgent(advice)[:FEW],
        short_count=len(advice),
        late=len({one.order_id for one in alerts.late(g.db, site=site, on=on)}) if parts.short else 0,
        booked=booked[:FEW],
        booked_today=sum(1 for one in booked if one.on <= on),
        booked_count=len(booked),
        lacking=sum(1 for one in booked if one.missing),
        waiting=waiting[:FEW],
        waiting_more=len(waiting) > FEW,
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may_discard=frame.may("GET /vials/discard-due"),
    )


def _urgent(advice: list[Advice]) -> list[Advice]:
    """What runs out first, first."""
    return sorted(advice, key=lambda one: (one.days_of_cover is None, one.days_of_cover or 0, one.sku))


def _expiring(site: Site, on: date) -> list[LotRow]:
    """What is still held and expires within a month, or has."""
    until = on + timedelta(days=formats.SOON + 1)
    return lot_list.lots(g.db, site=site, held=True, expiring_before=until, limit=None)
