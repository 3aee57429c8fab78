"""Pages: what is ordered from suppliers: drafted, changed, sent, waited for, closed (O3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Response, g, request
from marshmallow import fields

from api.schemas import Day, Money, Shape, Whole, Words, key_of
from api.web import forms, frame, shelves
from api.web.formats import number
from api.web.forms import Done, Form
from inventory import catalog, invoices, order_views, orders, purchasing, suppliers
from inventory.catalog import Item, Supplier
from inventory.clinic import Site
from inventory.invoices import BilledBy
from inventory.measures import ZERO, to_cents_half_up
from inventory.order_views import WAITING, OrderState, OrderView
from inventory.orders import PurchaseOrder
from inventory.purchasing import Wish

blueprint = frame.chapter("orders")

AT_ONCE = 40
BLANK = 3  # lines to fill in below those that stand
MOST_ROWS = purchasing.MOST_LINES + BLANK
STATES = {
    OrderState.DRAFT: ("draft", "plain", "pencil"),
    OrderState.SENT: ("sent", "later", "truck"),
    OrderState.PARTLY_RECEIVED: ("partly received", "warn", "package-open"),
    OrderState.CLOSED: ("closed", "good", "check"),
    OrderState.CANCELLED: ("cancelled", "plain", "ban"),
}
"""How a state is said, its colour and its picture."""


@dataclass(frozen=True)
class Row:
    """One order of the list."""

    order: OrderView
    state: tuple[str, str, str]
    open: int
    late: bool


class Sending(Shape):
    """The day on which the delivery is expected."""

    expected_on = Day(required=True)


class Why(Shape):
    """Why what is open will not come."""

    reason = Words(500, load_default="")


class Head(Shape):
    """What an order's lines are entered with."""

    version = Whole(most=10**17, in_address=True, load_default=0)
    supplier = Words(20, load_default="")
    note = Words(500, load_default="")


@blueprint.get("/orders")
def listing() -> Response:
    """The orders that wait, then the others, the newest first."""
    key = key_of(request.args.get("start", ""))
    sites = [site.id for site in frame.my_sites()]
    found = order_views.listing(g.db, site_ids=sites, before=key, limit=AT_ONCE + 1)
    rows = [_row(one) for one in order_views.views(g.db, found[:AT_ONCE])]
    waits = [row for row in rows if row.order.state in (OrderState.DRAFT, *WAITING)]
    return frame.page(
        "orders.html",
        waiting=waits,
        others=[row for row in rows if row not in waits],
        late=sum(1 for row in waits if row.late),
        drafts=sum(1 for row in waits if row.order.state is OrderState.DRAFT),
        next=found[AT_ONCE - 1].id if len(found) > AT_ONCE else None,
        start=key is not None,
        several=len(frame.my_sites()) > 1,
        may_order=frame.may("POST /orders/new"),
        currency=frame.currency(g.db),
    )


def _row(one: OrderView) -> Row:
    today = next(site for site in frame.my_sites() if site.id == one.site_id).day(g.now)
    late = one.late_since(today) is not None
    return Row(one, STATES[one.state], sum(line.open for line in one.lines), late)


@blueprint.get("/orders/<id:order_id>")
def order(order_id: int) -> Response:
    """One order: its lines, what came, its steps, and what can be done next."""
    subject, site = named(order_id)
    found = order_views.view(g.db, subject)
    supplier = g.db.get_one(Supplier, subject.supplier_id)
    here, currency = site == frame.here(), frame.currency(g.db)
    rate = suppliers.rates(g.db, currency=currency, on=site.day(g.now)).get(supplier.id)
    smallest = supplier.minimum_order if found.state is OrderState.DRAFT else ZERO
    return frame.page(
        "order.html",
        order=found,
        state=STATES[found.state],
        supplier=supplier,
        site=site,
        late=found.late_since(site.day(g.now)) is not None,
        open=sum(line.open for line in found.lines),
        came=sum(line.received for line in found.lines),
        ordered=sum(line.ordered for line in found.lines),
        below=max(ZERO, to_cents_half_up(smallest * rate) - found.total) if rate else ZERO,
        uncompared=smallest if rate is None else ZERO,
        draft=found.state is OrderState.DRAFT and frame.may("POST /orders/new"),
        waits=found.state in WAITING and frame.may("POST /receive"),
        untouched=found.state is OrderState.SENT,
        may_bill=frame.may("POST /books/bills/new"),
        bills=_bills(found) if frame.may("GET /books/bills/<id:invoice_id>") else {},
        here=here,
        currency=currency,
    )


def _bills(of: OrderView) -> dict[int, list[BilledBy]]:
    """The bills that stand over what came of an order, by receipt."""
    found: dict[int, list[BilledBy]] = {}
    for one in invoices.over(g.db, [came.id for came in of.receipts]):
        found.setdefault(one.receipt_id, []).append(one)
    return found


@blueprint.route("/orders/new", methods=["GET", "POST"])
def new() -> Response:
    """Draft an order to a supplier."""
    rows = _rows_sent() if request.method == "POST" else BLANK

    def view(form: Form) -> Response:
        return _edit_page(form, rows=rows, order=None, suppliers=shelves.suppliers(g.db))

    def do(body: dict[str, Any]) -> Done:
        found = purchasing.draft(
            g.db,
            _wishes(body, rows),
            site=frame.here(),
            supplier=catalog.supplier(g.db, body["supplier"]),
            at=g.now,
            by=g.caller.name,
            note=body["note"],
        )
        return Done(f"/orders/{found.id}", f"{found.number} is drafted: look it over, then send it.")

    first = {"supplier": request.args.get("supplier", "")[:20]}
    return forms.handle(_shape(rows), show=view, do=do, first=first)


@blueprint.route("/orders/<id:order_id>/edit", methods=["GET", "POST"])
def edit(order_id: int) -> Response:
    """Change the lines of a draft, unless somebody else did since they were read."""
    subject, _ = named(order_id)
    standing = order_views.view(g.db, subject)
    rows = _rows_sent() if request.method == "POST" else len(standing.lines) + BLANK

    def view(form: Form) -> Response:
        return _edit_page(form, rows=rows, order=standing, suppliers=())

    def do(body: dict[str, Any]) -> Done:
        now = purchasing.locked(g.db, subject)
        if body["version"] != now.version:
            theirs = ", ".join(f"{line.packs} × {line.sku}" for line in now.lines)
            changed = forms.Change("Lines", theirs, "as below")
            raise forms.Stale((changed,), version=now.version)
        found = purchasing.change(g.db, subject, _wishes(body, rows), at=g.now, by=g.caller.name)
        return Done(f"/orders/{found.id}", f"{found.number} is changed.")

    first = {"version": str(standing.version)}
    for place, line in enumerate(standing.lines):
        first |= {
            f"sku-{place}": line.sku,
            f"packs-{place}": str(line.packs),
            f"pack-{place}": str(line.pack_containers),
            f"price-{place}": f"{line.pack_price:.2f}",
        }
    return forms.handle(_shape(rows), show=view, do=do, first=first)


@blueprint.route("/orders/<id:order_id>/send", methods=["GET", "POST"])
def send(order_id: int) -> Response:
    """Record that an order was sent, and when its delivery is expected."""
    subject, _ = named(order_id)

    def do(body: dict[str, Any]) -> Done:
        found = purchasing.send(g.db, subject, at=g.now, by=g.caller.name, expected_on=body["expected_on"])
        return Done(f"/orders/{found.id}", f"{found.number} is on its way; its lines are fixed now.")

    first = {"expected_on": str(purchasing.expected_by(g.db, subject, at=g.now))}
    return forms.handle(Sending, show=_step_page(subject, "send"), do=do, first=first)


@blueprint.route("/orders/<id:order_id>/close", methods=["GET", "POST"])
def close(order_id: int) -> Response:
    """Close an order short: what has not come is cancelled."""
    subject, _ = named(order_id)

    def do(body: dict[str, Any]) -> Done:
        found = purchasing.close(g.db, subject, at=g.now, by=g.caller.name, reason=body["reason"])
        return Done(f"/orders/{found.id}", f"{found.number} is closed.")

    return forms.handle(Why, show=_step_page(subject, "close"), do=do)


@blueprint.route("/orders/<id:order_id>/cancel", methods=["GET", "POST"])
def cancel(order_id: int) -> Response:
    """Cancel an order of which nothing has come."""
    subject, _ = named(order_id)

    def do(body: dict[str, Any]) -> Done:
        found = purchasing.cancel(g.db, subject, at=g.now, by=g.caller.name, reason=body["reason"])
        return Done(f"/orders/{found.id}", f"{found.number} is cancelled.")

    return forms.handle(Why, show=_step_page(subject, "cancel"), do=do)


STEPS = {
    "send": (
        "Send the order",
        "Send the document to the supplier, then record it here: its lines are fixed from now on, and the "
        "reorder list counts on it.",
        "It was sent", "truck", False,
    ),
    "close": (
        "Close the order",
        "What has not come is cancelled, and the reorder list counts on it no more.",
        "Close it", "file-check", True,
    ),
    "cancel": (
        "Cancel the order", "Nothing of it has come, and nothing will.", "Cancel the order", "ban", True,
    ),
}  # fmt: skip
"""The title of each step, what it does, its button and picture, and whether it cannot be taken back."""


def _step_page(subject: PurchaseOrder, step: str) -> Callable[[Form], Response]:
    def view(form: Form) -> Response:
        found = order_views.view(g.db, subject)
        title, says, button, picture, danger = STEPS[step]
        left = [(line, number(line.open)) for line in found.lines if line.open > 0]
        return frame.page(
            "order_step.html",
            form=form,
            order=found,
            step=step,
            title=title,
            says=says,
            button=button,
            picture=picture,
            danger=danger,
            left=left,
        )

    return view


def named(order_id: int) -> tuple[PurchaseOrder, Site]:
    """An order of a site at which the visitor works. Raises UnknownOrder, UnknownSite."""
    subject = orders.order(g.db, order_id)
    return subject, frame.at_my_site(subject.site_id)


def _rows_sent() -> int:
    """How many lines a form had."""
    places = [name.partition("-")[2] for name in request.form if name.startswith("sku-")]
    known = [int(place) for place in places if place.isascii() and place.isdecimal() and len(place) < 4]
    return min(max(known, default=BLANK - 1) + 1, MOST_ROWS)


def _shape(rows: int) -> type[Shape]:
    """The fields of an order with so many lines; a line without an item is left out."""
    parts: dict[str, fields.Field[Any]] = {}
    for place in range(rows):
        parts |= {
            f"sku-{place}": Words(40),
            f"packs-{place}": Whole(least=1, most=purchasing.MOST_PACKS, in_address=True),
            f"pack-{place}": Whole(least=1, most=purchasing.MOST_PACKS, in_address=True),
            f"price-{place}": Money(),
        }
    return type("OrderForm", (Head,), parts)


def _wishes(body: Mapping[str, Any], rows: int) -> list[Wish]:
    """The lines that name an item. Raises UnknownItem."""
    return [
        Wish(
            catalog.item(g.db, body[f"sku-{place}"]),
            body.get(f"packs-{place}", 1),
            body.get(f"pack-{place}"),
            body.get(f"price-{place}"),
        )
        for place in range(rows)
        if f"sku-{place}" in body
    ]


def _edit_page(form: Form, *, rows: int, order: OrderView | None, suppliers: Any) -> Response:
    items = g.db.execute(sa.select(Item.sku, Item.name).where(Item.active).order_by(Item.name)).all()
    names = {sku: name for sku, name in items}
    lines = [(place, names.get(form.value(f"sku-{place}"), "")) for place in range(rows)]
    return frame.page(
        "order_edit.html",
        form=form,
        lines=lines,
        order=order,
        suppliers=suppliers,
        items=items,
        currency=frame.currency(g.db),
    )
