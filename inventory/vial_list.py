"""The opened vials of a site: where each is, until when, what it is worth, which to discard by when (S4)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, vial_labels
from inventory.catalog import DoseClass, Item, ItemKind
from inventory.clinic import CostFormula, Site
from inventory.database import table_of
from inventory.layers import LAYERS
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, value_of_part
from inventory.rooms import RoomEntry
from inventory.vials import OpenedVial, PreparedIn

VIALS, ITEMS, LOTS, ENTRIES = (table_of(model) for model in (OpenedVial, Item, Lot, RoomEntry))
NOTHING = sa.literal_column("0", sa.BigInteger)  # a bound zero would not match the partial index


@dataclass(frozen=True, slots=True)
class OpenedRow:
    """An opened vial with its labels, where it is, until when it may be used and by which rule."""

    id: int
    site_id: int
    sku: str
    name: str
    unit: str
    kind: ItemKind
    dose_class: DoseClass
    content: Decimal
    lot_id: int
    lot_number: str
    lot_state: LotState
    opened_at: datetime
    opened_by: str
    prepared_in: PreparedIn
    patient_ref: str | None
    room: str
    remaining: Decimal
    discard_at: datetime
    discard_rule: str
    closed_at: datetime | None
    value: Decimal  # of what is left, as it stands in the books

    @property
    def label(self) -> str:
        """What the code on its label says."""
        return vial_labels.code(self.id)

    @property
    def in_room(self) -> bool:
        """Whether it entered a treatment room: then it is one patient's."""
        return self.prepared_in is PreparedIn.TREATMENT_ROOM

    @property
    def may_enter_a_room(self) -> bool:
        """Whether it could still become one patient's by entering a room."""
        return self.dose_class is DoseClass.MULTI_DOSE and not self.in_room and self.closed_at is None

    def usable(self, at: datetime) -> bool:
        """Whether it may be drawn from at an instant, by whom it may serve."""
        there = self.closed_at is None and self.remaining > 0
        return there and at < self.discard_at and self.lot_state is LotState.RELEASED


@dataclass(frozen=True)
class ToDiscard:
    """What must be discarded now, and what by a later instant, the first first."""

    now: tuple[OpenedRow, ...]
    later: tuple[OpenedRow, ...]


def opened(
    db: Session,
    *,
    site: Site | None = None,
    until: datetime | None = None,
    keys: Sequence[int] | None = None,
) -> list[OpenedRow]:
    """The vials that are open at a site, the first to be discarded first; of named ones also the closed."""
    c, room = VIALS.c, _room()
    query = (
        sa.select(
            c.id, c.site_id, ITEMS.c.sku, ITEMS.c.name, ITEMS.c.unit, ITEMS.c.kind, ITEMS.c.dose_class,
            ITEMS.c.content, c.lot_id, LOTS.c.number, LOTS.c.state, c.opened_at, c.opened_by, c.prepared_in,
            c.patient_ref, room, c.remaining, c.discard_at, c.discard_rule, c.closed_at, c.item_id,
        )
        .join(ITEMS, ITEMS.c.id == c.item_id)
        .join(LOTS, LOTS.c.id == c.lot_id)
        .order_by(c.discard_at, c.id)
    )  # fmt: skip
    if keys is None:
        query = query.where(c.closed_at.is_(None), c.remaining > NOTHING)
    else:
        query = query.where(c.id.in_(sorted(set(keys))))
    if site is not None:
        query = query.where(c.site_id == site.id)
    if until is not None:
        query = query.where(c.discard_at <= until)
    rows: Sequence[Any] = db.connection().execute(query).all()
    worth = _worth(db, rows)
    return [OpenedRow(*(*row[:15], row[15] or "", *row[16:20], worth(row))) for row in rows]


def to_discard(db: Session, *, site: Site, at: datetime, by: datetime) -> ToDiscard:
    """What is past its time at an instant, and what will be by a later one (S4)."""
    found = opened(db, site=site, until=max(at, by))
    return ToDiscard(
        now=tuple(row for row in found if row.discard_at <= at),
        later=tuple(row for row in found if row.discard_at > at),
    )


def _room() -> sa.ScalarSelect[str]:
    """The name of the room that a vial entered last, if it is there."""
    return (
        sa.select(ENTRIES.c.room)
        .where(
            ENTRIES.c.vial_id == VIALS.c.id,
            ENTRIES.c.corrects_id.is_(None),
            VIALS.c.prepared_in == PreparedIn.TREATMENT_ROOM,
        )
        .order_by(ENTRIES.c.id.desc())
        .limit(1)
        .correlate(VIALS)
        .scalar_subquery()
    )


def _worth(db: Session, rows: Sequence[Any]) -> Any:
    """What is left of a vial is worth: its part of its lot's value, or of its item's under other formulas."""
    by_lot = clinic.settings(db).cost_formula is CostFormula.SPECIFIC
    column, field = (LAYERS.c.lot_id, "lot_id") if by_lot else (LAYERS.c.item_id, "item_id")
    keys = sorted({getattr(row, field) for row in rows})
    held: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    if keys:
        sums = sa.func.sum(LAYERS.c.value_left), sa.func.sum(LAYERS.c.quantity_left)
        live = sa.select(column, *sums).where(column.in_(keys), LAYERS.c.quantity_left > NOTHING)
        held |= {key: (value, quantity) for key, value, quantity in db.execute(live.group_by(column))}

    def worth(row: Any) -> Decimal:
        value, quantity = held[getattr(row, field)]
        return value_of_part(value, row.remaining, quantity) if ZERO < row.remaining <= quantity else ZERO

    return worth
