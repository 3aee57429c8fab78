"""Ordering weighs what waiting risks against what ordering costs, and says so in numbers (O2)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import policy
from inventory.forecasting import Demand, Vessel
from inventory.futures import Item, Paths, Terms
from inventory.policy import Economics
from tests.benchmarks.clinic_year_rules import economic_quantity, safety_stock

ALWAYS = 100_000  # days


def item(key: int = 1, **changed) -> Item:
    """Two lines a day, a container each; a delivery in a week; ten on the shelf that keep."""
    demand = Demand(
        shape=200.0,
        per_day=changed.pop("per_day", 2.0),
        unknown=np.ones(7),
        lines_per_fresh=1.0,
        weights=np.ones(7),
        doses=np.array([1], dtype=np.int64),
        containers_per_line=1.0,
    )
    facts = {
        "vessel": Vessel(1, single=True, in_use_days=0),
        "terms": Terms(pack=1, price=10.0),
        "demand": demand,
        "lots": ((ALWAYS, 10),),
        "opened": (0, -1),
        "coming": (),
        "delivery_days": np.array([7]),
        "lives": np.array([400]),
        "next_order_in": 7,
    }
    return Item(key, **(facts | changed))


def advised(*items: Item, **costs: float) -> list[policy.Advice]:
    """The advice of seed 1."""
    return policy.advise(items, Economics(**costs), seed=1)


def test_what_runs_out_before_the_next_order_could_come_is_ordered_and_what_lasts_is_not():
    short, enough = advised(item(1), item(2, lots=((ALWAYS, 60),)))

    assert short.packs > 0
    assert short.lost_sales > short.holding + short.expiry + short.sooner
    assert enough.packs == 0
    assert enough.lost_chance == 0


def test_the_same_day_gives_the_same_advice_whoever_else_is_asked_about():
    alone = advised(item(7))
    among = advised(item(3, delivery_days=np.array([3])), item(7), item(9, per_day=0.1))

    assert alone == advised(item(7))
    assert alone[0] == among[1]


def test_without_expiry_or_uncertainty_the_quantity_is_the_economic_one():
    (found,) = advised(item())

    # the cost of a quantity is flat around its least: within one candidate of Harris's
    harris = economic_quantity(8.0, 2 * 365, 0.25 * 10)
    assert found.best_packs == pytest.approx(harris, rel=0.25)


def test_what_cannot_be_used_in_date_is_not_ordered():
    (found,) = advised(item(lives=np.array([14])))

    assert 0 < found.packs <= 2 * 14
    assert found.expected_waste < 0.1 * found.packs


def test_stock_that_will_have_expired_does_not_count():
    (fresh,) = advised(item(lots=((ALWAYS, 40),)))
    (ageing,) = advised(item(lots=((5, 40),)))

    assert fresh.packs == 0
    assert ageing.packs > 0
    assert ageing.at_risk == pytest.approx(40 - 5 * 2, abs=2)
    assert ageing.stock_out_day[1] < fresh.stock_out_day[1]


def test_what_is_on_order_counts_when_it_can_have_come():
    (found,) = advised(item(coming=((3, 60),)))

    assert found.packs == 0


def test_an_item_hardly_ever_used_is_ordered_for_the_patient_who_needs_it():
    dear = Terms(pack=10, price=50.0)

    (found,) = advised(item(per_day=0.001, lots=(), terms=dear, lives=np.array([60])))

    assert found.packs == 0
    assert found.per_patient


def test_a_price_break_is_taken_by_what_keeps_and_not_by_what_expires():
    broken = Terms(pack=1, price=10.0, breaks=((150, 7.0),))

    keeps, expires = advised(item(1, terms=broken), item(2, terms=broken, lives=np.array([20])))

    assert keeps.best_packs >= 150
    assert expires.best_packs < 60


def test_no_less_than_the_suppliers_minimum_is_ordered():
    (found,) = advised(item(terms=Terms(pack=1, price=1.0, least=90)))

    assert found.best_packs >= 90


def test_an_order_that_costs_more_than_its_lines_are_worth_waits():
    few = [item(1, lots=((ALWAYS, 26),)), item(2, lots=((ALWAYS, 26),))]
    worth = sum(one.gain for one in advised(*few) if one.packs)
    assert worth > 0

    assert [one.packs for one in advised(*few, order_cost=worth + 1)] == [0, 0]
    assert any(one.packs for one in advised(*few, order_cost=worth / 2))


def test_lines_that_share_an_orders_cost_are_larger_than_lines_that_pay_none():
    some = [item(key, lots=()) for key in range(3)]

    free, shared = advised(*some), advised(*some, order_cost=120.0)

    assert sum(one.packs for one in shared) > sum(one.packs for one in free)


def test_what_expires_before_it_can_arrive_or_comes_late_is_still_answered():
    slow = item(delivery_days=np.array([60, 90]), lives=np.array([1]))

    (found,) = advised(slow)

    assert np.isfinite([found.lost_sales, found.cost_per_day, found.gain]).all()
    assert 0 <= found.service_level <= 1


@given(
    need=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    lots=st.lists(st.tuples(st.integers(1, 14), st.integers(1, 6)), max_size=4),
    arrival=st.tuples(st.integers(1, 12), st.integers(0, 6)),
)
def test_cumulative_curves_say_what_lots_used_first_expired_first_say(need, lots, arrival):
    days = len(need)
    there, expired = np.zeros((1, 1, days), dtype=np.int64), np.zeros((1, days), dtype=np.int64)
    for last_day, count in lots:
        there += count
        expired[0, min(last_day - 1, days) :] += count
    there[0, 0, arrival[0] - 1 :] += arrival[1]

    asked = np.array([[need]])
    paths = Paths([], days, asked, asked, there, expired, *(np.ones((1, 1)) for _ in range(6)))

    shelf, unmet, wasted = sorted([last_day, count] for last_day, count in lots), [], 0
    for day, asked in enumerate(need, start=1):
        if day == arrival[0]:
            shelf.append([ALWAYS, arrival[1]])
        for lot in shelf:
            taken = min(lot[1], asked)
            lot[1], asked = lot[1] - taken, asked - taken
        unmet.append(asked)
        wasted += sum(lot[1] for lot in shelf if lot[0] == day)
        shelf = [lot for lot in shelf if lot[0] > day]
    assert paths.unmet[0, 0].tolist() == unmet
    assert paths.wasted[0, 0] == wasted
    assert paths.left[0, 0] == sum(lot[1] for lot in shelf)


def test_textbook_values_of_the_rules_that_ours_is_played_against():
    # Snyder and Shen, Fundamentals of Supply Chain Theory, example 3.1; and z of 95 % over five periods
    assert economic_quantity(8, 1300, 0.225) == pytest.approx(304.0467800264368, abs=1e-9)
    assert safety_stock(1.6448536269514722, 5 * 10**2) == pytest.approx(36.78004522900571, abs=1e-9)


def test_an_item_with_plenty_need_not_be_looked_at():
    assert policy.plenty(item(lots=((ALWAYS, 80),)))
    assert not policy.plenty(item())
    assert not policy.plenty(replace(item(), lots=((3, 80),)))
