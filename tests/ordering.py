"""A clinic that orders: a supplier with its offers, wishes, drafts, orders that were sent, deliveries."""

from datetime import date
from decimal import Decimal
from typing import Any

from inventory import catalog, orders, purchasing
from inventory.catalog import Offer, Supplier
from inventory.order_views import OrderView
from inventory.purchasing import Wish
from inventory.receiving import Delivery
from tests.shelf import BY, NOW, TODAY, Clinic


class Shop(Clinic):
    """A clinic with a supplier that sells HA by the box of 10 and needles by the box of 100."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.add_items("HA 3 mL single_dose\nLIDO 20 mL multi_dose 28 d\nNEEDLE 1 each none consumable")
        self.supplier = catalog.add_supplier(self.db, Supplier(code="SUP", name="Northfield", lead_days=9))
        for sku, pack, price, lead in (("HA", 10, "165.00", 7), ("NEEDLE", 100, "8.40", 3)):
            self.db.add(
                Offer(
                    item_id=self.item(sku).id, supplier_id=self.supplier.id, pack_containers=pack,
                    pack_price=Decimal(price), lead_days=lead, valid_from=date(2025, 1, 1),
                )
            )  # fmt: skip
        self.db.flush()

    def wish(self, sku: str, packs: int, **more: Any) -> Wish:
        return Wish(self.item(sku), packs, **more)

    def draft(self, *wishes: Wish) -> OrderView:
        return purchasing.draft(
            self.db, wishes, site=self.site, supplier=self.supplier, at=NOW, by=BY, note="by courier"
        )

    def of(self, order: OrderView) -> orders.PurchaseOrder:
        return orders.order(self.db, order.id)

    def sent(self, *wishes: Wish, **more: Any) -> OrderView:
        return purchasing.send(self.db, self.of(self.draft(*wishes)), at=NOW, by=BY, **more)

    def box(self, sku: str, containers: int, lot: str = "A17", reason: str = "") -> Delivery:
        return Delivery(
            self.item(sku),
            lot,
            date(2027, 6, 30),
            containers,
            Decimal("16.50"),
            document="DN-1",
            reason=reason,
        )

    def came(self, order: OrderView, *boxes: Delivery, on: date = TODAY) -> purchasing.Arrived:
        return purchasing.receive(self.db, self.of(order), boxes, received_on=on, recorded_at=NOW, by=BY)
