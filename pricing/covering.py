"""Covering a dose with whole containers of several sizes at the least cost (C4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

from inventory.measures import fit

SCALE = 10_000  # quantities have four decimals


@dataclass(frozen=True)
class Size:
    """One item that could serve the dose: what a container gives, what it costs, how many there are."""

    product_id: int
    effective: Decimal  # labelled content and overfill
    cost: Decimal  # of one container
    available: int | None = None  # none: it can be bought


def cheapest_covering(needed: Decimal, sizes: Sequence[Size]) -> dict[int, int] | None:
    """How many containers of each item cover `needed` most cheaply, then with the least left over.

    None when all that is available cannot cover it. Exact: a knapsack over whole steps of the common size.
    """
    whole = [int(size.effective * SCALE) for size in sizes]
    step = gcd(*whole)
    target = int(fit(needed * SCALE, Decimal(step)))
    widths = [one // step for one in whole]
    # best[x]: the cheapest way to give at least x steps, as (cost, steps given, counts).
    none_used = (0,) * len(sizes)
    best: dict[int, tuple[Decimal, int, tuple[int, ...]]] = {0: (Decimal(0), 0, none_used)}
    for n, size in enumerate(sizes):
        most = int(fit(Decimal(target), Decimal(widths[n])))
        limit = most if size.available is None else min(most, size.available)
        improved = dict(best)
        for reached, (cost, given, counts) in best.items():
            for count in range(1, limit + 1):
                if reached >= target:
                    break
                at = min(target, reached + count * widths[n])
                used = (*counts[:n], count, *counts[n + 1 :])
                way = (cost + count * size.cost, given + count * widths[n], used)
                if at not in improved or way[:2] < improved[at][:2]:
                    improved[at] = way
        best = improved
    if target not in best:
        return None
    return {size.product_id: n for size, n in zip(sizes, best[target][2], strict=True) if n}
