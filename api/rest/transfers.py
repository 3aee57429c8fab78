"""JSON: stock goes from site to site, and is received, or taken back."""

from typing import Any

from flask import g
from marshmallow import fields

from api import auth, paging, where
from api.auth import STOCKROOM
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, site_or_first
from api.rest.places import LoadShape, loads_of
from api.schemas import Day, Flag, Id, Many, Moment, Quantity, Shape, Words, one_word
from inventory import clinic, lots, on_the_way, transfers
from inventory.ledger import WasteReason
from inventory.lots import LotState
from inventory.moving import MOST_LINES
from inventory.on_the_way import Standing, TransferView
from inventory.places import LONGEST_CODE
from inventory.transfers import Arrival, Transfer

blueprint = noun("transfers", "Transfers between sites")


class NewTransfer(Shape):
    """Sealed containers to send from one site to another."""

    site = Words(20)
    target = Words(20, required=True)
    lines = Many(fields.Nested(LoadShape), least=1, most=MOST_LINES, required=True)
    note = Words(500, shortest=0, lines=True, load_default="")
    at = Moment()


class TransferLineShape(Shape):
    """One lot of a transfer: what was sent, and what became of it."""

    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    expires_on = Day()
    state = one_word(LotState)
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    content = Quantity()
    sent = Quantity()
    left = Quantity()
    received = Quantity()
    missing = Quantity()
    held = Quantity()
    returned = Quantity()


class TransferShape(Shape):
    """A transfer: from where to where, how far it has come, and lot by lot what is left on the way."""

    id = fields.Integer()
    document = fields.Integer(attribute="document_id")
    site = fields.String(attribute="source")
    target = fields.String()
    sent_at = Moment()
    sent_on = Day()
    by = fields.String()
    note = fields.String()
    state = one_word(Standing, attribute="standing")
    lines = fields.List(fields.Nested(TransferLineShape))


class TransferQuery(PageQuery):
    """Which transfers: those from or to a site, and only those on the way."""

    site = Words(20)
    open = Flag(in_address=True, load_default=False)


class ArrivalShape(Shape):
    """What came of one lot, and what did not, with the reason."""

    lot = Id(required=True)
    received = Quantity(required=True)
    missing = Quantity()
    reason = one_word(WasteReason)
    place = Words(LONGEST_CODE, load_default="")


class NewArrival(Shape):
    """What arrived of a transfer; without lines, all that is on the way."""

    lines = Many(fields.Nested(ArrivalShape), least=1, most=MOST_LINES)
    note = Words(500, shortest=0, lines=True, load_default="")
    at = Moment()


class Cancelling(Shape):
    """Why a transfer comes back."""

    reason = Words(500, required=True)
    at = Moment()


def viewed(key: int) -> TransferView:
    """A transfer as people see it."""
    (found,) = on_the_way.views(g.db, [key])
    return found


def seen(key: int) -> Transfer:
    """A transfer from or to one of the caller's sites. Raises UnknownTransfer, UnknownSite."""
    found = transfers.transfer(g.db, key)
    where.of_any([found.from_site_id, found.to_site_id])
    return found


@blueprint.get("/transfers")
@blueprint.arguments(TransferQuery, location="query")
@blueprint.response(200, page_of(TransferShape))
def list_transfers(query: dict[str, Any]) -> Any:
    """List the transfers from and to the caller's sites, the latest first."""
    last = paging.start(query["after"], int)
    site = where.named(query["site"]) if "site" in query else None
    found = on_the_way.page(
        g.db,
        site_ids=where.only() if site is None else {site.id},
        open_only=query["open"],
        after=last[0] if last else None,
        limit=query["limit"] + 1,
    )
    return listed(paging.cut(found, limit=query["limit"], key=lambda row: (row.id,)))


@blueprint.post("/transfers")
@blueprint.arguments(NewTransfer)
@blueprint.response(201, TransferShape)
def send(body: dict[str, Any]) -> Any:
    """Send sealed containers to another site (S8); whoever sends works at the site they leave."""
    site = site_or_first(body.get("site"))
    sent = transfers.send(
        g.db,
        loads_of(body["lines"], site),
        source=site,
        target=clinic.site(g.db, body["target"]),
        at=body.get("at", g.now),
        recorded_at=g.now,
        by=g.caller.name,
        note=body["note"],
    )
    return made(viewed(sent.id), f"/transfers/{sent.id}")


@blueprint.get("/transfers/<id:transfer_id>")
@blueprint.response(200, TransferShape)
def get_transfer(transfer_id: int) -> Any:
    """Show one transfer."""
    return viewed(seen(transfer_id).id)


@blueprint.post("/transfers/<id:transfer_id>/receive")
@blueprint.arguments(NewArrival)
@blueprint.response(200, TransferShape)
def receive(body: dict[str, Any], transfer_id: int) -> Any:
    """Receive what arrived; what is missing is written off with its reason, the rest stays on the way."""
    subject = seen(transfer_id)
    where.of(subject.to_site_id)
    lines = body.get("lines")
    if lines is None:
        arrivals = [
            Arrival(lots.lot(g.db, line.lot_id), line.left) for line in viewed(subject.id).lines if line.left
        ]
    else:
        arrivals = [Arrival(**(line | {"lot": lots.lot(g.db, line["lot"])})) for line in lines]
    if any(arrival.missing for arrival in arrivals):
        auth.require(g.caller, STOCKROOM, "Writing off what did not arrive")
    transfers.receive(
        g.db,
        subject,
        arrivals,
        at=body.get("at", g.now),
        recorded_at=g.now,
        by=g.caller.name,
        note=body["note"],
    )
    return viewed(subject.id)


@blueprint.post("/transfers/<id:transfer_id>/cancel")
@blueprint.arguments(Cancelling)
@blueprint.response(200, TransferShape)
def cancel(body: dict[str, Any], transfer_id: int) -> Any:
    """Take back what is on the way, to the shelves that it left."""
    subject = seen(transfer_id)
    where.of(subject.from_site_id)
    at = body.get("at", g.now)
    transfers.cancel(g.db, subject, at=at, recorded_at=g.now, by=g.caller.name, reason=body["reason"])
    return viewed(subject.id)
