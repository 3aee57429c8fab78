"""What the movements say: the valuation of any day, where stock was, and who moved what (S8, B3)."""

from datetime import date
from decimal import Decimal

import pytest

from inventory import corrections, ledger, stock
from inventory.catalog import UnknownItem
from inventory.ledger import DocumentKind
from inventory.measures import plain
from tests.shelf import BY, NOW, RECEIVED_ON, TODAY, Clinic, refused

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


def test_the_valuation_of_a_day_lists_the_lots_that_were_held_and_adds_up(shop):
    shop.receive("HA", "B02  exp 2026-09-30  1 x 17.90\n A17  exp 2026-03-31  1 x 16.50")
    shop.receive("LIDO", "L1  exp 2026-12-31  1 x 3.20")
    shop.treat("P-1", "HA 2.5", "LIDO 5")

    before = stock.valuation(shop.db, on=date(2026, 1, 14))
    after = stock.valuation(shop.db, on=TODAY)

    assert [(row.sku, row.lot_number, plain(row.quantity), str(row.value)) for row in before.rows] == [
        ("HA", "A17", "3", "16.50"),
        ("HA", "B02", "3", "17.90"),
        ("LIDO", "L1", "20", "3.20"),
    ]
    assert [(row.sku, row.lot_number, plain(row.quantity), str(row.value)) for row in after.rows] == [
        ("HA", "B02", "3", "17.90"),
        ("LIDO", "L1", "15", "2.40"),
    ]
    assert (before.total, after.total) == (Decimal("37.60"), Decimal("20.30"))
    assert stock.valuation(shop.db, on=date(2026, 1, 4)) == stock.Valuation(date(2026, 1, 4), (), Decimal(0))


def test_where_stock_was_on_a_day_is_said_by_place(shop):
    shop.receive("LIDO", "L1  exp 2026-12-31  3 x 3.20\n L2  exp 2026-12-31  1 x 3.20  quarantined")
    shop.treat("P-1", "LIDO 5")
    keys = {number: shop.lot("LIDO", number).id for number in ("L1", "L2")}

    before = stock.held_by_place(shop.db, list(keys.values()), date(2026, 1, 14))
    after = stock.held_by_place(shop.db, None, TODAY)

    assert before == {keys["L1"]: {"SHELF": 60}, keys["L2"]: {"SHELF": 20}}
    assert after == {keys["L1"]: {"SHELF": 40, "OPENED": 15}, keys["L2"]: {"QUARANTINE": 20}}
    assert stock.held_by_place(shop.db, [], TODAY) == {}


def test_movements_come_as_added_and_say_who_moved_what_from_where_to_where_and_why(shop):
    shop.receive("HA", "A17  exp 2026-03-31  2 x 16.50")
    shop.receive("LIDO", "L1  exp 2026-12-31  1 x 3.20")
    shop.treat("P-1", "HA 2.5")

    received, used, discarded = stock.movements_page(shop.db, sku="HA")

    assert (received.source_kind, received.target_kind, str(received.value)) == ("supplier", "shelf", "33.00")
    assert (received.document_kind, received.on, received.by) == (DocumentKind.RECEIPT, RECEIVED_ON, BY)
    assert (used.source, used.target, plain(used.quantity), used.direction) == ("SHELF", "PATIENT", "2.6", -1)
    assert (used.sku, used.lot_number, used.at, used.on) == ("HA", "A17", NOW, TODAY)
    assert (discarded.target_kind, discarded.reason) == ("waste", "single_dose_remainder")


def test_movements_are_chosen_by_lot_item_and_date_and_read_page_by_page(shop):
    shop.receive("HA", "A17  exp 2026-03-31  1 x 16.50  on 2026-01-05\n B02  exp 2026-09-30  1 x 17.90")
    shop.receive("LIDO", "L1  exp 2026-12-31  1 x 3.20  on 2026-01-09")
    shop.treat("P-1", "HA 2.5")

    def moved(**chosen):
        return [(row.lot_number, str(row.target_kind)) for row in stock.movements_page(shop.db, **chosen)]

    assert moved(lot=shop.lot("HA", "B02").id) == [("B02", "shelf")]
    assert moved(sku="LIDO") == [("L1", "shelf")]
    assert moved(since=date(2026, 1, 9), until=date(2026, 1, 14)) == [("L1", "shelf")]
    whole, pages, after = moved(), [], None
    while page := stock.movements_page(shop.db, after=after, limit=2):
        pages += [(row.lot_number, str(row.target_kind)) for row in page]
        after = page[-1].id
    assert pages == whole == [
        ("A17", "shelf"), ("B02", "shelf"), ("L1", "shelf"), ("A17", "patient"), ("A17", "waste"),
    ]  # fmt: skip
    with refused(UnknownItem, "No item has the SKU 'NONE'."):
        stock.movements_page(shop.db, sku="NONE")


def test_a_reversal_points_at_what_it_corrects(shop):
    shop.receive("HA", "A17  exp 2026-03-31  1 x 16.50")
    (receipt,) = stock.movements_page(shop.db)

    corrections.reverse(
        shop.db, ledger.movement(shop.db, receipt.id), at=NOW, recorded_at=NOW, by=BY, reason="typed twice"
    )

    again, mirror = stock.movements_page(shop.db)
    assert (again.id, again.corrects) == (receipt.id, None)
    assert (mirror.corrects, mirror.source, mirror.target) == (receipt.id, "SHELF", "SUPPLIER")
    assert stock.stock(shop.db, site=shop.site, at=NOW, skus=["HA"])[0].on_hand == 0
    assert stock.valuation(shop.db, on=TODAY).rows == ()
