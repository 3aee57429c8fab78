"""JSON: a lot's history and recall report; the lots of a session, and all that a patient ever received."""

from typing import Any

from flask import Response, g
from marshmallow import fields

from api import paging, recall_sheet, where
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of
from api.rest.stock import LotShape, OpenedShape, TraceReceiptShape, lot_here, lot_row
from api.schemas import Day, Flag, Moment, Quantity, Shape, one_word
from inventory import patients, tracing, treatments
from inventory.clinic import PlaceKind
from inventory.lots import LotState
from inventory.tracing import Given
from pricing import recalls

blueprint = noun("recalls", "Traces and recalls")

PDF = "application/pdf"
PDF_ANSWER = {"200": {"description": "The report", "content": {PDF: {"schema": {"type": "string"}}}}}


class ReversedQuery(Shape):
    """Whether uses that were reversed are shown too, as what they are."""

    reversed = Flag(in_address=True, load_default=False)


class HoldShape(Shape):
    """A change of a lot's state: who, when, why."""

    state = one_word(LotState)
    at = Moment()
    by = fields.String()
    reason = fields.String()


class HistoryShape(Shape):
    """Every quarantine, release and recall of a lot."""

    items = fields.List(fields.Nested(HoldShape))


@blueprint.get("/lots/<id:lot_id>/history")
@blueprint.response(200, HistoryShape)
def get_history(lot_id: int) -> Any:
    """Show who held a lot back, released or recalled it, when and why (S10)."""
    return {"items": tracing.history(g.db, lot_here(lot_id))}


class HeldShape(Shape):
    """So much of the lot in one place; `transit` is on its way between two sites."""

    site = fields.String()
    place = fields.String()
    name = fields.String(attribute="place_name")
    kind = one_word(PlaceKind)
    quantity = Quantity()


class UsedShape(Shape):
    """A session that received the lot."""

    id = fields.Integer(attribute="session_id")
    at = Moment()
    site = fields.String()
    patient_ref = fields.String()
    quantity = Quantity()
    reversed = fields.Boolean()


class DeliveredShape(TraceReceiptShape):
    """A receipt of the lot, with its papers."""

    site = fields.String()
    supplier = fields.String(allow_none=True)
    document = fields.String()
    by = fields.String()
    reversed = fields.Boolean()


class PlannedShape(Shape):
    """A planned session of an accepted course that would use the lot; `covered`: other stock can serve it."""

    course = fields.Integer(attribute="course_id")
    session_number = fields.Integer(attribute="number")
    on = Day()
    site = fields.String()
    patient_ref = fields.String()
    quantity = Quantity()
    covered = fields.Boolean()


class RecallReportShape(Shape):
    """What a recall of the lot reaches, and what to do next."""

    at = Moment()
    lot = fields.Nested(LotShape)
    maker = fields.String()
    on_hand = Quantity()
    held = fields.List(fields.Nested(HeldShape))
    opened = fields.List(fields.Nested(OpenedShape))
    receipts = fields.List(fields.Nested(DeliveredShape))
    sessions = fields.List(fields.Nested(UsedShape))
    patients = fields.List(fields.String())
    planned = fields.List(fields.Nested(PlannedShape))
    history = fields.List(fields.Nested(HoldShape))
    steps = fields.List(fields.String())


@blueprint.get("/lots/<id:lot_id>/recall-report")
@blueprint.arguments(ReversedQuery, location="query")
@blueprint.response(200, RecallReportShape)
def get_report(query: dict[str, Any], lot_id: int) -> Any:
    """Show all that a recall of a lot reaches, at every site, and what to do next (S10)."""
    found = recalls.report(g.db, lot_here(lot_id), at=g.now, with_reversed=query["reversed"])
    trace = found.trace
    named = ("on_hand", "held", "opened", "receipts", "sessions", "patients")
    return {name: getattr(trace, name) for name in named} | {
        "at": found.at,
        "lot": lot_row(lot_id),
        "maker": found.item.maker,
        "planned": found.planned,
        "history": trace.events,
        "steps": found.steps,
    }


@blueprint.get("/lots/<id:lot_id>/recall-report.pdf")
@blueprint.doc(responses=PDF_ANSWER)
def get_report_pdf(lot_id: int) -> Response:
    """The recall report to print: one page, more only where the lists are long (S10)."""
    found = recalls.report(g.db, lot_here(lot_id), at=g.now)
    return Response(recall_sheet.pdf(g.db, found, site=where.first(), by=g.caller.name), mimetype=PDF)


class GivenShape(Shape):
    """So much of one lot that a patient received in one session."""

    session = fields.Integer(attribute="session_id")
    at = Moment()
    site = fields.String()
    patient_ref = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    maker = fields.String()
    expires_on = Day()
    state = one_word(LotState)
    quantity = Quantity()
    reversed = fields.Boolean()


class SessionLotsShape(Shape):
    """The lots of a session."""

    items = fields.List(fields.Nested(GivenShape))


@blueprint.get("/sessions/<id:session_id>/lots")
@blueprint.arguments(ReversedQuery, location="query")
@blueprint.response(200, SessionLotsShape)
def session_lots(query: dict[str, Any], session_id: int) -> Any:
    """List the lots that a session gave its patient, with maker and expiry (S10)."""
    session = treatments.session(g.db, session_id)
    where.of(session.site_id)
    return {"items": tracing.of_session(g.db, session, with_reversed=query["reversed"])}


class PatientLotsQuery(PageQuery):
    """Which part of the list, and whether reversed uses are shown."""

    reversed = Flag(in_address=True, load_default=False)


@blueprint.get("/patients/<path:patient_ref>/lots")
@blueprint.arguments(PatientLotsQuery, location="query")
@blueprint.response(200, page_of(GivenShape))
def patient_lots(query: dict[str, Any], patient_ref: str) -> Any:
    """List all lots that a patient ever received, session by session (S10)."""
    patients.check_shape(patient_ref)
    found = tracing.of_patient(
        g.db,
        patient_ref,
        with_reversed=query["reversed"],
        after=paging.start(query["after"], int, int, int),
        limit=query["limit"] + 1,
    )
    return listed(paging.cut(found, limit=query["limit"], key=_place))


def _place(row: Given) -> paging.Key:
    return row.session_id, row.lot_id, int(row.reversed)
