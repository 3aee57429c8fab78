"""What to order, by when and why: waiting is weighed, and only what can be used in date counts (O2)."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from inventory import levels
from inventory.evidence import Ahead, Booking, Evidence, Line
from inventory.need import Need
from inventory.weighing import by_number
from tests.orders import SHARING, WEEKLY, advice, both, facts, offer, propose, seen
from tests.shelf import TODAY


def test_the_safety_stock_is_the_textbooks():
    held = levels.safety_stock(variance=100, days=5, service_level=0.95)

    assert held == pytest.approx(36.78004522900571, abs=1e-12)


def test_days_without_use_count_in_the_variance():
    assert levels.variance([Decimal(4), Decimal(2)], days=4) == pytest.approx(11 / 3)
    assert levels.variance([], days=90) == 0
    assert levels.variance([Decimal(4)], days=1) == 0


def test_a_shelf_that_lasts_until_the_next_order_comes_needs_nothing():
    found = advice(facts("2026-12-31 90", use=("1", 90)), offer())

    assert (found.order_packs, found.order_by, found.cost) == (0, None, 0)
    assert found.usage_per_day == 1
    assert (found.stock_out_on, found.days_of_cover) == (date(2026, 4, 16), 91)
    assert found.why == (
        "Nothing to order: 90 mL usable against 17 needed by 2026-02-01 (10 days for a delivery, 7 to the "
        "next order)."
    )


def test_what_lacks_is_ordered_in_whole_packs_with_the_reason_in_a_sentence():
    found = advice(facts("2026-12-31 12", use=("1", 90)), offer(pack=2))

    assert found.order_packs > 0
    assert found.order_quantity == found.order_packs * 6
    assert found.cost == found.order_packs * Decimal("165.00")
    assert (found.reorder_point, found.position, found.supplier) == (17, 12, "SUP-01")
    assert (found.stock_out_on, found.order_by) == (date(2026, 1, 28), date(2026, 1, 18))
    assert found.stock_out_early < found.stock_out_on
    assert found.why.startswith(f"Order {found.order_packs} packs of 2 ({found.order_quantity} mL) from ")
    assert (
        "from Northfield by 2026-01-18: 12 mL usable against 17 needed by 2026-02-01 (10 days for a "
        "delivery, 7 to the next order); waiting until 2026-01-22 would leave a session short in "
    ) in found.why
    assert found.why.endswith(" of 100 cases; stock runs out on 2026-01-28.")


def test_the_money_that_was_weighed_stands_apart_for_those_who_see_costs():
    found = advice(facts("2026-12-31 12", use=("1", 90)), offer(pack=2))

    assert "USD" not in found.why
    assert found.weighed.startswith("Waiting until 2026-01-22 risks USD ")
    assert "of lost sessions; ordering now costs " in found.weighed


def test_every_amount_that_was_weighed_names_its_currency_as_pages_read_it():
    dear = replace(WEEKLY, missing_item_cost=Decimal(90_000))
    item = facts("2026-12-31 12", use=("1", 90))
    found, _ = propose(item, offer(pack=2), seen(item), site=SHARING, on=TODAY, settings=dear)

    amounts = re.findall(r"[0-9][0-9.,]*[.][0-9]{2}", found.weighed)
    assert len(amounts) > 1
    assert len(amounts[0]) > len("1000.00")
    assert re.findall(r"USD ([0-9]+[.][0-9]{2})\b", found.weighed) == amounts


def test_what_is_counted_in_pieces_is_said_to_be():
    found = advice(replace(facts("2026-12-31 12", use=("1", 90)), unit="each"), offer(pack=2))

    assert f"({found.order_quantity} pieces) from Northfield" in found.why
    assert ": 12 pieces usable against 17 needed by " in found.why
    assert "each" not in found.why


def test_an_order_that_should_have_left_already_leaves_today():
    found = advice(facts("2026-12-31 5", use=("1", 90)), offer())

    assert (found.stock_out_on, found.order_by) == (date(2026, 1, 21), TODAY)
    assert "; 4 mL of it is needed before a delivery can come on 2026-01-25" in found.why


def test_the_suppliers_minimum_is_met_and_said():
    found = advice(facts("2026-12-31 15", use=("1", 90), keeps=2), offer(pack=2, minimum=7, price="80.00"))

    assert (found.order_packs, found.order_quantity) == (7, 42)
    assert "the supplier sells no fewer" in found.why


def test_lumpy_use_runs_out_sooner_in_one_of_ten_cases_than_steady_use():
    steady = advice(facts("2026-12-31 17", use=("1", 90)), offer())
    lumpy = advice(facts("2026-12-31 17", use=("9", 10)), offer())

    assert steady.usage_per_day == lumpy.usage_per_day == 1
    assert (steady.safety_stock, lumpy.safety_stock) == (0, Decimal("19.2896"))
    assert steady.stock_out_on == lumpy.stock_out_on
    assert lumpy.stock_out_early < steady.stock_out_early


def test_what_expires_before_it_is_needed_does_not_count_and_is_named():
    found = advice(facts("2026-01-20 30, 2026-12-31 6", use=("1", 90)), offer())

    assert (found.usable, found.at_risk, found.position) == (36, 25, 11)
    assert found.order_packs > 0
    assert found.why.endswith("; 25 mL on the shelf will expire before it can be used.")


def test_no_more_is_ordered_than_can_be_used_before_a_new_lot_would_expire():
    item = facts("2026-01-30 15", use=("1", 90), keeps=1, content="1")
    thrown_away_for_nothing = replace(WEEKLY, disposal_cost=Decimal(0))

    found, _ = propose(
        item,
        offer(pack=4, price="0.01"),
        seen(item),
        site=SHARING,
        on=TODAY,
        settings=thrown_away_for_nothing,
    )

    assert (found.order_packs, found.order_quantity) == (6, 24)  # 31 days from 2026-01-25, of which 5 are met
    assert "packs would be more than the 26 mL that can be used before a new lot would expire" in found.why


def test_an_order_of_which_most_would_expire_is_advised_against():
    found = advice(facts(use=("3", 1), keeps=2), offer(minimum=5))

    assert found.order_packs == 0
    assert found.why.startswith(
        "Do not order it for the shelf: 5 packs of 10 (150 mL) is the smallest order and 2 mL can be used "
        "before a new lot would expire on 2026-03-25; "
    )


def test_what_a_sold_session_needs_is_ordered_although_the_smallest_pack_holds_too_much():
    found = advice(facts(planned="2026-01-28 3", keeps=2), offer(minimum=5))

    assert found.order_packs == 5
    assert found.expected_waste == pytest.approx(147, abs=1)
    assert (
        "; the smallest order holds more than the 3 mL that can be used in date, but a session that is sold "
        "needs it; " in found.why
    )


def test_what_takes_longer_to_come_than_it_keeps_is_advised_against():
    found = advice(facts(use=("1", 90), keeps=1), offer(lead=45, pack=1))

    assert found.order_packs == 0
    assert found.why.startswith("Do not order it for the shelf: it takes 45 days to come and keeps 1 month; ")


def test_what_came_with_little_life_left_is_ordered_for_that_life():
    item = facts("2026-01-30 15", use=("1", 90), content="1")

    printed, learned = advice(item, offer(pack=4)), advice(item, offer(pack=4, lives=[20, 22, 18, 20]))

    assert learned.order_packs <= (20 - 5) // 4 < printed.order_packs


def test_deliveries_that_took_longer_than_promised_are_counted_on_to_do_so():
    slow = offer(took=[14, 15, 14, 16])

    found, level = both(facts("2026-12-31 20", use=("1", 90)), slow)

    assert (level.lead_days, found.lead_days) == (14, 14)
    assert "Northfield promises 10 days and takes 14" in found.why
    assert both(facts("2026-12-31 20", use=("1", 90)), offer(took=[30, 30]))[1].lead_days == 10


def test_an_order_leaves_on_the_suppliers_days_and_cold_goods_on_theirs():
    terms = offer(order_days="mon tue wed thu fri", cold_days="mon")
    warm = both(facts("2026-12-31 5", use=("1", 90)), terms)
    cold = both(replace(facts("2026-12-31 5", use=("1", 90)), cold=True), terms)

    assert (warm[0].order_by, warm[1].arrives_on) == (TODAY, date(2026, 1, 25))  # a Thursday
    assert (cold[0].order_by, cold[1].arrives_on) == (date(2026, 1, 19), date(2026, 1, 29))
    assert cold[1].next_on == date(2026, 1, 26)


def test_a_consumable_without_a_shelf_life_is_not_limited():
    found = advice(facts(use=("1", 90), keeps=None, content="1"), offer(pack=100))

    assert (found.order_packs, found.order_quantity) == (1, 100)


def test_a_price_break_is_what_the_packs_cost():
    broken = offer(pack=1, price="20.00", breaks=[(5, Decimal("1.00"))])

    found = advice(facts(use=("1", 90), content="1"), broken)

    assert found.order_packs >= 5
    assert (found.pack_price, found.cost) == (1, found.order_packs)


def test_what_no_supplier_offers_is_named():
    found = advice(facts(use=("1", 90)), None)

    assert (found.order_packs, found.supplier, found.lead_days, found.cost) == (0, None, None, 0)
    assert found.why.startswith(
        "No supplier offers it, so find one with its price and delivery time: 0 mL usable"
    )


def test_what_is_never_used_is_never_ordered():
    found, level = both(facts("2026-12-31 30"), offer())

    assert (found.order_packs, level.lacking, found.days_of_cover) == (0, 0, None)
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


def test_courses_that_nobody_has_sold_yet_are_needed_at_the_pace_of_all_use():
    need = Need(TODAY, Decimal(0), ((date(2026, 1, 17), Decimal(6)),), pace=Decimal(1))

    assert [need.through(TODAY + timedelta(days=ahead)) for ahead in (1, 2, 6, 7)] == [1, 6, 6, 7]


def test_what_is_on_order_and_comes_in_time_is_not_ordered_again():
    bare = facts("2026-12-31 12", use=("1", 90))
    found = advice(replace(bare, arriving=((date(2026, 1, 20), Decimal(18)),)), offer(pack=2))

    assert (found.order_packs, found.position, found.on_order, found.due) == (0, 30, 18, 18)
    assert (found.stock_out_on, found.days_of_cover) == (date(2026, 2, 15), 31)
    assert found.why == (
        "Nothing to order: 12 mL usable and 18 on order against 17 needed by 2026-02-01 (10 days for a "
        "delivery, 7 to the next order)."
    )


def test_what_is_on_order_and_comes_too_late_does_not_count_and_is_named():
    bare = facts("2026-12-31 12", use=("1", 90))
    found = advice(replace(bare, arriving=((date(2026, 3, 1), Decimal(6)),)), offer(pack=2))

    assert found.order_packs > 0
    assert (found.position, found.on_order, found.due) == (12, 6, 0)
    assert found.stock_out_on == date(2026, 1, 28)
    assert "; 6 mL more is on order and expected after that" in found.why


def test_what_was_ordered_since_the_last_review_is_not_topped_up_but_for_a_session_that_is_sold():
    ordered = replace(
        facts("2026-12-31 2", use=("9", 10)),
        arriving=((date(2026, 1, 25), Decimal(6)),),
        ordered_on=date(2026, 1, 12),
    )
    sold = replace(ordered, planned=((date(2026, 1, 28), Decimal(60)),))

    lately, for_sold = advice(ordered, offer(pack=2)), advice(sold, offer(pack=2))
    later = advice(replace(ordered, ordered_on=date(2026, 1, 8)), offer(pack=2))

    assert (lately.order_packs, later.order_packs > 0) == (0, True)
    assert "it was ordered on 2026-01-12 and is looked at again at the next order" in lately.why
    assert for_sold.order_packs > 0


def test_a_session_number_that_often_falls_out_counts_for_less():
    bookings = [Booking(1, 10, 30, 10, kept=True)] * 40
    bookings += [Booking(4, 10, 30, 12, kept=False)] * 30 + [Booking(4, 10, 30, 10, kept=True)] * 10
    known = Evidence(days=90, bookings=tuple(bookings))

    chances = by_number(known)

    assert chances[1] > 1 > chances[4]


def test_of_bookings_that_rarely_take_place_less_is_ordered():
    item = facts(planned=", ".join(f"2026-01-{day} 30" for day in range(26, 32)), content="1")
    ahead = {1: [Ahead(day, quantity, 4) for day, quantity in item.planned]}
    lines = tuple(Line(1, ago, Decimal(30), lead=30) for ago in range(5, 90, 3))
    kept = Evidence(90, lines, (Booking(4, 10, 30, 10, kept=True),) * 60, ahead)
    missed = replace(kept, bookings=(Booking(4, 10, 30, 12, kept=False),) * 60)

    sure, doubtful = (
        propose(item, offer(pack=1), one, site=SHARING, on=TODAY, settings=WEEKLY)[0]
        for one in (kept, missed)
    )

    assert sure.lost_chance > doubtful.lost_chance


@pytest.mark.parametrize(
    ("lines", "shelf"),
    [
        ((Line(1, 0, Decimal("99999999.9999")),) * 3, "2026-12-31 90"),
        ((Line(1, 364, Decimal("0.0001"), lead=9999),), "1990-01-01 5"),
        ((Line(1, 5000, Decimal(1)),), "2199-12-31 1"),
        ((), ""),
    ],
)
def test_an_absurd_history_is_answered_with_a_sentence(lines, shelf):
    item = facts(shelf, planned="1999-01-01 3, 2190-01-01 3", use=("99999999", 2))

    found, _ = propose(
        item,
        offer(lead=366, took=[9999] * 9, lives=[0, 99999, 1, 1]),
        Evidence(days=28, lines=lines, ahead={1: [Ahead(date(1999, 1, 1), Decimal(3), 9)]}),
        site=SHARING,
        on=TODAY,
        settings=WEEKLY,
    )

    assert found.why.endswith(".")
    assert found.order_packs >= 0
