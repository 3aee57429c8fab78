"""What the stock pages read beside the domain's lists: search, lots by item, opened vials, a year's line."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import history
from inventory.balances import BALANCES
from inventory.catalog import Ingredient, Item, Supplier
from inventory.clinic import HELD, Place, PlaceKind, Site
from inventory.history import ITEMS, LOTS, PLACES, MovementRow
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import LotState
from inventory.measures import ZERO
from inventory.receiving import Receipt
from inventory.vials import OpenedVial

NOTHING = sa.literal_column("0", sa.BigInteger)  # a bound zero would not match the partial indexes
VIALS = OpenedVial.__table__
WORDS = 6  # of a search; more are not looked at


@dataclass(frozen=True, slots=True)
class HeldLot:
    """So much of one lot in one place of a site."""

    id: int
    number: str
    expires_on: date
    state: LotState
    quantity: Decimal
    sealed: bool
    held_back: bool


@dataclass(frozen=True, slots=True)
class ItemDetail:
    """What a list shows of an item beside its stock."""

    container_form: str
    ingredient: str
    dose_class: str
    maker: str


@dataclass(frozen=True, slots=True)
class VialRow:
    """An opened vial with its labels."""

    id: int
    sku: str
    name: str
    unit: str
    lot_id: int
    lot_number: str
    opened_at: datetime
    opened_by: str
    prepared_in: str
    patient_ref: str | None
    remaining: Decimal
    content: Decimal
    discard_at: datetime
    discard_rule: str


@dataclass(frozen=True, slots=True)
class Day:
    """What one day brought and took, and what there was at its end."""

    on: date
    came: Decimal
    used: Decimal
    wasted: Decimal
    held: Decimal


def search(db: Session, text: str) -> list[str] | None:
    """The SKUs of items whose name, number, maker or ingredient has every word; None where none was asked."""
    words = text.split()[:WORDS]
    if not words:
        return None
    where = sa.func.lower(
        Item.sku + " " + Item.name + " " + Item.maker + " " + sa.func.coalesce(Ingredient.name, "")
    )
    query = sa.select(Item.sku).outerjoin(Ingredient, Ingredient.id == Item.ingredient_id)
    for word in words:
        query = query.where(where.contains(word.lower(), autoescape=True))
    return list(db.scalars(query))


def details(db: Session, item_ids: Sequence[int]) -> dict[int, ItemDetail]:
    """The details of items, by their key."""
    rows = db.execute(
        sa.select(Item.id, Item.container_form, Ingredient.name, Item.dose_class, Item.maker)
        .outerjoin(Ingredient, Ingredient.id == Item.ingredient_id)
        .where(Item.id.in_(item_ids))
    )
    return {key: ItemDetail(form, named or "", dose.value, maker) for key, form, named, dose, maker in rows}


def lots_by_item(db: Session, item_ids: Sequence[int], *, site: Site) -> dict[int, list[HeldLot]]:
    """What a site holds of each item, lot by lot, the first to expire first."""
    held = [kind for kind in HELD if kind is not PlaceKind.TRANSIT]
    rows = db.execute(
        sa.select(
            BALANCES.c.item_id, LOTS.c.id, LOTS.c.number, LOTS.c.expires_on, LOTS.c.state,
            sa.func.sum(BALANCES.c.quantity), PLACES.c.kind,
        )
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .where(
            BALANCES.c.item_id.in_(item_ids),
            BALANCES.c.quantity > NOTHING,
            PLACES.c.site_id == site.id,
            PLACES.c.kind.in_(held),
        )
        .group_by(
            BALANCES.c.item_id, LOTS.c.id, LOTS.c.number, LOTS.c.expires_on, LOTS.c.state, PLACES.c.kind
        )
        .order_by(LOTS.c.expires_on, LOTS.c.id)
    )  # fmt: skip
    found: dict[int, list[HeldLot]] = defaultdict(list)
    for item_id, key, number, expires_on, state, quantity, kind in rows:
        held_back = state is not LotState.RELEASED or kind is PlaceKind.QUARANTINE
        sealed = kind is not PlaceKind.OPENED
        found[item_id].append(HeldLot(key, number, expires_on, state, quantity, sealed, held_back))
    return found


def first_lots(
    db: Session, item_ids: Sequence[int], *, site: Site, most: int
) -> dict[int, tuple[list[HeldLot], int]]:
    """The sealed lots of each item that expire first, and how many there are."""
    b, kinds = BALANCES.c, (PlaceKind.SHELF, PlaceKind.QUARANTINE)
    place = dict(db.execute(
        sa.select(PLACES.c.id, PLACES.c.kind).where(PLACES.c.site_id == site.id, PLACES.c.kind.in_(kinds))
    ).all())  # fmt: skip
    of_item = {"partition_by": b.item_id}
    ranked = (
        sa.select(
            b.item_id, b.lot_id, b.place_id, b.quantity,
            sa.func.row_number().over(order_by=(b.expires_on, b.lot_id, b.place_id), **of_item).label("rank"),
            sa.func.count().over(**of_item).label("count"),
        )
        .where(b.item_id.in_(item_ids), b.quantity > NOTHING, b.place_id.in_(list(place)))
        .subquery()
    )  # fmt: skip
    c = ranked.c
    rows = db.execute(
        sa.select(
            c.item_id,
            c.lot_id,
            LOTS.c.number,
            LOTS.c.expires_on,
            LOTS.c.state,
            c.quantity,
            c.place_id,
            c.count,
        )
        .join(LOTS, LOTS.c.id == c.lot_id)
        .where(c.rank <= most)
        .order_by(c.item_id, c.rank)
    )
    found: dict[int, tuple[list[HeldLot], int]] = {}
    for item_id, key, number, expires_on, state, quantity, place_id, count in rows:
        held_back = state is not LotState.RELEASED or place[place_id] is PlaceKind.QUARANTINE
        lot = HeldLot(key, number, expires_on, state, quantity, sealed=True, held_back=held_back)
        found.setdefault(item_id, ([], count))[0].append(lot)
    return found


def vials(db: Session, *, site: Site, sku: str | None = None, vial_id: int | None = None) -> list[VialRow]:
    """The opened vials of a site, the first to be discarded first."""
    c = VIALS.c
    query = (
        sa.select(
            c.id, ITEMS.c.sku, ITEMS.c.name, ITEMS.c.unit, c.lot_id, LOTS.c.number, c.opened_at, c.opened_by,
            c.prepared_in, c.patient_ref, c.remaining, ITEMS.c.content, c.discard_at, c.discard_rule,
        )
        .join(ITEMS, ITEMS.c.id == c.item_id)
        .join(LOTS, LOTS.c.id == c.lot_id)
        .where(c.site_id == site.id, c.closed_at.is_(None), c.remaining > NOTHING)
        .order_by(c.discard_at, c.id)
    )  # fmt: skip
    if sku is not None:
        query = query.where(ITEMS.c.sku == sku)
    if vial_id is not None:
        query = query.where(c.id == vial_id)
    rows: Any = db.execute(query)
    return [VialRow(*row[:3], row[3].value, *row[4:8], row[8].value, *row[9:]) for row in rows]


def movements(
    db: Session,
    *,
    lot: int | None = None,
    item_id: int | None = None,
    site_ids: Iterable[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[MovementRow]:
    """The latest movements of an item or a lot first; `before` is the last key of the page before. With
    `site_ids` only what came from one of the sites or went to one."""
    c, source, target = MOVEMENTS.c, PLACES.alias("source"), PLACES.alias("target")
    page = sa.select(c.id).order_by(c.id.desc()).limit(limit)
    if lot is not None:
        page = page.where(c.lot_id == lot)
    if item_id is not None:
        page = page.where(c.item_id == item_id)
    if before is not None:
        page = page.where(c.id < before)
    if site_ids is not None:
        page = page.where(history.at_sites(site_ids))
    rows: Any = db.execute(
        sa.select(
            c.id, DOCUMENTS.c.at, c.on, c.lot_id, LOTS.c.number, ITEMS.c.sku, source.c.code, source.c.kind,
            target.c.code, target.c.kind, c.direction, c.quantity, c.value, c.reason, DOCUMENTS.c.by,
            c.corrects_id, c.vial_id, c.document_id, DOCUMENTS.c.kind, DOCUMENTS.c.reference,
        )
        .join(DOCUMENTS, DOCUMENTS.c.id == c.document_id)
        .join(LOTS, LOTS.c.id == c.lot_id)
        .join(ITEMS, ITEMS.c.id == c.item_id)
        .join(source, source.c.id == c.source_id)
        .join(target, target.c.id == c.target_id)
        .where(c.id.in_(page))
        .order_by(c.id.desc())
    )  # fmt: skip
    return [MovementRow(*row) for row in rows]


def days(db: Session, item_id: int, *, site: Site, since: date, until: date) -> list[Day]:
    """Every day of a stretch on which something moved at a site, and the days at both ends of it."""
    kinds = {
        key: (site_id, kind)
        for key, site_id, kind in db.execute(sa.select(Place.id, Place.site_id, Place.kind))
    }
    c = MOVEMENTS.c
    sums = db.execute(
        sa.select(c.on, c.source_id, c.target_id, sa.func.sum(c.quantity))
        .where(c.item_id == item_id, c.on <= until)
        .group_by(c.on, c.source_id, c.target_id)
    )
    came: dict[date, Decimal] = defaultdict(Decimal)
    used: dict[date, Decimal] = defaultdict(Decimal)
    wasted: dict[date, Decimal] = defaultdict(Decimal)
    change: dict[date, Decimal] = defaultdict(Decimal)
    for on, source_id, target_id, quantity in sums:
        source_site, source = kinds[source_id]
        target_site, target = kinds[target_id]
        if source_site == site.id and source in HELD:
            change[on] -= quantity
            used[on] += quantity if target is PlaceKind.PATIENT else ZERO
            wasted[on] += quantity if target is PlaceKind.WASTE else ZERO
        if target_site == site.id and target in HELD:
            change[on] += quantity
            came[on] += quantity if source is PlaceKind.SUPPLIER else ZERO
            used[on] -= quantity if source is PlaceKind.PATIENT else ZERO
            wasted[on] -= quantity if source is PlaceKind.WASTE else ZERO
    held = sum((moved for on, moved in change.items() if on < since), ZERO)
    line = []
    for on in sorted({since, until} | {on for on in change if since <= on <= until}):
        held += change.get(on, ZERO)
        line.append(Day(on, came.get(on, ZERO), used.get(on, ZERO), wasted.get(on, ZERO), held))
    return line


def suppliers(db: Session) -> list[tuple[str, str]]:
    """Code and name of every supplier, by name."""
    return [
        (code, name)
        for code, name in db.execute(sa.select(Supplier.code, Supplier.name).order_by(Supplier.name))
    ]


def receipts(db: Session, lot_id: int) -> Sequence[Any]:
    """The receipts of a lot with the names of their suppliers."""
    return db.execute(
        sa.select(
            Receipt.id, Receipt.received_on, Receipt.containers, Receipt.unit_cost, Receipt.quantity,
            Receipt.value, Supplier.name.label("supplier"), DOCUMENTS.c.reference,
        )
        .outerjoin(Supplier, Supplier.id == Receipt.supplier_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == Receipt.document_id)
        .where(Receipt.lot_id == lot_id)
        .order_by(Receipt.id)
    ).all()  # fmt: skip


def weekly(line: Sequence[Day], *, until: date) -> list[Day]:
    """The same by weeks that end on the day `until` has, the latest first: for a table beside a chart."""
    weeks: dict[date, list[Day]] = defaultdict(list)
    for day in line:
        weeks[until - timedelta(days=(until - day.on).days // 7 * 7)].append(day)
    return [
        Day(
            end,
            sum((day.came for day in part), ZERO),
            sum((day.used for day in part), ZERO),
            sum((day.wasted for day in part), ZERO),
            part[-1].held,
        )
        for end, part in sorted(weeks.items(), reverse=True)
    ]
