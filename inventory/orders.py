"""Purchase orders: what was asked of a supplier, the steps it took, and what came of it (O3).

An order is a row that never changes; its lines, its steps and its receipts are facts beside it. Container
for container what was ordered is received, open or cancelled: `progress` reads it from the facts.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import Item
from inventory.database import MONEY, Base, append_only, choice, one_of, table_of
from inventory.errors import NotFound
from inventory.ledger import MOVEMENTS
from inventory.receiving import Receipt


class OrderStep(StrEnum):
    """What was done with an order."""

    DRAFTED = "drafted"
    CHANGED = "changed"
    SENT = "sent"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class PurchaseOrder(Base):
    """An order of one site to one supplier."""

    __tablename__ = "purchase_orders"
    __table_args__ = (sa.Index(None, "site_id", "id"), sa.Index(None, "supplier_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    supplier_id: Mapped[int] = mapped_column(sa.ForeignKey("suppliers.id"))
    note: Mapped[str] = mapped_column(sa.String(500), default="")  # for the supplier


class OrderEvent(Base):
    """One step of an order: who, when, why."""

    __tablename__ = "purchase_order_events"
    __table_args__ = (one_of("step", OrderStep), sa.Index(None, "order_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("purchase_orders.id"))
    step: Mapped[OrderStep] = mapped_column(choice(OrderStep))
    on: Mapped[date]
    expected_on: Mapped[date | None]  # of what was sent: the day on which it should come
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")


class OrderLine(Base):
    """So many packs of one item at a price; what a later step states replaces all lines of the earlier."""

    __tablename__ = "purchase_order_lines"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "item_id"),
        sa.CheckConstraint("packs > 0", name="packs_positive"),
        sa.CheckConstraint("pack_containers > 0", name="pack_positive"),
        sa.CheckConstraint("pack_price >= 0", name="price_not_negative"),
        sa.Index(None, "order_id", "event_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("purchase_orders.id"))
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("purchase_order_events.id"))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    packs: Mapped[int]
    pack_containers: Mapped[int]
    pack_price: Mapped[Decimal] = mapped_column(MONEY)  # in the clinic's currency


class OrderCancellation(Base):
    """So many containers of a line that will not come any more."""

    __tablename__ = "purchase_order_cancellations"
    __table_args__ = (
        sa.CheckConstraint("containers > 0", name="containers_positive"),
        sa.Index(None, "order_line_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("purchase_order_events.id"))
    order_line_id: Mapped[int] = mapped_column(sa.ForeignKey("purchase_order_lines.id"))
    containers: Mapped[int]


class OrderReceipt(Base):
    """Which line a receipt is of: so many of its containers were waited for, the others are extra."""

    __tablename__ = "purchase_order_receipts"
    __table_args__ = (
        sa.CheckConstraint("containers >= 0 AND extra >= 0", name="not_negative"),
        sa.CheckConstraint("containers + extra > 0", name="something_came"),
        sa.CheckConstraint("order_line_id IS NOT NULL OR containers = 0", name="waited_for_by_a_line"),
        sa.Index(None, "order_line_id"),
        sa.Index(None, "order_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    receipt_id: Mapped[int] = mapped_column(sa.ForeignKey("receipts.id"), unique=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("purchase_orders.id"))
    order_line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("purchase_order_lines.id"))
    containers: Mapped[int]
    extra: Mapped[int]


for facts in (PurchaseOrder, OrderEvent, OrderLine, OrderCancellation, OrderReceipt):
    append_only(facts)

ORDERS, EVENTS, LINES = table_of(PurchaseOrder), table_of(OrderEvent), table_of(OrderLine)
CANCELLATIONS, LINKS, RECEIPTS = table_of(OrderCancellation), table_of(OrderReceipt), table_of(Receipt)


class UnknownOrder(NotFound):
    """No purchase order has this key."""


def number(key: int) -> str:
    """How people call an order."""
    return f"PO-{key:05}"


def order(db: Session, key: int) -> PurchaseOrder:
    """The order with this key. Raises UnknownOrder."""
    found = db.get(PurchaseOrder, key)
    if found is None:
        raise UnknownOrder(f"No purchase order has the key {key}.")
    return found


@dataclass(frozen=True, slots=True)
class Expected:
    """So much of an item that was ordered and has not come: when it may, when it was sent for, and when it
    should have come."""

    due: date
    quantity: Decimal
    sent_on: date
    promised_on: date


def expected(db: Session, *, site_id: int, on: date) -> dict[int, list[Expected]]:
    """What is on order at a site and has not come, by item and the day it is expected; nothing is late
    before today, so what is overdue may come today (O1)."""
    lines = progress()
    rows = db.execute(
        sa.select(lines.c.item_id, EVENTS.c.expected_on, Item.content, lines.c.open, EVENTS.c.on)
        .join(EVENTS, sa.and_(EVENTS.c.order_id == lines.c.order_id, EVENTS.c.step == OrderStep.SENT))
        .join(ORDERS, ORDERS.c.id == lines.c.order_id)
        .join(Item, Item.id == lines.c.item_id)
        .where(ORDERS.c.site_id == site_id, lines.c.open > 0)
        .order_by(lines.c.item_id, EVENTS.c.expected_on, lines.c.id)
    )
    found: dict[int, list[Expected]] = {}
    for item_id, due, content, containers, sent_on in rows:
        found.setdefault(item_id, []).append(Expected(max(due, on), content * containers, sent_on, due))
    return found


def progress() -> sa.Subquery:
    """Every line that stands with what was received, cancelled and is open of it."""
    latest = sa.select(sa.func.max(LINES.c.event_id)).group_by(LINES.c.order_id)
    came, gone = _received(), _cancelled()
    received, cancelled = (
        sa.func.coalesce(came.c.containers, 0),
        sa.func.coalesce(gone.c.containers, 0),
    )
    return (
        sa.select(
            *LINES.c,
            received.label("received"),
            cancelled.label("cancelled"),
            sa.func.coalesce(came.c.extra, 0).label("extra"),
            (LINES.c.packs * LINES.c.pack_containers - received - cancelled).label("open"),
        )
        .join(came, came.c.order_line_id == LINES.c.id, isouter=True)
        .join(gone, gone.c.order_line_id == LINES.c.id, isouter=True)
        .where(LINES.c.event_id.in_(latest))
        .subquery("progress")
    )


def stands() -> sa.ColumnElement[bool]:
    """A receipt counts as long as its movement was not reversed."""
    undone = MOVEMENTS.alias("undone")
    return ~sa.exists(
        sa.select(MOVEMENTS.c.id)
        .join(undone, undone.c.corrects_id == MOVEMENTS.c.id)
        .where(MOVEMENTS.c.document_id == RECEIPTS.c.document_id)
        .correlate(RECEIPTS)
    )


def _received() -> sa.Subquery:
    sums = [sa.func.sum(LINKS.c.containers).label("containers"), sa.func.sum(LINKS.c.extra).label("extra")]
    return (
        sa.select(LINKS.c.order_line_id, *sums)
        .join(RECEIPTS, RECEIPTS.c.id == LINKS.c.receipt_id)
        .where(LINKS.c.order_line_id.isnot(None), stands())
        .group_by(LINKS.c.order_line_id)
        .subquery("came")
    )


def _cancelled() -> sa.Subquery:
    total = sa.func.sum(CANCELLATIONS.c.containers).label("containers")
    return (
        sa.select(CANCELLATIONS.c.order_line_id, total)
        .group_by(CANCELLATIONS.c.order_line_id)
        .subquery("gone")
    )
