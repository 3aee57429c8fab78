"""JSON: what the clinic can do: formulations and protocols, levels of practitioners, its own prices."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import conditions, paging
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, tagged
from api.schemas import Cost, Day, Money, Quantity, Rate, Shape, Words
from pricing import formulations, price_list, protocols
from pricing.formulations import Formulation, Recipe
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol

blueprint = noun("menu", "Formulations, protocols, levels and list prices")


class FormulationRowShape(Shape):
    """A formulation in a list."""

    code = fields.String()
    name = fields.String()
    concern = fields.String()
    area = fields.String()
    technique = fields.String()
    total_volume_ml = Quantity()
    active = fields.Boolean()
    source = fields.String()


class ProductShape(Shape):
    """A product of a recipe: an item, or any item of an ingredient."""

    sku = fields.String(attribute="item.sku", dump_default=None, allow_none=True)
    ingredient = fields.String(attribute="ingredient.code", dump_default=None, allow_none=True)
    name = fields.String()
    quantity = Quantity()
    unit = fields.String()


class ComponentShape(Shape):
    """What the maker declares to be inside (T6)."""

    ingredient = fields.String(attribute="ingredient.code", dump_default=None, allow_none=True)
    name = fields.String()
    declared_amount = fields.String()
    role = fields.String()


class FormulationShape(Shape):
    """The newest version of a recipe."""

    code = fields.String()
    version = fields.Integer()
    name = fields.String()
    concern = fields.String()
    area = fields.String()
    technique = fields.String()
    total_volume_ml = Quantity()
    preparation_rule = fields.String()
    active = fields.Boolean()
    products = fields.List(fields.Nested(ProductShape))
    components = fields.List(fields.Nested(ComponentShape))


@blueprint.get("/formulations")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(FormulationRowShape))
def list_formulations(query: dict[str, Any]) -> Any:
    """List the formulations, by code (T1)."""
    table = Formulation.__table__.c
    return listed(
        paging.rows(g.db, sa.select(*table), table.code, limit=query["limit"], after=query["after"])
    )


@blueprint.get("/formulations/<code:code>")
@blueprint.response(200, FormulationShape)
def get_formulation(code: str) -> Recipe:
    """Show the newest version of a formulation with its products and components."""
    return formulations.latest(g.db, code)


class ProtocolShape(Shape):
    """How a course of a formulation runs (T4)."""

    code = fields.String()
    concern = fields.String()
    area = fields.String()
    technique = fields.String()
    formulation = fields.String()
    sessions_min = fields.Integer()
    sessions_typical = fields.Integer()
    sessions_max = fields.Integer()
    interval_weeks_min = fields.Integer()
    interval_weeks_typical = fields.Integer()
    interval_weeks_max = fields.Integer()
    session_minutes_typical = fields.Integer()
    volume_ml_typical = Quantity()
    maintenance_months_typical = fields.Integer()
    source = fields.String()


def protocols_query() -> sa.Select[Any]:
    """Protocols with the code of their formulation."""
    return sa.select(*Protocol.__table__.c, Formulation.code.label("formulation")).join(
        Formulation, Formulation.id == Protocol.formulation_id
    )


@blueprint.get("/protocols")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(ProtocolShape))
def list_protocols(query: dict[str, Any]) -> Any:
    """List the protocols, by code."""
    return listed(
        paging.rows(g.db, protocols_query(), Protocol.code, limit=query["limit"], after=query["after"])
    )


@blueprint.get("/protocols/<code:code>")
@blueprint.response(200, ProtocolShape)
def get_protocol(code: str) -> Any:
    """Show one protocol."""
    key = protocols.protocol(g.db, code).id
    return g.db.execute(protocols_query().where(Protocol.id == key)).one()


class LevelShape(Shape):
    """How experienced who treats is."""

    code = fields.String()
    name = fields.String()
    multiplier = Rate()
    labour_rate = Cost(allow_none=True)
    can_prescribe = fields.String()
    may_inject_rx = fields.String()
    needs_supervision = fields.String()
    commission_rate = Rate()
    source = fields.String()


class LevelChange(Shape):
    """What may be changed of a level."""

    name = Words(120)
    multiplier = Rate(positive=True)
    labour_rate = Money()


@blueprint.get("/levels")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(LevelShape))
def list_levels(query: dict[str, Any]) -> Any:
    """List the levels of practitioners, by code."""
    table = PractitionerLevel.__table__.c
    return listed(
        paging.rows(g.db, sa.select(*table), table.code, limit=query["limit"], after=query["after"])
    )


@blueprint.get("/levels/<code:code>")
@blueprint.response(200, LevelShape)
def get_level(code: str) -> Any:
    """Show one level."""
    level = price_list.level(g.db, code)
    return tagged(level, conditions.tag("level", code, level.version))


@blueprint.patch("/levels/<code:code>")
@blueprint.arguments(LevelChange)
@blueprint.response(200, LevelShape)
def change_level(body: dict[str, Any], code: str) -> Any:
    """Change a level that was read before (`If-Match`); quotes that were drafted keep what they promise."""
    level = price_list.level(g.db, code)
    conditions.require_match(conditions.tag("level", code, level.version))
    for name, value in body.items():
        setattr(level, name, value)
    g.db.flush()
    return tagged(level, conditions.tag("level", code, level.version))


class NewListPrice(Shape):
    """The clinic's own price of a session from a day on; null ends it."""

    protocol = Words(20, required=True)
    level = Words(20, required=True)
    price = Money(required=True, allow_none=True, positive=True)
    valid_from = Day(required=True)


class ListPriceShape(Shape):
    """The clinic's own price of a session."""

    id = fields.Integer()
    protocol = fields.String()
    level = fields.String()
    price = Money(allow_none=True)
    valid_from = Day()


@blueprint.post("/list-prices")
@blueprint.arguments(NewListPrice)
@blueprint.response(201, ListPriceShape)
def set_list_price(body: dict[str, Any]) -> Any:
    """Set the clinic's own price of a session, stage 4 of every later quote."""
    protocol = protocols.protocol(g.db, body["protocol"])
    level = price_list.level(g.db, body["level"])
    row = price_list.set_list_price(
        g.db, protocol, level, body["price"], valid_from=body["valid_from"], at=g.now, by=g.caller.name
    )
    return body | {"id": row.id}
