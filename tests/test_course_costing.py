"""A course is costed at its dates: lots in date order, what is missing at replacement, what to order (C5)."""

from datetime import date
from decimal import Decimal

import pytest

from inventory import allocations
from inventory.allocations import Promise
from inventory.clinic import PlaceKind
from pricing import costing
from tests.selling import Counter, line_of
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
    found.offer("HA", "10 x 200.00")
    found.offer("LIDO", "25 x 80.00")
    return found


def by_session(cost, code):
    return [line_of(cost, code, one.number).actual for one in cost.sessions]


def test_sessions_lie_the_interval_apart():
    assert [on.isoformat() for on in DATES] == ["2026-01-20", "2026-02-03", "2026-02-17", "2026-03-03"]


def test_lots_are_drawn_in_date_order_and_what_is_missing_is_bought(counter):
    counter.clinic.receive("HA", "B02 exp 2026-09-30 1 x 18.00\nA17 exp 2026-03-31 2 x 16.00")

    found = counter.cost(counter.recipe("HA 2.5"), *DATES)

    assert by_session(found, "HA") == [Decimal(cost) for cost in ("16.00", "16.00", "18.00", "20.00")]
    assert [one.short_of for one in found.sessions] == [(), (), (), ("HA",)]
    assert found.mean == sum(one.actual for one in found.sessions) / 4
    assert [one.replacement for one in found.sessions] == [found.sessions[0].replacement] * 4


def test_the_mean_is_not_rounded(counter):
    counter.clinic.receive("HA", "A17 exp 2026-03-31 1 x 16.00")

    found = counter.cost(counter.recipe("HA 2.5"), *DATES[:3])

    # 219.65 over three sessions.
    assert found.mean.quantize(Decimal("0.0001")) == Decimal("73.2167")


def test_a_lot_that_expires_between_two_sessions_serves_the_first_alone(counter):
    counter.clinic.receive("HA", "A17 exp 2026-02-01 9 x 16.00")

    found = counter.cost(counter.recipe("HA 2.5"), *DATES)

    assert by_session(found, "HA") == [Decimal(cost) for cost in ("16.00", "20.00", "20.00", "20.00")]


def test_the_first_session_that_stock_cannot_supply_is_named_with_what_to_order_by_when(counter):
    counter.clinic.receive("HA", "A17 exp 2026-09-30 1 x 16.00")
    counter.uses("NEEDLE 4")

    found = counter.cost(counter.recipe("HA 5"), *DATES)

    needle, syringe = found.shortages[1], found.shortages[0]
    assert (syringe.sku, syringe.session, syringe.on) == ("HA", 1, date(2026, 1, 20))
    assert (syringe.missing, syringe.containers, syringe.order_packs) == (21, 7, 1)
    assert (syringe.supplier, syringe.order_by) == ("SUP", date(2026, 1, 13))
    assert syringe.why == (
        "HA runs short from session 1 on 2026-01-20: 21 mL are missing for the course; "
        "order 1 pack of 10 from Supplier by 2026-01-13 (USD 200.00)."
    )
    assert (needle.containers, needle.order_packs, needle.supplier, needle.order_by) == (16, None, "", None)
    assert needle.why == (
        "NEEDLE runs short from session 1 on 2026-01-20: 16 each are missing for the course, "
        "and no supplier offers it."
    )


def test_shortages_are_told_in_the_order_of_the_sessions(counter):
    counter.clinic.receive("HA", "A17 exp 2026-09-30 3 x 16.00")
    counter.clinic.receive("NEEDLE", "N1 exp 2026-09-30 4 x 0.22")
    counter.uses("NEEDLE 4")

    found = counter.cost(counter.recipe("HA 2.5"), *DATES)

    assert [(one.sku, one.session, one.on) for one in found.shortages] == [
        ("NEEDLE", 2, DATES[1]),
        ("HA", 4, DATES[3]),
    ]


def test_whole_packs_are_ordered_and_no_fewer_than_the_supplier_sells(counter):
    counter.offer("NEEDLE", "3 x 1.00", minimum_packs=2, lead_days=3)
    counter.uses("NEEDLE 4")

    four = counter.cost(counter.recipe("HA 2.5"), DATES[0]).shortages[1]
    sixteen = counter.cost(counter.recipe("HA 2.5", code="F-91", protocol="P-91"), *DATES).shortages[1]

    assert (four.sku, four.containers, four.order_packs, four.order_by) == ("NEEDLE", 4, 2, date(2026, 1, 17))
    assert (sixteen.containers, sixteen.order_packs) == (16, 6)
    assert "order 6 packs of 3 from Supplier by 2026-01-17 (USD 6.00)" in sixteen.why


def test_an_item_that_two_lines_need_is_ordered_once(counter):
    counter.uses("HA 1")

    (found,) = counter.cost(counter.recipe("HA 2.5"), *DATES).shortages

    assert (found.containers, found.order_packs) == (8, 1)


def test_vials_that_nobody_shares_are_ordered_one_for_each_session(counter):
    found = counter.cost(counter.recipe("LIDO 3"), *DATES)

    assert found.shortages[0].containers == 4
    assert by_session(found, "LIDO") == [Decimal("3.20")] * 4


def test_stock_promised_to_another_course_is_not_available_to_this_one(counter):
    counter.clinic.receive("HA", "A17 exp 2026-09-30 4 x 16.00")
    recipe = counter.recipe("HA 2.5")
    before = counter.cost(recipe, *DATES)
    promised = [Promise(counter.clinic.item("HA").id, on, Decimal(3)) for on in DATES[:2]]

    allocations.allocate(
        counter.db, promised, site_id=counter.site.id, reference="course 7", patient_ref="P-2", at=NOW
    )
    after = counter.cost(recipe, *DATES)

    assert before.shortages == ()
    assert [one.session for one in after.shortages] == [3]
    assert by_session(after, "HA") == [Decimal(cost) for cost in ("16.00", "16.00", "20.00", "20.00")]


def test_an_opened_vial_with_time_left_is_used_before_a_sealed_one(counter):
    counter.clinic.receive("LIDO", "A17 exp 2026-12-31 1 x 2.00")
    counter.clinic.treat("P-1", "LIDO 3")
    counter.clinic.receive("LIDO", "B02 exp 2026-12-31 1 x 4.00")
    recipe = counter.recipe("LIDO 10")  # two doses a vial: each is charged 10 mL and a share

    found = counter.cost(recipe, date(2026, 1, 20), date(2026, 2, 24))

    first, second = (line_of(found, "LIDO", number) for number in (1, 2))
    assert first.actual < second.actual  # the opened one cost 2.00; on 24 February its time is over
    assert first.actual == (first.stock * Decimal("0.10")).quantize(Decimal("0.01"))
    assert second.actual == (second.stock * Decimal("0.20")).quantize(Decimal("0.01"))


def test_costing_moves_nothing_and_keeps_nothing(counter):
    counter.clinic.receive("HA", "A17 exp 2026-09-30 2 x 16.00")
    counter.clinic.receive("LIDO", "L1 exp 2026-09-30 1 x 3.20")
    recipe = counter.recipe("HA 2.5", "LIDO 3")
    posted = counter.clinic.posted()

    first = counter.cost(recipe, *DATES)
    second = counter.cost(recipe, *DATES)

    assert first.sessions == second.sessions
    assert counter.clinic.posted() == posted
    assert counter.clinic.held("HA") == {"A17": 6}
    assert counter.clinic.held("LIDO", PlaceKind.OPENED) == {}
    assert counter.clinic.value("HA") == Decimal("32.00")
    assert not counter.db.new
    assert not counter.db.dirty


def test_a_course_that_began_in_the_past_is_costed_all_the_same(counter):
    counter.clinic.receive("HA", "A17 exp 2026-01-10 1 x 15.00\nB02 exp 2026-09-30 1 x 16.00")

    found = counter.cost(counter.recipe("HA 2.5"), date(2026, 1, 8), date(2026, 1, 22), today=TODAY)

    assert by_session(found, "HA") == [Decimal("15.00"), Decimal("16.00")]
