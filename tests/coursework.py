"""A desk that has sold a course, and what happens to it: `move(desk, course, 2, TODAY + WEEK)`."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic as clinics
from inventory.allocations import Allocation
from pricing import course_life, course_money, courses, proof
from pricing.course_book import Method
from seed_data import reference
from tests.selling import facial
from tests.shelf import BY, NOW, TODAY

WEEK = timedelta(days=7)


def dec(text):
    return Decimal(text)


@pytest.fixture
def desk(db):
    """A counter with the reference tables, whose courses begin tomorrow."""
    found = facial(db)
    found.clinic.receive("HA", "A17 exp 2028-12-31 99 x 16.50")
    found.clinic.receive("NEEDLE", "N1 exp 2028-12-31 999 x 0.22")
    return found


def under(desk, policy, *, starts_on=TODAY + timedelta(days=1)):
    """A course of four sessions sold under a policy."""
    if policy != "PC-00":
        reference.load(desk.db, at=NOW)
        clinics.change_setting(desk.db, "cancellation_policy", policy, at=NOW, by=BY)
    return desk.accepted(starts_on=starts_on, sessions=4)[1]


def when(desk, course, at=NOW):
    return course_life.dated(course, on=None, site=desk.site, at=at, by=BY)


def move(desk, course, number, to, *, at=NOW, reason="ill", **more):
    return course_life.move(
        desk.db, course, number, to=to, site=desk.site, when=when(desk, course, at), reason=reason, **more
    )


def perform(desk, course, number, *, at=NOW, **more):
    return courses.perform(
        desk.db,
        course,
        number,
        visit_at=at,
        site=desk.site,
        recorded_at=at,
        by=BY,
        patient_ref=course.patient_ref,
        **more,
    )


def pay(desk, course, amount):
    return course_money.pay(desk.db, course.id, dec(amount), when=when(desk, course), method=Method.CARD)


def states(desk, course):
    return [one.state.value for one in courses.sessions(desk.db, course)]


def due_days(desk, course):
    """The days on which stock is promised to the course."""
    return sorted(
        desk.db.scalars(
            sa.select(Allocation.due_on).where(
                Allocation.ended_at.is_(None),
                Allocation.reference.startswith(f"course {course.id} "),
                Allocation.item_id == desk.clinic.item("HA").id,
            )
        )
    )


def sound(desk):
    desk.db.flush()
    return proof.verify(desk.db) == []
