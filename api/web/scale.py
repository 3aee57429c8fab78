"""The price band as a scale: where a session's price stands between the market's low and high end.

A picture with its sentence; the numbers that are written are the exact ones, geometry is in floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

from api.web.formats import money

WIDTH, HEIGHT, RAIL, THICK = 360, 66, 34, 10
LETTER = 7.6  # about as wide as a figure is drawn


@dataclass(frozen=True)
class Mark:
    """An amount to be marked on the scale: `price`, or `least`, below which the clinic earns too little."""

    kind: str
    amount: Decimal


def band(low: Decimal, high: Decimal, price: Mark, others: Sequence[Mark], *, currency: str) -> Markup:
    """The band from low to high as a bar, the price on it, and other marks below."""
    amounts = [low, high, price.amount, *(mark.amount for mark in others)]
    span = (max(amounts) - min(amounts)) or Decimal(1)
    first, last = min(amounts) - span / 12, max(amounts) + span / 12

    def x(amount: Decimal) -> float:
        return 6 + float((amount - first) / (last - first)) * (WIDTH - 12)

    sentence = (
        f"A session at {money(price.amount, currency)}, "
        f"in a band of {money(low, currency)} to {money(high, currency)}"
    )
    parts = [
        f'<rect class="rail" x="0" y="{RAIL}" width="{WIDTH}" height="{THICK}" rx="5"/>',
        f'<rect class="band" x="{x(low):.1f}" y="{RAIL}" width="{max(2.0, x(high) - x(low)):.1f}" '
        f'height="{THICK}" rx="3"/>',
        *_ends(x(low), x(high), money(low, currency), money(high, currency)),
    ]
    parts += [
        f'<path class="{mark.kind}" d="M{x(mark.amount):.1f} {RAIL - 4} v{THICK + 8}"/>' for mark in others
    ]
    at = x(price.amount)
    parts.append(f'<circle class="price" cx="{at:.1f}" cy="{RAIL + THICK / 2}" r="8"/>')
    words = money(price.amount, currency)
    half = len(words) * LETTER * 0.62
    parts.append(
        f'<text class="at" x="{min(max(at, half), WIDTH - half):.1f}" y="17" '
        f'text-anchor="middle">{escape(words)}</text>'
    )
    return Markup(
        f'<svg class="scale" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(sentence)}">'
        f"{''.join(parts)}</svg>"
    )


def _ends(low: float, high: float, low_words: str, high_words: str) -> list[str]:
    """The numbers below the ends of the band, inside the picture and clear of each other."""
    middle = (low + high) / 2
    wide = len(low_words) * LETTER
    right = max(wide, min(low + wide, middle - 6))
    left = max(min(high - len(high_words) * LETTER, WIDTH - len(high_words) * LETTER), middle + 6, right + 12)
    y = HEIGHT - 4
    return [
        f'<text class="bound" x="{right:.1f}" y="{y}" text-anchor="end">{escape(low_words)}</text>',
        f'<text class="bound" x="{left:.1f}" y="{y}" text-anchor="start">{escape(high_words)}</text>',
    ]
