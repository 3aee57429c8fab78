"""Levels: how an item's stock stands against its need until an order placed next time would come (O1, O2).

Stock is aged first expired first against what open courses were promised and what is used: what expires
before it is needed does not count, and no more is to be ordered than can be used in date. Floats stay in
`variance` and `safety_stock`. `outlook` is pure and touches no database; `outlooks` reads for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from math import sqrt
from statistics import NormalDist, median

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, suppliers, usage
from inventory.catalog import Item, Replacement, Supplier
from inventory.clinic import Settings, Site
from inventory.evidence import Evidence
from inventory.measures import ZERO
from inventory.need import SMALLEST, Ageing, Need, age, arriving, stock_out
from inventory.shelf_life import months_after
from inventory.usage import ItemFacts

ENOUGH_RECEIPTS = 4  # fewer say nothing of a supplier
RECENT = 12  # receipts
LONGEST_WAIT = 366  # days; who takes longer has lost the order


@dataclass(frozen=True)
class Terms:
    """The offer in force for an item, when its supplier takes orders, and how long its orders took."""

    offer: Replacement
    supplier: Supplier | None = None
    took: tuple[int, ...] = ()  # days from order to receipt, the latest last
    lives: tuple[int, ...] = ()  # days that receipts of the item had left to live, the latest last
    rate: Decimal | None = Decimal(1)  # what one of the supplier's currency is in ours; none: nobody tells

    @property
    def unweighed(self) -> bool:
        """Whether the supplier asks something of a whole order and nobody tells what that is in our money."""
        return self.rate is None and self.supplier is not None and self.supplier.asks_of_orders

    @property
    def fresh_days(self) -> int | None:
        """Days that a new lot usually has left on receipt; none as long as receipts do not tell."""
        return None if len(self.lives) < ENOUGH_RECEIPTS else int(median(self.lives[-RECENT:]))

    @property
    def usual_days(self) -> int:
        """Days to deliver: as promised, or as most deliveries took where that is more."""
        if len(self.took) < ENOUGH_RECEIPTS:
            return self.offer.lead_days
        return min(max(self.offer.lead_days, round(median(self.took))), LONGEST_WAIT)

    def order_days(self, on: date, review_days: int, *, cold: bool) -> tuple[date, date]:
        """The next day on which an order can leave, and the one of the review after it."""
        first = suppliers.order_day(self.supplier, on, cold=cold)
        return first, suppliers.order_day(self.supplier, first + timedelta(days=review_days), cold=cold)


@dataclass(frozen=True)
class Outlook:
    """How an item's stock stands against its need, and what an order placed today could do."""

    item: ItemFacts
    terms: Terms | None
    need: Need
    ageing: Ageing
    order_on: date  # the next day on which an order can leave
    next_on: date  # the order day after it
    service_level: Decimal
    until: date  # the last day that stock must reach: an order of the next review comes then
    coming: Decimal  # needed by then
    safety: Decimal

    @property
    def offer(self) -> Replacement | None:
        return None if self.terms is None else self.terms.offer

    @property
    def lead_days(self) -> int:
        """From the order to the shelf."""
        return 0 if self.terms is None else self.terms.usual_days

    @property
    def review_days(self) -> int:
        return (self.next_on - self.order_on).days

    @cached_property
    def stock_out_on(self) -> date | None:
        """The day on which the need outgrows what there is and comes."""
        return stock_out(self.item, self.need, self.ageing)

    @property
    def days_of_cover(self) -> int | None:
        """How many days that is from today."""
        return None if self.stock_out_on is None else (self.stock_out_on - self.need.on).days

    @property
    def position(self) -> Decimal:
        """What counts, with what is on order and comes in time."""
        return (self.ageing.position + self.due).quantize(SMALLEST, ROUND_FLOOR)

    @property
    def reorder_point(self) -> Decimal:
        """Below it stock is short."""
        return self.coming + self.safety

    @property
    def lacking(self) -> Decimal:
        """What is needed until the next order would come, and is neither there nor due."""
        return max(ZERO, self.coming - self.position)

    @property
    def sold_lacking(self) -> Decimal:
        """What of it sessions that are sold need after a delivery could have come."""
        return min(self.lacking, self.need.sold(self.arrives_on, self.until))

    @property
    def on_order(self) -> Decimal:
        """Sent by a supplier or another site, and not here."""
        return arriving(self.item) + sum((batch.quantity for batch in self.item.on_the_way), ZERO)

    @property
    def due(self) -> Decimal:
        """What is on order and expected early enough to count."""
        return arriving(self.item, self.until)

    @property
    def arrives_on(self) -> date:
        return self.order_on + timedelta(days=self.lead_days)

    @property
    def keeps_until(self) -> date | None:
        """The last day of a lot that arrives: as fresh as lots came, at most by the shelf life on record.

        None where neither is known.
        """
        months, fresh = self.item.shelf_life_months, None if self.terms is None else self.terms.fresh_days
        ends = [] if months is None else [months_after(self.arrives_on, months)]
        ends += [] if fresh is None else [self.arrives_on + timedelta(days=fresh)]
        return min(ends, default=None)

    @property
    def ordered_lately(self) -> bool:
        """It was ordered since the last review, and is looked at again at the next one."""
        ordered = self.item.ordered_on
        return ordered is not None and ordered <= self.need.on < ordered + timedelta(days=self.review_days)

    @property
    def too_slow(self) -> bool:
        """It takes longer to come than it keeps."""
        return self.keeps_until is not None and self.lead_days > (self.keeps_until - self.arrives_on).days

    @property
    def too_late(self) -> Decimal:
        """Needed before a delivery can come, and neither on the shelf nor coming before it."""
        before = self.arrives_on - timedelta(days=1)
        return max(ZERO, self.need.through(before) - self.ageing.used - arriving(self.item, before))

    @property
    def usable_fresh(self) -> Decimal | None:
        """How much of a new lot can be used before it expires; none where no limit is known.

        It is the need from its arrival to its last day that stock on hand and on order does not meet.
        """
        if self.keeps_until is None:
            return None
        before = self.arrives_on - timedelta(days=1)
        sooner = arriving(self.item, before)
        served = max(self.need.through(before), self.ageing.used + sooner)
        served += arriving(self.item) - sooner
        return max(ZERO, self.need.through(self.keeps_until) - served)


def variance(daily: Sequence[Decimal], *, days: int) -> float:
    """The variance of use per day; the days without use, which are not listed, count as zero."""
    if days < 2:
        return 0.0
    mean = float(sum(daily, ZERO)) / days
    squares = sum((float(used) - mean) ** 2 for used in daily)
    return (squares + (days - len(daily)) * mean**2) / (days - 1)


def safety_stock(*, variance: float, days: int, service_level: float) -> float:
    """What covers so many days' uncertain use in that share of all cycles: z x sqrt(variance x days)."""
    z = NormalDist().inv_cdf(min(max(service_level, 0.5), 0.9999))
    return z * sqrt(variance * days)


def need_of(item: ItemFacts, *, on: date) -> Need:
    """What will be asked for of an item, as its history and its plans have it."""
    return Need(on, sum(item.daily, ZERO) / item.days, item.planned, item.used / item.days)


def outlook(item: ItemFacts, terms: Terms | None, *, on: date, settings: Settings) -> Outlook:
    """Set an item's stock against its need until an order of the next review would come."""
    review = settings.reorder_review_days
    order_on, next_on = on, on + timedelta(days=review)
    if terms is not None:
        order_on, next_on = terms.order_days(on, review, cold=item.cold)
    until = next_on + timedelta(days=0 if terms is None else terms.usual_days)
    need = need_of(item, on=on)
    buffer = safety_stock(
        variance=variance(item.daily, days=item.days),
        days=(until - on).days,
        service_level=float(settings.service_level),
    )
    return Outlook(
        item=item,
        terms=terms,
        need=need,
        ageing=age(item.stock, need, until=until),
        order_on=order_on,
        next_on=next_on,
        service_level=settings.service_level,
        until=until,
        coming=need.through(until).quantize(SMALLEST, ROUND_CEILING),
        safety=Decimal(buffer).quantize(SMALLEST, ROUND_CEILING),
    )


def terms_of(
    db: Session, seen: Evidence, *, on: date, item_ids: Sequence[int] | None = None
) -> dict[int, Terms]:
    """The terms in force for items in use, by item, with what deliveries showed of them."""
    active = sa.select(Item.id).where(Item.active)
    offers = catalog.replacements(db, db.scalars(active) if item_ids is None else item_ids, on=on)
    named = {one.id: one for one in db.scalars(sa.select(Supplier))}
    rates = suppliers.rates(db, currency=clinic.settings(db).currency, on=on)
    return {
        key: Terms(
            offer,
            named.get(offer.supplier_id),
            tuple(seen.took.get(offer.supplier_id, ())),
            tuple(seen.lives.get(key, ())),
            rates.get(offer.supplier_id),
        )
        for key, offer in offers.items()
    }


def outlooks(
    db: Session, terms: Mapping[int, Terms], *, site: Site, on: date, settings: Settings,
    item_ids: Sequence[int] | None = None, in_full: bool = False,
) -> list[Outlook]:  # fmt: skip
    """How items in use stand, by SKU. If not in full, lots that outlast every order are one batch: that says
    what counts and what lacks, but not what will be left over."""
    longest = max((one.usual_days for one in terms.values()), default=0)
    # An order may have to wait for the supplier's day, twice.
    until = on + timedelta(days=longest + settings.reorder_review_days + 14)
    window, beyond = settings.usage_window_days, None if in_full else until
    facts = usage.read(db, site=site, on=on, window_days=window, item_ids=item_ids, beyond=beyond)
    return [outlook(item, terms.get(item.item_id), on=on, settings=settings) for item in facts]
