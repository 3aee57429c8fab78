"""What the book says was there at the instant at which a line was counted, and what has moved since.

The book of an instant is not the balance of the moment at which it is read. What is recorded later but
happened before the count was there to be seen: a session of yesterday that is entered today, the reversal of
a session that never took place. Such a movement changes the book of that instant, and so the difference.
What happened after the count changes neither: a vial taken an hour later was counted rightly.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.balances import BALANCES
from inventory.counts import LINES, MOST_KEYS
from inventory.database import sql_list, table_of
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.measures import ZERO
from inventory.vials import OpenedVial

VIALS = table_of(OpenedVial)
ONE_DAY = timedelta(days=1)  # sites are at most so far apart


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a line's stock is: a lot in a place, or an opened vial."""

    line_id: int
    place_id: int
    item_id: int
    lot_id: int
    vial_id: int | None


@dataclass(frozen=True, slots=True)
class Touch:
    """A movement as a spot feels it. A reversal happened when the movement did that it undoes (S8)."""

    id: int
    change: Decimal
    at: datetime
    corrects_id: int | None


@dataclass(frozen=True, slots=True)
class Glance:
    """A count of a spot: between which instants, and the last movement that the ledger knew of then."""

    began_at: datetime
    at: datetime
    mark: int


def spots(db: Session, count_id: int) -> dict[int, Spot]:
    """Where each line of a count is, by the line's key."""
    c = LINES.c
    rows = db.execute(
        sa.select(c.id, c.place_id, c.item_id, c.lot_id, c.vial_id)
        .where(c.count_id == count_id)
        .order_by(c.id)
    )
    return {row.id: Spot(*row) for row in rows}


def held_now(db: Session, found: Iterable[Spot]) -> dict[int, Decimal]:
    """What the book says each spot holds at this moment, by line."""
    wanted = list(found)
    places: dict[tuple[int, int], Decimal] = {}
    vials: dict[int, Decimal] = {}
    for start in range(0, len(wanted), MOST_KEYS):
        part = wanted[start : start + MOST_KEYS]
        b = BALANCES.c
        sealed = sa.select(b.place_id, b.lot_id, b.quantity).where(
            b.lot_id.in_(sql_list(spot.lot_id for spot in part))
        )
        places |= {(place_id, lot_id): quantity for place_id, lot_id, quantity in db.execute(sealed)}
        keys = sql_list(spot.vial_id for spot in part if spot.vial_id is not None)
        opened = sa.select(VIALS.c.id, VIALS.c.remaining).where(VIALS.c.id.in_(keys))
        vials |= dict(db.execute(opened).all())
    return {
        spot.line_id: places.get((spot.place_id, spot.lot_id), ZERO)
        if spot.vial_id is None
        else vials.get(spot.vial_id, ZERO)
        for spot in wanted
    }


def places_hold(db: Session, lot_ids: Sequence[int]) -> dict[tuple[int, int], Decimal]:
    """What every place has of the lots now, by place and lot."""
    b = BALANCES.c
    rows = db.execute(sa.select(b.place_id, b.lot_id, b.quantity).where(b.lot_id.in_(sql_list(lot_ids))))
    held: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    held.update({(place_id, lot_id): quantity for place_id, lot_id, quantity in rows})
    return held


def last_movement(db: Session) -> int:
    """The last movement that the ledger knows of; of a locked item nothing is on its way."""
    return db.scalar(sa.select(sa.func.max(MOVEMENTS.c.id))) or 0


def touches(db: Session, found: Iterable[Spot], *, since: datetime, mark: int) -> Mapping[int, list[Touch]]:
    """What moved at each spot, by line: what happened since an instant, what was recorded after a mark."""
    wanted = list(found)
    lines: dict[tuple[int, int, int | None], int] = {
        (spot.place_id, spot.lot_id, spot.vial_id): spot.line_id for spot in wanted
    }
    sealed = {spot.place_id for spot in wanted if spot.vial_id is None}
    felt: dict[int, list[Touch]] = defaultdict(list)
    for row in _movements(db, sorted({spot.lot_id for spot in wanted}), since=since, mark=mark):
        at = row.original_at or row.at
        for place_id, change in ((row.source_id, -row.quantity), (row.target_id, row.quantity)):
            # Opening a vial takes from the shelf as well: of that place the vial says nothing.
            line_id = lines.get((place_id, row.lot_id, None if place_id in sealed else row.vial_id))
            if line_id is not None:
                felt[line_id].append(Touch(row.id, change, at, row.corrects_id))
    return felt


def book_then(held: Decimal, felt: Sequence[Touch], at: datetime) -> Decimal:
    """What was there at an instant by all that the ledger knows now: what happened later is taken off."""
    return held - sum((touch.change for touch in felt if touch.at > at), ZERO)


def learned_since(felt: Sequence[Touch], glance: Glance) -> Decimal:
    """By how much the book of that instant has changed since: recorded later, happened before."""
    return sum((touch.change for touch in felt if _late(touch, glance)), ZERO)


def moved_since(felt: Sequence[Touch], glance: Glance) -> Decimal:
    """What has come and gone since the spot was counted, and so is no difference."""
    return sum((touch.change for touch in felt if touch.id > glance.mark and not _late(touch, glance)), ZERO)


def moved_during(felt: Sequence[Touch], glance: Glance) -> bool:
    """Whether something moved between the first and the last container of one count: who knows which."""
    return any(
        glance.began_at < touch.at < glance.at
        or (glance.began_at < touch.at == glance.at and touch.id <= glance.mark)
        for touch in felt
    )


def _late(touch: Touch, glance: Glance) -> bool:
    if touch.id <= glance.mark:
        return False
    if touch.corrects_id is not None and touch.corrects_id <= glance.mark:
        return touch.at <= glance.at
    return touch.at < glance.at


def _movements(db: Session, lots: Sequence[int], *, since: datetime, mark: int) -> Iterable[sa.Row[Any]]:
    c, original, then = MOVEMENTS.c, MOVEMENTS.alias("original"), DOCUMENTS.alias("then")
    day: date = (since - ONE_DAY).date()
    for start in range(0, len(lots), MOST_KEYS):
        rows: Any = db.execute(
            sa.select(
                c.id, c.lot_id, c.vial_id, c.source_id, c.target_id, c.direction, c.quantity, c.corrects_id,
                DOCUMENTS.c.at, then.c.at.label("original_at"),
            )
            .join(DOCUMENTS, DOCUMENTS.c.id == c.document_id)
            .outerjoin(original, original.c.id == c.corrects_id)
            .outerjoin(then, then.c.id == original.c.document_id)
            .where(c.lot_id.in_(lots[start : start + MOST_KEYS]), sa.or_(c.on >= day, c.id > mark))
            .order_by(c.id)
        )  # fmt: skip
        yield from rows
