"""The proof of orders: container for container, what was ordered is received, open or cancelled (O3)."""

from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import orders
from inventory.catalog import Item
from inventory.orders import EVENTS, LINES, LINKS, ORDERS, RECEIPTS, OrderStep


def _no_more_than_was_ordered(db: Session) -> Iterator[str]:
    """O3: of no line more was received and cancelled than was ordered; what is extra is counted apart."""
    lines = orders.progress()
    rows = db.execute(
        sa.select(lines, Item.sku)
        .join(Item, Item.id == lines.c.item_id)
        .where(lines.c.open < 0)
        .order_by(lines.c.id)
    )
    for line in rows:
        yield (
            f"{orders.number(line.order_id)} ordered {line.packs * line.pack_containers} of {line.sku}; "
            f"{line.received} were received and {line.cancelled} cancelled."
        )


def _receipts_fit_their_orders(db: Session) -> Iterator[str]:
    """O3: what was received against an order is of its site, its line's item, its very containers, and
    came after it was sent."""
    sent = sa.exists().where(
        EVENTS.c.order_id == LINKS.c.order_id,
        EVENTS.c.step == OrderStep.SENT,
        EVENTS.c.on <= RECEIPTS.c.received_on,
    )
    rows = db.execute(
        sa.select(LINKS.c.order_id, RECEIPTS.c.id)
        .join(RECEIPTS, RECEIPTS.c.id == LINKS.c.receipt_id)
        .join(ORDERS, ORDERS.c.id == LINKS.c.order_id)
        .join(LINES, LINES.c.id == LINKS.c.order_line_id, isouter=True)
        .where(
            sa.or_(
                ORDERS.c.site_id != RECEIPTS.c.site_id,
                LINKS.c.containers + LINKS.c.extra != RECEIPTS.c.containers,
                LINES.c.item_id != RECEIPTS.c.item_id,
                LINES.c.order_id != LINKS.c.order_id,
                ~sent,
            )
        )
        .order_by(LINKS.c.id)
    )
    for order_id, receipt_id in rows:
        yield f"Receipt {receipt_id} does not fit {orders.number(order_id)}, against which it was received."


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "orders are received, open or cancelled": _no_more_than_was_ordered,
    "receipts fit their orders": _receipts_fit_their_orders,
}
