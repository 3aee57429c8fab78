"""Wastage: whatever is thrown away has a reason, and its cost is known (S11)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import proof, wastage
from inventory.catalog import NotWholeContainers
from inventory.clinic import PlaceKind
from inventory.ledger import Document, WasteReason
from inventory.vials import VialClosed
from inventory.wastage import NotThatMuch, ReasonNeeded, VialElsewhere
from tests.conftest import rolled_back
from tests.shelf import BY, NOW, Clinic, refused


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    return clinic


def when(clinic, at=NOW):
    return {"site": clinic.site, "at": at, "recorded_at": at, "by": BY}


def write_off(clinic, quantity, *, sku="HA", number="A17", reason=WasteReason.BROKEN, **more):
    lot = clinic.lot(sku, number)
    return wastage.write_off(
        clinic.db, lot, quantity_off=Decimal(quantity), reason=reason, **{**when(clinic), **more}
    )


def opened(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20")
    clinic.treat("P-1", "LIDO 5")
    return clinic.opened("LIDO")[0]


OF_PEOPLE = [reason for reason in WasteReason if reason is not WasteReason.SINGLE_DOSE_REMAINDER]


@pytest.mark.parametrize("reason", OF_PEOPLE)
def test_whole_containers_are_written_off_with_their_reason_and_their_cost(clinic, reason):
    gone = write_off(clinic, 6, reason=reason, note="two vials")

    assert (gone.quantity, gone.value, gone.reason) == (6, Decimal("33.00"), reason)
    assert clinic.held("HA") == {"A17": 24}
    assert clinic.value("HA") == Decimal("132.00")
    assert clinic.moved("HA")[-1] == ("A17", "shelf", "waste", 6, Decimal("33.00"), reason.value)


def test_part_of_a_sealed_container_is_not_written_off(clinic):
    sentence = "4 mL is not a whole number of sealed containers: one HA holds 3 mL."
    with refused(NotWholeContainers, sentence):
        write_off(clinic, 4)

    assert clinic.held("HA") == {"A17": 30}


def test_more_than_there_is_is_not_written_off(clinic):
    with refused(NotThatMuch, "MAIN holds 30 mL of lot A17 sealed; 33 mL cannot be written off."):
        write_off(clinic, 33)


@pytest.mark.parametrize("quantity", ["0", "-3"])
def test_nothing_and_less_is_not_written_off(clinic, quantity):
    with refused(NotThatMuch, f"A write-off of lot A17 is more than 0, not {quantity}."):
        write_off(clinic, quantity)


def test_other_says_what_happened(clinic):
    write_off(clinic, 3, reason=WasteReason.OTHER, note="given to the trade fair")

    for note in ("", "   "):
        with refused(ReasonNeeded, "The reason 'other' needs a note that says what happened."):
            write_off(clinic, 3, reason=WasteReason.OTHER, note=note)


def test_a_single_dose_remainder_belongs_to_its_session(clinic):
    sentence = "A single-dose remainder is discarded by the session that opened the container."
    with refused(ReasonNeeded, sentence):
        write_off(clinic, 3, reason=WasteReason.SINGLE_DOSE_REMAINDER)


def test_an_expired_lot_can_be_disposed_of(clinic):
    # A peer refused every movement of an expired batch, so it could never leave the books.
    clinic.receive("HA", "OLD exp 2026-01-14 2 x 16.50")

    gone = write_off(clinic, 6, number="OLD", reason=WasteReason.EXPIRED)

    assert gone.value == Decimal("33.00")
    assert clinic.held("HA") == {"A17": 30}


@pytest.mark.parametrize("state", ["quarantined", "recalled"])
def test_what_is_held_back_can_be_disposed_of_from_quarantine(clinic, state):
    clinic.receive("HA", f"B02 exp 2026-12-31 2 x 16.50 {state}")

    write_off(clinic, 6, number="B02", reason=WasteReason.TEMPERATURE_EXCURSION)

    assert clinic.held("HA", PlaceKind.QUARANTINE) == {}
    assert clinic.moved("HA")[-1][1:4] == ("quarantine", "waste", 6)


def test_some_of_a_vial_is_spilt_and_the_rest_stays_in_use(clinic):
    vial = opened(clinic)

    gone = write_off(clinic, "2.5", sku="LIDO", number="L1", opened=vial)

    assert (gone.vial_id, gone.value) == (vial.id, Decimal("0.40"))
    assert (vial.remaining, vial.closed_at) == (Decimal("12.5"), None)
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": Decimal("12.5")}


def test_more_than_a_vial_holds_is_not_spilt(clinic):
    vial = opened(clinic)

    sentence = (
        f"Opened vial {vial.id} holds 15 mL of its lot; 15.1 mL of lot L1 cannot be written off from it."
    )
    with refused(NotThatMuch, sentence):
        write_off(clinic, "15.1", sku="LIDO", number="L1", opened=vial)


def test_a_vial_of_another_lot_is_not_touched(clinic):
    vial = opened(clinic)
    clinic.receive("LIDO", "L2 exp 2026-12-31 2 x 3.20")

    sentence = f"Opened vial {vial.id} holds 15 mL of its lot; 1 mL of lot L2 cannot be written off from it."
    with refused(NotThatMuch, sentence):
        write_off(clinic, 1, sku="LIDO", number="L2", opened=vial)


def test_a_vial_of_another_site_is_not_touched(clinic):
    # Each site has a vial of the lot open: the one must not be charged to the other.
    vial = opened(clinic)
    south = clinic.open_site("SOUTH")
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20", site=south)
    clinic.treat("P-2", "LIDO 5", site=south)

    with refused(VialElsewhere, f"Opened vial {vial.id} is not at SOUTH."):
        write_off(clinic, 1, sku="LIDO", number="L1", opened=vial, site=south)


def test_what_is_left_in_a_vial_is_discarded_and_the_vial_is_closed(clinic):
    vial = opened(clinic)

    gone = wastage.discard(clinic.db, vial, **when(clinic))

    assert (gone.quantity, gone.value, gone.reason) == (15, Decimal("2.40"), WasteReason.BEYOND_USE)
    assert (vial.remaining, vial.closed_at) == (0, NOW)
    assert clinic.moved("LIDO")[-1] == ("L1", "opened", "waste", 15, Decimal("2.40"), "beyond_use")


def test_a_closed_vial_is_not_discarded_again(clinic):
    vial = opened(clinic)
    wastage.discard(clinic.db, vial, **when(clinic))

    with refused(VialClosed, f"Opened vial {vial.id} was closed at {vial.closed_at}; nothing is left of it."):
        wastage.discard(clinic.db, vial, **when(clinic))


def test_the_evenings_one_call_closes_what_is_past_its_time_and_nothing_else(clinic):
    first = opened(clinic)
    later = NOW + timedelta(days=20)
    clinic.treat("P-2", "LIDO 5", at=later)
    a_second_early = NOW + timedelta(days=28) - timedelta(seconds=1)
    assert wastage.discard_due(clinic.db, **when(clinic, a_second_early)) == ()

    gone = wastage.discard_due(clinic.db, **when(clinic, NOW + timedelta(days=28)))

    assert [(one.vial_id, one.quantity) for one in gone] == [(first.id, 15)]
    assert [vial.remaining for vial in clinic.opened("LIDO")] == [15]
    assert wastage.discard_due(clinic.db, **when(clinic, NOW + timedelta(days=28))) == ()


def test_the_evenings_call_names_what_it_threw_away_and_what_that_had_cost(clinic):
    vial = opened(clinic)
    after = NOW + timedelta(days=28)

    (gone,) = wastage.discard_due(clinic.db, **when(clinic, after))

    assert (gone.sku, gone.name, gone.lot.number, gone.unit) == ("LIDO", "LIDO", "L1", "mL")
    assert (gone.value, gone.discard_at, gone.discard_rule) == (
        Decimal("2.40"),
        vial.discard_at,
        "label: 672 h in use",
    )


def test_each_site_has_its_own_evening_and_its_own_day(clinic):
    south = clinic.open_site("SOUTH", time_zone="Asia/Tokyo")
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20")
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20", site=south)
    clinic.treat("P-1", "LIDO 5")
    clinic.treat("P-2", "LIDO 5", site=south)
    evening = NOW + timedelta(days=28, hours=2)  # noon in New York, and the next day in Tokyo

    here = wastage.discard_due(clinic.db, **when(clinic, evening))
    there = wastage.discard_due(clinic.db, **{**when(clinic, evening), "site": south})

    assert [len(here), len(there)] == [1, 1]
    days = [clinic.db.get_one(Document, one.document_id).on for one in (*here, *there)]
    assert days == [date(2026, 2, 12), date(2026, 2, 13)]
    assert clinic.opened("LIDO") == []


@settings(max_examples=20, derandomize=True, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 500)), min_size=1, max_size=8))
def test_the_evenings_call_once_more_adds_nothing(shared_database, acts):
    with rolled_back(shared_database) as db:
        clinic = Clinic(db, share_opened_vials=True)
        clinic.add_items("LIDO 20 mL multi_dose 28 d\nSHORT 5 mL multi_dose 6 h")
        clinic.receive("LIDO", "L1 exp 2026-12-31 40 x 3.20")
        clinic.receive("SHORT", "S1 exp 2026-02-01 40 x 1.10")
        now = NOW
        for what, hours in acts:
            now += timedelta(hours=hours)
            sku, number = ("LIDO", "L1") if what % 2 or now.month > 1 else ("SHORT", "S1")
            lot = clinic.lot(sku, number)
            wastage.open_vial(db, lot, site=clinic.site, at=now, recorded_at=now, by=BY)

        due = [one for sku in ("LIDO", "SHORT") for one in clinic.opened(sku) if one.discard_at <= now]
        first = wastage.discard_due(db, **when(clinic, now))
        posted = clinic.posted()
        again = wastage.discard_due(db, **when(clinic, now))

        assert sorted(one.vial_id for one in first) == sorted(one.id for one in due)
        assert again == ()
        assert clinic.posted() == posted
        left = [one for sku in ("LIDO", "SHORT") for one in clinic.opened(sku)]
        assert all(one.discard_at > now for one in left)
        assert proof.verify(db) == []
