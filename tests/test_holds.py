"""Holds: quarantine, release, recall, and the trace to everyone who received a lot (S10)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import corrections, holds, tracing
from inventory.clinic import PlaceKind
from inventory.holds import AlreadyThere, CannotRelease
from inventory.lots import LotEvent, LotState
from inventory.picking import NotEnoughStock
from tests.shelf import BY, NOW, TODAY, Clinic, refused

WHY = {"at": NOW, "by": BY, "reason": "fridge alarm"}


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50\nB02 exp 2027-06-30 2 x 17.90")
    return clinic


def test_a_quarantined_lot_leaves_the_shelf_and_keeps_its_value(clinic):
    lot = holds.quarantine(clinic.db, clinic.lot("HA", "A17"), **WHY)

    assert lot.state is LotState.QUARANTINED
    assert clinic.held("HA") == {"B02": 6}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 30}
    assert clinic.value("HA") == Decimal("200.80")
    assert clinic.moved("HA")[-1] == ("A17", "shelf", "quarantine", 30, 0, "fridge alarm")


def test_a_quarantined_lot_is_not_used_and_a_released_one_is_again(clinic):
    lot = holds.quarantine(clinic.db, clinic.lot("HA", "A17"), **WHY)
    sentence = "HA: 9 mL needed, 6 mL usable on 2026-01-15 (30 mL quarantined)."
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-1", "HA 9")

    holds.release(clinic.db, lot, **WHY)

    assert clinic.treat("P-1", "HA 9").uses[0].lot_number == "A17"
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {}


def test_a_lot_is_held_at_every_site_at_once(clinic):
    south = clinic.open_site("SOUTH")
    clinic.receive("HA", "A17 exp 2026-12-31 4 x 16.50", site=south)

    holds.quarantine(clinic.db, clinic.lot("HA", "A17"), **WHY)

    assert clinic.held("HA") == {"B02": 6}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 42}
    with pytest.raises(NotEnoughStock):
        clinic.treat("P-1", "HA 2", site=south)


def test_an_opened_vial_of_a_lot_that_is_held_back_is_not_used(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.treat("P-1", "LIDO 5")

    holds.quarantine(clinic.db, clinic.lot("LIDO", "L1"), **WHY)

    with pytest.raises(NotEnoughStock):
        clinic.treat("P-1", "LIDO 5", at=NOW + timedelta(hours=1))


def test_every_change_is_kept_with_who_when_and_why(clinic):
    lot = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, lot, **WHY)
    holds.release(clinic.db, lot, at=NOW + timedelta(hours=2), by="noor", reason="the probe was faulty")

    events = clinic.db.execute(
        sa.select(LotEvent.state, LotEvent.at, LotEvent.by, LotEvent.reason).order_by(LotEvent.id)
    ).all()

    assert events == [
        (LotState.QUARANTINED, NOW, "mara", "fridge alarm"),
        (LotState.RELEASED, NOW + timedelta(hours=2), "noor", "the probe was faulty"),
    ]


def test_what_is_there_already_is_refused(clinic):
    lot = clinic.lot("HA", "A17")
    with refused(AlreadyThere, "Lot A17 is released already; 30 mL of it is left."):
        holds.release(clinic.db, lot, **WHY)
    holds.quarantine(clinic.db, lot, **WHY)
    since = "already since 2026-01-15 15:00 UTC (mara: fridge alarm); 30 mL of it is left."
    with refused(AlreadyThere, f"Lot A17 is quarantined {since}"):
        holds.quarantine(clinic.db, lot, **WHY)
    holds.recall(clinic.db, lot, **WHY)
    with refused(AlreadyThere, f"Lot A17 is recalled {since}"):
        holds.recall(clinic.db, lot, **WHY)
    with refused(AlreadyThere, f"Lot A17 is recalled {since}"):
        holds.quarantine(clinic.db, lot, **WHY)


def test_a_recalled_lot_is_never_released(clinic):
    lot = clinic.lot("HA", "A17")
    holds.recall(clinic.db, lot, **WHY)

    sentence = (
        "Lot A17 is recalled already since 2026-01-15 15:00 UTC (mara: fridge alarm); 30 mL of it is left. "
        "A recalled lot is not released."
    )
    with refused(CannotRelease, sentence):
        holds.release(clinic.db, lot, **WHY)


def test_an_expired_lot_is_not_released(clinic):
    clinic.receive("HA", "OLD exp 2026-01-15 1 x 16.50 quarantined")
    lot = clinic.lot("HA", "OLD")

    with refused(CannotRelease, "Lot OLD expired on 2026-01-15, and it is 2026-01-16; write it off instead."):
        holds.release(clinic.db, lot, at=NOW + timedelta(days=1), by=BY, reason="checked")
    assert holds.release(clinic.db, lot, **WHY).state is LotState.RELEASED  # it is good all day


def test_a_recall_says_who_received_the_lot_and_where_the_rest_is(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20\nL2 exp 2027-12-31 2 x 3.20")
    first = clinic.treat("P-2", "LIDO 5").session
    second = clinic.treat("P-1", "LIDO 25", at=NOW + timedelta(hours=1)).session  # 5 of it from L2
    third = clinic.treat("P-2", "LIDO 1", at=NOW + timedelta(hours=2)).session

    lot, later = clinic.lot("LIDO", "L1"), NOW + timedelta(hours=3)
    holds.recall(clinic.db, lot, at=later, by=BY, reason="the maker took it back")
    trace = tracing.trace(clinic.db, lot)

    assert [(one.session_id, one.patient_ref, one.quantity) for one in trace.sessions] == [
        (first.id, "P-2", 5),
        (second.id, "P-1", 20),
        (third.id, "P-2", 1),
    ]
    assert trace.patients == ("P-1", "P-2")
    assert [receipt.containers for receipt in trace.receipts] == [2]
    assert [(vial.patient_ref, vial.remaining) for vial in trace.opened] == [("P-2", 14)]
    assert trace.on_hand == 14


def test_a_recall_reaches_what_is_in_quarantine_already(clinic):
    lot = holds.quarantine(clinic.db, clinic.lot("HA", "A17"), **WHY)

    assert tracing.trace(clinic.db, holds.recall(clinic.db, lot, **WHY)).on_hand == 30
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 30}


def test_a_trace_leaves_out_what_was_reversed_and_what_was_wasted(clinic):
    kept = clinic.treat("P-1", "HA 2").session
    undone = clinic.treat("P-2", "HA 2").session
    corrections.reverse_session(clinic.db, undone, at=NOW, recorded_at=NOW, by=BY, reason="the wrong chart")

    trace = tracing.trace(clinic.db, clinic.lot("HA", "A17"))

    assert [(one.session_id, one.quantity) for one in trace.sessions] == [(kept.id, Decimal("2.1"))]
    assert trace.patients == ("P-1",)


def test_a_lot_that_was_received_ahead_of_today_is_recalled_all_the_same(clinic):
    clinic.receive("HA", "C03 exp 2026-12-31 2 x 16.50", on=TODAY + timedelta(days=1))

    holds.recall(clinic.db, clinic.lot("HA", "C03"), **WHY)

    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"C03": 6}
