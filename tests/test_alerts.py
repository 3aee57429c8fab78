"""Alerts: what to discard, what expires and its value, what runs short, what waits in quarantine."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import alerts, holds, purchasing, wastage
from inventory import clinic as clinics
from inventory.alerts import AlertKind, BadView
from tests.conftest import rolled_back
from tests.ordering import Shop
from tests.shelf import BY, NOW, TODAY, Clinic, refused


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    return clinic


def found(clinic, *, at=NOW, kind=None, **days):
    seen = alerts.alerts(clinic.db, site=clinic.site, at=at, **days)
    return seen if kind is None else seen.of(kind)


def test_an_empty_clinic_has_nothing_to_look_after(clinic):
    assert found(clinic).items == ()
    assert found(clinic).value_at_risk == 0


def test_what_expires_within_the_days_is_named_with_its_value(clinic):
    clinic.receive(
        "HA", "A17 exp 2026-01-31 10 x 16.50\nB02 exp 2026-02-15 5 x 17.90\nC03 exp 2026-06-30 1 x 9"
    )

    seen = found(clinic)

    assert [(one.lot_number, one.value, one.due_on) for one in seen.of(AlertKind.EXPIRES)] == [
        ("A17", Decimal("165.00"), date(2026, 1, 31)),
    ]
    assert seen.of(AlertKind.EXPIRES)[0].sentence == "Use 30 mL of HA, lot A17, by 2026-01-31: 16 days left."
    assert seen.value_at_risk == Decimal("165.00")
    # The thirty-first day is in sight with one day more.
    assert found(clinic, within_days=31).value_at_risk == Decimal("254.50")


def test_the_last_day_is_still_a_day_and_the_next_is_too_late(clinic):
    clinic.receive("HA", "A17 exp 2026-01-15 2 x 10\nB02 exp 2026-01-14 1 x 10", on=date(2026, 1, 5))

    expired, expiring = found(clinic).of(AlertKind.EXPIRED), found(clinic).of(AlertKind.EXPIRES)

    assert [one.sentence for one in expired] == ["Write off 3 mL of HA, lot B02: it expired on 2026-01-14."]
    assert [one.sentence for one in expiring] == [
        "Use 6 mL of HA, lot A17, by 2026-01-15: today is its last day."
    ]


def test_days_are_the_sites_own(clinic):
    clinic.receive("HA", "A17 exp 2026-01-14 1 x 10", on=date(2026, 1, 5))

    # Three in the morning in UTC on the 15th is still the 14th in New York.
    assert found(clinic, at=datetime(2026, 1, 15, 3, tzinfo=UTC), kind=AlertKind.EXPIRED) == ()
    assert len(found(clinic, at=datetime(2026, 1, 15, 6, tzinfo=UTC), kind=AlertKind.EXPIRED)) == 1


def test_an_opened_vial_is_to_be_discarded_on_its_day(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    opened = wastage.open_vial(
        clinic.db, clinic.lot("LIDO", "L1"), site=clinic.site, at=NOW, recorded_at=NOW, by=BY
    )
    last = opened.discard_at

    assert found(clinic, kind=AlertKind.DISCARD) == ()
    due = found(clinic, at=last - timedelta(hours=2), kind=AlertKind.DISCARD)
    assert [(one.vial_id, one.quantity, one.due_at) for one in due] == [(opened.id, 20, last)]
    assert due[0].sentence.startswith("Discard the opened LIDO of lot L1 (20 mL left) by 2026-02-12 10:00: ")


def test_what_is_held_back_is_said_after_two_weeks_and_not_to_expire(clinic):
    clinic.receive("HA", "A17 exp 2026-01-31 10 x 16.50")
    holds.quarantine(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="fridge alarm")

    assert found(clinic).items == ()

    later = found(clinic, at=NOW + timedelta(days=14))
    assert [(one.kind, one.value, one.reason, one.due_on) for one in later.items] == [
        (AlertKind.HELD, Decimal("165.00"), "fridge alarm", date(2026, 1, 29))
    ]
    assert later.items[0].sentence == (
        "Decide on 30 mL of HA, lot A17: quarantined since 2026-01-15, 14 days; release it or write it off."
    )


def test_what_was_recalled_is_not_to_be_released(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50")
    holds.recall(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="maker's letter")

    held = found(clinic, held_days=0, kind=AlertKind.HELD)

    assert held[0].sentence.endswith("recalled since 2026-01-15, 0 days; send it back or write it off.")


def test_what_runs_short_is_said_with_the_reason_of_the_advice(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 40 x 16.50", on=date(2025, 10, 1))
    for day in range(1, 40):
        at = NOW - timedelta(days=2 * day)
        clinic.treat("P-1", "HA 3", at=at, recorded_at=NOW)

    short = found(clinic, kind=AlertKind.SHORT)

    assert [one.sku for one in short] == ["HA"]
    assert "usable against" in short[0].sentence


def test_what_was_ordered_is_late_from_the_day_after_its_own_until_it_comes_or_is_closed(db):
    shop = Shop(db)
    order = shop.sent(shop.wish("HA", 2), shop.wish("NEEDLE", 1), expected_on=date(2026, 1, 20))
    first = shop.sent(shop.wish("HA", 1), expected_on=date(2026, 1, 16))
    assert found(shop, at=NOW + timedelta(days=1), kind=AlertKind.LATE) == ()
    shop.came(order, shop.box("HA", 15))
    later = NOW + timedelta(days=6)

    late = found(shop, at=later, kind=AlertKind.LATE)

    assert [one.sentence for one in late] == [
        f"Ask Northfield for 30 mL of HA, {first.number}: it should have come on 2026-01-16, 5 days ago.",
        f"Ask Northfield for 15 mL of HA, {order.number}: it should have come on 2026-01-20, 1 day ago.",
        f"Ask Northfield for 100 pieces of NEEDLE, {order.number}: "
        "it should have come on 2026-01-20, 1 day ago.",
    ]
    assert [(one.order_id, one.quantity, one.value) for one in late[:2]] == [
        (first.id, 30, 0), (order.id, 15, 0),
    ]  # fmt: skip
    shop.came(order, shop.box("NEEDLE", 100))
    purchasing.close(db, shop.of(order), at=NOW, by=BY, reason="the rest will not come")
    assert [one.order_id for one in found(shop, at=later, kind=AlertKind.LATE)] == [first.id]
    assert found(shop, at=later).value_at_risk == 0
    drafted = shop.draft(shop.wish("HA", 1))
    south = shop.open_site("SOUTH")
    assert alerts.late(db, site=south, on=date(2026, 2, 1)) == []
    assert drafted.id not in {one.order_id for one in alerts.late(db, site=shop.site, on=date(2026, 2, 1))}


def test_the_clinic_says_how_far_to_look(clinic):
    clinic.receive("HA", "A17 exp 2026-01-31 10 x 16.50")
    clinics.change_setting(clinic.db, "expiry_alert_days", "7", at=NOW, by=BY)

    assert found(clinic).items == ()
    assert found(clinic).within_days == 7


@pytest.mark.parametrize("days", [-1, 3651])
def test_nobody_looks_back_in_time_or_beyond_ten_years(clinic, days):
    for name in ("within_days", "held_days"):
        with refused(BadView, f"Alerts look 0 to 3650 days ahead and back, not {days}."):
            found(clinic, **{name: days})


def test_another_sites_stock_is_not_this_ones_worry(clinic):
    south = clinic.open_site("SOUTH")
    clinic.receive("HA", "A17 exp 2026-01-31 10 x 16.50", site=south)

    assert found(clinic).items == ()
    assert len(alerts.alerts(clinic.db, site=south, at=NOW).items) == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-40, 200), min_size=1, max_size=8, unique=True), st.integers(0, 120))
def test_for_any_expiries_the_value_at_risk_is_that_of_what_is_past_or_in_sight(
    shared_database, offsets, within
):
    with rolled_back(shared_database) as db:
        clinic = Clinic(db)
        clinic.add_items("HA 1 mL single_dose")
        for offset in offsets:
            day = TODAY + timedelta(days=offset)
            clinic.receive("HA", f"L{offset + 50} exp {day} 1 x {offset + 41}", on=min(day, TODAY))

        seen = found(clinic, within_days=within)

        lost = sorted(offset for offset in offsets if offset <= within)
        assert seen.value_at_risk == sum(offset + 41 for offset in lost)
        assert [one.due_on for one in (*seen.of(AlertKind.EXPIRED), *seen.of(AlertKind.EXPIRES))] == [
            TODAY + timedelta(days=offset) for offset in lost
        ]
        # What presses more stands before what presses less.
        order = list(AlertKind)
        assert all(order.index(a.kind) <= order.index(b.kind) for a, b in pairwise(seen.items))
