"""Previews: what an act would change, now and on every day since its date, found by doing and undoing it.

The act is performed inside a savepoint that is always rolled back, so a preview refuses exactly what the
act itself would refuse, and keeps nothing (S12).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import history
from inventory.balances import BALANCES
from inventory.clinic import HELD, PLACES, PlaceKind, Site
from inventory.database import table_of
from inventory.history import ITEMS, LOTS, MovementRow
from inventory.layers import LAYERS
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import LotEvent, LotState
from inventory.measures import ZERO
from inventory.vials import VIALS

SITES, EVENTS = table_of(Site), table_of(LotEvent)


@dataclass(frozen=True, slots=True)
class Spot:
    """A lot in a place of the clinic, by its labels."""

    site: str
    place: str
    place_name: str
    kind: PlaceKind
    sku: str
    unit: str
    lot_id: int
    lot_number: str


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What a place holds of a lot now, and what it would hold."""

    spot: Spot
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class DayChange:
    """What a place held of a lot at the end of a day on which something moved, and what it would have."""

    on: date
    spot: Spot
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class ValueChange:
    """What all stock of an item was worth at the end of a day, and what it would have been (B3)."""

    on: date
    sku: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class VialChange:
    """What an opened vial holds, and what it would hold; none: it would be opened by this act."""

    vial_id: int
    sku: str
    lot_number: str
    unit: str
    before: Decimal | None
    after: Decimal


@dataclass(frozen=True, slots=True)
class StateChange:
    """A lot whose state would change."""

    lot_id: int
    lot_number: str
    before: LotState
    after: LotState


@dataclass(frozen=True)
class Preview:
    """All that an act would add and change; empty lists where nothing would."""

    movements: tuple[MovementRow, ...]
    balances: tuple[BalanceChange, ...]
    days: tuple[DayChange, ...]
    values: tuple[ValueChange, ...]
    vials: tuple[VialChange, ...]
    lots: tuple[StateChange, ...]

    @property
    def value_change(self) -> Decimal:
        """By how much the inventory account would change: what comes in over the border minus what goes."""
        return sum((one.direction * one.value for one in self.movements), ZERO)


def preview(db: Session, act: Callable[[], object], *, recorded_at: datetime, by: str) -> Preview:
    """What an act would change; it is done, looked at, and undone.

    `recorded_at` and `by` are those that the act records. Raises whatever the act refuses.
    """
    mark, event = (db.scalar(sa.select(sa.func.max(key))) or 0 for key in (DOCUMENTS.c.id, EVENTS.c.id))
    attempt = db.begin_nested()
    try:
        act()
        db.flush()
        mine = db.scalars(
            sa.select(DOCUMENTS.c.id).where(
                DOCUMENTS.c.id > mark, DOCUMENTS.c.recorded_at == recorded_at, DOCUMENTS.c.by == by
            )
        ).all()
        return _look(db, mine, since_event=event, by=by)
    finally:
        if attempt.is_active:
            attempt.rollback()
        db.expire_all()


@dataclass(frozen=True, slots=True)
class _Moved:
    """What moved on a day between two places: by the act that is looked at, or by everything else."""

    on: date
    item_id: int
    lot_id: int
    source_id: int
    target_id: int
    quantity: Decimal
    value: Decimal  # plus over the border inwards, minus outwards
    mine: bool


def _look(db: Session, documents: Sequence[int], *, since_event: int, by: str) -> Preview:
    """What the documents have changed."""
    rows: Any = db.execute(
        sa.select(
            MOVEMENTS.c.id, MOVEMENTS.c.on, MOVEMENTS.c.lot_id, MOVEMENTS.c.item_id, MOVEMENTS.c.vial_id
        )
        .where(MOVEMENTS.c.document_id.in_(documents))
        .order_by(MOVEMENTS.c.id)
    ).all()
    states = _states(db, since_event=since_event, by=by)
    if not rows:
        return Preview((), (), (), (), (), states)
    first = min(row.on for row in rows)
    moved = _moved(db, {row.item_id for row in rows}, documents, first=first)
    kinds = {key: kind for key, kind in db.execute(sa.select(PLACES.c.id, PLACES.c.kind))}
    balances, days = _places(db, moved, {key for key, kind in kinds.items() if kind in HELD})
    return Preview(
        movements=tuple(
            row
            for row in history.movements_page(db, after=rows[0].id - 1, limit=None)
            if row.document_id in set(documents)
        ),
        balances=balances,
        days=days,
        values=_values(db, moved),
        vials=_vials(db, {row.vial_id for row in rows if row.vial_id is not None}, documents),
        lots=states,
    )


def _moved(db: Session, items: set[int], documents: Sequence[int], *, first: date) -> list[_Moved]:
    """All that moved of the items since a day, day by day."""
    c = MOVEMENTS.c
    mine = c.document_id.in_(documents).label("mine")
    keys = (c.on, c.item_id, c.lot_id, c.source_id, c.target_id)
    rows: Any = db.execute(
        sa.select(*keys, sa.func.sum(c.quantity), sa.func.sum(history.signed(c.value)), mine)
        .where(c.item_id.in_(sorted(items)), c.on >= first)
        .group_by(*keys, "mine")
    )
    return [_Moved(*row) for row in rows]


def _places(
    db: Session, moved: Sequence[_Moved], held: set[int]
) -> tuple[tuple[BalanceChange, ...], tuple[DayChange, ...]]:
    """What places hold of lots now and held on the days since, by place and lot."""
    by_spot: dict[tuple[int, int], dict[date, list[Decimal]]] = defaultdict(lambda: defaultdict(_nothing))
    for one in moved:
        for place_id, change in ((one.source_id, -one.quantity), (one.target_id, one.quantity)):
            if place_id in held:
                by_spot[place_id, one.lot_id][one.on][one.mine] += change
    touched = {key: line for key, line in by_spot.items() if any(mine for _, mine in line.values())}
    spots = _spots(db, touched)
    now: list[BalanceChange] = []
    days: list[DayChange] = []
    for key in sorted(touched):
        spot, after = spots[key]
        line = list(_backwards(touched[key], after))
        days.extend(DayChange(on, spot, *ends) for on, *ends in reversed(line) if ends[0] != ends[1])
        if line[0][1] != after:
            now.append(BalanceChange(spot, line[0][1], after))
    return tuple(now), tuple(days)


def _nothing() -> list[Decimal]:
    return [ZERO, ZERO]


def _backwards(
    line: Mapping[date, Sequence[Decimal]], after: Decimal
) -> Iterator[tuple[date, Decimal, Decimal]]:
    """What there was at the end of each day without the act and with it, the latest day first."""
    before = after - sum((mine for _, mine in line.values()), ZERO)
    for on in sorted(line, reverse=True):
        yield on, before, after
        others, mine = line[on]
        before, after = before - others, after - others - mine


def _spots(db: Session, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[Spot, Decimal]]:
    """The labels of places and lots, and what the balance says is there."""
    rows: Any = db.execute(
        sa.select(
            BALANCES.c.place_id, BALANCES.c.lot_id, BALANCES.c.quantity, SITES.c.code, PLACES.c.code,
            PLACES.c.name, PLACES.c.kind, ITEMS.c.sku, sa.type_coerce(ITEMS.c.unit, sa.String), LOTS.c.number,
        )
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .join(SITES, SITES.c.id == PLACES.c.site_id)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .join(ITEMS, ITEMS.c.id == LOTS.c.item_id)
        .where(BALANCES.c.lot_id.in_(sorted({lot_id for _, lot_id in keys})))
    )  # fmt: skip
    return {
        (place_id, lot_id): (Spot(site, place, name, kind, sku, unit, lot_id, number), held)
        for place_id, lot_id, held, site, place, name, kind, sku, unit, number in rows
    }


def _values(db: Session, moved: Sequence[_Moved]) -> tuple[ValueChange, ...]:
    """What the items' stock was worth at the ends of the days since."""
    by_item: dict[int, dict[date, list[Decimal]]] = defaultdict(lambda: defaultdict(_nothing))
    for one in moved:
        by_item[one.item_id][one.on][one.mine] += one.value
    touched = {key: line for key, line in by_item.items() if any(mine for _, mine in line.values())}
    rows: Any = db.execute(
        sa.select(ITEMS.c.id, ITEMS.c.sku, sa.func.sum(LAYERS.c.value_left))
        .join(LAYERS, LAYERS.c.item_id == ITEMS.c.id)
        .where(ITEMS.c.id.in_(sorted(touched)))
        .group_by(ITEMS.c.id, ITEMS.c.sku)
        .order_by(ITEMS.c.sku)
    )
    return tuple(
        ValueChange(on, sku, before, after)
        for key, sku, worth in rows
        for on, before, after in reversed(list(_backwards(touched[key], worth)))
        if before != after
    )


def _vials(db: Session, keys: Iterable[int], documents: Sequence[int]) -> tuple[VialChange, ...]:
    """What opened vials hold, and held without the documents."""
    opened = set(db.scalars(sa.select(PLACES.c.id).where(PLACES.c.kind == PlaceKind.OPENED)))
    c = MOVEMENTS.c
    rows: Any = db.execute(
        sa.select(VIALS.c.id, ITEMS.c.sku, LOTS.c.number, sa.type_coerce(ITEMS.c.unit, sa.String))
        .join(LOTS, LOTS.c.id == VIALS.c.lot_id)
        .join(ITEMS, ITEMS.c.id == VIALS.c.item_id)
        .where(VIALS.c.id.in_(sorted(keys)))
        .order_by(VIALS.c.id)
    ).all()
    found = []
    for key, sku, number, unit in rows:
        held: list[Decimal | None] = [None, ZERO]
        for source_id, target_id, document_id, much in db.execute(
            sa.select(c.source_id, c.target_id, c.document_id, c.quantity).where(c.vial_id == key)
        ):
            change = much * ((target_id in opened) - (source_id in opened))
            held[1] = (held[1] or ZERO) + change
            if document_id not in documents:
                held[0] = (held[0] or ZERO) + change
        found.append(VialChange(key, sku, number, unit, held[0], held[1] or ZERO))
    return tuple(found)


def _states(db: Session, *, since_event: int, by: str) -> tuple[StateChange, ...]:
    """The lots whose state the act has set, and what it was before."""
    c = EVENTS.c
    rows = db.execute(
        sa.select(c.lot_id, LOTS.c.number, c.state)
        .join(LOTS, LOTS.c.id == c.lot_id)
        .where(c.id > since_event, c.by == by)
        .order_by(c.id)
    ).all()
    earlier = sa.select(c.lot_id, c.state).where(
        c.lot_id.in_(sorted({row.lot_id for row in rows})), c.id <= since_event
    )
    before = {lot_id: state for lot_id, state in db.execute(earlier.order_by(c.id))}
    return tuple(
        StateChange(row.lot_id, row.number, before.get(row.lot_id, LotState.RELEASED), row.state)
        for row in rows
    )
