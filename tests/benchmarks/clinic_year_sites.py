"""A clinic-year of two sites: each buys by itself, or first fetches what the other will not use in date (O2).

What a site can spare is told by the product's own rule from facts such as a book would show; what is fetched
of it, by the code that gives advice. Containers that are fetched leave the other site in the evening with
their last days, and arrive the next morning. Only what an order would else buy is fetched here: the product
also offers what lacks between two order days.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from inventory import elsewhere, futures, policy, surplus
from inventory.defaults import Settings
from inventory.futures import Item
from inventory.policy import Economics
from inventory.usage import Batch, ItemFacts
from tests.benchmarks.clinic_year import HISTORY, ITEMS, TAIL, YEAR, World, sites
from tests.benchmarks.clinic_year_ours import Ours
from tests.benchmarks.clinic_year_run import Outcome, Shelves, outcome

MONDAY = date(2024, 1, 1)  # day 0
WINDOW = Settings.usage_window_days
AHEAD = elsewhere.HORIZON.days + 1
ENOUGH = 10**6  # containers


@dataclass
class Site:
    """The shelves of a site, what is on the way to it, and its ordering."""

    world: World
    paths: int = policy.PATHS
    shelves: Shelves = field(init=False)
    ours: Ours = field(init=False)
    on_the_way: list[tuple[int, int, int]] = field(default_factory=list)  # item, last day, containers
    fetches: int = 0

    def __post_init__(self) -> None:
        """Start with the stock of day 0."""
        self.shelves = Shelves(self.world)
        self.ours = Ours(self.world, paths=self.paths)

    def receive(self) -> None:
        """Put away what was fetched."""
        for item, last_day, count in self.on_the_way:
            self.shelves.lots[item] = sorted([*self.shelves.lots[item], [last_day, count]])
        self.on_the_way = []

    def containers(self, item: int) -> int:
        """All of an item that is here, on order, or fetched and on the way."""
        return self.shelves.position(item) + sum(count for one, _, count in self.on_the_way if one == item)

    @cached_property
    def used(self) -> tuple[Any, Any]:
        """What walk-ins and opening took, and what they and courses did, [item, day + 365], if every line is
        served: lost lines are too few to matter."""
        full = Shelves(self.world)
        full.lots = [[[YEAR + TAIL, ENOUGH]] for _ in range(ITEMS)]
        full.opened = [(0, -HISTORY - 1)] * ITEMS
        walk_ins, used = np.zeros((2, ITEMS, HISTORY + YEAR + TAIL), dtype=np.int64)
        for line in self.world.lines:
            if line.kept:
                item, at = line.item, line.day + HISTORY
                before = _held(full, item)
                full.serve(item, line.dose, line.day)
                taken = before - _held(full, item)
                used[item, at] += taken
                of_course = line.made < line.day
                course = (taken if self.world.wares[item].single else line.dose) if of_course else 0
                walk_ins[item, at] += taken - course
        return walk_ins, used

    def facts(self, day: int, items: Iterable[int]) -> list[ItemFacts]:
        """What a book would show of items in the evening of a day."""
        planned = self._planned(day)
        window = slice(day + HISTORY - WINDOW + 1, day + HISTORY + 1)
        walk_ins, used = (some[:, window] for some in self.used)
        return [
            ItemFacts(
                item_id=item,
                sku=str(item),
                name=str(item),
                unit="half mL",
                content=Decimal(self.world.wares[item].content),
                shelf_life_months=None,
                batches=tuple(self._batch(item, *lot) for lot in self.shelves.lots[item]),
                planned=tuple((_on(due), Decimal(much)) for due, much in sorted(planned[item].items())),
                daily=tuple(Decimal(much) for much in walk_ins[item].tolist() if much),
                days=WINDOW,
                opened=self._opened(item, day),
                on_the_way=tuple(self._batch(*one) for one in self.on_the_way if one[0] == item),
                used=Decimal(int(used[item].sum())),
            )
            for item in items
        ]

    def spare(self, day: int, items: Iterable[int]) -> dict[int, tuple[tuple[int, int], ...]]:
        """Last days and containers, by item, that are offered: the product's rule decides."""
        return {
            one.item_id: tuple(
                ((end - MONDAY).days, count) for end, count in elsewhere.unused(one, on=_on(day))
            )
            for one in self.facts(day, items)
        }

    def give(self, item: int, last_day: int, count: int) -> None:
        """Take containers of a last day off the shelf. Raises ValueError where they are not there."""
        for lot in self.shelves.lots[item]:
            taken = min(lot[1], count) if lot[0] == last_day else 0
            lot[1] -= taken
            count -= taken
        if count:
            raise ValueError(f"{count} containers of item {item} were promised and are not there")
        self.shelves.lots[item] = [lot for lot in self.shelves.lots[item] if lot[1]]

    def _batch(self, item: int, last_day: int, count: int) -> Batch:
        return Batch(_on(last_day), Decimal(count * self.world.wares[item].content))

    def _opened(self, item: int, day: int) -> tuple[Batch, ...]:
        left, last_day = self.shelves.opened[item]
        return (Batch(_on(last_day), Decimal(left)),) if left and last_day >= day else ()

    def _planned(self, day: int) -> dict[int, dict[int, int]]:
        """What is booked, by item and day; of what is one patient's whole containers (S3)."""
        planned: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        first, last = np.searchsorted(self.ours.calendar_days, [day + 1, day + AHEAD])
        for line in self.ours.calendar[first:last]:
            if line.made <= day < line.gone:
                ware = self.world.wares[line.item]
                whole = -(-line.dose // ware.content) * ware.content
                planned[line.item][line.day] += whole if ware.single else line.dose
        return planned


@dataclass
class Fetching(Ours):
    """Our rule at a site that is offered what another can spare, and fetches what it is told to."""

    here: Site = field(kw_only=True)
    other: Site = field(kw_only=True)

    def items(self, shelves: Shelves, day: int, due: Sequence[int] | None = None) -> list[Item]:
        """What the advice is made of, with what the other site can spare."""
        items = super().items(shelves, day, due)
        spare = self.other.spare(day, [item.key for item in items if not futures.plenty(item)])
        return [
            replace(item, offered=tuple((end - day, count) for end, count in spare.get(item.key, ())))
            for item in items
        ]

    def advised(self, items: Sequence[Item], *, seed: int) -> list[policy.Advice]:
        """The advice of a day; what it fetches is sent at once, so that it is not offered again."""
        advice, told = super().advised(items, seed=seed), {item.key: item for item in items}
        for one in advice:
            for ahead, count in surplus.usable(told[one.key], one.fetch):
                self.other.give(one.key, seed + ahead, count)
                self.here.on_the_way.append((one.key, seed + ahead, count))
            if one.fetch:
                self.here.fetches += 1
                self.here.shelves.shared += Economics.transfer_cost
        return advice


def lived(worlds: Sequence[World], *, fetch: bool, paths: int = policy.PATHS) -> tuple[list[Site], Outcome]:
    """The year of two sites, and what it came to for both together."""
    both = [Site(world, paths) for world in worlds]
    if fetch:
        for here, other in zip(both, reversed(both), strict=True):
            here.ours = Fetching(here.world, paths=paths, here=here, other=other)
    for day in range(YEAR):
        for site in both:
            site.receive()
            site.shelves.work(day)
        for site in both:
            site.shelves.restock(day, site.ours)
    for site in both:
        site.receive()
        site.shelves.close()
    return both, outcome(*(site.shelves for site in both))


def compared(seed: int) -> tuple[Outcome, Outcome, int]:
    """The year of a seed without and with fetching, and how often was fetched."""
    worlds = sites(seed)
    _, alone = lived(worlds, fetch=False)
    both, offered = lived(worlds, fetch=True)
    return alone, offered, sum(site.fetches for site in both)


def _held(shelves: Shelves, item: int) -> int:
    """What sealed and opened containers hold."""
    return shelves.on_shelf(item) * shelves.world.wares[item].content + shelves.opened[item][0]


def _on(day: int) -> date:
    return MONDAY + timedelta(days=day)
