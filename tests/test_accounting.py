"""The books: every movement across the border is an entry that balances, by one table (B1, B3)."""

from datetime import date
from decimal import Decimal

import pytest

from inventory.catalog import ItemKind
from inventory.clinic import HELD, PlaceKind
from inventory.ledger import WasteReason
from pricing import accounting, chart
from pricing.accounting import BadPeriod, Entry
from pricing.chart import Flow
from seed_data import read
from tests.month import FIRST, LAST, Month, opened_clinic, small_month

D = Decimal
DAY = date(2026, 1, 14)


def entries(month: Month, *, since: date = FIRST, until: date = LAST) -> list[Entry]:
    return list(accounting.journal(month.db, since=since, until=until))


def lines(entry: Entry) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.account, line.debit, line.credit) for line in entry.lines]


def only(month: Month) -> list[tuple[str, Decimal, Decimal]]:
    [entry] = entries(month)
    return lines(entry)


@pytest.mark.parametrize(
    ("sku", "delivery", "account", "value"),
    [
        ("HA", "B02 exp 2026-09-30 5 x 17.90", "1200", D("89.50")),
        ("NEEDLE", "N1 exp 2028-12-31 100 x 0.22", "1210", D("22.00")),
        ("CREAM", "C1 exp 2027-06-30 2 x 9.99", "1210", D("19.98")),
        ("SERUM", "S1 exp 2027-06-30 4 x 21.00", "1220", D("84.00")),
    ],
)
def test_a_delivery_is_owed_and_stands_in_the_inventory_account_of_its_kind(
    db, sku, delivery, account, value
):
    month = opened_clinic(db)

    month.clinic.receive(sku, delivery, on=DAY)

    assert only(month) == [(account, value, D(0)), ("2050", D(0), value)]


def test_a_session_is_cost_of_treatment_and_what_cannot_be_kept_stands_apart(db):
    month = opened_clinic(db)
    month.clinic.receive("NEEDLE", "N1 exp 2028-12-31 100 x 0.22", on=date(2025, 12, 22))

    month.treat(DAY, "P-1", "HA 2.5", "LIDO 3", "NEEDLE 10")

    # HA: one container of 3 mL for 16.50, 2.6 mL of it drawn and 0.4 mL discarded; LIDO: 3 of 20 mL for 3.20
    assert only(month) == [
        ("5000", D("14.78"), D(0)),
        ("5010", D("2.20"), D(0)),
        ("5020", D("2.20"), D(0)),
        ("1200", D(0), D("16.98")),
        ("1210", D(0), D("2.20")),
    ]


@pytest.mark.parametrize(
    ("reason", "account"),
    [
        (WasteReason.EXPIRED, "5100"),
        (WasteReason.BROKEN, "5110"),
        (WasteReason.CONTAMINATED, "5110"),
        (WasteReason.TEMPERATURE_EXCURSION, "5110"),
        (WasteReason.LOST, "5110"),
        (WasteReason.OTHER, "5110"),
        (WasteReason.BEYOND_USE, "5020"),
    ],
)
def test_the_reason_of_a_write_off_names_its_account(db, reason, account):
    month = opened_clinic(db)

    month.write_off(DAY, "HA", "A17", "3", reason, note="dropped")

    assert only(month) == [(account, D("16.50"), D(0)), ("1200", D(0), D("16.50"))]


def test_an_opened_vial_past_its_time_is_cost_of_treatment(db):
    month = opened_clinic(db)
    month.treat(date(2025, 12, 30), "P-1", "LIDO 5")

    month.discard_opened(DAY, "LIDO")

    assert only(month) == [("5020", D("2.40"), D(0)), ("1200", D(0), D("2.40"))]


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ("-3", [("5120", D("16.50"), D(0)), ("1200", D(0), D("16.50"))]),
        ("3", [("1200", D("3.00"), D(0)), ("5120", D(0), D("3.00"))]),
    ],
)
def test_a_count_difference_goes_to_its_own_account_both_ways(db, difference, expected):
    month = opened_clinic(db)

    month.count(DAY, "HA", "A17", difference)

    assert only(month) == expected


def test_what_goes_back_to_the_supplier_is_no_longer_owed(db):
    month = opened_clinic(db)

    month.send_back(DAY, "HA", "A17", "6")

    assert only(month) == [("2050", D("33.00"), D(0)), ("1200", D(0), D("33.00"))]


def test_a_reversal_writes_on_the_other_side_of_every_account_that_it_undoes(db):
    month = opened_clinic(db)
    document = month.treat(DAY, "P-1", "HA 2.5", "LIDO 3")

    month.reverse(date(2026, 1, 15), document)

    done, *undone = entries(month)
    back = {}
    for entry in undone:
        for account, debit, credit in lines(entry):
            have = back.get(account, (D(0), D(0)))
            back[account] = (have[0] + credit, have[1] + debit)
    assert back == {account: (debit, credit) for account, debit, credit in lines(done)}
    assert all(
        total.closing == total.opening for total in accounting.trial_balance(db, since=FIRST, until=LAST)
    )


def test_a_delivery_that_is_undone_is_received_with_a_minus_and_not_returned(db):
    month = opened_clinic(db)
    [received] = month.clinic.receive("HA", "B02 exp 2026-09-30 5 x 17.90", on=DAY)

    month.reverse(date(2026, 1, 15), received.receipt.document_id, reason="keyed twice")

    assert [lines(entry) for entry in entries(month)] == [
        [("1200", D("89.50"), D(0)), ("2050", D(0), D("89.50"))],
        [("2050", D("89.50"), D(0)), ("1200", D(0), D("89.50"))],
    ]


def test_what_moves_within_the_clinic_and_what_is_worth_nothing_make_no_entry(db):
    from inventory import holds

    month = opened_clinic(db)
    month.clinic.receive("HA", "FREE exp 2026-09-30 5 x 0", on=DAY)

    holds.quarantine(db, month.clinic.lot("HA", "A17"), at=month.at(DAY), by="mara", reason="fridge failed")

    assert entries(month) == []


def test_an_entry_tells_the_act_and_its_reference_but_never_whose_session_it_was(db):
    month = small_month(db)

    told = [entry.description for entry in entries(month)]

    assert "Goods received" in told
    assert "Treatment session" in told
    assert "Stock written off: =sample for the window" in told
    assert not any("P-1" in words or "P-3" in words for words in told)


def test_the_journal_of_a_month_balances_entry_by_entry_and_adds_up_to_the_trial_balance(db):
    month = small_month(db)

    journal = entries(month)
    balances = accounting.trial_balance(db, since=FIRST, until=LAST)

    for entry in journal:
        assert sum(line.debit for line in entry.lines) == sum(line.credit for line in entry.lines) > 0
        assert all(not line.debit or not line.credit for line in entry.lines)
    for total in balances:
        posted = [line for entry in journal for line in entry.lines if line.account == total.account]
        assert total.debit == sum(line.debit for line in posted)
        assert total.credit == sum(line.credit for line in posted)
    assert sum(total.opening for total in balances) == 0
    assert sum(total.closing for total in balances) == 0
    assert {total.account: total.closing for total in balances} == {
        "1200": D(
            "177.00"
        ),  # 264.10 came; 16.98 and 33.80 treated, 16.50 expired, 1.92 discarded, 17.90 missing
        "1210": D("38.15"),  # 41.98 came; 3.53 and 2.20 treated, 1.10 broken, 3.00 found
        "1220": D("21.00"),  # 84.00 came; 21.00 a sample, 42.00 sent back
        "2050": D("-348.08"),  # 390.08 came, 42.00 went back
        "5000": D("43.63"),
        "5010": D("5.73"),
        "5020": D("9.07"),  # remainders of 2.20 and 4.95, the opened vial's 1.92
        "5100": D("16.50"),
        "5110": D("22.10"),
        "5120": D("14.90"),
    }


def test_accounts_are_named_by_the_chart_and_go_without_a_name_where_it_has_none(db):
    month = opened_clinic(db)
    db.query(accounting.Account).filter_by(code="2050").delete()
    month.clinic.receive("HA", "B02 exp 2026-09-30 5 x 17.90", on=DAY)

    [entry] = entries(month)

    assert [(line.account, line.name) for line in entry.lines] == [
        ("1200", "Inventory - injectables and drugs"),
        ("2050", ""),
    ]


def test_entries_come_by_date_and_a_list_goes_on_after_any_of_them(db, monkeypatch):
    month = small_month(db)
    whole = entries(month)
    monkeypatch.setattr(accounting, "CHUNK", 2)

    days = [entry.on for entry in whole]
    assert days == sorted(days)
    assert len({entry.id for entry in whole}) == len(whole)
    assert entries(month) == whole
    for number, entry in enumerate(whole, start=1):
        after = accounting.journal(db, since=FIRST, until=LAST, after=entry.key)
        assert list(after) == whole[number:]


def test_a_late_entry_of_an_early_day_stands_among_its_day(db):
    month = small_month(db)

    month.clinic.receive("HA", "D04 exp 2026-10-31 1 x 18.00", on=date(2026, 1, 10))

    days = [entry.on for entry in entries(month)]
    assert days == sorted(days)
    assert days.count(date(2026, 1, 10)) == 1


def test_only_what_is_dated_in_the_period_is_in_the_journal(db):
    month = small_month(db)

    first_days = entries(month, until=date(2026, 1, 8))
    rest = entries(month, since=date(2026, 1, 9))

    assert first_days + rest == entries(month)
    assert {entry.on for entry in first_days} == {date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 8)}


def test_a_period_that_ends_before_it_begins_is_refused(db):
    with pytest.raises(BadPeriod, match="A period from 2026-01-31 cannot end on 2026-01-01"):
        next(accounting.journal(db, since=LAST, until=FIRST))
    with pytest.raises(BadPeriod):
        accounting.trial_balance(db, since=LAST, until=FIRST)


def test_every_account_that_the_table_names_is_in_the_chart():
    shipped = {row["account_code"] for row in read("chart_of_accounts")}

    named = {
        account
        for rule in chart.POSTINGS.values()
        for kind in ItemKind
        for account in rule.accounts(kind, mirrored=False)
    }

    assert named <= shipped


@pytest.mark.parametrize("held", sorted(HELD))
@pytest.mark.parametrize("beyond", sorted(set(PlaceKind) - HELD))
def test_from_and_to_every_place_beyond_the_border_there_is_a_rule_and_its_mirror(held, beyond):
    inward = beyond in (PlaceKind.SUPPLIER, PlaceKind.COUNT)

    out = chart.posting(held, beyond, None, mirrored=False)
    undone = chart.posting(beyond, held, None, mirrored=True)

    assert out is undone
    assert out.flow is not Flow.WITHIN
    for kind in ItemKind:
        debit, credit = out.accounts(kind, mirrored=False)
        assert credit in chart.INVENTORY_ACCOUNTS
        assert out.accounts(kind, mirrored=True) == (credit, debit)
    if inward:
        brought = chart.posting(beyond, held, None, mirrored=False)
        assert brought.accounts(ItemKind.RETAIL, mirrored=False)[0] == "1220"
