"""What holds of the reorder advice for any shelf: never too much, and less for more stock (O2)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from inventory import levels
from inventory.levels import Terms
from inventory.need import Need
from inventory.usage import Batch, ItemFacts
from tests.orders import WEEKLY, advice, both, facts, offer
from tests.shelf import TODAY


def any_case(chance: Random) -> tuple[ItemFacts, Terms]:
    """A random shelf of up to four lots, random plans, random use, random terms."""
    shelf = [
        Batch(TODAY + timedelta(days=chance.randint(0, 200)), Decimal(chance.randint(1, 40)))
        for _ in range(chance.randint(0, 4))
    ]
    plans = {
        TODAY + timedelta(days=chance.randint(-3, 90)): Decimal(chance.randint(1, 9))
        for _ in range(chance.randint(0, 5))
    }
    use = (str(chance.randint(1, 30)), chance.randint(0, 30))
    item = replace(
        facts(use=use, days=30, content=str(chance.randint(1, 5)), keeps=chance.randint(0, 6)),
        batches=tuple(shelf),
        planned=tuple(sorted(plans.items())),
    )
    terms = offer(pack=chance.randint(1, 10), minimum=chance.randint(1, 3), lead=chance.randint(0, 40))
    return item, terms


def expired_unused(item: ItemFacts, order: Decimal, arrives_on: date, keeps_until: date) -> Decimal:
    """Live through every day, using what expires first, and count what is thrown away."""
    need = Need(TODAY, sum(item.daily, Decimal(0)) / item.days, item.planned, item.used / item.days)
    shelf = [[batch.last_day, batch.quantity] for batch in item.batches]
    wasted, day = Decimal(0), TODAY
    while day <= max([keeps_until, *(batch.last_day for batch in item.batches)]):
        if day == arrives_on:
            shelf.append([keeps_until, order])
        asked = need.through(day) - need.through(day - timedelta(days=1))
        for lot in sorted(shelf):
            used = min(lot[1], asked)
            lot[1] -= used
            asked -= used
            if lot[0] == day:
                wasted += lot[1]
                lot[1] = Decimal(0)
        day += timedelta(days=1)
    return wasted


@pytest.mark.parametrize("seed", range(80))
def test_an_order_never_adds_to_what_expires_unused_but_for_a_session_that_is_sold(seed):
    item, terms = any_case(Random(seed))

    found, seen = both(item, terms)

    without = expired_unused(item, Decimal(0), seen.arrives_on, seen.keeps_until)
    ordered = expired_unused(item, found.order_quantity, seen.arrives_on, seen.keeps_until)
    assert without == pytest.approx(seen.ageing.at_risk, abs=Decimal("1e-20"))
    if "a session that is sold needs it" in found.why:
        least = max(
            terms.offer.minimum_packs, -(-seen.sold_lacking // (terms.offer.pack_containers * item.content))
        )
        assert found.order_packs == least
    else:
        assert ordered <= without + Decimal("1e-20")


@pytest.mark.parametrize("seed", range(50))
def test_more_stock_never_means_less_counts_or_more_lacks(seed):
    chance = Random(seed)
    item, terms = any_case(chance)
    extra = Batch(TODAY + timedelta(days=chance.randint(0, 250)), Decimal(chance.randint(1, 30)))
    more = replace(item, batches=(*item.batches, extra))

    before, after = (levels.outlook(one, terms, on=TODAY, settings=WEEKLY) for one in (item, more))

    assert after.position >= before.position
    assert after.lacking <= before.lacking
    assert after.sold_lacking <= before.sold_lacking


@pytest.mark.parametrize("seed", range(50))
def test_an_order_is_none_or_whole_packs_from_the_minimum_on_and_the_same_for_the_same_day(seed):
    item, terms = any_case(Random(seed))

    found = advice(item, terms)

    offer = terms.offer
    assert found.order_packs == 0 or found.order_packs >= offer.minimum_packs
    assert found.order_quantity == found.order_packs * offer.pack_containers * item.content
    assert (found.order_by is None) == (found.order_packs == 0)
    assert found.why.endswith(".")
    assert found == advice(item, terms)


@pytest.mark.parametrize("seed", range(50))
def test_what_a_sold_session_lacks_is_ordered_whatever_waiting_would_save(seed):
    item, terms = any_case(Random(seed))

    found, seen = both(item, terms)

    if seen.sold_lacking and not seen.too_slow:
        assert found.order_quantity >= seen.sold_lacking


@pytest.mark.parametrize("seed", range(50))
def test_what_outlasts_every_order_may_be_one_batch_and_the_same_counts_and_lacks(seed):
    item, terms = any_case(Random(seed))
    seen = levels.outlook(item, terms, on=TODAY, settings=WEEKLY)
    near = tuple(batch for batch in item.batches if batch.last_day < seen.until)
    lasting = sum((batch.quantity for batch in item.batches if batch.last_day >= seen.until), Decimal(0))

    short = replace(item, batches=(*near, Batch(seen.until, lasting)))
    found = levels.outlook(short, terms, on=TODAY, settings=WEEKLY)

    assert (found.position, found.lacking) == (seen.position, seen.lacking)
    assert found.reorder_point == seen.reorder_point
