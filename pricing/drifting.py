"""Drift: what the rest of a quoted course would cost now, against what it cost when it was quoted (P4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.clinic import Site
from inventory.measures import ZERO
from pricing import courses, quote_records, quotes
from pricing.costing import CourseCost
from pricing.courses import Course
from pricing.quote_records import Quote, QuoteSession


@dataclass(frozen=True)
class Drift:
    """What the rest of a course would cost now against what it cost when it was quoted (P4)."""

    then: Decimal
    now: Decimal

    @property
    def difference(self) -> Decimal:
        """Above zero: the course has become dearer."""
        return self.now - self.then


@dataclass(frozen=True)
class ToCome:
    """The sessions of a quote's treatments that are not performed, costed as of a day."""

    sessions: Mapping[Quote, Sequence[QuoteSession]]  # of treatments with something to come
    costs: Mapping[Quote, CourseCost]


def to_come(db: Session, subject: Quote, *, site: Site, on: date) -> ToCome:
    """What is still to come of a quote, all its treatments costed together over today's shelf (C5).

    A day that has passed is taken to be today; what its courses were promised is their own.
    """
    left: dict[Quote, list[QuoteSession]] = {}
    own: set[str] = set()
    for one in quote_records.treatments_of(db, subject):
        started = db.scalar(sa.select(Course).where(Course.quote_id == one.id))
        listed = [] if started is None else courses.sessions(db, started)
        over = {session.number for session in listed if not session.to_come}
        offered = quote_records.sessions_of(db, one)
        own |= {courses.reference(session.course_id, session.number) for session in listed}
        if rest := [session for session in offered if session.number not in over]:
            left[one] = rest
    dates = {one: [max(session.on, on) for session in rest] for one, rest in left.items()}
    costs = quotes.costs_as_of(db, dates, site=site, today=on, own=own) if dates else {}
    return ToCome(left, costs)


def drift(db: Session, subject: Quote, *, site: Site, on: date) -> Drift:
    """What the sessions still to come would cost if they were costed today, against what they cost then (P4).

    Of a quote all its treatments.
    """
    seen = to_come(db, subject, site=site, on=on)
    return Drift(
        then=sum((one.actual for rest in seen.sessions.values() for one in rest), ZERO),
        now=sum((one.actual for cost in seen.costs.values() for one in cost.sessions), ZERO),
    )
