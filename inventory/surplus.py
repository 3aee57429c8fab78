"""Surplus: what an item will use in date of what another site will not, instead of buying it (O2).

Floats; no database, no clock. Days are whole numbers from today (0); containers are whole.
"""

from inventory.futures import Item


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
