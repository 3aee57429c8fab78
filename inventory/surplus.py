"""Surplus: what one site will not use before it expires, and another site can instead of buying it (O2).

Numpy and floats; no database, no clock. Days are whole numbers from today (0); containers are whole.
"""

from collections.abc import Sequence

from inventory import futures
from inventory.futures import Item

SURE = 0.9  # a site can spare what it will not need in so many of all cases


def spare(items: Sequence[Item], *, seed: int, paths: int = 128) -> list[tuple[tuple[int, int], ...]]:
    """Of each item the lots (last day, containers) that a site can offer to others: what it will expire with
    in nine of ten cases, used first expired, first out."""
    import numpy as np

    found = []
    for item in items:
        random = np.random.default_rng([seed, item.key])
        demand, used, lots = item.demand, 0.0, []
        rate = random.gamma(demand.shape, demand.per_day / demand.shape, paths) * demand.lines_per_fresh
        for last_day, containers in sorted(item.lots):
            needed = random.poisson(rate * min(max(last_day, 0), futures.FAR)) * demand.containers_per_line
            taken = min(float(containers), max(0.0, float(np.quantile(needed, SURE)) - used))
            used += taken
            if last_day >= 1 and containers - taken >= 1:
                lots.append((last_day, int(containers - taken)))
        found.append(tuple(lots))
    return found


def usable(item: Item, room: int) -> tuple[tuple[int, int], ...]:
    """Of the lots offered to an item what it will use in date after its own stock, and at most `room`."""
    held = sum(count for _, count in item.lots) + sum(count for _, count in item.coming)
    lots = []
    for last_day, containers in sorted(item.offered):
        taken = min(containers, room, int(max(0.0, _expected(item, last_day) - held)))
        if taken:
            lots.append((last_day, taken))
            room, held = room - taken, held + taken
    return tuple(lots)


def _expected(item: Item, last_day: int) -> float:
    """Containers that will be opened by a day: for walk-ins and later bookings, or for what is booked now
    where that is more."""
    demand, vessel = item.demand, item.vessel
    booked = sum(
        chance * (-(-dose // vessel.content) if vessel.single else dose / vessel.content)
        for lag, dose, chance in demand.booked
        if lag <= last_day
    )
    fresh = demand.per_day * demand.containers_per_line * last_day
    return max(fresh + booked, fresh * demand.lines_per_fresh)
