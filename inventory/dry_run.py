"""Dry runs: what a session would use, discard and keep open, before anything moves (S3, S4, S7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory import clinic, treatments, vials
from inventory.catalog import ItemKind
from inventory.clinic import PlaceKind, Site
from inventory.drawing import Posting
from inventory.ledger import Act
from inventory.measures import ZERO
from inventory.picking import Draw, Need
from inventory.treatments import Line, Visit


@dataclass(frozen=True)
class Foreseen:
    """What one lot or opened vial would give to a need: used, discarded at once, and left open."""

    need: Need
    sku: str
    name: str
    unit: str
    kind: ItemKind
    lot_id: int
    lot_number: str
    expires_on: date
    vial_id: int | None
    opened: int  # sealed containers that would be opened
    used: Decimal
    discarded: Decimal
    kept: Decimal  # in an opened vial, for later
    kept_until: datetime | None


def foresee(
    db: Session, visit: Visit, lines: Sequence[Line], *, site: Site, recorded_at: datetime
) -> tuple[Foreseen, ...]:
    """Say what `treatments.treat` would draw now, lot by lot; it only reads.

    Raises all that `treat` refuses for want of stock, a wrong lot or a missing reason.
    """
    treatments.check_patient_ref(visit.patient_ref)
    needs, by_id = treatments.resolve(db, lines)
    places = clinic.places_of(db, site.id)
    draws = treatments.draw_all(
        db,
        visit,
        needs,
        by_id,
        site=site,
        shelves=places[PlaceKind.SHELF],
        loss=clinic.settings(db).draw_loss_ml,
        backdated=visit.at < recorded_at,
    )
    act = Act(site.id, site.day(visit.at), visit.at, recorded_at, by="")
    posting = Posting(db, 0, act, visit.prepared_in, visit.patient_ref, site, places)
    last = {draw.container.vial_id: draw for _, draw in draws}
    return tuple(
        _foreseen(db, need, draw, posting, last=last[draw.container.vial_id] is draw) for need, draw in draws
    )


def _foreseen(db: Session, need: Need, draw: Draw, posting: Posting, *, last: bool) -> Foreseen:
    one, product = draw.container, draw.container.product
    discarded = posting.leaving(draw, last=last) - draw.used
    kept = draw.kept if one.vial_id is None else one.held - draw.used
    kept = ZERO if discarded or (not last and one.vial_id is not None) else kept
    until = None
    if kept:
        until = one.deadline if one.vial_id is not None else _open_until(db, draw, posting)
    return Foreseen(
        need=need,
        sku=product.sku,
        name=product.name,
        unit=product.unit,
        kind=product.kind,
        lot_id=one.lot.id,
        lot_number=one.lot_number,
        expires_on=one.lot.expires_on,
        vial_id=one.vial_id,
        opened=draw.opened,
        used=draw.used,
        discarded=discarded,
        kept=kept,
        kept_until=until,
    )


def _open_until(db: Session, draw: Draw, posting: Posting) -> datetime:
    """Until when what a newly opened container keeps may be used (S4)."""
    if posting.rules is None:
        posting.rules = vials.rules_in_force(db, posting.site, posting.act.on)
    return vials.discard_at(
        draw.container.product,
        expires_on=draw.container.lot.expires_on,
        opened_at=posting.act.at,
        prepared_in=posting.prepared_in,
        site=posting.site,
        rules=posting.rules,
    ).at
