"""Exact measures: what is shared out adds up, and what empties a layer takes all that is left."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import measures
from inventory.measures import NotAQuantity

CENTS = st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 100)
WEIGHTS = st.lists(st.integers(0, 10**8).map(lambda units: Decimal(units) / 10_000), min_size=1, max_size=30)


def test_three_units_for_100_leave_without_making_or_losing_a_cent():
    assert leave("100.00", "3", ["1", "1", "1"]) == ["33.33", "33.34", "33.33"]


def test_seventy_issues_of_a_tenth_from_seven_end_at_exactly_zero():
    taken = leave("55.50", "7", ["0.1"] * 70)

    assert sum(map(Decimal, taken)) == Decimal("55.50")
    assert set(taken) == {"0.79", "0.80"}


@given(value=CENTS, parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_whatever_the_parts_what_leaves_a_layer_adds_up_and_the_first_is_right_to_half_a_cent(value, parts):
    quantities = [Decimal(part) / 10_000 for part in parts]
    whole = sum(quantities)

    taken = leave(str(value), str(whole), list(map(str, quantities)))

    assert sum(map(Decimal, taken)) == value
    assert all(Decimal(amount) >= 0 for amount in taken)
    first = Decimal(taken[0]) - value * quantities[0] / whole
    assert abs(first) <= Decimal("0.005")


def leave(value: str, quantity: str, parts: list[str]) -> list[str]:
    """What each part takes from a layer, one after the other, as a person would read it."""
    value_left, quantity_left, taken = Decimal(value), Decimal(quantity), []
    for part in map(Decimal, parts):
        amount = measures.value_of_part(value_left, part, quantity_left)
        value_left, quantity_left = value_left - amount, quantity_left - part
        taken.append(f"{amount:.2f}")
        assert value_left >= 0
        assert amount == measures.to_cents(amount)
    assert quantity_left == 0
    assert value_left == 0
    return taken


def test_more_than_a_layer_holds_cannot_leave_it():
    with pytest.raises(AssertionError):
        measures.value_of_part(Decimal("100.00"), Decimal("3.0001"), Decimal("3"))


def test_a_course_of_2000_over_six_sessions_gives_the_larger_parts_first():
    assert [str(part) for part in measures.share_out(Decimal("2000.00"), 6)] == [
        "333.34",
        "333.34",
        "333.33",
        "333.33",
        "333.33",
        "333.33",
    ]


@given(total=CENTS, parts=st.integers(1, 60))
def test_equal_parts_differ_by_a_cent_at_most_and_add_up(total, parts):
    shares = measures.share_out(total, parts)

    assert len(shares) == parts
    assert sum(shares) == total
    assert max(shares) - min(shares) <= Decimal("0.01")
    assert list(shares) == sorted(shares, reverse=True)


def test_freight_of_10_is_shared_by_value_and_the_last_cent_goes_to_the_largest_remainder():
    shares = measures.share_by_weight(Decimal("10.00"), [Decimal(100), Decimal(100), Decimal(99)])

    assert [str(share) for share in shares] == ["3.35", "3.34", "3.31"]


def test_weights_that_are_all_zero_put_everything_on_the_first_part():
    shares = measures.share_by_weight(Decimal("10.00"), [Decimal(0), Decimal(0)])

    assert shares == (Decimal("10.00"), Decimal(0))


@given(total=CENTS, weights=WEIGHTS)
def test_parts_by_weight_add_up_and_stay_within_a_cent_of_their_share(total, weights):
    shares = measures.share_by_weight(total, weights)

    assert sum(shares) == total
    assert all(share == measures.to_cents(share) for share in shares)
    if whole := sum(weights):
        assert all(
            abs(share - total * weight / whole) < Decimal("0.01")
            for share, weight in zip(shares, weights, strict=True)
        )


def test_tax_rounds_half_up_and_value_half_to_even():
    assert measures.to_cents_half_up(Decimal("450.00") * Decimal("0.0635")) == Decimal("28.58")
    assert measures.to_cents(Decimal("28.575")) == Decimal("28.58")
    assert measures.to_cents_half_up(Decimal("28.565")) == Decimal("28.57")
    assert measures.to_cents(Decimal("28.565")) == Decimal("28.56")


@pytest.mark.parametrize("good", ["0.0001", "999999999.9999", "2.50", "1E+3", "-3", "0.00010000"])
def test_a_quantity_has_four_decimals_at_most(good):
    assert measures.quantity(good) == Decimal(good)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("0.00004", "0.00004 has more than 4 decimals."),
        ("NaN", "NaN is not a quantity."),
        ("-Infinity", "-Infinity is not a quantity."),
        ("1000000000", "1000000000 is more than 999999999.9999."),
        ("1e999999", "1e999999 is more than 999999999.9999."),
        ("1e-999999", "1e-999999 has more than 4 decimals."),
    ],
)
def test_what_is_no_quantity_is_refused_and_not_rounded(bad, sentence):
    with pytest.raises(NotAQuantity) as refused:
        measures.quantity(bad)

    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("10", "10"),
        ("2.5000", "2.5"),
        ("1E+1", "10"),
        ("0.0000", "0"),
        ("-0.10", "-0.1"),
        ("1200.00", "1200"),
    ],
)
def test_a_number_is_written_as_a_person_writes_it(number, written):
    assert measures.plain(Decimal(number)) == written


@pytest.mark.parametrize(("number", "needed"), [("2.50", 1), ("1E+3", 0), ("0.0001", 4), ("0.00", 0)])
def test_how_many_decimals_a_number_needs(number, needed):
    assert measures.places(Decimal(number)) == needed
