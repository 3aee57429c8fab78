"""Lists that are none, or hostile, or doubtful: each is answered with a sentence, in bounded room."""

import io
import resource
import zipfile

import openpyxl
import pytest

from api import tables
from api.delimited import EmptyTable, FileTooLarge, UnreadableFile
from api.headers import WrongColumns
from api.tables import UnsafeFile, read_table
from inventory.errors import Refusal
from tests.lists import ITEMS, bring, refused, workbook
from tests.shelf import Clinic
from tests.test_tables import SHEET, repacked

HEAD = "SKU,Lot,Exp,Qty,Cost\n"
GOOD = "HA,A17,2026-09-30,10,16.50\n"
LIST = [["SKU", "Lot", "Exp", "Qty", "Cost"], ["HA", "A17", "2026-09-30", 10, 16.5]]


def sheet_of(rows: bytes) -> bytes:
    """A workbook whose sheet holds these rows, as they are written in its file."""
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return repacked(
        workbook(*LIST),
        {SHEET: b"<worksheet " + space + b"><sheetData>" + rows + b"</sheetData></worksheet>"},
    )


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()


def entities() -> bytes:
    """A billion laughs."""
    declared = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
    )
    return repacked(workbook(*LIST), {SHEET: b"<!DOCTYPE x [" + declared + b"]><worksheet>&a9;</worksheet>"})


HOSTILE = {
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), UnreadableFile, "a picture, a page"),
    "a page": (lambda: b"<html><body>no</body></html>", UnreadableFile, "a picture, a page"),
    "a zip": (lambda: zipped({"a.txt": b"a"}), UnreadableFile, "a zip and no workbook"),
    "encrypted": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600),
        UnsafeFile,
        "password",
    ),
    "with macros": (
        lambda: repacked(workbook(*LIST), {"xl/vbaProject.bin": b"macro"}),
        UnsafeFile,
        "has macros: save it as a plain .xlsx",
    ),
    "a zip bomb": (
        lambda: repacked(workbook(*LIST), {"xl/media/big.bin": bytes(60_000_000)}),
        FileTooLarge,
        "unpacks to more than 30,000,000 bytes",
    ),
    "an XML bomb": (entities, UnsafeFile, "declares a document type"),
    "ten million empty rows": (
        lambda: sheet_of(b"<row/>" * 10_000_000),
        FileTooLarge,
        "unpacks to more than",
    ),
    "ten million empty lines": (
        lambda: HEAD.encode() + b"\n" * 10_000_000,
        FileTooLarge,
        "at most 5,000,000",
    ),
    "a cell in the last column": (
        lambda: sheet_of(b'<row r="1"><c r="XFD1"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>'),
        FileTooLarge,
        "columns or more",
    ),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_what_is_hostile_or_no_list_is_refused_in_bounded_room(name):
    make, refusal, sentence = HOSTILE[name]
    data = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(refusal, match=sentence):
        read_table("stock", data)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256_000  # kB


def test_empty_rows_between_and_below_are_no_rows_but_those_after_them_are(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    book = openpyxl.Workbook()
    for row in LIST:
        book.active.append(row)
    for place, value in enumerate(["HA", "A18", "2026-09-30", 1, 16.5], start=1):
        book.active.cell(70_000, place, value)
    file = io.BytesIO()
    book.save(file)

    report = bring(here, "opening-stock", file.getvalue())

    assert [(row.row, row.ok) for row in report.rows] == [(2, True), (70_000, True)]


def test_a_list_of_headers_only_is_empty():
    with pytest.raises(EmptyTable, match="at least one row below"):
        read_table("a.xlsx", workbook(LIST[0]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_any_encoding_and_separator_is_read_below_a_title(encoding, mark):
    text = f"Bestand der Küche\n\nArtikel,Charge,Verfall,Stück,Größe\n{GOOD}".replace(",", mark)

    table = read_table("a.csv", text.encode(encoding))

    assert [row.cells[0] for row in table.rows] == ["Artikel", "HA"]
    assert table.rows[0].cells[4] == "Größe"


def test_two_columns_of_one_name_are_named(db):
    here = Clinic(db)

    with pytest.raises(WrongColumns, match="'Lot' and 'Batch' both say the lot_number: keep one"):
        bring(here, "opening-stock", "SKU,Lot,Batch,Exp,Qty,Cost\nHA,A,B,2026-09-30,1,1\n")
    with pytest.raises(WrongColumns, match="'Exp' and 'Exp' both say the expires_on"):
        bring(here, "opening-stock", "SKU,Lot,Exp,Exp,Qty,Cost\nHA,A,2026-09-30,2026-09-30,1,1\n")


@pytest.mark.parametrize(
    ("row", "field", "sentence"),
    [
        ("HA,A17,2026-09-30,10,16.50,2026-10-01", "expires_on", "before it was produced on 2026-10-01"),
        (f"HA,{'A' * 21},2026-09-30,10,16.50,", "lot_number", "has 21 characters; at most 20 fit"),
        ("HA,A17,2026-09-30,-1,16.50,", "containers", "-1 must be from 1 to 1000000"),
        ("HA,A17,2026-09-30,1,-16.50,", "unit_cost", "must be zero or more"),
        ("HA,A17,2026-09-30,1,16.50 €,", "unit_cost", "is not in USD, in which the clinic keeps its books"),
        ("HA,A17,#N/A,1,16.50,", "expires_on", "the spreadsheet shows the error #N/A"),
        ("HA,A17,31.02.2026,1,16.50,", "expires_on", "'31.02.2026' is not a date"),
        ("LIDOO,A17,2026-09-30,1,16.50,", "sku", "'LIDOO'. Did you mean LIDO (LIDO)?"),
    ],
)
def test_a_row_that_cannot_be_is_named_with_its_field(db, row, field, sentence):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(here, "opening-stock", f"SKU,Lot,Exp,Qty,Cost,Produced\n{row}\n")

    [(_, of_field, message)] = refused(report)
    assert of_field == field
    assert sentence in message


@pytest.mark.parametrize(
    ("country", "others", "read"),
    [
        ("US", "", "2026-03-04"),
        ("DE", "", "2026-04-03"),
        ("US", "HA,B1,25/12/2026,1,1\n", "2026-04-03"),  # the other rows say more than the country
        ("DE", "HA,B1,12/25/2026,1,1\n", "2026-03-04"),
    ],
)
def test_a_date_of_two_readings_is_read_as_its_column_and_country_write_and_doubted(
    db, country, others, read
):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.site.country = country

    report = bring(here, "opening-stock", f"{HEAD}HA,A17,03/04/2026,1,1\n{others}")

    assert str(here.lot("HA", "A17").expires_on) == read
    assert f"write {read} to be sure" in report.rows[0].message
    known = "as other rows of the column are written" if others else f"as dates are written in {country}"
    assert known in report.rows[0].message


def test_where_a_column_has_both_orders_a_date_of_two_readings_is_refused(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    rows = "HA,A1,25/12/2026,1,1\nHA,A2,12/25/2026,1,1\nHA,A3,03/04/2026,1,1\n"

    report = bring(here, "opening-stock", HEAD + rows)

    [(row, field, message)] = refused(report)
    assert (row, field) == (4, "expires_on")
    assert "03/04/2026 can be 3 April or 4 March: write it as 2026-04-03 or 2026-03-04." in message


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("03.04.2026", "2026-04-03"),
        ("20260403", "2026-04-03"),
        ("3-Apr-26", "2026-04-03"),
        ("3 avril 2026", "2026-04-03"),
        ("3 de abril de 2026", "2026-04-03"),
        ("3. April 2026", "2026-04-03"),
        ("04/26", "2026-04-30"),
        ("avr. 2026", "2026-04-30"),
        ("März 2026", "2026-03-31"),
        ("46115", "2026-04-03"),
    ],
)
def test_an_expiry_is_read_as_people_type_it_in_four_languages(db, cell, read):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.site.country = "DE"

    report = bring(here, "opening-stock", f"{HEAD}HA,A17,{cell},1,1\n")

    assert refused(report) == []
    assert str(here.lot("HA", "A17").expires_on) == read


def test_wherever_a_workbook_is_cut_off_it_is_refused():
    whole = workbook(*LIST)
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        with pytest.raises(Refusal, match=r"\.$"):
            read_table("a.xlsx", whole[:length])


def test_a_formula_with_an_answer_is_its_answer_and_an_empty_text_is_empty():
    cells = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>SKU</t></is></c>'
        b'<c r="B1" t="inlineStr"><is><t>Qty</t></is></c>'
        b'<c r="C1" t="inlineStr"><is><t>Cost</t></is></c></row>'
        b'<row r="2"><c r="A2" t="str"><f>"H"&amp;"A"</f><v>HA</v></c><c r="B2"><f>1+1</f><v>2</v></c>'
        b'<c r="C2" t="str"><f>IF(A1="","",1)</f><v></v></c></row>'
        b'<row r="3"><c r="A3"><v>1</v></c><c r="B3"><f>1+1</f></c>'
        b'<c r="C3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )

    table = read_table("a.xlsx", sheet_of(cells))

    assert table.rows[0].cells == ("HA", 2.0, "")
    assert [type(cell) for cell in table.rows[1].cells[1:]] == [tables.Unusable, tables.Unusable]
    assert "#DIV/0!" in table.rows[1].cells[2].why
