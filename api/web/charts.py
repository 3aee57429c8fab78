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

WIDE, NARROW = (1000, 290), (360, 250)
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 34, 30
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
    second: Decimal = Decimal(0)  # stands on top of it

    @property
    def whole(self) -> Decimal:
        """Both parts."""
        return self.value + self.second


@dataclass(frozen=True)
class Meter:
    """A level against what is needed, as parts of a hundred."""

    has: str
    need: str | None
    short: bool


@dataclass(frozen=True)
class Picture:
    """The same chart twice, so that its letters can be read on a desk and on a phone; one is shown."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class _Scale:
    """From days and amounts to places in the picture."""

    first: date
    last: date
    top: Decimal
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def base(self) -> int:
        return self.height - BOTTOM

    def x(self, on: date) -> float:
        days = max((self.last - self.first).days, 1)
        return LEFT + (self.right - LEFT) * (on - self.first).days / days

    def y(self, value: Decimal) -> float:
        return TOP + (self.base - TOP) * (1 - float(value / self.top))


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


@dataclass(frozen=True)
class StockLine:
    """Stock over time as steps: what was, dashed what will be if nothing is used, arrivals and expiries."""

    title: str
    described: str
    unit: str
    points: Sequence[Point]
    today: date
    ahead: Sequence[Point] = ()
    arrivals: Sequence[Point] = ()
    expiries: Sequence[Flag] = ()
    need: Decimal | None = None

    def drawn(self) -> Picture:
        """The chart in both sizes."""
        return Picture(self._in(*WIDE), self._in(*NARROW))

    def _in(self, width: int, height: int) -> Markup:
        values = [point.value for point in (*self.points, *self.ahead)]
        marks = ticks(max([*values, self.need or Decimal(0)]))
        end = (self.ahead or self.points)[-1].on
        scale = _Scale(self.points[0].on, end, marks[-1], width, height)
        parts = [_begin(self.title, self.described, scale), *_rows(marks, scale, self.unit), *_months(scale)]
        past = _steps(self.points, scale)
        begins = scale.x(self.points[0].on)
        parts.append(f'<path class="area" d="{past} V{scale.base} H{begins:.1f} Z"/>')
        if self.need:
            y = scale.y(self.need)
            parts.append(f'<line class="need" x1="{LEFT}" x2="{scale.right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<path class="line" d="{past}"/>')
        if self.ahead:
            parts += _ahead(self.ahead, self.today, scale)
        for arrival in self.arrivals:
            place = f'cx="{scale.x(arrival.on):.1f}" cy="{scale.y(arrival.value):.1f}"'
            parts.append(f'<circle class="mark" {place} r="3.5"/>')
        parts += [_flag(flag, scale) for flag in self.expiries[:MOST_FLAGS]]
        return Markup("".join(parts) + "</svg>")  # numbers, and text that was escaped


@dataclass(frozen=True)
class Span:
    """What may be on a day: most likely, and within which band in eight of ten cases."""

    on: date
    low: Decimal
    middle: Decimal
    high: Decimal


@dataclass(frozen=True)
class Fan:
    """The days ahead: need with its band, and dashed the stock that is left; arrivals and expiries."""

    title: str
    described: str
    unit: str
    need: Sequence[Span]
    stock: Sequence[Point]
    arrivals: Sequence[Flag] = ()
    expiries: Sequence[Flag] = ()

    def drawn(self) -> Picture:
        """The chart in both sizes."""
        return Picture(self._in(*WIDE), self._in(*NARROW))

    def _in(self, width: int, height: int) -> Markup:
        highest = max([*(one.high for one in self.need), *(one.value for one in self.stock)])
        marks = ticks(highest)
        scale = _Scale(self.need[0].on, self.need[-1].on, marks[-1], width, height)
        parts = [_begin(self.title, self.described, scale), *_rows(marks, scale, self.unit), *_months(scale)]
        up = " ".join(f"{scale.x(one.on):.1f} {scale.y(one.high):.1f}" for one in self.need)
        back = " ".join(f"{scale.x(one.on):.1f} {scale.y(one.low):.1f}" for one in reversed(self.need))
        parts.append(f'<polygon class="area" points="{up} {back}"/>')
        middle = _steps([Point(one.on, one.middle) for one in self.need], scale)
        parts.append(f'<path class="line" d="{middle}"/>')
        parts.append(f'<path class="left" d="{_steps(self.stock, scale)}"/>')
        parts += [_arrives(flag, scale) for flag in self.arrivals[:MOST_FLAGS]]
        parts += [_flag(flag, scale) for flag in self.expiries[:MOST_FLAGS]]
        return Markup("".join(parts) + "</svg>")  # numbers, and text that was escaped


@dataclass(frozen=True)
class Bars:
    """Amounts side by side, such as use by week. `name` tells the charts of a page apart."""

    title: str
    described: str
    unit: str
    bars: Sequence[Bar]
    name: str = "chart"

    def drawn(self) -> Picture:
        """The chart in both sizes."""
        return Picture(self._in(*WIDE), self._in(*NARROW))

    def _in(self, width: int, height: int) -> Markup:
        marks = ticks(max((bar.whole for bar in self.bars), default=Decimal(0)))
        scale = _Scale(date.min, date.max, marks[-1], width, height)
        parts = [_begin(self.title, self.described, scale, self.name), *_rows(marks, scale, self.unit)]
        room = (scale.right - LEFT) / max(len(self.bars), 1)
        every = max(1, -(-64 // int(room or 1)))  # a label of each needs about 64
        for index, bar in enumerate(self.bars):
            x = LEFT + room * index
            parts += _bar(bar, x + room * 0.2, room * 0.6, scale)
            if index % every == 0:
                parts.append(_below(x + room / 2, bar.label, scale))
        return Markup("".join(parts) + "</svg>")


def _bar(bar: Bar, x: float, width: float, scale: _Scale) -> list[str]:
    """One bar, its second part on top of the first."""
    y, top = scale.y(bar.value), scale.y(bar.whole)
    place = f'x="{x:.1f}" width="{width:.1f}"'
    parts = [f"<g><title>{escape(f'{bar.label}: {bar.said}')}</title>"]
    parts.append(f'<rect class="bar" {place} y="{y:.1f}" height="{max(scale.base - y, 0):.1f}"/>')
    if bar.second > 0:
        parts.append(f'<rect class="bar second" {place} y="{top:.1f}" height="{y - top:.1f}"/>')
    return [*parts, "</g>"]


def _ahead(points: Sequence[Point], today: date, scale: _Scale) -> list[str]:
    x = scale.x(today)
    return [
        f'<path class="ahead" d="{_steps(points, scale)}"/>',
        f'<line class="now" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{scale.base}"/>',
        f'<text class="axis" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">today</text>',
    ]


def _flag(flag: Flag, scale: _Scale) -> str:
    x = scale.x(flag.on)
    return (
        f"<g><title>{escape(flag.words)}</title>"
        f'<line class="expiry" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{scale.base}"/>'
        f'<path class="expiry-flag" d="M{x:.1f} {TOP - 6} l8 4.5 l-8 4.5 z"/></g>'
    )


def _arrives(flag: Flag, scale: _Scale) -> str:
    place = f'cx="{scale.x(flag.on):.1f}" cy="{scale.base}"'
    return f'<g><title>{escape(flag.words)}</title><circle class="mark" {place} r="4"/></g>'


def _below(x: float, words: str, scale: _Scale) -> str:
    place = f'x="{x:.1f}" y="{scale.height - 9}" text-anchor="middle"'
    return f'<text class="axis" {place}>{escape(words)}</text>'


def _begin(title: str, described: str, scale: _Scale, name: str = "chart") -> str:
    size = "wide" if scale.width == WIDE[0] else "narrow"
    key = f"{name}-{size}"
    return (
        f'<svg class="{size}" viewBox="0 0 {scale.width} {scale.height}" role="img" '
        f'aria-labelledby="{key} {key}-said">'
        f'<title id="{key}">{escape(title)}</title>'
        f'<desc id="{key}-said">{escape(described)}</desc>'
    )


def _rows(marks: Sequence[Decimal], scale: _Scale, unit: str) -> list[str]:
    parts = []
    for mark in marks:
        y = scale.y(mark)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{scale.right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="axis" x="{LEFT - 8}" y="{y + 4.5:.1f}" text-anchor="end">'
            f"{_round(mark, marks[-1])}</text>"
        )
    parts.append(f'<text class="axis" x="{LEFT - 8}" y="{TOP - 14}" text-anchor="end">{escape(unit)}</text>')
    return parts


def _round(mark: Decimal, highest: Decimal) -> str:
    """The number of a line: thousands as `7.5k` from five digits on: there is little room."""
    return f"{number(mark / 1000)}k" if mark and highest >= 10_000 and not mark % 100 else number(mark)


def _months(scale: _Scale) -> list[str]:
    """The first of each month, and so many of their names as there is room for."""
    month = scale.first.replace(day=1)
    firsts = []
    while (month := (month + timedelta(days=32)).replace(day=1)) <= scale.last:
        firsts.append(month)
    every = max(1, -(-len(firsts) * 56 // (scale.right - LEFT)))
    return [
        _below(scale.x(day), f"{day:%b}{f' {day:%Y}' if day.month == 1 and every == 1 else ''}", scale)
        for day in firsts[::every]
        if LEFT + 12 < scale.x(day) < scale.right - 12
    ]


def _steps(points: Sequence[Point], scale: _Scale) -> str:
    first = points[0]
    path = [f"M{scale.x(first.on):.1f} {scale.y(first.value):.1f}"]
    for before, point in pairwise(points):
        path.append(f"H{scale.x(point.on):.1f}")
        if point.value != before.value:
            path.append(f"V{scale.y(point.value):.1f}")
    return " ".join(path)
