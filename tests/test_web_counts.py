"""Counting on the pages: nothing scanned or typed is lost; differences have a price, postings a reason."""

import re
from io import BytesIO

import openpyxl
import pytest
import sqlalchemy as sa

from api.auth import Role
from inventory.counts import Count
from tests.calls import opened
from tests.pages import Browser, House, main, said
from tests.shelves import on_hand

LABEL = "0109521234543213" + "17270630" + "10A17"


@pytest.fixture
def house(database):
    """Ten vials of hyaluron of lot A17, five of B02, and lidocaine with one vial open."""
    with opened(database) as clinic:
        received = {"expires_on": "2027-06-30", "received_on": "2026-01-05"}
        for sku, lot, containers, cost in (
            ("HA-3", "A17", 10, "16.50"), ("HA-3", "B02", 5, "17.90"), ("LIDO-20", "L1", 3, "9.99"),
        ):  # fmt: skip
            made = clinic.made(
                "/receipts",
                received | {"sku": sku, "lot_number": lot, "containers": containers, "unit_cost": cost},
            )
        clinic.made("/opened-vials", {"lot": made["lot"]["id"]})
        yield House(clinic)


def begin(browser: Browser, **more: str) -> str:
    """Begin a count; answers its address."""
    answer = browser.send("/counts/new", **{"what": "everything"} | more)
    assert answer.status_code == 303, said(answer)
    return answer.headers["Location"]


def fields(browser: Browser, page) -> dict[str, str]:
    """The form as it stands: hidden fields and the numbers in its lines."""
    shown = re.findall(r'<input id="f-[^"]+" name="(n-[^"]+)" value="([^"]*)"', main(page))
    return browser.hidden(page) | dict(shown)


def field_of(page, lot: str, *, opened: bool = False) -> str:
    """The name of a line's field."""
    for line in re.findall(r'<li class="use count-line.*?</li>', main(page), re.DOTALL):
        if f"<strong>{lot}</strong>" in line and ("left in opened" in line) is opened:
            return re.search(r'name="(n-\d+)"', line)[1]
    raise AssertionError(f"no line of {lot}")


def type_in(browser: Browser, address: str, do: str = "save", show: str = "all", **found: str):
    page = browser.get(f"{address}?show={show}")
    typed = {field_of(page, lot.partition("_")[0], opened="_" in lot): text for lot, text in found.items()}
    return browser.post(address, fields(browser, page) | typed | {"do": do})


def test_a_shelf_is_counted_its_differences_priced_and_posted(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser)
    page = browser.get(address)
    assert "Everything at Main Street" in said(page)
    assert "Book 10" in said(page)

    browser.follow(type_in(browser, address, A17="9", B02="6", L1="2", L1_open="19.5"))
    page = browser.get(f"{address}/post")
    told = said(page)
    for words in ("$16.75", "$17.90", "Dr 5120", "Cr 5120", "Without a number 0"):
        assert words in told
    refused = browser.send(f"{address}/post")
    assert refused.status_code == 422
    done = browser.follow(browser.send(f"{address}/post", reason="weekly count"))

    assert "posted with 3 differences" in said(done)
    assert "weekly count" in said(done)
    assert on_hand(house, "HA-3") == 45
    assert browser.get(address).status_code == 303
    assert "weekly count" in said(browser.get("/counts"))


def test_a_blind_sheet_does_not_show_the_book(house: House):
    browser = house.as_(Role.PRACTITIONER)
    address = begin(browser, blind="yes")

    page = browser.get(address)

    assert "Book" not in said(page)
    assert "10" not in re.findall(r'name="n-\d+" value="([^"]*)"', main(page))
    assert f"{address}/post" not in main(page)
    assert browser.get(f"{address}/post").status_code == 403


def test_each_scan_counts_one_and_one_sent_twice_counts_once(house: House):
    browser = house.as_(Role.PRACTITIONER)
    address = begin(browser)

    for key in ("first", "second", "second"):
        form = fields(browser, browser.get(address)) | {"do": "scan", "data": LABEL, "scan_key": key}
        page = browser.follow(browser.post(address, form))

    assert "2 vials" in said(page)
    page = browser.get(f"{address}?show=counted")
    assert fields(browser, page)[field_of(page, "A17")] == "2"


def test_a_scan_that_cannot_be_counted_stays_until_it_is_put_aside(house: House):
    browser = house.as_(Role.PRACTITIONER)
    address = begin(browser)
    for label in ("what is this", LABEL.replace("A17", "Z9")):
        form = fields(browser, browser.get(address)) | {"do": "scan", "data": label, "scan_key": label[-9:]}
        page = browser.follow(browser.post(address, form))

    assert "This is not a GS1 label" in said(page)
    assert "No lot Z9 of HA-3 was ever received" in said(page)
    for key in re.findall(r'value="(aside-\d+)"', main(page)):
        page = browser.follow(browser.post(address, fields(browser, browser.get(address)) | {"do": key}))
    assert "Z9" not in said(page)


def test_no_button_loses_what_was_typed_beside_it(house: House):
    browser = house.as_(Role.PRACTITIONER)
    address = begin(browser)
    page = browser.get(f"{address}?show=all")
    field = field_of(page, "B02")

    browser.post(address, fields(browser, page) | {field: "5", "do": "scan", "data": LABEL, "scan_key": "k"})
    page = browser.get(f"{address}?show=all")
    assert fields(browser, page)[field] == "5"
    more = field.replace("n-", "more-")
    browser.post(address, fields(browser, page) | {"do": more})
    assert fields(browser, browser.get(f"{address}?show=all"))[field] == "6"

    wrong = browser.post(
        address, fields(browser, page) | {field: "lots", "do": "scan", "data": LABEL, "scan_key": "l"}
    )
    assert "Enter a number, such as 7." in said(wrong)
    assert "2 vials" in said(browser.get(address))


def test_what_another_tablet_counted_meanwhile_is_not_written_over(house: House):
    one, other = house.as_(Role.PRACTITIONER), house.as_(Role.MANAGER)
    address = begin(one)
    page = one.get(f"{address}?show=all")
    mine, theirs = field_of(page, "A17"), field_of(page, "B02")
    type_in(other, address, B02="4")

    one.post(address, fields(one, page) | {mine: "9", "do": "save"})

    found = fields(one, one.get(f"{address}?show=all"))
    assert (found[mine], found[theirs]) == ("9", "4")


def test_a_script_sends_one_number_and_gets_the_lines_alone(house: House):
    browser = house.as_(Role.PRACTITIONER)
    address = begin(browser)
    page = browser.get(f"{address}?show=all")
    field = field_of(page, "A17")
    sent = fields(browser, page) | {"do": "keep", "line": field[2:], "data": "8", "scan_key": "k"}

    answer = browser.post(address, sent, **{"X-Scan": "yes"})

    assert answer.status_code == 200
    assert answer.get_data(as_text=True).lstrip().startswith('<div id="lines"')
    assert fields(browser, browser.get(f"{address}?show=all"))[field] == "8"
    wrong = browser.post(address, sent | {"data": "8.5"}, **{"X-Scan": "yes"})
    assert "Count whole containers" in wrong.get_data(as_text=True)


def test_large_differences_are_counted_again_before_they_are_posted(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser)
    type_in(browser, address, A17="2", B02="5", L1="2", L1_open="20")

    assert "Count 1 again" in said(browser.get(f"{address}/post"))
    refused = browser.send(f"{address}/post", reason="weekly")
    assert refused.status_code == 409
    assert "counted a second time" in said(refused)
    page = browser.get(f"{address}?show=again")
    assert fields(browser, page)[field_of(page, "A17")] == ""
    type_in(browser, address, show="again", A17="9")

    assert browser.send(f"{address}/post", reason="weekly").status_code == 303
    assert on_hand(house, "HA-3") == 42


def test_lines_without_a_number_are_left_only_when_somebody_says_so(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser)
    type_in(browser, address, A17="9")

    refused = browser.send(f"{address}/post", reason="only that shelf")
    assert refused.status_code == 422
    assert "3 lines have no number" in said(refused)
    assert browser.send(f"{address}/post", reason="only that shelf", uncounted="leave").status_code == 303


def test_the_rest_is_said_to_be_missing_with_one_button(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser, what="place OPENED")
    other = begin(browser, what="class Hyaluronic acid")
    assert "Hyaluronic acid" in said(browser.get(other))
    type_in(browser, other, A17="10")

    browser.post(other, fields(browser, browser.get(other)) | {"do": "rest"})

    assert fields(browser, page := browser.get(f"{other}?show=all"))[field_of(page, "B02")] == "0"
    assert "lidocaine" in said(browser.get(address)).casefold()


def test_a_lot_that_is_not_on_the_sheet_is_put_there(house: House):
    manager = house.as_(Role.MANAGER)
    house.clinic.made("/write-offs", {"lot": 2, "quantity": "15", "reason": "lost"})
    address = begin(manager)
    form = fields(manager, manager.get(address))

    manager.post(address, form | {"do": "add", "found_sku": "HA-3", "found_lot": "B02"})
    assert field_of(manager.get(f"{address}?show=all"), "B02")
    refused = manager.post(address, form | {"do": "add", "found_sku": "HA-3", "found_lot": "Z9"})
    assert refused.status_code == 409
    assert "was ever received" in said(refused)


def test_a_sheet_goes_out_and_comes_back(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser)
    assert browser.get(f"{address}/sheet.pdf").data.startswith(b"%PDF-")
    book = openpyxl.load_workbook(BytesIO(browser.get(f"{address}/sheet.xlsx").data))
    for row in book.active.iter_rows(min_row=2, max_row=3):
        row[-1].value = 7

    done = browser.follow(bring(browser, address, saved(book)))
    assert "Wrote down 2 lines from the sheet." in said(done)
    book.active["I2"].value = 1.5
    refused = bring(browser, address, saved(book))
    assert refused.status_code == 422
    assert "Row 2: 4.5 mL is not a whole number" in said(refused)
    assert bring(browser, address, b"").status_code == 422


def saved(book) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def bring(browser: Browser, address: str, data: bytes):
    hidden = browser.hidden(browser.get(f"{address}/sheet"))
    return browser.client.post(f"{address}/sheet", data=hidden | {"file": (BytesIO(data), "count.xlsx")})


def test_a_count_is_given_up_with_a_reason(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser)
    type_in(browser, address, A17="9")

    done = browser.follow(browser.send(f"{address}/abandon", reason="called away"))

    assert "given up" in said(done)
    assert "nothing was posted" in said(browser.get(f"{address}/record"))
    assert on_hand(house, "HA-3") == 45
    assert browser.send(f"{address}/abandon", reason="again").status_code in (303, 404, 409)


def test_a_posted_count_is_undone_from_its_document_after_a_look_at_what_that_changes(house: House):
    browser = house.as_(Role.MANAGER)
    address = begin(browser)
    type_in(browser, address, A17="9", B02="5", L1="2", L1_open="20")
    page = browser.get(f"{address}/post")
    browser.follow(browser.post(f"{address}/post", browser.hidden(page) | {"reason": "monthly"}))
    assert on_hand(house, "HA-3") == 42
    with house.database.read() as db:
        document = db.scalars(sa.select(Count.document_id)).one()

    undo = f"/documents/{document}/undo"
    assert "27 mL 30 mL" in said(browser.get(undo))
    assert on_hand(house, "HA-3") == 42
    after = browser.follow(browser.send(undo, reason="counted the wrong shelf"))

    assert "Undone: 1 movement back was added." in said(after)
    assert on_hand(house, "HA-3") == 45
    assert browser.send(undo, reason="again").status_code == 409
