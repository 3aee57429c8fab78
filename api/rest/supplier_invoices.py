"""JSON: what suppliers bill, beside what was received, and what awaits its bill (B1, C3)."""

from typing import Any

from flask import g
from marshmallow import ValidationError, fields

from api import paging
from api.paging import Page, PageQuery
from api.rest.calls import listed, made, noun, page_of, site_or_first
from api.rest.previews import DryRun
from api.schemas import ContainerCost, Cost, Day, Many, Moment, Money, Shape, UnitCost, Whole, Words
from inventory import bills, catalog, invoices, matching, receiving
from inventory.bills import Bill, Billed
from inventory.charges import Charges
from inventory.clinic import Site
from inventory.invoices import InvoiceView
from inventory.matching import Matched
from inventory.measures import ZERO
from pricing import reports

blueprint = noun("supplier-invoices", "Bills of suppliers")


class BilledLine(Shape):
    """So many containers of a receipt, or of an order's line, at a price each."""

    receipt = Whole(least=1, most=10**17)
    order_line = Whole(least=1, most=10**17)
    containers = Whole(most=receiving.MOST_CONTAINERS, required=True)
    unit_price = UnitCost(load_default=ZERO)


class NewInvoice(Shape):
    """A supplier's invoice; `tax` is what the clinic gets back, other taxes are part of `duty`."""

    supplier = Words(20, required=True)
    number = Words(bills.LONGEST_NUMBER, required=True)
    invoiced_on = Day()
    lines = Many(fields.Nested(BilledLine), least=1, most=bills.MOST_LINES, required=True)
    freight = Money(load_default=ZERO)
    duty = Money(load_default=ZERO)
    discount = Money(load_default=ZERO)
    tax = Money(load_default=ZERO)
    note = Words(500, shortest=0, load_default="")


class TakingBack(Shape):
    """Why an invoice is undone."""

    reason = Words(500, required=True)
    on = Day()


class InvoiceLineShape(Shape):
    """One line beside its receipt, in money; the difference went to stock and to price variance."""

    receipt = fields.Integer(attribute="receipt_id")
    received_on = Day()
    sku = fields.String()
    lot_number = fields.String()
    containers = fields.Integer()
    unit_price = ContainerCost(allow_none=True)
    unit_cost = ContainerCost(allow_none=True)
    amount = Cost(allow_none=True, signed=True)
    charges = Cost(allow_none=True, signed=True)
    cleared = Cost(allow_none=True, signed=True)
    difference = Cost(allow_none=True, signed=True)
    to_stock = Cost(allow_none=True, signed=True)
    to_variance = Cost(allow_none=True, signed=True)


class InvoiceShape(Shape):
    """An invoice, and what it did."""

    id = fields.Integer(allow_none=True)
    supplier = fields.String()
    number = fields.String()
    invoiced_on = Day()
    goods = Cost(allow_none=True, signed=True)
    freight = Cost(allow_none=True, signed=True)
    duty = Cost(allow_none=True, signed=True)
    discount = Cost(allow_none=True, signed=True)
    tax = Cost(allow_none=True, signed=True)
    total = Cost(allow_none=True, signed=True)
    cleared = Cost(allow_none=True, signed=True)
    to_stock = Cost(allow_none=True, signed=True)
    to_variance = Cost(allow_none=True, signed=True)
    taken_back = fields.Boolean()
    reverses = fields.Integer(allow_none=True)
    by = fields.String()
    recorded_at = Moment(allow_none=True)
    note = fields.String()
    lines = fields.List(fields.Nested(InvoiceLineShape))


class InvoiceQuery(PageQuery):
    """Whose invoices."""

    supplier = Words(20)


@blueprint.get("/supplier-invoices")
@blueprint.arguments(InvoiceQuery, location="query")
@blueprint.response(200, page_of(InvoiceShape))
def list_invoices(query: dict[str, Any]) -> Any:
    """List the bills on record, the newest first."""
    after = paging.start(query["after"], int)
    code = query.get("supplier")
    found = invoices.listing(
        g.db,
        supplier_id=catalog.supplier(g.db, code).id if code else None,
        before=None if after is None else after[0],
        limit=query["limit"] + 1,
    )
    page = paging.cut(found, limit=query["limit"], key=lambda one: (one.invoice.id,))
    return listed(Page([shown(one) for one in page.items], page.next))


@blueprint.get("/supplier-invoices/<id:invoice_id>")
@blueprint.response(200, InvoiceShape)
def get_invoice(invoice_id: int) -> Any:
    """Show one bill with its lines."""
    return shown(invoices.view(g.db, invoices.invoice(g.db, invoice_id)))


@blueprint.post("/supplier-invoices")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(NewInvoice)
@blueprint.alt_response(200, schema=InvoiceShape)
@blueprint.response(201, InvoiceShape)
def record_invoice(query: dict[str, Any], body: dict[str, Any]) -> Any:
    """Match a supplier's bill to what was received: it clears what awaited it, and the difference goes to
    stock that is still held, or to price variance (B1). With `dry_run` nothing is kept."""
    supplier = catalog.supplier(g.db, body["supplier"])
    lines = _billed(body["lines"])
    site = g.db.get_one(Site, lines[0].receipt.site_id)
    bill = Bill(
        number=body["number"],
        on=body.get("invoiced_on", site.day(g.now)),
        lines=lines,
        charges=Charges(body["freight"], body["duty"], body["discount"]),
        tax=body["tax"],
    )
    if query["dry_run"]:
        return foreseen(bill, matching.match(g.db, bill, supplier=supplier), supplier.code), 200
    found = matching.record(
        g.db, bill, supplier=supplier, site=site, at=g.now, by=g.caller.name, note=body["note"]
    )
    return made(shown(invoices.view(g.db, found)), f"/supplier-invoices/{found.id}")


@blueprint.post("/supplier-invoices/<id:invoice_id>/take-back")
@blueprint.arguments(TakingBack)
@blueprint.response(201, InvoiceShape)
def take_back(body: dict[str, Any], invoice_id: int) -> Any:
    """Undo a bill that was recorded by mistake; what it cleared awaits its bill again, its number is free."""
    site = site_or_first(None)
    subject = invoices.invoice(g.db, invoice_id)
    on = body.get("on", site.day(g.now))
    found = matching.take_back(
        g.db, subject, site=site, on=on, at=g.now, by=g.caller.name, reason=body["reason"]
    )
    return made(shown(invoices.view(g.db, found)), f"/supplier-invoices/{found.id}")


class AgeingQuery(Shape):
    """As of the end of which day, and of whom."""

    on = Day()
    supplier = Words(20)


class UninvoicedShape(Shape):
    """What one receipt still awaits of bills."""

    receipt = fields.Integer(attribute="receipt_id", allow_none=True)
    supplier = fields.String()
    on = Day()
    sku = fields.String()
    lot_number = fields.String()
    reference = fields.String()
    containers = fields.Integer()
    received = fields.Integer()
    unit_cost = ContainerCost(allow_none=True)
    value = Cost(allow_none=True, signed=True)
    days = fields.Integer()


class AgeingShape(Shape):
    """Goods received, not invoiced: the list, and what the account has; of one supplier only the list."""

    on = Day()
    items = fields.List(fields.Nested(UninvoicedShape))
    by_age = fields.List(
        Cost(allow_none=True, signed=True), metadata={"description": "0-30, 31-60, 61-90 days, older"}
    )
    total = Cost(allow_none=True, signed=True)
    account = Cost(allow_none=True, signed=True)
    difference = Cost(allow_none=True, signed=True)


@blueprint.get("/goods-received-not-invoiced")
@blueprint.arguments(AgeingQuery, location="query")
@blueprint.response(200, AgeingShape)
def get_ageing(query: dict[str, Any]) -> Any:
    """List what was received and not invoiced at the end of a day, with its age, beside its account (B1)."""
    on = query.get("on") or site_or_first(None).day(g.now)
    found = reports.reconcile_uninvoiced(g.db, on=on)
    rows = found.ageing.rows
    if code := query.get("supplier"):
        key = catalog.supplier(g.db, code).id
        ageing = type(found.ageing)(on, tuple(row for row in rows if row.supplier_id == key))
        return {"on": on, "items": ageing.rows, "by_age": ageing.by_age, "total": ageing.total}
    return {
        "on": on,
        "items": rows,
        "by_age": found.ageing.by_age,
        "total": found.ageing.total,
        "account": found.account,
        "difference": found.difference,
    }


def _billed(lines: list[dict[str, Any]]) -> list[Billed]:
    found: list[Billed] = []
    for place, line in enumerate(lines):
        keys = [name for name in ("receipt", "order_line") if name in line]
        if len(keys) != 1:
            words = "Name either a receipt or an order_line."
            raise ValidationError({"lines": {place: {"receipt": [words]}}})
        if "receipt" in line:
            receipt = receiving.receipt(g.db, line["receipt"])
            found.append(Billed(receipt, line["containers"], line["unit_price"]))
        else:
            found += bills.over_order_line(g.db, line["order_line"], line["containers"], line["unit_price"])
    return found


def shown(one: InvoiceView) -> dict[str, Any]:
    """An invoice with its lines."""
    names = ("id", "number", "goods", "freight", "duty", "discount", "tax", "total", "cleared")
    head = {name: getattr(one.invoice, name) for name in (*names, "to_stock", "to_variance")}
    told = {name: getattr(one, name) for name in ("supplier", "taken_back", "by", "recorded_at", "note")}
    return (
        head
        | told
        | {
            "invoiced_on": one.invoice.on,
            "reverses": one.invoice.reverses_id,
            "lines": one.lines,
        }
    )


def foreseen(bill: Bill, matched: Matched, supplier: str) -> dict[str, Any]:
    """What a bill would do."""
    sides = ("cleared", "to_stock", "to_variance")
    names = ("containers", "unit_price", "amount", "charges", "difference", *sides)
    sums = {name: getattr(matched, name) for name in ("goods", "total", *sides)}
    lines = []
    for line in matched.lines:
        item, lot = receiving.of(g.db, line.receipt)
        told = {"receipt_id": line.receipt.id, "received_on": line.receipt.received_on}
        told |= {"sku": item.sku, "lot_number": lot.number, "unit_cost": line.receipt.unit_cost}
        lines.append(told | {name: getattr(line, name) for name in names})
    return (
        sums
        | vars(bill.charges)
        | {
            "id": None,
            "supplier": supplier,
            "number": bill.number,
            "invoiced_on": bill.on,
            "tax": bill.tax,
            "taken_back": False,
            "lines": lines,
        }
    )
