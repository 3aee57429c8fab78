"""JSON: quotes, from a draft to what became of it; who does not see costs sees prices alone (P4, P5)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Response, g
from marshmallow import fields

from api import auth, paging, quote_document, where
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, site_or_first
from api.rest.quote_shapes import DriftShape, ProspectShape, QuoteRowShape, QuoteShape, shown
from api.schemas import Day, Flag, Many, Rate, Shape, Whole, Words, one_word
from inventory import clinic
from inventory.clinic import Site
from pricing import drifting, prospects, protocols, quote_life, quote_records, quotes
from pricing.quote_life import LostReason
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from pricing.quotes import Request, Treatment
from pricing.screening import Screening

PDF = "application/pdf"
blueprint = noun("quotes", "Quotes and what became of them")


class ScreeningShape(Shape):
    """What the patient answered (T6)."""

    allergies = Many(Words(120), most=50, load_default=list)
    pregnant = Flag(load_default=False)
    autoimmune = Flag(load_default=False)
    skin_infection = Flag(load_default=False)
    nsaids = Flag(load_default=False)


class TreatmentChange(Shape):
    """What may be asked of one treatment."""

    protocol = Words(20)
    level = Words(20)
    sessions = Whole(least=1, most=protocols.MOST_SESSIONS)
    starts_on = Day()
    interval_weeks = Whole(least=1, most=protocols.MOST_INTERVAL_WEEKS)
    plan_reason = Words(500, metadata={"description": "Why the protocol's range is left (T4)"})
    discount_rate = Rate(metadata={"description": "None: what the clinic's rules give"})
    promotion = Words(20, metadata={"description": "The code of a promotion, in place of a discount"})


class AnotherTreatment(TreatmentChange):
    """A treatment beside the first; its level and first day are the first one's unless told."""

    protocol = Words(20, required=True)


class QuoteChange(TreatmentChange):
    """What a revision may ask otherwise."""

    patient_ref = Words(40)
    screening = fields.Nested(ScreeningShape)
    treatments = Many(
        fields.Nested(AnotherTreatment),
        most=quotes.MOST_TREATMENTS - 1,
        metadata={"description": "Treatments beside the first, on the same quote"},
    )
    region = Words(40)
    price_override = Words(500, metadata={"description": "A manager's reason to price above the band (P1)"})


class NewQuote(QuoteChange):
    """What the front desk asks a price for."""

    protocol = Words(20, required=True)
    level = Words(20, required=True)
    starts_on = Day(required=True)
    patient_ref = Words(40, required=True)
    screening = fields.Nested(ScreeningShape, required=True)
    site = Words(20)


class Step(Shape):
    """Why a quote takes this step, where a reason is needed."""

    reason = Words(500, shortest=0, load_default="")


class Override(Shape):
    """Why one allergy does not stand in the way."""

    allergy = Words(120, required=True)
    reason = Words(500, required=True)


class IssueStep(Step):
    """A practitioner's reasons to issue in spite of what blocks it: one for all, or by allergy (T6)."""

    overrides = Many(fields.Nested(Override), most=50, load_default=list)


class LostStep(Step):
    """Why a quote came to nothing, in a word that is counted and in the patient's own."""

    lost = one_word(LostReason)


class QuoteQuery(PageQuery):
    """Which quotes."""

    status = one_word(QuoteStatus)
    patient_ref = Words(40)
    number = Words(20)


class VersionList(Shape):
    """The versions of a quote."""

    items = fields.List(fields.Nested(QuoteShape))
    next = fields.String(allow_none=True)


def asked(body: dict[str, Any]) -> dict[str, Any]:
    """A body's fields as those of a request. Raises NotAllowed for an override by who may not override."""
    if "price_override" in body:
        auth.require(g.caller, auth.STOCKROOM, "A price above the band")
    if "screening" in body:
        answers = body["screening"]
        body["screening"] = Screening(**answers | {"allergies": tuple(answers["allergies"])})
    body["most_discount"] = desk_bound()
    return body


def desk_bound() -> Decimal | None:
    """The discount that who asks may give beyond the clinic's rules; none: any."""
    return None if g.caller.role in auth.STOCKROOM else clinic.settings(g.db).desk_discount_rate


def with_more(request: Request, treatments: list[dict[str, Any]]) -> Request:
    """The request with the treatments beside the first."""
    usual = {"level": request.level, "starts_on": request.starts_on}
    return replace(request, more=tuple(Treatment(**usual | one) for one in treatments))


def quote_and_site(key: int) -> tuple[Quote, Site]:
    """A quote and the site that it is of. Raises UnknownQuote, UnknownSite."""
    quote = quote_records.quote(g.db, key)
    return quote, where.of(quote.site_id)


@blueprint.post("/quotes")
@blueprint.arguments(NewQuote)
@blueprint.response(201, QuoteShape)
def draft(body: dict[str, Any]) -> Any:
    """Draft a quote: cost, price and screen a course, and keep all that it promises (section 4, T6)."""
    site = site_or_first(body.pop("site", None))
    more = body.pop("treatments", [])
    request = with_more(Request(**asked(body)), more)
    quote = quotes.draft(g.db, request, site=site, at=g.now, by=g.caller.name)
    return made(shown(quote, site), f"/quotes/{quote.id}")


@blueprint.get("/quotes")
@blueprint.arguments(QuoteQuery, location="query")
@blueprint.response(200, page_of(QuoteRowShape))
def list_quotes(query: dict[str, Any]) -> Any:
    """List the quotes, the newest first; `status` is as it was last recorded."""
    quote, state = Quote.__table__.c, QuoteState.__table__.c
    statement = sa.select(
        quote.id, quote.version, quote.patient_ref, quote.starts_on, quote.sessions, quote.currency,
        quote.total, quote.created_at, quote.created_by, state.number, state.status, state.valid_until,
    ).join(QuoteState.__table__, state.quote_id == quote.id)  # fmt: skip
    statement = where.narrowed(statement, quote.site_id)
    for name, column in (
        ("status", state.status),
        ("patient_ref", quote.patient_ref),
        ("number", state.number),
    ):
        if name in query:
            statement = statement.where(column == query[name])
    page = paging.rows(g.db, statement, quote.id, limit=query["limit"], after=query["after"], descending=True)
    return listed(page)


@blueprint.get("/quotes/<id:quote_id>")
@blueprint.response(200, QuoteShape)
def get_quote(quote_id: int) -> Any:
    """Show a quote and where it stands today."""
    return shown(*quote_and_site(quote_id))


@blueprint.get("/quotes/<id:quote_id>/versions")
@blueprint.response(200, VersionList)
def list_versions(quote_id: int) -> Any:
    """Show every version of a quote, the first one first, as each was written (P4)."""
    quote, site = quote_and_site(quote_id)
    return {"items": [shown(one, site) for one in quote_records.versions_of(g.db, quote)], "next": None}


class PdfQuery(Shape):
    """In which language the patient reads."""

    language = Words(2)


@blueprint.get("/quotes/<id:quote_id>.pdf")
@blueprint.arguments(PdfQuery, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": PDF}, content_type=PDF)
def get_quote_pdf(query: dict[str, Any], quote_id: int) -> Response:
    """Download the patient's copy: prices, days and what every patient must read, no cost (P5, T7)."""
    quote, site = quote_and_site(quote_id)
    state = quote_records.state(g.db, quote)
    body = quote_document.pdf(g.db, quote, state, site, at=g.now, language=query.get("language"))
    answer = Response(body, mimetype=PDF)
    answer.headers["Content-Disposition"] = f'inline; filename="{quote_document.file_name(quote, state)}"'
    return answer


@blueprint.get("/quotes/<id:quote_id>/drift")
@blueprint.response(200, DriftShape)
def get_drift(quote_id: int) -> Any:
    """Show what the quoted course would cost now, against what it cost then (P4)."""
    quote, site = quote_and_site(quote_id)
    return drifting.drift(g.db, quote, site=site, on=site.day(g.now))


@blueprint.get("/quotes/<id:quote_id>/prospect")
@blueprint.response(200, ProspectShape)
def get_prospect(quote_id: int) -> Any:
    """Show how sure the cost of the sessions to come is, the margin, and what the discount needs (C5)."""
    quote, site = quote_and_site(quote_id)
    return prospects.prospect(g.db, quote, site=site, on=site.day(g.now))


@blueprint.post("/quotes/<id:quote_id>/issue")
@blueprint.arguments(IssueStep)
@blueprint.response(200, QuoteShape)
def issue(body: dict[str, Any], quote_id: int) -> Any:
    """Number and freeze a draft; a practitioner's reason overrides an allergen match (P4, T6)."""
    quote, site = quote_and_site(quote_id)
    clinical = g.caller.role in auth.CLINICAL
    override = body["reason"] if clinical else ""
    named = {one["allergy"].strip(): one["reason"] for one in body["overrides"]} if clinical else {}
    quote_document.issue(
        g.db, quote, site=site, at=g.now, by=g.caller.name, override=override, overrides=named
    )
    return shown(quote, site)


@blueprint.post("/quotes/<id:quote_id>/accept")
@blueprint.arguments(Step)
@blueprint.response(200, QuoteShape)
def accept(body: dict[str, Any], quote_id: int) -> Any:
    """Start the course of an issued quote; a manager's reason accepts a lapsed one (P4, P5)."""
    quote, site = quote_and_site(quote_id)
    late = body["reason"] if g.caller.role in auth.STOCKROOM else ""
    quote_life.accept(g.db, quote, site=site, at=g.now, by=g.caller.name, late_reason=late)
    return shown(quote, site)


@blueprint.post("/quotes/<id:quote_id>/decline")
@blueprint.arguments(LostStep)
@blueprint.response(200, QuoteShape)
def decline(body: dict[str, Any], quote_id: int) -> Any:
    """Record that the patient said no."""
    quote, site = quote_and_site(quote_id)
    quote_life.decline(g.db, quote, at=g.now, by=g.caller.name, **body)
    return shown(quote, site)


@blueprint.post("/quotes/<id:quote_id>/withdraw")
@blueprint.arguments(LostStep)
@blueprint.response(200, QuoteShape)
def withdraw(body: dict[str, Any], quote_id: int) -> Any:
    """Take a quote back; an issued one with a reason."""
    quote, site = quote_and_site(quote_id)
    quote_life.withdraw(g.db, quote, at=g.now, by=g.caller.name, **body)
    return shown(quote, site)


@blueprint.post("/quotes/<id:quote_id>/revise")
@blueprint.arguments(QuoteChange)
@blueprint.response(201, QuoteShape)
def revise(body: dict[str, Any], quote_id: int) -> Any:
    """Draft a new version beside the old, which stands until the new one is issued (P4)."""
    quote, site = quote_and_site(quote_id)
    more = body.pop("treatments", None)
    if "promotion" in body:
        body.setdefault("discount_rate", None)
    elif "discount_rate" in body:
        body["promotion"] = ""
    request = replace(quotes.request_of(g.db, quote), **asked(body))
    request = request if more is None else with_more(request, more)
    revised = quote_life.revise(g.db, quote, request, site=site, at=g.now, by=g.caller.name)
    return made(shown(revised, site), f"/quotes/{revised.id}")
