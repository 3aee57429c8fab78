"""Cells and listings: whatever a person typed stays text, numbers keep their decimals, lists have no end."""

import io
import tempfile
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from api.listings import Column, Listing
from api.package import Book
from api.spreadsheets import Cell, Formula, Look, letters, plain_text

D = Decimal
AT = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
LEADS = [
    "=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "  +", "\ufeff=", "\u00a0=", "＝", "＋", "－", "＠", "=-",
    "'=", '"=', ";=", "%=", "|=", "\x00=",
]  # fmt: skip
TAILS = [
    "1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","y")', "SUM(1;2)", "A1", "\x01\x02",
    "</t></is><f>1+1</f>", "_x003D_1+1",
]  # fmt: skip


def book() -> Book:
    return Book(title="Test", subject="", author="test", currency="USD", at=AT)


def saved(made: Book) -> io.BytesIO:
    file = io.BytesIO()
    made.save(file)
    return file


def test_a_text_never_becomes_a_formula_whatever_it_begins_with():
    payloads = [lead + tail for lead in LEADS for tail in TAILS]
    made = book()
    listing = Listing(made, "Texts", [Column("Text")])
    for payload in payloads:
        listing.append(payload)
    listing.finish()

    file = saved(made)

    cells = [row[0] for row in openpyxl.load_workbook(file)["Texts"].iter_rows(min_row=2)]
    assert len(cells) == len(payloads) == 176
    assert {cell.data_type for cell in cells} == {"s"}
    for cell, payload in zip(cells, payloads, strict=True):
        # How a file says that a text reads "_x003D_" and is not the character of that number.
        assert cell.value.replace("_x005F_", "_") == plain_text(payload)
        if payload[0] in "=+-@\t\r\n＝＋－＠":
            assert cell.quotePrefix, payload
    file.seek(0)
    theirs = [row[0] for row in CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()[1:]]
    assert theirs == [plain_text(payload) for payload in payloads]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x00b\x0bc", "a\ufffdb\ufffdc"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("two\r\nlines\rthree", "two\nlines\nthree"),
        ("مصل 🧴 ‮", "مصل 🧴 ‮"),
        ("x" * 40_000, "x" * 32_767),
    ],
)
def test_what_a_file_cannot_hold_is_marked_and_everything_else_is_kept(text, kept):
    made = book()
    made.sheet("One").append([Cell(text)])

    assert plain_text(text) == kept
    assert openpyxl.load_workbook(saved(made))["One"]["A1"].value == kept


def test_a_hostile_title_of_the_file_harms_neither_its_footer_nor_its_properties():
    made = Book(title="=A1 & \x01 <b>\n" + "long " * 80, subject="\x00", author="&", currency="USD", at=AT)
    made.sheet("One").append([Cell("x")])

    read = openpyxl.load_workbook(saved(made))

    assert read.properties.title.startswith("=A1 & \ufffd <b> long")
    assert "&&" in read["One"].oddFooter.left.text


def test_a_small_workbook_is_made_without_a_file_that_a_full_disk_would_leave_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))  # where nothing can be written
    made = book()
    made.sheet("One").append([Cell("x")])

    read = openpyxl.load_workbook(saved(made))

    assert read["One"]["A1"].value == "x"


def test_numbers_keep_every_decimal_in_the_file():
    made = book()
    sheet = made.sheet("Numbers")
    for value, look in (
        (D("12.50"), Look.MONEY), (D("0E-4"), Look.QUANTITY), (D("1E+2"), Look.QUANTITY),
        (D("9999999999.99"), Look.MONEY), (D("-0.0001"), Look.QUANTITY),
    ):  # fmt: skip
        sheet.append([Cell(value, look)])
    sheet.flush()
    sheet.spool.seek(0)

    xml = sheet.spool.read().decode()

    for digits in ("12.50", "0", "100", "9999999999.99", "-0.0001"):
        assert f"<v>{digits}</v>" in xml
    values = [row[0] for row in openpyxl.load_workbook(saved(made))["Numbers"].iter_rows(values_only=True)]
    assert values == [12.5, 0, 100, 9999999999.99, -0.0001]


def test_a_date_is_a_date_an_instant_is_told_in_utc_and_what_no_calendar_has_is_text():
    made = book()
    sheet = made.sheet("Days")
    for value, look in (
        (date(2028, 2, 29), Look.DATE), (date(9999, 12, 31), Look.DATE), (date(1899, 5, 1), Look.DATE),
        (datetime.fromisoformat("2026-01-15T23:30:15-05:00"), Look.INSTANT),
    ):  # fmt: skip
        sheet.append([Cell(value, look)])

    values = [row[0] for row in openpyxl.load_workbook(saved(made))["Days"].iter_rows(values_only=True)]

    assert [str(value) for value in values] == [
        "2028-02-29 00:00:00",
        "9999-12-31 00:00:00",
        "1899-05-01",
        "2026-01-16 04:30:15",
    ]


def test_columns_are_named_as_spreadsheets_name_them():
    assert [letters(place) for place in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def test_a_listing_sums_counts_and_looks_up_over_all_its_sheets():
    made = book()
    listing = Listing(
        made, "It's long", [Column("Kind"), Column("Value", Look.MONEY, total=True)], most_rows=4
    )
    for number in range(5):
        listing.append("even" if number % 2 == 0 else "odd", D(number))
    listing.finish()

    assert [sheet.title for sheet in made.sheets] == ["It's long", "It's long 2", "It's long 3"]
    assert listing.total("Value") == Formula(
        "SUM('It''s long'!$B$2:$B$3,'It''s long 2'!$B$2:$B$3,'It''s long 3'!$B$2:$B$2)", D(10)
    )
    assert listing.where("Value", {"Kind": '"odd"'}).count("SUMIFS('It''s long") == 3
    assert listing.where(None, {"Kind": '"odd"'}).startswith("COUNTIFS('It''s long'!$A$2:$A$3,\"odd\")+")
    assert listing.numbered().answer == 0, "its first column is words"


def test_a_listing_without_rows_has_headers_and_formulas_that_say_nought():
    made = book()
    listing = Listing(made, "Empty", [Column("Kind"), Column("Value", Look.MONEY, total=True, zero=True)])
    listing.finish()

    assert listing.total("Value") == Formula("0", D(0))
    assert listing.where("Value", {"Kind": '"odd"'}) == "0"
    assert listing.sizes("Value") == Formula("0", D(0))
    page = openpyxl.load_workbook(saved(made))["Empty"]
    assert [[cell.value for cell in row] for row in page] == [["Kind", "Value"]]


def test_a_long_listing_lies_on_disk_and_not_in_memory():
    made = book()
    listing = Listing(made, "Long", [Column("Text"), Column("Value", Look.MONEY, total=True)])
    tracemalloc.start()

    for number in range(60_000):
        listing.append(f"a text that is told only once, number {number}", D(number))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert made.sheets[0].spool.tell() > 9_000_000
    assert most < 8_000_000
