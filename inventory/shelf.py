"""The shelf: the containers that may be drawn from, read as far as they are needed (S4, S7)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import lots, vials
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.database import table_of
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, Unit, plain
from inventory.picking import Container, Need
from inventory.vials import LotNotUsable, OpenedVial, PreparedIn, Product, VialClosed

FIRST_LOOK = 2  # lots an item: most sessions need no more
MORE = 4  # times as many at each further look

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
def _products_by(names: tuple[str, ...]) -> sa.Select[Any]:
    return PRODUCTS.where(sa.or_(*(NAMED[name] for name in names)))


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
    rows = db.connection().execute(_products_by(tuple(asked)), asked).all() if asked else []
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


@lru_cache(maxsize=256)
def _first_of(count: int, limit: int) -> sa.CompoundSelect[Any]:
    """The statement that reads the first lots of `count` items at once, put together once for each count.

    A statement an item would cost a session of ten more time than all its other reading. Each arm joins
    its own lots: SQLite would write down what it found before it joined lots to all arms at once.
    """
    arms = [
        sa.select(
            BALANCES.c.item_id,
            BALANCES.c.lot_id,
            BALANCES.c.expires_on,
            BALANCES.c.received_on,
            BALANCES.c.quantity,
            BALANCES.c.last_on,
            LOTS.c.number,
        )
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .where(
            BALANCES.c.item_id == sa.bindparam(f"item{n}"),
            BALANCES.c.place_id == sa.bindparam("shelf"),
            BALANCES.c.quantity > NOTHING,
            BALANCES.c.expires_on >= sa.bindparam("on"),
            LOTS.c.state == RELEASED,
        )
        .order_by(BALANCES.c.expires_on, BALANCES.c.received_on, BALANCES.c.lot_id)
        .limit(sa.literal_column(str(limit)))
        .offset(NOTHING)
        .subquery()
        .select()
        for n in range(count)
    ]
    return sa.union_all(*arms)


def sealed(
    db: Session,
    products: Sequence[Product],
    *,
    site: Site,
    shelf_id: int,
    on: date,
    enough: Mapping[int, Decimal | None],
    backdated_to: datetime | None = None,
) -> dict[int, list[Container]]:
    """The usable sealed lots of items on a shelf on a date, by item, soonest to expire first.

    Reads in handfuls until an item's lots hold `enough` of it; None reads all. A lot received later than
    `on` is not there yet, and one that was held back at the instant `backdated_to` was not to be used then.
    """
    found: dict[int, list[Container]] = {}
    asked, limit = list(products), FIRST_LOOK
    while asked:
        read = _read_sealed(db, found, asked, site=site, shelf_id=shelf_id, on=on, limit=limit)
        if backdated_to is not None:
            _leave_out_held(db, found, asked, backdated_to)
        asked = [one for one in asked if read[one.id] == limit and not _reach(found[one.id], enough[one.id])]
        limit *= MORE
    return found


def _reach(containers: Sequence[Container], enough: Decimal | None) -> bool:
    return enough is not None and sum((one.held for one in containers), ZERO) >= enough


def _read_sealed(
    db: Session,
    found: dict[int, list[Container]],
    products: Sequence[Product],
    *,
    site: Site,
    shelf_id: int,
    on: date,
    limit: int,
) -> dict[int, int]:
    """Read the first `limit` lots of each item, find those that are there; answers how many were read."""
    by_id = {product.id: product for product in products}
    found.update((key, []) for key in by_id)
    asked: dict[str, object] = {f"item{n}": key for n, key in enumerate(by_id)}
    asked |= {"shelf": shelf_id, "on": on}
    read = dict.fromkeys(by_id, 0)
    rows = db.connection().execute(_first_of(len(by_id), limit), asked).all()
    for item_id, lot_id, expires_on, received_on, held, last_on, number in rows:
        read[item_id] += 1
        if received_on <= on:
            lot = LotFacts(lot_id, item_id, expires_on, received_on)
            found[item_id].append(
                Container(by_id[item_id], lot, number, held, site.end_of(expires_on), last_on=last_on)
            )
    return read


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
