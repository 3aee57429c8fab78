"""The reorder page and its sheet: the most urgent first, in whole packs, with reasons; costs for few."""

import re
from datetime import date
from decimal import Decimal
from io import BytesIO

import openpyxl

from api.auth import Role
from api.web import accounts
from inventory import catalog, clinic, receiving, suppliers
from inventory.catalog import DoseClass, Item, ItemKind
from inventory.measures import Unit
from inventory.receiving import Delivery
from tests.pages import TODAY, House, main, promised, received, said

pytest_plugins = ("tests.calls", "tests.pages")


def second_site(house: House) -> None:
    with house.database.write.begin() as db:
        clinic.open_site(
            db,
            code="WEST",
            name="West Side",
            country="US",
            region="North America",
            time_zone="America/New_York",
        )


def test_what_must_be_ordered_first_stands_first_in_whole_packs(house: House):
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))
    promised(house, "LIDO-20", "4", due_on=date(2026, 1, 24))

    page = said(house.as_(Role.MANAGER).get("/reorder"))

    assert page.index("Lidocaine 2%, 20 mL") < page.index("Hyaluronic acid 2%, 3 mL")
    assert "1 pack of 10" in page
    assert "Northfield" in page
    assert "17 Jan" in page  # needed on the 24th, seven days to come
    assert "0 of 12 mL out now" in page.replace("\N{NO-BREAK SPACE}", " ")  # needed on the 26th
    start = house.as_(Role.FRONT_DESK).get("/")
    assert "0 mL of 12 mL needed out now" in said(start).replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r'class="tag bad">[^<]*out now', main(start))
    assert "Order 1 pack of 10 (30 mL) from Northfield by 19 Jan 2026" in page
    assert "Cost of it all $330.00" in page


def test_quantities_are_changed_on_the_list_and_what_is_emptied_is_left_out(house: House):
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))
    promised(house, "LIDO-20", "4", due_on=date(2026, 1, 24))
    manager = house.as_(Role.MANAGER)
    page = manager.get("/reorder")
    assert 'form="order-SUP-01" name="packs-HA-3" value="1"' in main(page)
    fields = manager.hidden(page) | {"supplier": "SUP-01"}

    none = manager.post("/reorder/order", fields | {"packs-HA-3": "", "packs-LIDO-20": "0"})
    odd = manager.post("/reorder/order", fields | {"packs-HA-3": "-1", "request_key": "odd"})
    made = manager.post(
        "/reorder/order", fields | {"packs-HA-3": "3", "packs-LIDO-20": "", "request_key": "made"}
    )

    assert none.status_code == 409
    assert "Every item of Northfield is left out: order at least one pack of one of the 2" in said(none)
    assert odd.status_code == 422
    assert "'-1' packs cannot be ordered: write a whole number" in said(odd)
    order = said(manager.follow(made))
    assert "3 packs of 10" in order
    assert "Lidocaine" not in order


def test_what_a_draft_has_already_stands_beside_the_advice_and_what_it_has_not_too(house: House):
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))
    promised(house, "LIDO-20", "4", due_on=date(2026, 1, 24))
    manager = house.as_(Role.MANAGER)
    assert "in PO-00001" not in said(manager.get("/reorder"))

    manager.send("/orders/new", supplier="SUP-01", **{"sku-0": "HA-3", "packs-0": "2"})

    page = said(manager.get("/reorder"))
    assert "1 pack of 10 30 mL 2 in PO-00001" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "none in PO-00001" in page
    assert "in PO-00001" not in said(house.as_(Role.FRONT_DESK).get("/reorder"))


def test_what_a_draft_lacks_is_added_in_one_step_and_what_somebody_typed_is_kept(house: House):
    promised(house, "HA-3", "36", due_on=date(2026, 1, 26))
    promised(house, "LIDO-20", "4", due_on=date(2026, 1, 24))
    manager = house.as_(Role.MANAGER)
    typed = {"sku-0": "HA-3", "packs-0": "1", "pack-0": "4", "price-0": "61.00"}
    manager.send("/orders/new", supplier="SUP-01", **typed)
    page = manager.get("/reorder")
    assert "Add the rest , 2 items, to PO-00001" in said(page)
    assert "1 pack of 4 in PO-00001" in said(page)
    fields = manager.hidden(page)

    added = manager.post("/reorder/order", fields)

    order = said(manager.follow(added))
    assert "PO-00001 has all that is advised: look it over." in order
    assert "5 packs of 4 $61.00 a pack" in order  # two packs of 10 are advised
    assert "1 pack of 10 $165.00 a pack" in order
    page = said(manager.get("/reorder"))
    assert "PO-00001 is drafted" in page
    assert "Add the rest" not in page
    again = manager.post("/reorder/order", fields | {"request_key": "again"})
    assert again.status_code == 409
    assert "PO-00001 has all that is advised of Northfield" in said(again)
    manager.send("/orders/1/send", expected_on="2026-01-22")
    late = manager.post("/reorder/order", fields | {"request_key": "late"})
    assert "PO-00001 is sent: it cannot be changed." in said(late)


def test_a_line_that_grows_in_a_draft_has_the_price_of_so_many_packs(house: House):
    promised(house, "HA-3", "36", due_on=date(2026, 1, 26))
    manager = house.as_(Role.MANAGER)
    with house.database.write.begin() as db:
        offer = suppliers.Offer(
            item_id=catalog.item(db, "HA-3").id, supplier_id=catalog.supplier(db, "SUP-01").id,
            pack_containers=10, pack_price=Decimal("165.00"), price_breaks="2: 150", lead_days=7,
            valid_from=TODAY,
        )  # fmt: skip
        suppliers.add_offer(db, offer)
    drafted = manager.send("/orders/new", supplier="SUP-01", **{"sku-0": "HA-3", "packs-0": "1"})
    assert "1 pack of 10 $165.00 a pack" in said(manager.follow(drafted))

    order = manager.follow(manager.post("/reorder/order", manager.hidden(manager.get("/reorder"))))

    assert "2 packs of 10 $150.00 a pack" in said(order)


def test_what_runs_out_before_a_delivery_can_come_is_said_to_be_late(house: House):
    promised(house, "HA-3", "3", due_on=date(2026, 1, 17))

    page = said(house.as_(Role.MANAGER).get("/reorder"))

    assert "Late 1 run out before a delivery can come" in page
    assert "Order today 1" in page


def test_what_nobody_offers_is_listed_with_the_reason_and_not_among_the_orders(house: House):
    with house.database.write.begin() as db:
        catalog.add_item(
            db,
            Item(
                sku="GAUZE",
                name="Gauze",
                kind=ItemKind.CONSUMABLE,
                unit=Unit.EACH,
                content=Decimal(1),
                dose_class=DoseClass.NONE,
            ),
        )
    promised(house, "GAUZE", "5", due_on=date(2026, 1, 20))

    page = said(house.as_(Role.MANAGER).get("/reorder"))

    assert "Nothing can be ordered as things stand: what lacks is below, each with the reason." in page
    assert "everything is there" not in page
    assert "Not to be ordered as things stand" in page
    assert "No supplier offers it" in page


def test_a_full_shelf_needs_nothing(house: House):
    received(house, "HA-3", 10, expires_on=date(2027, 6, 30))
    promised(house, "HA-3", "3", due_on=date(2026, 1, 20))

    assert "Nothing has to be ordered" in said(house.as_(Role.MANAGER).get("/reorder"))


def test_the_front_desk_sees_the_list_without_costs(house: House):
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))

    page = said(house.as_(Role.FRONT_DESK).get("/reorder"))
    sheet = house.as_(Role.FRONT_DESK).get("/reorder/sheet")

    assert "Hyaluronic acid 2%, 3 mL" in page
    assert "$" not in page
    titles = [cell.value for cell in openpyxl.load_workbook(BytesIO(sheet.data))["Reorder"][1]]
    assert "Cost" not in titles
    assert titles[-1] == "Why"


def test_every_site_can_be_seen_at_once(house: House):
    second_site(house)
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26), site="WEST")
    manager = house.as_(Role.MANAGER)

    assert "Nothing has to be ordered" in said(manager.get("/reorder"))
    everywhere = said(manager.get("/reorder?site=all"))

    assert "HA-3 · West Side" in everywhere
    assert 'href="/reorder/sheet?site=all"' in main(manager.get("/reorder?site=all"))


def test_somebody_of_one_site_does_not_see_the_other(house: House):
    second_site(house)
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26), site="WEST")
    with house.database.write.begin() as db:
        person = accounts.person(db, house.give_password(Role.PRACTITIONER))
        accounts.change_person(
            db, person, role=person.role, active=True, sites={clinic.site(db, "MAIN").id}, at=house.clock.now
        )

    page = said(house.as_(Role.PRACTITIONER).get("/reorder?site=all"))

    assert "West Side" not in page
    assert "Nothing has to be ordered" in page


def test_the_sheet_has_real_numbers_dates_and_a_sum_and_its_text_stays_text(house: House):
    with house.database.write.begin() as db:
        catalog.item(db, "HA-3").name = "=1+1"
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))
    promised(house, "LIDO-20", "4", due_on=date(2026, 1, 24))

    answer = house.as_(Role.MANAGER).get("/reorder/sheet")

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename=reorder-MAIN-2026-01-15.xlsx"
    sheet = openpyxl.load_workbook(BytesIO(answer.data))["Reorder"]
    titles = [cell.value for cell in sheet[1]]
    first, second, total = (
        {title: cell for title, cell in zip(titles, row, strict=True)} for row in sheet["2:4"]
    )
    assert first["SKU"].value == "LIDO-20"
    assert first["Order by"].value.date() == date(2026, 1, 17)
    assert second["Item"].value == "=1+1"
    assert second["Item"].data_type == "s"
    assert second["Packs"].value == 1
    assert second["Cost"].value == 165
    why, needed = second["Why"].value, second["Needed with safety stock"].value
    assert (second["Usable in time"].value, needed) == (0, 12)
    assert "0 mL usable against 12 needed by " in why
    assert total["Cost"].value == "=SUM(Q2:Q3)"


def surplus_at_west(house: House) -> None:
    """What MAIN lacks lies at WEST and will expire there."""
    second_site(house)
    promised(house, "HA-3", "6", due_on=date(2026, 1, 26))
    with house.database.write.begin() as db:
        receiving.receive(
            db,
            Delivery(catalog.item(db, "HA-3"), "W1", date(2026, 3, 15), 4, Decimal("10.00")),
            site=clinic.site(db, "WEST"),
            received_on=TODAY,
            recorded_at=house.clock.now,
            by="Manager Person",
        )


def test_what_another_site_will_not_use_is_fetched_with_one_press_before_it_is_bought(house: House):
    surplus_at_west(house)
    manager = house.as_(Role.MANAGER)

    listed = manager.get("/reorder")

    assert "To fetch from another site" in said(listed)
    assert "2 containers 6 mL West Side will not use it in date 15 Mar 2026" in said(listed)
    assert "Nothing has to be ordered" in said(listed)
    address = "/transfers/new?from=WEST&amp;to=site.MAIN&amp;fetch=1"
    assert f'href="{address}"' in main(listed)
    one = manager.get("/reorder/HA-3")
    assert "Fetch 6 mL (2 containers) from West Side by transfer" in said(one)
    assert "Start the transfer from West Side" in said(one)
    packed = manager.get(address.replace("&amp;", "&"))
    assert "From West Side: sealed containers" in said(packed)
    assert 'name="containers-1" type="text" value="2"' in main(packed)
    assert "W1" in main(packed)
    chosen = re.search(r'value="(\d+\.\d+)" selected', main(packed))
    assert chosen is not None
    sent = manager.post(
        "/transfers/new",
        manager.hidden(packed)
        | {"do": "send", "to": "site.MAIN", "containers-1": "2", "lot-1": chosen.group(1)},
    )
    assert "West Side" in said(manager.follow(sent))
    assert "Nothing has to be ordered" in said(manager.get("/reorder"))
    assert "To fetch" not in said(manager.page)


def test_who_works_at_one_site_hears_nothing_of_what_the_other_has_and_orders(house: House):
    surplus_at_west(house)
    with house.database.write.begin() as db:
        person = accounts.person(db, house.give_password(Role.MANAGER))
        accounts.change_person(
            db, person, role=person.role, active=True, sites={clinic.site(db, "MAIN").id}, at=house.clock.now
        )
    manager = house.as_(Role.MANAGER)

    for path in ("/reorder", "/reorder/HA-3", "/reorder?site=all", "/alerts", "/"):
        assert "West" not in main(manager.get(path)), path
    assert "Order 1 pack of 10" in said(manager.get("/reorder/HA-3"))
    assert manager.get("/transfers/new?from=WEST&to=site.MAIN&fetch=1").status_code == 403
    assert manager.get("/transfers/new?from=MAIN&to=site.WEST&fetch=1").status_code == 403


def test_the_front_desk_sees_what_is_to_be_fetched_and_does_not_send_it(house: House):
    surplus_at_west(house)

    page = house.as_(Role.FRONT_DESK).get("/reorder")

    assert "2 containers" in said(page)
    assert "/transfers/new" not in main(page)


def test_a_smallest_order_in_another_currency_is_compared_where_an_offer_tells_what_that_is(house: House):
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))
    manager = house.as_(Role.MANAGER)
    with house.database.write.begin() as db:
        supplier = catalog.supplier(db, "SUP-01")
        supplier.currency, supplier.minimum_order = "EUR", Decimal("150.00")

    page = said(manager.get("/reorder"))

    assert "EUR 150.00, not compared" in page.replace("\N{NO-BREAK SPACE}", " ").replace("€", "EUR ")
    assert "its smallest order and shipping are in EUR and were not weighed" in page
    order = manager.follow(manager.post("/reorder/order", manager.hidden(manager.page)))
    assert "so it is not compared" in said(order)
    with house.database.write.begin() as db:
        offer = suppliers.Offer(
            item_id=catalog.item(db, "HA-3").id, supplier_id=catalog.supplier(db, "SUP-01").id,
            pack_containers=10, pack_price=Decimal("165.00"), list_price=Decimal("150.00"),
            list_currency="EUR", lead_days=7, valid_from=TODAY,
        )  # fmt: skip
        suppliers.add_offer(db, offer)
    page = said(manager.get("/reorder"))
    assert "not compared" not in page
    assert "were not weighed" not in page
    assert "reached" in page
