"""What the pages show of an offer or a quote: to who keeps the books with its costs, to others without (P5).

Whoever does not see costs gets none here, so no template can show them by mistake.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from api.web import formats, scale
from api.web.scale import Mark
from inventory.clinic import Site
from inventory.errors import Refusal
from inventory.measures import ZERO
from pricing import drifting, quote_records
from pricing.quote_records import Quote, QuoteStatus
from pricing.quotes import Offer

FROM_THE_MARKET = ("band", "discount", "tax")
"""Stages that patients and the front desk may see; the earlier ones are the cost and what follows from it."""

NAMES = {
    "cost": "Cost of a session",
    "target": "With the target margin",
    "level": "At this level",
    "list": "List price",
    "step": "Rounded to the step",
    "band": "Inside the market's band",
    "discount": "After the discount",
    "tax": "With tax",
}
KINDS = {"allergen_match": "bad", "pregnant": "bad", "skin_infection": "bad"}
QUIET = frozenset({"shortage"})
"""Cautions that tell costs; the sessions that lack something are marked besides."""

TAGS = {
    QuoteStatus.DRAFT: "plain",
    QuoteStatus.ISSUED: "accent",
    QuoteStatus.ACCEPTED: "good",
    QuoteStatus.DECLINED: "plain",
    QuoteStatus.WITHDRAWN: "plain",
    QuoteStatus.LAPSED: "warn",
}


@dataclass(frozen=True)
class StageRow:
    """One stage of the price; its sentence is empty for who does not see costs."""

    name: str
    amount: Decimal
    note: str


@dataclass(frozen=True)
class SessionRow:
    """One session of the course: its day, its price, and what present stock lacks for it."""

    number: int
    on: date
    price: Decimal
    lacks: tuple[str, ...]
    cost: Decimal | None


@dataclass(frozen=True)
class Said:
    """A sentence to look at, and how grave it is."""

    text: str
    kind: str
    blocks: bool = False


@dataclass(frozen=True)
class Margin:
    """What the clinic earns on the course, for who sees costs."""

    cost: Decimal
    margin: Decimal
    percent: str


@dataclass(frozen=True)
class Sheet:
    """An offer ready to show."""

    currency: str
    sessions: tuple[SessionRow, ...]
    interval_weeks: int
    each: Decimal
    even: bool  # every session has the same price
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_words: str
    total: Decimal
    low: Decimal
    high: Decimal
    band_source: str
    scale: Markup
    stages: tuple[StageRow, ...]
    said: tuple[Said, ...]
    blocks: tuple[str, ...]
    margin: Margin | None

    @property
    def lacking(self) -> int:
        """How many sessions present stock cannot supply."""
        return sum(1 for session in self.sessions if session.lacks)


@dataclass(frozen=True)
class Sheets:
    """All treatments of an offer or a quote, each with its name; most have one."""

    parts: tuple[tuple[str, Sheet], ...]

    @property
    def first(self) -> Sheet:
        return self.parts[0][1]

    @property
    def several(self) -> bool:
        return len(self.parts) > 1

    @property
    def total(self) -> Decimal:
        return sum((sheet.total for _, sheet in self.parts), ZERO)

    @property
    def taxed(self) -> bool:
        return any(sheet.tax for _, sheet in self.parts)

    @property
    def sessions(self) -> int:
        return sum(len(sheet.sessions) for _, sheet in self.parts)

    @property
    def lacking(self) -> int:
        return sum(sheet.lacking for _, sheet in self.parts)

    @property
    def blocks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for _, sheet in self.parts for text in sheet.blocks))

    @property
    def margin(self) -> Margin | None:
        """What the clinic earns on all of it; nothing for who does not see costs."""
        if self.first.margin is None:
            return None
        net = sum((sheet.total - sheet.tax for _, sheet in self.parts), ZERO)
        cost = sum((sheet.margin.cost for _, sheet in self.parts if sheet.margin is not None), ZERO)
        return _margin(net, cost)


def whole(parts: Iterable[tuple[str, Sheet]]) -> Sheets:
    """The treatments of an offer or a quote together."""
    return Sheets(tuple(parts))


def of_offer(made: Offer, *, costs: bool) -> Sheet:
    """An offer that is not kept, as whoever asks may see it."""
    price, offered = made.price, made.cost.sessions
    names = {line.code: line.name for session in offered for line in session.lines}
    rows = tuple(
        SessionRow(one.number, one.on, each, _named(one.short_of, names), one.actual if costs else None)
        for one, each in zip(offered, price.session_prices, strict=True)
    )
    return _sheet(
        rows,
        costs=costs,
        currency=made.currency,
        interval_weeks=made.plan.interval_weeks,
        subtotal=price.subtotal,
        discount=price.discount,
        tax=price.tax,
        tax_words=tax_words(price.tax_rule.name, price.tax_rule.rate, price.tax_rule.inclusive),
        total=price.total,
        low=price.band.low,
        high=price.band.high,
        band_source=price.band.source,
        floor=price.floor,
        stages=[StageRow(one.name, one.amount, one.note) for one in price.stages],
        warnings=[{"code": one.code, "message": one.message, "blocks": one.blocks} for one in made.warnings],
        cost=sum((one.actual for one in offered), ZERO),
    )


def of_quote(db: Session, quote: Quote, *, costs: bool) -> Sheet:
    """A quote as it was written, as whoever asks may see it."""
    names = {line.code: line.name for line in quote_records.lines_of(db, quote)}
    rows = tuple(
        SessionRow(one.number, one.on, one.price, _named(one.short_of, names), one.actual if costs else None)
        for one in quote_records.sessions_of(db, quote)
    )
    return _sheet(
        rows,
        costs=costs,
        currency=quote.currency,
        interval_weeks=quote.interval_weeks,
        subtotal=quote.subtotal,
        discount=quote.discount,
        tax=quote.tax,
        tax_words=tax_words(quote.tax_name, quote.tax_rate, quote.tax_inclusive),
        total=quote.total,
        low=quote.band_low,
        high=quote.band_high,
        band_source=quote.band_source,
        floor=quote.floor,
        stages=[StageRow(one.name, one.amount, one.note) for one in quote_records.stages_of(db, quote)],
        warnings=quote.warnings,
        cost=quote.cost,
    )


def _sheet(
    rows: tuple[SessionRow, ...],
    *,
    costs: bool,
    stages: Sequence[StageRow],
    warnings: Sequence[Mapping[str, Any]],
    cost: Decimal,
    floor: Decimal,
    **facts: Any,
) -> Sheet:
    each, low, high, currency = rows[0].price, facts["low"], facts["high"], facts["currency"]
    marks = [Mark("least", floor)] if costs else []
    return Sheet(
        **facts,
        sessions=rows,
        each=each,
        even=all(row.price == each for row in rows),
        scale=scale.band(low, high, Mark("price", each), marks, currency=currency),
        stages=tuple(
            StageRow(NAMES[one.name], one.amount, formats.dated(one.note) if costs else "")
            for one in stages
            if costs or one.name in FROM_THE_MARKET
        ),
        said=tuple(one for one in said(warnings, costs=costs) if not one.blocks),
        blocks=tuple(one["message"] for one in warnings if one["blocks"]),
        margin=_margin(facts["total"] - facts["tax"], cost) if costs else None,
    )


def said(warnings: Iterable[Mapping[str, Any]], *, costs: bool) -> tuple[Said, ...]:
    """The cautions of an offer or a quote in words that whoever asks may read."""
    found = {}
    for one in warnings:
        if costs or one["code"] not in QUIET:
            # How it was trimmed, and by which cost, is told by the stage of the discount.
            trimmed = one["code"] == "discount_trimmed"
            words = "The discount was trimmed to the least price." if trimmed else one["message"]
            text = formats.dated(words)
            found[text] = Said(text, KINDS.get(one["code"], "warn"), one["blocks"])
    return tuple(found.values())


def _margin(net: Decimal, cost: Decimal) -> Margin:
    rate = (net - cost) / net if net else ZERO
    return Margin(cost, net - cost, f"{rate * 100:.0f}\N{NO-BREAK SPACE}%")


def _named(skus: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(sku, sku) for sku in skus)


def tax_words(name: str, rate: Decimal, inclusive: bool) -> str:
    """What the line of the tax says."""
    if not rate:
        return "No tax"
    percent = formats.number((rate * 100).normalize())
    return f"{'Contains ' if inclusive else ''}{name}, {percent}\N{NO-BREAK SPACE}%"


def settled(sheet: Sheet) -> Sheet:
    """The sheet of a quote that is no draft any more: what blocked it once is only told."""
    told = tuple(Said(text.partition(" The quote cannot")[0], "bad") for text in sheet.blocks)
    return replace(sheet, blocks=(), said=told + sheet.said)


def drift(db: Session, quote: Quote, *, site: Site, on: date) -> drifting.Drift | None:
    """How much dearer the course has become; nothing where it can no longer be costed."""
    try:
        return drifting.drift(db, quote, site=site, on=on)
    except Refusal:
        return None
