"""The proof notices bills, write-downs and changes of formula that are not what they say (B1, C1, C3)."""

from decimal import Decimal

import pytest

from inventory import write_downs
from inventory.clinic import CostFormula
from inventory.proof import verify
from inventory.write_downs import Lower
from pricing import proof as proof_of_prices
from tests.shelf import BY, NOW, TODAY
from tests.test_matching import Shop
from tests.test_proof import break_it, names
from tests.test_revaluation import change, worked

BREAKAGES = {
    "a write-down says another amount": (
        "UPDATE write_downs SET amount = amount + 1",
        {"adjustments are their facts"},
    ),
    "an adjustment is dated otherwise": (
        "UPDATE value_adjustments SET \"on\" = '2026-01-16' WHERE kind = 'write_down'",
        {"adjustments are their facts"},
    ),
    "an invoice says another price": (
        "UPDATE supplier_invoices SET goods = goods + 1, total = total + 1, cleared = cleared + 1",
        {"supplier invoices are their lines"},
    ),
    "a line bills more than came": (
        "UPDATE supplier_invoice_lines SET containers = 11",
        {"nothing is billed twice"},
    ),
    "a layer has another value": (
        "UPDATE cost_layers SET value_left = value_left + 1 WHERE quantity_left > 0",
        {"layers are the sums of movements", "value is conserved"},
    ),
}
TABLES = (
    "value_adjustments",
    "write_downs",
    "supplier_invoices",
    "supplier_invoice_lines",
    "formula_changes",
)


def unguarded(db, statement):
    for table in TABLES:
        if db.get_bind().dialect.name == "sqlite":
            break_triggers = [f"DROP TRIGGER IF EXISTS {table}_no_update"]
        else:
            break_triggers = [f"ALTER TABLE {table} DISABLE TRIGGER USER"]
        for one in break_triggers:
            db.connection().exec_driver_sql(one)
    break_it(db, statement)


@pytest.fixture
def shop(db):
    """A shop whose one delivery is billed dearer, and written down."""
    found = Shop(db)
    receipt = found.buy("HA", 10, "16.50")
    found.bill((receipt, 10, "17.50"))
    lot = found.lot("HA", "A17")
    how = {"site": found.site, "on": TODAY, "at": NOW, "by": BY, "reason": "short-dated"}
    write_downs.write_down(db, [Lower(lot.id, Decimal("100.00"))], **how)
    assert verify(db) == []
    return found


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_each_way_to_break_a_value_is_noticed_by_name(shop, breakage):
    statement, noticed = BREAKAGES[breakage]

    unguarded(shop.db, statement)

    assert names(shop.db) == noticed


def test_what_awaits_its_bill_and_its_account_are_compared(shop):
    assert "what awaits its bill is the account" not in {
        one.invariant for one in proof_of_prices.verify(shop.db)
    }

    unguarded(shop.db, "UPDATE supplier_invoices SET cleared = cleared - 1, to_variance = to_variance + 1")

    assert "what awaits its bill is the account" in {one.invariant for one in proof_of_prices.verify(shop.db)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE formula_changes SET after = 'weighted_average'",
        "UPDATE formula_changes SET document_id = (SELECT min(id) FROM documents), \"on\" = '2026-01-31'",
        "UPDATE value_adjustments SET quantity = quantity + 1 WHERE kind = 'revaluation'",
    ],
)
def test_a_formula_that_changed_in_the_middle_of_a_month_is_noticed(db, statement):
    here = worked(db, CostFormula.SPECIFIC)
    change(here, CostFormula.FIFO)
    assert verify(db) == []

    unguarded(db, statement)

    assert "cost formulas change between periods" in names(db)
