"""Page: receive a delivery by scanning its boxes; every scan is kept when it is read, and none is lost.

It is one plain form: the scan field's button keeps a scan, the last button receives all lines or none. With
a script the scans go one after the other in the background, and wait in the browser while the net is away.
A photo is read on a page of its own, which keeps its codes like scans.
"""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Response, g, redirect, request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from api import errors, photos
from api.schemas import Day, Id, Money, Shape, Words, key_of
from api.web import drafts, formats, forms, frame, previews, receive_lines, scans, shelves
from api.web.forms import Done, Form
from api.web.previews import Foretold
from api.web.receive_lines import SAY_WHY, LineShape
from api.web.scans import Line
from inventory import catalog, order_views, orders, places, purchasing, receiving
from inventory.catalog import Item
from inventory.charges import Charges
from inventory.clinic import Place, Site
from inventory.errors import Refusal
from inventory.measures import ZERO
from inventory.order_views import WAITING, OrderView
from inventory.orders import PurchaseOrder
from inventory.receiving import Delivery, Received

blueprint = frame.chapter("receive")


class Papers(Shape):
    """What is the same for every line of a delivery."""

    order = Id(in_address=True, load_default=None)
    supplier = Words(20)
    document = Words(80, load_default="")
    received_on = Day(required=True)
    freight = Money(load_default=ZERO)
    duty = Money(load_default=ZERO)
    discount = Money(load_default=ZERO)


class NothingToReceive(forms.Invalid):
    """There is no line."""


@blueprint.route("/receive", methods=["GET", "POST"])
def receive() -> Response:
    """Show the delivery so far; keep a scan, put a line aside, or receive them all."""
    site = frame.here()
    if request.method == "GET":
        first = {"received_on": str(site.day(g.now)), "order": request.args.get("order", "")[:18]}
        return _show(site, forms.opened(first))
    typed, what = forms.typed(), request.form.get("do", "receive")
    if what in ("receive", "preview"):
        return _receive(site, typed, keep=what == "receive")
    g.asked = None  # the form is still being filled in: its key is for the delivery
    if what.startswith("remove-"):
        gone = [line for line in _lines(site) if f"remove-{line.id}" == what]
        scans.put_aside(g.db, [key for line in gone for key in line.scan_ids], person_id=g.visitor.person_id)
    elif what != "photo":
        data = "" if what in ("add", "look") else request.form.get("data", "")
        if data or what == "add":
            key = request.form.get("scan_key") or forms.new_key()
            scans.add(g.db, person_id=g.visitor.person_id, site_id=site.id, key=key, data=data, at=g.now)
    kept = {name: text for name, text in typed.items() if name not in ("do", "data", "scan_key")}
    if request.headers.get("X-Scan"):
        form = Form(kept, key=request.form.get(forms.KEY, ""), action="/receive")
        return _show(site, form, template="_lines.html")
    address = _keep(kept)
    if what == "photo":
        return redirect(address.replace("/receive?", "/receive/photo?", 1), 303)  # type: ignore[return-value]
    return redirect(f"{address}&added=1", 303)  # type: ignore[return-value]


@blueprint.route("/receive/photo", methods=["GET", "POST"])
def photo() -> Response:
    """Read the barcodes in a photo, and keep each as a scan; the delivery stands as it was left."""
    draft = (request.args if request.method == "GET" else request.form).get("draft", "")
    form = Form({"draft": draft if draft.isdecimal() else ""}, key=forms.new_key(), action="/receive/photo")
    if request.method == "GET":
        return frame.page("receive_photo.html", form=form, accept=photos.ACCEPT)
    g.asked = None  # the picture is no part of the key; its codes have keys of their own
    files = [file.read() for file in request.files.getlist("image")]
    try:
        kept = sum(_keep_codes(frame.here(), data) for data in files if data)
        if not any(files):
            raise photos.BadPhoto("Take or choose a picture first.")
    except Refusal as refusal:
        form.problem = str(refusal)
        answer = forms.again(
            lambda form: frame.page("receive_photo.html", form=form, accept=photos.ACCEPT), form, 422
        )
        return answer
    back = f"/receive?draft={form.value('draft')}&added=1" if form.value("draft") else "/receive"
    return forms.go(Done(back, f"Read {kept} {'barcode' if kept == 1 else 'barcodes'} in the photo."))


def _keep_codes(site: Site, data: bytes) -> int:
    """Keep every code of a photo; the same photo sent again adds nothing. Answers how many it has."""
    codes = photos.codes(data)
    name = hashlib.sha256(data).hexdigest()[:30]
    for place, code in enumerate(codes):
        scans.add(
            g.db,
            person_id=g.visitor.person_id,
            site_id=site.id,
            key=f"{name}-{place}",
            data=code,
            at=g.now,
            photo=name,
        )
    return len(codes)


def _keep(values: drafts.Values) -> str:
    """Keep what was typed, and answer the address at which it stands filled in."""
    packed = drafts.unpack(drafts.pack(values | {forms.KEY: request.form.get(forms.KEY, "")}))
    return drafts.keep(g.db, packed, person_id=g.visitor.person_id, path="/receive", at=g.now)


def _lines(site: Site) -> list[Line]:
    rows = scans.waiting(g.db, person_id=g.visitor.person_id, site_id=site.id)
    return scans.lines(g.db, rows, on=site.day(g.now))


def _show(
    site: Site, form: Form, *, template: str = "receive.html", foretold: Foretold | None = None
) -> Response:
    lines = _lines(site)
    of = _order(site, form.value("order"))
    items = receive_lines.items(lines, form)
    offers = catalog.replacements(g.db, [item.id for item in items.values()], on=site.day(g.now))
    told = receive_lines.fill_in(lines, form, items, offers, of)
    seen = receive_lines.as_far_as_filled_in([line for line in lines if not line.problem], form)
    asks = receive_lines.asked(seen, of, on=_received_on(site, form))
    views = receive_lines.views(lines, form, told, offers, of, asks, _shelves(site), items)
    whole = template == "receive.html"
    return frame.page(
        template,
        form=form,
        lines=views,
        order=of,
        awaited=receive_lines.awaited(of, seen),
        scan_key=forms.new_key(),
        suppliers=shelves.suppliers(g.db) if whole else (),
        orders=_choices(site) if whole else (),
        items=_items() if lines and any(not view.known for view in views) else (),
        site=site,
        currency=frame.currency(g.db),
        costs=frame.sees_costs(),
        foretold=foretold,
    )


def _shelves(site: Site) -> list[Place]:
    """The fridges, cupboards and freezers that are in use here."""
    return [one for one in places.of_site(g.db, site, shelves_only=True) if one.active]


def _received_on(site: Site, form: Form) -> Any:
    try:
        return Papers(only=["received_on"]).load({"received_on": form.value("received_on")})["received_on"]
    except ValidationError:
        return site.day(g.now)


def _order(site: Site, named: str) -> OrderView | None:
    """The order that is received against; what is no waiting order of this site is left out."""
    key = key_of(named)
    subject = None if key is None else g.db.get(PurchaseOrder, key)
    if subject is None or subject.site_id != site.id:
        return None
    found = order_views.view(g.db, subject)
    return found if found.state in WAITING else None


def _choices(site: Site) -> list[tuple[str, str]]:
    """The orders that wait for a delivery here."""
    return [
        (str(one.id), f"{one.number} · {one.supplier_name} · {sum(line.open for line in one.lines)} open")
        for one in order_views.waiting(g.db, site_id=site.id)
    ]


def _items() -> Sequence[Any]:
    """What can be received, for the list beside the item field."""
    return g.db.execute(sa.select(Item.sku, Item.name).where(Item.active).order_by(Item.name)).all()


def _receive(site: Site, typed: drafts.Values, *, keep: bool) -> Response:
    """Receive every line, or none and say why; or keep nothing, and show what would change (S12)."""
    lines = [line for line in _lines(site) if not line.problem]
    form = Form(typed, key=request.form.get(forms.KEY) or forms.new_key(), action="/receive")
    if "key_reused" in g:
        form.key, form.problem = forms.new_key(), forms.SENT_BEFORE
        return forms.again(lambda form=form: _show(site, form), form, 409)
    try:
        papers = receive_lines.load(Papers(), typed, "", form)
        loaded = {line.id: receive_lines.load(LineShape(), typed, f"-{line.id}", form) for line in lines}
        if form.errors:
            return forms.again(lambda form: _show(site, form), form, 422)
        if not loaded:
            raise NothingToReceive("There is nothing to receive yet: scan a box, or add a line by hand.")
        if not keep:
            g.asked = None  # its key is still free
            act = partial(_perform, site_id=site.id, papers=papers, loaded=loaded)
            return forms.again(partial(_show, site, foretold=previews.foretold(act)), form, 200)
        deliveries = _deliveries(g.db, papers, loaded)
        of = None if papers["order"] is None else _waiting_order(site, papers["order"])
        asks = receive_lines.asked(deliveries, of, on=papers["received_on"])
        form.errors |= {f"reason-{key}": SAY_WHY for key in asks if not deliveries[key].reason}
        if form.errors:
            return forms.again(lambda form: _show(site, form), form, 422)
        done = _said(_received(g.db, site, papers, deliveries, of), of)
    except Refusal as refusal:
        form.problem = str(refusal)
        status = next(code for kind, code in errors.STATUS.items() if isinstance(refusal, kind))
        return forms.again(lambda form: _show(site, form), form, status)
    keys = [key for line in lines for key in line.scan_ids]
    scans.put_aside(g.db, keys, person_id=g.visitor.person_id)
    return forms.go(done)


def _waiting_order(site: Site, key: int) -> OrderView:
    """The order that is received against. Raises UnknownOrder, WrongOrderState."""
    subject = orders.order(g.db, key)
    if subject.site_id != site.id:
        raise orders.UnknownOrder(f"{orders.number(key)} is not of {site.name}.")
    return purchasing.to_receive(g.db, subject)


def _deliveries(
    db: Session, papers: Mapping[str, Any], loaded: Mapping[int, dict[str, Any]]
) -> dict[int, Delivery]:
    supplier = catalog.supplier(db, papers["supplier"]) if papers.get("supplier") else None
    return {
        key: receive_lines.delivery(db, body, supplier=supplier, document=papers["document"])
        for key, body in loaded.items()
    }


def _perform(
    db: Session, *, site_id: int, papers: Mapping[str, Any], loaded: Mapping[int, dict[str, Any]]
) -> None:
    """Receive it all in a session of its own, to see what that changes."""
    site = db.get_one(Site, site_id)
    of = None if papers["order"] is None else order_views.view(db, orders.order(db, papers["order"]))
    _received(db, site, papers, _deliveries(db, papers, loaded), of)


def _received(
    db: Session,
    site: Site,
    papers: Mapping[str, Any],
    deliveries: Mapping[int, Delivery],
    of: OrderView | None,
) -> Sequence[Received]:
    """Receive it all, against the order if there is one."""
    lines = list(deliveries.values())
    when: dict[str, Any] = {
        "received_on": papers["received_on"],
        "recorded_at": g.now,
        "by": g.caller.name,
        "charges": Charges(papers["freight"], papers["duty"], papers["discount"]),
    }
    if of is None:
        return receiving.receive_many(db, lines, site=site, **when)
    return purchasing.receive(db, orders.order(db, of.id), lines, **when).received


def _said(done: Sequence[Received], of: OrderView | None) -> Done:
    """Where to go, and what should be looked at."""
    address, against = "/stock", ""
    if of is not None:
        address = f"/orders/{of.id}"
        left = sum(line.open for line in order_views.view(g.db, orders.order(g.db, of.id)).lines)
        against = (
            f" {of.number}: {formats.number(left)} still to come." if left else f" {of.number} is complete."
        )
    value = formats.money(sum((one.receipt.value for one in done), Decimal(0)), frame.currency(g.db))
    count = "1 line" if len(done) == 1 else f"{len(done)} lines"
    warnings = [warning for one in done for warning in one.warnings]
    said = "\n".join([f"Received {count} for {value}.{against}", *warnings])
    return Done(address, said, "warning" if warnings else "done")
