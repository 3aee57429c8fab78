"""The choice of containers on any shelf: against another way to it, and by what must always hold (S3, S7)."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from random import Random

import pytest

from inventory import picking
from tests.shelf import TODAY, containers, product

LOSS = Decimal("0.10")


def plan(needed, shelf):
    return picking.plan(needed, shelf, loss=LOSS)


def fefo_by_the_container(needed, shelf, loss):
    """Another way to the same choice: lay every container out by itself and take them one by one."""
    row = []
    for one in shelf:
        opened = one.vial_id is not None
        full = one.held if opened else one.product.content
        extra = one.product.overfill if one.product.dose_class.one_patient else 0
        key = (one.deadline, 0 if opened else 1, one.lot.received_on, one.lot.id)
        count = 1 if opened else int(one.held / full)
        row += [(key, one, full + (0 if opened else extra))] * count
    row.sort(key=lambda entry: entry[0])
    taken, drawn_from = Counter(), set()
    for _, one, holds in row:
        if needed <= 0:
            break
        if one.product.loses_on_drawing and one.product.sku not in drawn_from:
            needed += loss
        drawn_from.add(one.product.sku)
        taken[one.lot_number] += 1
        needed -= holds
    return taken, max(needed, 0)


def random_shelf(chance):
    """Up to three products of one ingredient, each in up to five lots; the multi-dose ones partly opened."""
    shelf = []
    for key in range(1, chance.randint(1, 3) + 1):
        kind = chance.choice(["single_dose +0.15", "single_dose", "multi_dose", "single_dose syringe"])
        of = product(f"P{key} {chance.choice([1, 2, 3, 5, 20])} mL {kind}", key=key)
        for number in range(chance.randint(0, 5)):
            day = TODAY + timedelta(days=chance.randint(0, 6))
            received = date(2026, 1, chance.randint(1, 4))
            if kind == "multi_dose" and chance.random() < 0.4:
                what = f"discard {day} {Decimal(chance.randint(1, 200)) / 100} mL"
            else:
                what = f"exp {day} {of.content * chance.randint(1, 4)} mL"
            shelf += containers(of, f"P{key}L{number} {what} on {received}", first_key=100 * key + number)
    chance.shuffle(shelf)
    return shelf


@pytest.mark.parametrize("seed", range(200))
def test_the_choice_is_the_same_as_taking_one_container_after_the_other(seed):
    chance = Random(seed)
    shelf, needed = random_shelf(chance), Decimal(chance.randint(1, 4000)) / 100

    draws, missing = plan(needed, shelf)
    expected, short = fefo_by_the_container(needed, shelf, LOSS)

    assert missing == short
    assert {d.container.lot_number: d.opened or 1 for d in draws} == dict(expected)


@pytest.mark.parametrize("seed", range(200))
def test_a_choice_is_usable_whole_in_order_and_accounts_for_every_drop(seed):
    chance = Random(seed)
    shelf, needed = random_shelf(chance), Decimal(chance.randint(1, 4000)) / 100

    draws, missing = plan(needed, shelf)

    assert [d.container.order for d in draws] == sorted(d.container.order for d in draws)
    for draw in draws[:-1]:  # an earlier container is emptied before a later one is touched
        assert draw.container.held == (draw.opened * draw.container.product.content or draw.used)
    for draw in draws:
        of = draw.container.product
        assert draw.opened * of.content <= draw.container.held
        assert min(draw.used, draw.discarded, draw.kept) >= 0
        if draw.opened:  # what came out of a sealed container is used, discarded or kept
            assert draw.used + draw.discarded + draw.kept == draw.opened * of.content
        assert not (of.dose_class.one_patient and draw.kept)
        assert not (not of.dose_class.one_patient and draw.discarded)
    lost = LOSS * len({d.container.product.id for d in draws if d.container.product.loses_on_drawing})
    content = sum((d.used for d in draws), Decimal(0))
    overfill = sum((d.opened * d.container.product.overfill for d in draws), Decimal(0))
    assert content <= needed + lost - missing <= content + overfill


@pytest.mark.parametrize("seed", range(200))
def test_single_dose_never_opens_one_container_too_many_nor_one_too_few(seed):
    chance = Random(seed)
    of = product(f"HA {chance.choice([1, 2, 3, 5])} mL single_dose +0.{chance.randint(0, 30):02}")
    shelf = containers(of, "\n".join(f"L{n} exp 2026-03-{n + 1:02} {of.content * 20} mL" for n in range(3)))
    needed = Decimal(chance.randint(1, 4000)) / 100

    draws, missing = plan(needed, shelf)

    assert missing == 0
    opened = sum(draw.opened for draw in draws)
    assert opened == ceil((needed + LOSS) / (of.content + of.overfill))
