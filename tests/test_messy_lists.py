"""Lists as people keep them: a workbook with every mess comes to the right stock, and each mess is named."""

import io
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
import sqlalchemy as sa

from api import import_records, import_sheets, imports
from api.columns import Kind
from api.import_records import UndoneBefore, UsedByNow
from inventory import catalog, proof
from inventory.catalog import Item, Offer
from inventory.opening_undone import UsedSince
from pricing import formulations
from tests.lists import ITEMS, bring, refused, supplier
from tests.shelf import BY, NOW, Clinic

D = Decimal


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def messy() -> bytes:
    """A cupboard's list as it has grown over the years."""
    book = openpyxl.Workbook()
    old = book.active
    old.title, old.sheet_state = "Old", "hidden"  # 1: a hidden sheet in front
    old.append(["SKU", "Lot", "Exp", "Qty", "Cost"])
    old.append(["HA", "SECRET", "2027-01-31", 99, 1])
    page = book.create_sheet("Cupboard")
    book.create_sheet("Prices").append(["not a list"])  # 2: another sheet
    page["A1"] = "Stock of the cupboard, counted by Ana"  # 3: a title above, merged over the list
    page.merge_cells("A1:G1")
    rows = [
        ["Artikel", "Lot", "", "Stück", "EK (USD)", "Eingang", "Colour"],  # 4: headers in two rows, in German
        ["", "Charge", "Verfall", "", "", "", ""],
        ["HA ", " A17", "06/2027", 10, "$16.50", date(2025, 11, 3), "red"],  # 5: spaces and a currency sign
        ["ha", 12345, datetime(2027, 3, 31), "2", "16,50", "03/04/2025", ""],  # noqa: DTZ001 6: decimal comma
        ["LIDO", "L1", 46568, 3, 1.1, "", ""],  # 7: a date as a bare number
        ["LIDO", "L2", "30. Juni 2027", 1, "1'234.50", "", ""],  # 8: a German month, a Swiss thousand
        ["LIDO 20", "L3", "30 juin 2027", 1, 5, "", ""],  # 9: nearly a name
        ["HA", "#N/A", "2027-06-30", 1, 5, "", ""],  # 10: an error
        ["HA", "A18", "2027-06-30", "=1+1", 5, "", ""],  # 11: a formula that nobody reckoned
        ["HA", "X" * 21, "2027-06-30", -3, 5, "", ""],  # 12: a lot too long, less than nothing
        ["HA", "A19", "30/09/26", 1, 5, "", ""],  # 13: a hidden row, a year of two digits
        ["Gesamt", "", "", 25, 999, "", ""],  # 14: the total below
    ]
    for row in rows:
        page.append([value if value != "" else None for value in row])
    page.merge_cells("A2:A3")
    page.merge_cells("B2:C2")
    page["B9"].data_type = "e"
    page.row_dimensions[12].hidden = True
    return saved(book)


ERROR = "the spreadsheet shows the error #N/A: mend its formula, or type the value."
NOTES = [
    "The sheet 'Cupboard' was read.",
    "The sheet 'Old' is hidden and was not read.",
    "The sheet 'Prices' is another sheet and was not read.",
    "The headers are in row 2; what stands above them was left out.",
    "The headers stand in two rows, 2 and 3.",
    "Row 13 is a total and was left out.",
]
"""What is said of the messy workbook as a whole."""


def test_a_messy_workbook_comes_to_the_right_stock_and_its_dry_run_names_each_mess(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.item("LIDO").name = "Lidocaine"
    data = messy()

    how = {"partial": True, "at": NOW, "by": BY, "site": here.site}
    tried = imports.run(db, "opening-stock", "m.xlsx", data, dry_run=True, **how)

    assert here.posted() == 0
    assert list(tried.notes) == NOTES
    assert tried.ignored == ("Colour",)
    assert refused(tried) == [
        (8, "sku", "Row 8, Artikel: No item on record is called 'LIDO 20'. Did you mean LIDO (Lidocaine)?"),
        (9, "lot_number", f"Row 9, Charge: {ERROR}"),
        (
            10,
            "containers",
            "Row 10, Stück: the formula '=1+1' has no answer in the file: open it in a spreadsheet and save "
            "it, or type the value.",
        ),
        (
            11,
            "lot_number",
            "Row 11, Charge: 'XXXXXXXXXXXXXXXXXXXXX'… has 21 characters; at most 20 fit. "
            "Row 11, Stück: -3 must be from 1 to 1000000.",
        ),
    ]
    assert {row.row: row.message for row in tried.rows if row.ok and row.message} == {
        5: "Eingang: 03/04/2025 is read as 4 March 2025, as dates are written in US: write 2025-03-04 "
        "to be sure.",
        6: "Verfall: 46568 is read as 2027-06-30, the day that a spreadsheet keeps under this number.",
        12: "Verfall: 30/09/26 is read as 2026-09-30: write the year in full to be sure. "
        "This row is hidden in the spreadsheet.",
    }

    taken = bring(here, "opening-stock", data, partial=True)

    assert (taken.imported, taken.total) == (5, 9)
    assert here.held("HA") == {"A17": D(30), "12345": D(6), "A19": D(3)}
    assert here.held("LIDO") == {"L1": D(60), "L2": D(20)}
    assert (here.value("HA"), here.value("LIDO")) == (D("203.00"), D("1237.80"))
    assert here.lot("HA", "A17").expires_on == date(2027, 6, 30)
    assert [breach for check in proof.INVARIANTS.values() for breach in check(db)] == []


def test_the_corrected_sheet_marks_each_row_and_once_mended_adds_only_what_was_missing(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    brought = imports.read("m.xlsx", messy())
    first = bring(here, "opening-stock", messy(), partial=True)
    tried = imports.take(
        db, Kind.OPENING_STOCK, brought, partial=True, at=NOW, by=BY, site=here.site, dry_run=True
    )
    file = io.BytesIO()

    import_sheets.corrected(file, Kind.OPENING_STOCK, brought, tried, at=NOW, by=BY)

    book = openpyxl.load_workbook(io.BytesIO(file.getvalue()))
    page = book.active
    assert [cell.value for cell in page[3]][-2:] == ["Result", "Problem"]
    results = {row[0].row: row[-2].value for row in page.iter_rows(min_row=4) if row[-2].value}
    assert [results[row] for row in (4, 8, 9, 12)] == [
        "imported before",
        "not taken",
        "not taken",
        "imported before",
    ]
    assert "#N/A" in page.cell(9, page.max_column).value
    for row, place, value in ((8, 1, "LIDO"), (9, 2, "A20"), (10, 4, 2), (11, 2, "A21"), (11, 4, 3)):
        page.cell(row, place).value = value
    again = bring(here, "opening-stock", saved(book))
    assert refused(again) == []
    assert (again.imported, again.repeated) == (4, first.imported)
    expected = {"A17": 30, "12345": 6, "A19": 3, "A20": 3, "A18": 6, "A21": 9}
    assert here.held("HA") == {lot: D(quantity) for lot, quantity in expected.items()}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_template_is_understood_as_it_is_and_its_example_is_left_out(db, kind):
    here = Clinic(db)
    file = io.BytesIO()

    import_sheets.template(file, kind)

    book = openpyxl.load_workbook(io.BytesIO(file.getvalue()))
    assert book.sheetnames[1] == "What each column takes"
    page = book.worksheets[0]
    page.append([None] * 3)
    page.cell(3, 1).value = "X-1"
    report = bring(here, kind.value, saved(book))
    assert "Row 2 is the template's example and was left out." in report.notes
    assert (report.total, report.imported) == (1, 0)
    assert report.ignored == ()


def test_stock_is_undone_by_reversals_and_the_file_may_come_again(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.receive("HA", "B02 exp 2026-09-30 5 x 17.90")
    data = "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-09-30,10,16.50\nLIDO,L1,2026-09-30,1,1.10\n"
    taken = bring(here, "opening-stock", data)
    subject = import_records.made(db, taken.id)

    import_records.undo(db, subject, at=NOW, by=BY, reason="wrong sheet")

    assert (here.held("HA"), here.held("LIDO")) == ({"B02": D(15)}, {})
    with pytest.raises(UndoneBefore, match="was undone on 2026-01-15 by mara"):
        import_records.undo(db, subject, at=NOW, by=BY, reason="again")
    again = bring(here, "opening-stock", data)
    assert (again.imported, again.repeated) == (2, 0)
    here.treat("P-1", "LIDO 3")
    with pytest.raises(UsedSince, match="lot L1"):
        import_records.undo(db, import_records.made(db, again.id), at=NOW, by=BY, reason="late")
    assert here.held("HA") == {"A17": D(30), "B02": D(15)}


def test_items_and_offers_are_removed_unless_something_uses_them(db):
    here = Clinic(db)
    supplier(here)
    items = bring(here, "items", "SKU,Name,Unit,Content,Dose class\nPRP,Tube,each,1,kit\nGEL,Gel,g,30,kit\n")
    offers = bring(here, "offers", "SKU,Supplier,Price\nPRP,SUP-01,160.02\n")
    of_items, of_offers = (import_records.made(db, one.id) for one in (items, offers))

    with pytest.raises(UsedByNow, match="PRP by 1 of the offers"):
        import_records.undo(db, of_items, at=NOW, by=BY, reason="wrong")
    import_records.undo(db, of_offers, at=NOW, by=BY, reason="wrong")
    undone = import_records.undo(db, of_items, at=NOW, by=BY, reason="wrong")

    assert undone.message == "2 items were removed."
    assert db.scalar(sa.select(sa.func.count()).select_from(Offer)) == 0
    assert db.scalar(sa.select(sa.func.count()).select_from(Item)) == 0


def test_formulations_come_line_by_line_and_are_retired_by_an_undo(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    data = (
        "Formulation,Formulation name,Area,Technique,Total volume,Item,Quantity,Line kind,Line name\n"
        "M-1,Glow,face,nappage,3,HA,3,product,\n"
        "M-1,,,,,,,component,Vitamin C\n"
        "M-2,Numb,face,nappage,1,LIDO,1.5,product,\n"
        "M-3,,,,,LIDO,1,product,\n"
    )

    taken = bring(here, "formulations", data, partial=True)

    assert refused(taken) == [(5, "", "Row 5: M-3 needs its name, area, technique, total volume ml on one of "
                               "its rows.")]  # fmt: skip
    recipe = formulations.latest(db, "M-1")
    assert ([line.quantity for line in recipe.products], [one.name for one in recipe.components]) == (
        [D(3)],
        ["Vitamin C"],
    )
    assert bring(here, "formulations", data, partial=True).repeated == 3
    import_records.undo(db, import_records.made(db, taken.id), at=NOW, by=BY, reason="wrong")
    assert not formulations.latest(db, "M-1").active
    again = bring(here, "formulations", data.rpartition("M-3")[0])
    assert (again.imported, formulations.latest(db, "M-1").active) == (3, True)


def test_a_formulation_of_which_one_row_is_bad_is_not_taken_in_part(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    data = (
        "Formulation,Formulation name,Area,Technique,Total volume,Item,Quantity\n"
        "M-1,Glow,face,nappage,3,HA,3\nM-1,,,,,NOPE,1\n"
    )

    report = bring(here, "formulations", data, partial=True)

    assert [row.ok for row in report.rows] == [False, False]
    assert "another row of M-1" in report.rows[0].message


def test_an_item_that_is_on_record_otherwise_is_refused_and_catalogued_as_before(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(here, "items", "SKU,Name,Unit,Content,Dose class\nHA,Other,mL,5,kit\n")

    assert refused(report) == [(2, "", "Row 2: An item with the SKU HA is on record already.")]
    assert catalog.item(db, "HA").content == 3
