"""Certainty: how sure the cost of a course is, session by session, and what that leaves of its price (C5).

What `paths` foretells of each product, with the labour and overhead of the cost sheet, for the sessions
that take place. The estimates are floats until they are rounded to cents here; the same question on the
same day has the same answer.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from math import ceil
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, layers, shelf
from inventory.catalog import DoseClass, Replacement
from inventory.clinic import PLACES, PlaceKind, Settings, Site
from inventory.layers import Worth
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.measures import CENT, ZERO
from inventory.picking import Container
from inventory.vials import Product
from pricing import paths, retention, sharing
from pricing.costing import CourseCost
from pricing.paths import Asked, Batch, Supply
from pricing.retention import Chance
from pricing.sheets import Line

if TYPE_CHECKING:
    from pricing.paths import Floats

HISTORY = 365  # days of the ledger that tell how often others use an item
SHORTEST = 28  # one session in a young book is no habit
FRESH_DAYS = 365  # where no shelf life is on record
MONTH = 30
USUAL_LEAD = 7  # days, where nobody offers it
SPREAD = Decimal("0.0001")


@dataclass(frozen=True)
class Range:
    """An estimate: its mean, and what 10 and 90 of 100 paths stay below."""

    mean: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Foretold:
    """One session: its chance to take place, and what it costs where it does."""

    number: int
    on: date
    chance: Chance
    cost: Range


@dataclass(frozen=True)
class Certainty:
    """How sure the cost of a course is. `total` counts the sessions that take place, `whole` all of them."""

    sessions: tuple[Foretold, ...]
    total: Range
    whole: Range
    expected_sessions: Decimal
    replacement: Decimal  # of all sessions at today's list prices
    first_short: int | None  # the first session that present stock cannot supply
    seed: int


@dataclass(frozen=True)
class Margin:
    """What a price leaves at the mean cost and at the dear end, and the price that only covers the cost."""

    rate: Decimal
    rate_if_dear: Decimal
    break_even: Decimal  # a session, net of tax


def foretell(
    db: Session, cost: CourseCost, *, site: Site, today: date, seed: int = 0, numbers: Sequence[int] = ()
) -> Certainty:
    """Foretell the cost of a costed course as of a day.

    Products that are injected are walked through the months ahead; what else a session uses, its labour
    and its overhead are as the cost sheet has them. `numbers` are those that the sessions have in the course,
    where some were performed already.
    """
    import numpy as np

    settings = clinic.settings(db)
    listed = cost.sessions
    days = tuple((one.on - today).days for one in listed)
    injected = [line for line in listed[0].lines if line.item_id is not None and _injected(line)]
    known = shelf.products(db, item_ids=[line.item_id for line in injected if line.item_id is not None])
    walked = [line for line in injected if known[_item(line)].dose_class is not DoseClass.NONE]
    materials = np.zeros((paths.PATHS, len(listed)))
    for place, (line, supply) in enumerate(
        _supplies(db, walked, known, site=site, today=today, until=days[-1])
    ):
        stock = line.stock if supply.one_patient else line.quantity
        asked = Asked(tuple(max(0, day) for day in days), float(stock))
        materials += paths.project(supply, asked, seed=seed * 100 + place)
    names = {line.code for line in walked}
    beside = [
        sum((line.actual for line in one.lines if line.code not in names and line.code != "overhead"), ZERO)
        for one in listed
    ]
    whole = (materials + np.array([float(amount) for amount in beside])) * float(1 + settings.overhead_rate)
    numbers = numbers or [one.number for one in listed]
    learned = retention.chances(db, sessions=max(numbers), on=today)
    chances = [learned[number - 1] for number in numbers]
    held = paths.held_sessions([float(one.rate) for one in chances], seed=seed)
    first = next((n for n, one in zip(numbers, listed, strict=True) if one.short_of), None)
    return Certainty(
        sessions=tuple(
            Foretold(chance.number, one.on, chance, _range(whole[:, place]))
            for place, (one, chance) in enumerate(zip(listed, chances, strict=True))
        ),
        total=_range((whole * held).sum(axis=1)),
        whole=_range(whole.sum(axis=1)),
        expected_sessions=_decimal(held.sum(axis=1).mean(), SPREAD),
        replacement=sum((one.replacement for one in listed), ZERO),
        first_short=first,
        seed=seed,
    )


def margin(certainty: Certainty, *, net: Decimal) -> Margin | None:
    """What a course's net price leaves when every session takes place; none of a price of nothing."""
    if net <= 0:
        return None
    sessions = len(certainty.sessions)
    return Margin(
        rate=(1 - certainty.whole.mean / net).quantize(SPREAD),
        rate_if_dear=(1 - certainty.whole.high / net).quantize(SPREAD),
        break_even=(certainty.whole.mean / sessions).quantize(CENT, ROUND_CEILING),
    )


@dataclass(frozen=True)
class DiscountAdvice:
    """How far a course discount pays: who buys singly may not come again, who paid ahead has paid."""

    kept: Decimal  # the largest rate that pays where unused sessions are not refunded
    needed_sessions: (
        Decimal | None
    )  # that must be held where they are, at the discount asked; none: no number
    expected_sessions: Decimal  # that a patient who buys singly comes to


def discount_advice(
    *, price: Decimal, cost: Decimal, sessions: int, rates: Sequence[Decimal], discount_rate: Decimal
) -> DiscountAdvice:
    """The break-even discount of a course of `sessions` at a single price and cost (vial_maths 4.2).

    `rates` are the chances of sessions 2, 3, ... after the one before. A patient who buys singly comes to
    h = 1 + p2 + p2 p3 + ... sessions. Paid ahead and not refunded, a
    course earns as much at a discount of 1 - h/n. Where unused sessions are refunded it must be held for
    h (price - cost) / (price (1 - discount) - cost) sessions to earn the same.
    """
    expected = so_far = Decimal(1)
    for rate in rates[: sessions - 1]:
        so_far *= rate
        expected += so_far
    reduced = price * (1 - discount_rate) - cost
    needed = expected * (price - cost) / reduced if reduced > 0 and price > cost else None
    if needed is not None and needed > sessions:
        needed = None
    return DiscountAdvice(
        kept=max(ZERO, 1 - expected / sessions).quantize(SPREAD),
        needed_sessions=None if needed is None else needed.quantize(Decimal("0.01")),
        expected_sessions=expected.quantize(SPREAD),
    )


def rates_after_the_first(db: Session, *, sessions: int, on: date) -> list[Decimal]:
    """The chances of sessions 2, 3, ... of a course, each after the one before."""
    return [chance.rate for chance in retention.chances(db, sessions=sessions, on=on)[1:]]


@dataclass(frozen=True)
class _Known:
    """What was read of all items at once: use by others, offers, lots and their worth, what is open."""

    used: Mapping[int, Sequence[Decimal]]
    window: int
    offers: Mapping[int, Replacement]
    sealed: Mapping[int, Sequence[Container]]
    opened: Mapping[int, Sequence[Container]]
    worth: Mapping[int, Worth]
    lives: Mapping[int, int | None]


def _supplies(
    db: Session,
    lines: Sequence[Line],
    products: Mapping[int, Product],
    *,
    site: Site,
    today: date,
    until: int,
) -> list[tuple[Line, Supply]]:
    """What the paths need to know of each line's item."""
    settings = clinic.settings(db)
    known = _read(db, lines, products, site=site, today=today, until=until)
    return [
        (line, _supply(db, line, products[_item(line)], known, settings, site=site, today=today))
        for line in lines
    ]


def _read(
    db: Session,
    lines: Sequence[Line],
    products: Mapping[int, Product],
    *,
    site: Site,
    today: date,
    until: int,
) -> _Known:
    keys = sorted({_item(line) for line in lines})
    used, window = _doses_of_others(db, keys, site=site, today=today)
    enough: dict[int, Decimal | None] = {}
    for line in lines:
        key = _item(line)
        others = 3 * sum(used[key], ZERO) * until / window
        enough[key] = (enough.get(key) or ZERO) + line.stock * 20 + others + products[key].content
    wanted = [products[key] for key in keys]
    shelves = clinic.shelves(db, site.id)
    sealed = shelf.sealed(db, wanted, site=site, shelves=shelves, on=today, enough=enough)
    at = site.moment_on(today, site.end_of(today))
    shared = site.share_opened_vials
    lives = sa.select(catalog.Item.id, catalog.Item.shelf_life_months).where(catalog.Item.id.in_(keys))
    return _Known(
        used=used,
        window=window,
        offers=catalog.replacements(db, keys, on=today),
        sealed=sealed,
        opened=shelf.opened(db, products, site=site, at=at, patient_ref=None) if shared else {},
        worth=layers.worth_of_lots(db, {one.lot.id for found in sealed.values() for one in found}),
        lives={key: months for key, months in db.execute(lives)},
    )


def _supply(
    db: Session, line: Line, product: Product, known: _Known, settings: Settings, *, site: Site, today: date
) -> Supply:
    unit = line.actual / line.stock if line.stock else ZERO
    used, offer = known.used.get(product.id, ()), known.offers.get(product.id)
    lead = USUAL_LEAD if offer is None else offer.lead_days
    containers = float(sum(used, ZERO) / product.content) / known.window
    supply = Supply(
        content=float(product.content),
        one_patient=product.dose_class.one_patient,
        shared=site.share_opened_vials,
        in_use_days=float(sharing.days_in_use(db, product, site, today)),
        batches=tuple(
            Batch(
                (one.lot.expires_on - today).days,
                int(one.held // product.content),
                float(product.content * _unit_cost(known.worth.get(one.lot.id), unit)),
            )
            for one in known.sealed[product.id]
        ),
        price=float(_container_price(line, product, offer)),
        sessions_seen=len(used),
        window_days=known.window,
        doses_seen=tuple(float(dose) for dose in used),
        # The clinic is expected to buy what it uses until a delivery comes, in whole packs.
        lead_days=lead,
        life_days=(known.lives.get(product.id) or 0) * MONTH or FRESH_DAYS,
        reorder_at=ceil(containers * (lead + settings.reorder_review_days)),
        reorder_by=1 if offer is None else max(1, offer.pack_containers * offer.minimum_packs),
    )
    if not (now := known.opened.get(product.id)):
        return supply
    first = min(now, key=lambda one: one.deadline)
    last = float((first.deadline.date() - today).days)
    return replace(supply, open_left=float(first.held), open_until=last)


def _unit_cost(worth: Worth | None, otherwise: Decimal) -> Decimal:
    return otherwise if worth is None else worth.unit_cost


def _doses_of_others(
    db: Session, item_ids: Sequence[int], *, site: Site, today: date
) -> tuple[dict[int, list[Decimal]], int]:
    """What each session of the last year took of each item at a site, and how many days that covers."""
    began = db.scalar(sa.select(sa.func.min(DOCUMENTS.c.on)).where(DOCUMENTS.c.site_id == site.id))
    known = 0 if began is None else (today - began).days + 1
    window = max(SHORTEST, min(HISTORY, known))
    undoing = MOVEMENTS.alias()
    patients = sa.select(PLACES.c.id).where(PLACES.c.site_id == site.id, PLACES.c.kind == PlaceKind.PATIENT)
    rows = db.execute(
        sa.select(MOVEMENTS.c.item_id, sa.func.sum(MOVEMENTS.c.quantity))
        .where(
            MOVEMENTS.c.item_id.in_(item_ids),
            MOVEMENTS.c.on.between(today - timedelta(days=window - 1), today),
            MOVEMENTS.c.target_id.in_(patients),
            MOVEMENTS.c.corrects_id.is_(None),
            ~sa.exists().where(undoing.c.corrects_id == MOVEMENTS.c.id),
        )
        .group_by(MOVEMENTS.c.item_id, MOVEMENTS.c.document_id)
        .order_by(MOVEMENTS.c.item_id, MOVEMENTS.c.document_id)
    )
    doses: dict[int, list[Decimal]] = defaultdict(list)
    for item_id, quantity in rows:
        doses[item_id].append(quantity)
    return doses, window


def _container_price(line: Line, product: Product, offer: Replacement | None) -> Decimal:
    if offer is not None:
        return offer.container_cost
    return line.replacement / line.stock * product.content if line.stock else ZERO


def _injected(line: Line) -> bool:
    return line.stock > 0


def _item(line: Line) -> int:
    assert line.item_id is not None, line
    return line.item_id


def _range(values: "Floats") -> Range:
    import numpy as np

    low, high = np.quantile(values, [0.1, 0.9])
    return Range(_decimal(values.mean(), CENT), _decimal(low, CENT), _decimal(high, CENT))


def _decimal(value: float, places: Decimal) -> Decimal:
    return Decimal(repr(float(value))).quantize(places)
