"""The label on an opened vial: all that a person must read, and a QR code that finds the vial again (S4)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import vial_label
from api.auth import Role
from inventory import catalog, vial_labels
from inventory.gs1 import UnreadableLabel
from tests.calls import NOW, Clinic

MM = 72 / 25.4
LONGEST = "Bacteriostatic sodium chloride 0.9%, 25 × 30 mL multi-dose vials, " + "W" * 130


def open_one(here: Clinic, number: str = "L1", **more: Any) -> Any:
    receipt = {
        "sku": "LIDO-20", "lot_number": number, "expires_on": "2026-12-31", "containers": 2,
        "unit_cost": "8.00", "received_on": "2026-01-10",
    }  # fmt: skip
    lot = here.made("/receipts", receipt)["lot"]["id"]
    return here.made("/opened-vials", {"lot": lot} | more, role=Role.PRACTITIONER)


def fetched(here: Clinic, path: str) -> Any:
    """The pages of a PDF that a call answers."""
    import pypdfium2

    answer = here.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    return pypdfium2.PdfDocument(answer.data)


def words(page: Any) -> str:
    return " ".join(page.get_textpage().get_text_range().split())


def codes(page: Any) -> list[str]:
    """What a camera reads on a page that was printed at 300 dots an inch."""
    import zxingcpp

    picture = page.render(scale=300 / 72).to_pil()
    return sorted(found.text for found in zxingcpp.read_barcodes(picture))


def test_the_label_says_what_a_person_must_read_and_its_code_finds_the_vial(here):
    vial = open_one(here)

    (page,) = fetched(here, f"/opened-vials/{vial['id']}/label.pdf")

    assert page.get_size() == pytest.approx((50 * MM, 25 * MM), abs=0.1)
    text = words(page)
    for said in (
        "Lidocaine 2%, 20 mL", "Lot L1", "LIDO-20", "Opened 15 Jan 2026 10:00 by PP",
        "DISCARD BY 1 Jan 2027 00:00", "printed expiry 2026-12-31", vial_labels.code(vial["id"]),
    ):  # fmt: skip
        assert said in text, text
    assert codes(page) == [vial_labels.code(vial["id"])]

    scan = here.made("/scans", {"data": codes(page)[0]})
    assert scan["opened_vial"]["id"] == vial["id"]
    assert (scan["item"], scan["lot"], scan["lot_id"]) == ("LIDO-20", "L1", vial["lot"])
    assert scan["opened_vial"]["usable"] is True


def test_one_patients_vial_says_whose_it_is_and_until_when(here):
    vial = open_one(here)
    here.made(f"/opened-vials/{vial['id']}/enter-room", {"patient_ref": "P-1042"}, role=Role.PRACTITIONER)

    (page,) = fetched(here, f"/opened-vials/{vial['id']}/label.pdf")

    assert "ONLY P-1042" in words(page)
    assert "DISCARD BY 15 Jan 2026 11:00" in words(page)


def test_the_longest_names_leave_lot_and_time_whole_on_the_label(here):
    with here.database.write.begin() as db:
        catalog.item(db, "LIDO-20").name = LONGEST
    vial = open_one(here, "W" * 20)
    patient = "P" * 40
    here.made(f"/opened-vials/{vial['id']}/enter-room", {"patient_ref": patient})

    pages = fetched(here, f"/opened-vials/{vial['id']}/label.pdf")

    assert len(pages) == 1
    assert f"Lot {'W' * 20}" in words(pages[0])
    assert "DISCARD BY 15 Jan 2026 11:00" in words(pages[0])
    assert codes(pages[0]) == [vial_labels.code(vial["id"])]


def test_labels_of_several_vials_come_at_once_each_on_its_page_or_on_a_sheet(here):
    keys = [open_one(here, f"L{number}")["id"] for number in range(3)]
    query = "vials=" + ",".join(str(key) for key in [*keys, keys[0]])
    expected = sorted(vial_labels.code(key) for key in keys)

    rolled = fetched(here, f"/opened-vials/labels.pdf?{query}")
    (sheet,) = fetched(here, f"/opened-vials/labels.pdf?{query}&sheet=true&skip=4")

    assert [codes(page) for page in rolled] == [[vial_labels.code(key)] for key in keys]
    assert codes(sheet) == expected
    assert sheet.get_size() == pytest.approx((215.9 * MM, 279.4 * MM), abs=0.5)  # letter paper, in the US
    assert len(fetched(here, f"/opened-vials/labels.pdf?{query}&sheet=true&skip=28")) == 2


def test_the_same_label_is_the_same_file(here):
    vial = open_one(here)

    first, second = (here.get(f"/opened-vials/{vial['id']}/label.pdf").data for _ in range(2))

    assert first == second


def test_labels_of_nothing_are_refused(here):
    refused = {
        "/opened-vials/999999/label.pdf": 404,
        "/opened-vials/labels.pdf": 422,
        "/opened-vials/labels.pdf?vials=0": 422,
        "/opened-vials/labels.pdf?vials=x": 422,
        "/opened-vials/labels.pdf?vials=1,,2": 422,
        "/opened-vials/labels.pdf?vials=" + ",".join(["1"] * 1001): 422,
        "/opened-vials/labels.pdf?vials=" + ",".join(str(key) for key in range(1, 202)): 422,
        "/opened-vials/labels.pdf?vials=999999": 404,
        "/opened-vials/labels.pdf?vials=1&skip=-1": 422,
    }

    assert {path: here.get(path).status_code for path in refused} == refused


def test_a_scan_says_what_became_of_the_vial(here):
    vial = open_one(here)
    label = {"data": f"]Q1{vial_labels.code(vial['id']).lower()}\r\n"}
    here.clock.now = NOW + timedelta(days=400)
    past = here.made("/scans", label)["opened_vial"]

    here.made("/opened-vials/discard-due", {})
    gone = here.made("/scans", label)["opened_vial"]

    assert (past["usable"], past["left"], past["closed_at"]) == (False, "20", None)
    assert (gone["usable"], gone["left"]) == (False, "0")
    assert gone["closed_at"] is not None
    assert here.made("/scans", {"data": "]d20109521234543213"})["opened_vial"] is None


def test_a_label_that_was_mistyped_is_refused_with_its_code(here):
    for data in ("VIAL-1-00", "VIAL-17-74", "VIAL-17", "VIAL-17-47-1", "VIAL 0 98"):
        answer = here.post("/scans", {"data": data})

        assert (answer.status_code, answer.json["code"]) == (422, "E_VIAL_LABEL")
        assert "is no opened vial's label" in answer.json["detail"]


def test_a_label_of_a_vial_that_is_not_on_record_is_not_found(here):
    assert here.post("/scans", {"data": vial_labels.code(424242)}).status_code == 404


@given(key=st.integers(1, 10**17), place=st.integers(0, 20), digit=st.integers(0, 9))
def test_a_slip_of_one_digit_never_finds_another_vial(key, place, digit):
    code = vial_labels.code(key)
    assert vial_labels.read(code) == key
    at = 5 + place % (len(code) - 5)
    slipped = code[:at] + str(digit) + code[at + 1 :]

    if code[at] != "-" and slipped != code:
        with pytest.raises(UnreadableLabel):
            vial_labels.read(slipped)


@pytest.mark.parametrize("data", ["", "0109521234543213", "LIDO-20", "VIALS", "vial", "]d201095", "VIA-1-95"])
def test_what_is_no_vials_label_is_left_to_others(data):
    assert vial_labels.read(data) is None


def test_a_rule_is_named_on_the_label_by_its_code_and_whose_it_is():
    assert (
        vial_label.short_rule("VR-12 US-CA (16 CCR 1751.9): 28 days; if ...") == "VR-12 US-CA (16 CCR 1751.9)"
    )
    assert vial_label.short_rule("label: 672 h in use") == "label: 672 h in use"
    assert vial_label.short_rule("printed expiry 2026-12-31") == "printed expiry 2026-12-31"
    assert len(vial_label.short_rule("X" * 300)) == vial_label.LONGEST_RULE
    assert vial_label.initials("Nora van der Nurse") == "NVD"
