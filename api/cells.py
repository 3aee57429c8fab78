"""Cells: what a person typed becomes an exact number, a date or a word, or a sentence that says why not.

Nothing is guessed: a date that can be read in two ways, or a number whose comma can, is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from api.tables import Cell
from inventory import gs1
from inventory.errors import Invalid
from inventory.measures import places as places_of

LONGEST = 500
LARGEST = Decimal("999999999")

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_COMMA_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+\.\d+|-?[1-9]\d{0,2}(,\d{3}){2,}", re.ASCII)
_DOT_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+,\d+|-?[1-9]\d{0,2}(\.\d{3}){2,}", re.ASCII)
_SPACED_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}([ \u00a0\u202f]\d{3})+([.,]\d+)?", re.ASCII)
_SWISS_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(['\u2019]\d{3})+(\.\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?(0,\d+|\d+,(\d{1,2}|\d{4,}))", re.ASCII)
_TWO_READINGS = re.compile(r"-?[1-9]\d{0,2},\d{3}", re.ASCII)


class BadCell(Invalid):
    """What stands in the cell cannot be what its column asks for."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a cell was read as, and why its author should look at it again."""

    value: Any
    words: str


def text(longest: int = LONGEST) -> Callable[[Cell], str]:
    """A reader of text of a bounded length, without control characters; odd spaces become plain ones."""

    def read(cell: Cell) -> str:
        if isinstance(cell, bool | date):
            raise BadCell(f"{cell} is not text: the spreadsheet has changed it. Format the column as text.")
        words = _digits(cell) if isinstance(cell, float) else clean(str(cell))
        if len(words) > longest:
            raise BadCell(f"{words[:40]!r}… has {len(words)} characters; at most {longest} fit.")
        if not words.isprintable():
            raise BadCell(f"{words[:40]!r} has a character that cannot be printed.")
        return words

    return read


def clean(words: str) -> str:
    """The words without the spaces that nobody sees, at their ends and in place of plain ones."""
    if words.isascii():
        return words.strip()
    return re.sub(
        r"[\u200b\u200c\u200d\u2060\ufeff]", "", re.sub(r"[\u00a0\u2007\u202f]", " ", words)
    ).strip()


SIGNS = {
    "€": {"EUR"}, "£": {"GBP"}, "CHF": {"CHF"}, "EUR": {"EUR"}, "USD": {"USD"}, "GBP": {"GBP"},
    "US$": {"USD"}, "$": {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"},
}  # fmt: skip
"""What people write beside a price, and the currencies that it can mean."""


def without_currency(cell: Cell, currency: str) -> Cell:
    """The cell without the sign of the clinic's own currency; another currency's is refused."""
    if not isinstance(cell, str):
        return cell
    words = clean(cell)
    for sign in sorted(SIGNS, key=len, reverse=True):
        if words.upper().startswith(sign) or words.upper().endswith(sign):
            if currency not in SIGNS[sign]:
                raise BadCell(f"{words[:30]!r} is not in {currency}, in which the clinic keeps its books.")
            return (words[len(sign) :] if words.upper().startswith(sign) else words[: -len(sign)]).strip()
    return words


def _digits(cell: float) -> str:
    """A code that the spreadsheet keeps as a number, such as a lot of digits only."""
    if not abs(cell) < 1e15:  # NaN is not smaller either
        raise BadCell("It has more digits than a spreadsheet keeps of a number. Format the column as text.")
    return str(int(cell)) if cell == int(cell) else repr(cell)


def number(*, decimals: int, most: Decimal = LARGEST, above_zero: bool = False) -> Callable[[Cell], Decimal]:
    """A reader of exact numbers with at most so many decimals, from zero up to a bound."""

    def read(cell: Cell) -> Decimal:
        value = _exact(cell)
        if value < 0 or (above_zero and not value):
            raise BadCell(f"{cell} must be {'more than zero' if above_zero else 'zero or more'}.")
        if value > most:
            raise BadCell(f"{cell} is more than {most:f}.")
        if places_of(value) > decimals:
            raise BadCell(f"{cell} has more than {decimals} decimals; round it in the file.")
        return value

    return read


def whole(*, least: int = 0, most: int = 1_000_000) -> Callable[[Cell], int]:
    """A reader of whole numbers within bounds."""

    def read(cell: Cell) -> int:
        value = _exact(cell)
        if value != value.to_integral_value():
            raise BadCell(f"{cell} must be a whole number.")
        if not least <= value <= most:
            raise BadCell(f"{int(value)} must be from {least} to {most}.")
        return int(value)

    return read


def _exact(cell: Cell) -> Decimal:
    if isinstance(cell, float):
        value = Decimal(repr(cell))
        if not value.is_finite() or abs(value) > 10**15:
            raise BadCell(f"{cell} is not a number that can be recorded.")
        return value
    if not isinstance(cell, str):
        raise BadCell(f"{cell} is not a number.")
    words = cell.strip()
    if len(words) > 30:
        raise BadCell(f"{words[:30]!r}… is too long for a number.")
    if _TWO_READINGS.fullmatch(words):
        raise BadCell(
            f"{words} can mean {words.replace(',', '')} or {words.replace(',', '.')}: "
            "write it without a comma."
        )
    if _COMMA_THOUSANDS.fullmatch(words):
        words = words.replace(",", "")
    elif _DOT_THOUSANDS.fullmatch(words):
        words = words.replace(".", "").replace(",", ".")
    elif _SPACED_THOUSANDS.fullmatch(words):
        words = re.sub(r"\s", "", words).replace(",", ".")
    elif _SWISS_THOUSANDS.fullmatch(words):
        words = re.sub(r"['\u2019]", "", words)
    elif _DECIMAL_COMMA.fullmatch(words):
        words = words.replace(",", ".")
    if not _NUMBER.fullmatch(words):
        raise BadCell(f"{words!r} is not a number: write digits and one decimal point, no currency sign.")
    return Decimal(words)


def writes_decimal_commas(cell: Cell) -> bool:
    """Whether the cell shows that its author writes 12,50 for twelve and a half."""
    return isinstance(cell, str) and bool(_DECIMAL_COMMA.fullmatch(cell.strip()))


def may_be_thousands(cell: Cell) -> bool:
    """Whether the dot in the cell would be a thousands mark to an author of decimal commas."""
    return isinstance(cell, str) and bool(re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", cell.strip(), re.ASCII))


def word(choices: Mapping[str, object], wanted: str) -> Callable[[Cell], object]:
    """A reader of one of some words, whatever their case, spaces and hyphens; `wanted` lists them."""

    def read(cell: Cell) -> object:
        plain = re.sub(r"[\s_-]+", " ", str(cell).strip()).casefold()
        if plain not in choices:
            raise BadCell(f"{str(cell).strip()[:40]!r} is none of {wanted}.")
        return choices[plain]

    return read


YES_OR_NO = word(
    {
        **dict.fromkeys(("yes", "y", "true", "1", "1.0", "x", "ja", "oui", "sí", "si"), True),
        **dict.fromkeys(("no", "n", "false", "0", "0.0", "nein", "non"), False),
    },
    "yes, no",
)


def gtin(cell: Cell) -> str:
    """A reader of product numbers: EAN, UPC or GTIN, as 14 digits. A spreadsheet drops leading zeros."""
    digits = re.sub(r"[\s-]", "", text()(cell))
    if not gs1.is_number(digits) or not 8 <= len(digits) <= 14:
        raise BadCell(f"{digits[:40]!r} is not a product number (GTIN) of 8 to 14 digits.")
    if not gs1.check_digit_fits(digits):
        raise BadCell(f"{digits} is not a product number (GTIN): its last digit does not fit.")
    return digits.zfill(14)
