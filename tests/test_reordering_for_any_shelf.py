"""What holds of the reorder advice for any shelf: never too much, and less for more stock (O2)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from inventory import reordering
from inventory.catalog import Replacement
from inventory.reordering import Need
from inventory.usage import Batch, ItemFacts
from tests.orders import WEEKLY, advice, facts, offer
from tests.shelf import TODAY


def any_case(chance: Random) -> tuple[ItemFacts, Replacement]:
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
    need = Need(TODAY, sum(item.daily, Decimal(0)) / item.days, item.planned)
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


@pytest.mark.parametrize("seed", range(200))
def test_an_order_never_adds_to_what_expires_unused(seed):
    item, terms = any_case(Random(seed))

    seen = reordering.outlook(item, terms, on=TODAY, settings=WEEKLY)
    chosen = reordering.order(seen)

    without = expired_unused(item, Decimal(0), seen.arrives_on, seen.keeps_until)
    ordered = expired_unused(item, chosen.quantity, seen.arrives_on, seen.keeps_until)
    assert without == pytest.approx(seen.ageing.at_risk, abs=Decimal("1e-20"))
    assert ordered <= without + Decimal("1e-20")


@pytest.mark.parametrize("seed", range(200))
def test_more_stock_never_means_more_ordered(seed):
    chance = Random(seed)
    item, terms = any_case(chance)
    extra = Batch(TODAY + timedelta(days=chance.randint(0, 250)), Decimal(chance.randint(1, 30)))
    more = replace(item, batches=(*item.batches, extra))

    before, after = advice(item, terms), advice(more, terms)

    assert after.order_packs <= before.order_packs
    assert after.position >= before.position


@pytest.mark.parametrize("seed", range(200))
def test_an_order_is_none_or_whole_packs_from_the_minimum_on(seed):
    item, terms = any_case(Random(seed))

    found = advice(item, terms)

    assert found.order_packs == 0 or found.order_packs >= terms.minimum_packs
    assert found.order_quantity == found.order_packs * terms.pack_containers * item.content
    assert (found.order_by is None) == (found.order_packs == 0)
    assert found.why.endswith(".")
    assert found == advice(item, terms)


@pytest.mark.parametrize("seed", range(200))
def test_what_was_ordered_as_advised_is_not_advised_again(seed):
    item, terms = any_case(Random(seed))
    found = advice(item, terms)
    arrives_on = TODAY + timedelta(days=terms.lead_days)

    again = advice(replace(item, arriving=((arrives_on, found.order_quantity),)), terms)

    assert again.on_order == found.order_quantity
    assert again.order_packs == 0 or not found.order_packs


@pytest.mark.parametrize("seed", range(200))
def test_what_outlasts_every_order_may_be_one_batch_and_the_same_counts_and_lacks(seed):
    item, terms = any_case(Random(seed))
    seen = reordering.outlook(item, terms, on=TODAY, settings=WEEKLY)
    near = tuple(batch for batch in item.batches if batch.last_day < seen.until)
    lasting = sum((batch.quantity for batch in item.batches if batch.last_day >= seen.until), Decimal(0))

    short = replace(item, batches=(*near, Batch(seen.until, lasting)))
    found = reordering.outlook(short, terms, on=TODAY, settings=WEEKLY)

    assert (found.position, found.lacking) == (seen.position, seen.lacking)
    assert found.reorder_point == seen.reorder_point
