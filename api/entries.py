"""Entries: a row's values become what the domain takes, by names that are looked up once per file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.cells import BadCell
from api.columns import Kind
from inventory.catalog import DoseClass, Ingredient, Item, ItemKind, Offer, Supplier
from inventory.errors import Invalid
from inventory.lots import Lot
from inventory.receiving import Delivery

Names = tuple[dict[str, list[Any]], ...]
"""Subjects by what they are called; each dictionary is one sort of name, in the order in which they count."""


@dataclass(frozen=True)
class Known:
    """What rows may name, looked up once."""

    on: date
    document: str
    items: Names
    suppliers: Names
    ingredients: Names
    gtins: dict[str, str]  # the SKU that carries the number, the file's own included
    lots: frozenset[tuple[int, str]]


@dataclass(frozen=True)
class Entry:
    """One row as the domain takes it; `hint` is what its author should look at."""

    row: int
    subject: Any  # Item, Offer or Delivery
    on: date
    hint: str = ""


class NotOnRecord(Invalid):
    """The row names something that the book does not know, or knows twice."""


def look_up(db: Session, kind: Kind, *, on: date, document: str) -> Known:
    """One look at the catalogue, not one per row."""
    items = list(db.scalars(sa.select(Item).order_by(Item.id)))
    suppliers = list(db.scalars(sa.select(Supplier).order_by(Supplier.id)))
    ingredients = list(db.scalars(sa.select(Ingredient).order_by(Ingredient.id)))
    received = sa.select(Lot.item_id, Lot.number) if kind is Kind.OPENING_STOCK else None
    return Known(
        on=on,
        document=document,
        items=_names(((i.sku, i) for i in items), ((i.gtin, i) for i in items), ((i.name, i) for i in items)),
        suppliers=_names(((s.code, s) for s in suppliers), ((s.name, s) for s in suppliers)),
        ingredients=_names(((i.code, i) for i in ingredients), ((i.name, i) for i in ingredients)),
        gtins={number: i.sku for i in items for number in (i.gtin, i.pack_gtin) if number},
        lots=frozenset((item, number) for item, number in db.execute(received))
        if received is not None
        else frozenset(),
    )


def _names(*kinds: Iterable[tuple[str | None, Any]]) -> Names:
    """Names by kind: a code counts before a product number, and that before a name."""
    found = []
    for pairs in kinds:
        by_name: dict[str, list[Any]] = {}
        for name, subject in pairs:
            if name:
                by_name.setdefault(name.casefold(), []).append(subject)
        found.append(by_name)
    return tuple(found)


def _find(names: Names, words: str, field: str) -> Any:
    wanted = words.casefold()
    for by_name in names:
        matches = by_name.get(wanted) or (by_name.get(wanted.zfill(14)) if wanted.isdecimal() else None)
        if matches and len(matches) > 1:
            raise NotOnRecord(f"{words!r} names {len(matches)} of them: give its code.", field=field)
        if matches:
            return matches[0]
    noun = "item" if field == "sku" else field
    raise NotOnRecord(f"No {noun} on record is called {words!r}.", field=field)


def _item(row: int, values: dict[str, Any], known: Known) -> Entry:
    kind = values.get("kind")
    if kind is None:
        if values["dose_class"] is DoseClass.NONE:
            raise BadCell(
                "say injectable, topical, consumable or retail, for it has no dose class.", field="kind"
            )
        kind = ItemKind.INJECTABLE  # only what is injected has a dose class (S2)
    named = values.pop("ingredient", None)
    ingredient = None if named is None else _find(known.ingredients, named, "ingredient")
    for number in filter(None, (values.get("gtin"), values.get("pack_gtin"))):
        taken = known.gtins.setdefault(number, values["sku"])
        if taken != values["sku"]:
            raise BadCell(f"{number} is the product number of {taken} already.", field="gtin")
    item = Item(
        **(values | {"kind": kind}),
        ingredient_id=None if ingredient is None else ingredient.id,
        source=known.document,
    )
    return Entry(row, item, known.on)


def _offer(row: int, values: dict[str, Any], known: Known) -> Entry:
    item: Item = _find(known.items, values["sku"], "sku")
    supplier: Supplier = _find(known.suppliers, values["supplier"], "supplier")

    def given(field: str, otherwise: Any) -> Any:
        value = values.get(field)
        return otherwise if value is None else value

    offer = Offer(
        item_id=item.id,
        supplier_id=supplier.id,
        pack_price=values["pack_price"],
        pack_containers=given("pack_containers", item.pack_containers),
        minimum_packs=given("minimum_packs", 1),
        lead_days=given("lead_days", supplier.lead_days),
        valid_from=given("valid_from", known.on),
        preferred=given("preferred", True),
        source=known.document,
    )
    return Entry(row, offer, known.on)


def _delivery(row: int, values: dict[str, Any], known: Known) -> Entry:
    item: Item = _find(known.items, values["sku"], "sku")
    named = values.get("supplier")
    received_on = values.get("received_on") or known.on
    if received_on > known.on:
        raise BadCell(f"{received_on} lies in the future.", field="received_on")
    delivery = Delivery(
        item=item,
        lot_number=values["lot_number"],
        expires_on=values["expires_on"],
        containers=values["containers"],
        unit_cost=values["unit_cost"],
        supplier=None if named is None else _find(known.suppliers, named, "supplier"),
        document=known.document,
    )
    hints = []
    if (item.id, delivery.lot_number) in known.lots:
        hints.append(f"Lot {delivery.lot_number} of {item.sku} is on record already; this adds to it.")
    if delivery.expires_on.day == 1:
        # A spreadsheet makes the first of a label's month and year; a label means the last (S9).
        hints.append(
            f"{delivery.expires_on} is the first of a month; a label of month and year means the last."
        )
    return Entry(row, delivery, received_on, " ".join(hints))


BUILD: dict[Kind, Callable[[int, dict[str, Any], Known], Entry]] = {
    Kind.ITEMS: _item,
    Kind.OFFERS: _offer,
    Kind.OPENING_STOCK: _delivery,
}
