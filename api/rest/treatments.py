"""JSON: treating patients."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import ValidationError, fields, validates_schema

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, site_or_first
from api.rest.corrections import Undoing, UndoneActShape, undone, when
from api.rest.previews import DryRun, PreviewShape, foretold
from api.schemas import Cost, Day, Id, Many, Moment, Quantity, Shape, Whole, Words, one_word
from inventory import clinic, shelf, treatments
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.corrections import Reversal
from inventory.ledger import Movement
from inventory.lots import Lot
from inventory.measures import ZERO
from inventory.treatments import Line, Treated, TreatmentSession, Visit
from inventory.vials import PreparedIn
from pricing import courses, formulations, price_list, session_changes
from pricing.session_changes import ChangeKind

blueprint = noun("sessions", "Treatment sessions")


class LineShape(Shape):
    """What was drawn up: an item, or an ingredient in whichever of its items expires first."""

    sku = Words(40)
    ingredient = Words(20)
    quantity = Quantity(required=True, positive=True)
    lot = Id()
    opened_vial = Id()
    reason = Words(200, load_default="")

    @validates_schema
    def one_product(self, data: dict[str, Any], **_: Any) -> None:
        """A line names an item or an ingredient."""
        if ("sku" in data) == ("ingredient" in data):
            raise ValidationError("Give either sku or ingredient.", "sku")


class NewSession(Shape):
    """A visit: whom, when, and what was used: a course's planned session, a formulation, or lines."""

    patient_ref = Words(40, required=True)
    at = Moment()
    site = Words(20)
    formulation = Words(20)
    lines = Many(fields.Nested(LineShape), least=1, most=treatments.MOST_LINES)
    level = Words(20)
    course = Id()
    session_number = Whole(least=1, most=1000)
    prepared_in = one_word(PreparedIn, load_default=PreparedIn.PREPARATION_AREA)
    change_reason = Words(500, load_default="")  # why a course's session uses other products or amounts

    @validates_schema
    def one_recipe(self, data: dict[str, Any], **_: Any) -> None:
        """A session follows its course, a formulation, or its own lines."""
        if "course" in data:
            return  # it has its own formulation; what is named beside it must agree
        if "session_number" in data:
            raise ValidationError("Only a course has numbered sessions.", "session_number")
        elif ("formulation" in data) == ("lines" in data):
            raise ValidationError("Give either formulation or lines.", "lines")


class UseShape(Shape):
    """What one lot or opened vial gave."""

    sku = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    opened_vial = fields.Integer(attribute="vial_id", allow_none=True)
    quantity = Quantity()
    discarded = Quantity()
    kept = Quantity()
    value = Cost(allow_none=True)
    discarded_value = Cost(allow_none=True)


class SessionShape(Shape):
    """A session as it was performed."""

    id = fields.Integer()
    at = Moment()
    on = Day()
    site = fields.String()
    patient_ref = fields.String()
    formulation = fields.String()
    level = fields.String()


class TreatedShape(SessionShape):
    """A session, what it used, and what should be looked at."""

    uses = fields.List(fields.Nested(UseShape))
    cost = Cost(allow_none=True)
    flags = fields.List(fields.String())


def lines_of(body: dict[str, Any]) -> list[Line]:
    """The lines that a body gives, if it gives any."""
    return [
        Line(
            quantity=line["quantity"],
            sku=line.get("sku"),
            ingredient=line.get("ingredient"),
            lot_id=line.get("lot"),
            vial_id=line.get("opened_vial"),
            reason=line["reason"],
        )
        for line in body.get("lines", ())
    ]


def perform(body: dict[str, Any], site: Site) -> Treated:
    """Perform a planned session of a course (P5), by its own formulation and level or the lines given."""
    course = courses.course(g.db, body["course"])
    where.of(course.site_id)
    if "formulation" in body:
        courses.refuse_other_formulation(g.db, course, body["formulation"])
    return courses.perform(
        g.db,
        course,
        body.get("session_number"),
        visit_at=body.get("at", g.now),
        site=site,
        recorded_at=g.now,
        by=g.caller.name,
        patient_ref=body["patient_ref"],
        lines=lines_of(body),
        level=price_list.level(g.db, body["level"]).code if "level" in body else "",
        prepared_in=body["prepared_in"],
        reason=body["change_reason"],
    )


def walk_in(body: dict[str, Any], site: Site) -> Treated:
    """Perform a session that no course planned: a formulation's recipe, or lines."""
    level = price_list.level(g.db, body["level"]).code if "level" in body else ""
    formulation, lines = "", lines_of(body)
    if "formulation" in body:
        recipe = formulations.latest(g.db, body["formulation"])
        formulation, lines = f"{recipe.code} version {recipe.version}", courses.recipe_lines(recipe)
    visit = Visit(
        patient_ref=body["patient_ref"],
        at=body.get("at", g.now),
        formulation=formulation,
        level=level,
        prepared_in=body["prepared_in"],
    )
    return treatments.treat(g.db, visit, lines, site=site, recorded_at=g.now, by=g.caller.name)


@blueprint.post("/sessions")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(NewSession)
@blueprint.alt_response(200, schema=PreviewShape)
@blueprint.response(201, TreatedShape)
def treat(query: dict[str, Any], body: dict[str, Any]) -> Any:
    """Record a session: every line is supplied by FEFO, or nothing moves (S3 to S7)."""
    site = site_or_first(body.get("site"))

    def act() -> Treated:
        return perform(body, site) if "course" in body else walk_in(body, site)

    if query["dry_run"]:
        return foretold(act)
    treated = act()
    shown = session_shown(treated.session, site.code) | {
        "uses": treated.uses,
        "cost": treated.cost,
        "flags": treated.flags,
    }
    return made(shown, f"/sessions/{treated.session.id}")


def session_shown(session: TreatmentSession, site: str) -> dict[str, Any]:
    """A session with the code of its site."""
    named = ("id", "at", "on", "patient_ref", "formulation", "level")
    return {name: getattr(session, name) for name in named} | {"site": site}


class SessionQuery(PageQuery):
    """Which sessions."""

    patient_ref = Words(40)
    site = Words(20)


@blueprint.get("/sessions")
@blueprint.arguments(SessionQuery, location="query")
@blueprint.response(200, page_of(SessionShape))
def list_sessions(query: dict[str, Any]) -> Any:
    """List the sessions in the order in which they were recorded."""
    table = TreatmentSession.__table__
    statement = sa.select(*table.c, Site.code.label("site")).join(Site, Site.id == table.c.site_id)
    if "patient_ref" in query:
        statement = statement.where(table.c.patient_ref == query["patient_ref"])
    statement = where.narrowed(statement, table.c.site_id)
    if "site" in query:
        statement = statement.where(table.c.site_id == site_or_first(query["site"]).id)
    return listed(paging.rows(g.db, statement, table.c.id, limit=query["limit"], after=query["after"]))


class RecordedUseShape(Shape):
    """What a session took of one lot or opened vial, as the ledger has it."""

    sku = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    opened_vial = fields.Integer(attribute="vial_id", allow_none=True)
    quantity = Quantity()
    discarded = Quantity()
    value = Cost(allow_none=True)


class SessionChangeShape(Shape):
    """A product that a session used otherwise than its course was sold with."""

    kind = one_word(ChangeKind)
    code = fields.String()
    sold = Quantity()
    used = Quantity()
    reason = fields.String()


class RecordedSessionShape(SessionShape):
    """A session and what it took."""

    changes = fields.List(fields.Nested(SessionChangeShape))
    uses = fields.List(fields.Nested(RecordedUseShape))
    cost = Cost(allow_none=True)
    flags = fields.List(fields.String())


def recorded_uses(session: TreatmentSession) -> list[dict[str, Any]]:
    """What a session took of each lot and opened vial: onto the patient, and into the waste."""
    keys = (Item.sku, Movement.lot_id, Lot.number.label("lot_number"), Movement.vial_id)
    rows = g.db.execute(
        sa.select(*keys, Place.kind, sa.func.sum(Movement.quantity), sa.func.sum(Movement.value))
        .join(Item, Item.id == Movement.item_id)
        .join(Lot, Lot.id == Movement.lot_id)
        .join(Place, Place.id == Movement.target_id)
        .where(Movement.document_id == session.document_id, Movement.direction < 0)
        .group_by(*keys, Place.kind)
        .order_by(Item.sku, Movement.lot_id, Movement.vial_id)
    )
    uses: dict[tuple[Any, ...], dict[str, Any]] = {}
    for sku, lot_id, number, vial_id, kind, quantity, value in rows:
        use = uses.setdefault(
            (lot_id, vial_id),
            {"sku": sku, "lot_id": lot_id, "lot_number": number, "vial_id": vial_id}
            | dict.fromkeys(("quantity", "discarded", "value"), ZERO),
        )
        use["discarded" if kind is PlaceKind.WASTE else "quantity"] += quantity
        use["value"] += value
    return list(uses.values())


@blueprint.get("/sessions/<id:session_id>")
@blueprint.response(200, RecordedSessionShape)
def get_session(session_id: int) -> Any:
    """Show one session as it was recorded; what was undone since is in the movements."""
    session = treatments.session(g.db, session_id)
    site = where.of(session.site_id)
    uses = recorded_uses(session)
    return session_shown(session, site.code) | {
        "uses": uses,
        "cost": sum((use["value"] for use in uses), ZERO),
        "flags": flags_of(uses),
        "changes": session_changes.of_session(g.db, session.id),
    }


def flags_of(uses: list[dict[str, Any]]) -> tuple[str, ...]:
    """What should be looked at in a session as it was recorded, with the rule's source (S6)."""
    products = shelf.products(g.db, skus=[use["sku"] for use in uses])
    return treatments.flags(products.values(), clinic.settings(g.db))


@blueprint.post("/sessions/<id:session_id>/reverse")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(Undoing)
@blueprint.alt_response(200, schema=PreviewShape)
@blueprint.response(201, UndoneActShape)
def reverse_session(query: dict[str, Any], body: dict[str, Any], session_id: int) -> Any:
    """Undo a whole session that was recorded by mistake (S8)."""
    session = treatments.session(g.db, session_id)
    where.of(session.site_id)

    def act() -> Reversal:
        return courses.reverse_session(g.db, session, **when(body))

    return foretold(act) if query["dry_run"] else undone(act())
