"""The pages of suppliers, their prices and the clinic's own: history stays, two people see both versions."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from api.auth import Role
from inventory import catalog
from inventory.catalog import Offer
from pricing import price_list, protocols
from pricing.price_list import PractitionerLevel
from tests import recipes
from tests.pages import House, main, said

pytest_plugins = ("tests.calls", "tests.pages")

TERMS = {"name": "Northfield", "currency": "USD", "lead_days": "7", "minimum_order": "0", "shipping": "0"}


def test_a_supplier_is_added_and_its_terms_are_changed(house: House):
    manager = house.as_(Role.MANAGER)

    answer = manager.send(
        "/settings/suppliers/new", **TERMS | {"code": "SUP-09", "name": "Sud", "country": "fr"}
    )
    assert "Sud is on record." in said(manager.follow(answer))
    manager.send(
        "/settings/suppliers/SUP-09/edit", **TERMS | {"name": "Sud", "lead_days": "3", "cold_chain": "yes"}
    )

    with house.database.read() as db:
        found = catalog.supplier(db, "SUP-09")
        assert (found.lead_days, found.cold_chain, found.currency) == (3, True, "USD")
    assert "A supplier with the code SUP-09 is on record already." in said(
        manager.send("/settings/suppliers/new", **TERMS | {"code": "SUP-09"})
    )


def test_of_two_who_change_a_supplier_the_second_sees_both(house: House):
    first, second = house.as_(Role.MANAGER), house.as_(Role.ADMIN)
    fields = second.hidden(second.get("/settings/suppliers/SUP-01/edit"))
    first.send("/settings/suppliers/SUP-01/edit", **TERMS | {"lead_days": "3"})

    stale = second.post("/settings/suppliers/SUP-01/edit", fields | TERMS | {"lead_days": "14"})

    assert stale.status_code == 409
    assert "Days to deliver 3 14" in said(stale)
    with house.database.read() as db:
        assert catalog.supplier(db, "SUP-01").lead_days == 3


def test_a_new_price_stands_before_the_old_one_which_stays(house: House):
    manager = house.as_(Role.MANAGER)

    answer = manager.send(
        "/settings/suppliers/SUP-01/offer?sku=HA-3&pack=10",
        sku="HA-3", pack_containers="10", pack_price="172.50", lead_days="5", valid_from="2026-02-01",
    )  # fmt: skip

    page = said(manager.follow(answer))
    assert "$172.50 from 1 Feb 2026 $165.00 from 15 Jan 2025" in page
    with house.database.read() as db:
        item = catalog.item(db, "HA-3").id
        assert catalog.replacements(db, [item], on=date(2026, 1, 31))[item].pack_price == Decimal("165.00")
        assert catalog.replacements(db, [item], on=date(2026, 2, 1))[item].pack_price == Decimal("172.50")


def test_a_price_of_what_is_not_in_the_catalogue_is_refused(house: House):
    browser = house.as_(Role.MANAGER)
    offer = {"pack_containers": "10", "pack_price": "172.50", "lead_days": "5", "valid_from": "2026-02-01"}

    unknown = browser.send("/settings/suppliers/SUP-01/offer", sku="HA-4", **offer)
    wrong = {"pack_price": "172.505", "valid_from": "2026-02-30"}
    mistyped = browser.send("/settings/suppliers/SUP-01/offer", sku="HA-3", **offer | wrong)

    assert unknown.status_code == 404
    assert "No item has the SKU 'HA-4'." in said(unknown)
    assert mistyped.status_code == 422
    assert "There is no day 2026-02-30." in said(mistyped)
    assert "At most 2 decimals; nothing is rounded." in said(mistyped)
    with house.database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Offer)) == 4


# The clinic's own prices


@pytest.fixture
def menu(house: House) -> None:
    """A protocol and a level."""
    with house.database.write.begin() as db:
        db.add(
            PractitionerLevel(code="L2", name="Nurse", multiplier=Decimal(1), labour_rate=Decimal("38.00"))
        )
        recipe = recipes.write(db, [recipes.product(catalog.item(db, "HA-3"))])
        db.add(recipes.general_facial(formulation_id=recipe.formulation_id))


def set_price(house: House, price: str, valid_from: str = "2026-01-15", role: Role = Role.MANAGER) -> str:
    browser = house.as_(role)
    return said(browser.send("/settings/prices/P-00/L2", price=price, valid_from=valid_from))


@pytest.mark.usefixtures("menu")
def test_an_own_price_is_set_raised_and_ended_and_all_of_it_stays(house: House):
    set_price(house, "320.00")
    set_price(house, "340.00", "2026-02-01")
    set_price(house, "", "2026-03-01")

    page = said(house.as_(Role.MANAGER).get("/settings/prices/P-00/L2"))

    assert page.index("Reckoned again") < page.index("$340.00") < page.index("$320.00")
    with house.database.read() as db:
        subject, level = protocols.protocol(db, "P-00"), price_list.level(db, "L2")
        days = (date(2026, 1, 14), date(2026, 1, 20), date(2026, 2, 1), date(2026, 3, 1))
        assert [price_list.list_price(db, subject, level, day) for day in days] == [
            None, Decimal("320.00"), Decimal("340.00"), None,
        ]  # fmt: skip
    assert "320.00" in main(house.as_(Role.MANAGER).get("/settings/prices"))


@pytest.mark.usefixtures("menu")
def test_of_two_who_set_a_price_the_second_sees_both(house: House):
    second = house.as_(Role.ADMIN)
    fields = second.hidden(second.get("/settings/prices/P-00/L2"))
    set_price(house, "320.00")

    stale = second.post("/settings/prices/P-00/L2", fields | {"price": "300", "valid_from": "2026-01-15"})

    assert stale.status_code == 409
    assert "$320.00 from 15 Jan 2026 $300.00 from 15 Jan 2026" in said(stale)


@pytest.mark.usefixtures("menu")
def test_a_price_of_nothing_is_no_price(house: House):
    assert "Must be more than zero." in set_price(house, "0")
    assert house.as_(Role.MANAGER).get("/settings/prices/P-02/L2").status_code == 404


def test_a_suppliers_days_free_shipping_and_what_its_orders_took_are_shown(house: House):
    manager = house.as_(Role.MANAGER)
    manager.send(
        "/settings/suppliers/SUP-01/edit",
        **TERMS
        | {"shipping": "12", "free_shipping_from": "250", "order_days": "Thu, mon", "cold_days": "mon"},
    )

    page = said(manager.get("/settings/suppliers/SUP-01"))

    assert "$12.00, free from $250.00" in page
    assert "mon thu; cold goods: mon" in page
    assert "no order was received yet" in page
    refused = manager.send("/settings/suppliers/SUP-01/edit", **TERMS | {"order_days": "someday"})
    assert refused.status_code == 422
    assert "'som' is no day of the week" in said(refused)


def test_price_breaks_and_the_suppliers_own_price_stand_with_the_offer(house: House):
    manager = house.as_(Role.MANAGER)
    offer = {"sku": "HA-3", "pack_containers": "10", "pack_price": "160", "lead_days": "5"}
    offer |= {"valid_from": "2026-01-10", "list_price": "140", "list_currency": "eur"}

    refused = manager.send("/settings/suppliers/SUP-01/offer", **offer, price_breaks="5: 170")
    manager.send("/settings/suppliers/SUP-01/offer", **offer, price_breaks="5: 150")

    assert refused.status_code == 422
    assert "From 5 packs on 170 a pack" in said(refused)
    page = said(manager.get("/settings/suppliers/SUP-01"))
    assert "by packs: 5: 150.00" in page
    assert "€140.00 on its list" in page
    assert "$165.00 from" in page  # the older price stays
