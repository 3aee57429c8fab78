"""JSON: the audit trail, an anchor of it, and the same as files (I13 to I15)."""

from datetime import datetime, timedelta
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, g, send_file
from marshmallow import fields

from api import paging
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, site_or_first
from api.rest.exports import IN_MEMORY, XLSX
from api.schemas import Day, Moment, Shape, Words
from inventory import proof_of_trail, trail, trail_list
from inventory.trail_list import Wanted

blueprint = noun("audit", "Who did what, when and why")

CSV = "text/csv"


class TrailFilter(Shape):
    """Whose entries, of which kind, about what, from which day to which; what is left out does not matter."""

    by = Words(80, load_default="")
    kind = Words(40, load_default="")
    subject = Words(200, load_default="")
    since = Day(data_key="from", load_default=None)
    until = Day(data_key="to", load_default=None)


class TrailQuery(TrailFilter, PageQuery):
    """Which part of it."""


class EntryTextShape(Shape):
    """One transaction that wrote something; `changes` have what was before and after."""

    number = fields.Integer()
    at = Moment(allow_none=True)
    by = fields.String()
    kind = fields.String()
    subject = fields.String()
    why = fields.String()
    through = fields.String()
    facts = fields.Dict(keys=fields.String(), values=fields.Integer())
    changes = fields.List(fields.Dict())
    more = fields.Dict(keys=fields.String(), values=fields.Integer())
    previous = fields.String()
    hash = fields.String()


class AnchorQuery(Shape):
    """An anchor that was exported before, to be compared."""

    anchor = Words(100, load_default="")


class AnchorShape(Shape):
    """The end of the trail, to be kept elsewhere; and what is wrong by the anchor that was sent."""

    number = fields.Integer()
    hash = fields.String()
    anchor = fields.String()
    stands = fields.Boolean()
    problem = fields.String()


@blueprint.get("/audit-trail")
@blueprint.arguments(TrailQuery, location="query")
@blueprint.response(200, page_of(EntryTextShape))
def list_trail(query: dict[str, Any]) -> Any:
    """List the entries of the audit trail, the latest first."""
    limit, after = query.pop("limit"), paging.start(query.pop("after"), int)
    before = after[0] if after else None
    found = list(islice(trail_list.entries(g.db, wanted(query), before=before, limit=limit + 1), limit + 1))
    return listed(paging.cut(found, limit=limit, key=lambda one: (one.number,)))


@blueprint.get("/audit-trail/anchor")
@blueprint.arguments(AnchorQuery, location="query")
@blueprint.response(200, AnchorShape)
def get_anchor(query: dict[str, Any]) -> Any:
    """Show number and hash of the last entry, and whether an earlier anchor still stands."""
    number, last = trail.head(g.db)
    problem = proof_of_trail.anchored(g.db, query["anchor"]) if query["anchor"] else ""
    return {
        "number": number,
        "hash": last,
        "anchor": f"{number}:{last}",
        "stands": not problem,
        "problem": problem,
    }


@blueprint.get("/exports/audit-trail.csv")
@blueprint.arguments(TrailFilter, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": CSV}, content_type=CSV)
def get_trail_csv(query: dict[str, Any]) -> Response:
    """Download the entries as csv."""
    return as_csv(wanted(query))


@blueprint.get("/exports/audit-trail.xlsx")
@blueprint.arguments(TrailFilter, location="query")
@blueprint.response(200, {"type": "string", "contentMediaType": XLSX}, content_type=XLSX)
def get_trail_workbook(query: dict[str, Any]) -> Response:
    """Download the entries as a workbook."""
    return as_workbook(wanted(query))


def wanted(query: dict[str, Any]) -> Wanted:
    """The filter; days are those of the caller's first site."""
    site = site_or_first(None)
    since, until = query.pop("since"), query.pop("until")
    begins: datetime | None = site.end_of(since - timedelta(days=1)) if since else None
    return Wanted(**query, since=begins, until=site.end_of(until) if until else None)


def as_csv(asked: Wanted) -> Response:
    """The entries as csv."""
    from api import trail_sheet

    answer = Response("".join(trail_sheet.as_csv(trail_list.entries(g.db, asked))), mimetype=CSV)
    answer.headers["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def as_workbook(asked: Wanted) -> Response:
    """The entries as a workbook."""
    from api import trail_sheet  # imported late, for most requests need no spreadsheets

    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed when it was sent)
    trail_sheet.write(trail_list.entries(g.db, asked), file, at=g.now, by=g.caller.name)
    file.seek(0)
    answer = send_file(file, mimetype=XLSX, as_attachment=True, download_name="audit-trail.xlsx")
    answer.headers["Cache-Control"] = "no-store"
    return answer
