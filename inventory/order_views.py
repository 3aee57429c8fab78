"""Purchase orders as they stand: state, lines, steps and receipts together, for all who show them (O3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import orders
from inventory.catalog import Item, Supplier
from inventory.clinic import Site
from inventory.ledger import DOCUMENTS
from inventory.lots import Lot
from inventory.measures import ZERO, to_cents_half_up
from inventory.orders import EVENTS, LINKS, ORDERS, RECEIPTS, OrderEvent, OrderStep, PurchaseOrder

SIX = Decimal("0.000001")


class OrderState(StrEnum):
    """How an order stands."""

    DRAFT = "draft"
    SENT = "sent"
    PARTLY_RECEIVED = "partly_received"
    CLOSED = "closed"
    CANCELLED = "cancelled"


WAITING = (OrderState.SENT, OrderState.PARTLY_RECEIVED)
"""Orders against which something may be received."""


@dataclass(frozen=True)
class LineView:
    """One line of an order: what was asked for, and what became of it, in containers."""

    id: int
    item_id: int
    sku: str
    name: str
    unit: str
    content: Decimal
    packs: int
    pack_containers: int
    pack_price: Decimal
    received: int
    cancelled: int
    extra: int  # came beyond what was asked for

    @property
    def ordered(self) -> int:
        return self.packs * self.pack_containers

    @property
    def open(self) -> int:
        return self.ordered - self.received - self.cancelled

    @property
    def price(self) -> Decimal:
        return self.packs * self.pack_price

    @property
    def container_cost(self) -> Decimal:
        """What one container costs, as a receipt takes it."""
        return (self.pack_price / self.pack_containers).quantize(SIX, ROUND_HALF_UP)


@dataclass(frozen=True)
class CameIn:
    """One receipt of an order."""

    id: int
    sku: str
    name: str
    lot_id: int
    lot: str
    received_on: date
    containers: int
    extra: int
    reason: str
    reversed: bool


@dataclass(frozen=True)
class OrderView:
    """An order with all that is known of it."""

    id: int
    number: str
    site_id: int
    site: str
    supplier: str
    supplier_name: str
    note: str
    state: OrderState
    lines: tuple[LineView, ...]
    events: tuple[OrderEvent, ...]
    receipts: tuple[CameIn, ...]

    @property
    def total(self) -> Decimal:
        return to_cents_half_up(sum((line.price for line in self.lines), ZERO))

    @property
    def sent(self) -> OrderEvent | None:
        return next((event for event in self.events if event.step is OrderStep.SENT), None)

    @property
    def sent_on(self) -> date | None:
        return None if self.sent is None else self.sent.on

    @property
    def expected_on(self) -> date | None:
        return None if self.sent is None else self.sent.expected_on

    def late_since(self, on: date) -> date | None:
        """The day on which it should have come, where that is past and something is still waited for."""
        due = self.expected_on
        return due if self.state in WAITING and due is not None and due < on else None

    @property
    def version(self) -> int:
        """The step that stated it last."""
        return self.events[-1].id

    def line(self, item_id: int) -> LineView | None:
        """The line of an item, if it was asked for."""
        return next((line for line in self.lines if line.item_id == item_id), None)


def view(db: Session, subject: PurchaseOrder) -> OrderView:
    """An order as it stands."""
    return views(db, [subject])[0]


def views(db: Session, subjects: Sequence[PurchaseOrder]) -> list[OrderView]:
    """Orders as they stand, in the order given: four statements, however many they are."""
    keys = [subject.id for subject in subjects]
    lines: dict[int, list[LineView]] = {key: [] for key in keys}
    for order_id, *values in db.execute(_LINES_OF, {"orders": keys}):
        lines[order_id].append(LineView(*values))
    events: dict[int, list[OrderEvent]] = {key: [] for key in keys}
    for event in db.scalars(sa.select(OrderEvent).where(EVENTS.c.order_id.in_(keys)).order_by(EVENTS.c.id)):
        events[event.order_id].append(event)
    came: dict[int, list[CameIn]] = {key: [] for key in keys}
    for order_id, *values in db.execute(_CAME, {"orders": keys}):
        came[order_id].append(CameIn(*values))
    of = sa.select(ORDERS.c.id, Site.code, Supplier.code, Supplier.name).join(
        Site, Site.id == ORDERS.c.site_id
    )
    of = of.join(Supplier, Supplier.id == ORDERS.c.supplier_id).where(ORDERS.c.id.in_(keys))
    parties = {key: (site, code, name) for key, site, code, name in db.execute(of)}
    return [
        OrderView(
            subject.id,
            orders.number(subject.id),
            subject.site_id,
            *parties[subject.id],
            subject.note,
            state_of(lines[subject.id], events[subject.id]),
            tuple(lines[subject.id]),
            tuple(events[subject.id]),
            tuple(came[subject.id]),
        )
        for subject in subjects
    ]


def state_of(lines: Sequence[LineView], events: Sequence[OrderEvent]) -> OrderState:
    """How an order stands: a receipt that is reversed makes it wait again."""
    waits, came = any(line.open > 0 for line in lines), any(line.received for line in lines)
    if waits:
        if all(event.step is not OrderStep.SENT for event in events):
            return OrderState.DRAFT
        return OrderState.PARTLY_RECEIVED if came else OrderState.SENT
    return OrderState.CLOSED if came else OrderState.CANCELLED


def listing(
    db: Session, *, site_ids: Sequence[int], before: int | None = None, limit: int | None = None
) -> list[PurchaseOrder]:
    """The orders of sites, the newest first."""
    query = sa.select(PurchaseOrder).where(PurchaseOrder.site_id.in_(site_ids))
    if before is not None:
        query = query.where(PurchaseOrder.id < before)
    return list(db.scalars(query.order_by(PurchaseOrder.id.desc()).limit(limit)))


def waiting(db: Session, *, site_id: int) -> list[OrderView]:
    """The orders of a site for which a delivery is waited, the oldest first."""
    open_lines = orders.progress()
    keys = sa.select(open_lines.c.order_id).where(
        open_lines.c.open > 0,
        open_lines.c.order_id.in_(sa.select(EVENTS.c.order_id).where(EVENTS.c.step == OrderStep.SENT)),
    )
    found = sa.select(PurchaseOrder).where(PurchaseOrder.site_id == site_id, PurchaseOrder.id.in_(keys))
    return views(db, list(db.scalars(found.order_by(PurchaseOrder.id))))


def _lines_of() -> sa.Select[Any]:
    lines = orders.progress()
    asked: sa.BindParameter[int] = sa.bindparam("orders", expanding=True)
    return (
        sa.select(
            lines.c.order_id, lines.c.id, lines.c.item_id, Item.sku, Item.name, Item.unit, Item.content,
            lines.c.packs, lines.c.pack_containers, lines.c.pack_price, lines.c.received, lines.c.cancelled,
            lines.c.extra,
        )
        .join(Item, Item.id == lines.c.item_id)
        .where(lines.c.order_id.in_(asked))
        .order_by(lines.c.id)
    )  # fmt: skip


def _came_in() -> sa.Select[Any]:
    return (
        sa.select(
            LINKS.c.order_id, RECEIPTS.c.id, Item.sku, Item.name, RECEIPTS.c.lot_id, Lot.number,
            RECEIPTS.c.received_on, LINKS.c.containers, LINKS.c.extra, DOCUMENTS.c.note,
            sa.not_(orders.stands()),
        )
        .join(RECEIPTS, RECEIPTS.c.id == LINKS.c.receipt_id)
        .join(Item, Item.id == RECEIPTS.c.item_id)
        .join(Lot, Lot.id == RECEIPTS.c.lot_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == RECEIPTS.c.document_id)
        .where(LINKS.c.order_id.in_(sa.bindparam("orders", expanding=True)))
        .order_by(LINKS.c.id)
    )  # fmt: skip


_LINES_OF, _CAME = _lines_of(), _came_in()
