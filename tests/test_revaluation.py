"""Another cost formula between two months: stock is worth what it would always have been (C1, C2)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic, corrections, periods, proof, revaluation, write_downs
from inventory.clinic import CostFormula
from inventory.ledger import WasteReason
from inventory.revaluation import EffectChanged, NoReason, NotBetweenPeriods, SameFormula
from inventory.treatments import TreatmentSession
from inventory.write_downs import Lower
from pricing import closing, reports
from tests.month import Month
from tests.shelf import BY, Clinic, refused
from tests.worked import example

FORMULAS = list(CostFormula)
FEBRUARY = date(2026, 2, 1)
THEN = datetime(2026, 2, 1, 15, 0, tzinfo=UTC)
CLOSING = {
    CostFormula.SPECIFIC: Decimal("300.00"),  # twelve of the lot that expires first, at 17.50
    CostFormula.FIFO: example("WE-05").numbers_expected[2],
    CostFormula.WEIGHTED_AVERAGE: example("WE-04").numbers_expected[3],
}


def worked(db, formula, *, close=True):
    """The history of WE-04 and WE-05, in January, and January closed."""
    opening, opening_cost, receipt, receipt_cost, issue = example("WE-04").numbers_given
    here = Clinic(db, formula)
    here.add_items("HA 1 each none")
    here.receive(
        "HA",
        f"""
        A17 exp 2027-12-31 {opening} x {opening_cost} on 2026-01-05
        B02 exp 2026-12-31 {receipt} x {receipt_cost} on 2026-01-10
        """,
    )
    here.treat("P-1", f"HA {issue}")
    if close:
        periods.close(db, date(2026, 1, 1), at=THEN, by=BY)
    return here


def change(here, formula, *, expected=None, reason="as our auditor asks"):
    if expected is None:
        expected = revaluation.preview(here.db, formula, on=FEBRUARY).difference
    return revaluation.change(
        here.db, formula, on=FEBRUARY, expected=expected, site=here.site, at=THEN, by=BY, reason=reason
    )


@pytest.mark.parametrize("after", FORMULAS)
@pytest.mark.parametrize("before", FORMULAS)
def test_the_worked_examples_hold_for_each_formula_whichever_was_in_force_before(db, before, after):
    here = worked(db, before)
    assert here.value("HA") == CLOSING[before]

    if before is not after:
        report = change(here, after)
        [item] = report.items
        assert (item.before, item.after) == (CLOSING[before], CLOSING[after])

    assert here.value("HA") == CLOSING[after]
    assert (
        reports.valuation(db, on=date(2026, 1, 31))[0].value
        + sum(row.value for row in reports.valuation(db, on=date(2026, 1, 31))[1:])
        == CLOSING[before]
    )
    assert sum(row.value for row in reports.valuation(db, on=FEBRUARY)) == CLOSING[after]
    assert sum(here.treat("P-2", "HA 1", at=THEN).cost for _ in range(18)) == CLOSING[after]
    assert here.value("HA") == 0
    assert proof.verify(db) == []


@pytest.mark.parametrize("formula", FORMULAS)
def test_worked_example_6_leaves_no_cent_under_any_formula(db, formula):
    units, cost, *issues = example("WE-06").numbers_given
    here = Clinic(db, formula)
    here.add_items("HA 1 each none")
    here.receive("HA", f"A17 exp 2026-12-31 {units} x {round(cost / units, 6)}")

    left = [here.treat("P-1", f"HA {issue}").cost for issue in issues]

    assert left == example("WE-06").numbers_expected[:3]
    assert here.value("HA") == 0


def test_what_was_used_before_goes_back_to_where_its_cost_is_kept_now(db):
    here = worked(db, CostFormula.FIFO)
    change(here, CostFormula.SPECIFIC)
    session = db.scalars(sa.select(TreatmentSession)).one()

    corrections.reverse_session(db, session, at=THEN, recorded_at=THEN, by=BY, reason="another patient")

    # Twelve of B02 left at the cost of A17 and came back to the layer of B02.
    assert here.held("HA") == {"A17": 10, "B02": 20}
    assert here.value("HA") == CLOSING[CostFormula.SPECIFIC] + 195
    assert proof.verify(db) == []
    assert sum(here.treat("P-2", "HA 1", at=THEN).cost for _ in range(30)) == Decimal("495.00")


def test_a_second_change_forgets_the_first_and_the_books_still_tie(db):
    here = worked(db, CostFormula.SPECIFIC)
    change(here, CostFormula.WEIGHTED_AVERAGE)
    periods.close(db, FEBRUARY, at=THEN + timedelta(days=30), by=BY)
    march = date(2026, 3, 1)

    shown = revaluation.preview(db, CostFormula.FIFO, on=march)
    revaluation.change(
        db,
        CostFormula.FIFO,
        on=march,
        expected=shown.difference,
        site=here.site,
        at=THEN,
        by=BY,
        reason="again",
    )

    assert here.value("HA") == CLOSING[CostFormula.FIFO]
    [row] = reports.roll_forward(db, since=FEBRUARY, until=march)
    assert (row.value.opening, row.value.revalued, row.value.closing) == (
        Decimal("300.00"),
        Decimal("15.00"),
        Decimal("315.00"),
    )
    assert proof.verify(db) == []


def test_a_formula_changes_only_where_a_closed_month_ends_and_before_anything_else_happens(db):
    here = worked(db, CostFormula.SPECIFIC, close=False)
    sentence = "Close the month before first: a cost formula changes between two periods."
    with refused(NotBetweenPeriods, sentence):
        change(here, CostFormula.FIFO, expected=Decimal(0))

    periods.close(db, date(2026, 1, 1), at=THEN, by=BY)
    sentence = (
        "The books are closed through 2026-01-31: the formula can change on 2026-02-01, not on 2026-02-02."
    )
    with refused(NotBetweenPeriods, sentence):
        revaluation.preview(db, CostFormula.FIFO, on=date(2026, 2, 2))

    treated = here.treat("P-2", "HA 1", at=THEN)
    sentence = (
        f"Entry ST-{treated.session.document_id} of 2026-02-01 has its cost by the formula of today. "
        "Change it between two months: one is closed, and nothing has come or gone in the next."
    )
    with refused(NotBetweenPeriods, sentence):
        change(here, CostFormula.FIFO, expected=Decimal(0))


def test_the_change_is_posted_as_it_was_shown_with_a_reason_or_not_at_all(db):
    here = worked(db, CostFormula.SPECIFIC)

    with refused(EffectChanged, "The change would now make 15.00 of difference, not 14.00: look at it anew."):
        change(here, CostFormula.FIFO, expected=Decimal("14.00"))
    with refused(NoReason, "Say why the cost formula changes: the auditor will ask."):
        change(here, CostFormula.FIFO, reason=" ")
    with refused(SameFormula, "The cost formula is specific already."):
        change(here, CostFormula.SPECIFIC, expected=Decimal(0))

    assert here.value("HA") == CLOSING[CostFormula.SPECIFIC]
    assert clinic.settings(db).cost_formula is CostFormula.SPECIFIC


def test_a_month_stays_closed_once_the_formula_changed_after_it(db):
    here = worked(db, CostFormula.SPECIFIC)
    change(here, CostFormula.FIFO)

    sentence = (
        "The cost formula changed on 2026-02-01: 2026-01 stays closed, for what is dated in it would "
        "have its cost by another formula."
    )
    with refused(NotBetweenPeriods, sentence):
        closing.reopen(db, date(2026, 1, 1), at=THEN, by=BY, reason="a bill was forgotten")


@pytest.mark.parametrize("formula", FORMULAS)
def test_worked_example_15_rolls_forward_under_each_formula_with_its_write_down(db, formula):
    opening, receipts, usage, wasted, written_down, found = example("WE-15").numbers_given
    here = Clinic(db, formula)
    here.add_items("HA 1 each none")
    held, came = (int(amount * 20) for amount in (opening, receipts))
    here.receive("HA", f"A17 exp 2027-12-31 {held} x 0.05 on 2025-12-31")
    here.receive("HA", f"A17 exp 2027-12-31 {came} x 0.05 on 2026-01-05")
    here.treat("P-1", f"HA {int(usage * 20)}")
    month, lot = Month(here), here.lot("HA", "A17")
    month.write_off(date(2026, 1, 15), "HA", "A17", str(int(wasted * 20)), WasteReason.BROKEN)
    worth = here.value("HA")
    how = {"site": here.site, "on": date(2026, 1, 16), "at": month.at(date(2026, 1, 16)), "by": BY}
    write_downs.write_down(db, [Lower(lot.id, worth - written_down)], reason="short-dated", **how)
    month.count(date(2026, 1, 17), "HA", "A17", str(found))

    [row] = reports.roll_forward(db, since=date(2026, 1, 1), until=date(2026, 1, 31))

    flows = row.value
    assert (flows.opening, flows.received, flows.used) == (opening, receipts, usage)
    assert (flows.wasted, flows.written_down, flows.counted) == (wasted, written_down, found)
    assert flows.closing == example("WE-15").numbers_expected[0] == here.value("HA")
