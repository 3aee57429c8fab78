"""The demo clinic's stockroom: what it orders, receives, finds broken, holds back and throws away."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, corrections, holds, receiving, wastage
from inventory.balances import Balance
from inventory.catalog import Item, Replacement, Supplier
from inventory.clinic import PlaceKind, Site
from inventory.ledger import Movement, WasteReason
from inventory.lots import Lot, LotState
from inventory.measures import ZERO
from inventory.receiving import Delivery
from inventory.vials import OpenedVial

MANAGER = "demo manager"
WEEK = 7
COVER_WEEKS = 7  # an order brings the shelf up to so many weeks of use
SPARE_WEEKS = 2  # and is placed when less than the lead time and this is left
SHORT_DATED = 8  # of a hundred lots
WRITE_OFFS = (
    (WasteReason.BROKEN, ""),
    (WasteReason.LOST, ""),
    (WasteReason.CONTAMINATED, ""),
    (WasteReason.TEMPERATURE_EXCURSION, "fridge alarm: above 8 °C for five hours"),
    (WasteReason.OTHER, "label torn off, contents not certain"),
)


@dataclass(frozen=True)
class Order:
    """So many packs of an item on their way."""

    due_on: date
    sku: str
    packs: int


@dataclass
class Stockroom:
    """The shelf of one site, what it uses a week by SKU, and what is on order."""

    db: Session
    site: Site
    chance: Random
    weekly: Mapping[str, Decimal]
    items: Mapping[str, Item]
    offers: Mapping[int, Replacement]
    suppliers: Mapping[str, Supplier]
    on_order: list[Order] = field(default_factory=list)
    not_supplied: set[str] = field(default_factory=set)
    lots_made: int = 0
    write_offs: int = 0


def items_by_sku(db: Session) -> dict[str, Item]:
    """The whole catalogue."""
    return {item.sku: item for item in db.scalars(sa.select(Item).order_by(Item.sku))}


def open_stockroom(
    db: Session,
    site: Site,
    chance: Random,
    weekly: Mapping[str, Decimal],
    items: Mapping[str, Item],
    *,
    on: date,
) -> Stockroom:
    """A stockroom with nothing in it yet."""
    return Stockroom(
        db=db,
        site=site,
        chance=chance,
        weekly=weekly,
        items=items,
        offers=catalog.replacements(db, [item.id for item in items.values()], on=on),
        suppliers={supplier.code: supplier for supplier in db.scalars(sa.select(Supplier))},
    )


def fill(room: Stockroom, skus: Iterable[str], *, on: date, at: datetime) -> None:
    """The first delivery: a few weeks of everything, at least one pack."""
    orders = [Order(on, sku, _packs_for(room, sku, COVER_WEEKS)) for sku in skus]
    _receive(room, orders, on=on, at=at)


def deliver(room: Stockroom, *, on: date, at: datetime) -> None:
    """Receive what is due by today."""
    due = [order for order in room.on_order if order.due_on <= on]
    room.on_order = [order for order in room.on_order if order.due_on > on]
    _receive(room, due, on=on, at=at)


def order(room: Stockroom, *, on: date) -> None:
    """Order what would run out before the delivery after the next, up to some weeks of use, by packs."""
    held = _sealed(room, on)
    coming: Counter[str] = Counter()
    for waiting in room.on_order:
        item = room.items[waiting.sku]
        coming[waiting.sku] += waiting.packs * item.pack_containers
    for sku, weekly in room.weekly.items():
        item, offer = room.items[sku], room.offers[room.items[sku].id]
        position = held.get(sku, ZERO) + coming[sku] * item.content
        least = max(weekly * (Decimal(offer.lead_days) / WEEK + SPARE_WEEKS), item.content * 2)
        if position < least and sku not in room.not_supplied:
            # A supplier is a few days late now and then.
            late = room.chance.choice((0, 0, 0, 0, 1, 1, 2, 4))
            arrives = on + timedelta(days=max(1, offer.lead_days + late))
            room.on_order.append(Order(arrives, sku, _packs_for(room, sku, COVER_WEEKS)))


def receive_one(room: Stockroom, sku: str, *, packs: int, expires_on: date, on: date, at: datetime) -> Lot:
    """Receive packs of one item as one lot that expires on a given day."""
    delivery = _delivery(room, sku, packs, expires_on, on)
    return receiving.receive_many(
        room.db, [delivery], site=room.site, received_on=on, recorded_at=at, by=MANAGER
    )[0].lot


def throw_away_expired(room: Stockroom, *, at: datetime) -> int:
    """Write off every sealed lot of the site that is past its expiry; answers how many."""
    expired = _lots_on(room, PlaceKind.SHELF, Lot.expires_on < room.site.day(at))
    for lot, held in expired:
        _write_off(room, lot, held, WasteReason.EXPIRED, at=at)
    return len(expired)


def mishap(room: Stockroom, *, at: datetime) -> wastage.WrittenOff:
    """One container of some lot is lost, by the next reason of the list."""
    reason, note = WRITE_OFFS[room.write_offs % len(WRITE_OFFS)]
    room.write_offs += 1
    usable = _lots_on(room, PlaceKind.SHELF, Lot.expires_on >= room.site.day(at))
    if reason is WasteReason.TEMPERATURE_EXCURSION:
        cold = [one for one in usable if room.db.get_one(Item, one[0].item_id).storage == "fridge_2_8"]
        usable = cold or usable
    lot, _ = room.chance.choice(usable)
    return _write_off(room, lot, room.db.get_one(Item, lot.item_id).content, reason, at=at, note=note)


def fridge_fails(room: Stockroom, sku: str, *, at: datetime) -> None:
    """All but one lot of a cold item is lost, most of that one too, and the supplier has none either."""
    room.not_supplied.add(sku)
    room.on_order = [order for order in room.on_order if order.sku != sku]
    lots = _lots_on(room, PlaceKind.SHELF, Item.sku == sku)
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
    held = _lots_on(room, PlaceKind.QUARANTINE, Lot.state == LotState.QUARANTINED)
    return holds.release(room.db, held[0][0], at=at, by=MANAGER, reason=reason)


def recall(room: Stockroom, sku: str, *, at: datetime, reason: str) -> holds.Trace:
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


def _receive(room: Stockroom, orders: Iterable[Order], *, on: date, at: datetime) -> None:
    deliveries = []
    for each in orders:
        parts = [each.packs]
        if each.packs > 1 and room.chance.randrange(100) < 40:
            first = room.chance.randrange(1, each.packs)
            parts = [first, each.packs - first]
        deliveries += [_delivery(room, each.sku, packs, _expiry(room, each.sku, on), on) for packs in parts]
    if deliveries:
        receiving.receive_many(
            room.db, deliveries, site=room.site, received_on=on, recorded_at=at, by=MANAGER
        )


def _delivery(room: Stockroom, sku: str, packs: int, expires_on: date, on: date) -> Delivery:
    item = room.items[sku]
    offer = room.offers[item.id]
    room.lots_made += 1
    # The invoice is rarely to the cent what the offer said.
    pack_price = (offer.pack_price * room.chance.randrange(970, 1041) / 1000).quantize(Decimal("0.01"))
    return Delivery(
        item=item,
        lot_number=f"{room.chance.choice('ABCDEFHKLMNPRT')}{on:%y}{room.lots_made:05}",
        expires_on=expires_on,
        containers=packs * offer.pack_containers,
        unit_cost=(pack_price / offer.pack_containers).quantize(Decimal("0.000001")),
        supplier=room.suppliers[offer.supplier],
        document=f"DN-{on:%y%m%d}-{offer.supplier}",
    )


def _expiry(room: Stockroom, sku: str, on: date) -> date:
    """The end of a month six to twenty-four ahead, as the item lasts; a few lots are short-dated."""
    months = room.items[sku].shelf_life_months or 24
    if room.chance.randrange(100) < SHORT_DATED:
        return on + timedelta(days=room.chance.randrange(50, 120))
    ahead = room.chance.randrange(min(6, months - 1), min(24, months) + 1)
    year, month = divmod(on.year * 12 + on.month - 1 + ahead, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])


def _packs_for(room: Stockroom, sku: str, weeks: int) -> int:
    item = room.items[sku]
    pack = item.content * item.pack_containers
    wanted = room.weekly.get(sku, ZERO) * weeks / pack
    return max(1, int(wanted.to_integral_value(ROUND_CEILING)))


def _sealed(room: Stockroom, on: date) -> dict[str, Decimal]:
    """What lies sealed, released and in date on the shelf, by SKU."""
    held: dict[str, Decimal] = {}
    for lot, quantity in _lots_on(room, PlaceKind.SHELF, Lot.expires_on >= on + timedelta(days=WEEK)):
        sku = room.db.get_one(Item, lot.item_id).sku
        held[sku] = held.get(sku, ZERO) + quantity
    return held


def _lots_on(
    room: Stockroom, kind: PlaceKind, *conditions: sa.ColumnElement[bool]
) -> list[tuple[Lot, Decimal]]:
    place_id = clinic.places(room.db, room.site.id)[kind]
    rows = room.db.execute(
        sa.select(Lot, Balance.quantity)
        .join(Balance, Balance.lot_id == Lot.id)
        .join(Item, Item.id == Lot.item_id)
        .where(Balance.place_id == place_id, Balance.quantity > 0, *conditions)
        .order_by(Item.sku, Lot.number)
    )
    return [(lot, quantity) for lot, quantity in rows]


def _fullest(room: Stockroom, sku: str, *, at: datetime) -> Lot:
    """The usable lot of which most is on the shelf; where there is none, a courier brings a pack."""
    today = room.site.day(at)
    usable = (Item.sku == sku, Lot.state == LotState.RELEASED, Lot.expires_on > today)
    on_shelf = _lots_on(room, PlaceKind.SHELF, *usable)
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
