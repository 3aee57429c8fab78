"""Corrections: a mistake is undone by movements that point at those they reverse (S8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, layers, ledger, on_the_way
from inventory.balances import BALANCES, LotFacts
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Conflict, NotFound
from inventory.layers import Share
from inventory.ledger import Act, Document, DocumentKind, Move, Movement
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, plain
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial

SEALED = (PlaceKind.SHELF, PlaceKind.QUARANTINE, PlaceKind.TRANSIT)


@dataclass(frozen=True)
class Reversal:
    """The document that undoes, and the movements that it added."""

    document_id: int
    movements: tuple[Movement, ...]


class AlreadyReversed(Conflict):
    """The movement was reversed before."""


class UnknownDocument(NotFound):
    """No document has this key."""


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
    document = db.get_one(Document, session.document_id)
    when = {"at": at, "recorded_at": recorded_at, "by": by, "reason": reason}
    return _undo_rest(db, document, what=f"Session {session.id}", **when)


def reverse_document(
    db: Session, document: Document, *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> Reversal:
    """Undo what is left of any act, such as a count, a write-off or a receipt, the last movement first.

    A session is undone by `reverse_session`, for its course must know. Raises what `reverse` raises, and
    AlreadyReversed when nothing is left.
    """
    if document.kind is DocumentKind.SESSION:
        raise CannotReverse(f"Document {document.id} is a session: undo the session.")
    when = {"at": at, "recorded_at": recorded_at, "by": by, "reason": reason}
    return _undo_rest(db, document, what=f"Document {document.id}", **when)


def document(db: Session, key: int) -> Document:
    """The document with this key. Raises UnknownDocument."""
    found = db.get(Document, key)
    if found is None:
        raise UnknownDocument(f"No document has the key {key}.")
    return found


def reversed_ids(db: Session, movement_ids: Sequence[int]) -> set[int]:
    """Which of the movements were reversed."""
    return set(db.scalars(sa.select(Movement.corrects_id).where(Movement.corrects_id.in_(movement_ids))))


def _undo_rest(db: Session, document: Document, *, what: str, **when: Any) -> Reversal:
    movements = db.scalars(
        sa.select(Movement).where(Movement.document_id == document.id).order_by(Movement.id.desc())
    ).all()
    if not movements:
        raise CannotReverse(f"{what} moved nothing: there is nothing to reverse.")
    before = reversed_ids(db, [movement.id for movement in movements])
    left = [movement for movement in movements if movement.id not in before]
    if not left:
        raise AlreadyReversed(f"{what} was reversed already, {_since(db, min(before))}.")
    return _undo(db, left, **when)


def _since(db: Session, movement_id: int) -> str:
    """By which movement a movement was reversed, on which day, by whom."""
    row = db.execute(
        sa.select(Movement.id, Movement.on, Document.by)
        .join(Document, Document.id == Movement.document_id)
        .where(Movement.corrects_id == movement_id)
    ).one()
    return f"by movement {row.id} on {row.on} ({row.by})"


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
    moves = [_mirror(db, movement, kinds) for movement in movements]
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
        raise AlreadyReversed(f"Movement {min(before)} was reversed already, {_since(db, min(before))}.")


def _mirror(db: Session, movement: Movement, kinds: dict[int, PlaceKind]) -> Move:
    """The move that undoes one movement; its cost goes back to, or comes from, the layer it had.

    It runs between the places where the lot is kept by now: what is held back is in quarantine.
    """
    lot = db.get_one(Lot, movement.lot_id, populate_existing=True)
    if movement.vial_id is not None:
        _restore_vial(db, movement, kinds)
    layer_id = movement.layer_id
    if layer_id is not None:
        layer_id = layers.standing(
            db,
            clinic.settings(db).cost_formula,
            layer_id,
            item_id=lot.item_id,
            lot_id=lot.id,
            received_on=lot.received_on,
        )
        share = Share(layer_id, movement.quantity, movement.value)
        if movement.direction > 0:
            layers.take_exactly(db, share)
        else:
            layers.give_back(db, [share])
    source_id = _kept_now(db, movement, lot, movement.target_id, taking=True)
    target_id = _kept_now(db, movement, lot, movement.source_id, taking=False)
    if source_id == target_id:
        raise CannotReverse(
            f"Lot {lot.number} is {lot.state}: {plain(movement.quantity)} of it that movement {movement.id} "
            "carried within the clinic stays in quarantine."
        )
    return Move(
        LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on),
        source_id,
        target_id,
        movement.quantity,
        direction=-movement.direction,
        value=movement.value,
        layer_id=layer_id,
        vial_id=movement.vial_id,
        reason=movement.reason,
        corrects_id=movement.id,
    )


def _kept_now(db: Session, movement: Movement, lot: Lot, place_id: int, *, taking: bool) -> int:
    """Where sealed stock that was once in a place is kept now, to be taken from or to be put back.

    A lot that is held back is in quarantine, also what was on the way: where it was to arrive. A lot that
    is free is on a shelf: the same one, unless that was given up or, to take from it, holds too little.
    """
    place = db.get_one(Place, place_id)
    if place.kind not in SEALED:
        return place_id
    if lot.state is not LotState.RELEASED:
        going_to = on_the_way.going_to(db, movement.document_id) if place.kind is PlaceKind.TRANSIT else None
        return clinic.places(db, going_to or place.site_id)[PlaceKind.QUARANTINE]
    if place.kind is PlaceKind.TRANSIT:
        return place_id
    shelves = clinic.shelves(db, place.site_id)
    row = [place_id, *shelves] if place_id in shelves else shelves
    if not taking:
        return row[0]
    held = db.execute(
        sa.select(BALANCES.c.place_id, BALANCES.c.quantity).where(
            BALANCES.c.lot_id == lot.id, BALANCES.c.place_id.in_(shelves)
        )
    )
    there = dict(held.all())
    return next((key for key in row if there.get(key, ZERO) >= movement.quantity), row[0])


def _restore_vial(db: Session, movement: Movement, kinds: dict[int, PlaceKind]) -> None:
    """Give an opened vial back what was drawn or discarded, or seal one that was opened by mistake."""
    assert movement.vial_id is not None
    vial = db.get_one(OpenedVial, movement.vial_id, populate_existing=True)  # sessions drain it in SQL
    if kinds[movement.target_id] is PlaceKind.OPENED and movement.direction > 0:
        if vial.remaining < movement.quantity:  # found by a count, and used since
            raise CannotReverse(
                f"Opened vial {vial.id} holds {plain(vial.remaining)}; the {plain(movement.quantity)} that a "
                "count found in it cannot be taken out again."
            )
        vial.remaining -= movement.quantity
        vial.closed_at = None if vial.remaining else vial.opened_at
    elif kinds[movement.target_id] is PlaceKind.OPENED:
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
