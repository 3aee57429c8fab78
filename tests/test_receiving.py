"""Receiving: containers become a lot's stock and bring their cost (S1, S9)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from inventory import clinic as settings
from inventory import periods, receiving
from inventory.catalog import DoseClass
from inventory.clinic import PlaceKind
from inventory.ledger import LiesAhead
from inventory.lots import ExpiryDisagrees, LotState
from inventory.measures import NotAQuantity
from inventory.periods import PeriodClosed
from inventory.receiving import Delivery, NotAReceipt, UnknownReceipt
from tests.shelf import BY, NOW, TODAY, Clinic, refused


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("HA 3 mL single_dose +0.15")
    return drawn


def deliver(clinic, *, containers=10, unit_cost="16.50", number="A17", expires_on=date(2026, 12, 31)):
    delivery = Delivery(clinic.item("HA"), number, expires_on, containers, Decimal(unit_cost))
    return receiving.receive(clinic.db, delivery, site=clinic.site, received_on=TODAY, recorded_at=NOW, by=BY)


def test_ten_vials_become_thirty_millilitres_on_the_shelf_worth_what_they_cost(clinic):
    received = deliver(clinic)

    assert clinic.held("HA") == {"A17": 30}
    assert clinic.value("HA") == Decimal("165.00")
    assert clinic.moved("HA") == [("A17", "supplier", "shelf", 30, Decimal("165.00"), None)]
    assert (received.receipt.containers, received.receipt.quantity, received.receipt.value) == (
        10,
        30,
        Decimal("165.00"),
    )
    assert received.warnings == ()


def test_overfill_is_never_stock(clinic):
    assert clinic.item("HA").overfill == Decimal("0.15")
    assert deliver(clinic, containers=1).receipt.quantity == 3


def test_the_same_lot_at_another_cost_is_another_receipt_of_the_same_lot(clinic):
    first = deliver(clinic, unit_cost="16.50")
    second = deliver(clinic, unit_cost="17.90")

    assert first.lot is second.lot
    assert first.receipt.layer_id != second.receipt.layer_id
    assert clinic.held("HA") == {"A17": 60}
    assert clinic.value("HA") == Decimal("344.00")


def test_a_receipt_is_worth_whole_cents_once_for_all_its_containers(clinic):
    # Rounded by container, 3 x 33.33 would be 99.99.
    assert deliver(clinic, containers=3, unit_cost="33.333333").receipt.value == Decimal("100.00")
    assert deliver(clinic, containers=1000, unit_cost="0.001").receipt.value == Decimal("1.00")


def test_what_is_free_is_received_at_no_value(clinic):
    assert deliver(clinic, unit_cost="0").receipt.value == 0
    assert clinic.held("HA") == {"A17": 30}


def test_what_expired_before_it_came_goes_to_quarantine_with_a_warning(clinic):
    received = deliver(clinic, expires_on=date(2026, 1, 14))

    assert received.warnings == (
        "Lot A17 expired on 2026-01-14: it was received on 2026-01-15 into quarantine.",
    )
    assert received.lot.state is LotState.QUARANTINED
    assert clinic.held("HA") == {}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 30}


def test_what_expires_today_is_usable_all_day_and_goes_to_the_shelf(clinic):
    assert deliver(clinic, expires_on=TODAY).warnings == ()
    assert clinic.held("HA") == {"A17": 30}


@pytest.mark.parametrize("state", ["quarantined", "recalled"])
def test_more_of_a_lot_that_is_held_back_goes_to_quarantine_with_a_warning(clinic, state):
    clinic.receive("HA", f"A17 exp 2026-12-31 5 x 16.50 {state}")

    received = deliver(clinic)

    assert received.warnings == (f"Lot A17 is {state}: what came went to quarantine.",)
    assert clinic.held("HA") == {}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 45}


def test_many_lines_are_received_all_or_none(clinic):
    deliver(clinic, number="A17", expires_on=date(2026, 12, 31))
    lines = [
        Delivery(clinic.item("HA"), "B02", date(2026, 12, 31), 1, Decimal("1.00")),
        Delivery(clinic.item("HA"), "A17", date(2027, 12, 31), 1, Decimal("1.00")),
    ]
    before = clinic.posted()

    sentence = "Lot A17 of HA is on record as expiring on 2026-12-31, not 2027-12-31."
    with refused(ExpiryDisagrees, sentence), clinic.db.begin_nested():
        receiving.receive_many(clinic.db, lines, site=clinic.site, received_on=TODAY, recorded_at=NOW, by=BY)

    assert clinic.posted() == before
    assert clinic.held("HA") == {"A17": 30}


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"containers": 0}, "A receipt has 1 to 1000000 containers, not 0."),
        ({"containers": -3}, "A receipt has 1 to 1000000 containers, not -3."),
        ({"containers": 1_000_001}, "A receipt has 1 to 1000000 containers, not 1000001."),
        ({"unit_cost": "-0.01"}, "-0.01 cannot be the cost of one container (at most six decimals)."),
        ({"unit_cost": "0.0000001"}, "1E-7 cannot be the cost of one container (at most six decimals)."),
        (
            {"unit_cost": "9999999999.99", "containers": 2},
            "2 containers at 9999999999.99 exceed 9999999999.99.",
        ),
    ],
)
def test_numbers_that_no_delivery_has_are_refused_and_nothing_moves(clinic, numbers, sentence):
    with refused(NotAReceipt, sentence):
        deliver(clinic, **numbers)

    assert clinic.posted() == 0


def test_more_content_than_the_books_can_count_is_refused(clinic):
    clinic.item("HA").content = Decimal(100_000)
    clinic.item("HA").dose_class = DoseClass.NONE

    with refused(NotAQuantity, "1000000000.0000 is more than 999999999.9999."):
        deliver(clinic, containers=10_000)


def test_nothing_is_received_into_a_closed_month(clinic):
    periods.close(clinic.db, date(2026, 1, 1), at=NOW + timedelta(days=30), by=BY)

    with refused(PeriodClosed, "The books are closed through 2026-01-31; nothing can be dated 2026-01-15."):
        deliver(clinic)


def test_a_receipt_that_is_not_on_record_is_refused_by_its_key(clinic):
    with refused(UnknownReceipt, "No receipt has the key 987654."):
        receiving.receipt(clinic.db, 987654)


def test_a_receipt_dated_ahead_is_kept_with_a_warning_and_one_of_more_than_a_year_is_refused(clinic):
    ahead = Delivery(clinic.item("HA"), "D04", date(2028, 12, 31), 1, Decimal("16.50"))
    now = {"site": clinic.site, "recorded_at": NOW, "by": BY}

    received = receiving.receive(clinic.db, ahead, received_on=date(2026, 1, 20), **now)

    assert received.warnings == ("Received on 2026-01-20, which lies ahead: at MAIN it is 2026-01-15.",)
    with refused(LiesAhead, "2027-01-20 lies more than a year ahead of 2026-01-15."):
        receiving.receive(clinic.db, ahead, received_on=date(2027, 1, 20), **now)


def test_the_cost_formula_is_chosen_before_the_first_receipt(clinic):
    about = {"at": NOW, "by": BY}
    settings.change_setting(clinic.db, "cost_formula", "fifo", **about)
    deliver(clinic)

    with pytest.raises(settings.FormulaFixed, match="stays fifo: stock was received under it"):
        settings.change_setting(clinic.db, "cost_formula", "weighted_average", **about)

    settings.change_setting(clinic.db, "cost_formula", "fifo", **about, reason="said again")
    assert settings.settings(clinic.db).cost_formula is settings.CostFormula.FIFO


def test_an_expired_delivery_takes_what_the_shelves_have_of_its_lot_into_quarantine_with_it(clinic):
    south = clinic.open_site("SOUTH")
    clinic.receive("HA", "A17 exp 2026-01-14 2 x 16.50\nB02 exp 2026-12-31 1 x 16.50")
    clinic.receive("HA", "A17 exp 2026-01-14 1 x 16.50", site=south)

    deliver(clinic, containers=1, expires_on=date(2026, 1, 14))

    assert clinic.lot("HA", "A17").state is LotState.QUARANTINED
    assert clinic.held("HA") == {"B02": 3}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 12}
    assert clinic.moved("HA")[3:5] == [
        ("A17", "shelf", "quarantine", 6, 0, "expired on receipt"),
        ("A17", "shelf", "quarantine", 3, 0, "expired on receipt"),
    ]
