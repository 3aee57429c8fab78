"""Sharing hints: which session would empty a vial that is open, and which planned day would share one (S4).

Only where the clinic shares opened vials. A vial that is good for weeks empties by itself, so a move of a
session is offered only where it is opened for days, and only by a few days (vial economics).
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, shelf, usage, vials
from inventory.allocations import ALLOCATIONS
from inventory.catalog import DoseClass
from inventory.clinic import Site
from inventory.measures import ZERO, fit, plain
from inventory.usage import Batch, ItemFacts
from inventory.vials import Product
from pricing import sharing

AHEAD = timedelta(days=14)
MOVED = 3  # days that a session may be moved for it
WEEKS_OPEN = 14  # days; what is open for longer is shared without anyone's help


@dataclass(frozen=True)
class Hint:
    """One thing to know when booking: of which item, which day it is about, and what would be saved."""

    sku: str
    name: str
    on: date
    sentence: str


def hints(db: Session, *, site: Site, on: date, item_ids: Collection[int] | None = None) -> list[Hint]:
    """What would share a vial at a site in the next two weeks, by day."""
    if not site.share_opened_vials:
        return []
    window = clinic.settings(db).usage_window_days
    planned = _planned(db, site=site, on=on, item_ids=item_ids)
    facts = {
        one.item_id: one
        for one in usage.read(db, site=site, on=on, window_days=window, item_ids=item_ids, beyond=on)
        if one.dose_class is DoseClass.MULTI_DOSE and (one.opened or planned.get(one.item_id))
    }
    products, rules = shelf.products(db, item_ids=facts), vials.rules_in_force(db, site, on)
    found = []
    for key, item in facts.items():
        product, sessions = products[key], planned.get(key, [])
        found += _emptied(item, sessions, on=on)
        open_for = int(sharing.days_in_use(db, product, site, on, rules=rules))
        if open_for < WEEKS_OPEN:
            found += moved(product, sessions, open_for=open_for, opened=item.opened)
    return sorted(found, key=lambda hint: (hint.on, hint.sku, hint.sentence))


def _planned(
    db: Session, *, site: Site, on: date, item_ids: Collection[int] | None
) -> dict[int, list[tuple[date, Decimal]]]:
    """What each planned session of the next days will draw, by item."""
    a = ALLOCATIONS.c
    query = (
        sa.select(a.item_id, a.due_on, a.quantity)
        .where(a.site_id == site.id, a.ended_at.is_(None), a.due_on.between(on, on + AHEAD))
        .order_by(a.item_id, a.due_on, a.id)
    )
    if item_ids is not None:
        query = query.where(a.item_id.in_(sorted(item_ids)))
    found: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for item_id, due_on, quantity in db.execute(query):
        found[item_id].append((due_on, quantity))
    return found


def _emptied(item: ItemFacts, sessions: Sequence[tuple[date, Decimal]], *, on: date) -> list[Hint]:
    """How many more sessions would empty what is open, where what is planned and used would not."""
    found, used = [], ZERO
    for last_day in sorted({batch.last_day for batch in item.opened}):
        # What has to be used first serves first; what it serves is not asked of the next again.
        same = [batch.quantity for batch in item.opened if batch.last_day == last_day]
        held, days = sum(same, ZERO), (last_day - on).days
        until = [dose for day, dose in sessions if day <= last_day]
        asked = sum(until, ZERO) + sum(item.daily, ZERO) / item.days * max(0, days)
        served = min(held, max(ZERO, asked - used))
        used += served
        dose = max(until, default=ZERO) or max((each for _, each in sessions), default=ZERO) or _usual(item)
        more = int((held - served) // dose) if dose else 0
        if more and 0 <= days < AHEAD.days:
            who = f"{more} more session{'' if more == 1 else 's'} with {item.name} by {last_day}"
            which = "the opened one, which has" if len(same) == 1 else f"the {len(same)} opened, which have"
            booked = f"{len(until)} planned until then" if until else "none is planned until then"
            said = f"{who} would use up {which} {plain(held)} {item.unit} left: {booked}."
            found.append(Hint(item.sku, item.name, last_day, said))
    return found


def _usual(item: ItemFacts) -> Decimal:
    """What a day of use takes, where no session is planned."""
    return sum(item.daily, ZERO) / len(item.daily) if item.daily else ZERO


def moved(
    product: Product, sessions: Sequence[tuple[date, Decimal]], *, open_for: int, opened: Sequence[Batch] = ()
) -> list[Hint]:
    """Sessions that would need no new container if they were a few days earlier, while one is open."""
    left = max((batch.quantity for batch in opened), default=ZERO)
    until = max((batch.last_day for batch in opened), default=date.min)
    found = []
    for day, dose in sessions:
        if day > until:
            late = (day - until).days if left >= dose else MOVED + 1
            if late <= MOVED:
                days = f"{late} day{'' if late == 1 else 's'}"
                found.append(
                    Hint(
                        product.sku,
                        product.name,
                        day,
                        f"The session of {day} with {product.name} would share the opened one {days} "
                        f"earlier, by {until}: it needs {plain(dose)} of the {plain(left)} "
                        f"{product.unit} that are left.",
                    )
                )
            left = ZERO
        if left < dose:
            left += fit(dose - left, product.content) * product.content
            until = day + timedelta(days=open_for)
        left -= dose
    return found
