"""Lot changes: what the entries of the journal did to the cost layers, for a ledger that keeps lots (B6)."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.adjustments import ADJUSTMENTS
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
    keys = list(document_ids)
    rows = db.execute(_summed(by_document=True, where=lambda table: table.c.document_id.in_(keys)))
    found: dict[int, list[LotChange]] = defaultdict(list)
    for row in rows:
        found[row.document_id].append(_change(row))
    return found


def held_before(db: Session, on: date) -> tuple[LotChange, ...]:
    """What each layer held before a day, by the facts alone; those that held nothing are left out."""
    rows = db.execute(_summed(where=lambda table: table.c.on < on))
    return tuple(_change(row) for row in rows if row.quantity or row.value)


def _summed(*, by_document: bool = False, where: Callable[[sa.Table], sa.ColumnElement[bool]]) -> Any:
    """Movements and changes of value together; a change of formula moves quantity between layers, too."""
    parts = [
        sa.select(
            table.c.document_id,
            table.c.layer_id,
            (signed(table.c.quantity) if table is MOVEMENTS else table.c.quantity).label("quantity"),
            (signed(table.c.value) if table is MOVEMENTS else table.c.value).label("value"),
        ).where(where(table), table.c.layer_id.is_not(None))
        for table in (MOVEMENTS, ADJUSTMENTS)
    ]
    facts = sa.union_all(*parts).subquery("facts")
    fields = [facts.c.layer_id, LAYERS.c.item_id, LAYERS.c.received_on, LOTS.c.number, Item.kind]
    if by_document:
        fields.insert(0, facts.c.document_id)
    return (
        sa.select(
            *fields,
            sa.func.sum(facts.c.quantity).label("quantity"),
            sa.func.sum(facts.c.value).label("value"),
        )
        .join(LAYERS, LAYERS.c.id == facts.c.layer_id)
        .join(Item, Item.id == LAYERS.c.item_id)
        .outerjoin(LOTS, LOTS.c.id == LAYERS.c.lot_id)
        .group_by(*fields)
        .order_by(*fields[:2])
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
