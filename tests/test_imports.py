"""Lists that people bring: all rows or none, each bad row named, no file taken twice."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from api import columns
from api.imports import RowOutcome, UnknownKind, WrongColumns
from inventory import clinic, periods
from inventory.catalog import Item, Offer
from inventory.clinic import PlaceKind
from inventory.receiving import Receipt
from tests.lists import ITEMS, bring, refused, supplier, workbook
from tests.shelf import BY, NOW, TODAY, Clinic


def test_opening_stock_comes_from_a_workbook_with_the_headers_that_people_use(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(
        here,
        "opening-stock",
        workbook(
            ["Item", "Lot #", "Exp.", "Qty", "Unit cost", "Colour"],
            ["HA", "A17", date(2026, 9, 30), 10, 16.5, "left"],
            ["lido", 12345, "2027-06", 2, "1,10", "right"],
        ),
    )

    assert (report.imported, report.total, refused(report)) == (2, 2, [])
    assert report.ignored == ("Colour",)
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
        "HA,A19,31/06/2026,10,16.50\n"
        "HA,,2026-09-30,10,16.50\n"
        "HA,A20,2026-09-30,2.5,16.50\n"
        "HA,A21,2026-09-30,1,16,50\n",
    )

    assert (report.imported, report.total) == (0, 6)
    assert report.rows[0] == RowOutcome(2, ok=True)
    assert refused(report) == [
        (4, "sku", "Row 4, SKU: No item on record is called 'BOTOX'."),
        (5, "expires_on", "Row 5, Exp: '31/06/2026' is not a date: write dates like 2027-06-30."),
        (6, "lot_number", "Row 6, Lot: it is empty."),
        (7, "containers", "Row 7, Qty: 2.5 must be a whole number."),
        (8, "", "Row 8: there are more cells than headers; is there a comma inside a number?"),
    ]
    assert here.posted() == 0


def test_every_bad_cell_of_a_row_is_told_at_once(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(here, "opening-stock", "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-02-30,-1,a lot\n")

    [(row, field, message)] = refused(report)
    assert (row, field) == (2, "expires_on")
    assert message == (
        "Row 2, Exp: '2026-02-30' is not a date: write dates like 2027-06-30. "
        "Row 2, Qty: -1 must be from 1 to 1000000. "
        "Row 2, Cost: 'a lot' is not a number: write digits and one decimal point, no currency sign."
    )


def test_with_partial_the_good_rows_are_imported(db):
    here = Clinic(db)
    here.add_items(ITEMS)

    report = bring(
        here,
        "opening-stock",
        "SKU,Lot,Exp,Qty,Cost\n"
        "HA,A17,2026-09-30,10,16.50\nHA,A18,never,10,16.50\nLIDO,L1,2026-09-30,1,1.10\n",
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
        (22, "Row 22, Exp: Lot A17 of HA is on record as expiring on 2026-03-31, not 2026-09-30."),
        (23, "Row 23, Exp: Lot B05 of HA is on record as expiring on 2026-09-30, not 2026-10-31."),
    ]
    assert report.imported == 20
    assert sum(here.held("HA").values()) == Decimal(3 * (10 + 20))


def test_a_closed_month_takes_no_opening_stock_and_every_row_says_so(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    periods.close(db, date(2025, 12, 1), at=NOW, by=BY)
    rows = "".join(f"HA,B{n:03},2026-09-30,1,16.50,2025-12-31\n" for n in range(130))

    report = bring(here, "opening-stock", f"SKU,Lot,Exp,Qty,Cost,Received\n{rows}", partial=True)

    messages = [row.message for row in report.rows]
    assert report.imported == 0
    assert (
        messages[0]
        == "Row 2, Received: The books are closed through 2025-12-31; nothing can be dated 2025-12-31."
    )
    assert messages[-1] == messages[0].replace("Row 2", "Row 131")
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
        "Lot A19 expired on 2026-01-10: it comes into quarantine.",
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
        first = bring(here, kind, data)
        again = bring(here, kind, data)

        assert (first.imported, first.repeated) == (1, 0)
        assert (again.imported, again.repeated, again.id) == (0, 1, None)
        assert again.notes[0].startswith(
            f"This file was imported on 2026-01-15 by mara, as import {first.id}"
        )

    assert here.held("HA") == {"A17": Decimal(30)}
    assert db.scalar(sa.select(sa.func.count()).select_from(Offer)) == 1


def test_of_another_file_only_the_rows_are_added_that_are_new(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    supplier(here)
    head = "SKU,Lot,Exp,Qty,Cost\n"
    twice = "HA,A17,2026-09-30,10,16.50\n" * 2
    bring(here, "opening-stock", head + twice)
    bring(here, "offers", "SKU,Supplier,Price\nHA,SUP-01,160.02\n")
    bring(here, "items", "SKU,Name,Unit,Content,Dose class\nPRP,Tube,each,1,kit\n")

    longer = bring(
        here, "opening-stock", head + twice + "HA,A17,2026-09-30,10,16.50\nHA,A18,2026-09-30,1,9\n"
    )
    offers = bring(here, "offers", "Item,Vendor,Price\nHA,SUP-01,160.02\nLIDO,SUP-01,22\n")
    items = bring(here, "items", "Code,Name,Unit,Content,Dose class\nPRP,Tube,each,1,kit\nX,Y,g,1,kit\n")

    assert (longer.imported, longer.repeated) == (2, 2)  # a third like the two is a third delivery
    assert longer.rows[0].message.startswith("Brought in by import ")
    assert here.held("HA") == {"A17": Decimal(90), "A18": Decimal(3)}
    assert (offers.imported, offers.repeated) == (1, 1)
    assert (items.imported, items.repeated) == (1, 1)


def test_a_file_that_was_refused_may_be_brought_again(db):
    here = Clinic(db)
    stock = "SKU,Lot,Exp,Qty,Cost\nHA,A17,2026-09-30,10,16.50\n"
    assert bring(here, "opening-stock", stock).imported == 0

    here.add_items(ITEMS)

    assert bring(here, "opening-stock", stock).imported == 1


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
    for of_kind in columns.OF_KIND.values():
        words = [columns.heading(word) for column in of_kind for word in {column.field, *column.headings}]
        twice = {word for word in words if words.count(word) > 1}

        assert not {word for word in twice if len({c.field for c in of_kind if word in headings_of(c)}) > 1}


def headings_of(column: columns.Column) -> set[str]:
    return {columns.heading(word) for word in (column.field, *column.headings)}


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
