"""Holds: quarantine, release, recall, and the trace from a lot to everyone who received it (S10)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, ledger, lots
from inventory.balances import BALANCES, LotFacts
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Conflict
from inventory.ledger import MOVEMENTS, Act, DocumentKind, Move
from inventory.lots import Lot, LotState
from inventory.measures import ZERO
from inventory.receiving import Receipt
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial


@dataclass(frozen=True)
class Received:
    """A session that received a lot: when, who, how much."""

    session_id: int
    at: datetime
    site_id: int
    patient_ref: str
    quantity: Decimal


@dataclass(frozen=True)
class Trace:
    """Where a lot came from and where it went."""

    lot: Lot
    receipts: tuple[Receipt, ...]
    sessions: tuple[Received, ...]
    opened: tuple[OpenedVial, ...]
    on_hand: Decimal

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient reference that received the lot, once."""
        return tuple(sorted({session.patient_ref for session in self.sessions}))


class AlreadyThere(Conflict):
    """The lot is in that state already."""


class CannotRelease(Conflict):
    """An expired or recalled lot is not released."""


def quarantine(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Hold a lot back at every site until it is released. Refuses one that is held or recalled."""
    _lock(db, lot)
    if lot.state is not LotState.RELEASED:
        raise AlreadyThere(f"Lot {lot.number} is {lot.state} already.")
    _move_sealed(db, lot, PlaceKind.SHELF, PlaceKind.QUARANTINE, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.QUARANTINED, at=at, by=by, reason=reason)
    return lot


def release(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Lot:
    """Let a quarantined lot be used again. Refuses a released, a recalled and an expired one."""
    _lock(db, lot)
    if lot.state is LotState.RELEASED:
        raise AlreadyThere(f"Lot {lot.number} is released already.")
    if lot.state is LotState.RECALLED:
        raise CannotRelease(f"Lot {lot.number} was recalled by its maker; a recalled lot is not released.")
    today = max(site.day(at) for site in db.scalars(sa.select(Site)))
    if lot.expires_on < today:
        raise CannotRelease(f"Lot {lot.number} expired on {lot.expires_on}; write it off instead.")
    _move_sealed(db, lot, PlaceKind.QUARANTINE, PlaceKind.SHELF, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.RELEASED, at=at, by=by, reason=reason)
    return lot


def recall(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> Trace:
    """Hold what is left of a lot at every site, for good, and say who received it (S10)."""
    _lock(db, lot)
    if lot.state is LotState.RECALLED:
        raise AlreadyThere(f"Lot {lot.number} is recalled already.")
    _move_sealed(db, lot, PlaceKind.SHELF, PlaceKind.QUARANTINE, at=at, by=by, reason=reason)
    lots.change_state(db, lot, LotState.RECALLED, at=at, by=by, reason=reason)
    return trace(db, lot)


def trace(db: Session, lot: Lot) -> Trace:
    """Every receipt, session, patient and opened vial of a lot. Reversed uses are left out."""
    patients = sa.select(Place.id).where(Place.kind == PlaceKind.PATIENT).scalar_subquery()
    undone = sa.select(MOVEMENTS.c.corrects_id).where(
        MOVEMENTS.c.lot_id == lot.id, MOVEMENTS.c.corrects_id.isnot(None)
    )
    rows = db.execute(
        sa.select(
            TreatmentSession.id,
            TreatmentSession.at,
            TreatmentSession.site_id,
            TreatmentSession.patient_ref,
            sa.func.sum(MOVEMENTS.c.quantity),
        )
        .join(TreatmentSession, TreatmentSession.document_id == MOVEMENTS.c.document_id)
        .where(
            MOVEMENTS.c.lot_id == lot.id,
            MOVEMENTS.c.target_id.in_(patients),
            MOVEMENTS.c.id.notin_(undone),
        )
        .group_by(
            TreatmentSession.id, TreatmentSession.at, TreatmentSession.site_id, TreatmentSession.patient_ref
        )
        .order_by(TreatmentSession.at, TreatmentSession.id)
    )
    held = db.scalar(sa.select(sa.func.sum(BALANCES.c.quantity)).where(BALANCES.c.lot_id == lot.id))
    return Trace(
        lot=lot,
        receipts=tuple(db.scalars(sa.select(Receipt).where(Receipt.lot_id == lot.id).order_by(Receipt.id))),
        sessions=tuple(Received(*row) for row in rows),
        opened=tuple(
            db.scalars(
                sa.select(OpenedVial)
                .where(OpenedVial.lot_id == lot.id, OpenedVial.closed_at.is_(None))
                .order_by(OpenedVial.id)
            )
        ),
        on_hand=held or ZERO,
    )


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
