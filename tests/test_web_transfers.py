"""The pages of places and transfers: packed by words or label, received, and nothing odd breaks them."""

import re

import pytest

from api.auth import Role
from inventory import clinic, on_the_way, places
from inventory.clinic import Temperature
from inventory.proof import verify
from tests.pages import House, main, said
from tests.shelves import received

pytest_plugins = ("tests.pages",)

LABEL = "(01)09521234543213(17)270630(10)A17"


@pytest.fixture
def two(house: House) -> House:
    """The house with a second site and a fridge at the first."""
    with house.database.write.begin() as db:
        clinic.open_site(
            db, code="SECOND", name="Harbour", country="US", region="North America", time_zone="UTC"
        )
        places.add(db, clinic.site(db, "MAIN"), code="FRIDGE", name="Fridge", temperature=Temperature.COLD)
    received(house, containers=4)
    return house


def pack(browser, **typed):
    """Send the form of packing as it stands, with what is typed; answers the page that it leads to."""
    hidden = browser.hidden(browser.page)
    return browser.post("/transfers/new", hidden | typed)


def on_the_way_now(house):
    with house.database.read() as db:
        assert verify(db) == []
        return on_the_way.page(db, open_only=True)


def test_a_scanned_label_packs_its_lot_and_once_more_counts_up(two: House):
    browser = two.as_(Role.MANAGER)
    browser.get("/transfers/new")

    browser.follow(pack(browser, find=LABEL, do="add"))
    chosen = re.search(r'value="(\d+\.\d+)" selected', main(browser.page)).group(1)
    browser.follow(pack(browser, find=LABEL, do="add", **{"containers-1": "1", "lot-1": chosen}))

    assert 'name="containers-1" type="text" value="2"' in main(browser.page)
    sent = pack(browser, do="send", to="site.SECOND", **{"containers-1": "2", "lot-1": chosen})
    assert "It is on the way to Harbour" in said(browser.follow(sent))
    (line,) = on_the_way_now(two)[0].lines
    assert (line.lot_number, line.left) == ("A17", 6)


def test_words_that_fit_several_items_are_asked_about(two: House):
    browser = two.as_(Role.MANAGER)
    browser.get("/transfers/new")

    page = said(browser.follow(pack(browser, find="2%", do="add")))
    assert "Which one?" in page
    assert "Nothing is called “zzz”" in said(browser.follow(pack(browser, find="zzz", do="add")))
    page = said(browser.follow(pack(browser, do="pick-LIDO-20")))
    assert "none on the shelves" in page
    page = said(browser.follow(pack(browser, do="remove-1", **{"containers-1": "1"})))
    assert "Nothing is packed yet." in page


def test_what_is_refused_stands_in_the_form_and_nothing_has_moved(two: House):
    browser = two.as_(Role.MANAGER)
    browser.get("/transfers/new?sku=HA-3")

    answer = pack(browser, do="send", to="place.FRIDGE", **{"containers-1": "2"})
    assert answer.status_code == 409
    assert "HA-3 is kept at 15 to 25 °C; Fridge is at 2 to 8 °C." in said(answer)
    answer = pack(browser, do="send", to="", **{"containers-1": "nine"})
    assert answer.status_code == 422
    answer = pack(browser, do="send", to="site.MAIN", **{"containers-1": "2"})
    assert "a transfer goes to another site" in said(answer)
    assert on_the_way_now(two) == []


@pytest.mark.parametrize(
    "typed",
    [
        {"do": "send", "to": "site.", "containers-1": "1"},
        {"do": "send", "to": "nonsense", "containers-1": "1"},
        {"do": "send", "to": "site.SECOND", "containers-1": "1", "lot-1": "9" * 30 + ".1"},
        {"do": "send", "to": "site.SECOND", "containers-1": "1", "lot-1": "1." + "9" * 17},
        {"do": "send", "to": "site.SECOND", "containers-1": "1", "lot-1": "x.y"},
        {"do": "send", "to": "site.SECOND", "containers-1": "9" * 40},
        {"do": "send", "to": "site.SECOND", "sku-99999": "NO-SUCH", "containers-99999": "1"},
        {"do": "pick-\ud800"},
        {"do": "pick-" + "A" * 5_000},
        {"do": "remove-"},
        {"do": "add", "find": "\x00\x1d" + "9" * 2_000},
        {"sku-x": "HA-3", "containers-x": "1"},
        {"containers-1": "²", "do": "pick-HA-3"},
    ],
)
def test_nothing_that_is_sent_breaks_the_page(two: House, typed):
    browser = two.as_(Role.MANAGER)
    browser.get("/transfers/new?sku=HA-3")

    answer = pack(browser, **{name: text.encode("utf-8", "surrogatepass") for name, text in typed.items()})

    assert answer.status_code < 500
    if answer.status_code == 303:
        assert browser.follow(answer).status_code == 200


def test_a_part_is_received_and_more_than_was_sent_is_refused(two: House):
    manager = two.as_(Role.MANAGER)
    manager.get("/transfers/new?sku=HA-3")
    address = pack(manager, do="send", to="site.SECOND", **{"containers-1": "3"}).headers["Location"]
    browser = two.as_(Role.PRACTITIONER)
    lot = on_the_way_now(two)[0].lines[0].lot_id

    answer = browser.send(f"{address}/receive", **{f"came-{lot}": "4"})
    assert answer.status_code == 409
    assert "has 9 of lot A17 on the way, not 12." in said(answer)
    answer = browser.send(f"{address}/receive", **{f"came-{lot}": "1", f"rest-{lot}": "broken"})
    assert answer.status_code == 403
    answer = browser.follow(browser.send(f"{address}/receive", **{f"came-{lot}": "2"}))
    assert "Received at Harbour. 1 are still on the way." in said(answer)
    answer = manager.follow(manager.send(f"{address}/cancel", reason="not needed"))
    assert "2 received" in said(answer)
    assert "1 taken back" in said(answer)
    assert browser.get(f"{address}/cancel").status_code == 403
    assert on_the_way_now(two) == []


def test_a_place_that_somebody_else_changed_is_shown_in_both_versions(two: House):
    browser = two.as_(Role.MANAGER)
    path = "/settings/sites/MAIN/places/FRIDGE"
    hidden = browser.hidden(browser.get(path))
    browser.send(path, name="Fridge, left", temperature="cold")

    answer = browser.post(path, hidden | {"name": "Fridge, right", "temperature": "cold"})

    assert answer.status_code == 409
    assert "Fridge, left" in said(answer)
    assert "Fridge, right" in main(answer)


def test_the_stock_page_says_where_it_stands_if_that_is_not_the_first_shelf(two: House):
    browser = two.as_(Role.MANAGER)
    assert "Fridge" not in said(browser.get("/stock"))
    with two.database.write.begin() as db:
        places.change(db, places.place(db, clinic.site(db, "MAIN"), "FRIDGE"), temperature=Temperature.ROOM)
    browser.get("/transfers/new?sku=HA-3")
    browser.follow(pack(browser, do="send", to="place.FRIDGE", **{"containers-1": "1"}))

    assert re.search(r"Shelf, Main Street: 3 · Fridge: 1", said(browser.get("/stock")))
    assert "Shelf, Main Street: 3 · Fridge: 1" in said(browser.get("/stock/HA-3"))
