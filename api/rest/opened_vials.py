"""JSON: where opened vials are, what limits each, which to discard by when, the room it enters, its label."""

import re
from typing import Any

from flask import Response, g
from marshmallow import ValidationError, fields

from api import vial_label, where
from api.rest.calls import made, noun, site_or_first
from api.rest.vials import OpenedVialShape
from api.schemas import Cost, Flag, Moment, Shape, Whole, Words
from inventory import catalog, rooms, vial_advice, vial_limits, vial_list, vials
from inventory.rooms import Entering
from inventory.vial_list import OpenedRow

blueprint = noun("opened_vials", "Opened vials: until when, where, and their labels")

PDF = "application/pdf"
KEYS = re.compile(r"^[1-9][0-9]{0,17}(,[1-9][0-9]{0,17})*$", re.ASCII)
LONGEST_KEYS = 2_000


class LimitShape(Shape):
    """One thing that limits a vial, with its source; `strictest` is the one that sets `discard_at`."""

    at = Moment()
    rule = fields.String()
    source = fields.String()
    strictest = fields.Boolean()


class SaidShape(Shape):
    """A rule in force here that speaks of the item; `counts`: it limits the time by itself."""

    code = fields.String()
    jurisdiction = fields.String()
    text = fields.String()
    environment = fields.String()
    counts = fields.Boolean()
    status = fields.String()
    source = fields.String()


class RoomEntryShape(Shape):
    """A vial entered a treatment room; or, where it `corrects` an entry, it never did."""

    id = fields.Integer()
    patient_ref = fields.String()
    room = fields.String()
    at = Moment()
    ends_at = Moment()
    recorded_at = Moment()
    by = fields.String()
    reason = fields.String()
    corrects = fields.Integer(attribute="corrects_id", allow_none=True)


class OpenedRowShape(OpenedVialShape):
    """An opened vial where it is now, and what its rest is worth."""

    name = fields.String()
    unit = fields.String()
    room = fields.String(metadata={"description": "The treatment room it entered, as the clinic calls it"})
    value = Cost(allow_none=True)
    label = fields.String(metadata={"description": "What the QR code on its label says"})


class OpenedVialPage(OpenedRowShape):
    """All that is known of one opened vial."""

    limits = fields.List(fields.Nested(LimitShape))
    rules = fields.List(fields.Nested(SaidShape))
    entries = fields.List(fields.Nested(RoomEntryShape))


class ToDiscardQuery(Shape):
    """Whose vials, and until when to look ahead: by default the end of the day there."""

    site = Words(20)
    by = Moment()


class ToDiscardShape(Shape):
    """What must be discarded now, and what by a later instant."""

    site = fields.String()
    time_zone = fields.String()
    at = Moment()
    by = Moment()
    now = fields.List(fields.Nested(OpenedRowShape))
    later = fields.List(fields.Nested(OpenedRowShape))


class NewEntry(Shape):
    """For whom a vial enters a treatment room."""

    patient_ref = Words(40, required=True)
    at = Moment()
    ends_at = Moment(metadata={"description": "When the session ends; by default an hour later (T3)"})
    room = Words(40, shortest=0, load_default="")


class Correction(Shape):
    """Why it never was."""

    reason = Words(500, lines=True, required=True)


class Keys(fields.Field[list[int]]):
    """Keys in an address: `3,7,12`."""

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        return {"type": "string", "pattern": KEYS.pattern, "maxLength": LONGEST_KEYS, "examples": ["3,7,12"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> list[int]:
        if not isinstance(value, str) or len(value) > LONGEST_KEYS or not KEYS.fullmatch(value):
            raise ValidationError("Must be keys of opened vials, such as 3,7,12.")
        keys = list(dict.fromkeys(int(key) for key in value.split(",")))
        if len(keys) > vial_label.MOST:
            raise ValidationError(f"At most {vial_label.MOST} labels are made at once.")
        return keys


class LabelsQuery(Shape):
    """Which labels, and on what: one a page for a label printer, or a sheet with some used already."""

    vials = Keys(required=True)
    sheet = Flag(in_address=True, load_default=False)
    skip = Whole(least=0, most=vial_label.MOST, in_address=True, load_default=0)


def row_of(vial_id: int) -> OpenedRow:
    """An opened vial at one of the caller's sites. Raises UnknownVial, UnknownSite."""
    where.of(vials.vial(g.db, vial_id).site_id)
    return vial_list.opened(g.db, keys=[vial_id])[0]


def page_of(vial_id: int) -> dict[str, Any]:
    """All that is known of one opened vial."""
    row = row_of(vial_id)
    site = where.of(row.site_id)
    item = catalog.item(g.db, row.sku)
    return {name: getattr(row, name) for name in row.__slots__} | {
        "label": row.label,
        "limits": vial_limits.of_vial(g.db, vials.vial(g.db, vial_id)),
        "rules": vial_advice.of_item(g.db, item, site=site, on=site.day(row.opened_at)),
        "entries": rooms.history(g.db, vial_id),
    }


@blueprint.get("/opened-vials/<id:vial_id>")
@blueprint.response(200, OpenedVialPage)
def get_vial(vial_id: int) -> Any:
    """Show one opened vial: what limits it and which limit is the strictest, and what people must heed."""
    return page_of(vial_id)


@blueprint.get("/opened-vials/to-discard")
@blueprint.arguments(ToDiscardQuery, location="query")
@blueprint.response(200, ToDiscardShape)
def to_discard(query: dict[str, Any]) -> Any:
    """Say which opened vials of a site must be discarded now, and which by a later time (S4)."""
    site = site_or_first(query.get("site"))
    by = query.get("by", site.end_of(site.day(g.now)))
    found = vial_list.to_discard(g.db, site=site, at=g.now, by=by)
    return {
        "site": site.code,
        "time_zone": site.time_zone,
        "at": g.now,
        "by": by,
        "now": found.now,
        "later": found.later,
    }


@blueprint.post("/opened-vials/<id:vial_id>/enter-room")
@blueprint.arguments(NewEntry)
@blueprint.response(201, OpenedVialPage)
def enter_room(body: dict[str, Any], vial_id: int) -> Any:
    """Take a multi-dose vial into a treatment room: from now on it is this one patient's (S4).

    Its discard time becomes the end of that patient's session, or stays if it is sooner.
    """
    opened = vials.vial(g.db, vial_id)
    where.of(opened.site_id)
    entering = Entering(
        body["patient_ref"], at=body.get("at", g.now), ends_at=body.get("ends_at"), room=body["room"]
    )
    rooms.enter(g.db, opened, entering, recorded_at=g.now, by=g.caller.name)
    return made(page_of(vial_id), f"/opened-vials/{vial_id}")


@blueprint.post("/opened-vials/<id:vial_id>/correct-room")
@blueprint.arguments(Correction)
@blueprint.response(201, OpenedVialPage)
def correct_room(body: dict[str, Any], vial_id: int) -> Any:
    """Record that a vial never entered the room: another had been meant, and nothing was drawn there."""
    opened = vials.vial(g.db, vial_id)
    where.of(opened.site_id)
    rooms.take_back(g.db, opened, at=g.now, recorded_at=g.now, by=g.caller.name, reason=body["reason"])
    return made(page_of(vial_id), f"/opened-vials/{vial_id}")


@blueprint.get("/opened-vials/<id:vial_id>/label.pdf")
@blueprint.response(200, {"type": "string", "contentMediaType": PDF}, content_type=PDF)
def get_label(vial_id: int) -> Response:
    """The label to stick on an opened vial, 50 x 25 mm: QR code, item, lot, opened, discard by, rule."""
    return _sent([row_of(vial_id)], f"label-{vial_id}.pdf")


@blueprint.get("/opened-vials/labels.pdf")
@blueprint.arguments(LabelsQuery, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": PDF}, content_type=PDF)
def get_labels(query: dict[str, Any]) -> Response:
    """Labels for several vials at once: `?vials=3,7,12`, each on a page, or on a sheet."""
    rows = [row_of(vial_id) for vial_id in query["vials"]]
    return _sent(rows, "labels.pdf", sheet=query["sheet"], skip=query["skip"])


def _sent(rows: list[OpenedRow], name: str, **how: Any) -> Response:
    made_pdf = vial_label.pdf(g.db, rows, at=g.now, **how)
    return Response(made_pdf, mimetype=PDF, headers={"Content-Disposition": f'inline; filename="{name}"'})
