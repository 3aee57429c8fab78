"""JSON: the suppliers, and what they ask for a pack."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import conditions, paging
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, tagged
from api.schemas import Cost, Day, Flag, Money, Shape, Whole, Words, may_see_costs
from inventory import catalog, suppliers
from inventory.catalog import Item, Offer, Supplier

blueprint = noun("suppliers", "Suppliers and their offers")


class SupplierShape(Shape):
    """Who sells to the clinic, and on what terms."""

    code = fields.String()
    name = fields.String()
    kind = fields.String()
    country = fields.String()
    currency = fields.String()
    payment_days = fields.Integer()
    lead_days = fields.Integer()
    minimum_order = Cost(allow_none=True)
    shipping = Cost(allow_none=True)
    free_shipping_from = Cost(allow_none=True)
    order_days = fields.String(metadata={"description": "On which it takes orders: `mon thu`; empty: any"})
    cold_days = fields.String(metadata={"description": "On which it takes orders for cold goods"})
    cold_chain = fields.Boolean()
    returns_rule = fields.String()
    source = fields.String()


class SupplierChange(Shape):
    """What may be changed of a supplier."""

    name = Words(120)
    kind = Words(60, shortest=0)
    country = Words(2, shortest=2)
    currency = Words(3, shortest=3)
    payment_days = Whole(most=366)
    lead_days = Whole(most=366)
    minimum_order = Money()
    shipping = Money()
    free_shipping_from = Money(allow_none=True)
    order_days = Words(60, shortest=0)
    cold_days = Words(60, shortest=0)
    cold_chain = Flag()
    returns_rule = Words(200, shortest=0)


class NewSupplier(SupplierChange):
    """A supplier to add."""

    code = Words(20, required=True)
    name = Words(120, required=True)


@blueprint.get("/suppliers")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(SupplierShape))
def list_suppliers(query: dict[str, Any]) -> Any:
    """List the suppliers, by code."""
    table = Supplier.__table__.c
    return listed(
        paging.rows(g.db, sa.select(*table), table.code, limit=query["limit"], after=query["after"])
    )


@blueprint.get("/suppliers/<code:code>")
@blueprint.response(200, SupplierShape)
def get_supplier(code: str) -> Any:
    """Show one supplier."""
    supplier = catalog.supplier(g.db, code)
    return tagged(supplier, conditions.tag("supplier", code, supplier.version))


@blueprint.post("/suppliers")
@blueprint.arguments(NewSupplier)
@blueprint.response(201, SupplierShape)
def add_supplier(body: dict[str, Any]) -> Any:
    """Add a supplier."""
    supplier = catalog.add_supplier(g.db, Supplier(**body))
    answer, headers = tagged(supplier, conditions.tag("supplier", supplier.code, supplier.version))
    return answer, headers | made(answer, f"/suppliers/{supplier.code}")[1]


@blueprint.patch("/suppliers/<code:code>")
@blueprint.arguments(SupplierChange)
@blueprint.response(200, SupplierShape)
def change_supplier(body: dict[str, Any], code: str) -> Any:
    """Change a supplier that was read before (`If-Match`)."""
    supplier = catalog.supplier(g.db, code)
    conditions.require_match(conditions.tag("supplier", code, supplier.version))
    suppliers.change_supplier(g.db, supplier, body)
    return tagged(supplier, conditions.tag("supplier", code, supplier.version))


class OfferShape(Shape):
    """A supplier's price for packs of an item from a date on."""

    id = fields.Integer()
    sku = fields.String()
    supplier = fields.String()
    pack_containers = fields.Integer()
    pack_price = Cost(allow_none=True)
    price_breaks = fields.Method("told_breaks", metadata={"description": "`5: 95.00, 10: 90.00`, by packs"})
    list_price = Cost(allow_none=True, metadata={"description": "In the supplier's own currency"})
    list_currency = fields.String()
    minimum_packs = fields.Integer()
    lead_days = fields.Integer()
    valid_from = Day()
    preferred = fields.Boolean()
    source = fields.String()

    def told_breaks(self, offer: Any) -> str | None:
        """Price breaks as people write them; costs are not for everybody (P5)."""
        return suppliers.said_breaks(offer.price_breaks) if may_see_costs() else None


class OfferQuery(PageQuery):
    """Which offers."""

    sku = Words(40)
    supplier = Words(20)


class NewOffer(Shape):
    """A price to add; it takes the place of older ones from its date on."""

    sku = Words(40, required=True)
    supplier = Words(20, required=True)
    pack_containers = Whole(least=1, most=100_000, required=True)
    pack_price = Money(required=True)
    price_breaks = Words(300, shortest=0, load_default="")
    list_price = Money(allow_none=True, load_default=None)
    list_currency = Words(3, shortest=0, load_default="")
    minimum_packs = Whole(least=1, most=100_000, load_default=1)
    lead_days = Whole(most=366)
    valid_from = Day(required=True)
    preferred = Flag(load_default=True)
    source = Words(500, shortest=0, load_default="")


def offers_query() -> sa.Select[Any]:
    """Offers with the SKU and the supplier's code."""
    return (
        sa.select(*Offer.__table__.c, Item.sku, Supplier.code.label("supplier"))
        .join(Item, Item.id == Offer.item_id)
        .join(Supplier, Supplier.id == Offer.supplier_id)
    )


@blueprint.get("/offers")
@blueprint.arguments(OfferQuery, location="query")
@blueprint.response(200, page_of(OfferShape))
def list_offers(query: dict[str, Any]) -> Any:
    """List the offers of suppliers, the earliest recorded first."""
    statement = offers_query()
    if "sku" in query:
        statement = statement.where(Item.sku == query["sku"])
    if "supplier" in query:
        statement = statement.where(Supplier.code == query["supplier"])
    return listed(paging.rows(g.db, statement, Offer.id, limit=query["limit"], after=query["after"]))


@blueprint.post("/offers")
@blueprint.arguments(NewOffer)
@blueprint.response(201, OfferShape)
def add_offer(body: dict[str, Any]) -> Any:
    """Add a supplier's price for an item, in force from a date on (C4)."""
    item = catalog.item(g.db, body.pop("sku"))
    supplier = catalog.supplier(g.db, body.pop("supplier"))
    body.setdefault("lead_days", supplier.lead_days)
    offer = suppliers.add_offer(g.db, Offer(item_id=item.id, supplier_id=supplier.id, **body))
    return g.db.execute(offers_query().where(Offer.id == offer.id)).one()
