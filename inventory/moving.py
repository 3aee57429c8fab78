"""Moving: sealed containers change shelves within a site; those go first that expire first (S7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, ledger, lots, places, shelf
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import Place, Site
from inventory.errors import Conflict, Invalid
from inventory.ledger import Act, DocumentKind, Move
from inventory.lots import Lot
from inventory.measures import ZERO, plain, quantity

MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Load:
    """So much of one lot to take along; from the named shelf, or from those of the site in their order."""

    lot: Lot
    quantity: Decimal
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """So much of one lot that leaves one shelf."""

    lot: LotFacts
    place_id: int
    quantity: Decimal


class SamePlace(Invalid):
    """Stock is moved to another place than the one where it is."""


class NothingToMove(Invalid):
    """There is nothing in it, or not what can be moved."""


class NotOnTheShelf(Conflict):
    """The shelves hold less of the lot than is to be taken along."""


def move(
    db: Session, loads: Sequence[Load], *, to: Place, site: Site, at: datetime, recorded_at: datetime,
    by: str, reason: str = "",
) -> int:  # fmt: skip
    """Put sealed containers from one shelf of a site on another; answers the document.

    Raises SamePlace, NothingToMove, NotOnTheShelf, places.NotAShelf, places.WrongTemperature,
    catalog.NotWholeContainers (S1), balances.WouldHaveBeenNegative (S12), periods.PeriodClosed.
    """
    items = ready(db, loads, to=to.name)
    there = places.shelf(db, site, to.code, items=items.values())
    if any(load.place is not None and load.place.id == there.id for load in loads):
        raise SamePlace(f"{there.name} is where it is: move it to another place.")
    taken = take(db, loads, [key for key in clinic.shelves(db, site.id) if key != there.id], site=site)
    act = Act(site.id, site.day(at), at, recorded_at, by, note=reason)
    document_id = ledger.open_document(db, DocumentKind.MOVE, act)
    moves = [
        Move(one.lot, one.place_id, there.id, one.quantity, reason=reason[:200] or None) for one in taken
    ]
    ledger.post(db, document_id, act.on, moves, held=frozenset(clinic.held_places(db)))
    return document_id


def suggest(db: Session, item: Item, *, containers: int, site: Site, on: date) -> list[Load]:
    """So many sealed containers of an item, from the lots that FEFO would take. Raises NotOnTheShelf."""
    wanted = quantity(item.content * containers)
    if wanted <= 0:
        raise NothingToMove(f"{item.sku}: 1 container or more is moved, not {containers}.")
    product = shelf.products(db, item_ids=[item.id])[item.id]
    shelves = clinic.shelves(db, site.id)
    found = shelf.sealed(db, [product], site=site, shelves=shelves, on=on, enough={item.id: wanted})[item.id]
    loads: dict[tuple[int, int], Decimal] = {}
    missing = wanted
    for one in sorted(found, key=lambda each: each.order):
        part = min(missing, one.held)
        if part:
            loads[one.lot.id, one.place_id] = part
            missing -= part
    if missing:
        raise NotOnTheShelf(
            f"{item.sku}: {plain(wanted)} {item.unit} to be moved, "
            f"{plain(wanted - missing)} {item.unit} usable on the shelves of {site.code}."
        )
    return [
        Load(lots.lot(db, lot_id), part, db.get_one(Place, place_id))
        for (lot_id, place_id), part in loads.items()
    ]


def ready(db: Session, loads: Sequence[Load], *, to: str) -> dict[int, Item]:
    """The items that are moved, locked; their lots read anew, for they may have been held back since."""
    if not 0 < len(loads) <= MOST_LINES:
        raise NothingToMove(f"1 to {MOST_LINES} lines are moved to {to} at once, not {len(loads)}.")
    ledger.lock_items(db, [load.lot.item_id for load in loads])
    items = {}
    for load in loads:
        db.refresh(load.lot)
        item = items[load.lot.item_id] = db.get_one(Item, load.lot.item_id)
        if quantity(load.quantity) <= 0:
            raise NothingToMove(f"Of lot {load.lot.number} more than 0 is moved, not {plain(load.quantity)}.")
        catalog.whole_containers(item, load.quantity)
    return items


def take(db: Session, loads: Sequence[Load], shelves: Sequence[int], *, site: Site) -> list[Taken]:
    """From which of the shelves how much of each lot is taken. Raises NotOnTheShelf."""
    rows = db.execute(
        sa.select(BALANCES.c.lot_id, BALANCES.c.place_id, BALANCES.c.quantity, BALANCES.c.received_on).where(
            BALANCES.c.lot_id.in_({load.lot.id for load in loads}), BALANCES.c.place_id.in_(shelves)
        )
    ).all()
    held = {(lot_id, place_id): much for lot_id, place_id, much, _ in rows}
    since: dict[int, date] = {}
    for lot_id, _, _, received_on in rows:
        since[lot_id] = min(received_on, since.get(lot_id, received_on))
    taken = []
    for load in loads:
        lot, missing = load.lot, load.quantity
        for place_id in shelves:
            part = min(missing, held.get((lot.id, place_id), ZERO))
            if part and (load.place is None or load.place.id == place_id):
                facts = LotFacts(lot.id, lot.item_id, lot.expires_on, since[lot.id])
                taken.append(Taken(facts, place_id, part))
                held[lot.id, place_id] -= part
                missing -= part
        if missing:
            where = site.code if load.place is None else f"{load.place.name} at {site.code}"
            raise NotOnTheShelf(
                f"{where} has {plain(load.quantity - missing)} of lot {lot.number} on the shelf; "
                f"{plain(load.quantity)} cannot leave it."
            )
    return taken
