"""The list of lots: label, state, what is left and what that is worth, by expiry, page by page (S9)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic
from inventory.clinic import CostFormula, Site
from inventory.history import ITEMS, LOTS, PAGE, PLACES
from inventory.layers import LAYERS
from inventory.ledger import BALANCES
from inventory.lots import LotState
from inventory.measures import ZERO, share_by_weight

# A bound zero would not match the partial indexes of live stock.
NOTHING = sa.literal_column("0", sa.BigInteger)


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
    held: bool = False,
    after: tuple[date, int] | None = None,
    limit: int | None = PAGE,
) -> list[LotRow]:
    """Lots by expiry, then key; `after` is the pair of the last row before (S9, S10).

    With `site`, only what that site ever held, and its part of quantity and value; with `held`, only lots
    of which something is left. Raises catalog.UnknownItem.
    """
    c = LOTS.c
    mine = BALANCES.c.lot_id == c.id
    if site is not None:
        places = sa.select(PLACES.c.id).where(PLACES.c.site_id == site.id)
        mine = sa.and_(mine, BALANCES.c.place_id.in_(places))
    summed = sa.select(sa.func.sum(BALANCES.c.quantity)).where(mine).scalar_subquery()
    worth = (
        sa.select(sa.func.sum(LAYERS.c.value_left))
        .where(LAYERS.c.lot_id == c.id, LAYERS.c.quantity_left > NOTHING)
        .scalar_subquery()
    )
    page = (
        sa.select(
            c.id, ITEMS.c.sku, ITEMS.c.name, ITEMS.c.unit, c.number, c.expires_on, c.state, c.received_on,
            summed, worth, c.item_id,
        )
        .join(ITEMS, ITEMS.c.id == c.item_id)
        .order_by(c.expires_on, c.id)
        .limit(limit)
    )  # fmt: skip
    if sku is not None:
        page = page.where(c.item_id == catalog.item(db, sku).id)
    if state is not None:
        page = page.where(c.state == state)
    if expiring_before is not None:
        page = page.where(c.expires_on < expiring_before)
    if site is not None or held:
        some = sa.exists().where(mine)
        page = page.where(some.where(BALANCES.c.quantity > NOTHING) if held else some)
    if after is not None:
        page = page.where(sa.tuple_(c.expires_on, c.id) > sa.tuple_(*after))
    rows: Sequence[Any] = db.execute(page).all()
    values = _lot_values(db, rows, site=site)
    return [
        LotRow(key, code, name, unit.value, number, expires_on, how, received_on, quantity or ZERO, value)
        for (key, code, name, unit, number, expires_on, how, received_on, quantity, _, _), value in zip(
            rows, values, strict=True
        )
    ]


def _lot_values(db: Session, rows: Sequence[Any], *, site: Site | None) -> list[Decimal]:
    """The page's values: the lot's own layers, or its part of the item's worth or of the other sites'."""
    by_lot = clinic.settings(db).cost_formula is CostFormula.SPECIFIC
    if by_lot and site is None:
        return [row[9] or ZERO for row in rows]
    b, items = BALANCES.c, sorted({row.item_id for row in rows})
    group = b.lot_id if by_lot else b.item_id
    chosen = b.lot_id.in_([row.id for row in rows]) if by_lot else b.item_id.in_(items)
    holdings: dict[int, dict[tuple[int, int], Decimal]] = defaultdict(dict)
    for key, lot_id, site_id, quantity in db.execute(
        sa.select(group, b.lot_id, PLACES.c.site_id, sa.func.sum(b.quantity))
        .join(PLACES, PLACES.c.id == b.place_id)
        .where(chosen, b.quantity > NOTHING)
        .group_by(group, b.lot_id, PLACES.c.site_id)
        .order_by(group, b.lot_id, PLACES.c.site_id)
    ):
        holdings[key][lot_id, site_id] = quantity
    if by_lot:
        totals = {row.id: row[9] or ZERO for row in rows}
    else:
        layers = sa.select(LAYERS.c.item_id, sa.func.sum(LAYERS.c.value_left)).group_by(LAYERS.c.item_id)
        live = layers.where(LAYERS.c.item_id.in_(items), LAYERS.c.quantity_left > NOTHING)
        totals = dict(db.execute(live).tuples().all())
    values: dict[int, Decimal] = defaultdict(Decimal)
    for key, held in holdings.items():
        for (lot_id, site_id), share in zip(
            held, share_by_weight(totals.get(key, ZERO), list(held.values())), strict=True
        ):
            if site is None or site_id == site.id:
                values[lot_id] += share
    return [values[row.id] for row in rows]
