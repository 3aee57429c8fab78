"""Futures: the ways in which an item's need, deliveries and stock may go, without a new order (O1).

One path needs no lots: with first expired, first out, cumulative curves say what is served, what is unmet
and what expires. All items and paths go through a day together.

Numpy and floats; no database, no clock. Days are whole numbers from today (0); containers are whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inventory import forecasting
from inventory.forecasting import Demand, Vessel

if TYPE_CHECKING:
    from inventory.forecasting import Floats, Whole


@dataclass(frozen=True)
class Terms:
    """How an item is sold: whole packs, the price of a container, and where it falls."""

    pack: int  # containers
    price: float  # a container
    least: int = 1  # packs
    breaks: tuple[tuple[int, float], ...] = ()  # from so many packs on, a container costs so much

    def price_of(self, packs: "Whole") -> "Floats":
        """The price of a container in an order of so many packs."""
        import numpy as np

        price = np.full(packs.shape, self.price)
        for start, lower in sorted(self.breaks):
            price = np.where(packs >= start, lower, price)
        return price


@dataclass(frozen=True)
class Item:
    """All that the advice on one item is made of."""

    key: int  # seeds its paths
    vessel: Vessel
    terms: Terms
    demand: Demand
    lots: tuple[tuple[int, int], ...]  # sealed: last usable day, containers
    opened: tuple[int, int]  # what is left in the open container, and its last day
    coming: tuple[tuple[int, int], ...]  # on order: days since it was ordered, containers
    delivery_days: "Whole"  # samples: from order to receipt
    lives: "Whole"  # samples: usable days after receipt
    next_order_in: int  # days until the supplier takes the next order


@dataclass(frozen=True)
class Paths:
    """Ways the coming days may go, [item, path] or [item, path, day less 1]."""

    items: Sequence[Item]
    days: int
    need: "Whole"  # containers to be opened
    there: "Whole"  # containers on the shelf and arrived, cumulative
    expired: "Whole"  # containers whose last day is over, cumulative [item, day]
    rate: "Floats"  # containers a day, in the long run
    arrives: "Whole"  # day on which an order of today comes
    life: "Whole"
    far: "Floats"  # containers needed from beyond the days until the new lot expires
    unmet: "Whole" = field(init=False)  # containers that no stock serves
    left: "Whole" = field(init=False)  # at the end
    wasted: "Whole" = field(init=False)  # expired by the end

    def __post_init__(self) -> None:
        """Use up the stock day by day, first expired, first out; one path needs only cumulative curves:
        served is at most what is there and not yet gone, and gone is at least what has expired."""
        import numpy as np

        gone = np.zeros(self.there.shape[:2], dtype=np.int64)
        served, unmet = np.zeros_like(gone), np.empty_like(self.need)
        for day in range(self.days):
            taken = np.minimum(self.need[:, :, day], self.there[:, :, day] - gone)
            unmet[:, :, day] = self.need[:, :, day] - taken
            served += taken
            gone = np.maximum(gone + taken, self.expired[:, None, day])
        object.__setattr__(self, "unmet", unmet)
        object.__setattr__(self, "left", self.there[:, :, -1] - gone)
        object.__setattr__(self, "wasted", gone - served)


def draw(items: Sequence[Item], *, seed: int, paths: int, days: int) -> Paths:
    """Draw the paths of items, each from its own generator."""
    import numpy as np

    shape = (len(items), paths)
    volume = np.empty((*shape, days), dtype=np.int64)
    there, expired = np.zeros((*shape, days), dtype=np.int64), np.zeros((len(items), days), dtype=np.int64)
    lines, life = np.empty(shape), np.empty(shape, dtype=np.int64)
    arrives, far = np.empty(shape, dtype=np.int64), np.empty(shape)
    for at, item in enumerate(items):
        random = np.random.default_rng([seed, item.key])
        volume[at], lines[at] = forecasting.volumes(item.demand, item.vessel, random, paths=paths, days=days)
        arrives[at] = _spread(item.delivery_days, random, paths)
        life[at] = _spread(item.lives, random, paths)
        beyond = np.maximum(arrives[at] + life[at] - days, 0)
        far[at] = random.poisson(np.minimum(lines[at] * beyond, 1e9)) * item.demand.containers_per_line
        for ordered_ago, containers in item.coming:
            later = item.delivery_days[item.delivery_days > ordered_ago] - ordered_ago
            comes = _spread(later, random, paths) if len(later) else np.ones(paths, dtype=np.int64)
            there[at] += np.where(np.arange(1, days + 1) >= comes[:, None], containers, 0)
        for last_day, containers in item.lots:
            if last_day >= 1:  # by tomorrow, what expires today is gone
                there[at] += containers
                expired[at, min(last_day - 1, days) :] += containers
    per_line = np.array([item.demand.containers_per_line for item in items])
    return Paths(
        items, days, _containers(items, volume), there, expired, np.maximum(lines * per_line[:, None], 1e-5),
        arrives, life, far,
    )  # fmt: skip


def _spread(samples: "Whole", random: Any, paths: int) -> "Whole":
    """As many samples as there are paths, taken evenly and shuffled."""
    import numpy as np

    at = ((np.arange(paths) + 0.5) / paths * len(samples)).astype(np.int64)
    chosen: Whole = random.permutation(np.sort(samples)[at])
    return chosen


def _containers(items: Sequence[Item], volume: "Whole") -> "Whole":
    """Containers opened for the volumes asked; those of one patient are counted in containers already."""
    import numpy as np

    need, shared = volume, [at for at, item in enumerate(items) if not item.vessel.single]
    if shared:
        some = [items[at] for at in shared]
        need[shared] = forecasting.openings(
            volume[shared],
            content=np.array([item.vessel.content for item in some]),
            in_use=np.array([item.vessel.in_use_days for item in some]),
            left=np.array([item.opened[0] for item in some]),
            last_day=np.array([item.opened[1] for item in some]),
        )
    return need
