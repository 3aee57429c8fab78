"""Receiving: containers come from a supplier, become a lot's stock, and bring their cost."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import clinic, layers, ledger, lots, shelf_life
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item, Supplier
from inventory.charges import NO_CHARGES, BadCharges, Charges, landed
from inventory.clinic import Place, PlaceKind, Site
from inventory.database import MONEY, QUANTITY, UNIT_COST, Base, append_only
from inventory.errors import Invalid, NotFound
from inventory.layers import Want
from inventory.ledger import Act, DocumentKind, Move
from inventory.lots import Lot, LotState
from inventory.measures import LARGEST_MONEY, ZERO, places, quantity, to_cents_half_up
from inventory.places import shelf, shelf_for

MOST_CONTAINERS = 1_000_000
EXPIRED_ON_RECEIPT = "expired on receipt"


class Receipt(Base):
    """What came in one delivery of one lot, and what it cost: the source of a cost layer (S9)."""

    __tablename__ = "receipts"
    __table_args__ = (
        sa.CheckConstraint("containers > 0", name="containers_positive"),
        sa.CheckConstraint("unit_cost >= 0", name="unit_cost_not_negative"),
        sa.CheckConstraint("value >= 0", name="value_not_negative"),
        sa.Index(None, "lot_id"),
        sa.Index(None, "item_id", "received_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    supplier_id: Mapped[int | None] = mapped_column(sa.ForeignKey("suppliers.id"))
    received_on: Mapped[date]
    containers: Mapped[int]
    unit_cost: Mapped[Decimal] = mapped_column(UNIT_COST)  # of one container, as the supplier asks
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    value: Mapped[Decimal] = mapped_column(MONEY)  # landed: with its share of the charges (C3)
    charges: Mapped[Decimal] = mapped_column(MONEY, default=ZERO, server_default=sa.text("0"))
    layer_id: Mapped[int] = mapped_column(sa.ForeignKey("cost_layers.id"))


append_only(Receipt)


@dataclass(frozen=True)
class Delivery:
    """One line of what arrived: so many containers of one lot at one cost each."""

    item: Item
    lot_number: str
    expires_on: date
    containers: int
    unit_cost: Decimal
    supplier: Supplier | None = None
    document: str = ""
    produced_on: date | None = None
    place: str = ""  # the code of the shelf it is put on; none: the first that its label allows
    reason: str = ""  # why it was taken although it is short-dated, or was not asked for


@dataclass(frozen=True)
class Received:
    """A receipt, its lot, and what a manager should know about it."""

    receipt: Receipt
    lot: Lot
    warnings: tuple[str, ...]


class NotAReceipt(Invalid):
    """The numbers cannot be those of a delivery."""


class UnknownReceipt(NotFound):
    """No receipt has this key."""


def receive(
    db: Session,
    delivery: Delivery,
    *,
    site: Site,
    received_on: date,
    recorded_at: datetime,
    by: str,
    charges: Charges = NO_CHARGES,
) -> Received:
    """Receive one line. An expired or held lot goes to quarantine with a warning, not to the shelf.

    Raises NotAReceipt, lots.ExpiryDisagrees, lots.BadLotNumber, periods.PeriodClosed.
    """
    [received] = receive_many(
        db,
        [delivery],
        site=site,
        received_on=received_on,
        recorded_at=recorded_at,
        by=by,
        charges=charges,
    )
    return received


def receive_many(
    db: Session,
    deliveries: Sequence[Delivery],
    *,
    site: Site,
    received_on: date,
    recorded_at: datetime,
    by: str,
    charges: Charges = NO_CHARGES,
) -> list[Received]:
    """Receive many lines of one day, all or nothing; each is a document and a cost layer of its own.

    The charges of the delivery are shared over its lines by value (C3).
    """
    for delivery in deliveries:
        _check(delivery)
    shares = _shares(deliveries, charges)
    if not deliveries:
        return []
    # Two deliveries of a new lot, or one and a recall, wait for each other.
    ledger.lock_items(db, [delivery.item.id for delivery in deliveries])
    at = site.moment_on(received_on, recorded_at)
    wanted = [(delivery.item, delivery.lot_number, delivery.expires_on) for delivery in deliveries]
    registered = lots.register_many(db, wanted, received_on=received_on)
    today = site.day(recorded_at)
    ahead = (f"Received on {received_on}, which lies ahead: at {site.code} it is {today}.",)
    least = clinic.settings(db).least_life_left_rate
    expired = [lot for lot in registered if lot.state is LotState.RELEASED and lot.expires_on < received_on]
    _clear_shelves(db, expired, at=recorded_at, by=by)
    warnings = [
        _hold_if_needed(db, lot, on=received_on, at=at, by=by)
        + _look_at_dates(delivery, lot, on=received_on, least=least)
        + (ahead if received_on > today else ())
        for delivery, lot in zip(deliveries, registered, strict=True)
    ]
    acts = [
        Act(site.id, received_on, at, recorded_at, by, reference=delivery.document, note=delivery.reason)
        for delivery in deliveries
    ]
    receipts = _post(db, deliveries, registered, acts, shares, site=site)
    return [Received(*line) for line in zip(receipts, registered, warnings, strict=True)]


def _shares(deliveries: Sequence[Delivery], charges: Charges) -> tuple[Decimal, ...]:
    """What each line bears of the delivery's charges."""
    charges.check()
    goods = [_goods(delivery) for delivery in deliveries]
    if not charges.total or not goods:
        return (ZERO,) * len(goods)
    if sum(goods, ZERO) + charges.total < 0:
        raise BadCharges(f"The discount of {charges.discount} is more than the rest of the delivery.")
    return landed(charges.total, goods)


def _goods(delivery: Delivery) -> Decimal:
    return to_cents_half_up(delivery.containers * delivery.unit_cost)


def receipt(db: Session, key: int) -> Receipt:
    """The receipt with this key. Raises UnknownReceipt."""
    found = db.get(Receipt, key)
    if found is None:
        raise UnknownReceipt(f"No receipt has the key {key}.")
    return found


def of(db: Session, receipt: Receipt) -> tuple[Item, Lot]:
    """The item and the lot that a receipt brought."""
    return db.get_one(Item, receipt.item_id), db.get_one(Lot, receipt.lot_id)


def _check(delivery: Delivery) -> None:
    if not 0 < delivery.containers <= MOST_CONTAINERS:
        raise NotAReceipt(f"A receipt has 1 to {MOST_CONTAINERS} containers, not {delivery.containers}.")
    if not 0 <= delivery.unit_cost <= LARGEST_MONEY or places(delivery.unit_cost) > 6:
        raise NotAReceipt(f"{delivery.unit_cost} cannot be the cost of one container (at most six decimals).")
    if delivery.containers * delivery.unit_cost > LARGEST_MONEY:
        raise NotAReceipt(f"{delivery.containers} containers at {delivery.unit_cost} exceed {LARGEST_MONEY}.")
    if delivery.produced_on is not None and delivery.produced_on > delivery.expires_on:
        raise NotAReceipt(
            f"Lot {delivery.lot_number} cannot expire on {delivery.expires_on}, before it was produced on "
            f"{delivery.produced_on}."
        )
    quantity(delivery.item.content * delivery.containers)


def _hold_if_needed(db: Session, lot: Lot, *, on: date, at: datetime, by: str) -> tuple[str, ...]:
    if lot.expires_on < on:
        if lot.state is LotState.RELEASED:
            lots.change_state(db, lot, LotState.QUARANTINED, at=at, by=by, reason=EXPIRED_ON_RECEIPT)
        return (f"Lot {lot.number} expired on {lot.expires_on}: it was received on {on} into quarantine.",)
    if lot.state is not LotState.RELEASED:
        return (f"Lot {lot.number} is {lot.state}: what came went to quarantine.",)
    return ()


def _clear_shelves(db: Session, expired: Sequence[Lot], *, at: datetime, by: str) -> None:
    """Carry what the shelves have of lots that are about to be held back into quarantine, site by site."""
    by_id = {lot.id: lot for lot in expired}
    keys, held = sorted(by_id), frozenset(clinic.held_places(db)) if expired else frozenset()
    for start in range(0, len(keys), lots.MOST_SOUGHT):
        rows = db.execute(
            sa.select(BALANCES.c.lot_id, Place.site_id, Place.id, BALANCES.c.quantity, BALANCES.c.last_on)
            .join(Place, Place.id == BALANCES.c.place_id)
            .where(
                BALANCES.c.lot_id.in_(keys[start : start + lots.MOST_SOUGHT]),
                BALANCES.c.quantity > sa.literal_column("0"),
                Place.kind == PlaceKind.SHELF,
            )
            .order_by(BALANCES.c.lot_id, Place.id)
        ).all()
        for lot_id, site_id, place_id, much, last_on in rows:
            lot, site = by_id[lot_id], db.get_one(Site, site_id)
            act = Act(site_id, max(site.day(at), last_on), at, at, by, note=EXPIRED_ON_RECEIPT)
            document_id = ledger.open_document(db, DocumentKind.HOLD, act)
            facts = LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)
            target = clinic.places(db, site_id)[PlaceKind.QUARANTINE]
            move = Move(facts, place_id, target, much, reason=EXPIRED_ON_RECEIPT)
            ledger.post(db, document_id, act.on, [move], held=held)


def short_dated(delivery: Delivery, *, on: date, least: Decimal) -> str:
    """What to say of a line that comes with too little of its life left; nothing if it is enough."""
    return shelf_life.short_dated(
        delivery.item,
        lot_number=delivery.lot_number,
        expires_on=delivery.expires_on,
        produced_on=delivery.produced_on,
        on=on,
        least=least,
    )


def _look_at_dates(delivery: Delivery, lot: Lot, *, on: date, least: Decimal) -> tuple[str, ...]:
    """Keep the day of production with the lot, and warn of what is short-dated or disagrees."""
    said = []
    if delivery.produced_on is not None:
        if lot.produced_on is None:
            lot.produced_on = delivery.produced_on
        elif lot.produced_on != delivery.produced_on:
            said.append(
                f"Lot {lot.number} is on record as produced on {lot.produced_on}, "
                f"not {delivery.produced_on}: look at the label again."
            )
    if sentence := short_dated(replace(delivery, produced_on=lot.produced_on), on=on, least=least):
        said.append(sentence)
    return tuple(said)


def _post(
    db: Session,
    deliveries: Sequence[Delivery],
    registered: Sequence[Lot],
    acts: Sequence[Act],
    shares: Sequence[Decimal],
    *,
    site: Site,
) -> list[Receipt]:
    """Each line's document, layer, movement and receipt, in a handful of statements however many lines."""
    on, there = acts[0].on, clinic.places(db, site.id)
    shelves = _shelves(db, deliveries, registered, site=site)
    stocks = [delivery.item.content * delivery.containers for delivery in deliveries]
    values = [_goods(delivery) + share for delivery, share in zip(deliveries, shares, strict=True)]
    wants = [Want(lot.item_id, lot.id, stock) for lot, stock in zip(registered, stocks, strict=True)]
    documents = ledger.open_documents(db, DocumentKind.RECEIPT, acts)
    formula = clinic.settings(db).cost_formula
    added = layers.add(db, formula, list(zip(wants, values, strict=True)), received_on=on)
    moves, receipts = [], []
    for delivery, lot, stock, value, share, document_id, layer_id, shelf_id in zip(
        deliveries, registered, stocks, values, shares, documents, added, shelves, strict=True
    ):
        target = there[PlaceKind.QUARANTINE] if shelf_id is None else shelf_id
        facts = LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)
        supplier = there[PlaceKind.SUPPLIER]
        move = Move(facts, supplier, target, stock, direction=1, value=value, layer_id=layer_id)
        moves.append((document_id, move))
        receipts.append(
            Receipt(
                document_id=document_id,
                site_id=site.id,
                item_id=lot.item_id,
                lot_id=lot.id,
                supplier_id=None if delivery.supplier is None else delivery.supplier.id,
                received_on=on,
                containers=delivery.containers,
                unit_cost=delivery.unit_cost,
                quantity=stock,
                value=value,
                charges=share,
                layer_id=layer_id,
            )
        )
    ledger.post_many(db, on, moves, held=frozenset(clinic.held_places(db)))
    db.add_all(receipts)
    db.flush()
    return receipts


def _shelves(
    db: Session, deliveries: Sequence[Delivery], registered: Sequence[Lot], *, site: Site
) -> list[int | None]:
    """The shelf of each line: the one it names, else the first that its label allows; none if it is held."""
    free = [lot.state is LotState.RELEASED for lot in registered]
    named: dict[str, list[Item]] = defaultdict(list)
    for delivery, shelved in zip(deliveries, free, strict=True):
        if shelved:
            named[delivery.place].append(delivery.item)
    first = shelf_for(db, site, named.pop("")) if "" in named else {}
    chosen = {code: shelf(db, site, code, items=items).id for code, items in named.items()}
    return [
        (chosen.get(delivery.place) or first[delivery.item.id]) if shelved else None
        for delivery, shelved in zip(deliveries, free, strict=True)
    ]
