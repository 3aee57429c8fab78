"""Cells: what a person typed becomes an exact number, a date or a word, or a sentence that says why not.

Nothing is guessed: a date that can be read in two ways, or a number whose comma can, is refused.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from api.tables import Cell
from inventory import gs1
from inventory.errors import Invalid
from inventory.measures import places as places_of

LONGEST = 500
LARGEST = Decimal("999999999")
YEARS = range(1990, 2100)

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_COMMA_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+\.\d+|-?[1-9]\d{0,2}(,\d{3}){2,}", re.ASCII)
_DOT_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+,\d+|-?[1-9]\d{0,2}(\.\d{3}){2,}", re.ASCII)
_SPACED_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}([ \u00a0\u202f]\d{3})+([.,]\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?(0,\d+|\d+,(\d{1,2}|\d{4,}))", re.ASCII)
_TWO_READINGS = re.compile(r"-?[1-9]\d{0,2},\d{3}", re.ASCII)

_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]00:00(?::00)?(?:\.0+)?)?", re.ASCII)
_ISO_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})", re.ASCII)
_MONTH = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})", re.ASCII)
_NAMED_MONTH = re.compile(r"([A-Za-z]{3,9})\.?[-/ ,]+(\d{4})", re.ASCII)
_DAY_NAMED_MONTH = re.compile(r"(\d{1,2})\.?[-/ ]*([A-Za-z]{3,9})\.?[-/ ,]+(\d{4})", re.ASCII)
_NAMED_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.?[-/ ]+(\d{1,2})(?:,\s*|\s+)(\d{4})", re.ASCII)
_SHORT_YEAR = re.compile(r"[\dA-Za-z]{1,9}[-/. ]+[\dA-Za-z]{1,9}([-/. ]+\d{2})?", re.ASCII)


class BadCell(Invalid):
    """What stands in the cell cannot be what its column asks for."""


def text(longest: int = LONGEST) -> Callable[[Cell], str]:
    """A reader of text of a bounded length, without control characters."""

    def read(cell: Cell) -> str:
        if isinstance(cell, bool | date):
            raise BadCell(f"{cell} is not text: the spreadsheet has changed it. Format the column as text.")
        words = _digits(cell) if isinstance(cell, float) else str(cell).strip()
        if len(words) > longest:
            raise BadCell(f"{words[:40]!r}… has {len(words)} characters; at most {longest} fit.")
        if not words.isprintable():
            raise BadCell(f"{words[:40]!r} has a character that cannot be printed.")
        return words

    return read


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
            raise BadCell(f"{cell} must be from {least} to {most}.")
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


def day(*, month_alone: bool = False) -> Callable[[Cell], date]:
    """A reader of dates; with `month_alone`, a month and year mean the last day of that month (S9)."""

    def read(cell: Cell) -> date:
        if isinstance(cell, datetime):
            found: date | None = cell.date()
        elif isinstance(cell, date):
            found = cell
        elif isinstance(cell, str):
            found = _written_day(cell.strip(), month_alone=month_alone)
        else:
            raise BadCell(f"{cell} is a number: format the cell as a date, or write 2027-06-30.")
        if found is None:
            raise BadCell(f"{str(cell).strip()[:40]!r} is not a date: write dates like 2027-06-30.")
        if found.year not in YEARS:
            raise BadCell(f"{found} is outside the years {YEARS[0]} to {YEARS[-1]}.")
        return found

    return read


def _written_day(words: str, *, month_alone: bool) -> date | None:
    if found := _ISO.fullmatch(words):
        return _date(int(found[1]), int(found[3]), int(found[4]))
    if found := _NUMERIC.fullmatch(words):
        return _numeric_day(words, int(found[1]), int(found[3]), int(found[4]))
    if found := _DAY_NAMED_MONTH.fullmatch(words):
        return _date(int(found[3]), _month(found[2]), int(found[1]))
    if found := _NAMED_MONTH_DAY.fullmatch(words):
        return _date(int(found[3]), _month(found[1]), int(found[2]))
    month: tuple[int, int] | None = None
    if found := _ISO_MONTH.fullmatch(words):
        month = int(found[1]), int(found[2])
    elif found := _MONTH.fullmatch(words):
        month = int(found[2]), int(found[1])
    elif found := _NAMED_MONTH.fullmatch(words):
        month = int(found[2]), _month(found[1])
    if month is not None:
        if not month_alone:
            raise BadCell(f"{words!r} names no day: write dates like 2027-06-30.")
        year, number = month
        return _date(year, number, calendar.monthrange(year, number)[1]) if 1 <= number <= 12 else None
    if _SHORT_YEAR.fullmatch(words):
        raise BadCell(f"{words!r} does not write the year in full: write dates like 2027-06-30.")
    return None


def _numeric_day(words: str, first: int, second: int, year: int) -> date | None:
    day_first, month_first = _date(year, second, first), _date(year, first, second)
    if day_first and month_first and day_first != month_first:
        raise BadCell(
            f"{words} can be {day_first.day} {day_first:%B} or {month_first.day} {month_first:%B}: "
            f"write it as {day_first} or {month_first}."
        )
    return day_first or month_first


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _month(name: str) -> int:
    """The number of an English month by its name or its first three letters; 0 if there is none."""
    names = [word.lower() for word in calendar.month_name]
    shorts = [word.lower() for word in calendar.month_abbr]
    word = name.lower()
    if word in names:
        return names.index(word)
    return shorts.index(word) if word in shorts else 9 if word == "sept" else 0


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
        **dict.fromkeys(("yes", "y", "true", "1", "1.0", "x"), True),
        **dict.fromkeys(("no", "n", "false", "0", "0.0"), False),
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
