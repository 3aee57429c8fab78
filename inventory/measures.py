"""Measures: units, exact quantities and money, and the only places where a number is rounded."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum

from inventory.errors import Invalid

CENT = Decimal("0.01")
ZERO = Decimal(0)
QUANTITY_PLACES = 4
LARGEST_QUANTITY = Decimal("999999999.9999")
LARGEST_MONEY = Decimal("9999999999.99")


class Unit(StrEnum):
    """The content unit in which an item is counted (S1)."""

    ML = "mL"
    G = "g"
    IU = "IU"
    EACH = "each"


class NotAQuantity(Invalid):
    """The number cannot be a quantity of stock."""


def quantity(number: Decimal | int | str) -> Decimal:
    """The number as an exact quantity; refuses more than four decimals, NaN and the absurdly large."""
    value = Decimal(number)
    if not value.is_finite():
        raise NotAQuantity(f"{number} is not a quantity.")
    if abs(value) > LARGEST_QUANTITY:
        raise NotAQuantity(f"{number} is more than {LARGEST_QUANTITY}.")
    if places(value) > QUANTITY_PLACES:
        raise NotAQuantity(f"{number} has more than {QUANTITY_PLACES} decimals.")
    return value


def places(number: Decimal) -> int:
    """How many decimals the number needs: 2.50 needs one."""
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int), number
    return max(0, -exponent)


def plain(number: Decimal) -> str:
    """The number as a person writes it: `10`, `2.5`, never `1E+1`."""
    if not number:
        return "0"
    return format(number.normalize(), "f")


def counted(number: int, what: str) -> str:
    """So many of something, in a sentence."""
    return f"{number} {what if number == 1 else what + 's'}"


def spoken(unit: str) -> str:
    """A unit as it stands behind a number in a sentence."""
    return "pieces" if unit == Unit.EACH else unit


def fit(amount: Decimal, size: Decimal) -> Decimal:
    """The smallest whole number of `size` that covers `amount`; Decimal's own `//` rounds towards zero."""
    return (amount / size).to_integral_value(ROUND_CEILING)


def to_cents(amount: Decimal) -> Decimal:
    """Round half to even: for values that leave stock (C2)."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def to_cents_half_up(amount: Decimal) -> Decimal:
    """Round half up: for tax and percentages on a printed line (P3). 28.575 becomes 28.58."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def value_of_part(value_left: Decimal, part: Decimal, quantity_left: Decimal) -> Decimal:
    """What `part` of a layer takes with it (C2): all that is left when it empties the layer.

    Three units for 100.00 leave as 33.33, 33.34, 33.33; no cent is made or lost.
    """
    assert ZERO < part <= quantity_left, (part, quantity_left)
    if part == quantity_left:
        return value_left
    return to_cents(value_left * part / quantity_left)


def share_out(total: Decimal, parts: int) -> tuple[Decimal, ...]:
    """Whole cents that differ by at most one, the larger first, and add up exactly (P2)."""
    assert parts > 0, parts
    cents = int(total / CENT)
    each, rest = divmod(cents, parts)
    return tuple((each + (1 if number < rest else 0)) * CENT for number in range(parts))


def share_by_weight(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Share whole cents in proportion to weights by largest remainder; equal remainders go first come.

    Shares add up to `total` exactly. Refuses nothing: all-zero weights put the total on the first part.
    """
    assert weights, "no parts"
    whole = sum(weights, ZERO)
    if not whole:
        return (total, *([ZERO] * (len(weights) - 1)))
    cents = int(total / CENT)
    exact = [cents * weight / whole for weight in weights]
    floors = [int(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda n: (floors[n] - exact[n], n))
    for n in order[: cents - sum(floors)]:
        floors[n] += 1
    return tuple(part * CENT for part in floors)
