"""How much of its shelf life a lot still has when it comes, and what is said of one that is short-dated."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from inventory import clinic, receiving, shelf_life
from inventory.catalog import Item
from inventory.ledger import Document
from inventory.lots import LotState
from inventory.receiving import Delivery, NotAReceipt
from inventory.shelf_life import LifeLeft
from tests.shelf import BY, NOW, TODAY, Clinic, refused

HALF = Decimal("0.5")


@pytest.fixture
def box(db: Session) -> Delivery:
    """Two containers, made a year before they expire, half a year of which is left."""
    clinic = Clinic(db)
    (item,) = clinic.add_items("HA 3 mL single_dose")
    return Delivery(item, "A17", date(2026, 6, 30), 2, Decimal("16.50"), produced_on=date(2025, 6, 30))


def received(db: Session, delivery: Delivery) -> receiving.Received:
    return receiving.receive(
        db, delivery, site=clinic.site(db, "MAIN"), received_on=TODAY, recorded_at=NOW, by=BY
    )


def test_what_comes_with_less_than_half_of_its_life_is_warned_of_and_received(db, box):
    found = received(db, replace(box, reason="half price"))

    assert found.warnings == (
        "Lot A17 of HA is short-dated: 166 of 365 days are left until 2026-06-30, less than 50 %.",
    )
    assert (found.lot.state, found.lot.produced_on) == (LotState.RELEASED, date(2025, 6, 30))
    assert db.scalars(sa.select(Document.note)).all() == ["half price"]


def test_what_comes_with_enough_and_what_nothing_is_known_of_is_not(db, box):
    assert received(db, replace(box, produced_on=date(2026, 1, 1))).warnings == ()
    assert received(db, replace(box, lot_number="B18", produced_on=None)).warnings == ()


def test_without_a_day_of_production_the_items_shelf_life_counts(db, box):
    box.item.shelf_life_months = 24

    found = received(db, replace(box, produced_on=None))

    assert "166 of 730 days are left" in found.warnings[0]


def test_how_much_must_be_left_is_a_setting_and_nothing_is_enough_where_it_is_zero(db, box):
    clinic.change_setting(db, "least_life_left_rate", "0", at=NOW, by=BY)
    assert received(db, box).warnings == ()
    clinic.change_setting(db, "least_life_left_rate", "0.4", at=NOW, by=BY)
    assert received(db, box).warnings == ()


def test_what_has_expired_goes_to_quarantine_and_is_not_called_short_dated(db, box):
    found = received(db, replace(box, expires_on=date(2026, 1, 14)))

    assert found.warnings == (
        "Lot A17 expired on 2026-01-14: it was received on 2026-01-15 into quarantine.",
    )
    assert found.lot.state is LotState.QUARANTINED


def test_an_expiry_before_production_is_refused(db, box):
    with refused(NotAReceipt, "Lot A17 cannot expire on 2026-06-30, before it was produced on 2026-07-01."):
        received(db, replace(box, produced_on=date(2026, 7, 1)))


def test_another_day_of_production_than_on_record_is_said(db, box):
    received(db, replace(box, produced_on=date(2026, 1, 1)))

    again = received(db, replace(box, produced_on=date(2026, 1, 2)))

    assert again.warnings == (
        "Lot A17 is on record as produced on 2026-01-01, not 2026-01-02: look at the label again.",
    )


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 60))
def test_months_back_and_forth_stay_within_the_month(day, months):
    later = shelf_life.months_after(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1
    assert shelf_life.months_after(later, -months).month == day.month


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.decimals(0, 1, places=2))
def test_less_of_it_is_never_more(left, whole, rate):
    if not LifeLeft(left, whole).less_than(rate):
        assert not LifeLeft(left + 1, whole).less_than(rate)


def test_a_life_longer_than_the_calendar_is_no_fault():
    item = Item(sku="HA", shelf_life_months=100_000)

    found = shelf_life.life_left(item, expires_on=date(2026, 6, 30), produced_on=None, on=TODAY)

    assert found is not None
    assert found.left == 166
