"""Foresight: the days ahead of one item as the advice sees them: stock, need with its band, what comes, what
expires (O1, O2). The ways it may go are drawn as the policy draws them; what is said is the middle of them
and the band that eight of ten stay in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory import futures, reordering, usage, weighing
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.errors import Conflict
from inventory.futures import Paths
from inventory.levels import Outlook
from inventory.measures import ZERO
from inventory.need import SMALLEST, Need
from inventory.reordering import Advice
from inventory.usage import ItemFacts

PATHS = 200
SHORTEST, LONGEST = 42, 182  # days


@dataclass(frozen=True)
class Coming:
    """So much on a day: an arrival, or what of a lot expires."""

    on: date
    quantity: Decimal
    words: str


@dataclass(frozen=True)
class Day:
    """How it may stand at the end of a day: what is needed up to then, and what is left without an order."""

    on: date
    need_low: Decimal  # in one of ten cases less
    need: Decimal
    need_high: Decimal  # in one of ten cases more
    stock_low: Decimal
    stock: Decimal
    stock_high: Decimal
    sold: Decimal  # of the need: promised to sessions that are planned


@dataclass(frozen=True)
class Explained:
    """The advice on an item, and the days behind it."""

    advice: Advice
    days: tuple[Day, ...]
    arrivals: tuple[Coming, ...]
    expiries: tuple[Coming, ...]
    opened: Decimal  # held by opened vials, which the days do not count


class OutOfUse(Conflict):
    """The item is not in use any more: nothing is advised on it."""


def explain(db: Session, item: Item, *, site: Site, on: date, others: Sequence[Site] = ()) -> Explained:
    """The advice on an item at a site, and the series behind its chart; the same for the same day.

    Raises OutOfUse.
    """
    looked = reordering.look(db, site=site, on=on, others=others)
    seen = next((one for one in looked.outlooks if one.item.item_id == item.id), None)
    if seen is None:
        raise OutOfUse(f"{item.sku} is out of use: nothing is advised on it.")
    (advice,) = reordering.listed(db, looked, site=site, on=on, everything=True, item_ids=[item.id])
    (whole,) = usage.in_full(db, [seen.item], site=site, on=on)
    span = min(max(2 * (seen.until - on).days, SHORTEST), LONGEST)
    told = looked.told.get(item.id)
    opened = ZERO if told is None else sum((batch.quantity for batch in whole.opened), ZERO)
    if told is None:
        days = _expected(whole, seen.need, span)
    else:
        # What advice is told makes one batch of the lots that outlast an order: here they would all expire.
        told = replace(told, lots=weighing.lots(whole, on=on))
        days = _drawn(futures.draw([told], seed=on.toordinal(), paths=PATHS, days=span), seen)
    last = days[-1].on
    came = [Coming(due, much, "on order") for due, much in whole.arriving if due <= last]
    expired = [
        Coming(batch.last_day, batch.quantity, words)
        for batches, words in (
            (whole.batches, "sealed"),
            (whole.opened, "opened"),
            (whole.on_the_way, "on the way from another site"),
        )
        for batch in batches
        if batch.last_day <= last
    ]
    return Explained(advice, days, tuple(came), tuple(sorted(expired, key=lambda one: one.on)), opened)


def _expected(item: ItemFacts, need: Need, span: int) -> tuple[Day, ...]:
    """Where nothing can be drawn, for nobody offers it or it was never used: what is expected alone."""
    on, found = need.on, []
    needed = gone = ZERO  # first expired, first out: what a lot served before it expires is not missing after
    for ahead in range(1, span + 1):
        day = on + timedelta(days=ahead)
        before, needed = needed, need.through(day)
        there = sum((batch.quantity for batch in item.stock if batch.last_day > on), ZERO)
        there += sum((quantity for due, quantity in item.arriving if due <= day), ZERO)
        expired = sum((batch.quantity for batch in item.stock if on < batch.last_day <= day), ZERO)
        gone = max(gone + min(needed - before, there - gone), expired)
        much, left = needed.quantize(SMALLEST), (there - gone).quantize(SMALLEST)
        found.append(Day(day, much, much, much, left, left, left, _sold(need, day)))
    return tuple(found)


def _drawn(paths: Paths, seen: Outlook) -> tuple[Day, ...]:
    """The middle and the band of the ways that were drawn, in the item's unit."""
    import numpy as np

    needed, there, expired = np.cumsum(paths.need[0], 1), paths.there[0], paths.expired[0]
    gone = np.zeros(len(needed), dtype=np.int64)
    left = np.empty_like(there)
    for ahead in range(paths.days):
        gone = np.maximum(gone + np.minimum(paths.need[0, :, ahead], there[:, ahead] - gone), expired[ahead])
        left[:, ahead] = there[:, ahead] - gone
    bands = [
        np.quantile(some, (0.1, 0.5, 0.9), axis=0, method="inverted_cdf").astype(np.int64).T.tolist()
        for some in (needed, left)
    ]
    content, on = seen.item.content, seen.need.on
    found = []
    for place, (need, stock) in enumerate(zip(*bands, strict=True), start=1):
        day = on + timedelta(days=place)
        needs, stocks = [content * one for one in need], [content * one for one in stock]
        found.append(
            Day(day, needs[0], needs[1], needs[2], stocks[0], stocks[1], stocks[2], _sold(seen.need, day))
        )
    return tuple(found)


def _sold(need: Need, day: date) -> Decimal:
    return need.sold(date.min, day)
