"""Recall reports: what is where, who received it, which planned sessions would have, what to do (S10)."""

from datetime import date, timedelta

from inventory import corrections, holds
from inventory.lots import LotState
from pricing import courses, recalls
from tests.selling import facial
from tests.shelf import BY, NOW

WHY = {"at": NOW, "by": BY, "reason": "maker's letter of 14 January"}


def report(counter, number="A17", **asked):
    return recalls.report(counter.db, counter.clinic.lot("HA", number), at=NOW, **asked)


def planned(counter, number="A17"):
    return [(one.on, one.patient_ref, one.quantity, one.covered) for one in report(counter, number).planned]


def test_planned_sessions_of_accepted_courses_are_told_until_the_lot_expires(db):
    counter = facial(db)
    counter.clinic.receive("HA", "A17 exp 2026-02-05 10 x 16.50\nB02 exp 2027-06-30 1 x 17.90")
    counter.clinic.receive("NEEDLE", "N1 exp 2028-01-31 100 x 0.22")
    counter.accepted()  # on 20 January, 3 and 17 February, 3 March
    counter.issued(patient_ref="P-2")  # a promise to nobody yet

    holds.recall(db, counter.clinic.lot("HA", "A17"), **WHY)

    # 3 mL of B02 serve the first; the third comes when the lot would have expired.
    assert planned(counter) == [(date(2026, 1, 20), "P-1", 3, True), (date(2026, 2, 3), "P-1", 3, False)]
    needles = recalls.report(db, counter.clinic.lot("NEEDLE", "N1"), at=NOW)
    assert [(one.number, one.quantity) for one in needles.planned] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_session_that_was_performed_is_not_planned_any_more_and_is_again_once_undone(db):
    counter = facial(db)
    counter.clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    _, course = counter.accepted()
    done = courses.perform(
        db, course, None, visit_at=NOW, site=counter.site, recorded_at=NOW, by=BY, patient_ref="P-1"
    )

    assert [one.number for one in report(counter).planned] == [2, 3, 4]
    courses.reverse_session(db, done.session, at=NOW, recorded_at=NOW, by=BY, reason="the wrong chart")
    assert [one.number for one in report(counter).planned] == [1, 2, 3, 4]


def test_a_recipe_that_names_the_ingredient_would_use_any_item_of_it(db):
    counter = facial(db)
    counter.clinic.add_items("HA1 1 mL single_dose of hyaluronate")
    counter.offer("HA1", "10 x 80.00")
    counter.recipe("of hyaluronate 2 mL", code="F-91", protocol="P-01")
    counter.clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    counter.clinic.receive("HA1", "S1 exp 2026-06-30 20 x 8.00")
    counter.accepted(protocol="P-01")

    for sku, number in (("HA", "A17"), ("HA1", "S1")):
        found = recalls.report(db, counter.clinic.lot(sku, number), at=NOW)
        assert [one.number for one in found.planned] == [1, 2, 3, 4], sku


def test_no_planned_session_would_use_a_lot_that_its_site_does_not_have(db):
    counter = facial(db)
    south = counter.clinic.open_site("SOUTH")
    counter.clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50", site=south)
    counter.clinic.receive("HA", "B02 exp 2026-12-31 10 x 16.50")
    counter.accepted()

    assert planned(counter, "A17") == []
    assert len(planned(counter, "B02")) == 4


def test_the_report_says_what_to_do_next_with_its_numbers(db):
    counter = facial(db)
    counter.clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    counter.accepted()
    kept = counter.clinic.treat("P-7", "HA 2").session
    undone = counter.clinic.treat("P-8", "HA 2").session
    corrections.reverse_session(db, undone, at=NOW, recorded_at=NOW, by=BY, reason="the wrong chart")

    before = report(counter).steps
    holds.recall(db, counter.clinic.lot("HA", "A17"), **WHY)
    found = report(counter)

    assert before[0] == "Lot A17 is released, not recalled: recall it to hold it back for good."
    assert found.lot.state is LotState.RECALLED
    assert found.steps[:3] == (
        "MAIN: find 27 mL sealed, count it, and keep it apart from usable stock.",
        "Tell the practitioner in charge: 1 patient received the lot in 1 session.",
        "4 planned sessions would have drawn from it: order for 4 of them, or move them.",
    )
    assert [one.session_id for one in found.trace.sessions] == [kept.id]
    both = report(counter, with_reversed=True).trace.sessions
    assert [(one.session_id, one.reversed) for one in both] == [(kept.id, False), (undone.id, True)]
    assert report(counter, with_reversed=True).trace.patients == ("P-7",)


def test_opened_vials_and_a_lot_that_nobody_received_are_said_too(db):
    counter = facial(db)
    counter.clinic.add_items("LIDO 20 mL multi_dose 28 d")
    counter.clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20\nL2 exp 2027-12-31 2 x 3.20")
    counter.clinic.treat("P-2", "LIDO 5")

    first = recalls.report(db, counter.clinic.lot("LIDO", "L1"), at=NOW).steps
    second = recalls.report(db, counter.clinic.lot("LIDO", "L2"), at=NOW).steps

    assert "Discard 1 opened vial with 15 mL left." in first
    assert "No patient has received any of it." in second
    assert not [step for step in second if "opened vial" in step]


def test_the_history_of_a_lot_says_who_held_it_back_when_and_why(db):
    counter = facial(db)
    counter.clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    lot = counter.clinic.lot("HA", "A17")
    holds.quarantine(db, lot, at=NOW, by="noor", reason="fridge alarm")
    holds.release(db, lot, at=NOW + timedelta(hours=1), by="mara", reason="the probe was faulty")
    holds.recall(db, lot, at=NOW + timedelta(hours=2), by="ann", reason="maker's letter")

    assert [(one.state, one.by, one.reason) for one in report(counter).trace.events] == [
        (LotState.QUARANTINED, "noor", "fridge alarm"),
        (LotState.RELEASED, "mara", "the probe was faulty"),
        (LotState.RECALLED, "ann", "maker's letter"),
    ]
