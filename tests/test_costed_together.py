"""Several treatments on one quote draw on one shelf, in the order of their days: no lot serves twice (C5)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from pricing import costing, drifting, price_list, prospects, quote_records, quotes
from pricing.costing import Wanted
from pricing.quotes import Treatment
from tests.conftest import rolled_back
from tests.selling import Counter, line_of
from tests.shelf import TODAY

HYALURONATE = "HA 3 mL single_dose +0.15"
LATER = date(2026, 1, 27)


@pytest.fixture
def counter(db):
    found = Counter(db)
    found.clinic.add_items(HYALURONATE)
    found.offer("HA", "1 x 20.00")
    found.recipe("HA 2.5")
    found.recipe("HA 2.5", code="F-91", protocol="P-91")
    return found


def costs_of(cost, code="HA"):
    return [line_of(cost, code, one.number).actual for one in cost.sessions]


def two(counter, **changes):
    """Three sessions of the face, and three of the neck a week after each."""
    neck = Treatment(protocol="P-91", level="L2", starts_on=LATER, sessions=3)
    return counter.request(sessions=3, more=(neck,), **changes)


def test_a_vial_that_one_treatment_draws_is_not_there_for_the_other(counter):
    counter.clinic.receive("HA", "SOON exp 2026-12-31 4 x 16.00")

    alone = quotes.offer(counter.db, counter.request(sessions=3), site=counter.site, on=TODAY)
    face, neck = quotes.offers(counter.db, two(counter), site=counter.site, on=TODAY)

    # By day: face, neck, face, neck have the four vials; the third of each is bought.
    assert costs_of(alone.cost) == [Decimal(16)] * 3
    assert costs_of(face.cost) == [Decimal(16), Decimal(16), Decimal(20)]
    assert costs_of(neck.cost) == [Decimal(16), Decimal(16), Decimal(20)]
    assert [one.short_of for one in neck.cost.sessions] == [(), (), ("HA",)]
    assert [(one.session, one.missing) for one in neck.cost.shortages] == [(3, 3)]


def test_of_two_on_one_day_the_one_named_first_draws_first(counter):
    counter.clinic.receive("HA", "ONLY exp 2026-12-31 1 x 16.00")
    neck = Treatment(protocol="P-91", level="L2", starts_on=date(2026, 1, 20), sessions=3)

    face, other = quotes.offers(
        counter.db, counter.request(sessions=3, more=(neck,)), site=counter.site, on=TODAY
    )

    assert (costs_of(face.cost)[0], costs_of(other.cost)[0]) == (Decimal(16), Decimal(20))


def test_nothing_has_drifted_where_only_its_own_courses_were_promised_the_stock(counter):
    counter.clinic.receive("HA", "SOON exp 2026-12-31 4 x 16.00")

    quote, _ = counter.accepted(sessions=3, more=two(counter).more)

    seen = drifting.drift(counter.db, quote, site=counter.site, on=TODAY)
    assert seen.difference == 0
    assert seen.then == quote_records.totals(quote_records.treatments_of(counter.db, quote)).cost


def test_a_treatment_is_foretold_with_what_the_others_leave_it(counter):
    counter.clinic.receive("HA", "SOON exp 2026-12-31 4 x 16.00")
    quote = counter.draft(sessions=3, more=two(counter).more)
    neck = quote_records.treatments_of(counter.db, quote)[1]

    seen = prospects.prospect(counter.db, neck, site=counter.site, on=TODAY)

    assert seen.certainty.first_short == 3


LOTS = some.lists(
    some.tuples(some.integers(0, 90), some.integers(1, 3), some.integers(10, 30)), max_size=4
)  # days until it expires, vials, cost of one
DAYS = some.lists(some.tuples(some.integers(0, 60), some.booleans()), min_size=2, max_size=6)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lots=LOTS, days=DAYS)
def test_two_courses_together_cost_what_one_course_on_all_their_days_costs(shared_database, lots, days):
    with rolled_back(shared_database) as db:
        counter = Counter(db)
        counter.clinic.add_items(HYALURONATE)
        counter.offer("HA", "1 x 20.00")
        recipe = counter.recipe("HA 2.5")
        for number, (until, vials, cost) in enumerate(lots):
            expires_on = TODAY + timedelta(days=until)
            counter.clinic.receive("HA", f"L{number} exp {expires_on} {vials} x {cost}.00")
        level = price_list.level(db, "L2")
        planned = sorted((TODAY + timedelta(days=day), second) for day, second in days)
        wanted = [
            Wanted(recipe, level, listed)
            for which in (False, True)
            if (listed := [on for on, second in planned if second is which])
        ]

        together = costing.cost_together(db, wanted, site=counter.site, today=TODAY)
        (one,) = costing.cost_together(
            db, [Wanted(recipe, level, [on for on, _ in planned])], site=counter.site, today=TODAY
        )

        found = sorted((each.on, each.actual, each.short_of) for cost in together for each in cost.sessions)
        assert found == sorted((each.on, each.actual, each.short_of) for each in one.sessions)
