"""Treatment sessions: all is supplied or nothing moves, and each use is kept with its cost (S3 to S7)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from inventory import clinic as clinics
from inventory import vials, wastage
from inventory.clinic import PlaceKind
from inventory.picking import NotEnoughStock
from inventory.treatments import (
    UnknownSession,
    session,
)
from inventory.vials import PreparedIn
from tests.shelf import BY, NOW, TODAY, Clinic, ingredient_line, refused, used

IN_THE_ROOM = {"prepared_in": PreparedIn.TREATMENT_ROOM}
ITEMS = """
    HA      3 mL  single_dose  +0.15  of hyaluron
    HA1     1 mL  single_dose         of hyaluron
    KIT     1 each kit
    LIDO   20 mL  multi_dose   28 d   of lidocaine
    GEL    30 g   none         90 d   topical
    NEEDLE  1 each none        consumable
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
    assert vials.vial(sharing.db, treated.uses[0].vial_id).patient_ref is None  # it had served P-1 too


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
