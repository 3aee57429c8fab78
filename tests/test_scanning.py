"""Barcodes: what every label of the list says, and how the others are refused (S13)."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inventory import scanning
from inventory.scanning import Scan, UnreadableLabel

TODAY = date(2026, 3, 2)
GS = "\x1d"
GTIN = "09521234543213"


def labels() -> list[dict[str, str]]:
    with (Path(__file__).parent / "gs1.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scanned(label: dict[str, str]) -> str:
    return label["raw_escaped"].replace("{GS}", GS).replace("{RS}", "\x1e").replace("{EOT}", "\x04")


def others(scan: Scan) -> set[str]:
    """What the list calls other fields, as it writes them."""
    named = {"sscc": scan.sscc, "content_gtin": scan.content_gtin, "variant": scan.variant}
    named |= {"pzn": scan.pzn, "ppn": scan.ppn}
    return {
        *(f"{name}={value}" for name, value in named.items() if value),
        *(f"nhrn_{ai}={value}" for ai, value in scan.nhrn),
        *(f"ai_{ai}={value}" for ai, value in scan.other),
    }


@pytest.mark.parametrize(
    "label", [row for row in labels() if row["expect"] != "error"], ids=lambda r: r["vector_id"]
)
def test_a_good_label_of_the_list_reads_as_it_should(label):
    scan = scanning.read(scanned(label), on=TODAY)

    assert (scan.gtin or "") == label["gtin14"]
    assert (scan.lot or "") == label["lot"]
    assert str(scan.expires_on or "") == label["expiry_date"]
    assert str(scan.produced_on or "") == label["production_date"]
    assert str(scan.best_before_on or "") == label["best_before_date"]
    assert (scan.serial or "") == label["serial"]
    assert str("" if scan.quantity is None else scan.quantity) == label["quantity"]
    assert (scan.quantity_ai or "") == label["quantity_ai"]
    assert others(scan) == set(filter(None, label["other_fields"].split(";")))
    assert scan.doubts == tuple(filter(None, [label["expected_code"]]))


@pytest.mark.parametrize(
    "label", [row for row in labels() if row["expect"] == "error"], ids=lambda r: r["vector_id"]
)
def test_a_bad_label_of_the_list_is_refused_by_its_code(label):
    with pytest.raises(UnreadableLabel) as refused:
        scanning.read(scanned(label), on=TODAY)

    assert refused.value.code == label["expected_code"]
    assert refused.value.facts["code"] == label["expected_code"]
    assert str(refused.value).endswith(".")


def test_the_list_is_whole():
    assert len(labels()) == 46


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "E_EMPTY"),
        ("  \r\n", "E_EMPTY"),
        ("]", "E_EMPTY"),
        ("]d2", "E_EMPTY"),
        ("]d2" + GS, "E_EMPTY"),
        ("]d201", "E_EMPTY"),
        ("1" * 100_000, "E_TOO_LONG"),
        ("ABC-123", "E_NOT_GS1"),
        ("]d1ABC-123", "E_NOT_GS1"),
        ("]Q1https://id.gs1.org/01/09521234543213", "E_NOT_GS1"),
        ("https://id.gs1.org/01/09521234543213", "E_NOT_GS1"),
        ("]C0+A123BJC5D6E71G", "E_NOT_GS1_HIBC"),
        ("]d1+$$3280831ABC", "E_NOT_GS1_HIBC"),
        ("]d20109521234543210", "E_CHECK_DIGIT"),
        ("]d200095240000000000018", "E_CHECK_DIGIT"),
        ("]E09521234543210", "E_CHECK_DIGIT"),
        ("]E0952123454", "E_TRUNCATED"),
        ("]E095212345432131", "E_TOO_LONG"),
        ("]E0952123454321²", "E_NON_DIGIT"),
        ("]d201095212345432\N{SUPERSCRIPT ONE}3", "E_NON_DIGIT"),
        ("]d2010952123454321\N{ARABIC-INDIC DIGIT THREE}", "E_NON_DIGIT"),
        (f"]d2010952123454{GS}10A", "E_TRUNCATED"),
        ("]d2010952123454321317281331", "E_BAD_DATE"),
        ("]d2010952123454321317280832", "E_BAD_DATE"),
        ("]d2010952123454321317270229", "E_BAD_DATE"),
        ("]d2010952123454321310AB\x0b1", "E_CHARSET"),
        ("]d2010952123454321310AB#1", "E_CHARSET"),
        ("]d2010952123454321399" + "A" * 91, "E_TOO_LONG"),
        ("]d20109521234543213XY", "E_UNKNOWN_AI"),
        ("]d20109521234543213" + "05123", "E_UNKNOWN_AI"),
        ("(01)09521234543213(55)X", "E_UNKNOWN_AI"),
        ("(01)0952123454321(10)X", "E_TRUNCATED"),
        (f"]C10109521234543213029521234543213{GS}", "E_TRUNCATED"),
        ("]C1010952123454321302095212345432133710", "E_INVALID_PAIR"),
        ("]d217280831", "E_REQUIRED_AI"),
        ("]d221SER1", "E_REQUIRED_AI"),
        ("]d202095212345432133710", "E_REQUIRED_AI"),
        ("]C10209521234543213", "E_REQUIRED_AI"),
        ("]C13710", "E_REQUIRED_AI"),
        (f"[)>\x1e06{GS}9N110375286415{GS}1TA\x1e\x04", "E_CHECK_DIGIT"),
        (f"[)>\x1e06{GS}1TA\x1e\x04", "E_NOT_GS1"),
        (f"[)>\x1e06{GS}9N110375286414{GS}D281331\x1e\x04", "E_BAD_DATE"),
        (f"[)>\x1e06{GS}9N110375286414{GS}27Qa\x00b\x1e\x04", "E_CHARSET"),
        ("[)>069N1103752864141T12345ABCDE", "E_NOT_GS1"),
    ],
)
def test_what_is_no_label_is_refused_by_name(data, code):
    with pytest.raises(UnreadableLabel) as refused:
        scanning.read(data, on=TODAY)

    assert refused.value.code == code


def test_a_refusal_tells_the_manager_what_to_do():
    with pytest.raises(UnreadableLabel, match="needs 14 digits"):
        scanning.read("]d201952123454321317280831", on=TODAY)
    with pytest.raises(UnreadableLabel, match="A letter O is no zero"):
        scanning.read("]d201095212345432131728O831", on=TODAY)
    with pytest.raises(UnreadableLabel, match="beside a product number is AI 30"):
        scanning.read(f"]C101095212345432133710{GS}10X", on=TODAY)
    with pytest.raises(UnreadableLabel, match="HIBC label, not GS1: type the item, lot and expiry by hand"):
        scanning.read("+A123BJC5D6E71G", on=TODAY)


@pytest.mark.parametrize(
    "data",
    [
        "]d201095212345432131728083110ABC",
        "]C101095212345432131728083110ABC",
        "]e001095212345432131728083110ABC",
        "]J101095212345432131728083110ABC",
        f"]Q3{GS}01095212345432131728083110ABC{GS}",
        "]d201095212345432131728083110ABC\r\n",
        f"]d210ABC{GS}172808310109521234543213",
    ],
)
def test_every_carrier_says_the_same_and_raises_no_doubt(data):
    scan = scanning.read(data, on=TODAY)

    assert (scan.gtin, scan.lot, scan.expires_on, scan.doubts) == (GTIN, "ABC", date(2028, 8, 31), ())
    assert scan.complete


@pytest.mark.parametrize(
    ("data", "doubts"),
    [
        ("01095212345432131728083110ABC", ("W_NO_SYMBOLOGY_ID",)),
        ("01095212345432131728083110ABC\n", ("W_NO_SYMBOLOGY_ID",)),
        ("0109521234543213{GS}10ABC{GS}17280831", ("W_NO_SYMBOLOGY_ID", "W_SEPARATOR_TYPED")),
        ("0109521234543213\u241d10ABC\u241d17280831", ("W_NO_SYMBOLOGY_ID", "W_SEPARATOR_TYPED")),
        ("(01) 0 9521234 54321 3 (17) 280831 (10) ABC", ("W_HRI_INPUT",)),
        (f"[)>\x1e05{GS}01095212345432131728083110ABC\x1e\x04", ()),
    ],
)
def test_a_keyboard_scanner_reads_the_same_and_says_what_to_check(data, doubts):
    scan = scanning.read(data, on=TODAY)

    assert (scan.gtin, scan.lot, scan.expires_on, scan.doubts) == (GTIN, "ABC", date(2028, 8, 31), doubts)


def test_brackets_inside_a_lot_stay_in_the_lot():
    scan = scanning.read("(01)09521234543213(10)A/B-1+2%&(x)_z(17)270131", on=TODAY)

    assert (scan.lot, scan.expires_on) == ("A/B-1+2%&(x)_z", date(2027, 1, 31))


@pytest.mark.parametrize(
    ("data", "gtin"),
    [
        ("]E09521234543213", GTIN),
        ("9521234543213", GTIN),
        ("]E40412345" + "7", None),
        ("]E496385074", "00000096385074"),
        ("]E3952123454321312", GTIN),
        ("]I119524000000016", "19524000000016"),
        ("036000291452", "00036000291452"),
        ("]E00036000291452", "00036000291452"),
    ],
)
def test_a_retail_barcode_is_the_product_and_nothing_else(data, gtin):
    if gtin is None:
        with pytest.raises(UnreadableLabel, match="last digit does not fit"):
            scanning.read(data, on=TODAY)
        return

    scan = scanning.read(data, on=TODAY)

    assert (scan.gtin, scan.lot, scan.expires_on, scan.complete) == (gtin, None, None, False)


@pytest.mark.parametrize(
    "data",
    [
        "]d2010952123454321310ABC12317280831",
        "]d2010952123454321310ABC1728083121S",
        "]d2010952123454321321SER117280831",
        "0109521234543213" + "10ABC12317280800",
    ],
)
def test_a_lot_that_may_have_swallowed_the_expiry_is_doubted_and_not_split(data):
    scan = scanning.read(data, on=TODAY)

    assert "W_POSSIBLE_MISSING_GS" in scan.doubts
    assert scan.expires_on is None
    assert (scan.lot or scan.serial).startswith(("ABC", "SER"))


@pytest.mark.parametrize(
    "data",
    [
        f"]d2010952123454321310ABC12317280831{GS}17280831",  # the expiry is there: the lot is just long
        "]d2010952123454321310ABC12317281331",  # month 13
        "]d2010952123454321310ABCDEFGHIJ0123456789",
    ],
)
def test_a_lot_that_can_have_swallowed_nothing_raises_no_doubt(data):
    assert scanning.read(data, on=TODAY).doubts == ()


def test_the_century_follows_the_day_of_reading():
    label = "]d2010952123454321317770101"

    assert scanning.read(label, on=date(2026, 12, 31)).expires_on == date(1977, 1, 1)
    assert scanning.read(label, on=date(2027, 1, 1)).expires_on == date(2077, 1, 1)
    assert scanning.read("]d2010952123454321317100101", on=date(2060, 1, 1)).expires_on == date(2110, 1, 1)


def test_day_00_is_the_last_day_of_the_month_even_in_a_leap_year():
    assert scanning.read("]d2010952123454321317280200", on=TODAY).expires_on == date(2028, 2, 29)
    assert scanning.read("]d2010952123454321317281200", on=TODAY).expires_on == date(2028, 12, 31)


def test_every_doubt_has_a_sentence():
    listed = {row["expected_code"] for row in labels() if row["expected_code"].startswith("W_")}

    assert listed <= scanning.DOUBTS.keys()
    assert all(sentence.endswith(".") for sentence in scanning.DOUBTS.values())


ANYTHING = st.one_of(
    st.text(max_size=4096),
    st.text(alphabet="0123456789AT()[]{}>+$\x1d\x1e\x04 é²O", max_size=120),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            [
                "]d2",
                "]C1",
                "]E0",
                "]Q3",
                "",
                "]d201" + GTIN,
                "(01)" + GTIN,
                f"[)>\x1e06{GS}9N110375286414{GS}",
            ]
        ),
        st.sampled_from(
            ["", "10", "17", "21", "30", "37", "11", "00", "710", "7003", "4330", "8008", "(10)", "16D"]
        ),
        st.text(alphabet="0123456789-ABd\x1d٣²", max_size=40),
    ),
)


@settings(max_examples=400, deadline=None)
@given(data=ANYTHING)
@example(data="]d24330-")
@example(data="]d2010952123454321330" + "9" * 8)
@example(data=f"[)>\x1e06{GS}9N110375286414{GS}16D20269999")
@example(data=f"[)>\x1e06{GS}9N110375286414{GS}1T")
def test_any_text_reads_or_is_refused_with_a_sentence(data):
    outcome = read_or_refusal(data)

    if isinstance(outcome, UnreadableLabel):
        assert outcome.code.startswith("E_")
        assert str(outcome).isprintable()
    else:
        assert set(outcome.doubts) <= scanning.DOUBTS.keys()
        assert all(value.isascii() and value.isprintable() for _, value in outcome.fields)


def read_or_refusal(data: str) -> Scan | UnreadableLabel:
    try:
        return scanning.read(data, on=TODAY)
    except UnreadableLabel as refused:
        return refused
