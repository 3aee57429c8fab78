"""Files that people bring: what is read, what is refused, and that a hostile one harms nobody."""

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import tables
from api.tables import EmptyTable, FileTooLarge, Row, Table, UnreadableFile, UnsafeFile, read_table
from inventory.errors import Refusal

SHEET = "xl/worksheets/sheet1.xml"


def workbook(rows: Sequence[Sequence[object]], **sheets: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for title, content in {"List": rows, **sheets}.items():
        sheet = book.active if title == "List" else book.create_sheet(title)
        for number, row in enumerate(content, start=1):
            for place, value in enumerate(row, start=1):
                if value is not None:
                    sheet.cell(number, place, value)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """The workbook with some of its parts replaced or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), *changes]):
            new.writestr(name, changes[name] if name in changes else old.read(name))
    return file.getvalue()


LIST = [["SKU", "Qty"], ["HA-5", 12], ["LIDO", 3]]


def test_a_workbook_is_read_with_dates_as_dates_and_the_row_numbers_that_people_see():
    moment = datetime(2027, 1, 2, 3)  # noqa: DTZ001  (a spreadsheet knows no zones)
    data = workbook(
        [[], ["SKU", "Exp.", "Qty", "Cost"], [], ["HA-5", date(2027, 6, 30), 12, 17.9], [None, moment, "x"]]
    )

    table = read_table("stock.xlsx", data)

    assert table == Table(
        headers=("SKU", "Exp.", "Qty", "Cost"),
        rows=(Row(4, ("HA-5", date(2027, 6, 30), 12.0, 17.9)), Row(5, ("", moment, "x", ""))),
    )


def test_the_first_visible_sheet_that_holds_anything_is_read():
    book = openpyxl.load_workbook(io.BytesIO(workbook([["secret"], ["x"]], Empty=[], Stock=LIST)))
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1

    assert read_table("stock.xlsx", saved(book)).headers == ("SKU", "Qty")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("SKU,Qty\nHA-5,12\nLIDO,3\n", "utf-8"),
        ("SKU;Qty\r\nHA-5;12\r\nLIDO;3", "utf-8-sig"),
        ("SKU\tQty\nHA-5\t12\nLIDO\t3\n", "utf-16"),
        ('"SKU","Qty"\n"HA-5","12"\n\n"LIDO","3"\n', "cp1252"),
        ("sep=;\nSKU;Qty\nHA-5;12\nLIDO;3\n", "cp1252"),
    ],
)
def test_csv_is_read_whatever_its_separator_and_encoding(text, encoding):
    table = read_table("stock.csv", text.encode(encoding))

    assert table.headers == ("SKU", "Qty")
    assert [row.cells for row in table.rows] == [("HA-5", "12"), ("LIDO", "3")]


def test_accents_survive_in_either_encoding():
    for encoding in ("utf-8", "cp1252"):
        table = read_table("a.csv", "SKU;Name\nX;Solución «5 mL»\n".encode(encoding))

        assert table.rows == (Row(2, ("X", "Solución «5 mL»")),)


def test_a_formula_in_a_csv_stays_text():
    table = read_table("a.csv", b"SKU,Note\nX,=1+1\nY,@SUM(A1)\n")

    assert [row.cells[1] for row in table.rows] == ["=1+1", "@SUM(A1)"]


@pytest.mark.parametrize(
    ("data", "refusal", "sentence"),
    [
        (b"", EmptyTable, "needs a row of headers"),
        (b"SKU,Qty\n", EmptyTable, "at least one row below"),
        (b"SKU,Qty\n,\n", EmptyTable, "at least one row below"),
        (b'SKU,Qty\n"HA-5,12\n', UnreadableFile, "Row 2 is not csv"),
        (b"SKU,Qty\nA\x00,1\n", UnreadableFile, "not text"),
        (b"\x81\x8d\x8f\x90\x9d", UnreadableFile, "not text"),
        (b"SKU," * 41 + b"\n" + b"1," * 41, FileTooLarge, "columns"),
        (b"SKU\n" + b"x\n" * 50_001, FileTooLarge, "more than 50,000 rows"),
        (b"SKU\n" + b"x" * 5_000_000, FileTooLarge, "5,000,004 bytes"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), UnsafeFile, "password or is an old .xls"),
        (b"PK\x03\x04 and nothing else", UnreadableFile, "damaged"),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(data, refusal, sentence):
    with pytest.raises(refusal, match=sentence):
        read_table("stock.csv", data)


def test_a_file_named_like_a_workbook_must_be_one():
    with pytest.raises(UnreadableFile, match="is none"):
        read_table("stock.xlsx", b"SKU,Qty\nHA-5,12\n")


def test_a_zip_that_is_no_workbook_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("content.xml", "<office/>")

    with pytest.raises(UnreadableFile, match="a zip and no workbook"):
        read_table("stock.ods", file.getvalue())


@pytest.mark.parametrize(
    ("changes", "refusal", "sentence"),
    [
        (
            {SHEET: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'},
            UnsafeFile,
            "document type",
        ),
        (
            {SHEET: "<?xml version='1.0'?><!DOCTYPE x><worksheet/>".encode("utf-16")},
            UnsafeFile,
            "document type",
        ),
        ({"xl/vbaProject.bin": b"macro"}, UnsafeFile, "macros"),
        ({f"xl/media/{n}.png": b"" for n in range(200)}, UnsafeFile, "parts"),
        ({"xl/media/zeros": bytes(30_000_001)}, FileTooLarge, "unpacks to more than 30,000,000 bytes"),
        ({SHEET: b"no xml"}, (UnreadableFile, EmptyTable), None),
        ({"xl/workbook.xml": b"<broken"}, (UnreadableFile, EmptyTable), None),
    ],
)
def test_a_hostile_workbook_is_refused_before_it_is_parsed(changes, refusal, sentence):
    with pytest.raises(refusal, match=sentence):
        read_table("stock.xlsx", repacked(workbook(LIST), changes))


def test_a_workbook_is_counted_by_its_real_bytes_and_not_by_what_it_says():
    data = repacked(workbook(LIST), {"xl/media/zeros": bytes(40_000_000)})
    honest = (40_000_000).to_bytes(4, "little")
    assert data.count(honest) == 2

    with pytest.raises(Refusal):
        read_table("stock.xlsx", data.replace(honest, (10).to_bytes(4, "little")))


def test_an_encrypted_member_is_refused():
    data = bytearray(workbook(LIST))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1

    with pytest.raises(UnsafeFile, match="without a password"):
        read_table("stock.xlsx", bytes(data))


def test_a_cell_that_is_very_far_away_does_not_take_the_server_down():
    book = openpyxl.load_workbook(io.BytesIO(workbook(LIST)))
    book.active["XFD1048576"] = "far"
    data = saved(book)
    assert len(data) < 10_000

    with pytest.raises(FileTooLarge, match="too many cells"):
        read_table("stock.xlsx", data)


def test_one_long_text_repeated_in_every_cell_does_not_fill_the_memory():
    data = workbook([[1]] * 20_000)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        sheet, links = package.read(SHEET), package.read("xl/_rels/workbook.xml.rels")
    bomb = repacked(
        data,
        {
            SHEET: sheet.replace(b't="n"><v>1</v>', b't="s"><v>0</v>'),
            "xl/sharedStrings.xml": b"<sst><si><t>" + b"x" * 1_000_000 + b"</t></si></sst>",
            "xl/_rels/workbook.xml.rels": links.replace(
                b"</Relationships>",
                b'<Relationship Id="rId99" Target="sharedStrings.xml" Type="http://schemas.openxmlformats.org'
                b'/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
            ),
        },
    )
    assert len(bomb) < 200_000

    with pytest.raises(FileTooLarge, match="too many cells"):
        read_table("stock.xlsx", bomb)


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=2_000) | st.text(max_size=500).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_any_bytes_are_read_or_refused(data):
    try:
        table = read_table("anything.csv", data)
    except Refusal as refused:
        said = str(refused)
    else:
        said = "" if table.rows else "an empty table"

    assert said == "" or said.endswith(".")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_a_spreadsheet_writes_as_csv_is_what_is_read(rows):
    file = io.StringIO()
    csv.writer(file).writerows([["SKU", "Name", "Note"], *rows])

    table = read_table("a.csv", file.getvalue().encode())

    assert [list(row.cells) for row in table.rows] == rows


def test_the_limits_are_those_that_are_promised():
    assert (tables.LARGEST_FILE, tables.MOST_MEMBERS, tables.MOST_INFLATED) == (5_000_000, 200, 30_000_000)
