"""Lots: one maker's number, one expiry, and a state with its history."""

from datetime import date

import pytest
import sqlalchemy as sa

from inventory import lots
from inventory.lots import BadLotNumber, ExpiryDisagrees, Lot, LotEvent, LotState, UnknownLot
from tests.shelf import BY, NOW, TODAY, Clinic, refused


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("HA 3 mL single_dose +0.15")
    return drawn


def register(clinic, number, *, expires_on=date(2026, 3, 31), received_on=TODAY):
    return lots.register(
        clinic.db, clinic.item("HA"), number=number, expires_on=expires_on, received_on=received_on
    )


def test_a_lot_is_usable_through_the_whole_of_its_last_day():
    lot = Lot(number="A17", expires_on=date(2026, 3, 31), state=LotState.RELEASED)

    assert lot.usable(date(2026, 3, 31))
    assert not lot.usable(date(2026, 4, 1))


@pytest.mark.parametrize("state", [LotState.QUARANTINED, LotState.RECALLED])
def test_a_lot_that_is_held_back_is_not_usable_whatever_its_date(state):
    lot = Lot(number="A17", expires_on=date(2030, 3, 31), state=state)

    assert not lot.usable(TODAY)


def test_the_same_number_again_is_the_same_lot_and_remembers_the_earlier_receipt(clinic):
    first = register(clinic, "A17", received_on=date(2026, 1, 10))
    again = register(clinic, "A17", received_on=date(2026, 1, 5))

    assert again is first
    assert again.received_on == date(2026, 1, 5)


def test_the_same_number_with_another_expiry_is_refused_with_both_dates(clinic):
    register(clinic, "A17", expires_on=date(2026, 3, 31))

    with refused(ExpiryDisagrees, "Lot A17 of HA is on record as expiring on 2026-03-31, not 2026-04-30."):
        register(clinic, "A17", expires_on=date(2026, 4, 30))


def test_the_same_number_of_another_item_is_another_lot(clinic):
    clinic.add_items("VITC 5 mL single_dose")
    ha = register(clinic, "A17")
    vitamin_c = lots.register(
        clinic.db, clinic.item("VITC"), number="A17", expires_on=date(2027, 1, 31), received_on=TODAY
    )

    assert ha.id != vitamin_c.id


@pytest.mark.parametrize("number", ["A", "12345678901234567890", "AB-1/2 C#3"])
def test_a_lot_number_is_what_a_label_prints(clinic, number):
    assert register(clinic, number).number == number


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("", "A lot number has 1 to 20 characters, not 0."),
        ("123456789012345678901", "A lot number has 1 to 20 characters, not 21."),
        ("A17\x0b", "The lot number 'A17\\x0b' has a character that no label prints."),
        (" A17", "The lot number ' A17' has a character that no label prints."),
        ("A\x1d17", "The lot number 'A\\x1d17' has a character that no label prints."),
    ],
)
def test_a_lot_number_that_no_label_prints_is_refused(clinic, number, sentence):
    with refused(BadLotNumber, sentence):
        register(clinic, number)


def test_a_change_of_state_is_kept_with_who_when_and_why(clinic):
    lot = register(clinic, "A17")

    lots.change_state(clinic.db, lot, LotState.QUARANTINED, at=NOW, by=BY, reason="cold chain broke")

    event = clinic.db.scalars(sa.select(LotEvent)).one()
    assert (event.state, event.at, event.by, event.reason) == (
        LotState.QUARANTINED,
        NOW,
        "mara",
        "cold chain broke",
    )


@pytest.mark.parametrize("statement", ["UPDATE lot_events SET reason = 'no'", "DELETE FROM lot_events"])
def test_the_history_of_a_lot_is_only_added_to(clinic, statement):
    lot = register(clinic, "A17")
    lots.change_state(clinic.db, lot, LotState.QUARANTINED, at=NOW, by=BY, reason="cold chain broke")

    with pytest.raises(sa.exc.DBAPIError, match="lot_events are only added, never changed"):
        clinic.db.execute(sa.text(statement))


def test_a_lot_that_is_not_on_record_is_refused_by_its_key(clinic):
    with refused(UnknownLot, "No lot has the key 987654."):
        lots.lot(clinic.db, 987654)
