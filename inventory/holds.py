"""Holds: quarantine, release and recall of a lot, at every site at once (S10)."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, ledger, lots
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Conflict
from inventory.ledger import Act, DocumentKind, Move
from inventory.lots import Lot, LotEvent, LotState
from inventory.measures import ZERO, plain


class AlreadyThere(Conflict):
    """The lot is in that state already."""


class CannotRelease(Conflict):
    """An expired or recalled lot is not released."""


def quarantine(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Hold a lot back at every site until it is released. Refuses one that is held or recalled."""
    _lock(db, lot)
    if lot.state is not LotState.RELEASED:
        raise AlreadyThere(_already(db, lot))
    _move_sealed(db, lot, PlaceKind.SHELF, PlaceKind.QUARANTINE, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.QUARANTINED, at=at, by=by, reason=reason)
    return lot


def release(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Let a quarantined lot be used again. Refuses a released, a recalled and an expired one."""
    _lock(db, lot)
    if lot.state is LotState.RELEASED:
        raise AlreadyThere(_already(db, lot))
    if lot.state is LotState.RECALLED:
        raise CannotRelease(f"{_already(db, lot)} A recalled lot is not released.")
    today = max(site.day(at) for site in db.scalars(sa.select(Site)))
    if lot.expires_on < today:
        raise CannotRelease(
            f"Lot {lot.number} expired on {lot.expires_on}, and it is {today}; write it off instead."
        )
    _move_sealed(db, lot, PlaceKind.QUARANTINE, PlaceKind.SHELF, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.RELEASED, at=at, by=by, reason=reason)
    return lot


def recall(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Hold what is left of a lot at every site, for good; `tracing.trace` says who received it (S10)."""
    _lock(db, lot)
    if lot.state is LotState.RECALLED:
        raise AlreadyThere(_already(db, lot))
    _move_sealed(db, lot, PlaceKind.SHELF, PlaceKind.QUARANTINE, at=at, by=by, reason=reason)
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


def _lock(db: Session, lot: Lot) -> None:
    """Lock the lot's item and read the state again: whoever held the lock may have recalled it."""
    ledger.lock_items(db, [lot.item_id])
    db.refresh(lot)


def _move_sealed(
    db: Session, lot: Lot, source: PlaceKind, target: PlaceKind, *, at: datetime, by: str, reason: str
) -> None:
    """Carry a lot's sealed containers between shelf and quarantine, site by site.

    Holding a lot back is never refused for its date: what was received or moved ahead of today, under
    another clock or by a slip, is held from that day on.
    """
    rows = db.execute(
        sa.select(Place.site_id, Place.id, BALANCES.c.quantity, BALANCES.c.last_on)
        .join(Place, Place.id == BALANCES.c.place_id)
        .where(BALANCES.c.lot_id == lot.id, BALANCES.c.quantity > 0, Place.kind == source)
        .order_by(Place.site_id)
    ).all()
    held = frozenset(clinic.held_places(db))
    facts = LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)
    for site_id, place_id, quantity, last_on in rows:
        site = db.get_one(Site, site_id)
        act = Act(site_id, max(site.day(at), last_on), at, at, by, note=reason)
        document_id = ledger.open_document(db, DocumentKind.HOLD, act)
        move = Move(facts, place_id, clinic.places(db, site_id)[target], quantity, reason=reason[:200])
        ledger.post(db, document_id, act.on, [move], held=held)
