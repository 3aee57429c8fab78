"""JSON: a count's sheet as a PDF to write on, and as a workbook that is filled in and read back."""

from datetime import datetime
from typing import Any

from flask import Response, g, request
from marshmallow import fields

from api import auth, count_sheets, errors
from api.count_sheets import XLSX
from api.errors import Malformed
from api.rest.calls import noun
from api.rest.count_shapes import count_of
from api.rest.lists import FILE_BODY
from api.schemas import Flag, Moment, Shape
from inventory.counts import Count

blueprint = noun("count-sheets", "Count sheets to print and to fill in")

PDF = "application/pdf"
PDF_ANSWER = {"200": {"description": "The sheet", "content": {PDF: {"schema": {"type": "string"}}}}}


class SheetQuery(Shape):
    """Whether what the book says is left out; a blind count's sheet never has it for who may not post."""

    blind = Flag(in_address=True)


def left_blind(subject: Count, wanted: bool | None) -> bool:
    """Whether a sheet is written without the book."""
    posts = g.caller.role in auth.MAY["POST /api/v1/counts/<id:count_id>/post"]
    return subject.blind if wanted is None else wanted or (subject.blind and not posts)


@blueprint.get("/counts/<id:count_id>/sheet.pdf")
@blueprint.arguments(SheetQuery, location="query")
@blueprint.doc(responses=PDF_ANSWER)
def get_pdf(query: dict[str, Any], count_id: int) -> Response:
    """The sheet on paper, with a box for each line (S11)."""
    subject, _ = count_of(count_id)
    blind = left_blind(subject, query.get("blind"))
    return Response(count_sheets.pdf(g.db, subject, blind=blind, at=g.now), mimetype=PDF)


@blueprint.get("/counts/<id:count_id>/sheet.xlsx")
@blueprint.arguments(SheetQuery, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": XLSX}, content_type=XLSX)
def get_workbook(query: dict[str, Any], count_id: int) -> Response:
    """The sheet as a workbook with an empty column for what is found (S11)."""
    subject, _ = count_of(count_id)
    blind = left_blind(subject, query.get("blind"))
    return count_sheets.download(g.db, subject, blind=blind, at=g.now, by=g.caller.name)


class UploadQuery(Shape):
    """When the counting was done, if not now; and whether only to try."""

    counted_at = Moment()
    dry_run = Flag(in_address=True, load_default=False)


class SheetRowShape(Shape):
    """What became of one row."""

    row = fields.Integer()
    ok = fields.Boolean()
    message = fields.String()


class SheetReportShape(Shape):
    """What became of every row that has a number, and how many lines were written down."""

    rows = fields.List(fields.Nested(SheetRowShape))
    counted = fields.Integer()
    total = fields.Integer()


@blueprint.post("/counts/<id:count_id>/sheet")
@blueprint.arguments(UploadQuery, location="query")
@blueprint.response(200, SheetReportShape)
@blueprint.doc(requestBody=FILE_BODY)
def read_back(query: dict[str, Any], count_id: int) -> Any:
    """Write down what a filled-in sheet says: every row, or none; a row that cannot be taken is named."""
    subject, _ = count_of(count_id)
    name, data = _file()
    counted_at: datetime = query.get("counted_at", g.now)
    report = count_sheets.read_back(
        g.db, subject, name, data, counted_at=counted_at, recorded_at=g.now, by=g.caller.name
    )
    if query["dry_run"]:
        g.db.rollback()
    elif report.bad:
        sentence = f"{report.bad} of {report.total} rows cannot be taken; nothing was written down."
        return errors.problem(422, sentence, name="BadRows", more=SheetReportShape().dump(report))
    return report


def _file() -> tuple[str, bytes]:
    """The file that was sent, and its name. Raises Malformed."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            raise Malformed("The form has no part called `file`.")
        return (file.filename or "")[:200], file.read()
    data = request.get_data(cache=True)
    if not data:
        raise Malformed("The body is empty: send an xlsx or csv file.")
    return "", data
