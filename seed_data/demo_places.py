"""The demo clinic's places: a cupboard, a fridge, a treatment room, and a box on its way to the branch."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from inventory import moving, places, transfers
from inventory.catalog import Item, ItemKind
from inventory.clinic import Place, PlaceKind, Site, Temperature
from inventory.lots import Lot, LotState
from inventory.moving import Load
from inventory.transfers import Transfer
from seed_data.demo_stockroom import MANAGER, Stockroom, lots_on

FRIDGE, ROOM = "FRIDGE", "ROOM-1"
AT_HAND = 6  # kinds of consumables that lie ready in the treatment room
FOR_THE_BRANCH = ("MP-024", "CN-001")
MOST = 20  # containers


def furnish(db: Session, site: Site) -> None:
    """A cupboard, which is the first shelf, a fridge, and a cupboard in the treatment room."""
    first = places.place(db, site, "SHELF")
    places.change(db, first, name="Cupboard", temperature=Temperature.ROOM)
    places.add(db, site, code=FRIDGE, name="Fridge", temperature=Temperature.COLD)
    places.add(db, site, code=ROOM, name="Treatment room 1", temperature=Temperature.ROOM)


def lay_ready(room: Stockroom, *, at: datetime) -> None:
    """Put a few containers of what every session needs into the treatment room."""
    shelf: Place = places.place(room.db, room.site, ROOM)
    used = [sku for sku in room.weekly if room.items[sku].kind is ItemKind.CONSUMABLE]
    most = sorted(used, key=lambda sku: (-room.weekly[sku], sku))[:AT_HAND]
    loads = _some(room, most, at=at)
    if loads:
        moving.move(room.db, loads, to=shelf, site=room.site, at=at, recorded_at=at, by=MANAGER)


def send(room: Stockroom, target: Site, *, at: datetime) -> Transfer | None:
    """A box for the branch: half of what is there of a few items, and nobody has received it yet."""
    loads = _some(room, FOR_THE_BRANCH, at=at)
    if not loads:
        return None
    return transfers.send(
        room.db, loads, source=room.site, target=target, at=at, recorded_at=at, by=MANAGER,
        note="with the driver in the morning",
    )  # fmt: skip


def _some(room: Stockroom, skus: Iterable[str], *, at: datetime) -> list[Load]:
    """Of each item half of the lot of which most is there, some containers at most."""
    loads = []
    for sku in skus:
        item = room.items[sku]
        good = (Item.sku == sku, Lot.state == LotState.RELEASED, Lot.expires_on > room.site.day(at))
        held = lots_on(room, PlaceKind.SHELF, *good)
        if held:
            lot, much = max(held, key=lambda row: (row[1], row[0].number))
            containers = min(int(much / item.content) // 2, MOST)
            loads += [Load(lot, item.content * containers)] if containers else []
    return loads
