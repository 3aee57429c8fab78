"""JSON: what became of the quotes of a period, and the same as files (P4)."""

from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, g, send_file
from marshmallow import fields

from api import where
from api.rest.accounting import PeriodQuery
from api.rest.calls import noun
from api.rest.exports import IN_MEMORY, XLSX
from api.schemas import Money, Rate, Shape, one_word
from inventory import clinic
from pricing import conversion
from pricing.conversion import Dimension

blueprint = noun("conversion", "What became of the quotes")

CSV = "text/csv"


class ConversionQuery(PeriodQuery):
    """Of which days the quotes are, and what they are told apart by."""

    by = one_word(Dimension, load_default=Dimension.MONTH)


class ConversionRowShape(Shape):
    """The quotes of one group; `rate` is the part of what was issued that was accepted."""

    group = fields.String()
    quotes = fields.Integer()
    drafts = fields.Integer()
    issued = fields.Integer()
    accepted = fields.Integer()
    lost = fields.Integer()
    open = fields.Integer()
    rate = Rate()
    offered = Money()
    won = Money()


class ConversionShape(Shape):
    """The report, and all its groups together."""

    currency = fields.String()
    items = fields.List(fields.Nested(ConversionRowShape))
    total = fields.Nested(ConversionRowShape)


def rows_of(query: dict[str, Any]) -> tuple[conversion.ConversionRow, ...]:
    """The report that a query asks for, of the sites at which the caller works."""
    on = where.first().day(g.now)
    return conversion.conversion(g.db, **query, on=on, sites=sorted(g.caller.sites))


@blueprint.get("/conversion")
@blueprint.arguments(ConversionQuery, location="query")
@blueprint.response(200, ConversionShape)
def get_conversion(query: dict[str, Any]) -> Any:
    """Show what became of the quotes of a period, by month, protocol, level, person or lost reason."""
    rows = rows_of(query)
    return {
        "currency": clinic.settings(g.db).currency,
        "items": rows,
        "total": conversion.together(rows),
    }


@blueprint.get("/exports/conversion.csv")
@blueprint.arguments(ConversionQuery, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": CSV}, content_type=CSV)
def get_conversion_csv(query: dict[str, Any]) -> Response:
    """Download the report as csv."""
    from api import conversion_sheet

    answer = Response(conversion_sheet.as_csv(rows_of(query)), mimetype=CSV)
    answer.headers["Content-Disposition"] = f'attachment; filename="conversion-by-{query["by"]}.csv"'
    return answer


@blueprint.get("/exports/conversion.xlsx")
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": XLSX}, content_type=XLSX)
def get_conversion_workbook(query: dict[str, Any]) -> Response:
    """Download the report as a workbook, a sheet for each way to tell the quotes apart."""
    return workbook(query)


def workbook(query: dict[str, Any]) -> Response:
    """The report of a period as a workbook."""
    from api import conversion_sheet  # imported late, for most requests need no spreadsheets

    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed when it was sent)
    conversion_sheet.write(
        g.db, file, since=query["since"], until=query["until"], on=where.first().day(g.now),
        sites=sorted(g.caller.sites), currency=clinic.settings(g.db).currency, at=g.now, by=g.caller.name,
    )  # fmt: skip
    file.seek(0)
    name = f"conversion-{query['since']}-{query['until']}.xlsx"
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)
