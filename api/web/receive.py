"""Page: receive a delivery by scanning its boxes; every scan is kept when it is read, and none is lost.

It is one plain form: the scan field's button keeps a scan, the last button receives all lines or none. With
a script the scans go one after the other in the background, and wait in the browser while the net is away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa
from flask import Response, g, redirect, request
from marshmallow import ValidationError

from api import errors
from api.schemas import Day, Shape, UnitCost, Whole, Words
from api.web import drafts, formats, forms, frame, scans, shelves
from api.web.forms import Done, Form
from api.web.scans import Line
from inventory import catalog, receiving
from inventory.catalog import Item, Replacement
from inventory.clinic import Site
from inventory.errors import Refusal
from inventory.measures import plain
from inventory.receiving import Delivery

blueprint = frame.chapter("receive")

FIELDS = ("sku", "lot_number", "expires_on", "containers", "unit_cost")
FOUR = Decimal("0.0001")


class LineShape(Shape):
    """One line: so many containers of one lot."""

    sku = Words(40, required=True)
    lot_number = Words(20, required=True)
    expires_on = Day(required=True)
    containers = Whole(least=1, most=receiving.MOST_CONTAINERS, in_address=True, required=True)
    unit_cost = UnitCost(required=True)


class Papers(Shape):
    """What is the same for every line of a delivery."""

    supplier = Words(20)
    document = Words(80)
    received_on = Day(required=True)


@dataclass(frozen=True)
class LineView:
    """A line ready to show: what the labels say of it, and what is still to be typed."""

    id: int
    title: str
    detail: str
    problem: str
    doubts: Sequence[str]
    known: bool
    was: str
    cost_hint: str


class NothingToReceive(forms.Invalid):
    """There is no line."""


@blueprint.route("/receive", methods=["GET", "POST"])
def receive() -> Response:
    """Show the delivery so far; keep a scan, put a line aside, or receive them all."""
    site = frame.here()
    if request.method == "GET":
        return _show(site, forms.opened({"received_on": str(site.day(g.now))}))
    typed, what = forms.typed(), request.form.get("do", "receive")
    if what == "receive":
        return _receive(site, typed)
    g.asked = None  # the form is still being filled in: its key is for the delivery
    if what.startswith("remove-"):
        gone = [line for line in _lines(site) if f"remove-{line.id}" == what]
        scans.put_aside(g.db, [key for line in gone for key in line.scan_ids], person_id=g.visitor.person_id)
    else:
        data = "" if what == "add" else request.form.get("data", "")
        if data or what == "add":
            key = request.form.get("scan_key") or forms.new_key()
            scans.add(g.db, person_id=g.visitor.person_id, site_id=site.id, key=key, data=data, at=g.now)
    kept = {name: text for name, text in typed.items() if name not in ("do", "data", "scan_key")}
    if request.headers.get("X-Scan"):
        form = Form(kept, key=request.form.get(forms.KEY, ""), action="/receive")
        return _show(site, form, template="_lines.html")
    packed = drafts.unpack(drafts.pack(kept | {forms.KEY: request.form.get(forms.KEY, "")}))
    address = drafts.keep(g.db, packed, person_id=g.visitor.person_id, path="/receive", at=g.now)
    return redirect(f"{address}&added=1", 303)  # type: ignore[return-value]


def _lines(site: Site) -> list[Line]:
    rows = scans.waiting(g.db, person_id=g.visitor.person_id, site_id=site.id)
    return scans.lines(g.db, rows, on=site.day(g.now))


def _show(site: Site, form: Form, *, template: str = "receive.html") -> Response:
    lines = _lines(site)
    items = [line.item.id for line in lines if line.item is not None]
    offers = catalog.replacements(g.db, items, on=site.day(g.now))
    views = [_view(line, form, offers) for line in lines]
    return frame.page(
        template,
        form=form,
        lines=views,
        readable=sum(1 for view in views if not view.problem),
        scan_key=forms.new_key(),
        suppliers=shelves.suppliers(g.db) if template == "receive.html" else (),
        items=_items() if lines and any(not view.known for view in views) else (),
        site=site,
        currency=frame.currency(g.db),
    )


def _items() -> Sequence[Any]:
    """What can be received, for the list beside the item field."""
    return g.db.execute(sa.select(Item.sku, Item.name).where(Item.active).order_by(Item.name)).all()


def _view(line: Line, form: Form, offers: Mapping[int, Replacement]) -> LineView:
    """Fill a line in: what the labels say now, unless somebody typed something else meanwhile."""
    offer = offers.get(line.item.id) if line.item is not None else None
    says = _says(line, offer)
    was = drafts.unpack(form.value(f"was-{line.id}"))
    for name, text in says.items():
        typed = form.values.get(f"{name}-{line.id}")
        if typed is None or typed == was.get(name):
            form.values[f"{name}-{line.id}"] = text
    item, scan = line.item, line.scan
    if item is not None:
        content = formats.quantity(item.content, item.unit)
        title, detail = item.name, f"{item.sku} · {content} each"
    else:
        number = (scan.content_gtin or scan.gtin or scan.pzn) if scan else None
        title = "A line by hand" if line.by_hand else "A label that cannot be read"
        title, detail = (f"Item {number}", "not in the catalogue") if number else (title, "")
    return LineView(
        id=line.id,
        title=title,
        detail=detail,
        problem=line.problem,
        doubts=line.doubts,
        known=item is not None,
        was=drafts.pack(says),
        cost_hint=f"from the offer of {offer.supplier_name}" if offer else "",
    )


def _says(line: Line, offer: Replacement | None) -> dict[str, str]:
    """What stands in a line's fields by the labels alone."""
    scan = line.scan
    cost = "" if offer is None else plain(offer.container_cost.quantize(FOUR, ROUND_HALF_UP))
    return {
        "sku": line.item.sku if line.item is not None else "",
        "lot_number": (scan.lot or "") if scan else "",
        "expires_on": str(scan.expires_on or "") if scan else "",
        "containers": str(line.containers) if scan else "",
        "unit_cost": cost,
    }


def _receive(site: Site, typed: drafts.Values) -> Response:
    """Receive every line, or none and say why."""
    lines = [line for line in _lines(site) if not line.problem]
    form = Form(typed, key=request.form.get(forms.KEY) or forms.new_key(), action="/receive")
    if "key_reused" in g:
        form.key, form.problem = forms.new_key(), forms.SENT_BEFORE
        return forms.again(lambda form=form: _show(site, form), form, 409)
    try:
        papers = _load(Papers(), typed, "", form)
        loaded = [_load(LineShape(), typed, f"-{line.id}", form) for line in lines]
        if form.errors:
            return forms.again(lambda form: _show(site, form), form, 422)
        if not loaded:
            raise NothingToReceive("There is nothing to receive yet: scan a box, or add a line by hand.")
        text, kind = _post(site, papers, loaded)
    except Refusal as refusal:
        form.problem = str(refusal)
        status = next(code for of, code in errors.STATUS.items() if isinstance(refusal, of))
        return forms.again(lambda form: _show(site, form), form, status)
    keys = [key for line in lines for key in line.scan_ids]
    scans.put_aside(g.db, keys, person_id=g.visitor.person_id)
    return forms.go(Done("/stock", text, kind))


def _load(shape: Shape, typed: drafts.Values, suffix: str, form: Form) -> dict[str, Any]:
    """The fields of a line by their shape; what is wrong with them goes into the form."""
    given = {name: typed.get(name + suffix, "") for name in shape.fields}
    try:
        found: dict[str, Any] = shape.load({name: text for name, text in given.items() if text.strip()})
    except ValidationError as wrong:
        form.errors |= {name + suffix: words for name, words in forms.by_field(wrong).items()}
        return {}
    return found


def _post(site: Site, papers: dict[str, Any], lines: Sequence[dict[str, Any]]) -> tuple[str, str]:
    supplier = catalog.supplier(g.db, papers["supplier"]) if papers.get("supplier") else None
    deliveries = [
        Delivery(
            item=catalog.item(g.db, line["sku"]),
            lot_number=line["lot_number"],
            expires_on=line["expires_on"],
            containers=line["containers"],
            unit_cost=line["unit_cost"],
            supplier=supplier,
            document=papers.get("document", ""),
        )
        for line in lines
    ]
    done = receiving.receive_many(
        g.db, deliveries, site=site, received_on=papers["received_on"], recorded_at=g.now, by=g.caller.name
    )
    value = formats.money(sum((one.receipt.value for one in done), Decimal(0)), frame.currency(g.db))
    count = "1 line" if len(done) == 1 else f"{len(done)} lines"
    warnings = [warning for one in done for warning in one.warnings]
    return "\n".join([f"Received {count} for {value}.", *warnings]), "warning" if warnings else "done"
