"""Orders on pages: drafted from the advice or by hand, sent, received against, closed; what is refused."""

import re
from typing import Any

import pytest

from api.auth import Role
from inventory import clinic, order_views, orders, purchasing
from inventory.catalog import item, supplier
from inventory.order_views import OrderState, OrderView
from inventory.purchasing import Wish
from tests.pages import House, main, said
from tests.shelves import on_hand
from tests.test_web_receive import filled, scan

LABEL = "01095212345432131727063010A17"  # HA-3, good until 2027-06-30
pytest_plugins = ("tests.calls", "tests.pages")


def drafted(house: House, packs: int = 2) -> int:
    with house.database.write.begin() as db:
        return purchasing.draft(
            db,
            [Wish(item(db, "HA-3"), packs)],
            site=clinic.site(db, "MAIN"),
            supplier=supplier(db, "SUP-01"),
            at=house.clock.now,
            by="Manager Person",
        ).id


def sent(house: House, packs: int = 2) -> int:
    key = drafted(house, packs)
    with house.database.write.begin() as db:
        purchasing.send(db, orders.order(db, key), at=house.clock.now, by="Manager Person")
    return key


def standing(house: House, key: int) -> OrderView:
    with house.database.read() as db:
        return order_views.view(db, orders.order(db, key))


def line(found: OrderView) -> tuple[int, int, int, int]:
    (one,) = found.lines
    return one.ordered, one.received, one.open, one.cancelled


def test_an_order_is_drafted_by_hand_changed_and_sent(house: House):
    browser = house.as_(Role.MANAGER)

    answer = browser.send("/orders/new", supplier="SUP-01", **{"sku-0": "HA-3", "packs-0": "2"})
    page = browser.follow(answer)
    assert "PO-00001 is drafted" in said(page)
    assert "$330.00" in said(page)
    answer = browser.send(
        "/orders/1/edit",
        **{"sku-0": "HA-3", "packs-0": "3", "sku-1": "LIDO-20", "packs-1": "1", "price-1": "90"},
    )
    assert "$585.00" in said(browser.follow(answer))
    page = browser.get("/orders/1/send")
    assert 'value="2026-01-22"' in main(page)
    page = browser.follow(browser.send("/orders/1/send", expected_on="2026-01-20"))

    assert "Expected 20 Jan 2026" in said(page)
    assert standing(house, 1).state is OrderState.SENT
    assert browser.get("/orders/1/order.pdf").data.startswith(b"%PDF-")
    assert "PO-00001" in said(browser.get("/orders"))


def test_a_wrong_line_is_said_and_nothing_is_drafted(house: House):
    browser = house.as_(Role.MANAGER)

    refused = browser.send("/orders/new", supplier="SUP-01", **{"sku-0": "HA-3", "packs-0": "none"})
    assert refused.status_code == 422
    assert "Must be a whole number." in said(refused)
    refused = browser.send("/orders/new", supplier="SUP-01", **{"sku-0": "NO-SUCH"})
    assert "No item has the SKU" in said(refused)
    refused = browser.send("/orders/new", supplier="SUP-01")

    assert "An order has 1 to 200 lines, not 0." in said(refused)
    assert "Nothing is on order." in said(browser.get("/orders"))


def test_two_who_change_a_draft_at_once_do_not_overwrite_each_other(house: House):
    key, browser = drafted(house), house.as_(Role.MANAGER)
    hidden = browser.hidden(browser.get(f"/orders/{key}/edit"))
    house.as_(Role.ADMIN).send(f"/orders/{key}/edit", **{"sku-0": "HA-3", "packs-0": "5"})

    refused = browser.post(f"/orders/{key}/edit", hidden | {"sku-0": "HA-3", "packs-0": "9"})

    assert refused.status_code == 409
    assert "5 × HA-3" in said(refused)
    assert line(standing(house, key))[0] == 50


def test_a_delivery_is_received_against_its_order_until_nothing_is_open(house: House):
    key, browser = sent(house, packs=1), house.as_(Role.MANAGER)
    page = browser.get(f"/receive?order={key}")
    assert "PO-00001 waits for" in said(page)

    page = scan(browser, LABEL, order=str(key))
    fields = filled(browser, page)
    assert fields["unit_cost-1"] == "16.5"
    fields |= {"do": "receive", "order": str(key), "containers-1": "4"}
    page = browser.follow(browser.post("/receive", fields))

    assert "PO-00001: 6 still to come." in said(page)
    assert line(standing(house, key)) == (10, 4, 6, 0)
    page = scan(browser, LABEL, order=str(key))
    fields = filled(browser, page) | {"do": "receive", "order": str(key)}
    fields[next(name for name in fields if name.startswith("containers-"))] = "6"
    assert "PO-00001 is complete." in said(browser.follow(browser.post("/receive", fields)))
    assert on_hand(house, "HA-3") == 30


def test_a_line_by_hand_costs_what_the_order_says_once_its_item_is_typed(house: House):
    key, browser = sent(house, packs=1), house.as_(Role.MANAGER)
    page = browser.get(f"/receive?order={key}")
    page = browser.follow(browser.post("/receive", filled(browser, page) | {"do": "add", "order": str(key)}))
    assert filled(browser, page)["unit_cost-1"] == ""

    typed = {"do": "look", "order": str(key), "sku-1": "HA-3"}
    page = browser.follow(browser.post("/receive", filled(browser, page) | typed))

    assert filled(browser, page)["unit_cost-1"] == "16.5"
    assert "The cost is from PO-00001; type what the invoice says." in said(page)
    kept = browser.post("/receive", filled(browser, page) | typed | {"unit_cost-1": "17"})
    assert filled(browser, browser.follow(kept))["unit_cost-1"] == "17"
    other = browser.post("/receive", filled(browser, page) | typed | {"sku-1": "NOBODY"})
    assert filled(browser, browser.follow(other))["unit_cost-1"] == ""
    odd = browser.post("/receive", filled(browser, page) | typed | {"sku-1": "HA\x00-3"})
    assert browser.follow(odd).status_code == 200


def test_a_pack_of_many_cheap_containers_is_received_and_billed_at_its_price_to_the_cent(house: House):
    wish = {"sku": "HA-3", "packs": 1, "pack_containers": 1000, "pack_price": "12.34"}
    order = house.clinic.made("/purchase-orders", {"supplier": "SUP-01", "lines": [wish]})["id"]
    house.clinic.post(f"/purchase-orders/{order}/send", {})
    browser = house.as_(Role.MANAGER)

    fields = filled(browser, scan(browser, LABEL, order=str(order)))
    assert fields["unit_cost-1"] == "0.01234"
    fields |= {"do": "receive", "order": str(order), "containers-1": "1000"}
    page = said(browser.follow(browser.post("/receive", fields)))

    assert "Received 1 line for $12.34." in page
    form = main(house.as_(Role.ACCOUNTANT).get("/books/bills/new?supplier=SUP-01"))
    assert re.search(r'name="price-\d+" type="text" value="0.01234"', form)


def test_what_was_not_ordered_or_is_too_much_is_asked_about_and_kept_with_a_reason(house: House):
    key, browser = sent(house, packs=1), house.as_(Role.MANAGER)
    page = scan(browser, LABEL, order=str(key))
    fields = filled(browser, page) | {"do": "receive", "order": str(key), "containers-1": "11"}

    refused = browser.post("/receive", fields)
    assert refused.status_code == 422
    assert "10 of HA-3 wait on PO-00001 and 11 came: 1 more." in said(refused)
    assert "1 too many" in said(refused)
    fields = filled(browser, refused) | {"do": "receive", "order": str(key), "reason-1": "a present"}
    page = browser.follow(browser.post("/receive", fields))

    assert "1 not ordered" in said(page)
    assert "a present" in said(page)
    assert line(standing(house, key)) == (10, 10, 0, 0)


def test_an_order_that_is_closed_meanwhile_refuses_the_delivery_and_the_scans_stay(house: House):
    key, browser = sent(house), house.as_(Role.MANAGER)
    page = scan(browser, LABEL, order=str(key))
    fields = filled(browser, page) | {"do": "receive", "order": str(key)}
    house.as_(Role.ADMIN).send(f"/orders/{key}/cancel", reason="twice")

    refused = browser.post("/receive", fields)

    assert refused.status_code == 409
    assert "PO-00001 is cancelled: it cannot be received against." in said(refused)
    assert "Hyaluronic acid 2%, 3 mL" in said(browser.get("/receive"))


def test_an_order_is_closed_short_with_a_reason(house: House):
    key, browser = sent(house, packs=1), house.as_(Role.MANAGER)
    page = scan(browser, LABEL, order=str(key))
    browser.post(
        "/receive", filled(browser, page) | {"do": "receive", "order": str(key), "containers-1": "4"}
    )
    assert "Close it: no more will come" in said(browser.get(f"/orders/{key}"))
    refused = browser.send(f"/orders/{key}/close")
    assert "6 containers of PO-00001 are open: say why." in said(refused)

    page = browser.follow(browser.send(f"/orders/{key}/close", reason="discontinued"))

    assert "PO-00001 is closed." in said(page)
    assert line(standing(house, key)) == (10, 4, 0, 6)


def test_the_advice_becomes_an_order_in_one_step_and_only_once(house: House):
    used(house)
    browser = house.as_(Role.MANAGER)
    page = browser.get("/reorder")
    assert "Make order" in said(page)
    field = re.search(r'name="request_key" value="([^"]+-SUP-01)"', main(page))
    assert field is not None
    sent_fields = browser.hidden(page) | {"supplier": "SUP-01", "request_key": field[1]}

    order = browser.post("/reorder/order", sent_fields)
    again = browser.post("/reorder/order", sent_fields)

    assert order.headers["Location"] == again.headers["Location"] == "/orders/1"
    assert "PO-00001 is drafted" in said(browser.get("/reorder"))
    assert standing(house, 1).lines[0].sku == "HA-3"
    browser.send("/orders/1/send", expected_on="2026-01-20")
    assert "Make order" not in said(browser.get("/reorder"))
    refused = browser.post("/reorder/order", sent_fields | {"request_key": "another"})
    assert refused.status_code == 409
    assert "Nothing of Northfield has to be ordered for Main Street now." in said(refused)


def used(house: House) -> None:
    """One vial of HA-3 came and was used up, so that more of it is needed."""
    from tests.deliveries import received

    received(house, house.clock.now.date(), containers=10)
    body: dict[str, Any] = {"patient_ref": "P-1", "at": "2026-01-15T10:00:00-05:00", "site": "MAIN"}
    house.clinic.made("/sessions", body | {"lines": [{"sku": "HA-3", "quantity": "25"}]})


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER])
def test_orders_tell_costs_and_are_for_those_who_see_them(house: House, role: Role):
    drafted(house)

    for path in ("/orders", "/orders/1", "/orders/1/order.pdf", "/orders/1/edit"):
        assert house.as_(role).get(path).status_code == 403
    assert "Make order" not in said(house.as_(role).get("/reorder"))


def test_an_accountant_looks_at_orders_and_changes_none(house: House):
    drafted(house)
    page = house.as_(Role.ACCOUNTANT).get("/orders/1")

    assert "Hyaluronic acid 2%, 3 mL" in said(page)
    assert "/orders/1/send" not in main(page)
    assert house.as_(Role.ACCOUNTANT).get("/orders/1/send").status_code == 403


def test_the_bill_of_an_order_is_filled_in_with_what_came_of_it_alone(house: House):
    other = {"sku": "HA-3", "lot_number": "B1", "expires_on": "2027-06-30", "containers": 7}
    other |= {"unit_cost": "16.50", "supplier": "SUP-01", "document": "DN-9"}
    earlier = house.clinic.made("/receipts", other)["id"]
    key, browser = sent(house), house.as_(Role.MANAGER)
    house.clinic.made(f"/purchase-orders/{key}/receive", {"lines": [{"labels": [LABEL], "containers": 20}]})
    [receipt] = [one.id for one in standing(house, key).receipts]

    page = browser.get(f"/orders/{key}")
    [link] = re.findall(r'href="(/books/bills/new[^"]*)"', main(page))
    opened = browser.get(link.replace("&amp;", "&"))
    form = main(opened)

    assert f'name="containers-{receipt}" type="text" value="20"' in form
    assert f'name="containers-{earlier}" type="text" value=""' in form
    assert form.index(f"containers-{receipt}") < form.index(f"containers-{earlier}")
    typed = {"number": "R-1", f"containers-{receipt}": "20", f"price-{receipt}": "17", "look": "1"}
    looked = main(
        browser.post("/books/bills/new", browser.hidden(opened) | typed | {"invoiced_on": "2026-01-15"})
    )
    assert "What it would do" in looked
    assert looked.index(f"containers-{receipt}") < looked.index(f"containers-{earlier}")
    assert "billed by" not in said(browser.get(f"/orders/{key}"))
    bill = {"supplier": "SUP-01", "number": "R-1", "invoiced_on": "2026-01-15"}
    bill |= {"lines": [{"receipt": receipt, "containers": 15, "unit_price": "17"}]}
    made = house.clinic.made("/supplier-invoices", bill)
    carried = {"number": "F-1", "freight": "5.00"}
    carried |= {"lines": [{"receipt": receipt, "containers": 0, "unit_price": "0"}]}
    house.clinic.made("/supplier-invoices", bill | carried)
    assert "as ordered 15 billed by R-1" in said(browser.get(f"/orders/{key}"))
    assert f'href="/books/bills/{made["id"]}"' in main(browser.page)
    assert "billed by F-1" not in said(browser.page)
    house.clinic.made(f"/supplier-invoices/{made['id']}/take-back", {"reason": "Typed wrong."})
    assert "billed by" not in said(browser.get(f"/orders/{key}"))
    every = main(browser.get("/books/bills/new?supplier=SUP-01"))
    assert f'name="containers-{earlier}" type="text" value="7"' in every
    assert browser.get("/books/bills/new?supplier=SUP-01&order=99").status_code == 404
