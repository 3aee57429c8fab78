"""Course discounts: the clinic's rules and promotions, and how much of a discount who asks may give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import RATE, Base
from inventory.errors import Conflict, Forbidden, Invalid, NotFound
from inventory.measures import ZERO, places, plain
from pricing.protocols import MOST_SESSIONS, Protocol
from pricing.stages import RATE_PLACES


class DiscountRule(Base):
    """A discount for courses of so many sessions: a rate, or some of the sessions for nothing.

    A rule is proposed by itself; a promotion only to who names its code.
    """

    __tablename__ = "discount_rules"
    __table_args__ = (
        sa.CheckConstraint("from_sessions > 0", name="sessions_positive"),
        sa.CheckConstraint("rate >= 0 AND rate <= 1000000", name="rate_a_fraction"),
        sa.CheckConstraint("free_sessions >= 0 AND free_sessions < from_sessions", name="not_all_free"),
        sa.CheckConstraint("(rate = 0) <> (free_sessions = 0)", name="rate_or_free_sessions"),
        sa.CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name="dates_in_order"),
        sa.Index(None, "promotion", "valid_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    promotion: Mapped[bool]
    protocol_id: Mapped[int | None] = mapped_column(sa.ForeignKey("protocols.id"))  # none: any
    from_sessions: Mapped[int]
    rate: Mapped[Decimal] = mapped_column(RATE)
    free_sessions: Mapped[int]  # of every `from_sessions`: buy 5, get 1 is 1 of 6
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # its last day
    source: Mapped[str] = mapped_column(sa.String(500))  # who decided it, or where it stands
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(sa.String(80))

    def in_force(self, on: date) -> bool:
        """Whether it is given on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def free_of(self, sessions: int) -> int:
        """How many sessions of a course are free."""
        return sessions // self.from_sessions * self.free_sessions

    def rate_of(self, sessions: int) -> Decimal:
        """The part of a course's price that it takes off, to as many places as a rate is kept."""
        if not self.free_sessions:
            return self.rate
        return (Decimal(self.free_of(sessions)) / sessions).quantize(Decimal(1).scaleb(-RATE_PLACES))


@dataclass(frozen=True)
class Discount:
    """What is taken off a course before it is trimmed, and by which rule; no code: it was typed."""

    rate: Decimal = ZERO
    free_sessions: int = 0
    code: str = ""
    name: str = ""
    promotion: bool = False


class UnknownDiscount(NotFound):
    """No rule and no promotion has this code."""


class DiscountTaken(Conflict):
    """Another rule or promotion has this code, or this one has ended already."""


class BadDiscount(Invalid):
    """A rule cannot give this discount."""


class PromotionNotInForce(Conflict):
    """The promotion is over, has not begun, or is for other courses."""


class BeyondRules(Forbidden):
    """The discount is larger than the clinic's rules and settings let who asks give."""


def rule(db: Session, code: str) -> DiscountRule:
    """The rule or promotion with this code, however it is written. Raises UnknownDiscount."""
    found = db.scalar(sa.select(DiscountRule).where(DiscountRule.code == code.strip().upper()))
    if found is None:
        raise UnknownDiscount(f"No discount and no promotion has the code {code.strip()!r}.")
    return found


def rules(db: Session) -> Sequence[DiscountRule]:
    """Every rule and promotion, those in force last first."""
    return db.scalars(
        sa.select(DiscountRule).order_by(
            DiscountRule.promotion, DiscountRule.valid_from.desc(), DiscountRule.id
        )
    ).all()


def add(db: Session, new: DiscountRule) -> DiscountRule:
    """Keep a rule or a promotion. Raises BadDiscount, DiscountTaken."""
    new.code = new.code.strip().upper()
    if not new.code or not new.code.replace("-", "").isalnum():
        raise BadDiscount("A code is letters, digits and hyphens.")
    if not 1 <= new.from_sessions <= MOST_SESSIONS:
        raise BadDiscount(f"A course has 1 to {MOST_SESSIONS} sessions, not {new.from_sessions}.")
    if not (new.rate.is_finite() and 0 <= new.rate <= 1 and places(new.rate) <= RATE_PLACES):
        raise BadDiscount(f"A discount is a fraction from 0 to 1, not {new.rate}.")
    if (new.rate == 0) == (new.free_sessions == 0):
        raise BadDiscount("A discount takes off a percentage or gives sessions for nothing, one of the two.")
    if not 0 <= new.free_sessions < new.from_sessions:
        raise BadDiscount(f"{new.free_sessions} of {new.from_sessions} sessions cannot be free.")
    if new.valid_to is not None and new.valid_to < new.valid_from:
        raise BadDiscount(f"It would end on {new.valid_to}, before it begins on {new.valid_from}.")
    if not new.source.strip():
        raise BadDiscount("Say who decided it, or where it stands.")
    if db.scalar(sa.select(DiscountRule.id).where(DiscountRule.code == new.code)) is not None:
        raise DiscountTaken(f"Another discount has the code {new.code}; ended ones keep theirs.")
    db.add(new)
    db.flush()
    return new


def end(db: Session, subject: DiscountRule, *, on: date, at: datetime, by: str) -> DiscountRule:
    """A rule is given for the last time on a day. Raises DiscountTaken where it has ended before."""
    if subject.valid_to is not None and subject.valid_to < on:
        raise DiscountTaken(f"{subject.code} has ended on {subject.valid_to} already.")
    subject.valid_to = max(on, subject.valid_from)
    subject.ended_at, subject.ended_by = at, by
    db.flush()
    return subject


def proposed(db: Session, protocol: Protocol, *, sessions: int, on: date) -> Discount:
    """What the clinic's rules give for a course by themselves: the protocol's own rule before one for any,
    the one for more sessions before that for fewer, the newest of those.
    """
    found = [
        one
        for one in db.scalars(
            sa.select(DiscountRule).where(~DiscountRule.promotion, DiscountRule.from_sessions <= sessions)
        )
        if one.in_force(on) and one.protocol_id in (None, protocol.id)
    ]
    if not found:
        return Discount()
    best = max(
        found, key=lambda one: (one.protocol_id is not None, one.from_sessions, one.valid_from, one.id)
    )
    return _of(best, sessions)


def promoted(db: Session, code: str, protocol: Protocol, *, sessions: int, on: date) -> Discount:
    """What a promotion gives for a course. Raises UnknownDiscount, PromotionNotInForce."""
    found = rule(db, code)
    if not found.promotion:
        raise PromotionNotInForce(f"{found.code} is a rule, given without a code.")
    if not found.in_force(on):
        until = f" to {found.valid_to}" if found.valid_to else " on"
        raise PromotionNotInForce(
            f"Promotion {found.code} is given from {found.valid_from}{until}, not on {on}."
        )
    if found.protocol_id not in (None, protocol.id):
        other = db.get_one(Protocol, found.protocol_id).code
        raise PromotionNotInForce(f"Promotion {found.code} is for protocol {other}, not {protocol.code}.")
    if sessions < found.from_sessions:
        raise PromotionNotInForce(
            f"Promotion {found.code} is for courses of {found.from_sessions} sessions or more, "
            f"not {sessions}."
        )
    return _of(found, sessions)


def given(
    db: Session,
    protocol: Protocol,
    *,
    sessions: int,
    rate: Decimal | None,
    promotion: str,
    on: date,
    most: Decimal | None,
) -> Discount:
    """The discount of a course: of a promotion, as it was typed, or else by the clinic's rules.

    `most` is what who asks may give of their own accord; none: any. Raises BadDiscount, BeyondRules,
    UnknownDiscount, PromotionNotInForce.
    """
    if promotion.strip():
        if rate is not None:
            raise BadDiscount("A course has a promotion or a discount of its own, one of the two.")
        return promoted(db, promotion, protocol, sessions=sessions, on=on)
    by_rule = proposed(db, protocol, sessions=sessions, on=on)
    if rate is None:
        return by_rule
    bound = None if most is None else max(most, by_rule.rate)
    if bound is not None and rate > bound:
        raise BeyondRules(
            f"A discount of {plain(rate * 100)} % is beyond the {plain(bound * 100)} % that you may give for "
            f"{sessions} sessions of {protocol.code}; a manager or an admin may give more."
        )
    return Discount(rate=rate)


def _of(found: DiscountRule, sessions: int) -> Discount:
    return Discount(
        rate=found.rate_of(sessions),
        free_sessions=found.free_of(sessions),
        code=found.code,
        name=found.name,
        promotion=found.promotion,
    )
