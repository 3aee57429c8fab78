"""The proof finds what it must: a sound book is sound, and each way of breaking it is named."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import corrections, holds, wastage
from inventory.clinic import CostFormula, PlaceKind
from inventory.ledger import Movement, WasteReason
from inventory.proof import INVARIANTS, MOST_SENTENCES, Breach, verify
from tests.shelf import BY, NOW, Clinic, line


@pytest.fixture
def clinic(db):
    """A clinic that has done a little of everything."""
    clinic = Clinic(db, share_opened_vials=True)
    clinic.add_items("""
        HA      3 mL  single_dose  +0.15
        LIDO   20 mL  multi_dose   28 d
        GEL    30 g   none         90 d  topical
    """)
    clinic.receive("HA", "A17 exp 2026-03-31 4 x 16.50\nB02 exp 2026-12-31 3 x 17.90")
    clinic.receive("LIDO", "L1 exp 2026-12-31 5 x 3.33\nL2 exp 2026-06-30 1 x 3.20 quarantined")
    clinic.receive("GEL", "G1 exp 2026-12-31 2 x 12.00")
    clinic.treat("P-1", "HA 4", "LIDO 25", "GEL 7", at=NOW + timedelta(hours=1))
    wrong = clinic.treat("P-2", "HA 1", "LIDO 2", at=NOW + timedelta(hours=2))
    how = {"at": NOW + timedelta(hours=3), "recorded_at": NOW + timedelta(hours=3), "by": BY}
    corrections.reverse_session(db, wrong.session, reason="the wrong chart", **how)
    wastage.write_off(
        db,
        clinic.lot("HA", "B02"),
        quantity_off=Decimal(3),
        reason=WasteReason.BROKEN,
        site=clinic.site,
        **how,
    )
    db.flush()
    return clinic


def names(db):
    return {breach.invariant for breach in verify(db)}


PLACEHOLDERS = {
    "[SHELF]": "(SELECT id FROM places WHERE kind = 'shelf')",
    "[A17]": "(SELECT id FROM lots WHERE number = 'A17')",
    "[B02]": "(SELECT id FROM lots WHERE number = 'B02')",
    "[L1]": "(SELECT id FROM lots WHERE number = 'L1')",
}


def break_it(db, statement, **values):
    """Do what no function of ours would; the guards of the database are laid aside for it."""
    dialect = db.get_bind().dialect.name
    guarded = ("movements", "documents", "receipts", "lot_events", "periods")
    for table in guarded:
        if dialect == "sqlite":
            db.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_update"))
            db.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_delete"))
        else:
            db.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for placeholder, key in PLACEHOLDERS.items():
        statement = statement.replace(placeholder, key)
    assert db.execute(sa.text(statement), values).rowcount, statement
    db.expire_all()


def test_a_sound_book_is_sound(clinic):
    assert verify(clinic.db) == []


@pytest.mark.parametrize("formula", CostFormula)
def test_a_book_is_sound_by_every_cost_formula(db, formula):
    clinic = Clinic(db, formula)
    clinic.add_items("LIDO 20 mL multi_dose 28 d")
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.33\nL2 exp 2026-06-30 2 x 9.99 on 2026-01-07")
    clinic.treat("P-1", "LIDO 33")

    assert verify(db) == []


def test_an_empty_book_is_sound(db):
    assert verify(db) == []


# Each way to break a book, and the invariants that notice.
BREAKAGES = {
    "a balance says more": (
        "UPDATE balances SET quantity = quantity + 30000 WHERE lot_id = [A17]",
        {"balances are the sums of movements", "layers hold the stock"},
    ),
    "a balance says part of a container": (
        "UPDATE balances SET quantity = quantity + 1 WHERE lot_id = [A17] AND place_id = [SHELF]",
        {
            "balances are the sums of movements",
            "layers hold the stock",
            "sealed stock is whole containers",
        },
    ),
    "a balance is lost": (
        "DELETE FROM balances WHERE lot_id = [A17]",
        {"balances are the sums of movements", "layers hold the stock"},
    ),
    "a balance has another expiry": (
        "UPDATE balances SET expires_on = '2030-01-01' WHERE lot_id = [A17]",
        {"balances repeat the facts"},
    ),
    "a balance forgot its latest day": (
        "UPDATE balances SET last_on = '2026-01-02' WHERE lot_id = [A17]",
        {"balances repeat the facts"},
    ),
    "a movement is lost": (
        "DELETE FROM movements WHERE lot_id = [B02] AND direction = -1",
        {
            "balances are the sums of movements",
            "layers are the sums of movements",
            "value is conserved",
            "balances repeat the facts",
        },
    ),
    "a movement is worth a cent more": (
        "UPDATE movements SET value = value + 1 WHERE lot_id = [B02] AND direction = -1",
        {"layers are the sums of movements", "value is conserved"},
    ),
    "a movement is dated before the stock came": (
        "UPDATE movements SET \"on\" = '2026-01-01' WHERE lot_id = [B02] AND direction = -1",
        {"no place was ever below zero", "value moves at the border", "balances repeat the facts"},
    ),
    "a movement goes the wrong way": (
        "UPDATE movements SET direction = 1 WHERE lot_id = [B02] AND direction = -1",
        {"value moves at the border", "layers are the sums of movements", "value is conserved"},
    ),
    "a receipt says another cost": (
        "UPDATE receipts SET value = value + 1 WHERE lot_id = [A17]",
        {"receipts are their movements", "value is conserved"},
    ),
    "a layer lost a cent": (
        "UPDATE cost_layers SET value_left = value_left - 1 WHERE lot_id = [L1]",
        {"layers are the sums of movements", "value is conserved"},
    ),
    "a layer has stock that no place has": (
        "UPDATE cost_layers SET quantity_left = quantity_left + 1 WHERE lot_id = [L1]",
        {"layers are the sums of movements", "layers hold the stock"},
    ),
    "an opened vial says more": (
        "UPDATE opened_vials SET remaining = remaining + 1 WHERE closed_at IS NULL",
        {"opened vials are their movements", "opened places are their vials"},
    ),
    "a vial was drawn from before it was opened": (
        "UPDATE movements SET \"on\" = '2026-01-14' WHERE vial_id IS NOT NULL AND direction = -1 "
        "AND corrects_id IS NULL AND lot_id = [L1]",
        {
            "no opened vial was ever below zero",
            "no place was ever below zero",
            "value moves at the border",
        },
    ),
    "an expired lot was used": (
        "UPDATE lots SET expires_on = '2026-01-14' WHERE id = [L1]",
        {"nothing past its date was used", "balances repeat the facts"},
    ),
    "a vial was used after its time": (
        "UPDATE opened_vials SET discard_at = opened_at WHERE closed_at IS NULL",
        {"nothing past its date was used"},
    ),
    "a correction undoes another amount": (
        "UPDATE movements SET quantity = quantity + 10000 "
        "WHERE corrects_id IS NOT NULL AND lot_id = [L1] AND direction = 1",
        {
            "reversals mirror what they correct",
            "balances are the sums of movements",
            "layers are the sums of movements",
            "opened vials are their movements",
        },
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_each_way_to_break_a_book_is_noticed_by_name(clinic, breakage):
    statement, noticed = BREAKAGES[breakage]

    break_it(clinic.db, statement)

    assert names(clinic.db) == noticed


def test_a_breach_is_a_sentence_with_the_numbers_in_it(clinic):
    lot, place = clinic.lot("HA", "A17").id, clinic.place(PlaceKind.SHELF)

    break_it(clinic.db, "UPDATE balances SET quantity = 15000 WHERE lot_id = [A17]")

    assert verify(clinic.db)[0] == Breach(
        "balances are the sums of movements",
        f"Place {place} is said to hold 1.5 of lot {lot}; its movements add up to 6.",
    )


def test_what_was_used_while_it_was_held_back_is_noticed(clinic):
    lot = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, lot, at=NOW + timedelta(hours=4), by=BY, reason="fridge alarm")
    assert verify(clinic.db) == []

    break_it(clinic.db, "UPDATE lot_events SET at = '2026-01-15 15:30:00+00' WHERE lot_id = :lot", lot=lot.id)

    assert names(clinic.db) == {"nothing held back was used"}


def test_of_two_who_asked_in_one_moment_the_ledger_says_who_was_first(clinic):
    lot, db, moment = clinic.lot("HA", "A17"), clinic.db, timedelta(milliseconds=20)
    then = NOW + timedelta(hours=4)
    clinic.treat("P-1", line("HA", "1", lot_id=lot.id), at=then + moment)
    holds.quarantine(db, lot, at=then, by=BY, reason="asked before the session, and waited for it")
    holds.release(db, lot, at=then + 3 * moment, by=BY, reason="all is well")
    clinic.treat("P-2", line("HA", "1", lot_id=lot.id), at=then + 2 * moment)
    assert verify(db) == []

    holds.recall(db, lot, at=then + 4 * moment, by=BY, reason="maker's letter")
    break_it(db, "UPDATE lot_events SET at = :at WHERE state = 'recalled'", at=str(NOW - moment))

    assert names(db) == {"nothing held back was used"}


def test_a_recall_that_waited_for_the_session_that_took_the_last_vial_is_dated_after_it(clinic):
    lot, then = clinic.lot("HA", "A17"), NOW + timedelta(hours=4)
    clinic.treat(
        "P-1", line("HA", str(clinic.held("HA")["A17"]), lot_id=lot.id), at=then + timedelta(milliseconds=20)
    )

    holds.recall(clinic.db, lot, at=then, by=BY, reason="asked before the session")

    assert verify(clinic.db) == []


def test_a_later_lot_taken_without_a_reason_is_noticed_and_with_one_is_not(clinic):
    later = clinic.lot("HA", "B02").id
    clinic.treat("P-1", line("HA", "2", lot_id=later, reason="reacted to A17"), at=NOW + timedelta(hours=5))
    assert verify(clinic.db) == []

    break_it(clinic.db, "UPDATE movements SET reason = NULL WHERE reason = 'reacted to A17'")

    document = clinic.db.scalar(sa.select(sa.func.max(Movement.document_id)))
    assert verify(clinic.db) == [
        Breach(
            "first expired went first",
            f"Document {document} took lot B02 on 2026-01-15 without a reason; "
            "lot A17 expires sooner and stayed.",
        )
    ]


def test_a_vial_that_served_two_patients_though_it_was_ones_is_noticed(clinic):
    clinic.treat("P-9", "LIDO 1", at=NOW + timedelta(hours=5))
    assert verify(clinic.db) == []

    break_it(clinic.db, "UPDATE opened_vials SET patient_ref = 'P-1' WHERE closed_at IS NULL")

    assert names(clinic.db) == {"one patient's vial served one patient"}


def test_what_was_recorded_in_a_month_after_it_was_closed_is_noticed(clinic):
    break_it(
        clinic.db,
        "INSERT INTO periods (month, closed_at, closed_by) "
        "VALUES ('2026-01-01', '2026-01-02 00:00:00+00', 'x')",
    )

    assert names(clinic.db) == {"closed months stayed closed"}


def test_an_allowed_correction_in_the_next_month_is_no_breach(clinic):
    lot = clinic.lot("GEL", "G1")
    use = clinic.db.scalars(
        sa.select(Movement).where(Movement.lot_id == lot.id, Movement.direction == -1)
    ).one()
    later = NOW + timedelta(days=40)

    corrections.reverse(clinic.db, use, at=later, recorded_at=later, by=BY, reason="the wrong line")

    assert date(2026, 2, 24) == clinic.site.day(later)
    assert verify(clinic.db) == []


def test_a_book_that_is_broken_everywhere_says_so_in_a_page(clinic):
    clinic.add_items("N 1 each none consumable")
    lots = (f"N{number} exp 2030-12-31 1 x 0.22" for number in range(MOST_SENTENCES + 5))
    clinic.receive("N", "\n".join(lots))

    break_it(clinic.db, "UPDATE balances SET expires_on = '2029-12-31'")

    assert len(verify(clinic.db)) == MOST_SENTENCES


def test_every_invariant_has_a_name_of_its_own_and_says_its_rules():
    assert len(set(INVARIANTS.values())) == len(INVARIANTS)
    assert all(check.__doc__ for check in INVARIANTS.values())
