"""Transfers: stock leaves a site, is on the way and of use to nobody, and is received elsewhere (S8, S10)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic as clinics
from inventory import corrections, holds, lots, moving, on_the_way, places, stock, transfers
from inventory.balances import WouldHaveBeenNegative
from inventory.catalog import NotWholeContainers
from inventory.clinic import CostFormula, PlaceKind, Temperature
from inventory.corrections import AlreadyReversed, CannotReverse
from inventory.ledger import Document, Movement, WasteReason
from inventory.moving import Load, NothingToMove, NotOnTheShelf, SamePlace
from inventory.on_the_way import Standing
from inventory.periods import Period, PeriodClosed
from inventory.places import WrongTemperature
from inventory.proof import verify
from inventory.stock import valuation
from inventory.transfers import Arrival, NotOnTheWay, UnknownTransfer
from inventory.vials import LotNotUsable
from tests.shelf import BY, NOW, RECEIVED_ON, TODAY, Clinic, refused, used
from tests.test_races import opened, received, together

LATER = NOW + timedelta(hours=20)


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("HA 3 mL single_dose\nNEEDLE 1 each none consumable")
    drawn.second = drawn.open_site("SECOND")
    drawn.receive("HA", "A17 exp 2026-06-30 4 x 16.50\nB02 exp 2026-03-31 2 x 17.90")
    return drawn


def send(clinic, *wanted, to=None, at=NOW, recorded_at=None, source=None):
    """Send `"A17 6"`: so much of a lot, from MAIN to SECOND unless told otherwise."""
    return transfers.send(
        clinic.db, [load(clinic, one) for one in wanted], source=source or clinic.site,
        target=to or clinic.second, at=at, recorded_at=recorded_at or at, by=BY, note="by van",
    )  # fmt: skip


def load(clinic, words):
    number, quantity, *place = words.split()
    shelf = places.place(clinic.db, clinic.site, place[0]) if place else None
    return Load(clinic.lot("HA", number), Decimal(quantity), shelf)


def receive(clinic, transfer, *arrived, at=LATER, recorded_at=None):
    """Receive `"A17 6"`, or `"A17 3 missing 3 broken"`."""
    arrivals = []
    for words in arrived:
        number, quantity, *rest = words.split()
        missing = Decimal(rest[1]) if rest else Decimal(0)
        reason = WasteReason(rest[2]) if len(rest) > 2 else None
        arrivals.append(Arrival(clinic.lot("HA", number), Decimal(quantity), missing, reason))
    return transfers.receive(
        clinic.db, transfer, arrivals, at=at, recorded_at=recorded_at or at, by=BY, note="counted twice"
    )


def cancel(clinic, transfer, at=LATER):
    return transfers.cancel(clinic.db, transfer, at=at, recorded_at=at, by=BY, reason="the van broke down")


def where(clinic, sku="HA"):
    """What stands where: {(site, place, lot): quantity}, what is nothing left out."""
    return {
        (site.code, row.place, row.lot_number): row.quantity
        for site in (clinic.site, clinic.second)
        for row in places.stored(clinic.db, site=site, item_ids=[clinic.item(sku).id])
    }


def view(clinic, transfer):
    (found,) = on_the_way.views(clinic.db, [transfer.id])
    return found


def movements(clinic, document_id):
    return list(
        clinic.db.scalars(
            sa.select(Movement).where(Movement.document_id == document_id).order_by(Movement.id)
        )
    )


def reverse(clinic, movement, at=LATER):
    return corrections.reverse(clinic.db, movement, at=at, recorded_at=at, by=BY, reason="the wrong box")


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
