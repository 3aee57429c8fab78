"""Usage: what the ledger and the open courses say of each item's need, and which stock may meet it (O1)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import orders
from inventory.allocations import Allocation
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import PLACES, PlaceKind, Site
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


def read(
    db: Session,
    *,
    site: Site,
    on: date,
    window_days: int,
    item_ids: Collection[int] | None = None,
    beyond: date | None = None,
) -> list[ItemFacts]:
    """The facts of items in use, by SKU: a few statements, however many items there are; None names all.

    With `beyond`, all lots of an item that last until that day or longer are one batch that lasts until it:
    enough to say what counts before it, and no row for every lot on the shelf.
    """
    began = db.scalar(sa.select(sa.func.min(DOCUMENTS.c.on)).where(DOCUMENTS.c.site_id == site.id))
    known = 0 if began is None else (on - began).days + 1
    days = max(1, min(window_days, max(known, SHORTEST_HISTORY)))
    batches = _usable(db, site=site, on=on, item_ids=item_ids, beyond=beyond)
    planned = _planned(db, site=site, item_ids=item_ids)
    arriving = orders.expected(db, site_id=site.id, on=on)
    since = on - timedelta(days=days - 1)
    daily = _walk_in_use(db, site=site, since=since, until=on, item_ids=item_ids)
    items = sa.select(Item.id, Item.sku, Item.name, Item.unit, Item.content, Item.shelf_life_months)
    if item_ids is not None:
        items = items.where(Item.id.in_(sorted(item_ids)))
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


def in_full(db: Session, facts: Sequence[ItemFacts], *, site: Site, on: date) -> list[ItemFacts]:
    """Facts that were read with `beyond`, with every batch as it is."""
    batches = _usable(db, site=site, on=on, item_ids=[item.item_id for item in facts]) if facts else {}
    return [replace(item, batches=tuple(batches.get(item.item_id, ()))) for item in facts]


def _usable(
    db: Session,
    *,
    site: Site,
    on: date,
    item_ids: Collection[int] | None,
    beyond: date | None = None,
) -> dict[int, list[Batch]]:
    """Released lots on the shelf and in date, and opened vials that anyone may still be served from."""
    lot, vial = Lot.__table__.c, OpenedVial.__table__.c
    found: dict[int, list[Batch]] = defaultdict(list)
    for item_id, expires_on, quantity in _sealed(db, site=site, on=on, item_ids=item_ids, beyond=beyond):
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
    if item_ids is not None:
        opened = opened.where(vial.item_id.in_(sorted(item_ids)))
    for item_id, discard_at, left in db.execute(opened):
        found[item_id].append(Batch(_last_whole_day(site, discard_at), left))
    return found


def _sealed(
    db: Session, *, site: Site, on: date, item_ids: Collection[int] | None, beyond: date | None
) -> Iterable[tuple[int, date, Decimal]]:
    """Item, expiry and quantity of what is sealed, released and in date; what lasts `beyond` summed up."""
    b, lot = BALANCES.c, Lot.__table__.c
    shelves = sa.select(PLACES.c.id).where(PLACES.c.site_id == site.id, PLACES.c.kind == PlaceKind.SHELF)
    # Lots that are held back are few: naming them is faster than to look at the state of all the others.
    held_back = sa.select(lot.id).where(lot.state != LotState.RELEASED)
    some = (
        b.place_id.in_(list(db.scalars(shelves))),
        b.lot_id.not_in(held_back),
        b.quantity > NOTHING,
        *((b.item_id.in_(sorted(item_ids)),) if item_ids is not None else ()),
    )
    by_day = sa.select(b.item_id, b.expires_on, sa.func.sum(b.quantity)).where(*some, b.expires_on >= on)
    if beyond is not None:
        by_day = by_day.where(b.expires_on < beyond)
    by_day = by_day.group_by(b.item_id, b.expires_on).order_by(b.item_id, b.expires_on)
    found: list[Any] = list(db.execute(by_day))
    if beyond is not None:
        lasting = sa.select(b.item_id, sa.func.sum(b.quantity)).where(*some, b.expires_on >= max(beyond, on))
        found += [(key, beyond, quantity) for key, quantity in db.execute(lasting.group_by(b.item_id))]
    return found


def _last_whole_day(site: Site, deadline: datetime) -> date:
    return site.day(deadline) - timedelta(days=1)


def _planned(
    db: Session, *, site: Site, item_ids: Collection[int] | None
) -> dict[int, list[tuple[date, Decimal]]]:
    """What open courses were promised, by item and day (P5)."""
    promised = (
        sa.select(Allocation.item_id, Allocation.due_on, sa.func.sum(Allocation.quantity))
        .where(Allocation.site_id == site.id, Allocation.ended_at.is_(None))
        .group_by(Allocation.item_id, Allocation.due_on)
        .order_by(Allocation.item_id, Allocation.due_on)
    )
    if item_ids is not None:
        promised = promised.where(Allocation.item_id.in_(sorted(item_ids)))
    rows = db.execute(promised)
    planned: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for item_id, due_on, quantity in rows:
        planned[item_id].append((due_on, quantity))
    return planned


def _walk_in_use(
    db: Session, *, site: Site, since: date, until: date, item_ids: Collection[int] | None
) -> dict[int, list[Decimal]]:
    """What patients without a course used and what opening lost, by item and day; not what was undone."""
    m = MOVEMENTS.c
    undone = MOVEMENTS.alias("undone")
    kinds = (PlaceKind.PATIENT, PlaceKind.WASTE)
    ends = db.execute(sa.select(PLACES.c.kind, PLACES.c.id).where(PLACES.c.kind.in_(kinds))).all()
    patients, waste = ([key for kind, key in ends if kind is wanted] for wanted in kinds)
    used = (
        sa.select(m.item_id, m.on, sa.func.sum(m.quantity))
        .join(DOCUMENTS, DOCUMENTS.c.id == m.document_id)
        .where(
            m.on.between(since, until),
            DOCUMENTS.c.site_id == site.id,
            ~DOCUMENTS.c.reference.like(COURSE_SESSION),
            # By the places' keys, so that what went elsewhere is passed by before its document is read.
            sa.or_(m.target_id.in_(patients), sa.and_(m.target_id.in_(waste), m.reason.in_(OPENING_LOSSES))),
            m.corrects_id.is_(None),
            m.id.not_in(sa.select(undone.c.corrects_id).where(undone.c.corrects_id.is_not(None))),
        )
        .group_by(m.item_id, m.on)
        .order_by(m.item_id, m.on)
    )
    if item_ids is not None:
        used = used.where(m.item_id.in_(sorted(item_ids)))
    rows = db.execute(used)
    daily: dict[int, list[Decimal]] = defaultdict(list)
    for item_id, _, quantity in rows:
        daily[item_id].append(quantity)
    return daily
