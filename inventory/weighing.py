"""Weighing: the book's evidence laid out for the policy, and its answer held to what can be used (O2).

`weigh` asks the policy for every item that has an offer and was ever used or is promised, supplier by
supplier, with what each asks of a whole order. The same day gives the same answer: an item's paths are
seeded by the day and its SKU.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from zlib import crc32

from inventory import forecasting, futures, policy
from inventory.catalog import DoseClass, ItemKind
from inventory.clinic import Settings, Site
from inventory.evidence import Ahead, Evidence
from inventory.forecasting import Bookings, Demand, Lines, Vessel
from inventory.futures import Item, Terms
from inventory.levels import Outlook
from inventory.levels import Terms as OfferTerms
from inventory.measures import QUANTITY_PLACES, ZERO, fit
from inventory.policy import Economics, OrderTerms
from inventory.usage import ItemFacts
from inventory.vials import VialRule

SCALE = 10**QUANTITY_PLACES
AGES = 3650  # days that an opened consumable is good, and a lot of which nobody knows better
NUMBER_WEIGHT = 10.0  # bookings' worth of all session numbers in each
LATEST = 60  # deliveries of a supplier, and of the clinic


@dataclass(frozen=True)
class Weighed:
    """What the policy says of an item, and how many packs of it are ordered."""

    advice: policy.Advice
    packs: int

    @property
    def enlarged(self) -> bool:
        """It is ordered, or more of it, to make the whole order large enough for its supplier."""
        return self.advice.joined or self.advice.grown

    @property
    def held_up(self) -> bool:
        """It would be ordered, were the whole order worth what its supplier asks of it."""
        one = self.advice
        return one.gain > 0 and not (one.packs or one.fetch or one.per_patient or one.too_slow)


@dataclass(frozen=True)
class Order:
    """How many packs to order, how many were wanted before the limits, and why so many."""

    packs: int = 0
    wanted: int = 0
    quantity: Decimal = ZERO
    for_sold: bool = False  # more than can be used in date, for a session that is sold


def economics(settings: Settings) -> Economics:
    """What things cost in the clinic, by its settings."""
    return Economics(
        line_cost=float(settings.order_line_cost),
        holding_per_year=float(settings.holding_rate),
        disposal=float(settings.disposal_cost),
        lost_line=float(settings.missing_item_cost),
    )


def in_use_days(seen: Outlook, *, rules: Sequence[VialRule]) -> int:
    """Whole days for which an opened container may be used, at most as long as any rule allows (S4)."""
    item = seen.item
    if item.kind is ItemKind.CONSUMABLE:
        return AGES
    known = [] if item.in_use_hours is None else [item.in_use_hours // 24]
    for rule in rules:
        limit = rule.limit()
        if limit is not None and rule.dose_class == item.dose_class and rule.environment != "treatment_room":
            known.append(limit.days)
    return min(known, default=AGES)


def vessel_of(seen: Outlook, *, site: Site, rules: Sequence[VialRule]) -> Vessel:
    """A container of an item; where the clinic does not share opened vials each is one patient's (S3, S4)."""
    item = seen.item
    alone = item.dose_class is DoseClass.MULTI_DOSE and not site.share_opened_vials
    return Vessel(
        content=max(1, int(item.content * SCALE)),
        single=item.dose_class.one_patient or alone,
        in_use_days=in_use_days(seen, rules=rules),
    )


def items(
    outlooks: Sequence[Outlook], evidence: Evidence, *, site: Site, on: date, rules: Sequence[VialRule]
) -> dict[int, Item]:
    """What the policy is told of each item that has an offer and was ever used or is promised."""
    asked = {line.item_id for line in evidence.lines} | set(evidence.ahead)
    chosen = [seen for seen in outlooks if seen.offer is not None and seen.item.item_id in asked]
    vessels = [vessel_of(seen, site=site, rules=rules) for seen in chosen]
    demands = _learned(chosen, vessels, evidence, on=on)
    shared = _fractions(chosen, evidence)
    return {
        seen.item.item_id: _item(seen, vessel, demand, evidence, shared, on=on)
        for seen, vessel, demand in zip(chosen, vessels, demands, strict=True)
    }


def lots(item: ItemFacts, *, on: date) -> tuple[tuple[int, int], ...]:
    """The sealed containers of an item, here and on the way: days to the last day, how many."""
    stock = (*item.batches, *item.on_the_way)
    return tuple(((one.last_day - on).days, int(one.quantity // item.content)) for one in stock)


def weigh(
    outlooks: Sequence[Outlook], told: Mapping[int, Item], *, settings: Settings, on: date
) -> dict[int, Weighed]:
    """What to order of each item; what there is plenty of is not in the answer."""
    by_supplier: dict[int, list[Outlook]] = defaultdict(list)
    for seen in outlooks:
        if seen.offer is None or seen.too_slow or seen.item.item_id not in told:
            continue
        if not futures.plenty(told[seen.item.item_id]):
            by_supplier[seen.offer.supplier_id].append(seen)
    found: dict[int, Weighed] = {}
    for group in by_supplier.values():
        # Who orders weekly decides weekly: what was ordered since is not topped up before the next review.
        for lately in (False, True):
            asked = [seen for seen in group if seen.ordered_lately is lately]
            advice = policy.advise(
                [told[seen.item.item_id] for seen in asked],
                economics(settings),
                seed=on.toordinal(),
                order=order_terms(None if lately else group[0].terms),
            )
            found.update(
                (seen.item.item_id, Weighed(one, 0 if lately else one.packs))
                for seen, one in zip(asked, advice, strict=True)
            )
    return found


def order_terms(terms: OfferTerms | None) -> OrderTerms:
    """What a supplier asks of a whole order, in our currency; nothing where nobody tells what that is."""
    supplier = None if terms is None else terms.supplier
    if terms is None or supplier is None or terms.rate is None:
        return OrderTerms()
    rate = terms.rate
    free = supplier.free_shipping_from
    return OrderTerms(
        least=float(supplier.minimum_order * rate),
        freight=float(supplier.shipping * rate),
        free_from=None if free is None else float(free * rate),
    )


def capped(seen: Outlook, packs: int) -> int:
    """So many packs, or as many as can be used in date; none where that is less than the least order (O2)."""
    if seen.offer is None:
        return 0
    if seen.usable_fresh is not None:
        packs = min(packs, int(seen.usable_fresh // (seen.offer.pack_containers * seen.item.content)))
    return packs if packs >= seen.offer.minimum_packs else 0


def order(seen: Outlook, weighed: Weighed | None) -> Order:
    """Whole packs: as the policy weighs it, at most what can be used in date, at least what is sold."""
    if seen.offer is None or seen.too_slow:
        return Order()
    pack = seen.offer.pack_containers * seen.item.content
    wanted = 0 if weighed is None else weighed.packs
    packs, for_sold = capped(seen, wanted), False
    sold = seen.sold_lacking
    if sold and packs * pack < sold:
        least = max(seen.offer.minimum_packs, int(fit(sold, pack)))
        packs, wanted = least, max(wanted, least)
        for_sold = seen.usable_fresh is not None and packs * pack > seen.usable_fresh
    return Order(packs, wanted, packs * pack, for_sold)


def _learned(
    chosen: Sequence[Outlook], vessels: Sequence[Vessel], evidence: Evidence, *, on: date
) -> list[Demand]:
    """What is believed about each item's need; a booking's chance is its session number's as well."""
    import numpy as np

    places = {seen.item.item_id: place for place, seen in enumerate(chosen)}
    known = [line for line in evidence.lines if line.item_id in places]
    lines = Lines(
        item=_whole([places[line.item_id] for line in known]),
        ago=_whole([line.ago for line in known]),
        dose=_whole([max(1, int(line.dose * SCALE)) for line in known]),
        lead=_whole([line.lead for line in known]),
    )
    was = evidence.bookings
    bookings = Bookings(
        due_ago=_whole([one.due_ago for one in was]),
        made_ago=_whole([one.made_ago for one in was]),
        gone_ago=_whole([one.gone_ago for one in was]),
        kept=np.array([one.kept for one in was], dtype=np.bool_),
    )
    ahead = [evidence.ahead.get(seen.item.item_id, []) for seen in chosen]
    demands = forecasting.learn(
        lines,
        bookings,
        vessels,
        today=on.weekday(),
        days=evidence.days,
        ahead=[[(_lag(one, on), int(one.quantity * SCALE)) for one in some] for some in ahead],
    )
    factors = by_number(evidence)
    return [
        replace(
            demand,
            booked=tuple(
                (lag, dose, min(1.0, chance * factors.get(one.number, 1.0)))
                for (lag, dose, chance), one in zip(demand.booked, some, strict=True)
            ),
        )
        for demand, some in zip(demands, ahead, strict=True)
    ]


def by_number(evidence: Evidence) -> dict[int, float]:
    """How much likelier than others the first, second, … session of a course takes place."""
    kept = sum(one.kept for one in evidence.bookings)
    usual = (kept + NUMBER_WEIGHT) / (len(evidence.bookings) + NUMBER_WEIGHT)
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in evidence.bookings:
        counts[one.number][0] += one.kept
        counts[one.number][1] += 1
    return {
        number: (came + NUMBER_WEIGHT * usual) / (due + NUMBER_WEIGHT) / usual
        for number, (came, due) in counts.items()
    }


def _lag(one: Ahead, on: date) -> int:
    """Days ahead; what is due today or overdue may take place tomorrow."""
    return max(1, (one.due_on - on).days)


def _whole(values: Sequence[int]) -> "forecasting.Whole":
    import numpy as np

    return np.array(values, dtype=np.int64)


def _nominal(seen: Outlook, evidence: Evidence) -> int:
    """Days that a lot keeps from its making; where nobody says, as long as the best that came."""
    months = seen.item.shelf_life_months
    lives = evidence.lives.get(seen.item.item_id, [])
    return min(AGES, max(1, round(months * 30.4375) if months is not None else max(lives, default=AGES)))


def _fractions(chosen: Sequence[Outlook], evidence: Evidence) -> list[float]:
    """The share of their life that receipts of the clinic had left."""
    return [
        min(life / _nominal(seen, evidence), 1.0)
        for seen in chosen
        for life in evidence.lives.get(seen.item.item_id, [])[-3:]
    ][-LATEST:]


def _item(
    seen: Outlook, vessel: Vessel, demand: Demand, evidence: Evidence, shared: list[float], *, on: date
) -> Item:
    offer, content, terms = seen.offer, seen.item.content, seen.terms
    assert offer is not None, seen
    assert terms is not None, seen
    wait = (seen.order_on - on).days
    late = [took - offer.lead_days for took in terms.took[-LATEST:]]
    days = forecasting.delivery_days(offer.lead_days, late) + wait
    nominal = _nominal(seen, evidence)
    own = [min(life / nominal, 1.0) for life in terms.lives[-LATEST:]]
    # Of several opened vials the one with most in it is the one that counts.
    opened = max(seen.item.opened, key=lambda batch: batch.quantity, default=None)
    return Item(
        key=crc32(seen.item.sku.encode()),
        vessel=vessel,
        terms=Terms(
            pack=offer.pack_containers,
            price=float(offer.container_cost),
            least=offer.minimum_packs,
            breaks=tuple((start, float(price / offer.pack_containers)) for start, price in offer.breaks),
        ),
        demand=demand,
        lots=lots(seen.item, on=on),
        opened=(0, -1)
        if opened is None or vessel.single
        else (int(opened.quantity * SCALE), (opened.last_day - on).days),
        # What is on order comes before what is ordered today, however late that is: else a second order
        # would be advised on the day of the first, in case it comes sooner.
        coming=tuple(
            (int(days.max()) - max(0, (due - on).days), int(quantity // content))
            for due, quantity in seen.item.arriving
        ),
        delivery_days=days,
        lives=forecasting.lives(nominal, own, shared),
        next_order_in=max(1, seen.review_days),
    )
