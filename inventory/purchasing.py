"""Purchasing: an order is drafted, sent, received in parts, closed or cancelled; each step is a fact (O3).

What is received against it is a receipt like any other that knows its line. What was not asked for, or is
more than was, is taken only with a reason, and never counts as what was waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, order_views, receiving
from inventory.catalog import Item, Supplier
from inventory.charges import NO_CHARGES, Charges
from inventory.clinic import Site
from inventory.database import add_rows
from inventory.errors import Conflict, Invalid
from inventory.measures import LARGEST_MONEY, places
from inventory.order_views import WAITING, LineView, OrderState, OrderView
from inventory.orders import (
    CANCELLATIONS,
    LINES,
    LINKS,
    OrderEvent,
    OrderStep,
    PurchaseOrder,
)
from inventory.receiving import Delivery, Received

MOST_LINES = 200
MOST_PACKS = 100_000


@dataclass(frozen=True)
class Wish:
    """So many packs of an item; pack and price are the supplier's offer in force unless they are said."""

    item: Item
    packs: int
    pack_containers: int | None = None
    pack_price: Decimal | None = None


@dataclass(frozen=True)
class Surplus:
    """What came beyond what an order waits for."""

    delivery: Delivery
    containers: int
    asked: bool  # the item is on the order

    def sentence(self, of: OrderView) -> str:
        """What a person is asked about."""
        sku, came = self.delivery.item.sku, self.delivery.containers
        if not self.asked:
            return f"{sku} is not on {of.number}: {came} came."
        return (
            f"{came - self.containers} of {sku} wait on {of.number} and {came} came: {self.containers} more."
        )


@dataclass(frozen=True)
class Arrived:
    """What was received against an order, and how the order stands now."""

    order: OrderView
    received: tuple[Received, ...]


class NotOnOrder(Conflict):
    """Something came that was not asked for, or more than was; it is taken only with a reason."""


class WrongOrderState(Conflict):
    """The order is at another step."""


class BadOrder(Invalid):
    """The lines cannot be those of an order."""


def draft(
    db: Session,
    wishes: Sequence[Wish],
    *,
    site: Site,
    supplier: Supplier,
    at: datetime,
    by: str,
    note: str = "",
) -> OrderView:
    """Draft an order of a site to a supplier. Raises BadOrder."""
    made = PurchaseOrder(site_id=site.id, supplier_id=supplier.id, note=note)
    db.add(made)
    db.flush()
    event = _step(db, made, OrderStep.DRAFTED, site=site, at=at, by=by)
    _state_lines(db, made, event, wishes, supplier=supplier)
    return order_views.view(db, made)


def change(
    db: Session, subject: PurchaseOrder, wishes: Sequence[Wish], *, at: datetime, by: str
) -> OrderView:
    """Put other lines in place of a draft's. Raises WrongOrderState, BadOrder."""
    to_change(db, subject)
    event = _step(db, subject, OrderStep.CHANGED, site=db.get_one(Site, subject.site_id), at=at, by=by)
    _state_lines(db, subject, event, wishes, supplier=db.get_one(Supplier, subject.supplier_id))
    return order_views.view(db, subject)


def send(
    db: Session, subject: PurchaseOrder, *, at: datetime, by: str, expected_on: date | None = None
) -> OrderView:
    """Record that an order was sent; from now on its lines are fixed and its delivery is expected (O1).

    It is expected when its slowest offer would come, unless a day is said. Raises WrongOrderState, BadOrder.
    """
    standing = _at(db, subject, OrderState.DRAFT, what="be sent")
    site = db.get_one(Site, subject.site_id)
    today = site.day(at)
    if expected_on is None:
        expected_on = _expected_by(db, subject, standing, on=today)
    if expected_on < today:
        raise BadOrder(f"{standing.number} cannot be expected on {expected_on}: it is sent on {today}.")
    _step(db, subject, OrderStep.SENT, site=site, at=at, by=by, expected_on=expected_on)
    return order_views.view(db, subject)


def expected_by(db: Session, subject: PurchaseOrder, *, at: datetime) -> date:
    """When an order would come if it were sent now."""
    on = db.get_one(Site, subject.site_id).day(at)
    return _expected_by(db, subject, order_views.view(db, subject), on=on)


def locked(db: Session, subject: PurchaseOrder) -> OrderView:
    """The order as it stands, with every other step on it waiting until this one has ended."""
    db.execute(sa.select(PurchaseOrder.id).where(PurchaseOrder.id == subject.id).with_for_update())
    return order_views.view(db, subject)


def to_change(db: Session, subject: PurchaseOrder) -> OrderView:
    """A draft, held until its lines are changed. Raises WrongOrderState."""
    return _at(db, subject, OrderState.DRAFT, what="be changed")


def to_receive(db: Session, subject: PurchaseOrder) -> OrderView:
    """An order that a delivery is waited for, held until it is received. Raises WrongOrderState."""
    return _at(db, subject, *WAITING, what="be received against")


def surplus(of: OrderView, deliveries: Sequence[Delivery]) -> list[Surplus]:
    """What of a delivery an order does not wait for, line by line in the order of the delivery."""
    return [found for _, found in _matched(of, deliveries) if found is not None]


def receive(
    db: Session,
    subject: PurchaseOrder,
    deliveries: Sequence[Delivery],
    *,
    received_on: date,
    recorded_at: datetime,
    by: str,
    charges: Charges = NO_CHARGES,
) -> Arrived:
    """Receive a delivery against an order, all or nothing; what is missing stays open as its back order.

    Raises WrongOrderState, NotOnOrder for a surplus without a reason, and what `receiving.receive` raises.
    """
    standing = to_receive(db, subject)
    site = db.get_one(Site, subject.site_id)
    if standing.sent_on is not None and received_on < standing.sent_on:
        raise BadOrder(f"{standing.number} was sent on {standing.sent_on}: nothing came on {received_on}.")
    matched = _matched(standing, deliveries)
    unasked = [found for _, found in matched if found is not None and not found.delivery.reason.strip()]
    if unasked:
        said = " ".join(found.sentence(standing) for found in unasked)
        raise NotOnOrder(f"{said} Say why it is kept, or leave it out.")
    supplier = db.get_one(Supplier, subject.supplier_id)
    received = receiving.receive_many(
        db,
        [replace(delivery, supplier=supplier) for delivery in deliveries],
        site=site,
        received_on=received_on,
        recorded_at=recorded_at,
        by=by,
        charges=charges,
    )
    links = []
    for one, (line, found) in zip(received, matched, strict=True):
        extra = 0 if found is None else found.containers
        links.append(
            {
                "receipt_id": one.receipt.id,
                "order_id": subject.id,
                "order_line_id": None if line is None else line.id,
                "containers": one.receipt.containers - extra,
                "extra": extra,
            }
        )
    add_rows(db, LINKS, links)
    return Arrived(order_views.view(db, subject), tuple(received))


def close(db: Session, subject: PurchaseOrder, *, at: datetime, by: str, reason: str = "") -> OrderView:
    """Close an order: what has not come is cancelled, for a reason. Raises WrongOrderState, BadOrder."""
    standing = locked(db, subject)
    before = any(event.step is OrderStep.CLOSED for event in standing.events)
    if standing.state not in WAITING and (standing.state is not OrderState.CLOSED or before):
        raise WrongOrderState(f"{standing.number} is {_said(standing.state)}: it cannot be closed.")
    _end(db, subject, standing, OrderStep.CLOSED, at=at, by=by, reason=reason)
    return order_views.view(db, subject)


def cancel(db: Session, subject: PurchaseOrder, *, at: datetime, by: str, reason: str) -> OrderView:
    """Cancel an order of which nothing has come. Raises WrongOrderState, BadOrder."""
    standing = _at(db, subject, OrderState.DRAFT, OrderState.SENT, what="be cancelled")
    _end(db, subject, standing, OrderStep.CANCELLED, at=at, by=by, reason=reason)
    return order_views.view(db, subject)


def _end(
    db: Session,
    subject: PurchaseOrder,
    standing: OrderView,
    step: OrderStep,
    *,
    at: datetime,
    by: str,
    reason: str,
) -> None:
    """Take the last step: what is open will not come, and somebody says why."""
    left = [line for line in standing.lines if line.open > 0]
    if left and not reason.strip():
        raise BadOrder(
            f"{sum(line.open for line in left)} containers of {standing.number} are open: say why."
        )
    site = db.get_one(Site, subject.site_id)
    event = _step(db, subject, step, site=site, at=at, by=by, reason=reason)
    if left:
        rows = [{"event_id": event, "order_line_id": line.id, "containers": line.open} for line in left]
        add_rows(db, CANCELLATIONS, rows)


def _matched(of: OrderView, deliveries: Sequence[Delivery]) -> list[tuple[LineView | None, Surplus | None]]:
    """Each delivered line's place on the order, and what of it is beyond what still waits there."""
    left = {line.item_id: line.open for line in of.lines}
    found: list[tuple[LineView | None, Surplus | None]] = []
    for delivery in deliveries:
        line = of.line(delivery.item.id)
        counted = min(delivery.containers, left.get(delivery.item.id, 0))
        if line is not None:
            left[line.item_id] -= counted
        beyond = delivery.containers - counted
        found.append((line, Surplus(delivery, beyond, line is not None) if beyond else None))
    return found


def _at(db: Session, subject: PurchaseOrder, *states: OrderState, what: str) -> OrderView:
    standing = locked(db, subject)
    if standing.state not in states:
        raise WrongOrderState(f"{standing.number} is {_said(standing.state)}: it cannot {what}.")
    return standing


def _said(state: OrderState) -> str:
    return {OrderState.DRAFT: "a draft", OrderState.PARTLY_RECEIVED: "partly received"}.get(
        state, state.value
    )


def _step(
    db: Session,
    subject: PurchaseOrder,
    step: OrderStep,
    *,
    site: Site,
    at: datetime,
    by: str,
    reason: str = "",
    expected_on: date | None = None,
) -> int:
    event = OrderEvent(
        order_id=subject.id, step=step, on=site.day(at), expected_on=expected_on, at=at, by=by, reason=reason
    )
    db.add(event)
    db.flush()
    return event.id


def _state_lines(
    db: Session, subject: PurchaseOrder, event_id: int, wishes: Sequence[Wish], *, supplier: Supplier
) -> None:
    """Write the lines that stand from this step on."""
    if not 1 <= len(wishes) <= MOST_LINES:
        raise BadOrder(f"An order has 1 to {MOST_LINES} lines, not {len(wishes)}.")
    event = db.get_one(OrderEvent, event_id)
    offers = catalog.replacements(db, [wish.item.id for wish in wishes], on=event.on, supplier_id=supplier.id)
    rows, seen = [], set()
    for wish in wishes:
        if wish.item.id in seen:
            raise BadOrder(f"{wish.item.sku} stands on the order twice: put it into one line.")
        seen.add(wish.item.id)
        offer = offers.get(wish.item.id)
        pack, price = wish.pack_containers, wish.pack_price
        if pack is None:
            pack = wish.item.pack_containers if offer is None else offer.pack_containers
        if price is None and offer is not None and pack == offer.pack_containers:
            price = offer.price_of(wish.packs)
        if price is None:
            raise BadOrder(
                f"{supplier.name} has no price on record for packs of {pack} of {wish.item.sku}: say it."
            )
        _check(wish, pack, price)
        rows.append(
            {
                "order_id": subject.id,
                "event_id": event_id,
                "item_id": wish.item.id,
                "packs": wish.packs,
                "pack_containers": pack,
                "pack_price": price,
            }
        )
    add_rows(db, LINES, rows)


def _check(wish: Wish, pack: int, price: Decimal) -> None:
    if not 1 <= wish.packs <= MOST_PACKS or not 1 <= pack <= MOST_PACKS:
        raise BadOrder(f"{wish.packs} packs of {pack} of {wish.item.sku} cannot be ordered.")
    if wish.packs * pack > receiving.MOST_CONTAINERS:
        raise BadOrder(
            f"{wish.packs * pack} containers of {wish.item.sku} are more than {receiving.MOST_CONTAINERS}."
        )
    if price < 0 or places(price) > 2 or wish.packs * price > LARGEST_MONEY:
        raise BadOrder(f"{price} cannot be the price of a pack of {wish.item.sku}.")


def _expected_by(db: Session, subject: PurchaseOrder, standing: OrderView, *, on: date) -> date:
    """When the slowest line would come; one without an offer as the supplier says of itself."""
    keys = [line.item_id for line in standing.lines]
    offers = catalog.replacements(db, keys, on=on, supplier_id=subject.supplier_id)
    usual = db.get_one(Supplier, subject.supplier_id).lead_days
    return on + timedelta(days=max(offers[key].lead_days if key in offers else usual for key in keys))
