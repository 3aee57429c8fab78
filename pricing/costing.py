"""Costing: a course session by session at its dates, with what present stock will lack (C4, C5).

`actual` is what the stock that FEFO would draw had cost, `average` the item's mean cost on hand,
`replacement` the supplier's price. What the stock lacks is costed at replacement.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory import clinic, layers, shelf
from inventory.catalog import DoseClass
from inventory.clinic import Settings, Site
from inventory.errors import Invalid
from inventory.measures import ZERO, fit, plain, to_cents
from inventory.treatments import flags as session_flags
from inventory.vials import PharmacyBulk, Product
from pricing import protocols, sheets, sourcing
from pricing.formulations import Recipe
from pricing.outlook import Drawn, Outlook, Span
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.sheets import Dose, Line, Prices, SessionCost


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


def cost_course(
    db: Session,
    recipe: Recipe,
    *,
    level: PractitionerLevel,
    site: Site,
    dates: Sequence[date],
    protocol: Protocol | None = None,
    today: date | None = None,
    own: Collection[str] = (),
) -> CourseCost:
    """Cost a course at its dates from the stock on hand, and say what it will lack (C4, C5).

    Prices and use are those of `today`, the first session's day unless given; `own` are the references of
    promises made to this very course. Raises NoDates, sourcing.NothingHolds, covering.TooManyContainers,
    vials.PharmacyBulk (S5), protocols.UnknownTechnique.
    """
    if not dates:
        raise NoDates("A course has at least one session.")
    settings = clinic.settings(db)
    technique = recipe.technique if protocol is None else protocol.technique
    today = dates[0] if today is None else today
    mixed = _mixed(db, recipe, Span(today, dates[0]), site=site, settings=settings, own=own)
    doses = [*mixed, *_used(db, technique)]
    prices = sourcing.prices_of(db, doses, site=site, on=today)
    outlook = Outlook(
        db, site, {dose.product.id: dose.product for dose in doses}, Span(today, dates[-1]), own=own
    )
    drawn = _draw_all(outlook, doses, dates, loss=settings.draw_loss_ml)
    sessions = _sheets(
        db, doses, drawn, dates, prices, labour=_labour(protocol, level, settings), settings=settings
    )
    return CourseCost(
        recipe=recipe,
        sessions=sessions,
        mean=sum((one.actual for one in sessions), ZERO) / len(sessions),
        shortages=_shortages(doses, drawn, dates, prices, settings),
        flags=_flags(recipe, mixed, doses, prices, settings),
    )


def course_dates(starts_on: date, sessions: int, interval_weeks: int) -> tuple[date, ...]:
    """The days of a course: one session every so many weeks (T4)."""
    return tuple(starts_on + timedelta(weeks=interval_weeks * number) for number in range(sessions))


def _mixed(
    db: Session, recipe: Recipe, span: Span, *, site: Site, settings: Settings, own: Collection[str]
) -> list[Dose]:
    """The products that the recipe mixes, each ingredient by the items chosen to serve it (T1, C4)."""
    needed: list[tuple[int, Decimal]] = []
    for line in recipe.products:
        if line.item is None:
            needed += sourcing.choose(db, line, span, site=site, settings=settings, own=own)
        else:
            needed.append((line.item.id, line.quantity))
    return _doses(db, needed, f"formulation {recipe.code} version {recipe.version}")


def _used(db: Session, technique: str) -> list[Dose]:
    """What one session by the technique uses besides (T2, T3)."""
    needed = [(item.id, much) for item, much in protocols.consumables(db, technique)]
    return _doses(db, needed, f"technique: {technique}")


def _doses(db: Session, needed: Sequence[tuple[int, Decimal]], source: str) -> list[Dose]:
    products = shelf.products(db, item_ids=[key for key, _ in needed])
    for product in products.values():
        if product.dose_class is DoseClass.PHARMACY_BULK:
            raise PharmacyBulk(
                f"{product.sku} is a pharmacy bulk package; it cannot be used in a treatment room."
            )
    return [Dose(products[key], much, source) for key, much in needed]


def _labour(protocol: Protocol | None, level: PractitionerLevel, settings: Settings) -> tuple[Line, ...]:
    steps = protocols.labour_minutes(protocol, settings)
    return tuple(sheets.labour_line(step, minutes, level) for step, minutes in steps)


def _draw_all(
    outlook: Outlook, doses: Sequence[Dose], dates: Sequence[date], *, loss: Decimal
) -> list[list[Drawn]]:
    """What the stock gives each session, the first session first (C5)."""
    needed: dict[int, Decimal] = defaultdict(Decimal)
    for dose in doses:
        # A draw opens at most one container beyond the dose and what stays in the syringe.
        needed[dose.product.id] += dose.quantity + loss + dose.product.content
    drawn = []
    for number, on in enumerate(dates):
        outlook.look(needed, on=on, times=len(dates) - number)
        drawn.append([outlook.draw(dose.product.id, dose.quantity, on=on, loss=loss) for dose in doses])
    return drawn


def _sheets(
    db: Session,
    doses: Sequence[Dose],
    drawn: Sequence[Sequence[Drawn]],
    dates: Sequence[date],
    prices: Prices,
    *,
    labour: tuple[Line, ...],
    settings: Settings,
) -> tuple[SessionCost, ...]:
    """The cost sheet of each session: what it draws, the labour, the overhead on both."""
    lots = {draw.container.lot.id for day in drawn for one in day for draw in one.draws}
    worth = layers.worth_of_lots(db, lots)
    found = []
    for number, (on, day) in enumerate(zip(dates, drawn, strict=True), start=1):
        pairs = list(zip(doses, day, strict=True))
        lines = tuple(sheets.item_line(dose, one, prices, worth, settings) for dose, one in pairs)
        short = tuple(dict.fromkeys(dose.product.sku for dose, one in pairs if one.missing))
        found.append(sheets.sheet(number, on, lines + labour, settings, short))
    return tuple(found)


def _shortages(
    doses: Sequence[Dose],
    drawn: Sequence[Sequence[Drawn]],
    dates: Sequence[date],
    prices: Prices,
    settings: Settings,
) -> tuple[Shortage, ...]:
    """For each item that runs short: the first session that lacks it, and what to order by when."""
    products = {dose.product.id: dose.product for dose in doses}
    first: dict[int, int] = {}
    bought: dict[int, Decimal] = defaultdict(Decimal)
    for number, day in enumerate(drawn):
        for dose, one in zip(doses, day, strict=True):
            if one.missing:
                first.setdefault(dose.product.id, number)
                bought[dose.product.id] += sheets.bill(dose, one, prices, settings).bought
    found = [
        _shortage(products[key], number + 1, dates[number], bought[key], prices)
        for key, number in first.items()
    ]
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


def _flags(
    recipe: Recipe, mixed: Sequence[Dose], doses: Sequence[Dose], prices: Prices, settings: Settings
) -> tuple[Flag, ...]:
    in_the_mix = {dose.product.id: dose.product for dose in mixed}
    found = [Flag("too_many_sterile_products", text) for text in session_flags(in_the_mix.values(), settings)]
    if not recipe.active:
        found.append(
            Flag("inactive_formulation", f"{recipe.code} is inactive by default: {recipe.preparation_rule}.")
        )
    unpriced = dict.fromkeys(dose.product.sku for dose in doses if not prices.known(dose.product))
    found.extend(
        Flag("no_price_on_record", f"Nothing says what {sku} costs; it is costed at 0.00.")
        for sku in unpriced
    )
    return tuple(found)
