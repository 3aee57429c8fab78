"""Counting over HTTP: a sheet, scans, a blind one, paper and workbook, the posting and what it means."""

from io import BytesIO

import openpyxl
import pytest

from api.auth import Role
from tests.calls import Clinic, opened

LABEL = "0109521234543213" + "17270630" + "10A17"


@pytest.fixture
def here(database) -> Clinic:
    with opened(database) as found:
        received = {"expires_on": "2027-06-30", "received_on": "2026-01-05"}
        for sku, lot, containers, cost in (
            ("HA-3", "A17", 10, "16.50"), ("HA-3", "B02", 5, "17.90"), ("LIDO-20", "L1", 3, "9.99"),
        ):  # fmt: skip
            found.made(
                "/receipts",
                received | {"sku": sku, "lot_number": lot, "containers": containers, "unit_cost": cost},
            )
        found.made("/opened-vials", {"lot": lot_of(found, "L1")})
        yield found


def lot_of(here: Clinic, number: str) -> int:
    (key,) = [lot["id"] for lot in here.seen("/lots")["items"] if lot["number"] == number]
    return key


def lines(count) -> dict[str, dict]:
    return {line["lot_number"] + (" open" if line["opened_vial"] else ""): line for line in count["lines"]}


def write(here: Clinic, count, role: Role = Role.MANAGER, again: bool = False, **found: str):
    known = lines(count)
    body = {
        "lines": [
            {"line": known[lot.replace("_", " ")]["id"], "quantity": quantity}
            | ({"again": True} if again else {})
            for lot, quantity in found.items()
        ]
    }
    answer = here.call("PUT", f"/counts/{count['id']}/lines", body, role=role)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_count_from_its_sheet_to_the_books(here: Clinic):
    count = here.made("/counts", {}, role=Role.PRACTITIONER)
    assert (count["state"], count["subject"], count["uncounted"]) == ("open", "Everything at Main Street", 4)
    assert {lot: line["book"] for lot, line in lines(count).items()} == {
        "A17": "30", "B02": "15", "L1": "40", "L1 open": "20",
    }  # fmt: skip

    count = write(here, count, A17="27", B02="18", L1="40", L1_open="19.5")
    assert {lot: (line["change"], line["value"]) for lot, line in lines(count).items()} == {
        "A17": ("-3", "-16.50"), "B02": ("3", "17.90"), "L1": ("0", None), "L1 open": ("-0.5", "-0.25"),
    }  # fmt: skip
    assert (count["gained"], count["lost"]) == ("17.90", "16.75")
    posted = here.made(f"/counts/{count['id']}/post", {"reason": "weekly count", "digest": count["digest"]})

    assert (posted["state"], posted["ended_by"], posted["reason"]) == (
        "posted", "Manager Person", "weekly count",
    )  # fmt: skip
    assert here.seen("/lots/" + str(lot_of(here, "A17")))["on_hand"] == "27"
    (entry,) = [
        one
        for one in here.seen("/journal?from=2026-01-01&to=2026-01-31")["items"]
        if "count" in one["description"]
    ]
    assert sum(1 for line in entry["lines"] if line["account"] == "5120") == 2
    (row,) = [
        one
        for one in here.seen("/roll-forward?from=2026-01-01&to=2026-01-31")["items"]
        if one["sku"] == "HA-3"
    ]
    assert row["value"]["counted"] == "1.40"
    assert here.seen("/reconciliation")["difference"] == "0.00"
    rows = here.seen("/valuation?on=2026-01-15")["items"]
    assert {row["lot_number"]: row["last_count"] for row in rows} == dict.fromkeys(
        ("A17", "B02", "L1"), "2026-01-15"
    )


def test_a_blind_sheet_does_not_say_what_the_book_has_to_who_counts(here: Clinic):
    count = here.made("/counts", {"blind": True}, role=Role.PRACTITIONER)

    assert {line["book"] for line in count["lines"]} == {None}
    seen = write(here, count, role=Role.PRACTITIONER, A17="27")
    assert {(line["book"], line["change"], line["value"]) for line in seen["lines"]} == {(None, None, None)}
    assert seen["lost"] is None
    by_manager = lines(here.seen(f"/counts/{count['id']}"))
    assert (by_manager["A17"]["book"], by_manager["A17"]["change"]) == ("30", "-3")
    assert by_manager["B02"]["book"] is None


def test_who_sees_no_costs_sees_none_of_a_count(here: Clinic):
    count = here.made("/counts", {})
    write(here, count, A17="27")

    seen = here.seen(f"/counts/{count['id']}", role=Role.PRACTITIONER)

    assert lines(seen)["A17"]["change"] == "-3"
    assert lines(seen)["A17"]["value"] is None
    assert seen["lost"] is None
    assert here.get(f"/counts/{count['id']}", role=Role.FRONT_DESK).status_code == 403
    assert here.get(f"/counts/{count['id']}", role=Role.ACCOUNTANT).status_code == 200
    assert (
        here.post(f"/counts/{count['id']}/post", {"reason": "x"}, role=Role.PRACTITIONER).status_code == 403
    )


def test_a_scan_counts_one_and_a_scan_sent_twice_counts_once(here: Clinic):
    count = here.made("/counts", {"skus": ["HA-3"]})
    path = f"/counts/{count['id']}/scan"

    for key, quantity in (("k1", "3"), ("k2", "6"), ("k2", "6")):
        answer = here.post(path, {"data": LABEL}, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json["quantity"]) == (201, quantity)

    assert lines(here.seen(f"/counts/{count['id']}"))["A17"]["counted"] == "6"
    unknown = here.post(path, {"data": LABEL.replace("A17", "Z9")})
    assert (unknown.status_code, unknown.json["name"]) == (409, "ReceiveInstead")
    assert here.post(path, {"data": "what is this"}).status_code == 422


def test_a_count_is_of_one_thing(here: Clinic):
    assert {line["sku"] for line in here.made("/counts", {"ingredient_class": "Anaesthetics"})["lines"]} == {
        "LIDO-20"
    }
    refused = here.post("/counts", {"ingredient_class": "anaesthetics", "place": "SHELF"})
    assert (refused.status_code, refused.json["detail"]) == (
        422, "A count is of one thing, not of place and ingredient_class: begin two.",
    )  # fmt: skip
    nothing = here.post("/counts", {"rota": True})
    assert (nothing.status_code, nothing.json["name"]) == (409, "NothingDue")
    here.clock.now = here.clock.now.replace(month=6)
    due = here.made("/counts", {"rota": True})
    assert due["subject"] == "What is due by the rota (1 items)"
    assert here.post("/counts", {"place": "NOWHERE"}).status_code == 404
    assert here.post("/counts", {"place": "PATIENT"}).status_code == 422


def test_the_rest_can_be_said_to_be_missing_and_a_count_given_up(here: Clinic):
    count = here.made("/counts", {"skus": ["HA-3"]})
    answer = here.call("PUT", f"/counts/{count['id']}/lines", {"rest_is_missing": True})
    assert {lot: line["change"] for lot, line in lines(answer.json).items()} == {"A17": "-30", "B02": "-15"}
    assert all(line["again"] for line in answer.json["lines"])
    refused = here.post(f"/counts/{count['id']}/post", {"reason": "weekly"})
    assert (refused.status_code, refused.json["name"]) == (409, "SecondCountNeeded")

    ended = here.made(f"/counts/{count['id']}/abandon", {"reason": "the wrong shelf"})

    assert (ended["state"], ended["document"]) == ("abandoned", None)
    assert here.seen("/counts?state=abandoned")["items"][0]["id"] == count["id"]
    assert here.seen("/counts?state=open")["items"] == []
    assert here.post(f"/counts/{count['id']}/abandon", {"reason": "again"}).status_code == 409


def test_a_sheet_is_printed_blind_or_not(here: Clinic):
    count = here.made("/counts", {"blind": True})

    for address in ("sheet.pdf", "sheet.pdf?blind=false"):
        answer = here.get(f"/counts/{count['id']}/{address}")
        assert answer.status_code == 200
        assert answer.mimetype == "application/pdf"
        assert answer.data.startswith(b"%PDF-")
    headers = [cell.value for cell in sheet(here, count)[1]]
    assert headers == ["Line", "Place", "SKU", "Item", "Lot", "Expires", "Count in", "Counted"]
    open_ = sheet(here, count, "?blind=false")
    assert [cell.value for cell in open_[1]][-2:] == ["Book", "Counted"]
    assert {(row[4].value, row[7].value) for row in open_.iter_rows(min_row=2, max_row=5)} == {
        ("A17", 10), ("B02", 5), ("L1", 2), ("L1", 20),
    }  # fmt: skip
    asked = here.get(f"/counts/{count['id']}/sheet.xlsx?blind=false", role=Role.PRACTITIONER)
    filled = openpyxl.load_workbook(BytesIO(asked.data)).active
    assert "Book" not in [cell.value for cell in filled[1]]


def sheet(here: Clinic, count, query: str = ""):
    answer = here.get(f"/counts/{count['id']}/sheet.xlsx{query}")
    assert answer.status_code == 200
    return openpyxl.load_workbook(BytesIO(answer.data)).active


def fill(here: Clinic, count, *more: list, **found: object) -> bytes:
    """The sheet with numbers under Counted, and rows for what was found besides."""
    filled = sheet(here, count)
    for row in filled.iter_rows(min_row=2):
        name = f"{row[4].value}{'_open' if 'left' in str(row[6].value) else ''}"
        if name in found:
            row[7].value = found[name]
    for cells in more:
        filled.append(cells)
    out = BytesIO()
    filled.parent.save(out)
    return out.getvalue()


def upload(here: Clinic, count, data: bytes, query: str = ""):
    file = {"file": (BytesIO(data), "count.xlsx")}
    return here.call(
        "POST", f"/counts/{count['id']}/sheet{query}", data=file, content_type="multipart/form-data"
    )


def test_a_sheet_that_was_filled_in_is_read_back(here: Clinic):
    count = here.made("/counts", {"blind": True})

    answer = upload(here, count, fill(here, count, A17=9, B02=6, L1_open=19.5))

    assert (answer.status_code, answer.json["counted"]) == (200, 3)
    found = {lot: line["counted"] for lot, line in lines(here.seen(f"/counts/{count['id']}")).items()}
    assert found == {"A17": "27", "B02": "18", "L1": None, "L1 open": "19.5"}


def test_rows_that_cannot_be_taken_are_named_and_nothing_is_written_down(here: Clinic):
    count = here.made("/counts", {})
    nowhere = [None, "Attic", "HA-3", None, "A17", None, None, None, 1]
    unknown = [None, None, "HA-3", None, "Z9", None, None, None, 1]
    bad = fill_at(here, count, {"A17": "lots", "B02": 1.5, "L1": 2}, [999, *[None] * 7, 4], nowhere, unknown)

    answer = upload(here, count, bad)

    assert (answer.status_code, answer.json["name"]) == (422, "BadRows")
    assert [row["message"] for row in answer.json["rows"] if not row["ok"]] == [
        "Row 2: 'lots' is not a number: write digits and one decimal point, no currency sign.",
        "Row 3: 4.5 mL is not a whole number of sealed containers: one HA-3 holds 3 mL.",
        f"Row 6: count {count['id']} has no line 999.",
        "Row 7: the count does not go through a place called 'Attic'.",
        "Row 8: No lot Z9 of HA-3 was ever received: receive it with what it cost, "
        "for a count only finds what the book knows.",
    ]
    assert {line["counted"] for line in here.seen(f"/counts/{count['id']}")["lines"]} == {None}


def fill_at(here: Clinic, count, found: dict, *more: list) -> bytes:
    """As `fill`, on a sheet with the book on it; the sheet's last row has its totals, if any."""
    filled = sheet(here, count)
    for row in filled.iter_rows(min_row=2):
        if row[4].value in found and "left" not in str(row[6].value):
            row[8].value = found[row[4].value]
    for cells in more:
        filled.append(cells)
    out = BytesIO()
    filled.parent.save(out)
    return out.getvalue()


def test_what_is_found_besides_comes_onto_the_sheet_from_the_file(here: Clinic):
    here.made("/write-offs", {"lot": lot_of(here, "B02"), "quantity": "15", "reason": "lost"})
    count = here.made("/counts", {"place": "SHELF"})
    assert "B02" not in lines(count)

    csv = b"SKU;Lot;Counted\nHA-3;B02;2\n"
    answer = here.call("POST", f"/counts/{count['id']}/sheet", data=csv, content_type="text/csv")

    assert (answer.status_code, answer.json["counted"]) == (200, 1)
    assert lines(here.seen(f"/counts/{count['id']}"))["B02"]["change"] == "6"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"Lot,Price\nA17,3\n", "NoCountSheet"),
        (b"Line,Counted\n1,\n2,\n", "NoCountSheet"),
        (b"PK\x03\x04 nothing", "UnreadableFile"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(here: Clinic, data, name):
    count = here.made("/counts", {})

    answer = here.call("POST", f"/counts/{count['id']}/sheet", data=data, content_type="text/csv")

    assert (answer.status_code, answer.json["name"]) == (422, name)


def test_a_sheet_counted_in_the_morning_and_read_in_the_evening(here: Clinic):
    count = here.made("/counts", {"skus": ["HA-3"]})
    here.clock.now = here.clock.now.replace(hour=20)
    here.made("/sessions", {"patient_ref": "C-1", "lines": [{"sku": "HA-3", "quantity": "2.5"}]})

    filled = fill_at(here, count, {"A17": 10, "B02": 5})
    answer = upload(here, count, filled, "?counted_at=2026-01-15T16:00:00Z")

    assert answer.status_code == 200, answer.json
    assert {line["change"] for line in here.seen(f"/counts/{count['id']}")["lines"]} == {"0"}
    early = upload(here, count, filled, "?counted_at=2026-01-15T09:00:00Z")
    assert (early.status_code, early.json["name"]) == (422, "CountedAtAnotherTime")


def test_a_posted_count_is_reversed_whole_and_is_no_last_count_then(here: Clinic):
    before = here.seen("/reconciliation")
    count = write(here, here.made("/counts", {}), A17="27", B02="18", L1="40", L1_open="19.5")
    here.made(f"/counts/{count['id']}/post", {"reason": "weekly count", "digest": count["digest"]})
    document = here.seen("/movements?sku=HA-3")["items"][-1]["document"]

    reversed_ = here.made(f"/documents/{document}/reverse", {"reason": "the wrong shelf"})
    again = here.post(f"/documents/{document}/reverse", {"reason": "the wrong shelf"})

    assert sorted(one["quantity"] for one in reversed_["movements"]) == ["0.5", "3", "3"]
    assert here.seen(f"/lots/{lot_of(here, 'A17')}")["on_hand"] == "30"
    assert here.seen("/reconciliation") == before
    rows = here.seen("/valuation?on=2026-01-15")["items"]
    assert {row["last_count"] for row in rows} == {None}
    assert again.status_code == 409
    assert f"Document {document} was reversed already" in again.json["detail"]
