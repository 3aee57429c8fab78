"""Cancellation policies: what is given back of a course, and what a missed session costs (B2)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, RATE, Base, choice, one_of
from inventory.errors import NotFound
from inventory.measures import ZERO, to_cents_half_up
from inventory.shelf_life import months_after

USUAL = "PC-00"  # until the clinic chooses its own


class RefundRule(StrEnum):
    """What is given back of what was paid."""

    SINGLE_PRICE = "single_price"  # less what the sessions received would have cost singly, and a fee
    UNUSED = "unused"  # the share of the sessions that were not received
    NONE = "none"


class CancellationPolicy(Base):
    """One clinic's terms, as its source words them and as a program can reckon with them."""

    __tablename__ = "cancellation_policies"
    __table_args__ = (one_of("refund", RefundRule),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    currency: Mapped[str] = mapped_column(sa.String(3), default="")
    valid_months: Mapped[int | None]  # from the day of sale; none: it does not expire
    notice_hours: Mapped[int]
    refund: Mapped[RefundRule] = mapped_column(choice(RefundRule))
    credit: Mapped[bool]  # given back as credit for other treatments, not as money
    admin_fee: Mapped[Decimal] = mapped_column(MONEY)
    transfers: Mapped[int]  # how often a course may pass to another patient
    changes: Mapped[int | None]  # how often a session may be moved; none: as often as wanted
    late_fee: Mapped[Decimal] = mapped_column(MONEY)
    late_rate: Mapped[Decimal] = mapped_column(RATE)
    no_show_fee: Mapped[Decimal] = mapped_column(MONEY)
    no_show_rate: Mapped[Decimal] = mapped_column(RATE)
    no_show_uses_session: Mapped[bool]
    refund_words: Mapped[str] = mapped_column(sa.String(500))
    missed_words: Mapped[str] = mapped_column(sa.String(500))
    illustrative: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")


@dataclass(frozen=True)
class Standing:
    """How a course stands for the reckoning of what is given back; amounts as the patient paid them."""

    paid: Decimal
    single_price: Decimal
    sessions: int
    received: int


class UnknownPolicy(NotFound):
    """No cancellation policy has this code."""


def policy(db: Session, code: str) -> CancellationPolicy:
    """The policy with this code. Raises UnknownPolicy."""
    found = db.scalar(sa.select(CancellationPolicy).where(CancellationPolicy.code == code))
    if found is None and code == USUAL:
        return _usual()
    if found is None:
        raise UnknownPolicy(f"No cancellation policy has the code {code!r}.")
    return found


def _usual() -> CancellationPolicy:
    """The terms of a clinic that has none on record: unused sessions are paid back, nothing else is asked."""
    return CancellationPolicy(
        code=USUAL,
        notice_hours=24,
        refund=RefundRule.SINGLE_PRICE,
        credit=False,
        admin_fee=ZERO,
        transfers=1,
        late_fee=ZERO,
        late_rate=ZERO,
        no_show_fee=ZERO,
        no_show_rate=ZERO,
        no_show_uses_session=False,
        refund_words="What was paid, less the single price of every session received, not below zero.",
        missed_words="A session that was missed is moved without a fee.",
    )


def refund_of(rule: RefundRule, standing: Standing, *, admin_fee: Decimal = ZERO) -> Decimal:
    """What is given back of a course, never below zero nor more than was paid (B2).

    `single_price`: paid - single price x sessions received - fee (WE-07 to WE-11). `unused`: the share of
    what was paid for the sessions that were not received, less the fee.
    """
    if rule is RefundRule.NONE:
        return ZERO
    if rule is RefundRule.SINGLE_PRICE:
        due = standing.paid - standing.single_price * standing.received
    else:
        left = standing.sessions - standing.received
        due = to_cents_half_up(standing.paid * left / standing.sessions)
    return min(standing.paid, max(ZERO, due - admin_fee))


def expires_on(terms: CancellationPolicy, sold_on: date) -> date | None:
    """The last day on which a course sold on a day may be used; none: it does not expire."""
    return None if terms.valid_months is None else months_after(sold_on, terms.valid_months)


def fee_for(terms: CancellationPolicy, price: Decimal, *, missed: bool) -> Decimal:
    """What missing a session, or moving it without notice, costs at the price of a session."""
    fee, rate = (terms.no_show_fee, terms.no_show_rate) if missed else (terms.late_fee, terms.late_rate)
    return max(fee, to_cents_half_up(price * rate))
