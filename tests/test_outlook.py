"""What today's stock will be on the days of a course, promise by promise; looking moves nothing (C5)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from inventory import allocations, shelf
from inventory.allocations import Promise
from inventory.vials import VialRule
from pricing.outlook import Outlook, Span
from tests.shelf import NOW, TODAY, Clinic

LOSS = Decimal("0.10")
SOON, LATER, LAST = date(2026, 1, 20), date(2026, 2, 3), date(2026, 3, 31)


@pytest.fixture
def here(db):
    drawn = Clinic(db, share_opened_vials=True)
    drawn.add_items(
        """
        HA     3 mL single_dose +0.15
        LIDO  20 mL multi_dose  28 d
        SALT  30 mL multi_dose
        CREAM 30 g  none        topical
        """
    )
    return drawn


def outlook(here, *, own=(), today=TODAY, until=LAST):
    products = shelf.products(here.db, skus=["HA", "LIDO", "SALT", "CREAM"])
    return Outlook(here.db, here.site, products, Span(today, until), own=own)


def draw(of, here, sku, needed, on, loss=LOSS):
    """What a draw gives as (lot, vial or sealed, containers, used, discarded), and what it lacks."""
    drawn = of.draw(here.item(sku).id, Decimal(needed), on=on, loss=loss)
    return [
        (
            one.container.lot_number,
            "sealed" if one.container.vial_id is None else "opened",
            one.opened,
            one.used,
            one.discarded,
        )
        for one in drawn.draws
    ], drawn.missing


def promise(here, sku, quantity, on, *, reference="course 7 session 1", site=None):
    allocations.allocate(
        here.db,
        [Promise(here.item(sku).id, on, Decimal(quantity))],
        site_id=(site or here.site).id,
        reference=reference,
        patient_ref="P-OTHER",
        at=NOW,
    )


def test_lots_are_drawn_in_date_order_and_are_gone_once_drawn(here):
    here.receive("HA", "B02 exp 2026-09-30 1 x 17.90\nA17 exp 2026-03-31 1 x 16.50")
    seen = outlook(here)

    assert draw(seen, here, "HA", "2.5", SOON) == ([("A17", "sealed", 1, Decimal("2.6"), Decimal("0.4"))], 0)
    assert draw(seen, here, "HA", "2.5", LATER) == ([("B02", "sealed", 1, Decimal("2.6"), Decimal("0.4"))], 0)
    assert draw(seen, here, "HA", "2.5", LAST) == ([], Decimal("2.5"))


def test_a_lot_that_expires_between_two_sessions_serves_the_first_alone(here):
    here.receive("HA", "A17 exp 2026-01-31 5 x 16.50")
    seen = outlook(here)

    assert draw(seen, here, "HA", "2.5", SOON)[1] == 0
    assert draw(seen, here, "HA", "2.5", date(2026, 1, 31))[1] == 0  # its last day
    assert draw(seen, here, "HA", "2.5", LATER) == ([], Decimal("2.5"))


def test_a_dose_that_stock_covers_in_part_says_what_is_missing(here):
    here.receive("HA", "A17 exp 2026-03-31 1 x 16.50")

    # 5.0 and 0.1 lost; one container gives 3.15 of it.
    assert draw(outlook(here), here, "HA", "5", SOON) == (
        [("A17", "sealed", 1, Decimal(3), Decimal(0))],
        Decimal("1.95"),
    )


def test_many_small_lots_are_read_as_far_as_the_course_needs(here):
    here.receive("HA", "\n".join(f"N{day:02} exp 2026-03-{day:02} 1 x 16.50" for day in range(1, 31)))
    seen = outlook(here)

    lots = [draw(seen, here, "HA", "5", SOON)[0] for _ in range(15)]

    assert [row[0] for day in lots for row in day] == [f"N{day:02}" for day in range(1, 31)]
    assert draw(seen, here, "HA", "5", SOON) == ([], Decimal(5))


def test_what_is_read_at_once_is_drawn_as_what_is_read_little_by_little(here):
    here.receive("HA", "\n".join(f"N{day:02} exp 2026-02-{day:02} 1 x 16.50" for day in range(1, 20)))
    at_once, little_by_little = outlook(here), outlook(here)
    at_once.look({here.item("HA").id: Decimal(30)}, on=SOON)

    for on in (SOON, LATER, date(2026, 2, 10), date(2026, 2, 19)):
        assert draw(at_once, here, "HA", "5", on) == draw(little_by_little, here, "HA", "5", on)


def test_looking_again_each_day_finds_what_outlasts_the_day(here):
    here.receive("HA", "\n".join(f"N{day:02} exp 2026-02-{day:02} 1 x 16.50" for day in range(1, 20)))
    promise(here, "HA", "6", LATER)
    by_day, little_by_little = outlook(here), outlook(here)
    days = (SOON, LATER, date(2026, 2, 10), date(2026, 2, 19))

    for number, on in enumerate(days):
        by_day.look({here.item("HA").id: Decimal(9)}, on=on, times=len(days) - number)
        assert draw(by_day, here, "HA", "5", on) == draw(little_by_little, here, "HA", "5", on)


def test_held_stock_and_another_site_s_stock_are_not_there(here):
    branch = here.open_site("BRANCH")
    here.receive("HA", "A17 exp 2026-03-31 1 x 16.50 quarantined\nB02 exp 2026-03-31 1 x 16.50 recalled")
    here.receive("HA", "C03 exp 2026-03-31 1 x 16.50", site=branch)

    assert draw(outlook(here), here, "HA", "2.5", SOON) == ([], Decimal("2.5"))


def test_what_was_promised_to_another_course_until_then_is_not_available(here):
    here.receive("HA", "A17 exp 2026-03-31 1 x 16.50\nB02 exp 2026-09-30 1 x 17.90")
    promise(here, "HA", "3", SOON)

    drawn, missing = draw(outlook(here), here, "HA", "2.5", SOON)

    assert [row[0] for row in drawn] == ["B02"]
    assert missing == 0


def test_what_was_promised_for_a_later_day_is_drawn_later(here):
    here.receive("HA", "A17 exp 2026-03-31 2 x 16.50")
    promise(here, "HA", "3", date(2026, 1, 27))
    seen = outlook(here)

    assert draw(seen, here, "HA", "2.5", SOON)[1] == 0
    assert draw(seen, here, "HA", "2.5", LATER) == ([], Decimal("2.5"))


def test_a_promise_is_kept_from_the_lot_that_serves_its_own_day(here):
    here.receive("HA", "A17 exp 2026-01-25 1 x 16.50\nB02 exp 2026-09-30 1 x 17.90")
    promise(here, "HA", "3", SOON)

    # The course is looked at from today: the promise takes A17, which is past its date by then.
    assert [row[0] for row in draw(outlook(here), here, "HA", "2.5", LATER)[0]] == ["B02"]


def test_an_overdue_promise_is_still_owed_and_not_from_a_lot_that_has_expired_since(here):
    here.receive("HA", "A17 exp 2026-01-12 1 x 16.50\nB02 exp 2026-09-30 1 x 17.90")
    promise(here, "HA", "3", date(2026, 1, 10))

    assert draw(outlook(here), here, "HA", "2.5", SOON) == ([], Decimal("2.5"))


def test_a_course_s_own_promises_do_not_stand_in_its_way(here):
    here.receive("HA", "A17 exp 2026-03-31 1 x 16.50")
    promise(here, "HA", "3", SOON, reference="course 9 session 1")

    seen = outlook(here, own={"course 9 session 1"})

    assert draw(seen, here, "HA", "2.5", SOON)[1] == 0


def test_a_promise_at_another_site_and_one_that_has_ended_take_nothing(here):
    branch = here.open_site("BRANCH")
    here.receive("HA", "A17 exp 2026-03-31 1 x 16.50")
    promise(here, "HA", "3", SOON, site=branch)
    promise(here, "HA", "3", SOON, reference="course 8 session 1")
    allocations.end(here.db, reference="course 8 session 1", at=NOW)

    assert draw(outlook(here), here, "HA", "2.5", SOON)[1] == 0


def test_a_promise_of_containers_takes_as_many_though_their_overfill_would_serve_with_fewer(here):
    here.receive("HA", "A17 exp 2026-03-31 21 x 16.50")
    promise(here, "HA", "63", SOON)  # twenty-one containers; twenty hold 63 with their overfill

    assert draw(outlook(here), here, "HA", "2.5", SOON) == ([], Decimal("2.5"))


def test_an_opened_vial_with_time_left_goes_first(here):
    here.receive("LIDO", "A17 exp 2026-12-31 2 x 3.20")
    here.treat("P-1", "LIDO 15")

    assert draw(outlook(here), here, "LIDO", "6", SOON)[0] == [
        ("A17", "opened", 0, 5, 0),
        ("A17", "sealed", 1, 1, 0),
    ]


def test_an_opened_vial_whose_time_will_be_over_serves_nobody(here):
    here.receive("LIDO", "A17 exp 2026-12-31 1 x 3.20")
    here.treat("P-1", "LIDO 15")

    assert draw(outlook(here), here, "LIDO", "3", date(2026, 2, 13)) == ([], 3)


def test_a_vial_opened_this_afternoon_serves_tomorrow(here):
    here.receive("LIDO", "A17 exp 2026-12-31 1 x 3.20")
    here.treat("P-1", "LIDO 15", at=NOW + timedelta(hours=6))

    assert draw(outlook(here), here, "LIDO", "3", TODAY + timedelta(days=1))[1] == 0


def test_a_sealed_lot_that_ends_sooner_goes_before_an_opened_vial_that_holds_enough(here):
    here.receive("LIDO", "A17 exp 2026-12-31 1 x 3.20")
    here.treat("P-1", "LIDO 5")  # keeps 15 until 12 February
    here.receive("LIDO", "B02 exp 2026-01-25 1 x 3.20")

    assert draw(outlook(here), here, "LIDO", "3", SOON)[0] == [("B02", "sealed", 1, 3, 0)]


def test_what_a_vial_keeps_serves_the_next_session_while_its_label_allows(here):
    here.receive("LIDO", "A17 exp 2026-12-31 1 x 3.20")
    seen = outlook(here)

    assert draw(seen, here, "LIDO", "3", SOON)[0] == [("A17", "sealed", 1, 3, 0)]
    assert draw(seen, here, "LIDO", "3", LATER)[0] == [("A17", "opened", 0, 3, 0)]
    assert draw(seen, here, "LIDO", "3", date(2026, 2, 17)) == ([], 3)  # 28 days after it was opened


def test_what_a_vial_keeps_serves_no_longer_than_the_rule_where_the_label_is_silent(here):
    here.receive("SALT", "A17 exp 2026-12-31 1 x 3.20")
    here.db.add(
        VialRule(
            code="VR-T", jurisdiction="test", country="US", dose_class="multi_dose", max_days=7,
            automatic=True, text="seven days", source="test",
        )
    )  # fmt: skip
    here.db.flush()
    seen = outlook(here)

    assert draw(seen, here, "SALT", "3", SOON)[1] == 0
    assert draw(seen, here, "SALT", "3", date(2026, 1, 26))[1] == 0
    assert draw(seen, here, "SALT", "3", LATER) == ([], 3)


def test_what_a_vial_keeps_never_serves_beyond_the_printed_expiry(here):
    here.receive("LIDO", "A17 exp 2026-01-31 1 x 3.20")
    seen = outlook(here)

    assert draw(seen, here, "LIDO", "3", SOON)[1] == 0
    assert draw(seen, here, "LIDO", "3", LATER) == ([], 3)


@pytest.mark.parametrize(("shared", "missing"), [(True, 0), (False, 3)])
def test_what_another_patient_s_vial_keeps_is_ours_only_where_the_clinic_shares(db, shared, missing):
    here = Clinic(db, share_opened_vials=shared)
    here.add_items("HA 3 mL single_dose\nLIDO 20 mL multi_dose 28 d\nSALT 9 mL multi_dose\nCREAM 30 g none")
    here.receive("LIDO", "A17 exp 2026-12-31 1 x 3.20")
    promise(here, "LIDO", "5", SOON)

    assert draw(outlook(here), here, "LIDO", "3", date(2026, 1, 27))[1] == missing


def test_a_tube_is_opened_once_and_serves_session_after_session(here):
    here.receive("CREAM", "T1 exp 2026-12-31 1 x 22.00")
    seen = outlook(here)

    assert [draw(seen, here, "CREAM", "10", on)[0][0][1] for on in (SOON, LATER, LAST)] == [
        "sealed",
        "opened",
        "opened",
    ]
    assert draw(seen, here, "CREAM", "10", LAST) == ([], 10)


def test_what_is_there_leaves_out_what_was_promised_to_others(here):
    here.receive("HA", "A17 exp 2026-03-31 3 x 16.50")
    promise(here, "HA", "6", SOON)

    found = outlook(here).there(here.item("HA").id, on=SOON, enough=Decimal(100))

    assert [one.held for one in found] == [3]


def test_looking_ahead_moves_nothing(here):
    here.receive("HA", "A17 exp 2026-03-31 2 x 16.50")
    here.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    before = here.posted()

    seen = outlook(here)
    draw(seen, here, "HA", "5", SOON)
    draw(seen, here, "LIDO", "5", SOON)

    assert here.posted() == before
    assert here.held("HA") == {"A17": 6}
    assert here.opened("LIDO") == []
    assert not here.db.dirty
    assert not here.db.new
