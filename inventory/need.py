"""Need: what will be asked for day by day, and how long the stock on hand and on order will meet it (O1)."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from inventory.measures import QUANTITY_PLACES, ZERO
from inventory.usage import Batch, ItemFacts

SMALLEST = Decimal(1).scaleb(-QUANTITY_PLACES)
FORESIGHT = timedelta(days=3650)  # what lasts ten years does not run out


@dataclass(frozen=True)
class Need:
    """What will be asked for: planned sessions on their days, and walk-in use on every day after today.

    Courses that nobody has sold yet will be needed too: in the long run at least the pace of all use.
    """

    on: date
    per_day: Decimal
    planned: tuple[tuple[date, Decimal], ...] = ()  # by day
    pace: Decimal = ZERO  # of walk-ins and courses together, a day
    _days: tuple[date, ...] = field(init=False, repr=False)
    _sums: tuple[Decimal, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_days", tuple(day for day, _ in self.planned))
        object.__setattr__(self, "_sums", tuple(accumulate(quantity for _, quantity in self.planned)))

    def through(self, day: date) -> Decimal:
        """All that is needed up to the end of a day. A session overdue is still to be supplied."""
        if day < self.on:
            return ZERO
        due, days = bisect_right(self._days, day), (day - self.on).days
        return max(self.per_day * days + (self._sums[due - 1] if due else ZERO), self.pace * days)

    def sold(self, since: date, until: date) -> Decimal:
        """What planned sessions of so many days need, both days included."""
        return sum((quantity for day, quantity in self.planned if since <= day <= until), ZERO)

    def first_day_above(self, quantity: Decimal) -> date | None:
        """The day on which the need outgrows a quantity; none within ten years."""
        first, last = self.on.toordinal(), (self.on + FORESIGHT).toordinal()
        if self.through(date.fromordinal(last)) <= quantity:
            return None
        while first < last:
            middle = (first + last) // 2
            if self.through(date.fromordinal(middle)) > quantity:
                last = middle
            else:
                first = middle + 1
        return date.fromordinal(first)


@dataclass(frozen=True)
class Ageing:
    """What becomes of the stock on hand, used first expired first against the need."""

    used: Decimal
    at_risk: Decimal
    position: Decimal


def age(batches: Iterable[Batch], need: Need, *, until: date) -> Ageing:
    """Use up the batches in order of expiry: what each can give is the need up to its last day, less what
    went before. The position leaves out only what will have expired unused before `until`."""
    used = lost = position = ZERO
    for batch in sorted(batches, key=lambda batch: batch.last_day):
        given = min(batch.quantity, max(ZERO, need.through(batch.last_day) - used))
        used += given
        lost += batch.quantity - given
        position += batch.quantity if batch.last_day >= until else given
    return Ageing(used, lost, position)


def arriving(item: ItemFacts, until: date = date.max) -> Decimal:
    """What is on order and expected by a day."""
    return sum((quantity for due, quantity in item.arriving if due <= until), ZERO)


def stock_out(item: ItemFacts, need: Need, ageing: Ageing) -> date | None:
    """The day on which the need outgrows what is on the shelf and has come by then; none within ten years."""
    has = ageing.used
    for due, quantity in item.arriving:  # by day
        out = need.first_day_above(has)
        if out is not None and out < due:
            return out
        has += quantity
    return need.first_day_above(has)
