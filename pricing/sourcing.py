"""Sourcing: what items cost on hand and to buy, and which of them serve an ingredient's dose (C4)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, layers, shelf
from inventory.catalog import DoseClass
from inventory.clinic import Settings, Site
from inventory.errors import Conflict
from inventory.measures import ZERO
from inventory.receiving import Receipt
from pricing import sharing
from pricing.covering import Size, cheapest_covering
from pricing.formulations import RecipeLine
from pricing.outlook import Outlook, Span
from pricing.sheets import Dose, Prices


class NothingHolds(Conflict):
    """No item on record holds an ingredient of the recipe in its unit."""


def prices_of(db: Session, doses: Sequence[Dose], *, site: Site, on: date) -> Prices:
    """What the doses' items cost on hand and to buy on a date, and how their opened vials are shared."""
    keys = [dose.product.id for dose in doses]
    offers = catalog.replacements(db, keys, on=on)
    unpriced = [key for key in keys if key not in offers]
    return Prices(
        average=layers.worth_of_items(db, keys),
        offers=offers,
        last_cost=_last_costs(db, unpriced) if unpriced else {},
        doses_used={
            (dose.product.id, dose.quantity): sharing.doses_used(
                db, dose.product, dose.quantity, site=site, on=on
            )
            for dose in doses
            if dose.product.dose_class is DoseClass.MULTI_DOSE
        },
    )


def choose(
    db: Session, line: RecipeLine, span: Span, *, site: Site, settings: Settings, own: Collection[str] = ()
) -> list[tuple[int, Decimal]]:
    """The items that serve an ingredient's dose most cheaply by the sizes in stock, else on offer (C4).

    By what will be there on the last day of the span, and each with its part of the dose. Raises
    NothingHolds, covering.TooManyContainers.
    """
    assert line.ingredient is not None, line
    holding = {
        key: one
        for key, one in shelf.products(db, ingredient_ids=[line.ingredient.id]).items()
        if one.unit == line.unit and one.dose_class is not DoseClass.PHARMACY_BULK
    }
    if not holding:
        raise NothingHolds(f"No item in use holds {line.ingredient.code} in {line.unit}.")
    doses = [
        Dose(one, line.quantity, "") for one in sorted(holding.values(), key=lambda product: product.sku)
    ]
    prices = prices_of(db, doses, site=site, on=span.today)
    outlook = Outlook(db, site, holding, span, own=own)
    in_stock = [_in_stock(dose, outlook, prices, settings, on=span.until) for dose in doses]
    sizes, counts = in_stock, cheapest_covering(line.quantity, in_stock)
    if counts is None:
        sizes = [_bought(dose, prices, settings) for dose in _priced(doses, prices)]
        counts = cheapest_covering(line.quantity, sizes)
    assert counts, line  # what can be bought covers any dose
    return _share_dose(line.quantity, counts, sizes)


def _in_stock(dose: Dose, outlook: Outlook, prices: Prices, settings: Settings, *, on: date) -> Size:
    product = dose.product
    enough = dose.quantity + settings.draw_loss_ml + product.content
    held = sum((one.held for one in outlook.there(product.id, on=on, enough=enough)), ZERO)
    available = int(held // product.content) if product.dose_class.one_patient else int(held >= dose.quantity)
    return _size(dose, prices.average_unit(product), prices, settings, available)


def _bought(dose: Dose, prices: Prices, settings: Settings) -> Size:
    return _size(dose, prices.replacement_unit(dose.product), prices, settings, None)


def _priced(doses: Sequence[Dose], prices: Prices) -> Sequence[Dose]:
    """The doses that somebody sells; else those that cost something once; an unpriced one is not cheap."""
    offered = [dose for dose in doses if dose.product.id in prices.offers]
    return offered or [dose for dose in doses if prices.known(dose.product)] or doses


def _size(dose: Dose, unit_cost: Decimal, prices: Prices, settings: Settings, available: int | None) -> Size:
    """What one container of an item does for the dose, and what it costs the session."""
    product = dose.product
    if product.dose_class.one_patient:
        loss = settings.draw_loss_ml if product.loses_on_drawing else ZERO
        effective = product.content + product.overfill
        return Size(product.id, effective, unit_cost * product.content, available, loss)
    # What may be kept serves the whole dose, for its own volume and its share of the discard.
    charged = prices.charged(dose)
    return Size(product.id, dose.quantity, unit_cost * charged, available)


def _share_dose(dose: Decimal, counts: Mapping[int, int], sizes: Sequence[Size]) -> list[tuple[int, Decimal]]:
    """How much of the dose each chosen item gives: all that its containers can, until nothing is left."""
    shared, left = [], dose
    for size in sizes:
        part = min(left, counts.get(size.product_id, 0) * size.effective - size.loss)
        if part > 0:
            shared.append((size.product_id, part))
            left -= part
    assert not left, (dose, counts)
    return shared


def _last_costs(db: Session, item_ids: Sequence[int]) -> dict[int, Decimal]:
    """The cost of a content unit at each item's last receipt."""
    latest = sa.select(sa.func.max(Receipt.id)).where(Receipt.item_id.in_(item_ids)).group_by(Receipt.item_id)
    rows = db.scalars(sa.select(Receipt).where(Receipt.id.in_(latest.scalar_subquery())))
    return {row.item_id: row.value / row.quantity for row in rows}
