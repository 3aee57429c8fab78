"""History: what the movements say, page by page, and what stock was worth at the end of any day (S8)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import adjustments, snapshots
from inventory.catalog import Item, item
from inventory.clinic import HELD, CostFormula, Place, PlaceKind
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind
from inventory.ledger import signed as signed
from inventory.lots import Lot, LotEvent, LotState
from inventory.measures import ZERO, share_by_weight

PAGE = 50
ITEMS = Item.__table__
LOTS = Lot.__table__
PLACES = Place.__table__


@dataclass(frozen=True, slots=True)
class ValuedLot:
    """One lot of the valuation listing: what was held of it on the day, and what that was worth."""

    sku: str
    item_id: int
    lot_id: int
    lot_number: str
    expires_on: date
    quantity: Decimal
    value: Decimal


@dataclass(frozen=True)
class Valuation:
    """All that was held at the end of a day; the total is the inventory account of that day (B3)."""

    on: date
    rows: tuple[ValuedLot, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class HeldAt:
    """So much of one lot in one place at the end of a day."""

    lot_id: int
    item_id: int
    place_id: int
    site_id: int
    kind: PlaceKind
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class MovementRow:
    """One movement as a person reads it: what moved, from where to where, when, why and by whom."""

    id: int
    at: datetime
    on: date
    lot_id: int
    lot_number: str
    sku: str
    source: str
    source_kind: PlaceKind
    target: str
    target_kind: PlaceKind
    direction: int
    quantity: Decimal
    value: Decimal
    reason: str | None
    by: str
    corrects: int | None
    vial_id: int | None
    document_id: int
    document_kind: DocumentKind
    reference: str


def valuation(db: Session, *, on: date) -> Valuation:
    """What every lot held at the end of a day was worth, by SKU, expiry and lot (B3, C1).

    `specific` says it of each lot as is; the other formulas know an item's worth, which is shared over its
    lots by quantity. A lot without quantity has no row, unless the books are broken and it has a value.
    """
    by_lot = adjustments.formula_on(db, on) is CostFormula.SPECIFIC
    sums = snapshots.sums(db, on=on)
    rows: Any = db.execute(
        sa.select(
            ITEMS.c.sku, LOTS.c.item_id, LOTS.c.id, LOTS.c.number, LOTS.c.expires_on,
            sums.c.quantity, sums.c.value,
        )
        .join_from(sums, LOTS, LOTS.c.id == sums.c.lot_id)
        .join(ITEMS, ITEMS.c.id == LOTS.c.item_id)
        .order_by(ITEMS.c.sku, LOTS.c.expires_on, LOTS.c.id)
    )  # fmt: skip
    lots = [ValuedLot(*row) for row in rows]
    if not by_lot:
        lots = _shared_by_item(lots)
    return Valuation(on, tuple(lots), sum((lot.value for lot in lots), ZERO))


def _shared_by_item(lots: Sequence[ValuedLot]) -> list[ValuedLot]:
    """Each item's worth over its lots by quantity; the lots come item by item."""
    by_item: dict[int, list[ValuedLot]] = defaultdict(list)
    for lot in lots:
        by_item[lot.item_id].append(lot)
    shared: list[ValuedLot] = []
    for row in by_item.values():
        worth = sum((lot.value for lot in row), ZERO)
        held = [lot for lot in row if lot.quantity] or row[:1]
        shares = share_by_weight(worth, [lot.quantity for lot in held])
        shared.extend(
            ValuedLot(lot.sku, lot.item_id, lot.lot_id, lot.lot_number, lot.expires_on, lot.quantity, share)
            for lot, share in zip(held, shares, strict=True)
            if lot.quantity or share
        )
    return shared


def held_at(
    db: Session, *, on: date, lot_ids: Iterable[int] | None = None, item_ids: Iterable[int] | None = None
) -> list[HeldAt]:
    """Where the clinic's stock was at the end of a day, by lot and place; of all lots where none is named."""
    kinds = {key: (site_id, kind) for key, site_id, kind in db.execute(
        sa.select(PLACES.c.id, PLACES.c.site_id, PLACES.c.kind).where(PLACES.c.kind.in_(list(HELD)))
    )}  # fmt: skip
    c = MOVEMENTS.c
    sums = (
        sa.select(c.lot_id, c.item_id, c.source_id, c.target_id, sa.func.sum(c.quantity))
        .where(c.on <= on)
        .group_by(c.lot_id, c.item_id, c.source_id, c.target_id)
    )
    if lot_ids is not None:
        sums = sums.where(c.lot_id.in_(sorted(set(lot_ids))))
    if item_ids is not None:
        sums = sums.where(c.item_id.in_(sorted(set(item_ids))))
    held: dict[tuple[int, int, int], Decimal] = defaultdict(Decimal)
    for lot_id, item_id, source_id, target_id, quantity in db.execute(sums):
        if source_id in kinds:
            held[lot_id, item_id, source_id] -= quantity
        if target_id in kinds:
            held[lot_id, item_id, target_id] += quantity
    return [
        HeldAt(lot_id, item_id, place_id, *kinds[place_id], quantity)
        for (lot_id, item_id, place_id), quantity in sorted(held.items())
        if quantity
    ]


def held_by_place(db: Session, lot_ids: Iterable[int] | None, on: date) -> dict[int, dict[str, Decimal]]:
    """How much of each lot every place held at the end of a day, by the place's code; None: of all."""
    codes = dict(db.execute(sa.select(PLACES.c.id, PLACES.c.code)).all())
    wanted = None if lot_ids is None else set(lot_ids)
    few = wanted if wanted is not None and len(wanted) <= 1000 else None  # databases limit how many are named
    places: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for held in held_at(db, on=on, lot_ids=few):
        if wanted is None or held.lot_id in wanted:
            code = codes[held.place_id]
            places[held.lot_id][code] = places[held.lot_id].get(code, ZERO) + held.quantity
    return dict(places)


def movements_page(
    db: Session,
    *,
    lot: int | None = None,
    sku: str | None = None,
    since: date | None = None,
    until: date | None = None,
    site_ids: Iterable[int] | None = None,
    after: int | None = None,
    limit: int | None = PAGE,
) -> list[MovementRow]:
    """Movements in the order they were added, of one lot or item, dated from `since` to `until`.

    With `site_ids` only what came from one of the sites or went to one. `after` is the last key of the page
    before. Raises catalog.UnknownItem.
    """
    c, source, target = MOVEMENTS.c, PLACES.alias("source"), PLACES.alias("target")
    page = sa.select(c.id).order_by(c.id).limit(limit)
    if lot is not None:
        page = page.where(c.lot_id == lot)
    if sku is not None:
        page = page.where(c.item_id == item(db, sku).id)
    if since is not None:
        page = page.where(c.on >= since)
    if until is not None:
        page = page.where(c.on <= until)
    if site_ids is not None:
        page = page.where(at_sites(site_ids))
    if after is not None:
        page = page.where(c.id > after)
    rows: Any = db.execute(
        sa.select(
            c.id, DOCUMENTS.c.at, c.on, c.lot_id, LOTS.c.number, ITEMS.c.sku,
            source.c.code, source.c.kind, target.c.code, target.c.kind,
            c.direction, c.quantity, c.value, c.reason, DOCUMENTS.c.by, c.corrects_id, c.vial_id,
            c.document_id, DOCUMENTS.c.kind, DOCUMENTS.c.reference,
        )
        .join(DOCUMENTS, DOCUMENTS.c.id == c.document_id)
        .join(LOTS, LOTS.c.id == c.lot_id)
        .join(ITEMS, ITEMS.c.id == c.item_id)
        .join(source, source.c.id == c.source_id)
        .join(target, target.c.id == c.target_id)
        .where(c.id.in_(page))
        .order_by(c.id)
    )  # fmt: skip
    return [MovementRow(*row) for row in rows]


def at_sites(site_ids: Iterable[int]) -> sa.ColumnElement[bool]:
    """Whether a movement came from one of the sites or went to one."""
    places = sa.select(PLACES.c.id).where(PLACES.c.site_id.in_(sorted(site_ids)))
    return sa.or_(MOVEMENTS.c.source_id.in_(places), MOVEMENTS.c.target_id.in_(places))


def opened_at(db: Session, item_ids: Sequence[int], *, site_id: int, on: date) -> dict[int, Decimal]:
    """What each opened vial of a site still held at the end of a day, by the vial's key."""
    c = MOVEMENTS.c
    whole = sa.type_coerce(c.quantity, sa.BigInteger)
    opened = sa.select(PLACES.c.id).where(PLACES.c.site_id == site_id, PLACES.c.kind == PlaceKind.OPENED)
    left: Any = sa.func.sum(
        sa.case((c.target_id.in_(opened), whole), (c.source_id.in_(opened), -whole), else_=0)
    )
    rows: Any = db.execute(
        sa.select(c.vial_id, sa.type_coerce(left, c.quantity.type))
        .where(c.item_id.in_(item_ids), c.on <= on, c.vial_id.isnot(None))
        .group_by(c.vial_id)
        .having(left > 0)
    )
    return dict(rows.all())


def held_back(db: Session, item_ids: Sequence[int], *, moment: datetime) -> set[int]:
    """The lots that were quarantined or recalled at an instant, by what their events say (S10)."""
    c = LotEvent.__table__.c
    latest = (
        sa.select(sa.func.max(c.id))
        .join(LOTS, LOTS.c.id == c.lot_id)
        .where(LOTS.c.item_id.in_(item_ids), c.at <= moment)
        .group_by(c.lot_id)
    )
    return set(db.scalars(sa.select(c.lot_id).where(c.id.in_(latest), c.state != LotState.RELEASED)))
