"""Reordering: what to order, from whom, how much, by when and why; never more than can be used (O1, O2).

The rule, for one item at one site. Need is what open courses were promised, on their days, and the walk-in
use per day that the ledger shows. Stock is aged against it, first expired first: what expires before it is
needed does not count. When what counts is less than the need until an order placed next time would arrive,
with a safety stock for uncertain use, the difference is ordered in whole packs. Floats stay in `variance`
and `safety_stock`. `propose` is the rule itself and touches no database; `advise` reads for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cached_property
from math import sqrt
from statistics import NormalDist

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, usage
from inventory.catalog import Item, Replacement
from inventory.clinic import Settings, Site
from inventory.measures import ZERO, fit, plain, to_cents_half_up
from inventory.need import SMALLEST, Ageing, Need, age, arriving, stock_out
from inventory.shelf_life import months_after
from inventory.usage import ItemFacts


@dataclass(frozen=True)
class Advice:
    """What to do about one item, with the numbers it rests on and a sentence that says it all."""

    sku: str
    name: str
    unit: str
    usable: Decimal
    allocated: Decimal
    usage_per_day: Decimal
    lead_days: int | None
    safety_stock: Decimal
    reorder_point: Decimal
    position: Decimal  # what counts: usable and in time, not expiring unused before; and on order
    on_order: Decimal  # sent to a supplier and not here yet
    due: Decimal  # of it what comes early enough to count
    stock_out_on: date | None
    at_risk: Decimal  # expires before it can be used
    days_of_cover: int | None
    order_packs: int
    pack_containers: int | None
    order_quantity: Decimal
    supplier: str | None
    order_by: date | None
    cost: Decimal
    why: str


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


def advise(
    db: Session, *, site: Site, on: date, everything: bool = False, item_ids: Sequence[int] | None = None
) -> list[Advice]:
    """The reorder list of a site on a day, by SKU: what lacks, or every item in use (O1, O2).

    Stock and promises are read as they stand; expired, quarantined, recalled and past-discard stock and
    vials that are one patient's are not even read. `item_ids` names the items; None asks for all.
    """
    settings = clinic.settings(db)
    seen = outlooks(db, site=site, on=on, settings=settings, item_ids=item_ids, in_full=everything)
    if not everything:
        seen = [one for one in seen if one.lacking]
        facts = usage.in_full(db, [one.item for one in seen], site=site, on=on)
        seen = [
            outlook(item, one.offer, on=on, settings=settings) for item, one in zip(facts, seen, strict=True)
        ]
    return [_advice(one) for one in seen]


@dataclass(frozen=True)
class Outlook:
    """How an item's stock stands against its need, and what an order placed today could do."""

    item: ItemFacts
    offer: Replacement | None
    need: Need
    ageing: Ageing
    lead_days: int
    review_days: int
    service_level: Decimal
    until: date  # the last day that stock must reach: an order of the next review comes then
    coming: Decimal  # needed by then
    safety: Decimal
    lacking: Decimal

    @cached_property
    def stock_out_on(self) -> date | None:
        """The day on which the need outgrows what there is and comes."""
        return stock_out(self.item, self.need, self.ageing)

    @property
    def position(self) -> Decimal:
        """What counts, with what is on order and comes in time."""
        return (self.ageing.position + self.due).quantize(SMALLEST, ROUND_FLOOR)

    @property
    def reorder_point(self) -> Decimal:
        """Below it something is ordered."""
        return self.coming + self.safety

    @property
    def on_order(self) -> Decimal:
        return arriving(self.item)

    @property
    def due(self) -> Decimal:
        """What is on order and expected early enough to count."""
        return arriving(self.item, self.until)

    @property
    def arrives_on(self) -> date:
        return self.need.on + timedelta(days=self.lead_days)

    @property
    def keeps_until(self) -> date | None:
        """The last day of a lot that arrives fresh; none where no shelf life is on record."""
        months = self.item.shelf_life_months
        return None if months is None else months_after(self.arrives_on, months)

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
        served = max(self.need.through(before), self.ageing.used + sooner) + self.on_order - sooner
        return max(ZERO, self.need.through(self.keeps_until) - served)


@dataclass(frozen=True)
class Order:
    """How many packs to order, and how many were wanted before the limits."""

    packs: int = 0
    wanted: int = 0
    quantity: Decimal = ZERO


def outlook(item: ItemFacts, offer: Replacement | None, *, on: date, settings: Settings) -> Outlook:
    """Set an item's stock against its need until an order of the next review would come."""
    lead, review = 0 if offer is None else offer.lead_days, settings.reorder_review_days
    until = on + timedelta(days=lead + review)
    need = Need(on, sum(item.daily, ZERO) / item.days, item.planned)
    ageing = age(item.batches, need, until=until)
    buffer = safety_stock(
        variance=variance(item.daily, days=item.days),
        days=lead + review,
        service_level=float(settings.service_level),
    )
    safety = Decimal(buffer).quantize(SMALLEST, ROUND_CEILING)
    coming = need.through(until).quantize(SMALLEST, ROUND_CEILING)
    return Outlook(
        item=item,
        offer=offer,
        need=need,
        ageing=ageing,
        lead_days=lead,
        review_days=review,
        service_level=settings.service_level,
        until=until,
        coming=coming,
        safety=safety,
        lacking=max(
            ZERO,
            (coming + safety - ageing.position - arriving(item, until)).quantize(SMALLEST, ROUND_CEILING),
        ),
    )


def outlooks(
    db: Session,
    *,
    site: Site,
    on: date,
    settings: Settings,
    item_ids: Sequence[int] | None = None,
    in_full: bool = False,
) -> list[Outlook]:
    """How items in use stand, by SKU. If not in full, lots that outlast every order are one batch: that says
    what counts and what lacks, but not what will be left over."""
    active = sa.select(Item.id).where(Item.active)
    offers = catalog.replacements(db, db.scalars(active) if item_ids is None else item_ids, on=on)
    longest = max((offer.lead_days for offer in offers.values()), default=0)
    until = on + timedelta(days=longest + settings.reorder_review_days)
    window, beyond = settings.usage_window_days, None if in_full else until
    facts = usage.read(db, site=site, on=on, window_days=window, item_ids=item_ids, beyond=beyond)
    return [outlook(item, offers.get(item.item_id), on=on, settings=settings) for item in facts]


def order(seen: Outlook) -> Order:
    """Whole packs for what lacks: at least the supplier's minimum, at most what can be used in date."""
    if not seen.lacking or seen.offer is None:
        return Order()
    pack = seen.offer.pack_containers * seen.item.content
    wanted = packs = max(seen.offer.minimum_packs, int(fit(seen.lacking, pack)))
    if seen.usable_fresh is not None:
        packs = min(packs, int(seen.usable_fresh // pack))
    if packs < seen.offer.minimum_packs or seen.too_slow:
        packs = 0
    return Order(packs, wanted, packs * pack)


def propose(
    item: ItemFacts, offer: Replacement | None, *, on: date, settings: Settings
) -> tuple[Advice, bool]:
    """The advice on one item, and whether anything lacks."""
    seen = outlook(item, offer, on=on, settings=settings)
    return _advice(seen), seen.lacking > 0


def _advice(seen: Outlook) -> Advice:
    item, offer, on, chosen = seen.item, seen.offer, seen.need.on, order(seen)
    out = seen.stock_out_on
    order_by = None
    if chosen.packs:
        order_by = on if out is None else max(on, out - timedelta(days=seen.lead_days))
    return Advice(
        sku=item.sku,
        name=item.name,
        unit=item.unit,
        usable=sum((batch.quantity for batch in item.batches), ZERO),
        allocated=sum((quantity for _, quantity in item.planned), ZERO),
        usage_per_day=seen.need.per_day.quantize(SMALLEST),
        lead_days=None if offer is None else offer.lead_days,
        safety_stock=seen.safety,
        reorder_point=seen.reorder_point,
        position=seen.position,
        on_order=seen.on_order,
        due=seen.due,
        stock_out_on=out,
        at_risk=seen.ageing.at_risk.quantize(SMALLEST),
        days_of_cover=None if out is None else (out - on).days,
        order_packs=chosen.packs,
        pack_containers=None if offer is None else offer.pack_containers,
        order_quantity=chosen.quantity,
        supplier=None if offer is None else offer.supplier,
        order_by=order_by,
        cost=ZERO if offer is None else to_cents_half_up(chosen.packs * offer.pack_price),
        why=why(seen, chosen, order_by),
    )


def why(seen: Outlook, chosen: Order, order_by: date | None) -> str:
    """The advice in one sentence, with the numbers in it."""
    item, offer, unit = seen.item, seen.offer, seen.item.unit
    ordered = f" and {_said(seen.due)} on order" if seen.due else ""
    basis = (
        f"{_said(seen.ageing.position)} {unit} usable{ordered} against {_said(seen.coming)} needed by "
        f"{seen.until} "
        f"({_counted(seen.lead_days, 'day')} for a delivery, {seen.review_days} to the next order) and "
        f"{_said(seen.safety)} for safety at {_said(seen.service_level * 100)} %"
    )
    if not seen.lacking and not seen.coming:
        said = f"Nothing to order: not used in the last {item.days} days and planned for no session"
    elif not seen.lacking:
        said = f"Nothing to order: {basis}"
    elif offer is None:
        said = f"No supplier offers it, so find one with its price and delivery time: {basis}"
    elif seen.too_slow:
        said = (
            f"Do not order it for the shelf: it takes {_counted(offer.lead_days, 'day')} to come and keeps "
            f"{_counted(item.shelf_life_months or 0, 'month')}; {basis}"
        )
    elif not chosen.packs:
        least = _packs(offer, offer.minimum_packs, item)
        said = (
            f"Do not order it for the shelf: {least} is the smallest order and "
            f"{_said(seen.usable_fresh or ZERO)} {unit} can be used before a new lot would expire on "
            f"{seen.keeps_until}; {basis}"
        )
    else:
        said = f"Order {_packs(offer, chosen.packs, item)} from {offer.supplier_name} by {order_by}: {basis}"
    return "; ".join([said, *_asides(seen, chosen)]) + "."


def _asides(seen: Outlook, chosen: Order) -> list[str]:
    """What else a manager should know: limits that were met, dates, and what will be thrown away."""
    unit, asides = seen.item.unit, []
    if chosen.packs and chosen.packs < chosen.wanted:
        asides.append(
            f"{chosen.wanted} packs would be more than the {_said(seen.usable_fresh or ZERO)} {unit} "
            f"that can be used before a new lot would expire on {seen.keeps_until}"
        )
    elif chosen.packs and seen.offer is not None and chosen.packs == seen.offer.minimum_packs > 1:
        asides.append("the supplier sells no fewer")
    if seen.lacking and seen.stock_out_on is not None:
        asides.append(f"stock runs out on {seen.stock_out_on}")
    if seen.lacking and seen.offer is not None and seen.too_late:
        asides.append(
            f"{_said(seen.too_late)} {unit} of it is needed before a delivery can come on {seen.arrives_on}"
        )
    if seen.on_order > seen.due:
        asides.append(f"{_said(seen.on_order - seen.due)} {unit} more is on order and expected after that")
    if seen.ageing.at_risk:
        asides.append(f"{_said(seen.ageing.at_risk)} {unit} on the shelf will expire before it can be used")
    return asides


def _packs(offer: Replacement, packs: int, item: ItemFacts) -> str:
    quantity = _said(packs * offer.pack_containers * item.content)
    return f"{_counted(packs, 'pack')} of {offer.pack_containers} ({quantity} {item.unit})"


def _counted(number: int, what: str) -> str:
    return f"{number} {what if number == 1 else what + 's'}"


def _said(number: Decimal) -> str:
    """A number as precise as a sentence needs it."""
    return plain(number.quantize(Decimal("0.01") if abs(number) >= 1 else SMALLEST, ROUND_HALF_UP))
