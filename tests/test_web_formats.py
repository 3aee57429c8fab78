"""How numbers and dates are written for people, and how charts are drawn."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web import charts, formats
from api.web.charts import Bar, Bars, Flag, Point, StockLine

TODAY = date(2026, 1, 15)
NOW = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "said"),
    [("10", "10"), ("1E+1", "10"), ("2.50", "2.5"), ("1234.5678", "1,234.5678"), ("0.0000", "0"),
     ("-0.5", "-0.5"), ("1000000", "1,000,000")],
)  # fmt: skip
def test_a_number_is_written_out_and_never_rounded(value, said):
    assert formats.number(Decimal(value)) == said


@given(st.decimals(min_value="-999999999", max_value="999999999", places=4))
def test_a_written_number_is_the_number(value):
    assert Decimal(formats.number(value).replace(",", "")) == value


def test_money_has_its_cents_and_its_currency():
    assert formats.money(Decimal("1234.5"), "USD") == "$1,234.50"
    assert formats.money(Decimal("-3"), "EUR") == "−€3.00"
    assert formats.money(Decimal(20000), "AMD") == "AMD\N{NO-BREAK SPACE}20,000.00"


@pytest.mark.parametrize(
    ("value", "currency", "said"),
    [("64.128", "USD", "$64.128"), ("64", "USD", "$64.00"), ("1E+2", "EUR", "€100.00"),
     ("0.036760", "USD", "$0.03676"), ("1.444333", "JOD", "JOD\N{NO-BREAK SPACE}1.444333")],
)  # fmt: skip
def test_what_one_costs_keeps_every_decimal_and_its_cents(value, currency, said):
    assert formats.each(Decimal(value), currency) == said


def test_a_sentence_of_the_program_is_shown_with_the_dates_of_pages():
    assert (
        formats.dated("Order by 2026-01-31: out on 2026-02-05.") == "Order by 31 Jan 2026: out on 5 Feb 2026."
    )
    assert formats.dated("Document 2026-01-315, part 12026-01-31") == "Document 2026-01-315, part 12026-01-31"
    assert formats.dated("There is no 2026-02-30") == "There is no 2026-02-30"
    assert formats.dated("1 × USD 1250.00 = EUR 0.50") == "1 × $1,250.00 = €0.50"
    assert formats.dated("Lot ABC 12.50, SKU 20.0, 12 USD") == "Lot ABC 12.50, SKU 20.0, 12 USD"


@pytest.mark.parametrize(
    ("value", "unit", "needed", "there"),
    [("43.0472", "mL", "43.1", "43"), ("1280.3", "mL", "1290", "1280"), ("46.2", "each", "47", "46"),
     ("0.04", "mL", "0.1", "0"), ("0", "mL", "0", "0"), ("-3", "mL", "0", "0")],
)  # fmt: skip
def test_an_estimate_is_rounded_to_the_safe_side(value, unit, needed, there):
    assert formats.rough(Decimal(value), unit) == Decimal(needed)
    assert formats.rough(Decimal(value), unit, up=False) == Decimal(there)


@pytest.mark.parametrize(
    ("until", "said", "near"),
    [(date(2026, 1, 14), "expired 1 day ago", "gone"), (date(2026, 1, 15), "last day", "soon"),
     (date(2026, 1, 16), "1 day", "soon"), (date(2026, 2, 14), "30 days", "soon"),
     (date(2026, 2, 15), "31 days", "later"), (date(2026, 4, 15), "90 days", "later"),
     (date(2026, 7, 20), "6 months", "far"), (date(2029, 1, 1), "2 years", "far")],
)  # fmt: skip
def test_an_expiry_is_told_by_how_near_it_is(until, said, near):
    assert formats.days_left(until, TODAY) == said
    assert formats.nearness(until, TODAY) == near


@pytest.mark.parametrize(
    ("left", "said"),
    [(timedelta(minutes=-1), "past its time"), (timedelta(minutes=59), "59 min"),
     (timedelta(hours=5, minutes=10), "5 h 10 min"), (timedelta(days=1, hours=2), "1 day 2 h"),
     (timedelta(days=28), "28 days")],
)  # fmt: skip
def test_what_is_left_of_an_opened_vial_is_told_in_hours_and_days(left, said):
    assert formats.time_left(NOW + left, NOW) == said


def test_a_time_is_the_sites_own():
    at = datetime(2026, 1, 16, 3, 30, tzinfo=UTC)

    assert formats.short_moment(at, "America/New_York", NOW) == "today 22:30"
    assert formats.short_moment(at, "UTC", NOW) == "tomorrow 03:30"
    assert formats.moment(at, "America/New_York") == "15 Jan 2026, 22:30"


def test_containers_are_counted_by_their_name():
    assert formats.containers(1, "vial") == "1\N{NO-BREAK SPACE}vial"
    assert formats.containers(1200, "prefilled_syringe") == "1,200\N{NO-BREAK SPACE}syringes"
    assert formats.containers(2, "") == "2\N{NO-BREAK SPACE}pieces"


@given(st.decimals(min_value=0, max_value="99999999", places=4))
def test_the_marks_of_an_axis_are_round_and_reach_the_top(highest):
    marks = charts.ticks(highest)

    assert marks[0] == 0
    assert marks[-1] >= highest
    assert 2 <= len(marks) <= 6
    assert len({later - earlier for earlier, later in pairwise(marks)}) == 1


def test_a_meter_is_full_at_twice_the_need():
    assert charts.meter(Decimal(0), Decimal(0)).need is None
    half = charts.meter(Decimal(5), Decimal(5))
    assert (half.has, half.need, half.short) == ("50.0", "50.0", False)
    low = charts.meter(Decimal(1), Decimal(5))
    assert (low.has, low.need, low.short) == ("10.0", "50.0", True)
    full = charts.meter(Decimal(40), Decimal(5))
    assert (full.has, full.need) == ("100.0", "12.5")


def test_a_chart_has_a_title_a_description_and_no_tag_of_somebody_else():
    drawn = StockLine(
        title="Stock of <b>A & B</b>",
        described="from 1 to 2",
        unit="mL",
        points=[Point(TODAY - timedelta(days=90), Decimal(1)), Point(TODAY, Decimal(2))],
        today=TODAY,
        ahead=[Point(TODAY, Decimal(2)), Point(TODAY + timedelta(days=60), Decimal(0))],
        expiries=[Flag(TODAY + timedelta(days=30), "<script>")],
        need=Decimal("1.5"),
    ).drawn()

    for size in (drawn.wide, drawn.narrow):
        picture = ElementTree.fromstring(str(size))
        assert picture.get("role") == "img"
        assert picture[0].tag == "title"
        assert picture[0].text == "Stock of <b>A & B</b>"
        assert picture[1].text == "from 1 to 2"
        assert picture.find("script") is None
        named = (picture.get("aria-labelledby") or "").split()
        assert named == [picture[0].get("id"), picture[1].get("id")]


def test_bars_are_as_high_as_their_numbers_even_where_there_are_none():
    drawn = Bars(
        "Use", "by week", "mL", [Bar("1 Jan", Decimal(5), "5 mL"), Bar("8 Jan", Decimal(10), "10 mL")]
    )
    heights = [
        float(bar.get("height") or 0) for bar in ElementTree.fromstring(str(drawn.drawn().wide)).iter("rect")
    ]

    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    ElementTree.fromstring(str(Bars("Use", "none", "mL", []).drawn().narrow))
