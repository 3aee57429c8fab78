"""How a course ends: given back, expired, undone; its stock is free, and nothing comes after (B2, P5)."""

from datetime import date, timedelta

import pytest

from inventory import allocations
from pricing import course_life, course_money, courses
from pricing.course_book import CourseEnded, EntryKind, Method
from pricing.course_life import (
    NotOnThatDay,
)
from pricing.course_money import RefundTooLarge
from pricing.courses import SessionState
from tests.coursework import WEEK, dec, due_days, move, pay, perform, sound, states, under, when
from tests.shelf import BY, NOW, TODAY

pytest_plugins = ("tests.coursework",)


def test_a_refund_ends_the_course_and_frees_its_stock(desk):
    course = under(desk, "PC-00", starts_on=TODAY)
    pay(desk, course, "1000.00")
    perform(desk, course, 1)

    with pytest.raises(RefundTooLarge):
        course_life.refund(
            desk.db, course, when=when(desk, course), method=Method.CARD, amount=dec("1000.01"), note="no"
        )
    entry = course_life.refund(desk.db, course, when=when(desk, course), method=Method.CARD)

    assert entry.kind is EntryKind.REFUND
    assert states(desk, course) == ["performed", "ended", "ended", "ended"]
    assert due_days(desk, course) == []
    for refused_one in (
        lambda: course_life.refund(desk.db, course, when=when(desk, course), method=Method.CARD),
        lambda: perform(desk, course, 2),
        lambda: move(desk, course, 2, TODAY + WEEK),
        lambda: course_life.miss(desk.db, course, 2, when=when(desk, course)),
        lambda: course_life.transfer(desk.db, course, "P-2", when=when(desk, course), reason="x"),
        lambda: course_life.complete_without_stock(desk.db, course, 2, when=when(desk, course), reason="x"),
    ):
        with pytest.raises(CourseEnded):
            refused_one()
    assert sound(desk)


def test_courses_expire_once_and_their_stock_is_free(desk):
    course = under(desk, "PC-07")
    pay(desk, course, "500.00")
    night = {"at": NOW + timedelta(days=190), "by": "nightly", "site": desk.site}

    assert course_life.expire_due(desk.db, on=date(2026, 7, 15), **night) == 0
    assert course_life.expire_due(desk.db, on=date(2026, 7, 16), **night) == 1
    assert course_life.expire_due(desk.db, on=date(2026, 7, 16), **night) == 0

    assert states(desk, course) == ["ended"] * 4
    assert course_money.account(desk.db, course.id).earned == dec("500.00")
    assert due_days(desk, course) == []
    assert sound(desk)


def test_what_is_recorded_later_lies_between_the_sale_and_today(desk):
    course = under(desk, "PC-00")
    later = NOW + timedelta(days=5)

    def on(day):
        return course_life.dated(course, on=day, site=desk.site, at=later, by=BY)

    assert on(TODAY + timedelta(days=2)).on == TODAY + timedelta(days=2)
    assert on(None).on == TODAY + timedelta(days=5)
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=6)):
        with pytest.raises(NotOnThatDay):
            on(day)


def test_a_moved_session_that_is_undone_is_needed_on_its_own_day(desk):
    course = under(desk, "PC-00", starts_on=TODAY)
    move(desk, course, 1, TODAY + timedelta(days=3))
    treated = perform(desk, course, 1, at=NOW + timedelta(days=3))

    courses.reverse_session(
        desk.db, treated.session, at=NOW + timedelta(days=3), recorded_at=NOW + timedelta(days=3), by=BY,
        reason="the wrong chart",
    )  # fmt: skip

    assert min(due_days(desk, course)) == TODAY + timedelta(days=3)
    assert states(desk, course)[0] == SessionState.PLANNED
    assert allocations.open_by_item(desk.db, site_id=desk.site.id)
    assert sound(desk)
