"""Ordering weighs what waiting risks against what ordering costs, and says so in numbers (O2)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import forecasting, futures, levels, new_lot, policy
from inventory.forecasting import Demand, Vessel
from inventory.futures import Item, Paths, Terms
from inventory.policy import Economics, OrderTerms
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


def test_an_order_that_its_supplier_holds_up_meets_what_waiting_meets():
    bare = item(lots=())

    (ordered,) = advised(bare)
    (held_up,) = policy.advise([bare], Economics(), seed=1, order=OrderTerms(least=1e6))

    assert (ordered.packs > 0, held_up.packs) == (True, 0)
    assert held_up.service_level < ordered.service_level


def test_few_paths_tell_as_much_of_what_waiting_risks_as_many():
    unsure = item(demand=replace(item().demand, shape=20.0), delivery_days=np.array([7, 7, 8, 12]))
    asked = [replace(unsure, lots=((ALWAYS, count),)) for count in (30, 33, 36)]

    few, many = (policy.advise(asked, Economics(), seed=1, paths=paths) for paths in (128, 16_384))

    for one, other in zip(few, many, strict=True):
        assert one.lost_sales == pytest.approx(other.lost_sales, rel=0.2)


def test_a_day_lies_between_two_deliveries_as_often_as_receipts_were_late():
    # in two days or, as often, in four; and three days later
    late = item(delivery_days=np.array([2, 4]), next_order_in=3)

    assert new_lot.between([late], 8)[0].tolist() == [0, 0.5, 0.5, 1, 0.5, 0.5, 0, 0]


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


def test_what_takes_longer_to_come_than_it_keeps_is_never_ordered_for_the_shelf():
    (found,) = advised(item(lots=(), delivery_days=np.array([60]), lives=np.array([20])))

    assert found.too_slow
    assert found.packs == 0
    assert found.lost_sales > 0


def test_a_shared_container_that_is_missing_loses_the_lines_of_the_wait_and_no_more():
    # a container serves a month of one line a day: a week without it loses seven lines
    vial = Vessel(1000, single=False, in_use_days=30)
    facts = {"vessel": vial, "lots": (), "per_day": 1.0, "delivery_days": np.array([1])}
    demand = replace(item(**facts).demand, containers_per_line=1 / 30)

    (found,) = advised(replace(item(**facts), demand=demand))

    assert found.lost_sales == pytest.approx(7 * 60, rel=0.1)


def test_a_new_lot_that_expires_before_the_stock_is_used_before_it():
    # 50 are there for 25 days: behind what ends with it a lot of 30 days serves five, before what keeps all
    month = {"lives": np.array([30]), "delivery_days": np.array([1])}
    (found,) = advised(item(lots=((ALWAYS, 50),), **month))
    (behind,) = advised(item(lots=((31, 50),), **month))

    assert found.best_packs > behind.best_packs


def test_ordering_a_week_sooner_what_expires_anyway_costs_a_week_of_keeping_it_and_no_more_waste():
    # two of ten are used in a month, whenever the month begins
    ten = Terms(pack=10, price=10.0)
    (found,) = advised(item(lots=(), per_day=0.07, terms=ten, lives=np.array([30])))

    assert found.expected_waste > 5
    assert found.sooner == pytest.approx(7 * found.cost_per_day, rel=0.05)
    assert found.expiry < 0.05 * found.expected_waste * 11


@pytest.mark.parametrize("keeps", [20, 30, 45, 90, 365])
def test_a_lot_reaches_its_expiry_rather_than_running_out_before_but_only_where_that_is_near(
    keeps, monkeypatch
):
    asked = item(lots=(), per_day=0.4, terms=Terms(pack=1, price=15.0), lives=np.arange(keeps // 2, keeps))
    (found,) = advised(asked)

    monkeypatch.setattr(new_lot, "SPOILS", 1.0)
    (shy,) = advised(asked)

    assert found.best_packs > shy.best_packs if keeps < 50 else found.best_packs >= shy.best_packs
    assert found.expected_waste < found.best_packs / 4


def test_lines_that_could_wait_join_an_order_that_the_supplier_would_refuse():
    due, waits = item(1), item(2, lots=((ALWAYS, 40),))
    alone = advised(due, waits)
    worth = 10.0 * alone[0].packs
    assert alone[1].packs == 0

    joined = policy.advise([due, waits], Economics(), seed=1, order=OrderTerms(least=worth + 1))
    (larger,) = policy.advise([due], Economics(), seed=1, order=OrderTerms(least=worth + 1))

    assert [one.packs > 0 for one in joined] == [True, True]
    assert [one.joined for one in joined] == [False, True]
    assert (larger.packs, larger.grown) == (alone[0].packs + 1, True)


def test_an_order_waits_until_it_is_worth_its_freight_but_not_on_an_empty_shelf():
    rare, dear = replace(item().demand, per_day=0.07), OrderTerms(freight=100.0)
    some, none = item(demand=rare, lots=((ALWAYS, 1),)), item(demand=rare, lots=())
    asked = ((some, OrderTerms()), (some, dear), (none, dear), (none, OrderTerms(freight=1e4)))

    found = [policy.advise([one], Economics(), seed=1, order=order)[0] for one, order in asked]

    assert [one.packs > 0 for one in found] == [True, False, True, False]


def test_an_order_is_made_large_enough_to_ship_free_where_that_costs_less_than_the_freight():
    due, waits = item(1), item(2, lots=((ALWAYS, 27),))
    reach = 10.0 * sum(one.best_packs for one in advised(due, waits))

    free = OrderTerms(freight=30.0, free_from=0.9 * reach)
    shipped = policy.advise([due, waits], Economics(), seed=1, order=free)
    paid = policy.advise([due, waits], Economics(), seed=1, order=replace(free, free_from=100 * reach))

    assert [one.packs > 0 for one in shipped] == [True, True]
    assert not any(one.joined for one in paid)


def test_what_another_site_can_spare_is_fetched_before_anything_is_bought():
    alone = item(2, lots=((ALWAYS, 4),))

    (fetched,) = advised(replace(alone, offered=((60, 20),)))
    (late,) = advised(replace(alone, offered=((1, 20),)))

    assert (fetched.fetch, late.fetch) == (20, 0)  # what expires tomorrow would be used by nobody
    assert fetched.packs <= advised(alone)[0].packs


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"vessel": Vessel(0, single=True, in_use_days=0)}, "its container holds nothing"),
        ({"terms": Terms(pack=0, price=1.0)}, "its pack holds no container"),
        ({"terms": Terms(pack=1, price=-1.0)}, "its price is below nothing"),
        ({"lots": ((9, -1),)}, "it has less than no containers"),
        ({"delivery_days": np.array([], dtype=np.int64)}, "nothing says how long it takes to come"),
        ({"lives": np.array([], dtype=np.int64)}, "nothing says how long it keeps"),
        ({"next_order_in": 0}, "its supplier takes no order again"),
    ],
)
def test_what_is_not_an_item_is_refused_and_says_why(wrong, why):
    with pytest.raises(ValueError, match=f"item 5: {why}"):
        item(5, **wrong)


def test_a_supplier_without_offers_and_items_without_a_past_are_answered():
    (learned,) = forecasting.learn(
        forecasting.Lines(*(np.zeros(0, dtype=np.int64) for _ in range(4))),
        forecasting.Bookings(*(np.zeros(0, dtype=np.int64) for _ in range(3)), np.zeros(0, dtype=bool)),
        [Vessel(1, single=True, in_use_days=0)],
        today=0,
        days=365,
        ahead=[[]],
    )
    unknown = replace(item(lots=()), demand=learned, delivery_days=forecasting.delivery_days(None, []))

    (found,) = advised(unknown)

    assert advised() == []
    assert found.packs == 0
    assert np.isfinite([found.lost_sales, found.cost_per_day, found.gain]).all()


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
    paths = Paths([], days, np.ones(1), asked, asked, there, expired, *(np.ones((1, 1)) for _ in range(6)))

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
    assert levels.safety_stock(variance=100.0, days=5, service_level=0.95) == pytest.approx(
        36.780045, abs=1e-6
    )


def test_an_item_with_plenty_need_not_be_looked_at():
    assert futures.plenty(item(lots=((ALWAYS, 80),)))
    assert not futures.plenty(item())
    assert not futures.plenty(replace(item(), lots=((3, 80),)))
