"""New lot: what a lot ordered today would meet on each path, and how large it had best be (O1, O2).

Stock is used first expired, first out. A new lot that keeps longest waits for what is there to be used up
or to expire. One that expires sooner than what is there goes first, and leaves the other for later: then
both together are used until the day of the other. Either way what counts is what the lot adds.

Numpy and floats; no database, no clock. Days are whole numbers from today (0); containers are whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inventory.futures import Item, Paths

if TYPE_CHECKING:
    from inventory.forecasting import Floats, Whole

COVERS = (7, 9, 11, 14, 17, 21, 24, 28, 32, 37, 43, 50, 58, 67, 78, 90, 105, 125, 150, 190)
"""Days of need that candidates cover."""
FEW = 4  # the smallest packs are candidates whatever they cover
SPOILS = 0.55
"""What may expire counts so much where the quantity is chosen. A lot that expires before it is used up ends
on a known day, with stock until then: fewer sessions are lost, fewer orders written. The cost per day cannot
see that, for it takes all ends of a cycle for equal. Found by simulation (`tests/benchmarks/reorder.py`)."""


@dataclass(frozen=True)
class Lot:
    """What a new lot would meet, [item, path]: without it this need is unmet from its arrival on."""

    arrives: "Whole"
    later: "Whole"  # arrival if ordered on the next order day
    ends: "Whole"  # the last day of what is there with it
    left: "Floats"  # of the other stock beyond the days drawn, as far as it will be used
    unmet: "Whole"  # [item, path, day less 1], cumulative from its arrival
    missing: "Whole"  # containers of it that are unmet before the later one comes
    usable: "Floats"  # containers that it adds to what is used in date
    usable_later: "Floats"  # the same of a lot ordered on the next order day
    ends_later: "Whole"  # the last day of what is there with that one
    first_use: "Floats"  # day on which its first container is needed

    def used_by(self, wanted: "Whole", paths: Paths) -> "Floats":
        """The day on which the last of so many new containers [item, 1 or path] is needed; beyond the days
        drawn at the path's rate, when what is left has gone."""
        import numpy as np

        total = self.unmet[:, :, -1]
        inside = (self.unmet < wanted[:, :, None]).sum(2) + 1
        beyond = paths.days + (self.left + wanted - total) / paths.rate
        return np.where(total >= wanted, inside, np.maximum(beyond, paths.days + 1)).astype(np.float64)

    def sooner(self, containers: "Whole", paths: Paths) -> "Floats":
        """Days by which an order of so many containers [item] covers the need less far if it is given today
        instead of on the next order day: what it serves before the other came, and the days by which it
        expires sooner."""
        import numpy as np

        wanted = containers[:, None]
        now = np.minimum(self.used_by(wanted, paths), self.ends)
        later = np.minimum(self.used_by(wanted + self.missing, paths), self.ends_later)
        found: Floats = np.maximum(later - now, 0)
        return found


def meets(paths: Paths) -> Lot:
    """What a lot ordered today would meet on each path."""
    import numpy as np

    wait = np.array([item.next_order_in for item in paths.items])[:, None]
    day = np.arange(1, paths.days + 1)
    unmet = np.cumsum(np.where(day >= paths.arrives[:, :, None], paths.unmet, 0), 2)
    ends, later = paths.arrives + paths.life, paths.arrives + wait
    missing = np.take_along_axis(unmet, np.clip(later - 1, 1, paths.days)[:, :, None] - 1, 2)[:, :, 0]
    inside = np.take_along_axis(unmet, np.clip(ends, 1, paths.days)[:, :, None] - 1, 2)[:, :, 0]
    more = np.where(ends + wait > paths.days, wait * paths.rate, 0)
    total, goes_first = unmet[:, :, -1], (paths.keeps > ends) & (paths.left > 0)
    last = np.where(goes_first, paths.keeps, ends)
    lot = Lot(
        arrives=paths.arrives,
        later=later,
        ends=last,
        left=np.where(goes_first, paths.left, np.minimum(paths.left, paths.far_keeps)),
        unmet=unmet,
        missing=missing,
        usable=np.where(ends <= paths.days, inside, total + _added(paths, ends, paths.far)),
        usable_later=np.where(
            ends <= paths.days, inside + more, total + _added(paths, ends + wait, paths.far + more)
        )
        - missing,
        ends_later=np.maximum(last, ends + wait),
        first_use=np.empty(0),
    )
    return replace(lot, first_use=lot.used_by(np.ones((len(paths.items), 1), dtype=np.int64), paths))


def between(items: Sequence[Item], days: int) -> "Floats":
    """How likely each day is to lie between the arrivals of an order of today and one of the next order day,
    [item, day less 1]: what is lost on it is lost by waiting. Deliveries that are drawn would say so less
    exactly."""
    import numpy as np

    found = np.empty((len(items), days))
    for at, item in enumerate(items):
        come = np.bincount(np.minimum(item.delivery_days, days + 1), minlength=days + 2)[1 : days + 1]
        found[at] = by = np.cumsum(come) / len(item.delivery_days)
        found[at, item.next_order_in :] -= by[: max(0, days - item.next_order_in)]
    return found


def _added(paths: Paths, ends: "Whole", far: "Floats") -> "Floats":
    """What a lot that ends then adds beyond the days drawn, of which it could serve `far` alone."""
    import numpy as np

    before = np.minimum(far, np.maximum(paths.far_keeps - paths.left, 0))
    after = np.maximum(far - np.minimum(paths.left, paths.far_keeps), 0)
    added: Floats = np.where(paths.keeps > ends, before, after)
    return added


@dataclass(frozen=True)
class Best:
    """The quantity that costs least a day, and what it costs, one entry an item."""

    packs: "Whole"
    per_day: "Floats"
    waste: "Floats"  # containers expected to expire


def _candidates(paths: Paths) -> "Whole":
    """Packs worth weighing, ascending, [item, candidate]: the fewest, covers of the need, price breaks."""
    import numpy as np

    terms = [item.terms for item in paths.items]
    pack, least = np.array([one.pack for one in terms]), np.array([one.least for one in terms])
    per_day = paths.mean(paths.rate)
    covers = np.rint(per_day[:, None] * np.array(COVERS) / pack[:, None]).astype(np.int64)
    few = least[:, None] + np.arange(FEW)
    widest = max((len(one.breaks) for one in terms), default=0)
    steps = np.array(
        [[start for start, _ in one.breaks] + [one.least] * (widest - len(one.breaks)) for one in terms],
        dtype=np.int64,
    ).reshape(len(terms), widest)
    return np.sort(np.maximum(np.concatenate([few, covers, steps], 1), least[:, None]), 1)


def best(paths: Paths, lot: Lot, *, setup: float, holding_per_year: float, disposal: float) -> Best:
    """Of the candidates the one with the least cost per day covered (Silver and Meal's rule, with expiry)."""
    import numpy as np

    terms = [item.terms for item in paths.items]
    pack, price = np.array([one.pack for one in terms]), np.array([one.price for one in terms])
    holding, spoilt = (holding_per_year / 365 * price)[:, None], SPOILS * (price + disposal)[:, None]
    candidates = _candidates(paths)
    chosen = Best(candidates[:, 0], np.full(len(terms), np.inf), np.zeros(len(terms)))
    held, before = np.zeros_like(lot.first_use), lot.first_use
    packs_before = np.zeros(len(terms), dtype=np.int64)
    first = np.minimum(lot.first_use, lot.ends)
    for packs in candidates.T:
        containers = packs * pack
        used = lot.used_by(containers[:, None], paths)
        middle = (np.minimum(before, lot.ends) + np.minimum(used, lot.ends)) / 2 - first
        held = held + ((packs - packs_before) * pack)[:, None] * np.maximum(middle, 0)
        waste = np.maximum(containers[:, None] - lot.usable, 0)
        covered = np.minimum(used + 1 / paths.rate, lot.ends) - first
        paid = np.array([one.price_of(packs[at : at + 1])[0] for at, one in enumerate(terms)])
        cost = setup + paths.mean(holding * held + spoilt * waste) + (paid - price) * containers
        per_day = cost / np.maximum(paths.mean(covered), 0.25)
        better = per_day < chosen.per_day - 1e-9
        chosen = Best(
            np.where(better, packs, chosen.packs),
            np.where(better, per_day, chosen.per_day),
            np.where(better, paths.mean(waste), chosen.waste),
        )
        before, packs_before = used, packs
    return chosen
