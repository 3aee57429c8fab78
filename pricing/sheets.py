"""Lines of a cost sheet: how much of an item one session takes, and what that costs on three bases (C4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from inventory.catalog import DoseClass, ItemKind, Replacement
from inventory.clinic import Settings
from inventory.layers import Worth
from inventory.measures import ZERO, fit, plain, to_cents, to_cents_half_up
from inventory.picking import Draw
from inventory.vials import Product
from pricing import sharing
from pricing.outlook import Drawn
from pricing.price_list import PractitionerLevel
from pricing.protocols import Step

QUANTUM = Decimal("0.0001")


class LineKind(StrEnum):
    """What a line of a cost sheet pays for."""

    INJECTABLE = "injectable"
    CONSUMABLE = "consumable"
    TOPICAL = "topical"
    LABOUR = "labour"
    OVERHEAD = "overhead"


@dataclass(frozen=True)
class Line:
    """One line of a session's cost sheet; `quantity` and `discarded` are in the item's content unit."""

    kind: LineKind
    code: str  # the SKU, or the step of labour
    name: str
    item_id: int | None
    unit: str
    containers: Decimal
    quantity: Decimal
    discarded: Decimal
    actual: Decimal
    average: Decimal
    replacement: Decimal
    source: str

    @property
    def stock(self) -> Decimal:
        """What the line takes from the shelf, or is charged with."""
        return self.quantity + self.discarded


@dataclass(frozen=True)
class SessionCost:
    """The cost sheet of one session of a course."""

    number: int
    on: date
    lines: tuple[Line, ...]
    actual: Decimal
    average: Decimal
    replacement: Decimal
    short_of: tuple[str, ...]  # SKUs that present stock cannot supply on the day


@dataclass(frozen=True)
class Dose:
    """What one session needs of one item, and what says so."""

    product: Product
    quantity: Decimal
    source: str


@dataclass(frozen=True)
class Prices:
    """What a content unit of each item costs on hand and to buy, and how shared vials are used up."""

    average: Mapping[int, Worth]
    offers: Mapping[int, Replacement]
    last_cost: Mapping[int, Decimal]  # of one content unit, where no offer is in force
    doses_used: Mapping[tuple[int, Decimal], Decimal]  # by multi-dose item and dose: of what it leaves open

    def known(self, product: Product) -> bool:
        """Whether anything says what the item costs."""
        return product.id in self.offers or product.id in self.last_cost or product.id in self.average

    def replacement_unit(self, product: Product) -> Decimal:
        """The supplier's price of a content unit; without an offer the last receipt's, then the average."""
        offer = self.offers.get(product.id)
        if offer is not None:
            return offer.container_cost / product.content
        if product.id in self.last_cost:
            return self.last_cost[product.id]
        worth = self.average.get(product.id)
        return ZERO if worth is None else worth.unit_cost

    def average_unit(self, product: Product) -> Decimal:
        """The mean cost of a content unit on hand; without stock, the replacement price."""
        worth = self.average.get(product.id)
        return self.replacement_unit(product) if worth is None else worth.unit_cost

    def charged(self, dose: Dose) -> Decimal:
        """The stock that a dose is charged with where what is left may be kept: with its expected discard."""
        if dose.product.dose_class is not DoseClass.MULTI_DOSE:
            return dose.quantity
        used = self.doses_used[dose.product.id, dose.quantity]
        return sharing.charged_stock(dose.product, dose.quantity, used)


@dataclass(frozen=True)
class Bill:
    """How much of an item a session takes: from the shelf's lots, and bought for what they lack."""

    quantity: Decimal
    discarded: Decimal
    bought: Decimal  # content units that have to be bought, in that


def bill(dose: Dose, drawn: Drawn, prices: Prices, settings: Settings) -> Bill:
    """What a session takes of an item, by its dose class.

    Single-dose and kit: whole containers (S3). Multi-dose: the dose and its share of the expected
    discard, of what has to be bought too. Others: the dose.
    """
    product = dose.product
    if not product.dose_class.one_patient:
        stock = prices.charged(dose)
        bought = (drawn.missing * stock / dose.quantity).quantize(QUANTUM)
        return Bill(dose.quantity, stock - dose.quantity, bought)
    loss = settings.draw_loss_ml if product.loses_on_drawing else ZERO
    # What is missing counts the loss already, unless nothing was there to be drawn.
    lacking = drawn.missing + (loss if drawn.missing and not drawn.draws else ZERO)
    bought = fit(lacking, product.content + product.overfill) * product.content
    stock = bought + sum((_taken(draw) for draw in drawn.draws), ZERO)
    used = min(dose.quantity + loss, stock)
    return Bill(used, stock - used, bought)


def item_line(
    dose: Dose, drawn: Drawn, prices: Prices, worth: Mapping[int, Worth], settings: Settings
) -> Line:
    """The line of one item, each amount rounded once at its end."""
    product = dose.product
    needed = bill(dose, drawn, prices, settings)
    stock = needed.quantity + needed.discarded
    replacement = prices.replacement_unit(product)
    average = prices.average_unit(product)
    from_lots = sum((_taken(draw) * _unit_cost(draw, worth, average) for draw in drawn.draws), ZERO)
    if not product.dose_class.one_patient:
        from_lots = from_lots * stock / dose.quantity  # the discard was, or will be, of the same lots
    actual = from_lots + needed.bought * replacement
    return Line(
        kind=LineKind(product.kind) if product.kind is not ItemKind.RETAIL else LineKind.TOPICAL,
        code=product.sku,
        name=product.name,
        item_id=product.id,
        unit=product.unit,
        containers=(stock / product.content).quantize(QUANTUM),
        quantity=needed.quantity,
        discarded=needed.discarded,
        actual=to_cents(actual),
        average=to_cents(stock * average),
        replacement=to_cents(stock * replacement),
        source=dose.source,
    )


def labour_line(step: Step, minutes: int, level: PractitionerLevel) -> Line:
    """So many minutes of a level's time (T3)."""
    cost = to_cents_half_up(level.labour_rate * minutes / 60)
    return Line(
        kind=LineKind.LABOUR,
        code=step.value,
        name=f"{step.value.capitalize()}, {level.name}",
        item_id=None,
        unit="min",
        containers=ZERO,
        quantity=Decimal(minutes),
        discarded=ZERO,
        actual=cost,
        average=cost,
        replacement=cost,
        source=f"level {level.code}: {plain(level.labour_rate)} an hour",
    )


def sheet(
    number: int, on: date, lines: tuple[Line, ...], settings: Settings, short: tuple[str, ...]
) -> SessionCost:
    """A session's cost sheet: its lines, overhead on their sum, and the totals."""
    direct = [sum(amounts, ZERO) for amounts in zip(*map(_bases, lines), strict=True)]
    overhead = [to_cents_half_up(amount * settings.overhead_rate) for amount in direct]
    last = Line(
        kind=LineKind.OVERHEAD,
        code="overhead",
        name="Overhead",
        item_id=None,
        unit="",
        containers=ZERO,
        quantity=ZERO,
        discarded=ZERO,
        actual=overhead[0],
        average=overhead[1],
        replacement=overhead[2],
        source=f"setting overhead_rate: {plain(settings.overhead_rate * 100)} % of the lines above",
    )
    actual, average, replacement = (a + b for a, b in zip(direct, overhead, strict=True))
    return SessionCost(number, on, (*lines, last), actual, average, replacement, short)


def _bases(line: Line) -> tuple[Decimal, Decimal, Decimal]:
    return (line.actual, line.average, line.replacement)


def _taken(draw: Draw) -> Decimal:
    return draw.used + draw.discarded


def _unit_cost(draw: Draw, worth: Mapping[int, Worth], average: Decimal) -> Decimal:
    lot = worth.get(draw.container.lot.id)
    return average if lot is None else lot.unit_cost
