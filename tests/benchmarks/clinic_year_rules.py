"""The rules that ours is played against in the clinic-year: what software for stock does, from the simplest
to the best published that we tried. Each sees history, bookings, stock, and master data, never the future.

Minimum and maximum are set once a year, as they are in practice; the others look again on every order day.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.benchmarks.clinic_year import HISTORY, ITEMS, LATE, LATE_CHANCES, World
from tests.benchmarks.clinic_year_run import HOLDING, ORDER_LINE, Shelves

MEAN_LATE = sum(late * chance for late, chance in zip(LATE, LATE_CHANCES, strict=True))
"""These rules are told how late suppliers are; ours must learn it."""
LATE_VARIANCE = sum(late**2 * chance for late, chance in zip(LATE, LATE_CHANCES, strict=True)) - MEAN_LATE**2
WINDOW = 180
SHARE_OF_LIFE = 0.7  # an order covers no more of the nominal life


@dataclass
class MinMax:
    """Order up to a maximum at or below a minimum: days of last year's use, a pair for all or for each."""

    world: World
    days: Sequence[tuple[int, int]]  # safety and cover, by item

    def __post_init__(self) -> None:
        """Set the levels for the year."""
        used = self.world.needed[:, :HISTORY].sum(1) / HISTORY
        self.least, self.most = [], []
        for ware, rate, (safety, cover) in zip(self.world.wares, used, self.days, strict=True):
            self.least.append(max(1, math.ceil(rate * (ware.delivery + ware.review + safety))))
            self.most.append(self.least[-1] + max(1, math.ceil(rate * cover)))

    def __call__(self, shelves: Shelves, day: int, due: Sequence[int]) -> dict[int, int]:
        """Packs to order today."""
        orders = {}
        for item in due:
            position = shelves.position(item)
            if position <= self.least[item]:
                orders[item] = math.ceil((self.most[item] - position) / self.world.wares[item].pack)
        return orders


def same_for_all(world: World, safety: int, cover: int) -> MinMax:
    """Minimum and maximum with one pair of days for every item."""
    return MinMax(world, [(safety, cover)] * ITEMS)


@dataclass
class ReorderPoint:
    """Whole packs of the economic order quantity when the position falls below need and safety stock.

    With `cap`, never more than can be used within most of the shelf life; with `ages`, the position leaves
    out what is expected to expire before the next delivery (estimated withdrawal and ageing, Broekmeulen
    and van Donselaar 2009); with `bookings`, the need of the interval is what is booked and what is not yet.
    """

    world: World
    z: float
    cap: bool = False
    ages: bool = False
    bookings: bool = False
    calendar: "Calendar | None" = field(default=None)

    def __call__(self, shelves: Shelves, day: int, due: Sequence[int]) -> dict[int, int]:
        """Packs to order today."""
        recent = self.world.needed[:, HISTORY + day - WINDOW : HISTORY + day]
        if self.bookings and self.calendar is None:
            self.calendar = Calendar(self.world)
        if self.calendar is not None:
            self.calendar.look(day)
        return {item: self._packs(shelves, day, item, recent[item]) for item in due}

    def _packs(self, shelves: Shelves, day: int, item: int, recent: Any) -> int:
        ware = self.world.wares[item]
        rate, variance = (float(recent.sum()) + 0.25) / WINDOW, float(recent.var()) + 0.25 / WINDOW
        interval = ware.delivery + MEAN_LATE + ware.review
        mean, spread = rate * interval, variance * interval
        if self.calendar is not None:
            mean, spread = self.calendar.need(item, day, math.ceil(interval))
        point = mean + safety_stock(self.z, spread, rate=rate, late_variance=LATE_VARIANCE)
        position = shelves.position(item) - (
            _outdating(shelves, day, item, rate, interval) if self.ages else 0
        )
        if position >= point:
            return 0
        economic = economic_quantity(ORDER_LINE, rate * 365, HOLDING * ware.price)
        packs = max(math.ceil((point - position) / ware.pack), 1, round(economic / ware.pack))
        if self.cap:
            left = max(0.0, shelves.position(item) - rate * interval)
            room = math.floor((rate * ware.life * SHARE_OF_LIFE - left) / ware.pack)
            packs = max(1, min(packs, max(room, 1)))
        return packs


def economic_quantity(order_cost: float, a_year: float, held_a_year: float) -> float:
    """Harris's quantity, at which ordering costs as much as holding."""
    return math.sqrt(2 * order_cost * a_year / held_a_year)


def safety_stock(z: float, variance: float, *, rate: float = 0.0, late_variance: float = 0.0) -> float:
    """What covers the need of an interval by `z` deviations: its own, and that of the delivery time."""
    return z * math.sqrt(variance + rate**2 * late_variance)


def _outdating(shelves: Shelves, day: int, item: int, rate: float, interval: float) -> float:
    """Containers expected to expire within an interval, used first expired, first out at the mean rate."""
    used = lost = 0.0
    for last_day, count in shelves.lots[item]:
        taken = min(float(count), max(0.0, rate * (last_day - day) - used))
        used += taken
        if last_day < day + interval:
            lost += count - taken
    return lost


class Calendar:
    """What the calendar of bookings tells about the need of an interval: its mean and variance."""

    def __init__(self, world: World) -> None:
        self.world = world
        kept = [line for line in world.lines if line.kept]
        self.used = np.array([(line.day, line.item, line.day - line.made) for line in kept])
        self.booked = [line for line in world.lines if line.made < line.day]
        self.days = np.array([line.day for line in self.booked])
        self.shows = np.array([line.kept for line in self.booked])

    def look(self, day: int) -> None:
        """Learn from the last half year, and open the calendar of the next 60 days."""
        first, last = np.searchsorted(self.used[:, 0], [day - WINDOW, day])
        seen = self.used[first:last]
        self.rate = (np.bincount(seen[:, 1], minlength=ITEMS) + 0.25) / WINDOW
        leads = np.zeros((ITEMS, 64))
        np.add.at(leads, (seen[:, 1], np.minimum(seen[:, 2], 63)), 1.0)
        later = leads.cumsum(1)
        clinic = later.sum(0) / leads.sum()
        self.unknown = (later + 10 * clinic) / (leads.sum(1)[:, None] + 10)
        opened = self.world.needed[:, HISTORY + day - WINDOW : HISTORY + day].sum(1)
        self.per_line = np.maximum((opened + 0.5) / (leads.sum(1) + 1), 1e-3)
        first, last = np.searchsorted(self.days, [day - WINDOW, day])
        self.show = float(self.shows[first:last].mean())
        first, last = np.searchsorted(self.days, [day + 1, day + 61])
        self.ahead: list[list[int]] = [[] for _ in range(ITEMS)]
        for line in self.booked[first:last]:
            if line.made <= day < line.gone:
                self.ahead[line.item].append(line.day - day)

    def need(self, item: int, day: int, interval: int) -> tuple[float, float]:
        """Mean and variance of the containers needed within an interval."""
        walk_ins = self.rate[item] * float(self.unknown[item, :interval].sum())
        booked = sum(1 for lag in self.ahead[item] if lag <= interval)
        lines = walk_ins + booked * self.show
        spread = walk_ins + booked * self.show * (1 - self.show)
        per_line = float(self.per_line[item])
        return lines * per_line, spread * max(per_line, per_line**2)
