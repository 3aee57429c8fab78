"""What to order, by when and why: only what can be used in date counts (O2)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from inventory import reordering
from inventory.reordering import Need
from tests.orders import WEEKLY, advice, facts, offer
from tests.shelf import TODAY


def test_the_safety_stock_is_the_textbooks():
    held = reordering.safety_stock(variance=100, days=5, service_level=0.95)

    assert held == pytest.approx(36.78004522900571, abs=1e-12)


def test_days_without_use_count_in_the_variance():
    assert reordering.variance([Decimal(4), Decimal(2)], days=4) == pytest.approx(11 / 3)
    assert reordering.variance([], days=90) == 0
    assert reordering.variance([Decimal(4)], days=1) == 0


def test_a_shelf_that_lasts_until_the_next_order_comes_needs_nothing():
    found = advice(facts("2026-12-31 90", use=("1", 90)), offer())

    assert (found.order_packs, found.order_by, found.cost) == (0, None, 0)
    assert found.usage_per_day == 1
    assert (found.stock_out_on, found.days_of_cover) == (date(2026, 4, 16), 91)
    assert found.why == (
        "Nothing to order: 90 mL usable against 17 needed by 2026-02-01 (10 days for a delivery, 7 to the "
        "next order) and 0 for safety at 95 %."
    )


def test_what_lacks_is_ordered_in_whole_packs_with_the_reason_in_a_sentence():
    found = advice(facts("2026-12-31 12", use=("1", 90)), offer(pack=2))

    assert (found.order_packs, found.order_quantity, str(found.cost)) == (1, 6, "165.00")
    assert (found.reorder_point, found.position, found.supplier) == (17, 12, "SUP-01")
    assert (found.stock_out_on, found.order_by) == (date(2026, 1, 28), date(2026, 1, 18))
    assert found.why == (
        "Order 1 pack of 2 (6 mL) from Northfield by 2026-01-18: 12 mL usable against 17 needed by "
        "2026-02-01 (10 days for a delivery, 7 to the next order) and 0 for safety at 95 %; "
        "stock runs out on 2026-01-28."
    )


def test_an_order_that_should_have_left_already_leaves_today():
    found = advice(facts("2026-12-31 5", use=("1", 90)), offer())

    assert (found.stock_out_on, found.order_by) == (date(2026, 1, 21), TODAY)
    assert "; 4 mL of it is needed before a delivery can come on 2026-01-25." in found.why


def test_the_suppliers_minimum_is_met_and_said():
    found = advice(facts("2026-12-31 15", use=("1", 90)), offer(pack=2, minimum=4))

    assert (found.order_packs, found.order_quantity, str(found.cost)) == (4, 24, "660.00")
    assert "the supplier sells no fewer" in found.why


def test_uncertain_use_is_covered_by_a_safety_stock():
    steady = advice(facts("2026-12-31 17", use=("1", 90)), offer())
    lumpy = advice(facts("2026-12-31 17", use=("9", 10)), offer())

    assert steady.usage_per_day == lumpy.usage_per_day == 1
    assert (steady.safety_stock, steady.order_packs) == (0, 0)
    assert lumpy.safety_stock == Decimal("19.2896")
    assert (lumpy.reorder_point, lumpy.order_packs) == (Decimal("36.2896"), 1)


def test_what_expires_before_it_is_needed_does_not_count_and_is_named():
    found = advice(facts("2026-01-20 30, 2026-12-31 6", use=("1", 90)), offer())

    assert (found.usable, found.at_risk, found.position) == (36, 25, 11)
    assert found.order_packs == 1
    assert found.why.endswith("; 25 mL on the shelf will expire before it can be used.")


def test_no_more_is_ordered_than_can_be_used_before_a_new_lot_would_expire():
    found = advice(facts(planned="2026-02-20 9", use=("30", 3), keeps=1, content="1"), offer(pack=4))

    assert found.reorder_point == Decimal("53.7263")
    assert (found.order_packs, found.order_quantity) == (10, 40)
    assert (
        "; 14 packs would be more than the 41 mL that can be used before a new lot would expire on "
        "2026-02-25; " in found.why
    )


def test_an_order_of_which_most_would_expire_is_advised_against():
    found = advice(facts(planned="2026-01-28 3", keeps=2), offer(minimum=5))

    assert found.order_packs == 0
    assert found.why.startswith(
        "Do not order it for the shelf: 5 packs of 10 (150 mL) is the smallest order and 3 mL can be used "
        "before a new lot would expire on 2026-03-25; 0 mL usable against 3 needed by 2026-02-01"
    )


def test_what_takes_longer_to_come_than_it_keeps_is_advised_against():
    found = advice(facts(use=("1", 90), keeps=1), offer(lead=45, pack=1))

    assert found.order_packs == 0
    assert found.why.startswith("Do not order it for the shelf: it takes 45 days to come and keeps 1 month; ")


def test_a_consumable_without_a_shelf_life_is_not_limited():
    found = advice(facts(use=("1", 90), keeps=None, content="1"), offer(pack=100))

    assert (found.order_packs, found.order_quantity) == (1, 100)


def test_what_no_supplier_offers_is_named():
    found = advice(facts(use=("1", 90)), None)

    assert (found.order_packs, found.supplier, found.lead_days, found.cost) == (0, None, None, 0)
    assert found.why.startswith(
        "No supplier offers it, so find one with its price and delivery time: 0 mL usable"
    )


def test_what_is_never_used_is_never_ordered():
    found, lacking = reordering.propose(facts("2026-12-31 30"), offer(), on=TODAY, settings=WEEKLY)

    assert (found.order_packs, lacking, found.days_of_cover) == (0, False, None)
    assert found.why == (
        "Nothing to order: not used in the last 90 days and planned for no session; "
        "30 mL on the shelf will expire before it can be used."
    )


def test_a_session_that_no_delivery_can_reach_is_named_and_not_ordered_for():
    found = advice(facts(planned="2026-01-20 6"), offer())

    assert (found.order_packs, found.stock_out_on) == (0, date(2026, 1, 20))
    assert "0 mL can be used before a new lot would expire" in found.why
    assert found.why.endswith("; 6 mL of it is needed before a delivery can come on 2026-01-25.")


def test_an_overdue_session_is_still_to_be_supplied():
    need = Need(TODAY, Decimal(1), ((date(2026, 1, 10), Decimal(3)), (date(2026, 1, 17), Decimal(6))))

    through = [need.through(day) for day in (date(2026, 1, 14), TODAY, date(2026, 1, 16), date(2026, 1, 17))]

    assert through == [0, 3, 4, 11]
    assert need.first_day_above(Decimal(4)) == date(2026, 1, 17)


def test_what_is_on_order_and_comes_in_time_is_not_ordered_again():
    bare = facts("2026-12-31 12", use=("1", 90))
    found = advice(replace(bare, arriving=((date(2026, 1, 20), Decimal(6)),)), offer(pack=2))

    assert (found.order_packs, found.position, found.on_order, found.due) == (0, 18, 6, 6)
    assert (found.stock_out_on, found.days_of_cover) == (date(2026, 2, 3), 19)
    assert found.why == (
        "Nothing to order: 12 mL usable and 6 on order against 17 needed by 2026-02-01 (10 days for a "
        "delivery, 7 to the next order) and 0 for safety at 95 %."
    )


def test_what_is_on_order_and_comes_too_late_does_not_count_and_is_named():
    bare = facts("2026-12-31 12", use=("1", 90))
    found = advice(replace(bare, arriving=((date(2026, 3, 1), Decimal(6)),)), offer(pack=2))

    assert (found.order_packs, found.position, found.on_order, found.due) == (1, 12, 6, 0)
    assert found.stock_out_on == date(2026, 1, 28)
    assert "; 6 mL more is on order and expected after that" in found.why
