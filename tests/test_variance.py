"""Cost variance: price and usage add up to actual less quoted, to the cent, whatever was taken (C6)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.measures import places
from pricing import course_life, courses, session_changes, variance
from pricing.session_changes import ChangeKind, ChangeNeedsReason
from tests.selling import facial
from tests.shelf import BY, NOW, TODAY, line

MONEY = st.decimals(min_value=0, max_value=10_000, places=2)
QUANTITY = st.decimals(min_value=0, max_value=1_000, places=4)


def dec(text):
    return Decimal(text)


@pytest.mark.parametrize(
    ("quoted", "actual", "price", "usage"),
    [
        # 3 mL at 5.50 were quoted; 3 mL at 6.00, 6 mL at 5.50, 6 mL at 6.00, and none were taken.
        (("3", "16.50"), ("3", "18.00"), "1.50", "0"),
        (("3", "16.50"), ("6", "33.00"), "0", "16.50"),
        (("3", "16.50"), ("6", "36.00"), "3.00", "16.50"),
        (("3", "16.50"), ("0", "0"), "0", "-16.50"),
        (("0", "0"), ("2", "9.99"), "0", "9.99"),  # nothing to compare a unit cost with
        (("3", "10.00"), ("2", "6.66"), "-0.01", "-3.33"),
    ],
)
def test_price_and_usage_are_told_apart(quoted, actual, price, usage):
    assert variance.split(*map(dec, quoted), *map(dec, actual)) == (dec(price), dec(usage))


@given(QUANTITY, MONEY, QUANTITY, MONEY)
def test_the_parts_add_up_in_whole_cents(quoted_quantity, quoted, actual_quantity, actual):
    price, usage = variance.split(quoted_quantity, quoted, actual_quantity, actual)

    assert price + usage == actual - quoted
    assert places(price) <= 2
    assert places(usage) <= 2


@pytest.fixture
def desk(db):
    found = facial(db)
    found.clinic.receive("HA", "A17 exp 2026-06-30 1 x 16.50")
    found.clinic.receive("HA", "B18 exp 2027-12-31 99 x 18.00")
    found.clinic.receive("NEEDLE", "N1 exp 2028-12-31 999 x 0.22")
    return found


def perform(desk, course, number, *lines, at=NOW, reason=""):
    return courses.perform(
        desk.db, course, number, visit_at=at, site=desk.site, recorded_at=at, by=BY,
        patient_ref=course.patient_ref, lines=lines, reason=reason,
    )  # fmt: skip


def test_a_session_s_variance_is_by_item_and_adds_up(desk):
    _, course = desk.accepted(starts_on=TODAY, sessions=4)
    perform(desk, course, 1, line("HA", "5"), line("NEEDLE", "4"), reason="a larger face")
    quoted = courses.sessions(desk.db, course)[0].quoted_cost

    [found] = variance.of_course(desk.db, course)
    by_code = {one.code: one for one in found.lines}

    ha = by_code["HA"]
    # One vial of A17 was quoted for session 1; it took that one and another at 18.00.
    assert (ha.quoted, ha.actual, ha.usage, ha.price) == (
        dec("16.50"), dec("34.50"), dec("16.50"), dec("1.50"),
    )  # fmt: skip
    assert by_code["NEEDLE"].total == 0
    assert found.total == found.actual - found.quoted == dec("18.00")
    assert sum(one.total for one in found.lines) == found.total
    assert found.quoted <= quoted  # labour is no stock


def test_what_was_undone_or_is_to_come_has_no_variance_and_what_took_nothing_has(desk):
    _, course = desk.accepted(starts_on=TODAY, sessions=4)
    treated = perform(desk, course, 1)
    later = NOW + timedelta(hours=1)
    courses.reverse_session(
        desk.db, treated.session, at=later, recorded_at=later, by=BY, reason="the wrong chart"
    )
    when = course_life.dated(course, on=None, site=desk.site, at=later, by=BY)
    course_life.complete_without_stock(desk.db, course, 2, when=when, reason="laser only")

    [found] = variance.of_course(desk.db, course)

    assert (found.number, found.actual, found.price) == (2, 0, 0)
    assert found.usage == -found.quoted < 0


def test_other_products_and_amounts_are_kept_with_their_reason(desk):
    desk.clinic.add_items("LIDO 5 mL single_dose")
    desk.clinic.receive("LIDO", "L1 exp 2027-12-31 9 x 3.00")
    _, course = desk.accepted(starts_on=TODAY, sessions=4)

    with pytest.raises(ChangeNeedsReason, match=r"\(HA: 5 instead of 2.5; LIDO: 1 besides\): say why"):
        perform(desk, course, 1, line("HA", "5"), line("LIDO", "1"))
    treated = perform(desk, course, 1, line("HA", "5"), line("LIDO", "1"), reason="very tender")
    left_out = perform(desk, course, 2, line("LIDO", "1"), reason="allergic")
    as_sold = perform(desk, course, 3, line("HA", "2.5"), line("NEEDLE", "9"))

    kept = [
        (one.kind, one.code, one.sold, one.used, one.reason)
        for one in session_changes.of_session(desk.db, treated.session.id)
    ]
    assert kept == [
        (ChangeKind.CHANGED, "HA", dec("2.5"), dec("5"), "very tender"),
        (ChangeKind.ADDED, "LIDO", 0, dec("1"), "very tender"),
    ]
    [gone, _] = session_changes.of_session(desk.db, left_out.session.id)
    assert (gone.kind, gone.code) == (ChangeKind.LEFT_OUT, "HA")
    assert session_changes.of_session(desk.db, as_sold.session.id) == []  # needles are nobody's choice
