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

FAR = 3650  # days beyond which nothing needs to be foreseen


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

    def price_at(self, packs: int) -> float:
        """The price of a container in one order of so many packs."""
        reached = [lower for start, lower in sorted(self.breaks) if packs >= start]
        return reached[-1] if reached else self.price


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
    offered: tuple[tuple[int, int], ...] = ()  # lots that another site can spare: last day, containers

    def __post_init__(self) -> None:
        """Refuse what is not an item: its caller is mistaken."""
        refused = {
            "its container holds nothing": self.vessel.content < 1,
            "its pack holds no container": self.terms.pack < 1 or self.terms.least < 1,
            "its price is below nothing": not self.terms.price >= 0,
            "it has less than no containers": any(
                count < 0 for _, count in (*self.lots, *self.coming, *self.offered)
            ),
            "nothing says how long it takes to come": not len(self.delivery_days),
            "nothing says how long it keeps": not len(self.lives),
            "its supplier takes no order again": self.next_order_in < 1,
        }
        for why, wrong in refused.items():
            if wrong:
                raise ValueError(f"item {self.key}: {why}")


@dataclass(frozen=True)
class Paths:
    """Ways the coming days may go, [item, path] or [item, path, day less 1]."""

    items: Sequence[Item]
    days: int
    weights: "Floats"  # [path], the share of all cases that each stands for
    need: "Whole"  # containers to be opened
    lines: "Whole"  # asked for
    there: "Whole"  # containers on the shelf and arrived, cumulative
    expired: "Whole"  # containers whose last day is over, cumulative [item, day]
    rate: "Floats"  # containers a day, in the long run
    arrives: "Whole"  # day on which an order of today comes
    life: "Whole"
    far: "Floats"  # containers needed from beyond the days until the new lot expires
    keeps: "Whole"  # last day of what keeps longest, on the shelf or on order
    far_keeps: "Floats"  # containers needed from beyond the days until then
    unmet: "Whole" = field(init=False)  # containers that no stock serves
    left: "Whole" = field(init=False)  # at the end
    wasted: "Whole" = field(init=False)  # expired by the end
    lost: "Floats" = field(init=False)  # lines that no stock serves, by day

    def mean(self, values: Any) -> "Floats":
        """The mean over the cases of what each path comes to, [item, path].

        Not a matrix product: that rounds by what else is in the matrix.
        """
        found: Floats = (values * self.weights).sum(1)
        return found

    def quantile(self, values: "Floats", share: float) -> "Floats":
        """What such a share of the cases stays below or reaches, [item]."""
        import numpy as np

        order = np.argsort(values, 1, kind="stable")
        at = (np.cumsum(self.weights[order], 1) < share).sum(1)[:, None]
        return np.take_along_axis(values, np.take_along_axis(order, at, 1), 1)[:, 0]

    def stock_outs(self) -> "Floats":
        """The first day with need that no stock serves, [item, path]; beyond the days drawn at its rate."""
        import numpy as np

        inside = (np.cumsum(self.unmet, 2) == 0).sum(2) + 1
        beyond = np.minimum(self.days + (self.left + 1) / self.rate, FAR)
        return np.where(inside <= self.days, inside, np.maximum(beyond, self.days + 1))

    def __post_init__(self) -> None:
        """Use up the stock day by day, first expired, first out; one path needs only cumulative curves:
        served is at most what is there and not yet gone, and gone is at least what has expired.

        Where a container is missing, the lines that it would have served are lost, until stock arrives: fewer
        than one container serves in all where the next delivery comes before it would be empty.
        """
        import numpy as np

        gone = np.zeros(self.there.shape[:2], dtype=np.int64)
        served, unmet = np.zeros_like(gone), np.empty_like(self.need)
        lost, out, before = np.empty(self.need.shape), np.zeros(gone.shape, dtype=bool), self.there[:, :, 0]
        for day in range(self.days):
            need, there = self.need[:, :, day], self.there[:, :, day]
            taken = np.minimum(need, there - gone)
            unmet[:, :, day] = missing = need - taken
            out &= there == before
            lost[:, :, day] = self.lines[:, :, day] * np.where(out, 1.0, missing / np.maximum(need, 1))
            out |= missing > 0
            before = there
            served += taken
            gone = np.maximum(gone + taken, self.expired[:, None, day])
        object.__setattr__(self, "unmet", unmet)
        object.__setattr__(self, "lost", lost)
        object.__setattr__(self, "left", self.there[:, :, -1] - gone)
        object.__setattr__(self, "wasted", gone - served)


def plenty(item: Item) -> bool:
    """Whether an item has so much that its paths need not be drawn: three deviations more than its need."""
    import numpy as np

    demand, days = item.demand, int(item.delivery_days.max()) + item.next_order_in + 1
    lags = np.minimum(np.arange(days), len(demand.unknown) - 1)
    lines = demand.per_day * 1.25 * float((demand.unknown[lags] * demand.weights[np.arange(days) % 7]).sum())
    lines += sum(chance for lag, _, chance in demand.booked if lag <= days)
    mean = lines * demand.containers_per_line
    usable = sum(containers for last_day, containers in item.lots if last_day >= days)
    usable += sum(containers for _, containers in item.coming)
    enough = mean + 3 * (mean * max(1.0, demand.containers_per_line)) ** 0.5 + 1
    return bool(usable > enough)


def draw(items: Sequence[Item], *, seed: int, paths: int, days: int, tilt: float = 1.0) -> Paths:
    """Draw the paths of items, each from its own generator; a tilt gives large need more paths, that weigh
    less each (`forecasting.ranks`)."""
    import numpy as np

    cases = forecasting.ranks(paths, tilt)
    shape = (len(items), paths)
    volume, asked = np.empty((*shape, days), dtype=np.int64), np.empty((*shape, days), dtype=np.int64)
    there, expired = np.zeros((*shape, days), dtype=np.int64), np.zeros((len(items), days), dtype=np.int64)
    lines, life = np.empty(shape), np.empty(shape, dtype=np.int64)
    arrives, keeps = np.empty(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    far, far_keeps = np.empty(shape), np.empty(shape)
    for at, item in enumerate(items):
        random = np.random.default_rng([seed, item.key])
        volume[at], asked[at], lines[at] = forecasting.volumes(
            item.demand, item.vessel, random, cases=cases, days=days
        )
        arrives[at] = _spread(item.delivery_days, random, paths)
        life[at] = _spread(item.lives, random, paths)
        for ordered_ago, containers in item.coming:
            later = item.delivery_days[item.delivery_days > ordered_ago] - ordered_ago
            comes = _spread(later, random, paths) if len(later) else np.ones(paths, dtype=np.int64)
            there[at] += np.where(np.arange(1, days + 1) >= comes[:, None], containers, 0)
            keeps[at] = np.maximum(keeps[at], comes + _spread(item.lives, random, paths))
        for last_day, containers in item.lots:
            if last_day >= 1:  # by tomorrow, what expires today is gone
                there[at] += containers
                expired[at, min(last_day - 1, days) :] += containers
                keeps[at] = np.maximum(keeps[at], last_day)
        ends = arrives[at] + life[at]
        far[at], far_keeps[at] = _beyond(random, lines[at], (ends - days, keeps[at] - days))
    per_line = np.array([item.demand.containers_per_line for item in items])[:, None]
    return Paths(
        items, days, cases[1], _containers(items, volume), asked, there, expired,
        np.maximum(lines * per_line, 1e-5), arrives, life, far * per_line, keeps, far_keeps * per_line,
    )  # fmt: skip


def _beyond(random: Any, a_day: "Floats", days: tuple["Whole", "Whole"]) -> tuple["Floats", "Floats"]:
    """Lines asked for in two spans that begin together; in the longer one all that are in the shorter."""
    import numpy as np

    first, second = (np.clip(span, 0, FAR) for span in days)
    both = random.poisson(a_day * np.minimum(first, second)).astype(np.float64)
    rest = random.poisson(a_day * np.abs(first - second))
    return both + np.where(first > second, rest, 0), both + np.where(second > first, rest, 0)


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
