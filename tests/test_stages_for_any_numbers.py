"""What must hold for a price whatever the numbers: in the band, above the floor, to the cent (P1, P2)."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from pricing.stages import NoPrice, price_course, taxed_amount
from tests.prices import band, tax


def cents(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda count: Decimal(count) / 100)


def rates(most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, most).map(lambda count: Decimal(count) / 10_000)


@st.composite
def courses(draw: st.DrawFn) -> dict:
    low = draw(cents(0, 100_000))
    return {
        "cost": draw(st.integers(0, 12_000_000)) * Decimal("0.0001"),
        "multiplier": draw(rates(30_000)) + Decimal("0.1"),
        "target_margin_rate": draw(rates(9_000)),
        "least_margin_rate": draw(rates(8_000)),
        "list_price": draw(st.none() | cents(1, 150_000)),
        "step": draw(st.sampled_from(["0.01", "0.05", "1", "5.00", "7.50", "50"]).map(Decimal)),
        "band": band(str(low), str(low + draw(cents(0, 100_000)))),
        "discount_rate": draw(rates(10_000)),
        "sessions": draw(st.integers(1, 15)),
        "tax": tax(str(draw(rates(3_000))), inclusive=draw(st.booleans())),
        "override": draw(st.none() | st.just("the manager's reason")),
    }


@given(courses())
def test_every_session_price_is_in_the_band_and_above_the_floor_or_there_is_no_price(terms):
    low, high = terms["band"].low, terms["band"].high
    # Compared without dividing: price × (1 − least margin) pays at least the cost.
    paid_at_high = high * (1 - terms["least_margin_rate"])

    try:
        course = price_course(**terms)
    except NoPrice:
        assert terms["override"] is None
        # Printed in cents the cost may be half a cent above what it is.
        assert paid_at_high < terms["cost"] + Decimal("0.005")
        return

    for session_price in course.session_prices:
        assert session_price >= low
        assert session_price * (1 - terms["least_margin_rate"]) >= terms["cost"]
        assert session_price <= high or (
            terms["override"] and paid_at_high < terms["cost"] + Decimal("0.005")
        )
    assert course.above_band == (course.floor > high)


@given(courses())
def test_the_parts_of_a_course_add_up_to_the_cent(terms):
    terms["override"] = "so that there is always a price"

    course = price_course(**terms)

    shares = course.session_prices
    assert len(shares) == terms["sessions"]
    assert list(shares) == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= Decimal("0.01")
    assert sum(shares) == course.subtotal - course.discount
    assert 0 <= course.discount <= course.subtotal
    assert all(amount == round(amount, 2) for amount in (*shares, course.tax, course.discount, course.total))
    if terms["tax"].inclusive:
        assert course.total == sum(shares)
    else:
        assert course.total == sum(shares) + course.tax
    assert course.total == course.net + course.tax
    assert course.tax == taxed_amount(sum(shares), terms["tax"]).tax


@given(courses())
def test_a_discount_is_trimmed_only_where_it_must_be(terms):
    terms["override"] = "so that there is always a price"

    course = price_course(**terms)

    wanted = (course.subtotal * terms["discount_rate"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if course.trimmed:
        assert course.discount < wanted
        # What was given cannot be a cent more without a session below the band or the floor.
        least = max(terms["band"].low, course.floor)
        assert sum(course.session_prices) == least * terms["sessions"]
    else:
        assert course.discount == wanted


@given(courses())
def test_every_stage_says_its_sentence_with_a_number(terms):
    terms["override"] = "so that there is always a price"

    for stage in price_course(**terms).stages:
        assert stage.amount >= 0
        assert any(letter.isdigit() for letter in stage.note), stage


@given(courses(), st.integers(1, 14))
def test_a_promotion_gives_its_sessions_away_as_far_as_band_and_floor_let_it(terms, free):
    terms |= {
        "override": "so that there is always a price",
        "free_sessions": min(free, terms["sessions"] - 1),
    }
    if not terms["free_sessions"]:
        return

    course = price_course(**terms)

    price = course.subtotal / terms["sessions"]
    least = max(terms["band"].low, course.floor)
    assert course.discount == min(price * terms["free_sessions"], course.subtotal - least * terms["sessions"])
    assert course.trimmed == (course.discount < price * terms["free_sessions"])
    assert sum(course.session_prices) == course.subtotal - course.discount
    assert min(course.session_prices) >= least
