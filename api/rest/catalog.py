"""JSON: ingredients, and the items that hold them."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import conditions, paging
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, tagged
from api.schemas import Flag, Quantity, Shape, Whole, Words, one_word
from inventory import catalog
from inventory.catalog import DoseClass, Ingredient, Item, ItemKind
from inventory.measures import Unit

blueprint = noun("catalog", "Ingredients and items")


class IngredientShape(Shape):
    """What a formulation calls for, with what a screening asks about it."""

    code = fields.String()
    name = fields.String()
    category = fields.String()
    role = fields.String()
    allergen_class = fields.String()
    contraindications = fields.String()
    regulatory_note = fields.String()
    source = fields.String()


class IngredientQuery(PageQuery):
    """Which ingredients."""

    category = Words(60)


@blueprint.get("/ingredients")
@blueprint.arguments(IngredientQuery, location="query")
@blueprint.response(200, page_of(IngredientShape))
def list_ingredients(query: dict[str, Any]) -> Any:
    """List the ingredients, by code."""
    table = Ingredient.__table__.c
    statement = sa.select(*table)
    if "category" in query:
        statement = statement.where(table.category == query["category"])
    return listed(paging.rows(g.db, statement, table.code, limit=query["limit"], after=query["after"]))


class ItemShape(Shape):
    """A container that can be bought and opened."""

    sku = fields.String()
    name = fields.String()
    maker = fields.String()
    kind = one_word(ItemKind)
    category = fields.String()
    ingredient = fields.String(allow_none=True)
    unit = one_word(Unit)
    content = Quantity(metadata={"description": "Of one container, as labelled"})
    overfill = Quantity()
    container_form = fields.String()
    dose_class = one_word(DoseClass)
    in_use_hours = fields.Integer(allow_none=True)
    sterile = fields.Boolean()
    prescription_only = fields.Boolean(
        metadata={"description": "Only levels that may inject medicines are quoted for it"}
    )
    storage = fields.String()
    shelf_life_months = fields.Integer(allow_none=True)
    pack_containers = fields.Integer()
    gtin = fields.String(allow_none=True)
    pack_gtin = fields.String(allow_none=True)
    active = fields.Boolean()
    note = fields.String()
    source = fields.String()


class ItemQuery(PageQuery):
    """Which items."""

    ingredient = Words(20)
    kind = one_word(ItemKind)
    active = Flag(in_address=True)


class ItemChange(Shape):
    """What may be changed of an item; what stock is counted in may not."""

    name = Words(200)
    maker = Words(120, shortest=0)
    category = Words(60, shortest=0)
    container_form = Words(40, shortest=0)
    in_use_hours = Whole(least=1, most=24 * 365, allow_none=True)
    sterile = Flag()
    prescription_only = Flag()
    storage = Words(40)
    shelf_life_months = Whole(least=1, most=240, allow_none=True)
    pack_containers = Whole(least=1, most=100_000)
    gtin = Words(14, shortest=8, allow_none=True)
    pack_gtin = Words(14, shortest=8, allow_none=True)
    active = Flag()
    note = Words(500, shortest=0)


class NewItem(ItemChange):
    """An item to add to the catalogue."""

    sku = Words(40, required=True)
    name = Words(200, required=True)
    kind = one_word(ItemKind, required=True)
    ingredient = Words(20, allow_none=True)
    unit = one_word(Unit, required=True)
    content = Quantity(required=True, positive=True)
    overfill = Quantity()
    dose_class = one_word(DoseClass, required=True)
    source = Words(500, shortest=0)


def items_query() -> sa.Select[Any]:
    """Items with the code of their ingredient."""
    return sa.select(*Item.__table__.c, Ingredient.code.label("ingredient")).outerjoin(
        Ingredient, Ingredient.id == Item.ingredient_id
    )


def one_item(sku: str) -> Any:
    """An item as it is shown, with its tag."""
    key = catalog.item(g.db, sku).id
    row = g.db.execute(items_query().where(Item.id == key)).one()
    return tagged(row, item_tag(row.sku, row.version))


def item_tag(sku: str, version: int) -> str:
    """The tag of an item's version."""
    return conditions.tag("item", sku, version)


@blueprint.get("/items")
@blueprint.arguments(ItemQuery, location="query")
@blueprint.response(200, page_of(ItemShape))
def list_items(query: dict[str, Any]) -> Any:
    """List the items, by SKU."""
    statement = items_query()
    if "ingredient" in query:
        statement = statement.where(Ingredient.code == query["ingredient"])
    if "kind" in query:
        statement = statement.where(Item.kind == query["kind"])
    if "active" in query:
        statement = statement.where(Item.active == query["active"])
    return listed(paging.rows(g.db, statement, Item.sku, limit=query["limit"], after=query["after"]))


@blueprint.get("/items/<code:sku>")
@blueprint.response(200, ItemShape)
def get_item(sku: str) -> Any:
    """Show one item."""
    return one_item(sku)


@blueprint.post("/items")
@blueprint.arguments(NewItem)
@blueprint.response(201, ItemShape)
def add_item(body: dict[str, Any]) -> Any:
    """Add an item to the catalogue (S1, S2)."""
    code = body.pop("ingredient", None)
    ingredient = catalog.ingredient(g.db, code) if code else None
    added = catalog.add_item(g.db, Item(ingredient_id=ingredient.id if ingredient else None, **body))
    row, headers = one_item(added.sku)
    return row, headers | made(row, f"/items/{added.sku}")[1]


@blueprint.patch("/items/<code:sku>")
@blueprint.arguments(ItemChange)
@blueprint.response(200, ItemShape)
def change_item(body: dict[str, Any], sku: str) -> Any:
    """Change an item that was read before (`If-Match`)."""
    item = catalog.item(g.db, sku)
    conditions.require_match(item_tag(item.sku, item.version))
    catalog.change_item(g.db, item, body)
    return one_item(sku)
