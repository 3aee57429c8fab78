"""Pages: a month of the books: what stock was worth, what it cost, whether all agrees, entry by entry."""

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from flask import Response, g, request

from api.schemas import EARLIEST, LATEST, key_of
from api.web import frame, months
from api.web.charts import Bar, Bars, Picture
from api.web.formats import money, sentence
from inventory import periods
from inventory.measures import ZERO
from pricing import accounting, close_checks, closing, reports
from pricing.chart import Flow
from pricing.reports import Flows

blueprint = frame.chapter("books")

PAGE = 100
ENTRIES = 40
TABS = (
    ("", "The month"),
    ("/roll-forward", "Roll-forward"),
    ("/valuation", "Valuation"),
    ("/trial-balance", "Trial balance"),
    ("/deferred", "Courses"),
    ("/purchases", "Purchases"),
    ("/write-downs", "Short-dated"),
    ("/cost-formula", "Cost formula"),
    ("/journal", "Journal"),
    ("/conversion", "Quotes"),
    ("/workbook", "Workbook"),
    ("/files", "Other software"),
)


@dataclass(frozen=True)
class Span:
    """The month that is looked at, up to today where it is not over."""

    first: date
    until: date
    over: bool
    closed: bool

    @property
    def code(self) -> str:
        """The month in an address."""
        return f"{self.first:%Y-%m}"

    @property
    def named(self) -> str:
        """The month as people say it."""
        return months.named(self.first)


@dataclass(frozen=True)
class Waste:
    """What was not used for one reason, which cost bears it, and its share of the largest."""

    reason: str
    of_treatment: bool
    value: Decimal
    share: str


@blueprint.app_template_filter("amount")
def amount(value: Decimal) -> str:
    """Money in a table whose head names the currency: `1,234.50`, a dash for nothing, minus as a minus."""
    return "–" if not value else f"{value:,.2f}".replace("-", "\N{MINUS SIGN}")


@blueprint.app_template_filter("month")
def month(first: date) -> str:
    """`November 2026`."""
    return months.named(first)


@blueprint.get("/books")
def overview() -> Response:
    """A month at a glance: figures, checks, a year in two charts, waste, the trial balance."""
    span = asked()
    rows = reports.roll_forward(g.db, since=span.first, until=span.until)
    values = total([row.value for row in rows])
    line = months.year(g.db, last=span.first)
    balance = accounting.trial_balance(g.db, since=span.first, until=span.until)
    waste = wasted(span)
    return show(
        "books.html",
        span,
        values=values,
        treatment=values.used + values.discarded,
        checks=close_checks.agreeing(g.db, first=span.first, until=span.until),
        moved=_moved(span),
        value_chart=value_chart(line),
        cost_chart=cost_chart(line),
        line=line,
        waste=waste,
        waste_total=sum((one.value for one in waste), ZERO),
        balance=balance,
        sides=(sum((row.debit for row in balance), ZERO), sum((row.credit for row in balance), ZERO)),
        next_to_close=next_to_close(),
    )


@blueprint.get("/books/roll-forward")
def roll_forward() -> Response:
    """Every item from opening to closing, in quantity and value (B3)."""
    span, start = asked(), whole("start")
    rows = reports.roll_forward(g.db, since=span.first, until=span.until)
    return show(
        "books_roll_forward.html",
        span,
        rows=rows[start : start + PAGE],
        totals=total([row.value for row in rows]),
        **paged(rows, start),
    )


@blueprint.get("/books/valuation")
def valuation() -> Response:
    """Every lot at the end of a day: where it is, how much, what it is worth (B3)."""
    span, start = asked(), whole("start")
    on = day_asked() or span.until
    rows = reports.valuation(g.db, on=on)
    return show(
        "books_valuation.html",
        span,
        on=on,
        rows=rows[start : start + PAGE],
        total=sum((row.value for row in rows), ZERO),
        **paged(rows, start),
    )


@blueprint.get("/books/journal")
def journal() -> Response:
    """The entries of a month by date, a page at a time (B1)."""
    span = asked()
    entries = accounting.journal(g.db, since=span.first, until=span.until, after=cursor())
    found = list(islice(entries, ENTRIES + 1))
    last = found[ENTRIES - 1].key if len(found) > ENTRIES else None
    return show(
        "books_journal.html",
        span,
        entries=found[:ENTRIES],
        next=f"{last[0]}.{last[1]}" if last else "",
        later=bool(request.args.get("after")),
    )


def show(template: str, span: Span, **values: Any) -> Response:
    """A page of the books, with what they all have: the month, the way to the others."""
    today = frame.here().day(g.now)
    return frame.page(
        template,
        span=span,
        tabs=[(f"/books{part}?month={span.code}", words, _is_open(part)) for part, words in TABS],
        all_months=months.known_months(g.db, today=today),
        currency=frame.currency(g.db),
        **values,
    )


def _is_open(part: str) -> bool:
    here = request.path.removeprefix("/books")
    return here == part or (part != "" and here.startswith(part + "/"))


def asked() -> Span:
    """The month that the address names."""
    today = frame.here().day(g.now)
    return span_of(months.month_of(request.args.get("month", ""), today=today), today=today)


def span_of(first: date, *, today: date) -> Span:
    """A month up to today, and whether it is over and closed."""
    last = months.last_day(first)
    closed = periods.closed_through(g.db)
    return Span(first, min(last, today), over=last < today, closed=closed is not None and last <= closed)


def next_to_close() -> date | None:
    """The first day of the month that is closed next; none while it is not over.

    While nothing is closed it is the last month that is over: closing it closes all before it.
    """
    this = frame.here().day(g.now).replace(day=1)
    closed = periods.closed_through(g.db)
    first = months.before(this) if closed is None else months.following(closed.replace(day=1))
    return first if first < this else None


def day_asked() -> date | None:
    """The day that the address names; none where it names none."""
    return day_named("on")


def day_named(name: str) -> date | None:
    """A day that the address has under a name; none where it has none."""
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None


def whole(name: str) -> int:
    """A number in the address; zero where there is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def cursor() -> tuple[date, int] | None:
    """After which entry the page begins."""
    day, _, named = request.args.get("after", "").partition(".")
    key = key_of(named)
    if key is None:
        return None
    try:
        return date.fromisoformat(day), key
    except ValueError:
        return None


def paged(rows: tuple[Any, ...], start: int) -> dict[str, int]:
    """Where a page of a list stands in it."""
    end = start + PAGE
    return {"start": start, "count": len(rows), "next": end if len(rows) > end else 0}


def total(flows: list[Flows]) -> Flows:
    """All items together."""
    return Flows(
        **{one.name: sum((getattr(flow, one.name) for flow in flows), ZERO) for one in fields(Flows)}
    )


def _moved(span: Span) -> list[str] | None:
    """What of a closed month is not as its closing kept it; none where nothing was kept (B4)."""
    found = [one for one in periods.history(g.db) if one.month == span.first and one.stands and one.facts]
    return [said for one in found for said in closing.moved(g.db, one)] if found else None


def wasted(span: Span) -> list[Waste]:
    """What was not used, by reason, the dearest first; what a session discards is cost of treatment (B1)."""
    sums: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
    for row in reports.wastage(g.db, since=span.first, until=span.until):
        sums[row.reason, row.flow is Flow.DISCARDED] += row.value
    longest = max(sums.values(), default=ZERO)
    return [
        Waste(
            reason=sentence(reason),
            of_treatment=of_treatment,
            value=value,
            share=f"{max(float(100 * value / longest), 0):.1f}" if longest > 0 else "0",
        )
        for (reason, of_treatment), value in sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    ]


def value_chart(line: list[months.Month]) -> Picture:
    """What stock was worth at the end of each month."""
    currency = frame.currency(g.db)
    last, first = line[-1], line[0]
    return Bars(
        name="worth",
        title="Value of stock at the end of each month",
        described=f"From {money(first.closing, currency)} at the end of {months.named(first.first)} to "
        f"{money(last.closing, currency)} in {months.named(last.first)}. The table below has the numbers.",
        unit=currency,
        bars=[Bar(f"{one.first:%b}", one.closing, money(one.closing, currency)) for one in line],
    ).drawn()


def cost_chart(line: list[months.Month]) -> Picture:
    """What treatment cost in each month: what was injected, and on top what was discarded with it."""
    currency = frame.currency(g.db)
    dearest = max(line, key=lambda one: one.treatment)
    return Bars(
        name="cost",
        title="Cost of treatment in each month",
        described=f"The dearest month is {months.named(dearest.first)} with "
        f"{money(dearest.treatment, currency)}. The table below has the numbers.",
        unit=currency,
        bars=[
            Bar(
                f"{one.first:%b}",
                one.used,
                f"{money(one.used, currency)} used, {money(one.discarded, currency)} discarded",
                second=one.discarded,
            )
            for one in line
        ],
    ).drawn()
