"""JSON: what to order, from whom, by when and why, and the days behind the advice on one item (O1, O2)."""

from typing import Any

from flask import g
from marshmallow import fields

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, site_or_first
from api.schemas import Cost, Day, Flag, Quantity, Rate, Shape, Words, may_see_costs
from inventory import catalog, foresight, reordering
from inventory.reordering import Advice
from pricing import sharing, sharing_hints

blueprint = noun("reorder-advice", "What to order, and why")


class SpareShape(Shape):
    """Sealed containers that another of your sites will not use before they expire."""

    site = fields.String()
    site_name = fields.String()
    containers = fields.Integer()
    quantity = Quantity()
    expires_on = Day()


class AdviceShape(Shape):
    """What to do about one item, and why."""

    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    order_packs = fields.Integer()
    pack_containers = fields.Integer(allow_none=True)
    pack_price = Cost(allow_none=True)
    order_quantity = Quantity()
    supplier = fields.String(allow_none=True)
    order_by = Day(allow_none=True)
    fetch = fields.List(
        fields.Nested(SpareShape),
        metadata={"description": "To fetch from other sites by transfer, before anything is ordered"},
    )
    stock_out_on = Day(allow_none=True)
    stock_out_early = Day(allow_none=True, metadata={"description": "In one of ten cases it is by this day"})
    at_risk = Quantity()
    value_at_risk = Cost(allow_none=True)
    days_of_cover = fields.Integer(allow_none=True)
    usable = Quantity()
    allocated = Quantity()
    usage_per_day = Quantity()
    lead_days = fields.Integer(
        allow_none=True, metadata={"description": "As deliveries took, at least as promised"}
    )
    safety_stock = Quantity()
    reorder_point = Quantity()
    position = Quantity(signed=True)
    on_order = Quantity()
    cost = Cost(allow_none=True)
    expected_waste = Quantity(metadata={"description": "Of what is ordered"})
    service_level = Rate(
        allow_none=True, metadata={"description": "Share of the need that is met; null: there is plenty"}
    )
    lost_chance = Rate(
        allow_none=True, metadata={"description": "That a session is lost by waiting for the next order day"}
    )
    why = fields.String()
    weighed = fields.Method(
        "told_money", metadata={"description": "The money behind it; empty for who sees no costs"}
    )

    def told_money(self, advice: Advice) -> str:
        """What was weighed in money, which is not for everybody (P5)."""
        return advice.weighed if may_see_costs() else ""


class DayShape(Shape):
    """How it may stand at the end of a day without an order: the middle, and the band of eight in ten."""

    on = Day()
    need_low = Quantity()
    need = Quantity(metadata={"description": "Needed from tomorrow up to this day"})
    need_high = Quantity()
    stock_low = Quantity()
    stock = Quantity()
    stock_high = Quantity()
    sold = Quantity(metadata={"description": "Of the need: promised to planned sessions"})


class ComingShape(Shape):
    """So much that arrives, or that expires, on a day."""

    on = Day()
    quantity = Quantity()
    words = fields.String()


class AtDemandShape(Shape):
    """What a session costs where so many a day are asked for."""

    sessions_a_day = Quantity()
    per_session = Cost(allow_none=True)


class SizeShape(Shape):
    """What a session costs of an opened container of one size, as it is used now and at other demand."""

    sku = fields.String()
    name = fields.String()
    per_session = Cost(allow_none=True)
    wasted = Rate(metadata={"description": "Share of the container that is expected to be discarded"})
    pays_from = Quantity(
        allow_none=True, metadata={"description": "Sessions a day from which it beats the smallest size"}
    )
    at_demand = fields.List(fields.Nested(AtDemandShape))
    cheapest = fields.Boolean()


class ExplainedShape(Shape):
    """The advice on one item, and the series behind its chart."""

    advice = fields.Nested(AdviceShape)
    days = fields.List(fields.Nested(DayShape))
    arrivals = fields.List(fields.Nested(ComingShape))
    expiries = fields.List(fields.Nested(ComingShape))
    sizes = fields.List(fields.Nested(SizeShape))
    hints = fields.List(fields.String())


class ItemQuery(Shape):
    """Whose advice, as of which day."""

    site = Words(20)
    on = Day()


class AdviceQuery(PageQuery):
    """Whose advice, as of which day; items that lack nothing only where asked for."""

    site = Words(20)
    on = Day()
    everything = Flag(in_address=True, load_default=False)


@blueprint.get("/reorder-advice")
@blueprint.arguments(AdviceQuery, location="query")
@blueprint.response(200, page_of(AdviceShape))
def list_advice(query: dict[str, Any]) -> Any:
    """Say what to order, from whom, by when and why (O1, O2)."""
    site = site_or_first(query.get("site"))
    on = query.get("on") or site.day(g.now)
    found = reordering.advise(g.db, site=site, on=on, everything=query["everything"], others=where.mine())
    page = paging.part(
        found, limit=query["limit"], after=query["after"], key=lambda one: (one.sku,), kinds=(str,)
    )
    return listed(page)


@blueprint.get("/reorder-advice/<code:sku>")
@blueprint.arguments(ItemQuery, location="query")
@blueprint.response(200, ExplainedShape)
def explain(query: dict[str, Any], sku: str) -> Any:
    """Explain the advice on one item: stock, need with its band, arrivals, expiries, vial sizes."""
    site, item = site_or_first(query.get("site")), catalog.item(g.db, sku)
    on = query.get("on") or site.day(g.now)
    found = foresight.explain(g.db, item, site=site, on=on, others=where.mine())
    return {
        "advice": found.advice,
        "days": found.days,
        "arrivals": found.arrivals,
        "expiries": found.expiries,
        "sizes": sharing.sizes(g.db, item, site=site, on=on),
        "hints": [hint.sentence for hint in sharing_hints.hints(g.db, site=site, on=on, item_ids=[item.id])],
    }
