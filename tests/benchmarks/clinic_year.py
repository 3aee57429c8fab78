"""Clinic-year: a made-up clinic of 60 items, a year that its ledger shows and a year to be lived through.

Everything is drawn from a seed: items, suppliers, formulations whose popularity drifts and swings with the
season, walk-ins and courses whose patients drop out or move. Delivery times and life at receipt are drawn
by the day of ordering, so that every rule meets the same luck. Nothing of ours is in it. No public data of
mesotherapy clinics was found: the parameters are assumptions, and gains hold for this clinic.

Day 0 is a Monday; days -365 to -1 are history, 0 to 364 are scored. Volumes are in half millilitres.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

HISTORY, YEAR, TAIL = 365, 365, 200
ITEMS, FORMULATIONS = 60, 25
LATE, LATE_CHANCES = (0, 1, 2, 5), (0.60, 0.20, 0.12, 0.08)
BUSY = (0.8, 1.0, 1.0, 1.1, 1.3, 0.8, 0.0)  # Monday first; closed on Sundays
DROP_OUT, MOVED = 0.06, 0.10  # a session
LEAST_LIFE = 7  # days at receipt
SUPPLIER_DAYS = (2, 4, 7, 10, 14)  # from order to receipt, if not late
ORDER_DAYS = ((0, 3), (0,), (0, 3), (0,), (0,))  # weekdays on which a supplier takes orders


class Line(NamedTuple):
    """An item asked for by a session: when it is due, and between which days the calendar shows it."""

    day: int
    item: int
    dose: int
    made: int
    gone: int
    kept: bool


class Receipt(NamedTuple):
    """A delivery of the year before: what a ledger tells about a supplier."""

    item: int
    received: int
    late: int
    life: int


@dataclass(frozen=True)
class Ware:
    """An item as its label and its supplier describe it."""

    single: bool
    content: int
    in_use: int
    price: float
    life: int  # nominal, days
    pack: int
    supplier: int

    @property
    def delivery(self) -> int:
        """Days that the supplier promises."""
        return SUPPLIER_DAYS[self.supplier]

    @property
    def order_days(self) -> tuple[int, ...]:
        """Weekdays on which it may be ordered."""
        return ORDER_DAYS[self.supplier]

    @property
    def review(self) -> float:
        """Days between two order days, on average."""
        return 7 / len(self.order_days)

    def next_order_in(self, day: int) -> int:
        """Days until the next order day after a day."""
        return next(ahead for ahead in range(1, 8) if (day + ahead) % 7 in self.order_days)


@dataclass(frozen=True)
class World:
    """One clinic and its luck."""

    seed: int
    wares: list[Ware]
    lines: list[Line]  # by day
    delivery: Any  # days to receipt of what is ordered, [item, day]
    life: Any  # days of life at receipt of it, [item, day]
    luck: Any  # of the first lots, [item, 3]
    receipts: list[Receipt]

    @cached_property
    def sessions(self) -> dict[int, list[Line]]:
        """What is really asked for, by day."""
        by_day: dict[int, list[Line]] = defaultdict(list)
        for line in self.lines:
            if line.kept:
                by_day[line.day].append(line)
        return by_day

    @cached_property
    def needed(self) -> Any:
        """Containers opened if every line since the beginning is served, [item, day + 365]."""
        return self._opened[0]

    @cached_property
    def open_at_start(self) -> list[tuple[int, int]]:
        """What is left in each item's open container on day 0, and its last day."""
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Any, list[tuple[int, int]]]:
        needed = np.zeros((ITEMS, HISTORY + YEAR + TAIL), dtype=np.int64)
        left, until, start = [0] * ITEMS, [-HISTORY - 1] * ITEMS, [(0, -1)] * ITEMS
        for day in range(-HISTORY, YEAR + TAIL):
            if day == 0:
                start = list(zip(left, until, strict=True))
            for line in self.sessions.get(day, []):
                ware, item = self.wares[line.item], line.item
                have = 0 if ware.single or until[item] < day else left[item]
                fresh = max(0, -(-(line.dose - have) // ware.content))
                needed[item, day + HISTORY] += fresh
                if not ware.single:
                    left[item] = have + fresh * ware.content - line.dose
                    until[item] = day + ware.in_use if fresh else until[item]
        return needed, start

    @cached_property
    def first_lots(self) -> list[list[tuple[int, int]]]:
        """The stock of day 0: 25 days of use in three lots, as last day and containers."""
        found = []
        for item, ware in enumerate(self.wares):
            total = max(1, math.ceil(self.needed[item, :HISTORY].sum() / HISTORY * 25))
            parts = [math.floor(total * 0.3), math.floor(total * 0.3)]
            parts.append(total - sum(parts))
            ends = [max(10, int(ware.life * (0.15 + 0.2 * k + 0.25 * self.luck[item, k]))) for k in range(3)]
            found.append(list(zip(sorted(ends), parts, strict=True)))
        return found


def world(seed: int) -> World:
    """The clinic of a seed."""
    random = np.random.default_rng(np.random.SeedSequence([20240607, seed]))
    wares = _wares(random)
    return _site(random, seed, wares, _recipes(random, wares))


def sites(seed: int) -> list[World]:
    """A clinic of two sites that work with the items and formulations of that clinic, at half its business
    each; sessions, tastes, first lots, deliveries and lives are each site's own."""
    random = np.random.default_rng(np.random.SeedSequence([20240607, seed]))
    wares = _wares(random)
    recipes = _recipes(random, wares)
    return [
        _site(np.random.default_rng(np.random.SeedSequence([20240610, own])), own, wares, recipes, share=0.5)
        for own in (2 * seed, 2 * seed + 1)
    ]


def _site(
    random: Any, seed: int, wares: list[Ware], recipes: list[list[tuple[int, int]]], share: float = 1.0
) -> World:
    """A share of the business, and its luck."""
    lines = _lines(random, recipes, share)
    promised = np.array([ware.delivery for ware in wares])
    delivery = promised[:, None] + random.choice(LATE, (ITEMS, YEAR), p=LATE_CHANCES)
    nominal = np.array([ware.life for ware in wares])
    life = np.maximum(LEAST_LIFE, (nominal[:, None] * random.uniform(0.45, 1.0, (ITEMS, YEAR))).astype(int))
    luck = random.random((ITEMS, 3))
    return World(seed, wares, lines, delivery, life, luck, _receipts(seed, wares))


def _wares(random: Any) -> list[Ware]:
    """Items: a third in single-dose containers; what is short-lived comes in small packs."""
    single = random.random(ITEMS) < 0.35
    small = random.choice([2, 4, 5, 6, 10], ITEMS)
    large = random.choice([10, 16, 20, 40, 60], ITEMS, p=[0.2, 0.15, 0.35, 0.2, 0.1])
    in_use = random.choice([1, 7, 14, 28], ITEMS, p=[0.15, 0.25, 0.2, 0.4])
    cheap = np.exp(random.normal(np.log(8), 0.5, ITEMS))
    dear = np.exp(random.normal(np.log(24), 0.55, ITEMS))
    price = np.where(single, cheap, dear).clip(2.5, 120).round(2)
    life = random.choice([45, 90, 180, 270, 365, 540], ITEMS, p=[0.12, 0.13, 0.25, 0.2, 0.2, 0.1])
    of_single = random.choice([1, 5, 10, 20], ITEMS, p=[0.1, 0.4, 0.35, 0.15])
    of_multi = random.choice([1, 2, 5, 10], ITEMS, p=[0.4, 0.2, 0.25, 0.15])
    pack = np.where(single, of_single, of_multi)
    pack = np.where(life <= 45, np.minimum(pack, 2), np.where(life <= 90, np.minimum(pack, 5), pack))
    supplier = random.choice(5, ITEMS, p=[0.25, 0.25, 0.2, 0.15, 0.15])
    return [
        Ware(
            bool(single[item]),
            int(small[item] if single[item] else large[item]),
            0 if single[item] else int(in_use[item]),
            float(price[item]),
            int(life[item]),
            int(pack[item]),
            int(supplier[item]),
        )
        for item in range(ITEMS)
    ]


def _recipes(random: Any, wares: list[Ware]) -> list[list[tuple[int, int]]]:
    """Formulations as items and doses: every item is in one at least, none has more than six."""
    recipes: list[list[int]] = [[] for _ in range(FORMULATIONS)]
    for place, item in enumerate(random.permutation(ITEMS)):
        recipes[place % FORMULATIONS].append(int(item))
    for recipe in recipes:
        for _ in range(int(random.integers(0, 3))):
            item = int(random.choice(ITEMS, p=None))
            if item not in recipe and len(recipe) < 6:
                recipe.append(item)
    return [[(item, _dose(random, wares[item])) for item in recipe] for recipe in recipes]


def _dose(random: Any, ware: Ware) -> int:
    if ware.single:
        return int(random.choice([2, 4, 5, 6, 10]))
    return int(min(ware.content, random.choice([1, 2, 3, 4, 5, 6])))


def _lines(random: Any, recipes: list[list[tuple[int, int]]], share: float) -> list[Line]:
    """Two years of sessions: walk-ins on their day, courses booked when they begin."""
    popular = 1 / (1 + np.arange(FORMULATIONS)) ** 0.9
    walk_ins, courses = random.uniform(3, 6), random.uniform(0.5, 1.2)
    phase = random.uniform(0, 2 * np.pi)
    quarters = (HISTORY + YEAR + TAIL) // 90 + 2
    popular = popular * np.exp(np.cumsum(random.normal(0, 0.25, (quarters, FORMULATIONS)), 0))
    popular /= popular.sum(1, keepdims=True)
    lines: list[Line] = []
    for day in range(-HISTORY - 160, YEAR + TAIL):
        busy = BUSY[day % 7]
        if not busy:
            continue
        busy = share * busy * (1 + 0.2 * np.sin(2 * np.pi * day / 365 + phase))
        liked = popular[max(0, (day + HISTORY) // 90)]
        for _ in range(random.poisson(walk_ins * busy)):
            recipe = recipes[random.choice(FORMULATIONS, p=liked)]
            lines += [Line(day, item, dose, day, day, True) for item, dose in recipe]
        for _ in range(random.poisson(courses * busy)):
            lines += _course(random, recipes[random.choice(FORMULATIONS, p=liked)], day)
    return sorted(
        (line for line in lines if -HISTORY <= line.day < YEAR + TAIL),
        key=lambda line: line.day,
    )


def _course(random: Any, recipe: list[tuple[int, int]], made: int) -> list[Line]:
    """The sessions of a course: some patients drop out, some sessions move by a few days."""
    sessions, gap = int(random.integers(3, 7)), int(random.choice([14, 21, 28]))
    first, dropped, lines = made + int(random.integers(1, 11)), None, []
    for nth in range(sessions):
        day = _open(first + nth * gap)
        if dropped is None and nth and random.random() < DROP_OUT:
            dropped = day - int(random.integers(0, gap))
        if dropped is not None:
            lines += [Line(day, item, dose, made, min(dropped, day), False) for item, dose in recipe]
        elif random.random() < MOVED:
            later = _open(day + int(random.integers(1, 8)))
            for item, dose in recipe:
                lines.append(Line(day, item, dose, made, day, False))
                lines.append(Line(later, item, dose, day, later, True))
        else:
            lines += [Line(day, item, dose, made, day, True) for item, dose in recipe]
    return lines


def _open(day: int) -> int:
    return day + 1 if day % 7 == 6 else day


def _receipts(seed: int, wares: list[Ware]) -> list[Receipt]:
    """A delivery of each item a month in the year before, from a generator of their own."""
    random = np.random.default_rng(np.random.SeedSequence([20240608, seed]))
    found = []
    for item, ware in enumerate(wares):
        for ordered in range(-HISTORY + int(random.integers(0, 30)), -ware.delivery - max(LATE), 30):
            late = int(random.choice(LATE, p=LATE_CHANCES))
            life = max(LEAST_LIFE, int(ware.life * random.uniform(0.45, 1.0)))
            found.append(Receipt(item, ordered + ware.delivery + late, late, life))
    return sorted(found, key=lambda receipt: receipt.received)
