"""Files for accountants."""

from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, g, send_file
from marshmallow import fields
from marshmallow.validate import OneOf

from api.rest.accounting import PeriodQuery
from api.rest.calls import noun
from pricing.mapping import TARGETS, Software

blueprint = noun("exports", "Files for accountants")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IN_MEMORY = 4 * 1024 * 1024


@blueprint.get("/exports/accounting.xlsx")
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": XLSX}, content_type=XLSX)
def get_accounting_workbook(query: dict[str, Any]) -> Response:
    """Download the accountants' workbook of a period (B5)."""
    from api import workbook  # imported late, for most requests need no spreadsheets

    since, until = query["since"], query["until"]
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed when it was sent)
    workbook.write_accounting(g.db, file, since=since, until=until, at=g.now, by=g.caller.name)
    file.seek(0)
    name = f"accounting-{since}-{until}.xlsx"
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)


JOURNAL_FILE = {
    "200": {
        "description": "The file, or several in one",
        "content": {
            kind: {"schema": {"type": "string"}} for kind in ("text/csv", "text/plain", "application/zip")
        },
    }
}


class JournalFileQuery(PeriodQuery):
    """Of which period, for which program."""

    format = fields.String(required=True, validate=OneOf([one.value for one in TARGETS]))


@blueprint.get("/exports/journal")
@blueprint.arguments(JournalFileQuery, location="query")
@blueprint.doc(responses=JOURNAL_FILE)
def get_journal_file(query: dict[str, Any]) -> Response:
    """Download the journal of a period for other accounting software (B6).

    The name of the file has its control total. Where the program takes so many lines only, there are
    several files, in a zip. 409 names the accounts that have no place there.
    """
    from api import journal_download

    software = Software(query["format"])
    return journal_download.answer(g.db, software=software, since=query["since"], until=query["until"])
