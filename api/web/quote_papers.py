"""Pages: what a quote is printed as for its patient, and what the keepers of the books foretell of it."""

from decimal import Decimal

from flask import Response, g, request

from api import quote_document
from api.web import frame
from api.web.quote_pages import found, name_of
from pricing import prospects, quote_records
from pricing.certainty import Range

blueprint = frame.chapter("quote_papers")


@blueprint.get("/quotes/<id:quote_id>/quote.pdf")
def document(quote_id: int) -> Response:
    """The patient's copy as a PDF: of an issued quote what was kept of it, to the byte (P4, P5, T7)."""
    subject, state, site = found(quote_id)
    language = request.args.get("language")
    body = quote_document.pdf(g.db, subject, state, site, at=g.now, language=language)
    answer = Response(body, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{quote_document.file_name(subject, state)}"'
    return answer


@blueprint.get("/quotes/<id:quote_id>/prospect")
def prospect(quote_id: int) -> Response:
    """How sure the cost of the sessions to come is, what the price leaves, what the discount needs (C5)."""
    _, state, site = found(quote_id)
    subject = quote_records.quote(g.db, quote_id)  # of several treatments one
    seen = prospects.prospect(g.db, subject, site=site, on=site.day(g.now))
    dearest = max([one.cost.high for one in seen.certainty.sessions] + [Decimal(1)])
    return frame.page(
        "quote_prospect.html",
        quote=subject,
        name=name_of(subject, state),
        seen=seen,
        rows=[(one, *_ends(one.cost, dearest)) for one in seen.certainty.sessions],
    )


def _ends(cost: Range, dearest: Decimal) -> tuple[str, str, str]:
    """Where a range begins, how long it is and where its mean lies, as parts of a hundred."""
    parts = (100 * cost.low / dearest, 100 * max(cost.high - cost.low, dearest / 100) / dearest)
    return f"{parts[0]:.1f}", f"{parts[1]:.1f}", f"{100 * cost.mean / dearest:.1f}"
