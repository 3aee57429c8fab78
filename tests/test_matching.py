"""A supplier's bill beside what was received: cleared, its difference to stock or to variance (B1, C3)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inventory import bills, catalog, charges, matching, proof, receiving, uninvoiced
from inventory.bills import BadInvoice, Bill, Billed, InvoiceTwice, NotReceived
from inventory.catalog import Supplier
from inventory.charges import BadCharges, Charges
from inventory.clinic import CostFormula
from inventory.matching import AlreadyTakenBack
from inventory.receiving import Delivery
from pricing import reports
from tests.shelf import BY, NOW, RECEIVED_ON, TODAY, Clinic, refused

FORMULAS = list(CostFormula)


class Shop(Clinic):
    """A clinic that buys HA and needles of Northfield."""

    def __post_init__(self):
        super().__post_init__()
        self.add_items("HA 3 mL single_dose syringe\nNEEDLE 1 each none consumable")
        self.northfield = catalog.add_supplier(self.db, Supplier(code="N", name="Northfield", lead_days=7))

    def buy(self, sku, containers, cost, *, lot="A17", on=RECEIVED_ON, supplier=None, **more):
        line = Delivery(
            self.item(sku),
            lot,
            date(2026, 12, 31),
            containers,
            Decimal(cost),
            supplier=supplier or self.northfield,
        )
        how = {"site": self.site, "received_on": on, "recorded_at": NOW, "by": BY}
        return receiving.receive(self.db, line, charges=Charges(**more), **how).receipt

    def bill(self, *lines, number="R-1", on=TODAY, tax="0", **more):
        paper = Bill(
            number,
            on,
            [Billed(one, count, Decimal(price)) for one, count, price in lines],
            Charges(**more),
            Decimal(tax),
        )
        how = {"supplier": self.northfield, "site": self.site, "at": NOW, "by": BY}
        return matching.record(self.db, paper, **how)


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_difference_goes_to_what_is_still_held_and_the_rest_is_variance(db, formula):
    shop = Shop(db, formula)
    receipt = shop.buy("HA", 10, "16.50")
    shop.treat("P-1", "HA 12")  # four of the ten

    made = shop.bill((receipt, 10, "17.50"))

    assert (made.cleared, made.to_stock, made.to_variance) == (Decimal(165), Decimal(6), Decimal(4))
    assert shop.value("HA") == Decimal("105.00")
    assert shop.treat("P-2", "HA 3").cost == Decimal("17.50")
    assert proof.verify(db) == []
    assert reports.reconcile_uninvoiced(db, on=TODAY).difference == 0


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_cheaper_bill_never_takes_stock_below_nothing(db, formula):
    shop = Shop(db, formula)
    receipt = shop.buy("HA", 3, "0.01")

    shop.bill((receipt, 3, "0"))

    assert shop.value("HA") == 0
    assert shop.treat("P-1", "HA 9").cost == 0
    assert proof.verify(db) == []


def test_bills_in_parts_clear_the_whole_receipt_to_the_cent(db):
    shop = Shop(db)
    receipt = shop.buy("NEEDLE", 3, "33.333333")

    cleared = [shop.bill((receipt, 1, "33.33"), number=f"R-{n}").cleared for n in range(3)]

    assert cleared == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    assert uninvoiced.ageing(db, on=TODAY).rows == ()


def test_freight_duty_and_discount_are_shared_by_value_the_remainder_to_the_largest():
    shares = charges.landed(Decimal("10.00"), [Decimal("10"), Decimal("10"), Decimal("10.01")])

    assert shares == (Decimal("3.33"), Decimal("3.33"), Decimal("3.34"))
    assert (
        charges.landed(Decimal("-1.00"), [Decimal("0.01")] * 200)
        == (Decimal("-0.01"),) * 100 + (Decimal(0),) * 100
    )
    assert charges.landed(Decimal("5.00"), [Decimal(0), Decimal(0)]) == (Decimal(5), Decimal(0))


@given(total=st.integers(-40, 400), cents=st.lists(st.integers(0, 60), min_size=1, max_size=200))
@example(total=60, cents=[30] * 100)
def test_whatever_is_shared_adds_up_and_takes_no_line_below_nothing(total, cents):
    goods = [Decimal(one) / 100 for one in cents]
    charged = max(Decimal(total) / 100, -sum(goods))

    shares = charges.landed(charged, goods)

    assert sum(shares) == charged
    assert all(worth + share >= 0 for worth, share in zip(goods, shares, strict=True))


def test_a_delivery_of_many_small_lines_bears_its_freight(db):
    shop = Shop(db)
    items = shop.add_items("\n".join(f"SAMPLE-{n} 1 each none consumable" for n in range(100)))
    boxes = [Delivery(item, "S1", date(2027, 6, 30), 1, Decimal("0.30")) for item in items]

    received = receiving.receive_many(
        db, boxes, site=shop.site, received_on=TODAY, recorded_at=NOW, by=BY,
        charges=charges.Charges(freight=Decimal("0.60")),
    )  # fmt: skip

    assert sum(one.receipt.value for one in received) == Decimal("30.60")
    assert {one.receipt.charges for one in received} == {Decimal(0), Decimal("0.01")}


def test_a_carrier_s_bill_is_shared_over_what_it_brought(db):
    shop = Shop(db)
    dear, cheap = shop.buy("HA", 9, "10.00"), shop.buy("NEEDLE", 10, "1.00")

    made = shop.bill((dear, 0, "0"), (cheap, 0, "0"), freight=Decimal("20.00"))

    assert (made.cleared, made.to_stock) == (Decimal(0), Decimal(20))
    assert (shop.value("HA"), shop.value("NEEDLE")) == (Decimal(108), Decimal(12))
    assert uninvoiced.ageing(db, on=TODAY).total == Decimal(100)


def test_what_awaits_its_bill_is_listed_by_age_as_of_any_day(db):
    shop = Shop(db)
    old = shop.buy("HA", 10, "16.50", on=date(2025, 9, 1))
    shop.buy("NEEDLE", 100, "0.20", on=date(2025, 12, 1))
    shop.bill((old, 4, "16.50"))

    now, before = uninvoiced.ageing(db, on=TODAY), uninvoiced.ageing(db, on=date(2026, 1, 14))

    assert [(row.sku, row.containers, row.received, row.value, row.days) for row in now.rows] == [
        ("HA", 6, 10, Decimal("99.00"), 136),
        ("NEEDLE", 100, 100, Decimal("20.00"), 45),
    ]
    assert now.by_age == (Decimal(0), Decimal("20.00"), Decimal(0), Decimal("99.00"))
    assert before.total == Decimal("185.00")
    assert uninvoiced.ageing(db, on=date(2025, 10, 1)).by_age == (
        Decimal(165),
        Decimal(0),
        Decimal(0),
        Decimal(0),
    )
    assert reports.reconcile_uninvoiced(db, on=date(2026, 1, 14)).difference == 0


def test_what_was_bought_of_another_supplier_or_not_yet_cannot_be_billed(db):
    shop = Shop(db)
    other = catalog.add_supplier(db, Supplier(code="W", name="Westgate", lead_days=7))
    receipt = shop.buy("HA", 10, "16.50", supplier=other)
    late = shop.buy("NEEDLE", 5, "1.00", on=TODAY)

    with refused(NotReceived, "HA of 2026-01-05 came from Westgate, not from Northfield."):
        shop.bill((receipt, 1, "16.50"))
    sentence = (
        f"Receipt {late.id} came on 2026-01-15; a bill of 2026-01-14 is dated before it. "
        "Date the invoice on the day of the delivery, or later."
    )
    with refused(BadInvoice, sentence):
        shop.bill((late, 1, "1.00"), on=date(2026, 1, 14))
    with refused(NotReceived, "Nothing has come of order line 7."):
        bills.over_order_line(db, 7, 1, Decimal(1))


def test_bad_papers_are_refused_with_their_numbers(db):
    shop = Shop(db)
    receipt = shop.buy("HA", 10, "16.50")

    with refused(BadInvoice, "An invoice has a number of 1 to 40 characters."):
        shop.bill((receipt, 1, "1"), number=" ")
    with refused(BadInvoice, f"Receipt {receipt.id} stands on the invoice twice: put it into one line."):
        shop.bill((receipt, 1, "1"), (receipt, 1, "1"))
    with refused(BadInvoice, "Nothing is billed: say how many containers, or what freight and duty."):
        shop.bill((receipt, 0, "0"))
    with refused(BadInvoice, "The discount of 17.00 is more than the rest of the bill."):
        shop.bill((receipt, 1, "16.50"), discount=Decimal("17.00"))
    with refused(BadCharges, "-1.00 cannot be the freight of a delivery."):
        shop.bill((receipt, 1, "16.50"), freight=Decimal("-1.00"))
    shop.bill((receipt, 1, "16.50"))
    with refused(InvoiceTwice, "Invoice R-1 of Northfield is on record already, of 2026-01-15."):
        shop.bill((receipt, 1, "16.50"))


def test_a_bill_taken_back_undoes_what_it_did_and_can_be_entered_again(db):
    shop = Shop(db)
    receipt = shop.buy("HA", 10, "16.50")
    wrong = shop.bill((receipt, 10, "18.50"), tax="10")
    shop.treat("P-1", "HA 15")

    how = {"site": shop.site, "on": TODAY, "at": NOW, "by": BY}
    back = matching.take_back(db, wrong, reason="two pages read as one", **how)

    assert (back.total, back.tax, back.cleared) == (Decimal(-195), Decimal(-10), Decimal(-165))
    assert (back.to_stock, back.to_variance) == (Decimal(-10), Decimal(-10))  # half of it was used by then
    assert shop.value("HA") == Decimal("82.50")
    with refused(AlreadyTakenBack, "Invoice R-1 was taken back already."):
        matching.take_back(db, wrong, reason="again", **how)
    with refused(BadInvoice, "Say why the invoice is taken back."):
        matching.take_back(db, back, reason="", **how)
    shop.bill((receipt, 10, "16.50"))
    assert proof.verify(db) == []
    assert reports.reconcile_uninvoiced(db, on=TODAY).account == 0
