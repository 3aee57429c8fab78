"""Reasons: the advice on an item as a sentence that a manager can check, and the money behind it (O2)."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from inventory.catalog import Replacement
from inventory.elsewhere import Spare
from inventory.levels import Outlook
from inventory.measures import ZERO, counted, plain, spoken
from inventory.need import SMALLEST
from inventory.usage import ItemFacts
from inventory.weighing import Order, Weighed, capped

WORTH_SAYING = 0.005  # a chance below it is none


def money(seen: Outlook, weighed: Weighed | None, chosen: Order, currency: str) -> str:
    """What was weighed in money, in a sentence; nothing where nothing was."""
    if weighed is None:
        return ""
    advice = weighed.advice
    now = [
        f"{currency} {cost:.2f} {what}"
        for cost, what in (
            (advice.holding, "for keeping it longer"),
            (advice.expiry, "for what more of it would expire"),
            (advice.sooner, "for starting the next order sooner"),
        )
        if cost >= 0.005
    ]
    said = (
        f"Waiting until {seen.next_on} risks {currency} {advice.lost_sales:.2f} of lost sessions; "
        f"ordering now costs {' and '.join(now) if now else 'nothing more'}"
    )
    if advice.per_patient and not chosen.packs:
        said += "; a shelf of it never pays: order it for the patient who needs it"
    return said + "."


def why(
    seen: Outlook, weighed: Weighed | None, chosen: Order, order_by: date | None,
    fetch: Sequence[Spare] = (),
) -> str:  # fmt: skip
    """The advice in one sentence, with the numbers in it; no money, which is not for everybody (P5)."""
    item, offer, unit = seen.item, seen.offer, spoken(seen.item.unit)
    late = f", overdue since {item.overdue_since}," if item.overdue_since else ""
    ordered = f" and {_said(seen.due)} on order{late}" if seen.due else ""
    basis = (
        f"{_said(seen.ageing.position)} {unit} usable{ordered} against {_said(seen.coming)} needed by "
        f"{seen.until} "
        f"({counted(seen.lead_days, 'day')} for a delivery, {seen.review_days} to the next order)"
    )
    if fetch:
        said = f"Fetch {_fetches(fetch, unit)}"
        if chosen.packs and offer is not None:
            said += (
                f", and order {_packs(offer, chosen.packs, item)} from {offer.supplier_name} by {order_by}"
            )
        said += f": {basis}"
    elif not seen.coming and not chosen.packs and not seen.need.planned:
        said = f"Nothing to order: not used in the last {item.days} days and planned for no session"
    elif chosen.packs and offer is not None:
        said = f"Order {_packs(offer, chosen.packs, item)} from {offer.supplier_name} by {order_by}: {basis}"
    elif offer is None and seen.lacking:
        said = f"No supplier offers it, so find one with its price and delivery time: {basis}"
    elif offer is not None and seen.too_slow and (seen.lacking or seen.coming):
        said = (
            f"Do not order it for the shelf: it takes {counted(seen.lead_days, 'day')} to come and keeps "
            f"{_keeps(seen)}; {basis}"
        )
    elif offer is not None and (seen.lacking or chosen.wanted) and _too_much(seen):
        least = _packs(offer, offer.minimum_packs, item)
        said = (
            f"Do not order it for the shelf: {least} is the smallest order and "
            f"{_said(seen.usable_fresh or ZERO)} {unit} can be used before a new lot would expire on "
            f"{seen.keeps_until}; {basis}"
        )
    elif weighed is not None and weighed.advice.per_patient and seen.lacking:
        said = f"Order it only for the patient who needs it: it is asked for too seldom for a shelf; {basis}"
    elif seen.lacking:
        said = f"Nothing to order before {seen.next_on}: {basis}"
    else:
        said = f"Nothing to order: {basis}"
    return "; ".join([said, *_asides(seen, weighed, chosen, fetch)]) + "."


def _fetches(fetch: Sequence[Spare], unit: str) -> str:
    """What to fetch from where, and why they can spare it."""
    return " and ".join(
        f"{_said(one.quantity)} {unit} ({counted(one.containers, 'container')}) from {one.site_name} by "
        f"transfer, which will not use it before it expires on {one.expires_on}"
        for one in fetch
    )


def _too_much(seen: Outlook) -> bool:
    """Whether the smallest order holds more than can be used in date."""
    return seen.offer is not None and not capped(seen, seen.offer.minimum_packs)


def _asides(seen: Outlook, weighed: Weighed | None, chosen: Order, fetch: Sequence[Spare]) -> list[str]:
    """What else a manager should know: limits that were met, dates, and what will be thrown away."""
    unit, offer, asides = spoken(seen.item.unit), seen.offer, []
    if chosen.for_sold:
        asides.append(
            f"the smallest order holds more than the {_said(seen.usable_fresh or ZERO)} {unit} that can be "
            f"used in date, but a session that is sold needs it"
        )
    elif chosen.packs and chosen.packs < chosen.wanted:
        asides.append(
            f"{chosen.wanted} packs would be more than the {_said(seen.usable_fresh or ZERO)} {unit} "
            f"that can be used before a new lot would expire on {seen.keeps_until}"
        )
    elif chosen.packs and offer is not None and chosen.packs == offer.minimum_packs > 1:
        asides.append("the supplier sells no fewer")
    if weighed is not None and weighed.enlarged and chosen.packs and offer is not None:
        much = "it could wait, but" if weighed.advice.joined else "it is more than otherwise, and"
        asides.append(f"{much} makes the order large enough for {offer.supplier_name}'s terms")
    elif weighed is not None and chosen.packs and weighed.advice.lost_chance >= WORTH_SAYING:
        asides.append(
            f"waiting until {seen.next_on} would leave a session short in "
            f"{round(100 * weighed.advice.lost_chance)} of 100 cases"
        )
    if weighed is not None and offer is not None and weighed.held_up and not chosen.packs:
        asides.append(
            f"all that is wanted of {offer.supplier_name} is not worth its smallest order or its shipping yet"
        )
    if chosen.packs and seen.terms is not None and seen.terms.unweighed and seen.terms.supplier is not None:
        asides.append(
            f"its smallest order and shipping are in {seen.terms.supplier.currency} and were not weighed: no "
            f"offer on record has a price of {seen.terms.supplier.name} in {seen.terms.supplier.currency} "
            f"beside ours"
        )
    if (seen.lacking or chosen.packs) and seen.stock_out_on is not None:
        asides.append(f"stock runs out on {seen.stock_out_on}")
    if seen.lacking and offer is not None and seen.too_late and not fetch:
        asides.append(
            f"{_said(seen.too_late)} {unit} of it is needed before a delivery can come on {seen.arrives_on}"
        )
    if offer is not None and chosen.packs and seen.lead_days > offer.lead_days:
        asides.append(
            f"{offer.supplier_name} promises {counted(offer.lead_days, 'day')} and takes {seen.lead_days}"
        )
    if not chosen.packs and seen.ordered_lately and weighed is not None and weighed.advice.packs:
        asides.append(f"it was ordered on {seen.item.ordered_on} and is looked at again at the next order")
    if seen.on_order > seen.due:
        asides.append(f"{_said(seen.on_order - seen.due)} {unit} more is on order and expected after that")
    if seen.ageing.at_risk:
        asides.append(f"{_said(seen.ageing.at_risk)} {unit} on the shelf will expire before it can be used")
    return asides


def _keeps(seen: Outlook) -> str:
    months, fresh = seen.item.shelf_life_months, None if seen.terms is None else seen.terms.fresh_days
    return counted(fresh, "day") if fresh is not None else counted(months or 0, "month")


def _packs(offer: Replacement, packs: int, item: ItemFacts) -> str:
    quantity = _said(packs * offer.pack_containers * item.content)
    return f"{counted(packs, 'pack')} of {offer.pack_containers} ({quantity} {spoken(item.unit)})"


def _said(number: Decimal) -> str:
    """A number as precise as a sentence needs it."""
    return plain(number.quantize(Decimal("0.01") if abs(number) >= 1 else SMALLEST, ROUND_HALF_UP))
