"""JSON: bringing in lists of items, offers and opening stock."""

from typing import Any

from flask import g, request
from marshmallow import fields

from api import errors, imports
from api.errors import Malformed
from api.rest.calls import noun, site_or_first
from api.schemas import Flag, Shape, Words

blueprint = noun("imports", "Importing lists")

FILE_BODY = {
    "required": True,
    "description": "An xlsx or csv file: as the part `file` of a form, or as the body itself.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                "required": ["file"],
            }
        },
        "application/octet-stream": {"schema": {"type": "string"}},
        "text/csv": {"schema": {"type": "string"}},
    },
}


class ImportQuery(Shape):
    """Whether only to try, and whether to take the good rows of a file that has bad ones."""

    dry_run = Flag(in_address=True, load_default=False)
    partial = Flag(in_address=True, load_default=False)
    site = Words(20)


class RowShape(Shape):
    """What became of one row."""

    row = fields.Integer()
    ok = fields.Boolean()
    message = fields.String()
    field = fields.String()


class ImportShape(Shape):
    """What became of every row, and how many were imported."""

    rows = fields.List(fields.Nested(RowShape))
    imported = fields.Integer()
    total = fields.Integer()
    document = fields.String()
    ignored = fields.List(fields.String())


@blueprint.post("/imports/<code:kind>")
@blueprint.arguments(ImportQuery, location="query")
@blueprint.response(200, ImportShape)
@blueprint.doc(requestBody=FILE_BODY)
def import_list(query: dict[str, Any], kind: str) -> Any:
    """Import a list: every row, or none unless `partial=true`; a bad row is named with its field."""
    name, data = _file()
    report = imports.run(
        g.db,
        kind,
        name,
        data,
        partial=query["partial"],
        at=g.now,
        by=g.caller.name,
        site=site_or_first(query.get("site")),
    )
    if query["dry_run"]:
        g.db.rollback()
        return report
    bad = sum(not row.ok for row in report.rows)
    if bad and not query["partial"]:
        sentence = f"{bad} of {report.total} rows cannot be taken; nothing was imported."
        return errors.problem(422, sentence, name="BadRows", more=ImportShape().dump(report))
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
