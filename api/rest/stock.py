"""JSON: what is on hand, lot by lot; holding lots back; what moved, and undoing it."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, site_or_first
from api.schemas import ContainerCost, Cost, Day, Flag, Id, Moment, Quantity, Shape, Words, one_word
from inventory import history, holds, ledger, lot_list, lots, stock, tracing
from inventory.balances import BALANCES
from inventory.clinic import PLACES, PlaceKind
from inventory.history import MovementRow
from inventory.lot_list import LotRow
from inventory.lots import Lot, LotState
from inventory.tracing import Trace

blueprint = noun("stock", "Stock, lots and movements")


class OpenVialShape(Shape):
    """An opened vial, as stock."""

    id = fields.Integer()
    lot = fields.Integer(attribute="lot_id")
    left = Quantity()
    discard_at = Moment()
    one_patient = fields.Boolean()


class StockShape(Shape):
    """What a site holds of one item."""

    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    content = Quantity()
    on_hand = Quantity()
    usable = Quantity()
    allocated = Quantity()
    available = Quantity(signed=True)
    containers = fields.Integer()
    value = Cost(allow_none=True)
    next_expiry = Day(allow_none=True)
    opened = fields.List(fields.Nested(OpenVialShape))


class StockQuery(PageQuery):
    """Which stock, and as of which day."""

    sku = Words(40)
    ingredient = Words(20)
    site = Words(20)
    on = Day()


@blueprint.get("/stock")
@blueprint.arguments(StockQuery, location="query")
@blueprint.response(200, page_of(StockShape))
def list_stock(query: dict[str, Any]) -> Any:
    """Show what a site holds, by SKU (S1, S8); of the first site where none is named."""
    last = paging.start(query["after"], str)
    found = stock.stock(
        g.db,
        site=site_or_first(query.get("site")),
        at=g.now,
        skus=[query["sku"]] if "sku" in query else None,
        ingredient=query.get("ingredient"),
        on=query.get("on"),
        after=last[0] if last else None,
        limit=query["limit"] + 1,
    )
    return listed(paging.cut(found, limit=query["limit"], key=lambda row: (row.sku,)))


class LotShape(Shape):
    """A lot: its label, its state, what is left of it and what that is worth."""

    id = fields.Integer()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    number = fields.String()
    expires_on = Day()
    state = one_word(LotState)
    received_on = Day()
    on_hand = Quantity()
    value = Cost(allow_none=True)


class LotQuery(PageQuery):
    """Which lots."""

    sku = Words(40)
    state = one_word(LotState)
    expiring_before = Day()
    site = Words(20)
    held = Flag(in_address=True)


def lot_row(key: int) -> LotRow:
    """A lot as the list shows it. Raises UnknownLot."""
    lot = lot_here(key)
    # The list is in the order of expiry and key, so the lot is the first one after the key before its own.
    (row,) = lot_list.lots(g.db, site_ids=where.only(), after=(lot.expires_on, lot.id - 1), limit=1)
    return row


def lot_here(key: int) -> Lot:
    """A lot of which one of the caller's sites ever held something. Raises UnknownLot, UnknownSite."""
    lot = lots.lot(g.db, key)
    if where.only() is not None:
        places = sa.select(PLACES.c.site_id).join(BALANCES, BALANCES.c.place_id == PLACES.c.id)
        where.of_any(g.db.scalars(places.where(BALANCES.c.lot_id == lot.id)))
    return lot


@blueprint.get("/lots")
@blueprint.arguments(LotQuery, location="query")
@blueprint.response(200, page_of(LotShape))
def list_lots(query: dict[str, Any]) -> Any:
    """List the lots, the soonest to expire first (S9)."""
    found = lot_list.lots(
        g.db,
        sku=query.get("sku"),
        state=query.get("state"),
        expiring_before=query.get("expiring_before"),
        site_ids=where.only() if "site" not in query else {site_or_first(query["site"]).id},
        held=query.get("held", False),
        after=paging.start(query["after"], date, int),
        limit=query["limit"] + 1,
    )
    return listed(paging.cut(found, limit=query["limit"], key=lambda row: (row.expires_on, row.id)))


@blueprint.get("/lots/<id:lot_id>")
@blueprint.response(200, LotShape)
def get_lot(lot_id: int) -> Any:
    """Show one lot."""
    return lot_row(lot_id)


class Reason(Shape):
    """Why."""

    reason = Words(500, required=True)


class ReceivedShape(Shape):
    """A session that received a lot."""

    id = fields.Integer(attribute="session_id")
    at = Moment()
    patient_ref = fields.String()
    quantity = Quantity()


class RecallShape(LotShape):
    """A recalled lot, and who received it."""

    sessions = fields.List(fields.Nested(ReceivedShape))
    patients = fields.List(fields.String())
    opened = fields.List(fields.Nested(lambda: OpenedShape()))


class OpenedShape(Shape):
    """A vial of the lot that is still open."""

    id = fields.Integer()
    opened_at = Moment()
    opened_by = fields.String()
    left = Quantity(attribute="remaining")
    discard_at = Moment()


class TraceReceiptShape(Shape):
    """A receipt of the lot."""

    id = fields.Integer()
    received_on = Day()
    containers = fields.Integer()
    quantity = Quantity()
    unit_cost = ContainerCost(allow_none=True)
    value = Cost(allow_none=True)


class TraceShape(Shape):
    """Where a lot came from and where it went."""

    lot = fields.Nested(LotShape)
    receipts = fields.List(fields.Nested(TraceReceiptShape))
    sessions = fields.List(fields.Nested(ReceivedShape))
    patients = fields.List(fields.String())
    opened = fields.List(fields.Nested(OpenedShape))
    on_hand = Quantity()


@blueprint.post("/lots/<id:lot_id>/quarantine")
@blueprint.arguments(Reason)
@blueprint.response(200, LotShape)
def quarantine(body: dict[str, Any], lot_id: int) -> Any:
    """Hold a lot back at every site until it is released (S10)."""
    holds.quarantine(g.db, lot_here(lot_id), at=g.now, by=g.caller.name, reason=body["reason"])
    return lot_row(lot_id)


@blueprint.post("/lots/<id:lot_id>/release")
@blueprint.arguments(Reason)
@blueprint.response(200, LotShape)
def release(body: dict[str, Any], lot_id: int) -> Any:
    """Let a quarantined lot be used again (S10)."""
    holds.release(g.db, lot_here(lot_id), at=g.now, by=g.caller.name, reason=body["reason"])
    return lot_row(lot_id)


@blueprint.post("/lots/<id:lot_id>/recall")
@blueprint.arguments(Reason)
@blueprint.response(200, RecallShape)
def recall(body: dict[str, Any], lot_id: int) -> Any:
    """Hold a lot back for good, and say which sessions and patients received it (S10)."""
    lot = holds.recall(g.db, lot_here(lot_id), at=g.now, by=g.caller.name, reason=body["reason"])
    row = lot_row(lot_id)
    return {name: getattr(row, name) for name in row.__slots__} | _who(tracing.trace(g.db, lot))


@blueprint.get("/lots/<id:lot_id>/trace")
@blueprint.response(200, TraceShape)
def get_trace(lot_id: int) -> Any:
    """Show where a lot came from and everyone who received it (S10)."""
    trace = tracing.trace(g.db, lot_here(lot_id))
    return {"lot": lot_row(lot_id), "receipts": trace.receipts, "on_hand": trace.on_hand} | _who(trace)


def _who(trace: Trace) -> dict[str, Any]:
    return {"sessions": trace.sessions, "patients": trace.patients, "opened": trace.opened}


class MovementShape(Shape):
    """A quantity of one lot from a place to a place."""

    id = fields.Integer()
    at = Moment()
    on = Day()
    sku = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    source = one_word(PlaceKind, attribute="source_kind")
    target = one_word(PlaceKind, attribute="target_kind")
    quantity = Quantity()
    value = Cost(allow_none=True)
    reason = fields.String(allow_none=True)
    by = fields.String()
    corrects = fields.Integer(allow_none=True)
    opened_vial = fields.Integer(attribute="vial_id", allow_none=True)
    document = fields.Integer(attribute="document_id")
    document_kind = fields.String()
    reference = fields.String()


class MovementQuery(PageQuery):
    """Which movements."""

    lot = Id(in_address=True)
    sku = Words(40)
    since = Day(data_key="from")
    until = Day(data_key="to")


def movement_row(key: int) -> MovementRow:
    """A movement as the list shows it; the list is in the order of the keys. Raises UnknownMovement."""
    where.of_movement(ledger.movement(g.db, key))
    (row,) = history.movements_page(g.db, after=key - 1, limit=1)
    return row


@blueprint.get("/movements")
@blueprint.arguments(MovementQuery, location="query")
@blueprint.response(200, page_of(MovementShape))
def list_movements(query: dict[str, Any]) -> Any:
    """List the movements in the order in which they were recorded (S8)."""
    last = paging.start(query["after"], int)
    found = history.movements_page(
        g.db,
        lot=lots.lot(g.db, query["lot"]).id if "lot" in query else None,
        sku=query.get("sku"),
        since=query.get("since"),
        until=query.get("until"),
        site_ids=where.only(),
        after=last[0] if last else None,
        limit=query["limit"] + 1,
    )
    return listed(paging.cut(found, limit=query["limit"], key=lambda row: (row.id,)))


@blueprint.get("/movements/<id:movement_id>")
@blueprint.response(200, MovementShape)
def get_movement(movement_id: int) -> Any:
    """Show one movement."""
    return movement_row(movement_id)
