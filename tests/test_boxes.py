"""Several labels of one box: joined in any order, never across boxes, and conflicts are said (S13)."""

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import boxes, scanning
from inventory.boxes import Box
from inventory.scanning import Scan, UnreadableLabel

TODAY = date(2026, 3, 2)
GTIN, OTHER = "09521234543213", "09524000000019"
GS = "\x1d"


def label(text: str) -> Scan:
    return scanning.read("]C1" + text, on=TODAY)


def told(box: Box) -> dict[str, str]:
    return dict(box.scan.fields)


def test_a_product_and_lot_label_and_an_expiry_and_serial_label_make_one_box():
    first, second = label(f"01{GTIN}10A17"), label("1728083121S1")

    for pair in ([first, second], [second, first]):
        (box,) = boxes.scanned(pair)
        assert (box.scan.gtin, box.scan.lot, box.scan.serial) == (GTIN, "A17", "S1")
        assert (box.scan.expires_on, box.scan.doubts) == (date(2028, 8, 31), ())
        assert box.labels == (0, 1)


def test_the_labels_of_the_next_box_begin_a_new_one():
    labels = [label(f"01{GTIN}10A17"), label("1728083121S1"), label("1728083121S2"), label(f"01{GTIN}10A17")]

    found = boxes.scanned(labels)

    assert [(box.labels, box.scan.serial) for box in found] == [((0, 1), "S1"), ((2, 3), "S2")]


def test_a_label_that_contradicts_the_one_before_is_not_joined_and_it_is_said():
    (first, second) = boxes.scanned([label(f"01{GTIN}10A17"), label(f"10B18{GS}17280831")])

    assert (first.scan.lot, first.conflict) == ("A17", "")
    assert second.scan.lot == "B18"
    assert second.conflict == "The lot is A17 in one place and B18 in another: this cannot be one box."


def test_a_label_that_tells_all_by_itself_takes_none_of_its_neighbours():
    full = label(f"01{GTIN}1728083110A17")
    for labels in ([full, label(f"01{GTIN}")], [label(f"01{GTIN}"), full], [full, label("21S1")]):
        assert [box.labels for box in boxes.scanned(labels)] == [(0,), (1,)]


def test_labels_that_are_said_to_be_one_box_are_refused_if_they_cannot_be():
    assert boxes.whole([label("10A17"), label("17280831"), label(f"01{GTIN}")]).complete
    with pytest.raises(UnreadableLabel, match="cannot be one box"):
        boxes.whole([label(f"01{GTIN}10A17"), label(f"01{OTHER}")])


def test_codes_of_one_photo_are_one_box_if_they_agree_and_else_each_for_itself():
    retail, full = label(f"01{GTIN}"), label(f"01{GTIN}1728083110A17")
    assert [box.labels for box in boxes.in_photo([retail, full])] == [(0, 1)]
    assert [box.labels for box in boxes.in_photo([full, full])] == [(0,), (1,)]
    loose = [retail, label(f"01{OTHER}"), label("1728083110A17"), label("1728083110B18")]

    found = boxes.in_photo(loose)

    assert [box.labels for box in found] == [(0,), (1,), (2,), (3,)]
    assert boxes.in_photo([]) == []


NEEDED = st.permutations(["01", "10", "17"])
EXTRA = {"21": "S1", "11": "250101", "30": "5"}


@st.composite
def one_box(draw: st.DrawFn, lot: str) -> list[Scan]:
    """A box whose product, lot and expiry stand on two or three labels, with other fields anywhere."""
    values = {"01": GTIN, "10": lot, "17": "280831"}
    order = draw(NEEDED)
    cut = draw(st.sampled_from([[order[:1], order[1:]], [order[:2], order[2:]], [[one] for one in order]]))
    labels = [list(part) for part in cut]
    for ai in EXTRA:
        if draw(st.booleans()):
            draw(st.sampled_from(labels)).append(ai)
    fixed = ("01", "11", "17")
    return [
        label("".join(f"{ai}{(values | EXTRA)[ai]}{'' if ai in fixed else GS}" for ai in part))
        for part in labels
    ]


@settings(max_examples=60, deadline=None)
@given(one_box("A17"), one_box("B18"))
def test_the_order_in_which_the_labels_of_a_box_are_scanned_does_not_matter(first, second):
    for here in permutations(first):
        for there in permutations(second):
            found = boxes.scanned([*here, *there])
            assert [told(box)["10"] for box in found] == ["A17", "B18"]
            assert [box.scan.complete for box in found] == [True, True]
            assert told(found[0]) == {ai: value for scan in first for ai, value in scan.fields}
