"""Columns: what each kind of list holds, and the words that people write above it."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from api import cells, days, heading_words
from api.cells import BadCell
from api.heading_words import ALWAYS, words
from api.tables import Cell
from inventory.catalog import DoseClass, ItemKind
from inventory.lots import LONGEST_NUMBER
from inventory.measures import LARGEST_MONEY, Unit
from pricing.formulations import LineKind


class Kind(StrEnum):
    """What a list holds."""

    ITEMS = "items"
    OFFERS = "offers"
    OPENING_STOCK = "opening-stock"
    FORMULATIONS = "formulations"

    @property
    def spoken(self) -> str:
        """The kind in a sentence: `opening stock`."""
        return {"offers": "supplier offers"}.get(self.value, self.value.replace("-", " "))


@dataclass(frozen=True)
class Column:
    """One field of a list: how its cells are read, what people call it, and what an empty one means."""

    field: str
    read: Callable[[Cell], Any]
    headings: tuple[str, ...]
    required: bool = False
    default: Any = None
    numeric: bool = False  # a number in which a comma or a dot may mean two things
    money: bool = False
    dated: bool = False
    month_alone: bool = False  # a month and year mean its last day (S9)

    def among(self, column: Iterable[Cell], *, country: str, currency: str) -> Callable[[Cell], Any]:
        """The reader of its cells in one file, by how the file's other rows are written."""
        if self.dated:
            return days.day(month_alone=self.month_alone, order=days.order_of(column, country=country))
        if not self.numeric:
            return self.read
        commas = any(cells.writes_decimal_commas(cell) for cell in column)

        def read(cell: Cell) -> Any:
            if commas and cells.may_be_thousands(cell):
                raise BadCell(
                    f"{cell} can have a decimal point or a thousands mark: other rows have decimal commas."
                )
            return self.read(cells.without_currency(cell, currency) if self.money else cell)

        return read


def heading(text: str) -> str:
    """A header as it is compared: `Lot #`, `LOT NO.` and `lot_no` are one; accents and case do not count."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def by_heading(columns: Iterable[Column]) -> dict[str, Column]:
    """The column that each compared header means."""
    return {heading(text): column for column in columns for text in (column.field, *column.headings)}


def meant(text: str, meanings: Mapping[str, Column]) -> Column | None:
    """The column that a header means, also where it has a unit or an example in brackets behind it."""
    return meanings.get(heading(text)) or meanings.get(heading(re.sub(r"[(\[].*?[)\]]|\*", " ", text)))


def _column(field: str, read: Callable[[Cell], Any], headings: str = "", **more: Any) -> Column:
    return Column(field, read, words(headings or ALWAYS[field]), **more)


def _number(field: str, *, decimals: int, **more: Any) -> Column:
    money = more.pop("money", False)
    bounds = {"most": LARGEST_MONEY} if money else {}
    read = cells.number(decimals=decimals, above_zero=more.pop("above_zero", False), **bounds)
    return _column(field, read, numeric=True, money=money, **more)


def _day(field: str, *, month_alone: bool = False, **more: Any) -> Column:
    return _column(field, days.day(month_alone=month_alone), dated=True, month_alone=month_alone, **more)


UNITS = cells.word(
    {
        **dict.fromkeys(("ml", "millilitre", "millilitres", "milliliter", "milliliters", "cc"), Unit.ML),
        **dict.fromkeys(
            ("g", "gram", "grams", "gr", "gramm", "gramme", "grammes", "gramo", "gramos"), Unit.G
        ),
        **dict.fromkeys(("iu", "ui", "ie", "i.e.", "i.u.", "u.i."), Unit.IU),
        **dict.fromkeys(("each", "ea", "pc", "pcs", "piece", "pieces"), Unit.EACH),
        **dict.fromkeys(("stück", "stk", "stk.", "st", "pièce", "pièces", "pce", "unité"), Unit.EACH),
        **dict.fromkeys(("pieza", "piezas", "unidad", "unidades", "ud", "uds"), Unit.EACH),
    },
    "mL, g, IU, each",
)
DOSE_CLASSES = cells.word(
    {
        **dict.fromkeys(("single dose", "single", "sdv", "single use", "einzeldosis"), DoseClass.SINGLE_DOSE),
        **dict.fromkeys(("unidose", "monodose", "monodosis", "unidosis"), DoseClass.SINGLE_DOSE),
        **dict.fromkeys(("multi dose", "multi", "mdv", "multiple dose", "multidose"), DoseClass.MULTI_DOSE),
        **dict.fromkeys(("mehrdosen", "mehrdosis", "multidosis", "multidosen"), DoseClass.MULTI_DOSE),
        **dict.fromkeys(("pharmacy bulk", "bulk"), DoseClass.PHARMACY_BULK),
        "kit": DoseClass.KIT,
        **dict.fromkeys(("none", "keine", "aucune", "ninguna"), DoseClass.NONE),
    },
    "single_dose, multi_dose, pharmacy_bulk, kit, none",
)
ITEM_KINDS = cells.word({kind.value: kind for kind in ItemKind}, ", ".join(ItemKind))
LINE_KINDS = cells.word({kind.value: kind for kind in LineKind}, ", ".join(LineKind))

SKU = _column("sku", cells.text(200), heading_words.SKU_ELSEWHERE, required=True)  # a name finds it too
ITEMS = (
    _column("sku", cells.text(40), heading_words.SKU_OF_ITEMS, required=True),
    _column("name", cells.text(200), heading_words.NAME_OF_ITEMS, required=True),
    _column("unit", UNITS, required=True),
    _number("content", decimals=4, above_zero=True, required=True),
    _column("dose_class", DOSE_CLASSES, required=True),
    _column("kind", ITEM_KINDS),
    _column("maker", cells.text(120), default=""),
    _column("category", cells.text(60), default=""),
    _column("ingredient", cells.text(120)),
    _number("overfill", decimals=4, default=Decimal(0)),
    _column("container_form", cells.text(40), default=""),
    _column("in_use_hours", cells.whole(most=100_000)),
    _column("sterile", cells.YES_OR_NO, default=False),
    _column("prescription_only", cells.YES_OR_NO, default=False),
    _column("storage", cells.text(40), default="room_15_25"),
    _column("shelf_life_months", cells.whole(most=1_200)),
    _column("pack_containers", cells.whole(least=1), default=1),
    _column("gtin", cells.gtin),
    _column("pack_gtin", cells.gtin),
    _column("note", cells.text(500), default=""),
)
OFFERS = (
    SKU,
    _column("supplier", cells.text(120), required=True),
    _number("pack_price", decimals=2, money=True, required=True),
    _column("pack_containers", cells.whole(least=1)),
    _column("minimum_packs", cells.whole(least=1), default=1),
    _column("lead_days", cells.whole(most=1_000)),
    _day("valid_from"),
    _column("preferred", cells.YES_OR_NO, default=True),
    _column("price_breaks", cells.text(300), default=""),
    _number("list_price", decimals=2, money=True),
    _column("list_currency", cells.text(3), default=""),
)
OPENING_STOCK = (
    SKU,
    _column("lot_number", cells.text(LONGEST_NUMBER), required=True),
    _day("expires_on", month_alone=True, required=True),
    _column("containers", cells.whole(least=1), required=True),
    _number("unit_cost", decimals=6, money=True, required=True),
    _column("supplier", cells.text(120)),
    _day("received_on"),
    _day("produced_on"),
    _column("place", cells.text(120), default=""),
)
FORMULATIONS = (
    _column("code", cells.text(20), required=True),
    _column("name", cells.text(200), heading_words.NAME_OF_FORMULATIONS, default=""),
    _column("concern", cells.text(120), default=""),
    _column("area", cells.text(60), default=""),
    _column("technique", cells.text(80), default=""),
    _number("total_volume_ml", decimals=4, above_zero=True),
    _column("preparation_rule", cells.text(300), default=""),
    _column("line_kind", LINE_KINDS, default=LineKind.PRODUCT),
    _column("sku", cells.text(200), heading_words.SKU_OF_FORMULATIONS),
    _column("ingredient", cells.text(120)),
    _column("line_name", cells.text(200), default=""),
    _number("quantity", decimals=4, above_zero=True),
    _column("unit", UNITS),
    _column("declared_amount", cells.text(60), default=""),
    _column("role", cells.text(60), default=""),
    _column("note", cells.text(500), default=""),
)
OF_KIND = {
    Kind.ITEMS: ITEMS,
    Kind.OFFERS: OFFERS,
    Kind.OPENING_STOCK: OPENING_STOCK,
    Kind.FORMULATIONS: FORMULATIONS,
}
