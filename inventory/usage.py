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
from inventory.catalog import DoseClass, Item, ItemKind
from inventory.clinic import PLACES, PlaceKind, Site
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind, WasteReason
from inventory.lots import Lot, LotState
from inventory.measures import ZERO
from inventory.orders import Expected
from inventory.transfers import Transfer, TransferLine
from inventory.vials import OpenedVial

OPENING_LOSSES = (WasteReason.SINGLE_DOSE_REMAINDER.value, WasteReason.BEYOND_USE.value)
"""What opening costs beyond the dose; it comes again with every patient, so it is need."""
COURSE_SESSION = "course %"
"""How the documents of planned sessions are called; their need is known from the course itself."""
COLD = ("fridge", "freezer")
"""How the storage of what is sent cold begins."""
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
    batches: tuple[Batch, ...]  # sealed
    planned: tuple[tuple[date, Decimal], ...]  # of open courses, by day
    daily: tuple[Decimal, ...]  # walk-in use of the days that had any
    days: int  # how many days that history covers
    arriving: tuple[tuple[date, Decimal], ...] = ()  # on order or on the way, by the day it is expected
    ordered_on: date | None = None  # when the latest order of it was sent that has not come
    overdue_since: date | None = None  # the earliest day on which some of it should have come
    opened: tuple[Batch, ...] = ()  # what opened vials hold that anyone may be served from
    on_the_way: tuple[Batch, ...] = ()  # from another site of the clinic
    used: Decimal = ZERO  # in that history, by courses and walk-ins together
    dose_class: DoseClass = DoseClass.NONE
    kind: ItemKind = ItemKind.CONSUMABLE
    in_use_hours: int | None = None
    cold: bool = False

    @property
    def usable(self) -> Decimal:
        """All of it that may be used today."""
        return sum((batch.quantity for batch in (*self.batches, *self.opened)), ZERO)

    @property
    def stock(self) -> tuple[Batch, ...]:
        """All that ages: sealed, opened, and on the way from another site."""
        return (*self.batches, *self.opened, *self.on_the_way)


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
    batches = _sealed_lots(db, site=site, on=on, item_ids=item_ids, beyond=beyond)
    opened = _opened(db, site=site, on=on, item_ids=item_ids)
    planned = _planned(db, site=site, item_ids=item_ids)
    arriving = orders.expected(db, site_id=site.id, on=on)
    on_the_way = _on_the_way(db, site=site, on=on)
    since = on - timedelta(days=days - 1)
    daily, used = _use(db, site=site, since=since, until=on, item_ids=item_ids)
    return [
        ItemFacts(
            item_id=row.id,
            sku=row.sku,
            name=row.name,
            unit=row.unit.value,
            content=row.content,
            shelf_life_months=row.shelf_life_months,
            batches=tuple(batches.get(row.id, ())),
            planned=tuple(planned.get(row.id, ())),
            daily=tuple(daily.get(row.id, ())),
            days=days,
            arriving=tuple((one.due, one.quantity) for one in arriving.get(row.id, ())),
            ordered_on=max((one.sent_on for one in arriving.get(row.id, ())), default=None),
            overdue_since=_overdue(arriving.get(row.id, ()), on),
            opened=tuple(opened.get(row.id, ())),
            on_the_way=tuple(on_the_way.get(row.id, ())),
            used=used.get(row.id, ZERO),
            dose_class=row.dose_class,
            kind=row.kind,
            in_use_hours=row.in_use_hours,
            cold=row.storage.startswith(COLD),
        )
        for row in _items(db, item_ids)
    ]


def _overdue(arriving: Iterable[Expected], on: date) -> date | None:
    """The earliest day past on which some of what is on order should have come."""
    return min((one.promised_on for one in arriving if one.promised_on < on), default=None)


def _items(db: Session, item_ids: Collection[int] | None) -> Iterable[Any]:
    """The items in use, by SKU."""
    items = sa.select(
        Item.id, Item.sku, Item.name, Item.unit, Item.content, Item.shelf_life_months, Item.dose_class,
        Item.kind, Item.in_use_hours, Item.storage,
    )  # fmt: skip
    if item_ids is not None:
        items = items.where(Item.id.in_(sorted(item_ids)))
    return db.execute(items.where(Item.active).order_by(Item.sku)).all()


def in_full(db: Session, facts: Sequence[ItemFacts], *, site: Site, on: date) -> list[ItemFacts]:
    """Facts that were read with `beyond`, with every batch as it is."""
    keys = [item.item_id for item in facts]
    batches = _sealed_lots(db, site=site, on=on, item_ids=keys) if facts else {}
    return [replace(item, batches=tuple(batches.get(item.item_id, ()))) for item in facts]


def _sealed_lots(
    db: Session,
    *,
    site: Site,
    on: date,
    item_ids: Collection[int] | None,
    beyond: date | None = None,
) -> dict[int, list[Batch]]:
    """Released lots on the shelf and in date."""
    found: dict[int, list[Batch]] = defaultdict(list)
    for item_id, expires_on, quantity in _sealed(db, site=site, on=on, item_ids=item_ids, beyond=beyond):
        found[item_id].append(Batch(expires_on, quantity))
    return found


def _opened(db: Session, *, site: Site, on: date, item_ids: Collection[int] | None) -> dict[int, list[Batch]]:
    """Opened vials that anyone may still be served from."""
    lot, vial = Lot.__table__.c, OpenedVial.__table__.c
    found: dict[int, list[Batch]] = defaultdict(list)
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


def _on_the_way(db: Session, *, site: Site, on: date) -> dict[int, list[Batch]]:
    """What other sites have sent here and has not arrived yet; what is held back or expired left out."""
    lot, line, sent = Lot.__table__.c, TransferLine.__table__.c, Transfer.__table__.c
    rows = db.execute(
        sa.select(line.item_id, lot.expires_on, sa.func.sum(line.left_quantity))
        .join(Transfer.__table__, sent.id == line.transfer_id)
        .join(Lot.__table__, lot.id == line.lot_id)
        .where(
            sent.to_site_id == site.id,
            line.left_quantity > NOTHING,
            lot.state == LotState.RELEASED,
            lot.expires_on >= on,
        )
        .group_by(line.item_id, lot.expires_on)
        .order_by(line.item_id, lot.expires_on)
    )
    found: dict[int, list[Batch]] = defaultdict(list)
    for item_id, expires_on, quantity in rows:
        found[item_id].append(Batch(expires_on, quantity))
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


def _use(
    db: Session, *, site: Site, since: date, until: date, item_ids: Collection[int] | None
) -> tuple[dict[int, list[Decimal]], dict[int, Decimal]]:
    """What patients without a course used and what opening lost, by item and day, and what all together
    used by item; not what was undone. What was opened and thrown away of an item that nobody was treated with
    is no need: it does not come again (S3)."""
    m, of_course = MOVEMENTS.c, DOCUMENTS.c.reference.like(COURSE_SESSION)
    treated = sa.func.sum(sa.case((DOCUMENTS.c.kind == DocumentKind.SESSION, 1), else_=0))
    used = (
        sa.select(m.item_id, m.on, of_course.label("of_course"), sa.func.sum(m.quantity), treated)
        .join(DOCUMENTS, DOCUMENTS.c.id == m.document_id)
        .where(
            m.on.between(since, until),
            DOCUMENTS.c.site_id == site.id,
            taken(db, lost=OPENING_LOSSES),
        )
        .group_by(m.item_id, m.on, of_course)
        .order_by(m.item_id, m.on)
    )
    if item_ids is not None:
        used = used.where(m.item_id.in_(sorted(item_ids)))
    daily: dict[int, list[Decimal]] = defaultdict(list)
    total: dict[int, Decimal] = defaultdict(Decimal)
    rows = db.execute(used).all()
    needed = {row.item_id for row in rows if row[-1]}
    for item_id, _, course, quantity, _ in rows:
        if item_id not in needed:
            continue
        total[item_id] += quantity
        if not course:
            daily[item_id].append(quantity)
    return daily, total


def taken(db: Session, *, lost: Collection[str]) -> sa.ColumnElement[bool]:
    """Which movements took stock for patients or lost it for reasons, in a statement over them; not what
    was undone."""
    m, undone = MOVEMENTS.c, MOVEMENTS.alias("undone")
    kinds = (PlaceKind.PATIENT, PlaceKind.WASTE)
    ends = db.execute(sa.select(PLACES.c.kind, PLACES.c.id).where(PLACES.c.kind.in_(kinds))).all()
    patients, waste = ([key for kind, key in ends if kind is wanted] for wanted in kinds)
    return sa.and_(
        # By the places' keys, so that what went elsewhere is passed by before its document is read.
        sa.or_(m.target_id.in_(patients), sa.and_(m.target_id.in_(waste), m.reason.in_(sorted(lost)))),
        m.corrects_id.is_(None),
        m.id.not_in(sa.select(undone.c.corrects_id).where(undone.c.corrects_id.is_not(None))),
    )
