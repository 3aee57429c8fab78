"""Charts: SVG made on the server, with axes, a title and a description; a table stands beside each.

Colours come from the stylesheet's tokens, so a chart is dark when the page is. Geometry is in floats, as
pictures are; the numbers that are written are the exact ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from markupsafe import Markup, escape

from api.web.formats import number

WIDTH, HEIGHT = 760, 250
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 22, 30
MOST_FLAGS = 6


@dataclass(frozen=True)
class Point:
    """What there was at the end of a day."""

    on: date
    value: Decimal


@dataclass(frozen=True)
class Flag:
    """Something that happens on a day: an arrival, an expiry."""

    on: date
    words: str


@dataclass(frozen=True)
class Bar:
    """One bar: its label below, its height, and its height as people read it."""

    label: str
    value: Decimal
    said: str


@dataclass(frozen=True)
class Meter:
    """A level against what is needed, as parts of a hundred."""

    has: str
    need: str | None
    short: bool


@dataclass(frozen=True)
class _Scale:
    """From days and amounts to places in the picture."""

    first: date
    last: date
    top: Decimal

    def x(self, on: date) -> float:
        days = max((self.last - self.first).days, 1)
        return LEFT + (WIDTH - LEFT - RIGHT) * (on - self.first).days / days

    def y(self, value: Decimal) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - float(value / self.top))


def meter(has: Decimal, need: Decimal) -> Meter:
    """A level against need; twice the need, or all there is, fills the meter."""
    whole = max(2 * need, has)
    if not whole:
        return Meter("0", None, False)
    place = f"{float(100 * need / whole):.1f}" if need else None
    return Meter(f"{float(100 * has / whole):.1f}", place, has < need)


def ticks(highest: Decimal, wanted: int = 4) -> list[Decimal]:
    """Round numbers from zero to at least the highest."""
    if highest <= 0:
        return [Decimal(0), Decimal(1)]
    raw = highest / wanted
    size = Decimal(10) ** raw.adjusted()
    step = next(size * part for part in (1, 2, Decimal("2.5"), 5, 10) if size * part >= raw)
    count = -(-highest // step)
    if count * step < highest:
        count += 1
    return [step * index for index in range(int(count) + 1)]


def stock_line(
    points: Sequence[Point],
    *,
    ahead: Sequence[Point] = (),
    today: date,
    arrivals: Sequence[Point] = (),
    expiries: Sequence[Flag] = (),
    need: Decimal | None = None,
    title: str,
    described: str,
    unit: str,
) -> Markup:
    """Stock over time as steps: what was, dashed what will be if nothing is used, arrivals and expiries."""
    highest = max([point.value for point in (*points, *ahead)] + ([need] if need else []) + [Decimal(0)])
    marks = ticks(highest)
    scale = _Scale(points[0].on, (ahead or points)[-1].on, marks[-1])
    past = _steps(points, scale)
    parts = [_begin(title, described), *_rows(marks, scale, unit), *_months(scale)]
    base = f"{HEIGHT - BOTTOM:.1f}"
    parts.append(f'<path class="area" d="{past} V{base} H{scale.x(points[0].on):.1f} Z"/>')
    if need:
        y = scale.y(need)
        parts.append(f'<line class="need" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts.append(f'<path class="line" d="{past}"/>')
    if ahead:
        parts.append(f'<path class="ahead" d="{_steps(ahead, scale)}"/>')
        x = scale.x(today)
        parts.append(f'<line class="now" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{base}"/>')
        parts.append(f'<text class="axis" x="{x:.1f}" y="{TOP - 8}" text-anchor="middle">today</text>')
    for arrival in arrivals:
        place = f'cx="{scale.x(arrival.on):.1f}" cy="{scale.y(arrival.value):.1f}"'
        parts.append(f'<circle class="mark" {place} r="3.5"/>')
    for flag in list(expiries)[:MOST_FLAGS]:
        x = scale.x(flag.on)
        parts.append(
            f'<g><title>{escape(flag.words)}</title><line class="expiry" x1="{x:.1f}" x2="{x:.1f}" '
            f'y1="{TOP + 6}" y2="{base}"/><path class="expiry-flag" d="M{x:.1f} {TOP} l7 4 l-7 4 z"/></g>'
        )
    return Markup("".join(parts) + "</svg>")


def bars(values: Sequence[Bar], *, title: str, described: str, unit: str) -> Markup:
    """Amounts side by side, such as use by week."""
    marks = ticks(max((bar.value for bar in values), default=Decimal(0)))
    day = date(2000, 1, 1)
    scale = _Scale(day, day, marks[-1])
    parts = [_begin(title, described), *_rows(marks, scale, unit)]
    room = (WIDTH - LEFT - RIGHT) / max(len(values), 1)
    every = -(-len(values) * 64 // (WIDTH - LEFT - RIGHT)) or 1
    for index, bar in enumerate(values):
        x, y = LEFT + room * index, scale.y(bar.value)
        high = max(HEIGHT - BOTTOM - y, 0)
        said = escape(f"{bar.label}: {bar.said}")
        parts.append(
            f'<rect class="bar" x="{x + room * 0.2:.1f}" y="{y:.1f}" width="{room * 0.6:.1f}" '
            f'height="{high:.1f}" rx="2"><title>{said}</title></rect>'
        )
        if index % every == 0:
            parts.append(
                f'<text class="axis" x="{x + room / 2:.1f}" y="{HEIGHT - 9}" text-anchor="middle">'
                f"{escape(bar.label)}</text>"
            )
    return Markup("".join(parts) + "</svg>")


def _begin(title: str, described: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="chart-title chart-desc">'
        f'<title id="chart-title">{escape(title)}</title><desc id="chart-desc">{escape(described)}</desc>'
    )


def _rows(marks: Sequence[Decimal], scale: _Scale, unit: str) -> list[str]:
    parts = []
    for mark in marks:
        y = scale.y(mark)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="axis" x="{LEFT - 8}" y="{y + 4.5:.1f}" text-anchor="end">{number(mark)}</text>'
        )
    parts.append(f'<text class="axis" x="{LEFT - 8}" y="{TOP - 8}" text-anchor="end">{escape(unit)}</text>')
    return parts


def _months(scale: _Scale) -> list[str]:
    """The first of each month, and so many of their names as there is room for."""
    month = scale.first.replace(day=1)
    firsts = []
    while (month := (month + timedelta(days=32)).replace(day=1)) <= scale.last:
        firsts.append(month)
    every = -(-len(firsts) // 10) or 1
    return [
        f'<text class="axis" x="{scale.x(day):.1f}" y="{HEIGHT - 9}" text-anchor="middle">'
        f"{day:%b}{f' {day:%Y}' if day.month == 1 else ''}</text>"
        for day in firsts[::every]
        if LEFT + 12 < scale.x(day) < WIDTH - RIGHT - 12
    ]


def _steps(points: Sequence[Point], scale: _Scale) -> str:
    first = points[0]
    path = [f"M{scale.x(first.on):.1f} {scale.y(first.value):.1f}"]
    for before, point in pairwise(points):
        path.append(f"H{scale.x(point.on):.1f}")
        if point.value != before.value:
            path.append(f"V{scale.y(point.value):.1f}")
    return " ".join(path)
