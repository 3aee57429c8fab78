"""Page: the advice on one item: its days ahead as a chart, the reasons, and which vial size pays (O2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flask import Response, g

from api.auth import STOCKROOM
from api.web import formats, frame
from api.web.charts import Fan, Flag, Picture, Point, Span
from inventory import catalog, foresight
from inventory.catalog import Item
from inventory.foresight import Coming, Day, Explained
from inventory.measures import ZERO, spoken
from pricing import sharing, sharing_hints

blueprint = frame.chapter("advice")

WEEK = 7
CALM, NEAR = Decimal("0.99"), Decimal("0.95")  # service levels


@dataclass(frozen=True)
class Week:
    """A week of the table beside the chart, as people read it."""

    until: date
    need: str
    band: str
    sold: str
    left: str
    arrives: str
    expires: str


@blueprint.get("/reorder/<code:sku>")
def item(sku: str) -> Response:
    """What to do about one item, and why: its days ahead, what comes, what expires."""
    site = frame.here()
    today, subject = site.day(g.now), catalog.item(g.db, sku)
    found = foresight.explain(g.db, subject, site=site, on=today, others=frame.my_sites())
    advice = found.advice
    return frame.page(
        "advice.html",
        item=subject,
        advice=advice,
        chart=_chart(subject, found),
        site=site,
        may_fetch=g.visitor.role in STOCKROOM,
        weeks=_weeks(found, subject.unit),
        opened=found.opened,
        supplier=None if advice.supplier is None else catalog.supplier(g.db, advice.supplier),
        service=_service(advice.service_level),
        sizes=sharing.sizes(g.db, subject, site=site, on=today),
        hints=sharing_hints.hints(g.db, site=site, on=today, item_ids=[subject.id]),
        today=today,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
    )


def _service(level: Decimal | None) -> tuple[str, str]:
    """How much of the need is met if the advice is taken, and its colour."""
    if level is None:
        return "all of it", ""
    kind = "" if level >= CALM else "warn" if level >= NEAR else "bad"
    return f"{formats.number((level * 100).quantize(Decimal('0.1')))} %", kind


def _chart(subject: Item, found: Explained) -> Picture:
    days = found.days
    unit = spoken(subject.unit.value)
    first = days[0].on - timedelta(days=1)
    held = found.advice.usable - found.opened
    need = [Span(first, ZERO, ZERO, ZERO)]
    need += [Span(day.on, day.need_low, day.need, day.need_high) for day in days]
    stock = [Point(first, max(days[0].stock, held)), *(Point(day.on, day.stock) for day in days)]
    last = days[-1]
    described = (
        f"Until {formats.day(last.on)} between {formats.number(last.need_low)} and "
        f"{formats.number(last.need_high)} {unit} are needed in eight of ten cases, most likely "
        f"{formats.number(last.need)}. Without an order {formats.number(last.stock)} {unit} would be left. "
        f"Until then {_counted(len(found.arrivals), 'delivery', 'deliveries')} will come and "
        f"{_counted(len(found.expiries), 'lot', 'lots')} will expire. "
        "The table below has the numbers."
    )
    return Fan(
        title=f"What will be needed of {subject.name}, and what is left of it without an order",
        described=described,
        unit=unit,
        need=need,
        stock=stock,
        arrivals=_flags(found.arrivals, subject, "comes"),
        expiries=_flags(found.expiries, subject, "expires"),
    ).drawn()


def _counted(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"


def _flags(some: Sequence[Coming], subject: Item, verb: str) -> list[Flag]:
    found = []
    for one in some:
        much = formats.quantity(one.quantity, subject.unit)
        found.append(Flag(one.on, f"{much} {one.words} {verb} on {formats.day(one.on)}"))
    return found


def _weeks(found: Explained, unit: str) -> list[Week]:
    """The days by weeks: how it stands at the end of each, and what comes and expires in it."""
    last = len(found.days) - 1
    listed, since = [], date.min  # what was due before today and may come today is in the first week
    for place in (*range(WEEK - 1, last, WEEK), last):
        day = found.days[place]
        listed.append(
            Week(
                until=day.on,
                need=formats.number(day.need),
                band=_band(day),
                sold=formats.number(day.sold),
                left=formats.number(day.stock),
                arrives=_sum(found.arrivals, since, day.on),
                expires=_sum(found.expiries, since, day.on),
            )
        )
        since = day.on
    return listed


def _band(day: Day) -> str:
    return f"{formats.number(day.need_low)} to {formats.number(day.need_high)}"


def _sum(some: Sequence[Coming], since: date, until: date) -> str:
    much = sum((one.quantity for one in some if since < one.on <= until), ZERO)
    return formats.number(much) if much else "–"
