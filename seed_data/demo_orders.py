"""The demo clinic's last orders: one that came in part and is late, one under way, one drafted."""

from datetime import date, datetime, timedelta

from inventory import order_views, orders, purchasing
from inventory.catalog import Supplier
from inventory.order_views import OrderView
from inventory.orders import PurchaseOrder
from inventory.purchasing import Wish
from inventory.receiving import Delivery
from seed_data.demo_stockroom import MANAGER, Stockroom

LATE, COMING, DRAFTED = "SUP-05", "SUP-01", "SUP-06"
KINDS = 3  # of items on an order
YEARS_GOOD = 2


def send(room: Stockroom, supplier: str, *, at: datetime) -> None:
    """Send an order, which is expected when its slowest item usually comes."""
    drafted = draft(room, supplier, at=at)
    purchasing.send(room.db, orders.order(room.db, drafted.id), at=at, by=MANAGER)


def receive_part(room: Stockroom, *, on: date, at: datetime) -> None:
    """What the slowest order has sent so far: all of its first line, and nothing of the others."""
    first = order_views.waiting(room.db, site_id=room.site.id)[0]
    line = first.lines[0]
    came = Delivery(
        room.items[line.sku],
        f"V{on:%y%m}7",
        on + timedelta(days=365 * YEARS_GOOD),
        line.open,
        line.container_cost,
        document=f"DN-{first.number}",
    )
    subject = room.db.get_one(PurchaseOrder, first.id)
    purchasing.receive(room.db, subject, [came], received_on=on, recorded_at=at, by=MANAGER)


def draft(room: Stockroom, supplier: str, *, at: datetime) -> OrderView:
    """Draft an order of what the clinic uses of a supplier."""
    sold = [sku for sku in sorted(room.weekly) if room.offers[room.items[sku].id].supplier == supplier]
    wishes = [Wish(room.items[sku], packs) for packs, sku in enumerate(sold[:KINDS], start=1)]
    of: Supplier = room.suppliers[supplier]
    return purchasing.draft(room.db, wishes, site=room.site, supplier=of, at=at, by=MANAGER)
