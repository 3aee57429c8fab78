"""Counting: sheets, and what is written down on them, typed or scanned (S11, S13)."""

import pytest

from inventory import (
    counting,
    differences,
    places,
    stocktake,
)
from inventory.clinic import PlaceKind, Temperature
from inventory.count_posting import (
    MovedWhileCounted,
)
from inventory.counting import CountedAlready, ReceiveInstead, WhichPlace
from inventory.counts import CountEnded
from inventory.errors import Refusal
from inventory.stocktake import CannotBeCounted, CountedElsewhere, NotOnThisSheet
from tests.counting import HOUR, begin, line, post, stocked, write
from tests.shelf import BY, NOW, refused


@pytest.fixture
def clinic(db):
    return stocked(db)


def _lines(clinic, sheet):
    return differences.lines(clinic.db, sheet)


def test_a_sheet_has_what_the_book_has_and_an_opened_vial_by_its_content(clinic):
    sheet = begin(clinic, blind=True)

    found = [(one.place_kind, one.lot_number, one.sealed, one.book) for one in _lines(clinic, sheet)]

    assert found == [
        (PlaceKind.SHELF, "A17", True, 30),
        (PlaceKind.SHELF, "B02", True, 15),
        (PlaceKind.SHELF, "L1", True, 40),
        (PlaceKind.SHELF, "N1", True, 100),
        (PlaceKind.OPENED, "L1", False, 17),
    ]
    assert sheet.blind


@pytest.mark.parametrize(
    ("scope", "lots"),
    [
        (lambda clinic: {"ingredient_class": "Test"}, {"A17", "B02", "L1"}),
        (lambda clinic: {"item_ids": [clinic.item("NEEDLE").id]}, {"N1"}),
        (lambda clinic: {"place": places.place(clinic.db, clinic.site, "OPENED")}, {"L1"}),
        (lambda clinic: {"place": places.place(clinic.db, clinic.site, "QUARANTINE")}, set()),
    ],
)
def test_a_count_can_be_of_a_class_of_some_items_or_of_a_place(clinic, scope, lots):
    sheet = begin(clinic, **scope(clinic))

    assert {one.lot_number for one in _lines(clinic, sheet)} == lots


def test_nobody_counts_what_patients_have_or_a_class_that_is_none(clinic):
    patients = places.place(clinic.db, clinic.site, "PATIENT")

    with refused(
        CannotBeCounted, "Patient, Main cannot be counted: count shelves, opened vials or quarantine."
    ):
        begin(clinic, place=patients)
    with refused(stocktake.UnknownClass, "No item's ingredient is of the class 'gold'."):
        begin(clinic, ingredient_class="gold")


def test_an_ended_count_takes_nothing_more(clinic):
    posted, given_up = (
        begin(clinic, item_ids=[clinic.item("HA").id]),
        begin(clinic, item_ids=[clinic.item("NEEDLE").id]),
    )
    write(clinic, posted, A17=30, B02=15)
    post(clinic, posted)
    stocktake.abandon(clinic.db, given_up, at=NOW, by=BY, reason="called away")

    for ended, how in ((posted, "posted"), (given_up, "abandoned")):
        for deed in (
            lambda ended=ended: write(clinic, ended, **{_lines(clinic, ended)[0].lot_number: 3}),
            lambda ended=ended: post(clinic, ended),
            lambda ended=ended: stocktake.abandon(clinic.db, ended, at=NOW, by=BY, reason="again"),
        ):
            with refused(CountEnded, f"Count {ended.id} was {how} by mara: begin a new one."):
                deed()
    assert clinic.held("NEEDLE") == {"N1": 100}


def test_what_is_on_one_open_sheet_is_on_no_other(clinic):
    first = begin(clinic, item_ids=[clinic.item("HA").id])

    with refused(
        CountedElsewhere,
        f"Lot A17 is on the sheet of count {first.id} (Everything at Main), which is still open: "
        "post or abandon that count first.",
    ):
        begin(clinic)
    begin(clinic, item_ids=[clinic.item("LIDO").id])
    stocktake.abandon(clinic.db, first, at=NOW, by=BY, reason="called away")
    begin(clinic, item_ids=[clinic.item("HA").id])


@pytest.mark.parametrize(
    ("lot", "quantity", "refusal"),
    [
        ("A17", "10", "10 mL is not a whole number of sealed containers: one HA holds 3 mL."),
        ("A17", "-3", "-3 mL of HA cannot be there."),
        (
            "L1_open",
            "20.5",
            "An opened LIDO holds at most 20 mL, not 20.5: what a vial holds above its label is never stock.",
        ),
    ],
)
def test_a_number_that_cannot_be_there_is_refused(clinic, lot, quantity, refusal):
    sheet = begin(clinic)

    with pytest.raises(Refusal) as caught:
        write(clinic, sheet, B02=15, **{lot: quantity})

    assert str(caught.value) == refusal
    assert line(clinic, sheet, "B02").counted is None


def test_what_was_never_received_is_received_and_not_found(clinic):
    sentence = (
        "No lot Z9 of HA was ever received: receive it with what it cost, "
        "for a count only finds what the book knows."
    )
    with refused(ReceiveInstead, sentence):
        counting.known_lot(clinic.db, clinic.item("HA"), "Z9")


def test_a_count_of_some_items_takes_no_others(clinic):
    sheet = begin(clinic, item_ids=[clinic.item("HA").id], words="the fillers")

    with pytest.raises(NotOnThisSheet, match="is of the fillers: lot N1 is of another item"):
        stocktake.add_line(
            clinic.db,
            sheet,
            clinic.lot("NEEDLE", "N1"),
            place_id=clinic.place(PlaceKind.SHELF),
            at=NOW,
            by=BY,
        )


LABEL = "0109521234543213" + "17260630" + "10A17"


@pytest.fixture
def labelled(clinic):
    clinic.item("HA").gtin = "09521234543213"
    clinic.db.flush()
    return clinic


def scan(clinic, sheet, label=LABEL, at=NOW, **more):
    return counting.scan(clinic.db, sheet, label.replace("17260630", "17260630"), at=at, by=BY, **more)


def test_each_scan_counts_one_container_of_its_lot(labelled):
    sheet = begin(labelled)

    for number in (1, 2, 3):
        assert scan(labelled, sheet).quantity == 3 * number

    assert line(labelled, sheet, "A17").counted == 9
    write(labelled, sheet, A17=0)
    assert scan(labelled, sheet).quantity == 3


def test_a_serial_number_is_counted_once_in_a_sum(labelled):
    sheet = begin(labelled)
    scan(labelled, sheet, LABEL + "\x1d21S-1")
    scan(labelled, sheet, LABEL + "\x1d21S-2")

    with refused(CountedAlready, "The container with serial number S-1 is counted already."):
        scan(labelled, sheet, LABEL + "\x1d21S-1")
    assert scan(labelled, sheet, LABEL + "\x1d21S-1", again=True).quantity == 3
    write(labelled, sheet, A17=0)
    assert scan(labelled, sheet, LABEL + "\x1d21S-1").quantity == 3


def test_what_a_label_cannot_say_is_refused_and_counts_nothing(labelled):
    sheet = begin(labelled)

    for label, said in {
        "0109521234543213": "The label names HA and no lot",
        "0109521234543213" + "10Z9": "No lot Z9 of HA was ever received",
        "0109521234543213" + "17270630" + "10A17": "Lot A17 of HA is on record as expiring on 2026-06-30",
        "0104012345678901" + "10A17": "No item has the barcode number 04012345678901",
        "what is this": "This is not a GS1 label",
    }.items():
        with pytest.raises(Refusal, match=said):
            counting.scan(labelled.db, sheet, label, at=NOW, by=BY)

    assert line(labelled, sheet, "A17").counted is None


def test_a_scan_asks_which_place_when_a_lot_lies_in_two(labelled):
    places.add(labelled.db, labelled.site, code="FRIDGE", name="Fridge", temperature=Temperature.ANY)
    fridge = places.place(labelled.db, labelled.site, "FRIDGE").id
    sheet = begin(labelled)
    scan(labelled, sheet, place_id=fridge)

    with refused(
        WhichPlace, "Lot A17 is on the sheet at Shelf, Main and Fridge: say which of them is being counted."
    ):
        scan(labelled, sheet)
    assert scan(labelled, sheet, place_id=fridge).quantity == 6


def test_stock_that_moves_between_two_scans_of_a_sum_asks_for_a_new_count(labelled):
    sheet = begin(labelled)
    scan(labelled, sheet, at=NOW)
    labelled.treat("P-2", "HA 3", at=NOW + HOUR)
    scan(labelled, sheet, at=NOW + 2 * HOUR)

    with refused(
        MovedWhileCounted,
        "Lot A17 of HA at Shelf, Main moved while it was being counted: count it again.",
    ):
        post(labelled, sheet, at=NOW + 3 * HOUR, leave_uncounted=True)
    write(labelled, sheet, at=NOW + 3 * HOUR, A17=27)
    post(labelled, sheet, at=NOW + 3 * HOUR, leave_uncounted=True)
    assert labelled.held("HA")["A17"] == 27


def test_the_second_count_begins_anew_when_it_is_scanned(labelled):
    sheet = begin(labelled)
    write(labelled, sheet, A17=24)

    assert scan(labelled, sheet, again=True).quantity == 3
    assert scan(labelled, sheet, again=True).quantity == 6
    assert scan(labelled, sheet).quantity == 9

    found = line(labelled, sheet, "A17")
    assert (found.round, found.first, found.counted) == (2, 24, 9)
