"""Lot changes: what the entries of the journal did to the cost layers, for a ledger that keeps lots (B6)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Item
from inventory.history import signed
from inventory.layers import LAYERS
from inventory.ledger import MOVEMENTS
from pricing.chart import INVENTORY
from pricing.details import LOTS


@dataclass(frozen=True, slots=True)
class LotChange:
    """So much came to a layer or left it, and with what value; both are below zero for what left."""

    layer_id: int
    account: str
    item_id: int
    lot_number: str  # empty where the layer is its item's pool (C1)
    received_on: date
    quantity: Decimal
    value: Decimal


def of_documents(db: Session, document_ids: Sequence[int]) -> dict[int, list[LotChange]]:
    """What each document did to each layer, all its movements together, by the layer's key."""
    rows = db.execute(
        _summed(MOVEMENTS.c.document_id)
        .where(MOVEMENTS.c.document_id.in_(document_ids))
        .order_by(MOVEMENTS.c.document_id, MOVEMENTS.c.layer_id)
    )
    found: dict[int, list[LotChange]] = defaultdict(list)
    for row in rows:
        found[row.document_id].append(_change(row))
    return found


def held_before(db: Session, on: date) -> tuple[LotChange, ...]:
    """What each layer held before a day, by its movements alone; those that held nothing are left out."""
    rows = db.execute(_summed().where(MOVEMENTS.c.on < on).order_by(MOVEMENTS.c.layer_id))
    return tuple(_change(row) for row in rows if row.quantity or row.value)


def _summed(*first: sa.ColumnElement[Any]) -> sa.Select[Any]:
    fields = (*first, MOVEMENTS.c.layer_id, LAYERS.c.item_id, LAYERS.c.received_on, LOTS.c.number, Item.kind)
    return (
        sa.select(
            *fields,
            sa.func.sum(signed(MOVEMENTS.c.quantity)).label("quantity"),
            sa.func.sum(signed(MOVEMENTS.c.value)).label("value"),
        )
        .join(LAYERS, LAYERS.c.id == MOVEMENTS.c.layer_id)
        .join(Item, Item.id == LAYERS.c.item_id)
        .outerjoin(LOTS, LOTS.c.id == LAYERS.c.lot_id)
        .where(MOVEMENTS.c.direction != 0)
        .group_by(*fields)
    )


def _change(row: Any) -> LotChange:
    return LotChange(
        layer_id=row.layer_id,
        account=INVENTORY[row.kind],
        item_id=row.item_id,
        lot_number=row.number or "",
        received_on=row.received_on,
        quantity=row.quantity,
        value=row.value,
    )
