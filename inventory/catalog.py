"""The catalogue: ingredients, the items that hold them, and the suppliers that offer the items."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, QUANTITY, Base, choice, one_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import Unit, plain, quantity


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


class Supplier(Base):
    """Who sells to the clinic, and on what terms."""

    __tablename__ = "suppliers"
    __table_args__ = (sa.CheckConstraint("lead_days >= 0", name="lead_days_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[str] = mapped_column(sa.String(60), default="")
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    currency: Mapped[str] = mapped_column(sa.String(3), default="USD")
    payment_days: Mapped[int] = mapped_column(default=0)
    lead_days: Mapped[int] = mapped_column(default=7)
    minimum_order: Mapped[Decimal] = mapped_column(MONEY, default=Decimal(0))
    shipping: Mapped[Decimal] = mapped_column(MONEY, default=Decimal(0))
    cold_chain: Mapped[bool] = mapped_column(default=False)
    returns_rule: Mapped[str] = mapped_column(sa.String(200), default="")
    version: Mapped[int] = mapped_column(default=1)
    illustrative: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Offer(Base):
    """A supplier's price for packs of an item from a date on; a later offer replaces it, none is edited."""

    __tablename__ = "offers"
    __table_args__ = (
        sa.CheckConstraint("pack_containers > 0", name="pack_positive"),
        sa.CheckConstraint("pack_price >= 0", name="price_not_negative"),
        sa.CheckConstraint("minimum_packs > 0", name="minimum_positive"),
        sa.CheckConstraint("lead_days >= 0", name="lead_days_not_negative"),
        sa.Index(None, "item_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    supplier_id: Mapped[int] = mapped_column(sa.ForeignKey("suppliers.id"))
    pack_containers: Mapped[int]
    pack_price: Mapped[Decimal] = mapped_column(MONEY)  # in the clinic's currency
    minimum_packs: Mapped[int] = mapped_column(default=1)
    lead_days: Mapped[int]
    valid_from: Mapped[date]
    preferred: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(sa.String(500), default="")


@dataclass(frozen=True)
class Replacement:
    """What it takes today to buy an item again: the preferred offer in force (C4)."""

    item_id: int
    supplier: str
    supplier_name: str
    pack_containers: int
    pack_price: Decimal
    minimum_packs: int
    lead_days: int

    @property
    def container_cost(self) -> Decimal:
        """The price of one container, unrounded."""
        return self.pack_price / self.pack_containers


class UnknownItem(NotFound):
    """No item has this SKU."""


class UnknownIngredient(NotFound):
    """No ingredient has this code."""


class UnknownSupplier(NotFound):
    """No supplier has this code."""


class SkuTaken(Conflict):
    """An item of this SKU is on record already."""


class GtinTaken(Conflict):
    """Another item carries the GTIN: a scanned label would mean two things."""


class BadGtin(Invalid):
    """The digits are not a GTIN (S13)."""


class SupplierTaken(Conflict):
    """A supplier of this code is on record already."""


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


def supplier(db: Session, code: str) -> Supplier:
    """The supplier with this code. Raises UnknownSupplier."""
    found = db.scalar(sa.select(Supplier).where(Supplier.code == code))
    if found is None:
        raise UnknownSupplier(f"No supplier has the code {code!r}.")
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


def add_supplier(db: Session, new: Supplier) -> Supplier:
    """Add a supplier. Refuses a code that is taken."""
    if db.scalar(sa.select(Supplier.id).where(Supplier.code == new.code)) is not None:
        raise SupplierTaken(f"A supplier with the code {new.code} is on record already.")
    db.add(new)
    db.flush()
    return new


def whole_containers(subject: Item, stock: Decimal) -> int:
    """How many whole containers a sealed stock is. Raises NotWholeContainers (S1)."""
    count = stock / subject.content
    if count != count.to_integral_value():
        raise NotWholeContainers(
            f"{plain(stock)} {subject.unit} is not a whole number of sealed containers: "
            f"one {subject.sku} holds {plain(subject.content)} {subject.unit}."
        )
    return int(count)


def replacements(
    db: Session, item_ids: Iterable[int], *, on: date, supplier_id: int | None = None
) -> dict[int, Replacement]:
    """The preferred offer in force on a date for each item that has one; of one supplier, if one is named.

    A supplier's later offer of the same pack replaces its earlier one. Of several in force the preferred
    one wins, then the newest, then the cheaper container.
    """
    query = (
        sa.select(*Offer.__table__.c, Supplier.code.label("supplier"), Supplier.name.label("supplier_name"))
        .join(Supplier, Supplier.id == Offer.supplier_id)
        .where(Offer.item_id.in_(list(item_ids)), Offer.valid_from <= on)
        .order_by(Offer.valid_from, Offer.id)
    )
    rows = db.execute(query if supplier_id is None else query.where(Offer.supplier_id == supplier_id))
    in_force = {(row.item_id, row.supplier_id, row.pack_containers): row for row in rows}
    best_last = sorted(in_force.values(), key=_preference)
    return {
        offer.item_id: Replacement(
            item_id=offer.item_id,
            supplier=offer.supplier,
            supplier_name=offer.supplier_name,
            pack_containers=offer.pack_containers,
            pack_price=offer.pack_price,
            minimum_packs=offer.minimum_packs,
            lead_days=offer.lead_days,
        )
        for offer in best_last
    }


def _preference(offer: Any) -> tuple[bool, date, Decimal, int]:
    return offer.preferred, offer.valid_from, -(offer.pack_price / offer.pack_containers), -offer.id
