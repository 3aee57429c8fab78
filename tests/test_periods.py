"""Periods: a closed month accepts nothing dated in it (B4)."""

from datetime import UTC, date, datetime

import pytest

from inventory import periods
from inventory.periods import BadMonth, NotInTurn, NotOver, PeriodClosed
from tests.shelf import BY, refused

YEARS_LATER = datetime(2030, 1, 1, 15, tzinfo=UTC)


def close(db, month):
    return periods.close(db, month, at=YEARS_LATER, by=BY)


def test_nothing_is_closed_at_first(db):
    assert periods.closed_through(db) is None
    periods.refuse_closed(db, date(1999, 12, 31))


def test_a_closed_month_ends_with_its_last_day(db):
    close(db, date(2026, 1, 15))

    assert periods.closed_through(db) == date(2026, 1, 31)
    periods.refuse_closed(db, date(2026, 2, 1))
    with refused(PeriodClosed, "The books are closed through 2026-01-31; nothing can be dated 2026-01-31."):
        periods.refuse_closed(db, date(2026, 1, 31))


def test_what_came_before_the_first_closed_month_is_closed_with_it(db):
    close(db, date(2026, 1, 1))

    with refused(PeriodClosed, "The books are closed through 2026-01-31; nothing can be dated 2025-06-30."):
        periods.refuse_closed(db, date(2025, 6, 30))


@pytest.mark.parametrize(
    ("first", "second", "through"),
    [
        (date(2025, 12, 1), date(2026, 1, 1), date(2026, 1, 31)),
        (date(2028, 1, 1), date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_months_close_one_after_the_other(db, first, second, through):
    close(db, first)
    close(db, second)

    assert periods.closed_through(db) == through


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        (date(2026, 3, 1), "The next month to close is 2026-02, not 2026-03."),
        (date(2026, 1, 1), "The next month to close is 2026-02, not 2026-01."),
        (date(2025, 12, 1), "The next month to close is 2026-02, not 2025-12."),
    ],
)
def test_a_month_out_of_turn_is_refused(db, month, sentence):
    close(db, date(2026, 1, 1))

    with refused(NotInTurn, sentence):
        close(db, month)


def test_a_month_that_is_not_over_cannot_be_closed(db):
    with refused(NotOver, "2030-01 is not over: it is 2030-01-01."):
        close(db, date(2030, 1, 1))


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "2026-01-01", "", "\u0662026-01", "1700-01"])
def test_a_month_is_written_as_year_and_month(text):
    with pytest.raises(BadMonth, match="is no month"):
        periods.month_of(text)
