"""The accountants' workbook: real dates, live sums, checks at zero, and text that stays text (B5)."""

import io
import os
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from openpyxl.cell import Cell

from api import workbook
from inventory import clinic
from inventory.errors import Invalid
from inventory.ledger import WasteReason
from pricing import course_life, course_money, deferred, quote_life, quotes, reports
from pricing.course_book import Method
from pricing.course_money import When
from pricing.quote_records import Quote
from pricing.quotes import Request
from seed_data import reference
from tests.month import BEFORE, FIRST, LAST, WRITTEN_AT, Month, opened_clinic, small_month
from tests.office import recalculated, without_answers
from tests.shelf import BY, NOW

D = Decimal
GOLDEN = Path(__file__).parent / "golden" / "accounting_workbook.txt"
SHEETS = [
    "Summary", "Roll-forward", "Valuation", "Movements", "Cost of treatment", "Wastage",
    "Purchases and GRNI", "Quotes",
    "Courses and deferred revenue", "Journal", "Control",
]  # fmt: skip
KEYS = {"Movement", "Entry", "Item no.", "Session", "Reverses", "Course"}
"""Columns of row keys, which differ from one database to the next."""


def write(month: Month, path: Path, **more: object) -> openpyxl.Workbook:
    asked = {"since": FIRST, "until": LAST, "at": WRITTEN_AT, "by": "vialbook", **more}
    workbook.write_accounting(month.db, path, **asked)
    return openpyxl.load_workbook(path)


def column(book: openpyxl.Workbook, sheet: str, title: str) -> list[Cell]:
    """The cells below a header, the total left out."""
    page = book[sheet]
    [place] = [cell.column for cell in page[1] if cell.value == title]
    return [row[place - 1] for row in page.iter_rows(min_row=2) if row[0].value != "Total"]


def month_with_a_quote(db) -> Month:
    month = small_month(db)
    reference.load(db, at=NOW)
    request = Request("P-00", "L2", date(2026, 2, 2), "C-1")
    quote = quotes.draft(db, request, site=month.clinic.site, at=month.at(date(2026, 1, 10)), by=BY)
    quote_life.issue(db, quote, site=month.clinic.site, at=month.at(date(2026, 1, 11)), by=BY)
    return month


def month_with_a_course(db) -> Month:
    """Sold and paid in part, then one session done and one missed that the policy uses up."""
    month = month_with_a_quote(db)
    site, sold = month.clinic.site, month.at(date(2026, 1, 12))
    course = quote_life.accept(db, db.scalars(sa.select(Quote)).one(), site=site, at=sold, by=BY)
    when = When(date(2026, 1, 12), sold, sold, BY)
    course_money.pay(db, course.id, D("300.00"), when=when, method=Method.CARD, deposit=True)
    later = When(date(2026, 1, 20), month.at(date(2026, 1, 20)), month.at(date(2026, 1, 20)), BY)
    course_life.complete_without_stock(db, course, 1, when=later, reason="laser only")
    course_life.complete_without_stock(db, course, 2, when=later, reason="laser only")
    return month


def as_text(book: openpyxl.Workbook) -> str:
    """Every cell of the workbook, one a line, with what kind of thing it is; row keys are hidden."""
    lines = []
    for page in book:
        heads = [cell.value for cell in page[1]]
        for row in page.iter_rows():
            for cell in row:
                if cell.value is None:
                    continue
                value = cell.value
                if isinstance(value, datetime):
                    value = value.isoformat(sep=" ", timespec="minutes")
                if cell.row > 1 and heads[cell.column - 1] in KEYS and value != "Total":
                    value = "#"
                lines.append(f"{page.title}!{cell.coordinate} {cell.data_type} {value}")
    return "\n".join(lines) + "\n"


def test_the_workbook_of_the_small_month_is_the_one_on_record_cell_by_cell(db, tmp_path):
    """Run once with VIALBOOK_WRITE_GOLDEN=1 to put a new one on record, and read the difference."""
    month = month_with_a_course(db)

    # A reversal and a course are named by their keys, which no two databases number alike.
    text = re.sub(r"(reverses|Course) \d+", r"\1 …", as_text(write(month, tmp_path / "month.xlsx")))

    if os.environ.get("VIALBOOK_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_it_has_the_agreed_sheets_with_frozen_headers_filters_and_no_merged_cell(db, tmp_path):
    month = month_with_a_quote(db)

    book = write(month, tmp_path / "month.xlsx")

    assert book.sheetnames == SHEETS
    for page in book:
        assert page.freeze_panes is not None, page.title
        assert not page.merged_cells.ranges, page.title
        assert page.dimensions.startswith("A1:"), page.title
        if page.title != "Summary":
            assert page.auto_filter.ref.startswith("A1:"), page.title
        for row in page.iter_rows():
            for cell in row:
                width = page.column_dimensions[cell.column_letter].width
                if isinstance(cell.value, str) and cell.data_type == "s" and cell.row > 1:
                    overhangs = page.title == "Summary" and cell.column > 2
                    assert overhangs or len(cell.value) < width, (page.title, cell.coordinate)


def test_dates_are_dates_amounts_are_numbers_in_the_currency_and_lot_numbers_are_text(db, tmp_path):
    month = month_with_a_quote(db)

    book = write(month, tmp_path / "month.xlsx")

    for sheet, title in (("Movements", "Date"), ("Valuation", "Expires"), ("Quotes", "Valid until")):
        for cell in column(book, sheet, title):
            assert isinstance(cell.value, datetime)
            assert cell.number_format == "yyyy-mm-dd"
    for sheet, title in (
        ("Movements", "Value change"),
        ("Valuation", "Value"),
        ("Cost of treatment", "Value used"),
    ):
        for cell in column(book, sheet, title):
            assert cell.data_type == "n"
            assert "[$$-409]#,##0.00" in cell.number_format
    assert "0012" in {cell.value for cell in column(book, "Valuation", "Lot")}
    assert {cell.data_type for cell in column(book, "Movements", "Lot")} == {"s"}
    assert {cell.data_type for cell in column(book, "Journal", "Account")} == {"s"}


def test_another_currency_shows_its_own_sign_or_code(db, tmp_path):
    month = small_month(db)

    for currency, shown in (("EUR", "[$€-2] #,##0.00"), ("CAD", "[$CAD] #,##0.00")):
        clinic.change_setting(db, "currency", currency, at=NOW, by=BY)
        book = write(month, tmp_path / f"{currency}.xlsx")
        assert column(book, "Valuation", "Value")[0].number_format.startswith(shown)
        assert book["Summary"]["B2"].value == currency


def test_the_file_says_what_it_is_and_the_same_books_give_the_same_bytes(db, tmp_path):
    month = small_month(db)

    book = write(month, tmp_path / "one.xlsx")
    write(month, tmp_path / "two.xlsx")
    write(month, tmp_path / "later.xlsx", at=datetime(2026, 2, 3, tzinfo=WRITTEN_AT.tzinfo))

    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()
    assert (tmp_path / "one.xlsx").read_bytes() != (tmp_path / "later.xlsx").read_bytes()
    assert book.properties.title == "Clinic: accounts of stock"
    assert book.properties.subject == "2026-01-01 to 2026-01-31"
    assert book.properties.creator == "vialbook"
    assert book.properties.created == book.properties.modified == WRITTEN_AT.replace(tzinfo=None)


def test_the_answers_beside_the_formulas_are_those_of_the_reports(db, tmp_path):
    month = small_month(db)
    write(month, tmp_path / "month.xlsx")

    book = openpyxl.load_workbook(tmp_path / "month.xlsx", data_only=True)

    closing = {cell.value: row for row, cell in enumerate(column(book, "Roll-forward", "SKU"))}
    values = column(book, "Roll-forward", "Closing value")
    for row in reports.roll_forward(db, since=FIRST, until=LAST):
        assert D(str(values[closing[row.item.sku]].value)) == row.value.closing
    assert {cell.value for cell in column(book, "Control", "Difference")} == {0}
    assert {cell.value for cell in column(book, "Control", "Result")} == {"agrees", "all agree"}


def test_libreoffice_reckons_every_formula_to_the_same_and_control_to_zero(db, tmp_path):
    month = month_with_a_quote(db)
    write(month, tmp_path / "month.xlsx")
    write(month, tmp_path / "parts.xlsx", most_rows=7)
    write(month, tmp_path / "empty.xlsx", since=date(2025, 1, 1), until=date(2025, 1, 31))
    written = [tmp_path / name for name in ("month.xlsx", "parts.xlsx", "empty.xlsx")]

    reckoned = recalculated(tmp_path, [without_answers(path) for path in written])

    for path, theirs in zip(written, reckoned, strict=True):
        ours, formulas = openpyxl.load_workbook(path, data_only=True), openpyxl.load_workbook(path)
        for page in formulas:
            for row in page.iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        mine = ours[page.title][cell.coordinate].value
                        yours = theirs[page.title][cell.coordinate].value
                        where = (path.name, page.title, cell.coordinate, cell.value)
                        assert mine == (pytest.approx(yours, abs=1e-6) if mine != yours else yours), where
        differences = [cell.value for cell in column(theirs, "Control", "Difference")]
        assert len(differences) > 15
        assert set(differences) == {0}, path.name


def test_a_figure_that_somebody_changes_shows_on_control(db, tmp_path):
    month = small_month(db)
    book = write(month, tmp_path / "month.xlsx")
    changed = column(book, "Movements", "Value change")[3]
    bare = without_answers(tmp_path / "month.xlsx", {("Movements", changed.coordinate): changed.value + 1})

    [theirs] = recalculated(tmp_path, [bare])

    rows = list(theirs["Control"].iter_rows(min_row=2, values_only=True))
    wrong = [row[0] for row in rows if row[4] == "DIFFERS"]
    assert "The same for every item, in value" in wrong
    assert "All changes of value by movements = closing - opening" not in wrong, "both sides are sums of it"
    assert rows[-1][4] == "LOOK ABOVE"
    assert theirs["Summary"]["B7"].value > 0


def test_a_list_longer_than_a_sheet_goes_on_over_the_next_and_loses_no_row(db, tmp_path):
    month = small_month(db)

    whole = write(month, tmp_path / "whole.xlsx")
    parts = write(month, tmp_path / "parts.xlsx", most_rows=7)

    names = [name for name in parts.sheetnames if name.startswith("Movements")]
    assert names == ["Movements", *(f"Movements {n}" for n in range(2, len(names) + 1))]
    assert len(names) > 3
    assert all(parts[name].max_row <= 7 for name in parts.sheetnames if name not in ("Summary", "Control"))
    assert all(parts[name].auto_filter.ref for name in names)
    keys = [cell.value for name in names for cell in column(parts, name, "Movement")]
    assert keys == [cell.value for cell in column(whole, "Movements", "Movement")]


def test_a_workbook_that_fails_on_the_way_leaves_no_file_and_the_old_one_as_it_was(db, tmp_path, monkeypatch):
    month = small_month(db)
    path = tmp_path / "books.xlsx"
    path.write_bytes(b"last month's")

    monkeypatch.setattr(workbook.Book, "save", _disk_full)
    with pytest.raises(OSError, match="no space left"):
        write(month, path)

    assert path.read_bytes() == b"last month's"
    assert [one.name for one in tmp_path.iterdir()] == ["books.xlsx"]


def _disk_full(_book: workbook.Book, out: io.BytesIO) -> None:
    out.write(b"half of it")
    raise OSError("no space left on device")


def test_a_period_that_ends_before_it_begins_is_refused_and_writes_nothing(db, tmp_path):
    month = opened_clinic(db)

    with pytest.raises(Invalid, match="A period from 2026-01-31 cannot end on 2026-01-01"):
        write(month, tmp_path / "books.xlsx", since=LAST, until=FIRST)

    assert list(tmp_path.iterdir()) == []


def test_it_can_be_written_to_an_open_file_and_tells_how_far_it_is(db):
    month = small_month(db)
    told: list[tuple[str, int]] = []
    file = io.BytesIO()

    written = workbook.write_accounting(
        db, file, since=FIRST, until=LAST, at=WRITTEN_AT, progress=lambda *so_far: told.append(so_far)
    )

    assert openpyxl.load_workbook(file).sheetnames == SHEETS
    assert dict(told) == written.rows
    assert written.rows["Movements"] == reports.count_movements(db, since=FIRST, until=LAST)
    assert month.clinic.posted() > written.rows["Movements"], "what came before the month is not in it"


def test_names_notes_and_lots_that_look_like_formulas_stay_text(db, tmp_path):
    month = opened_clinic(db)
    clinic.change_setting(db, "clinic_name", '=HYPERLINK("x")&<b>\x01', at=NOW, by=BY)
    for sku, name in (("HA", "=cmd|' /C calc'!A0"), ("LIDO", "\t@SUM(1)\x07"), ("SERUM", "مصل ‮ 🧴 _x0041_")):
        month.clinic.item(sku).name = name
    month.clinic.item("NEEDLE").sku = "+1-2"
    for sku, lot in (("HA", "=1+1"), ("SERUM", "-5"), ("+1-2", "@A1"), ("LIDO", "0012")):
        month.clinic.receive(sku, f"{lot} exp 2027-12-31 1 x 5", on=date(2026, 1, 5))
    month.write_off(date(2026, 1, 6), "SERUM", "-5", "50", WasteReason.OTHER, note="=1+1\nsecond line")

    book = write(month, tmp_path / "books.xlsx")

    live = [
        (page.title, cell.coordinate, cell.value)
        for page in book
        for row in page.iter_rows()
        for cell in row
        if cell.data_type == "f"
        and any(word in str(cell.value) for word in ("cmd", "HYPERLINK", "A1+", "1+1"))
    ]
    assert live == []
    assert book["Summary"]["A1"].value == '=HYPERLINK("x")&<b>\ufffd'
    assert book["Summary"]["A1"].data_type == "s"
    names = {cell.value: cell for cell in column(book, "Movements", "Item")}
    assert set(names) == {"=cmd|' /C calc'!A0", "\t@SUM(1)\ufffd", "مصل ‮ 🧴 _x005F_x0041_", "NEEDLE"}
    assert names["=cmd|' /C calc'!A0"].quotePrefix
    assert not names["NEEDLE"].quotePrefix
    lots = {cell.value: cell for cell in column(book, "Movements", "Lot")}
    assert {"=1+1", "-5", "@A1", "0012"} <= set(lots)
    assert {cell.data_type for cell in lots.values()} == {"s"}
    assert "=1+1\nsecond line" in {cell.value for cell in column(book, "Movements", "Note")}
    assert {
        cell.value
        for cell in column(
            openpyxl.load_workbook(tmp_path / "books.xlsx", data_only=True), "Control", "Difference"
        )
    } == {0}


def test_the_opening_of_a_period_is_what_was_there_before(db, tmp_path):
    month = small_month(db)

    book = write(month, tmp_path / "books.xlsx")

    opening = column(book, "Roll-forward", "Opening value")
    assert sum(D(str(cell.value)) for cell in opening) == sum(
        row.value for row in reports.valuation(db, on=BEFORE)
    )


def test_what_is_owed_on_courses_is_what_the_accounts_say(db, tmp_path):
    month = month_with_a_course(db)
    total = deferred.together(deferred.balances(db, on=LAST))

    book = write(month, tmp_path / "month.xlsx")

    [row] = [
        row for row in book["Courses and deferred revenue"].iter_rows(min_row=2, values_only=True)
        if row[0] != "Total"
    ]  # fmt: skip
    assert total.paid == 300
    assert total.deferred == 0  # two sessions earned more than was paid
    assert total.receivable == total.earned - 300 > 0
    assert (row[4], row[5]) == (4, 2)
    assert row[11].startswith("=SUMIFS('Journal'!")
    checks = {row[0].value: row[4].value for row in book["Control"].iter_rows(min_row=2)}
    assert {"Courses, deferred revenue = account 2100", "Courses, receivable = account 1100"} <= set(checks)
