"""Text that people, suppliers and strangers type stays text in the workbook, whatever it looks like (B5)."""

import json
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from api.listings import Column, Listing
from api.package import Book
from api.spreadsheets import Formula, Look, plain_text

AT = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
NAMES = [
    one if isinstance(one, str) else one[0] * one[1]
    for one in json.loads((Path(__file__).parent / "hostile_names.json").read_text("utf-8"))
]
DAY = date(2026, 1, 31)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list with every name, beside a date, an amount and a formula of ours."""
    book = Book(title=NAMES[0], subject=NAMES[1], author=NAMES[2], currency="USD", at=AT)
    listing = Listing(
        book,
        "Names",
        [Column("Name"), Column("Day", Look.DATE), Column("Value", Look.MONEY, total=True), Column("Twice")],
    )
    for number, name in enumerate(NAMES):
        value = Decimal(number) / 100
        listing.append(name, DAY, value, Formula(f"2*{listing.here('Value')}", 2 * value))
    listing.finish()
    made = tmp_path_factory.mktemp("hostile") / "names.xlsx"
    with made.open("wb") as file:
        book.save(file)
    return made


def shown(text: str) -> str:
    """What a cell shows of a text: without what the format cannot hold, and cut where a cell ends."""
    return plain_text(text)


def unescaped(text: str) -> str:
    """What a program reads that knows how the format writes `_x0041_` where it is meant so."""
    return text.replace("_x005F_", "_")


def test_there_are_two_hundred_names():
    assert len(NAMES) == len(set(NAMES)) == 200
    assert max(map(len, NAMES)) > 32_767
    assert sum(name[:1] in "=+-@" for name in NAMES) > 50


def test_openpyxl_reads_every_name_as_text_and_dates_amounts_and_formulas_as_what_they_are(path: Path):
    page = openpyxl.load_workbook(path)["Names"]

    for name, row in zip(NAMES, page.iter_rows(min_row=2, max_row=len(NAMES) + 1), strict=True):
        text, day, value, twice = row
        assert text.data_type in ("s", "inlineStr"), name[:40]
        assert unescaped(text.value or "") == unescaped(shown(name))
        assert (day.data_type, day.value.date(), day.number_format) == ("d", DAY, "yyyy-mm-dd")
        assert value.data_type == "n"
        assert twice.data_type == "f"
    assert page.max_row == len(NAMES) + 2


def test_calamine_reads_every_name_as_text(path: Path):
    book = CalamineWorkbook.from_path(str(path))

    rows = book.get_sheet_by_name("Names").to_python(skip_empty_area=False)
    for name, row in zip(NAMES, rows[1 : len(NAMES) + 1], strict=True):
        assert isinstance(row[0], str)
        assert unescaped(row[0]).replace("\r\n", "\n") == unescaped(shown(name)), name[:40]
        assert row[1] == DAY
        assert isinstance(row[2], float)


def test_no_formula_in_the_file_is_other_than_ours(path: Path):
    with zipfile.ZipFile(path) as package:
        texts = {name: package.read(name).decode() for name in package.namelist() if name.endswith(".xml")}

    formulas = [found for text in texts.values() for found in re.findall(r"<f[ >].*?</f>", text, re.DOTALL)]
    assert len(formulas) == len(NAMES) + 1
    for formula in formulas:
        assert re.fullmatch(r"<f>(2\*C\d+|SUM\(C2:C\d+\))</f>", formula), formula


def test_what_would_be_live_elsewhere_is_marked_as_text_for_good(path: Path):
    page = openpyxl.load_workbook(path)["Names"]

    for name, [cell] in zip(NAMES, page.iter_rows(min_row=2, max_row=len(NAMES) + 1, max_col=1), strict=True):
        if name[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
            assert cell.quotePrefix, name[:40]
