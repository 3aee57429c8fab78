"""Holds: quarantine, release and recall of a lot, at every site at once (S10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, ledger, lots, on_the_way, places
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import PLACES, Place, PlaceKind, Site, day_in
from inventory.database import table_of
from inventory.errors import Conflict
from inventory.ledger import DOCUMENTS, MOVEMENTS, Act, DocumentKind, Move
from inventory.lots import Lot, LotEvent, LotState
from inventory.measures import ZERO, plain
from inventory.questions import Question

SITES, QUARANTINES = table_of(Site), PLACES.alias("quarantines")
# Put together once: a recall is not to wait for its statements.
HELD_IN = Question(
    sa.select(
        PLACES.c.site_id, PLACES.c.id, BALANCES.c.quantity, BALANCES.c.last_on, SITES.c.time_zone,
        sa.select(sa.func.min(QUARANTINES.c.id))
        .where(
            QUARANTINES.c.site_id == SITES.c.id,
            QUARANTINES.c.kind == PlaceKind.QUARANTINE,
            QUARANTINES.c.active,
        )
        .correlate(SITES)
        .scalar_subquery()
        .label("quarantine_id"),
    )
    .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
    .join(SITES, SITES.c.id == PLACES.c.site_id)
    .where(
        BALANCES.c.lot_id == sa.bindparam("lot"),
        BALANCES.c.quantity > sa.literal_column("0"),
        PLACES.c.kind == sa.bindparam("kind", type_=PLACES.c.kind.type),
    )
    .order_by(PLACES.c.site_id, PLACES.c.id)
)  # fmt: skip

LAST_RECORDED = Question(
    sa.select(DOCUMENTS.c.recorded_at)
    .join(MOVEMENTS, MOVEMENTS.c.document_id == DOCUMENTS.c.id)
    .where(MOVEMENTS.c.lot_id == sa.bindparam("lot"))
    .order_by(MOVEMENTS.c.id.desc())
    .limit(sa.literal_column("1"))
)


class Spot(NamedTuple):
    """A row of `HELD_IN`."""

    site_id: int
    place_id: int
    quantity: Decimal
    last_on: date
    time_zone: str
    quarantine_id: int


@dataclass(frozen=True)
class HeldAt:
    """What the places of a kind at one site hold of a lot, and the latest day on which it moved there."""

    site_id: int
    time_zone: str
    quarantine_id: int
    places: tuple[tuple[int, Decimal], ...]
    last_on: date


class AlreadyThere(Conflict):
    """The lot is in that state already."""


class CannotRelease(Conflict):
    """An expired or recalled lot is not released."""


def quarantine(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Hold a lot back at every site until it is released. Refuses one that is held or recalled."""
    at = _lock(db, lot, at)
    if lot.state is not LotState.RELEASED:
        raise AlreadyThere(_already(db, lot))
    _hold(db, lot, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.QUARANTINED, at=at, by=by, reason=reason)
    return lot


def release(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Let a quarantined lot be used again. Refuses a released, a recalled and an expired one."""
    at = _lock(db, lot, at)
    if lot.state is LotState.RELEASED:
        raise AlreadyThere(_already(db, lot))
    if lot.state is LotState.RECALLED:
        raise CannotRelease(f"{_already(db, lot)} A recalled lot is not released.")
    today = max(site.day(at) for site in db.scalars(sa.select(Site)))
    if lot.expires_on < today:
        raise CannotRelease(
            f"Lot {lot.number} expired on {lot.expires_on}, and it is {today}; write it off instead."
        )
    _put_back(db, lot, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.RELEASED, at=at, by=by, reason=reason)
    return lot


def recall(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Hold what is left of a lot at every site, for good; `tracing.trace` says who received it (S10)."""
    at = _lock(db, lot, at)
    if lot.state is LotState.RECALLED:
        raise AlreadyThere(_already(db, lot))
    _hold(db, lot, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.RECALLED, at=at, by=by, reason=reason)
    return lot


def _already(db: Session, lot: Lot) -> str:
    """Since when a lot is in its state, by whom and why, and how much of it is held back or free."""
    latest = sa.select(LotEvent).where(LotEvent.lot_id == lot.id).order_by(LotEvent.id.desc()).limit(1)
    event = db.scalar(latest)
    since = "" if event is None else f" since {event.at:%Y-%m-%d %H:%M} UTC ({event.by}: {event.reason})"
    left = db.scalar(sa.select(sa.func.sum(BALANCES.c.quantity)).where(BALANCES.c.lot_id == lot.id))
    unit = db.scalar(sa.select(Item.unit).where(Item.id == lot.item_id))
    return f"Lot {lot.number} is {lot.state} already{since}; {plain(left or ZERO)} {unit} of it is left."


def _lock(db: Session, lot: Lot, at: datetime) -> datetime:
    """Lock the lot's item and read the state again: whoever held the lock may have recalled it.

    Answers the moment of what is done now. It is no earlier than what was recorded of the lot by then: who
    asked later may have been let in before (I24).
    """
    if ledger.lock_items(db, [lot.item_id]):
        db.refresh(lot)
    moments: list[datetime] = [recorded_at for (recorded_at,) in LAST_RECORDED.ask(db, lot=lot.id)]
    return max([at, *moments])


def _hold(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> None:
    """Carry a lot's sealed containers from every shelf into quarantine, and what is on the way with them.

    Holding a lot back is never refused for its date: what was received or moved ahead of today, under
    another clock or by a slip, is held from that day on.
    """
    for there in _held(db, lot, PlaceKind.SHELF):
        ways = [(key, there.quarantine_id, quantity) for key, quantity in there.places]
        _carry(db, lot, there, ways, at=at, by=by, reason=reason)
    on_the_way.collect(db, lot, at=at, by=by, reason=reason)


def _put_back(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> None:
    """Carry a lot from quarantine to the shelves that it came from, where they are still in use."""
    item = db.get_one(Item, lot.item_id)
    for there in _held(db, lot, PlaceKind.QUARANTINE):
        site = db.get_one(Site, there.site_id)
        shelves = clinic.shelves(db, site.id)
        places.hold(db, shelves)
        ways: list[tuple[int, int, Decimal]] = []
        for key, quantity in there.places:
            left = quantity
            for shelf_id, came in _came_from(db, lot, key):
                part = min(left, came) if shelf_id in shelves else ZERO
                if part:
                    ways.append((key, shelf_id, part))
                    left -= part
            if left:
                ways.append((key, places.shelf_for(db, site, [item])[item.id], left))
        _carry(db, lot, there, ways, at=at, by=by, reason=reason)


def _came_from(db: Session, lot: Lot, quarantine_id: int) -> Sequence[sa.Row[int, Decimal]]:
    """From which shelves how much of a lot was last carried into a quarantine, the latest first."""
    since = (
        sa.select(sa.func.coalesce(sa.func.max(MOVEMENTS.c.id), 0))
        .join(Place, Place.id == MOVEMENTS.c.target_id)
        .where(
            MOVEMENTS.c.lot_id == lot.id,
            MOVEMENTS.c.source_id == quarantine_id,
            Place.kind == PlaceKind.SHELF,
        )
        .scalar_subquery()
    )
    return db.execute(
        sa.select(MOVEMENTS.c.source_id, MOVEMENTS.c.quantity)
        .where(MOVEMENTS.c.lot_id == lot.id, MOVEMENTS.c.target_id == quarantine_id, MOVEMENTS.c.id > since)
        .order_by(MOVEMENTS.c.id.desc())
    ).all()


def _held(db: Session, lot: Lot, kind: PlaceKind) -> list[HeldAt]:
    """What the places of a kind hold of a lot, site by site."""
    rows = [Spot(*row) for row in HELD_IN.ask(db, lot=lot.id, kind=kind)]
    return [
        HeldAt(
            site_id=key,
            time_zone=part[0].time_zone,
            quarantine_id=part[0].quarantine_id,
            places=tuple((row.place_id, row.quantity) for row in part),
            last_on=max(row.last_on for row in part),
        )
        for key, group in groupby(rows, key=lambda row: row.site_id)
        for part in [list(group)]
    ]


def _carry(
    db: Session, lot: Lot, there: HeldAt, ways: Sequence[tuple[int, int, Decimal]], *,
    at: datetime, by: str, reason: str,
) -> None:  # fmt: skip
    """Carry a lot from place to place of a site, under one document.

    It is dated no earlier than the last movement of what it takes, which is locked: nothing moved since.
    """
    act = Act(there.site_id, max(day_in(there.time_zone, at), there.last_on), at, at, by, note=reason)
    document_id = ledger.open_document(db, DocumentKind.HOLD, act)
    facts = LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)
    moves = [Move(facts, source, target, part, reason=reason[:200]) for source, target, part in ways]
    held = frozenset(place_id for source, target, _ in ways for place_id in (source, target))
    ledger.post(db, document_id, act.on, moves, held=held, backdated=False)
