"""Two sites: what one will not use in date is fetched before the other buys, and nothing else is (O2)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
import sqlalchemy as sa

from inventory import allocations, elsewhere, holds, levels, reordering
from inventory.allocations import Promise
from inventory.usage import Batch
from tests.ordering import Shop
from tests.orders import facts
from tests.shelf import BY, NOW, TODAY


@pytest.fixture
def shop(db):
    """MAIN has sold a session that needs 6 mL of HA, and WEST has two boxes that expire in two months."""
    shop = Shop(db)
    shop.west = shop.open_site("WEST")
    shop.receive("HA", "W1  exp 2026-03-15  4 x 16.50", site=shop.west)
    promise(shop, shop.site, "6")
    return shop


def promise(shop, site, quantity, due_on=date(2026, 1, 26)):
    allocations.allocate(
        shop.db, [Promise(shop.item("HA").id, due_on, Decimal(quantity))], site_id=site.id,
        reference=f"course 1 session {due_on.day}", patient_ref="P-7", at=NOW,
    )  # fmt: skip


def advice(shop, *others):
    found = reordering.advise(shop.db, site=shop.site, on=TODAY, others=others)
    return {one.sku: one for one in found}.get("HA")


def fetched(one):
    return [(part.site, part.expires_on, part.containers, part.quantity) for part in one.fetch]


def test_what_another_site_will_not_use_is_fetched_and_not_bought(shop):
    alone, both = advice(shop), advice(shop, shop.west)

    assert (alone.fetch, alone.order_packs) == ((), 1)
    assert fetched(both) == [("WEST", date(2026, 3, 15), 2, 6)]
    assert (both.order_packs, both.cost, both.supplier) == (0, 0, "SUP")
    assert both.why.startswith(
        "Fetch 6 mL (2 containers) from West by transfer, which will not use it before it expires on "
        "2026-03-15: 0 mL usable against 6 needed by "
    )


def test_what_the_other_site_has_promised_stays_there_and_the_rest_is_bought(shop):
    promise(shop, shop.west, "9", due_on=date(2026, 2, 20))

    found = advice(shop, shop.site, shop.west)

    assert [part.containers for part in found.fetch] == [1]
    assert found.order_packs == 1
    assert ", and order 1 pack of 10 (30 mL) from Northfield by " in found.why


def test_what_keeps_for_long_may_find_its_use_and_is_not_asked_for(shop):
    shop.receive("HA", "W9  exp 2027-03-15  40 x 16.50", site=shop.west)

    assert fetched(advice(shop, shop.west)) == [("WEST", date(2026, 3, 15), 2, 6)]


def test_what_is_held_back_or_expired_there_is_no_help(shop):
    shop.receive("HA", "W0  exp 2026-01-15  40 x 16.50", site=shop.west)
    holds.quarantine(shop.db, shop.lot("HA", "W1"), at=NOW, by=BY, reason="fridge alarm")

    assert advice(shop, shop.west).fetch == ()


def test_what_nobody_offers_is_fetched_where_it_lies_unused(shop):
    shop.add_items("GEL 5 mL none consumable")
    shop.receive("GEL", "G1  exp 2026-02-28  3 x 2.00", site=shop.west)
    allocations.allocate(
        shop.db, [Promise(shop.item("GEL").id, date(2026, 1, 20), Decimal(7))], site_id=shop.site.id,
        reference="course 2 session 1", patient_ref="P-8", at=NOW,
    )  # fmt: skip

    found = reordering.advise(shop.db, site=shop.site, on=TODAY, others=[shop.west])

    (gel,) = (one for one in found if one.sku == "GEL")
    assert fetched(gel) == [("WEST", date(2026, 2, 28), 2, 10)]
    assert gel.why.startswith("Fetch 10 mL (2 containers) from West by transfer")


def test_an_order_from_the_advice_leaves_out_what_is_fetched(shop):
    with pytest.raises(reordering.NothingToOrder):
        reordering.wishes(shop.db, site=shop.site, supplier=shop.supplier, on=TODAY, others=[shop.west])

    (wish,) = reordering.wishes(shop.db, site=shop.site, supplier=shop.supplier, on=TODAY)
    assert wish.packs == 1


def test_every_site_more_costs_the_same_few_statements_however_many_items_lack(shop):
    def statements(*others):
        reordering.advise(shop.db, site=shop.site, on=TODAY, others=others)  # nothing is left to refresh
        seen = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(shop.db.get_bind(), "before_cursor_execute", listen)
        reordering.advise(shop.db, site=shop.site, on=TODAY, others=others)
        sa.event.remove(shop.db.get_bind(), "before_cursor_execute", listen)
        return len(seen)

    one_item = statements(shop.west) - statements()
    for number in range(8):
        shop.add_items(f"SALT{number} 5 mL none consumable")
        shop.receive(f"SALT{number}", f"S{number}  exp 2026-02-28  3 x 2.00", site=shop.west)
        allocations.allocate(
            shop.db, [Promise(shop.item(f"SALT{number}").id, date(2026, 1, 20), Decimal(7))],
            site_id=shop.site.id, reference=f"course {number} session 1", patient_ref="P-8", at=NOW,
        )  # fmt: skip

    assert one_item == statements(shop.west) - statements() < 20


@pytest.mark.parametrize("seed", range(40))
def test_a_site_never_gives_what_its_plans_and_its_usual_use_will_take(seed):
    chance = Random(seed)
    shelf = ", ".join(
        f"{TODAY + timedelta(days=chance.randint(1, 300))} {3 * chance.randint(1, 20)}" for _ in range(4)
    )
    planned = ", ".join(
        f"{TODAY + timedelta(days=chance.randint(1, 150))} {chance.randint(1, 12)}" for _ in range(5)
    )
    item = facts(shelf, planned=planned, use=(str(chance.randint(1, 3)), chance.randint(0, 60)))

    given = elsewhere.unused(item, on=TODAY)

    left = {batch.last_day: Decimal(0) for batch in item.batches}
    for batch in item.batches:
        left[batch.last_day] += batch.quantity
    for day, containers in given:
        assert day <= TODAY + elsewhere.HORIZON
        left[day] -= containers * item.content
    kept = replace(item, batches=tuple(Batch(day, much) for day, much in left.items() if much))
    need = levels.need_of(item, on=TODAY)
    before, after = (levels.age(one.batches, need, until=TODAY).used for one in (item, kept))
    assert after == pytest.approx(before, abs=Decimal("1e-20"))
    assert all(much >= 0 for much in left.values())
