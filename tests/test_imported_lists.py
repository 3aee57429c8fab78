"""Lists of items and offers: what a label must say, and what may be left out."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import catalog
from inventory.catalog import DoseClass, ItemKind, Offer
from inventory.measures import Unit
from tests.lists import ITEMS, bring, refused, supplier, workbook
from tests.shelf import TODAY, Clinic


def test_items_come_with_their_labels(db):
    here = Clinic(db)
    here.ingredient("HA05")

    headers = ["SKU", "Item name", "UOM", "Volume", "Vial type", "Ingredient code", "Pack size", "EAN"]
    report = bring(
        here,
        "items",
        workbook(
            [*headers, "Sterile", "In-use hours", "Rx only"],
            ["MP-1", "Revital", "ml", 3, "Single-dose", "ha05", 5, 9524000000019, "yes", None, None],
            ["MP-2", "Hair", "cc", "1.5", "MDV", None, None, None, None, 672, "yes"],
        ),
    )

    assert (report.imported, refused(report)) == (2, [])
    first, second = catalog.item(db, "MP-1"), catalog.item(db, "MP-2")
    assert (first.unit, first.content, first.dose_class) == (Unit.ML, Decimal(3), DoseClass.SINGLE_DOSE)
    assert (first.gtin, first.pack_containers, first.sterile) == ("09524000000019", 5, True)
    assert first.kind is ItemKind.INJECTABLE
    assert (first.prescription_only, second.prescription_only) == (False, True)
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
