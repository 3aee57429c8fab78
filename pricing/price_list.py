"""The price list: practitioner levels, price bands of the market, tax rules, the clinic's own prices (T5)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, RATE, Base, append_only
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import ZERO, plain
from pricing.protocols import Protocol


class PractitionerLevel(Base):
    """How experienced who treats is: what the hour costs, and the market's premium on the price."""

    __tablename__ = "practitioner_levels"
    __table_args__ = (
        sa.CheckConstraint("multiplier > 0", name="multiplier_positive"),
        sa.CheckConstraint("labour_rate >= 0", name="labour_rate_not_negative"),
        sa.CheckConstraint("commission_rate BETWEEN 0 AND 1000000", name="commission_a_fraction"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    multiplier: Mapped[Decimal] = mapped_column(RATE)
    labour_rate: Mapped[Decimal] = mapped_column(MONEY)  # per hour
    can_prescribe: Mapped[str] = mapped_column(sa.String(40), default="")  # "Y", "N", "depends on place"
    may_inject_rx: Mapped[str] = mapped_column(sa.String(40), default="")  # "Y", "N", "under order"
    needs_supervision: Mapped[str] = mapped_column(sa.String(40), default="")
    commission_rate: Mapped[Decimal] = mapped_column(RATE, default=Decimal(0))
    version: Mapped[int] = mapped_column(default=1)
    illustrative: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  (SQLAlchemy's name)


class PriceBand(Base):
    """What a session typically costs in a market, lowest and highest, from a date on (T5)."""

    __tablename__ = "price_bands"
    __table_args__ = (
        sa.CheckConstraint("low >= 0 AND low <= high", name="low_to_high"),
        sa.Index(None, "currency", "valid_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    region: Mapped[str] = mapped_column(sa.String(40))
    country: Mapped[str] = mapped_column(sa.String(40))  # ISO 3166-1, or a group such as "EU/UK"
    currency: Mapped[str] = mapped_column(sa.String(3))
    treatment: Mapped[str] = mapped_column(sa.String(80))  # in its source's words
    family: Mapped[str] = mapped_column(sa.String(80))  # in the words of `Protocol.treatment`
    area: Mapped[str] = mapped_column(sa.String(60))
    unit: Mapped[str] = mapped_column(sa.String(40))  # only "session" prices a session
    low: Mapped[Decimal] = mapped_column(MONEY)
    high: Mapped[Decimal] = mapped_column(MONEY)
    valid_from: Mapped[date]
    illustrative: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")


class TaxRule(Base):
    """The tax on a supply in a country, or in one region of it, between two dates."""

    __tablename__ = "tax_rules"
    __table_args__ = (
        sa.CheckConstraint("rate IS NULL OR (rate >= 0 AND rate < 1000000)", name="rate_a_fraction"),
        sa.CheckConstraint("effective_to IS NULL OR effective_from <= effective_to", name="dates_in_order"),
        sa.Index(None, "country", "effective_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    country: Mapped[str] = mapped_column(sa.String(2))
    region: Mapped[str] = mapped_column(sa.String(40), default="")  # "" or in brackets: the country
    name: Mapped[str] = mapped_column(sa.String(80))
    supply: Mapped[str] = mapped_column(sa.String(120))
    treatment: Mapped[str] = mapped_column(sa.String(80), default="")  # "standard", "exempt", "none"
    rate: Mapped[Decimal | None] = mapped_column(RATE)  # none: the rule states no rate on the sale
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]  # its last day
    inclusive: Mapped[bool]  # the printed price contains the tax
    evidence: Mapped[str] = mapped_column(sa.String(500), default="")
    illustrative: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")


class ListPrice(Base):
    """The clinic's own price of a session by protocol and level; none means: no longer one of its own."""

    __tablename__ = "list_prices"
    __table_args__ = (
        sa.CheckConstraint("price IS NULL OR price > 0", name="price_positive"),
        sa.Index(None, "protocol_id", "level_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    protocol_id: Mapped[int] = mapped_column(sa.ForeignKey("protocols.id"))
    level_id: Mapped[int] = mapped_column(sa.ForeignKey("practitioner_levels.id"))
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    valid_from: Mapped[date]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))


append_only(ListPrice.__table__)  # type: ignore[arg-type]
