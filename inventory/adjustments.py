"""Adjustments: what stock is worth changes while none of it moves (C1, C3).

A bill that differs from its receipt, freight that is billed later, a write-down and a change of the cost
formula each add a value, above or below zero, to cost layers. What left them before keeps its cost (S12).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import clinic, layers
from inventory.clinic import CostFormula
from inventory.database import MONEY, QUANTITY, Base, add_many, append_only, choice, one_of, table_of
from inventory.layers import Share
from inventory.measures import ZERO


class AdjustmentKind(StrEnum):
    """Why stock is worth more or less than it was."""

    REVALUATION = "revaluation"  # another cost formula (C1)
    BILLED = "billed"  # what the supplier's bill says beyond the receipt (C3)
    WRITE_DOWN = "write_down"  # to net realisable value, and back


class ValueAdjustment(Base):
    """A change of one cost layer's value; only a change of formula moves quantity, from layer to layer."""

    __tablename__ = "value_adjustments"
    __table_args__ = (
        one_of("kind", AdjustmentKind),
        sa.CheckConstraint("quantity <> 0 OR value <> 0", name="changes_something"),
        sa.CheckConstraint("quantity = 0 OR kind = 'revaluation'", name="quantity_by_formula_only"),
        sa.Index(None, "lot_id", "on", "value"),
        sa.Index(None, "on", "id"),
        sa.Index(None, "document_id"),
        sa.Index(None, "layer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    on: Mapped[date]
    kind: Mapped[AdjustmentKind] = mapped_column(choice(AdjustmentKind))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    layer_id: Mapped[int] = mapped_column(sa.ForeignKey("cost_layers.id"))
    quantity: Mapped[Decimal] = mapped_column(QUANTITY, default=ZERO)
    value: Mapped[Decimal] = mapped_column(MONEY)


class FormulaChange(Base):
    """From the beginning of a day another cost formula (C1); the document has who and why."""

    __tablename__ = "formula_changes"
    __table_args__ = (
        one_of("before", CostFormula),
        one_of("after", CostFormula),
        sa.CheckConstraint('"before" <> "after"', name="another_formula"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    on: Mapped[date] = mapped_column(unique=True)
    before: Mapped[CostFormula] = mapped_column(choice(CostFormula))
    after: Mapped[CostFormula] = mapped_column(choice(CostFormula))


append_only(ValueAdjustment)
append_only(FormulaChange)

ADJUSTMENTS = table_of(ValueAdjustment)
CHANGES = table_of(FormulaChange)
NAMES = ("document_id", "on", "kind", "item_id", "lot_id", "layer_id", "quantity", "value")


@dataclass(frozen=True, slots=True)
class Adjust:
    """A change about to be posted to one layer, in the name of one lot."""

    item_id: int
    lot_id: int
    layer_id: int
    value: Decimal
    quantity: Decimal = ZERO


def post(db: Session, document_id: int, on: date, kind: AdjustmentKind, rows: Sequence[Adjust]) -> None:
    """Append adjustments and carry the layers along; the database refuses a layer below zero (C2)."""
    rows = [row for row in rows if row.quantity or row.value]
    if not rows:
        return
    changes: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for row in rows:
        quantity, value = changes[row.layer_id]
        changes[row.layer_id] = quantity + row.quantity, value + row.value
    layers.give_back(db, [Share(key, *change) for key, change in sorted(changes.items()) if any(change)])
    add_many(
        db,
        ADJUSTMENTS,
        NAMES,
        [
            (document_id, on, kind, row.item_id, row.lot_id, row.layer_id, row.quantity, row.value)
            for row in rows
        ],
    )


def formula_on(db: Session, day: date) -> CostFormula:
    """The cost formula that was in force at the end of a day."""
    of = sa.select(CHANGES.c.after).where(CHANGES.c.on <= day).order_by(CHANGES.c.on.desc()).limit(1)
    last = db.scalar(of)
    if last is not None:
        return CostFormula(last)
    following = sa.select(CHANGES.c.before).where(CHANGES.c.on > day).order_by(CHANGES.c.on).limit(1)
    return CostFormula(db.scalar(following) or clinic.settings(db).cost_formula)


def changes(db: Session) -> list[FormulaChange]:
    """Every change of the formula, the oldest first."""
    return list(db.scalars(sa.select(FormulaChange).order_by(FormulaChange.on)))


def by_lot(*, on: date) -> sa.Subquery:
    """What adjustments up to the end of a day added to each lot's value."""
    return (
        sa.select(ADJUSTMENTS.c.lot_id, sa.func.sum(ADJUSTMENTS.c.value).label("value"))
        .where(ADJUSTMENTS.c.on <= on)
        .group_by(ADJUSTMENTS.c.lot_id)
        .subquery("adjusted")
    )
