"""What supplies a session: all or nothing, by FEFO, as of its hour; what makes no sense is refused."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from inventory import holds, periods
from inventory.balances import WouldHaveBeenNegative
from inventory.catalog import UnknownIngredient, UnknownItem
from inventory.periods import PeriodClosed
from inventory.picking import NotEnoughStock, NotFirstToExpire
from inventory.treatments import BadPatientRef, MixedUnits, NothingToUse, check_patient_ref
from inventory.vials import PharmacyBulk
from tests.shelf import BY, NOW, Clinic, ingredient_line, line, refused, used


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("""
        HA      3 mL  single_dose  +0.15  of hyaluron
        HA1     1 mL  single_dose         of hyaluron
        LIDO   20 mL  multi_dose   28 d
        NEEDLE  1 each none        consumable
        BULK  100 mL  pharmacy_bulk       of saline
    """)
    return clinic


# All or nothing, by FEFO, with every reason (S7).


def test_a_session_that_cannot_be_supplied_whole_moves_nothing_and_says_all_that_is_short(clinic):
    clinic.receive("HA", "A17 exp 2026-12-31 2 x 16.50")
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    clinic.receive("NEEDLE", "N1 exp 2030-12-31 100 x 0.22")
    before = clinic.posted()

    sentence = "HA: 99 mL needed, 6 mL usable on 2026-01-15. LIDO: 21 mL needed, 20 mL usable on 2026-01-15."
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

    sentence = "HA: 9 mL needed, 3 mL usable on 2026-01-15 (3 mL expired, 6 mL quarantined, 9 mL recalled)."
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


def test_a_session_of_an_earlier_hour_passes_over_many_lots_that_were_held_back(clinic):
    clinic.receive("HA", "\n".join(f"L{n:02} exp 2026-03-{n:02} 1 x 16.50" for n in range(1, 13)))
    noon = NOW - timedelta(hours=2)
    for n in range(1, 12):
        held = clinic.lot("HA", f"L{n:02}")
        holds.quarantine(clinic.db, held, at=noon - timedelta(hours=1), by=BY, reason="fridge alarm")
        holds.release(clinic.db, held, at=noon + timedelta(hours=1), by=BY, reason="the probe was faulty")

    treated = backdated(clinic, "HA 2", at=noon)

    assert [use[1] for use in used(treated)] == ["L12"]


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
        "X" * 41,
        "P-1\n",
        "-1",
        "Zoë",
    ],
)
def test_what_is_no_chart_number_is_not_a_patient_ref(patient_ref):
    sentence = (
        "A patient is known by a chart number of 1 to 40 letters, digits and . _ / # - only; "
        "no name, date or e-mail."
    )
    with refused(BadPatientRef, sentence):
        check_patient_ref(patient_ref)
