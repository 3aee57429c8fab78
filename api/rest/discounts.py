"""JSON: the clinic's course discounts and promotions (stage 7)."""

from typing import Any

from flask import g
from marshmallow import fields

from api.rest.calls import made, noun, site_or_first
from api.schemas import Day, Flag, Moment, Rate, Shape, Whole, Words
from inventory.measures import ZERO
from pricing import discounts, protocols
from pricing.discounts import DiscountRule
from pricing.protocols import MOST_SESSIONS, Protocol

blueprint = noun("discounts", "Course discounts and promotions")


class NewDiscount(Shape):
    """A rate, or some of every so many sessions for nothing: buy 5, get 1 is 1 free from 6 sessions."""

    code = Words(20, required=True)
    name = Words(120, required=True)
    promotion = Flag(load_default=False, metadata={"description": "Given only to who names its code"})
    protocol = Words(20, load_default=None, allow_none=True)
    from_sessions = Whole(least=1, most=MOST_SESSIONS, required=True)
    rate = Rate(load_default=ZERO)
    free_sessions = Whole(least=0, most=MOST_SESSIONS, load_default=0)
    valid_from = Day(required=True)
    valid_to = Day(load_default=None, allow_none=True)
    source = Words(500, required=True, metadata={"description": "Who decided it, or where it stands"})


class DiscountShape(Shape):
    """A course discount or a promotion."""

    code = fields.String()
    name = fields.String()
    promotion = fields.Boolean()
    protocol = fields.String(allow_none=True)
    from_sessions = fields.Integer()
    rate = Rate()
    free_sessions = fields.Integer()
    valid_from = Day()
    valid_to = Day(allow_none=True)
    source = fields.String()
    at = Moment()
    by = fields.String()
    ended_at = Moment(allow_none=True)
    ended_by = fields.String(allow_none=True)


class DiscountList(Shape):
    """Every discount and promotion, ended ones too."""

    items = fields.List(fields.Nested(DiscountShape))
    next = fields.String(allow_none=True)


@blueprint.get("/discounts")
@blueprint.response(200, DiscountList)
def list_discounts() -> Any:
    """List the clinic's discounts and promotions, those that are given last first."""
    return {"items": [shown(one) for one in discounts.rules(g.db)], "next": None}


@blueprint.post("/discounts")
@blueprint.arguments(NewDiscount)
@blueprint.response(201, DiscountShape)
def add_discount(body: dict[str, Any]) -> Any:
    """Add a course discount or a promotion; quotes that were drafted keep what they promise."""
    protocol = body.pop("protocol")
    key = None if protocol is None else protocols.protocol(g.db, protocol).id
    new = DiscountRule(**body, protocol_id=key, at=g.now, by=g.caller.name)
    return made(shown(discounts.add(g.db, new)), f"/discounts/{new.code}")


@blueprint.get("/discounts/<code:code>")
@blueprint.response(200, DiscountShape)
def get_discount(code: str) -> Any:
    """Show a discount or a promotion."""
    return shown(discounts.rule(g.db, code))


@blueprint.post("/discounts/<code:code>/end")
@blueprint.response(200, DiscountShape)
def end_discount(code: str) -> Any:
    """Give a discount today for the last time."""
    on = site_or_first(None).day(g.now)
    return shown(discounts.end(g.db, discounts.rule(g.db, code), on=on, at=g.now, by=g.caller.name))


def shown(one: DiscountRule) -> dict[str, Any]:
    """A discount with the code of its protocol."""
    names = DiscountShape().fields.keys() - {"protocol"}
    protocol = None if one.protocol_id is None else g.db.get_one(Protocol, one.protocol_id).code
    return {name: getattr(one, name) for name in names} | {"protocol": protocol}
