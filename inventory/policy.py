"""Policy: what to order of which item today, by weighing what waiting risks against what ordering costs (O2).

A rolling Monte-Carlo marginal-cost rule. On an order day, for each item:

1. Draw paths: ways the need may go until an order of the next order day would come (`forecasting`), when
   deliveries come, how long a new lot keeps. Age the stock without a new order, first expired, first out.
   What stays unmet is exactly what a new lot could serve.
2. Of all candidate quantities take the one whose order line, holding, expiry and price cost least per day
   that it covers: a lot covers no day after its expiry, so nobody is told to buy what expires.
3. Order it now only if waiting until the next order day would lose more (sessions lost times what one is
   worth) than ordering now costs (holding it longer, more of it expiring, starting the next cycle sooner).
   An item for which that never pays is better ordered per patient.

`advise` is a pure function of plain data that an outside simulator may call: build an `Item` for each item
of a supplier (its `Demand` from `forecasting.learn`, its sealed lots, what is on order), give the
`Economics`, and order `Advice.packs`. Each item draws from a generator of its own, seeded by `seed` and its
key: the same day gives the same advice, whichever other items are asked about with it.

Numpy and floats; no database, no clock. Days are whole numbers from today (0); containers are whole; money
is the clinic's currency. Lateness and life at receipt are samples from receipts, never assumptions here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inventory import futures
from inventory.futures import Item, Paths

if TYPE_CHECKING:
    from inventory.forecasting import Floats, Whole

PATHS = 128
BLOCK = 256  # items worked on at once, which bounds the memory
SHORTEST, LONGEST = 14, 400  # days looked ahead
COVERS = (7, 10, 14, 21, 28, 35, 45, 60, 80, 110, 150)  # days of need that candidates cover
FEW = 4  # the smallest packs are candidates whatever they cover
YEAR = 365
CAUTION = 1.4  # the paths do not know all that may go wrong: what waiting risks counts so many times


@dataclass(frozen=True)
class Economics:
    """What things cost, in money."""

    line_cost: float = 8.0  # an order line: writing, receiving, putting away
    order_cost: float = 0.0  # an order, whatever its lines: freight, a cold box
    holding_per_year: float = 0.25  # of a container's price
    disposal: float = 1.0  # of an expired container, beyond its price
    lost_line: float = 60.0  # margin lost where an item is missing for a session


@dataclass(frozen=True)
class Advice:
    """What to order, and why. Money and chances are about waiting until the next order day instead.

    `Advice.gain` above nothing is an order. Holding before the first use is weighed there, not in the
    quantity: it would count twice.
    """

    key: int
    packs: int  # 0: wait
    best_packs: int  # the quantity that would cost least a day, ordered or not
    lost_sales: float  # money at risk by waiting
    lost_chance: float  # that any session is lost by waiting
    holding: float  # money, for having it earlier
    expiry: float  # money, for what more of it would expire
    sooner: float  # money, for starting the next cycle earlier
    cost_per_day: float  # of keeping the item, at the best quantity
    expected_waste: float  # containers of the best quantity that will expire
    at_risk: float  # containers on the shelf expected to expire within `days`
    stock_out_day: tuple[int, int, int]  # without an order: 10 % earlier, median, 90 %
    service_level: float  # share of the need met until the next delivery after this one, if advice is taken
    per_patient: bool  # a shelf never pays: order it for the patient who needs it
    days: int  # looked ahead

    @property
    def gain(self) -> float:
        """What ordering today is worth against waiting."""
        return CAUTION * self.lost_sales - self.holding - self.expiry - self.sooner


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


def advise(items: Sequence[Item], economics: Economics, *, seed: int, paths: int = PATHS) -> list[Advice]:
    """The advice on each item of one supplier's order, in the order given.

    Where an order costs something of its own, it is placed only if its lines together are worth it, and
    its lines are sized with their share of it.
    """
    first = _each(items, economics, seed=seed, paths=paths, setup=economics.line_cost)
    lines = sum(1 for one in first if one.packs)
    if not economics.order_cost or not lines:
        return first
    if sum(one.gain for one in first if one.packs) <= economics.order_cost:
        return [_waiting(one) for one in first]
    shared = economics.line_cost + economics.order_cost / lines
    sized = _each(items, economics, seed=seed, paths=paths, setup=shared)
    return [
        joint if alone.packs and joint.packs else alone for alone, joint in zip(first, sized, strict=True)
    ]


def _waiting(advice: Advice) -> Advice:
    """The same advice with nothing ordered."""
    return replace(advice, packs=0)


def _each(
    items: Sequence[Item], economics: Economics, *, seed: int, paths: int, setup: float
) -> list[Advice]:
    """The advice on each item by itself; items that look about as far ahead are worked on together."""
    advice: dict[int, Advice] = {}
    for days, places in _alike(items):
        group = [items[place] for place in places]
        found = _decided(futures.draw(group, seed=seed, paths=paths, days=days), economics, setup)
        advice.update(zip(places, found, strict=True))
    return [advice[place] for place in range(len(items))]


def _alike(items: Sequence[Item]) -> Iterator[tuple[int, list[int]]]:
    """Days to look ahead, and the places of the items that share them; weeks, so that an item's do not
    depend on the others."""
    spans: dict[int, list[int]] = {}
    for place, item in enumerate(items):
        span = int(item.delivery_days.max()) + item.next_order_in + 1
        weeks = -(-min(max(span, SHORTEST), LONGEST) // 7)
        spans.setdefault(7 * weeks, []).append(place)
    for days, places in sorted(spans.items()):
        for start in range(0, len(places), BLOCK):
            yield days, places[start : start + BLOCK]


@dataclass(frozen=True)
class Lot:
    """What a new lot would meet, [item, path]: without it this need is unmet from its arrival on."""

    arrives: "Whole"
    later: "Whole"  # arrival if ordered on the next order day
    ends: "Whole"  # its last day
    unmet: "Whole"  # [item, path, day less 1], cumulative from its arrival
    usable: "Floats"  # containers needed from it before it ends
    usable_later: "Floats"  # the same of a lot ordered on the next order day
    first_use: "Floats"  # day on which its first container is needed

    def used_by(self, containers: "Whole", paths: Paths) -> "Floats":
        """The day on which the last of so many new containers [item] is needed; beyond the days drawn at
        the path's rate, when what is left has gone."""
        import numpy as np

        wanted = containers[:, None]
        total = self.unmet[:, :, -1]
        inside = (self.unmet < wanted[:, :, None]).sum(2) + 1
        beyond = paths.days + (paths.left + wanted - total) / paths.rate
        return np.where(total >= wanted, inside, np.maximum(beyond, paths.days + 1)).astype(np.float64)


def _new_lot(paths: Paths) -> Lot:
    """What a lot ordered today would meet on each path."""
    import numpy as np

    wait = np.array([item.next_order_in for item in paths.items])[:, None]
    day = np.arange(1, paths.days + 1)
    unmet = np.cumsum(np.where(day >= paths.arrives[:, :, None], paths.unmet, 0), 2)
    total, ends = unmet[:, :, -1], paths.arrives + paths.life
    inside = np.take_along_axis(unmet, np.clip(ends, 1, paths.days)[:, :, None] - 1, 2)[:, :, 0]
    usable = np.where(ends <= paths.days, inside, np.maximum(total, total + paths.far - paths.left))
    more = np.where(ends + wait > paths.days, wait * paths.rate, 0)
    lot = Lot(paths.arrives, paths.arrives + wait, ends, unmet, usable, usable + more, np.empty(0))
    first = lot.used_by(np.ones(len(paths.items), dtype=np.int64), paths)
    return replace(lot, first_use=first)


@dataclass(frozen=True)
class Best:
    """The quantity that costs least a day, and what it costs, one entry an item."""

    packs: "Whole"
    per_day: "Floats"
    waste: "Floats"  # containers expected to expire


def _candidates(paths: Paths) -> "Whole":
    """Packs worth weighing, ascending, [item, candidate]: the fewest, covers of the need, price breaks."""
    import numpy as np

    terms = [item.terms for item in paths.items]
    pack, least = np.array([one.pack for one in terms]), np.array([one.least for one in terms])
    per_day = paths.rate.mean(1)
    covers = np.rint(per_day[:, None] * np.array(COVERS) / pack[:, None]).astype(np.int64)
    few = least[:, None] + np.arange(FEW)
    widest = max((len(one.breaks) for one in terms), default=0)
    steps = np.array(
        [[start for start, _ in one.breaks] + [one.least] * (widest - len(one.breaks)) for one in terms],
        dtype=np.int64,
    ).reshape(len(terms), widest)
    return np.sort(np.maximum(np.concatenate([few, covers, steps], 1), least[:, None]), 1)


def _best(paths: Paths, lot: Lot, economics: Economics, setup: float) -> Best:
    """Of the candidates the one with the least cost per day covered (Silver and Meal's rule, with expiry)."""
    import numpy as np

    terms = [item.terms for item in paths.items]
    pack, price = np.array([one.pack for one in terms]), np.array([one.price for one in terms])
    holding = (economics.holding_per_year / YEAR * price)[:, None]
    lost = (price + economics.disposal)[:, None]
    candidates = _candidates(paths)
    best = Best(candidates[:, 0], np.full(len(terms), np.inf), np.zeros(len(terms)))
    held, before = np.zeros_like(lot.first_use), lot.first_use
    packs_before = np.zeros(len(terms), dtype=np.int64)
    for packs in candidates.T:
        containers = packs * pack
        used = lot.used_by(containers, paths)
        middle = (np.minimum(before, lot.ends) + np.minimum(used, lot.ends)) / 2 - np.minimum(
            lot.first_use, lot.ends
        )
        held = held + ((packs - packs_before) * pack)[:, None] * np.maximum(middle, 0)
        waste = np.maximum(containers[:, None] - lot.usable, 0)
        covered = np.minimum(used + 1 / paths.rate, lot.ends) - np.minimum(lot.first_use, lot.ends)
        paid = np.array([one.price_of(packs[at : at + 1])[0] for at, one in enumerate(terms)])
        cost = setup + (holding * held + lost * waste).mean(1) + (paid - price) * containers
        per_day = cost / np.maximum(covered.mean(1), 0.25)
        better = per_day < best.per_day - 1e-9
        best = Best(
            np.where(better, packs, best.packs),
            np.where(better, per_day, best.per_day),
            np.where(better, waste.mean(1), best.waste),
        )
        before, packs_before = used, packs
    return best


def _decided(paths: Paths, economics: Economics, setup: float) -> list[Advice]:
    """Weigh waiting for the next order day against ordering the best quantity now."""
    import numpy as np

    lot = _new_lot(paths)
    best = _best(paths, lot, economics, setup)
    terms = [item.terms for item in paths.items]
    price, containers = np.array([one.price for one in terms]), best.packs * [one.pack for one in terms]
    till = np.clip(lot.later - 1, 1, paths.days)[:, :, None] - 1
    missing = np.take_along_axis(lot.unmet, till, 2)[:, :, 0]
    saved = np.minimum(missing, containers[:, None])
    per_line = np.maximum([item.demand.containers_per_line for item in paths.items], 1e-3)
    early = np.maximum(np.minimum(lot.first_use, lot.later) - lot.arrives, 0).mean(1)
    sooner = np.maximum(lot.later - np.maximum(lot.arrives, lot.first_use), 0).mean(1)
    waste = np.maximum(containers[:, None] - lot.usable, 0)
    more = (waste - np.maximum(containers[:, None] - lot.usable_later, 0)).mean(1)
    return _said(
        paths,
        best,
        lost_sales=economics.lost_line / per_line * saved.mean(1),
        lost_chance=(missing > 0).mean(1),
        holding=economics.holding_per_year / YEAR * price * containers * early,
        expiry=(price + economics.disposal) * np.maximum(more, 0),
        sooner=best.per_day * sooner,
        lines_a_day=paths.rate.mean(1) / per_line,
        economics=economics,
        unmet=np.take_along_axis(np.cumsum(paths.unmet, 2), till, 2)[:, :, 0].mean(1),
        saved=saved.mean(1),
        asked=np.take_along_axis(np.cumsum(paths.need, 2), till, 2)[:, :, 0].mean(1),
    )


def _said(
    paths: Paths, best: Best, *, economics: Economics, lines_a_day: "Floats", unmet: "Floats",
    saved: "Floats", asked: "Floats", **money: "Floats",
) -> list[Advice]:  # fmt: skip
    """The advice in numbers, one item after the other."""
    import numpy as np

    out = np.sort(_stock_outs(paths), 1)
    tenth, half, most = (out[:, int(share * (out.shape[1] - 1))] for share in (0.1, 0.5, 0.9))
    wasted = paths.wasted.mean(1)
    found = []
    for at, item in enumerate(paths.items):
        weighed = {name: float(values[at]) for name, values in money.items()}
        cost = weighed["holding"] + weighed["expiry"] + weighed["sooner"]
        ordered = CAUTION * weighed["lost_sales"] > cost
        short = float(unmet[at]) - (float(saved[at]) if ordered else 0.0)
        found.append(
            Advice(
                key=item.key,
                packs=int(best.packs[at]) if ordered else 0,
                best_packs=int(best.packs[at]),
                cost_per_day=float(best.per_day[at]),
                expected_waste=float(best.waste[at]),
                at_risk=float(wasted[at]),
                stock_out_day=(int(tenth[at]), int(half[at]), int(most[at])),
                service_level=1 - short / float(asked[at]) if asked[at] else 1.0,
                per_patient=economics.lost_line * float(lines_a_day[at]) < float(best.per_day[at]),
                days=paths.days,
                **weighed,
            )
        )
    return found


def _stock_outs(paths: Paths) -> "Floats":
    """The first day with need that no stock serves, on each path, at most ten years away."""
    import numpy as np

    inside = (np.cumsum(paths.unmet, 2) == 0).sum(2) + 1
    beyond = np.minimum(paths.days + (paths.left + 1) / paths.rate, 10 * YEAR)
    return np.where(inside <= paths.days, inside, np.maximum(beyond, paths.days + 1))
