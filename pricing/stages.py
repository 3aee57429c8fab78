"""The eight stages from the cost of a session to the price of a course, each with a sentence (section 4)."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from inventory.errors import Conflict, Invalid
from inventory.measures import CENT, LARGEST_MONEY, places, plain, share_out, to_cents_half_up
from pricing.price_list import Band, Tax
from pricing.protocols import MOST_SESSIONS

RATE_PLACES = 6  # as many decimals as a kept rate has


@dataclass(frozen=True)
class Stage:
    """One step on the way to the price: the amount per session after it, and why it is so."""

    name: str
    amount: Decimal
    note: str


@dataclass(frozen=True)
class Terms:
    """What the clinic, the market and the law say about a price; the same for every session of a course."""

    multiplier: Decimal
    target_margin_rate: Decimal
    least_margin_rate: Decimal
    list_price: Decimal | None
    step: Decimal
    band: Band
    discount_rate: Decimal
    sessions: int
    tax: Tax
    override: str  # a manager's reason to go above the band; "" for none (P1)
    free_sessions: int = 0  # of a promotion: that many of the course cost nothing
    discount_name: str = ""  # of the rule or promotion, for the sentence


@dataclass(frozen=True)
class CoursePrice:
    """The price of a course and how it came about; `session_prices` add up to subtotal − discount."""

    stages: tuple[Stage, ...]
    band: Band
    floor: Decimal
    session_prices: tuple[Decimal, ...]
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    total: Decimal
    trimmed: bool
    above_band: bool  # only where a manager overrode the refusal (P1)
    tax_rule: Tax

    @property
    def net(self) -> Decimal:
        """The clinic's part of the total."""
        return self.total - self.tax


@dataclass(frozen=True)
class Taxed:
    """An amount with its tax; `total` is always net + tax."""

    net: Decimal
    tax: Decimal
    total: Decimal


class NoPrice(Conflict):
    """The floor is above the band's high end: whatever the clinic asked, it would lose or overcharge (P1)."""


class BadTerms(Invalid):
    """No price can follow from these numbers."""


def price_course(
    *,
    cost: Decimal,
    multiplier: Decimal,
    target_margin_rate: Decimal,
    least_margin_rate: Decimal,
    list_price: Decimal | None,
    step: Decimal,
    band: Band,
    discount_rate: Decimal,
    sessions: int,
    tax: Tax,
    override: str | None = None,
    free_sessions: int = 0,
    discount_name: str = "",
) -> CoursePrice:
    """The price of a course from the mean cost of its sessions, through all eight stages.

    Every session price lies inside the band and at or above the floor (P1), or NoPrice is raised. An
    override, a manager's reason, turns that refusal into the floor rounded up to the step. Raises BadTerms.
    """
    terms = Terms(
        multiplier=multiplier,
        target_margin_rate=target_margin_rate,
        least_margin_rate=least_margin_rate,
        list_price=list_price,
        step=step,
        band=band,
        discount_rate=discount_rate,
        sessions=sessions,
        tax=tax,
        override=(override or "").strip(),
        free_sessions=free_sessions,
        discount_name=discount_name,
    )
    _check(cost, terms)
    return _priced(cost, terms)


def floor_of(cost: Decimal, least_margin_rate: Decimal) -> Decimal:
    """The price below which the clinic earns less than its least margin, rounded up to the cent.

    Part of a cent of cost never lowers it, whichever way the printed cost is rounded.
    """
    most = max(cost, to_cents_half_up(cost))
    return (most / (1 - least_margin_rate)).quantize(CENT, ROUND_CEILING)


def taxed_amount(amount: Decimal, tax: Tax) -> Taxed:
    """The tax on a printed amount, half up (P3): on top of it, or inside it where prices contain tax."""
    if tax.inclusive:
        contained = to_cents_half_up(amount * tax.rate / (1 + tax.rate))
        return Taxed(net=amount - contained, tax=contained, total=amount)
    added = to_cents_half_up(amount * tax.rate)
    return Taxed(net=amount, tax=added, total=amount + added)


def _priced(cost: Decimal, terms: Terms) -> CoursePrice:
    band, sessions = terms.band, terms.sessions
    floor = floor_of(cost, terms.least_margin_rate)
    stages = _wished(cost, terms)
    largest = max(floor, *(stage.amount for stage in stages))
    if largest > LARGEST_MONEY:
        raise BadTerms(f"A price of {_money(largest)} is beyond what the books can hold.")
    stages.append(_into_band(stages[-1].amount, floor, terms))
    price = stages[-1].amount
    subtotal = price * sessions
    wanted = price * terms.free_sessions or to_cents_half_up(subtotal * terms.discount_rate)
    discount = min(wanted, subtotal - max(band.low, floor) * sessions)
    shares = share_out(subtotal - discount, sessions)
    stages.append(_discount_stage(subtotal, wanted, discount, shares, floor, terms))
    taxed = taxed_amount(subtotal - discount, terms.tax)
    stages.append(_tax_stage(taxed, floor, terms))
    return CoursePrice(
        stages=tuple(stages),
        band=band,
        floor=floor,
        session_prices=shares,
        subtotal=subtotal,
        discount=discount,
        tax=taxed.tax,
        total=taxed.total,
        trimmed=discount < wanted,
        above_band=price > band.high,
        tax_rule=terms.tax,
    )


def _check(cost: Decimal, terms: Terms) -> None:
    if not (cost.is_finite() and 0 <= cost <= LARGEST_MONEY):
        raise BadTerms(f"A session cannot cost {cost}.")
    if not (_in_rate(terms.multiplier) and 0 < terms.multiplier <= 100):
        raise BadTerms(
            f"A level multiplies the price by more than 0 and at most 100, not {terms.multiplier}."
        )
    for name, rate in (("target", terms.target_margin_rate), ("least", terms.least_margin_rate)):
        if not (_in_rate(rate) and 0 <= rate < 1):
            raise BadTerms(f"The {name} margin is a fraction from 0 to below 1, not {rate}.")
    if terms.list_price is not None and not (_in_cents(terms.list_price) and terms.list_price > 0):
        raise BadTerms(f"A list price is an amount above 0 in whole cents, not {terms.list_price}.")
    if not (_in_cents(terms.step) and terms.step > 0):
        raise BadTerms(f"The price step is an amount above 0 in whole cents, not {terms.step}.")
    if not (_in_rate(terms.discount_rate) and 0 <= terms.discount_rate <= 1):
        raise BadTerms(f"A discount is a fraction from 0 to 1, not {terms.discount_rate}.")
    if not 1 <= terms.sessions <= MOST_SESSIONS:
        raise BadTerms(f"A course has 1 to {MOST_SESSIONS} sessions, not {terms.sessions}.")
    if not 0 <= terms.free_sessions < terms.sessions:
        raise BadTerms(f"{terms.free_sessions} of {terms.sessions} sessions cannot be free.")
    if not (_in_rate(terms.tax.rate) and 0 <= terms.tax.rate <= 1):
        raise BadTerms(f"A tax is a fraction from 0 to 1, not {terms.tax.rate}.")
    assert 0 <= terms.band.low <= terms.band.high, terms.band


def _wished(cost: Decimal, terms: Terms) -> list[Stage]:
    """Stages 1 to 5: what the clinic would ask if there were no market."""
    printed = to_cents_half_up(cost)
    target = to_cents_half_up(printed / (1 - terms.target_margin_rate))
    level = to_cents_half_up(target * terms.multiplier)
    wished = level if terms.list_price is None else terms.list_price
    stepped = _up_to_step(wished, terms.step)
    if terms.multiplier == 1:
        level_note = f"The level's multiplier is 1: {_money(target)} stays."
    else:
        level_note = f"{_money(target)} × {plain(terms.multiplier)} = {_money(level)}."
    if terms.list_price is None:
        list_note = f"The clinic has set no list price: {_money(level)} stays."
    elif terms.list_price == level:
        list_note = f"The clinic's list price is the same {_money(level)}: nothing changes."
    else:
        list_note = f"The clinic's list price of {_money(wished)} stands in place of {_money(level)}."
    if stepped == wished:
        step_note = f"{_money(wished)} is a multiple of {_money(terms.step)} already."
    else:
        step_note = (
            f"{_money(wished)} is rounded up to {_money(stepped)}, a multiple of {_money(terms.step)}."
        )
    return [
        Stage("cost", printed, f"A session costs {_money(printed)}, the mean over the course."),
        Stage(
            "target",
            target,
            f"{_money(printed)} ÷ (1 − {_percent(terms.target_margin_rate)}) = {_money(target)}.",
        ),
        Stage("level", level, level_note),
        Stage("list", wished, list_note),
        Stage("step", stepped, step_note),
    ]


def _into_band(stepped: Decimal, floor: Decimal, terms: Terms) -> Stage:
    """Stage 6: inside the band and not below the floor, or no price at all (P1)."""
    band = terms.band
    words = f"the band of {_money(band.low)} to {_money(band.high)} ({band.source})"
    if floor > band.high:
        if not terms.override:
            raise NoPrice(
                f"There is no price: a session must bring {_money(floor)} to keep a margin of "
                f"{_percent(terms.least_margin_rate)}, and {words} ends below that. "
                "A manager may override this with a reason.",
                floor=floor,
                low=band.low,
                high=band.high,
            )
        price = _up_to_step(floor, terms.step)
        note = f"{_money(price)}, the floor of {_money(floor)} rounded up, is above {words}: {terms.override}"
        return Stage("band", price, note)
    price = min(max(stepped, band.low), band.high)
    if price > stepped:
        note = f"{_money(stepped)} is raised to the low end of {words}."
    elif price < stepped:
        note = f"{_money(stepped)} is lowered to the high end of {words}."
    else:
        note = f"{_money(price)} lies inside {words}."
    if price < floor:
        price = min(_up_to_step(floor, terms.step), band.high)
        note += f" It is raised to {_money(price)}, because the floor is {_money(floor)}."
    return Stage("band", price, note)


def _discount_stage(
    subtotal: Decimal,
    wanted: Decimal,
    discount: Decimal,
    shares: tuple[Decimal, ...],
    floor: Decimal,
    terms: Terms,
) -> Stage:
    """Stage 7: the course discount, trimmed where a session would fall out of the band or below the floor."""
    what = f"{terms.free_sessions} free" if terms.free_sessions else _percent(terms.discount_rate)
    asked = f"{what} of {_money(subtotal)} is {_money(wanted)}"
    if terms.discount_name:
        asked = f"{terms.discount_name}: {asked}"
    if not wanted:
        note = f"No discount: {_shares(shares)}."
    elif discount == wanted:
        note = f"{asked}: {_shares(shares)}."
    else:
        band = terms.band
        bound = "the low end of the band" if band.low >= floor else "the floor"
        note = (
            f"{asked}; trimmed to {_money(discount)}, so that no session is below "
            f"{_money(max(band.low, floor))}, {bound}: {_shares(shares)}."
        )
    return Stage("discount", shares[0], note)


def _tax_stage(taxed: Taxed, floor: Decimal, terms: Terms) -> Stage:
    """Stage 8: the tax of the course; the amount is the first session's share of the total."""
    tax = terms.tax
    named = f"{tax.name} at {_percent(tax.rate)}" + (f" ({tax.code})" if tax.code else "")
    if not tax.code:
        note = f"{tax.note}."
    elif tax.inclusive:
        note = f"{_money(taxed.total)} contains {_money(taxed.tax)} {named}; {_money(taxed.net)} without it."
        if taxed.net < floor * terms.sessions:
            # The stages compare printed prices; the clinic should know what is left of them.
            note += f" Without it a session brings less than the floor of {_money(floor)}."
    else:
        note = f"{named} on {_money(taxed.net)} is {_money(taxed.tax)}; {_money(taxed.total)} in all."
    return Stage("tax", share_out(taxed.total, terms.sessions)[0], note)


def _up_to_step(amount: Decimal, step: Decimal) -> Decimal:
    return (amount / step).to_integral_value(ROUND_CEILING) * step


def _in_cents(amount: Decimal) -> bool:
    return amount.is_finite() and places(amount) <= 2


def _in_rate(rate: Decimal) -> bool:
    return rate.is_finite() and places(rate) <= RATE_PLACES


def _shares(shares: tuple[Decimal, ...]) -> str:
    larger = shares.count(shares[0])
    listed = [(larger, shares[0]), (len(shares) - larger, shares[-1])]
    return ", ".join(f"{count} at {_money(price)}" for count, price in listed if count)


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _percent(rate: Decimal) -> str:
    return f"{plain(rate * 100)} %"
