"""Transfers: stock leaves a site, is on the way and of use to nobody, and is received elsewhere (S8, S10)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from inventory import holds, moving, on_the_way, places, stock, transfers
from inventory.balances import WouldHaveBeenNegative
from inventory.catalog import NotWholeContainers
from inventory.clinic import CostFormula, Temperature
from inventory.ledger import Document
from inventory.moving import NothingToMove, NotOnTheShelf, SamePlace
from inventory.on_the_way import Standing
from inventory.periods import Period, PeriodClosed
from inventory.places import WrongTemperature
from inventory.proof import verify
from inventory.stock import valuation
from inventory.transfers import NotOnTheWay, UnknownTransfer
from inventory.vials import LotNotUsable
from tests.carrying import LATER, cancel, load, movements, receive, reverse, send, view, where
from tests.shelf import BY, NOW, RECEIVED_ON, TODAY, Clinic, refused, used


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("HA 3 mL single_dose\nNEEDLE 1 each none consumable")
    drawn.second = drawn.open_site("SECOND")
    drawn.receive("HA", "A17 exp 2026-06-30 4 x 16.50\nB02 exp 2026-03-31 2 x 17.90")
    return drawn


def test_what_is_sent_is_on_hand_and_of_use_to_nobody_until_it_is_received(clinic):
    before = valuation(clinic.db, on=TODAY).total

    transfer = send(clinic, "A17 6", "B02 6")

    assert where(clinic) == {
        ("MAIN", "SHELF", "A17"): 6, ("MAIN", "TRANSIT", "A17"): 6, ("MAIN", "TRANSIT", "B02"): 6,
    }  # fmt: skip
    (main,) = stock.stock(clinic.db, site=clinic.site, at=NOW, skus=["HA"])
    (second,) = stock.stock(clinic.db, site=clinic.second, at=NOW, skus=["HA"])
    assert (main.on_hand, main.usable, second.on_hand, second.usable) == (18, 6, 0, 0)
    assert valuation(clinic.db, on=TODAY).total == before
    assert view(clinic, transfer).standing is Standing.ON_THE_WAY

    receive(clinic, transfer, "A17 6", "B02 6")

    assert where(clinic) == {
        ("MAIN", "SHELF", "A17"): 6, ("SECOND", "SHELF", "A17"): 6, ("SECOND", "SHELF", "B02"): 6,
    }  # fmt: skip
    assert valuation(clinic.db, on=TODAY + timedelta(days=1)).total == before
    assert view(clinic, transfer).standing is Standing.RECEIVED
    assert used(clinic.treat("P-1", "HA 2", at=LATER, site=clinic.second)) == [
        ("HA", "B02", Decimal("2.1"), Decimal("0.9"))
    ]
    assert verify(clinic.db) == []


@pytest.mark.parametrize("formula", CostFormula)
def test_a_transfer_moves_no_value_and_a_loss_on_the_way_takes_its_cost_by_the_formula(db, formula):
    clinic = Clinic(db, formula=formula)
    clinic.add_items("HA 3 mL single_dose")
    clinic.second = clinic.open_site("SECOND")
    clinic.receive("HA", "A17 exp 2026-06-30 2 x 10.00\nA17 exp 2026-06-30 2 x 20.00")

    transfer = send(clinic, "A17 9")
    assert clinic.value("HA") == 60
    receive(clinic, transfer, "A17 6 missing 3 broken")

    cost = Decimal("15.00") if formula is CostFormula.WEIGHTED_AVERAGE else Decimal("10.00")
    assert clinic.value("HA") == 60 - cost
    (line,) = view(clinic, transfer).lines
    assert (line.sent, line.received, line.missing, line.left) == (9, 6, 3, 0)
    assert clinic.moved("HA")[-1] == ("A17", "transit", "waste", 3, cost, "broken")
    assert verify(db) == []


def test_a_part_is_received_and_the_rest_stays_on_the_way_until_it_comes_back(clinic):
    transfer = send(clinic, "A17 9")

    receive(clinic, transfer, "A17 3")
    assert view(clinic, transfer).standing is Standing.PARTLY_RECEIVED
    cancel(clinic, transfer)

    (line,) = view(clinic, transfer).lines
    assert (line.received, line.returned, line.left) == (3, 6, 0)
    assert where(clinic)["MAIN", "SHELF", "A17"] == 9
    assert view(clinic, transfer).standing is Standing.RECEIVED
    assert verify(clinic.db) == []


def test_a_transfer_is_received_once(clinic):
    transfer = send(clinic, "A17 6")
    receive(clinic, transfer, "A17 6")

    sentence = f"Transfer {transfer.id} has 0 of lot A17 on the way, not 6."
    with refused(NotOnTheWay, sentence):
        receive(clinic, transfer, "A17 6")
    with refused(NotOnTheWay, f"Of transfer {transfer.id} nothing is on the way that could come back."):
        cancel(clinic, transfer)
    with refused(NotOnTheWay, f"Transfer {transfer.id} has 0 of lot B02 on the way, not 3."):
        receive(clinic, transfer, "B02 3")


def test_a_cancelled_transfer_is_back_on_the_very_shelves_it_left(clinic):
    fridge = places.add(clinic.db, clinic.site, code="BOX", name="Box", temperature=Temperature.ANY)
    moving.move(
        clinic.db, [load(clinic, "A17 6")], to=fridge, site=clinic.site, at=NOW, recorded_at=NOW, by=BY
    )
    before = where(clinic)
    transfer = send(clinic, "A17 9")

    cancel(clinic, transfer)

    assert where(clinic) == before
    assert view(clinic, transfer).standing is Standing.CANCELLED
    assert verify(clinic.db) == []


def test_stock_is_not_sent_to_where_it_is(clinic):
    with refused(SamePlace, "MAIN is where it is: a transfer goes to another site."):
        send(clinic, "A17 3", to=clinic.site)


def test_only_what_is_on_the_shelf_is_sent_and_all_or_nothing(clinic):
    posted = clinic.posted()

    sentence = "MAIN has 12 of lot A17 on the shelf; 15 cannot leave it."
    with refused(NotOnTheShelf, sentence), clinic.db.begin_nested():
        send(clinic, "B02 3", "A17 15")
    with refused(NotOnTheShelf, "MAIN has 6 of lot A17 on the shelf; 9 cannot leave it."):
        send(clinic, "A17 6", "A17 9")

    assert clinic.posted() == posted


def test_only_sealed_containers_travel(clinic):
    with refused(
        NotWholeContainers,
        "2 mL is not a whole number of sealed containers: one HA holds 3 mL.",
    ):
        send(clinic, "A17 2")
    with refused(NothingToMove, "Of lot A17 more than 0 is moved, not 0."):
        send(clinic, "A17 0")
    with refused(NothingToMove, "1 to 100 lines are moved to SECOND at once, not 0."):
        send(clinic)


@pytest.mark.parametrize(("hold", "state"), [(holds.quarantine, "quarantined"), (holds.recall, "recalled")])
def test_what_is_held_back_or_expired_stays_where_it_is(clinic, hold, state):
    hold(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="the maker called")

    with refused(LotNotUsable, f"Lot A17 of HA is {state}; it stays where it is."):
        send(clinic, "A17 3")
    april = NOW + timedelta(days=90)
    with refused(LotNotUsable, "Lot B02 of HA expired on 2026-03-31; write it off instead."):
        send(clinic, "B02 3", at=april)


def test_a_cold_item_is_sent_only_to_a_site_that_has_a_fridge(clinic):
    clinic.item("HA").storage = "fridge_2_8"
    places.change(clinic.db, places.place(clinic.db, clinic.second, "SHELF"), temperature=Temperature.ROOM)

    sentence = "HA is kept at 2 to 8 °C, and no shelf of SECOND is: add a place for it."
    with refused(WrongTemperature, sentence):
        send(clinic, "A17 3")
    fridge = places.add(clinic.db, clinic.second, code="FRIDGE", name="Fridge", temperature=Temperature.COLD)
    receive(clinic, send(clinic, "A17 3"), "A17 3")

    assert where(clinic)["SECOND", fridge.code, "A17"] == 3


def test_nothing_arrives_before_it_was_sent(clinic):
    transfer = send(clinic, "A17 3", at=LATER)

    with refused(
        NotOnTheWay,
        f"Transfer {transfer.id} was sent on 2026-01-16; it cannot have arrived before that.",
    ):
        receive(clinic, transfer, "A17 3", at=NOW)


def test_what_arrives_where_it_is_still_yesterday_is_dated_the_day_it_was_sent(clinic):
    tokyo = clinic.open_site("TOKYO", time_zone="Asia/Tokyo", country="JP")
    honolulu = clinic.open_site("HONO", time_zone="Pacific/Honolulu")
    clinic.receive("HA", "C03 exp 2026-09-30 2 x 16.50", site=tokyo)

    transfer = send(clinic, "C03 3", source=tokyo, to=honolulu, at=LATER)
    document = receive(clinic, transfer, "C03 3", at=LATER + timedelta(hours=1))

    assert clinic.db.get_one(Document, document).on == tokyo.day(LATER) == date(2026, 1, 16)
    assert verify(clinic.db) == []


def test_a_backdated_transfer_takes_only_what_was_there_ever_since(clinic):
    clinic.treat("P-1", "HA 5", "HA 5")  # both of B02 and two of A17

    sentence = "On 2026-01-15 SHELF held 6 of lot A17; 9 cannot have left on 2026-01-10."
    with pytest.raises((WouldHaveBeenNegative, NotOnTheShelf)) as caught, clinic.db.begin_nested():
        send(clinic, "A17 9", at=NOW - timedelta(days=5), recorded_at=NOW)
    assert "A17" in str(caught.value), sentence
    before = NOW.replace(year=2025, month=12)
    with pytest.raises(WouldHaveBeenNegative), clinic.db.begin_nested():
        send(clinic, "A17 3", at=before, recorded_at=NOW)
    assert clinic.site.day(before) < RECEIVED_ON
    send(clinic, "A17 6", at=NOW - timedelta(days=5), recorded_at=NOW)
    assert verify(clinic.db) == []


def test_nothing_is_sent_or_received_in_a_month_that_is_closed(clinic):
    transfer = send(clinic, "A17 3")
    clinic.db.add(Period(month=date(2026, 1, 1), closed_at=NOW, closed_by=BY))
    clinic.db.flush()

    with pytest.raises(PeriodClosed):
        send(clinic, "A17 3")
    with pytest.raises(PeriodClosed):
        receive(clinic, transfer, "A17 3")
    receive(clinic, transfer, "A17 3", at=NOW + timedelta(days=20))


def test_what_did_not_arrive_needs_a_reason(clinic):
    transfer = send(clinic, "A17 6")

    with refused(NothingToMove, "3 of lot A17 did not arrive: say why."):
        receive(clinic, transfer, "A17 3 missing 3")
    with refused(NothingToMove, "Of lot A17 nothing arrived and nothing is missing: leave it out."):
        receive(clinic, transfer, "A17 0")
    with refused(NothingToMove, "Say how much of each lot arrived, or did not."):
        receive(clinic, transfer)
    with refused(UnknownTransfer, "No transfer has the key 999999."):
        transfers.transfer(clinic.db, 999999)


def test_stock_moves_between_the_shelves_of_a_site_in_one_step(clinic):
    cupboard = places.add(clinic.db, clinic.site, code="ROOM-1", name="Room 1", temperature=Temperature.ROOM)
    document = moving.move(
        clinic.db, [load(clinic, "A17 6 SHELF")], to=cupboard, site=clinic.site, at=NOW, recorded_at=NOW,
        by=BY, reason="for the afternoon",
    )  # fmt: skip

    assert where(clinic)["MAIN", "ROOM-1", "A17"] == 6
    assert [row.value for row in movements(clinic, document)] == [0]
    with refused(SamePlace, "Room 1 is where it is: move it to another place."):
        moving.move(
            clinic.db, [load(clinic, "A17 6 ROOM-1")], to=cupboard, site=clinic.site, at=NOW,
            recorded_at=NOW, by=BY,
        )  # fmt: skip
    reverse(clinic, movements(clinic, document)[0], at=NOW)
    assert where(clinic)["MAIN", "SHELF", "A17"] == 12
    assert verify(clinic.db) == []


def test_the_lots_that_fefo_would_take_are_suggested(clinic):
    loads = moving.suggest(clinic.db, clinic.item("HA"), containers=3, site=clinic.site, on=TODAY)

    assert [(load.lot.number, load.quantity) for load in loads] == [("B02", 6), ("A17", 3)]
    with refused(NotOnTheShelf, "HA: 21 mL to be moved, 18 mL usable on the shelves of MAIN."):
        moving.suggest(clinic.db, clinic.item("HA"), containers=7, site=clinic.site, on=TODAY)


def test_transfers_are_listed_for_both_ends_the_latest_first(clinic):
    first, second = send(clinic, "A17 3"), send(clinic, "A17 3")
    third = clinic.open_site("THIRD")
    receive(clinic, first, "A17 3")

    def listed(site_ids=None, **more):
        return [one.id for one in on_the_way.page(clinic.db, site_ids=site_ids, **more)]

    assert listed() == listed({clinic.second.id}) == listed({clinic.site.id}) == [second.id, first.id]
    assert listed({third.id}) == []
    assert listed(open_only=True) == [second.id]
    assert listed(limit=1) == [second.id]
    assert listed(after=second.id) == [first.id]
