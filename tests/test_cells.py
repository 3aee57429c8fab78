"""Cells: exact numbers, dates that mean one day, and sentences for the rest."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import cells, days
from api.cells import BadCell
from inventory.errors import Refusal

COST = cells.number(decimals=6)
QUANTITY = cells.number(decimals=4, above_zero=True)
EXPIRY = days.day(month_alone=True)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("18.40", "18.40"),
        (" 12 ", "12"),
        (17.9, "17.9"),
        (12.0, "12"),
        (0.1, "0.1"),
        ("12,5", "12.5"),
        ("0,125", "0.125"),
        ("12,3456", "12.3456"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234,567", "1234567"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234", "1234"),
        ("1.234", "1.234"),
    ],
)
def test_a_number_is_read_exactly(cell, value):
    assert COST(cell) == Decimal(value)


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("1,234", "can mean 1234 or 1.234"),
        ("$18.40", "no currency sign"),
        ("1e3", "is not a number"),
        ("1_000", "is not a number"),
        ("0x10", "is not a number"),
        ("NaN", "is not a number"),
        (float("nan"), "cannot|can be recorded"),
        (float("inf"), "can be recorded"),
        (1e300, "can be recorded"),
        ("²", "is not a number"),
        ("٣", "is not a number"),
        ("-1", "must be zero or more"),
        (True, "is not a number"),
        (date(2026, 1, 1), "is not a number"),
        ("0.1234567", "more than 6 decimals"),
        (0.1 + 0.2, "more than 6 decimals"),
        ("9" * 12, "is more than"),
        ("9" * 31, "too long"),
        ("1,23,456", "is not a number"),
        ("12.5.6", "is not a number"),
    ],
)
def test_a_number_that_is_none_or_can_be_two_is_refused(cell, sentence):
    with pytest.raises(BadCell, match=sentence):
        COST(cell)


def test_a_content_of_nothing_and_half_a_container_are_refused():
    with pytest.raises(BadCell, match="must be more than zero"):
        QUANTITY("0")
    with pytest.raises(BadCell, match=r"2\.5 must be a whole number"):
        cells.whole()("2.5")
    with pytest.raises(BadCell, match="0 must be from 1 to 1000000"):
        cells.whole(least=1)("0")


@pytest.mark.parametrize(
    "cell",
    [
        date(2027, 6, 30),
        datetime(2027, 6, 30, 14, 5),  # noqa: DTZ001  (a spreadsheet knows no zones)
        "2027-06-30",
        "2027/6/30",
        "2027-06-30T00:00:00",
        "2027-06-30 00:00",
        "30/06/2027",
        "06/30/2027",
        "30.6.2027",
        "30 June 2027",
        "30-Jun-2027",
        "30JUN2027".replace("JUN", " JUN "),
        "June 30, 2027",
        "2027-06",
        "06/2027",
        "Jun 2027",
        "JUN-2027",
    ],
)
def test_an_expiry_is_read_however_it_is_written_and_a_month_means_its_last_day(cell):
    assert EXPIRY(cell) == date(2027, 6, 30)


def test_a_day_and_month_that_are_the_same_number_need_no_order():
    assert EXPIRY("05/05/2027") == date(2027, 5, 5)


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("05/06/2027", "can be 5 June or 6 May: write it as 2027-06-05 or 2027-05-06"),
        ("05.06.2027", "can be 5 June or 6 May"),
        ("30/06/27", "does not write the year in full"),
        ("Jun-27", "does not write the year in full"),
        ("31/04/2027", "is not a date"),
        ("29 Feb 2027", "is not a date"),
        ("30 Brumaire 2027", "is not a date"),
        ("13/2027", "is not a date"),
        ("soon", "is not a date"),
        ("2027-06-30T14:00", "is not a date"),
        ("٢٠٢٧-٠٦-٣٠", "is not a date"),
        ("9999-12-31", "outside the years"),
        ("1900-01-01", "outside the years"),
        (46568.0, "is a number: format the cell as a date"),
        (True, "is a number"),
    ],
)
def test_a_date_that_is_none_or_can_be_two_is_refused(cell, sentence):
    with pytest.raises(BadCell, match=sentence):
        EXPIRY(cell)


def test_only_an_expiry_may_leave_the_day_out():
    with pytest.raises(BadCell, match="names no day"):
        days.day()("06/2027")


def test_a_lot_of_digits_stays_a_code():
    lot = cells.text(20)

    assert lot(12345.0) == "12345"
    assert lot(" 00123 ") == "00123"
    with pytest.raises(BadCell, match="more digits than a spreadsheet keeps"):
        lot(12345678901234567890.0)
    with pytest.raises(BadCell, match="Format the column as text"):
        lot(date(2026, 3, 2))
    with pytest.raises(BadCell, match="at most 20 fit"):
        lot("A" * 21)
    with pytest.raises(BadCell, match="cannot be printed"):
        lot("A\x0bB")


def test_words_are_known_whatever_their_case_and_hyphens():
    assert cells.YES_OR_NO(" YES ") is True
    assert cells.YES_OR_NO(False) is False
    assert cells.YES_OR_NO(1.0) is True
    with pytest.raises(BadCell, match="'perhaps' is none of yes, no"):
        cells.YES_OR_NO("perhaps")


def test_a_product_number_gets_back_the_zeros_that_a_spreadsheet_dropped():
    assert cells.gtin(9521234543213.0) == "09521234543213"
    assert cells.gtin("0 36000-29145 2") == "00036000291452"
    with pytest.raises(BadCell, match="last digit does not fit"):
        cells.gtin("09521234543210")
    with pytest.raises(BadCell, match="8 to 14 digits"):
        cells.gtin("12345")
    with pytest.raises(BadCell, match="8 to 14 digits"):
        cells.gtin("0952123454321²")


ANY_CELL = st.one_of(
    st.none(), st.text(), st.floats(), st.booleans(), st.dates(), st.datetimes(),
    st.from_regex(r"\d{1,4}[-/., ]\d{1,4}[-/., ]\d{0,4}"), st.from_regex(r"-?[\d., ]{1,12}"),
)  # fmt: skip


@given(
    cell=ANY_CELL,
    read=st.sampled_from(
        [COST, QUANTITY, EXPIRY, days.day(), cells.text(20), cells.gtin, cells.whole(), cells.YES_OR_NO]
    ),
)
def test_any_cell_is_read_or_refused_with_a_sentence(cell, read):
    try:
        said = str(read(cell)) and ""
    except Refusal as refused:
        said = str(refused)

    assert said == "" or (said.endswith(".") and len(said) < 400)


@given(number=st.decimals(0, 999_999, places=6))
def test_what_was_written_is_what_is_read(number):
    assert COST(f"{number:f}") == number
    assert COST(f"{number:,f}") == number
