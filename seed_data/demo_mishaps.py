"""What goes wrong in the demo clinic: stock expires, breaks, warms up, is held back, and is entered twice."""

from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from inventory import clinic, corrections, holds, wastage
from inventory.catalog import Item
from inventory.clinic import PlaceKind
from inventory.ledger import Movement, WasteReason
from inventory.lots import Lot, LotState
from inventory.vials import OpenedVial
from seed_data.demo_stockroom import MANAGER, Stockroom, lots_on, receive_one

WRITE_OFFS = (
    (WasteReason.BROKEN, ""),
    (WasteReason.LOST, ""),
    (WasteReason.CONTAMINATED, ""),
    (WasteReason.TEMPERATURE_EXCURSION, "fridge alarm: above 8 °C for five hours"),
    (WasteReason.OTHER, "label torn off, contents not certain"),
)


def throw_away_expired(room: Stockroom, *, at: datetime) -> int:
    """Write off every sealed lot of the site that is past its expiry; answers how many."""
    expired = lots_on(room, PlaceKind.SHELF, Lot.expires_on < room.site.day(at))
    for lot, held in expired:
        _write_off(room, lot, held, WasteReason.EXPIRED, at=at)
    return len(expired)


def mishap(room: Stockroom, *, at: datetime) -> wastage.WrittenOff:
    """One container of some lot is lost, by the next reason of the list."""
    reason, note = WRITE_OFFS[room.write_offs % len(WRITE_OFFS)]
    room.write_offs += 1
    usable = lots_on(room, PlaceKind.SHELF, Lot.expires_on >= room.site.day(at))
    if reason is WasteReason.TEMPERATURE_EXCURSION:
        cold = [one for one in usable if room.db.get_one(Item, one[0].item_id).storage == "fridge_2_8"]
        usable = cold or usable
    lot, _ = room.chance.choice(usable)
    return _write_off(room, lot, room.db.get_one(Item, lot.item_id).content, reason, at=at, note=note)


def fridge_fails(room: Stockroom, sku: str, *, at: datetime) -> None:
    """All but one lot of a cold item is lost, most of that one too, and the supplier has none either."""
    room.not_supplied.add(sku)
    room.on_order = [order for order in room.on_order if order.sku != sku]
    lots = lots_on(room, PlaceKind.SHELF, Item.sku == sku)
    content = room.items[sku].content
    for number, (lot, held) in enumerate(lots):
        lost = held if number else held - content
        if lost:
            note = "fridge failed overnight"
            _write_off(room, lot, lost, WasteReason.TEMPERATURE_EXCURSION, at=at, note=note)


def slip(room: Stockroom, *, at: datetime) -> None:
    """A write-off is entered twice, and the second is reversed."""
    off = mishap(room, at=at)
    movement = room.db.scalars(sa.select(Movement).where(Movement.document_id == off.document_id)).first()
    assert movement is not None, off
    later = at + timedelta(minutes=5)
    corrections.reverse(
        room.db, movement, at=later, recorded_at=later, by=MANAGER, reason="entered twice by mistake"
    )


def hold(room: Stockroom, sku: str, *, at: datetime, reason: str) -> Lot:
    """Quarantine the lot of an item that has most on the shelf."""
    lot = _fullest(room, sku, at=at)
    return holds.quarantine(room.db, lot, at=at, by=MANAGER, reason=reason)


def release(room: Stockroom, *, at: datetime, reason: str) -> Lot:
    """Let the lot that is held in quarantine be used again."""
    held = lots_on(room, PlaceKind.QUARANTINE, Lot.state == LotState.QUARANTINED)
    return holds.release(room.db, held[0][0], at=at, by=MANAGER, reason=reason)


def recall(room: Stockroom, sku: str, *, at: datetime, reason: str) -> Lot:
    """The maker calls back the lot that a patient was last treated with."""
    patient = clinic.places(room.db, room.site.id)[PlaceKind.PATIENT]
    lot = room.db.scalars(
        sa.select(Lot)
        .join(Movement, Movement.lot_id == Lot.id)
        .where(Movement.item_id == room.items[sku].id, Movement.target_id == patient)
        .order_by(Movement.id.desc())
    ).first()
    return holds.recall(room.db, lot or _fullest(room, sku, at=at), at=at, by=MANAGER, reason=reason)


def open_one(room: Stockroom, sku: str, *, at: datetime) -> OpenedVial:
    """Open a multi-dose vial ahead of the day."""
    lot = _fullest(room, sku, at=at)
    return wastage.open_vial(room.db, lot, site=room.site, at=at, recorded_at=at, by=MANAGER)


def spoil_one(room: Stockroom, sku: str, *, at: datetime) -> wastage.WrittenOff:
    """Throw away an opened vial because it touched something."""
    opened = room.db.scalars(
        sa.select(OpenedVial)
        .join(Item, Item.id == OpenedVial.item_id)
        .where(Item.sku == sku, OpenedVial.site_id == room.site.id, OpenedVial.closed_at.is_(None))
        .order_by(OpenedVial.opened_at, OpenedVial.id)
    ).first()
    return wastage.discard(
        room.db,
        opened or open_one(room, sku, at=at),
        site=room.site,
        at=at,
        recorded_at=at,
        by=MANAGER,
        reason=WasteReason.CONTAMINATED,
    )


def _fullest(room: Stockroom, sku: str, *, at: datetime) -> Lot:
    """The usable lot of which most is on the shelf; where there is none, a courier brings a pack."""
    today = room.site.day(at)
    usable = (Item.sku == sku, Lot.state == LotState.RELEASED, Lot.expires_on > today)
    on_shelf = lots_on(room, PlaceKind.SHELF, *usable)
    if not on_shelf:
        return receive_one(room, sku, packs=1, expires_on=today + timedelta(days=365), on=today, at=at)
    return max(on_shelf, key=lambda row: (row[1], row[0].number))[0]


def _write_off(
    room: Stockroom, lot: Lot, quantity: Decimal, reason: WasteReason, *, at: datetime, note: str = ""
) -> wastage.WrittenOff:
    return wastage.write_off(
        room.db,
        lot,
        quantity_off=quantity,
        reason=reason,
        site=room.site,
        at=at,
        recorded_at=at,
        by=MANAGER,
        note=note,
    )
