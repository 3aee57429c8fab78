"""Corrections: a mistake is undone by movements that point at those they reverse (S8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, layers, ledger, on_the_way
from inventory.balances import LotFacts
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Conflict
from inventory.layers import Share
from inventory.ledger import Act, Document, DocumentKind, Move, Movement
from inventory.lots import Lot, LotState
from inventory.measures import plain
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial


@dataclass(frozen=True)
class Reversal:
    """The document that undoes, and the movements that it added."""

    document_id: int
    movements: tuple[Movement, ...]


class AlreadyReversed(Conflict):
    """The movement was reversed before."""


class CannotReverse(Conflict):
    """Undoing this would say something that is not so."""


def reverse(
    db: Session, movement: Movement, *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> Reversal:
    """Undo a movement, with those that belong to it: a single-dose use takes its remainder along (S3).

    Raises AlreadyReversed, CannotReverse, layers.LayerSpent, balances.WouldHaveBeenNegative.
    """
    return _undo(db, _together(db, movement), at=at, recorded_at=recorded_at, by=by, reason=reason)


def reverse_session(
    db: Session, session: TreatmentSession, *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> Reversal:
    """Undo what is left of a session: every use, remainder and vial it opened, the last first.

    What was undone of it before stays undone. Raises AlreadyReversed when nothing is left.
    """
    movements = db.scalars(
        sa.select(Movement).where(Movement.document_id == session.document_id).order_by(Movement.id.desc())
    ).all()
    before = reversed_ids(db, [movement.id for movement in movements])
    left = [movement for movement in movements if movement.id not in before]
    if not left:
        raise AlreadyReversed(f"Session {session.id} was reversed already.")
    return _undo(db, left, at=at, recorded_at=recorded_at, by=by, reason=reason)


def reversed_ids(db: Session, movement_ids: Sequence[int]) -> set[int]:
    """Which of the movements were reversed."""
    return set(db.scalars(sa.select(Movement.corrects_id).where(Movement.corrects_id.in_(movement_ids))))


def _together(db: Session, movement: Movement) -> Sequence[Movement]:
    """A sealed draw's use and remainder are one container's: the shelf holds whole ones (S1)."""
    if movement.vial_id is not None:
        return [movement]
    return db.scalars(
        sa.select(Movement)
        .where(
            Movement.document_id == movement.document_id,
            Movement.lot_id == movement.lot_id,
            Movement.source_id == movement.source_id,
            Movement.vial_id.is_(None),
        )
        .order_by(Movement.id.desc())
    ).all()


def _undo(
    db: Session, movements: Sequence[Movement], *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> Reversal:
    document = db.get_one(Document, movements[0].document_id)
    site = db.get_one(Site, document.site_id)
    ledger.lock_items(db, [movement.item_id for movement in movements])
    _refuse(db, movements, document)
    if site.day(at) < document.on:
        raise CannotReverse(
            f"Movement {movements[0].id} is dated {document.on}; it cannot be undone on {site.day(at)}."
        )
    act = Act(site.id, site.day(at), at, recorded_at, by, reference=f"reverses {document.id}", note=reason)
    kinds = {key: kind for key, kind in db.execute(sa.select(Place.id, Place.kind))}
    moves = [_mirror(db, movement, kinds, clinic.places_of(db, site.id)) for movement in movements]
    document_id = ledger.open_document(db, DocumentKind.REVERSAL, act)
    held = frozenset(clinic.held_places(db))
    ledger.post(db, document_id, act.on, moves, held=held)
    on_the_way.follow(db, document_id, document.id, moves)
    db.flush()
    added = db.scalars(sa.select(Movement).where(Movement.document_id == document_id).order_by(Movement.id))
    return Reversal(document_id, tuple(added))


def _refuse(db: Session, movements: Sequence[Movement], document: Document) -> None:
    if document.kind is DocumentKind.REVERSAL:
        raise CannotReverse(f"Movement {movements[0].id} is itself a reversal: record the act anew.")
    if document.kind is DocumentKind.HOLD:
        raise CannotReverse("A hold is ended by releasing the lot, not by reversing its movement.")
    before = reversed_ids(db, [movement.id for movement in movements])
    if before:
        raise AlreadyReversed(f"Movement {min(before)} was reversed already.")


def _mirror(
    db: Session, movement: Movement, kinds: dict[int, PlaceKind], places: dict[PlaceKind, tuple[int, ...]]
) -> Move:
    """The move that undoes one movement; its cost goes back to, or comes from, the layer it had.

    What came off the shelf of a lot that is held by now, or was on the way, goes back to quarantine; what
    came off a shelf that was given up goes to the first one.
    """
    lot = db.get_one(Lot, movement.lot_id, populate_existing=True)
    if movement.vial_id is not None:
        _restore_vial(db, movement, kinds)
    if movement.layer_id is not None:
        share = Share(movement.layer_id, movement.quantity, movement.value)
        if movement.direction > 0:
            layers.take_exactly(db, share)
        else:
            layers.give_back(db, [share])
    back_to = movement.source_id
    if kinds[back_to] in (PlaceKind.SHELF, PlaceKind.TRANSIT) and lot.state is not LotState.RELEASED:
        (back_to,) = places[PlaceKind.QUARANTINE]
    elif kinds[back_to] is PlaceKind.SHELF and back_to not in places[PlaceKind.SHELF]:
        back_to = places[PlaceKind.SHELF][0]
    return Move(
        LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on),
        movement.target_id,
        back_to,
        movement.quantity,
        direction=-movement.direction,
        value=movement.value,
        layer_id=movement.layer_id,
        vial_id=movement.vial_id,
        reason=movement.reason,
        corrects_id=movement.id,
    )


def _restore_vial(db: Session, movement: Movement, kinds: dict[int, PlaceKind]) -> None:
    """Give an opened vial back what was drawn or discarded, or seal one that was opened by mistake."""
    assert movement.vial_id is not None
    vial = db.get_one(OpenedVial, movement.vial_id, populate_existing=True)  # sessions drain it in SQL
    if kinds[movement.target_id] is PlaceKind.OPENED:
        if vial.remaining != movement.quantity:
            raise CannotReverse(
                f"Opened vial {vial.id} holds {plain(vial.remaining)} of {plain(movement.quantity)}: "
                "only an untouched one goes back to the shelf."
            )
        vial.remaining -= movement.quantity
        vial.closed_at = vial.opened_at  # it was never opened
    else:
        vial.remaining += movement.quantity
        vial.closed_at = None
    db.flush()
