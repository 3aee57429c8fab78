"""Receiving on the page: every scan is kept once it is read; a delivery is received whole or not at all."""

import re
from datetime import date
from io import BytesIO

import pytest
import sqlalchemy as sa

from api.auth import Role
from api.web.scans import WaitingScan
from inventory import catalog, clinic, periods, places
from inventory.balances import Balance
from inventory.clinic import Temperature
from inventory.ledger import Document
from tests.pages import Browser, House, main, said
from tests.pictures import printed, sent, table
from tests.shelf import NOW
from tests.shelves import count, on_hand

LABEL = "0109521234543213172706301" + "0A17"  # HA-3, good until 2027-06-30, lot A17
pytest_plugins = ("tests.calls", "tests.pages")


def scan(browser: Browser, data: str, key: str = "", **typed: str):
    fields = browser.hidden(browser.get("/receive")) | typed | {"do": "scan", "data": data}
    return browser.follow(browser.post("/receive", fields | ({"scan_key": key} if key else {})))


def test_a_scanned_box_is_received_with_what_its_label_says(house: House):
    browser = house.as_(Role.MANAGER)

    page = scan(browser, LABEL)
    assert "Hyaluronic acid 2%, 3 mL" in said(page)
    fields = filled(browser, page)
    assert fields["lot_number-1"] == "A17"
    assert fields["expires_on-1"] == "2027-06-30"
    assert fields["unit_cost-1"] == "16.5"
    answer = browser.post("/receive", fields | {"do": "receive", "document": "DN-1"})

    assert "Received 1 line for $16.50." in said(browser.follow(answer))
    assert on_hand(house, "HA-3") == 3
    assert count(house, WaitingScan) == 0


def filled(browser: Browser, page) -> dict[str, str]:
    """The receiving form as it stands: hidden fields and shown ones."""
    shown = re.findall(r'<input id="f-[^"]+" name="([^"]+)" type="[a-z]+" value="([^"]*)"', main(page))
    return browser.hidden(page) | dict(shown)


def test_the_same_label_again_counts_one_more_and_the_same_scan_again_does_not(house: House):
    browser = house.as_(Role.MANAGER)
    scan(browser, LABEL, key="first")
    scan(browser, LABEL, key="second")

    page = scan(browser, LABEL, key="second")

    assert filled(browser, page)["containers-1"] == "2"
    assert count(house, WaitingScan) == 2


def test_what_was_typed_into_a_line_stays_when_another_box_is_scanned(house: House):
    browser = house.as_(Role.MANAGER)
    scan(browser, LABEL)

    page = scan(browser, LABEL.replace("A17", "B18"), **{"unit_cost-1": "17.25", "document": "DN-7"})

    fields = filled(browser, page)
    assert fields["unit_cost-1"] == "17.25"
    assert fields["document"] == "DN-7"
    assert fields["lot_number-2"] == "B18"


def test_two_barcodes_of_one_box_make_one_line(house: House):
    browser = house.as_(Role.MANAGER)

    scan(browser, "0109521234543213")
    page = scan(browser, "172706301" + "0A17")

    assert len(re.findall(r'class="card line"', main(page))) == 1
    assert filled(browser, page)["lot_number-1"] == "A17"


def test_a_label_that_cannot_be_read_is_kept_with_its_reason_until_put_aside(house: House):
    browser = house.as_(Role.MANAGER)

    page = scan(browser, "what is this")
    assert "This is not a GS1 label" in said(page)
    assert count(house, WaitingScan) == 1
    browser.post("/receive", browser.hidden(page) | {"do": "remove-1"})

    assert count(house, WaitingScan) == 0


def test_an_unknown_item_is_chosen_by_hand(house: House):
    browser = house.as_(Role.MANAGER)
    page = scan(browser, "0119521234543210172706301" + "0Z9")
    assert "No item has the barcode number" in said(page)

    fields = filled(browser, page) | {"do": "receive", "sku-1": "LIDO-20", "unit_cost-1": "9"}
    browser.follow(browser.post("/receive", fields))

    assert on_hand(house, "LIDO-20") == 20


def test_one_wrong_line_receives_none_and_says_which_field(house: House):
    browser = house.as_(Role.MANAGER)
    scan(browser, LABEL)
    page = scan(browser, LABEL.replace("A17", "B18"))

    fields = filled(browser, page) | {"do": "receive", "containers-2": "-1", "unit_cost-1": "1e3"}
    refused = browser.post("/receive", fields)

    assert refused.status_code == 422
    assert "Not a decimal number." in said(refused)
    assert "from 1 to 1000000" in said(refused).replace(",", "")
    assert filled(browser, refused)["unit_cost-1"] == "1e3"
    assert on_hand(house, "HA-3") == 0
    assert count(house, WaitingScan) == 2


def test_what_expired_goes_to_quarantine_with_a_warning(house: House):
    browser = house.as_(Role.MANAGER)
    page = scan(browser, LABEL)

    fields = filled(browser, page) | {"do": "receive", "expires_on-1": "2025-12-31"}
    after = browser.follow(browser.post("/receive", fields))

    assert "into quarantine" in said(after)
    assert 'class="notice warning"' in main(after)


def test_scans_are_each_persons_own(house: House):
    scan(house.as_(Role.MANAGER), LABEL)

    assert "Nothing is scanned yet." in said(house.as_(Role.ADMIN).get("/receive"))


def test_an_empty_delivery_is_refused(house: House):
    refused = house.as_(Role.MANAGER).send("/receive", do="receive", received_on="2026-01-15")

    assert refused.status_code == 422
    assert "There is nothing to receive yet" in said(refused)


FIRST, SECOND = "010952123454321310A17", "1727063021S1"  # of one box: product and lot, expiry and serial


@pytest.mark.parametrize("labels", [(FIRST, SECOND), (SECOND, FIRST)])
def test_two_labels_of_a_box_make_one_line_in_either_order_and_the_next_box_counts(house: House, labels):
    browser = house.as_(Role.MANAGER)
    for label in labels:
        scan(browser, label)
    for label in labels:
        page = scan(browser, label.replace("S1", "S2"))

    assert len(re.findall(r'class="card line"', main(page))) == 1
    fields = filled(browser, page)
    assert (fields["lot_number-1"], fields["expires_on-1"], fields["containers-1"]) == (
        "A17", "2027-06-30", "2",
    )  # fmt: skip


def test_labels_that_contradict_each_other_are_two_lines_and_it_is_said(house: House):
    browser = house.as_(Role.MANAGER)
    scan(browser, FIRST)

    page = scan(browser, "10B18\x1d17270630")

    assert len(re.findall(r'class="card line"', main(page))) == 2
    assert "The lot is A17 in one place and B18 in another: this cannot be one box." in said(page)


def test_the_label_of_a_box_of_ten_counts_ten(house: House):
    with house.database.write.begin() as db:
        item = catalog.item(db, "HA-3")
        catalog.change_item(db, item, {"pack_gtin": "19521234543210", "pack_containers": 10})
    browser = house.as_(Role.MANAGER)

    page = scan(browser, "01195212345432101727063010A17")

    assert filled(browser, page)["containers-1"] == "10"


def test_what_is_short_dated_is_received_only_with_a_reason(house: House):
    with house.database.write.begin() as db:
        catalog.change_item(db, catalog.item(db, "HA-3"), {"shelf_life_months": 36})
    browser = house.as_(Role.MANAGER)
    page = scan(browser, LABEL)
    assert "Lot A17 of HA-3 is short-dated: 531 of 1095 days are left" in said(page)

    fields = filled(browser, page) | {"do": "receive"}
    refused = browser.post("/receive", fields)
    assert refused.status_code == 422
    assert "Say why it is taken all the same." in said(refused)
    assert on_hand(house, "HA-3") == 0
    after = browser.follow(
        browser.post("/receive", filled(browser, refused) | {"do": "receive", "reason-1": "cheap"})
    )

    assert "is short-dated" in said(after)
    assert on_hand(house, "HA-3") == 3
    with house.database.read() as db:
        assert db.scalars(sa.select(Document.note)).all() == ["cheap"]


def photo(browser: Browser, picture: bytes, **typed: str):
    fields = browser.hidden(browser.get("/receive/photo" + typed.pop("query", "")))
    return browser.client.post(
        "/receive/photo",
        data=fields | typed | {"image": (BytesIO(picture), "photo.jpg")},
        content_type="multipart/form-data",
    )


def test_a_photo_of_two_boxes_makes_two_lines_and_the_same_photo_again_none(house: House):
    browser = house.as_(Role.MANAGER)
    picture = sent(table(printed("]d2" + LABEL), printed("]d2" + LABEL.replace("A17", "B18"))))

    page = browser.follow(photo(browser, picture))
    assert "Read 2 barcodes in the photo." in said(page)
    photo(browser, picture)
    page = browser.get("/receive")

    fields = filled(browser, page)
    assert {fields["lot_number-1"], fields["lot_number-2"]} == {"A17", "B18"}
    assert fields["containers-1"] == "1"
    assert count(house, WaitingScan) == 2


def test_what_was_typed_is_still_there_after_a_photo(house: House):
    browser = house.as_(Role.MANAGER)
    page = scan(browser, LABEL)
    fields = filled(browser, page) | {"do": "photo", "document": "DN-9", "unit_cost-1": "17.25"}
    page = browser.follow(browser.post("/receive", fields))
    assert "Read a photo of barcodes" in said(page)

    picture = sent(table(printed("]d2" + LABEL.replace("A17", "B18"))))
    address = browser.hidden(page)["draft"]
    after = browser.follow(photo(browser, picture, query=f"?draft={address}"))

    fields = filled(browser, after)
    assert (fields["document"], fields["unit_cost-1"], fields["lot_number-2"]) == ("DN-9", "17.25", "B18")


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (b"", "Take or choose a picture first."),
        (b"no picture", "This is no picture that can be read"),
        (sent(table(gap=90)), "No barcode can be read in this picture"),
    ],
)
def test_a_photo_that_cannot_be_read_says_why_and_keeps_nothing(house: House, picture, sentence):
    refused = photo(house.as_(Role.MANAGER), picture)

    assert refused.status_code == 422
    assert sentence in said(refused)
    assert count(house, WaitingScan) == 0


def test_a_photo_larger_than_any_is_refused(house: House):
    refused = photo(house.as_(Role.MANAGER), b"x" * (20 * 1024 * 1024 + 1))

    assert refused.status_code == 413


def test_where_several_shelves_fit_one_is_chosen_and_where_one_does_it_is_taken(house: House):
    browser = house.as_(Role.MANAGER)
    assert 'name="place-1"' not in main(scan(browser, LABEL))
    with house.database.write.begin() as db:
        site = clinic.site(db, "MAIN")
        places.add(db, site, code="SECOND", name="Second cupboard", temperature=Temperature.ANY)

    page = browser.get("/receive")
    assert 'name="place-1"' in main(page)
    fields = filled(browser, page) | {"do": "receive", "place-1": "SECOND"}
    browser.follow(browser.post("/receive", fields))

    with house.database.read() as db:
        there = places.place(db, clinic.site(db, "MAIN"), "SECOND")
        held = db.scalar(sa.select(Balance.quantity).where(Balance.place_id == there.id))
    assert held == 3


def test_what_a_delivery_of_last_week_would_change_is_shown_and_nothing_is_kept(house: House):
    browser = house.as_(Role.MANAGER)
    page = scan(browser, LABEL)

    fields = filled(browser, page) | {"received_on": "2026-01-08", "unit_cost-1": "17.25"}
    shown = browser.post("/receive", fields | {"do": "preview"})

    assert shown.status_code == 200
    assert "What would change" in said(shown)
    assert "A17 HA-3 0 mL 3 mL" in said(shown)
    assert "+$17.25" in said(shown)
    assert "1 day before today would be other than on record" in said(shown)
    assert on_hand(house, "HA-3") == 0
    fields = filled(browser, shown)
    assert (fields["received_on"], fields["unit_cost-1"]) == ("2026-01-08", "17.25")
    browser.follow(browser.post("/receive", fields | {"do": "receive"}))
    assert on_hand(house, "HA-3") == 3


def test_a_delivery_that_would_be_refused_says_so_before_it_is_sent(house: House):
    browser = house.as_(Role.MANAGER)
    page = scan(browser, LABEL)

    shown = browser.post("/receive", filled(browser, page) | {"do": "preview", "lot_number-1": "A" * 20})
    assert "What would change" in said(shown)
    with house.database.write.begin() as db:
        periods.close(db, date(2025, 12, 1), at=NOW, by="test")
    refused = browser.post("/receive", filled(browser, page) | {"do": "preview", "received_on": "2025-12-30"})

    assert "The books are closed through 2025-12-31" in said(refused)
    assert on_hand(house, "HA-3") == 0
