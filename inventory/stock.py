"""Stock as people see it: what is on hand and usable, lot by lot, today and as of a day past, and its value.

Reading only. What stands today is read from balances and cost layers, so it costs the same after ten
movements as after a million; what stood on a past day is summed from the movements of that day and before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import adjustments, allocations, catalog, clinic, history
from inventory.adjustments import ADJUSTMENTS
from inventory.allocations import Allocation
from inventory.balances import BALANCES
from inventory.catalog import UnknownItem
from inventory.clinic import CostFormula, PlaceKind, Site
from inventory.history import ITEMS, LOTS, PAGE, PLACES, HeldAt
from inventory.history import MovementRow as MovementRow  # who asks for stock finds its history here too
from inventory.history import Valuation as Valuation
from inventory.history import ValuedLot as ValuedLot
from inventory.history import held_by_place as held_by_place
from inventory.history import movements_page as movements_page
from inventory.history import valuation as valuation
from inventory.layers import LAYERS
from inventory.ledger import MOVEMENTS
from inventory.lot_list import NOTHING
from inventory.lot_list import LotRow as LotRow
from inventory.lot_list import lots as lots
from inventory.lots import LotState
from inventory.measures import ZERO, share_by_weight
from inventory.vials import OpenedVial

VIALS = OpenedVial.__table__


@dataclass(frozen=True, slots=True)
class OpenVial:
    """One opened container: what is left of it, until when, and whether it is one patient's alone (S4)."""

    id: int
    lot_id: int
    left: Decimal
    discard_at: datetime
    one_patient: bool


@dataclass(frozen=True, slots=True)
class ItemStock:
    """What a site holds of one item: `available` may be below zero, when too much is promised."""

    sku: str
    item_id: int
    name: str
    unit: str
    content: Decimal  # of one container
    on_hand: Decimal
    usable: Decimal
    allocated: Decimal
    available: Decimal
    containers: int  # sealed and whole
    value: Decimal
    next_expiry: date | None  # of what is usable
    opened: tuple[OpenVial, ...]


@dataclass(slots=True)
class _Shelf:
    """What one item's rows add up to."""

    on_hand: Decimal = ZERO
    sealed: Decimal = ZERO
    usable: Decimal = ZERO
    next_expiry: date | None = None
    opened: list[OpenVial] = field(default_factory=list)

    def hold(self, kind: PlaceKind, quantity: Decimal) -> None:
        self.on_hand += quantity
        if kind is not PlaceKind.OPENED:
            self.sealed += quantity

    def use(self, quantity: Decimal, expires_on: date) -> None:
        self.usable += quantity
        self.next_expiry = expires_on if self.next_expiry is None else min(self.next_expiry, expires_on)


def stock(
    db: Session,
    *,
    site: Site,
    at: datetime,
    skus: Sequence[str] | None = None,
    ingredient: str | None = None,
    on: date | None = None,
    after: str | None = None,
    limit: int | None = PAGE,
) -> list[ItemStock]:
    """What a site holds of each item, by SKU: now, or at the end of the day `on` (S1, S8).

    Usable is what is released, on the shelf and in date, and what is open and before its discard time; for
    a day to come, what of today's stock will still be. `after` is the last SKU of the page before; a limit
    of None reads all. Raises UnknownItem, UnknownIngredient.
    """
    items = _items(db, skus=skus, ingredient=ingredient, after=after, limit=limit)
    ids = [item.id for item in items]
    today = site.day(at)
    day = on or today
    moment = at if day == today else site.end_of(day) - timedelta(microseconds=1)
    if day < today:
        shelves, values = _then(db, ids, site=site, day=day, moment=moment)
    else:
        shelves = _now(db, ids, site=site, day=day, moment=moment)
        values = _values_now(db, ids, site=site)
    promised = _promised(db, ids, site=site, moment=moment if day < today else None)
    rows = []
    for item in items:
        shelf = shelves.get(item.id) or _Shelf()
        allocated = promised.get(item.id, ZERO)
        rows.append(
            ItemStock(
                sku=item.sku,
                item_id=item.id,
                name=item.name,
                unit=item.unit.value,
                content=item.content,
                on_hand=shelf.on_hand,
                usable=shelf.usable,
                allocated=allocated,
                available=shelf.usable - allocated,
                containers=int(shelf.sealed // item.content),
                value=values.get(item.id, ZERO),
                next_expiry=shelf.next_expiry,
                opened=tuple(shelf.opened),
            )
        )
    return rows


def usable(db: Session, item_ids: Sequence[int], *, site: Site, at: datetime) -> dict[int, Decimal]:
    """What `stock` says is usable at a site now of each item of which there is something, by its key."""
    shelves = _now(db, item_ids, site=site, day=site.day(at), moment=at)
    return {key: shelf.usable for key, shelf in shelves.items()}


def _items(
    db: Session, *, skus: Sequence[str] | None, ingredient: str | None, after: str | None, limit: int | None
) -> Sequence[Any]:
    """The items of one page: those in use, and those no longer in use of which something is left."""
    c = ITEMS.c
    left = sa.exists().where(BALANCES.c.item_id == c.id, BALANCES.c.quantity > NOTHING)
    chosen = sa.select(c.id, c.sku, c.name, c.unit, c.content).order_by(c.sku).limit(limit)
    if skus is None:
        chosen = chosen.where(sa.or_(c.active, left))
    else:
        known = set(db.scalars(sa.select(c.sku).where(c.sku.in_(sorted(set(skus))))))
        if unknown := sorted(set(skus) - known):
            raise UnknownItem(f"No item has the SKU {unknown[0]!r}.")
        chosen = chosen.where(c.sku.in_(sorted(known)))
    if ingredient is not None:
        chosen = chosen.where(c.ingredient_id == catalog.ingredient(db, ingredient).id)
    if after is not None:
        chosen = chosen.where(c.sku > after)
    return db.execute(chosen).all()


def _promised(db: Session, ids: Sequence[int], *, site: Site, moment: datetime | None) -> dict[int, Decimal]:
    """What planned sessions are promised, by item, or were at an instant that is past (P5)."""
    if moment is None:
        return allocations.open_by_item(db, site_id=site.id, item_ids=ids)
    c = Allocation.__table__.c
    rows = db.execute(
        sa.select(c.item_id, sa.func.sum(c.quantity))
        .where(
            c.site_id == site.id,
            c.item_id.in_(ids),
            c.made_at <= moment,
            sa.or_(c.ended_at.is_(None), c.ended_at > moment),
        )
        .group_by(c.item_id)
    )
    return dict(rows.all())


def _now(db: Session, ids: Sequence[int], *, site: Site, day: date, moment: datetime) -> dict[int, _Shelf]:
    """Shelves by item from the balances, summed in SQL; `day` is today or later."""
    b = BALANCES.c
    kinds = dict(db.execute(sa.select(PLACES.c.id, PLACES.c.kind).where(PLACES.c.site_id == site.id)).all())
    live = (b.item_id.in_(ids), b.place_id.in_(list(kinds)), b.quantity > NOTHING)
    shelves: dict[int, _Shelf] = defaultdict(_Shelf)
    held = sa.select(b.item_id, b.place_id, sa.func.sum(b.quantity)).where(*live)
    for item_id, place_id, quantity in db.execute(held.group_by(b.item_id, b.place_id)):
        shelves[item_id].hold(kinds[place_id], quantity)
    held_back = sa.select(LOTS.c.id).where(LOTS.c.state != LotState.RELEASED)
    good = (
        sa.select(b.item_id, b.place_id, sa.func.sum(b.quantity), sa.func.min(b.expires_on))
        .where(*live, b.expires_on >= day, b.received_on <= day, b.lot_id.not_in(held_back))
        .group_by(b.item_id, b.place_id)  # as the index has them: nothing is sorted
    )
    for item_id, place_id, quantity, expires_on in db.execute(good):
        if kinds[place_id] is PlaceKind.SHELF:
            shelves[item_id].use(quantity, expires_on)
    c = VIALS.c
    opened = db.execute(
        sa.select(
            c.item_id, c.id, c.lot_id, c.remaining, c.discard_at, c.patient_ref,
            LOTS.c.expires_on, LOTS.c.state,
        )
        .join(LOTS, LOTS.c.id == c.lot_id)
        .where(c.item_id.in_(ids), c.site_id == site.id, c.closed_at.is_(None), c.remaining > NOTHING)
        .order_by(c.discard_at, c.id)
    )  # fmt: skip
    for item_id, key, lot_id, left, discard_at, whose, expires_on, state in opened:
        shelf = shelves[item_id]
        shelf.opened.append(OpenVial(key, lot_id, left, discard_at, whose is not None))
        if state is LotState.RELEASED and discard_at > moment and expires_on >= day:
            shelf.use(left, expires_on)
    return shelves


def _values_now(db: Session, ids: Sequence[int], *, site: Site) -> dict[int, Decimal]:
    """What the layers say a site's stock of each item is worth; what several sites hold is shared out."""
    live = [LAYERS.c.item_id.in_(ids), LAYERS.c.quantity_left > NOTHING]
    held = [BALANCES.c.item_id.in_(ids), BALANCES.c.quantity > NOTHING]
    others = list(db.scalars(sa.select(PLACES.c.id).where(PLACES.c.site_id != site.id)))
    elsewhere = sa.select(BALANCES.c.lot_id).where(*held, BALANCES.c.place_id.in_(others))
    alone = sa.select(LAYERS.c.item_id, sa.func.sum(LAYERS.c.value_left)).where(*live)
    if not others or db.scalar(elsewhere.limit(1)) is None:
        return dict(db.execute(alone.group_by(LAYERS.c.item_id)).all())
    by_lot = clinic.settings(db).cost_formula is CostFormula.SPECIFIC
    layer_key = LAYERS.c.lot_id if by_lot else LAYERS.c.item_id
    balance_key = BALANCES.c.lot_id if by_lot else BALANCES.c.item_id
    values: dict[int, Decimal] = {}
    if by_lot:  # a lot that is nowhere else is all this site's: summed in SQL, only the others are shared
        here = alone.where(LAYERS.c.lot_id.not_in(elsewhere)).group_by(LAYERS.c.item_id)
        values = dict(db.execute(here).all())
        other = BALANCES.alias("other")
        ours = (other.c.quantity > NOTHING, other.c.place_id.not_in(others))
        both = elsewhere.where(sa.exists().where(other.c.lot_id == BALANCES.c.lot_id, *ours))
        if db.scalar(both.limit(1)) is None:
            return values
        live.append(LAYERS.c.lot_id.in_(both))
        held.append(BALANCES.c.lot_id.in_(both))
    worth = sa.select(layer_key, sa.func.sum(LAYERS.c.value_left)).where(*live).group_by(layer_key)
    sites = (
        sa.select(balance_key, BALANCES.c.item_id, PLACES.c.site_id, sa.func.sum(BALANCES.c.quantity))
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .where(*held)
        .group_by(balance_key, BALANCES.c.item_id, PLACES.c.site_id)
    )
    totals: dict[int, Decimal] = dict(db.execute(worth).all())
    shared = _by_site(totals, db.execute(sites), site_id=site.id)
    return {key: values.get(key, ZERO) + shared.get(key, ZERO) for key in values.keys() | shared.keys()}


def _by_site(
    totals: Mapping[int, Decimal], holdings: Iterable[tuple[int, int, int, Decimal]], *, site_id: int
) -> dict[int, Decimal]:
    """One site's part of each value by item; holdings are (what is valued, item, site, quantity)."""
    sites: dict[int, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    items: dict[int, int] = {}
    for key, item_id, where, quantity in holdings:
        sites[key][where] += quantity
        items[key] = item_id
    values: dict[int, Decimal] = defaultdict(Decimal)
    for key, held in sites.items():
        order = sorted(held)
        if site_id in held:
            shares = share_by_weight(totals.get(key, ZERO), [held[where] for where in order])
            values[items[key]] += shares[order.index(site_id)]
    return values


def _then(
    db: Session, ids: Sequence[int], *, site: Site, day: date, moment: datetime
) -> tuple[dict[int, _Shelf], dict[int, Decimal]]:
    """Shelves and values by item as the movements left them at the end of a day that is past."""
    held = history.held_at(db, on=day, item_ids=ids)
    labels = sa.select(LOTS.c.id, LOTS.c.expires_on).where(LOTS.c.item_id.in_(ids))
    expiries = dict(db.execute(labels).all())
    held_back = history.held_back(db, ids, moment=moment)
    shelves: dict[int, _Shelf] = defaultdict(_Shelf)
    for row in held:
        if row.site_id == site.id:
            expires_on = expiries[row.lot_id]
            usable = expires_on >= day and row.lot_id not in held_back
            shelves[row.item_id].hold(row.kind, row.quantity)
            if usable and row.kind is PlaceKind.SHELF:
                shelves[row.item_id].use(row.quantity, expires_on)
    left = history.opened_at(db, ids, site_id=site.id, on=day)
    c = VIALS.c
    vials = sa.select(c.id, c.item_id, c.lot_id, c.discard_at, c.patient_ref).order_by(c.discard_at, c.id)
    for key, item_id, lot_id, discard_at, whose in db.execute(vials.where(c.id.in_(sorted(left)))):
        shelves[item_id].opened.append(OpenVial(key, lot_id, left[key], discard_at, whose is not None))
        if discard_at > moment and lot_id not in held_back:
            shelves[item_id].use(left[key], expiries[lot_id])
    return shelves, _values_then(db, ids, held, site=site, day=day)


def _values_then(
    db: Session, ids: Sequence[int], held: Iterable[HeldAt], *, site: Site, day: date
) -> dict[int, Decimal]:
    by_lot = adjustments.formula_on(db, day) is CostFormula.SPECIFIC
    key = MOVEMENTS.c.lot_id if by_lot else MOVEMENTS.c.item_id
    worth = (
        sa.select(key, sa.func.sum(history.signed(MOVEMENTS.c.value)))
        .where(MOVEMENTS.c.item_id.in_(ids), MOVEMENTS.c.on <= day)
        .group_by(key)
    )
    totals: dict[int, Decimal] = dict(db.execute(worth).all())
    other = ADJUSTMENTS.c.lot_id if by_lot else ADJUSTMENTS.c.item_id
    adjusted = sa.select(other, sa.func.sum(ADJUSTMENTS.c.value)).group_by(other)
    adjusted = adjusted.where(ADJUSTMENTS.c.item_id.in_(ids), ADJUSTMENTS.c.on <= day)
    for changed, value in db.execute(adjusted):
        totals[changed] = totals.get(changed, ZERO) + value
    holdings = (
        (row.lot_id if by_lot else row.item_id, row.item_id, row.site_id, row.quantity) for row in held
    )
    return _by_site(totals, holdings, site_id=site.id)
