"""The advice over HTTP, and the days behind the advice on one item: need, stock, what comes and expires."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from api.auth import Role
from inventory import allocations, catalog, clinic, reordering
from inventory.allocations import Promise
from tests.calls import NOW, Clinic

TODAY = date(2026, 1, 15)


def promised(here: Clinic, sku: str, quantity: str, due_on: date) -> None:
    with here.database.write.begin() as db:
        allocations.allocate(
            db,
            [Promise(catalog.item(db, sku).id, due_on, Decimal(quantity))],
            site_id=clinic.site(db, "MAIN").id,
            reference=f"course 1 session {due_on.day}",
            patient_ref="P-7",
            at=NOW,
        )


def received(here: Clinic, sku: str, containers: int, expires_on: str) -> None:
    here.made(
        "/receipts",
        {"sku": sku, "lot_number": f"L{expires_on}", "expires_on": expires_on, "containers": containers}
        | {"unit_cost": "10.00", "received_on": "2026-01-10"},
    )


def used(here: Clinic, sku: str, quantity: str, on: str) -> None:
    body: dict[str, Any] = {"patient_ref": "P-1", "at": f"{on}T10:00:00-05:00", "site": "MAIN"}
    here.made("/sessions", body | {"lines": [{"sku": sku, "quantity": quantity}]})


def test_the_days_behind_an_advice_tell_need_stock_arrivals_and_expiries(here):
    received(here, "HA-3", 4, "2026-01-31")
    promised(here, "HA-3", "6", date(2026, 1, 26))
    promised(here, "HA-3", "12", date(2026, 2, 10))
    order = here.made("/purchase-orders", {"supplier": "SUP-01", "lines": [{"sku": "HA-3", "packs": 1}]})
    here.post(f"/purchase-orders/{order['id']}/send", {"expected_on": "2026-01-20"})

    found = here.seen("/reorder-advice/HA-3?site=MAIN&on=2026-01-15")

    advice, days = found["advice"], found["days"]
    assert (advice["sku"], advice["usable"], advice["on_order"]) == ("HA-3", "12", "30")
    assert found["arrivals"] == [{"on": "2026-01-20", "quantity": "30", "words": "on order"}]
    assert found["expiries"] == [{"on": "2026-01-31", "quantity": "12", "words": "sealed"}]
    assert [day["on"] for day in days[:2]] == ["2026-01-16", "2026-01-17"]
    assert [Decimal(day["sold"]) for day in days if day["on"] in ("2026-01-25", "2026-02-10")] == [0, 18]
    for day in days:
        assert Decimal(day["need_low"]) <= Decimal(day["need"]) <= Decimal(day["need_high"])
        assert Decimal(day["stock_low"]) <= Decimal(day["stock"]) <= Decimal(day["stock_high"])
    assert found == here.seen("/reorder-advice/HA-3?site=MAIN&on=2026-01-15")


def test_what_lasts_is_still_there_on_the_last_of_the_days_however_much_later_it_expires(here):
    received(here, "HA-3", 40, "2027-06-30")
    used(here, "HA-3", "3", "2026-01-12")
    here.made(
        "/items",
        {"sku": "LONE", "name": "Lone", "kind": "consumable", "unit": "each", "content": "1"}
        | {"dose_class": "none"},
    )
    received(here, "LONE", 20, "2026-01-31")
    received(here, "LONE", 50, "2027-06-30")
    promised(here, "LONE", "15", date(2026, 1, 20))
    promised(here, "LONE", "6", date(2026, 2, 10))

    offered, lone = (here.seen(f"/reorder-advice/{sku}?on=2026-01-15")["days"] for sku in ("HA-3", "LONE"))

    assert Decimal(offered[-1]["stock"]) > 90
    assert {day["on"]: day["stock"] for day in lone if day["on"] in ("2026-01-30", "2026-01-31")} == {
        "2026-01-30": "55",
        "2026-01-31": "50",
    }
    assert lone[-1]["stock"] == "44"


def test_costs_and_the_money_that_was_weighed_are_for_those_who_see_costs(here):
    promised(here, "HA-3", "12", date(2026, 1, 26))

    manager, desk = (
        here.seen("/reorder-advice?site=MAIN", role=role)["items"][0]
        for role in (Role.MANAGER, Role.FRONT_DESK)
    )

    assert manager["weighed"].startswith("Waiting until 2026-01-22 risks USD ")
    assert (desk["weighed"], desk["cost"], desk["value_at_risk"], desk["pack_price"]) == (
        "",
        None,
        None,
        None,
    )
    assert desk["why"] == manager["why"]
    assert Decimal(manager["lost_chance"]) > 0


def test_what_was_never_used_never_bought_or_has_no_offer_is_a_sentence(here):
    for sku in ("HA-3", "LIDO-20", "BULK-100", "NEEDLE-30G"):
        found = here.seen(f"/reorder-advice/{sku}")
        assert found["advice"]["why"].startswith("Nothing to order: not used in the last 28 days")
        assert len(found["days"]) >= 42
    here.made(
        "/items",
        {"sku": "LONE", "name": "Lone", "kind": "consumable", "unit": "each", "content": "1"}
        | {"dose_class": "none"},
    )
    promised(here, "LONE", "5", date(2026, 1, 20))

    assert here.seen("/reorder-advice/LONE")["advice"]["why"].startswith("No supplier offers it")
    assert here.get("/reorder-advice/NOPE").status_code == 404


def test_of_an_item_out_of_use_nothing_is_advised(here):
    with here.database.write.begin() as db:
        catalog.item(db, "HA-3").active = False

    answer = here.get("/reorder-advice/HA-3")

    assert (answer.status_code, answer.json["name"]) == (409, "OutOfUse")


def test_what_is_on_the_way_from_another_site_counts_and_is_said(here):
    received(here, "HA-3", 10, "2027-06-30")
    here.made(
        "/sites",
        {"code": "WEST", "name": "West", "country": "US", "region": "North America"}
        | {"time_zone": "America/New_York"},
    )
    lot = here.seen("/lots?sku=HA-3")["items"][0]["id"]
    here.made("/transfers", {"site": "MAIN", "target": "WEST", "lines": [{"lot": lot, "quantity": "12"}]})

    found = here.seen("/reorder-advice/HA-3?site=WEST")

    assert (found["advice"]["usable"], found["advice"]["on_order"], found["advice"]["position"]) == (
        "0",
        "12",
        "12",
    )


def test_the_history_of_all_items_is_read_by_as_many_statements_as_that_of_one(here):
    received(here, "HA-3", 2, "2027-06-30")
    used(here, "HA-3", "2.5", "2026-01-14")
    counts = []

    def read() -> int:
        seen: list[str] = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(here.database.engine, "before_cursor_execute", listen)
        with here.database.read() as db:
            reordering.advise(db, site=clinic.site(db, "MAIN"), on=TODAY, everything=True)
        sa.event.remove(here.database.engine, "before_cursor_execute", listen)
        return len(seen)

    counts.append(read())
    for sku in ("LIDO-20", "NEEDLE-30G"):
        received(here, sku, 10, "2027-06-30")
        used(here, sku, "2", "2026-01-14")
        promised(here, sku, "2", date(2026, 1, 20))
    counts.append(read())

    assert counts[0] == counts[1] < 40


def test_the_advice_becomes_an_order_in_one_call(here):
    promised(here, "HA-3", "12", date(2026, 1, 26))

    order = here.made("/purchase-orders", {"supplier": "SUP-01"})
    here.post(f"/purchase-orders/{order['id']}/send", {})
    again = here.post("/purchase-orders", {"supplier": "SUP-01"})

    assert [(line["sku"], line["packs"]) for line in order["lines"]] == [("HA-3", 1)]
    assert (again.status_code, again.json["name"]) == (409, "NothingToOrder")


def test_the_order_is_a_sheet_for_the_supplier(here):
    order = here.made(
        "/purchase-orders", {"supplier": "SUP-01", "lines": [{"sku": "HA-3", "packs": 2}], "note": "=1+1"}
    )

    answer = here.get(f"/purchase-orders/{order['id']}/order.xlsx")

    assert answer.status_code == 200
    assert here.get(f"/purchase-orders/{order['id']}/order.xlsx", role=Role.FRONT_DESK).status_code == 403
    cells = cells_of(answer.data)
    assert cells[0][:4] == ("Order", "Item", "Name", "Packs")
    assert cells[1][:5] == (order["number"], "HA-3", "Hyaluronic acid 2%, 3 mL", 2, 10)
    assert cells[1][8:10] == (330, "Main Street (MAIN)")
    assert cells[1][-1] == "=1+1"


def cells_of(data: bytes) -> list[tuple[Any, ...]]:
    from io import BytesIO

    import openpyxl

    return list(openpyxl.load_workbook(BytesIO(data))["Order"].iter_rows(values_only=True))


def test_terms_and_offers_are_kept_with_days_breaks_and_the_suppliers_own_price(here):
    tag = here.get("/suppliers/SUP-01").headers["ETag"]
    change = {"order_days": "Thu mon", "cold_days": "", "free_shipping_from": "250.00", "shipping": "12.00"}
    changed = here.call("PATCH", "/suppliers/SUP-01", change, headers={"If-Match": tag})
    offer = {"sku": "HA-3", "supplier": "SUP-01", "pack_containers": 10, "pack_price": "160.00"}
    offer |= {"valid_from": "2026-01-01", "list_price": "140.00", "list_currency": "EUR"}

    made = here.made("/offers", offer | {"price_breaks": "5: 150"})

    assert (changed.json["order_days"], changed.json["free_shipping_from"]) == ("mon thu", "250.00")
    assert (made["price_breaks"], made["list_price"], made["list_currency"]) == ("5: 150.00", "140.00", "EUR")
    refused = here.post("/offers", offer | {"price_breaks": "5: 170"})
    assert (refused.status_code, refused.json["name"]) == (422, "BadOffer")
    tag = here.get("/suppliers/SUP-01").headers["ETag"]
    refused = here.call("PATCH", "/suppliers/SUP-01", {"order_days": "x"}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json["name"]) == (422, "BadDays")


@pytest.mark.parametrize("on", ["1990-01-01", "2199-12-31"])
def test_any_day_that_can_be_asked_for_is_answered(here, on):
    received(here, "HA-3", 10, "2027-06-30")
    used(here, "HA-3", "2.5", "2026-01-14")
    promised(here, "HA-3", "2.5", date(2026, 1, 26))

    assert here.get(f"/reorder-advice/HA-3?on={on}").status_code == 200
    assert here.get(f"/reorder-advice?on={on}").status_code == 200


def test_what_another_of_ones_sites_will_not_use_is_told_and_not_ordered(here):
    here.made(
        "/sites",
        {"code": "WEST", "name": "West", "country": "US", "region": "North America"}
        | {"time_zone": "America/New_York"},
    )
    promised(here, "HA-3", "6", date(2026, 1, 26))
    body = {"sku": "HA-3", "lot_number": "W1", "expires_on": "2026-03-15", "containers": 4, "site": "WEST"}
    here.made("/receipts", body | {"unit_cost": "10.00", "received_on": "2026-01-10"})

    (listed,) = here.seen("/reorder-advice?site=MAIN")["items"]
    one = here.seen("/reorder-advice/HA-3?site=MAIN")["advice"]

    assert listed["fetch"] == one["fetch"]
    assert one["fetch"] == [
        {
            "site": "WEST", "site_name": "West", "containers": 2, "quantity": "6",
            "expires_on": "2026-03-15",
        }
    ]  # fmt: skip
    assert one["why"].startswith("Fetch 6 mL (2 containers) from West by transfer")
