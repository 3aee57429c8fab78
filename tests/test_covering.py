"""Whole containers of several sizes cover a dose at the least cost, then with the least left over (C4)."""

from decimal import Decimal
from itertools import product as combinations
from math import ceil
from random import Random

import pytest

from pricing.covering import Size, TooManyContainers, cheapest_covering
from tests.shelf import refused


def sizes(picture):
    """Sizes as `content@cost[xstock][-loss]`, in the order of their keys: `2@5.00x3-0.1 5@11.00`."""
    found = []
    for key, word in enumerate(picture.split(), start=1):
        content, _, rest = word.partition("@")
        rest, _, loss = rest.partition("-")
        cost, _, stock = rest.partition("x")
        available = int(stock) if stock else None
        found.append(Size(key, Decimal(content), Decimal(cost), available, Decimal(loss or 0)))
    return found


def covering(needed, picture):
    return cheapest_covering(Decimal(needed), sizes(picture))


@pytest.mark.parametrize(
    ("needed", "picture", "counts"),
    [
        ("7", "2@5.00 5@11.00", {1: 1, 2: 1}),
        ("6", "2@5.00 5@11.00", {1: 3}),
        ("9", "2@5.00 5@11.00", {1: 2, 2: 1}),
        ("8", "2@5.00 5@11.00", {1: 4}),  # the largest first would cost 21.00
        ("8", "2@5.00x3 5@11.00", {1: 2, 2: 1}),  # only three of the small
        ("3.5", "1@3.00 5@10.00", {2: 1}),
        ("12", "5@9.00 3@6.20", {1: 2, 2: 1}),
    ],
)
def test_the_cheapest_covering_is_found(needed, picture, counts):
    assert covering(needed, picture) == counts


def test_of_two_that_cost_the_same_the_one_that_leaves_less_is_taken():
    assert covering("4", "5@10.00 4@10.00") == {2: 1}
    assert covering("4", "4@10.00 5@10.00") == {1: 1}


def test_what_is_not_there_cannot_be_used():
    assert covering("4", "5@10.00x0 2@9.00x2") == {2: 2}


def test_nothing_is_the_answer_when_all_that_is_there_is_too_little():
    assert covering("5", "2@5.00x2") is None
    assert covering("4", "2@5.00x2") == {1: 2}
    assert covering("1", "2@5.00x0") is None


def test_what_stays_in_the_syringe_is_lost_once_for_each_item_that_is_drawn():
    # One of each gives 7.00, of which 0.20 stay in two syringes; with one syringe 4 of the small suffice.
    assert covering("6.8", "2@5.00-0.1 5@11.00-0.1") == {1: 1, 2: 1}
    assert covering("6.9", "2@5.00-0.1 5@11.00-0.1") == {1: 4}


def test_the_overfill_counts_and_does_not_stretch():
    assert covering("3.05", "3.15@16.50-0.1") == {1: 1}
    assert covering("3.0501", "3.15@16.50-0.1") == {1: 2}


def test_a_dose_that_would_take_hundreds_of_containers_is_a_slip_of_the_pen():
    with refused(
        TooManyContainers, "A dose of 100000 would take more than 500 containers of 3: check the recipe."
    ):
        covering("100000", "3@16.50 1@6.00")


def test_two_hundred_random_doses_are_covered_as_by_trying_every_way():
    for seed in range(200):
        chance = Random(seed)
        offered = [
            Size(
                key,
                Decimal(chance.randint(2, 30)) / 10,
                Decimal(chance.randint(0, 2000)) / 100,
                chance.choice([None, None, 0, 1, 2, 3]),
                chance.choice([Decimal(0), Decimal("0.1")]),
            )
            for key in range(1, chance.randint(2, 5))
        ]
        needed = Decimal(chance.randint(1, 600)) / 100

        found = cheapest_covering(needed, offered)

        best = by_trying_every_way(needed, offered)
        assert (None if found is None else cost_and_waste(found, needed, offered)) == best, seed
        for size in offered:
            assert size.available is None or (found or {}).get(size.product_id, 0) <= size.available


def by_trying_every_way(needed, offered):
    """The least (cost, waste), or None."""
    enough = [ceil((needed + size.loss) / size.effective) for size in offered]
    ranges = [
        range((most if size.available is None else min(most, size.available)) + 1)
        for size, most in zip(offered, enough, strict=True)
    ]
    ways = [
        cost_and_waste({size.product_id: n for size, n in zip(offered, way, strict=True)}, needed, offered)
        for way in combinations(*ranges)
    ]
    return min((way for way in ways if way[1] >= 0), default=None)


def cost_and_waste(counts, needed, offered):
    used = [(size, counts[size.product_id]) for size in offered if counts.get(size.product_id)]
    given = sum(n * size.effective - size.loss for size, n in used)
    return sum((n * size.cost for size, n in used), Decimal(0)), given - needed
