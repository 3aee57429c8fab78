"""Places: several shelves a site, each with its temperature; FEFO draws over all of them as over one."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import clinic as clinics
from inventory import holds, moving, places, receiving, wastage
from inventory.clinic import PlaceKind, Temperature
from inventory.ledger import WasteReason
from inventory.moving import Load
from inventory.picking import NotEnoughStock
from inventory.places import BadPlace, NotAShelf, PlaceInUse, PlaceTaken, UnknownPlace, WrongTemperature
from inventory.proof import verify
from inventory.receiving import Delivery
from inventory.wastage import NotThatMuch
from tests.shelf import BY, NOW, TODAY, Clinic, refused, used


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    for item in drawn.add_items("HA 3 mL single_dose\nLIDO 20 mL multi_dose 28 d"):
        item.storage = "room_2_25"
    drawn.fridge = places.add(db, drawn.site, code="FRIDGE", name="Fridge", temperature=Temperature.COLD)
    drawn.cupboard = places.add(db, drawn.site, code="CUP-1", name="Cupboard 1", temperature=Temperature.ROOM)
    return drawn


def put(clinic, sku, number, containers, place="", *, expires_on=date(2026, 12, 31), on=TODAY, site=None):
    return receiving.receive(
        clinic.db,
        Delivery(clinic.item(sku), number, expires_on, containers, Decimal("16.50"), place=place),
        site=site or clinic.site,
        received_on=on,
        recorded_at=NOW,
        by=BY,
    )


def on_shelf(clinic, sku):
    """What stands where: {(place, lot): quantity}."""
    rows = places.stored(clinic.db, site=clinic.site, item_ids=[clinic.item(sku).id])
    return {(row.place, row.lot_number): row.quantity for row in rows}


def store(clinic, sku, storage):
    clinic.item(sku).storage = storage
    clinic.db.flush()


def test_a_site_has_as_many_shelves_as_it_adds_and_the_first_one_stays_the_first(clinic):
    assert [place.code for place in places.of_site(clinic.db, clinic.site, shelves_only=True)] == [
        "SHELF", "FRIDGE", "CUP-1",
    ]  # fmt: skip
    assert clinics.shelves(clinic.db, clinic.site.id)[0] == clinic.place(PlaceKind.SHELF)
    with refused(PlaceTaken, "MAIN has a place with the code FRIDGE already."):
        places.add(clinic.db, clinic.site, code="FRIDGE", name="Other", temperature=Temperature.COLD)
    with refused(UnknownPlace, "MAIN has no place with the code 'ATTIC'."):
        places.place(clinic.db, clinic.site, "ATTIC")


@pytest.mark.parametrize("code", ["", "fridge", "F" * 21, "F 1", "-F", "É"])
def test_a_code_that_no_label_would_carry_is_refused(clinic, code):
    with pytest.raises(BadPlace, match="1 to 20 capital letters"):
        places.add(clinic.db, clinic.site, code=code, name="Fridge", temperature=Temperature.COLD)


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x07b"])
def test_a_name_that_cannot_be_read_is_refused(clinic, name):
    with refused(BadPlace, "The name of a place has 1 to 120 printable characters."):
        places.change(clinic.db, clinic.fridge, name=name)


@pytest.mark.parametrize(
    ("storage", "allowed"),
    [
        ("fridge_2_8", {Temperature.ANY, Temperature.COLD}),
        ("room_15_25", {Temperature.ANY, Temperature.ROOM}),
        ("room_2_25", {Temperature.ANY, Temperature.COLD, Temperature.ROOM}),
        ("freezer_-25_-15", {Temperature.ANY, Temperature.FROZEN}),
        ("keep dry", set(Temperature)),
    ],
)
def test_a_place_must_lie_within_the_range_of_the_label(storage, allowed):
    assert {one for one in Temperature if places.allows(storage, one)} == allowed


def test_a_cold_item_is_not_put_in_a_cupboard(clinic):
    store(clinic, "HA", "fridge_2_8")

    put(clinic, "HA", "A17", 2, "FRIDGE")
    sentence = "HA is kept at 2 to 8 °C; Cupboard 1 is at 15 to 25 °C."
    with refused(WrongTemperature, sentence):
        put(clinic, "HA", "B02", 2, "CUP-1")

    assert on_shelf(clinic, "HA") == {("FRIDGE", "A17"): 6}


def test_a_receipt_without_a_place_goes_to_the_first_shelf_that_the_label_allows(clinic):
    first = places.place(clinic.db, clinic.site, "SHELF")
    places.change(clinic.db, first, temperature=Temperature.ROOM)
    store(clinic, "HA", "fridge_2_8")

    put(clinic, "HA", "A17", 2)
    store(clinic, "LIDO", "room_15_25")
    put(clinic, "LIDO", "L1", 1)

    assert on_shelf(clinic, "HA") == {("FRIDGE", "A17"): 6}
    assert on_shelf(clinic, "LIDO") == {("SHELF", "L1"): 20}
    store(clinic, "LIDO", "freezer_-25_-15")
    sentence = "LIDO is kept at -25 to -15 °C, and no shelf of MAIN is: add a place for it."
    with refused(WrongTemperature, sentence):
        put(clinic, "LIDO", "L2", 1)


def test_a_place_is_not_measured_warmer_than_what_is_in_it_allows(clinic):
    store(clinic, "HA", "fridge_2_8")
    put(clinic, "HA", "A17", 2, "FRIDGE")

    sentence = "HA is kept at 2 to 8 °C; Fridge is at 15 to 25 °C."
    with refused(WrongTemperature, sentence), clinic.db.begin_nested():
        places.change(clinic.db, clinic.fridge, temperature=Temperature.ROOM)

    clinic.db.refresh(clinic.fridge)
    assert clinic.fridge.temperature is Temperature.COLD


def test_a_place_is_given_up_when_it_is_empty_and_takes_nothing_afterwards(clinic):
    put(clinic, "HA", "A17", 2, "CUP-1")

    with refused(PlaceInUse, "Cupboard 1 is not empty: it holds HA. Move that first."):
        places.change(clinic.db, clinic.cupboard, active=False)
    moving.move(
        clinic.db, [Load(clinic.lot("HA", "A17"), Decimal(6))], to=clinic.fridge, site=clinic.site, at=NOW,
        recorded_at=NOW, by=BY,
    )  # fmt: skip
    places.change(clinic.db, clinic.cupboard, active=False)

    assert clinic.cupboard.id not in clinics.shelves(clinic.db, clinic.site.id)
    sentence = "MAIN Cupboard 1 was given up; stock is put on a shelf that is in use."
    with refused(NotAShelf, sentence):
        put(clinic, "HA", "B02", 2, "CUP-1")
    assert verify(clinic.db) == []


def test_the_last_shelf_of_a_site_is_not_given_up(db):
    clinic = Clinic(db)
    only = places.place(db, clinic.site, "SHELF")

    with refused(PlaceInUse, f"{only.name} is the last shelf of its site: add another one first."):
        places.change(db, only, active=False)


def test_a_quarantine_can_be_renamed_and_not_given_up(clinic):
    quarantine = places.place(clinic.db, clinic.site, "QUARANTINE")

    places.change(clinic.db, quarantine, name="Red box")
    with refused(NotAShelf, "Red box is no shelf: only its name can be changed."):
        places.change(clinic.db, quarantine, active=False)
    with refused(NotAShelf, "MAIN Red box holds what is quarantine; stock is put on a shelf that is in use."):
        put(clinic, "HA", "A17", 1, "QUARANTINE")


def test_a_session_draws_what_expires_first_wherever_it_stands(clinic):
    put(clinic, "HA", "LATE", 2, "FRIDGE", expires_on=date(2026, 12, 31))
    put(clinic, "HA", "SOON", 1, "CUP-1", expires_on=date(2026, 3, 31))
    put(clinic, "HA", "NEXT", 1, "SHELF", expires_on=date(2026, 6, 30))

    treated = clinic.treat("P-1", "HA 8")

    assert used(treated) == [
        ("HA", "SOON", 3, 0),
        ("HA", "NEXT", 3, 0),
        ("HA", "LATE", Decimal("2.1"), Decimal("0.9")),
    ]
    assert on_shelf(clinic, "HA") == {("FRIDGE", "LATE"): 3}
    assert verify(clinic.db) == []


def test_one_lot_on_two_shelves_is_drawn_from_both(clinic):
    put(clinic, "HA", "A17", 1, "FRIDGE")
    put(clinic, "HA", "A17", 1, "CUP-1")

    treated = clinic.treat("P-1", "HA 5")

    assert [use.quantity for use in treated.uses] == [3, Decimal("2.1")]
    assert on_shelf(clinic, "HA") == {}
    assert verify(clinic.db) == []


def test_a_multi_dose_vial_is_opened_from_the_shelf_on_which_it_stands(clinic):
    put(clinic, "LIDO", "L1", 2, "CUP-1")

    clinic.treat("P-1", "LIDO 3")
    wastage.open_vial(clinic.db, clinic.lot("LIDO", "L1"), site=clinic.site, at=NOW, recorded_at=NOW, by=BY)

    assert on_shelf(clinic, "LIDO") == {("OPENED", "L1"): 37}
    assert verify(clinic.db) == []


def test_a_write_off_names_the_place_or_takes_from_the_shelves_in_their_order(clinic):
    put(clinic, "HA", "A17", 2, "FRIDGE")
    put(clinic, "HA", "A17", 2, "CUP-1")
    lot, when = clinic.lot("HA", "A17"), {"site": clinic.site, "at": NOW, "recorded_at": NOW, "by": BY}

    wastage.write_off(
        clinic.db, lot, quantity_off=Decimal(3), reason=WasteReason.BROKEN, place=clinic.cupboard, **when
    )
    assert on_shelf(clinic, "HA") == {("FRIDGE", "A17"): 6, ("CUP-1", "A17"): 3}
    sentence = "Cupboard 1 at MAIN holds 3 mL of lot A17 sealed; 6 mL cannot be written off."
    with refused(NotThatMuch, sentence):
        wastage.write_off(
            clinic.db, lot, quantity_off=Decimal(6), reason=WasteReason.BROKEN, place=clinic.cupboard, **when
        )
    wastage.write_off(clinic.db, lot, quantity_off=Decimal(9), reason=WasteReason.BROKEN, **when)

    assert on_shelf(clinic, "HA") == {}
    assert verify(clinic.db) == []


def test_what_is_released_goes_back_to_the_shelves_it_came_from(clinic):
    put(clinic, "HA", "A17", 2, "FRIDGE")
    put(clinic, "HA", "A17", 1, "CUP-1")
    lot = clinic.lot("HA", "A17")

    holds.quarantine(clinic.db, lot, at=NOW, by=BY, reason="fridge alarm")
    assert on_shelf(clinic, "HA") == {("QUARANTINE", "A17"): 9}
    holds.release(clinic.db, lot, at=NOW, by=BY, reason="the log is fine")

    assert on_shelf(clinic, "HA") == {("FRIDGE", "A17"): 6, ("CUP-1", "A17"): 3}
    assert verify(clinic.db) == []


def test_what_is_released_goes_to_the_first_shelf_when_its_own_was_given_up(clinic):
    put(clinic, "HA", "A17", 1, "CUP-1")
    lot = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, lot, at=NOW, by=BY, reason="fridge alarm")
    places.change(clinic.db, clinic.cupboard, active=False)

    holds.release(clinic.db, lot, at=NOW, by=BY, reason="the log is fine")

    assert on_shelf(clinic, "HA") == {("SHELF", "A17"): 3}
    assert verify(clinic.db) == []


SPREAD = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=14)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lots=SPREAD, doses=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_fefo_over_several_places_is_fefo_over_one(db, lots, doses):
    """The same lots, spread over four shelves or on one: every session is supplied from the same lots."""
    answers = []
    for spread in (False, True):
        with db.begin_nested() as point:
            drawn = Clinic(db)
            drawn.add_items("HA 3 mL single_dose")
            codes = ["SHELF"]
            for number in range(1, 4):
                code = f"CUP-{number}"
                places.add(db, drawn.site, code=code, name=code, temperature=Temperature.ANY)
                codes.append(code)
            for key, (containers, weeks, place) in enumerate(lots):
                put(
                    drawn, "HA", f"A{key:02}", containers, codes[place] if spread else "SHELF",
                    expires_on=date(2026, 6, 1 + 4 * weeks),
                )  # fmt: skip
            answers.append([supplied(drawn, n, dose) for n, dose in enumerate(doses)])
            assert verify(db) == []
            point.rollback()

    assert answers[0] == answers[1]


def supplied(clinic, number, dose):
    """Which lots a session took, and how much of each; or the sentence of its refusal."""
    try:
        treated = clinic.treat(f"P-{number}", f"HA {dose}")
    except NotEnoughStock as refusal:
        return str(refusal)
    return used(treated)
