"""Treatment sessions: all is supplied or nothing moves, and each use is kept with its cost (S3 to S7)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from inventory import clinic as clinics
from inventory import holds, periods, wastage
from inventory.balances import WouldHaveBeenNegative
from inventory.catalog import UnknownIngredient, UnknownItem
from inventory.clinic import PlaceKind
from inventory.periods import PeriodClosed
from inventory.picking import NotEnoughStock, NotFirstToExpire
from inventory.treatments import (
    BadPatientRef,
    MixedUnits,
    NothingToUse,
    UnknownSession,
    check_patient_ref,
    session,
)
from inventory.vials import PharmacyBulk, PreparedIn
from tests.shelf import BY, NOW, TODAY, Clinic, ingredient_line, line, refused, used

IN_THE_ROOM = {"prepared_in": PreparedIn.TREATMENT_ROOM}
ITEMS = """
    HA      3 mL  single_dose  +0.15  of hyaluron
    HA1     1 mL  single_dose         of hyaluron
    KIT     1 each kit
    LIDO   20 mL  multi_dose   28 d   of lidocaine
    GEL    30 g   none         90 d   topical
    NEEDLE  1 each none        consumable
    BULK  100 mL  pharmacy_bulk       of saline
"""


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items(ITEMS)
    return clinic


@pytest.fixture
def sharing(db):
    clinic = Clinic(db, share_opened_vials=True)
    clinic.add_items(ITEMS)
    return clinic


# Single-dose and kit (S3).


def test_a_single_dose_container_serves_one_patient_and_its_rest_is_discarded_with_it(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")

    treated = clinic.treat("P-1", "HA 2.5")

    assert used(treated) == [("HA", "A17", Decimal("2.6"), Decimal("0.4"))]
    assert (treated.cost, treated.uses[0].discarded_value) == (Decimal("16.50"), Decimal("2.20"))
    assert clinic.held("HA") == {"A17": 27}
    assert clinic.moved("HA")[1:] == [
        ("A17", "shelf", "patient", Decimal("2.6"), Decimal("14.30"), None),
        ("A17", "shelf", "waste", Decimal("0.4"), Decimal("2.20"), "single_dose_remainder"),
    ]


def test_nothing_of_a_single_dose_container_is_kept_for_the_next(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 2 x 16.50")

    clinic.treat("P-1", "HA 0.5")
    clinic.treat("P-1", "HA 0.5")

    assert clinic.held("HA") == {}
    assert clinic.opened("HA") == []


def test_a_kit_is_used_whole(clinic):
    clinic.receive("KIT", "K1 exp 2026-12-31 2 x 40.00")

    assert used(clinic.treat("P-1", "KIT 1")) == [("KIT", "K1", 1, 0)]


def test_two_lines_of_one_item_share_its_containers(clinic):
    # The dose is 2.8 and the loss 0.1: one vial, not one a line.
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")

    treated = clinic.treat("P-1", "HA 1.4", "HA 1.4")

    assert used(treated) == [("HA", "A17", Decimal("2.9"), Decimal("0.1"))]


def test_a_session_over_several_lots_of_one_container_each(clinic):
    clinic.receive("HA1", "\n".join(f"L{n:02} exp 2026-02-{n + 1:02} 1 x 1.00" for n in range(12)))

    treated = clinic.treat("P-1", "HA1 11.5")

    assert [(use.lot_number, use.quantity) for use in treated.uses] == [
        *((f"L{n:02}", 1) for n in range(11)),
        ("L11", Decimal("0.6")),
    ]
    assert clinic.held("HA1") == {}


# Multi-dose (S4).


def test_a_multi_dose_vial_is_opened_and_its_rest_stays_in_use(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")

    treated = clinic.treat("P-1", "LIDO 3")

    vial = clinic.opened("LIDO")[0]
    assert used(treated) == [("LIDO", "L1", 3, 0)]
    assert (treated.uses[0].vial_id, treated.uses[0].kept, treated.cost) == (vial.id, 17, Decimal("0.48"))
    assert (vial.opened_at, vial.opened_by, vial.prepared_in) == (NOW, BY, PreparedIn.PREPARATION_AREA)
    assert vial.discard_at == NOW + timedelta(days=28)
    assert clinic.held("LIDO") == {"L1": 480}
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": 17}


def test_the_same_patient_is_served_from_the_opened_vial_first(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    clinic.treat("P-1", "LIDO 15")

    treated = clinic.treat("P-1", "LIDO 8", at=NOW + timedelta(days=9))

    assert [(use.quantity, use.kept) for use in treated.uses] == [(5, 0), (3, 17)]
    assert [vial.remaining for vial in clinic.opened("LIDO")] == [17]
    assert clinic.held("LIDO") == {"L1": 460}


def test_more_than_a_vial_holds_opens_as_many_as_it_takes_and_keeps_one_rest(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")

    treated = clinic.treat("P-1", "LIDO 45")

    assert used(treated) == [("LIDO", "L1", 45, 0)]
    assert [vial.remaining for vial in clinic.opened("LIDO")] == [15]
    assert clinic.moved("LIDO")[1:] == [
        ("L1", "shelf", "patient", 40, Decimal("6.40"), None),
        ("L1", "shelf", "opened", 20, 0, None),
        ("L1", "opened", "patient", 5, Decimal("0.80"), None),
    ]


def test_a_vial_that_is_emptied_is_closed(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    clinic.treat("P-1", "LIDO 15")

    clinic.treat("P-1", "LIDO 5")

    assert clinic.opened("LIDO") == []
    assert clinic.held("LIDO", PlaceKind.OPENED) == {}


def test_an_opened_vial_is_its_patients_where_the_clinic_does_not_share(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    clinic.treat("P-1", "LIDO 5")

    clinic.treat("P-2", "LIDO 5")

    whose = [(vial.patient_ref, vial.remaining) for vial in clinic.opened("LIDO")]
    assert whose == [("P-1", 15), ("P-2", 15)]


def test_an_opened_vial_serves_everyone_where_the_clinic_shares(sharing):
    sharing.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    sharing.treat("P-1", "LIDO 5")

    sharing.treat("P-2", "LIDO 5")

    assert [(vial.patient_ref, vial.remaining) for vial in sharing.opened("LIDO")] == [(None, 10)]


def test_a_vial_opened_beforehand_becomes_the_first_patients_it_serves(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    wastage.open_vial(clinic.db, clinic.lot("LIDO", "L1"), site=clinic.site, at=NOW, recorded_at=NOW, by=BY)

    clinic.treat("P-1", "LIDO 5")

    assert [(vial.patient_ref, vial.remaining) for vial in clinic.opened("LIDO")] == [("P-1", 15)]
    sentence = "LIDO: 5 mL needed, 0 mL usable on 2026-01-15 (15 mL opened for another patient)."
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-2", "LIDO 5")


def test_what_entered_the_treatment_room_ends_with_the_session(sharing):
    sharing.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")

    treated = sharing.treat("P-1", "LIDO 5", **IN_THE_ROOM)

    assert used(treated) == [("LIDO", "L1", 5, 15)]
    assert (treated.cost, treated.uses[0].kept) == (Decimal("3.20"), 0)
    assert sharing.opened("LIDO") == []
    assert sharing.moved("LIDO")[-1] == ("L1", "shelf", "waste", 15, Decimal("2.40"), "beyond_use")


def test_a_vial_opened_in_the_room_ends_with_its_patients_session(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    lot = clinic.lot("LIDO", "L1")
    wastage.open_vial(
        clinic.db, lot, site=clinic.site, at=NOW, recorded_at=NOW, by=BY, patient_ref="P-1", **IN_THE_ROOM
    )

    treated = clinic.treat("P-1", "LIDO 5")

    assert used(treated) == [("LIDO", "L1", 5, 15)]
    assert clinic.opened("LIDO") == []
    assert clinic.held("LIDO", PlaceKind.OPENED) == {}


def test_a_shared_vial_that_enters_the_treatment_room_ends_with_that_session(sharing):
    sharing.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    sharing.treat("P-1", "LIDO 5")

    treated = sharing.treat("P-2", "LIDO 4", **IN_THE_ROOM)

    assert used(treated) == [("LIDO", "L1", 4, 11)]
    assert sharing.opened("LIDO") == []


def test_two_lines_may_draw_from_the_vial_that_ends_with_the_session(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 25 x 3.20")
    lot = clinic.lot("LIDO", "L1")
    wastage.open_vial(
        clinic.db, lot, site=clinic.site, at=NOW, recorded_at=NOW, by=BY, patient_ref="P-1", **IN_THE_ROOM
    )

    treated = clinic.treat("P-1", "LIDO 5", ingredient_line("lidocaine", "7"))

    assert used(treated) == [("LIDO", "L1", 5, 0), ("LIDO", "L1", 7, 8)]
    assert clinic.held("LIDO", PlaceKind.OPENED) == {}


def test_a_topical_is_kept_and_shared_whatever_room_it_is_in(clinic):
    clinic.receive("GEL", "G1 exp 2026-12-31 1 x 12.00")

    clinic.treat("P-1", "GEL 10", **IN_THE_ROOM)
    clinic.treat("P-2", "GEL 10", **IN_THE_ROOM)

    assert [vial.remaining for vial in clinic.opened("GEL")] == [10]


def test_a_consumable_is_used_by_the_piece(clinic):
    clinic.receive("NEEDLE", "N1 exp 2030-12-31 100 x 0.22")

    treated = clinic.treat("P-1", "NEEDLE 10")

    assert (used(treated), treated.cost) == ([("NEEDLE", "N1", 10, 0)], Decimal("2.20"))


def test_a_vial_is_used_until_its_time_and_not_a_second_longer(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.treat("P-1", "LIDO 5")
    clinic.treat("P-1", "LIDO 5", at=NOW + timedelta(days=28) - timedelta(seconds=1))

    sentence = "LIDO: 5 mL needed, 0 mL usable on 2026-02-12 (10 mL past its discard time)."
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-1", "LIDO 5", at=NOW + timedelta(days=28))


# All or nothing, by FEFO, with every reason (S7).


def test_a_session_that_cannot_be_supplied_whole_moves_nothing_and_says_all_that_is_short(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 2 x 16.50")
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.receive("NEEDLE", "N1 exp 2030-12-31 100 x 0.22")
    before = clinic.posted()

    sentence = (
        "HA: 99 mL needed, 6 mL usable on 2026-01-15. LIDO: 21 mL needed, 20 mL usable on 2026-01-15."
    )
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-1", "HA 99", "NEEDLE 5", "LIDO 21")

    assert clinic.posted() == before
    assert clinic.held("NEEDLE") == {"N1": 100}


def test_a_refusal_says_why_the_rest_is_not_usable(clinic):
    clinic.receive(
        "HA",
        """
        OLD  exp 2026-01-14  1 x 16.50
        HELD exp 2026-06-30  2 x 16.50  quarantined
        GONE exp 2026-06-30  3 x 16.50  recalled
        GOOD exp 2026-12-31  1 x 16.50
        """,
    )

    sentence = (
        "HA: 9 mL needed, 3 mL usable on 2026-01-15 "
        "(3 mL expired, 6 mL quarantined, 9 mL recalled)."
    )
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-1", "HA 9")


def test_what_expires_today_is_used_today_and_not_tomorrow(clinic):
    clinic.receive("HA", "A17 exp 2026-01-15 2 x 16.50")
    last_minute = datetime(2026, 1, 16, 4, 59, tzinfo=UTC)  # one before midnight in New York

    clinic.treat("P-1", "HA 1", at=last_minute)

    sentence = "HA: 1 mL needed, 0 mL usable on 2026-01-16 (3 mL expired)."
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-1", "HA 1", at=last_minute + timedelta(minutes=1))


def test_an_ingredient_is_taken_from_whichever_item_expires_first(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 2 x 16.50")
    clinic.receive("HA1", "B02 exp 2026-03-31 1 x 6.00")

    treated = clinic.treat("P-1", ingredient_line("hyaluron", "2"))

    # 2.00 and 0.10 lost from the first, 1.10 still missing and 0.10 lost from the second.
    assert used(treated) == [("HA1", "B02", 1, 0), ("HA", "A17", Decimal("1.2"), Decimal("1.8"))]


def test_a_later_lot_is_taken_with_a_reason_that_the_movement_keeps(clinic):
    clinic.receive("HA", "A17 exp 2026-03-31 1 x 16.50\nB02 exp 2026-12-31 1 x 17.90")
    later = clinic.lot("HA", "B02").id

    with refused(NotFirstToExpire, "HA: lot A17 expires first; taking another needs a reason."):
        clinic.treat("P-1", line("HA", "2.9", lot_id=later))
    clinic.treat("P-1", line("HA", "2.9", lot_id=later, reason="reacted to A17"))

    assert clinic.moved("HA")[2:] == [
        ("B02", "shelf", "patient", 3, Decimal("17.90"), "reacted to A17"),
    ]


def test_a_named_lot_that_does_not_reach_is_short(clinic):
    clinic.receive("HA", "A17 exp 2026-03-31 1 x 16.50\nB02 exp 2026-12-31 1 x 17.90")

    with pytest.raises(NotEnoughStock):
        clinic.treat("P-1", line("HA", "5", lot_id=clinic.lot("HA", "B02").id, reason="reacted to A17"))


# Backdating (S12).


def backdated(clinic, *lines, at):
    return clinic.treat("P-1", *lines, at=at, recorded_at=NOW)


def test_a_session_of_yesterday_is_recorded_today_with_yesterdays_stock(clinic):
    clinic.receive("HA", "A17 exp 2026-01-14 1 x 16.50\nB02 exp 2026-12-31 1 x 17.90")
    yesterday = NOW - timedelta(days=1)

    treated = backdated(clinic, "HA 2", at=yesterday)

    assert used(treated)[0][1] == "A17"  # it was good then
    assert treated.session.on == date(2026, 1, 14)


def test_backdating_never_changes_the_cost_of_what_was_posted(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 3 x 33.333333")
    before = clinic.treat("P-1", "LIDO 20").cost

    after = backdated(clinic, "LIDO 20", at=NOW - timedelta(days=2)).cost

    assert (before, after) == (Decimal("33.33"), Decimal("33.34"))
    assert clinic.moved("LIDO")[1][4] == Decimal("33.33")


def test_a_session_before_the_delivery_is_refused(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50 on 2026-01-10")

    sentence = "HA: 2 mL needed, 0 mL usable on 2026-01-09 (3 mL received later)."
    with refused(NotEnoughStock, sentence):
        backdated(clinic, "HA 2", at=datetime(2026, 1, 9, 15, 0, tzinfo=UTC))


def test_what_was_elsewhere_in_between_cannot_have_been_used_before(clinic):
    # Lot A17 was received on the 5th, used up on the 7th, and came again on the 9th.
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50")
    backdated(clinic, "HA 2", at=datetime(2026, 1, 7, 15, 0, tzinfo=UTC))
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50 on 2026-01-09")

    sentence = "On 2026-01-07 the place held 0 of the lot; 3 cannot have left on 2026-01-06."
    with refused(WouldHaveBeenNegative, sentence):
        backdated(clinic, "HA 2", at=datetime(2026, 1, 6, 15, 0, tzinfo=UTC))


def test_what_was_held_back_at_that_hour_is_not_used_though_it_is_free_by_now(clinic):
    clinic.receive("HA", "A17 exp 2026-03-31 1 x 16.50\nB02 exp 2026-12-31 1 x 17.90")
    lot, noon = clinic.lot("HA", "A17"), NOW - timedelta(hours=2)
    holds.quarantine(clinic.db, lot, at=noon - timedelta(hours=1), by=BY, reason="fridge alarm")
    holds.release(clinic.db, lot, at=noon + timedelta(hours=1), by=BY, reason="the probe was faulty")

    treated = backdated(clinic, "HA 2", at=noon)

    assert used(treated)[0][1] == "B02"


def test_an_opened_vial_that_was_held_back_at_that_hour_is_not_used(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.treat("P-1", "LIDO 5", at=NOW - timedelta(hours=5))
    lot, noon = clinic.lot("LIDO", "L1"), NOW - timedelta(hours=2)
    holds.quarantine(clinic.db, lot, at=noon - timedelta(hours=1), by=BY, reason="fridge alarm")
    holds.release(clinic.db, lot, at=noon + timedelta(hours=1), by=BY, reason="the probe was faulty")

    with pytest.raises(NotEnoughStock):
        backdated(clinic, "LIDO 5", at=noon)

    assert backdated(clinic, "LIDO 5", at=NOW).uses[0].quantity == 5


def test_nothing_is_used_in_a_closed_month(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50 on 2025-12-05")
    periods.close(clinic.db, date(2025, 12, 1), at=NOW, by=BY)

    with refused(PeriodClosed, "The books are closed through 2025-12-31; nothing can be dated 2025-12-31."):
        backdated(clinic, "HA 2", at=datetime(2025, 12, 31, 15, 0, tzinfo=UTC))


# What is asked for must make sense.


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_nothing_and_less_is_not_used(clinic, quantity):
    with refused(NothingToUse, f"HA: a quantity to use is above 0, not {quantity}."):
        clinic.treat("P-1", f"HA {quantity}")


def test_a_session_has_a_line(clinic):
    with refused(NothingToUse, "A session has 1 to 200 lines, not 0."):
        clinic.treat("P-1")
    with refused(NothingToUse, "A session has 1 to 200 lines, not 201."):
        clinic.treat("P-1", *["HA 1"] * 201)


def test_an_unknown_item_or_ingredient_is_refused_by_name(clinic):
    with refused(UnknownItem, "No item has the SKU 'NOPE'."):
        clinic.treat("P-1", "NOPE 1")
    with refused(UnknownIngredient, "No ingredient has the code 'unobtainium'."):
        clinic.treat("P-1", ingredient_line("unobtainium", "1"))
    clinic.ingredient("thin air")
    with refused(UnknownItem, "No item in use holds the ingredient 'thin air'."):
        clinic.treat("P-1", ingredient_line("thin air", "1"))


def test_an_ingredient_that_is_counted_in_two_units_needs_its_item_named(clinic):
    clinic.add_items("HAC 10 each single_dose of hyaluron")

    with refused(MixedUnits, "Items with hyaluron are counted in each, mL: name the item."):
        clinic.treat("P-1", ingredient_line("hyaluron", "1"))


def test_a_pharmacy_bulk_package_is_refused_and_passed_over_as_an_ingredient(clinic):
    clinic.receive("BULK", "B1 exp 2026-12-31 1 x 9.00")

    sentence = "BULK is a pharmacy bulk package; it cannot be used in a treatment room."
    with refused(PharmacyBulk, sentence):
        clinic.treat("P-1", "BULK 5")
    with refused(UnknownItem, "No item in use holds the ingredient 'saline'."):
        clinic.treat("P-1", ingredient_line("saline", "5"))


@pytest.mark.parametrize("patient_ref", ["P-1", "2026-0153", "A", "chart/7#b", "X" * 40])
def test_a_chart_number_is_a_patient_ref(patient_ref):
    check_patient_ref(patient_ref)


@pytest.mark.parametrize(
    "patient_ref",
    [
        "",
        "Anna Muster",
        "anna@example.org",
        "1980-05-17",
        "17.05.1980",
        "5/17/80",
        "X" * 41,
        "P-1\n",
        "-1",
        "Zoë",
    ],
)
def test_a_name_a_date_or_an_address_is_not_a_patient_ref(patient_ref):
    sentence = (
        "A patient is known by a chart number of 1 to 40 letters, digits and . _ / # - only; "
        "no name, date or e-mail."
    )
    with refused(BadPatientRef, sentence):
        check_patient_ref(patient_ref)


# What is kept and what is flagged.


def test_a_session_keeps_whom_when_and_what_it_followed(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50")

    treated = clinic.treat("P-1", "HA 2", formulation="F-01 version 2", level="senior")

    kept = session(clinic.db, treated.session.id)
    assert (kept.patient_ref, kept.on, kept.at, kept.formulation, kept.level) == (
        "P-1",
        TODAY,
        NOW,
        "F-01 version 2",
        "senior",
    )


def test_a_session_that_is_not_on_record_is_refused_by_its_key(db):
    with refused(UnknownSession, "No session has the key 987654."):
        session(db, 987654)


def test_more_than_three_sterile_products_raise_a_flag_and_three_do_not(clinic):
    for number in range(4):
        clinic.add_items(f"S{number} 5 mL single_dose")
        clinic.receive(f"S{number}", "L1 exp 2026-12-31 2 x 1.00")
    clinic.receive("NEEDLE", "N1 exp 2030-12-31 100 x 0.22")

    three = clinic.treat("P-1", "S0 1", "S1 1", "S2 1", "NEEDLE 5")
    four = clinic.treat("P-1", "S0 1", "S1 1", "S2 1", "S3 1")

    assert three.flags == ()
    assert four.flags == (
        "4 sterile products are mixed, more than 3 (S0, S1, S2, S3): "
        "not an immediate-use preparation (USP 797, 2023; rule VR-07).",
    )


def test_the_loss_on_drawing_is_the_clinics_setting(clinic):
    clinics.change_setting(clinic.db, "draw_loss_ml", "0.20", at=NOW, by=BY)
    clinic.receive("HA", "A17 exp 2026-12-31 2 x 16.50")

    assert used(clinic.treat("P-1", "HA 3")) == [("HA", "A17", Decimal("3.2"), Decimal("2.8"))]
