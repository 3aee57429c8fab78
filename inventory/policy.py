"""Policy: what to order of which item today, by weighing what waiting risks against what ordering costs (O2).

A rolling Monte-Carlo marginal-cost rule. On an order day, for each item:

1. Draw paths: ways the need may go until an order of the next order day would come (`forecasting`), when
   deliveries come, how long a new lot keeps. Age the stock without a new order, first expired, first out.
   What stays unmet is what a new lot could serve (`new_lot`).
2. Of all candidate quantities take the one whose order line, holding, expiry and price cost least per day
   that it covers: a lot covers no day after its expiry, so nobody is told to buy what expires. What only may
   expire counts in part, for such a lot lasts to a day that is known (`new_lot.SPOILS`).
3. Order it now only if waiting until the next order day would lose more (lines times what one is worth) than
   ordering now costs (holding it longer, more of it expiring, starting the next cycle sooner).
   An item for which that never pays is better ordered per patient.
4. What another site can spare is fetched before anything is bought. What an order costs whatever its lines
   is shared by them; lines that could wait join an order that is else too small, or not shipped free.

`advise` is a pure function of plain data that an outside simulator may call, for one supplier's order at one
site and day. For each item build a `futures.Item`:

- `vessel`, `terms`: what a container holds (whole numbers of a smallest unit of your choice), whether it is
  one patient's, days in use; containers in a pack, price of a container, least packs, price breaks;
- `demand`: from `forecasting.learn`, which wants each line of the past (item, days ago, dose, days that it
  had been booked), past bookings with what became of them, and the bookings ahead;
- `lots`, `opened`, `coming`: sealed lots (last usable day from today, containers), the open container (left,
  last day), orders under way (days since ordered, containers);
- `delivery_days`, `lives`: samples from receipts (`forecasting.delivery_days`, `forecasting.lives`);
- `next_order_in`: days until the supplier takes the next order; `key`: seeds the item's paths.

Then `advise(items, Economics(...), seed=DAY, order=OrderTerms(...))[n].packs` is what to order of item n.
Each item draws from a generator of its own, seeded by `seed` and its key: the same day gives the same advice,
whichever other items are asked about with it. `tests/benchmarks/clinic_year_ours.py` is such a caller.

Numpy and floats; no database, no clock. Days are whole numbers from today (0); containers are whole; money
is the clinic's currency. Lateness and life at receipt are samples from receipts, never assumptions here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from inventory import futures, new_lot, surplus
from inventory.futures import Item, Paths
from inventory.new_lot import Best

if TYPE_CHECKING:
    from inventory.forecasting import Floats, Whole

PATHS = 128
TILT = 2.0  # lost sessions come of large need, which gets more paths than its share
BLOCK = 256  # items worked on at once, which bounds the memory
SHORTEST, LONGEST = 14, 400  # days looked ahead
ROUNDS, MOST_SPOILT = 4, 0.1  # to make an order large enough; the share of it that may expire then
EMPTY = 0.9  # of all lines are lost: the shelf is empty
CAUTION = 2.0  # the paths do not know all that may go wrong: what waiting risks counts so many times


@dataclass(frozen=True)
class Economics:
    """What things cost, in money."""

    line_cost: float = 8.0  # an order line: writing, receiving, putting away
    order_cost: float = 0.0  # an order, whatever its lines: freight, a cold box
    holding_per_year: float = 0.25  # of a container's price
    disposal: float = 1.0  # of an expired container, beyond its price
    lost_line: float = 60.0  # margin lost where an item is missing for a session
    transfer_cost: float = 4.0  # fetching an item from another site


@dataclass(frozen=True)
class OrderTerms:
    """What a supplier asks of a whole order, in money."""

    least: float = 0.0  # it takes no smaller order
    freight: float = 0.0  # it charges so much ...
    free_from: float | None = None  # ... unless the order is worth this

    def freight_of(self, worth: float) -> float:
        """What an order of that worth is charged."""
        return 0.0 if self.free_from is not None and worth >= self.free_from else self.freight


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
    lost_share: float  # of the lines that are asked for meanwhile
    holding: float  # money, for having it earlier
    expiry: float  # money, for what more of it would expire
    sooner: float  # money, for starting the next cycle earlier
    cost_per_day: float  # of keeping the item, at the best quantity, as it was chosen (`new_lot.SPOILS`)
    expected_waste: float  # containers of the best quantity that will expire
    at_risk: float  # containers on the shelf expected to expire within `days`
    stock_out_day: tuple[int, int, int]  # without an order: 10 % earlier, median, 90 %
    met: float  # share of the need that is met until the next delivery after this one, if it is ordered
    met_waiting: float  # the same if it is not
    per_patient: bool  # a shelf never pays: order it for the patient who needs it
    days: int  # looked ahead
    fetch: int = 0  # containers to fetch from another site; the rest is about what is then missing
    joined: bool = False  # it could wait, and is ordered to make the order large enough
    grown: bool = False  # more than would be ordered by itself, likewise
    too_slow: bool = False  # it takes longer to come than it keeps: never ordered for the shelf

    @property
    def service_level(self) -> float:
        """What share of the need is met if the advice is taken."""
        return self.met if self.packs else self.met_waiting

    @property
    def urgent(self) -> bool:
        """The shelf is empty of what pays: waiting on would lose as much every time."""
        return self.lost_share > EMPTY and not self.per_patient

    @property
    def gain(self) -> float:
        """What ordering today is worth against waiting."""
        return CAUTION * self.lost_sales - self.holding - self.expiry - self.sooner


def advise(
    items: Sequence[Item], economics: Economics, *, seed: int, paths: int = PATHS,
    order: OrderTerms = OrderTerms(),
) -> list[Advice]:  # fmt: skip
    """The advice on each item of one supplier's order, in the order given.

    Where an order costs something of its own, it waits until its lines together are worth it, for others may
    join, or until an item that pays its share is out; its lines are sized with their share of it. Where the
    supplier takes no order so small, or ships a larger one free, lines that could wait join it, if having
    them sooner costs less than that is worth; if that is not enough for it, lines are larger where that pays.
    """
    first = _each(items, economics, seed=seed, paths=paths, setup=economics.line_cost)
    items, first = _fetched(items, first, economics, seed=seed, paths=paths)
    lines = sum(1 for one in first if one.packs)
    cost = economics.order_cost + order.freight_of(_worth(items, first))
    if lines and cost:
        shared = economics.line_cost + cost / lines
        sized = _each(items, economics, seed=seed, paths=paths, setup=shared)
        wanted = [joint for alone, joint in zip(first, sized, strict=True) if alone.packs and joint.packs]
        if not any(joint.urgent for joint in wanted) and sum(one.gain for one in first if one.packs) <= cost:
            return [replace(one, packs=0) for one in first]
        first = [
            replace(joint, fetch=alone.fetch) if alone.packs and joint.packs else alone
            for alone, joint in zip(first, sized, strict=True)
        ]
    advice = _large_enough(items, first, order)
    small = 0 < _worth(items, advice) < order.least
    return _grown(items, advice, economics, order.least, seed=seed, paths=paths) if small else advice


def _worth(items: Sequence[Item], advice: Sequence[Advice]) -> float:
    """What the packs cost."""
    return sum(
        one.packs * item.terms.pack * item.terms.price_at(one.packs)
        for item, one in zip(items, advice, strict=True)
        if one.packs
    )


def _large_enough(items: Sequence[Item], advice: list[Advice], order: OrderTerms) -> list[Advice]:
    """Let lines that could wait join an order that is else refused, or would be shipped free if larger."""
    if 0 < _worth(items, advice) < order.least:
        advice = _filled(items, advice, order.least, sum(one.gain for one in advice if one.packs))
    worth = _worth(items, advice)
    if worth and order.free_from is not None and worth < order.free_from:
        return _filled(items, advice, order.free_from, order.freight)
    return advice


def _filled(items: Sequence[Item], advice: list[Advice], target: float, worth: float) -> list[Advice]:
    """The order with the lines that lose least by coming sooner, until it reaches the target; as it was if
    they lose more than that is worth."""
    filled, missing, lost = list(advice), target - _worth(items, advice), 0.0
    waiting = []
    for at, (item, one) in enumerate(zip(items, advice, strict=True)):
        price = one.best_packs * item.terms.pack * item.terms.price_at(one.best_packs)
        if not one.packs and price and not (one.per_patient or one.too_slow):
            waiting.append((max(0.0, -one.gain) / price, at, price))
    for each, at, price in sorted(waiting):
        if missing <= 0:
            break
        missing, lost = missing - price, lost + each * price
        filled[at] = replace(filled[at], packs=filled[at].best_packs, joined=True)
    return filled if missing <= 0 and lost < worth else advice


def _grown(
    items: Sequence[Item], advice: list[Advice], economics: Economics, least: float, *, seed: int, paths: int
) -> list[Advice]:
    """An order's lines so much larger that its supplier takes it; none where that does not pay or expires."""
    grown, places = list(advice), [at for at, one in enumerate(advice) if one.packs]
    for _ in range(ROUNDS):
        times = least / max(_worth(items, grown), 0.01)
        wanted = {at: ceil(grown[at].packs * times) for at in places}
        larger = [replace(items[at], terms=replace(items[at].terms, least=wanted[at])) for at in places]
        found = _each(larger, economics, seed=seed, paths=paths, setup=economics.line_cost)
        for at, one in zip(places, found, strict=True):
            kept = one.expected_waste <= MOST_SPOILT * one.packs * items[at].terms.pack
            grown[at] = replace(one, packs=one.packs if kept else 0, fetch=advice[at].fetch, grown=True)
        if not all(grown[at].packs for at in places):
            break
        if _worth(items, grown) >= least:
            return grown
    return [replace(one, packs=0) for one in advice]


def _fetched(
    items: Sequence[Item], advice: list[Advice], economics: Economics, *, seed: int, paths: int
) -> tuple[Sequence[Item], list[Advice]]:
    """Fetch what another site can spare of what would be bought, as far as it will be used in date; then see
    what is still to be bought."""
    changed, again = list(items), {}
    for at, (item, one) in enumerate(zip(items, advice, strict=True)):
        lots = surplus.usable(item, one.best_packs * item.terms.pack) if one.packs else ()
        if sum(count for _, count in lots) * item.terms.price > economics.transfer_cost:
            changed[at] = replace(item, lots=(*item.lots, *lots), offered=())
            again[at] = sum(count for _, count in lots)
    if not again:
        return items, advice
    renewed = _each(
        [changed[at] for at in again], economics, seed=seed, paths=paths, setup=economics.line_cost
    )
    found = dict(zip(again, renewed, strict=True))
    return changed, [
        replace(found[at], fetch=again[at]) if at in found else one for at, one in enumerate(advice)
    ]


def _each(
    items: Sequence[Item], economics: Economics, *, seed: int, paths: int, setup: float
) -> list[Advice]:
    """The advice on each item by itself; items that look about as far ahead are worked on together."""
    advice: dict[int, Advice] = {}
    for days, places in _alike(items):
        group = [items[place] for place in places]
        drawn = futures.draw(group, seed=seed, paths=paths, days=days, tilt=TILT)
        found = _decided(drawn, economics, setup)
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


def _decided(paths: Paths, economics: Economics, setup: float) -> list[Advice]:
    """Weigh waiting for the next order day against ordering the best quantity now."""
    import numpy as np

    lot = new_lot.meets(paths)
    best = new_lot.best(
        paths,
        lot,
        setup=setup,
        holding_per_year=economics.holding_per_year,
        disposal=economics.disposal,
    )
    terms = [item.terms for item in paths.items]
    price = np.array([one.price for one in terms])
    containers: Whole = best.packs * np.array([one.pack for one in terms])
    till = np.clip(lot.later - 1, 1, paths.days)[:, :, None] - 1
    serves = np.minimum(1, containers[:, None] / np.maximum(lot.missing, 1))
    between = new_lot.between(paths.items, paths.days)
    lost = np.einsum("ipd,id->ip", paths.lost, between) * serves
    meanwhile = paths.mean(np.einsum("ipd,id->ip", paths.lines, between))
    day = np.arange(1, paths.days + 1)
    waiting = (day >= lot.arrives[:, :, None]) & (day < lot.later[:, :, None])
    early = paths.mean(np.maximum(np.minimum(lot.first_use, lot.later) - lot.arrives, 0))
    sooner = paths.mean(lot.sooner(containers, paths))
    waste = np.maximum(containers[:, None] - lot.usable, 0)
    more = paths.mean(waste - np.maximum(containers[:, None] - lot.usable_later, 0))
    per_line = np.maximum([item.demand.containers_per_line for item in paths.items], 1e-3)
    return _said(
        paths,
        best,
        lost_sales=economics.lost_line * paths.mean(lost),
        lost_share=paths.mean(lost) / np.maximum(meanwhile, 1e-9),
        lost_chance=paths.mean(((paths.lost > 0) & waiting).any(2)),
        holding=economics.holding_per_year / 365 * price * containers * early,
        expiry=(price + economics.disposal) * np.maximum(more, 0),
        sooner=best.per_day * sooner,
        lines_a_day=paths.mean(paths.rate) / per_line,
        economics=economics,
        unmet=paths.mean(np.take_along_axis(np.cumsum(paths.unmet, 2), till, 2)[:, :, 0]),
        saved=paths.mean(np.minimum(lot.missing, containers[:, None])),
        asked=paths.mean(np.take_along_axis(np.cumsum(paths.need, 2), till, 2)[:, :, 0]),
    )


def _said(
    paths: Paths, best: Best, *, economics: Economics, lines_a_day: "Floats", unmet: "Floats",
    saved: "Floats", asked: "Floats", **money: "Floats",
) -> list[Advice]:  # fmt: skip
    """The advice in numbers, one item after the other."""
    import numpy as np

    tenth, half, most = (paths.quantile(paths.stock_outs(), share) for share in (0.1, 0.5, 0.9))
    wasted = paths.mean(paths.wasted)
    found = []
    for at, item in enumerate(paths.items):
        weighed = {name: float(values[at]) for name, values in money.items()}
        cost = weighed["holding"] + weighed["expiry"] + weighed["sooner"]
        too_slow = float(np.median(item.delivery_days)) > float(np.median(item.lives))
        per_patient = CAUTION * economics.lost_line * float(lines_a_day[at]) < float(best.per_day[at])
        booked = any(lag <= paths.days for lag, _, _ in item.demand.booked)
        ordered = CAUTION * weighed["lost_sales"] > cost and not too_slow and (booked or not per_patient)
        need = max(float(asked[at]), 1e-9)
        found.append(
            Advice(
                key=item.key,
                packs=int(best.packs[at]) if ordered else 0,
                best_packs=int(best.packs[at]),
                cost_per_day=float(best.per_day[at]),
                expected_waste=float(best.waste[at]),
                at_risk=float(wasted[at]),
                stock_out_day=(int(tenth[at]), int(half[at]), int(most[at])),
                met=1 - float(unmet[at] - saved[at]) / need,
                met_waiting=1 - float(unmet[at]) / need,
                per_patient=per_patient,
                days=paths.days,
                too_slow=too_slow,
                lost_sales=weighed["lost_sales"],
                lost_chance=weighed["lost_chance"],
                lost_share=weighed["lost_share"],
                holding=weighed["holding"],
                expiry=weighed["expiry"],
                sooner=weighed["sooner"],
            )
        )
    return found
