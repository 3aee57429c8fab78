"""Pages: what awaits its bill, and bills matched to what was received, with their difference (B1, C3)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, g, request
from marshmallow import fields

from api.schemas import LATEST, Day, Money, Shape, UnitCost, Whole, Words, key_of
from api.web import books, forms, frame, order_pages, shelves
from api.web.forms import Done, Form
from inventory import bills, catalog, invoices, matching, order_views, receiving, uninvoiced
from inventory.bills import Bill, Billed
from inventory.catalog import Supplier
from inventory.charges import Charges
from inventory.clinic import Site
from inventory.errors import Conflict
from inventory.matching import Matched
from inventory.measures import ZERO, plain
from inventory.uninvoiced import Brought, Uninvoiced
from pricing import reports

blueprint = frame.chapter("purchases")

AT_ONCE = 20
MOST_LINES = 100
LOOKED_BACK, MOST_BROUGHT = timedelta(days=62), 60  # days and deliveries that a carrier's bill may be for
AGES = ("up to 30 days", "31 to 60 days", "61 to 90 days", "more than 90 days")


class NothingAwaited(Conflict):
    """A bill is matched to what was received and not invoiced."""


class Head(Shape):
    """What stands on a bill above and below its lines."""

    number = Words(bills.LONGEST_NUMBER, required=True)
    invoiced_on = Day(required=True)
    freight = Money(load_default=ZERO)
    duty = Money(load_default=ZERO)
    discount = Money(load_default=ZERO)
    tax = Money(load_default=ZERO)
    note = Words(500, load_default="")
    look = fields.String()


class TakingBack(Shape):
    """Why a bill is undone."""

    on = Day(required=True)
    reason = Words(500, required=True)


@blueprint.get("/books/purchases")
def awaited() -> Response:
    """What was received and not invoiced at the end of a day, by its age, and the latest bills."""
    span, start = books.asked(), books.whole("start")
    on = books.day_asked() or span.until
    found = reports.reconcile_uninvoiced(g.db, on=on)
    rows = found.ageing.rows
    before = books.whole("before")
    listed = invoices.listing(g.db, before=before or None, limit=AT_ONCE + 1)
    return books.show(
        "books_purchases.html",
        span,
        on=on,
        rows=rows[start : start + books.PAGE],
        found=found,
        ages=list(zip(AGES, found.ageing.by_age, strict=True)),
        age_of=AGES,
        bills=listed[:AT_ONCE],
        older=listed[AT_ONCE - 1].invoice.id if len(listed) > AT_ONCE else 0,
        suppliers=shelves.suppliers(g.db),
        **books.paged(rows, start),
    )


@blueprint.get("/books/bills/<id:invoice_id>")
def bill(invoice_id: int) -> Response:
    """One bill: its lines beside their receipts, and where the difference went."""
    found = invoices.view(g.db, invoices.invoice(g.db, invoice_id))
    return frame.page("bill.html", one=found, head=found.invoice, currency=frame.currency(g.db))


@blueprint.route("/books/bills/new", methods=["GET", "POST"])
def match() -> Response:
    """Match a supplier's bill to what was received: look at the difference first, then record it.

    From an order only what came of it is filled in, and stands first: the rest has bills of its own.
    """
    asked_for = request.form if request.method == "POST" else request.args
    if "carrier" in asked_for:
        return _carried(_supplier(asked_for.get("supplier", "")[:20]))
    supplier = _supplier(asked_for.get("supplier", "")[:20])
    today = frame.here().day(g.now)
    rows, of = _waiting(supplier), asked_for.get("order", "")
    mine = {row.receipt_id for row in rows}
    key = key_of(of)
    if key is not None:
        order = order_views.view(g.db, order_pages.named(key)[0])
        mine = {one.id for one in order.receipts}
        rows = tuple(sorted(rows, key=lambda row: row.receipt_id not in mine))

    show = _shown("bill_match.html", supplier, rows)

    def do(body: dict[str, Any]) -> Done | Response:
        return _recorded(body, _billed(body, rows), supplier, show)

    first = {"supplier": supplier.code, "order": of, "invoiced_on": str(today)}
    for row in rows:
        first[f"containers-{row.receipt_id}"] = str(row.containers) if row.receipt_id in mine else ""
        first[f"price-{row.receipt_id}"] = plain(row.unit_cost)
    return forms.handle(_shape(rows), show=show, do=do, first=first)


@blueprint.route("/books/bills/<id:invoice_id>/take-back", methods=["GET", "POST"])
def take_back(invoice_id: int) -> Response:
    """Undo a bill that was recorded by mistake: what it cleared awaits its bill again."""
    subject = invoices.invoice(g.db, invoice_id)
    found = invoices.view(g.db, subject)
    site = frame.here()

    def show(form: Form) -> Response:
        return frame.page(
            "bill_take_back.html", form=form, one=found, head=found.invoice, currency=frame.currency(g.db)
        )

    def do(body: dict[str, Any]) -> Done:
        how = {"on": body["on"], "at": g.now, "by": g.caller.name, "reason": body["reason"]}
        made = matching.take_back(g.db, subject, site=site, **how)
        return Done(f"/books/bills/{made.id}", f"Invoice {subject.number} is taken back.")

    return forms.handle(TakingBack, show=show, do=do, first={"on": str(site.day(g.now))})


def _supplier(code: str) -> Supplier:
    return catalog.supplier(g.db, code or next((one for one, _ in shelves.suppliers(g.db)), ""))


def _carried(supplier: Supplier) -> Response:
    """Share a carrier's bill over what it brought, whoever sold that: it has no goods of its own (C3)."""
    today = frame.here().day(g.now)
    rows = uninvoiced.brought(g.db, since=today - LOOKED_BACK, limit=MOST_BROUGHT)
    ticks: dict[str, fields.Field[Any]] = {f"brought-{row.receipt_id}": fields.String() for row in rows}
    parts = {"supplier": Words(20, required=True), "carrier": fields.String(), **ticks}

    show = _shown("bill_carried.html", supplier, rows)

    def do(body: dict[str, Any]) -> Done | Response:
        lines = [
            Billed(receiving.receipt(g.db, row.receipt_id), 0)
            for row in rows
            if body.get(f"brought-{row.receipt_id}")
        ]
        if not lines:
            raise NothingAwaited("Tick at least one delivery that the bill is for.")
        return _recorded(body, lines, supplier, show)

    first = {"supplier": supplier.code, "carrier": "1", "invoiced_on": str(today)}
    return forms.handle(type("CarrierForm", (Head,), parts), show=show, do=do, first=first)


def _waiting(supplier: Supplier) -> tuple[Uninvoiced, ...]:
    """What of a supplier awaits its bill now, the oldest first; what came from nobody known may be its."""
    every = uninvoiced.ageing(g.db, on=LATEST).rows
    mine = [row for row in every if row.supplier_id in (supplier.id, None) and row.receipt_id]
    return tuple(row for row in mine if row.containers > 0)[:MOST_LINES]


def _shown(
    template: str, supplier: Supplier, rows: tuple[Uninvoiced, ...] | tuple[Brought, ...]
) -> Callable[..., Response]:
    """The page of a bill with what it may be for, and how it is matched once that was tried."""

    def show(form: Form, matched: Matched | None = None) -> Response:
        return frame.page(
            template,
            form=form,
            supplier=supplier,
            rows=rows,
            matched=matched,
            matched_lines=_beside(matched, rows),
            currency=frame.currency(g.db),
        )

    return show


def _beside(
    matched: Matched | None, rows: tuple[Uninvoiced, ...] | tuple[Brought, ...]
) -> list[dict[str, Any]]:
    """The lines of a match with the names of what was received."""
    known = {row.receipt_id: row for row in rows}
    names = ("containers", "unit_price", "amount", "charges", "cleared", "difference", "to_stock")
    return [
        {name: getattr(line, name) for name in (*names, "to_variance")}
        | {name: getattr(known[line.receipt.id], name) for name in ("sku", "name", "lot_number")}
        | {"received_on": line.receipt.received_on}
        for line in (matched.lines if matched else ())
    ]


def _shape(rows: tuple[Uninvoiced, ...]) -> type[Shape]:
    """The fields of a bill with a line for each receipt; one without containers is not on it."""
    parts: dict[str, fields.Field[Any]] = {"supplier": Words(20, required=True), "order": fields.String()}
    for row in rows:
        parts |= {
            f"containers-{row.receipt_id}": Whole(most=receiving.MOST_CONTAINERS, in_address=True),
            f"price-{row.receipt_id}": UnitCost(),
        }
    return type("BillForm", (Head,), parts)


def _billed(body: dict[str, Any], rows: tuple[Uninvoiced, ...]) -> list[Billed]:
    """The lines of the bill that a form describes. Raises NothingAwaited."""
    lines = [
        Billed(
            receiving.receipt(g.db, row.receipt_id or 0),
            body[f"containers-{row.receipt_id}"],
            body.get(f"price-{row.receipt_id}", ZERO),
        )
        for row in rows
        if body.get(f"containers-{row.receipt_id}")
    ]
    if not lines:
        raise NothingAwaited("Say of at least one delivery how many containers the bill is for.")
    return lines


def _recorded(
    body: dict[str, Any], lines: list[Billed], supplier: Supplier, show: Callable[[Form, Matched], Response]
) -> Done | Response:
    """Record the bill that a form describes; only show what it would do, where that is asked."""
    charges = Charges(body["freight"], body["duty"], body["discount"])
    asked = Bill(body["number"], body["invoiced_on"], lines, charges, body["tax"])
    if "look" in body:
        g.asked = None  # nothing is done yet: the form's key is for the bill
        matched = matching.match(g.db, asked, supplier=supplier)
        form = Form(forms.typed(), key=request.form.get(forms.KEY, ""), action=request.path)
        return forms.again(lambda form: show(form, matched), form, 200)
    site = g.db.get_one(Site, lines[0].receipt.site_id)
    made = matching.record(
        g.db, asked, supplier=supplier, site=site, at=g.now, by=g.caller.name, note=body["note"]
    )
    return Done(f"/books/bills/{made.id}", f"Invoice {made.number} of {supplier.name} is recorded.")
