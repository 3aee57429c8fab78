"""Snapshots: what every lot held and was worth when a month was closed (B4).

They are kept for two reasons: a closed month's stock can be compared with its facts on every later run, and
what stock was worth on a past day is reckoned from the closing before it instead of from the first movement.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import adjustments, periods
from inventory.adjustments import ADJUSTMENTS
from inventory.database import MONEY, QUANTITY, Base, add_many, append_only, table_of
from inventory.ledger import MOVEMENTS, signed
from inventory.lots import Lot
from inventory.measures import ZERO
from inventory.periods import Closing

Sums = dict[int, tuple[Decimal, Decimal]]
"""Quantity and value of each lot, by its key."""


class KeptLot(Base):
    """One lot as a closing found it; a lot without quantity and value has no row."""

    __tablename__ = "period_lots"
    __table_args__ = (sa.CheckConstraint("quantity <> 0 OR value <> 0", name="something"),)

    period_id: Mapped[int] = mapped_column(sa.ForeignKey("periods.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    value: Mapped[Decimal] = mapped_column(MONEY)


append_only(KeptLot)
KEPT, LOTS = table_of(KeptLot), table_of(Lot)


def latest(db: Session, *, before: date) -> Closing | None:
    """The last standing closing that kept its totals and ended before a day."""
    found = [one for one in periods.history(db) if one.stands and one.facts and one.until < before]
    return max(found, key=lambda one: one.month, default=None)


def changes(db: Session, *, after: date | None, until: date) -> Iterator[tuple[int, Decimal, Decimal]]:
    """By how much quantity and value of each lot changed after a day, up to the end of another."""
    rows = sa.select(
        MOVEMENTS.c.lot_id,
        sa.func.sum(signed(MOVEMENTS.c.quantity)),
        sa.func.sum(signed(MOVEMENTS.c.value)),
    ).where(MOVEMENTS.c.on <= until, MOVEMENTS.c.direction != 0)
    adjusted = sa.select(
        ADJUSTMENTS.c.lot_id, sa.literal(ZERO, QUANTITY), sa.func.sum(ADJUSTMENTS.c.value)
    ).where(ADJUSTMENTS.c.on <= until)
    if after is not None:
        rows, adjusted = rows.where(MOVEMENTS.c.on > after), adjusted.where(ADJUSTMENTS.c.on > after)
    for query in (rows.group_by(MOVEMENTS.c.lot_id), adjusted.group_by(ADJUSTMENTS.c.lot_id)):
        found: Any = db.execute(query)
        yield from found


def kept(db: Session, closing: Closing | None) -> Sums:
    """What a closing kept; nothing where there is none."""
    if closing is None:
        return {}
    rows = db.execute(
        sa.select(KEPT.c.lot_id, KEPT.c.quantity, KEPT.c.value).where(KEPT.c.period_id == closing.id)
    )
    return {lot_id: (quantity, value) for lot_id, quantity, value in rows}


def carried(sums: Sums, changed: Iterator[tuple[int, Decimal, Decimal]]) -> Sums:
    """The sums with changes added; lots that hold and are worth nothing are left out."""
    added: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO), sums)
    for lot_id, quantity, value in changed:
        before = added[lot_id]
        added[lot_id] = before[0] + quantity, before[1] + value
    return {lot_id: amounts for lot_id, amounts in added.items() if any(amounts)}


def sums(db: Session, *, on: date) -> sa.Subquery:
    """Quantity and value of every lot that held or was worth something at the end of a day, for a query.

    From the last closing before it on, where there is one; else from the first movement.
    """
    base = latest(db, before=on + date.resolution)
    quantity, value = signed(MOVEMENTS.c.quantity), signed(MOVEMENTS.c.value)
    nothing = sa.literal(ZERO, MONEY)
    if base is None:
        adjusted = adjustments.by_lot(on=on)
        # Read from the covering index ix_movements_valuation alone, lot by lot in its order.
        moved = (
            sa.select(
                MOVEMENTS.c.lot_id,
                sa.func.sum(quantity).label("quantity"),
                sa.func.sum(value).label("value"),
            )
            .where(MOVEMENTS.c.on <= on)
            .group_by(MOVEMENTS.c.lot_id)
            .subquery()
        )
        worth = moved.c.value + sa.func.coalesce(adjusted.c.value, nothing)
        return (
            sa.select(moved.c.lot_id, moved.c.quantity, worth.label("value"))
            .outerjoin(adjusted, adjusted.c.lot_id == moved.c.lot_id)
            .where(sa.or_(moved.c.quantity != ZERO, worth != ZERO))
            .subquery()
        )
    parts = sa.union_all(
        sa.select(KEPT.c.lot_id, KEPT.c.quantity, KEPT.c.value).where(KEPT.c.period_id == base.id),
        sa.select(MOVEMENTS.c.lot_id, quantity, value).where(
            MOVEMENTS.c.on > base.until, MOVEMENTS.c.on <= on, MOVEMENTS.c.direction != 0
        ),
        sa.select(ADJUSTMENTS.c.lot_id, sa.literal(ZERO, QUANTITY), ADJUSTMENTS.c.value).where(
            ADJUSTMENTS.c.on > base.until, ADJUSTMENTS.c.on <= on
        ),
    ).subquery()
    total, worth = sa.func.sum(parts.c.quantity), sa.func.sum(parts.c.value)
    return (
        sa.select(parts.c.lot_id, total.label("quantity"), worth.label("value"))
        .group_by(parts.c.lot_id)
        .having(sa.or_(total != ZERO, worth != ZERO))
        .subquery()
    )


def by_item(db: Session, *, before: date) -> Sums:
    """Quantity and value of every item before a day; what held and was worth nothing is left out."""
    on = before - date.resolution
    if latest(db, before=before) is not None:
        found = sums(db, on=on)
        asked = [
            sa.select(LOTS.c.item_id, sa.func.sum(found.c.quantity), sa.func.sum(found.c.value))
            .join_from(found, LOTS, LOTS.c.id == found.c.lot_id)
            .group_by(LOTS.c.item_id)
        ]
    else:
        asked = [
            sa.select(
                MOVEMENTS.c.item_id,
                sa.func.sum(signed(MOVEMENTS.c.quantity)),
                sa.func.sum(signed(MOVEMENTS.c.value)),
            )
            .where(MOVEMENTS.c.on <= on, MOVEMENTS.c.direction != 0)
            .group_by(MOVEMENTS.c.item_id),
            sa.select(ADJUSTMENTS.c.item_id, sa.literal(ZERO, QUANTITY), sa.func.sum(ADJUSTMENTS.c.value))
            .where(ADJUSTMENTS.c.on <= on)
            .group_by(ADJUSTMENTS.c.item_id),
        ]
    return carried({}, (row for query in asked for row in db.execute(query)))


def keep(db: Session, period_id: int, *, until: date) -> None:
    """Write what every lot held and was worth at the end of a month that is being closed."""
    base = latest(db, before=until)
    found = carried(kept(db, base), changes(db, after=base.until if base else None, until=until))
    rows = [(period_id, lot_id, *amounts) for lot_id, amounts in sorted(found.items())]
    add_many(db, KEPT, ("period_id", "lot_id", "quantity", "value"), rows)
