"""Places: a site's fridges, cupboards and freezers, what may be kept in each, and giving one up.

A shelf is any place for sealed stock. Of an item's label the range of degrees decides where it may be put:
`fridge_2_8` wants a place that stays between 2 and 8 °C.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import PLACES, Place, PlaceKind, Site, Temperature
from inventory.database import table_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.lots import Lot, LotState

LONGEST_CODE = 20
CODE = re.compile(r"[A-Z0-9][A-Z0-9_.-]*")
LABEL = re.compile(r"[a-z]+_(-?[0-9]{1,3})_(-?[0-9]{1,3})")  # how an item's storage is written
DEGREES = {
    Temperature.FROZEN: (-25, -15),
    Temperature.COLD: (2, 8),
    Temperature.ROOM: (15, 25),
}
"""Between how many °C a place of each class stays, as a pharmacopoeia means the words."""
NOTHING = sa.literal_column("0", sa.BigInteger)  # a bound zero would not match the partial indexes
ITEMS, LOTS = table_of(Item), table_of(Lot)


@dataclass(frozen=True, slots=True)
class Stored:
    """So much of one lot in one place of a site."""

    place_id: int
    place: str
    place_name: str
    kind: PlaceKind
    item_id: int
    lot_id: int
    lot_number: str
    expires_on: date
    state: LotState
    quantity: Decimal


class UnknownPlace(NotFound):
    """The site has no place of this code."""


class BadPlace(Invalid):
    """It cannot be the code or name of a place."""


class PlaceTaken(Conflict):
    """The site has a place of this code."""


class PlaceInUse(Conflict):
    """A place is given up when it is empty, and never the last shelf of a site."""


class NotAShelf(Conflict):
    """Only a fridge, cupboard or freezer that is in use takes stock by name."""


class WrongTemperature(Conflict):
    """The place is warmer or colder than the item's label allows."""


def of_site(db: Session, site: Site, *, shelves_only: bool = False) -> Sequence[Place]:
    """The site's places, the first one first; those given up come along, for they have a history."""
    found = sa.select(Place).where(Place.site_id == site.id).order_by(Place.id)
    return db.scalars(found.where(Place.kind == PlaceKind.SHELF) if shelves_only else found).all()


def place(db: Session, site: Site, code: str) -> Place:
    """The site's place of this code. Raises UnknownPlace."""
    found = db.scalar(sa.select(Place).where(Place.site_id == site.id, Place.code == code))
    if found is None:
        raise UnknownPlace(f"{site.code} has no place with the code {code!r}.")
    return found


def shelf(db: Session, site: Site, code: str, *, items: Iterable[Item] = ()) -> Place:
    """The shelf of this code, to put items on. Raises UnknownPlace, NotAShelf, WrongTemperature."""
    found = place(db, site, code)
    hold(db, [found.id])
    db.refresh(found)
    if found.kind is not PlaceKind.SHELF or not found.active:
        what = f"holds what is {found.kind}" if found.kind is not PlaceKind.SHELF else "was given up"
        raise NotAShelf(f"{site.code} {found.name} {what}; stock is put on a shelf that is in use.")
    for item in items:
        _refuse_temperature(found, item)
    return found


def shelf_for(db: Session, site: Site, items: Sequence[Item]) -> dict[int, int]:
    """For each item the key of the site's first shelf that its label allows. Raises WrongTemperature."""
    rows: Any = db.execute(
        sa.select(PLACES.c.id, PLACES.c.temperature)
        .where(PLACES.c.site_id == site.id, PLACES.c.kind == PlaceKind.SHELF, PLACES.c.active)
        .order_by(PLACES.c.id)
    ).all()
    hold(db, [key for key, _ in rows])
    by_storage: dict[str, int] = {}
    for item in items:
        if item.storage not in by_storage:
            keys = [key for key, temperature in rows if allows(item.storage, temperature)]
            if not keys:
                raise WrongTemperature(
                    f"{item.sku} is kept at {_spoken(item.storage)}, and no shelf of {site.code} is: "
                    "add a place for it."
                )
            by_storage[item.storage] = keys[0]
    return {item.id: by_storage[item.storage] for item in items}


def add(db: Session, site: Site, *, code: str, name: str, temperature: Temperature) -> Place:
    """Add a fridge, cupboard or freezer to a site. Raises BadPlace, PlaceTaken."""
    if not CODE.fullmatch(code) or len(code) > LONGEST_CODE:
        raise BadPlace(
            f"The code of a place has 1 to {LONGEST_CODE} capital letters, digits, dots and dashes; "
            f"{code!r} is not one."
        )
    if db.scalar(sa.select(Place.id).where(Place.site_id == site.id, Place.code == code)) is not None:
        raise PlaceTaken(f"{site.code} has a place with the code {code} already.")
    added = Place(site_id=site.id, code=code, name=_name(name), kind=PlaceKind.SHELF, temperature=temperature)
    db.add(added)
    db.flush()
    return added


def change(
    db: Session,
    subject: Place,
    *,
    name: str | None = None,
    temperature: Temperature | None = None,
    active: bool | None = None,
) -> Place:
    """Rename a place, measure its temperature anew, give it up or take it back into use.

    Raises BadPlace, NotAShelf, WrongTemperature for stock that must not stay there, PlaceInUse.
    """
    if name is not None:
        subject.name = _name(name)
    if subject.kind is not PlaceKind.SHELF and (
        active is False or temperature not in (None, Temperature.ANY)
    ):
        raise NotAShelf(f"{subject.name} is no shelf: only its name can be changed.")
    if temperature is not None and temperature is not subject.temperature:
        subject.temperature = temperature
        for item in _kept(db, subject):
            _refuse_temperature(subject, item)
    if active is not None and active is not subject.active:
        if not active:
            _refuse_giving_up(db, subject)
        subject.active = active
    db.flush()
    return subject


def allows(storage: str, temperature: Temperature) -> bool:
    """Whether what is stored so may be kept so warm: the place's range lies within the label's.

    A place that nobody measured and a label without degrees allow everything.
    """
    label = _range(storage)
    if label is None or temperature is Temperature.ANY:
        return True
    low, high = DEGREES[temperature]
    return label[0] <= low and high <= label[1]


def stored(db: Session, *, site: Site, item_ids: Sequence[int]) -> list[Stored]:
    """What each of a site's places holds of items, the lot first that expires first."""
    rows: Any = db.execute(
        sa.select(
            PLACES.c.id, PLACES.c.code, PLACES.c.name, PLACES.c.kind,
            BALANCES.c.item_id, LOTS.c.id, LOTS.c.number, LOTS.c.expires_on, LOTS.c.state,
            BALANCES.c.quantity,
        )
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .where(
            BALANCES.c.item_id.in_(item_ids), BALANCES.c.quantity > NOTHING, PLACES.c.site_id == site.id
        )
        .order_by(BALANCES.c.expires_on, LOTS.c.id, PLACES.c.id)
    )  # fmt: skip
    return [Stored(*row) for row in rows]


def hold(db: Session, place_ids: Sequence[int]) -> None:
    """Keep places from being given up until what is put there is recorded."""
    if db.get_bind().dialect.name == "postgresql":
        kept = sa.select(PLACES.c.id).where(PLACES.c.id.in_(place_ids)).order_by(PLACES.c.id)
        db.execute(kept.with_for_update(read=True))


def _kept(db: Session, subject: Place) -> Sequence[Item]:
    """The items of which the place holds something."""
    held = sa.select(BALANCES.c.item_id).where(
        BALANCES.c.place_id == subject.id, BALANCES.c.quantity > NOTHING
    )
    return db.scalars(sa.select(Item).where(Item.id.in_(held)).order_by(Item.sku)).all()


def _refuse_temperature(there: Place, item: Item) -> None:
    if not allows(item.storage, there.temperature):
        low, high = DEGREES[there.temperature]
        raise WrongTemperature(
            f"{item.sku} is kept at {_spoken(item.storage)}; {there.name} is at {low} to {high} °C."
        )


def _refuse_giving_up(db: Session, subject: Place) -> None:
    # Whoever puts stock there holds the place until it is recorded: wait, then look.
    db.execute(
        sa.select(Place.id).where(Place.site_id == subject.site_id).order_by(Place.id).with_for_update()
    )
    if kept := _kept(db, subject):
        raise PlaceInUse(
            f"{subject.name} is not empty: it holds {', '.join(item.sku for item in kept[:3])}"
            f"{'' if len(kept) <= 3 else f' and {len(kept) - 3} more'}. Move that first."
        )
    others = sa.select(Place.id).where(
        Place.site_id == subject.site_id, Place.kind == PlaceKind.SHELF, Place.active, Place.id != subject.id
    )
    if db.scalar(others.limit(1)) is None:
        raise PlaceInUse(f"{subject.name} is the last shelf of its site: add another one first.")


def _range(storage: str) -> tuple[int, int] | None:
    match = LABEL.fullmatch(storage)
    return None if match is None else (int(match[1]), int(match[2]))


def _spoken(storage: str) -> str:
    label = _range(storage)
    return storage if label is None else f"{label[0]} to {label[1]} °C"


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 120 or not name.isprintable():
        raise BadPlace("The name of a place has 1 to 120 printable characters.")
    return name
