"""Covering a dose with whole containers of several sizes at the least cost (C4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

from inventory.errors import Invalid
from inventory.measures import ZERO, fit, plain

SCALE = 10_000  # quantities have four decimals
MOST_CONTAINERS = 500  # of the largest size; a recipe that needs more is a slip of the pen


@dataclass(frozen=True)
class Size:
    """One item that could serve the dose: what a container gives, what it costs, how many there are."""

    product_id: int
    effective: Decimal  # labelled content and overfill
    cost: Decimal  # of one container
    available: int | None = None  # none: it can be bought
    loss: Decimal = ZERO  # what stays in the syringe, once for the item (S3)


class TooManyContainers(Invalid):
    """The dose is hundreds of containers: somebody meant another unit."""


@dataclass(frozen=True)
class _Way:
    """One way to give a dose, or part of one."""

    cost: Decimal
    given: int
    counts: tuple[int, ...]

    def beats(self, other: "_Way | None") -> bool:
        """Cheaper, or as cheap and leaving less."""
        return other is None or (self.cost, self.given) < (other.cost, other.given)


def cheapest_covering(needed: Decimal, sizes: Sequence[Size]) -> dict[int, int] | None:
    """How many containers of each item cover `needed` most cheaply, then with the least left over.

    None when all that is available cannot cover it. Exact: a knapsack over whole steps of the common size.
    Raises TooManyContainers.
    """
    largest = max(size.effective for size in sizes)
    if fit(needed, largest) > MOST_CONTAINERS:
        raise TooManyContainers(
            f"A dose of {plain(needed)} would take more than {MOST_CONTAINERS} containers of "
            f"{plain(largest)}: check the recipe."
        )
    whole = [int(part * SCALE) for size in sizes for part in (size.effective, size.loss)]
    step = gcd(*whole)
    target = int(fit(needed * SCALE, Decimal(step)))
    # best[x]: the cheapest way to give at least x steps.
    best = {0: _Way(ZERO, 0, ())}
    for size, width, loss in zip(sizes, whole[::2], whole[1::2], strict=True):
        best = _with(best, size, width // step, loss // step, target)
    if target not in best:
        return None
    return {size.product_id: n for size, n in zip(sizes, best[target].counts, strict=True) if n}


def _with(best: dict[int, _Way], size: Size, width: int, loss: int, target: int) -> dict[int, _Way]:
    """The best ways when containers of one more size may be added to each."""
    improved = {at: _Way(way.cost, way.given, (*way.counts, 0)) for at, way in best.items()}
    for reached, way in best.items():
        enough = -((reached - target - loss) // width)
        most = enough if size.available is None else min(enough, size.available)
        for count in range(1, most + 1 if reached < target else 0):
            more = count * width - loss
            if more <= 0:
                continue  # all of it would stay in the syringe
            added = _Way(way.cost + count * size.cost, way.given + more, (*way.counts, count))
            at = min(target, reached + more)
            if added.beats(improved.get(at)):
                improved[at] = added
    return improved
