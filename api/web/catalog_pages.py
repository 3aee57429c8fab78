"""Pages: changing an item of the catalogue. Two people who edit it at once both see both versions."""

from typing import Any

import sqlalchemy as sa
from flask import Response, g
from marshmallow import fields

from api.schemas import Shape, Whole, Words
from api.web import forms, frame
from api.web.formats import storage
from api.web.forms import Change, Done, Form, Stale
from inventory import catalog
from inventory.catalog import Item

blueprint = frame.chapter("catalog")

LABELS = {
    "name": "Name",
    "maker": "Maker",
    "category": "Category",
    "storage": "Storage",
    "in_use_hours": "Hours in use after opening",
    "shelf_life_months": "Months it keeps",
    "pack_containers": "Containers in a pack",
    "gtin": "Barcode number of one container",
    "pack_gtin": "Barcode number of a pack",
    "note": "Note",
}
TICKS = {"prescription_only": "Prescription-only", "active": "In use"}


class ItemEdit(Shape):
    """What may be changed of an item; what its stock is counted in may not (S1)."""

    version = Whole(least=1, most=10**9, in_address=True, required=True)
    name = Words(200, required=True)
    maker = Words(120)
    category = Words(60)
    storage = Words(40, required=True)
    in_use_hours = Whole(least=1, most=24 * 365, in_address=True)
    shelf_life_months = Whole(least=1, most=240, in_address=True)
    pack_containers = Whole(least=1, most=100_000, in_address=True, required=True)
    gtin = Words(14, shortest=8)
    pack_gtin = Words(14, shortest=8)
    prescription_only = fields.String()
    active = fields.String()
    note = Words(500, lines=True)


@blueprint.route("/stock/<code:sku>/edit", methods=["GET", "POST"])
def edit(sku: str) -> Response:
    """Change an item, unless somebody else did since it was read."""

    def show(form: Form) -> Response:
        item = catalog.item(g.db, sku)
        kept = _storages(form.value("storage"))
        return frame.page("item_edit.html", form=form, item=item, labels=LABELS, storages=kept)

    def do(body: dict[str, Any]) -> Done:
        item = catalog.item(g.db, sku)
        if body.pop("version") != item.version:
            raise Stale(_changes(item), version=item.version)
        empty = {name: "" if getattr(Item, name).type.python_type is str else None for name in LABELS}
        ticked = {name: body.get(name) == "yes" for name in TICKS}
        catalog.change_item(g.db, item, empty | body | ticked)
        return Done(f"/stock/{sku}", f"{item.name} is changed.")

    return forms.handle(ItemEdit, show=show, do=do, first=_values(catalog.item(g.db, sku)))


def _storages(typed: str) -> list[tuple[str, str]]:
    """Every way in which an item of the catalogue is kept, as it is written and as people say it."""
    known = g.db.scalars(sa.select(Item.storage).distinct())
    return sorted(((one, storage(one)) for one in {*known, typed} if one), key=lambda pair: pair[1])


def _values(item: Item) -> dict[str, str]:
    shown = {name: getattr(item, name) for name in LABELS}
    values = {name: "" if value is None else str(value) for name, value in shown.items()}
    ticked = {name: "yes" if getattr(item, name) else "" for name in TICKS}
    return values | ticked | {"version": str(item.version)}


def _changes(item: Item) -> tuple[Change, ...]:
    """The fields in which what is on record is not what was typed."""
    theirs, mine = _values(item), forms.typed()
    return tuple(
        Change(label, theirs[name] or "empty", mine.get(name, "").strip() or "empty")
        for name, label in (LABELS | TICKS).items()
        if theirs[name] != mine.get(name, "").strip()
    )
