"""Transfers that are held back, undone, or wanted by several at once (S8, S10)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic as clinics
from inventory import holds, lots, transfers
from inventory.clinic import PlaceKind
from inventory.corrections import AlreadyReversed, CannotReverse
from inventory.on_the_way import Standing
from inventory.proof import verify
from inventory.transfers import NotOnTheWay
from inventory.vials import LotNotUsable
from tests.carrying import LATER, cancel, movements, receive, reverse, send, view, where
from tests.shelf import BY, NOW, Clinic, refused
from tests.test_races import opened, received, together


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("HA 3 mL single_dose\nNEEDLE 1 each none consumable")
    drawn.second = drawn.open_site("SECOND")
    drawn.receive("HA", "A17 exp 2026-06-30 4 x 16.50\nB02 exp 2026-03-31 2 x 17.90")
    return drawn


def test_a_transfer_of_an_earlier_hour_takes_nothing_that_was_held_back_then(clinic):
    lot = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, lot, at=NOW, by=BY, reason="fridge alarm")
    holds.release(clinic.db, lot, at=LATER, by=BY, reason="the log is fine")

    with refused(LotNotUsable, "Lot A17 of HA is held back then; it stays where it is."):
        send(clinic, "A17 3", at=NOW + timedelta(hours=1), recorded_at=LATER)


@pytest.mark.parametrize("hold", [holds.quarantine, holds.recall])
def test_a_hold_reaches_what_is_on_the_way(clinic, hold):
    transfer, other = send(clinic, "A17 6", "B02 3"), send(clinic, "A17 3")
    receive(clinic, transfer, "A17 3")

    hold(clinic.db, clinic.lot("HA", "A17"), at=LATER, by=BY, reason="the maker called")

    assert where(clinic) == {
        ("MAIN", "QUARANTINE", "A17"): 3, ("SECOND", "QUARANTINE", "A17"): 9,
        ("MAIN", "SHELF", "B02"): 3, ("MAIN", "TRANSIT", "B02"): 3,
    }  # fmt: skip
    assert view(clinic, other).standing is Standing.HELD_BACK
    with refused(NotOnTheWay, f"Transfer {other.id} has 0 of lot A17 on the way, not 3."):
        receive(clinic, other, "A17 3")
    assert verify(clinic.db) == []


def test_what_was_held_on_the_way_is_released_to_a_shelf_where_it_arrived(clinic):
    send(clinic, "A17 6")
    lot = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, lot, at=LATER, by=BY, reason="the van was warm")

    holds.release(clinic.db, lot, at=LATER, by=BY, reason="the logger says 6 °C")

    assert where(clinic)["SECOND", "SHELF", "A17"] == 6
    assert where(clinic)["MAIN", "SHELF", "A17"] == 6
    assert verify(clinic.db) == []


def test_a_receipt_that_is_undone_is_on_the_way_again_and_a_sending_comes_back(clinic):
    transfer = send(clinic, "A17 6")
    document = receive(clinic, transfer, "A17 3 missing 3 lost")

    reverse(clinic, movements(clinic, document)[0])

    assert where(clinic)["MAIN", "TRANSIT", "A17"] == 6
    assert view(clinic, transfer).standing is Standing.ON_THE_WAY
    reverse(clinic, movements(clinic, transfer.document_id)[0])

    assert where(clinic)["MAIN", "SHELF", "A17"] == 12
    assert clinic.value("HA") == Decimal("101.80")
    assert verify(clinic.db) == []
    with pytest.raises(AlreadyReversed), clinic.db.begin_nested():
        reverse(clinic, movements(clinic, transfer.document_id)[0])


def test_a_sending_is_not_undone_once_it_was_received(clinic):
    first, second = send(clinic, "A17 6"), send(clinic, "A17 6")
    receive(clinic, first, "A17 6")

    sentence = f"Transfer {first.id} has 0 of lot A17 on the way, not 6."
    with refused(NotOnTheWay, sentence), clinic.db.begin_nested():
        reverse(clinic, movements(clinic, first.document_id)[0])

    assert view(clinic, second).lines[0].left == 6
    assert verify(clinic.db) == []


def test_what_was_recalled_meanwhile_is_in_quarantine_and_not_on_the_way_again(clinic):
    transfer = send(clinic, "A17 6")
    document = receive(clinic, transfer, "A17 3 missing 3 lost")
    holds.recall(clinic.db, clinic.lot("HA", "A17"), at=LATER, by=BY, reason="the maker called")

    with pytest.raises(CannotReverse, match="Lot A17 is recalled: 3 of it"), clinic.db.begin_nested():
        reverse(clinic, movements(clinic, document)[0])

    assert where(clinic) == {
        ("MAIN", "QUARANTINE", "A17"): 6, ("SECOND", "QUARANTINE", "A17"): 3, ("MAIN", "SHELF", "B02"): 6,
    }  # fmt: skip
    assert verify(clinic.db) == []


def test_a_book_whose_transfers_were_tampered_with_says_so(clinic):
    transfer = send(clinic, "A17 6")

    clinic.db.execute(
        sa.text("UPDATE transfer_lines SET left_quantity = 30000 WHERE transfer_id = :key"),
        {"key": transfer.id},
    )

    assert {breach.invariant for breach in verify(clinic.db)} == {
        "what is in transit is on the way", "transfers are their movements",
    }  # fmt: skip


def test_the_last_containers_are_sent_once(database):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", "A17 exp 2026-12-31 3 x 16.50")
    with database.write.begin() as db:
        Clinic.at_main(db).open_site("SECOND")

    def deed(clinic):
        clinic.second = clinics.site(clinic.db, "SECOND")
        send(clinic, "A17 6")

    assert together(database, [deed] * 3) == ["NotOnTheShelf", "NotOnTheShelf", "done"]
    with database.read() as db:
        clinic = Clinic.at_main(db)
        assert clinic.held("HA", PlaceKind.TRANSIT) == {"A17": 6}
        assert verify(db) == []


def test_a_transfer_is_received_once_however_many_receive_it(database):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", "A17 exp 2026-12-31 3 x 16.50")
    with database.write.begin() as db:
        clinic = Clinic.at_main(db)
        clinic.second = clinic.open_site("SECOND")
        key = send(clinic, "A17 6").id

    def deed(act):
        return lambda clinic: act(clinic, transfers.transfer(clinic.db, key))

    def arrive(clinic, transfer):
        receive(clinic, transfer, "A17 6")

    answers = together(database, [deed(arrive), deed(arrive), deed(cancel)])

    assert answers == ["NotOnTheWay", "NotOnTheWay", "done"]
    with database.read() as db:
        assert lots.lot(db, Clinic.at_main(db).lot("HA", "A17").id).number == "A17"
        assert verify(db) == []
