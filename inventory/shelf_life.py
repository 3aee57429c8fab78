"""Shelf life: how much of it a container still has on the day it comes, and whether that is enough."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from inventory.catalog import Item
from inventory.measures import plain


@dataclass(frozen=True)
class LifeLeft:
    """How many days a lot is still good, of how many it was made for."""

    left: int
    whole: int

    def less_than(self, rate: Decimal) -> bool:
        """Whether less than this share is left."""
        return self.left < rate * self.whole


def life_left(item: Item, *, expires_on: date, produced_on: date | None, on: date) -> LifeLeft | None:
    """What is left on a day: the whole runs from production to expiry, or is what the item's maker says.

    None where neither is known.
    """
    if produced_on is not None:
        whole = (expires_on - produced_on).days
    elif item.shelf_life_months is not None:
        whole = (expires_on - months_after(expires_on, -item.shelf_life_months)).days
    else:
        return None
    return LifeLeft(max(0, (expires_on - on).days), max(0, whole))


def short_dated(
    item: Item, *, lot_number: str, expires_on: date, produced_on: date | None, on: date, least: Decimal
) -> str:
    """The sentence about a lot that comes with less of its life left than wanted; nothing if it is enough.

    What has expired is not short-dated: it goes to quarantine.
    """
    life = life_left(item, expires_on=expires_on, produced_on=produced_on, on=on)
    if life is None or expires_on < on or not life.less_than(least):
        return ""
    return (
        f"Lot {lot_number} of {item.sku} is short-dated: {life.left} of {life.whole} days are left until "
        f"{expires_on}, less than {plain(least * 100)} %."
    )


def months_after(day: date, months: int) -> date:
    """The same day so many months later, below zero earlier; the last of the month where it has none."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    if year < 1:
        return date.min
    return date(year, month, min(day.day, monthrange(year, month)[1]))
