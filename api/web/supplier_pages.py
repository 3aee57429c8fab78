"""Pages: the suppliers, their terms, and what they ask for a pack, with the price history."""

from collections import defaultdict
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Response, g, request
from marshmallow import fields

from api.schemas import Day, Money, Shape, Whole, Words
from api.web import formats, forms, frame
from api.web.formats import money
from api.web.forms import Change, Done, Form, Stale
from api.web.numbers import show
from inventory import catalog, evidence, suppliers
from inventory.catalog import Item, Offer, Supplier
from inventory.measures import ZERO

blueprint = frame.chapter("suppliers")

LABELS = {
    "name": "Name",
    "kind": "Kind",
    "country": "Country",
    "currency": "Its currency",
    "payment_days": "Days to pay",
    "lead_days": "Days to deliver",
    "minimum_order": "Smallest order",
    "shipping": "Shipping",
    "free_shipping_from": "Ships free from",
    "order_days": "Takes orders on",
    "cold_days": "For cold goods on",
    "returns_rule": "Returns",
}


class SupplierTerms(Shape):
    """The terms of a supplier."""

    version = Whole(most=10**9, in_address=True, load_default=0)
    name = Words(120, required=True)
    kind = Words(60, load_default="")
    country = Words(2, shortest=2, load_default="")
    currency = Words(3, shortest=3, required=True)
    payment_days = Whole(most=366, in_address=True, load_default=0)
    lead_days = Whole(most=366, in_address=True, required=True)
    minimum_order = Money(load_default=ZERO)
    shipping = Money(load_default=ZERO)
    free_shipping_from = Money(load_default=None)
    order_days = Words(60, load_default="")
    cold_days = Words(60, load_default="")
    returns_rule = Words(200, load_default="")
    cold_chain = fields.String(load_default="")


class NewSupplier(SupplierTerms):
    """A supplier to add."""

    code = Words(20, required=True)


class NewOffer(Shape):
    """A price to add; it takes the place of older ones from its date on."""

    sku = Words(40, required=True)
    pack_containers = Whole(least=1, most=100_000, in_address=True, required=True)
    pack_price = Money(required=True)
    price_breaks = Words(300, load_default="")
    list_price = Money(load_default=None)
    list_currency = Words(3, load_default="")
    minimum_packs = Whole(least=1, most=100_000, in_address=True, load_default=1)
    lead_days = Whole(most=366, in_address=True, required=True)
    valid_from = Day(required=True)
    preferred = fields.String(load_default="")
    source = Words(500, load_default="")


@blueprint.get("/settings/suppliers")
def listing() -> Response:
    """Every supplier with its terms."""
    rows = list(g.db.scalars(sa.select(Supplier).order_by(Supplier.name)))
    counts = dict(
        g.db.execute(
            sa.select(Offer.supplier_id, sa.func.count(sa.distinct(Offer.item_id))).group_by(
                Offer.supplier_id
            )
        ).all()
    )
    return show("suppliers.html", "/settings/suppliers", rows=rows, counts=counts)


@blueprint.get("/settings/suppliers/<code:code>")
def supplier(code: str) -> Response:
    """One supplier: its terms, and each item it sells with the price today and before."""
    subject = catalog.supplier(g.db, code)
    rows = g.db.execute(
        sa.select(Offer, Item.sku, Item.name)
        .join(Item, Item.id == Offer.item_id)
        .where(Offer.supplier_id == subject.id)
        .order_by(Item.name, Offer.pack_containers, Offer.valid_from.desc(), Offer.id.desc())
    )
    offers: dict[tuple[str, str, int], list[Offer]] = defaultdict(list)
    for offer, sku, name in rows:
        offers[sku, name, offer.pack_containers].append(offer)
    today = frame.here().day(g.now)
    return show(
        "supplier.html",
        "/settings/suppliers",
        supplier=subject,
        offers=list(offers.items()),
        today=today,
        took=_took(subject, today),
        breaks=suppliers.said_breaks,
    )


def _took(subject: Supplier, today: date) -> str:
    """How long its orders took, from being sent to each receipt; nothing where none was received."""
    days = sorted(evidence.deliveries(g.db, on=today).get(subject.id, []))
    if not days:
        return ""
    low, high = days[len(days) // 10], days[-1 - len(days) // 10]
    late = sum(1 for one in days if one > subject.lead_days)
    spread = f"{low} to {formats.days(high)}" if low < high else formats.days(high)
    return f"{spread} in {len(days)} deliveries, {late} of them late"


@blueprint.route("/settings/suppliers/new", methods=["GET", "POST"])
def add() -> Response:
    """Add a supplier."""

    def view(form: Form) -> Response:
        return show("supplier_edit.html", "/settings/suppliers", form=form, supplier=None, labels=LABELS)

    def do(body: dict[str, Any]) -> Done:
        body.pop("version")
        made = catalog.add_supplier(g.db, Supplier(**_terms(body)))
        return Done(f"/settings/suppliers/{made.code}", f"{made.name} is on record.")

    first = {"currency": frame.currency(g.db), "lead_days": "7"}
    return forms.handle(NewSupplier, show=view, do=do, first=first)


@blueprint.route("/settings/suppliers/<code:code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response:
    """Change a supplier's terms, unless somebody else did since they were read."""

    def view(form: Form) -> Response:
        subject = catalog.supplier(g.db, code)
        return show("supplier_edit.html", "/settings/suppliers", form=form, supplier=subject, labels=LABELS)

    def do(body: dict[str, Any]) -> Done:
        subject = catalog.supplier(g.db, code)
        if body.pop("version") != subject.version:
            raise Stale(_changes(subject), version=subject.version)
        suppliers.change_supplier(g.db, subject, _terms(body))
        return Done(f"/settings/suppliers/{code}", f"{subject.name} is changed.")

    return forms.handle(SupplierTerms, show=view, do=do, first=_values(catalog.supplier(g.db, code)))


@blueprint.route("/settings/suppliers/<code:code>/offer", methods=["GET", "POST"])
def offer(code: str) -> Response:
    """Add what a supplier asks for packs of an item from a day on; the old prices stay (C4)."""

    def view(form: Form) -> Response:
        items = g.db.execute(sa.select(Item.sku, Item.name).where(Item.active).order_by(Item.name)).all()
        return show(
            "offer.html", "/settings/suppliers", form=form, supplier=catalog.supplier(g.db, code), items=items
        )

    def do(body: dict[str, Any]) -> Done:
        subject, item = catalog.supplier(g.db, code), catalog.item(g.db, body.pop("sku"))
        body["preferred"] = body["preferred"] == "yes"
        suppliers.add_offer(g.db, Offer(item_id=item.id, supplier_id=subject.id, **body))
        price = money(body["pack_price"], frame.currency(g.db))
        return Done(f"/settings/suppliers/{code}", f"{item.name}: {price} a pack.")

    subject = catalog.supplier(g.db, code)
    first = {
        "sku": request.args.get("sku", "")[:40],
        "pack_containers": request.args.get("pack", "")[:6],
        "lead_days": str(subject.lead_days),
        "minimum_packs": "1",
        "valid_from": str(frame.here().day(g.now)),
        "preferred": "yes",
    }
    return forms.handle(NewOffer, show=view, do=do, first=first)


def _terms(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form as the record has them."""
    upper = {name: body[name].upper() for name in ("country", "currency")}
    return body | upper | {"cold_chain": body["cold_chain"] == "yes"}


def _values(subject: Supplier) -> dict[str, str]:
    shown = {name: str(getattr(subject, name)) for name in LABELS}
    free = subject.free_shipping_from
    amounts = {name: f"{getattr(subject, name):.2f}" for name in ("minimum_order", "shipping")}
    amounts["free_shipping_from"] = "" if free is None else f"{free:.2f}"
    ticked = {"cold_chain": "yes" if subject.cold_chain else "", "version": str(subject.version)}
    return shown | amounts | ticked


def _changes(subject: Supplier) -> tuple[Change, ...]:
    """The fields in which what is on record is not what was typed."""
    theirs, mine = _values(subject), forms.typed()
    return tuple(
        Change(label, theirs[name] or "empty", mine.get(name, "").strip() or "empty")
        for name, label in (LABELS | {"cold_chain": "Keeps the cold chain"}).items()
        if theirs[name] != mine.get(name, "").strip()
    )
