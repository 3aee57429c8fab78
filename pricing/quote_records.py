"""Records of a quote: what it promised, kept whole, and where it stands (P4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, QUANTITY, RATE, Base, append_only, choice, one_of
from inventory.errors import NotFound
from pricing.sheets import LineKind


class QuoteStatus(StrEnum):
    """The life of a quote (P4)."""

    DRAFT = "draft"
    ISSUED = "issued"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Quote(Base):
    """One version of an offer, with everything it promises; its rows are never changed."""

    __tablename__ = "quotes"
    __table_args__ = (sa.UniqueConstraint("root_id", "version"), sa.Index(None, "patient_ref"))

    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int | None] = mapped_column(sa.ForeignKey("quotes.id"))  # the first version; none: itself
    version: Mapped[int]
    part_of: Mapped[int | None] = mapped_column(sa.ForeignKey("quotes.id"), index=True)  # none: it leads
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    protocol_id: Mapped[int] = mapped_column(sa.ForeignKey("protocols.id"))
    level_id: Mapped[int] = mapped_column(sa.ForeignKey("practitioner_levels.id"))
    formulation_version_id: Mapped[int] = mapped_column(sa.ForeignKey("formulation_versions.id"))
    patient_ref: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(sa.String(80))
    starts_on: Mapped[date]
    sessions: Mapped[int]
    interval_weeks: Mapped[int]
    plan_reason: Mapped[str] = mapped_column(sa.String(500))
    region: Mapped[str] = mapped_column(sa.String(40))
    currency: Mapped[str] = mapped_column(sa.String(3))
    band_low: Mapped[Decimal] = mapped_column(MONEY)
    band_high: Mapped[Decimal] = mapped_column(MONEY)
    band_source: Mapped[str] = mapped_column(sa.String(500))
    tax_name: Mapped[str] = mapped_column(sa.String(80))
    tax_rate: Mapped[Decimal] = mapped_column(RATE)
    tax_inclusive: Mapped[bool]
    discount_rate: Mapped[Decimal] = mapped_column(RATE)
    discount_rule: Mapped[str] = mapped_column(
        sa.String(20), server_default=sa.text("''")
    )  # "": it was typed
    discount_name: Mapped[str] = mapped_column(sa.String(120), server_default=sa.text("''"))
    price_override: Mapped[str] = mapped_column(sa.String(500))
    cost: Mapped[Decimal] = mapped_column(MONEY)  # of the whole course, when it was drafted
    floor: Mapped[Decimal] = mapped_column(MONEY)
    subtotal: Mapped[Decimal] = mapped_column(MONEY)
    discount: Mapped[Decimal] = mapped_column(MONEY)
    tax: Mapped[Decimal] = mapped_column(MONEY)
    total: Mapped[Decimal] = mapped_column(MONEY)
    deposit: Mapped[Decimal] = mapped_column(MONEY, server_default=sa.text("0"))  # of the total, to book
    answers: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # the screening as it was answered
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    shortages: Mapped[list[str]] = mapped_column(sa.JSON)


class QuoteStage(Base):
    """One of the eight stages of the price, with its sentence (section 4)."""

    __tablename__ = "quote_stages"

    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    amount: Mapped[Decimal] = mapped_column(MONEY)
    note: Mapped[str] = mapped_column(sa.Text)


class QuoteSession(Base):
    """One session as offered: its day, its price, and what it cost on three bases."""

    __tablename__ = "quote_sessions"

    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    on: Mapped[date]
    price: Mapped[Decimal] = mapped_column(MONEY)
    actual: Mapped[Decimal] = mapped_column(MONEY)
    average: Mapped[Decimal] = mapped_column(MONEY)
    replacement: Mapped[Decimal] = mapped_column(MONEY)
    short_of: Mapped[list[str]] = mapped_column(sa.JSON)


class QuoteLine(Base):
    """One line of a session's cost sheet, as it stood when the quote was drafted."""

    __tablename__ = "quote_lines"
    __table_args__ = (one_of("kind", LineKind),)

    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), primary_key=True)
    session: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[LineKind] = mapped_column(choice(LineKind))
    code: Mapped[str] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(200))
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("items.id"))
    unit: Mapped[str] = mapped_column(sa.String(10))
    containers: Mapped[Decimal] = mapped_column(QUANTITY)
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    discarded: Mapped[Decimal] = mapped_column(QUANTITY)
    actual: Mapped[Decimal] = mapped_column(MONEY)
    average: Mapped[Decimal] = mapped_column(MONEY)
    replacement: Mapped[Decimal] = mapped_column(MONEY)
    source: Mapped[str] = mapped_column(sa.String(500))


class QuoteOverride(Base):
    """One thing that blocked the issue of a quote and was let pass: what, who said so, why, when (T6)."""

    __tablename__ = "quote_overrides"

    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40))
    about: Mapped[str] = mapped_column(sa.String(120))  # the allergy as the patient named it
    message: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.String(500))
    by: Mapped[str] = mapped_column(sa.String(80))
    at: Mapped[datetime]


for _promised in (Quote, QuoteStage, QuoteSession, QuoteLine, QuoteOverride):
    append_only(_promised)


class QuoteState(Base):
    """Where a quote stands now; kept beside its events, and all that ever changes of it."""

    __tablename__ = "quote_states"
    __table_args__ = (
        one_of("status", QuoteStatus),
        sa.Index(None, "status", "valid_until"),
        sa.Index(None, "number"),
    )

    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), primary_key=True)
    status: Mapped[QuoteStatus] = mapped_column(choice(QuoteStatus))
    number: Mapped[str | None] = mapped_column(sa.String(20))  # from issue on; all versions share it
    issued_on: Mapped[date | None]
    valid_until: Mapped[date]


class UnknownQuote(NotFound):
    """No quote has this key."""


def quote(db: Session, key: int) -> Quote:
    """The quote with this key. Raises UnknownQuote."""
    found = db.get(Quote, key)
    if found is None:
        raise UnknownQuote(f"No quote has the key {key}.")
    return found


def leading(db: Session, subject: Quote) -> Quote:
    """The treatment that leads the quote: what is numbered, issued and accepted as one."""
    return subject if subject.part_of is None else db.get_one(Quote, subject.part_of)


def treatments_of(db: Session, subject: Quote) -> Sequence[Quote]:
    """The treatments of a quote, the leading one first."""
    first = subject.part_of or subject.id
    return db.scalars(
        sa.select(Quote).where(sa.or_(Quote.id == first, Quote.part_of == first)).order_by(Quote.id)
    ).all()


def versions_of(db: Session, subject: Quote) -> Sequence[Quote]:
    """The versions of a quote, the first one first."""
    subject = leading(db, subject)
    root = subject.root_id or subject.id
    return db.scalars(
        sa.select(Quote).where(sa.or_(Quote.id == root, Quote.root_id == root)).order_by(Quote.version)
    ).all()


def state(db: Session, subject: Quote) -> QuoteState:
    """Where a quote stands, with all its treatments."""
    return db.get_one(QuoteState, subject.part_of or subject.id)


@dataclass(frozen=True)
class Totals:
    """What all treatments of a quote come to."""

    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    total: Decimal
    deposit: Decimal
    cost: Decimal


def totals(treatments: Sequence[Quote]) -> Totals:
    """What the treatments of a quote come to."""
    return Totals(**{name: sum(getattr(one, name) for one in treatments) for name in Totals.__annotations__})


def warnings_of(treatments: Sequence[Quote]) -> list[dict[str, Any]]:
    """What to look at in a quote's treatments, what several of them say only once."""
    return list({warning["message"]: warning for one in treatments for warning in one.warnings}.values())


def overrides_of(db: Session, subject: Quote) -> Sequence[QuoteOverride]:
    """What blocked the issue of a quote and was let pass, of all its treatments."""
    return db.scalars(
        sa.select(QuoteOverride)
        .where(QuoteOverride.quote_id.in_([one.id for one in treatments_of(db, subject)]))
        .order_by(QuoteOverride.quote_id, QuoteOverride.position)
    ).all()


def stages_of(db: Session, subject: Quote) -> Sequence[QuoteStage]:
    """The eight stages of a quote's price, in order."""
    return db.scalars(
        sa.select(QuoteStage).where(QuoteStage.quote_id == subject.id).order_by(QuoteStage.position)
    ).all()


def sessions_of(db: Session, subject: Quote) -> Sequence[QuoteSession]:
    """The sessions that a quote offers, in order."""
    return db.scalars(
        sa.select(QuoteSession).where(QuoteSession.quote_id == subject.id).order_by(QuoteSession.number)
    ).all()


def lines_of(db: Session, subject: Quote) -> Sequence[QuoteLine]:
    """The cost lines that a quote was built on, by session."""
    return db.scalars(
        sa.select(QuoteLine)
        .where(QuoteLine.quote_id == subject.id)
        .order_by(QuoteLine.session, QuoteLine.position)
    ).all()
