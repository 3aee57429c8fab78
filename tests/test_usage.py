"""What the reorder list reads of the book: usable stock, open courses, and the ledger's use (O1)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import allocations, clinic, corrections, levels, reordering, stock, wastage
from inventory.allocations import Promise
from inventory.catalog import Offer, Supplier
from inventory.evidence import Evidence
from inventory.ledger import WasteReason
from inventory.reordering import Advice
from inventory.vials import PreparedIn
from tests.shelf import BY, NOW, TODAY, Clinic


@pytest.fixture
def shop(db) -> Clinic:
    """A clinic that shares opened vials, with three items, of which a supplier offers two."""
    shop = Clinic(db, share_opened_vials=True)
    shop.add_items("""
        HA      3 mL    single_dose  +0.15
        LIDO   20 mL    multi_dose   28 d
        NEEDLE  1 each  none         consumable
    """)
    supplier = Supplier(code="SUP-01", name="Northfield", lead_days=10)
    db.add(supplier)
    db.flush()
    for sku, pack, price in (("HA", 10, "165.00"), ("LIDO", 5, "16.00")):
        db.add(
            Offer(
                item_id=shop.item(sku).id,
                supplier_id=supplier.id,
                pack_containers=pack,
                pack_price=Decimal(price),
                lead_days=10,
                valid_from=date(2025, 1, 1),
            )
        )
    db.flush()
    return shop


def of(shop: Clinic, sku: str, on: date = TODAY) -> Advice:
    (found,) = (
        one for one in reordering.advise(shop.db, site=shop.site, on=on, everything=True) if one.sku == sku
    )
    return found


def promise(shop: Clinic, sku: str, quantity: str, due_on: date) -> None:
    """Have an accepted course plan a session."""
    allocations.allocate(
        shop.db,
        [Promise(shop.item(sku).id, due_on, Decimal(quantity))],
        site_id=shop.site.id,
        reference="course 1 session 1",
        patient_ref="P-7",
        at=NOW,
    )


def test_expired_and_held_back_lots_are_never_counted(shop):
    shop.receive("HA", """
        OLD  exp 2026-01-14  1 x 10.00
        NOW  exp 2026-01-15  2 x 10.00
        QUA  exp 2026-09-30  8 x 10.00  quarantined
        REC  exp 2026-09-30 16 x 10.00  recalled
    """)  # fmt: skip

    assert of(shop, "HA").usable == 6


def test_an_opened_vial_counts_until_its_last_whole_day_and_only_if_anyone_may_have_it(shop):
    shop.receive("LIDO", "L1  exp 2026-12-31  2 x 3.20")
    shop.treat("P-1", "LIDO 5")
    at_home = datetime(2026, 1, 15, 12, tzinfo=UTC)
    wastage.open_vial(
        shop.db,
        shop.lot("LIDO", "L1"),
        site=shop.site,
        at=at_home,
        recorded_at=NOW,
        by=BY,
        prepared_in=PreparedIn.TREATMENT_ROOM,
        patient_ref="P-2",
    )

    usable = {day: of(shop, "LIDO", on=day).usable for day in (TODAY, date(2026, 2, 11), date(2026, 2, 12))}

    assert usable == {TODAY: 15, date(2026, 2, 11): 15, date(2026, 2, 12): 0}


def test_an_accepted_course_shows_in_the_list(shop):
    shop.receive("HA", "A17  exp 2026-12-31  1 x 16.50")
    assert reordering.advise(shop.db, site=shop.site, on=TODAY) == []

    promise(shop, "HA", "6", date(2026, 1, 29))

    (found,) = reordering.advise(shop.db, site=shop.site, on=TODAY)
    assert (found.sku, found.allocated, found.order_packs) == ("HA", 6, 1)
    assert (found.stock_out_on, found.order_by) == (date(2026, 1, 29), date(2026, 1, 19))
    assert found.why.startswith(
        "Order 1 pack of 10 (30 mL) from Northfield by 2026-01-19: 3 mL usable against 6 needed by "
        "2026-02-01 (10 days for a delivery, 7 to the next order); waiting until 2026-01-22 would leave a "
        "session short in 9"
    )
    assert found.why.endswith(" of 100 cases; stock runs out on 2026-01-29.")

    allocations.end(shop.db, reference="course 1 session 1", at=NOW)

    assert reordering.advise(shop.db, site=shop.site, on=TODAY) == []


def test_what_the_suppliers_smallest_order_holds_up_stays_on_the_list(shop):
    shop.receive("HA", "A17  exp 2026-12-31  10 x 16.50  on 2025-12-01")
    for nth in range(10):
        shop.treat(f"P-{nth}", "HA 2.5", at=NOW - timedelta(days=10 - nth))
    (wanted,) = reordering.advise(shop.db, site=shop.site, on=TODAY)
    assert wanted.order_packs > 0

    supplier = shop.db.scalars(sa.select(Supplier)).one()
    supplier.minimum_order = Decimal(100_000)
    shop.db.flush()
    (waits,) = reordering.advise(shop.db, site=shop.site, on=TODAY)

    assert (waits.sku, waits.order_packs) == ("HA", 0)
    assert "all that is wanted of Northfield is not worth its smallest order or its shipping yet" in waits.why


def test_walk_in_use_is_learned_with_what_opening_loses_and_without_courses_and_mistakes(shop):
    shop.receive("HA", "A17  exp 2026-12-31  20 x 16.50  on 2025-12-01")
    week = [datetime(2026, 1, day, 15, tzinfo=UTC) for day in (5, 6, 7)]
    shop.treat("P-1", "HA 2.5", at=week[0])  # 2.6 drawn, 0.4 lost
    shop.treat("P-2", "HA 5", at=week[1], reference="course 1 session 1")
    mistake = shop.treat("P-3", "HA 2.5", at=week[2])
    corrections.reverse_session(
        shop.db, mistake.session, at=NOW, recorded_at=NOW, by=BY, reason="wrong patient"
    )
    wastage.write_off(
        shop.db,
        shop.lot("HA", "A17"),
        quantity_off=Decimal(3),
        reason=WasteReason.BROKEN,
        site=shop.site,
        at=NOW,
        recorded_at=NOW,
        by=BY,
    )

    # 2025-12-01 to 2026-01-15 are 46 days.
    assert of(shop, "HA").usage_per_day == Decimal("0.0652")


def test_a_young_book_is_read_as_four_weeks_and_an_old_one_through_its_window(shop):
    shop.receive("HA", "A17  exp 2026-12-31  20 x 16.50  on 2026-01-14")
    shop.treat("P-1", "HA 2.5")

    assert of(shop, "HA").usage_per_day == Decimal("0.1071")
    assert of(shop, "HA", on=date(2026, 2, 23)).usage_per_day == Decimal("0.0732")

    clinic.change_setting(shop.db, "usage_window_days", "10", at=NOW, by=BY)

    assert of(shop, "HA", on=date(2026, 1, 24)).usage_per_day == Decimal("0.3")
    assert of(shop, "HA", on=date(2026, 1, 25)).usage_per_day == 0


def test_what_another_site_holds_uses_and_plans_is_its_own(shop):
    branch = shop.open_site("BRANCH")
    shop.receive("HA", "A17  exp 2026-12-31  2 x 16.50", site=branch)
    shop.treat("P-1", "HA 2.5", site=branch)
    allocations.allocate(
        shop.db,
        [Promise(shop.item("HA").id, TODAY, Decimal(9))],
        site_id=branch.id,
        reference="course 2 session 1",
        patient_ref="P-8",
        at=NOW,
    )

    found = of(shop, "HA")

    assert (found.usable, found.allocated, found.usage_per_day) == (0, 0, 0)


def test_the_whole_list_is_in_order_of_sku_without_items_out_of_use(shop):
    shop.item("LIDO").active = False

    listed = reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)

    assert [one.sku for one in listed] == ["HA", "NEEDLE"]
    assert listed == reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)


def test_the_usable_stock_is_the_stock_lists_where_no_vial_is_one_patients(shop):
    shop.receive("HA", "A17  exp 2026-01-31  4 x 16.50\n B02  exp 2026-09-30  2 x 17.90")
    shop.receive("LIDO", "L1  exp 2026-12-31  3 x 3.20")
    shop.treat("P-1", "HA 2.5", "LIDO 5")

    shown = stock.stock(shop.db, site=shop.site, at=NOW)

    assert {one.sku: one.usable for one in shown} == {
        one.sku: one.usable for one in reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
    }


def test_who_asks_for_one_item_or_for_what_lacks_is_told_the_same_as_of_the_whole_list(shop):
    shop.receive("HA", "A17  exp 2026-01-20  4 x 16.50\n B02  exp 2026-09-30  2 x 17.90")
    shop.receive("HA", "C03  exp 2027-09-30  1 x 17.90\n D04  exp 2026-02-01  1 x 17.90")
    shop.receive("LIDO", "L1  exp 2026-12-31  30 x 3.20")
    promise(shop, "HA", "30", date(2026, 1, 25))
    shop.treat("P-1", "HA 2.5", "LIDO 5")
    settings, terms = clinic.settings(shop.db), levels.terms_of(shop.db, Evidence(), on=TODAY)

    whole = reordering.advise(shop.db, site=shop.site, on=TODAY, everything=True)
    lacking = reordering.advise(shop.db, site=shop.site, on=TODAY)
    listed = levels.outlooks(shop.db, terms, site=shop.site, on=TODAY, settings=settings)

    by_sku = {one.sku: one for one in whole}
    assert lacking == [by_sku["HA"]]
    for level in listed:
        one = by_sku[level.item.sku]
        assert (level.position, level.reorder_point) == (one.position, one.reorder_point)
        alone = reordering.advise(
            shop.db, site=shop.site, on=TODAY, everything=True, item_ids=[level.item.item_id]
        )
        assert alone == [one]
