"""The price list: practitioner levels, price bands of the market, tax rules, the clinic's own prices (T5)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, RATE, Base, append_only
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import ZERO, places
from pricing.protocols import Protocol

GENERAL_TREATMENT = "mesotherapy (general)"
ANY_AREA = "any"
COSMETIC_SERVICE = "cosmetic service"

WIDER_AREA = {
    "full face": "face",
    "cheeks": "face",
    "forehead": "face",
    "jawline": "face",
    "hands (both)": "hands",
    "thighs (both)": "thighs",
    "abdomen": "body",
    "arms": "body",
    "hips": "body",
    "legs": "body",
    "thighs": "body",
}
"""Where an area has no band of its own, the band of the area that it belongs to speaks for it."""

SEVERAL_AREAS = {
    "face or decollete": ("face", "decollete"),
    "face + neck or decollete": ("face + neck", "face + decollete"),
}
"""Price lists that name one price for either of two areas."""

HST_PROVINCES = frozenset({"NB", "NL", "NS", "ON", "PE"})
"""Canadian provinces that the rule for "(no HST provinces)" does not speak for."""


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


append_only(ListPrice)


@dataclass(frozen=True)
class Band:
    """The price band that matches best: every session price lies inside it (P1)."""

    code: str
    low: Decimal
    high: Decimal
    currency: str
    treatment: str
    area: str
    country: str
    valid_from: date
    illustrative: bool
    note: str
    source: str


@dataclass(frozen=True)
class Tax:
    """The tax on a price: a fraction of one, and whether printed prices contain it."""

    rate: Decimal
    inclusive: bool
    name: str
    code: str
    note: str
    source: str


class UnknownLevel(NotFound):
    """No practitioner level has this code."""


class NoBand(Conflict):
    """No price band speaks for this treatment here, so nobody can say what is usual (T5)."""


class BadListPrice(Invalid):
    """The clinic's own price is not an amount above zero in whole cents."""


def level(db: Session, code: str) -> PractitionerLevel:
    """The practitioner level with this code. Raises UnknownLevel."""
    found = db.scalar(sa.select(PractitionerLevel).where(PractitionerLevel.code == code))
    if found is None:
        raise UnknownLevel(f"No practitioner level has the code {code!r}.")
    return found


def set_list_price(
    db: Session,
    protocol: Protocol,
    level: PractitionerLevel,
    price: Decimal | None,
    *,
    valid_from: date,
    at: datetime,
    by: str,
) -> ListPrice:
    """Add the clinic's own price of a session from a date on; none ends it. The old ones stay (stage 4)."""
    if price is not None and not (price.is_finite() and price > 0 and places(price) <= 2):
        raise BadListPrice(f"{price} is not a list price: an amount above 0 in whole cents.")
    row = ListPrice(
        protocol_id=protocol.id, level_id=level.id, price=price, valid_from=valid_from, at=at, by=by
    )
    db.add(row)
    db.flush()
    return row


def list_price(db: Session, protocol: Protocol, level: PractitionerLevel, on: date) -> Decimal | None:
    """The clinic's own price in force on a date; none where it set none or ended it."""
    return db.scalar(
        sa.select(ListPrice.price)
        .where(
            ListPrice.protocol_id == protocol.id,
            ListPrice.level_id == level.id,
            ListPrice.valid_from <= on,
        )
        .order_by(ListPrice.valid_from.desc(), ListPrice.id.desc())
        .limit(1)
    )


def band_for(
    db: Session, *, region: str, country: str, currency: str, treatment: str, area: str, on: date
) -> Band:
    """The price band of a session that matches best on a date (stage 6). Raises NoBand.

    The area itself goes before a wider one and that before any area; the treatment before mesotherapy in
    general; the country before its region; the newest before the older. Of bands that are still equal the
    widest is taken, then the one that begins lowest, then the first by code.
    """
    rows = db.scalars(
        sa.select(PriceBand)
        .where(
            PriceBand.currency == currency,
            PriceBand.unit == "session",
            PriceBand.valid_from <= on,
            PriceBand.family.in_([treatment, GENERAL_TREATMENT]),
        )
        .order_by(PriceBand.code)
    )
    matching = [
        (row, area_rank)
        for row in rows
        if (area_rank := _area_rank(row.area, area)) is not None and _speaks_for(row, country, region)
    ]
    if not matching:
        raise NoBand(
            f"No price band in {currency} speaks for {treatment}, {area}, in {country} ({region}) on {on}."
        )
    best, _ = max(
        matching,
        key=lambda match: (
            match[1],
            match[0].family == treatment,
            match[0].country == country,
            match[0].valid_from,
            match[0].high - match[0].low,
            -match[0].low,
        ),
    )
    return _band(best)


def tax_for(db: Session, *, country: str, region: str, supply: str = COSMETIC_SERVICE, on: date) -> Tax:
    """The tax rule in force on a date: the region's own before the country's (stage 8).

    A country without a rule is no reason to refuse a price: the tax is 0 % and its note says to check.
    """
    rows = db.scalars(
        sa.select(TaxRule)
        .where(
            TaxRule.country == country,
            TaxRule.effective_from <= on,
            sa.or_(TaxRule.effective_to.is_(None), TaxRule.effective_to >= on),
            TaxRule.rate.is_not(None),
        )
        .order_by(TaxRule.code)
    )
    matching = [row for row in rows if _taxes(row, supply) and _rules_in(row, region)]
    if not matching:
        where = f"{country} {region}".strip()
        note = f"no tax rule for {supply} in {where} on {on}: 0 %, check"
        return Tax(rate=ZERO, inclusive=False, name="no tax", code="", note=note, source="")
    best = max(
        matching,
        key=lambda row: (row.region == region, row.region == "", row.supply == supply, row.effective_from),
    )
    assert best.rate is not None, best.code
    return Tax(
        rate=best.rate,
        inclusive=best.inclusive,
        name=best.name,
        code=best.code,
        note=best.evidence,
        source=best.source,
    )


def _band(row: PriceBand) -> Band:
    return Band(
        code=row.code,
        low=row.low,
        high=row.high,
        currency=row.currency,
        treatment=row.treatment,
        area=row.area,
        country=row.country,
        valid_from=row.valid_from,
        illustrative=row.illustrative,
        note=row.note,
        source=row.source,
    )


def _area_rank(of_band: str, asked: str) -> int | None:
    served = SEVERAL_AREAS.get(of_band, (of_band,))
    if asked in served:
        return 2
    if WIDER_AREA.get(asked) in served:
        return 1
    return 0 if of_band == ANY_AREA else None


def _speaks_for(row: PriceBand, country: str, region: str) -> bool:
    # "EU/UK" is a group of its region's countries; the prices of one country say nothing of another.
    return row.country == country or (row.region == region and "/" in row.country)


def _taxes(row: TaxRule, supply: str) -> bool:
    # A rule may narrow the supply: "cosmetic service (no medical purpose)", "cosmetic service, no benefit".
    return row.supply == supply or row.supply.startswith((f"{supply} (", f"{supply},"))


def _rules_in(row: TaxRule, region: str) -> bool:
    if row.region == "(no HST provinces)" and region in HST_PROVINCES:
        return False
    return row.region in (region, "") or row.region.startswith("(")
