"""Reordering: what to order, from whom, how much, by when and why; never more than can be used (O1, O2).

The policy weighs what waiting for the next order day risks against what ordering now costs, over many ways
in which booked sessions, walk-ins, deliveries and expiries may go (`weighing`, `policy`). `levels` ages the
stock against what is expected and says how much of a new lot can be used in date: no more is ordered. What
a session that is sold lacks is ordered in any case, in the smallest order if that holds too much.

`decided` is the rule itself and touches no database; `advise` reads for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory import (
    catalog,
    clinic,
    elsewhere,
    evidence,
    futures,
    layers,
    levels,
    reasons,
    suppliers,
    usage,
    vials,
    weighing,
)  # fmt: skip
from inventory.catalog import Supplier
from inventory.clinic import Settings, Site
from inventory.elsewhere import Spare
from inventory.errors import Conflict
from inventory.evidence import Evidence
from inventory.futures import Item
from inventory.levels import Outlook
from inventory.measures import ZERO, to_cents_half_up
from inventory.need import SMALLEST
from inventory.order_views import OrderView
from inventory.purchasing import Wish
from inventory.weighing import Order, Weighed


@dataclass(frozen=True)
class Advice:
    """What to do about one item, with the numbers it rests on and a sentence that says it all."""

    sku: str
    name: str
    unit: str
    usable: Decimal
    allocated: Decimal
    usage_per_day: Decimal  # by walk-ins
    lead_days: int | None  # as long as deliveries usually took, at least as promised
    safety_stock: Decimal
    reorder_point: Decimal
    position: Decimal  # what counts: usable and in time, not expiring unused before; and on order
    on_order: Decimal  # sent to a supplier and not here yet, or on the way from another site
    due: Decimal  # of it what comes early enough to count
    stock_out_on: date | None
    stock_out_early: date | None  # in one of ten cases it runs out by this day
    at_risk: Decimal  # expires before it can be used
    value_at_risk: Decimal
    days_of_cover: int | None
    order_packs: int
    pack_containers: int | None
    pack_price: Decimal | None  # in an order of so many packs
    order_quantity: Decimal
    supplier: str | None
    order_by: date | None
    cost: Decimal
    expected_waste: Decimal  # of what is ordered
    service_level: Decimal | None  # share of the need that is met if the advice is taken; none: plenty
    lost_chance: Decimal | None  # that a session is lost by waiting for the next order day
    why: str
    weighed: str  # the money behind it, for those who see costs
    fetch: tuple[Spare, ...] = ()  # from other sites, before anything is ordered

    @property
    def out_now(self) -> bool:
        """Nothing is there or comes in time, and it is needed, be it on a later day."""
        return self.days_of_cover is not None and (self.days_of_cover <= 0 or not (self.usable or self.due))

    @property
    def order_containers(self) -> int:
        """What is advised to order, in containers."""
        return self.order_packs * (self.pack_containers or 0)


@dataclass(frozen=True)
class Looked:
    """The book of a site as far as advice needs it: every item that is in use, and what is learned."""

    outlooks: list[Outlook]  # lots that last are one
    told: dict[int, Item]
    weighed: dict[int, Weighed]
    evidence: Evidence
    settings: Settings
    spares: Mapping[int, tuple[Spare, ...]] = field(default_factory=dict)  # at other sites, by item


class NothingToOrder(Conflict):
    """The advice names nothing of this supplier now, or all of it was left out."""


def look(db: Session, *, site: Site, on: date, others: Sequence[Site] = ()) -> Looked:
    """Read and weigh all that is in use at a site: a few statements, however many items there are.

    `others` are the sites of which the reader may know: what they will not use in date is offered.
    """
    settings, seen = clinic.settings(db), evidence.read(db, site=site, on=on)
    terms = levels.terms_of(db, seen, on=on)
    outlooks = levels.outlooks(db, terms, site=site, on=on, settings=settings)
    told = weighing.items(outlooks, seen, site=site, on=on, rules=vials.rules_in_force(db, site, on))
    told = _with_every_lot(db, outlooks, told, site=site, on=on)
    found = weighing.weigh(outlooks, told, settings=settings, on=on)
    sites = [one for one in others if one.id != site.id]
    keys = [one.item.item_id for one in outlooks if one.lacking or _wanted(found.get(one.item.item_id))]
    spares = {}
    if sites and keys:
        spares = elsewhere.spared(db, sites=sites, item_ids=keys, on=on, settings=settings)
    if spares:
        told = elsewhere.offering(told, spares, on=on)
        found = weighing.weigh(outlooks, told, settings=settings, on=on)
    return Looked(outlooks, told, found, seen, settings, spares)


def _with_every_lot(
    db: Session, outlooks: Sequence[Outlook], told: Mapping[int, Item], *, site: Site, on: date
) -> dict[int, Item]:
    """What is told of items with each lot's own last day where it is weighed: the policy looks as far ahead
    as the latest delivery took, and what keeps beyond the days that were read would seem to expire there."""
    near = [seen.item for seen in outlooks if seen.item.item_id in told]
    near = [item for item in near if item.batches and not futures.plenty(told[item.item_id])]
    whole = usage.in_full(db, near, site=site, on=on)
    return {
        **told,
        **{one.item_id: replace(told[one.item_id], lots=weighing.lots(one, on=on)) for one in whole},
    }


def advise(
    db: Session, *, site: Site, on: date, everything: bool = False, item_ids: Sequence[int] | None = None,
    others: Sequence[Site] = (),
) -> list[Advice]:  # fmt: skip
    """The reorder list of a site on a day, by SKU: what to order and what lacks, or every item (O1, O2).

    Stock and promises are read as they stand; expired, quarantined, recalled and past-discard stock and
    vials that are one patient's are not even read. `item_ids` names the items; None asks for all.
    """
    found = look(db, site=site, on=on, others=others)
    return listed(db, found, site=site, on=on, everything=everything, item_ids=item_ids)


def listed(
    db: Session, found: Looked, *, site: Site, on: date, everything: bool = False,
    item_ids: Sequence[int] | None = None,
) -> list[Advice]:  # fmt: skip
    """The reorder list from what was read and weighed."""
    keys = None if item_ids is None else set(item_ids)
    shown = [seen for seen in found.outlooks if keys is None or seen.item.item_id in keys]
    if not everything:
        shown = [seen for seen in shown if seen.lacking or _wanted(found.weighed.get(seen.item.item_id))]
    facts = usage.in_full(db, [seen.item for seen in shown], site=site, on=on)
    worth = layers.worth_of_items(db, [item.item_id for item in facts])
    answer = []
    for item, seen in zip(facts, shown, strict=True):
        whole = levels.outlook(item, seen.terms, on=on, settings=found.settings)
        held = worth.get(item.item_id)
        each = held.value / held.quantity if held is not None and held.quantity else ZERO
        weighed, spares = found.weighed.get(item.item_id), found.spares.get(item.item_id, ())
        fetch = elsewhere.fetched(whole, found.told.get(item.item_id), weighed, spares)
        one = decided(whole, weighed, settings=found.settings, value=each, fetch=fetch)
        if everything or one.order_packs or one.fetch or whole.lacking or (weighed and weighed.held_up):
            answer.append(one)
    return answer


def _wanted(weighed: Weighed | None) -> bool:
    """Whether it should come now, be it ordered, fetched, or held up by what its supplier asks."""
    return weighed is not None and (weighed.packs > 0 or weighed.advice.fetch > 0 or weighed.held_up)


def wishes(
    db: Session, *, site: Site, supplier: Supplier, on: date, packs: Mapping[str, int] | None = None,
    others: Sequence[Site] = (),
) -> list[Wish]:  # fmt: skip
    """What the advice names of a supplier, as the lines of an order (O3). Raises NothingToOrder.

    `packs` are other quantities by SKU; none of an item leaves it out.
    """
    advised = {
        one: (packs or {}).get(one.sku, one.order_packs)
        for one in advise(db, site=site, on=on, others=others)
        if one.supplier == supplier.code and one.order_packs
    }
    found = [
        Wish(catalog.item(db, one.sku), wanted, pack_containers=one.pack_containers)
        for one, wanted in advised.items()
        if wanted
    ]
    if advised and not found:
        raise NothingToOrder(
            f"Every item of {supplier.name} is left out: order at least one pack of one of the "
            f"{len(advised)} that are advised for {site.name}, or make no order."
        )
    if not found:
        raise NothingToOrder(f"Nothing of {supplier.name} has to be ordered for {site.name} now.")
    return found


def added(db: Session, of: OrderView, *, site: Site, on: date, others: Sequence[Site] = ()) -> list[Wish]:
    """The lines of a draft with what the advice names of its supplier and it has not, in whole packs (O3).

    A line that has less grows in its own packs, and keeps a price that was typed. Raises NothingToOrder.
    """
    lacks = {one.sku: one for one in advise(db, site=site, on=on, others=others) if lacking_in(of, one)}
    if not lacks:
        raise NothingToOrder(f"{of.number} has all that is advised of {of.supplier_name} for {site.name}.")
    supplier = catalog.supplier(db, of.supplier)
    offers = catalog.replacements(db, [line.item_id for line in of.lines], on=on, supplier_id=supplier.id)
    found = []
    for line in of.lines:
        packs, one, offer = line.packs, lacks.pop(line.sku, None), offers.get(line.item_id)
        if one is not None:
            packs = -(-one.order_containers // line.pack_containers)
        offered = offer is not None and (offer.pack_containers, offer.price_of(line.packs)) == (
            line.pack_containers, line.pack_price,
        )  # fmt: skip
        price = None if offered else line.pack_price
        found.append(Wish(catalog.item(db, line.sku), packs, line.pack_containers, price))
    more = [Wish(catalog.item(db, one.sku), one.order_packs, one.pack_containers) for one in lacks.values()]
    return found + more


def lacking_in(of: OrderView, one: Advice) -> bool:
    """Whether a draft has less of an item than is advised to order of its supplier."""
    has = sum(line.ordered for line in of.lines if line.sku == one.sku)
    return one.supplier == of.supplier and one.order_containers > has


def decided(
    seen: Outlook, weighed: Weighed | None, *, settings: Settings, value: Decimal = ZERO,
    fetch: tuple[Spare, ...] = (),
) -> Advice:  # fmt: skip
    """The advice on one item, of which a unit of stock is worth so much; what is fetched is not ordered."""
    item, offer, after = seen.item, seen.offer, seen
    if fetch:
        after = levels.outlook(elsewhere.arrived(item, fetch), seen.terms, on=seen.need.on, settings=settings)
    chosen = weighing.order(after, weighed)
    by, risk = _order_by(seen, chosen), seen.ageing.at_risk.quantize(SMALLEST)
    price = None if offer is None else offer.price_of(chosen.packs)
    advice = None if weighed is None else weighed.advice
    return Advice(
        sku=item.sku,
        name=item.name,
        unit=item.unit,
        usable=item.usable,
        allocated=sum((quantity for _, quantity in item.planned), ZERO),
        usage_per_day=seen.need.per_day.quantize(SMALLEST),
        lead_days=None if offer is None else seen.lead_days,
        safety_stock=seen.safety,
        reorder_point=seen.reorder_point,
        position=seen.position,
        on_order=seen.on_order,
        due=seen.due,
        stock_out_on=seen.stock_out_on,
        stock_out_early=None if advice is None else seen.need.on + timedelta(days=advice.stock_out_day[0]),
        at_risk=risk,
        value_at_risk=to_cents_half_up(risk * value),
        days_of_cover=seen.days_of_cover,
        order_packs=chosen.packs,
        pack_containers=None if offer is None else offer.pack_containers,
        pack_price=price,
        order_quantity=chosen.quantity,
        supplier=None if offer is None else offer.supplier,
        order_by=by,
        cost=ZERO if price is None else to_cents_half_up(chosen.packs * price),
        expected_waste=_waste(after, weighed, chosen),
        service_level=_service(after, weighed, chosen),
        lost_chance=None if advice is None else _share(advice.lost_chance),
        why=reasons.why(seen, weighed, chosen, by, fetch),
        weighed=reasons.money(seen, weighed, chosen, settings.currency),
        fetch=fetch,
    )


def _order_by(seen: Outlook, chosen: Order) -> date | None:
    """The last order day from which it comes before stock runs out; before the next review in any case."""
    if not chosen.packs or seen.terms is None:
        return None
    out = seen.stock_out_on
    latest = seen.order_on if out is None else out - timedelta(days=seen.lead_days)
    latest = max(seen.order_on, min(latest, seen.next_on - timedelta(days=1)))
    for back in range((latest - seen.order_on).days):
        day = latest - timedelta(days=back)
        if suppliers.order_day(seen.terms.supplier, day, cold=seen.item.cold) == day:
            return day
    return seen.order_on


def _waste(seen: Outlook, weighed: Weighed | None, chosen: Order) -> Decimal:
    """What of the order is expected to expire: the policy's estimate, without the packs that are left out."""
    offer = seen.offer
    if not chosen.packs or offer is None:
        return ZERO
    over = ZERO if seen.usable_fresh is None else max(ZERO, chosen.quantity - seen.usable_fresh)
    if weighed is None:
        return over.quantize(SMALLEST)
    fewer = (weighed.advice.best_packs - chosen.packs) * offer.pack_containers
    said = Decimal(weighed.advice.expected_waste) - max(0, fewer)
    return max(ZERO, over, min(said * seen.item.content, chosen.quantity)).quantize(SMALLEST)


def _service(seen: Outlook, weighed: Weighed | None, chosen: Order) -> Decimal | None:
    """Share of the need that is met if the advice is taken; none where there is plenty. What the policy was
    not asked about, for nobody offers it or it comes too slowly, is met as far as stock and order reach."""
    if weighed is not None:
        return _share(weighed.advice.met if chosen.packs else weighed.advice.met_waiting)
    if not seen.lacking:
        return None
    missing = max(seen.lacking - chosen.quantity, min(seen.lacking, seen.too_late))
    return _share(1 - missing / seen.coming)


def _share(number: float | Decimal) -> Decimal:
    return Decimal(min(max(number, 0), 1)).quantize(SMALLEST)
