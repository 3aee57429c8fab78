"""First expired, first out, over opened vials and sealed lots; whole containers where S3 says so (S3, S7)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from inventory import picking, shelf
from inventory.clinic import PlaceKind
from inventory.picking import Need, NotFirstToExpire
from tests.shelf import NOW, TODAY, Clinic, containers, product, refused

HA = product("HA 3 mL single_dose +0.15")
LIDO = product("LIDO 20 mL multi_dose", key=2)
LOSS = Decimal("0.10")


def plan(needed, shelf, loss=LOSS):
    return picking.plan(Decimal(needed), shelf, loss=loss)


def drawn(draws):
    """What was drawn as (lot, containers opened, used, discarded, kept)."""
    return [(d.container.lot_number, d.opened, d.used, d.discarded, d.kept) for d in draws]


def test_the_soonest_to_expire_goes_first_and_the_next_fills_the_rest():
    shelf = containers(
        LIDO,
        """
        B02  exp 2026-09-30  40 mL
        A17  exp 2026-03-31  20 mL
        """,
    )

    draws, missing = plan("24", shelf)

    assert drawn(draws) == [("A17", 1, 20, 0, 0), ("B02", 1, 4, 0, 16)]
    assert missing == 0


def test_an_opened_vial_goes_before_a_sealed_lot_that_ends_later():
    shelf = containers(LIDO, "A17 exp 2026-03-31 20 mL") + containers(
        LIDO, "B02 discard 2026-02-01 3.2 mL", first_key=9
    )

    draws, _ = plan("5", shelf)

    assert drawn(draws) == [("B02", 0, Decimal("3.2"), 0, 0), ("A17", 1, Decimal("1.8"), 0, Decimal("18.2"))]


def test_a_sealed_lot_that_ends_sooner_goes_before_an_opened_vial():
    shelf = containers(LIDO, "A17 exp 2026-01-31 20 mL") + containers(
        LIDO, "B02 discard 2026-02-01 3.2 mL", first_key=9
    )

    assert drawn(plan("5", shelf)[0]) == [("A17", 1, 5, 0, 15)]


def test_on_a_tie_the_opened_one_goes_first():
    shelf = containers(LIDO, "A17 exp 2026-02-01 20 mL") + containers(
        LIDO, "B02 discard 2026-02-01 3.2 mL", first_key=9
    )

    assert drawn(plan("3", shelf)[0]) == [("B02", 0, 3, 0, 0)]


def test_of_equal_expiry_the_one_received_first_goes_first_then_the_lower_key():
    shelf = containers(
        LIDO,
        """
        C03  exp 2026-03-31  20 mL  on 2026-01-09
        A17  exp 2026-03-31  20 mL  on 2026-01-05
        B02  exp 2026-03-31  20 mL  on 2026-01-05
        """,
    )

    assert [draw.container.lot_number for draw in plan("60", shelf)[0]] == ["A17", "B02", "C03"]


def test_several_lots_of_one_container_each_are_all_taken():
    # A peer put the whole need on one batch and drove it to -2.
    shelf = containers(HA, "A1 exp 2026-03-01 3 mL\nA2 exp 2026-03-02 3 mL\nA3 exp 2026-03-03 3 mL")

    draws, missing = plan("9", shelf)

    assert drawn(draws) == [("A1", 1, 3, 0, 0), ("A2", 1, 3, 0, 0), ("A3", 1, 3, 0, 0)]
    assert missing == 0


@pytest.mark.parametrize(
    ("dose", "count", "used"),
    [
        ("0.1", 1, "0.2"),
        ("2.5", 1, "2.6"),
        ("3.0", 1, "3"),  # 3.15 covers 3.10, so the overfill serves
        ("3.05", 1, "3"),  # to the drop
        ("3.0501", 2, "3.1501"),
        ("3.2", 2, "3.3"),  # overfill does not stretch
        ("6.2", 2, "6"),
        ("6.2001", 3, "6.3001"),
    ],
)
def test_single_dose_opens_the_fewest_containers_that_cover_dose_and_loss(dose, count, used):
    draws, missing = plan(dose, containers(HA, "A17 exp 2026-03-31 30 mL"))

    assert missing == 0
    assert drawn(draws) == [("A17", count, Decimal(used), 3 * count - Decimal(used), 0)]


def test_the_overfill_serves_after_all_labelled_content_whichever_lot_it_came_from():
    shelf = containers(HA, "A1 exp 2026-03-01 3 mL\nA2 exp 2026-03-02 3 mL")

    draws, _ = plan("6", shelf)  # 6.10 of 6.30

    assert drawn(draws) == [("A1", 1, 3, 0, 0), ("A2", 1, 3, 0, 0)]


def test_nothing_is_lost_from_a_prefilled_syringe():
    syringe = product("HAS 1 mL single_dose syringe")

    assert drawn(plan("2", containers(syringe, "A17 exp 2026-03-31 5 mL"))[0]) == [("A17", 2, 2, 0, 0)]


def test_loss_is_added_once_for_each_product_drawn():
    big, small = product("HA5 5 mL single_dose"), product("HA2 2 mL single_dose", key=2)
    shelf = containers(small, "S1 exp 2026-02-01 2 mL") + containers(
        big, "B1 exp 2026-03-01 10 mL", first_key=9
    )

    # 6 + 0.1 for the small one, which gives 2; 4.1 + 0.1 for the big one.
    assert drawn(plan("6", shelf)[0]) == [("S1", 1, 2, 0, 0), ("B1", 1, Decimal("4.2"), Decimal("0.8"), 0)]


def test_a_shelf_that_is_short_says_by_how_much():
    draws, missing = plan("7", containers(HA, "A17 exp 2026-03-31 6 mL"))

    assert sum(draw.opened for draw in draws) == 2
    assert missing == Decimal("0.80")  # 7.10 of 6.30


# What is put before the choice: never what is expired, held back, past its time, or another patient's.


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    return clinic


def sealed(clinic, sku="HA", *, on=TODAY, enough=None):
    of = shelf.products(clinic.db, skus=[sku])[clinic.item(sku).id]
    found = shelf.sealed(
        clinic.db,
        [of],
        site=clinic.site,
        shelves=[clinic.place(PlaceKind.SHELF)],
        on=on,
        enough={of.id: None if enough is None else Decimal(enough)},
    )[of.id]
    return [(one.lot_number, one.held) for one in found]


def test_expired_quarantined_and_recalled_lots_are_never_put_forward(clinic):
    clinic.receive(
        "HA",
        """
        OLD  exp 2026-01-14  1 x 16.50
        TODAY exp 2026-01-15 1 x 16.50
        HELD exp 2026-06-30  1 x 16.50  quarantined
        GONE exp 2026-06-30  1 x 16.50  recalled
        GOOD exp 2026-12-31  1 x 16.50
        """,
    )

    assert sealed(clinic) == [("TODAY", 3), ("GOOD", 3)]


def test_what_was_received_later_is_not_put_forward_to_a_day_before(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50 on 2026-01-10")

    assert sealed(clinic, on=date(2026, 1, 9)) == []
    assert sealed(clinic, on=date(2026, 1, 10)) == [("A17", 3)]


def test_reading_stops_early_and_never_too_early(clinic):
    clinic.receive("HA", "\n".join(f"L{n:02} exp 2026-02-{n + 1:02} 1 x 16.50" for n in range(20)))

    for enough in range(1, 61):
        held = sealed(clinic, enough=enough)
        assert sum(quantity for _, quantity in held) >= enough
        assert [number for number, _ in held] == [f"L{n:02}" for n in range(len(held))]


def test_another_sites_shelf_is_not_put_forward(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 1 x 16.50", site=clinic.open_site("SOUTH"))

    assert sealed(clinic) == []


def opened_for(clinic, patient_ref, *, at=NOW):
    by_id = shelf.products(clinic.db, skus=["LIDO"])
    found = shelf.opened(clinic.db, by_id, site=clinic.site, at=at, patient_ref=patient_ref)
    return [one.held for row in found.values() for one in row]


def test_an_opened_vial_is_put_forward_from_its_opening_until_its_discard_time(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.treat("P-1", "LIDO 5")
    discard_at = clinic.opened("LIDO")[0].discard_at

    assert discard_at == NOW + timedelta(days=28)
    assert opened_for(clinic, "P-1", at=NOW - timedelta(seconds=1)) == []
    assert opened_for(clinic, "P-1", at=NOW) == [15]
    assert opened_for(clinic, "P-1", at=discard_at - timedelta(seconds=1)) == [15]
    assert opened_for(clinic, "P-1", at=discard_at) == []


def test_a_vial_that_is_one_patients_is_put_forward_to_that_patient_alone(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.treat("P-1", "LIDO 5")

    assert opened_for(clinic, "P-1") == [15]
    assert opened_for(clinic, "P-2") == []
    assert opened_for(clinic, None) == []


def test_where_vials_are_shared_it_is_put_forward_to_everybody(db):
    clinic = Clinic(db, share_opened_vials=True)
    clinic.add_items("LIDO 20 mL multi_dose 28 d")
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.treat("P-1", "LIDO 5")

    assert opened_for(clinic, "P-2") == [15]
    assert opened_for(clinic, None) == [15]


# Taking another lot than FEFO's.


def choose(shelf, **named):
    need = Need(Decimal(3), (LIDO.id,), "LIDO", "mL", **named)
    return [draw.container.lot_number for draw in picking.choose(need, shelf, loss=LOSS)[0]]


SHELF = containers(LIDO, "A17 exp 2026-03-31 20 mL\nB02 exp 2026-09-30 20 mL")


def test_a_later_lot_may_be_named_with_a_reason():
    assert choose(SHELF, lot_id=2, reason="the patient reacted to A17") == ["B02"]


def test_a_later_lot_named_without_a_reason_is_refused():
    with refused(NotFirstToExpire, "LIDO: lot A17 expires first; taking another needs a reason."):
        choose(SHELF, lot_id=2)


def test_naming_fefos_own_choice_needs_no_reason():
    assert choose(SHELF, lot_id=1) == ["A17"]


def test_an_opened_vial_may_be_named_too():
    vial = replace(SHELF[1], vial_id=7, held=Decimal(5))

    assert choose([SHELF[0], vial], vial_id=7, reason="already on the tray") == ["B02"]
    with refused(NotFirstToExpire, "LIDO: lot A17 expires first; taking another needs a reason."):
        choose([SHELF[0], vial], vial_id=7)
