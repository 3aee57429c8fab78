"""Allocations: what is promised to planned sessions, and to whom else's (P5, O1)."""

from datetime import date
from decimal import Decimal

import pytest

from inventory import allocations
from inventory.allocations import Promise
from inventory.picking import NotEnoughStock
from tests.shelf import NOW, TODAY, Clinic, ingredient_line, refused


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("""
        HA    3 mL single_dose +0.15
        LIDO 20 mL multi_dose  28 d
    """)
    drawn.receive("HA", "A17 exp 2026-12-31 2 x 16.50")
    return drawn


def promise(clinic, patient_ref, quantity, *, on=TODAY, sku="HA", reference="course 1 session 1"):
    allocations.allocate(
        clinic.db,
        [Promise(clinic.item(sku).id, on, Decimal(quantity))],
        site_id=clinic.site.id,
        reference=reference,
        patient_ref=patient_ref,
        at=NOW,
    )


def promised(clinic):
    return allocations.open_by_item(clinic.db, site_id=clinic.site.id)


def test_promises_of_an_item_add_up_until_they_end(clinic):
    promise(clinic, "P-1", 3, reference="course 1 session 1")
    promise(clinic, "P-1", 6, reference="course 1 session 2", on=date(2026, 1, 29))
    assert promised(clinic) == {clinic.item("HA").id: 9}

    allocations.end(clinic.db, reference="course 1 session 1", at=NOW)

    assert promised(clinic) == {clinic.item("HA").id: 6}


def test_promises_can_be_asked_for_some_items_alone(clinic):
    promise(clinic, "P-1", 3)
    promise(clinic, "P-1", 4, sku="LIDO")

    some = allocations.open_by_item(clinic.db, site_id=clinic.site.id, item_ids=[clinic.item("LIDO").id])

    assert some == {clinic.item("LIDO").id: 4}


def test_another_sites_promises_are_its_own(clinic):
    promise(clinic, "P-1", 3)

    assert allocations.open_by_item(clinic.db, site_id=clinic.open_site("SOUTH").id) == {}


def test_a_walk_in_is_not_served_from_what_is_promised_to_another_that_day(clinic):
    promise(clinic, "P-1", 3)
    clinic.treat("P-2", "HA 2")  # of two vials one is free

    sentence = "HA: 2 mL needed, 3 mL usable on 2026-01-15 (3 mL allocated to others today)."
    with refused(NotEnoughStock, sentence):
        clinic.treat("P-3", "HA 2")

    assert clinic.held("HA") == {"A17": 3}


def test_what_is_promised_of_one_item_does_not_hold_up_another_with_the_same_ingredient(clinic):
    clinic.add_items("HA-A 1 mL single_dose of hyaluron\nHA-B 1 mL single_dose of hyaluron")
    clinic.receive("HA-A", "A01 exp 2026-03-31 2 x 6.00")
    clinic.receive("HA-B", "\n".join(f"B{n:02} exp 2026-06-{n:02} 1 x 6.00" for n in range(1, 21)))
    promise(clinic, "P-1", 9, sku="HA-A")

    # Of 22 mL nine are promised, whichever lots they come from.
    treated = clinic.treat("P-2", ingredient_line("hyaluron", "3"))

    assert {use.lot_number for use in treated.uses} == {"A01", "B01", "B02"}
    with pytest.raises(NotEnoughStock):
        clinic.treat("P-2", ingredient_line("hyaluron", "10"))


def test_the_patient_to_whom_it_is_promised_is_served(clinic):
    promise(clinic, "P-1", 6)

    clinic.treat("P-1", "HA 2.9", "HA 2.9")

    assert clinic.held("HA") == {}


def test_what_is_promised_for_another_day_does_not_stop_a_session_today(clinic):
    promise(clinic, "P-1", 6, on=date(2026, 1, 16))

    clinic.treat("P-2", "HA 6")

    assert clinic.held("HA") == {}
