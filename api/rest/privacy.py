"""JSON: what the book holds of a patient, forgetting them, and what is kept for how long (T8)."""

import io
from typing import Any

from flask import Response, g, send_file
from marshmallow import fields

from api import patient_file, purging, settings, where
from api.rest.calls import noun
from api.rest.exports import XLSX
from api.schemas import Day, Flag, Moment, Shape, Words
from inventory.forgetting import REASON
from pricing import privacy

blueprint = noun("privacy", "Privacy of patients")


class PatientFileShape(Shape):
    """All that the book holds of one patient, by kind; until when a recall must find them."""

    patient_ref = fields.String()
    trace_kept_until = fields.String(allow_none=True)
    held = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict()))


class Erasing(Shape):
    """Why a patient is forgotten, and whether although the trace for recalls should still be kept."""

    reason = Words(REASON, required=True)
    early = Flag(load_default=False)


class ErasureShape(Shape):
    """That somebody was forgotten: under which word their facts stand now, who did it, when, why."""

    word = fields.String()
    at = Moment()
    by = fields.String()
    reason = fields.String()
    rows = fields.Integer()
    kept_until = Day(allow_none=True)


class ErasureList(Shape):
    """The latest erasures."""

    items = fields.List(fields.Nested(ErasureShape))


class RetainedShape(Shape):
    """One kind of thing that is kept for a while, by which setting, and how many are due to be put away."""

    code = fields.String()
    words = fields.String()
    setting = fields.String()
    kept_for = fields.String(attribute="said")
    due = fields.Integer()


class RetentionShape(Shape):
    """What is kept for how long."""

    items = fields.List(fields.Nested(RetainedShape))


@blueprint.get("/patients/<path:patient_ref>/file")
@blueprint.response(200, PatientFileShape)
def get_file(patient_ref: str) -> Any:
    """Hand out all that the book holds of a patient, for whoever has a right to it."""
    return patient_file.plain(privacy.held(g.db, patient_ref))


@blueprint.get("/patients/<path:patient_ref>/file.xlsx")
@blueprint.response(200, {"type": "string", "contentMediaType": XLSX}, content_type=XLSX)
def get_workbook(patient_ref: str) -> Response:
    """The same as a workbook, a sheet for each kind."""
    return workbook(patient_ref)


def workbook(patient_ref: str) -> Response:
    """The patient's file as a workbook. Its name does not say whose it is."""
    held, file = privacy.held(g.db, patient_ref), io.BytesIO()
    patient_file.write(file, held, at=g.now, by=g.caller.name)
    file.seek(0)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name="patient-file.xlsx", max_age=0)


@blueprint.post("/patients/<path:patient_ref>/erase")
@blueprint.arguments(Erasing)
@blueprint.response(200, ErasureShape)
def erase(body: dict[str, Any], patient_ref: str) -> Any:
    """Forget a patient: every fact stays, under a word that says nothing of anybody."""
    asked = {"on": where.first().day(g.now), "at": g.now, "by": g.caller.name} | body
    return patient_file.erase(g.db, patient_ref, **asked)


@blueprint.get("/erasures")
@blueprint.response(200, ErasureList)
def list_erasures() -> Any:
    """List who was forgotten lately, by the words that stand for them."""
    return {"items": privacy.erasures(g.db)}


@blueprint.get("/retention")
@blueprint.response(200, RetentionShape)
def get_retention() -> Any:
    """Say what is kept for how long, and how many of each are due to be put away."""
    return {"items": purging.due(g.db, settings.from_environment(), at=g.now)}


@blueprint.post("/retention/purge")
@blueprint.response(200, RetentionShape)
def purge() -> Any:
    """Put away what is due; facts of the book are never among it."""
    return {"items": purging.purge(g.db, settings.from_environment(), at=g.now, by=g.caller.name)}
