"""Drift: what the rest of a quoted course would cost now, against what it cost when it was quoted (P4)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.clinic import Site
from inventory.measures import ZERO
from pricing import courses, quote_records, quotes
from pricing.courses import Course
from pricing.quote_records import Quote


@dataclass(frozen=True)
class Drift:
    """What the rest of a course would cost now against what it cost when it was quoted (P4)."""

    then: Decimal
    now: Decimal

    @property
    def difference(self) -> Decimal:
        """Above zero: the course has become dearer."""
        return self.now - self.then


def drift(db: Session, subject: Quote, *, site: Site, on: date) -> Drift:
    """What the sessions still to come would cost if they were costed today, against what they cost then (P4).

    Of a quote all its treatments. A day that has passed is taken to be today; what a course was promised
    itself is its own.
    """
    parts = [_drift(db, one, site=site, on=on) for one in quote_records.treatments_of(db, subject)]
    return Drift(then=sum((one.then for one in parts), ZERO), now=sum((one.now for one in parts), ZERO))


def _drift(db: Session, subject: Quote, *, site: Site, on: date) -> Drift:
    started = db.scalar(sa.select(Course).where(Course.quote_id == subject.id))
    listed = [] if started is None else courses.sessions(db, started)
    performed = {one.number for one in listed if one.session_id is not None}
    to_come = [one for one in quote_records.sessions_of(db, subject) if one.number not in performed]
    if not to_come:
        return Drift(then=ZERO, now=ZERO)
    own = {courses.reference(one.course_id, one.number) for one in listed}
    dates = [max(one.on, on) for one in to_come]
    now = quotes.course_cost(db, subject, site=site, dates=dates, today=on, own=own)
    return Drift(
        then=sum((one.actual for one in to_come), ZERO), now=sum((one.actual for one in now.sessions), ZERO)
    )
