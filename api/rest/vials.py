"""JSON: opening vials, and throwing stock away with a reason."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, site_or_first
from api.rest.previews import DryRun, PreviewShape, foretold
from api.rest.stock import lot_here
from api.schemas import Cost, Flag, Id, Moment, Quantity, Shape, Words, one_word
from inventory import places, treatments, vials, wastage
from inventory.catalog import Item
from inventory.ledger import WasteReason
from inventory.lots import Lot
from inventory.measures import ZERO
from inventory.vials import OpenedVial, PreparedIn
from inventory.wastage import WrittenOff

blueprint = noun("vials", "Opened vials and write-offs")


class NewOpening(Shape):
    """A container to open outside a session."""

    lot = Id(required=True)
    site = Words(20)
    at = Moment()
    prepared_in = one_word(PreparedIn, load_default=PreparedIn.PREPARATION_AREA)
    patient_ref = Words(40)


class OpenedVialShape(Shape):
    """An opened vial: until when it may be used, and by which rule."""

    id = fields.Integer()
    sku = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    opened_at = Moment()
    opened_by = fields.String()
    prepared_in = one_word(PreparedIn)
    patient_ref = fields.String(allow_none=True)
    left = Quantity(attribute="remaining")
    discard_at = Moment()
    discard_rule = fields.String()
    closed_at = Moment(allow_none=True)


class OpenedVialQuery(PageQuery):
    """Which vials: those in use, unless all are asked for."""

    site = Words(20)
    all = Flag(in_address=True, load_default=False)


def vials_query() -> sa.Select[Any]:
    """Opened vials with their labels."""
    return (
        sa.select(*OpenedVial.__table__.c, Item.sku, Lot.number.label("lot_number"))
        .join(Item, Item.id == OpenedVial.item_id)
        .join(Lot, Lot.id == OpenedVial.lot_id)
    )


@blueprint.get("/opened-vials")
@blueprint.arguments(OpenedVialQuery, location="query")
@blueprint.response(200, page_of(OpenedVialShape))
def list_vials(query: dict[str, Any]) -> Any:
    """List the opened vials, in the order in which they were opened (S4)."""
    statement = vials_query().where(OpenedVial.site_id == site_or_first(query.get("site")).id)
    if not query["all"]:
        statement = statement.where(OpenedVial.closed_at.is_(None))
    return listed(paging.rows(g.db, statement, OpenedVial.id, limit=query["limit"], after=query["after"]))


@blueprint.post("/opened-vials")
@blueprint.arguments(NewOpening)
@blueprint.response(201, OpenedVialShape)
def open_vial(body: dict[str, Any]) -> Any:
    """Open a container of a multi-dose lot; from then on its discard time runs (S4)."""
    if "patient_ref" in body:
        treatments.check_patient_ref(body["patient_ref"])
    opened = wastage.open_vial(
        g.db,
        lot_here(body["lot"]),
        site=site_or_first(body.get("site")),
        at=body.get("at", g.now),
        recorded_at=g.now,
        by=g.caller.name,
        prepared_in=body["prepared_in"],
        patient_ref=body.get("patient_ref"),
    )
    row = g.db.execute(vials_query().where(OpenedVial.id == opened.id)).one()
    return made(row, f"/opened-vials/{opened.id}")


class Discard(Shape):
    """Why the rest of a vial is thrown away."""

    reason = one_word(WasteReason, load_default=WasteReason.BEYOND_USE)
    note = Words(500, shortest=0, lines=True, load_default="")


class WrittenOffShape(Shape):
    """What was thrown away; of a vial also until when it could be used, and by which rule."""

    id = fields.Integer(attribute="document_id")
    sku = fields.String()
    name = fields.String()
    lot = fields.Integer(attribute="lot.id")
    lot_number = fields.String(attribute="lot.number")
    opened_vial = fields.Integer(attribute="vial_id", allow_none=True)
    quantity = Quantity()
    unit = fields.String()
    value = Cost(allow_none=True)
    reason = one_word(WasteReason)
    discard_at = Moment(allow_none=True)
    discard_rule = fields.String(allow_none=True)


class DiscardedShape(Shape):
    """Everything that was thrown away in one call, and what it had cost."""

    site = fields.String()
    at = Moment()
    items = fields.List(fields.Nested(WrittenOffShape))
    value = Cost(allow_none=True)


@blueprint.post("/opened-vials/<id:vial_id>/discard")
@blueprint.arguments(Discard)
@blueprint.response(201, WrittenOffShape)
def discard(body: dict[str, Any], vial_id: int) -> Any:
    """Throw away what is left of an opened vial (S11)."""
    opened = vials.vial(g.db, vial_id)
    return wastage.discard(
        g.db,
        opened,
        site=where.of(opened.site_id),
        at=g.now,
        recorded_at=g.now,
        by=g.caller.name,
        reason=body["reason"],
        note=body["note"],
    )


class DueQuery(Shape):
    """Whose vials."""

    site = Words(20)


@blueprint.post("/opened-vials/discard-due")
@blueprint.arguments(DueQuery)
@blueprint.response(201, DiscardedShape)
def discard_due(body: dict[str, Any]) -> Any:
    """Throw away every opened vial of a site that is past its discard time: the evening's one call (S4).

    Called again it finds nothing more. It names what was discarded, by which rule, and what it had cost.
    """
    site = site_or_first(body.get("site"))
    gone = wastage.discard_due(g.db, site=site, at=g.now, recorded_at=g.now, by=g.caller.name)
    value = sum((one.value for one in gone), ZERO)
    return {"site": site.code, "at": g.now, "items": gone, "value": value}


class NewWriteOff(Shape):
    """Stock to throw away; from the shelf whole containers, or from an opened vial."""

    lot = Id(required=True)
    quantity = Quantity(required=True, positive=True)
    reason = one_word(WasteReason, required=True)
    note = Words(500, shortest=0, lines=True, load_default="")
    opened_vial = Id()
    place = Words(places.LONGEST_CODE)
    site = Words(20)
    at = Moment()


@blueprint.post("/write-offs")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(NewWriteOff)
@blueprint.alt_response(200, schema=PreviewShape)
@blueprint.response(201, WrittenOffShape)
def write_off(query: dict[str, Any], body: dict[str, Any]) -> Any:
    """Throw stock away, with a reason (S11)."""
    lot = lot_here(body["lot"])
    opened = vials.vial(g.db, body["opened_vial"]) if "opened_vial" in body else None
    site = site_or_first(body.get("site"))
    site = where.of(opened.site_id) if opened else site

    def act() -> WrittenOff:
        return wastage.write_off(
            g.db,
            lot,
            quantity_off=body["quantity"],
            reason=body["reason"],
            site=site,
            at=body.get("at", g.now),
            recorded_at=g.now,
            by=g.caller.name,
            note=body["note"],
            opened=opened,
            place=places.place(g.db, site, body["place"]) if "place" in body else None,
        )

    return foretold(act) if query["dry_run"] else act()
