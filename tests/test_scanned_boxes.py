"""Scanned boxes: two barcodes joined, the item found, and what was printed read back (S13)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import catalog, gs1, scanning
from inventory.catalog import DoseClass, Item, ItemKind
from inventory.measures import Unit
from inventory.scanning import Scan, UnreadableLabel

TODAY = date(2026, 3, 2)
GS = "\x1d"
GTIN = "09521234543213"
LETTERS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def test_two_barcodes_of_one_box_become_one():
    product = scanning.read(f"]C1{'01'}{GTIN}", on=TODAY)
    lot = scanning.read("]C11728083110ABC123", on=TODAY)
    assert lot.doubts == ("W_NEED_GTIN",)
    assert not lot.complete

    for box in (scanning.join(product, lot), scanning.join(lot, product)):
        assert (box.gtin, box.lot, box.expires_on, box.doubts) == (GTIN, "ABC123", date(2028, 8, 31), ())
        assert box.complete


def test_a_carton_number_joins_its_content():
    carton = scanning.read("]C100095240000000000019", on=TODAY)
    content = scanning.read(f"]C102{GTIN}3710{GS}10CART7", on=TODAY)
    assert content.doubts == ("W_NEED_SSCC",)

    box = scanning.join(carton, content)

    assert (box.sscc, box.content_gtin, box.quantity) == ("095240000000000019", GTIN, 10)
    assert (box.lot, box.doubts) == ("CART7", ())


def test_barcodes_of_two_boxes_are_not_joined():
    one = scanning.read(f"]C101{GTIN}10A1", on=TODAY)
    other = scanning.read("]C110A2", on=TODAY)

    with pytest.raises(UnreadableLabel, match="The lot is A1 in one place and A2 in another") as refused:
        scanning.join(one, other)
    assert refused.value.code == "E_DUPLICATE_CONFLICT"

    with pytest.raises(UnreadableLabel, match="cannot carry") as refused:
        scanning.join(one, scanning.read(f"]C102{GTIN}3710", on=TODAY))
    assert refused.value.code == "E_INVALID_PAIR"


def test_a_doubt_of_one_barcode_stays_when_joined():
    typed = scanning.read("(17)280831(10)ABC", on=TODAY)

    box = scanning.join(typed, scanning.read(f"]C101{GTIN}", on=TODAY))

    assert box.doubts == ("W_HRI_INPUT",)


@st.composite
def boxes(draw) -> Scan:
    """A box with a product number and any of the other fields."""
    some = st.none() | st.text(LETTERS, min_size=1, max_size=20)
    days = st.none() | st.dates(date(1990, 1, 1), date(2070, 12, 31))
    return Scan(
        gtin=gs1.with_check_digit(draw(st.text("0123456789", min_size=13, max_size=13))),
        lot=draw(some),
        serial=draw(some),
        expires_on=draw(days),
        produced_on=draw(days),
        best_before_on=draw(days),
        variant=draw(st.none() | st.text("0123456789", min_size=2, max_size=2)),
        quantity=draw(st.none() | st.integers(0, 99_999_999)),
        nhrn=draw(st.sampled_from([(), (("715", "00517107501"),), (("712", "A-1"),)])),
        other=draw(st.sampled_from([(), (("240", "REF/1"),), (("3103", "000125"),), (("91", "INT-77"),)])),
    )


def printed(box: Scan, chance: Random) -> str:
    """The box's label in any order of fields, with the separators that it needs and some that it does not."""
    fields = [
        ("01", box.gtin),
        ("10", box.lot),
        ("21", box.serial),
        *(
            (ai, day and f"{day:%y%m%d}")
            for ai, day in (("17", box.expires_on), ("11", box.produced_on), ("15", box.best_before_on))
        ),
        ("20", box.variant),
        ("30", None if box.quantity is None else str(box.quantity)),
        *box.nhrn,
        *box.other,
    ]
    fields = [(ai, value) for ai, value in fields if value is not None]
    chance.shuffle(fields)
    fixed = {"01", "11", "15", "17", "20", "3103"}
    label = ""
    for ai, value in fields:
        label += ai + value + (GS if ai not in fixed or chance.random() < 0.2 else "")
    return label.removesuffix(GS) if chance.random() < 0.8 else label


@settings(max_examples=200, deadline=None)
@given(box=boxes(), seed=st.integers(0, 2**32), carrier=st.sampled_from(["]d2", "]C1", "]Q3", ""]))
def test_what_was_printed_is_what_is_read_whatever_the_order(box, seed, carrier):
    label = printed(box, Random(seed))

    scan = scanning.read(carrier + label, on=TODAY)

    assert replace(scan, doubts=(), fields=(), read_on=date.min) == box


def vial(**changes: object) -> Item:
    plain = {
        "sku": "HA-5", "name": "Hyaluronic acid 5 mL", "kind": ItemKind.INJECTABLE, "unit": Unit.ML,
        "content": Decimal("5"), "dose_class": DoseClass.SINGLE_DOSE, "pack_containers": 10,
        "gtin": GTIN, "pack_gtin": "19524000000016",
    }  # fmt: skip
    return Item(**(plain | changes))


@pytest.mark.parametrize(
    ("data", "containers"),
    [
        ("]d201" + GTIN + "10A", 1),
        ("]d201" + GTIN + "3012", 12),
        ("]E09521234543213", 1),
        ("]d20119524000000016", 10),
        (f"]C100095240000000000019021952400000001637{4}", 40),
        (f"]C102{GTIN}3710{GS}10CART7", 10),
    ],
)
def test_a_label_finds_its_item_and_how_many_containers_it_covers(db, data, containers):
    item = catalog.add_item(db, vial())

    assert scanning.find(db, scanning.read(data, on=TODAY)) == (item, containers)


def test_a_pharmacy_code_finds_the_item_that_carries_the_same_number_as_gtin(db):
    item = catalog.add_item(db, vial(gtin="04150037528643"))
    label = f"[)>\x1e06{GS}9N110375286414{GS}1T12345ABCDE\x1e\x04"

    assert scanning.find(db, scanning.read(label, on=TODAY)) == (item, 1)


def test_a_label_of_an_unknown_product_or_of_none_finds_nothing(db):
    catalog.add_item(db, vial())

    assert scanning.find(db, scanning.read("]d20107300016350759", on=TODAY)) is None
    assert scanning.find(db, scanning.read("]C11728083110ABC123", on=TODAY)) is None
