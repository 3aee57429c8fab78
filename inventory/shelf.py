"""The shelf: the containers that may be drawn from, read as far as they are needed (S4, S7)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import lots, vials
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import PLACES, Site
from inventory.database import table_of
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, Unit
from inventory.picking import Container
from inventory.questions import Question
from inventory.vials import PreparedIn, Product

FIRST_LOOK = 2  # lots an item: most sessions need no more
MORE = 4  # times as many at each further look
MOST_ARMS = 400  # of one statement; SQLite takes 500

ITEMS = table_of(Item)
LOTS = table_of(Lot)
PRODUCTS = sa.select(
    ITEMS.c.id,
    ITEMS.c.sku,
    ITEMS.c.name,
    ITEMS.c.unit,
    ITEMS.c.content,
    ITEMS.c.overfill,
    ITEMS.c.dose_class,
    ITEMS.c.kind,
    ITEMS.c.in_use_hours,
    ITEMS.c.sterile,
    ITEMS.c.container_form,
    ITEMS.c.ingredient_id,
)
NAMED = {
    "keys": ITEMS.c.id.in_(sa.bindparam("keys", expanding=True)),
    "skus": ITEMS.c.sku.in_(sa.bindparam("skus", expanding=True)),
    "ingredients": sa.and_(
        ITEMS.c.ingredient_id.in_(sa.bindparam("ingredients", expanding=True)), ITEMS.c.active
    ),
}


@lru_cache(maxsize=8)
def _products_by(names: tuple[str, ...]) -> Question:
    return Question(PRODUCTS.where(sa.or_(*(NAMED[name] for name in names))))


def products(
    db: Session,
    *,
    item_ids: Iterable[int] = (),
    skus: Iterable[str] = (),
    ingredient_ids: Iterable[int] = (),
) -> dict[int, Product]:
    """What drawing needs to know of items: those named, and the active ones that hold an ingredient."""
    named: dict[str, set[Any]] = {
        "keys": set(item_ids),
        "skus": set(skus),
        "ingredients": set(ingredient_ids),
    }
    asked = {name: sorted(values) for name, values in named.items() if values}
    rows = _products_by(tuple(asked)).ask(db, **asked) if asked else []
    found = {}
    for key, sku, name, unit, content, overfill, dose_class, kind, hours, sterile, form, ingredient in rows:
        found[key] = Product(
            id=key,
            sku=sku,
            name=name,
            unit=unit,
            content=content,
            overfill=overfill,
            dose_class=dose_class,
            kind=kind,
            in_use_hours=hours,
            sterile=sterile,
            loses_on_drawing=(dose_class.one_patient and unit is Unit.ML and form != "prefilled_syringe"),
            ingredient_id=ingredient,
        )
    return found


RELEASED: sa.ColumnClause[str] = sa.literal_column(f"'{LotState.RELEASED}'")
NOTHING: sa.ColumnClause[int] = sa.literal_column("0")


FIRST_TO_EXPIRE = (BALANCES.c.expires_on, BALANCES.c.received_on, BALANCES.c.lot_id)
ON_SHELVES = (
    sa.select(
        BALANCES.c.item_id,
        BALANCES.c.lot_id,
        BALANCES.c.expires_on,
        BALANCES.c.received_on,
        BALANCES.c.quantity,
        BALANCES.c.last_on,
        LOTS.c.number,
        BALANCES.c.place_id,
    )
    .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
    .where(
        BALANCES.c.quantity > NOTHING,
        LOTS.c.state == RELEASED,
    )
    .order_by(*FIRST_TO_EXPIRE)
)


@lru_cache(maxsize=256)
def _first_of(count: int, shelves: int, limit: int) -> sa.CompoundSelect[Any]:
    """The statement that reads the first lots of `count` items on each shelf at once, put together once.

    A statement an item would cost a session of ten more time than all its other reading. Each arm joins
    its own lots: SQLite would write down what it found before it joined lots to all arms at once. One arm
    reads one shelf, for only so does the index give the lots in their order.
    """
    arms = [
        ON_SHELVES.where(
            BALANCES.c.item_id == sa.bindparam(f"item{n}"),
            BALANCES.c.place_id == sa.bindparam(f"shelf{shelf}"),
            BALANCES.c.expires_on >= sa.bindparam("on"),
        )
        .limit(sa.literal_column(str(limit)))
        .offset(NOTHING)
        .subquery()
        .select()
        for n in range(count)
        for shelf in range(shelves)
    ]
    return sa.union_all(*arms)


@lru_cache(maxsize=16)
def _first_of_each(limit: int) -> Question:
    """The same for PostgreSQL, which need not plan every arm: for each item and shelf of two lists.

    The day comes from a question of its own: which days there are would have it planned anew each time.
    """
    items, places = (
        sa.select(table.c.id).where(table.c.id.in_(sa.bindparam(name, expanding=True))).subquery()
        for name, table in (("items", ITEMS), ("shelves", PLACES))
    )
    day = sa.select(sa.bindparam("on", type_=sa.Date)).scalar_subquery()
    of_one = (
        ON_SHELVES.where(
            BALANCES.c.item_id == items.c.id,
            BALANCES.c.place_id == places.c.id,
            BALANCES.c.expires_on >= day,
        )
        .limit(sa.literal_column(str(limit)))
        .lateral()
    )
    each = sa.select(of_one).select_from(items.join(places, sa.true()).join(of_one, sa.true()))
    return Question(each.order_by(of_one.c.expires_on, of_one.c.received_on, of_one.c.lot_id))


def sealed(
    db: Session,
    products: Sequence[Product],
    *,
    site: Site,
    shelves: Sequence[int],
    on: date,
    enough: Mapping[int, Decimal | None],
    backdated_to: datetime | None = None,
) -> dict[int, list[Container]]:
    """The usable sealed lots of items on a site's shelves on a date, by item, soonest to expire first.

    Reads in handfuls until an item's lots hold `enough` of it; None reads all. A lot received later than
    `on` is not there yet, and one that was held back at the instant `backdated_to` was not to be used then.
    """
    found: dict[int, list[Container]] = {}
    asked, limit = list(products), FIRST_LOOK
    while asked:
        cut = set()
        some = max(1, MOST_ARMS // len(shelves))
        for start in range(0, len(asked), some):
            part = asked[start : start + some]
            cut |= _read_sealed(db, found, part, site=site, shelves=shelves, on=on, limit=limit)
        if backdated_to is not None:
            _leave_out_held(db, found, asked, backdated_to)
        asked = [one for one in asked if one.id in cut and not _reach(found[one.id], enough[one.id])]
        limit *= MORE
    return found


def _first_lots(
    db: Session, items: Sequence[int], shelves: Sequence[int], *, on: date, limit: int
) -> Sequence[Sequence[Any]]:
    """The first lots of each item on each shelf, those of a shelf in their order."""
    if db.get_bind().dialect.name == "postgresql":
        return _first_of_each(limit).ask(db, items=items, shelves=shelves, on=on)
    asked: dict[str, object] = {f"item{n}": key for n, key in enumerate(items)}
    asked |= {f"shelf{n}": key for n, key in enumerate(shelves)} | {"on": on}
    return db.connection().execute(_first_of(len(items), len(shelves), limit), asked).all()


def _reach(containers: Sequence[Container], enough: Decimal | None) -> bool:
    return enough is not None and sum((one.held for one in containers), ZERO) >= enough


def _read_sealed(
    db: Session,
    found: dict[int, list[Container]],
    products: Sequence[Product],
    *,
    site: Site,
    shelves: Sequence[int],
    on: date,
    limit: int,
) -> set[int]:
    """Read the first `limit` lots of each item on each shelf; answers the items that may have more."""
    by_id = {product.id: product for product in products}
    found.update((key, []) for key in by_id)
    read: dict[tuple[int, int], int] = defaultdict(int)
    ends: dict[int, tuple[date, date, int]] = {}  # how far an item is known on all of its shelves
    for row in _first_lots(db, list(by_id), shelves, on=on, limit=limit):
        item_id, lot_id, expires_on, received_on, held, last_on, number, place_id = row
        read[item_id, place_id] += 1
        if read[item_id, place_id] == limit:
            ends[item_id] = min(ends.get(item_id, LAST), (expires_on, received_on, lot_id))
        if received_on <= on:
            lot = LotFacts(lot_id, item_id, expires_on, received_on)
            deadline = site.end_of(expires_on)
            found[item_id].append(
                Container(by_id[item_id], lot, number, held, deadline, last_on=last_on, place_id=place_id)
            )
    if len(shelves) > 1:
        _merge(found, by_id, ends)
    return set(ends)


LAST = (date.max, date.max, 0)


def _merge(
    found: dict[int, list[Container]], item_ids: Iterable[int], ends: Mapping[int, tuple[date, date, int]]
) -> None:
    """Put the shelves of each item in one order, up to where the first of them was read no further.

    What stands behind that on another shelf may be due after lots that were not read yet.
    """
    for key in item_ids:
        found[key].sort(key=lambda one: one.order)
        if key in ends:
            known = ends[key]
            found[key] = [
                one for one in found[key]
                if (one.lot.expires_on, one.lot.received_on, one.lot.id) <= known
            ]  # fmt: skip


def _leave_out_held(
    db: Session, found: dict[int, list[Container]], products: Sequence[Product], at: datetime
) -> None:
    """Leave out the lots that were held back at an instant, whatever they are now (S7, S12)."""
    held = lots.held_at(db, [one.lot.id for product in products for one in found[product.id]], at)
    for product in products:
        found[product.id] = [one for one in found[product.id] if one.lot.id not in held]


def opened(
    db: Session,
    by_id: Mapping[int, Product],
    *,
    site: Site,
    at: datetime,
    patient_ref: str | None,
    backdated: bool = False,
) -> dict[int, list[Container]]:
    """The opened vials of items at a site that may serve a patient at an instant, by item (S4).

    A vial that is one patient's serves no other; where the clinic does not share, the first patient
    served makes it theirs. `patient_ref` None asks for what anyone could still be served from. `backdated`
    leaves out what was held back at the instant.
    """
    found: dict[int, list[Container]] = defaultdict(list)
    for vial in vials.in_use(db, by_id, site=site, at=at):
        if vial.patient_ref is not None and vial.patient_ref != patient_ref:
            continue
        found[vial.item_id].append(
            Container(
                product=by_id[vial.item_id],
                lot=LotFacts(vial.lot_id, vial.item_id, vial.expires_on, vial.received_on),
                lot_number=vial.number,
                held=vial.remaining,
                deadline=vial.discard_at,
                vial_id=vial.id,
                in_room=vial.prepared_in is PreparedIn.TREATMENT_ROOM,
            )
        )
    if backdated:
        _leave_out_held(db, found, [by_id[key] for key in found], at)
    return found
