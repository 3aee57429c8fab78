"""The journal for other software: its columns, dates and signs, its limits, and accounts that all have a
name there before anything is written (B6)."""

import csv
import io
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from api import journal_files, journal_rows
from api.package import NoRoom
from inventory import clinic
from inventory.ledger import WasteReason
from pricing import accounting, mapping
from pricing.accounting import BadPeriod
from pricing.mapping import AccountsNotMapped, BadAccountName, Software, Subject, UnknownAccount
from tests.month import FIRST, LAST, small_month
from tests.shelf import BY, NOW

D = Decimal
GOLDEN = Path(__file__).parent / "golden"
ROWS = (Software.XERO, Software.QBO, Software.IIF, Software.SAGE)
DATE_FORM = {
    Software.XERO: "%d/%m/%Y",
    Software.QBO: "%m/%d/%Y",
    Software.IIF: "%m/%d/%Y",
    Software.SAGE: "%d/%m/%Y",
}


def sample(software: Software) -> list[list[str]]:
    """A file of the kind, as its program's own help describes it."""
    return parsed((GOLDEN / f"journal_{software}.{journal_files.ending(software)}").read_bytes(), software)


def parsed(data: bytes, software: Software) -> list[list[str]]:
    text = data.decode("cp1252" if software in (Software.IIF, Software.SAGE) else "utf-8")
    assert text.endswith("\r\n")
    if software is Software.IIF:
        return [line.split("\t") for line in text.removesuffix("\r\n").split("\r\n")]
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def written(db, folder: Path, software: Software, since: date = FIRST, until: date = LAST):
    return journal_files.write(db, folder, software=software, since=since, until=until)


def lines(files: journal_files.JournalFiles) -> list[tuple[str, date, str, Decimal]]:
    """Entry, day, account as it is called there, and debit less credit of every line."""
    found = []
    for part in files.parts:
        for row in parsed(part.path.read_bytes(), files.software):
            if files.software is Software.XERO and not row[0].startswith("*"):
                found.append((row[0].rpartition("[")[2].rstrip("]"), row[1], row[3], D(row[5])))
            elif files.software is Software.QBO and row[0] != "Journal No":
                found.append((row[0], row[1], row[2], D(row[3] or 0) - D(row[4] or 0)))
            elif files.software is Software.IIF and row[0] in ("TRNS", "SPL"):
                found.append((row[5], row[2], row[3], D(row[4])))
            elif files.software is Software.SAGE and row[0] != "Type":
                sign = {"JD": 1, "JC": -1}[row[0]]
                assert D(row[7]) > 0
                found.append((row[5], row[4], row[2], sign * D(row[7])))
    form = DATE_FORM[files.software]
    days = {on: datetime.strptime(on, form).date() for _, on, _, _ in found}  # noqa: DTZ007
    return [(key, days[on], name, value) for key, on, name, value in found]


@pytest.mark.parametrize("software", ROWS)
def test_a_file_has_the_columns_that_the_program_asks_for_and_says_what_the_journal_says(
    db, tmp_path, software
):
    small_month(db)
    names = mapping.account_names(db, software)

    files = written(db, tmp_path, software)

    [part] = files.parts
    mine, theirs = parsed(part.path.read_bytes(), software), sample(software)
    for ours, asked in zip(mine[: len(journal_rows.FORMS[software].header)], theirs, strict=False):
        assert ours[: len(asked)] == asked
    found = lines(files)
    expected = [
        (entry.id, entry.on, names[line.account], line.debit - line.credit)
        for entry in accounting.journal(db, since=FIRST, until=LAST)
        for line in entry.lines
    ]
    assert found == expected
    assert len(found) > 20


@pytest.mark.parametrize("software", list(mapping.TARGETS))
def test_the_control_total_is_that_of_the_trial_balance_and_stands_in_the_name(db, tmp_path, software):
    small_month(db)

    files = written(db, tmp_path, software)

    total = sum(row.debit for row in accounting.trial_balance(db, since=FIRST, until=LAST))
    assert files.total == total > 0
    [path] = [one for one in tmp_path.iterdir()]
    assert path.name == f"journal-{software}-2026-01-01-2026-01-31-total-{total}.{path.suffix[1:]}"
    if software is Software.BEANCOUNT:
        assert f"; Control total of the debits: {total} USD" in path.read_text("utf-8")


def test_a_program_that_takes_so_many_lines_gets_several_numbered_files_and_no_entry_is_torn(
    db, tmp_path, monkeypatch
):
    small_month(db)
    whole = lines(written(db, tmp_path, Software.XERO))
    monkeypatch.setitem(
        journal_rows.FORMS, Software.XERO, replace(journal_rows.FORMS[Software.XERO], most_lines=9)
    )
    folder = tmp_path / "parts"
    folder.mkdir()

    files = written(db, folder, Software.XERO)

    assert len(files.parts) > 2
    assert lines(files) == whole
    seen: set[str] = set()
    for number, part in enumerate(files.parts, start=1):
        assert f"-{number}-of-{len(files.parts)}-total-{part.total}.csv" in part.path.name
        assert part.lines <= 9
        own = lines(journal_files.JournalFiles(Software.XERO, [part]))
        assert sum(value for *_, value in own if value > 0) == part.total
        keys = {key for key, *_ in own}
        assert not keys & seen
        seen |= keys
        assert sum(value for *_, value in own) == 0


def test_a_file_that_is_named_keeps_its_name_and_the_next_are_numbered(db, tmp_path, monkeypatch):
    small_month(db)
    monkeypatch.setitem(
        journal_rows.FORMS, Software.QBO, replace(journal_rows.FORMS[Software.QBO], most_lines=40)
    )

    files = written(db, tmp_path / "january.csv", Software.QBO)

    names = [part.path.name for part in files.parts]
    assert names[:2] == ["january.csv", "january-2.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


# Accounts


def test_the_clinic_s_own_numbers_are_written_and_a_site_is_a_department(db, tmp_path):
    month = small_month(db)
    mapping.rename(db, Software.SAGE, {"1200": "1001", "2050": "2109"}, at=NOW, by=BY)
    mapping.rename(
        db, Software.SAGE, {month.clinic.site.code: "7"}, subject=Subject.SITE, at=NOW, by=BY
    )  # fmt: skip

    files = written(db, tmp_path, Software.SAGE)

    accounts = {name for _, _, name, _ in lines(files)}
    assert {"1001", "2109", "5000"} <= accounts
    assert not {"1200", "2050"} & accounts
    [part] = files.parts
    assert {row[3] for row in parsed(part.path.read_bytes(), Software.SAGE)[1:]} == {"7"}


def test_an_account_without_a_name_is_named_before_anything_is_written(db, tmp_path):
    small_month(db)
    mapping.rename(db, Software.XERO, {"5000": "", "2050": "", "7000": ""}, at=NOW, by=BY)

    with pytest.raises(AccountsNotMapped) as refused:
        written(db, tmp_path, Software.XERO)

    assert str(refused.value).startswith(
        "In Xero 2050 Goods received not invoiced (GRNI) has no account; 5000 "
    )
    assert "7000" not in str(refused.value), "the period does not touch it"
    assert list(tmp_path.iterdir()) == []


def test_two_accounts_of_one_name_are_named_before_anything_is_written(db, tmp_path):
    small_month(db)
    mapping.rename(db, Software.BOOKS, {"1210": "inventory - INJECTABLES and drugs"}, at=NOW, by=BY)

    with pytest.raises(AccountsNotMapped, match="1200 and 1210 are both Inventory - injectables and drugs"):
        written(db, tmp_path, Software.QBO)

    assert list(tmp_path.iterdir()) == []
    assert written(db, tmp_path, Software.XERO).entries, "Xero knows them by their codes"


def test_an_account_that_the_chart_does_not_have_is_named(db, tmp_path):
    small_month(db)
    db.execute(mapping.Account.__table__.delete().where(mapping.Account.code == "5110"))

    with pytest.raises(AccountsNotMapped, match="5110, which the chart does not have has no account"):
        written(db, tmp_path, Software.IIF)


def test_names_are_refused_that_the_other_program_could_not_take(db):
    small_month(db)

    for software, name in (
        (Software.SAGE, "12A"),
        (Software.SAGE, "123456789"),
        (Software.XERO, "a code too long"),
        (Software.BEANCOUNT, "Cash:Bank"),
        (Software.QBO, "=cmd|' /C calc'!A0"),
        (Software.IIF, 'two\t"words"'),
        (Software.IIF, "Stock:" + "n" * 32),
        (Software.QBO, "n" * 121),
        (Software.BOOKS, ""),
    ):
        with pytest.raises(BadAccountName):
            mapping.rename(db, software, {"1200": name}, at=NOW, by=BY)
    with pytest.raises(UnknownAccount, match="no account with the code 9999"):
        mapping.rename(db, Software.XERO, {"9999": "1"}, at=NOW, by=BY)
    with pytest.raises(AccountsNotMapped, match="In Xero 1200 and 1210 are both 630"):
        mapping.rename(db, Software.XERO, {"1200": "630", "1210": "630"}, at=NOW, by=BY)
    assert mapping.account_names(db, Software.XERO)["1200"] == "1200"


def test_quickbooks_desktop_is_given_names_of_31_signs_which_is_all_it_keeps(db, tmp_path):
    small_month(db)

    names = mapping.account_names(db, Software.IIF)

    assert names["1200"] == "Inventory - injectables and dru"
    assert max(len(name) for name in names.values()) == 31
    assert len(set(names.values())) == len(names), "cut short, they are still told apart"
    mapping.rename(db, Software.IIF, {"1200": "Stock:" + "n" * 31}, at=NOW, by=BY)
    assert f"\tStock:{'n' * 31}\t" in written(db, tmp_path, Software.IIF).parts[0].path.read_text("cp1252")


def test_two_accounts_can_change_places_in_one_step_and_what_was_chosen_before_stays_on_record(db):
    small_month(db)

    assert mapping.rename(db, Software.XERO, {"1200": "1210", "1210": "1200"}, at=NOW, by=BY) == 2
    assert mapping.rename(db, Software.XERO, {"1200": "1210", "1210": "1200"}, at=NOW, by=BY) == 0
    mapping.rename(db, Software.XERO, {"1200": "630"}, at=NOW, by=BY)

    names = mapping.account_names(db, Software.XERO)
    assert (names["1200"], names["1210"]) == ("630", "1200")
    assert [one.name for one in db.query(mapping.NameElsewhere).order_by("id") if one.code == "1200"] == [
        "1210",
        "630",
    ]


# Odd input


def test_a_currency_without_cents_is_written_without_and_still_balances(db, tmp_path):
    small_month(db)
    clinic.change_setting(db, "currency", "JPY", at=NOW, by=BY)
    names = mapping.account_names(db, Software.QBO)

    files = written(db, tmp_path, Software.QBO)

    sums: dict[str, Decimal] = defaultdict(Decimal)
    entries: dict[str, Decimal] = defaultdict(Decimal)
    for key, _, name, value in lines(files):
        assert value == value.to_integral_value()
        sums[name] += value
        entries[key] += value
    assert set(entries.values()) == {0}
    assert ".5" not in files.parts[0].path.read_text("utf-8")
    for row in accounting.trial_balance(db, since=FIRST, until=LAST):
        if row.account != journal_rows.ROUNDING:
            assert abs(sums[names[row.account]] - (row.debit - row.credit)) <= 1, row


def test_notes_that_look_like_formulas_or_lines_stay_words_in_one_line(db, tmp_path):
    month = small_month(db)
    month.write_off(date(2026, 1, 24), "HA", "B02", "3", WasteReason.OTHER, note='=1+1\t"x"\r\nTRNS\tGENERAL')
    month.clinic.site.name = "=cmd|' /C calc'!A0"
    before = len(list(accounting.journal(db, since=FIRST, until=LAST)))

    for software in ROWS:
        files = written(db, tmp_path, software)
        rows = parsed(files.parts[0].path.read_bytes(), software)
        assert len({key for key, *_ in lines(files)}) == before
        assert len({len(row) for row in rows if row[0] not in ("ENDTRNS", "!ENDTRNS")}) == 1
        for row in rows:
            assert not any(cell[:1] in ("=", "+", "@", "\t") for cell in row), row


def test_a_month_that_has_not_begun_is_a_file_without_entries_and_ten_years_are_one(db, tmp_path):
    small_month(db)

    for software in mapping.TARGETS:
        empty = written(db, tmp_path, software, date(2031, 1, 1), date(2031, 1, 31))
        assert (empty.entries, empty.total) == (0, 0)
        assert len(empty.parts) == 1
        years = written(db, tmp_path, software, date(2020, 1, 1), date(2029, 12, 31))
        assert years.total == sum(
            entry.amount for entry in accounting.journal(db, since=date(2020, 1, 1), until=LAST)
        )


def test_a_period_that_ends_before_it_begins_writes_nothing(db, tmp_path):
    small_month(db)

    with pytest.raises(BadPeriod):
        written(db, tmp_path, Software.XERO, LAST, FIRST)

    assert list(tmp_path.iterdir()) == []


def test_what_fails_on_the_way_leaves_no_file_and_the_old_one_as_it_was(db, tmp_path, monkeypatch):
    small_month(db)
    path = tmp_path / "books.csv"
    path.write_bytes(b"last month's")

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_rows, "table", full)
    with pytest.raises(NoRoom, match="There is no room on the disk to write the journal for Xero"):
        written(db, path, Software.XERO)

    assert path.read_bytes() == b"last month's"
    assert [one.name for one in tmp_path.iterdir()] == ["books.csv"]
