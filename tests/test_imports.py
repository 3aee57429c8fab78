"""Lists that people bring: all rows or none, each bad row named, no file taken twice."""

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
import sqlalchemy as sa

from api import imports
from api.imports import AlreadyImported, ImportReport, RowOutcome, UnknownKind, WrongColumns
from inventory import catalog, clinic, periods
from inventory.catalog import DoseClass, Item, ItemKind, Offer, Supplier
from inventory.clinic import PlaceKind
from inventory.measures import Unit
from inventory.receiving import Receipt
from tests.shelf import BY, NOW, TODAY, Clinic

ITEMS = """
    HA    3 mL  single_dose
    LIDO 20 mL  multi_dose  28 d
"""


def workbook(*rows: Sequence[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def bring(here: Clinic, kind: str, data: bytes | str, *, partial: bool = False) -> ImportReport:
    content = data.encode() if isinstance(data, str) else data
    return imports.run(here.db, kind, "list", content, partial=partial, at=NOW, by=BY, site=here.site)


def supplier(here: Clinic, code: str = "SUP-01") -> Supplier:
    added = Supplier(code=code, name=f"{code} Medical Ltd", lead_days=7)
    here.db.add(added)
    here.db.flush()
    return added


def refused(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(row.row, row.field, row.message) for row in report.rows if not row.ok]


def test_opening_stock_comes_from_a_workbook_with_the_headers_that_people_use(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(
        here,
        "opening-stock",
        workbook(
            ["Item", "Lot #", "Exp.", "Qty", "Unit cost", "Shelf"],
            ["HA", "A17", date(2026, 9, 30), 10, 16.5, "left"],
            ["lido", 12345, "2027-06", 2, "1,10", "right"],
        ),
    )

    assert (report.imported, report.total, refused(report)) == (2, 2, [])
    assert report.ignored == ("Shelf",)
    assert here.held("HA") == {"A17": Decimal(30)}
    assert here.held("LIDO") == {"12345": Decimal(40)}
    assert here.lot("LIDO", "12345").expires_on == date(2027, 6, 30)
    assert (here.value("HA"), here.value("LIDO")) == (Decimal("165.00"), Decimal("2.20"))
    assert {receipt.received_on for receipt in db.scalars(sa.select(Receipt))} == {TODAY}


def test_opening_stock_may_be_older_than_today_and_name_its_supplier(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    known = supplier(here)

    bring(
        here,
        "opening-stock",
        "SKU;Batch;Expiry date;Vials;Cost per vial;Vendor;Date received\n"
        "HA;A17;30.09.2026;10;16,50;SUP-01 Medical Ltd;2025-11-03\n"
        "HA;A17;30.09.2026;5;17,50;;\n",
    )

    receipts = db.scalars(sa.select(Receipt).order_by(Receipt.received_on)).all()
    assert [(r.received_on, r.containers, r.unit_cost, r.supplier_id) for r in receipts] == [
        (date(2025, 11, 3), 10, Decimal("16.5"), known.id),
        (TODAY, 5, Decimal("17.5"), None),
    ]
    assert here.lot("HA", "A17").received_on == date(2025, 11, 3)


def test_one_bad_row_imports_nothing_and_every_bad_row_is_named(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(
        here,
        "opening-stock",
        "SKU,Lot,Exp,Qty,Cost\n"
        "HA,A17,2026-09-30,10,16.50\n"
        "\n"
        "BOTOX,A18,2026-09-30,10,16.50\n"
        "HA,A19,05/06/2026,10,16.50\n"
        "HA,,2026-09-30,10,16.50\n"
        "HA,A20,2026-09-30,2.5,16.50\n"
        "HA,A21,2026-09-30,1,16,50\n",
    )

    assert (report.imported, report.total) == (0, 6)
    assert report.rows[0] == RowOutcome(2, ok=True)
    assert refused(report) == [
        (4, "sku", "Row 4, SKU: No item on record is called 'BOTOX'."),
        (
            5,
            "expires_on",
            "Row 5, Exp: 05/06/2026 can be 5 June or 6 May: write it as 2026-06-05 or 2026-05-06.",
        ),
        (6, "lot_number", "Row 6, Lot: it is empty."),
        (7, "containers", "Row 7, Qty: 2.5 must be a whole number."),
        (8, "", "Row 8: there are more cells than headers; is there a comma inside a number?"),
    ]
    assert here.posted() == 0


def test_with_partial_the_good_rows_are_imported(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(
        here,
        "opening-stock",
        "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-09-30,10,16.50\nHA,A18,never,10,16.50\nLIDO,L1,2026-09-30,1,1.10\n",
        partial=True,
    )

    assert (report.imported, report.total) == (2, 3)
    assert [row for row, _, _ in refused(report)] == [3]
    assert (here.held("HA"), here.held("LIDO")) == ({"A17": Decimal(30)}, {"L1": Decimal(20)})


def test_what_the_books_refuse_is_found_row_by_row(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.receive("HA", "A17 exp 2026-03-31 10 x 16.50")
    rows = "".join(f"HA,B{n:02},2026-09-30,1,16.50\n" for n in range(20))

    report = bring(
        here,
        "opening-stock",
        f"SKU,Lot,Exp,Qty,Cost\n{rows}HA,A17,2026-09-30,10,16.50\nHA,B05,2026-10-31,1,16.50\n",
        partial=True,
    )

    assert [(row, message) for row, _, message in refused(report)] == [
        (22, "Row 22: Lot A17 of HA is on record as expiring on 2026-03-31, not 2026-09-30."),
        (23, "Row 23: Lot B05 of HA is on record as expiring on 2026-09-30, not 2026-10-31."),
    ]
    assert report.imported == 20
    assert sum(here.held("HA").values()) == Decimal(3 * (10 + 20))


def test_a_closed_month_takes_no_opening_stock_and_the_list_is_not_tried_for_ever(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    periods.close(db, date(2025, 12, 1), at=NOW, by=BY)
    rows = "".join(f"HA,B{n:03},2026-09-30,1,16.50,2025-12-31\n" for n in range(130))

    report = bring(here, "opening-stock", f"SKU,Lot,Exp,Qty,Cost,Received\n{rows}", partial=True)

    messages = [row.message for row in report.rows]
    assert report.imported == 0
    assert messages[0] == "Row 2: The books are closed through 2025-12-31; nothing can be dated 2025-12-31."
    assert messages[-1] == "Row 131: not tried, for 100 rows were refused before."
    assert here.posted() == 0


def test_stock_cannot_have_come_tomorrow(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(
        here, "opening-stock", "SKU,Lot,Exp,Qty,Cost,Received\nHA,A17,2026-09-30,10,16.50,2026-01-16\n"
    )

    assert refused(report) == [(2, "received_on", "Row 2, Received: 2026-01-16 lies in the future.")]


def test_a_good_row_may_carry_something_to_look_at(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.receive("HA", "A17 exp 2026-09-30 10 x 16.50")

    report = bring(
        here,
        "opening-stock",
        "SKU,Lot,Exp,Qty,Cost\n"
        "HA,A17,2026-09-30,1,16.50\n"
        "HA,A18,2026-10-01,1,16.50\n"
        "HA,A19,2026-01-10,1,16.50\n",
    )

    assert report.imported == 3
    assert [row.message for row in report.rows] == [
        "Lot A17 of HA is on record already; this adds to it.",
        "2026-10-01 is the first of a month; a label of month and year means the last.",
        "Lot A19 expired on 2026-01-10: it was received on 2026-01-15 into quarantine.",
    ]
    assert here.held("HA", PlaceKind.QUARANTINE) == {"A19": Decimal(3)}


def test_the_same_file_is_not_taken_twice(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    supplier(here)
    stock = "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-09-30,10,16.50\n"
    offers = "SKU,Supplier,Price\nHA,SUP-01,160.02\n"
    items = "SKU,Name,Unit,Content,Dose class\nPRP,Tube,each,1,kit\n"

    for kind, data in (("opening-stock", stock), ("offers", offers), ("items", items)):
        assert bring(here, kind, data).imported == 1
        with pytest.raises(AlreadyImported, match="This file was imported before, as 'import "):
            bring(here, kind, data)

    assert here.held("HA") == {"A17": Decimal(30)}
    assert db.scalar(sa.select(sa.func.count()).select_from(Offer)) == 1


def test_a_file_that_was_refused_may_be_brought_again(db):
    here = Clinic(db)
    stock = "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-09-30,10,16.50\n"
    assert bring(here, "opening-stock", stock).imported == 0

    here.add_items(ITEMS)

    assert bring(here, "opening-stock", stock).imported == 1


def test_items_come_with_their_labels(db):
    here = Clinic(db)
    here.ingredient("HA05")

    headers = ["SKU", "Item name", "UOM", "Volume", "Vial type", "Ingredient code", "Pack size", "EAN"]
    report = bring(
        here,
        "items",
        workbook(
            [*headers, "Sterile", "In-use hours"],
            ["MP-1", "Revital", "ml", 3, "Single-dose", "ha05", 5, 9524000000019, "yes", None],
            ["MP-2", "Hair", "cc", "1.5", "MDV", None, None, None, None, 672],
        ),
    )

    assert (report.imported, refused(report)) == (2, [])
    first, second = catalog.item(db, "MP-1"), catalog.item(db, "MP-2")
    assert (first.unit, first.content, first.dose_class) == (Unit.ML, Decimal(3), DoseClass.SINGLE_DOSE)
    assert (first.gtin, first.pack_containers, first.sterile) == ("09524000000019", 5, True)
    assert first.kind is ItemKind.INJECTABLE
    assert first.ingredient_id == here.ingredient("HA05").id
    assert (second.content, second.dose_class, second.in_use_hours) == (
        Decimal("1.5"),
        DoseClass.MULTI_DOSE,
        672,
    )
    assert (second.pack_containers, second.storage, second.gtin) == (1, "room_15_25", None)


def test_an_item_that_is_on_record_or_twice_in_the_file_is_refused(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    rows = "HA,Filler,mL,3,single dose,\nNEW,Filler,mL,3,single dose,\nNEW,Filler,mL,3,single dose,\n"

    report = bring(here, "items", f"SKU,Name,Unit,Content,Dose class,GTIN\n{rows}", partial=True)

    assert [message for _, _, message in refused(report)] == [
        "Row 2: An item with the SKU HA is on record already.",
        "Row 4: An item with the SKU NEW is on record already.",
    ]
    assert report.imported == 1
    assert catalog.item(db, "NEW").name == "Filler"


@pytest.mark.parametrize(
    ("row", "field", "sentence"),
    [
        ("X,Gel,mL,30,none,", "kind", "say injectable, topical, consumable or retail"),
        ("X,Gel,mL,0,kit,", "content", "0 must be more than zero"),
        ("X,Gel,mL,1.00001,kit,", "content", "more than 4 decimals"),
        ("X,Gel,drops,1,kit,", "unit", "'drops' is none of mL, g, IU, each"),
        ("X,Gel,mL,1,whole,", "dose_class", "'whole' is none of single_dose"),
        ("X,Gel,mL,1,kit,09521234543210", "gtin", "last digit does not fit"),
        ("X,Gel,mL,1,kit,9521234543213", "gtin", "is the product number of HA already"),
        (f"{'X' * 41},Gel,mL,1,kit,", "sku", "at most 40 fit"),
        ("X,,mL,1,kit,", "name", "it is empty"),
    ],
)
def test_an_item_that_cannot_be_is_refused_with_its_field(db, row, field, sentence):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.item("HA").gtin = "09521234543213"

    report = bring(here, "items", f"SKU,Name,Unit,Content,Dose class,GTIN\n{row}\n")

    assert [field for _, field, _ in refused(report)] == [field]
    assert sentence in report.rows[0].message


def test_offers_take_what_the_list_leaves_out_from_the_item_and_the_supplier(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.item("HA").pack_containers = 5
    sold_by = supplier(here)

    report = bring(
        here,
        "offers",
        "Item;Vendor;Price per pack;MOQ;Valid from;Lead time;Pack size\n"
        "HA;SUP-01;1.160,02;;;;\n"
        "LIDO;sup-01 medical ltd;22,5;2;2026-02-01;0;10\n",
    )

    assert (report.imported, refused(report)) == (2, [])
    offers = db.scalars(sa.select(Offer).order_by(Offer.pack_price)).all()
    assert [
        (
            o.pack_price,
            o.pack_containers,
            o.minimum_packs,
            o.lead_days,
            o.valid_from,
            o.preferred,
            o.supplier_id,
        )
        for o in offers
    ] == [
        (Decimal("22.50"), 10, 2, 0, date(2026, 2, 1), True, sold_by.id),
        (Decimal("1160.02"), 5, 1, 7, TODAY, True, sold_by.id),
    ]
    assert catalog.replacements(db, [here.item("HA").id], on=TODAY)[here.item("HA").id].supplier == "SUP-01"


def test_a_point_is_not_read_as_a_decimal_point_among_decimal_commas(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    supplier(here)

    report = bring(here, "offers", "Item;Vendor;Price\nHA;SUP-01;22,50\nLIDO;SUP-01;1.160\n")

    assert [(row, field) for row, field, _ in refused(report)] == [(3, "pack_price")]
    assert "other rows have decimal commas" in report.rows[1].message


def test_a_supplier_that_is_unknown_and_a_name_that_two_items_bear_are_refused(db):
    here = Clinic(db)
    here.add_items("A 3 mL single_dose\nB 3 mL single_dose")
    here.item("A").name = here.item("B").name = "Hyaluronic acid"
    supplier(here)

    report = bring(here, "offers", "Item,Vendor,Price\nA,Nobody,1\nhyaluronic ACID,SUP-01,1\n")

    assert [message for _, _, message in refused(report)] == [
        "Row 2, Vendor: No supplier on record is called 'Nobody'.",
        "Row 3, Item: 'hyaluronic ACID' names 2 of them: give its code.",
    ]


def test_an_item_is_also_found_by_its_product_number(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.item("HA").gtin = "09521234543213"

    bring(here, "opening-stock", workbook(
        ["GTIN", "Lot", "Exp", "Qty", "Cost"], [9521234543213, "A17", "2026-09-30", 1, 16.5],
    ))  # fmt: skip

    assert here.held("HA") == {"A17": Decimal(3)}


def test_the_headers_must_name_what_the_list_needs_and_only_once(db):
    here = Clinic(db)

    with pytest.raises(
        WrongColumns,
        match="needs columns for lot_number, unit_cost; this file has 'SKU', 'Exp', 'Qty', 'Colour'",
    ):
        bring(here, "opening-stock", "SKU,Exp,Qty,Colour\nHA,2026-09-30,1,red\n")
    with pytest.raises(WrongColumns, match="'Lot #' and 'Batch No.' both say the lot_number"):
        bring(here, "opening-stock", "SKU,Lot #,Batch No.,Exp,Qty,Cost\nHA,A,B,2026-09-30,1,1\n")
    with pytest.raises(UnknownKind, match="'patients' is none of the lists items, offers, opening-stock"):
        bring(here, "patients", "Name\nx\n")


def test_no_heading_means_two_fields_of_one_list():
    for columns in imports.columns.OF_KIND.values():
        words = [
            imports.columns.heading(word) for column in columns for word in {column.field, *column.headings}
        ]
        twice = {word for word in words if words.count(word) > 1}

        assert not {word for word in twice if len({c.field for c in columns if word in headings_of(c)}) > 1}


def headings_of(column: imports.columns.Column) -> set[str]:
    return {imports.columns.heading(word) for word in (column.field, *column.headings)}


def test_hundreds_of_lots_are_imported_together(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    rows = "".join(f"HA,L{n:03},2026-{n % 12 + 1:02}-28,{n % 7 + 1},16.50\n" for n in range(300))

    report = bring(here, "opening-stock", f"SKU,Lot,Exp,Qty,Cost\n{rows}")

    assert report.imported == 300
    containers = sum(n % 7 + 1 for n in range(300))
    assert here.value("HA") == Decimal("16.50") * containers
    assert sum(here.held("HA", PlaceKind.SHELF).values()) + sum(
        here.held("HA", PlaceKind.QUARANTINE).values()
    ) == Decimal(3 * containers)


def test_a_clinic_that_only_tries_a_file_rolls_back(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    tried = db.begin_nested()

    report = bring(here, "opening-stock", "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-09-30,10,16.50\n")
    tried.rollback()

    assert report.imported == 1
    assert here.posted() == 0
    assert clinic.site(db, "MAIN") is here.site
    assert db.scalar(sa.select(sa.func.count()).select_from(Item)) == 2
