"""JSON: bringing in lists of items, offers, formulations and opening stock, and taking them back."""

import io
from typing import Any

import sqlalchemy as sa
from flask import Response, g, request, send_file
from marshmallow import fields

from api import errors, import_records, import_sheets, imports, paging, where
from api.columns import Kind
from api.errors import MEDIA_TYPE, Malformed
from api.import_records import IMPORTS, UNDOS, Import
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, site_or_first
from api.rest.exports import XLSX
from api.rest.stock import Reason
from api.schemas import Flag, Moment, Shape, Words
from inventory.clinic import Site

blueprint = noun("imports", "Importing lists")

FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
FILE_BODY = {
    "required": True,
    "description": "An xlsx or csv file: as the part `file` of a form, or as the body itself.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": FILE},
                "required": ["file"],
            }
        },
        "application/octet-stream": {"schema": {"type": "string", "minLength": 1}},
        "text/csv": {"schema": {"type": "string", "minLength": 1}},
    },
}
NO_KEY = {
    "description": "What stands there is no key: lists of a kind are sent to such an address, not read",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
SHEET = {"type": "string", "contentMediaType": XLSX}


class SiteQuery(Shape):
    """At which site the stock is; the caller's first unless said."""

    site = Words(20)


class ImportQuery(SiteQuery):
    """Whether only to try, and whether to take the good rows of a file that has bad ones."""

    dry_run = Flag(in_address=True, load_default=False)
    partial = Flag(in_address=True, load_default=False)


class RowShape(Shape):
    """What became of one row."""

    row = fields.Integer()
    ok = fields.Boolean()
    message = fields.String()
    field = fields.String()
    repeated = fields.Boolean(metadata={"description": "It was imported before and is not added again"})
    problems = fields.Function(
        lambda row: [{"field": field, "message": words} for field, words in row.problems]
    )


class ImportShape(Shape):
    """What became of every row, and how many were imported."""

    id = fields.Integer(allow_none=True, metadata={"description": "The import's key, to undo it by"})
    rows = fields.List(fields.Nested(RowShape))
    imported = fields.Integer()
    repeated = fields.Integer()
    refused = fields.Integer()
    total = fields.Integer()
    document = fields.String()
    ignored = fields.List(fields.String())
    notes = fields.List(fields.String())


class MadeShape(Shape):
    """An import that was made."""

    id = fields.Integer()
    kind = fields.String()
    file_name = fields.String()
    site = fields.String()
    at = Moment()
    by = fields.String()
    total = fields.Integer()
    imported = fields.Integer()
    repeated = fields.Integer()
    undone_at = Moment(allow_none=True)
    undone_by = fields.String(allow_none=True)


class UndoneShape(Shape):
    """What became of an import that was undone."""

    id = fields.Integer()
    removed = fields.Integer()
    document_id = fields.Integer(allow_none=True)
    message = fields.String()


@blueprint.post("/imports/<code:kind>")
@blueprint.arguments(ImportQuery, location="query")
@blueprint.response(200, ImportShape)
@blueprint.doc(requestBody=FILE_BODY)
def import_list(query: dict[str, Any], kind: str) -> Any:
    """Import a list: every row, or none unless `partial=true`; a bad row is named with its field."""
    name, data = _file()
    of_kind = imports.kind_of(kind)
    brought = imports.read(name, data)  # before the book is locked for writing
    report = imports.take(
        g.db,
        of_kind,
        brought,
        partial=query["partial"],
        at=g.now,
        by=g.caller.name,
        site=site_or_first(query.get("site")),
        dry_run=query["dry_run"],
    )
    if query["dry_run"]:
        g.db.rollback()
        return report
    if report.refused and not query["partial"]:
        sentence = f"{report.refused} of {report.total} rows cannot be taken; nothing was imported."
        return errors.problem(422, sentence, name="BadRows", more=ImportShape().dump(report))
    return report


@blueprint.post("/imports/<code:kind>/corrected.xlsx")
@blueprint.arguments(SiteQuery, location="query")
@blueprint.response(200, SHEET, content_type=XLSX)
@blueprint.doc(requestBody=FILE_BODY)
def correct_list(query: dict[str, Any], kind: str) -> Response:
    """Answer the list with what is wrong beside each row; nothing is imported."""
    name, data = _file()
    of_kind = imports.kind_of(kind)
    brought = imports.read(name, data)
    site = site_or_first(query.get("site"))
    report = imports.take(
        g.db, of_kind, brought, partial=True, at=g.now, by=g.caller.name, site=site, dry_run=True
    )
    g.db.rollback()
    file = io.BytesIO()
    import_sheets.corrected(file, of_kind, brought, report, at=g.now, by=g.caller.name)
    return _sent(file, f"{of_kind}-problems.xlsx")


@blueprint.get("/imports/<code:kind>/template.xlsx")
@blueprint.response(200, SHEET, content_type=XLSX)
def get_template(kind: str) -> Response:
    """Download an empty list of a kind, with an example and what each column takes."""
    of_kind = imports.kind_of(kind)
    file = io.BytesIO()
    import_sheets.template(file, of_kind)
    return _sent(file, f"{of_kind}-template.xlsx")


@blueprint.get("/imports")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(MadeShape))
def list_imports(query: dict[str, Any]) -> Any:
    """List the files of which something was imported, the earliest first."""
    return listed(
        paging.rows(g.db, here(imports_query()), IMPORTS.c.id, limit=query["limit"], after=query["after"])
    )


@blueprint.get("/imports/<id:import_id>")
@blueprint.response(200, MadeShape)
@blueprint.doc(responses={"405": NO_KEY})
def get_import(import_id: int) -> Any:
    """Show one import."""
    made_here(import_id)
    return g.db.execute(imports_query().where(IMPORTS.c.id == import_id)).one()


@blueprint.post("/imports/<id:import_id>/undo")
@blueprint.arguments(Reason)
@blueprint.response(200, UndoneShape)
def undo_import(body: dict[str, Any], import_id: int) -> Any:
    """Take an import back in one step: stock by reversals, the rest if nothing has used it since."""
    subject = made_here(import_id)
    return import_records.undo(g.db, subject, at=g.now, by=g.caller.name, reason=body["reason"])


def made_here(key: int) -> Import:
    """An import; of opening stock if it is the caller's site's. Raises UnknownImport, UnknownSite."""
    subject = import_records.made(g.db, key)
    if subject.kind == Kind.OPENING_STOCK:
        where.of(subject.site_id)
    return subject


def here(query: sa.Select[Any]) -> sa.Select[Any]:
    """A list of imports without the opening stock of sites at which the caller does not work."""
    if (keys := where.only()) is None:
        return query
    return query.where(sa.or_(IMPORTS.c.kind != Kind.OPENING_STOCK, IMPORTS.c.site_id.in_(sorted(keys))))


def imports_query() -> sa.Select[Any]:
    """Imports with their site and whether they were undone."""
    return (
        sa.select(
            *IMPORTS.c, Site.code.label("site"), UNDOS.c.at.label("undone_at"), UNDOS.c.by.label("undone_by")
        )
        .join(Site, Site.id == IMPORTS.c.site_id)
        .outerjoin(UNDOS, UNDOS.c.import_id == IMPORTS.c.id)
    )


def _sent(file: io.BytesIO, name: str) -> Response:
    file.seek(0)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)


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
