"""JSON: what a session and a course cost."""

from typing import Any

from flask import g
from marshmallow import ValidationError, fields, validates_schema

from api.rest.calls import noun, site_or_first
from api.schemas import Cost, Day, Quantity, Shape, Whole, Words, one_word
from inventory import clinic
from inventory.clinic import Site
from inventory.measures import to_cents
from pricing import costing, formulations, price_list, protocols
from pricing.costing import CourseCost
from pricing.sheets import LineKind, SessionCost

blueprint = noun("costings", "Cost sheets of sessions and courses")

INTERVAL_WEEKS = 2  # T4: typical, where a formulation is costed without a protocol


class CostingRequest(Shape):
    """What to cost: a protocol's course or a formulation's sessions, by a level, from a day on."""

    protocol = Words(20)
    formulation = Words(20)
    level = Words(20, required=True)
    site = Words(20)
    on = Day()
    sessions = Whole(least=1, most=protocols.MOST_SESSIONS)
    interval_weeks = Whole(least=1, most=protocols.MOST_INTERVAL_WEEKS)
    reason = Words(500, load_default="", metadata={"description": "Why the protocol's range is left (T4)"})

    @validates_schema
    def one_recipe(self, data: dict[str, Any], **_: Any) -> None:
        """A protocol has its formulation."""
        if ("protocol" in data) == ("formulation" in data):
            raise ValidationError("Give either protocol or formulation.", "formulation")


class CostLineShape(Shape):
    """One line of a cost sheet, on three bases."""

    kind = one_word(LineKind)
    sku = fields.String(allow_none=True)
    name = fields.String()
    unit = fields.String()
    containers = Quantity()
    quantity = Quantity()
    discarded = Quantity()
    actual = Cost(allow_none=True)
    average = Cost(allow_none=True)
    replacement = Cost(allow_none=True)
    source = fields.String()


class SessionCostShape(Shape):
    """The cost sheet of one session."""

    number = fields.Integer()
    on = Day()
    lines = fields.List(fields.Nested(CostLineShape))
    actual = Cost(allow_none=True)
    average = Cost(allow_none=True)
    replacement = Cost(allow_none=True)
    short_of = fields.List(fields.String())


class ShortageShape(Shape):
    """What present stock lacks, and what to order by when (C5)."""

    sku = fields.String()
    name = fields.String()
    session = fields.Integer()
    on = Day()
    missing = Quantity()
    unit = fields.String()
    containers = fields.Integer()
    order_packs = fields.Integer(allow_none=True)
    supplier = fields.String()
    order_by = Day(allow_none=True)
    why = fields.String()


class FlagShape(Shape):
    """Something to look at before going on."""

    code = fields.String()
    message = fields.String()


class CostingShape(Shape):
    """A course costed session by session; the mean is the first stage of its price."""

    formulation = fields.String()
    formulation_version = fields.Integer()
    currency = fields.String()
    sessions = fields.List(fields.Nested(SessionCostShape))
    mean = Cost(allow_none=True)
    shortages = fields.List(fields.Nested(ShortageShape))
    flags = fields.List(fields.Nested(FlagShape))


def sheet(body: dict[str, Any], site: Site) -> CourseCost:
    """Cost what the request asks for."""
    level = price_list.level(g.db, body["level"])
    starts_on = body.get("on", site.day(g.now))
    if "formulation" in body:
        recipe, protocol = formulations.latest(g.db, body["formulation"]), None
        sessions, weeks = body.get("sessions", 1), body.get("interval_weeks", INTERVAL_WEEKS)
    else:
        protocol = protocols.protocol(g.db, body["protocol"])
        recipe = protocols.recipe(g.db, protocol)
        plan = protocols.sessions_of(
            protocol,
            sessions=body.get("sessions"),
            interval_weeks=body.get("interval_weeks"),
            reason=body["reason"],
        )
        sessions, weeks = plan.sessions, plan.interval_weeks
    dates = costing.course_dates(starts_on, sessions, weeks)
    today = site.day(g.now)
    return costing.cost_course(
        g.db, recipe, level=level, site=site, dates=dates, protocol=protocol, today=today
    )


@blueprint.post("/costings")
@blueprint.arguments(CostingRequest)
@blueprint.response(200, CostingShape)
def cost(body: dict[str, Any]) -> Any:
    """Cost a session or a course on three bases, and say what stock it lacks (C4, C5)."""
    found = sheet(body, site_or_first(body.get("site")))
    return {
        "formulation": found.recipe.code,
        "formulation_version": found.recipe.version,
        "currency": clinic.settings(g.db).currency,
        "sessions": [_session(one) for one in found.sessions],
        "mean": to_cents(found.mean),
        "shortages": found.shortages,
        "flags": found.flags,
    }


def _session(one: SessionCost) -> dict[str, Any]:
    lines = [vars(line) | {"sku": line.code if line.item_id is not None else None} for line in one.lines]
    return vars(one) | {"lines": lines}
