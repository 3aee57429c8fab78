"""JSON: what stock is worth beside its cost: write-downs of short-dated lots, and the cost formula (C1)."""

from typing import Any

from flask import g
from marshmallow import fields

from api.rest.calls import made, noun, site_or_first
from api.schemas import Cost, Day, Many, Money, Quantity, Shape, Whole, Words, one_word
from inventory import adjustments, clinic, revaluation, write_downs
from inventory.clinic import CostFormula
from inventory.write_downs import Lower

blueprint = noun("stock-values", "Write-downs and the cost formula")


class CandidateShape(Shape):
    """A lot that expires before it is used up, and what the part that will be used is worth."""

    lot = fields.Integer(attribute="lot_id")
    sku = fields.String()
    lot_number = fields.String()
    expires_on = Day()
    days = fields.Integer()
    quantity = Quantity()
    unusable = Quantity()
    value = Cost(allow_none=True)
    net_value = Cost(allow_none=True)


class CandidateList(Shape):
    """The lots that should be looked at, the soonest to expire first."""

    items = fields.List(fields.Nested(CandidateShape))
    next = fields.String(allow_none=True)


class CandidateQuery(Shape):
    """As of which day; with `within_days` every lot that expires by then, however fast it is used."""

    on = Day()
    within_days = Whole(most=36_500, in_address=True)


class LowerShape(Shape):
    """What a lot will bring."""

    lot = Whole(least=1, most=10**17, required=True)
    net_value = Money(required=True)


class NewWriteDown(Shape):
    """Lots that will bring less than they cost, and why."""

    lines = Many(fields.Nested(LowerShape), least=1, most=write_downs.MOST_LINES, required=True)
    reason = Words(500, required=True)
    reference = Words(80, shortest=0, load_default="")
    on = Day()


class ComingBack(Shape):
    """How much of a write-down comes back, and why."""

    amount = Money(required=True)
    reason = Words(500, required=True)
    on = Day()


class WriteDownShape(Shape):
    """A write-down on record; `left` may still come back where the clinic's rules of accounting allow it."""

    id = fields.Integer()
    entry = fields.Function(lambda one: f"ST-{one.document_id}")
    on = Day()
    sku = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    quantity = Quantity()
    cost = Cost(allow_none=True)
    amount = Cost(allow_none=True)
    back = Cost(allow_none=True)
    left = Cost(allow_none=True)
    by = fields.String()
    reason = fields.String()


class WriteDownList(Shape):
    """Write-downs, the newest first."""

    items = fields.List(fields.Nested(WriteDownShape))
    next = fields.String(allow_none=True)


@blueprint.get("/write-downs/candidates")
@blueprint.arguments(CandidateQuery, location="query")
@blueprint.response(200, CandidateList)
def list_candidates(query: dict[str, Any]) -> Any:
    """List lots that expire before they are used up at the pace of late."""
    on = query.get("on") or site_or_first(None).day(g.now)
    found = write_downs.candidates(g.db, on=on, within_days=query.get("within_days"))
    return {"items": found, "next": None}


@blueprint.get("/write-downs")
@blueprint.response(200, WriteDownList)
def list_write_downs() -> Any:
    """List write-downs, what came back of each, and what still may."""
    return {"items": write_downs.written(g.db), "next": None}


@blueprint.post("/write-downs")
@blueprint.arguments(NewWriteDown)
@blueprint.response(201, WriteDownList)
def write_down(body: dict[str, Any]) -> Any:
    """Write lots down to what they will bring, all under one entry; later use takes what is left of them."""
    site = site_or_first(None)
    made_now = write_downs.write_down(
        g.db,
        [Lower(line["lot"], line["net_value"]) for line in body["lines"]],
        site=site,
        on=body.get("on", site.day(g.now)),
        at=g.now,
        by=g.caller.name,
        reason=body["reason"],
        reference=body["reference"],
    )
    keys = {one.id for one in made_now}
    items = [one for one in write_downs.written(g.db) if one.id in keys]
    return made({"items": items, "next": None}, "/write-downs")


@blueprint.post("/write-downs/<id:write_down_id>/take-back")
@blueprint.arguments(ComingBack)
@blueprint.response(201, WriteDownShape)
def take_back(body: dict[str, Any], write_down_id: int) -> Any:
    """Let a write-down come back, up to cost, for what is still held: under IFRS, not under US GAAP."""
    site = site_or_first(None)
    subject = write_downs.write_down_of(g.db, write_down_id)
    write_downs.take_back(
        g.db,
        subject,
        amount=body["amount"],
        site=site,
        on=body.get("on", site.day(g.now)),
        at=g.now,
        by=g.caller.name,
        reason=body["reason"],
    )
    found = next(one for one in write_downs.written(g.db, lot_id=subject.lot_id) if one.id == subject.id)
    return made(found, "/write-downs")


class ChangeShape(Shape):
    """One change of the cost formula."""

    on = Day()
    before = one_word(CostFormula)
    after = one_word(CostFormula)


class FormulaShape(Shape):
    """The cost formula, the only day from which it can change, and how it changed so far."""

    formula = one_word(CostFormula)
    can_change_on = Day(allow_none=True)
    changes = fields.List(fields.Nested(ChangeShape))


class EffectShape(Shape):
    """What another formula makes of an item's stock on hand."""

    sku = fields.String()
    name = fields.String()
    quantity = Quantity()
    before = Cost(allow_none=True)
    after = Cost(allow_none=True)
    difference = Cost(allow_none=True, signed=True)


class ReportShape(Shape):
    """What a change of formula does to every item on hand."""

    on = Day()
    before = one_word(CostFormula)
    after = one_word(CostFormula)
    items = fields.List(fields.Nested(EffectShape))
    difference = Cost(allow_none=True, signed=True)


class EffectQuery(Shape):
    """Which formula, from which day; the only possible one where none is named."""

    formula = Words(20, required=True)
    on = Day()


class NewFormula(EffectQuery):
    """The change as it was shown: `difference` is that of the report."""

    difference = Money(signed=True, required=True)
    reason = Words(500, required=True)


@blueprint.get("/cost-formula")
@blueprint.response(200, FormulaShape)
def get_formula() -> Any:
    """Show the cost formula and its history."""
    return {
        "formula": clinic.settings(g.db).cost_formula,
        "can_change_on": revaluation.next_boundary(g.db),
        "changes": adjustments.changes(g.db),
    }


@blueprint.get("/cost-formula/effect")
@blueprint.arguments(EffectQuery, location="query")
@blueprint.response(200, ReportShape)
def get_effect(query: dict[str, Any]) -> Any:
    """Show what another formula would make of every item on hand, before anything is changed (C1)."""
    formula = revaluation.named(query["formula"])
    return revaluation.preview(g.db, formula, on=query.get("on") or revaluation.boundary(g.db))


@blueprint.post("/cost-formula")
@blueprint.arguments(NewFormula)
@blueprint.response(201, ReportShape)
def change_formula(body: dict[str, Any]) -> Any:
    """Change the cost formula between two periods and revalue what is on hand, as it was shown (C1)."""
    site = site_or_first(None)
    report = revaluation.change(
        g.db,
        revaluation.named(body["formula"]),
        on=body.get("on") or revaluation.boundary(g.db),
        expected=body["difference"],
        site=site,
        at=g.now,
        by=g.caller.name,
        reason=body["reason"],
    )
    return made(report, "/cost-formula")
