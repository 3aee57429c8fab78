"""Certainty: what courses will have cost, foretold, against what they did cost in a simulated clinic.

The clinic is made up: rates, doses, in-use times, lots, suppliers' drift and lateness are drawn from a
seed, the foretelling sees of them what a ledger would show, and `truth` then lives through the months one
event after the other, in plain Python and with nothing of ours in it.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from pricing import paths
from pricing.paths import Asked, Batch, Supply
from tests.benchmarks.timing import Figure

ITEMS, SESSIONS = 4, 6
HISTORY = 365  # days of the ledger
LARGEST_BIAS, LARGEST_ERROR = 2.0, 7.0  # in percent
COVERED = (75.0, 85.0)
Event = tuple[int, float, int | None]  # day, dose, and which of the course's sessions it is


@dataclass(frozen=True)
class World:
    """One item of a clinic as it is, and as its ledger shows it."""

    seen: Supply
    rate: float
    drift: float  # a day
    dose: float


def world(random: Any) -> World:
    """An item: a third in single-dose containers, used three times a day or twice a year."""
    single = bool(random.random() < 0.3)
    content = float(random.choice([4, 10] if single else [10, 20, 40]))
    price = float(math.exp(random.normal(math.log(8.0 if single else 24.0), 0.5)))
    rate = float(math.exp(random.normal(math.log(0.35), 0.7)))
    doses = tuple(float(dose) for dose in random.choice([2, 4, 5] if single else [1, 2, 3, 4], 6))
    drift = float(random.normal(0.06, 0.06)) / 365
    containers = rate * (1.2 if single else 0.4)  # a day
    batches = []
    for _ in range(int(random.integers(1, 4))):
        age = int(random.integers(5, 150))
        cost = price * math.exp(-drift * age) * math.exp(random.normal(0, 0.06))
        batches.append(Batch(int(random.integers(15, 240)), 1 + int(random.poisson(containers * 20)), cost))
    seen = Supply(
        content=content,
        one_patient=single,
        shared=True,
        in_use_days=float(random.choice([1, 7, 14, 28])),
        batches=tuple(batches),
        price=price,
        sessions_seen=int(random.poisson(rate * HISTORY)),
        window_days=HISTORY,
        doses_seen=doses,
        lead_days=int(random.choice([2, 4, 7, 14])),
        life_days=int(random.choice([90, 180, 270, 365])),
        reorder_at=math.ceil(containers * 20),
        reorder_by=max(1, round(containers * 30)),
    )
    return World(seen, rate, drift, float(random.choice(doses)))


def truth(
    supply: Supply,
    events: Sequence[Event],
    *,
    price_at: Callable[[int], float],
    late: Callable[[], int],
    life: Callable[[], int],
    sessions: int,
) -> list[float]:
    """What the sessions cost when the months went so: event by event, container by container.

    A container's cost is shared by those who drew from it before it was discarded, by what they drew.
    """
    lots: list[list[Any]] = [[batch.last_day, batch.containers, batch.cost] for batch in supply.batches]
    coming: list[tuple[int, int, float]] = []
    opened: list[tuple[float, dict[int, float]]] = []  # cost, and who drew how much
    current: list[Any] | None = None  # left, last day, whose draws
    strangers = count(-1, -1)
    for day, dose, session in events:
        who = next(strangers) if session is None else session
        lots += [[one[0] + life(), one[1], one[2]] for one in coming if one[0] <= day]
        coming = [one for one in coming if one[0] > day]
        lots = sorted((lot for lot in lots if lot[0] >= day and lot[1] > 0), key=lambda lot: lot[0])
        if current is not None and current[1] < day:
            current = None
        need = dose
        while need > 1e-9:
            if current is not None and current[0] > 0:
                drawn = min(need, current[0])
                current[0] -= drawn
                need -= drawn
                current[2][who] = current[2].get(who, 0.0) + drawn
                continue
            last_day, cost = (lots[0][0], lots[0][2]) if lots else (day + 90, price_at(day))
            if lots:
                lots[0][1] -= 1
                lots = [lot for lot in lots if lot[1] > 0]
            draws: dict[int, float] = {}
            opened.append((cost, draws))
            if supply.one_patient:
                draws[who] = 1.0
                need -= supply.content
            else:
                current = [supply.content, min(day + supply.in_use_days, last_day), draws]
        position = sum(lot[1] for lot in lots) + sum(quantity for _, quantity, _ in coming)
        if position <= supply.reorder_at:
            packs = -(-(supply.reorder_at + 1 - position) // supply.reorder_by)
            coming.append((day + supply.lead_days + late(), packs * supply.reorder_by, price_at(day)))
    return _shared_out(opened, sessions)


def _shared_out(opened: Sequence[tuple[float, dict[int, float]]], sessions: int) -> list[float]:
    """Each container's cost to the course's sessions that drew from it."""
    costs = [0.0] * sessions
    for cost, draws in opened:
        for who, drawn in draws.items():
            if who >= 0:
                costs[who] += cost * drawn / sum(draws.values())
    return costs


def lived(item: World, days: Sequence[int], random: Any) -> float:
    """What one item of a course did cost, in one life of the clinic."""
    horizon = days[-1] + 30
    others = [
        (int(day), float(random.choice(item.seen.doses_seen)), None)
        for day in random.integers(1, horizon, random.poisson(item.rate * horizon))
    ]
    events: list[Event] = [*others, *((day, item.dose, number) for number, day in enumerate(days))]
    events.sort(key=lambda event: (event[0], event[2] is None))
    lists = list(_lists(item, horizon, random))
    lateness, often = zip(*paths.LATE, strict=True)
    return sum(
        truth(
            item.seen,
            events,
            price_at=lambda day: lists[min(day, horizon)],
            late=lambda: int(random.choice(lateness, p=often)),
            life=lambda: int(item.seen.life_days * random.uniform(0.45, 1)),
            sessions=len(days),
        )
    )


def _lists(item: World, horizon: int, random: Any) -> Iterator[float]:
    """The supplier's price day by day, by the true drift."""
    price, day = item.seen.price, 0
    while day <= horizon:
        lasts = int(random.integers(30, 90))
        yield from [price] * lasts
        price *= math.exp(item.drift * lasts + random.normal(0, 0.04))
        day += lasts


def average_cost(item: World, sessions: int) -> float:
    """What a general ERP says: the mean cost of a millilitre on hand times the dose."""
    held = sum(batch.containers for batch in item.seen.batches)
    mean = sum(batch.containers * batch.cost for batch in item.seen.batches) / held
    whole = (
        math.ceil(item.dose / item.seen.content) if item.seen.one_patient else item.dose / item.seen.content
    )
    return sessions * whole * mean


def figures(*, courses: int, seed: int = 11) -> Iterator[Figure]:
    """Bias, mean error and coverage over so many courses of six sessions and four items."""
    import numpy as np

    random = np.random.default_rng(seed)
    errors, erp, inside = [], [], 0
    for number in range(courses):
        days = [5 + 21 * k for k in range(SESSIONS)] if number % 2 else [3 + 28 * k for k in range(SESSIONS)]
        real = said = average = 0.0
        totals = np.zeros(paths.PATHS)
        for place in range(ITEMS):
            item = world(random)
            real += lived(item, days, random)
            asked = Asked(tuple(days), item.dose)
            totals += paths.project(item.seen, asked, seed=number * ITEMS + place).sum(axis=1)
            average += average_cost(item, SESSIONS)
        said = float(totals.mean())
        low, high = np.quantile(totals, [0.1, 0.9])
        errors.append(100 * (said / real - 1))
        erp.append(100 * (average / real - 1))
        inside += bool(low <= real <= high)
    named = f"cost of a course, {courses:,} courses"
    covered = 100 * inside / courses
    yield Figure(f"{named}: bias, either way", abs(statistics.fmean(errors)), most=LARGEST_BIAS, unit="%")
    yield Figure(f"{named}: mean error", statistics.fmean(map(abs, errors)), most=LARGEST_ERROR, unit="%")
    yield Figure(f"{named}: mean error of average cost", statistics.fmean(map(abs, erp)), unit="%")
    yield Figure(
        f"{named}: inside 10 to 90 of 100, at least {COVERED[0]:g}", covered, most=COVERED[1], unit="%"
    )
