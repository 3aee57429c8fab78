"""Reports: what stock did and is worth, and that every way to reckon it agrees (B3, C2, S11)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from inventory.clinic import CostFormula
from inventory.errors import Refusal
from inventory.ledger import WasteReason
from pricing import accounting, chart, quote_life, quotes, reports
from pricing.accounting import BadPeriod
from pricing.quotes import Request
from pricing.reports import Flows
from seed_data import reference
from tests.month import BEFORE, FIRST, LAST, Month, opened_clinic, small_month
from tests.shelf import BY, NOW
from tests.worked import example

D = Decimal
FORMULAS = tuple(CostFormula)


def rolled(month: Month, sku: str) -> reports.RollForwardRow:
    rows = reports.roll_forward(month.db, since=FIRST, until=LAST)
    [row] = [row for row in rows if row.item.sku == sku]
    return row


def test_the_roll_forward_of_the_worked_example_closes_as_the_accountant_wrote():
    opening, received, used, wasted, written_down, found = example("WE-15").numbers_given
    [closing] = example("WE-15").numbers_expected

    flows = Flows(opening=opening, received=received, used=used, wasted=wasted + written_down, counted=found)

    assert flows.closing == closing == D("12266.50")


def test_each_item_rolls_forward_in_quantity_and_to_the_cent(db):
    month = small_month(db)

    vial = rolled(month, "HA")

    assert vial.quantity == Flows(
        opening=D("30"),
        received=D("15"),
        used=D("7.7"),  # 2.5 and 5, and 0.1 lost in drawing each
        discarded=D("1.3"),
        wasted=D("3"),
        returned=D(0),
        counted=D("-3"),
    )
    assert vial.quantity.closing == D("30")
    assert vial.value == Flows(
        opening=D("165.00"),
        received=D("89.50"),
        used=D("42.35"),
        discarded=D("7.15"),
        wasted=D("16.50"),
        returned=D(0),
        counted=D("-17.90"),
    )
    assert vial.value.closing == D("170.60")


def test_what_went_back_to_the_supplier_and_what_a_count_found_have_columns_of_their_own(db):
    month = small_month(db)

    serum, needle = rolled(month, "SERUM"), rolled(month, "NEEDLE")

    assert (serum.quantity.returned, serum.value.returned) == (D("100"), D("42.00"))
    assert (needle.quantity.counted, needle.value.counted) == (D("3"), D("3.00"))
    assert (needle.quantity.wasted, needle.value.wasted) == (D("5"), D("1.10"))


def test_what_was_undone_in_the_period_is_as_if_it_had_not_been(db):
    month = opened_clinic(db)
    before = reports.roll_forward(db, since=FIRST, until=LAST)
    document = month.treat(date(2026, 1, 9), "P-2", "HA 5", "LIDO 2")

    month.reverse(date(2026, 1, 9), document)

    assert reports.roll_forward(db, since=FIRST, until=LAST) == before


def test_what_was_undone_in_a_later_month_comes_off_that_month(db):
    month = opened_clinic(db)
    document = month.treat(date(2026, 1, 9), "P-2", "HA 5")

    month.reverse(date(2026, 2, 3), document)

    [january] = [row for row in reports.roll_forward(db, since=FIRST, until=LAST) if row.item.sku == "HA"]
    february = reports.roll_forward(db, since=date(2026, 2, 1), until=date(2026, 2, 28))
    [vial] = [row for row in february if row.item.sku == "HA"]
    assert january.value.used + january.value.discarded == D("33.00")
    assert vial.value.used == -january.value.used
    assert vial.value.closing == january.value.opening == D("165.00")


def test_an_item_that_had_nothing_and_did_nothing_has_no_row(db):
    month = opened_clinic(db)

    rows = reports.roll_forward(db, since=FIRST, until=LAST)

    assert [row.item.sku for row in rows] == ["HA", "LIDO"]
    assert month.clinic.item("SERUM")


def test_months_join_without_a_gap(db):
    small_month(db)

    january = {row.item.id: row for row in reports.roll_forward(db, since=FIRST, until=LAST)}
    february = reports.roll_forward(db, since=date(2026, 2, 1), until=date(2026, 2, 28))

    for row in february:
        assert row.quantity.opening == january[row.item.id].quantity.closing
        assert row.value.opening == january[row.item.id].value.closing


def test_the_valuation_names_each_lot_with_its_expiry_places_and_unit_cost(db):
    month = small_month(db)

    rows = {row.lot_number: row for row in reports.valuation(db, on=LAST)}

    assert rows["A17"].places == "MAIN shelf"
    assert rows["A17"].quantity == D("18")
    assert rows["A17"].value == D("99.00")
    assert rows["A17"].unit_cost == D("5.5")
    assert rows["A17"].expires_on == date(2026, 3, 31)
    assert rows["C1"].places == "MAIN shelf, MAIN opened"
    assert rows["C1"].quantity == D("56")
    assert sum(row.value for row in rows.values()) == D("236.15")
    assert month.clinic.held("LIDO") == {"L01": D("40")}


def test_a_valuation_of_a_past_day_knows_nothing_of_what_came_after(db):
    small_month(db)

    rows = reports.valuation(db, on=BEFORE)

    assert [(row.lot_number, row.value) for row in rows] == [("A17", D("165.00")), ("L01", D("9.60"))]


def test_the_cost_of_treatment_names_session_patient_and_lot_and_takes_back_what_was_undone(db):
    small_month(db)

    rows = list(reports.cost_of_treatment(db, since=FIRST, until=LAST))

    vials = [row for row in rows if row.item.sku == "HA"]
    assert [(row.on.day, row.patient_ref, row.used_value, row.discarded_value) for row in vials] == [
        (8, "P-1", D("14.30"), D("2.20")),
        (9, "P-2", D("28.05"), D("4.95")),
        (9, "P-2", D("-28.05"), D("-4.95")),
        (12, "P-3", D("28.05"), D("4.95")),
    ]
    assert {row.formulation for row in rows} == {"F-01 version 1"}
    assert sum(row.used_value for row in rows) == D("43.63") + D("5.73")
    assert [row.on for row in rows] == sorted(row.on for row in rows)


def test_a_session_that_was_undone_is_not_counted(db):
    month = small_month(db)
    before = reports.count_sessions(db, since=FIRST, until=LAST)

    month.treat(date(2026, 1, 28), "P-4", "HA 1")

    assert before == 2, "of three, one was undone"
    assert reports.count_sessions(db, since=FIRST, until=LAST) == 3


def test_a_quote_is_dated_when_it_was_drafted_until_it_is_issued(db):
    month = opened_clinic(db)
    reference.load(db, at=NOW)
    site = month.clinic.site
    request = Request("P-00", "L2", date(2026, 3, 2), "C-1", discount_rate=D("0.05"))
    late = datetime.fromisoformat("2026-02-01T04:30:00+00:00")  # still January in New York

    quote = quotes.draft(db, request, site=site, at=late, by=BY)
    [drafted] = reports.quotes(db, since=FIRST, until=LAST)
    quote_life.issue(db, quote, site=site, at=month.at(date(2026, 2, 3)), by=BY)

    assert (drafted.number, drafted.status, drafted.on) == ("", "draft", LAST)
    assert reports.quotes(db, since=FIRST, until=LAST) == ()
    [issued] = reports.quotes(db, since=date(2026, 2, 1), until=date(2026, 2, 28))
    assert (issued.number, issued.status, issued.on) == ("Q-2026-00001", "issued", date(2026, 2, 3))
    assert issued.protocol == "P-00"
    assert issued.subtotal - issued.discount + issued.tax == issued.total > 0


def test_wastage_is_told_by_reason_item_and_lot_with_the_account_that_bears_it(db):
    small_month(db)

    rows = reports.wastage(db, since=FIRST, until=LAST)

    assert [(row.reason, row.account, row.item.sku, row.lot_number, row.value) for row in rows] == [
        ("beyond_use", "5020", "LIDO", "L01", D("1.92")),
        ("broken", "5110", "NEEDLE", "0012", D("1.10")),
        ("expired", "5100", "HA", "A17", D("16.50")),
        ("other", "5110", "SERUM", "S1", D("21.00")),
        ("single_dose_remainder", "5020", "HA", "A17", D("7.15")),
    ]


def test_waste_that_was_undone_is_not_wastage(db):
    month = opened_clinic(db)
    month.write_off(date(2026, 1, 14), "HA", "A17", "3", WasteReason.BROKEN)
    [row] = [row for row in reports.movements(db, since=FIRST, until=LAST)]

    month.reverse(date(2026, 1, 14), int(row.entry.removeprefix("ST-")), reason="found it whole")

    assert reports.wastage(db, since=FIRST, until=LAST) == ()


def test_movements_are_told_in_the_order_of_their_days_with_what_each_did_to_stock(db, monkeypatch):
    small_month(db)
    whole = list(reports.movements(db, since=FIRST, until=LAST))
    monkeypatch.setattr(accounting, "CHUNK", 3)

    assert list(reports.movements(db, since=FIRST, until=LAST)) == whole
    assert [row.on for row in whole] == sorted(row.on for row in whole)
    assert len(whole) == reports.count_movements(db, since=FIRST, until=LAST)
    opened = [row for row in whole if row.target == "MAIN opened" and row.item.sku == "LIDO"]
    assert [(row.flow, row.quantity, row.change, row.value) for row in opened] == [
        ("within", D(20), D(0), D(0))
    ]
    back = [row for row in whole if row.corrects is not None and row.item.sku == "HA"]
    assert {row.flow for row in back} == {"used", "discarded"}
    assert sum(row.value for row in back) == D("33.00")


def test_the_books_agree_three_ways_today_and_two_ways_on_a_day_gone_by(db):
    small_month(db)

    today = reports.reconcile(db, on=LAST)
    then = reports.reconcile(db, on=date(2026, 1, 12))

    assert (today.account, today.valuation, today.layers) == (D("236.15"), D("236.15"), D("236.15"))
    assert today.difference == 0
    assert then.account == then.valuation
    assert then.layers is None


def test_a_book_that_was_tampered_with_shows_the_gap(db):
    from inventory.layers import CostLayer

    small_month(db)
    layer = db.query(CostLayer).filter(CostLayer.value_left > 1).order_by(CostLayer.id).first()

    layer.value_left -= D("0.01")
    db.flush()

    assert reports.reconcile(db, on=LAST).difference == D("0.01")


@pytest.mark.parametrize(
    "report",
    [reports.roll_forward, reports.wastage, reports.quotes, reports.movements, reports.cost_of_treatment],
)
def test_a_period_that_ends_before_it_begins_is_refused(db, report):
    with pytest.raises(BadPeriod, match="A period from 2026-01-31 cannot end on 2026-01-01"):
        list(report(db, since=LAST, until=FIRST))


@pytest.mark.parametrize("seed", range(9))
def test_whatever_a_month_brings_every_way_to_reckon_it_agrees(db, seed):
    formula = FORMULAS[seed % len(FORMULAS)]
    month = opened_clinic(db, formula=formula)

    done = live_through(month, Random(seed))

    assert done > 10, "the month must not be refused away"
    for until in (date(2026, 1, 11), date(2026, 1, 20), LAST):
        agrees(month, until)
    assert reports.reconcile(db, on=LAST).layers is not None


def live_through(month: Month, chance: Random) -> int:
    """A month of random acts; answers how many were not refused."""
    acts, documents, done = ("receive", "treat", "treat", "treat", "write_off", "count", "undo"), [], 0
    for step in range(40):
        day = FIRST + timedelta(days=step * 30 // 40)
        act = chance.choice(acts)
        try:
            with month.db.begin_nested():
                documents += live(month, chance, act, day, step, documents)
            done += 1
        except Refusal:
            continue
    return done


def live(month: Month, chance: Random, act: str, day: date, step: int, documents: list[int]) -> list[int]:
    """One act; answers the document that may be undone later."""
    cents = D(chance.randint(1, 9999)) / 100
    if act == "receive":
        sku = chance.choice(("HA", "LIDO", "NEEDLE", "CREAM", "SERUM"))
        lot = f"R{step}" if chance.random() < 0.7 else "R0"
        month.clinic.receive(sku, f"{lot} exp 2026-12-31 {chance.randint(1, 9)} x {cents}", on=day)
    elif act == "treat":
        dose, numbing = D(chance.randint(1, 80)) / 10, D(chance.randint(1, 60)) / 10
        return [month.treat(day, f"P-{step}", f"HA {dose}", f"LIDO {numbing}")]
    elif act == "write_off":
        reason = chance.choice((WasteReason.EXPIRED, WasteReason.BROKEN, WasteReason.LOST))
        month.write_off(day, "HA", "A17", str(3 * chance.randint(1, 2)), reason)
    elif act == "count":
        month.count(day, "HA", "A17", str(3 * chance.choice((-1, 1, 2))))
    elif documents:
        month.reverse(day, documents.pop(chance.randrange(len(documents))))
    return []


def agrees(month: Month, until: date) -> None:
    """Trial balance, roll-forward, valuation, journal and lists say the same of a period."""
    db = month.db
    balances = accounting.trial_balance(db, since=FIRST, until=until)
    rows = reports.roll_forward(db, since=FIRST, until=until)
    worth: dict[int, Decimal] = {}
    held: dict[int, Decimal] = {}
    for lot in reports.valuation(db, on=until):
        worth[lot.item.id] = worth.get(lot.item.id, D(0)) + lot.value
        held[lot.item.id] = held.get(lot.item.id, D(0)) + lot.quantity

    assert sum(total.closing for total in balances) == 0
    assert sum(total.debit for total in balances) == sum(total.credit for total in balances)
    for row in rows:
        assert row.value.closing == worth.get(row.item.id, D(0))
        assert row.quantity.closing == held.get(row.item.id, D(0))
    assert reports.reconcile(db, on=until).difference == 0
    net = {total.account: total.debit - total.credit for total in balances}
    assert sum(row.value.used for row in rows) == sum(
        net.get(code, D(0)) for code in chart.TREATMENT_ACCOUNTS
    )
    treated = list(reports.cost_of_treatment(db, since=FIRST, until=until))
    assert sum(row.used_value for row in treated) == sum(row.value.used for row in rows)
    lost = sum(row.value for row in reports.wastage(db, since=FIRST, until=until))
    assert lost == sum(row.value.discarded + row.value.wasted for row in rows)
