"""JSON: stock comes from a supplier."""

from typing import Any

from flask import g
from marshmallow import fields

from api import where
from api.rest.calls import made, noun, site_or_first
from api.rest.previews import DryRun, PreviewShape, foretold
from api.schemas import ContainerCost, Cost, Day, Money, Quantity, Shape, UnitCost, Whole, Words, one_word
from inventory import catalog, lots, receiving
from inventory.catalog import Item
from inventory.charges import Charges
from inventory.ledger import Document
from inventory.lots import LotState
from inventory.measures import ZERO
from inventory.places import LONGEST_CODE
from inventory.receiving import Delivery, Receipt, Received

blueprint = noun("receipts", "Receiving stock")


class NewReceipt(Shape):
    """One line of a delivery: so many containers of one lot. `unit_cost` is of one container."""

    sku = Words(40, required=True)
    lot_number = Words(20, required=True)
    expires_on = Day(required=True)
    containers = Whole(least=1, most=receiving.MOST_CONTAINERS, required=True)
    unit_cost = UnitCost(required=True)
    supplier = Words(20, allow_none=True)
    document = Words(80, shortest=0, load_default="")
    produced_on = Day(allow_none=True, load_default=None)
    place = Words(LONGEST_CODE, shortest=0, load_default="")
    reason = Words(500, shortest=0, load_default="")
    received_on = Day()
    site = Words(20)
    freight = Money(load_default=ZERO)
    duty = Money(load_default=ZERO)
    discount = Money(load_default=ZERO)


class ReceivedLotShape(Shape):
    """The lot that was received."""

    id = fields.Integer()
    sku = fields.String()
    number = fields.String()
    expires_on = Day()
    state = one_word(LotState)


class ReceiptShape(Shape):
    """What came, and what should be looked at."""

    id = fields.Integer()
    lot = fields.Nested(ReceivedLotShape)
    received_on = Day()
    containers = fields.Integer()
    quantity = Quantity()
    unit_cost = ContainerCost(allow_none=True)
    charges = Cost(allow_none=True, signed=True, metadata={"description": "Its share of the charges"})
    value = Cost(allow_none=True, metadata={"description": "Landed: containers × unit_cost + charges"})
    warnings = fields.List(fields.String())


def shown(receipt: Receipt, warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    """A receipt with its lot."""
    lot = lots.lot(g.db, receipt.lot_id)
    sku = g.db.get_one(Item, receipt.item_id).sku
    named = ("id", "received_on", "containers", "quantity", "unit_cost", "charges", "value")
    return {name: getattr(receipt, name) for name in named} | {
        "lot": {
            "id": lot.id,
            "sku": sku,
            "number": lot.number,
            "expires_on": lot.expires_on,
            "state": lot.state,
        },
        "warnings": warnings,
    }


@blueprint.post("/receipts")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(NewReceipt)
@blueprint.alt_response(200, schema=PreviewShape)
@blueprint.response(201, ReceiptShape)
def receive(query: dict[str, Any], body: dict[str, Any]) -> Any:
    """Receive containers of one lot (S9, C3): an expired one goes to quarantine, with a warning; what is
    short-dated is warned of too, and taken with or without a `reason`."""
    site = site_or_first(body.get("site"))
    supplier = body.get("supplier")
    delivery = Delivery(
        item=catalog.item(g.db, body["sku"]),
        lot_number=body["lot_number"],
        expires_on=body["expires_on"],
        containers=body["containers"],
        unit_cost=body["unit_cost"],
        supplier=catalog.supplier(g.db, supplier) if supplier else None,
        document=body["document"],
        produced_on=body["produced_on"],
        place=body["place"],
        reason=body["reason"],
    )
    on = body.get("received_on", site.day(g.now))
    charges = Charges(body["freight"], body["duty"], body["discount"])

    def act() -> Received:
        return receiving.receive(
            g.db, delivery, site=site, received_on=on, recorded_at=g.now, by=g.caller.name, charges=charges
        )

    if query["dry_run"]:
        return foretold(act)
    received = act()
    return made(shown(received.receipt, received.warnings), f"/receipts/{received.receipt.id}")


@blueprint.get("/receipts/<id:receipt_id>")
@blueprint.response(200, ReceiptShape)
def get_receipt(receipt_id: int) -> Any:
    """Show one receipt."""
    receipt = receiving.receipt(g.db, receipt_id)
    where.of(g.db.get_one(Document, receipt.document_id).site_id)
    return shown(receipt)
