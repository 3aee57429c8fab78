"""Money of courses: payments, sessions earned, refunds by the policy sold, expiry (B2)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic as clinics
from inventory import periods
from inventory.periods import PeriodClosed
from pricing import course_money, courses, policies
from pricing.course_book import (
    BREAKAGE,
    CASH,
    FEES,
    CourseEnded,
    CourseLine,
    EntryKind,
    Method,
    NotAnAmount,
    PaidTooMuch,
)
from pricing.course_money import NothingToGiveBack, RefundTooLarge, When
from pricing.policies import Standing
from seed_data import reference
from tests.selling import facial
from tests.shelf import NOW, TODAY, refused

BY = "mara"
TODAYS = When(TODAY, NOW, NOW, BY)


def dec(text: str | int) -> Decimal:
    return Decimal(text)


@pytest.fixture
def desk(db):
    desk = facial(db)
    desk.clinic.receive("HA", "A17 exp 2027-12-31 99 x 16.50")
    desk.clinic.receive("NEEDLE", "N1 exp 2028-12-31 999 x 0.22")
    return desk


@pytest.fixture
def course(desk):
    _, course = desk.accepted(starts_on=TODAY, sessions=4)
    return course


def perform(desk, course, number, *, at=NOW):
    return courses.perform(
        desk.db,
        course,
        number,
        visit_at=at,
        site=desk.site,
        recorded_at=at,
        by=BY,
        patient_ref=course.patient_ref,
    )


def pay(desk, course, amount, **more):
    return course_money.pay(desk.db, course.id, dec(amount), when=TODAYS, method=Method.CARD, **more)


def lines(desk, course):
    rows = desk.db.execute(
        sa.select(CourseLine.account, sa.func.sum(CourseLine.debit), sa.func.sum(CourseLine.credit))
        .where(CourseLine.course_id == course.id)
        .group_by(CourseLine.account)
        .order_by(CourseLine.account)
    )
    return {account: debit - credit for account, debit, credit in rows}


def test_a_course_is_paid_performed_and_owed_in_sessions(desk, course):
    total = course_money.terms(desk.db, course.id).sold.total
    pay(desk, course, "200.00", deposit=True)
    pay(desk, course, total - 200)
    perform(desk, course, 1)

    seen = course_money.account(desk.db, course.id)

    assert (seen.paid, seen.due, seen.sessions_used, seen.sessions_owed) == (total, 0, 1, 3)
    assert seen.deferred == total / 4 * 3
    assert seen.earned == total / 4
    assert sum(lines(desk, course).values()) == 0


def test_as_of_a_day_only_what_is_dated_until_then_counts(desk, course):
    pay(desk, course, "500.00")
    perform(desk, course, 1, at=NOW + timedelta(days=10))

    assert course_money.account(desk.db, course.id, on=TODAY).sessions_used == 0
    assert course_money.account(desk.db, course.id, on=TODAY + timedelta(days=10)).sessions_used == 1
    assert course_money.account(desk.db, course.id, on=TODAY - timedelta(days=1)).paid == 0


def test_more_than_the_course_costs_is_not_taken(desk, course):
    total = course_money.terms(desk.db, course.id).sold.total
    pay(desk, course, total)

    with pytest.raises(PaidTooMuch, match="1000.00 was paid; USD 0.01 would be USD 0.01 too much"):
        pay(desk, course, "0.01")


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "NaN"])
def test_an_amount_is_above_zero_in_whole_cents(desk, course, amount):
    with pytest.raises(NotAnAmount):
        pay(desk, course, amount)


def test_undoing_a_session_takes_its_revenue_back(desk, course):
    pay(desk, course, "1000.00")
    treated = perform(desk, course, 1)
    before = course_money.account(desk.db, course.id)

    courses.reverse_session(desk.db, treated.session, at=NOW, recorded_at=NOW, by=BY, reason="wrong patient")

    now = course_money.account(desk.db, course.id)
    assert (before.sessions_used, now.sessions_used) == (1, 0)
    assert now.earned == 0
    assert now.deferred == dec("1000.00")


def test_ending_a_course_gives_back_by_its_policy_and_nothing_is_performed_on_it(desk, course):
    known = course_money.terms(desk.db, course.id)
    pay(desk, course, known.sold.total)
    perform(desk, course, 1)
    due = course_money.refund_due(desk.db, course.id)
    assert due.amount == known.sold.total - known.single_price

    course_money.give_back(desk.db, course.id, when=TODAYS, method=Method.CARD)

    seen = course_money.account(desk.db, course.id)
    assert (seen.ended, seen.deferred, seen.sessions_owed) == (EntryKind.REFUND, 0, 0)
    with refused(CourseEnded, f"Course {course.id} was given back; nothing more can be recorded on it."):
        perform(desk, course, 2)
    with pytest.raises(CourseEnded):
        pay(desk, course, "1.00")
    with pytest.raises(CourseEnded):
        course_money.give_back(desk.db, course.id, when=TODAYS, method=Method.CARD)


def test_more_than_was_paid_is_not_given_back_and_another_amount_needs_a_reason(desk, course):
    pay(desk, course, "300.00")

    with pytest.raises(RefundTooLarge, match="300.01 cannot be given back: USD 300.00 was paid"):
        course_money.give_back(
            desk.db, course.id, when=TODAYS, method=Method.CASH, amount=dec("300.01"), note="sorry"
        )
    with pytest.raises(NothingToGiveBack, match="Giving back USD 100.00 instead needs a reason"):
        course_money.give_back(desk.db, course.id, when=TODAYS, method=Method.CASH, amount=dec("100.00"))
    course_money.give_back(
        desk.db, course.id, when=TODAYS, method=Method.CASH, amount=dec("100.00"), note="as agreed"
    )
    assert course_money.account(desk.db, course.id).paid == dec("200.00")


def test_a_course_is_sold_under_the_policy_of_its_day_and_expires_by_it(desk):
    reference.load(desk.db, at=NOW)
    clinics.change_setting(desk.db, "cancellation_policy", "PC-07", at=NOW, by=BY)
    _, course = desk.accepted(starts_on=TODAY, sessions=4)
    clinics.change_setting(desk.db, "cancellation_policy", "PC-01", at=NOW, by=BY)
    assert (course.policy_code, course.expires_on) == ("PC-07", date(2026, 7, 15))
    pay(desk, course, "500.00")
    with pytest.raises(NothingToGiveBack, match="PC-07 gives nothing back."):
        course_money.give_back(desk.db, course.id, when=TODAYS, method=Method.CARD)

    assert course_money.due_to_expire(desk.db, on=date(2026, 7, 15)) == []
    assert course_money.due_to_expire(desk.db, on=date(2026, 7, 16)) == [course.id]
    course_money.expire(desk.db, course.id, when=When(date(2026, 7, 16), NOW, NOW, BY))

    assert lines(desk, course)[BREAKAGE] == dec("-500.00")
    assert course_money.due_to_expire(desk.db, on=date(2026, 8, 1)) == []


POLICIES = {
    # Paid 1,400.00 for four (single 400.00), one received.
    "PC-00": ("1000.00", False), "PC-01": ("1000.00", False), "PC-02": ("1050.00", True),
    "PC-03": ("0.00", False), "PC-04": ("0.00", False), "PC-05": ("0.00", False),
    "PC-06": ("965.00", True), "PC-07": ("0.00", False), "PC-08": ("0.00", False),
}  # fmt: skip


@pytest.mark.parametrize("code", POLICIES)
def test_each_policy_of_the_table_gives_back_what_its_source_says(db, code):
    reference.load(db, at=NOW)
    terms = policies.policy(db, code)
    given = policies.refund_of(
        terms.refund, Standing(dec("1400.00"), dec("400.00"), 4, 1), admin_fee=terms.admin_fee
    )

    assert (f"{given:.2f}", terms.credit) == POLICIES[code]


@pytest.mark.parametrize(
    ("code", "missed", "late"),
    [("PC-00", "0.00", "0.00"), ("PC-01", "50.00", "50.00"), ("PC-03", "400.00", "200.00"),
     ("PC-04", "400.00", "0.00"), ("PC-05", "100.00", "100.00"), ("PC-07", "400.00", "25.00")],
)  # fmt: skip
def test_a_missed_or_late_session_costs_what_the_policy_says(db, code, missed, late):
    reference.load(db, at=NOW)
    terms = policies.policy(db, code)

    assert policies.fee_for(terms, dec("400.00"), missed=True) == dec(missed)
    assert policies.fee_for(terms, dec("400.00"), missed=False) == dec(late)


def test_a_fee_is_revenue_of_its_own(desk, course):
    course_money.charge(desk.db, course.id, dec("50.00"), when=TODAYS, method=Method.CASH, note="no-show")

    assert lines(desk, course) == {CASH: dec("50.00"), FEES: dec("-50.00")}


def test_nothing_is_recorded_in_a_closed_month(desk, course):
    periods.close(desk.db, date(2026, 1, 1), at=NOW + timedelta(days=30), by=BY)

    with pytest.raises(PeriodClosed):
        pay(desk, course, "10.00")


def test_an_unknown_policy_is_no_setting(desk):
    with refused(clinics.BadSetting, "No cancellation policy has the code 'PC-77'."):
        clinics.change_setting(desk.db, "cancellation_policy", "PC-77", at=NOW, by=BY)
