"""Corrections: a mistake is undone by movements that point at those they reverse (S8)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import corrections, holds, ledger, moving, periods, places, wastage
from inventory.balances import WouldHaveBeenNegative
from inventory.clinic import PlaceKind, Temperature
from inventory.corrections import AlreadyReversed, CannotReverse, UnknownDocument
from inventory.layers import LayerSpent
from inventory.ledger import Document, Movement, WasteReason
from inventory.moving import Load
from inventory.periods import PeriodClosed
from tests.shelf import BY, NOW, Clinic, line, refused

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    clinic.receive("LIDO", "L1 exp 2026-12-31 5 x 3.20")
    return clinic


def undoing(at=LATER):
    return {"at": at, "recorded_at": at, "by": BY, "reason": "the wrong chart"}


def movements(clinic, sku, target):
    """An item's movements to a kind of place, in order."""
    return list(
        clinic.db.scalars(
            sa.select(Movement)
            .where(Movement.item_id == clinic.item(sku).id, Movement.target_id == clinic.place(target))
            .order_by(Movement.id)
        )
    )


def undo(clinic, movement, **other):
    return corrections.reverse(clinic.db, movement, **{**undoing(), **other})


def test_a_single_dose_use_is_undone_with_its_remainder(clinic):
    clinic.treat("P-1", "HA 2.5")

    reversal = undo(clinic, movements(clinic, "HA", PlaceKind.PATIENT)[0])

    assert len(reversal.movements) == 2
    assert clinic.held("HA") == {"A17": 30}
    assert clinic.value("HA") == Decimal("165.00")
    assert clinic.moved("HA")[3:] == [
        ("A17", "waste", "shelf", Decimal("0.4"), Decimal("2.20"), "single_dose_remainder"),
        ("A17", "patient", "shelf", Decimal("2.6"), Decimal("14.30"), None),
    ]


def test_each_correction_points_at_what_it_corrects(clinic):
    clinic.treat("P-1", "HA 2.5")
    use = movements(clinic, "HA", PlaceKind.PATIENT)[0]
    rest = movements(clinic, "HA", PlaceKind.WASTE)[0]

    reversal = undo(clinic, use)

    assert [movement.corrects_id for movement in reversal.movements] == [rest.id, use.id]
    assert corrections.reversed_ids(clinic.db, [use.id, rest.id]) == {use.id, rest.id}


def test_what_was_undone_is_not_undone_again(clinic):
    clinic.treat("P-1", "HA 2.5")
    use = movements(clinic, "HA", PlaceKind.PATIENT)[0]
    reversal = undo(clinic, use)

    how = f"by movement {reversal.movements[-1].id} on 2026-01-15 (mara)"
    with refused(AlreadyReversed, f"Movement {use.id} was reversed already, {how}."):
        undo(clinic, use)
    key = reversal.movements[0].id
    with refused(CannotReverse, f"Movement {key} is itself a reversal: record the act anew."):
        undo(clinic, reversal.movements[0])


def test_the_database_itself_refuses_a_second_correction(clinic):
    clinic.treat("P-1", "HA 2.5")
    reversal = undo(clinic, movements(clinic, "HA", PlaceKind.PATIENT)[0])
    columns = [column.key for column in sa.inspect(Movement).columns if column.key != "id"]
    again = {column: getattr(reversal.movements[0], column) for column in columns}

    with pytest.raises(sa.exc.IntegrityError, match="corrects_id"):
        clinic.db.execute(sa.insert(Movement).values(**again))


def test_a_whole_session_is_undone_and_its_vial_sealed_again(clinic):
    treated = clinic.treat("P-1", "HA 2.5", "LIDO 45")

    corrections.reverse_session(clinic.db, treated.session, **undoing())

    assert clinic.held("HA") == {"A17": 30}
    assert clinic.held("LIDO") == {"L1": 100}
    assert clinic.held("LIDO", PlaceKind.OPENED) == {}
    assert clinic.opened("LIDO") == []
    assert (clinic.value("HA"), clinic.value("LIDO")) == (Decimal("165.00"), Decimal("16.00"))


def test_a_session_whose_vial_served_again_cannot_be_undone_whole(clinic):
    treated = clinic.treat("P-1", "LIDO 5")
    vial = clinic.opened("LIDO")[0]
    clinic.treat("P-1", "LIDO 3")

    sentence = f"Opened vial {vial.id} holds 17 of 20: only an untouched one goes back to the shelf."
    with refused(CannotReverse, sentence), clinic.db.begin_nested():
        corrections.reverse_session(clinic.db, treated.session, **undoing())

    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": 12}


def test_what_was_drawn_by_mistake_goes_back_into_the_opened_vial(clinic):
    clinic.treat("P-1", "LIDO 5")
    clinic.treat("P-1", "LIDO 15")  # which emptied and closed it
    assert clinic.opened("LIDO") == []

    undo(clinic, movements(clinic, "LIDO", PlaceKind.PATIENT)[1])

    assert [vial.remaining for vial in clinic.opened("LIDO")] == [15]
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": 15}


def test_a_write_off_is_undone_at_the_cost_it_had(clinic):
    lot = clinic.lot("HA", "A17")
    wastage.write_off(
        clinic.db,
        lot,
        quantity_off=Decimal(6),
        reason=WasteReason.LOST,
        site=clinic.site,
        at=NOW,
        recorded_at=NOW,
        by=BY,
    )

    undo(clinic, movements(clinic, "HA", PlaceKind.WASTE)[0])

    assert clinic.held("HA") == {"A17": 30}
    assert clinic.value("HA") == Decimal("165.00")


def test_a_receipt_is_taken_back_while_it_is_whole(clinic):
    receipt = clinic.receive("HA", "B02 exp 2027-06-30 2 x 17.90")[0].receipt
    movement = ledger.movement(clinic.db, movements(clinic, "HA", PlaceKind.SHELF)[-1].id)

    undo(clinic, movement)

    assert movement.layer_id == receipt.layer_id
    assert clinic.held("HA") == {"A17": 30}
    assert clinic.value("HA") == Decimal("165.00")
    assert clinic.moved("HA")[-1] == ("B02", "shelf", "supplier", 6, Decimal("35.80"), None)


def test_a_receipt_that_was_used_is_not_taken_back(clinic):
    clinic.receive("HA", "B02 exp 2026-03-31 2 x 17.90")
    clinic.treat("P-1", "HA 2")
    arrival = movements(clinic, "HA", PlaceKind.SHELF)[-1]

    sentence = (
        "The receipt brought 6 for 35.80 and only 3 for 17.90 of it is left. Write off or count instead."
    )
    with refused(LayerSpent, sentence), clinic.db.begin_nested():
        undo(clinic, arrival)

    assert clinic.held("HA") == {"A17": 30, "B02": 3}


def test_a_hold_is_ended_by_releasing_not_by_undoing(clinic):
    holds.quarantine(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="fridge alarm")

    sentence = "A hold is ended by releasing the lot, not by reversing its movement."
    with refused(CannotReverse, sentence):
        undo(clinic, movements(clinic, "HA", PlaceKind.QUARANTINE)[0])


@pytest.mark.parametrize("hold", [holds.quarantine, holds.recall])
def test_what_comes_back_of_a_lot_that_is_held_by_now_goes_to_quarantine(clinic, hold):
    clinic.treat("P-1", "HA 2.5")
    hold(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="fridge alarm")

    undo(clinic, movements(clinic, "HA", PlaceKind.PATIENT)[0])

    assert clinic.held("HA") == {}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 30}


def test_nothing_is_undone_on_a_day_before_it_happened(clinic):
    clinic.treat("P-1", "HA 2.5")
    use = movements(clinic, "HA", PlaceKind.PATIENT)[0]
    key = max(use.id, movements(clinic, "HA", PlaceKind.WASTE)[0].id)

    sentence = f"Movement {key} is dated 2026-01-15; it cannot be undone on 2026-01-14."
    with refused(CannotReverse, sentence):
        undo(clinic, use, at=NOW - timedelta(days=1))


def test_an_opening_by_mistake_is_undone_while_the_vial_is_untouched(clinic):
    lot = clinic.lot("LIDO", "L1")
    vial = wastage.open_vial(clinic.db, lot, site=clinic.site, at=NOW, recorded_at=NOW, by=BY)

    undo(clinic, movements(clinic, "LIDO", PlaceKind.OPENED)[0])

    assert (vial.remaining, vial.closed_at) == (0, vial.opened_at)
    assert clinic.held("LIDO") == {"L1": 100}


def test_a_mistake_in_a_closed_month_is_undone_in_the_open_one(clinic):
    december = NOW - timedelta(days=30)
    clinic.receive("HA", "B02 exp 2027-06-30 2 x 17.90 on 2025-12-01")
    clinic.treat("P-1", line("HA", "2", lot_id=clinic.lot("HA", "B02").id, reason="asked for"), at=december)
    periods.close(clinic.db, date(2025, 12, 1), at=NOW, by=BY)
    use = movements(clinic, "HA", PlaceKind.PATIENT)[0]

    with refused(PeriodClosed, "The books are closed through 2025-12-31; nothing can be dated 2025-12-20."):
        undo(clinic, use, at=NOW - timedelta(days=26))
    undo(clinic, use)

    assert clinic.held("HA") == {"A17": 30, "B02": 6}


def test_a_receipt_is_not_taken_back_as_of_a_day_when_it_was_used(clinic):
    # Used on the 15th, given back on the 16th: taken back as of the 15th it would have been negative.
    clinic.receive("HA", "B02 exp 2026-03-31 1 x 17.90")
    clinic.treat("P-1", "HA 2")
    tomorrow = NOW + timedelta(days=1)
    undo(clinic, movements(clinic, "HA", PlaceKind.PATIENT)[0], at=tomorrow)
    arrival = next(one for one in movements(clinic, "HA", PlaceKind.SHELF) if one.value == Decimal("17.90"))

    sentence = "On 2026-01-15 the place held 0 of the lot; 3 cannot have left on 2026-01-15."
    with refused(WouldHaveBeenNegative, sentence), clinic.db.begin_nested():
        undo(clinic, arrival, at=LATER)
    undo(clinic, arrival, at=tomorrow + timedelta(hours=1))

    assert clinic.held("HA") == {"A17": 30}


def test_a_session_of_which_a_part_was_undone_is_undone_for_the_rest(clinic):
    session = clinic.treat("P-1", "HA 2.5", "LIDO 3").session
    first = undo(clinic, movements(clinic, "HA", PlaceKind.PATIENT)[0]).movements[-1]

    corrections.reverse_session(clinic.db, session, **undoing())

    assert (clinic.held("HA"), clinic.held("LIDO")) == ({"A17": 30}, {"L1": 100})
    how = f"by movement {first.id} on 2026-01-15 (mara)"
    with refused(AlreadyReversed, f"Session {session.id} was reversed already, {how}."):
        corrections.reverse_session(clinic.db, session, **undoing())


def test_a_whole_document_is_undone_whatever_it_was(clinic):
    clinic.receive("HA", "B02 exp 2027-06-30 2 x 17.90")
    receipt = clinic.db.get_one(Document, movements(clinic, "HA", PlaceKind.SHELF)[-1].document_id)
    session = clinic.treat("P-1", "LIDO 3").session

    undone = corrections.reverse_document(clinic.db, receipt, **undoing())

    assert clinic.held("HA") == {"A17": 30}
    how = f"by movement {undone.movements[0].id} on 2026-01-15 (mara)"
    with refused(AlreadyReversed, f"Document {receipt.id} was reversed already, {how}."):
        corrections.reverse_document(clinic.db, receipt, **undoing())
    treated = corrections.document(clinic.db, session.document_id)
    with refused(CannotReverse, f"Document {treated.id} is a session: undo the session."):
        corrections.reverse_document(clinic.db, treated, **undoing())
    with refused(UnknownDocument, "No document has the key 0."):
        corrections.document(clinic.db, 0)


def test_a_receipt_of_a_lot_that_is_held_by_now_is_taken_back_from_quarantine(clinic):
    arrival = movements(clinic, "HA", PlaceKind.SHELF)[0]
    holds.recall(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="maker's letter")

    undo(clinic, arrival)

    assert clinic.held("HA", PlaceKind.QUARANTINE) == {}
    assert clinic.value("HA") == 0


def test_what_was_thrown_away_out_of_quarantine_goes_back_to_the_shelf_once_the_lot_is_free(clinic):
    lot = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, lot, at=NOW, by=BY, reason="fridge alarm")
    when = {"site": clinic.site, "at": NOW, "recorded_at": NOW, "by": BY}
    wastage.write_off(clinic.db, lot, quantity_off=Decimal(6), reason=WasteReason.LOST, **when)
    holds.release(clinic.db, lot, at=NOW, by=BY, reason="the probe was faulty")

    undo(clinic, movements(clinic, "HA", PlaceKind.WASTE)[0])

    assert clinic.held("HA") == {"A17": 30}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {}


def test_what_was_moved_to_another_shelf_and_is_held_by_now_stays_in_quarantine(clinic):
    cold = places.add(clinic.db, clinic.site, code="FRIDGE", name="Fridge", temperature=Temperature.ANY)
    lot = clinic.lot("HA", "A17")
    when = {"site": clinic.site, "at": NOW, "recorded_at": NOW, "by": BY}
    moving.move(clinic.db, [Load(lot, Decimal(6))], to=cold, **when)
    moved = clinic.db.scalars(sa.select(Movement).where(Movement.target_id == cold.id)).one()
    holds.recall(clinic.db, lot, at=NOW, by=BY, reason="maker's letter")

    stays = f"6 of it that movement {moved.id} carried within the clinic stays in quarantine."
    with refused(CannotReverse, f"Lot A17 is recalled: {stays}"), clinic.db.begin_nested():
        undo(clinic, moved)


def test_a_receipt_is_taken_back_from_the_shelf_to_which_it_was_moved(clinic):
    cold = places.add(clinic.db, clinic.site, code="FRIDGE", name="Fridge", temperature=Temperature.ANY)
    lot = clinic.lot("HA", "A17")
    when = {"site": clinic.site, "at": NOW, "recorded_at": NOW, "by": BY}
    moving.move(clinic.db, [Load(lot, Decimal(30))], to=cold, **when)

    undo(clinic, movements(clinic, "HA", PlaceKind.SHELF)[0])

    assert clinic.held("HA") == {}
