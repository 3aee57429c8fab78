"""JSON: what is ordered from suppliers, sent, received in parts, closed (O3)."""

from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, g, send_file
from marshmallow import ValidationError, fields

from api import conditions, paging, where
from api.paging import PageQuery
from api.rest import receiving as receipts
from api.rest.calls import listed, made, noun, page_of, site_or_first, tagged
from api.rest.scans import MOST_LABELS, Label
from api.schemas import ContainerCost, Cost, Day, Many, Moment, Money, Shape, UnitCost, Whole, Words, one_word
from inventory import boxes, catalog, clinic, order_views, orders, purchasing, receiving, reordering, scanning
from inventory.catalog import Supplier
from inventory.charges import Charges
from inventory.measures import ZERO
from inventory.order_views import OrderState, OrderView
from inventory.orders import OrderStep, PurchaseOrder
from inventory.purchasing import Wish
from inventory.receiving import Delivery

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
blueprint = noun("purchase-orders", "Ordering from suppliers")


class WishShape(Shape):
    """So many packs of an item; pack and price are the supplier's offer in force unless they are said."""

    sku = Words(40, required=True)
    packs = Whole(least=1, most=purchasing.MOST_PACKS, required=True)
    pack_containers = Whole(least=1, most=purchasing.MOST_PACKS, load_default=None, allow_none=True)
    pack_price = Money(load_default=None, allow_none=True)


class OrderChange(Shape):
    """The lines that stand from now on."""

    lines = Many(fields.Nested(WishShape), least=1, most=purchasing.MOST_LINES, required=True)


class NewOrder(OrderChange):
    """An order of a site to a supplier; without lines it is what the advice names of it now."""

    lines = Many(fields.Nested(WishShape), least=1, most=purchasing.MOST_LINES)
    supplier = Words(20, required=True)
    site = Words(20)
    note = Words(500, shortest=0, load_default="")


class Sending(Shape):
    """When the delivery is expected; without a day when the slowest offer would come."""

    expected_on = Day(allow_none=True, load_default=None)


class Why(Shape):
    """Why what is open will not come."""

    reason = Words(500, shortest=0, load_default="")


class BoxCame(Shape):
    """Containers of one lot: by its labels, by hand, or what the labels leave out by hand.

    The cost of a container is the order's unless it is said; `reason` says why a surplus is kept.
    """

    labels = Many(Label(), least=1, most=MOST_LABELS)
    sku = Words(40)
    lot_number = Words(20)
    expires_on = Day()
    produced_on = Day()
    containers = Whole(least=1, most=receiving.MOST_CONTAINERS)
    unit_cost = UnitCost()
    reason = Words(500, shortest=0, load_default="")


class DeliveryCame(Shape):
    """What came of an order."""

    lines = Many(fields.Nested(BoxCame), least=1, most=purchasing.MOST_LINES, required=True)
    document = Words(80, shortest=0, load_default="")
    received_on = Day()
    freight = Money(load_default=ZERO)
    duty = Money(load_default=ZERO)
    discount = Money(load_default=ZERO)


class OrderLineShape(Shape):
    """One line, counted in containers: ordered = received + open + cancelled."""

    id = fields.Integer()
    sku = fields.String()
    name = fields.String()
    packs = fields.Integer()
    pack_containers = fields.Integer()
    pack_price = Cost(allow_none=True)
    price = Cost(allow_none=True)
    unit_cost = ContainerCost(attribute="container_cost", allow_none=True)
    ordered = fields.Integer()
    received = fields.Integer()
    open = fields.Integer()
    cancelled = fields.Integer()
    extra = fields.Integer(metadata={"description": "Came beyond what was ordered"})


class OrderEventShape(Shape):
    """One step of an order."""

    step = one_word(OrderStep)
    on = Day()
    at = Moment()
    by = fields.String()
    reason = fields.String()


class CameInShape(Shape):
    """One receipt of an order."""

    id = fields.Integer()
    sku = fields.String()
    lot_id = fields.Integer()
    lot = fields.String()
    received_on = Day()
    containers = fields.Integer(metadata={"description": "That were waited for"})
    extra = fields.Integer()
    reason = fields.String()
    reversed = fields.Boolean()


class OrderShape(Shape):
    """An order as it stands."""

    id = fields.Integer()
    number = fields.String()
    site = fields.String()
    supplier = fields.String()
    supplier_name = fields.String()
    state = one_word(OrderState)
    note = fields.String()
    total = Cost(allow_none=True)
    sent_on = Day(allow_none=True)
    expected_on = Day(allow_none=True)
    lines = fields.List(fields.Nested(OrderLineShape))
    events = fields.List(fields.Nested(OrderEventShape))
    receipts = fields.List(fields.Nested(CameInShape))


class ArrivedShape(OrderShape):
    """The order after a delivery, what was received, and what should be looked at."""

    received = fields.List(fields.Nested(receipts.ReceiptShape))
    warnings = fields.List(fields.String())


@blueprint.get("/purchase-orders")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(OrderShape))
def list_orders(query: dict[str, Any]) -> Any:
    """List the orders of your sites, the newest first."""
    last = paging.start(query["after"], int)
    found = order_views.listing(
        g.db,
        site_ids=[site.id for site in where.mine()],
        before=last[0] if last else None,
        limit=query["limit"] + 1,
    )
    page = paging.cut(found, limit=query["limit"], key=lambda order: (order.id,))
    return listed(paging.Page(order_views.views(g.db, page.items), page.next))


@blueprint.post("/purchase-orders")
@blueprint.arguments(NewOrder)
@blueprint.response(201, OrderShape)
def draft(body: dict[str, Any]) -> Any:
    """Draft an order, from the reorder advice or otherwise."""
    site, supplier = site_or_first(body.get("site")), catalog.supplier(g.db, body["supplier"])
    asked = {"site": site, "supplier": supplier, "on": site.day(g.now), "others": where.mine()}
    advised = () if "lines" in body else reordering.wishes(g.db, **asked)
    found = purchasing.draft(
        g.db,
        advised or wishes(body),
        site=site,
        supplier=supplier,
        at=g.now,
        by=g.caller.name,
        note=body["note"],
    )
    answer, headers = tagged(found, tag(found))
    return answer, headers | made(answer, f"/purchase-orders/{found.id}")[1]


@blueprint.get("/purchase-orders/<id:order_id>")
@blueprint.response(200, OrderShape)
def get_order(order_id: int) -> Any:
    """Show one order with its steps and what came of it."""
    found = order_views.view(g.db, named(order_id))
    return tagged(found, tag(found))


@blueprint.get("/purchase-orders/<id:order_id>/order.pdf")
@blueprint.response(200, content_type="application/pdf")
def get_order_document(order_id: int) -> Any:
    """The order as a document for the supplier."""
    from api import order_document  # most requests need no documents

    subject = named(order_id)
    document = order_document.pdf(
        g.db,
        order_views.view(g.db, subject),
        site=where.of(subject.site_id),
        supplier=g.db.get_one(Supplier, subject.supplier_id),
    )
    return Response(document, mimetype="application/pdf")


@blueprint.get("/purchase-orders/<id:order_id>/order.xlsx")
@blueprint.response(200, {"type": "string", "contentMediaType": XLSX}, content_type=XLSX)
def get_order_sheet(order_id: int) -> Any:
    """The order as a sheet for the supplier."""
    from api import order_lines_sheet  # most requests need no spreadsheets

    subject, settings = named(order_id), clinic.settings(g.db)
    found, site = order_views.view(g.db, subject), where.of(subject.site_id)
    file = SpooledTemporaryFile(max_size=2**20)  # noqa: SIM115  (closed when it was sent)
    order_lines_sheet.write(file, found, clinic=settings.clinic_name, site=site, currency=settings.currency)
    file.seek(0)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=f"{found.number}.xlsx", max_age=0)


@blueprint.put("/purchase-orders/<id:order_id>")
@blueprint.arguments(OrderChange)
@blueprint.response(200, OrderShape)
def change(body: dict[str, Any], order_id: int) -> Any:
    """Put other lines in place of a draft's that was read before (`If-Match`)."""
    subject = named(order_id)
    conditions.require_match(tag(purchasing.locked(g.db, subject)))
    found = purchasing.change(g.db, subject, wishes(body), at=g.now, by=g.caller.name)
    return tagged(found, tag(found))


@blueprint.post("/purchase-orders/<id:order_id>/send")
@blueprint.arguments(Sending)
@blueprint.response(200, OrderShape)
def send(body: dict[str, Any], order_id: int) -> Any:
    """Record that the order was sent: its lines are fixed, and its delivery is expected."""
    return purchasing.send(g.db, named(order_id), at=g.now, by=g.caller.name, expected_on=body["expected_on"])


@blueprint.post("/purchase-orders/<id:order_id>/receive")
@blueprint.arguments(DeliveryCame)
@blueprint.response(201, ArrivedShape)
def receive(body: dict[str, Any], order_id: int) -> Any:
    """Receive a delivery against the order; what is missing stays open as its back order."""
    subject = named(order_id)
    site = where.of(subject.site_id)
    standing = order_views.view(g.db, subject)
    arrived = purchasing.receive(
        g.db,
        subject,
        [delivery(line, standing, place, body["document"]) for place, line in enumerate(body["lines"])],
        received_on=body.get("received_on", site.day(g.now)),
        recorded_at=g.now,
        by=g.caller.name,
        charges=Charges(body["freight"], body["duty"], body["discount"]),
    )
    order = {name: getattr(arrived.order, name) for name in OrderShape().fields}
    return order | {
        "received": [receipts.shown(one.receipt, one.warnings) for one in arrived.received],
        "warnings": [warning for one in arrived.received for warning in one.warnings],
    }


@blueprint.post("/purchase-orders/<id:order_id>/close")
@blueprint.arguments(Why)
@blueprint.response(200, OrderShape)
def close(body: dict[str, Any], order_id: int) -> Any:
    """Close the order: what has not come is cancelled, for a reason."""
    return purchasing.close(g.db, named(order_id), at=g.now, by=g.caller.name, reason=body["reason"])


@blueprint.post("/purchase-orders/<id:order_id>/cancel")
@blueprint.arguments(Why)
@blueprint.response(200, OrderShape)
def cancel(body: dict[str, Any], order_id: int) -> Any:
    """Cancel an order of which nothing has come, for a reason."""
    return purchasing.cancel(g.db, named(order_id), at=g.now, by=g.caller.name, reason=body["reason"])


def named(order_id: int) -> PurchaseOrder:
    """The order, if it is of a site at which the caller works."""
    subject = orders.order(g.db, order_id)
    where.of(subject.site_id)
    return subject


def tag(order: OrderView) -> str:
    """The name of the version that was read."""
    return conditions.tag("purchase order", order.id, order.version)


def wishes(body: dict[str, Any]) -> list[Wish]:
    """The lines that are asked for."""
    return [Wish(catalog.item(g.db, line.pop("sku")), **line) for line in body["lines"]]


def delivery(line: dict[str, Any], of: OrderView, place: int, document: str) -> Delivery:
    """A delivered line: what its labels say and what is said beside them, which must agree."""
    told = by_labels(line["labels"]) if "labels" in line else {}
    found = told | {name: line[name] for name in line if name not in ("labels", "reason")}
    odd = [name for name in told if name in line and line[name] != told[name] and name != "containers"]
    missing = [name for name in ("sku", "lot_number", "expires_on", "containers") if name not in found]
    if odd or missing:
        wrong = {name: [f"The labels say {told[name]}."] for name in odd}
        wrong |= {name: ["Missing data for required field."] for name in missing}
        raise ValidationError({"lines": {place: wrong}})
    item = catalog.item(g.db, found["sku"])
    asked = of.line(item.id)
    cost: Decimal | None = found.get("unit_cost", None if asked is None else asked.container_cost)
    if cost is None:
        raise ValidationError(
            {"lines": {place: {"unit_cost": ["It is not on the order: say what it cost."]}}}
        )
    return Delivery(
        item,
        found["lot_number"],
        found["expires_on"],
        found["containers"],
        cost,
        document=document,
        produced_on=found.get("produced_on"),
        reason=line["reason"],
    )


def by_labels(labels: list[str]) -> dict[str, Any]:
    """What the labels of one box say of a line. Raises UnreadableLabel."""
    scan = boxes.whole([scanning.read(label, on=g.now.date()) for label in labels])
    item, containers = scanning.find(g.db, scan) or (None, None)
    told = {
        "sku": item and item.sku,
        "lot_number": scan.lot,
        "expires_on": scan.expires_on,
        "produced_on": scan.produced_on,
        "containers": containers,
    }
    return {name: value for name, value in told.items() if value is not None}
