"""The page of one item's advice: its days ahead as a chart with a table beside it, and the reasons."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from api.auth import Role
from inventory import catalog, clinic, foresight, wastage
from inventory.catalog import DoseClass, Item, ItemKind
from inventory.lots import Lot
from inventory.measures import Unit
from tests.pages import TODAY, House, main, promised, received, said

pytest_plugins = ("tests.calls", "tests.pages")


def test_an_item_shows_the_days_ahead_as_a_chart_with_a_table_beside_it_and_the_reasons(house: House):
    received(house, "HA-3", 2, expires_on=date(2026, 1, 31))
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))

    page = house.as_(Role.MANAGER).get("/reorder/HA-3")

    words = said(page)
    assert "Order 1 pack of 10" in words
    assert "Order 1 pack of 10 (30 mL) from Northfield by 19 Jan 2026" in words
    assert "Waiting until 22 Jan 2026 risks $" in words
    assert main(page).count("<svg") >= 2
    assert 'class="area"' in main(page)
    assert "The same as a table, by weeks" in words
    assert "6\N{NO-BREAK SPACE}mL sealed expires on 31 Jan 2026" in main(page)
    assert "Until then no deliveries will come and 1 lot will expire." in main(page)
    desk = said(house.as_(Role.FRONT_DESK).get("/reorder/HA-3"))
    assert "Order 1 pack of 10" in desk
    assert "$" not in desk


def test_the_chart_of_what_is_shared_counts_whole_containers_and_says_what_is_left_of_the_opened(
    house: House,
):
    received(house, "LIDO-20", 3, expires_on=date(2027, 6, 30))
    with house.database.write.begin() as db:
        [lot] = db.scalars(sa.select(Lot))
        here, now = clinic.site(db, "MAIN"), house.clock.now
        wastage.open_vial(db, lot, site=here, at=now, recorded_at=now, by="Manager Person")
    promised(house, "LIDO-20", "4", due_on=date(2026, 2, 24))

    page = said(house.as_(Role.MANAGER).get("/reorder/LIDO-20"))

    assert "what is left of the opened, 20 mL, is used before the next is opened." in page
    assert "Usable now 60 mL" in page
    with house.database.read() as db:
        lido, here = catalog.item(db, "LIDO-20"), clinic.site(db, "MAIN")
        found = foresight.explain(db, lido, site=here, on=TODAY)
    assert (found.opened, found.days[0].stock) == (20, 40)
    promised(house, "HA-3", "12", due_on=date(2026, 1, 26))
    assert "Whole containers are counted" not in said(house.as_(Role.MANAGER).get("/reorder/HA-3"))


def test_an_item_that_nobody_uses_or_offers_has_a_page_too(house: House):
    with house.database.write.begin() as db:
        catalog.add_item(
            db,
            Item(
                sku="GAUZE", name="Gauze", kind=ItemKind.CONSUMABLE, unit=Unit.EACH, content=Decimal(1),
                dose_class=DoseClass.NONE,
            ),
        )  # fmt: skip
    manager = house.as_(Role.MANAGER)

    assert "not used in the last 28 days and planned for no session" in said(manager.get("/reorder/GAUZE"))
    assert manager.get("/reorder/NOPE").status_code == 404


def test_the_table_has_what_comes_and_what_expires_today(house: House):
    received(house, "HA-3", 2, expires_on=TODAY)
    wish = {"sku": "HA-3", "packs": 1}
    order = house.clinic.made("/purchase-orders", {"supplier": "SUP-01", "lines": [wish]})["id"]
    house.clinic.post(f"/purchase-orders/{order}/send", {"expected_on": str(TODAY)})
    manager = house.as_(Role.MANAGER)

    today = said(manager.get("/reorder/HA-3"))

    assert "Week until Needed Band Of it sold Left Comes Expires 22 Jan 2026 0 0 to 0 0 30 30 6" in today
