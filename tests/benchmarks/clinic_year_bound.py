"""A lower bound on what any rule can cost in a clinic-year: one that knows all that is to come.

For each item a dynamic programme over the arrivals of possible orders, with every session, delivery time
and life known. What is relaxed only lowers the cost: all stock gets the latest expiry among the lots that
could have arrived; a lost container costs what one line of the largest dose costs; skipping the opening of
a shared container loses one line and leaves a token that pays for dropping one later.
"""

from typing import Any

import numpy as np

from tests.benchmarks.clinic_year import HISTORY, YEAR, World
from tests.benchmarks.clinic_year_run import DISPOSAL, HOLDING, LOST_LINE, ORDER_LINE

DEEPEST = 600  # containers; above it, stock is bounded by 150 days of need


def bound(world: World) -> tuple[float, ...]:
    """The bound of every item; first without tokens, then with as many as that cost could ever pay for."""
    found = []
    for item, ware in enumerate(world.wares):
        least = _bound(world, item, 0)
        if not ware.single and least >= LOST_LINE:
            least = _bound(world, item, int(least // LOST_LINE) + 1)
        found.append(least)
    return tuple(found)


def _bound(world: World, item: int, tokens: int) -> float:
    """Backwards over the arrivals: the least cost from each stock (and each number of tokens) to the end."""
    ware = world.wares[item]
    needed = np.concatenate([[0], np.cumsum(world.needed[item, HISTORY:])])  # before each day
    arrive, latest = _arrivals(world, item)
    ends = np.append(arrive[1:], YEAR)
    first = sum(count for _, count in world.first_lots[item])
    caps, top = _caps(needed, arrive, latest, first, ware.pack)
    stock = np.arange(top + 1)
    expired, held = ware.price + DISPOSAL, HOLDING / 365 * ware.price
    lost_each = LOST_LINE / (_largest(world, item) if ware.single else 1)
    room = needed[YEAR] / YEAR * (latest[-1] - YEAR + 1)
    ahead = np.repeat(expired * np.maximum(0, stock - room)[None], tokens + 1, 0)
    for stage in range(len(arrive) - 1, -1, -1):
        start, end = int(arrive[stage]), int(ends[stage])
        kept = np.minimum(stock, caps[stage])
        cost = (stock - kept) * expired
        if end > start:
            used = needed[start + 1 : end + 1] - needed[start]
            cost = cost + held * np.maximum(kept[:, None] - used[None, :], 0).sum(1)
        asked = int(needed[end] - needed[start])
        lost, rest = np.maximum(asked - kept, 0), np.maximum(kept - asked, 0)
        here = np.stack(
            [
                cost + lost_each * lost + ahead[np.minimum(held_tokens + lost, tokens), rest]
                for held_tokens in range(tokens + 1)
            ]
        )
        here = _dropped(here, tokens)
        if stage == 0:
            return float(here[0, first])
        ahead = np.minimum(here, ORDER_LINE + _after_an_order(here, ware.pack))
    raise AssertionError("there is a first stage")


def _arrivals(world: World, item: int) -> tuple[Any, Any]:
    """Days on which an order could arrive, day 0 first, and the latest expiry that stock could have then."""
    ware = world.wares[item]
    ordered = np.array([day for day in range(YEAR) if day % 7 in ware.order_days])
    comes = ordered + world.delivery[item, ordered]
    keeps = comes + world.life[item, ordered]
    order = np.argsort(comes[comes < YEAR], kind="stable")
    comes, keeps = comes[comes < YEAR][order], keeps[comes < YEAR][order]
    oldest = max(last_day for last_day, _ in world.first_lots[item])
    return np.append(0, comes), np.maximum.accumulate(np.append(oldest, keeps))


def _caps(needed: Any, arrive: Any, latest: Any, first: int, pack: int) -> tuple[Any, int]:
    """By stage the stock above which it must expire, and the largest stock worth looking at."""
    top = int(max(first, needed[YEAR])) + pack + 1
    until = needed[np.minimum(YEAR, latest + 1)] - needed[arrive]
    caps = np.where(latest < YEAR, until, top)
    if top > DEEPEST:
        reach = needed[np.minimum(YEAR, arrive + 150)] - needed[arrive]
        top = int(max(first, reach.max())) + pack + 1
        caps = np.minimum(caps, top)
    return caps, top


def _largest(world: World, item: int) -> int:
    """Containers of the largest line of the year."""
    doses = [line.dose for line in world.lines if line.kept and line.item == item and 0 <= line.day < YEAR]
    return max(1, -(-max(doses, default=0) // world.wares[item].content))


def _dropped(cost: Any, tokens: int) -> Any:
    """Each token may drop one container for nothing; the last number stands for any number."""
    if not tokens:
        return cost
    best = cost.copy()
    for held in range(1, tokens):
        best[held, 1:] = np.minimum(best[held, 1:], best[held - 1, :-1])
    best[tokens] = np.minimum.accumulate(cost[tokens])
    return best


def _after_an_order(cost: Any, pack: int) -> Any:
    """The least cost after one pack more or several, from each stock."""
    states, size = cost.shape
    stacks = size // pack + 1
    padded = np.full((states, stacks * pack), np.inf)
    padded[:, :size] = cost
    padded = padded.reshape(states, stacks, pack)
    least = np.minimum.accumulate(padded[:, ::-1], 1)[:, ::-1]
    later = np.full_like(padded, np.inf)
    later[:, :-1] = least[:, 1:]
    return later.reshape(states, -1)[:, :size]
