"""Usage: what the ledger and the open courses say of each item's need, and which stock may meet it (O1)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import orders
from inventory.allocations import Allocation
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.ledger import DOCUMENTS, MOVEMENTS, WasteReason
from inventory.lots import Lot, LotState
from inventory.vials import OpenedVial

OPENING_LOSSES = (WasteReason.SINGLE_DOSE_REMAINDER.value, WasteReason.BEYOND_USE.value)
"""What opening costs beyond the dose; it comes again with every patient, so it is need."""
COURSE_SESSION = "course %"
"""How the documents of planned sessions are called; their need is known from the course itself."""
SHORTEST_HISTORY = 28  # days; one session in a young book is no habit
NOTHING = sa.literal_column("0", sa.BigInteger)  # a bound zero would not match the partial indexes


@dataclass(frozen=True, slots=True)
class Batch:
    """So much usable stock, and the last day on which all of it may be used."""

    last_day: date
    quantity: Decimal


@dataclass(frozen=True)
class ItemFacts:
    """What is known of one item at one site on a day."""

    item_id: int
    sku: str
    name: str
    unit: str
    content: Decimal  # of one container
    shelf_life_months: int | None
    batches: tuple[Batch, ...]
    planned: tuple[tuple[date, Decimal], ...]  # of open courses, by day
    daily: tuple[Decimal, ...]  # walk-in use of the days that had any
    days: int  # how many days that history covers
    arriving: tuple[tuple[date, Decimal], ...] = ()  # on order, by the day it is expected


def read(db: Session, *, site: Site, on: date, window_days: int) -> list[ItemFacts]:
    """The facts of every item in use, by SKU: seven statements, however many items there are."""
    began = db.scalar(sa.select(sa.func.min(DOCUMENTS.c.on)).where(DOCUMENTS.c.site_id == site.id))
    known = 0 if began is None else (on - began).days + 1
    days = max(1, min(window_days, max(known, SHORTEST_HISTORY)))
    batches = _usable(db, site=site, on=on)
    planned = _planned(db, site=site)
    arriving = orders.expected(db, site_id=site.id, on=on)
    daily = _walk_in_use(db, site=site, since=on - timedelta(days=days - 1), until=on)
    items = sa.select(Item.id, Item.sku, Item.name, Item.unit, Item.content, Item.shelf_life_months)
    return [
        ItemFacts(
            item_id=key,
            sku=sku,
            name=name,
            unit=unit.value,
            content=content,
            shelf_life_months=months,
            batches=tuple(batches.get(key, ())),
            planned=tuple(planned.get(key, ())),
            daily=tuple(daily.get(key, ())),
            days=days,
            arriving=tuple(arriving.get(key, ())),
        )
        for key, sku, name, unit, content, months in db.execute(items.where(Item.active).order_by(Item.sku))
    ]


def _usable(db: Session, *, site: Site, on: date) -> dict[int, list[Batch]]:
    """Released lots on the shelf and in date, and opened vials that anyone may still be served from."""
    b, lot, place, vial = BALANCES.c, Lot.__table__.c, Place.__table__.c, OpenedVial.__table__.c
    sealed = (
        sa.select(b.item_id, b.expires_on, sa.func.sum(b.quantity))
        .join(Lot.__table__, lot.id == b.lot_id)
        .join(Place.__table__, place.id == b.place_id)
        .where(
            place.site_id == site.id,
            place.kind == PlaceKind.SHELF,
            lot.state == LotState.RELEASED,
            b.quantity > NOTHING,
            b.expires_on >= on,
        )
        .group_by(b.item_id, b.expires_on)
        .order_by(b.item_id, b.expires_on)
    )
    found: dict[int, list[Batch]] = defaultdict(list)
    for item_id, expires_on, quantity in db.execute(sealed):
        found[item_id].append(Batch(expires_on, quantity))
    # Without a clock only what outlives the day can be trusted not to be past its discard time.
    opened = (
        sa.select(vial.item_id, vial.discard_at, vial.remaining)
        .join(Lot.__table__, lot.id == vial.lot_id)
        .where(
            vial.site_id == site.id,
            vial.closed_at.is_(None),
            vial.remaining > NOTHING,
            vial.patient_ref.is_(None),
            vial.discard_at >= site.end_of(on),
            lot.state == LotState.RELEASED,
            lot.expires_on >= on,
        )
        .order_by(vial.item_id, vial.site_id)  # as the index of vials in use has them
    )
    for item_id, discard_at, left in db.execute(opened):
        found[item_id].append(Batch(_last_whole_day(site, discard_at), left))
    return found


def _last_whole_day(site: Site, deadline: datetime) -> date:
    return site.day(deadline) - timedelta(days=1)


def _planned(db: Session, *, site: Site) -> dict[int, list[tuple[date, Decimal]]]:
    """What open courses were promised, by item and day (P5)."""
    rows = db.execute(
        sa.select(Allocation.item_id, Allocation.due_on, sa.func.sum(Allocation.quantity))
        .where(Allocation.site_id == site.id, Allocation.ended_at.is_(None))
        .group_by(Allocation.item_id, Allocation.due_on)
        .order_by(Allocation.item_id, Allocation.due_on)
    )
    planned: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for item_id, due_on, quantity in rows:
        planned[item_id].append((due_on, quantity))
    return planned


def _walk_in_use(db: Session, *, site: Site, since: date, until: date) -> dict[int, list[Decimal]]:
    """What patients without a course used and what opening lost, by item and day; not what was undone."""
    m, place = MOVEMENTS.c, Place.__table__.c
    undone = MOVEMENTS.alias("undone")
    rows = db.execute(
        sa.select(m.item_id, m.on, sa.func.sum(m.quantity))
        .join(DOCUMENTS, DOCUMENTS.c.id == m.document_id)
        .join(Place.__table__, place.id == m.target_id)
        .where(
            m.on.between(since, until),
            DOCUMENTS.c.site_id == site.id,
            ~DOCUMENTS.c.reference.like(COURSE_SESSION),
            sa.or_(
                place.kind == PlaceKind.PATIENT,
                sa.and_(place.kind == PlaceKind.WASTE, m.reason.in_(OPENING_LOSSES)),
            ),
            m.corrects_id.is_(None),
            ~sa.exists().where(undone.c.corrects_id == m.id),
        )
        .group_by(m.item_id, m.on)
        .order_by(m.item_id, m.on)
    )
    daily: dict[int, list[Decimal]] = defaultdict(list)
    for item_id, _, quantity in rows:
        daily[item_id].append(quantity)
    return daily
