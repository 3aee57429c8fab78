"""Costing: a course session by session at its dates, with what present stock will lack (C4, C5).

`actual` is what the stock that FEFO would draw had cost, `average` the item's mean cost on hand,
`replacement` the supplier's price. What the stock lacks is costed at replacement.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory import clinic, layers, shelf
from inventory.catalog import DoseClass
from inventory.clinic import Settings, Site
from inventory.errors import Invalid
from inventory.layers import Worth
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
class Wanted:
    """A course to cost: its recipe, who performs it, on which days, by which protocol."""

    recipe: Recipe
    level: PractitionerLevel
    dates: Sequence[date]
    protocol: Protocol | None = None

    @property
    def technique(self) -> str:
        """How it is injected: the protocol decides, else the recipe."""
        return self.recipe.technique if self.protocol is None else self.protocol.technique


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
    wanted = Wanted(recipe, level, dates, protocol)
    return cost_together(db, [wanted], site=site, today=today, own=own)[0]


def cost_together(
    db: Session,
    wanted: Sequence[Wanted],
    *,
    site: Site,
    today: date | None = None,
    own: Collection[str] = (),
) -> tuple[CourseCost, ...]:
    """Cost several courses of one patient over the same shelf, in the order of their days (C5).

    No lot serves twice: what a session draws is gone for every later one, whichever course it is of; of
    those on one day the course that is named first draws first. Raises what `cost_course` does.
    """
    if not wanted or not all(one.dates for one in wanted):
        raise NoDates("A course has at least one session.")
    settings = clinic.settings(db)
    days = [on for one in wanted for on in one.dates]
    today = min(days) if today is None else today
    mixed = [
        _mixed(db, one.recipe, Span(today, one.dates[0]), site=site, settings=settings, own=own)
        for one in wanted
    ]
    doses = [[*mixes, *_used(db, one.technique)] for one, mixes in zip(wanted, mixed, strict=True)]
    every = [dose for listed in doses for dose in listed]
    prices = sourcing.prices_of(db, every, site=site, on=today)
    outlook = Outlook(
        db, site, {dose.product.id: dose.product for dose in every}, Span(today, max(days)), own=own
    )
    drawn = _draw_all(outlook, doses, [one.dates for one in wanted], loss=settings.draw_loss_ml)
    lots = {draw.container.lot.id for days in drawn for day in days for one in day for draw in one.draws}
    worth = layers.worth_of_lots(db, lots)
    return tuple(
        _course(one, mixes, listed, gives, prices, worth, settings)
        for one, mixes, listed, gives in zip(wanted, mixed, doses, drawn, strict=True)
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


def _labour(wanted: Wanted, settings: Settings) -> tuple[Line, ...]:
    steps = protocols.labour_minutes(wanted.protocol, settings)
    return tuple(sheets.labour_line(step, minutes, wanted.level) for step, minutes in steps)


def _draw_all(
    outlook: Outlook, doses: Sequence[Sequence[Dose]], dates: Sequence[Sequence[date]], *, loss: Decimal
) -> list[list[list[Drawn]]]:
    """What the stock gives each session of each course, the earliest session first (C5)."""
    needed: list[dict[int, Decimal]] = []
    for listed in doses:
        much: dict[int, Decimal] = defaultdict(Decimal)
        for dose in listed:
            # A draw opens at most one container beyond the dose and what stays in the syringe.
            much[dose.product.id] += dose.quantity + loss + dose.product.content
        needed.append(much)
    drawn: list[list[list[Drawn]]] = [[] for _ in doses]
    calendar = sorted((on, place) for place, days in enumerate(dates) for on in days)
    for on, place in calendar:
        outlook.look(needed[place], on=on, times=len(dates[place]) - len(drawn[place]))
        drawn[place].append(
            [outlook.draw(dose.product.id, dose.quantity, on=on, loss=loss) for dose in doses[place]]
        )
    return drawn


def _course(
    wanted: Wanted,
    mixed: Sequence[Dose],
    doses: Sequence[Dose],
    drawn: Sequence[Sequence[Drawn]],
    prices: Prices,
    worth: Mapping[int, Worth],
    settings: Settings,
) -> CourseCost:
    """The cost sheet of each session: what it draws, the labour, the overhead on both; and what lacks."""
    labour = _labour(wanted, settings)
    sessions = []
    for number, (on, day) in enumerate(zip(wanted.dates, drawn, strict=True), start=1):
        pairs = list(zip(doses, day, strict=True))
        lines = tuple(sheets.item_line(dose, one, prices, worth, settings) for dose, one in pairs)
        short = tuple(dict.fromkeys(dose.product.sku for dose, one in pairs if one.missing))
        sessions.append(sheets.sheet(number, on, lines + labour, settings, short))
    return CourseCost(
        recipe=wanted.recipe,
        sessions=tuple(sessions),
        mean=sum((one.actual for one in sessions), ZERO) / len(sessions),
        shortages=_shortages(doses, drawn, wanted.dates, prices, settings),
        flags=_flags(wanted.recipe, mixed, doses, prices, settings),
    )


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
        _shortage(products[key], number + 1, dates[number], bought[key], prices, settings)
        for key, number in first.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.session, one.sku)))


def _shortage(
    product: Product, session: int, on: date, bought: Decimal, prices: Prices, settings: Settings
) -> Shortage:
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
            f"{offer.supplier_name} by {order_by} ({settings.currency} {to_cents(packs * offer.pack_price)})."
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
