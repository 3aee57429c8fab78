"""Opening vials outside a session, and throwing stock away with a reason (S4, S11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, layers, ledger, lots, shelf, vials
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Conflict, Invalid
from inventory.layers import Share, Want
from inventory.ledger import Act, DocumentKind, Move, WasteReason
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, plain, quantity
from inventory.vials import LotNotUsable, OpenedVial, PreparedIn, VialClosed


@dataclass(frozen=True)
class WrittenOff:
    """What was thrown away: from which lot or vial, how much, and what it had cost."""

    document_id: int
    lot: Lot
    vial_id: int | None
    quantity: Decimal
    value: Decimal
    reason: WasteReason
    sku: str
    name: str
    unit: str
    discard_at: datetime | None = None  # of a vial: until when it could be used, and by which rule
    discard_rule: str | None = None


class NotThatMuch(Conflict):
    """The place or vial holds less than is to be thrown away."""


class VialElsewhere(Conflict):
    """The opened vial is at another site."""


class ReasonNeeded(Invalid):
    """This reason needs a note, or belongs to sessions alone (S11)."""


class PatientNeeded(Invalid):
    """A vial that enters the treatment room is one patient's (S4)."""


def open_vial(
    db: Session,
    lot: Lot,
    *,
    site: Site,
    at: datetime,
    recorded_at: datetime,
    by: str,
    prepared_in: PreparedIn = PreparedIn.PREPARATION_AREA,
    patient_ref: str | None = None,
) -> OpenedVial:
    """Open one sealed container of a multi-dose lot; it gets its own record and deadline (S4).

    Raises OpensInItsSession, PharmacyBulk, LotNotUsable, PatientNeeded.
    """
    on = site.day(at)
    product = shelf.products(db, item_ids=[lot.item_id])[lot.item_id]
    vials.check_openable(product)
    if prepared_in is PreparedIn.TREATMENT_ROOM and not patient_ref:
        raise PatientNeeded(f"A {product.sku} opened in the treatment room is one patient's: say whose.")
    ledger.lock_items(db, [lot.item_id])
    db.refresh(lot)  # it may have been held back while we waited for the lock
    places = clinic.places_of(db, site.id)
    held = _held(db, places[PlaceKind.SHELF], lot.id)
    source_id = next((key for key, quantity in held.items() if quantity >= product.content), None)
    if lot.state is not LotState.RELEASED or lot.expires_on < on or source_id is None:
        sealed = sum(held.values(), ZERO)
        raise LotNotUsable(
            f"Lot {lot.number} of {product.sku} is {lot.state}, expires on {lot.expires_on} and holds "
            f"{plain(sealed)} {product.unit} on the shelf: no {plain(product.content)} {product.unit} "
            "container of it can be opened."
        )
    opened = vials.record(
        db,
        product,
        lot_id=lot.id,
        expires_on=lot.expires_on,
        site=site,
        at=at,
        by=by,
        prepared_in=prepared_in,
        patient_ref=patient_ref,
        remaining=product.content,
        rules=vials.rules_in_force(db, site, on),
    )
    act = Act(site.id, on, at, recorded_at, by)
    document_id = ledger.open_document(db, DocumentKind.OPENING, act)
    move = Move(_facts(lot), source_id, places[PlaceKind.OPENED][0], product.content, vial_id=opened.id)
    ledger.post(db, document_id, on, [move], held=frozenset(clinic.held_places(db)))
    return opened


def discard(
    db: Session,
    opened: OpenedVial,
    *,
    site: Site,
    at: datetime,
    recorded_at: datetime,
    by: str,
    reason: WasteReason = WasteReason.BEYOND_USE,
    note: str = "",
) -> WrittenOff:
    """Throw away what is left in an opened vial. Raises VialClosed when nothing is."""
    ledger.lock_items(db, [opened.item_id])
    db.refresh(opened)
    if opened.closed_at is not None or not opened.remaining:
        raise VialClosed(f"Opened vial {opened.id} was closed at {opened.closed_at}; nothing is left of it.")
    return write_off(
        db,
        lots.lot(db, opened.lot_id),
        quantity_off=opened.remaining,
        reason=reason,
        site=site,
        at=at,
        recorded_at=recorded_at,
        by=by,
        note=note,
        opened=opened,
    )


def discard_due(
    db: Session, *, site: Site, at: datetime, recorded_at: datetime, by: str
) -> tuple[WrittenOff, ...]:
    """Close every opened vial of the site that is past its discard time: the evening's one call (S4).

    Called again it finds nothing to do. Whoever draws from one of the vials or discards it at the same time
    is waited for.
    """
    past = (
        OpenedVial.site_id == site.id,
        OpenedVial.closed_at.is_(None),
        OpenedVial.discard_at <= at,
        OpenedVial.remaining > 0,
    )
    ledger.lock_items(db, db.scalars(sa.select(OpenedVial.item_id).where(*past).distinct()).all())
    due = db.scalars(
        sa.select(OpenedVial)
        .where(*past)
        .order_by(OpenedVial.item_id, OpenedVial.id)
        .execution_options(populate_existing=True)
    ).all()
    return tuple(discard(db, opened, site=site, at=at, recorded_at=recorded_at, by=by) for opened in due)


def write_off(
    db: Session,
    lot: Lot,
    *,
    quantity_off: Decimal,
    reason: WasteReason,
    site: Site,
    at: datetime,
    recorded_at: datetime,
    by: str,
    note: str = "",
    opened: OpenedVial | None = None,
    place: Place | None = None,
) -> WrittenOff:
    """Throw stock away with a reason: whole containers from shelf or quarantine, or from an opened vial.

    They leave the shelves in their order, then quarantine, unless a `place` is named. An expired,
    quarantined or recalled lot can be thrown away. Raises NotThatMuch, ReasonNeeded,
    catalog.NotWholeContainers (S1), VialClosed, VialElsewhere.
    """
    _check(lot, quantity_off, reason, note)
    item = db.get_one(Item, lot.item_id)
    ledger.lock_items(db, [lot.item_id])
    if opened is not None:
        db.refresh(opened)  # it may have served a session since it was read
    on = site.day(at)
    places = clinic.places_of(db, site.id)
    if opened is None:
        catalog.whole_containers(item, quantity_off)
        sealed = (*places[PlaceKind.SHELF], *places[PlaceKind.QUARANTINE])
        parts = _sealed(db, lot, item, sealed, quantity_off, site, place)
    else:
        parts = [(places[PlaceKind.OPENED][0], _of_vial(opened, lot, item, quantity_off, site))]
        opened.remaining -= quantity_off
        opened.closed_at = at if not opened.remaining else None
    act = Act(site.id, on, at, recorded_at, by, note=note)
    document_id, value = _throw_away(db, lot, parts, places[PlaceKind.WASTE][0], act, reason, opened)
    return WrittenOff(
        document_id=document_id,
        lot=lot,
        vial_id=None if opened is None else opened.id,
        quantity=quantity_off,
        value=value,
        reason=reason,
        sku=item.sku,
        name=item.name,
        unit=item.unit,
        discard_at=None if opened is None else opened.discard_at,
        discard_rule=None if opened is None else opened.discard_rule,
    )


def _throw_away(
    db: Session,
    lot: Lot,
    parts: Sequence[tuple[int, Decimal]],
    waste_id: int,
    act: Act,
    reason: WasteReason,
    opened: OpenedVial | None,
) -> tuple[int, Decimal]:
    """Post what leaves each place with its cost; answers the document and the whole value."""
    kind = DocumentKind.WRITE_OFF if opened is None else DocumentKind.DISCARD
    document_id = ledger.open_document(db, kind, act)
    wants = [Want(lot.item_id, lot.id, part) for _, part in parts]
    shares = layers.take(db, clinic.settings(db).cost_formula, wants)
    moves = [
        _waste(lot, place_id, waste_id, share, reason, opened)
        for (place_id, _), taken in zip(parts, shares, strict=True)
        for share in taken
    ]
    ledger.post(db, document_id, act.on, moves, held=frozenset(clinic.held_places(db)))
    db.flush()
    return document_id, sum((move.value for move in moves), ZERO)


def _check(lot: Lot, quantity_off: Decimal, reason: WasteReason, note: str) -> None:
    quantity(quantity_off)
    if quantity_off <= 0:
        raise NotThatMuch(f"A write-off of lot {lot.number} is more than 0, not {plain(quantity_off)}.")
    if reason is WasteReason.OTHER and not note.strip():
        raise ReasonNeeded("The reason 'other' needs a note that says what happened.")
    if reason is WasteReason.SINGLE_DOSE_REMAINDER:
        raise ReasonNeeded("A single-dose remainder is discarded by the session that opened the container.")


def _sealed(
    db: Session,
    lot: Lot,
    item: Item,
    places: Sequence[int],
    wanted: Decimal,
    site: Site,
    only: Place | None,
) -> list[tuple[int, Decimal]]:
    """From which of the places so much of a lot is taken, in their order."""
    parts, missing = [], wanted
    for place_id, held in _held(db, places, lot.id).items():
        part = min(missing, held) if only is None or place_id == only.id else ZERO
        if part:
            parts.append((place_id, part))
            missing -= part
    if missing:
        where = site.code if only is None else f"{only.name} at {site.code}"
        raise NotThatMuch(
            f"{where} holds {plain(wanted - missing)} {item.unit} of lot {lot.number} sealed; "
            f"{plain(wanted)} {item.unit} cannot be written off."
        )
    return parts


def _of_vial(opened: OpenedVial, lot: Lot, item: Item, wanted: Decimal, site: Site) -> Decimal:
    if opened.site_id != site.id:
        raise VialElsewhere(f"Opened vial {opened.id} is not at {site.code}.")
    if opened.lot_id != lot.id or wanted > opened.remaining:
        raise NotThatMuch(
            f"Opened vial {opened.id} holds {plain(opened.remaining)} {item.unit} of its lot; "
            f"{plain(wanted)} {item.unit} of lot {lot.number} cannot be written off from it."
        )
    return wanted


def _waste(
    lot: Lot, source_id: int, waste_id: int, share: Share, reason: WasteReason, opened: OpenedVial | None
) -> Move:
    return Move(
        _facts(lot),
        source_id,
        waste_id,
        share.quantity,
        direction=-1,
        value=share.value,
        layer_id=share.layer_id,
        vial_id=None if opened is None else opened.id,
        reason=reason.value,
    )


def _facts(lot: Lot) -> LotFacts:
    return LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)


def _held(db: Session, places: Sequence[int], lot_id: int) -> dict[int, Decimal]:
    """What each place holds of a lot, in the order of the places; those that hold nothing are left out."""
    rows = db.execute(
        sa.select(BALANCES.c.place_id, BALANCES.c.quantity).where(
            BALANCES.c.place_id.in_(places), BALANCES.c.lot_id == lot_id, BALANCES.c.quantity > 0
        )
    )
    held = dict(rows.all())
    return {key: held[key] for key in places if key in held}
