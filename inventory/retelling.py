"""Retelling: the cost layers that items would have, had another formula been in force all along (C1, C2)."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.adjustments import ADJUSTMENTS, AdjustmentKind
from inventory.clinic import CostFormula
from inventory.layers import LAYERS, LayersRunOut
from inventory.ledger import MOVEMENTS
from inventory.measures import value_of_part


@dataclass(slots=True)
class Told:
    """A cost layer as it would have been; they queue by the day they were received, then as they came."""

    received_on: date
    born: int
    key: int  # the layer that the receipt really made
    lot_id: int
    quantity: Decimal
    value: Decimal

    def __lt__(self, other: "Told") -> bool:
        return (self.received_on, self.born) < (other.received_on, other.born)


def told_again(db: Session, formula: CostFormula) -> Iterator[tuple[int, list[Told]]]:
    """The layers that every item on hand would have, had the formula been in force from its first day."""
    held = sa.select(LAYERS.c.item_id).where(LAYERS.c.quantity_left > sa.literal_column("0")).distinct()
    c = MOVEMENTS.c
    columns = [
        c.item_id, c.document_id, c.id, c.on, c.lot_id, c.layer_id, c.direction, c.quantity, c.value,
        c.corrects_id,
    ]  # fmt: skip
    moved = (
        sa.select(*columns)
        .where(c.direction != 0, c.item_id.in_(held))
        .order_by(c.item_id, c.document_id, c.id)
    )
    changed = defaultdict(list)
    of = ADJUSTMENTS.c
    others = sa.select(of.item_id, of.document_id, of.lot_id, of.value).where(
        of.kind != AdjustmentKind.REVALUATION, of.item_id.in_(held)
    )
    for item_id, document_id, lot_id, value in db.execute(others.order_by(of.document_id, of.id)):
        changed[item_id].append((document_id, lot_id, value))
    rows: Any = db.execute(moved, execution_options={"yield_per": 5_000})
    for item_id, found in groupby(rows, key=lambda row: row.item_id):
        telling = Telling(formula)
        waiting = iter([*changed[item_id], None])
        adjustment = next(waiting)
        for row in found:
            while adjustment is not None and adjustment[0] < row.document_id:
                telling.revalue(*adjustment[1:])
                adjustment = next(waiting)
            telling.move(row)
        while adjustment is not None:
            telling.revalue(*adjustment[1:])
            adjustment = next(waiting)
        yield item_id, telling.live


@dataclass
class Telling:
    """The history of one item, told again under a formula."""

    formula: CostFormula
    live: list[Told] = field(default_factory=list)
    brought: dict[int, Told] = field(default_factory=dict)  # by the movement that came in
    taken: dict[int, list[tuple[Told, Decimal, Decimal]]] = field(default_factory=dict)

    def move(self, row: Any) -> None:
        """A movement over the border: what came, what went, and what was undone of either."""
        if row.direction > 0 and row.corrects_id in self.taken:
            for layer, quantity, value in self.taken.pop(row.corrects_id):
                self._give(layer, quantity, value)
        elif row.direction > 0:
            self.brought[row.id] = self._bring(row)
        elif row.corrects_id in self.brought:
            self._take(row, self.brought[row.corrects_id])
        else:
            self.taken[row.id] = self._take(row)

    def revalue(self, lot_id: int, value: Decimal) -> None:
        """A change of value: of the lot's layers where it has any, and never below nothing."""
        mine = [layer for layer in self.live if layer.lot_id == lot_id] or self.live
        for layer in mine:
            part = max(value, -layer.value)
            layer.value += part
            value -= part

    def _bring(self, row: Any) -> Told:
        if self.formula is CostFormula.WEIGHTED_AVERAGE and self.live:
            layer = self.live[0]
            layer.quantity += row.quantity
            layer.value += row.value
            return layer
        layer = Told(row.on, row.id, row.layer_id, row.lot_id, row.quantity, row.value)
        insort(self.live, layer)
        return layer

    def _give(self, layer: Told, quantity: Decimal, value: Decimal) -> None:
        if not layer.quantity:
            if self.formula is CostFormula.WEIGHTED_AVERAGE and self.live:
                layer = self.live[0]
            else:
                insort(self.live, layer)
        layer.quantity += quantity
        layer.value += value

    def _take(self, row: Any, first: Told | None = None) -> list[tuple[Told, Decimal, Decimal]]:
        """Draw by the formula; what takes a receipt back draws what it brought before anything else."""
        queue = [
            one for one in self.live if self.formula is not CostFormula.SPECIFIC or one.lot_id == row.lot_id
        ]
        if first is not None and first in queue:
            queue.remove(first)
            queue.insert(0, first)
        missing, shares = row.quantity, []
        for layer in queue:
            part = min(missing, layer.quantity)
            value = value_of_part(layer.value, part, layer.quantity)
            layer.quantity -= part
            layer.value -= value
            shares.append((layer, part, value))
            if not layer.quantity:
                self.live.remove(layer)
            missing -= part
            if not missing:
                return shares
        raise LayersRunOut(f"The history of lot {row.lot_id} lacks {missing}: the books must be verified.")
