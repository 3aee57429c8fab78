"""Pages: what became of the quotes of a period, for the keepers of the books."""

from datetime import date, timedelta
from typing import Any

from flask import Response, g, request

from api.rest import conversion as calls
from api.web import formats, frame
from inventory.errors import Refusal
from pricing import conversion
from pricing.conversion import Dimension
from pricing.protocols import Protocol

blueprint = frame.chapter("conversion")

WAYS = (
    (Dimension.MONTH, "Month"),
    (Dimension.PROTOCOL, "Protocol"),
    (Dimension.LEVEL, "Level"),
    (Dimension.PERSON, "Person"),
    (Dimension.LOST, "Lost reason"),
)
SPAN = timedelta(days=365)


@blueprint.get("/books/conversion")
def report() -> Response:
    """Quotes, issued, accepted and lost, with what they came to, told apart in one of five ways."""
    today = frame.here().day(g.now)
    query = {
        "by": _way(request.args.get("by", "")),
        "since": _day(request.args.get("from", ""), today - SPAN),
        "until": _day(request.args.get("to", ""), today),
    }
    problem, rows = "", ()
    try:
        rows = calls.rows_of(query)
    except Refusal as refusal:
        problem = str(refusal)
    names = {one.code: formats.capital(one.concern) for one in g.db.query(Protocol)}
    most = max([row.issued for row in rows] + [1])
    return frame.page(
        "books_conversion.html",
        query=query,
        ways=WAYS,
        problem=problem,
        rows=[(row, names.get(row.group, ""), f"{100 * row.issued / most:.1f}") for row in rows],
        total=conversion.together(rows),
        currency=frame.currency(g.db),
    )


@blueprint.get("/books/conversion.xlsx")
def file() -> Response:
    """The report as a workbook."""
    today = frame.here().day(g.now)
    asked: dict[str, Any] = {
        "since": _day(request.args.get("from", ""), today - SPAN),
        "until": _day(request.args.get("to", ""), today),
    }
    answer: Response = calls.workbook(asked)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _way(text: str) -> Dimension:
    return Dimension(text) if text in set(Dimension) else Dimension.MONTH


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise
