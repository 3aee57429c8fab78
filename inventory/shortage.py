"""Shortage: why a session cannot be supplied, or not from the lot that was named, in one sentence (S7)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import lots, vials
from inventory.balances import BALANCES
from inventory.clinic import Place, PlaceKind, Site
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, plain
from inventory.picking import Container, Need
from inventory.shelf import LOTS, NOTHING
from inventory.vials import LotNotUsable, OpenedVial, VialClosed


def why_not(
    db: Session, need: Need, usable: Sequence[Container], *, site: Site, at: datetime, allocated: Decimal
) -> str:
    """One sentence on a shortage: needed, usable, and why the rest is not (S7)."""
    on = site.day(at)
    rest: dict[str, Decimal] = defaultdict(Decimal)
    for held, state, expires_on, received_on in _sealed_anywhere(db, need, site):
        if state is LotState.RECALLED:
            rest["recalled"] += held
        elif expires_on < on:  # also what was held back for it: waiting for a release would be in vain
            rest["expired"] += held
        elif state is LotState.QUARANTINED:
            rest["quarantined"] += held
        elif received_on > on:
            rest["received later"] += held
    serving = {one.vial_id for one in usable}
    for vial in db.scalars(
        sa.select(OpenedVial).where(
            OpenedVial.item_id.in_(need.product_ids),
            OpenedVial.site_id == site.id,
            OpenedVial.closed_at.is_(None),
        )
    ):
        if vial.id not in serving:
            past = vial.discard_at <= at
            rest["past its discard time" if past else "opened for another patient"] += vial.remaining
    rest["allocated to others today"] += allocated
    rest["used since"] += _used_since(db, need, site=site, at=at)
    reasons = ", ".join(f"{plain(amount)} {need.unit} {why}" for why, amount in rest.items() if amount)
    named = [one for one in usable if need.may_take(one)]
    held = sum((one.held for one in named), ZERO)
    if need.picky:
        return (
            f"{need.label}: {plain(need.quantity)} {need.unit} of lot {named[0].lot_number} needed, "
            f"{plain(held)} {need.unit} of it usable on {on}."
        )
    return (
        f"{need.label}: {plain(need.quantity)} {need.unit} needed, {plain(held)} {need.unit} usable on {on}"
        + (f" ({reasons})." if reasons else ".")
    )


def refuse_named(db: Session, need: Need, *, site: Site, at: datetime) -> NoReturn:
    """Say why the lot or opened vial that was named cannot be used (S4, S7, S10).

    Raises LotNotUsable, VialClosed, UnknownLot, UnknownVial.
    """
    vial = None if need.vial_id is None else vials.vial(db, need.vial_id)
    key = need.lot_id or (vial.lot_id if vial else None)
    assert key is not None, need
    lot = lots.lot(db, key)
    name = f"lot {lot.number}" if vial is None else f"opened vial {vial.id} of lot {lot.number}"
    if lot.item_id not in need.product_ids or (vial is not None and vial.lot_id != lot.id):
        raise LotNotUsable(f"{need.label}: {name} is another product's.")
    if vial is not None and (vial.closed_at is not None or not vial.remaining):
        raise VialClosed(f"{need.label}: {name} is used up or was discarded.")
    on = site.day(at)
    if lot.expires_on < on:
        why = f"expired on {lot.expires_on}"
    elif lot.state is LotState.RECALLED:
        why = "was recalled by its maker"
    elif lot.state is LotState.QUARANTINED:
        why = "is in quarantine until somebody releases it"
    elif vial is not None and vial.site_id == site.id and vial.discard_at <= at:
        last = vial.discard_at.astimezone(ZoneInfo(site.time_zone))
        why = f"was to be discarded by {last:%Y-%m-%d %H:%M}"
    elif vial is not None and vial.site_id == site.id and vial.opened_at <= at:
        why = "was opened for another patient"
    else:
        why = f"was not there to be used at {site.code}"
    raise LotNotUsable(f"{need.label}: {name} {why}; it cannot be used on {on}.")


def _used_since(db: Session, need: Need, *, site: Site, at: datetime) -> Decimal:
    """How much of a need's items left the site after an instant: too late for a session of that hour."""
    undone = sa.select(MOVEMENTS.c.corrects_id).where(MOVEMENTS.c.corrects_id.isnot(None))
    gone = (
        sa.select(sa.func.sum(MOVEMENTS.c.quantity))
        .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
        .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
        .where(
            LOTS.c.received_on <= site.day(at),
            MOVEMENTS.c.item_id.in_(need.product_ids),
            MOVEMENTS.c.direction == -1,
            MOVEMENTS.c.corrects_id.is_(None),
            MOVEMENTS.c.id.notin_(undone),
            DOCUMENTS.c.site_id == site.id,
            DOCUMENTS.c.at > at,
        )
    )
    return db.scalar(gone) or ZERO


def _sealed_anywhere(db: Session, need: Need, site: Site) -> Sequence[sa.Row[Decimal, LotState, date, date]]:
    """Every sealed balance of a need's items on the site's shelves and in its quarantine."""
    return db.execute(
        sa.select(BALANCES.c.quantity, Lot.state, Lot.expires_on, BALANCES.c.received_on)
        .join(Lot, Lot.id == BALANCES.c.lot_id)
        .join(Place, Place.id == BALANCES.c.place_id)
        .where(
            Place.site_id == site.id,
            Place.kind.in_([PlaceKind.SHELF, PlaceKind.QUARANTINE]),
            BALANCES.c.item_id.in_(need.product_ids),
            BALANCES.c.quantity > NOTHING,
        )
        .order_by(BALANCES.c.expires_on, BALANCES.c.lot_id)
    ).all()
