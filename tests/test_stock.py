"""What is on hand, usable and worth: now, on a day past, and on one to come (S1, S8)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from inventory import allocations, clinic, holds, ledger, stock, wastage
from inventory.allocations import Promise
from inventory.catalog import UnknownIngredient, UnknownItem
from inventory.clinic import CostFormula, PlaceKind
from inventory.layers import CostLayer
from inventory.ledger import Act, DocumentKind, Move, WasteReason
from inventory.measures import plain
from tests.shelf import BY, NOW, TODAY, Clinic, refused

CATALOGUE = """
    HA      3 mL    single_dose  +0.15  of hyaluronic
    LIDO   20 mL    multi_dose   28 d   of lidocaine
    NEEDLE  1 each  none         consumable
"""


@pytest.fixture
def shop(db) -> Clinic:
    """A clinic with three items, which shares opened vials, and nothing on the shelf."""
    shop = Clinic(db, share_opened_vials=True)
    shop.add_items(CATALOGUE)
    return shop


def of(shop: Clinic, sku: str, **asked) -> stock.ItemStock:
    """What a site has of one item."""
    site = asked.pop("site", shop.site)
    (found,) = stock.stock(shop.db, site=site, at=asked.pop("at", NOW), skus=[sku], **asked)
    return found


def said(found: stock.ItemStock) -> tuple[str, str, str, str, int, str]:
    """An item's stock as text: on hand, usable, allocated, available, containers, value."""
    numbers = (found.on_hand, found.usable, found.allocated, found.available)
    on_hand, usable, allocated, available = map(plain, numbers)
    return on_hand, usable, allocated, available, found.containers, str(found.value)


def test_sealed_and_opened_stock_are_told_apart(shop):
    shop.receive("LIDO", "L1  exp 2026-12-31  8 x 3.20")
    shop.treat("P-1", "LIDO 16.8")

    lido = of(shop, "LIDO")

    assert said(lido) == ("143.2", "143.2", "0", "143.2", 7, "22.91")
    (vial,) = lido.opened
    assert (plain(vial.left), vial.discard_at) == ("3.2", NOW + timedelta(days=28))
    assert not vial.one_patient


def test_expired_quarantined_and_recalled_stock_is_on_hand_and_not_usable(shop):
    shop.receive("HA", """
        OLD  exp 2026-01-14  1 x 10.00
        NOW  exp 2026-01-15  2 x 10.00
        NEW  exp 2026-09-30  4 x 10.00
        QUA  exp 2026-09-30  8 x 10.00  quarantined
        REC  exp 2026-09-30 16 x 10.00  recalled
    """)  # fmt: skip

    ha = of(shop, "HA")

    assert said(ha) == ("93", "18", "0", "18", 31, "310.00")
    assert ha.next_expiry == date(2026, 1, 15)


def test_a_vial_past_its_discard_time_is_on_hand_and_not_usable(shop):
    shop.receive("LIDO", "L1  exp 2026-12-31  1 x 3.20")
    shop.treat("P-1", "LIDO 5")

    before = of(shop, "LIDO", at=NOW + timedelta(days=28, seconds=-1))
    after = of(shop, "LIDO", at=NOW + timedelta(days=28))

    assert said(before) == ("15", "15", "0", "15", 0, "2.40")
    assert said(after) == ("15", "0", "0", "0", 0, "2.40")
    assert len(after.opened) == 1


def test_an_opened_vial_of_a_recalled_lot_is_shown_and_not_usable(shop):
    shop.receive("LIDO", "L1  exp 2026-12-31  2 x 3.20")
    shop.treat("P-1", "LIDO 5")

    holds.recall(shop.db, shop.lot("LIDO", "L1"), at=NOW, by=BY, reason="maker's letter")

    lido = of(shop, "LIDO")
    assert (lido.usable, len(lido.opened)) == (0, 1)
    assert lido.on_hand == 35


def test_what_is_promised_beyond_what_is_usable_is_said_as_a_negative_number(shop):
    shop.receive("HA", "A17  exp 2026-03-31  2 x 16.50")
    allocations.allocate(
        shop.db,
        [Promise(shop.item("HA").id, date(2026, 2, 1), Decimal(9))],
        site_id=shop.site.id,
        reference="course 1 session 1",
        patient_ref="P-1",
        at=NOW,
    )

    assert said(of(shop, "HA")) == ("6", "6", "9", "-3", 2, "33.00")

    allocations.end(shop.db, reference="course 1 session 1", at=NOW + timedelta(days=2))

    assert of(shop, "HA").available == 6
    the_day_after = of(shop, "HA", on=date(2026, 1, 16), at=NOW + timedelta(days=9))
    assert the_day_after.available == -3


def test_a_day_past_shows_what_the_movements_left(shop):
    shop.receive("LIDO", "L1  exp 2026-01-31  3 x 3.20  on 2026-01-05")
    shop.treat("P-1", "LIDO 5", at=datetime(2026, 1, 10, 15, tzinfo=UTC))
    shop.treat("P-2", "LIDO 5", at=datetime(2026, 1, 12, 15, tzinfo=UTC))
    wastage.write_off(
        shop.db,
        shop.lot("LIDO", "L1"),
        quantity_off=Decimal(20),
        reason=WasteReason.BROKEN,
        site=shop.site,
        at=NOW,
        recorded_at=NOW,
        by=BY,
    )

    days = {day: of(shop, "LIDO", on=date(2026, 1, day)) for day in (4, 5, 10, 14, 15)}

    assert {day: said(found) for day, found in days.items()} == {
        4: ("0", "0", "0", "0", 0, "0"),
        5: ("60", "60", "0", "60", 3, "9.60"),
        10: ("55", "55", "0", "55", 2, "8.80"),
        14: ("50", "50", "0", "50", 2, "8.00"),
        15: ("30", "30", "0", "30", 1, "4.80"),
    }
    assert [plain(vial.left) for vial in days[10].opened] == ["15"]
    assert [plain(vial.left) for vial in days[14].opened] == ["10"]


def test_the_past_knows_what_had_expired_and_what_was_held_back_then(shop):
    shop.receive("HA", "A17  exp 2026-01-08  2 x 10.00\n B02  exp 2026-09-30  3 x 10.00")
    monday = datetime(2026, 1, 12, 15, tzinfo=UTC)
    holds.quarantine(shop.db, shop.lot("HA", "B02"), at=monday, by=BY, reason="fridge alarm")

    usable = {day: plain(of(shop, "HA", on=date(2026, 1, day)).usable) for day in (8, 9, 11, 12, 14)}

    assert usable == {8: "15", 9: "9", 11: "9", 12: "0", 14: "0"}


def test_a_day_to_come_shows_what_of_todays_stock_will_still_be_usable(shop):
    shop.receive("HA", "A17  exp 2026-01-31  2 x 10.00\n B02  exp 2026-09-30  3 x 10.00")
    shop.receive("LIDO", "L1  exp 2026-12-31  1 x 3.20")
    shop.treat("P-1", "LIDO 5")

    assert plain(of(shop, "HA", on=date(2026, 1, 31)).usable) == "15"
    assert plain(of(shop, "HA", on=date(2026, 2, 1)).usable) == "9"
    assert plain(of(shop, "LIDO", on=date(2026, 2, 11)).usable) == "15"
    assert plain(of(shop, "LIDO", on=date(2026, 2, 12)).usable) == "0"


def test_the_sites_day_decides_what_is_expired(shop):
    shop.receive("HA", "A17  exp 2026-01-14  2 x 10.00")
    late_in_new_york = datetime(2026, 1, 15, 4, 59, tzinfo=UTC)

    assert of(shop, "HA", at=late_in_new_york).usable == 6
    assert of(shop, "HA", at=late_in_new_york + timedelta(minutes=1)).usable == 0


def test_items_come_page_by_page_in_order_of_sku(shop):
    pages = [stock.stock(shop.db, site=shop.site, at=NOW, limit=2)]
    pages.append(stock.stock(shop.db, site=shop.site, at=NOW, limit=2, after=pages[0][-1].sku))

    assert [[item.sku for item in page] for page in pages] == [["HA", "LIDO"], ["NEEDLE"]]
    assert said(pages[1][0]) == ("0", "0", "0", "0", 0, "0")


def test_an_item_out_of_use_is_listed_while_something_is_left(shop):
    shop.receive("HA", "A17  exp 2026-03-31  1 x 10.00")
    for sku in ("HA", "NEEDLE"):
        shop.item(sku).active = False

    listed = [item.sku for item in stock.stock(shop.db, site=shop.site, at=NOW)]

    assert listed == ["HA", "LIDO"]


def test_the_items_of_an_ingredient_are_found_by_it(shop):
    found = stock.stock(shop.db, site=shop.site, at=NOW, ingredient="lidocaine")

    assert [item.sku for item in found] == ["LIDO"]
    with refused(UnknownIngredient, "No ingredient has the code 'unicorn'."):
        stock.stock(shop.db, site=shop.site, at=NOW, ingredient="unicorn")
    with refused(UnknownItem, "No item has the SKU 'NONE'."):
        stock.stock(shop.db, site=shop.site, at=NOW, skus=["HA", "NONE"])


@pytest.mark.parametrize("formula", list(CostFormula))
def test_two_sites_share_the_value_of_what_both_hold_to_the_cent(db, formula):
    shop = Clinic(db, formula=formula)
    shop.add_items(CATALOGUE)
    branch = shop.open_site("BRANCH")
    shop.receive("HA", "A17  exp 2026-03-31  3 x 33.333333\n B02  exp 2026-05-31  1 x 10.00")
    carry_to_branch(shop, "HA", "A17", Decimal(3), branch)

    here, there = of(shop, "HA"), of(shop, "HA", site=branch)

    split = ("76.67", "33.33") if formula is CostFormula.SPECIFIC else ("82.50", "27.50")
    assert (str(here.value), str(there.value)) == split
    assert here.value + there.value == Decimal("110.00")
    then = {"on": TODAY, "at": NOW + timedelta(days=3)}
    assert of(shop, "HA", **then).value == here.value
    assert of(shop, "HA", site=branch, **then).value == there.value
    lots = stock.lots(db, site=branch)
    assert [(lot.number, lot.on_hand, lot.value) for lot in lots] == [("A17", 3, there.value)]


def carry_to_branch(shop, sku, number, quantity, branch):
    """Carry sealed stock from the first site's shelf to another's; within the clinic, so without value."""
    document = ledger.open_document(shop.db, DocumentKind.HOLD, Act(shop.site.id, TODAY, NOW, NOW, BY))
    move = Move(
        shop.lot_facts(sku, number),
        shop.place(PlaceKind.SHELF),
        shop.place(PlaceKind.SHELF, branch),
        quantity,
    )
    ledger.post(shop.db, document, TODAY, [move], held=frozenset(clinic.held_places(shop.db)))


@pytest.mark.parametrize("formula", list(CostFormula))
def test_todays_valuation_is_what_the_layers_the_lots_and_the_stock_say(db, formula):
    shop = Clinic(db, formula=formula, share_opened_vials=True)
    shop.add_items(CATALOGUE)
    shop.receive("HA", "A17  exp 2026-03-31  7 x 16.57\n B02  exp 2026-03-01  3 x 17.91")
    shop.receive("LIDO", "L1  exp 2026-12-31  3 x 3.33\n L2  exp 2026-11-30  2 x 2.22")
    shop.treat("P-1", "HA 2.5", "LIDO 3.7")
    shop.treat("P-2", "HA 5", "LIDO 41.3")

    total = stock.valuation(db, on=TODAY).total

    assert total == sum(db.scalars(CostLayer.__table__.select().with_only_columns(CostLayer.value_left)))
    assert total == sum(lot.value for lot in stock.lots(db))
    assert total == sum(item.value for item in stock.stock(db, site=shop.site, at=NOW))
    later = {"at": NOW + timedelta(days=1), "on": TODAY}
    assert total == sum(item.value for item in stock.stock(db, site=shop.site, **later))
