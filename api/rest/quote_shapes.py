"""How a quote is shown: to who keeps the books with its costs, to everybody else without them (P5)."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api.schemas import Cost, Day, Moment, Money, Quantity, Rate, Shape, may_see_costs, one_word
from inventory.clinic import Site
from pricing import quote_life, quote_records
from pricing.courses import Course
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.quote_life import LostReason
from pricing.quote_records import Quote, QuoteStatus

FROM_THE_MARKET = ("band", "discount", "tax")
"""Stages whose amounts are prices; the earlier ones are the cost and what follows from it."""

WITHOUT_COST = {
    "shortage": "Present stock cannot supply the whole course; ask the stockroom.",
    "discount_trimmed": "The discount was trimmed to the least price.",
}
"""Warnings whose sentences tell costs, as they are said to who does not see costs."""


class BandShape(Shape):
    """The price band that the price lies in."""

    low = Money()
    high = Money()
    source = fields.String()


class StageShape(Shape):
    """One of the eight stages of the price, explaining itself."""

    name = fields.String()
    amount = Money(allow_none=True)
    note = fields.String(allow_none=True)


class OfferedSessionShape(Shape):
    """A session as offered; `treatment` is the place of its treatment on the quote."""

    treatment = fields.Integer()
    number = fields.Integer()
    on = Day()
    price = Money()
    actual = Cost(allow_none=True)
    average = Cost(allow_none=True)
    replacement = Cost(allow_none=True)
    short_of = fields.List(fields.String())


class WarningShape(Shape):
    """Something to look at; what blocks stops the issue."""

    code = fields.String()
    message = fields.String()
    blocks = fields.Boolean()


class ScreenedShape(Shape):
    """What the patient answered."""

    allergies = fields.List(fields.String())
    pregnant = fields.Boolean()
    autoimmune = fields.Boolean()
    skin_infection = fields.Boolean()
    nsaids = fields.Boolean()


class EventShape(Shape):
    """A step in a quote's life."""

    status = one_word(QuoteStatus)
    at = Moment()
    by = fields.String()
    reason = fields.String()
    lost = one_word(LostReason, allow_none=True)


class OverrideShape(Shape):
    """What blocked the issue and was let pass: what, by whom, why, when (T6)."""

    code = fields.String()
    about = fields.String()
    message = fields.String()
    reason = fields.String()
    by = fields.String()
    at = Moment()


class TaxShape(Shape):
    """The tax that the price was reckoned with."""

    name = fields.String()
    rate = Rate()
    inclusive = fields.Boolean()


class QuoteRowShape(Shape):
    """A quote in a list."""

    id = fields.Integer()
    number = fields.String(allow_none=True)
    version = fields.Integer()
    status = one_word(QuoteStatus)
    patient_ref = fields.String()
    starts_on = Day()
    sessions = fields.Integer()
    currency = fields.String()
    total = Money()
    valid_until = Day()
    created_at = Moment()
    created_by = fields.String()


class TreatmentShape(Shape):
    """One treatment of a quote; the first one is also the quote's own fields."""

    id = fields.Integer()
    protocol = fields.String()
    level = fields.String()
    starts_on = Day()
    interval_weeks = fields.Integer()
    plan_reason = fields.String()
    band = fields.Nested(BandShape)
    stages = fields.List(fields.Nested(StageShape))
    cost = Cost(allow_none=True)
    floor = Cost(allow_none=True)
    discount_rate = Rate()
    discount_rule = fields.String()
    discount_name = fields.String()
    subtotal = Money()
    discount = Money()
    tax = Money()
    total = Money()
    deposit = Money()
    tax_rule = fields.Nested(TaxShape)
    course = fields.Integer(allow_none=True)


class QuoteShape(Shape):
    """A quote: all that it promises, and where it stands."""

    id = fields.Integer()
    number = fields.String(allow_none=True)
    version = fields.Integer()
    status = one_word(QuoteStatus)
    site = fields.String()
    protocol = fields.String()
    level = fields.String()
    patient_ref = fields.String()
    starts_on = Day()
    interval_weeks = fields.Integer()
    plan_reason = fields.String()
    region = fields.String()
    currency = fields.String()
    band = fields.Nested(BandShape)
    stages = fields.List(fields.Nested(StageShape))
    sessions = fields.List(fields.Nested(OfferedSessionShape))
    cost = Cost(allow_none=True)
    floor = Cost(allow_none=True)
    discount_rate = Rate()
    discount_rule = fields.String()
    discount_name = fields.String()
    deposit = Money()
    subtotal = Money()
    discount = Money()
    tax = Money()
    total = Money()
    tax_rule = fields.Nested(TaxShape)
    treatments = fields.List(fields.Nested(TreatmentShape))
    price_override = fields.String()
    issued_on = Day(allow_none=True)
    valid_until = Day()
    screening = fields.Nested(ScreenedShape)
    warnings = fields.List(fields.Nested(WarningShape))
    overrides = fields.List(fields.Nested(OverrideShape))
    events = fields.List(fields.Nested(EventShape))
    course = fields.Integer(allow_none=True)
    created_at = Moment()
    created_by = fields.String()


class DriftShape(Shape):
    """What the course cost when it was quoted, and what it would cost now."""

    then = Cost(allow_none=True)
    now = Cost(allow_none=True)
    difference = Cost(allow_none=True, signed=True)


class RangeShape(Shape):
    """An estimate: its mean, and what 10 and 90 of 100 paths stay below."""

    mean = Cost(allow_none=True)
    low = Cost(allow_none=True)
    high = Cost(allow_none=True)


class ForetoldShape(Shape):
    """One session: its chance to take place after the one before, and what it then costs."""

    number = fields.Integer()
    on = fields.Date()
    chance = Rate(attribute="chance.rate")
    cost = fields.Nested(RangeShape)


class MarginShape(Shape):
    """What the price leaves."""

    rate = Rate(signed=True)
    rate_if_dear = Rate(signed=True)
    break_even = Cost(allow_none=True)


class DiscountAdviceShape(Shape):
    """How far a course discount pays."""

    kept = Rate()
    needed_sessions = Quantity(allow_none=True)
    expected_sessions = Quantity()


class ProspectShape(Shape):
    """How sure the cost of a quote's sessions to come is, and what the price leaves."""

    sessions = fields.List(fields.Nested(ForetoldShape), attribute="certainty.sessions")
    whole = fields.Nested(RangeShape, attribute="certainty.whole")
    total = fields.Nested(RangeShape, attribute="certainty.total")
    expected_sessions = Quantity(attribute="certainty.expected_sessions")
    replacement = Cost(attribute="certainty.replacement", allow_none=True)
    first_short = fields.Integer(attribute="certainty.first_short", allow_none=True)
    net = Cost(allow_none=True)
    drift = Cost(allow_none=True, signed=True)
    margin = fields.Nested(MarginShape, allow_none=True)
    discount_rate = Rate()
    discount = fields.Nested(DiscountAdviceShape)


def shown(quote: Quote, site: Site) -> dict[str, Any]:
    """A quote as whoever asks may see it, with all its treatments."""
    quote = quote_records.leading(g.db, quote)
    state = quote_records.state(g.db, quote)
    treatments = quote_records.treatments_of(g.db, quote)
    named = "version patient_ref region currency price_override created_at created_by"
    listed = [_treatment(one) for one in treatments]
    return (
        listed[0]
        | {name: getattr(quote, name) for name in named.split()}
        | vars(quote_records.totals(treatments))
        | {
            "number": state.number,
            "status": quote_life.status_on(state, site.day(g.now)),
            "site": site.code,
            "sessions": _sessions(treatments),
            "treatments": listed,
            "issued_on": state.issued_on,
            "valid_until": state.valid_until,
            "screening": quote.answers,
            "warnings": _warnings(treatments),
            "overrides": quote_records.overrides_of(g.db, quote),
            "events": quote_life.events(g.db, quote),
        }
    )


def _treatment(quote: Quote) -> dict[str, Any]:
    named = (
        "id starts_on interval_weeks plan_reason cost floor discount_rate discount_rule discount_name "
        "subtotal discount tax total deposit"
    )
    return {name: getattr(quote, name) for name in named.split()} | {
        "protocol": g.db.get_one(Protocol, quote.protocol_id).code,
        "level": g.db.get_one(PractitionerLevel, quote.level_id).code,
        "band": {"low": quote.band_low, "high": quote.band_high, "source": quote.band_source},
        "stages": _stages(quote),
        "tax_rule": {"name": quote.tax_name, "rate": quote.tax_rate, "inclusive": quote.tax_inclusive},
        "course": g.db.scalar(sa.select(Course.id).where(Course.quote_id == quote.id)),
    }


def _sessions(treatments: Sequence[Quote]) -> list[dict[str, Any]]:
    named = ("number", "on", "price", "actual", "average", "replacement", "short_of")
    return [
        {"treatment": place} | {name: getattr(one, name) for name in named}
        for place, quote in enumerate(treatments, start=1)
        for one in quote_records.sessions_of(g.db, quote)
    ]


def _stages(quote: Quote) -> list[dict[str, Any]]:
    # The notes reckon with the cost and the floor, so they go where the costs may be seen.
    sees = may_see_costs()
    return [
        {
            "name": stage.name,
            "amount": stage.amount if sees or stage.name in FROM_THE_MARKET else None,
            "note": stage.note if sees else None,
        }
        for stage in quote_records.stages_of(g.db, quote)
    ]


def _warnings(treatments: Sequence[Quote]) -> list[dict[str, Any]]:
    """The warnings of all treatments, each once."""
    every = quote_records.warnings_of(treatments)
    if may_see_costs():
        return every
    said = {warning["code"]: warning for warning in every if warning["code"] in WITHOUT_COST}
    return [warning for warning in every if warning["code"] not in said] + [
        warning | {"message": WITHOUT_COST[code]} for code, warning in said.items()
    ]
