"""Paths: what one item of a course will have cost, on many ways that the coming months may go (C5).

A path is one way things may go: who walks in with which dose, when deliveries come and how long they
keep, what the supplier asks by then. On each path the course's sessions draw first expired, first out
among everybody else's, and pay for a shared vial by what they drew of all that was drawn before it was
discarded; a single-dose container is theirs whole (S3, S4). What expires sealed is nobody's session's.

This is the statistics of the matter: plain floats and numpy, no database, no clock. Days are whole numbers
from today; quantities are content units; money is the clinic's currency. The same seed, the same paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Whole = np.ndarray[Any, np.dtype[np.int64]]
    Which = np.ndarray[Any, np.dtype[np.bool_]]

PATHS = 200
NEVER = 10**6  # a day beyond all
LATE = ((0, 0.6), (1, 0.2), (2, 0.12), (5, 0.08))
"""Days that a delivery is late and how often: an assumption until receipts tell otherwise."""
LIST_DAYS = (30, 90)  # a supplier's list lasts between so many days
LIST_JUMP = 0.04  # standard deviation of what a new list changes, as a fraction
DRIFT = 0.05  # a year, expected; and how far that may be off
DRIFT_SPREAD = 0.05


@dataclass(frozen=True)
class Batch:
    """The sealed containers of one lot: its last day, how many, what each cost."""

    last_day: int
    containers: int
    cost: float


@dataclass(frozen=True)
class Supply:
    """One item as a projection sees it."""

    content: float  # of a container
    one_patient: bool
    shared: bool  # whether an opened one may serve another patient (S4)
    in_use_days: float  # how long an opened container may be used
    batches: tuple[Batch, ...]
    price: float  # of a container, by the supplier's list of today
    sessions_seen: int  # of others, in the window
    window_days: int
    doses_seen: tuple[float, ...]  # the doses of those sessions, to be drawn from
    lead_days: int
    life_days: int  # from fresh
    reorder_at: int  # containers
    reorder_by: int
    open_left: float = 0.0  # in a vial that is open today
    open_until: float = -1.0


@dataclass(frozen=True)
class Asked:
    """What the course asks of the item: the days of its sessions and the dose of each."""

    days: tuple[int, ...]
    dose: float


def project(supply: Supply, asked: Asked, *, paths: int = PATHS, seed: int = 0) -> "Floats":
    """What each session of the course will have cost in the item on each path: paths × sessions."""
    import numpy as np

    random = np.random.default_rng(seed)
    horizon = asked.days[-1] + 30
    # The rate is not known but learned: so many sessions seen in so many days, give or take.
    rates = random.gamma(supply.sessions_seen + 0.5, size=paths) / supply.window_days
    days, doses, tags = _events(random, supply, asked, rates, horizon)
    lists = _price_lists(random, supply.price, paths, horizon)
    return run(supply, days, doses, tags, lists, sessions=len(asked.days), random=random)


def run(
    supply: Supply,
    days: "Floats",
    doses: "Floats",
    tags: "Floats",
    prices: "Floats",
    *,
    sessions: int,
    random: Any,
) -> "Floats":
    """Walk all paths event by event: paths × events of day, dose and whose it is; −1 is another's.

    `prices` is the list price of a container by path and day. An event of dose 0 is no event.
    """
    import numpy as np

    shelf = _Shelf(supply, days, prices, sessions, random)
    for event in range(days.shape[1]):
        on, dose, tag = days[:, event], doses[:, event], tags[:, event].astype(np.int64)
        if not dose.any():
            break
        shelf.close_what_is_past(on)
        drawn = dose * (not supply.one_patient) * (supply.shared | (tag >= 0))
        shelf.use_whole(on, dose - drawn, tag)
        shelf.draw(on, drawn, tag)
        shelf.order(on, dose > 0)
    shelf.close(np.ones(days.shape[0], dtype=bool))
    return shelf.cost


def held_sessions(chances: Sequence[float], *, paths: int = PATHS, seed: int = 0) -> "Floats":
    """Which sessions of a course take place on each path, 1 or 0: paths × sessions.

    A chance is that of a session after those before it took place; who stays away once stays away.
    """
    import numpy as np

    random = np.random.default_rng([seed, 1])
    came = random.random((paths, len(chances))) < np.asarray(chances, dtype=float)[None, :]
    return np.cumprod(came, axis=1).astype(float)


class _Shelf:
    """The state of all paths at once: lots by path and slot, one open vial by path, the costs so far."""

    def __init__(self, supply: Supply, days: "Floats", prices: "Floats", sessions: int, random: Any) -> None:
        import numpy as np

        self.supply, self.prices, self.random, self.np = supply, prices, random, np
        paths = days.shape[0]
        first = sorted(supply.batches, key=lambda batch: batch.last_day)
        slots = len(first) + 8
        self.arrives = np.full((paths, slots), -1.0)
        self.expires = np.full((paths, slots), -1.0)
        self.held = np.zeros((paths, slots))
        self.costs = np.zeros((paths, slots))
        for slot, batch in enumerate(first):
            self.expires[:, slot], self.held[:, slot] = batch.last_day, batch.containers
            self.costs[:, slot] = batch.cost
        self.left = np.full(paths, supply.open_left)
        self.until = np.full(paths, supply.open_until)
        self.vial_cost = np.full(paths, supply.price * supply.open_left / supply.content)
        self.drawn = np.zeros(paths)
        self.shares = np.zeros((paths, sessions))
        self.cost = np.zeros((paths, sessions))
        self.rows = np.arange(paths)

    def close_what_is_past(self, on: "Floats") -> None:
        """Discard open vials whose time is past."""
        self.close((self.until < on) & (self.until >= 0))

    def close(self, which: "Which") -> None:
        """Charge what a vial cost to those who drew from it, by how much they drew."""
        np = self.np
        total = np.where(self.drawn > 0, self.drawn, 1.0)
        part = (self.vial_cost / total)[:, None] * self.shares
        self.cost += np.where(which[:, None], part, 0.0)
        self.shares[which] = 0.0
        for state in (self.left, self.drawn, self.vial_cost):
            state[which] = 0.0
        self.until[which] = -1.0

    def draw(self, on: "Floats", dose: "Floats", tag: "Whole") -> None:
        """Draw doses from the open vials, opening others as they are needed."""
        np = self.np
        need = dose.copy()
        while True:
            taken = np.minimum(need, self.left)
            self.left -= taken
            self.drawn += taken
            mine = np.flatnonzero((tag >= 0) & (taken > 0))
            self.shares[mine, tag[mine]] += taken[mine]
            need -= taken
            more = need > 1e-9
            if not more.any():
                return
            self.close(more)
            cost, expires = self._take_one(on, more)
            self.vial_cost[more] = cost[more]
            self.left[more] = self.supply.content
            lasts = np.minimum(on + self.supply.in_use_days, expires)
            self.until[more] = lasts[more]

    def use_whole(self, on: "Floats", dose: "Floats", tag: "Whole") -> None:
        """Use up whole containers for each patient (S3)."""
        np = self.np
        left = np.ceil(dose / self.supply.content - 1e-9)
        while (left > 0).any():
            which = left > 0
            cost, _ = self._take_one(on, which)
            mine = np.flatnonzero(which & (tag >= 0))
            self.cost[mine, tag[mine]] += cost[mine]
            left = left - which

    def _take_one(self, on: "Floats", which: "Which") -> tuple["Floats", "Floats"]:
        """Take a sealed container where one is needed: the first to expire, else one bought for the day."""
        np = self.np
        there = (self.held > 0) & (self.arrives <= on[:, None]) & (self.expires >= on[:, None])
        # Of two that expire on one day, the one that came first (S7).
        order = np.where(there, self.expires + (self.arrives + 1) / NEVER, float(NEVER))
        slot = order.argmin(axis=1)
        found = which & there[self.rows, slot]
        hit = np.flatnonzero(found)
        self.held[hit, slot[hit]] -= 1
        cost = np.where(found, self.costs[self.rows, slot], self._price(on))
        expires = np.where(found, self.expires[self.rows, slot], on + 90)
        return cost, expires

    def _price(self, on: "Floats") -> "Floats":
        day = self.np.minimum(on.astype(self.np.int64), self.prices.shape[1] - 1)
        found: Floats = self.prices[self.rows, day]
        return found

    def order(self, on: "Floats", which: "Which") -> None:
        """Order where what is in date and on its way has come down to the reorder point."""
        np, supply = self.np, self.supply
        live = self.expires >= on[:, None]
        short = which & ((self.held * live).sum(axis=1) <= supply.reorder_at)
        if not short.any():
            return
        who = np.flatnonzero(short)
        empty = (self.held <= 0) | ~live
        slot = empty.argmax(axis=1)
        if not empty[who, slot[who]].all():
            self._widen()
            slot = np.where(empty.any(axis=1), slot, self.held.shape[1] - 1)
        position = (self.held * live).sum(axis=1)[who]
        times = np.ceil((supply.reorder_at + 1 - position) / supply.reorder_by)
        late = self.random.choice([days for days, _ in LATE], len(who), p=[often for _, often in LATE])
        arrives = on[who] + supply.lead_days + late
        life = np.floor(supply.life_days * self.random.uniform(0.45, 1.0, len(who)))
        self.arrives[who, slot[who]] = arrives
        self.expires[who, slot[who]] = arrives + life
        self.held[who, slot[who]] = times * supply.reorder_by
        self.costs[who, slot[who]] = self._price(on)[who]

    def _widen(self) -> None:
        """Make room for one more lot on every path."""
        np = self.np
        for name in ("arrives", "expires", "held", "costs"):
            state = getattr(self, name)
            fresh = np.full((state.shape[0], 1), -1.0 if name in ("arrives", "expires") else 0.0)
            setattr(self, name, np.hstack([state, fresh]))


def _events(
    random: Any, supply: Supply, asked: Asked, rates: "Floats", horizon: int
) -> tuple["Floats", "Floats", "Floats"]:
    """The sessions of others and of the course on each path, in the order of their days; the course first."""
    import numpy as np

    paths, sessions = len(rates), len(asked.days)
    counts = random.poisson(rates * horizon)
    most = int(counts.max(initial=0))
    days = random.integers(1, horizon, (paths, most)).astype(float)
    doses = random.choice(supply.doses_seen or (asked.dose,), (paths, most)).astype(float)
    beyond = np.arange(most)[None, :] >= counts[:, None]
    days[beyond], doses[beyond] = NEVER, 0.0
    own_days = np.broadcast_to(np.array(asked.days, dtype=float), (paths, sessions))
    own = np.broadcast_to(np.arange(sessions, dtype=float), (paths, sessions))
    days = np.hstack([own_days, days])
    doses = np.hstack([np.full((paths, sessions), asked.dose), doses])
    tags = np.hstack([own, np.full((paths, most), -1.0)])
    order = np.argsort(days, axis=1, kind="stable")
    one, two, three = (np.take_along_axis(each, order, axis=1) for each in (days, doses, tags))
    return one, two, three


def _price_lists(random: Any, price: float, paths: int, horizon: int) -> "Floats":
    """The list price by path and day: it stands for a while, then jumps, with a drift over the year."""
    import numpy as np

    drift = (DRIFT + random.normal(0, DRIFT_SPREAD, paths)) / 365
    prices = np.empty((paths, horizon + 1))
    now, upto = np.full(paths, price), np.zeros(paths)
    day = np.arange(horizon + 1)[None, :]
    prices[:] = price
    while (upto <= horizon).any():
        lasts = random.integers(*LIST_DAYS, paths)
        prices = np.where(day >= upto[:, None], now[:, None], prices)
        now = now * np.exp(drift * lasts + random.normal(0, LIST_JUMP, paths))
        upto = upto + lasts
    return prices
