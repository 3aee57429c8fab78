"""Our rule in the clinic-year: the ledger and calendar of the made-up clinic, shown to the very code that
gives advice. It sees no more than a book would show: use up to today, bookings, receipts, master data."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from inventory import forecasting, futures, policy
from inventory.forecasting import Bookings, Demand, Lines, Vessel
from inventory.futures import Item, Terms
from inventory.policy import Economics, OrderTerms
from tests.benchmarks.clinic_year import HISTORY, World
from tests.benchmarks.clinic_year_run import BASE, DISPOSAL, HOLDING, LOST_LINE, Setting, Shelves

FORETOLD = 150  # days of which the mean is told
CERTAIN = 1e6  # the shape of a rate that is known


@dataclass
class Ours:
    """The rolling marginal-cost rule, with a year of the ledger behind it."""

    world: World
    paths: int = policy.PATHS
    setting: Setting = BASE
    demands: list[Demand] = field(default_factory=list)
    vessels: list[Vessel] = field(init=False)

    def __post_init__(self) -> None:
        """Lay the ledger and the calendar out once."""
        self.vessels = [Vessel(ware.content, ware.single, ware.in_use) for ware in self.world.wares]
        kept = [line for line in self.world.lines if line.kept]
        self.used = np.array([(line.day, line.item, line.dose, line.day - line.made) for line in kept])
        booked = [line for line in self.world.lines if line.made < line.day]
        self.booked = np.array([(line.day, line.made, line.gone, line.kept) for line in booked])
        self.calendar = booked
        self.calendar_days = [line.day for line in booked]

    def __call__(self, shelves: Shelves, day: int, due: Sequence[int]) -> dict[int, int]:
        """Packs to order today."""
        by_supplier: dict[int, list[Item]] = defaultdict(list)
        for item in self.items(shelves, day, due):
            by_supplier[self.world.wares[item.key].supplier].append(item)
        return {one.key: one.packs for items in by_supplier.values() for one in self.advised(items, seed=day)}

    def advised(self, items: Sequence[Item], *, seed: int) -> list[policy.Advice]:
        """The advice on a supplier's items, but for those of which there is plenty."""
        terms = OrderTerms(self.setting.least, self.setting.freight, self.setting.free_from)
        return policy.advise(
            [item for item in items if not futures.plenty(item)],
            Economics(self.setting.line, self.setting.order, HOLDING, DISPOSAL, LOST_LINE),
            seed=self.world.seed * 1000 + seed,
            paths=self.paths,
            order=terms,
        )

    def items(self, shelves: Shelves, day: int, due: Sequence[int] | None = None) -> list[Item]:
        """What the advice is made of, for the items asked or for all."""
        self.demands = self._learned(day)
        late, lives = _receipts(shelves)
        places = range(len(self.vessels)) if due is None else due
        return [self._item(shelves, day, item, late, lives) for item in places]

    def _learned(self, day: int) -> list[Demand]:
        first, last = np.searchsorted(self.used[:, 0], [day - HISTORY + 1, day + 1])
        seen = self.used[first:last]
        lines = Lines(seen[:, 1], day - seen[:, 0], seen[:, 2], seen[:, 3])
        first, last = np.searchsorted(self.booked[:, 0], [day - 200, day])
        past = self.booked[first:last]
        bookings = Bookings(day - past[:, 0], day - past[:, 1], day - past[:, 2], past[:, 3] == 1)
        ahead: list[list[tuple[int, int]]] = [[] for _ in self.world.wares]
        first, last = np.searchsorted(self.calendar_days, [day + 1, day + 64])
        for line in self.calendar[first:last]:
            if line.made <= day < line.gone:
                ahead[line.item].append((line.day - day, line.dose))
        return forecasting.learn(lines, bookings, self.vessels, today=day % 7, days=HISTORY, ahead=ahead)

    def _item(
        self,
        shelves: Shelves,
        day: int,
        item: int,
        late: dict[int, list[int]],
        lives: dict[int, list[float]],
    ) -> Item:
        ware = self.world.wares[item]
        left, until = shelves.opened[item]
        return Item(
            key=item,
            vessel=self.vessels[item],
            terms=Terms(
                ware.pack,
                ware.price,
                breaks=tuple((start, ware.price * share) for start, share in self.setting.breaks),
            ),
            demand=self.demands[item],
            lots=tuple((end - day, count) for end, count in shelves.lots[item]),
            opened=(left, until - day),
            coming=tuple((day - order.placed, order.containers) for order in shelves.coming[item]),
            delivery_days=forecasting.delivery_days(ware.delivery, late[ware.supplier]),
            lives=forecasting.lives(ware.life, lives[item], lives[-1]),
            next_order_in=ware.next_order_in(day),
        )


@dataclass
class Foretold(Ours):
    """Our rule, told what nobody can know: each line to come, as if it were booked and certain, and the mean
    of the days after those it looks ahead. Deliveries and lives stay unknown. What it saves against ours is
    what not knowing the demand costs."""

    def _learned(self, day: int) -> list[Demand]:
        first, near, last = np.searchsorted(self.used[:, 0], [day + 1, day + 64, day + FORETOLD + 1])
        booked: list[list[tuple[int, int, float]]] = [[] for _ in self.vessels]
        for due, item, dose, _ in self.used[first:near].tolist():
            booked[item].append((due - day, dose, 1.0))
        a_day = np.bincount(self.used[first:last, 1], minlength=len(self.vessels)) / FORETOLD
        return [
            replace(
                demand,
                shape=CERTAIN,
                per_day=max(float(per_day), 1e-5),
                unknown=np.zeros_like(demand.unknown),
                lines_per_fresh=1.0,
                booked=tuple(lines),
            )
            for demand, per_day, lines in zip(super()._learned(day), a_day, booked, strict=True)
        ]


def _receipts(shelves: Shelves) -> tuple[dict[int, list[int]], dict[int, list[float]]]:
    """Lateness by supplier and life at receipt by item, of the latest 600 deliveries; -1 is all items."""
    late: dict[int, list[int]] = defaultdict(list)
    lives: dict[int, list[float]] = defaultdict(list)
    for receipt in shelves.receipts[-600:]:
        ware = shelves.world.wares[receipt.item]
        late[ware.supplier].append(receipt.late)
        lives[receipt.item].append(receipt.life / ware.life)
        lives[-1].append(receipt.life / ware.life)
    return late, lives
