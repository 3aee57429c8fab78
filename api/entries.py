"""Entries: a row's values become what the domain takes, by names that are looked up once per file."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.cells import BadCell
from api.columns import Kind
from inventory import suppliers
from inventory.catalog import DoseClass, Ingredient, Item, ItemKind, Offer, Supplier
from inventory.errors import Invalid
from inventory.opening import Held
from pricing.formulations import LineKind, NewLine

MOST_SUGGESTED = 200  # unknown words of one file for which near names are looked up
NEAR = 0.7


@dataclass(frozen=True)
class Names:
    """Subjects of one sort by what they are called; each dictionary is one sort of name, as they count."""

    noun: str
    by: tuple[dict[str, list[Any]], ...]
    spoken: Mapping[str, str]  # what a near name is suggested as
    suggested: dict[str, str] = field(default_factory=dict)

    def find(self, words: str, asked: str) -> Any:
        """The subject of this name or code; `asked` is the field that names it. Raises NotOnRecord."""
        wanted = words.casefold()
        for by_name in self.by:
            matches = by_name.get(wanted) or (by_name.get(wanted.zfill(14)) if wanted.isdecimal() else None)
            if matches and len(matches) > 1:
                raise NotOnRecord(f"{words!r} names {len(matches)} of them: give its code.", field=asked)
            if matches:
                return matches[0]
        raise NotOnRecord(f"No {self.noun} on record is called {words!r}.{self._near(wanted)}", field=asked)

    def _near(self, wanted: str) -> str:
        """The names on record that are nearly the same, for a typing slip."""
        if wanted not in self.suggested and len(self.suggested) < MOST_SUGGESTED:
            alike = [name for name in self.spoken if _folded(name) == _folded(wanted)]
            near = alike or get_close_matches(wanted, self.spoken, n=6, cutoff=NEAR)
            told = list(dict.fromkeys(self.spoken[name] for name in near))[:3]
            self.suggested[wanted] = f" Did you mean {' or '.join(told)}?" if told else ""
        return self.suggested.get(wanted, "")


def _folded(name: str) -> str:
    """A name without what the eye or the keyboard mixes up: O and 0, I, l and 1, spaces and hyphens."""
    return re.sub(r"[\s._/-]", "", name.casefold()).translate(str.maketrans("oil", "011"))


@dataclass(frozen=True)
class Known:
    """What rows may name, looked up once."""

    on: date
    document: str
    items: Names
    suppliers: Names
    ingredients: Names
    gtins: dict[str, str]  # the SKU that carries the number, the file's own included


@dataclass(frozen=True)
class Entry:
    """One row as the domain takes it; `hint` is what its author should look at."""

    row: int
    subject: Any  # Item, Offer, Held or RecipeRow
    hint: str = ""
    implied: bool = False  # the row says no date, and today's stands in


@dataclass(frozen=True)
class RecipeRow:
    """One line of a formulation, and what the row says of the whole."""

    code: str
    about: Mapping[str, Any]
    line: NewLine


class NotOnRecord(Invalid):
    """The row names something that the book does not know, or knows twice."""


def look_up(db: Session, *, on: date, document: str) -> Known:
    """One look at the catalogue, not one per row."""
    items = list(db.scalars(sa.select(Item).where(Item.active).order_by(Item.id)))
    suppliers = list(db.scalars(sa.select(Supplier).order_by(Supplier.id)))
    ingredients = list(db.scalars(sa.select(Ingredient).order_by(Ingredient.id)))
    return Known(
        on=on,
        document=document,
        items=_names("item", items, lambda one: (one.sku, one.gtin, one.name)),
        suppliers=_names("supplier", suppliers, lambda one: (one.code, one.name)),
        ingredients=_names("ingredient", ingredients, lambda one: (one.code, one.name)),
        gtins={number: one.sku for one in items for number in (one.gtin, one.pack_gtin) if number},
    )


def _names(noun: str, subjects: Iterable[Any], called: Callable[[Any], tuple[str | None, ...]]) -> Names:
    """Names by sort: a code counts before a product number, and that before a name."""
    by: list[dict[str, list[Any]]] = []
    spoken: dict[str, str] = {}
    for subject in subjects:
        names = called(subject)
        by += [{} for _ in range(len(names) - len(by))]
        for by_name, name in zip(by, names, strict=True):
            if name:
                by_name.setdefault(name.casefold(), []).append(subject)
        for name in (names[0], names[-1]):
            if name:
                spoken.setdefault(name.casefold(), f"{names[0]} ({names[-1]})")
    return Names(noun, tuple(by), spoken)


def _item(row: int, values: dict[str, Any], known: Known) -> Entry:
    kind = values.get("kind")
    if kind is None:
        if values["dose_class"] is DoseClass.NONE:
            raise BadCell(
                "say injectable, topical, consumable or retail, for it has no dose class.", field="kind"
            )
        kind = ItemKind.INJECTABLE  # only what is injected has a dose class (S2)
    named = values.pop("ingredient", None)
    ingredient = None if named is None else known.ingredients.find(named, "ingredient")
    for number in filter(None, (values.get("gtin"), values.get("pack_gtin"))):
        taken = known.gtins.setdefault(number, values["sku"])
        if taken != values["sku"]:
            raise BadCell(f"{number} is the product number of {taken} already.", field="gtin")
    item = Item(
        **(values | {"kind": kind}),
        ingredient_id=None if ingredient is None else ingredient.id,
        source=known.document,
    )
    return Entry(row, item)


def _offer(row: int, values: dict[str, Any], known: Known) -> Entry:
    item: Item = known.items.find(values["sku"], "sku")
    supplier: Supplier = known.suppliers.find(values["supplier"], "supplier")

    def given(name: str, otherwise: Any) -> Any:
        value = values.get(name)
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
        price_breaks=values.get("price_breaks", ""),
        list_price=values.get("list_price"),
        list_currency=values.get("list_currency", ""),
        source=known.document,
    )
    try:
        suppliers.checked(offer)
    except suppliers.BadOffer as bad:
        raise BadCell(str(bad), field="price_breaks") from bad
    return Entry(row, offer, implied=values.get("valid_from") is None)


def _held(row: int, values: dict[str, Any], known: Known) -> Entry:
    item: Item = known.items.find(values["sku"], "sku")
    named = values.get("supplier")
    held = Held(
        item=item,
        lot_number=values["lot_number"],
        expires_on=values["expires_on"],
        containers=values["containers"],
        unit_cost=values["unit_cost"],
        on=values.get("received_on") or known.on,
        produced_on=values.get("produced_on"),
        supplier=None if named is None else known.suppliers.find(named, "supplier"),
        place=values.get("place", ""),
    )
    if held.expires_on.day != 1:
        return Entry(row, held)
    # A spreadsheet makes the first of a label's month and year; a label means the last (S9).
    hint = f"{held.expires_on} is the first of a month; a label of month and year means the last."
    return Entry(row, held, hint)


def _recipe_row(row: int, values: dict[str, Any], known: Known) -> Entry:
    kind: LineKind = values.get("line_kind", LineKind.PRODUCT)
    item: Item | None = known.items.find(values["sku"], "sku") if values.get("sku") else None
    named = values.get("ingredient")
    ingredient: Ingredient | None = known.ingredients.find(named, "ingredient") if named else None
    if kind is LineKind.PRODUCT and item is None and ingredient is None:
        raise BadCell("a product needs an item or an ingredient.", field="sku")
    if kind is LineKind.PRODUCT and values.get("quantity") is None:
        raise BadCell("a product needs its quantity.", field="quantity")
    if kind is LineKind.COMPONENT and values.get("quantity") is not None:
        raise BadCell("a component has no quantity of its own, only a declared amount.", field="quantity")
    unit = values.get("unit") or (item and item.unit)
    if kind is LineKind.PRODUCT and unit is None:
        raise BadCell("an ingredient needs the unit of its quantity.", field="unit")
    spoken = (item and item.name) or (ingredient and ingredient.name) or ""
    line = NewLine(
        kind,
        values.get("line_name") or spoken,
        item_id=item.id if item is not None and kind is LineKind.PRODUCT else None,
        ingredient_id=ingredient and ingredient.id,
        quantity=values.get("quantity"),
        unit=unit if kind is LineKind.PRODUCT else None,
        declared_amount=values.get("declared_amount", ""),
        role=values.get("role", ""),
        source=known.document,
    )
    if not line.name:
        raise BadCell("a component needs a name or an ingredient.", field="line_name")
    about = ("name", "concern", "area", "technique", "total_volume_ml", "preparation_rule", "note")
    return Entry(row, RecipeRow(values["code"], {name: values.get(name) for name in about}, line))


BUILD: dict[Kind, Callable[[int, dict[str, Any], Known], Entry]] = {
    Kind.ITEMS: _item,
    Kind.OFFERS: _offer,
    Kind.OPENING_STOCK: _held,
    Kind.FORMULATIONS: _recipe_row,
}
