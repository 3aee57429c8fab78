"""Closing a month: its checks, what is kept of it, and that it did not move (B4)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import holds, periods, stocktake, wastage
from inventory.history import valuation
from inventory.periods import NoReason, NotInTurn, NotOver, PeriodClosed
from inventory.snapshots import KeptLot
from inventory.stocktake import Scope
from pricing import accounting, closing, proof, reports
from pricing.closing import BooksDisagree, StillToDo
from tests.shelf import BY, Clinic, refused

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
LAST = date(2026, 1, 31)
LATER = datetime(2026, 2, 3, 15, tzinfo=UTC)


@pytest.fixture
def clinic(db):
    here = Clinic(db)
    here.add_items("HA 3 mL single_dose\nLIDO 20 mL multi_dose 28 d")
    here.receive("HA", "A17 exp 2026-09-30 10 x 16.50 on 2026-01-05")
    here.receive("LIDO", "L1 exp 2026-12-31 2 x 8.00 on 2026-01-05")
    here.treat("P-1", "HA 2.5", at=datetime(2026, 1, 12, 15, tzinfo=UTC))
    return here


def close(clinic, month=JANUARY, **how):
    return closing.close(clinic.db, month, **({"at": LATER, "by": BY} | how))


def found(clinic, month=JANUARY):
    return {check.code: check for check in closing.preview(clinic.db, month).checks}


def totals(clinic, on=LAST):
    rows = accounting.trial_balance(clinic.db, since=on.replace(day=1), until=on)
    return valuation(clinic.db, on=on), rows, closing.digest(clinic.db, after=None, until=on)


def test_a_month_with_nothing_left_to_do_closes_and_keeps_its_totals(clinic):
    assert [check.code for check in found(clinic).values() if not check.sound] == []

    close(clinic)

    (kept,) = periods.history(clinic.db)
    assert (kept.month, kept.by, kept.stands, kept.reason, kept.warnings) == (JANUARY, BY, True, "", "")
    assert {row.account: row.closing for row in closing.kept_accounts(clinic.db, kept)} == {
        "1200": Decimal("164.50"),
        "2050": Decimal("-181.00"),
        "5000": Decimal("14.30"),
        "5020": Decimal("2.20"),
    }
    assert sum(clinic.db.scalars(sa.select(KeptLot.value))) == Decimal("164.50")
    assert list(closing.moved(clinic.db, kept)) == []
    assert [breach for breach in proof.verify(clinic.db) if "moved" in breach.invariant] == []


def test_a_month_that_is_not_over_is_refused(clinic):
    almost = datetime(2026, 2, 1, 4, 59, tzinfo=UTC)  # still January in New York

    with refused(NotOver, "2026-01 is not over: it is 2026-01-31."):
        close(clinic, at=almost)
    close(clinic, at=almost + timedelta(minutes=1))


def test_what_is_left_to_be_done_is_named_and_closed_over_only_with_a_reason(clinic):
    stocktake.begin(clinic.db, Scope(), site=clinic.site, at=datetime(2026, 1, 20, 15, tzinfo=UTC), by=BY)

    left = {code: check.detail for code, check in found(clinic).items() if not check.sound}
    assert left == {"counts": "one count was begun and is neither posted nor given up"}
    said = "2026-01: No count is open? One count was begun and is neither posted nor given up. "
    with refused(StillToDo, said + "Finish it, or say why it is closed so."):
        close(clinic)
    close(clinic, reason="Posted in February, agreed with the accountant")

    (kept,) = periods.history(clinic.db)
    assert kept.reason == "Posted in February, agreed with the accountant"
    assert "One count was begun" in kept.warnings


def test_an_opened_vial_past_its_time_is_left_to_be_done_until_it_is_discarded(clinic):
    clinic.treat("P-2", "LIDO 1", at=datetime(2026, 1, 13, 15, tzinfo=UTC))
    march = datetime(2026, 3, 2, 15, tzinfo=UTC)

    assert found(clinic)["vials"].sound
    assert found(clinic, FEBRUARY)["vials"].detail == "one opened vial should have been discarded by then"
    (vial,) = clinic.opened("LIDO")
    when = datetime(2026, 2, 10, 15, tzinfo=UTC)
    wastage.discard(clinic.db, vial, site=clinic.site, at=when, recorded_at=march, by=BY)
    assert found(clinic, FEBRUARY)["vials"].sound


def test_books_that_disagree_are_not_closed_whatever_the_reason(clinic):
    unguarded(clinic.db, "movements")
    clinic.db.execute(sa.text("UPDATE movements SET value = value + 1 WHERE direction = 1"))

    assert not found(clinic)["inventory"].sound
    with pytest.raises(BooksDisagree, match="The inventory account is what the lots are worth"):
        close(clinic, reason="we want to go home")


@pytest.mark.parametrize(
    ("table", "statement", "sentence"),
    [
        ("movements", "UPDATE movements SET value = value + 1 WHERE direction = -1", "worth"),
        ("movements", "UPDATE movements SET reason = 'another' WHERE direction = 1", "The facts dated"),
        ("documents", "UPDATE documents SET by = 'somebody else'", "The facts dated"),
        ("period_lots", "UPDATE period_lots SET value = value + 1", "worth"),
        ("period_accounts", "UPDATE period_accounts SET debit = debit + 1 WHERE account = '1200'", "1200"),
        ("period_lots", "DELETE FROM period_lots", "worth"),
    ],
)
def test_what_moves_in_a_closed_month_behind_our_back_is_named(clinic, table, statement, sentence):
    close(clinic)
    unguarded(clinic.db, table)

    clinic.db.execute(sa.text(statement))

    breaches = [one for one in proof.verify(clinic.db) if one.invariant == "closed months did not move"]
    assert any(sentence in breach.sentence for breach in breaches), breaches


def test_closing_then_opening_again_changes_nothing(clinic):
    before = totals(clinic)
    close(clinic)

    closing.reopen(clinic.db, JANUARY, at=LATER, by="admin", reason="a bill came late")

    assert totals(clinic) == before
    assert periods.closed_through(clinic.db) is None
    (kept,) = periods.history(clinic.db)
    assert (kept.stands, kept.reopened_by, kept.reopened_because) == (False, "admin", "a bill came late")
    assert proof.verify(clinic.db) == []


def test_a_month_opened_again_takes_facts_and_is_closed_a_second_time(clinic):
    close(clinic)
    closing.reopen(clinic.db, JANUARY, at=LATER, by=BY, reason="a delivery was forgotten")
    later = LATER + timedelta(hours=1)

    clinic.receive("HA", "C1 exp 2026-09-30 1 x 10.00 on 2026-01-20")
    close(clinic, at=later)

    first, second = periods.history(clinic.db)
    assert (first.stands, second.stands) == (False, True)
    assert first.facts != second.facts
    assert proof.verify(clinic.db) == []
    with refused(PeriodClosed, "The books are closed through 2026-01-31; nothing can be dated 2026-01-20."):
        clinic.receive("HA", "C2 exp 2026-09-30 1 x 10.00 on 2026-01-20")


def test_only_the_last_closed_month_is_opened_again_and_only_with_a_reason(clinic):
    with refused(NotInTurn, "2026-01 cannot be opened again: no month is closed."):
        closing.reopen(clinic.db, JANUARY, at=LATER, by=BY, reason="why not")
    close(clinic)
    march = datetime(2026, 3, 2, 15, tzinfo=UTC)
    close(clinic, FEBRUARY, at=march)

    with refused(NotInTurn, "2026-01 cannot be opened again: the last closed month is 2026-02."):
        closing.reopen(clinic.db, JANUARY, at=march, by=BY, reason="why not")
    with refused(NoReason, "Say why 2026-02 is opened again; the reason is kept."):
        closing.reopen(clinic.db, FEBRUARY, at=march, by=BY, reason="  ")


def test_a_second_month_stands_on_the_first_and_is_proven_with_it(clinic):
    close(clinic)
    clinic.treat(
        "P-3", "HA 3", at=datetime(2026, 2, 10, 15, tzinfo=UTC), recorded_at=LATER + timedelta(days=9)
    )
    held = clinic.lot("HA", "A17")
    holds.quarantine(clinic.db, held, at=LATER + timedelta(days=10), by=BY, reason="a recall is expected")

    close(clinic, FEBRUARY, at=datetime(2026, 3, 2, 15, tzinfo=UTC))

    assert proof.verify(clinic.db) == []
    _, february = periods.history(clinic.db)
    assert (
        sum(clinic.db.scalars(sa.select(KeptLot.value).where(KeptLot.period_id == february.id)))
        == valuation(clinic.db, on=date(2026, 2, 28)).total
    )


def unguarded(db, table):
    """Lay the guard of a table aside, as who owns the database can."""
    if db.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            db.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
    else:
        db.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def test_a_report_that_begins_with_a_closing_says_what_one_from_the_beginning_says(clinic):
    for number in range(1, 9):
        on = date(2026, 2, 3 * number)
        clinic.receive("HA", f"F{number} exp 2027-09-30 {number} x 3.33 on {on}")
        when = datetime(2026, 2, 3 * number, 16, tzinfo=UTC)
        clinic.treat(f"P-{number}", "HA 2.5", at=when, recorded_at=when)
    days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 14), date(2026, 2, 28)]

    def told():
        return [
            (valuation(clinic.db, on=day), reports.roll_forward(clinic.db, since=day, until=days[-1]))
            for day in days
        ]

    before = told()
    close(clinic)

    assert told() == before
    close(clinic, FEBRUARY, at=datetime(2026, 3, 2, 15, tzinfo=UTC))
    assert told() == before


def test_who_was_let_in_before_the_closing_does_not_write_after_it(database, engine_name):
    if engine_name == "sqlite":
        pytest.skip("SQLite has one writer at a time: nobody closes while another writes")
    with database.write.begin() as db:
        shop = Clinic(db)
        shop.add_items("HA 3 mL single_dose")
        shop.receive("HA", "A17 exp 2026-09-30 10 x 16.50 on 2026-01-05")
    closed = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def close_meanwhile(_connection, _cursor, statement, *_more):
        if statement.startswith("INSERT INTO documents") and not closed:
            closed.append(JANUARY)
            with database.write.begin() as other:
                closing.close(other, JANUARY, at=LATER, by=BY)

    with pytest.raises(PeriodClosed), database.write.begin() as db:
        Clinic.at_main(db).treat("P-1", "HA 2.5", at=datetime(2026, 1, 12, 15, tzinfo=UTC), recorded_at=LATER)

    assert closed == [JANUARY]
    with database.read() as db:
        assert proof.verify(db) == []
        assert valuation(db, on=LAST).total == Decimal("165.00")
