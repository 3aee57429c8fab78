"""Opening stock taken back: reversals of all that one import brought, or of none of it (S8)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from inventory import clinic, ledger
from inventory.balances import BALANCES, lot_facts
from inventory.clinic import Site
from inventory.database import sql_list
from inventory.errors import Conflict
from inventory.layers import LAYERS, LEAVE
from inventory.ledger import DOCUMENTS, MOVEMENTS, Act, DocumentKind, Move, Movement
from inventory.lots import Lot
from inventory.measures import plain

MOST_NAMED = 5  # lots that a refusal names
MOST_SOUGHT = 10_000
Moved = sa.Row[Any]  # a movement


class UsedSince(Conflict):
    """Some of the opening stock was used or moved since, so it cannot be taken back."""


class NothingLeft(Conflict):
    """Every line of the opening stock was reversed before."""


def take_back(
    db: Session, document_ids: Sequence[int], *, site: Site, at: datetime, by: str, reason: str
) -> int:
    """Reverse what is left of some documents of opening stock, in one document; answers its key.

    Raises UsedSince with the lots of which less is there than came, and NothingLeft.
    """
    moved = _left(db, document_ids)
    if not moved:
        raise NothingLeft("Every line was reversed before.")
    ledger.lock_items(db, [movement.item_id for movement in moved])
    _refuse_used(db, moved)
    _give_up_layers(db, moved)
    act = Act(site.id, site.day(at), at, at, by, reference="takes opening stock back", note=reason)
    document_id = ledger.open_document(db, DocumentKind.REVERSAL, act)
    facts = lot_facts(db, [movement.lot_id for movement in moved])
    mirrored = [
        Move(
            facts[movement.lot_id],
            movement.target_id,
            movement.source_id,
            movement.quantity,
            direction=-1,
            value=movement.value,
            layer_id=movement.layer_id,
            reason=movement.reason,
            corrects_id=movement.id,
        )
        for movement in reversed(moved)
    ]
    ledger.post(db, document_id, act.on, mirrored, held=frozenset(clinic.held_places(db)))
    return document_id


def _left(db: Session, document_ids: Sequence[int]) -> list[Moved]:
    """The movements of the documents that no other movement reverses."""
    undone = aliased(Movement).__table__.alias("undone")
    found: list[Moved] = []
    for start in range(0, len(document_ids), MOST_SOUGHT):
        part = document_ids[start : start + MOST_SOUGHT]
        found += db.execute(
            sa.select(MOVEMENTS)
            .outerjoin(undone, undone.c.corrects_id == MOVEMENTS.c.id)
            .where(MOVEMENTS.c.document_id.in_(part), undone.c.id.is_(None))
            .order_by(MOVEMENTS.c.id)
        ).all()
    return found


def _refuse_used(db: Session, moved: Sequence[Moved]) -> None:
    """Raises UsedSince unless every place still holds what came to it."""
    came: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for movement in moved:
        came[movement.target_id, movement.lot_id] += movement.quantity
    there: dict[tuple[int, int], Decimal] = {}
    keys = sql_list(lot_id for _, lot_id in came)
    for start in range(0, len(keys), MOST_SOUGHT):
        part = keys[start : start + MOST_SOUGHT]
        rows = db.execute(
            sa.select(BALANCES.c.place_id, BALANCES.c.lot_id, BALANCES.c.quantity).where(
                BALANCES.c.lot_id.in_(part)
            )
        )
        there |= {(place, lot): held for place, lot, held in rows}
    short = [key for key, quantity in came.items() if there.get(key, Decimal(0)) < quantity]
    if not short:
        return
    said = [
        f"{_named(db, lot)}: {plain(came[place, lot])} came and {plain(there.get((place, lot), Decimal(0)))} "
        f"is still in its place{_since(db, place, lot)}"
        for place, lot in short[:MOST_NAMED]
    ]
    more = f"; and {len(short) - MOST_NAMED} more" if len(short) > MOST_NAMED else ""
    raise UsedSince(f"The opening stock cannot be taken back; it was used since: {'; '.join(said)}{more}.")


def _named(db: Session, lot_id: int) -> str:
    return f"lot {db.get_one(Lot, lot_id).number}"


def _since(db: Session, place_id: int, lot_id: int) -> str:
    """What first took some of the lot from the place: its act and its day."""
    row = db.execute(
        sa.select(DOCUMENTS.c.kind, DOCUMENTS.c.id, DOCUMENTS.c.on)
        .join(MOVEMENTS, MOVEMENTS.c.document_id == DOCUMENTS.c.id)
        .where(MOVEMENTS.c.lot_id == lot_id, MOVEMENTS.c.source_id == place_id)
        .order_by(MOVEMENTS.c.id)
        .limit(1)
    ).first()
    return "" if row is None else f" ({row.kind.replace('_', ' ')} of {row.on}, entry ST-{row.id})"


def _give_up_layers(db: Session, moved: Sequence[Moved]) -> None:
    """Take from each cost layer exactly what came to it. Raises UsedSince when it was drawn since."""
    given: dict[int, tuple[Decimal, Decimal]] = {}
    for movement in moved:
        quantity, value = given.get(movement.layer_id, (Decimal(0), Decimal(0)))
        given[movement.layer_id] = quantity + movement.quantity, value + movement.value
    keys = sql_list(given)
    rest = []
    for start in range(0, len(keys), MOST_SOUGHT):
        part = keys[start : start + MOST_SOUGHT]
        rows = db.execute(
            sa.select(LAYERS.c.id, LAYERS.c.quantity_left, LAYERS.c.value_left).where(LAYERS.c.id.in_(part))
        )
        for key, quantity_left, value_left in rows:
            quantity, value = given[key]
            left, worth = quantity_left - quantity, value_left - value
            if left < 0 or worth < 0 or (not left and worth):
                raise UsedSince(
                    f"The opening stock brought {plain(quantity)} for {value}; {plain(quantity_left)} for "
                    f"{value_left} of its cost is left: some was used. Write off or count."
                )
            rest.append((key, left, worth))
    LEAVE.run(db, rest)
