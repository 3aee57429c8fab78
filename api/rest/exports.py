"""Files for accountants."""

from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, g, send_file

from api.rest.accounting import PeriodQuery
from api.rest.calls import noun

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
