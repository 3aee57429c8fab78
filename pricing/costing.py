"""Costing: a course session by session at its dates, with what present stock will lack (C4, C5).

`actual` is what the stock that FEFO would draw had cost, `average` the item's mean cost on hand,
`replacement` the supplier's price. What the stock lacks is costed at replacement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, layers, shelf
from inventory.catalog import DoseClass
from inventory.clinic import Settings, Site
from inventory.errors import Conflict, Invalid
from inventory.measures import ZERO, fit, plain, to_cents
from inventory.receiving import Receipt
from inventory.treatments import flags as session_flags
from inventory.vials import PharmacyBulk, Product
from pricing import protocols, sharing, sheets
from pricing.covering import Size, cheapest_covering
from pricing.formulations import Recipe, RecipeLine
from pricing.outlook import Drawn, Outlook
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.sheets import Dose, Prices, SessionCost


@dataclass(frozen=True)
class Shortage:
    """What present stock lacks for a course: when it is first short, and what to order by when (C5)."""

    sku: str
    name: str
    session: int
    on: date
    missing: Decimal
    unit: str
    containers: int
    order_packs: int | None
    supplier: str
    order_by: date | None
    why: str


@dataclass(frozen=True)
class Flag:
    """Something that a pharmacist or a manager should look at before going on."""

    code: str
    message: str


@dataclass(frozen=True)
class CourseCost:
    """A course costed session by session; `mean` is stage 1 of the price, unrounded."""

    recipe: Recipe
    sessions: tuple[SessionCost, ...]
    mean: Decimal
    shortages: tuple[Shortage, ...]
    flags: tuple[Flag, ...]


class NoDates(Invalid):
    """A course has at least one session."""


class NothingHolds(Conflict):
    """No item on record holds an ingredient of the recipe in its unit."""


def cost_course(
    db: Session,
    recipe: Recipe,
    *,
    level: PractitionerLevel,
    site: Site,
    dates: Sequence[date],
    protocol: Protocol | None = None,
) -> CourseCost:
    """Cost a course at its dates from the stock on hand, and say what it will lack (C4, C5).

    Raises NoDates, NothingHolds, vials.PharmacyBulk (S5), protocols.UnknownTechnique.
    """
    if not dates:
        raise NoDates("A course has at least one session.")
    settings = clinic.settings(db)
    technique = recipe.technique if protocol is None else protocol.technique
    doses = _doses(db, recipe, technique, site=site, on=dates[0], settings=settings)
    prices = prices_of(db, doses, site=site, on=dates[0])
    outlook = Outlook(
        db, site, {dose.product.id: dose.product for dose in doses}, since=dates[0], until=dates[-1]
    )
    drawn = [
        [outlook.draw(dose.product.id, dose.quantity, on=on, loss=settings.draw_loss_ml) for dose in doses]
        for on in dates
    ]
    worth = layers.worth_of_lots(
        db, {one.container.lot.id for day in drawn for each in day for one in each.draws}
    )
    labour = tuple(
        sheets.labour_line(step, minutes, level)
        for step, minutes in protocols.labour_minutes(protocol, settings)
    )
    sessions = tuple(
        sheets.sheet(
            number,
            on,
            tuple(
                sheets.item_line(dose, one, prices, worth, settings)
                for dose, one in zip(doses, day, strict=True)
            )
            + labour,
            settings,
            tuple(dose.product.sku for dose, one in zip(doses, day, strict=True) if one.missing),
        )
        for number, (on, day) in enumerate(zip(dates, drawn, strict=True), start=1)
    )
    return CourseCost(
        recipe=recipe,
        sessions=sessions,
        mean=sum((one.actual for one in sessions), ZERO) / len(sessions),
        shortages=_shortages(doses, drawn, dates, prices, settings),
        flags=_flags(recipe, doses, prices, settings),
    )


def course_dates(starts_on: date, sessions: int, interval_weeks: int) -> tuple[date, ...]:
    """The days of a course: one session every so many weeks (T4)."""
    return tuple(starts_on + timedelta(weeks=interval_weeks * number) for number in range(sessions))


def prices_of(db: Session, doses: Sequence[Dose], *, site: Site, on: date) -> Prices:
    """What the doses' items cost on hand and to buy on a date."""
    keys = [dose.product.id for dose in doses]
    offers = catalog.replacements(db, keys, on=on)
    unpriced = [key for key in keys if key not in offers]
    return Prices(
        average=layers.worth_of_items(db, keys),
        offers=offers,
        last_cost=_last_costs(db, unpriced) if unpriced else {},
        doses_used={
            dose.product.id: sharing.doses_used(db, dose.product, dose.quantity, site=site, on=on)
            for dose in doses
            if dose.product.dose_class is DoseClass.MULTI_DOSE
        },
    )


def _doses(
    db: Session, recipe: Recipe, technique: str, *, site: Site, on: date, settings: Settings
) -> list[Dose]:
    """Everything one session draws: the recipe's products, then what its technique uses (T2, T3)."""
    source = f"formulation {recipe.code} version {recipe.version}"
    named = [(line.item.id, line.quantity, source) for line in recipe.products if line.item is not None]
    for line in recipe.products:
        if line.item is None:
            named += [
                (key, much, source) for key, much in _chosen(db, line, site=site, on=on, settings=settings)
            ]
    used = [(item.id, much, f"technique: {technique}") for item, much in protocols.consumables(db, technique)]
    products = shelf.products(db, item_ids=[key for key, _, _ in (*named, *used)])
    for product in products.values():
        if product.dose_class is DoseClass.PHARMACY_BULK:
            raise PharmacyBulk(
                f"{product.sku} is a pharmacy bulk package; it cannot be used in a treatment room."
            )
    return [Dose(products[key], much, why) for key, much, why in (*named, *used)]


def _chosen(
    db: Session, line: RecipeLine, *, site: Site, on: date, settings: Settings
) -> list[tuple[int, Decimal]]:
    """The items that serve an ingredient's dose most cheaply by the sizes in stock, else on offer (C4)."""
    assert line.ingredient is not None, line
    holding = [
        one
        for one in shelf.products(db, ingredient_ids=[line.ingredient.id]).values()
        if one.unit == line.unit and one.dose_class is not DoseClass.PHARMACY_BULK
    ]
    if not holding:
        raise NothingHolds(f"No item in use holds {line.ingredient.code} in {line.unit}.")
    prices = prices_of(db, [Dose(one, line.quantity, "") for one in holding], site=site, on=on)
    outlook = Outlook(db, site, {one.id: one for one in holding}, since=on, until=on)
    loss = settings.draw_loss_ml if any(one.loses_on_drawing for one in holding) else ZERO
    in_stock, on_offer = [], []
    for one in sorted(holding, key=lambda product: product.sku):
        there = outlook.there(one.id, on=on, enough=line.quantity + loss + one.content)
        held = sum((container.held for container in there), ZERO)
        effective = one.content + (one.overfill if one.dose_class.one_patient else ZERO)
        in_stock.append(
            Size(one.id, effective, prices.average_unit(one) * one.content, int(held // one.content))
        )
        on_offer.append(Size(one.id, effective, prices.replacement_unit(one) * one.content))
    counts = cheapest_covering(line.quantity + loss, in_stock) or cheapest_covering(
        line.quantity + loss, on_offer
    )
    assert counts, line
    return _share_dose(line.quantity, counts, {one.id: one for one in holding})


def _share_dose(
    dose: Decimal, counts: Mapping[int, int], products: Mapping[int, Product]
) -> list[tuple[int, Decimal]]:
    """How much of the dose each chosen item gives, by what its containers hold."""
    shared, left = [], dose
    for key, count in counts.items():
        part = min(left, products[key].content * count)
        if part:
            shared.append((key, part))
            left -= part
    if left:  # overfill covers what the labelled content does not
        key, part = shared[-1]
        shared[-1] = (key, part + left)
    return shared


def _last_costs(db: Session, item_ids: Sequence[int]) -> dict[int, Decimal]:
    """The cost of a content unit at each item's last receipt."""
    latest = sa.select(sa.func.max(Receipt.id)).where(Receipt.item_id.in_(item_ids)).group_by(Receipt.item_id)
    rows = db.scalars(sa.select(Receipt).where(Receipt.id.in_(latest.scalar_subquery())))
    return {row.item_id: row.value / row.quantity for row in rows}


def _shortages(
    doses: Sequence[Dose],
    drawn: Sequence[Sequence[Drawn]],
    dates: Sequence[date],
    prices: Prices,
    settings: Settings,
) -> tuple[Shortage, ...]:
    """For each item that runs short: the first session that lacks it, and what to order by when."""
    found = []
    for column, dose in enumerate(doses):
        short = [number for number, day in enumerate(drawn) if day[column].missing]
        if not short:
            continue
        bought = sum((sheets.bill(dose, drawn[n][column], prices, settings).bought for n in short), ZERO)
        found.append(_shortage(dose.product, short[0] + 1, dates[short[0]], bought, prices))
    return tuple(sorted(found, key=lambda one: (one.session, one.sku)))


def _shortage(product: Product, session: int, on: date, bought: Decimal, prices: Prices) -> Shortage:
    containers = int(fit(bought, product.content))
    offer = prices.offers.get(product.id)
    why = (
        f"{product.sku} runs short from session {session} on {on}: "
        f"{plain(bought)} {product.unit} are missing for the course"
    )
    packs, supplier, order_by = None, "", None
    if offer is None:
        why += ", and no supplier offers it."
    else:
        packs = max(offer.minimum_packs, int(fit(Decimal(containers), Decimal(offer.pack_containers))))
        supplier, order_by = offer.supplier, on - timedelta(days=offer.lead_days)
        why += (
            f"; order {packs} pack{'s' if packs > 1 else ''} of {offer.pack_containers} from "
            f"{offer.supplier_name} by {order_by} ({to_cents(packs * offer.pack_price)})."
        )
    return Shortage(
        sku=product.sku,
        name=product.name,
        session=session,
        on=on,
        missing=bought,
        unit=product.unit,
        containers=containers,
        order_packs=packs,
        supplier=supplier,
        order_by=order_by,
        why=why,
    )


def _flags(recipe: Recipe, doses: Sequence[Dose], prices: Prices, settings: Settings) -> tuple[Flag, ...]:
    found = [
        Flag("too_many_sterile_products", text) for text in session_flags(_injected(recipe, doses), settings)
    ]
    if not recipe.active:
        found.append(
            Flag("inactive_formulation", f"{recipe.code} is inactive by default: {recipe.preparation_rule}.")
        )
    found.extend(
        Flag("no_price_on_record", f"Nothing says what {dose.product.sku} costs; it is costed at 0.00.")
        for dose in doses
        if not prices.known(dose.product)
    )
    return tuple(found)


def _injected(recipe: Recipe, doses: Sequence[Dose]) -> list[Product]:
    """The products that the recipe mixes, without what its technique uses."""
    mixed = f"formulation {recipe.code} version {recipe.version}"
    return [dose.product for dose in doses if dose.source == mixed]
