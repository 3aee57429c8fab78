"""The list of lots: in order of expiry, page by page, with what is left and its value (S9)."""

from datetime import date

import pytest

from inventory import stock
from inventory.catalog import UnknownItem
from inventory.clinic import CostFormula
from inventory.lots import LotState
from tests.shelf import RECEIVED_ON, TODAY, Clinic, refused

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


def test_lots_come_by_expiry_then_key_and_the_next_page_starts_after_the_last(shop):
    shop.receive("HA", "C  exp 2026-09-30  1 x 10.00\n A  exp 2026-03-31  2 x 10.00")
    shop.receive("LIDO", "B  exp 2026-03-31  3 x 3.20")

    first = stock.lots(shop.db, limit=2)
    rest = stock.lots(shop.db, limit=2, after=(first[-1].expires_on, first[-1].id))

    assert [(lot.number, lot.sku, lot.on_hand, str(lot.value)) for lot in first] == [
        ("A", "HA", 6, "20.00"),
        ("B", "LIDO", 60, "9.60"),
    ]
    assert [lot.number for lot in rest] == ["C"]
    assert rest[0].received_on == RECEIVED_ON


def test_lots_are_chosen_by_sku_state_expiry_and_whether_something_is_left(shop):
    shop.receive("HA", """
        SPENT  exp 2026-02-28  1 x 10.00
        SOON   exp 2026-03-30  1 x 10.00
        HELD   exp 2026-03-31  1 x 10.00  quarantined
    """)  # fmt: skip
    shop.receive("LIDO", "OTHER  exp 2026-02-28  1 x 3.20")
    shop.treat("P-1", "HA 2.5")

    def numbers(**chosen):
        return [lot.number for lot in stock.lots(shop.db, **chosen)]

    assert numbers(sku="HA") == ["SPENT", "SOON", "HELD"]
    assert numbers(sku="HA", held=True) == ["SOON", "HELD"]
    assert numbers(state=LotState.QUARANTINED) == ["HELD"]
    assert numbers(expiring_before=date(2026, 3, 31)) == ["SPENT", "OTHER", "SOON"]
    assert [(lot.on_hand, lot.value) for lot in stock.lots(shop.db, sku="HA", limit=1)] == [(0, 0)]
    with refused(UnknownItem, "No item has the SKU 'NONE'."):
        numbers(sku="NONE")


@pytest.mark.parametrize("formula", [CostFormula.FIFO, CostFormula.WEIGHTED_AVERAGE])
def test_without_specific_costs_an_items_value_is_shared_over_its_lots_by_quantity(db, formula):
    shop = Clinic(db, formula=formula)
    shop.add_items(CATALOGUE)
    shop.receive("HA", "A17  exp 2026-03-31  1 x 10.00\n B02  exp 2026-05-31  2 x 20.01")

    listed = {lot.number: str(lot.value) for lot in stock.lots(db)}
    valued = {row.lot_number: str(row.value) for row in stock.valuation(db, on=TODAY).rows}

    assert listed == valued == {"A17": "16.67", "B02": "33.35"}
