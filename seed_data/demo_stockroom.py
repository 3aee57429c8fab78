"""The demo clinic's stockroom: what it uses a week, orders, and receives."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import allocations, catalog, clinic, receiving
from inventory.balances import Balance
from inventory.catalog import Item, Offer, Replacement, Supplier
from inventory.clinic import PlaceKind, Site
from inventory.lots import Lot
from inventory.measures import ZERO, to_cents_half_up
from inventory.receiving import Delivery

MANAGER = "demo manager"
WEEK = 7
COVER_WEEKS = 7  # an order brings the shelf up to so many weeks of use
SPARE_WEEKS = 3  # and is placed when less than the lead time and this is left
SHORT_DATED = 8  # of a hundred lots


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
        offers=_offers(db, items, on=on),
        suppliers={supplier.code: supplier for supplier in db.scalars(sa.select(Supplier))},
    )


def fill(room: Stockroom, skus: Iterable[str], *, on: date, at: datetime) -> None:
    """The first delivery: a few weeks of everything, at least one pack."""
    orders = [
        Order(on, sku, _packs(room.items[sku], room.weekly.get(sku, ZERO) * COVER_WEEKS)) for sku in skus
    ]
    _receive(room, orders, on=on, at=at)


def deliver(room: Stockroom, *, on: date, at: datetime) -> None:
    """Receive what is due by today."""
    due = [order for order in room.on_order if order.due_on <= on]
    room.on_order = [order for order in room.on_order if order.due_on > on]
    _receive(room, due, on=on, at=at)


def order(room: Stockroom, *, on: date) -> None:
    """Order what would run out before the delivery after the next, up to some weeks of use, by packs.

    What is promised to planned sessions is not there for walk-ins (O1).
    """
    held = _sealed(room, on)
    promised = allocations.open_by_item(room.db, site_id=room.site.id)
    coming: Counter[str] = Counter()
    for waiting in room.on_order:
        coming[waiting.sku] += waiting.packs * room.items[waiting.sku].pack_containers
    for sku, weekly in room.weekly.items():
        item = room.items[sku]
        offer = room.offers[item.id]
        position = held.get(sku, ZERO) + coming[sku] * item.content - promised.get(item.id, ZERO)
        least = max(weekly * (Decimal(offer.lead_days) / WEEK + SPARE_WEEKS), item.content * 3)
        if position < least and sku not in room.not_supplied:
            # A supplier is a few days late now and then.
            late = room.chance.choice((0, 0, 0, 0, 1, 1, 2, 4))
            arrives = on + timedelta(days=max(1, offer.lead_days + late))
            wanted = max(weekly * COVER_WEEKS, item.content) - min(position, ZERO)
            room.on_order.append(Order(arrives, sku, _packs(item, wanted)))


def raise_prices(room: Stockroom, *, supplier: str, on: date) -> None:
    """The supplier's new price list: six in a hundred more for everything it sells us."""
    for sku in room.weekly:
        item = room.items[sku]
        old = room.offers[item.id]
        if old.supplier == supplier:
            room.db.add(
                Offer(
                    item_id=item.id,
                    supplier_id=room.suppliers[supplier].id,
                    pack_containers=old.pack_containers,
                    pack_price=to_cents_half_up(old.pack_price * 106 / 100),
                    minimum_packs=old.minimum_packs,
                    lead_days=old.lead_days,
                    valid_from=on,
                    source="illustrative: a price list of the demo story",
                )
            )
    room.db.flush()
    room.offers = _offers(room.db, room.items, on=on)


def receive_one(room: Stockroom, sku: str, *, packs: int, expires_on: date, on: date, at: datetime) -> Lot:
    """Receive packs of one item as one lot that expires on a given day."""
    delivery = _delivery(room, sku, packs, expires_on, on)
    return receiving.receive_many(
        room.db, [delivery], site=room.site, received_on=on, recorded_at=at, by=MANAGER
    )[0].lot


def lots_on(
    room: Stockroom, kind: PlaceKind, *conditions: sa.ColumnElement[bool]
) -> list[tuple[Lot, Decimal]]:
    """The lots in the site's places of a kind that hold anything, with how much; by SKU and number."""
    places = clinic.places_of(room.db, room.site.id)[kind]
    rows = room.db.execute(
        sa.select(Lot, sa.func.sum(Balance.quantity))
        .join(Balance, Balance.lot_id == Lot.id)
        .join(Item, Item.id == Lot.item_id)
        .where(Balance.place_id.in_(places), Balance.quantity > 0, *conditions)
        .group_by(Lot, Item.sku)
        .order_by(Item.sku, Lot.number)
    )
    return [(lot, quantity) for lot, quantity in rows]


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


def _packs(item: Item, stock: Decimal) -> int:
    """The fewest packs that hold so much."""
    return max(1, int((stock / (item.content * item.pack_containers)).to_integral_value(ROUND_CEILING)))


def _offers(db: Session, items: Mapping[str, Item], *, on: date) -> dict[int, Replacement]:
    return catalog.replacements(db, [item.id for item in items.values()], on=on)


def _sealed(room: Stockroom, on: date) -> dict[str, Decimal]:
    """What lies sealed, released and in date on the shelf, by SKU."""
    held: dict[str, Decimal] = {}
    for lot, quantity in lots_on(room, PlaceKind.SHELF, Lot.expires_on >= on + timedelta(days=WEEK)):
        sku = room.db.get_one(Item, lot.item_id).sku
        held[sku] = held.get(sku, ZERO) + quantity
    return held
