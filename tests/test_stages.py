"""Eight stages from cost to price: worked examples, what each stage says, and refusals (P1 to P3)."""

from decimal import ROUND_HALF_UP, Decimal

import pytest

from pricing.price_list import Tax
from pricing.stages import BadTerms, CoursePrice, NoPrice, floor_of, price_course
from tests.prices import SOURCE, band, tax
from tests.worked import example

NO_RULE = Tax(Decimal(0), False, "no tax", "", note="no tax rule for X in BR: 0 %, check", source="")


def price(cost: str = "100", **changes: object) -> CoursePrice:
    """The price of a course of four at the default terms: target 50 %, least 20 %, step 5.00."""
    usual: dict = {
        "multiplier": Decimal(1),
        "target_margin_rate": Decimal("0.50"),
        "least_margin_rate": Decimal("0.20"),
        "list_price": None,
        "step": Decimal("5.00"),
        "band": band("150", "600"),
        "discount_rate": Decimal(0),
        "sessions": 4,
        "tax": tax("0"),
    }
    return price_course(cost=Decimal(cost), **{**usual, **changes})


def amounts(course: CoursePrice) -> dict[str, Decimal]:
    return {stage.name: stage.amount for stage in course.stages}


def note(course: CoursePrice, stage: str) -> str:
    return next(one.note for one in course.stages if one.name == stage)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)


def test_the_worked_quote_goes_from_its_cost_over_target_and_step_into_the_band():
    cost, target, stepped, banded = example("WE-32").numbers_expected

    course = price(str(cost), target_margin_rate=Decimal("0.60"), band=band("250", "600"))

    assert [stage.name for stage in course.stages] == [
        "cost",
        "target",
        "level",
        "list",
        "step",
        "band",
        "discount",
        "tax",
    ]
    assert amounts(course) == {
        "cost": cost,
        "target": target,
        "level": target,
        "list": target,
        "step": stepped,
        "band": banded,
        "discount": banded,
        "tax": banded,
    }
    assert note(course, "target") == "95.91 ÷ (1 − 60 %) = 239.78."
    assert note(course, "level") == "The level's multiplier is 1: 239.78 stays."
    assert note(course, "list") == "The clinic has set no list price: 239.78 stays."
    assert note(course, "step") == "239.78 is rounded up to 240.00, a multiple of 5.00."
    assert (
        note(course, "band") == f"240.00 is raised to the low end of the band of 250.00 to 600.00 ({SOURCE})."
    )


def test_a_discount_of_a_course_is_shared_with_the_larger_parts_first():
    given_example = example("WE-14")
    single, sessions, paid = given_example.numbers_given
    *parts, times, total, discount_percent = given_example.numbers_expected

    course = price(
        "100",
        list_price=single,
        sessions=int(sessions),
        discount_rate=Decimal("0.166667"),
        band=band("250", "600"),
    )

    assert course.session_prices == (*parts[:2], *(parts[2:] * int(times)))
    assert sum(course.session_prices) == course.total == total == paid
    assert percent(course.discount, course.subtotal) == discount_percent
    assert note(course, "discount").endswith("is 400.00: 2 at 333.34, 4 at 333.33.")


def test_a_package_is_cheaper_than_its_single_sessions_by_its_discount():
    paid, sessions, single = example("WE-31").numbers_given

    course = price(
        "100",
        list_price=single,
        sessions=int(sessions),
        discount_rate=Decimal("0.145455"),
        band=band("400", "600"),
    )

    assert course.total == paid
    assert [percent(course.discount, course.subtotal)] == example("WE-31").numbers_expected


def test_tax_is_added_half_up_on_the_course_line():
    amount, rate = example("WE-16").numbers_given

    course = price("100", list_price=amount, sessions=1, tax=tax(str(rate / 100)))

    assert [course.tax, course.total] == example("WE-16").numbers_expected
    assert course.net == amount
    assert note(course, "tax") == "Sales tax at 6.35 % (TX-TEST) on 450.00 is 28.58; 478.58 in all."


def test_tax_inside_the_price_changes_no_price():
    amount, rate = example("WE-17").numbers_given

    course = price("100", list_price=amount, sessions=1, tax=tax(str(rate / 100), inclusive=True))

    assert course.session_prices == (amount,)
    assert [course.tax, course.net] == example("WE-17").numbers_expected
    assert course.total == amount
    assert note(course, "tax") == "350.00 contains 58.33 Sales tax at 20 % (TX-TEST); 291.67 without it."


def test_a_tax_that_eats_into_the_least_margin_is_said():
    course = price("190", list_price=Decimal("240"), sessions=1, tax=tax("0.20", inclusive=True))

    assert course.floor == Decimal("237.50")
    assert note(course, "tax").endswith("Without it a session brings less than the floor of 237.50.")


def test_where_no_tax_rule_is_known_the_quote_says_so():
    assert note(price(tax=NO_RULE), "tax") == "no tax rule for X in BR: 0 %, check."


def test_experience_and_the_clinic_s_own_price_show_in_their_stages():
    course = price("100", multiplier=Decimal("1.30"), list_price=Decimal("310"))

    assert amounts(course)["level"] == Decimal("260.00")
    assert note(course, "level") == "200.00 × 1.3 = 260.00."
    assert amounts(course)["list"] == Decimal("310")
    assert note(course, "list") == "The clinic's list price of 310.00 stands in place of 260.00."
    assert note(course, "step") == "310.00 is a multiple of 5.00 already."
    assert note(course, "band").startswith("310.00 lies inside the band of 150.00 to 600.00")


def test_a_list_price_equal_to_the_computed_one_changes_nothing_and_says_so():
    course = price("100", list_price=Decimal("200.00"))

    assert note(course, "list") == "The clinic's list price is the same 200.00: nothing changes."


def test_too_dear_a_session_is_lowered_to_the_high_end_of_its_band():
    course = price("400", band=band("250", "600"))

    assert amounts(course)["step"] == Decimal("800.00")
    assert set(course.session_prices) == {Decimal("600")}
    assert note(course, "band").startswith("800.00 is lowered to the high end of the band")


def test_a_list_price_below_the_floor_is_raised_to_the_floor_and_a_step():
    course = price("171", list_price=Decimal("200"))

    assert course.floor == Decimal("213.75")
    assert set(course.session_prices) == {Decimal("215.00")}
    assert "It is raised to 215.00, because the floor is 213.75." in note(course, "band")


def test_a_floor_within_a_step_of_the_band_s_end_gives_the_band_s_end():
    course = price("171", list_price=Decimal("200"), band=band("150", "214"))

    assert set(course.session_prices) == {Decimal("214")}


def test_a_floor_above_the_band_gives_no_price_but_a_sentence_with_the_numbers():
    with pytest.raises(NoPrice) as refusal:
        price("560", band=band("250", "600"))

    assert str(refusal.value) == (
        "There is no price: a session must bring 700.00 to keep a margin of 20 %, and the band of 250.00 to "
        f"600.00 ({SOURCE}) ends below that. A manager may override this with a reason."
    )
    assert refusal.value.facts == {
        "floor": Decimal("700.00"),
        "low": Decimal("250"),
        "high": Decimal("600"),
    }


def test_a_floor_exactly_at_the_band_s_end_is_still_a_price():
    assert set(price("480", band=band("250", "600")).session_prices) == {Decimal("600")}


def test_a_manager_s_reason_lets_the_floor_pass_and_is_kept():
    course = price("561", band=band("250", "600"), override="two products on shortage")

    assert set(course.session_prices) == {Decimal("705.00")}
    assert course.above_band
    assert note(course, "band").endswith(
        f"is above the band of 250.00 to 600.00 ({SOURCE}): two products on shortage"
    )


@pytest.mark.parametrize("reason", ["", "   ", None])
def test_an_override_without_a_reason_is_none(reason):
    with pytest.raises(NoPrice):
        price("561", band=band("250", "600"), override=reason)


def test_an_override_that_is_not_needed_changes_nothing():
    assert price("100", override="to be sure") == price("100")


def test_a_discount_is_trimmed_at_the_band_s_low_end_and_says_so():
    course = price("100", band=band("190", "600"), discount_rate=Decimal("0.10"))

    assert (course.subtotal, course.discount, course.trimmed) == (Decimal(800), Decimal(40), True)
    assert course.session_prices == (Decimal("190.00"),) * 4
    assert note(course, "discount") == (
        "10 % of 800.00 is 80.00; trimmed to 40.00, so that no session is below 190.00, "
        "the low end of the band: 4 at 190.00."
    )


def test_a_discount_is_trimmed_at_the_floor():
    course = price("150.01", list_price=Decimal("200"), discount_rate=Decimal("0.50"))

    assert course.floor == Decimal("187.52")  # 187.5125 and not a part of a cent less
    assert course.session_prices == (Decimal("187.52"),) * 4
    assert "187.52, the floor" in note(course, "discount")


def test_a_discount_that_fits_is_given_whole():
    course = price("100", discount_rate=Decimal("0.10"))

    assert (course.discount, course.trimmed) == (Decimal("80.00"), False)
    assert note(course, "discount") == "10 % of 800.00 is 80.00: 4 at 180.00."


def test_a_cost_of_part_of_a_cent_never_lowers_the_floor():
    assert floor_of(Decimal("95.904"), Decimal("0.20")) == Decimal("119.88")
    assert floor_of(Decimal("95.906"), Decimal("0.20")) == Decimal("119.89")  # as printed: 95.91


def test_what_costs_nothing_is_sold_at_the_low_end_of_the_band():
    assert set(price("0").session_prices) == {Decimal("150")}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cost": "-0.01"}, "cannot cost -0.01"),
        ({"cost": "NaN"}, "cannot cost NaN"),
        ({"cost": "1e30"}, "cannot cost"),
        ({"multiplier": Decimal(0)}, "not 0"),
        ({"target_margin_rate": Decimal(1)}, "target margin .* not 1"),
        ({"target_margin_rate": Decimal("-0.1")}, "target margin"),
        ({"least_margin_rate": Decimal(1)}, "least margin"),
        ({"list_price": Decimal(0)}, "list price"),
        ({"list_price": Decimal("10.001")}, "list price"),
        ({"step": Decimal(0)}, "step .* not 0"),
        ({"step": Decimal(-5)}, "step .* not -5"),
        ({"step": Decimal("0.001")}, "step"),
        ({"discount_rate": Decimal("-0.01")}, "discount .* not -0.01"),
        ({"discount_rate": Decimal("1.01")}, "discount .* not 1.01"),
        ({"discount_rate": Decimal("NaN")}, "discount .* not NaN"),
        ({"sessions": 0}, "not 0"),
        ({"sessions": -1}, "not -1"),
        ({"sessions": 101}, "not 101"),
        ({"tax": tax("-0.01")}, "tax .* not -0.01"),
        ({"cost": "9999999999", "target_margin_rate": Decimal("0.99")}, "beyond what the books can hold"),
    ],
)
def test_numbers_from_which_no_price_can_follow_are_refused(changes, sentence):
    with pytest.raises(BadTerms, match=sentence):
        price(**changes)
