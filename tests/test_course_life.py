"""The life of a course: moved, missed, passed on, without stock, ended; each kept with its reason (P5)."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from inventory.allocations import Allocation
from pricing import course_book, course_events, course_life, course_money, courses
from pricing.course_book import Method
from pricing.course_events import CourseEventKind
from pricing.course_life import (
    BeyondItsTime,
    Fee,
    LifeNeedsReason,
    MovedTooOften,
    MovedToThePast,
    NotTakenBack,
    NotTransferable,
    NotYetMissed,
)
from pricing.courses import SessionOver
from tests.coursework import WEEK, dec, due_days, move, pay, perform, sound, states, under, when
from tests.shelf import BY, NOW, TODAY, refused

pytest_plugins = ("tests.coursework",)


def test_a_session_is_moved_with_its_stock_and_each_move_is_kept(desk):
    course = under(desk, "PC-00")
    first = courses.sessions(desk.db, course)[0].planned_on

    event = move(desk, course, 1, first + WEEK, reason="the patient is ill")
    move(desk, course, 1, first + 2 * WEEK, reason="still ill")

    assert (event.from_on, event.to_on, event.by, event.reason) == (
        first,
        first + WEEK,
        BY,
        "the patient is ill",
    )
    assert courses.sessions(desk.db, course)[0].planned_on == first + 2 * WEEK
    assert min(due_days(desk, course)) == first + 2 * WEEK
    assert [one.kind for one in course_events.events(desk.db, course.id)] == [CourseEventKind.MOVED] * 2
    assert sound(desk)


@pytest.mark.parametrize(
    ("policy", "days", "hours", "fee"),
    [
        # NOW is 10:00 at the site; notice counts until the planned day is over.
        ("PC-01", 0, 14, "50.00"),
        ("PC-01", 1, 38, "0.00"),
        ("PC-03", 1, 38, "125.00"),
        ("PC-03", 2, 62, "0.00"),
        ("PC-04", 0, 14, "0.00"),
    ],
)
def test_short_notice_costs_what_the_policy_says(desk, policy, days, hours, fee):
    course = under(desk, policy, starts_on=TODAY + timedelta(days=days))

    event = move(desk, course, 1, TODAY + timedelta(days=20))

    assert (event.notice_hours, event.fee) == (hours, dec(fee))


def test_the_fee_is_booked_when_it_is_paid_and_another_may_be_agreed(desk):
    course = under(desk, "PC-01", starts_on=TODAY)

    move(desk, course, 1, TODAY + WEEK, fee=Fee(Method.CASH))
    course_life.miss(
        desk.db,
        course,
        1,
        when=when(desk, course, NOW + WEEK),
        fee=Fee(Method.CARD, dec("20.00")),
    )

    fees = [one.amount for one in course_book.entries(desk.db, course.id)]
    assert fees == [dec("50.00"), dec("20.00")]
    assert sound(desk)


def test_a_session_is_not_moved_to_the_past_nor_to_its_own_day_nor_without_reason(desk):
    course = under(desk, "PC-00")
    own = courses.sessions(desk.db, course)[0].planned_on

    for to in (TODAY - timedelta(days=1), own, date(2199, 1, 1)):
        with pytest.raises(MovedToThePast):
            move(desk, course, 1, to)
    with pytest.raises(LifeNeedsReason):
        move(desk, course, 1, own + WEEK, reason=" ")
    with pytest.raises(courses.UnknownCourseSession):
        move(desk, course, 5, own + WEEK)
    assert course_events.events(desk.db, course.id) == []


def test_a_policy_may_allow_only_two_moves_of_a_session(desk):
    course = under(desk, "PC-03")
    move(desk, course, 1, TODAY + WEEK)
    move(desk, course, 1, TODAY + 2 * WEEK)

    with refused(MovedTooOften, "PC-03 lets a session be moved 2 times; session 1 was moved 2 times."):
        move(desk, course, 1, TODAY + 3 * WEEK)
    move(desk, course, 2, TODAY + 3 * WEEK)


def test_a_session_is_not_moved_beyond_the_time_of_its_course(desk):
    course = under(desk, "PC-07")

    with refused(BeyondItsTime, f"Course {course.id} may be used until 2026-07-15, not on 2026-07-16."):
        move(desk, course, 4, date(2026, 7, 16))
    move(desk, course, 4, date(2026, 7, 15))


def test_where_the_policy_says_so_a_missed_session_is_used_up(desk):
    course = under(desk, "PC-06", starts_on=TODAY)
    pay(desk, course, "1000.00")

    event = course_life.miss(desk.db, course, 1, when=when(desk, course), reason="did not come")

    seen = course_money.account(desk.db, course.id)
    assert event.kind is CourseEventKind.MISSED
    assert (seen.sessions_used, seen.sessions_owed, seen.earned) == (1, 3, dec("250.00"))
    assert states(desk, course) == ["forfeited", "planned", "planned", "planned"]
    assert len(due_days(desk, course)) == 3
    with pytest.raises(SessionOver, match="was missed and is used up"):
        perform(desk, course, 1)
    assert sound(desk)


def test_elsewhere_a_missed_session_is_to_come_and_costs_a_fee_once(desk):
    course = under(desk, "PC-05", starts_on=TODAY)

    event = course_life.miss(desk.db, course, 1, when=when(desk, course))

    assert (event.fee, states(desk, course)[0]) == (dec("100.00"), "planned")
    with pytest.raises(NotYetMissed, match="is on record"):
        course_life.miss(desk.db, course, 1, when=when(desk, course))
    assert move(desk, course, 1, TODAY + WEEK).fee == 0
    assert sound(desk)


def test_nobody_misses_a_session_before_its_day(desk):
    course = under(desk, "PC-06")

    with pytest.raises(NotYetMissed, match="nobody has missed it yet"):
        course_life.miss(desk.db, course, 1, when=when(desk, course))


def test_a_miss_recorded_by_mistake_is_taken_back(desk):
    course = under(desk, "PC-06", starts_on=TODAY)
    course_life.miss(desk.db, course, 1, when=when(desk, course))

    course_life.take_back(desk.db, course, 1, when=when(desk, course), reason="came late")

    assert states(desk, course)[0] == "planned"
    assert course_money.account(desk.db, course.id).sessions_used == 0
    assert sound(desk)
    perform(desk, course, 1)
    with pytest.raises(NotTakenBack):
        course_life.take_back(desk.db, course, 1, when=when(desk, course), reason="no")
    assert sound(desk)


def test_a_session_without_stock_is_said_with_a_reason_and_counts_as_performed(desk):
    course = under(desk, "PC-00", starts_on=TODAY)
    pay(desk, course, "1000.00")
    before = desk.clinic.held("HA")

    with pytest.raises(LifeNeedsReason):
        course_life.complete_without_stock(desk.db, course, 1, when=when(desk, course), reason="")
    course_life.complete_without_stock(
        desk.db, course, 1, when=when(desk, course), reason="laser only, the skin was irritated"
    )

    assert states(desk, course)[0] == "without_stock"
    assert desk.clinic.held("HA") == before
    assert course_money.account(desk.db, course.id).earned == dec("250.00")
    assert len(due_days(desk, course)) == 3
    with pytest.raises(SessionOver):
        move(desk, course, 1, TODAY + WEEK)
    assert sound(desk)


def test_performing_a_later_session_first_is_allowed_and_recorded(desk):
    course = under(desk, "PC-00", starts_on=TODAY)

    perform(desk, course, 3)
    perform(desk, course, 1)

    told = [(one.kind, one.number, one.reason) for one in course_events.events(desk.db, course.id)]
    assert told == [(CourseEventKind.OUT_OF_ORDER, 3, "before session 1")]
    assert sound(desk)


def test_a_course_passes_to_another_patient_as_often_as_its_policy_allows(desk):
    course = under(desk, "PC-07", starts_on=TODAY)
    perform(desk, course, 1)

    course_life.transfer(desk.db, course, "P-2", when=when(desk, course), reason="a gift to her sister")

    assert perform(desk, course, 2).session.patient_ref == "P-2"
    owners = desk.db.scalars(sa.select(Allocation.patient_ref).where(Allocation.ended_at.is_(None))).all()
    assert set(owners) == {"P-2"}
    with refused(NotTransferable, "PC-07 lets a course pass on 1 times; it was passed on 1 times."):
        course_life.transfer(desk.db, course, "P-3", when=when(desk, course), reason="again")
    assert sound(desk)


def test_a_policy_may_let_no_course_pass_on(desk):
    course = under(desk, "PC-04")

    with pytest.raises(NotTransferable, match="PC-04 lets a course pass on to nobody"):
        course_life.transfer(desk.db, course, "P-2", when=when(desk, course), reason="a gift")
    assert course.patient_ref == "P-1"
