"""Suppliers' terms: order days, price breaks, and how long their orders took."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import catalog, corrections, evidence, opening, suppliers
from inventory.catalog import Offer
from inventory.suppliers import BadDays, BadOffer
from tests.ordering import Shop
from tests.orders import northfield
from tests.shelf import BY, NOW, TODAY

THURSDAY = date(2026, 1, 15)


@pytest.fixture
def shop(db) -> Shop:
    return Shop(db)


def test_days_of_the_week_are_read_as_people_write_them():
    assert suppliers.days("Thursday, MON") == "mon thu"
    assert suppliers.days("") == ""
    with pytest.raises(BadDays, match="'som' is no day of the week"):
        suppliers.days("mon someday")


def test_an_order_waits_for_the_suppliers_day_and_cold_goods_for_theirs():
    both = northfield(order_days="mon thu", cold_days="tue")

    assert suppliers.order_day(both, THURSDAY, cold=False) == THURSDAY
    assert suppliers.order_day(both, THURSDAY + timedelta(days=1), cold=False) == date(2026, 1, 19)
    assert suppliers.order_day(both, THURSDAY, cold=True) == date(2026, 1, 20)
    assert suppliers.order_day(northfield(), THURSDAY, cold=True) == THURSDAY


def test_price_breaks_are_kept_as_they_were_meant_and_said_again():
    kept = suppliers.kept_breaks("5: 95.00, 10: 90", price=Decimal(100), minimum=1)

    assert suppliers.breaks(kept) == ((5, Decimal(95)), (10, Decimal(90)))
    assert suppliers.said_breaks(kept) == "5: 95.00, 10: 90.00"


@pytest.mark.parametrize(
    "text",
    ["5", "5: ", "x: 90", "5: NaN", "5: -1", "1: 90", "5: 100", "5: 95, 5: 90", "10: 90, 5: 95", "5: 1.005",
     "5: 95, 6: 96", "9999999: 1", "5: 1e99"],
)  # fmt: skip
def test_what_is_no_price_break_is_refused(text):
    with pytest.raises(BadOffer):
        suppliers.kept_breaks(text, price=Decimal(100), minimum=1)


@given(st.text(max_size=60))
def test_any_text_is_price_breaks_or_refused(text):
    try:
        kept = suppliers.kept_breaks(text, price=Decimal(100), minimum=1)
    except BadOffer:
        return
    assert suppliers.kept_breaks(suppliers.said_breaks(kept), price=Decimal(100), minimum=1) == kept


def test_a_pack_costs_what_an_order_of_so_many_makes_it(shop):
    offer = Offer(
        item_id=shop.item("HA").id,
        supplier_id=shop.supplier.id,
        pack_containers=10,
        pack_price=Decimal("165.00"),
        price_breaks="3: 150, 6: 140",
        list_price=Decimal("130.00"),
        list_currency="eur",
        lead_days=7,
        valid_from=TODAY,
    )
    suppliers.add_offer(shop.db, offer)

    found = catalog.replacements(shop.db, [offer.item_id], on=TODAY)[offer.item_id]
    drafts = [shop.draft(shop.wish("HA", packs)).lines[0].pack_price for packs in (2, 3, 7)]

    assert drafts == [found.price_of(packs) for packs in (2, 3, 7)] == [165, 150, 140]
    assert offer.list_currency == "EUR"
    assert catalog.replacements(shop.db, [offer.item_id], on=date(2025, 6, 1))[offer.item_id].breaks == ()


@pytest.mark.parametrize(("price", "currency"), [(Decimal(1), ""), (None, "EUR"), (Decimal(1), "E1R")])
def test_a_list_price_needs_its_currency(price, currency):
    with pytest.raises(BadOffer):
        suppliers.checked(Offer(pack_price=Decimal(1), list_price=price, list_currency=currency))


def test_how_long_orders_took_is_learned_from_receipts_that_stand(shop):
    first, second = shop.sent(shop.wish("HA", 1)), shop.sent(shop.wish("NEEDLE", 1))
    shop.came(first, shop.box("HA", 4), on=TODAY + timedelta(days=9))
    mistake = shop.came(second, shop.box("NEEDLE", 100), on=TODAY + timedelta(days=3))
    later = TODAY + timedelta(days=20)
    assert evidence.deliveries(shop.db, on=later) == {shop.supplier.id: [3, 9]}

    (received,) = mistake.received
    corrections.reverse_document(
        shop.db,
        corrections.document(shop.db, received.receipt.document_id),
        at=NOW + timedelta(days=4),
        recorded_at=NOW,
        by=BY,
        reason="x",
    )

    assert evidence.deliveries(shop.db, on=later) == {shop.supplier.id: [9]}


def test_how_fresh_lots_come_is_learned_from_receipts_that_stand_and_not_from_opening_stock(shop):
    shop.receive("HA", "A17  exp 2026-10-12  4 x 16.50", on=TODAY)
    [mistake] = shop.receive("HA", "B02  exp 2096-10-12  4 x 16.50", on=TODAY)
    corrections.reverse_document(
        shop.db,
        corrections.document(shop.db, mistake.receipt.document_id),
        at=NOW,
        recorded_at=NOW,
        by=BY,
        reason="2026",
    )
    old = opening.Held(shop.item("HA"), "OLD", date(2026, 2, 14), 3, Decimal("16.50"), on=TODAY)
    opening.bring_in(shop.db, [old], site=shop.site, recorded_at=NOW, by=BY, reference="import 1")

    found = evidence.read(shop.db, site=shop.site, on=TODAY).lives

    assert found == {shop.item("HA").id: [(date(2026, 10, 12) - TODAY).days]}


def test_what_a_foreign_currency_is_in_ours_is_told_by_the_newest_offer_with_both_prices(shop):
    shop.supplier.currency = "EUR"
    assert suppliers.rates(shop.db, currency="USD", on=TODAY) == {}
    for day, ours, theirs, currency in (
        (TODAY, "110.00", "100.00", "EUR"),
        (TODAY - timedelta(days=30), "130.00", "100.00", "EUR"),
        (TODAY, "500.00", "100.00", "GBP"),
        (TODAY, "7.00", "0.00", "EUR"),
        (TODAY + timedelta(days=1), "150.00", "100.00", "EUR"),
    ):
        suppliers.add_offer(
            shop.db,
            Offer(
                item_id=shop.item("HA").id, supplier_id=shop.supplier.id, pack_containers=10,
                pack_price=Decimal(ours), list_price=Decimal(theirs), list_currency=currency, lead_days=7,
                valid_from=day,
            ),
        )  # fmt: skip
    key = shop.supplier.id

    assert suppliers.rates(shop.db, currency="USD", on=TODAY) == {key: Decimal("1.1")}
    assert suppliers.rates(shop.db, currency="USD", on=TODAY - timedelta(days=1)) == {key: Decimal("1.3")}
    assert suppliers.rates(shop.db, currency="EUR", on=TODAY) == {key: 1}
