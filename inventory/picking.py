"""Choosing which containers to use: first expired, first out, over opened vials and sealed lots (S7).

`plan` is the rule itself and touches no database; `shelf` reads what it needs from one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.database import table_of
from inventory.errors import Conflict
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, Unit, fit, plain
from inventory.vials import OpenedVial, PreparedIn, Product

FIRST_LOOK = 8  # lots an item; most sessions need one or two
EVERY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Container:
    """An opened vial, or the sealed containers of one lot, that may be drawn from."""

    product: Product
    lot: LotFacts
    lot_number: str
    held: Decimal
    deadline: datetime  # effective: an opened vial's `discard_at`, a sealed lot's expiry
    vial_id: int | None = None
    in_room: bool = False  # an opened vial that entered the treatment room

    @property
    def order(self) -> tuple[datetime, bool, date, int]:
        """FEFO: by deadline, an opened vial first on a tie, then by receipt, then by key (S7)."""
        return (self.deadline, self.vial_id is None, self.lot.received_on, self.lot.id)


@dataclass(frozen=True, slots=True)
class Draw:
    """What is taken from one container or lot: used, discarded at once, or left in an opened vial."""

    container: Container
    opened: int  # sealed containers opened for it
    used: Decimal
    discarded: Decimal = ZERO
    kept: Decimal = ZERO


@dataclass(frozen=True)
class Need:
    """What a session calls for: an item, or an ingredient in whichever of its items comes first."""

    quantity: Decimal
    product_ids: tuple[int, ...]
    label: str  # the SKU or ingredient code, for sentences
    unit: str
    lot_id: int | None = None
    vial_id: int | None = None
    reason: str = ""


class NotEnoughStock(Conflict):
    """The usable stock cannot supply the whole session; nothing has moved (S7)."""


class NotFirstToExpire(Conflict):
    """Another lot than FEFO's was asked for without a reason (S7)."""


def plan(needed: Decimal, containers: Sequence[Container], *, loss: Decimal) -> tuple[list[Draw], Decimal]:
    """Draw `needed` from containers in FEFO order; answers the draws and what is still missing.

    Single-dose and kit: whole containers, the smallest n with n x (content + overfill) >= dose + loss,
    the rest discarded (S3). Others: by content, the last container opened keeps its rest (S4). `loss` is
    added once for each product that is drawn with a syringe.
    """
    missing, draws, drawn_from = needed, [], set()
    covered: dict[int, Decimal] = defaultdict(Decimal)  # by one-patient product: stock and overfill
    for container in sorted(containers, key=lambda one: one.order):
        if not missing:
            break
        product = container.product
        if product.loses_on_drawing and product.id not in drawn_from:
            missing += loss
        drawn_from.add(product.id)
        if container.vial_id is not None:
            used = min(container.held, missing)
            draws.append(Draw(container, 0, used))
            missing -= used
            continue
        single = product.dose_class.one_patient
        effective = product.content + (product.overfill if single else ZERO)
        count = min(fit(missing, effective), container.held // product.content)
        served = min(missing, count * effective)
        missing -= served
        if single:
            covered[product.id] += served
            draws.append(Draw(container, int(count), ZERO))
        elif count:
            draws.append(Draw(container, int(count), served, kept=count * product.content - served))
    return _share_use(draws, covered), missing


def _share_use(draws: list[Draw], covered: dict[int, Decimal]) -> list[Draw]:
    """Say of each one-patient container how much of its content was used; the rest is discarded (S3).

    Overfill serves the dose only after all the labelled content, whichever lots it came from.
    """
    content: dict[int, Decimal] = defaultdict(Decimal)
    for draw in draws:
        content[draw.container.product.id] += draw.opened * draw.container.product.content
    left = {product: min(served, content[product]) for product, served in covered.items()}
    settled = []
    for draw in draws:
        product = draw.container.product
        if product.id in left:
            whole = draw.opened * product.content
            used = min(left[product.id], whole)
            left[product.id] -= used
            draw = replace(draw, used=used, discarded=whole - used)
        settled.append(draw)
    return settled


ITEMS = table_of(Item)
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
).where(
    sa.or_(
        ITEMS.c.id.in_(sa.bindparam("keys", expanding=True)),
        ITEMS.c.sku.in_(sa.bindparam("skus", expanding=True)),
        sa.and_(ITEMS.c.ingredient_id.in_(sa.bindparam("ingredients", expanding=True)), ITEMS.c.active),
    )
)


def products(
    db: Session,
    *,
    item_ids: Iterable[int] = (),
    skus: Iterable[str] = (),
    ingredient_ids: Iterable[int] = (),
) -> dict[int, Product]:
    """What drawing needs to know of items: those named, and the active ones that hold an ingredient."""
    rows = db.execute(
        PRODUCTS,
        {
            "keys": sorted(set(item_ids)),
            "skus": sorted(set(skus)),
            "ingredients": sorted(set(ingredient_ids)),
        },
    )
    found = {}
    for row in rows:
        found[row.id] = Product(
            id=row.id,
            sku=row.sku,
            name=row.name,
            unit=row.unit,
            content=row.content,
            overfill=row.overfill,
            dose_class=row.dose_class,
            kind=row.kind,
            in_use_hours=row.in_use_hours,
            sterile=row.sterile,
            loses_on_drawing=(
                row.dose_class.one_patient
                and row.unit is Unit.ML
                and row.container_form != "prefilled_syringe"
            ),
            ingredient_id=row.ingredient_id,
        )
    return found


LOTS = table_of(Lot)
SEALED = (
    sa.select(
        BALANCES.c.lot_id,
        BALANCES.c.expires_on,
        BALANCES.c.received_on,
        BALANCES.c.quantity,
        LOTS.c.number,
        LOTS.c.state,
    )
    .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
    .where(
        BALANCES.c.item_id == sa.bindparam("item"),
        BALANCES.c.place_id == sa.bindparam("shelf"),
        BALANCES.c.quantity > sa.literal_column("0"),
        BALANCES.c.expires_on >= sa.bindparam("on"),
    )
    .order_by(BALANCES.c.expires_on, BALANCES.c.received_on, BALANCES.c.lot_id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
"""One item's sealed lots on a shelf, put together once: a session asks it for every item that it draws."""


def sealed(
    db: Session, product: Product, *, site: Site, shelf_id: int, on: date, enough: Decimal | None
) -> list[Container]:
    """The usable sealed lots of an item on a shelf on a date, soonest to expire first.

    Reads in handfuls until they hold `enough`; None reads all. A lot received later than `on` is not there
    yet.
    """
    limit = FIRST_LOOK
    while True:
        asked = {"item": product.id, "shelf": shelf_id, "on": on, "most": EVERY if enough is None else limit}
        rows = db.execute(SEALED, asked).all()
        found = [
            Container(
                product,
                LotFacts(lot_id, product.id, expires_on, received_on),
                number,
                quantity,
                site.end_of(expires_on),
            )
            for lot_id, expires_on, received_on, quantity, number, state in rows
            if state is LotState.RELEASED and received_on <= on
        ]
        if enough is None or len(rows) < limit or sum((one.held for one in found), ZERO) >= enough:
            return found
        limit *= 8


def opened(
    db: Session, by_id: Mapping[int, Product], *, site: Site, at: datetime, patient_ref: str | None
) -> dict[int, list[Container]]:
    """The opened vials of items at a site that may serve a patient at an instant, by item (S4).

    A vial that is one patient's serves no other; where the clinic does not share, the first patient
    served makes it theirs. `patient_ref` None asks for what anyone could still be served from.
    """
    rows = db.execute(
        sa.select(OpenedVial, Lot.number, Lot.expires_on, Lot.received_on)
        .join(Lot, Lot.id == OpenedVial.lot_id)
        .where(
            OpenedVial.item_id.in_(sorted(by_id)),
            OpenedVial.site_id == site.id,
            OpenedVial.closed_at.is_(None),
            OpenedVial.remaining > 0,
            OpenedVial.discard_at > at,
            OpenedVial.opened_at <= at,
            Lot.state == LotState.RELEASED,
            Lot.expires_on >= site.day(at),
        )
        .order_by(OpenedVial.id)
    )
    found: dict[int, list[Container]] = defaultdict(list)
    for vial, number, expires_on, received_on in rows:
        if vial.patient_ref is not None and vial.patient_ref != patient_ref:
            continue
        found[vial.item_id].append(
            Container(
                product=by_id[vial.item_id],
                lot=LotFacts(vial.lot_id, vial.item_id, expires_on, received_on),
                lot_number=number,
                held=vial.remaining,
                deadline=vial.discard_at,
                vial_id=vial.id,
                in_room=vial.prepared_in is PreparedIn.TREATMENT_ROOM,
            )
        )
    return found


def choose(need: Need, containers: Sequence[Container], *, loss: Decimal) -> tuple[list[Draw], Decimal]:
    """FEFO's draws, or those from the lot or vial that the need names with a reason (S7).

    Raises NotFirstToExpire when the named one is not FEFO's choice and no reason is given.
    """
    if need.lot_id is None and need.vial_id is None:
        return plan(need.quantity, containers, loss=loss)
    named = [
        one
        for one in containers
        if (need.lot_id is None or one.lot.id == need.lot_id)
        and (need.vial_id is None or one.vial_id == need.vial_id)
    ]
    draws, missing = plan(need.quantity, named, loss=loss)
    first, _ = plan(need.quantity, containers, loss=loss)
    chosen = [(draw.container.lot.id, draw.container.vial_id) for draw in draws]
    if not need.reason and chosen != [(draw.container.lot.id, draw.container.vial_id) for draw in first]:
        due = ", ".join(dict.fromkeys(draw.container.lot_number for draw in first)) or "none"
        raise NotFirstToExpire(f"{need.label}: lot {due} expires first; taking another needs a reason.")
    return draws, missing


def why_not(
    db: Session, need: Need, usable: Sequence[Container], *, site: Site, at: datetime, allocated: Decimal
) -> str:
    """One sentence on a shortage: needed, usable, and why the rest is not (S7)."""
    on = site.day(at)
    rest: dict[str, Decimal] = defaultdict(Decimal)
    for held, state, expires_on, received_on in _sealed_anywhere(db, need, site):
        if state is not LotState.RELEASED:
            rest[str(state)] += held
        elif expires_on < on:
            rest["expired"] += held
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
    reasons = ", ".join(f"{plain(amount)} {need.unit} {why}" for why, amount in rest.items() if amount)
    held = sum((one.held for one in usable), ZERO)
    return (
        f"{need.label}: {plain(need.quantity)} {need.unit} needed, {plain(held)} {need.unit} usable on {on}"
        + (f" ({reasons})." if reasons else ".")
    )


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
            BALANCES.c.quantity > sa.literal_column("0"),
        )
    ).all()
