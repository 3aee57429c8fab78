"""Page: today. What each role should look at first: to discard, expiring, short, and who comes."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Response, g

from api.auth import Role
from api.web import formats, frame, shelves
from inventory import lot_list, reordering, stock
from inventory.allocations import Allocation
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.lot_list import LotRow
from inventory.measures import ZERO
from inventory.reordering import Advice

blueprint = frame.chapter("today")

FEW = 6
WEEK = 7
NEAR = timedelta(days=14)  # of what is open: bags and tubes last for months


@dataclass(frozen=True)
class Booked:
    """A session that is booked: who, when, and what of its vials is not there."""

    reference: str
    patient_ref: str
    on: date
    items: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """Which parts of the page a role gets; first what is theirs to do."""

    treat: bool
    vials: bool
    expiring: bool
    short: bool


PARTS = {
    Role.MANAGER: Parts(treat=True, vials=True, expiring=True, short=True),
    Role.ADMIN: Parts(treat=True, vials=True, expiring=True, short=True),
    Role.PRACTITIONER: Parts(treat=True, vials=True, expiring=True, short=False),
    Role.FRONT_DESK: Parts(treat=True, vials=False, expiring=False, short=True),
    Role.ACCOUNTANT: Parts(treat=False, vials=False, expiring=True, short=True),
}


@blueprint.get("/")
def today() -> Response:
    """The start page of the visitor's role."""
    site = frame.here()
    on = site.day(g.now)
    parts = PARTS[g.visitor.role]
    lots = _expiring(site, on)
    vials = [vial for vial in shelves.vials(g.db, site=site) if vial.discard_at <= g.now + NEAR]
    advice = reordering.advise(g.db, site=site, on=on)
    booked = _booked(site, on) if parts.treat else []
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
        booked=booked[:FEW],
        booked_today=sum(1 for one in booked if one.on <= on),
        booked_count=len(booked),
        lacking=sum(1 for one in booked if one.missing),
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


def _booked(site: Site, on: date) -> list[Booked]:
    """The booked sessions of the week, and what each lacks after those before it were supplied."""
    c = Allocation.__table__.c
    rows: Any = g.db.execute(
        sa.select(c.reference, c.patient_ref, c.due_on, c.quantity, c.item_id, Item.name, Item.unit)
        .join(Item, Item.id == c.item_id)
        .where(c.site_id == site.id, c.ended_at.is_(None), c.due_on < on + timedelta(days=WEEK))
        .order_by(c.due_on, c.reference, c.id)
    ).all()
    left = _usable(site, {row.item_id for row in rows}, on)
    sessions: dict[str, list[Any]] = {}
    for row in rows:
        sessions.setdefault(row.reference, []).append(row)
    return [_session(reference, needs, left) for reference, needs in sessions.items()]


def _session(reference: str, needs: list[Any], left: dict[int, Decimal]) -> Booked:
    missing = []
    for need in needs:
        there = left.get(need.item_id, ZERO)
        if there < need.quantity:
            missing.append(f"{formats.quantity(need.quantity - there, need.unit)} of {need.name}")
        left[need.item_id] = max(ZERO, there - need.quantity)
    return Booked(reference, needs[0].patient_ref, needs[0].due_on, len(needs), tuple(missing))


def _usable(site: Site, item_ids: set[int], on: date) -> dict[int, Decimal]:
    skus = list(g.db.scalars(sa.select(Item.sku).where(Item.id.in_(sorted(item_ids)))))
    if not skus:
        return {}
    found = stock.stock(g.db, site=site, at=g.now, skus=skus, on=on, limit=None)
    return {item.item_id: item.usable for item in found}
