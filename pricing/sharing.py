"""Sharing a container: how many doses an opened vial serves before its time is over, and which size pays.

With room for n doses and a mean of m doses asked for while it may be used, the expected number used is
1 + P(X >= 1) + ... + P(X >= n - 1) for X ~ Poisson(m); a dose then costs the container over that number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, shelf, vials
from inventory.catalog import DoseClass, Item
from inventory.clinic import PlaceKind, Site
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.measures import ZERO, fit, to_cents_half_up
from inventory.vials import PreparedIn, Product, VialRule

ONE, FOUR = Decimal(1), Decimal("0.0001")
DEMANDS = (Decimal("0.5"), ONE, Decimal(2))  # times the sessions of now
NEGLIGIBLE = Decimal("1e-12")  # a chance of one more dose that changes no cent
LONGEST_USE_DAYS = Decimal(28)  # where neither label nor rule says less (vial rule VR-09)


def expected_doses(room: int, mean: Decimal) -> Decimal:
    """Doses used of a container with room for `room`, when `mean` are asked for after it is opened."""
    assert room >= 1, room
    probability = (-mean).exp()  # of exactly j more doses
    at_least = ONE
    expected = ONE
    for j in range(1, room):
        at_least -= probability
        if at_least < NEGLIGIBLE:
            break
        expected += at_least
        probability = probability * mean / j
    return expected


@dataclass(frozen=True)
class AtDemand:
    """What a session costs where so many a day are asked for."""

    sessions_a_day: Decimal
    per_session: Decimal


@dataclass(frozen=True)
class Size:
    """A size in which an ingredient is sold: what a session costs of it, and what is thrown away."""

    sku: str
    name: str
    doses: int  # that one container has room for
    per_session: Decimal
    wasted: Decimal  # share of the container
    pays_from: Decimal | None  # sessions a day from which it is cheaper than the smallest; none: always
    at_demand: tuple[AtDemand, ...] = ()  # half of now, now, and twice
    cheapest: bool = False


def per_session(price: Decimal, *, room: int, mean: Decimal) -> Decimal:
    """What a session costs of a container of so much, with room for so many doses, unrounded."""
    return price / expected_doses(room, mean)


def break_even(price: Decimal, *, room: int, against: Decimal) -> Decimal | None:
    """The mean of doses while it is open from which a container costs a session less than another way does.

    None: it never does. A larger mean never makes a session dearer, so halving finds it.
    """
    if price / room >= against:
        return None
    low, high = Decimal(0), Decimal(1)
    while per_session(price, room=room, mean=high) > against:
        low, high = high, high * 2
    for _ in range(40):
        middle = (low + high) / 2
        if per_session(price, room=room, mean=middle) > against:
            low = middle
        else:
            high = middle
    return high


def sizes(db: Session, item: Item, *, site: Site, on: date) -> list[Size]:
    """The sizes in which an item's ingredient is sold, by what a session costs of each as it is used now.

    Only of multi-dose items that are on offer and were used; where vials are not shared one is one session's.
    """
    if item.dose_class is not DoseClass.MULTI_DOSE or item.ingredient_id is None:
        return []
    found = [
        one
        for one in shelf.products(db, ingredient_ids=[item.ingredient_id]).values()
        if one.unit == item.unit and one.dose_class in (DoseClass.MULTI_DOSE, DoseClass.SINGLE_DOSE)
    ]
    offers = catalog.replacements(db, [one.id for one in found], on=on)
    days = clinic.settings(db).usage_window_days
    sessions, used = _drawn(
        db, [one.id for one in found], site=site, since=on - timedelta(days=days), until=on
    )
    found = sorted((one for one in found if one.id in offers), key=lambda one: (one.content, one.sku))
    if not sessions or not found:
        return []
    dose, rate, rules = used / sessions, Decimal(sessions) / days, vials.rules_in_force(db, site, on)
    listed: list[Size] = []
    smallest = ZERO
    for one in found:
        shared = site.share_opened_vials and one.dose_class is DoseClass.MULTI_DOSE
        room = max(1, int(one.content // dose)) if shared else 1
        price = offers[one.id].container_cost * fit(dose, one.content)
        open_for = days_in_use(db, one, site, on, rules=rules)
        cost, mean = per_session(price, room=room, mean=rate * open_for), rate * open_for
        smallest = smallest or cost
        pays = break_even(price, room=room, against=smallest) if listed and open_for else None
        wasted = 1 - min(expected_doses(room, mean) * dose / (one.content * fit(dose, one.content)), ONE)
        listed.append(
            Size(
                one.sku,
                one.name,
                room,
                to_cents_half_up(cost),
                wasted.quantize(FOUR),
                None if pays is None else (pays / open_for).quantize(Decimal("0.01")),
                _at_demands(price, room=room, rate=rate, mean=mean),
            )
        )
    best = min(listed, key=lambda one: (one.per_session, one.sku))
    return [replace(one, cheapest=one is best) for one in listed]


def _at_demands(price: Decimal, *, room: int, rate: Decimal, mean: Decimal) -> tuple[AtDemand, ...]:
    """What a session costs where fewer or more are asked for than the rate of now."""
    return tuple(
        AtDemand(
            (rate * times).quantize(FOUR),
            to_cents_half_up(per_session(price, room=room, mean=mean * times)),
        )
        for times in DEMANDS
    )


def doses_used(db: Session, product: Product, dose: Decimal, *, site: Site, on: date) -> Decimal:
    """Expected doses used of the container that a dose leaves open, from the use over the settings' window.

    Where the clinic does not share opened vials, one patient's dose is all that a vial serves (S4).
    """
    rest = dose % product.content
    if not site.share_opened_vials or not rest or rest * 2 > product.content:
        return ONE
    room = int(product.content // rest)
    days = clinic.settings(db).usage_window_days
    sessions = _sessions_with(db, product.id, site=site, since=on - timedelta(days=days), until=on)
    mean = Decimal(sessions) / days * days_in_use(db, product, site, on)
    return expected_doses(room, mean)


def charged_stock(product: Product, dose: Decimal, doses: Decimal) -> Decimal:
    """The stock that a dose is charged with: its own and its share of what is expected to be discarded."""
    whole = dose // product.content * product.content
    rest = dose - whole
    if not rest:
        return whole
    return whole + max(rest, (product.content / doses).quantize(Decimal("0.0001")))


def days_in_use(
    db: Session, product: Product, site: Site, on: date, *, rules: Sequence[VialRule] | None = None
) -> Decimal:
    """How many days a container that is opened on a day may be used, at most as long as any rule allows."""
    opened_at = site.moment_on(on, site.end_of(on))
    deadline = vials.discard_at(
        product,
        expires_on=date.max - timedelta(days=2),
        opened_at=opened_at,
        prepared_in=PreparedIn.PREPARATION_AREA,
        site=site,
        rules=vials.rules_in_force(db, site, on) if rules is None else rules,
    )
    days = Decimal((deadline.at - opened_at) // timedelta(minutes=1)) / (24 * 60)
    return min(days, LONGEST_USE_DAYS)


def _sessions_with(db: Session, item_id: int, *, site: Site, since: date, until: date) -> int:
    """How many sessions drew from an item at a site, without those undone."""
    return _drawn(db, [item_id], site=site, since=since, until=until)[0]


def _drawn(
    db: Session, item_ids: Sequence[int], *, site: Site, since: date, until: date
) -> tuple[int, Decimal]:
    """How many sessions drew from items at a site, and how much; not what was undone. Reads the window."""
    first = db.scalar(sa.select(sa.func.min(DOCUMENTS.c.id)).where(DOCUMENTS.c.on >= since))
    if first is None:
        return 0, ZERO
    start = db.scalar(sa.select(sa.func.min(MOVEMENTS.c.id)).where(MOVEMENTS.c.document_id == first))
    patients = clinic.places(db, site.id)[PlaceKind.PATIENT]
    undoing = MOVEMENTS.alias()
    sums = sa.func.count(sa.distinct(MOVEMENTS.c.document_id)), sa.func.sum(MOVEMENTS.c.quantity)
    sessions, used = db.execute(
        sa.select(*sums).where(
            MOVEMENTS.c.item_id.in_(item_ids),
            MOVEMENTS.c.id >= (start or 0),
            MOVEMENTS.c.target_id == patients,
            MOVEMENTS.c.on.between(since, until),
            ~sa.exists().where(undoing.c.corrects_id == MOVEMENTS.c.id),
        )
    ).one()
    return sessions or 0, used or ZERO
