"""The catalogue: ingredients and the items that hold them; with the suppliers that offer the items."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import QUANTITY, Base, choice, one_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import Unit, plain, quantity
from inventory.suppliers import Offer as Offer  # who asks for the catalogue finds its offers here
from inventory.suppliers import Replacement as Replacement
from inventory.suppliers import Supplier as Supplier
from inventory.suppliers import SupplierTaken as SupplierTaken
from inventory.suppliers import UnknownSupplier as UnknownSupplier
from inventory.suppliers import add_supplier as add_supplier
from inventory.suppliers import replacements as replacements
from inventory.suppliers import supplier as supplier


class DoseClass(StrEnum):
    """What may become of an opened container; from the label, never guessed from size (S2)."""

    SINGLE_DOSE = "single_dose"
    MULTI_DOSE = "multi_dose"
    PHARMACY_BULK = "pharmacy_bulk"
    KIT = "kit"
    NONE = "none"

    @property
    def one_patient(self) -> bool:
        """One container serves one patient in one session; the rest is discarded (S3)."""
        return self in (DoseClass.SINGLE_DOSE, DoseClass.KIT)


class ItemKind(StrEnum):
    """What an item is to the books: each kind has its own inventory account."""

    INJECTABLE = "injectable"
    TOPICAL = "topical"
    CONSUMABLE = "consumable"
    RETAIL = "retail"


class Ingredient(Base):
    """What a formulation calls for, with what a screening must ask about it (T1, T6)."""

    __tablename__ = "ingredients"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    category: Mapped[str] = mapped_column(sa.String(60))
    role: Mapped[str] = mapped_column(sa.String(120), default="")
    allergen_class: Mapped[str] = mapped_column(sa.String(120), default="")
    contraindications: Mapped[str] = mapped_column(sa.String(200), default="")
    regulatory_note: Mapped[str] = mapped_column(sa.String(300), default="")
    illustrative: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")


class Item(Base):
    """A container that can be bought and opened: a 5 mL vial, a needle, a 30 g tube (S1, S2)."""

    __tablename__ = "items"
    __table_args__ = (
        sa.CheckConstraint("content > 0", name="content_positive"),
        sa.CheckConstraint("overfill >= 0", name="overfill_not_negative"),
        sa.CheckConstraint("pack_containers > 0", name="pack_positive"),
        one_of("unit", Unit),
        one_of("dose_class", DoseClass),
        one_of("kind", ItemKind),
        sa.Index(None, "gtin"),
        sa.Index(None, "pack_gtin"),
        sa.Index(None, "ingredient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    maker: Mapped[str] = mapped_column(sa.String(120), default="")
    kind: Mapped[ItemKind] = mapped_column(choice(ItemKind))
    category: Mapped[str] = mapped_column(sa.String(60), default="")
    ingredient_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ingredients.id"))
    unit: Mapped[Unit] = mapped_column(choice(Unit))
    content: Mapped[Decimal] = mapped_column(QUANTITY)  # of one container, labelled
    overfill: Mapped[Decimal] = mapped_column(QUANTITY, default=Decimal(0))  # never stock (S3)
    container_form: Mapped[str] = mapped_column(sa.String(40), default="")
    dose_class: Mapped[DoseClass] = mapped_column(choice(DoseClass))
    in_use_hours: Mapped[int | None]  # from the label, after opening; none: the label is silent
    sterile: Mapped[bool] = mapped_column(default=False)
    storage: Mapped[str] = mapped_column(sa.String(40), default="room_15_25")
    shelf_life_months: Mapped[int | None]
    pack_containers: Mapped[int] = mapped_column(default=1)
    gtin: Mapped[str | None] = mapped_column(sa.String(14))  # of one container
    pack_gtin: Mapped[str | None] = mapped_column(sa.String(14))
    prescription_only: Mapped[bool] = mapped_column(default=False, server_default=sa.text("false"))
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    illustrative: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  (SQLAlchemy's name)

    @property
    def loses_on_drawing(self) -> bool:
        """A pre-filled syringe loses nothing when drawn, for nothing is drawn (S3)."""
        return (
            self.dose_class.one_patient
            and self.unit is Unit.ML
            and self.container_form != "prefilled_syringe"
        )

    def containers(self, stock: Decimal) -> Decimal:
        """How many containers a stock of this item is; a sealed shelf holds a whole number (S1)."""
        return stock / self.content


class UnknownItem(NotFound):
    """No item has this SKU."""


class UnknownIngredient(NotFound):
    """No ingredient has this code."""


class SkuTaken(Conflict):
    """An item of this SKU is on record already."""


class GtinTaken(Conflict):
    """Another item carries the GTIN: a scanned label would mean two things."""


class BadGtin(Invalid):
    """The digits are not a GTIN (S13)."""


class NotWholeContainers(Invalid):
    """A sealed shelf holds whole containers (S1)."""


def item(db: Session, sku: str) -> Item:
    """The item with this SKU. Raises UnknownItem."""
    found = db.scalar(sa.select(Item).where(Item.sku == sku))
    if found is None:
        raise UnknownItem(f"No item has the SKU {sku!r}.")
    return found


def ingredient(db: Session, code: str) -> Ingredient:
    """The ingredient with this code. Raises UnknownIngredient."""
    found = db.scalar(sa.select(Ingredient).where(Ingredient.code == code))
    if found is None:
        raise UnknownIngredient(f"No ingredient has the code {code!r}.")
    return found


def item_by_gtin(db: Session, gtin: str) -> tuple[Item, int] | None:
    """The item whose container or pack carries the GTIN, and how many containers that label covers."""
    found = db.scalar(sa.select(Item).where(Item.gtin == gtin).order_by(Item.id))
    if found is not None:
        return found, 1
    found = db.scalar(sa.select(Item).where(Item.pack_gtin == gtin).order_by(Item.id))
    return None if found is None else (found, found.pack_containers)


def add_item(db: Session, new: Item) -> Item:
    """Add an item. Raises SkuTaken, GtinTaken, BadGtin, and measures.NotAQuantity for its content."""
    quantity(new.content)
    if db.scalar(sa.select(Item.id).where(Item.sku == new.sku)) is not None:
        raise SkuTaken(f"An item with the SKU {new.sku} is on record already.")
    _settle_gtins(db, new)
    db.add(new)
    db.flush()
    return new


def change_item(db: Session, subject: Item, changes: Mapping[str, object]) -> Item:
    """Change what may be changed of an item. Raises GtinTaken, BadGtin."""
    with db.no_autoflush:
        for name, value in changes.items():
            setattr(subject, name, value)
        _settle_gtins(db, subject)
    db.flush()
    return subject


def gtin_14(digits: str) -> str:
    """A GTIN of 8, 12, 13 or 14 digits in its 14-digit form. Raises BadGtin, also for a wrong check digit."""
    if not (digits.isascii() and digits.isdecimal()) or len(digits) not in (8, 12, 13, 14):
        raise BadGtin(f"{digits!r} is not a GTIN: 8, 12, 13 or 14 digits.")
    padded = digits.zfill(14)
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(padded[:13]))
    if -weighted % 10 != int(padded[13]):
        raise BadGtin(f"{digits} is not a GTIN: its last digit should be {-weighted % 10}.")
    return padded


def _settle_gtins(db: Session, subject: Item) -> None:
    """Keep GTINs in their 14-digit form; one label means one item."""
    subject.gtin = subject.gtin and gtin_14(subject.gtin)
    subject.pack_gtin = subject.pack_gtin and gtin_14(subject.pack_gtin)
    labels = [label for label in (subject.gtin, subject.pack_gtin) if label]
    if len(set(labels)) < len(labels):
        raise GtinTaken(f"{labels[0]} cannot be the GTIN of a container and of a pack.")
    carrier = db.scalar(
        sa.select(Item.sku)
        .where(sa.or_(Item.gtin.in_(labels), Item.pack_gtin.in_(labels)), Item.sku != subject.sku)
        .limit(1)
    )
    if labels and carrier is not None:
        raise GtinTaken(f"The GTIN {' or '.join(labels)} is on record as {carrier}'s already.")


def whole_containers(subject: Item, stock: Decimal) -> int:
    """How many whole containers a sealed stock is. Raises NotWholeContainers (S1)."""
    count = stock / subject.content
    if count != count.to_integral_value():
        raise NotWholeContainers(
            f"{plain(stock)} {subject.unit} is not a whole number of sealed containers: "
            f"one {subject.sku} holds {plain(subject.content)} {subject.unit}."
        )
    return int(count)
