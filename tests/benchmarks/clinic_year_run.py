"""A year of a clinic under an ordering rule: what is ordered, used, expired, missed, and paid.

The costs are the same for every rule and for the bound: an order line, holding a sealed container by its
price and the year, an expired container at its price and a disposal fee (also what is left at the end of
the year and would expire at the true rate of use, so that nobody gains by the horizon), and a session's
line that cannot be served, which is lost. What is thrown away of opened containers is no rule's doing.
An open container keeps its full days in use here, which makes the containers needed the same for all rules.

In the base setting an order costs nothing but its lines. In the shared one lines are cheap and the order is
dear, suppliers take no order below a least worth, ship free above another and sell large lots for less;
with three lines an order costs there what it costs in the base. A rule that orders too little for the
supplier gets a pack more of each line in turn until it is enough, as a buyer would do.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.clinic_year import HISTORY, ITEMS, YEAR, Receipt, World

ORDER_LINE, HOLDING, DISPOSAL, LOST_LINE = 8.0, 0.25, 1.0, 60.0


@dataclass(frozen=True)
class Setting:
    """What an order costs, and what the suppliers ask and offer."""

    line: float = ORDER_LINE
    order: float = 0.0
    freight: float = 0.0
    free_from: float | None = None
    least: float = 0.0
    breaks: tuple[tuple[int, float], ...] = ()  # from so many packs on, a container costs that share


BASE = Setting()
SHARED = Setting(3.0, 15.0, 12.0, 300.0, 60.0, ((5, 0.96), (20, 0.92)))
Rule = Callable[["Shelves", int, Sequence[int]], dict[int, int]]
"""Packs to order by item, from the shelves, the day, and the items that may be ordered on it."""


@dataclass(frozen=True)
class Ordered:
    """Containers on order."""

    placed: int
    comes: int  # known to the simulator only
    last_day: int  # likewise
    containers: int


@dataclass
class Tally:
    """What happened to one item."""

    orders: int = 0
    bought: int = 0
    held: int = 0  # container days
    expired: int = 0
    used: int = 0
    lines: int = 0
    lost: int = 0
    doomed: float = 0.0  # left at the end and going to expire
    spared: float = 0.0  # money that price breaks save


@dataclass
class Shelves:
    """The clinic on a day, after its sessions: what a rule may look at, but for what is known later."""

    world: World
    setting: Setting = BASE
    shared: float = 0.0  # money for orders, whatever their lines, and for fetching
    lots: list[list[list[int]]] = field(init=False)  # by item: [last day, containers], by last day
    opened: list[tuple[int, int]] = field(init=False)  # left, last day
    coming: list[list[Ordered]] = field(init=False)
    tallies: list[Tally] = field(init=False)
    receipts: list[Receipt] = field(init=False)

    def __post_init__(self) -> None:
        """Start with the stock of day 0."""
        self.lots = [[[end, count] for end, count in lots if count] for lots in self.world.first_lots]
        self.opened = list(self.world.open_at_start)
        self.coming = [[] for _ in range(ITEMS)]
        self.tallies = [Tally() for _ in range(ITEMS)]
        self.receipts = list(self.world.receipts)

    def on_shelf(self, item: int) -> int:
        """Sealed containers of an item."""
        return sum(count for _, count in self.lots[item])

    def position(self, item: int) -> int:
        """Sealed and on order."""
        return self.on_shelf(item) + sum(order.containers for order in self.coming[item])

    def live(self, day: int, rule: Rule) -> None:
        """One day: deliveries, expiries, sessions, holding, orders."""
        self.work(day)
        self.restock(day, rule)

    def work(self, day: int) -> None:
        """A day until its sessions are over."""
        for item in range(ITEMS):
            self._receive(item, day)
            self._discard(item, day)
        for line in self.world.sessions.get(day, []):
            self.serve(line.item, line.dose, day)
        for item in range(ITEMS):
            self.tallies[item].held += self.on_shelf(item)

    def restock(self, day: int, rule: Rule) -> None:
        """The orders of a day's end."""
        due = [item for item, ware in enumerate(self.world.wares) if day % 7 in ware.order_days]
        if due:
            wanted = {item: packs for item, packs in rule(self, day, due).items() if packs}
            for supplier in sorted({self.world.wares[item].supplier for item in wanted}):
                lines = {item: n for item, n in wanted.items() if self.world.wares[item].supplier == supplier}
                self._send(lines, day)

    def _receive(self, item: int, day: int) -> None:
        arrived = [order for order in self.coming[item] if order.comes == day]
        if not arrived:
            return
        ware, last_day = self.world.wares[item], min(order.last_day for order in arrived)
        for order in arrived:  # two that arrive together are booked as one lot, of the earlier expiry
            self.lots[item].append([last_day, order.containers])
            late = day - order.placed - ware.delivery
            self.receipts.append(Receipt(item, day, late, last_day - day))
        self.coming[item] = [order for order in self.coming[item] if order.comes != day]
        self.lots[item].sort()

    def _discard(self, item: int, day: int) -> None:
        expired = sum(count for end, count in self.lots[item] if end < day)
        if expired:
            self.tallies[item].expired += expired
            self.lots[item] = [lot for lot in self.lots[item] if lot[0] >= day]

    def serve(self, item: int, dose: int, day: int) -> None:
        """A line of a session; one that cannot be served is lost."""
        ware, tally = self.world.wares[item], self.tallies[item]
        left, until = self.opened[item]
        have = 0 if ware.single or until < day else left
        fresh = max(0, -(-(dose - have) // ware.content))
        tally.lines += 1
        if self.on_shelf(item) < fresh:
            tally.lost += 1
            return
        self._take(item, fresh)
        tally.used += fresh
        if not ware.single:
            self.opened[item] = (
                have + fresh * ware.content - dose,
                day + ware.in_use if fresh else until,
            )

    def _take(self, item: int, count: int) -> None:
        for lot in self.lots[item]:
            taken = min(lot[1], count)
            lot[1] -= taken
            count -= taken
        self.lots[item] = [lot for lot in self.lots[item] if lot[1]]

    def price(self, item: int, packs: int) -> float:
        """What a container costs in an order of so many packs."""
        shares = [1.0, *(share for start, share in self.setting.breaks if packs >= start)]
        return self.world.wares[item].price * shares[-1]

    def worth(self, lines: dict[int, int]) -> float:
        """What a supplier's order costs to buy."""
        return sum(
            packs * self.world.wares[item].pack * self.price(item, packs) for item, packs in lines.items()
        )

    def _send(self, lines: dict[int, int], day: int) -> None:
        """One supplier's order, no smaller than it takes."""
        while self.worth(lines) < self.setting.least:
            lines = {item: packs + 1 for item, packs in lines.items()}
        free = self.setting.free_from is not None and self.worth(lines) >= self.setting.free_from
        self.shared += self.setting.order + (0.0 if free else self.setting.freight)
        for item, packs in lines.items():
            self._order(item, packs, day)

    def _order(self, item: int, packs: int, day: int) -> None:
        comes = day + int(self.world.delivery[item, day])
        containers = packs * self.world.wares[item].pack
        last_day = comes + int(self.world.life[item, day])
        self.coming[item].append(Ordered(day, comes, last_day, containers))
        self.tallies[item].orders += 1
        self.tallies[item].bought += containers
        self.tallies[item].spared += containers * (self.world.wares[item].price - self.price(item, packs))

    def close(self) -> None:
        """The end of the year: what would expire, were the rest used at the true rate."""
        for item, tally in enumerate(self.tallies):
            rate = float(self.world.needed[item, HISTORY : HISTORY + YEAR].sum()) / YEAR
            rest = [(end, count) for end, count in self.lots[item]]
            rest += [(order.last_day, order.containers) for order in self.coming[item]]
            used = 0.0
            for end, count in sorted(rest):
                taken = min(float(count), max(0.0, rate * (end - YEAR + 1) - used))
                used += taken
                tally.doomed += count - taken


@dataclass(frozen=True)
class Outcome:
    """What a year cost, in money, and how well it served."""

    order: float
    holding: float
    expired: float
    lost: float
    fill: float  # percent of lines served
    waste: float  # percent of the value used and wasted
    by_item: tuple[float, ...]
    shared: float = 0.0  # of `order`, what no line causes alone

    @property
    def total(self) -> float:
        """All that a rule can influence."""
        return sum(self.by_item) + self.shared


def lived(world: World, rule: Rule, *, setting: Setting = BASE) -> tuple[Shelves, Outcome]:
    """The year of a clinic under a rule, and what it came to."""
    shelves = Shelves(world, setting)
    for day in range(YEAR):
        shelves.live(day, rule)
    shelves.close()
    return shelves, outcome(shelves)


def outcome(*sites: Shelves) -> Outcome:
    """The costs of a year, at all sites."""
    parts, wasted_value, used_value = defaultdict(float), 0.0, 0.0
    by_item = []
    places = [(shelves, item) for shelves in sites for item in range(ITEMS)]
    for shelves, item in places:
        ware, tally = shelves.world.wares[item], shelves.tallies[item]
        wasted = tally.expired + tally.doomed
        costs = {
            "order": shelves.setting.line * tally.orders - tally.spared,
            "holding": HOLDING / 365 * ware.price * tally.held,
            "expired": (ware.price + DISPOSAL) * wasted,
            "lost": LOST_LINE * tally.lost,
        }
        for name, cost in costs.items():
            parts[name] += cost
        by_item.append(sum(costs.values()))
        wasted_value += ware.price * wasted
        used_value += ware.price * float(shelves.world.needed[item, HISTORY : HISTORY + YEAR].sum())
    lines = sum(shelves.tallies[item].lines for shelves, item in places)
    lost = sum(shelves.tallies[item].lost for shelves, item in places)
    shared = sum(shelves.shared for shelves in sites)
    return Outcome(
        parts["order"] + shared,
        parts["holding"],
        parts["expired"],
        parts["lost"],
        100 * (1 - lost / lines),
        100 * wasted_value / (used_value + wasted_value),
        tuple(by_item),
        shared,
    )
