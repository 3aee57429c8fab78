"""Suppliers: who sells to the clinic, on what terms, and what each asks for a pack of an item (O2)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, Base
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import LARGEST_MONEY, places

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CURRENCY = re.compile("[A-Z]{3}")  # ISO 4217
MOST_BREAKS = 10
MOST_PACKS = 100_000


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
    free_shipping_from: Mapped[Decimal | None] = mapped_column(MONEY)  # none: it never ships free
    order_days: Mapped[str] = mapped_column(sa.String(40), default="", server_default=sa.text("''"))
    cold_days: Mapped[str] = mapped_column(sa.String(40), default="", server_default=sa.text("''"))
    cold_chain: Mapped[bool] = mapped_column(default=False)
    returns_rule: Mapped[str] = mapped_column(sa.String(200), default="")
    version: Mapped[int] = mapped_column(default=1)
    illustrative: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  (SQLAlchemy's name)

    @property
    def asks_of_orders(self) -> bool:
        """Whether it takes no order below an amount, or charges for shipping."""
        return bool(self.minimum_order or self.shipping)


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
    price_breaks: Mapped[str] = mapped_column(sa.String(300), default="", server_default=sa.text("''"))
    list_price: Mapped[Decimal | None] = mapped_column(MONEY)  # of a pack, as the supplier's list has it
    list_currency: Mapped[str] = mapped_column(sa.String(3), default="", server_default=sa.text("''"))
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
    breaks: tuple[tuple[int, Decimal], ...] = ()  # from so many packs on, a pack costs so much
    supplier_id: int = 0

    @property
    def container_cost(self) -> Decimal:
        """The price of one container, unrounded."""
        return self.pack_price / self.pack_containers

    def price_of(self, packs: int) -> Decimal:
        """The price of a pack in an order of so many."""
        return next((price for start, price in reversed(self.breaks) if packs >= start), self.pack_price)


class UnknownSupplier(NotFound):
    """No supplier has this code."""


class SupplierTaken(Conflict):
    """A supplier of this code is on record already."""


class BadDays(Invalid):
    """What is written names no days of the week."""


class BadOffer(Invalid):
    """The numbers cannot be those of an offer."""


def supplier(db: Session, code: str) -> Supplier:
    """The supplier with this code. Raises UnknownSupplier."""
    found = db.scalar(sa.select(Supplier).where(Supplier.code == code))
    if found is None:
        raise UnknownSupplier(f"No supplier has the code {code!r}.")
    return found


def add_supplier(db: Session, new: Supplier) -> Supplier:
    """Add a supplier. Raises SupplierTaken, BadDays."""
    if db.scalar(sa.select(Supplier.id).where(Supplier.code == new.code)) is not None:
        raise SupplierTaken(f"A supplier with the code {new.code} is on record already.")
    new.order_days, new.cold_days = days(new.order_days or ""), days(new.cold_days or "")
    db.add(new)
    db.flush()
    return new


def change_supplier(db: Session, subject: Supplier, changes: Mapping[str, Any]) -> Supplier:
    """Change what may be changed of a supplier. Raises BadDays."""
    kept = dict(changes)
    for name in ("order_days", "cold_days"):
        if name in kept:
            kept[name] = days(kept[name])
    for name, value in kept.items():
        setattr(subject, name, value)
    db.flush()
    return subject


def days(text: str) -> str:
    """Days of the week as they are kept: `mon thu`; none are every day. Raises BadDays."""
    found = {word[:3] for word in text.lower().replace(",", " ").split()}
    odd = found - set(WEEK)
    if odd:
        raise BadDays(f"{min(odd)!r} is no day of the week: write mon, tue, wed, thu, fri, sat or sun.")
    return " ".join(day for day in WEEK if day in found)


def order_day(subject: Supplier | None, on: date, *, cold: bool) -> date:
    """The first day from `on` on which the supplier takes an order; cold goods have days of their own."""
    kept = "" if subject is None else (subject.cold_days if cold else "") or subject.order_days
    taken = kept.split() or list(WEEK)
    return next(
        day for day in (on + timedelta(days=ahead) for ahead in range(7)) if WEEK[day.weekday()] in taken
    )


def add_offer(db: Session, new: Offer) -> Offer:
    """Add a price; it takes the place of older ones from its date on, and they stay. Raises BadOffer."""
    db.add(checked(new))
    db.flush()
    return new


def checked(new: Offer) -> Offer:
    """An offer with its breaks as they are kept. Raises BadOffer."""
    minimum = new.minimum_packs or 1
    new.price_breaks = kept_breaks(new.price_breaks or "", price=new.pack_price, minimum=minimum)
    new.list_currency = (new.list_currency or "").upper()
    if (new.list_price is None) != (not new.list_currency):
        raise BadOffer("A price in the supplier's currency needs both the price and the currency.")
    if new.list_currency and not CURRENCY.fullmatch(new.list_currency):
        raise BadOffer(f"{new.list_currency!r} is not a currency: three letters, such as EUR.")
    return new


def breaks(text: str) -> tuple[tuple[int, Decimal], ...]:
    """Price breaks as they are kept: `5:95.00 10:90.00`, from so many packs on a pack costs so much."""
    return tuple(
        (int(packs), Decimal(price)) for packs, _, price in (one.partition(":") for one in text.split())
    )


def said_breaks(kept: str) -> str:
    """Price breaks as people write them."""
    return ", ".join(f"{start}: {price:.2f}" for start, price in breaks(kept))


def kept_breaks(text: str, *, price: Decimal, minimum: int) -> str:
    """Price breaks as people write them, `5: 95.00, 10: 90.00`, as they are kept. Raises BadOffer."""
    parts = text.replace(": ", ":").replace(";", " ").replace(", ", " ").split()
    found = [_break(part.rstrip(",")) for part in parts]
    if len(found) > MOST_BREAKS:
        raise BadOffer(f"An offer has at most {MOST_BREAKS} price breaks, not {len(found)}.")
    before = (minimum, price)
    for start, much in found:
        if not before[0] < start <= MOST_PACKS or not 0 <= much < before[1]:
            raise BadOffer(
                f"From {start} packs on {much} a pack: a break starts above {before[0]} packs and costs less "
                f"than {before[1]}."
            )
        before = (start, much)
    return " ".join(f"{start}:{much:.2f}" for start, much in found)


def _break(part: str) -> tuple[int, Decimal]:
    packs, _, written = part.partition(":")
    try:
        start, price = int(packs), Decimal(written)
    except (ValueError, InvalidOperation):
        start, price = 0, Decimal("NaN")
    if not price.is_finite() or places(price) > 2 or price > LARGEST_MONEY:
        raise BadOffer(f"{part[:40]!r} is no price break: write 10: 90.00, more than one with commas.")
    return start, price


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
            breaks=breaks(offer.price_breaks),
            supplier_id=offer.supplier_id,
        )
        for offer in best_last
    }


def rates(db: Session, *, currency: str, on: date) -> dict[int, Decimal]:
    """What one of a supplier's currency is in ours, by the supplier's key: as its newest offer has it whose
    price on its own list is on record. Of whom nothing tells it is not in the answer."""
    ours = sa.select(Supplier.id).where(Supplier.currency == currency)
    known = dict.fromkeys(db.scalars(ours), Decimal(1))
    told = (
        sa.select(Offer.supplier_id, Offer.pack_price, Offer.list_price)
        .join(Supplier, Supplier.id == Offer.supplier_id)
        .where(
            Supplier.currency != currency,
            Offer.list_currency == Supplier.currency,
            Offer.list_price > 0,
            Offer.valid_from <= on,
        )
        .order_by(Offer.valid_from, Offer.id)
    )
    return known | {key: price / listed for key, price, listed in db.execute(told) if listed}


def _preference(offer: Any) -> tuple[bool, date, Decimal, int]:
    return offer.preferred, offer.valid_from, -(offer.pack_price / offer.pack_containers), -offer.id
