"""Elsewhere: what other sites of the clinic will not use in date, and a site can fetch before it buys (O2).

`unused` and `fetched` are pure; `spared` reads for them: a few statements a site, however many items.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory import levels, surplus, usage
from inventory.clinic import Settings, Site
from inventory.futures import Item
from inventory.levels import Outlook
from inventory.measures import ZERO, fit
from inventory.usage import Batch, ItemFacts
from inventory.weighing import Weighed

SURE = 0.9  # a site can spare what it will not need in so many of all cases
HORIZON = timedelta(days=182)  # what keeps longer may find its use


@dataclass(frozen=True)
class Spare:
    """Sealed containers of one item and expiry that a site will not use before it."""

    site: str
    site_name: str
    expires_on: date
    containers: int
    quantity: Decimal


def spared(
    db: Session, *, sites: Iterable[Site], item_ids: Collection[int], on: date, settings: Settings
) -> dict[int, tuple[Spare, ...]]:
    """What sites can spare of items, by item, what expires first first."""
    found: dict[int, list[Spare]] = defaultdict(list)
    for site in sites:
        window = settings.usage_window_days
        for item in usage.read(db, site=site, on=on, window_days=window, item_ids=item_ids):
            found[item.item_id] += [
                Spare(site.code, site.name, day, count, count * item.content)
                for day, count in unused(item, on=on)
            ]
    return {key: tuple(sorted(some, key=lambda one: one.expires_on)) for key, some in found.items() if some}


def unused(item: ItemFacts, *, on: date) -> list[tuple[date, int]]:
    """Of an item's sealed lots the last days and whole containers that expire within half a year and will
    not be used by then in nine of ten cases: every planned session counts, first expired goes first."""
    need, spread = levels.need_of(item, on=on), levels.variance(item.daily, days=item.days)
    stock = [(batch, False) for batch in (*item.opened, *item.on_the_way)]
    stock += [(batch, True) for batch in item.batches]
    used, found = ZERO, []
    for batch, sealed in sorted(stock, key=lambda one: one[0].last_day):
        days = (batch.last_day - on).days
        more = levels.safety_stock(variance=spread, days=days, service_level=SURE)
        taken = min(batch.quantity, max(ZERO, need.through(batch.last_day) + Decimal(more) - used))
        used += taken
        spare = int((batch.quantity - taken) // item.content)
        if sealed and spare and on < batch.last_day <= on + HORIZON:
            found.append((batch.last_day, spare))
    return found


def offering(told: Mapping[int, Item], spares: Mapping[int, Sequence[Spare]], *, on: date) -> dict[int, Item]:
    """What the policy is told, with what other sites can spare."""
    return {
        key: replace(
            item,
            offered=tuple(((one.expires_on - on).days, one.containers) for one in spares.get(key, ())),
        )
        for key, item in told.items()
    }


def fetched(
    seen: Outlook, told: Item | None, weighed: Weighed | None, spares: Sequence[Spare]
) -> tuple[Spare, ...]:
    """What to fetch: what the policy would rather fetch than buy; where it does not buy, what lacks."""
    if told is not None and weighed is not None and (weighed.packs or weighed.advice.fetch):
        lots = [
            (seen.need.on + timedelta(days=last_day), count)
            for last_day, count in surplus.usable(told, weighed.advice.fetch)
        ]
    else:
        lots = _lacking(seen, spares)
    found, left = [], list(spares)
    for day, wanted in lots:
        for place, one in enumerate(left):
            taken = min(wanted, one.containers) if one.expires_on == day else 0
            if taken:
                found.append(_part(one, taken))
                left[place], wanted = _part(one, one.containers - taken), wanted - taken
    return tuple(found)


def arrived(item: ItemFacts, fetch: Sequence[Spare]) -> ItemFacts:
    """The facts of an item with what is fetched on the way."""
    more = tuple(Batch(one.expires_on, one.quantity) for one in fetch)
    return replace(item, on_the_way=(*item.on_the_way, *more))


def _lacking(seen: Outlook, spares: Sequence[Spare]) -> list[tuple[date, int]]:
    """What is needed until the next order would come and is not there, as far as it is used in date."""
    taken, found = ZERO, []
    for one in spares:
        usable = min(seen.lacking, seen.need.through(one.expires_on) - seen.position) - taken
        count = min(one.containers, int(fit(max(ZERO, usable), seen.item.content)))
        if count:
            taken += count * seen.item.content
            found.append((one.expires_on, count))
    return found


def _part(one: Spare, containers: int) -> Spare:
    each = one.quantity / one.containers if one.containers else ZERO
    return replace(one, containers=containers, quantity=containers * each)
