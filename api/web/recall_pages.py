"""Pages: what a recall reaches, ready to print, and every lot that a patient ever received (S10)."""

from typing import Any

from flask import Response, g, request

from api import recall_sheet
from api.rest.stock import lot_here
from api.web import frame
from inventory import patients, tracing
from inventory.clinic import Site
from inventory.patients import BadPatientRef
from pricing import recalls

blueprint = frame.chapter("recalls")

PAGE = 100
CODE = 40  # characters of a chart number


@blueprint.get("/lots/<id:lot_id>/trace")
def trace(lot_id: int) -> Response:
    """All that a recall of the lot reaches: places, people, planned sessions, papers, and what to do next."""
    both = request.args.get("reversed") == "true"
    found = recalls.report(g.db, lot_here(lot_id), at=g.now, with_reversed=both)
    return frame.page(
        "trace.html",
        found=found,
        lot=found.lot,
        item=found.item,
        trace=found.trace,
        kinds=recall_sheet.KINDS,
        zones={site.id: site.time_zone for site in g.db.query(Site)},
        zone=frame.here().time_zone,
        today=frame.here().day(g.now),
        reversed=both,
        may_recall=frame.may("GET /lots/<id:lot_id>/recall"),
    )


@blueprint.get("/lots/<id:lot_id>/recall-report.pdf")
def printed(lot_id: int) -> Response:
    """The same on paper: one page, more only where the lists are long."""
    found = recalls.report(g.db, lot_here(lot_id), at=g.now)
    sheet = recall_sheet.pdf(g.db, found, site=frame.here(), by=g.caller.name)
    name = f"recall-{found.item.sku}-{found.lot.number}.pdf".encode("ascii", "replace").decode()
    headers = {"Content-Disposition": f'inline; filename="{name.replace(chr(34), "_")}"'}
    return Response(sheet, mimetype="application/pdf", headers=headers)


@blueprint.get("/patients")
def patient() -> Response:
    """Every lot that a patient ever received, session by session; uses that were reversed on request."""
    ref, both = request.args.get("ref", "").strip()[: CODE + 1], request.args.get("reversed") == "true"
    problem, rows = "", ()
    if ref:
        try:
            patients.check_shape(ref)
            rows = tracing.of_patient(
                g.db, ref, with_reversed=both, after=_after(request.args.get("start", "")), limit=PAGE + 1
            )
        except BadPatientRef as bad:
            problem = str(bad)
    return frame.page("patient.html", **_values(ref, both, rows), problem=problem)


def _values(ref: str, both: bool, rows: Any) -> dict[str, Any]:
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return {
        "ref": ref,
        "reversed": both,
        "rows": rows[:PAGE],
        "next": f"{last.session_id}.{last.lot_id}.{int(last.reversed)}" if last else "",
        "zone": frame.here().time_zone,
        "today": frame.here().day(g.now),
    }


def _after(text: str) -> tuple[int, int, int] | None:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        return None
    session, lot, undone = (int(part) for part in parts)
    return session, lot, undone
