"""Odd and large books: the advice answers with a named refusal or a sentence, never with nonsense (O2)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import allocations, catalog, clinic, corrections, purchasing, reordering, wastage
from inventory.allocations import Promise
from inventory.balances import BALANCES
from inventory.catalog import DoseClass, Item, ItemKind, Offer, Supplier
from inventory.clinic import PlaceKind
from inventory.database import TOLD
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind
from inventory.lots import Lot, LotState
from inventory.measures import Unit
from inventory.purchasing import BadOrder
from tests.ordering import Shop
from tests.orders import advice, both, facts, offer
from tests.shelf import BY, NOW, TODAY

MANY, YEARS, WEEK = 500, 3, 7


@pytest.fixture
def shop(db):
    return Shop(db)


def of(shop, sku):
    listed = reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
    return next(one for one in listed if one.sku == sku)


def promise(shop, sku, quantity, due_on):
    allocations.allocate(
        shop.db, [Promise(shop.item(sku).id, due_on, Decimal(quantity))], site_id=shop.site.id,
        reference="course 1 session 1", patient_ref="P-7", at=NOW,
    )  # fmt: skip


def test_what_was_never_used_is_not_ordered_and_what_was_never_bought_is_where_a_session_needs_it(shop):
    shop.receive("HA", "A17  exp 2026-12-31  2 x 16.50")
    promise(shop, "NEEDLE", "12", TODAY + timedelta(days=11))

    unused, never_bought = of(shop, "HA"), of(shop, "NEEDLE")

    assert (unused.order_packs, unused.days_of_cover) == (0, None)
    assert unused.why.startswith("Nothing to order: not used in the last 28 days and planned for no session")
    assert (never_bought.order_packs, never_bought.usable) == (1, 0)


def test_what_was_opened_and_thrown_away_without_a_patient_is_no_need(shop):
    shop.receive("LIDO", "L1  exp 2026-12-31  2 x 16.50")
    wastage.open_vial(shop.db, shop.lot("LIDO", "L1"), site=shop.site, at=NOW, recorded_at=NOW, by=BY)
    later = NOW + timedelta(days=40)
    wastage.discard_due(shop.db, site=shop.site, at=later, recorded_at=later, by=BY)

    found = next(
        one
        for one in reordering.advise(shop.db, site=shop.site, on=TODAY + timedelta(days=41), everything=True)
        if one.sku == "LIDO"
    )

    assert (found.usable, found.usage_per_day, found.stock_out_on) == (20, 0, None)
    assert found.why.startswith("Nothing to order: not used in the last ")


def test_of_what_nobody_offers_or_comes_too_slowly_only_what_is_there_is_met(shop):
    few = facts("2026-12-31 6", planned="2026-01-20 12")

    nobody, too_slow = advice(few, None), advice(replace(few, shelf_life_months=1), offer(lead=45, pack=1))
    plenty = advice(facts("2026-12-31 60", planned="2026-01-20 12"), None)

    assert (nobody.service_level, plenty.service_level) == (Decimal("0.5"), None)
    assert too_slow.service_level is not None
    assert 0 < too_slow.service_level <= Decimal("0.5")


def test_what_is_there_the_same_day_is_ordered_when_it_is_needed():
    found, seen = both(facts("2026-12-31 2", use=("1", 90)), offer(lead=0, pack=1))

    assert (seen.lead_days, seen.arrives_on) == (0, TODAY)
    assert "(0 days for a delivery, 7 to the next order)" in found.why
    assert found.order_packs > 0


def test_what_takes_longer_to_come_than_it_keeps_is_advised_against_even_for_a_session_that_is_sold():
    item = facts(planned="2026-03-10 6", use=("1", 90), keeps=1)

    found = advice(item, offer(lead=45, pack=1))

    assert found.order_packs == 0
    assert found.why.startswith("Do not order it for the shelf: it takes 45 days to come and keeps 1 month; ")
    assert advice(replace(item, shelf_life_months=18), offer(lead=45, pack=1)).order_packs > 0


def test_the_policy_is_told_on_which_day_each_lot_of_what_is_scarce_expires(shop):
    shop.receive("HA", "A17  exp 2026-03-31  1 x 16.50\nB02  exp 2027-05-31  1 x 16.50")
    for later in range(6):
        promise(shop, "HA", "3", TODAY + timedelta(days=later + 1))

    found = reordering.look(shop.db, site=shop.site, on=TODAY).told[shop.item("HA").id]

    days = [(date(2026, 3, 31) - TODAY).days, (date(2027, 5, 31) - TODAY).days]
    assert found.lots == ((days[0], 1), (days[1], 1))


def test_an_order_that_is_overdue_still_counts_and_is_said_to_be_late(shop):
    shop.sent(shop.wish("HA", 1), expected_on=TODAY + timedelta(days=7))
    promise(shop, "HA", "3", TODAY + timedelta(days=9))

    in_time, late = (
        reordering.advise(shop.db, site=shop.site, on=TODAY + timedelta(days=days), everything=True)[0]
        for days in (7, 30)
    )

    assert "and 30 on order against" in in_time.why
    assert f"and 30 on order, overdue since {TODAY + timedelta(days=7)}, against" in late.why


def test_of_a_supplier_without_offers_nothing_is_advised_and_nothing_can_be_ordered(shop):
    empty = catalog.add_supplier(shop.db, Supplier(code="EMPTY", name="Emptyhanded", lead_days=3))
    promise(shop, "HA", "6", TODAY + timedelta(days=11))

    with pytest.raises(reordering.NothingToOrder, match="Nothing of Emptyhanded has to be ordered"):
        reordering.wishes(shop.db, site=shop.site, supplier=empty, on=TODAY)
    with pytest.raises(BadOrder, match="Emptyhanded"):
        purchasing.draft(shop.db, [shop.wish("HA", 1)], site=shop.site, supplier=empty, at=NOW, by=BY)
    (wish,) = reordering.wishes(shop.db, site=shop.site, supplier=shop.supplier, on=TODAY)
    assert (wish.item.sku, wish.packs) == ("HA", 1)


def test_a_shelf_that_keeps_for_years_is_not_ordered_again_because_a_delivery_once_came_late(shop):
    for number, days in enumerate((7, 7, 7, 60)):  # so late that advice looks further than lots were read
        order = shop.sent(shop.wish("HA", 1), expected_on=TODAY + timedelta(days=days))
        shop.came(order, shop.box("HA", 10, lot=f"A{number}"), on=TODAY + timedelta(days=days))
    shop.receive("HA", "B1  exp 2028-06-30  40 x 16.50")
    later = TODAY + timedelta(days=61)
    for patient in range(12):
        at = NOW + timedelta(days=4 * patient + 8)
        shop.treat(f"P-{patient}", "HA 3", at=at)

    listed = reordering.advise(shop.db, site=shop.site, on=later, everything=True)

    (found,) = [one for one in listed if one.sku == "HA"]
    assert (found.usable, found.at_risk, found.stock_out_on > later + timedelta(days=90)) == (168, 0, True)
    assert (found.order_packs, found.lost_chance) == (0, None)


def test_a_million_used_by_mistake_and_undone_is_no_use(shop):
    shop.receive("NEEDLE", "N1  exp 2027-12-31  1000000 x 0.01")
    shop.treat("P-1", "NEEDLE 4")
    before = of(shop, "NEEDLE")

    mistake = shop.treat("P-2", "NEEDLE 999000")
    absurd = of(shop, "NEEDLE")
    corrections.reverse_session(
        shop.db, mistake.session, at=NOW, recorded_at=NOW, by=BY, reason="a slip of the finger"
    )

    assert absurd.usage_per_day > 30_000
    assert absurd.why.endswith(".")
    assert of(shop, "NEEDLE") == before
    assert before.usage_per_day == (Decimal(4) / 28).quantize(Decimal("0.0001"))


def dose(number):
    return Decimal(number % 5 + 1)


def used_on(number):
    """The days of three years on which an item was used: one a week, the same weekday."""
    first = TODAY - timedelta(days=YEARS * 364 - number % WEEK)
    return [
        first + timedelta(weeks=week) for week in range(YEARS * 52) if first + timedelta(weeks=week) < TODAY
    ]


def large_book(shop):
    """500 items of which each was used once a week for three years; every fifth shelf is nearly bare.

    Written at once into the tables: as sessions it would take minutes.
    """
    connection, places = shop.db.connection(), clinic.places(shop.db, shop.site.id)

    def add(table, rows):
        connection.execute(table.insert(), rows, execution_options=TOLD)  # no trail is asked of them

    names = [f"MANY-{number:03}" for number in range(MANY)]
    item = {"kind": ItemKind.CONSUMABLE, "unit": Unit.EACH, "content": Decimal(1)}
    catalog_rows = [item | {"sku": sku, "name": sku, "dose_class": DoseClass.NONE} for sku in names]
    add(Item.__table__, catalog_rows)
    keys = dict(connection.execute(sa.select(Item.sku, Item.id).where(Item.sku.in_(names))).all())
    ids = [keys[sku] for sku in names]
    asked = {"supplier_id": shop.supplier.id, "pack_containers": 10, "pack_price": Decimal(5)}
    asked |= {"lead_days": 7, "valid_from": date(2020, 1, 1)}
    add(Offer.__table__, [asked | {"item_id": key} for key in ids])
    came = TODAY - timedelta(days=YEARS * 365)
    keeps = {"number": "M1", "expires_on": date(2028, 1, 31), "received_on": came, "state": LotState.RELEASED}
    add(Lot.__table__, [keeps | {"item_id": key} for key in ids])
    lots = dict(connection.execute(sa.select(Lot.item_id, Lot.id).where(Lot.item_id.in_(ids))).all())
    days = sorted({day for number in range(WEEK) for day in used_on(number)} | {came})
    act = {"kind": DocumentKind.SESSION, "site_id": shop.site.id, "at": NOW, "recorded_at": NOW, "by": BY}
    add(DOCUMENTS, [act | {"on": day, "reference": "", "note": ""} for day in days])
    documents = dict(connection.execute(sa.select(DOCUMENTS.c.on, DOCUMENTS.c.id)).all())
    shelf, patient = places[PlaceKind.SHELF], places[PlaceKind.PATIENT]
    move = {"source_id": shelf, "target_id": patient, "direction": -1, "value": Decimal(0)}
    add(
        MOVEMENTS,
        [
            move
            | {"document_id": documents[day], "on": day, "item_id": key, "lot_id": lots[key]}
            | {"quantity": dose(number)}
            for number, key in enumerate(ids)
            for day in used_on(number)
        ],
    )
    held = {"place_id": shelf, "expires_on": date(2028, 1, 31), "received_on": came, "last_on": TODAY}
    add(
        BALANCES,
        [
            held | {"item_id": key, "lot_id": lots[key], "quantity": Decimal(1 if number % 5 == 0 else 400)}
            for number, key in enumerate(ids)
        ],
    )
    return names


def test_five_hundred_items_with_three_years_behind_them_are_advised_on_in_as_many_statements_as_three(shop):
    reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
    seen = []
    listen = lambda *args: seen.append(args[2])  # noqa: E731
    sa.event.listen(shop.db.get_bind(), "before_cursor_execute", listen)
    reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
    few = len(seen)
    sa.event.remove(shop.db.get_bind(), "before_cursor_execute", listen)
    names = large_book(shop)
    seen.clear()
    sa.event.listen(shop.db.get_bind(), "before_cursor_execute", listen)
    listed = reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
    sa.event.remove(shop.db.get_bind(), "before_cursor_execute", listen)

    assert few - 1 <= len(seen) <= few + 6 < 45
    found = {one.sku: one for one in listed}
    assert set(names) < set(found)
    window = TODAY - timedelta(days=89)
    for number, sku in enumerate(names):
        one = found[sku]
        times = sum(1 for day in used_on(number) if day >= window)
        assert one.usage_per_day == (dose(number) * times / 90).quantize(Decimal("0.0001"))
        assert one.usable == (1 if number % 5 == 0 else 400)
        assert one.order_quantity == 10 * one.order_packs
        assert one.why.endswith(".")
        if number % 5:
            assert (one.order_packs, one.stock_out_on > date(2026, 6, 1)) == (0, True)
    bare = [found[sku] for number, sku in enumerate(names) if number % 5 == 0]
    assert sum(one.order_packs > 0 for one in bare) > 90
    assert listed == reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
