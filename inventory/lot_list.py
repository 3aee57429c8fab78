"""The list of lots: label, state, what is left and what that is worth, by expiry, page by page (S9)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic
from inventory.balances import BALANCES
from inventory.clinic import CostFormula, Site
from inventory.history import ITEMS, LOTS, PAGE, PLACES
from inventory.layers import LAYERS
from inventory.lots import LotState
from inventory.measures import ZERO, share_by_weight

# A bound zero would not match the partial indexes of live stock.
NOTHING = sa.literal_column("0", sa.BigInteger)


def _summed(which: sa.ColumnElement[bool]) -> sa.ScalarSelect[Decimal]:
    return sa.select(sa.func.sum(BALANCES.c.quantity)).where(which).correlate(LOTS).scalar_subquery()


WORTH = (
    sa.select(sa.func.sum(LAYERS.c.value_left))
    .where(LAYERS.c.lot_id == LOTS.c.id, LAYERS.c.quantity_left > NOTHING)
    .scalar_subquery()
)
UNIT = sa.type_coerce(ITEMS.c.unit, sa.String).label("unit")
# Put together once, for that costs as much as reading a page.
LIST = (
    sa.select(
        LOTS.c.id, ITEMS.c.sku, ITEMS.c.name, UNIT, LOTS.c.number, LOTS.c.expires_on, LOTS.c.state,
        LOTS.c.received_on, _summed(BALANCES.c.lot_id == LOTS.c.id).label("on_hand"), WORTH.label("worth"),
        LOTS.c.item_id,
    )
    .join(ITEMS, ITEMS.c.id == LOTS.c.item_id)
    .order_by(LOTS.c.expires_on, LOTS.c.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LotRow:
    """One lot as the list shows it: its label, its state, what is left of it and what that is worth."""

    id: int
    sku: str
    name: str
    unit: str
    number: str
    expires_on: date
    state: LotState
    received_on: date
    on_hand: Decimal
    value: Decimal


def lots(
    db: Session,
    *,
    sku: str | None = None,
    state: LotState | None = None,
    expiring_before: date | None = None,
    site: Site | None = None,
    site_ids: Collection[int] | None = None,
    held: bool = False,
    after: tuple[date, int] | None = None,
    limit: int | None = PAGE,
) -> list[LotRow]:
    """Lots by expiry, then key; `after` is the pair of the last row before (S9, S10).

    With `site` or `site_ids`, only what they ever held, and their part of quantity and value; with `held`,
    only lots of which something is left. Raises catalog.UnknownItem.
    """
    by_lot = clinic.settings(db).cost_formula is CostFormula.SPECIFIC
    asked: dict[str, object] = {}
    if sku is not None:
        asked["item"] = catalog.item(db, sku).id
    if state is not None:
        asked["state"] = state
    if expiring_before is not None:
        asked["before"] = expiring_before
    if after is not None:
        asked["day"], asked["key"] = after
    if limit is not None:
        asked["most"] = limit
    where = {site.id} if site is not None else site_ids
    places: tuple[int, ...] | None = None
    if where is not None:
        chosen = sa.select(PLACES.c.id).where(PLACES.c.site_id.in_(sorted(where)))
        places = tuple(sorted(db.scalars(chosen)))
    rows: Sequence[Any] = db.connection().execute(_page(frozenset(asked), places, held), asked).all()
    values = _values(db, rows, where=where, by_lot=by_lot)
    at_hand = 8 if where is None else 11  # of all sites, or of these
    return [LotRow(*(*row[:8], row[at_hand] or ZERO, values[row[0]])) for row in rows]


WHERE = {
    "item": LOTS.c.item_id == sa.bindparam("item"),
    "state": LOTS.c.state == sa.bindparam("state"),
    "before": LOTS.c.expires_on < sa.bindparam("before"),
    "day": sa.tuple_(LOTS.c.expires_on, LOTS.c.id)
    > sa.tuple_(sa.bindparam("day", type_=LOTS.c.expires_on.type), sa.bindparam("key", type_=LOTS.c.id.type)),
}


@lru_cache(maxsize=256)
def _page(asked: frozenset[str], places: tuple[int, ...] | None, held: bool) -> sa.Select[Any]:
    """The statement of a page, put together once for each way to ask: that takes as long as reading it."""
    page: sa.Select[Any] = LIST.where(*(WHERE[name] for name in sorted(asked) if name in WHERE))
    if "most" in asked:
        page = page.limit(sa.bindparam("most", type_=sa.Integer))
    mine = BALANCES.c.lot_id == LOTS.c.id
    if places is not None:
        mine = sa.and_(mine, BALANCES.c.place_id.in_(places))
        page = page.add_columns(_summed(mine).label("here"))
    if places is not None or held:
        some = sa.exists().where(mine)
        page = page.where(some.where(BALANCES.c.quantity > NOTHING) if held else some)
    return page


def _values(
    db: Session, rows: Sequence[Any], *, where: Collection[int] | None, by_lot: bool
) -> dict[int, Decimal]:
    """The page's values by lot: of its own layers, or its part by quantity of what is valued together."""
    if by_lot:
        values = {row[0]: row[9] or ZERO for row in rows}
        if where is not None:
            apart = {row.id: values[row.id] for row in rows if row.here != row.on_hand}
            values |= _shared(db, BALANCES.c.lot_id, apart, where=where)
        return values
    items = sorted({row.item_id for row in rows})
    layers = sa.select(LAYERS.c.item_id, sa.func.sum(LAYERS.c.value_left)).group_by(LAYERS.c.item_id)
    live = layers.where(LAYERS.c.item_id.in_(items), LAYERS.c.quantity_left > NOTHING)
    worth = dict(db.execute(live).all())
    return dict.fromkeys((row.id for row in rows), ZERO) | _shared(db, BALANCES.c.item_id, worth, where=where)


def _shared(
    db: Session, group: sa.ColumnElement[int], worth: Mapping[int, Decimal], *, where: Collection[int] | None
) -> dict[int, Decimal]:
    """What is valued together, a lot or an item, shared by quantity over its lots and their sites."""
    if not worth:
        return {}
    b = BALANCES.c
    holdings: dict[int, dict[tuple[int, int], Decimal]] = defaultdict(dict)
    for key, lot_id, site_id, quantity in db.execute(
        sa.select(group, b.lot_id, PLACES.c.site_id, sa.func.sum(b.quantity))
        .join(PLACES, PLACES.c.id == b.place_id)
        .where(group.in_(sorted(worth)), b.quantity > NOTHING)
        .group_by(group, b.lot_id, PLACES.c.site_id)
        .order_by(group, b.lot_id, PLACES.c.site_id)
    ):
        holdings[key][lot_id, site_id] = quantity
    values: dict[int, Decimal] = defaultdict(Decimal)
    for key, held in holdings.items():
        shares = share_by_weight(worth[key], list(held.values()))
        for (lot_id, site_id), share in zip(held, shares, strict=True):
            values[lot_id] += share if where is None or site_id in where else ZERO
    return values
