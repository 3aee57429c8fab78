"""Photos of barcodes: read as a scanner reads them, turned, small, noisy; and what is no photo (S13)."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from api import photos
from inventory.gs1 import UnreadableLabel
from tests.calls import Clinic, opened
from tests.conftest import NewDatabase
from tests.pictures import GS, printed, scanned, sent, table
from tests.test_scanning import labels
from tests.test_scanning import scanned as as_scanned

BOX = "]d2010952123454321310A17" + GS + "17270630"
OTHER = "]d2010952123454321310B18" + GS + "17270630"
NONE = "This is no picture that can be read: send a JPEG, PNG or WebP photo."


@pytest.fixture(scope="module")
def here(new_database: NewDatabase) -> Iterator[Clinic]:
    """A clinic that nobody changes; its clock is where the list of labels has it."""
    with new_database() as database, opened(database) as found:
        found.clock.now = found.clock.now.replace(month=3, day=2)
        yield found


@pytest.mark.parametrize("label", labels(), ids=lambda row: row["vector_id"])
def test_every_label_of_the_list_reads_through_the_call_as_it_should(here: Clinic, label):
    answer = here.post("/scans", {"data": as_scanned(label)})

    if label["expect"] == "error":
        assert (answer.status_code, answer.json["code"]) == (422, label["expected_code"])
        return
    assert answer.status_code == 200, answer.text
    found = answer.json
    assert found["doubts"] == list(filter(None, [label["expected_code"]]))
    for name, column in (
        ("gtin", "gtin14"), ("lot", "lot"), ("expires_on", "expiry_date"), ("serial", "serial"),
        ("produced_on", "production_date"), ("best_before_on", "best_before_date"), ("quantity", "quantity"),
    ):  # fmt: skip
        assert str("" if found[name] is None else found[name]) == label[column], name
    assert found["boxes"][0]["fields"] == found["fields"]


DRAWN = [
    row
    for row in labels()
    if row["expect"] != "error" and row["carrier"] in ("GS1 DataMatrix", "DataMatrix (IFA)")
]


@pytest.mark.parametrize("label", DRAWN, ids=lambda row: row["vector_id"])
def test_a_picture_of_every_datamatrix_of_the_list_reads_as_its_text_does(here: Clinic, label):
    data = as_scanned(label)

    answer = scanned(here, sent(printed(data)))

    assert answer.status_code == 200, answer.text
    assert answer.json == here.made("/scans", {"data": data})


def test_the_list_has_datamatrix_codes_to_draw():
    assert len(DRAWN) > 20


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", [0, 17, 90, 143, 270])
def test_a_turned_code_is_read_from_each_kind_of_picture(here: Clinic, kind, turn):
    picture = table(printed(BOX)).rotate(turn, expand=True, fillcolor=235)

    assert scanned(here, sent(picture, kind)).json["lot"] == "A17"


@pytest.mark.parametrize("scale", [2, 3, 20])
def test_a_small_and_a_large_code_are_read(here: Clinic, scale):
    assert scanned(here, sent(table(printed(BOX, scale=scale)), "PNG")).json["lot"] == "A17"


def test_a_noisy_dark_and_blurred_code_is_read(here: Clinic):
    from PIL import ImageFilter

    chance, picture = Random(7), table(printed(BOX, scale=8)).point(lambda light: 40 + light // 2)
    points = picture.load()
    for _ in range(picture.width * picture.height // 12):
        points[chance.randrange(picture.width), chance.randrange(picture.height)] = chance.randrange(256)

    noisy = picture.filter(ImageFilter.GaussianBlur(1.5))

    assert scanned(here, sent(noisy, quality=60)).json["lot"] == "A17"


def test_a_photo_that_lies_on_its_side_and_one_that_is_see_through_are_read(here: Clinic):
    sideways = Image.Exif()
    sideways[0x0112] = 6
    assert scanned(here, sent(table(printed(BOX)), exif=sideways)).json["lot"] == "A17"
    glass = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    glass.paste(printed(BOX), (60, 60))

    assert scanned(here, sent(glass, "PNG")).json["lot"] == "A17"


def test_two_codes_of_one_box_in_a_photo_are_one_box(here: Clinic):
    picture = table(printed("]C10109521234543213", scale=3), printed("]C11727063010A17", scale=3))

    found = scanned(here, sent(picture)).json

    assert (found["item"], found["lot"], found["expires_on"]) == ("HA-3", "A17", "2027-06-30")
    assert found["complete"]
    assert found["doubts"] == []


def test_several_boxes_in_a_photo_are_told_one_by_one_and_none_stands_for_all(here: Clinic):
    found = scanned(here, sent(table(printed(BOX), printed(OTHER), printed("https://clinic.example")))).json

    assert [box["lot"] for box in found["boxes"]] == ["A17", "B18"]
    assert (found["lot"], found["item"], found["doubts"]) == (None, None, ["W_SEVERAL_BOXES"])
    assert [one["code"] for one in found["unreadable"]] == ["E_NOT_GS1"]


def test_a_photo_with_nothing_but_other_codes_is_refused_as_its_first_is(here: Clinic):
    answer = scanned(here, sent(table(printed("https://clinic.example"))))

    assert (answer.status_code, answer.json["code"]) == (422, "E_NOT_GS1")


def test_a_photo_without_a_code_says_so(here: Clinic):
    answer = scanned(here, sent(Image.new("RGB", (300, 200), "white")))

    assert (answer.status_code, answer.json["code"]) == (422, "E_NO_BARCODE")
    assert "take it nearer" in answer.json["detail"]


def bomb() -> bytes:
    """A PNG of a few bytes that claims to be 60,000 points wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    head = (60_000).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", NONE),
        (b"GIF89a not here", NONE),
        (sent(Image.new("L", (9, 9)), "GIF"), NONE),
        (sent(Image.new("1", (6_000, 5_000)), "PNG"),
         "The picture has 30 million points; at most 25 million of a PNG are read."),
        (bomb(), "The picture claims to have more points than any camera makes."),
    ],
    ids=["empty", "no picture", "another kind", "too large", "bomb"],
)  # fmt: skip
def test_what_is_no_photo_is_refused_with_a_sentence(here: Clinic, data, sentence):
    answer = scanned(here, data)

    assert (answer.status_code, answer.json["detail"]) == (422, sentence)


def test_a_form_without_a_picture_and_one_that_is_too_large_are_refused(here: Clinic):
    assert scanned(here, b"x", name="other").status_code == 400
    assert scanned(here, b"x" * (20 * 1024 * 1024 + 1)).status_code == 413
    assert here.post("/scans", {}).status_code == 422
    assert here.post("/scans", {"data": BOX, "labels": [BOX]}).status_code == 422
    assert here.post("/scans", {"labels": []}).status_code == 422


def test_labels_of_one_box_are_joined_by_the_call_and_a_conflict_is_said(here: Clinic):
    found = here.made("/scans", {"labels": ["]C11727063021S1", "]C1010952123454321310A17"]})
    assert (found["item"], found["lot"], found["serial"]) == ("HA-3", "A17", "S1")

    answer = here.post("/scans", {"labels": ["]C110A17", "]C110B18"]})

    assert (answer.status_code, answer.json["code"]) == (422, "E_DUPLICATE_CONFLICT")


WHOLE = [sent(table(printed(BOX, scale=2)), kind) for kind in ("JPEG", "PNG", "WEBP")]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.integers(0, 10_000), st.binary(max_size=6), st.booleans())
def test_whatever_is_sent_is_read_or_refused(whole, place, junk, cut):
    place %= len(whole)
    data = whole[:place] + junk + (b"" if cut else whole[place + len(junk) :])
    with suppress(photos.BadPhoto, UnreadableLabel):
        assert photos.codes(data) == [BOX]


def test_no_more_codes_are_read_than_a_photo_can_have():
    row = [printed(f"]d2010952123454321310L{number}", scale=2) for number in range(35)]
    picture = Image.new("L", (7 * 120, 5 * 120), 255)
    for place, code in enumerate(row):
        picture.paste(code, (place % 7 * 120 + 10, place // 7 * 120 + 10))

    assert len(photos.codes(sent(picture, "PNG"))) <= photos.MOST_CODES


def test_the_codes_of_a_photo_come_from_top_to_bottom():
    assert photos.codes(BytesIO(sent(table(printed(OTHER), printed(BOX)))).getvalue()) == [OTHER, BOX]
