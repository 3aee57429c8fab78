"""Columns: what each kind of list holds, and the words that people write above it."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from api import cells
from api.tables import Cell
from inventory.catalog import DoseClass, ItemKind
from inventory.lots import LONGEST_NUMBER
from inventory.measures import LARGEST_MONEY, Unit


class Kind(StrEnum):
    """What a list holds."""

    ITEMS = "items"
    OFFERS = "offers"
    OPENING_STOCK = "opening-stock"


@dataclass(frozen=True)
class Column:
    """One field of a list: what people call it, how its cells are read, and what an empty one means."""

    field: str
    read: Callable[[Cell], Any]
    headings: tuple[str, ...]
    required: bool = False
    default: Any = None
    numeric: bool = False  # a number in which a comma or a dot may mean two things


def heading(words: str) -> str:
    """A header as it is compared: `Lot #`, `LOT NO.` and `lot_no` are one; accents and case do not count."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def by_heading(columns: Iterable[Column]) -> dict[str, Column]:
    """The column that each compared header means."""
    return {heading(words): column for column in columns for words in (column.field, *column.headings)}


UNITS = cells.word(
    {
        **dict.fromkeys(("ml", "millilitre", "millilitres", "milliliter", "milliliters", "cc"), Unit.ML),
        **dict.fromkeys(("g", "gram", "grams", "gr"), Unit.G),
        **dict.fromkeys(("iu", "ui"), Unit.IU),
        **dict.fromkeys(("each", "ea", "pc", "pcs", "piece", "pieces"), Unit.EACH),
    },
    "mL, g, IU, each",
)
DOSE_CLASSES = cells.word(
    {
        **dict.fromkeys(("single dose", "single", "sdv", "single use"), DoseClass.SINGLE_DOSE),
        **dict.fromkeys(("multi dose", "multi", "mdv", "multiple dose", "multidose"), DoseClass.MULTI_DOSE),
        **dict.fromkeys(("pharmacy bulk", "bulk"), DoseClass.PHARMACY_BULK),
        "kit": DoseClass.KIT,
        "none": DoseClass.NONE,
    },
    "single_dose, multi_dose, pharmacy_bulk, kit, none",
)
ITEM_KINDS = cells.word({kind.value: kind for kind in ItemKind}, ", ".join(ItemKind))

SKU = Column(
    "sku",
    cells.text(200),  # a name or a GTIN finds the item too
    (
        "Item",
        "Item code",
        "Item number",
        "Item no",
        "Product",
        "Product code",
        "Code",
        "Article",
        "Ref",
        "GTIN",
    ),
    required=True,
)
SUPPLIER_HEADINGS = ("Supplier code", "Vendor", "Vendor code", "Bought from")

ITEMS = (
    Column(
        "sku",
        cells.text(40),
        ("Item code", "Item number", "Item no", "Product code", "Code", "Article", "Ref"),
        required=True,
    ),
    Column(
        "name",
        cells.text(200),
        ("Item", "Item name", "Product", "Product name", "Description"),
        required=True,
    ),
    Column("unit", UNITS, ("Content unit", "Unit of measure", "UOM"), required=True),
    Column(
        "content",
        cells.number(decimals=4, above_zero=True),
        ("Volume", "Content per container", "Unit volume", "Container size", "Fill volume"),
        required=True,
        numeric=True,
    ),
    Column("dose_class", DOSE_CLASSES, ("Dose", "Dose type", "Vial type"), required=True),
    Column("kind", ITEM_KINDS, ("Item kind", "Item type", "Type")),
    Column("maker", cells.text(120), ("Manufacturer", "Brand", "Make"), default=""),
    Column("category", cells.text(60), ("Group", "Product group"), default=""),
    Column(
        "ingredient", cells.text(120), ("Ingredient code", "Active ingredient", "Primary ingredient code")
    ),
    Column("overfill", cells.number(decimals=4), ("Overfill mL",), default=Decimal(0), numeric=True),
    Column("container_form", cells.text(40), ("Container", "Form"), default=""),
    Column("in_use_hours", cells.whole(most=100_000), ("In use hours max", "Hours after opening")),
    Column("sterile", cells.YES_OR_NO, (), default=False),
    Column("storage", cells.text(40), ("Storage class", "Keep at"), default="room_15_25"),
    Column("shelf_life_months", cells.whole(most=1_200), ("Shelf life",)),
    Column(
        "pack_containers",
        cells.whole(least=1),
        ("Pack", "Pack size", "Pack qty", "Containers per pack", "Per pack"),
        default=1,
    ),
    Column("gtin", cells.gtin, ("GTIN each", "EAN", "UPC", "Barcode")),
    Column("pack_gtin", cells.gtin, ("GTIN pack", "Pack barcode", "Case GTIN")),
    Column("note", cells.text(500), ("Notes", "Remark", "Comment"), default=""),
)
OFFERS = (
    SKU,
    Column("supplier", cells.text(120), SUPPLIER_HEADINGS, required=True),
    Column(
        "pack_price",
        cells.number(decimals=2, most=LARGEST_MONEY),
        ("Price", "Price per pack", "Cost per pack"),
        required=True,
        numeric=True,
    ),
    Column(
        "pack_containers",
        cells.whole(least=1),
        ("Pack", "Pack size", "Pack qty", "Containers per pack", "Per pack"),
    ),
    Column(
        "minimum_packs", cells.whole(least=1), ("MOQ", "Minimum order", "Minimum", "Min packs"), default=1
    ),
    Column("lead_days", cells.whole(most=1_000), ("Lead time", "Lead time days", "Delivery days")),
    Column("valid_from", cells.day(), ("From", "Valid since", "Price date", "Date")),
    Column("preferred", cells.YES_OR_NO, ("Default", "Preferred supplier"), default=True),
)
OPENING_STOCK = (
    SKU,
    Column(
        "lot_number",
        cells.text(LONGEST_NUMBER),
        (
            "Lot",
            "Lot #",
            "Lot no",
            "Lot code",
            "Batch",
            "Batch #",
            "Batch no",
            "Batch number",
            "LN",
            "Batch/Lot",
        ),
        required=True,
    ),
    Column(
        "expires_on",
        cells.day(month_alone=True),
        (
            "Exp",
            "Expiry",
            "Expiry date",
            "Expires",
            "Expiration",
            "Expiration date",
            "Exp date",
            "Use by",
            "Best by",
        ),
        required=True,
    ),
    Column(
        "containers",
        cells.whole(least=1),
        ("Qty", "Quantity", "Count", "On hand", "Vials", "Units", "Number", "Stock"),
        required=True,
    ),
    Column(
        "unit_cost",
        cells.number(decimals=6, most=LARGEST_MONEY),
        ("Cost", "Cost each", "Cost per container", "Cost per vial", "Unit price", "Price each", "Price"),
        required=True,
        numeric=True,
    ),
    Column("supplier", cells.text(120), SUPPLIER_HEADINGS),
    Column("received_on", cells.day(), ("Received", "Date received", "Receipt date", "Received date")),
)
OF_KIND = {Kind.ITEMS: ITEMS, Kind.OFFERS: OFFERS, Kind.OPENING_STOCK: OPENING_STOCK}
