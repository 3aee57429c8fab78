"""Certainty: how sure the cost of a course is, and what that says of its price and discount (C5)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import certainty, costing, courses, retention
from pricing.retention import Chance
from tests.selling import Counter
from tests.shelf import NOW, TODAY

DATES = costing.course_dates(date(2026, 1, 20), 4, 2)


@pytest.fixture
def counter(db):
    found = Counter(db, share_opened_vials=True)
    found.clinic.add_items(
        """
        HA      3 mL single_dose +0.15
        LIDO   20 mL multi_dose 28 d
        NEEDLE  1 each none consumable
        """
    )
    found.offer("HA", "10 x 165.00")
    found.offer("LIDO", "25 x 80.00")
    return found


def foretold(counter, recipe, *, seed=0, dates=DATES):
    cost = counter.cost(recipe, *dates)
    return cost, certainty.foretell(counter.db, cost, site=counter.site, today=TODAY, seed=seed)


def test_a_course_of_single_doses_on_the_shelf_costs_what_its_sheet_says(counter):
    counter.clinic.receive("HA", "A17 exp 2027-03-31 40 x 16.50")

    cost, found = foretold(counter, counter.recipe("HA 2.5"))

    whole = sum(one.actual for one in cost.sessions)
    assert abs(found.whole.mean - whole) < Decimal("0.05")
    assert found.whole.high - found.whole.low < Decimal("0.05")
    assert found.first_short is None


def test_a_shared_vial_costs_the_more_the_fewer_share_it(counter):
    counter.clinic.receive("LIDO", "L1 exp 2027-03-31 40 x 3.20", on=date(2025, 10, 1))
    recipe = counter.recipe("LIDO 4")
    _, alone = foretold(counter, recipe)

    for day in range(59, 0, -1):
        at = NOW - timedelta(days=day)
        counter.clinic.treat(f"P-{day}", "LIDO 4", at=at, recorded_at=NOW)
    _, shared = foretold(counter, recipe)

    # Alone a vial of 20 mL is opened for two sessions at most, shared for five doses.
    assert shared.whole.mean < alone.whole.mean
    assert shared.whole.low <= shared.whole.mean <= shared.whole.high


def test_what_must_be_bought_is_less_certain_than_what_is_there(counter):
    counter.clinic.add_items("B12 2 mL single_dose")
    counter.offer("B12", "1 x 16.50")
    recipe, months = counter.recipe("B12 1.5"), costing.course_dates(date(2026, 2, 20), 4, 8)

    _, bought = foretold(counter, recipe, dates=months)
    counter.clinic.receive("B12", "A17 exp 2027-03-31 40 x 16.50")
    _, there = foretold(counter, recipe, dates=months)

    assert bought.whole.high - bought.whole.low > there.whole.high - there.whole.low
    assert bought.first_short == 1


def test_the_same_question_on_the_same_day_has_the_same_answer(counter):
    counter.clinic.receive("LIDO", "L1 exp 2027-03-31 4 x 3.20")
    recipe = counter.recipe("LIDO 4")

    assert foretold(counter, recipe, seed=5)[1] == foretold(counter, recipe, seed=5)[1]


def test_the_sessions_that_do_not_come_cost_nothing(counter):
    counter.clinic.receive("HA", "A17 exp 2027-03-31 40 x 16.50")

    _, found = foretold(counter, counter.recipe("HA 2.5"))

    assert 3 < found.expected_sessions < 4
    assert found.total.mean < found.whole.mean
    assert [one.chance.rate for one in found.sessions] == [Decimal("0.9400")] * 4


def test_a_margin_is_what_the_price_leaves_and_a_price_of_nothing_leaves_none(counter):
    counter.clinic.receive("HA", "A17 exp 2027-03-31 40 x 16.50")
    _, found = foretold(counter, counter.recipe("HA 2.5"))

    left = certainty.margin(found, net=found.whole.mean * 2)

    assert left.rate == Decimal("0.5000")
    assert left.rate_if_dear <= left.rate
    assert left.break_even * 4 - found.whole.mean < Decimal("0.04")
    assert certainty.margin(found, net=Decimal(0)) is None


def test_chances_are_learned_from_the_courses_whose_days_are_past(counter):
    counter.clinic.receive("HA", "A17 exp 2027-12-31 99 x 16.50")
    counter.recipe("HA 2.5")
    for performed in (2, 1, 0):
        _, course = counter.accepted(starts_on=date(2026, 1, 20), sessions=3, interval_weeks=2)
        for number in range(1, performed + 1):
            at = NOW + timedelta(days=5 + 14 * (number - 1))
            courses.perform(
                counter.db,
                course,
                number,
                visit_at=at,
                site=counter.site,
                recorded_at=at,
                by="mara",
                patient_ref=course.patient_ref,
            )

    def known(on):
        return [(one.came, one.due) for one in retention.chances(counter.db, sessions=4, on=on)]

    assert known(date(2026, 2, 16)) == [(0, 0)] * 4
    # Four weeks after the first day, session 1 of three courses is due; two came.
    assert known(date(2026, 2, 17)) == [(2, 3), (0, 0), (0, 0), (0, 0)]
    # Who never came once is not asked about a second time.
    assert known(date(2026, 6, 1)) == [(2, 3), (1, 2), (0, 1), (0, 0)]


@pytest.mark.parametrize(
    ("came", "due", "rate"),
    [(0, 0, "0.9400"), (80, 80, "0.9880"), (0, 20, "0.4700"), (10, 20, "0.7200")],
)
def test_little_is_believed_until_much_is_seen(came, due, rate):
    assert Chance(2, came, due).rate == Decimal(rate)


def advice(discount, *, price="350", cost="140", sessions=6, chance="0.94"):
    return certainty.discount_advice(
        price=Decimal(price),
        cost=Decimal(cost),
        sessions=sessions,
        rates=[Decimal(chance)] * (sessions - 1),
        discount_rate=Decimal(discount),
    )


def test_the_break_even_discount_is_the_one_of_the_book():
    # vial_maths 4.2: n 6, q .06, 350, cost 140: held 5.1688, 13.85 %.
    found = advice("0")

    assert found.expected_sessions == Decimal("5.1688")
    assert found.kept == Decimal("0.1385")
    assert found.needed_sessions == Decimal("5.17")


def test_a_larger_discount_says_how_many_sessions_must_be_held():
    # 5.1688 x 210 / (350 x 0.9 - 140) = 6.20 of 6: at 10 % refunded sessions cannot earn it back.
    assert advice("0.10").needed_sessions is None
    # 5.1688 x 210 / (350 x 0.95 - 140) = 5.64.
    assert advice("0.05").needed_sessions == Decimal("5.64")
    assert advice("0.99").needed_sessions is None


@given(
    st.integers(1, 12),
    st.integers(0, 100),
    st.decimals("0.01", "1", places=2),
    st.integers(200, 600),
    st.integers(1, 199),
)
def test_a_discount_that_pays_is_never_more_than_what_unused_sessions_leave(
    sessions, percent, chance, price, cost
):
    found = advice(
        Decimal(percent) / 100, price=str(price), cost=str(cost), sessions=sessions, chance=str(chance)
    )

    assert 0 <= found.kept < 1
    assert 1 <= found.expected_sessions <= sessions
    if found.needed_sessions is not None:
        assert found.expected_sessions - Decimal("0.01") <= found.needed_sessions <= sessions
