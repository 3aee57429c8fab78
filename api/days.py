"""Days: what people type for a date becomes one day, or a sentence that says why it can be none or two.

By itself a cell that can be read in two ways is refused. Among the other cells of its column, and by the
country of its site, it may be plain enough to be read with a doubt, which is said.
"""

import calendar
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from unicodedata import normalize

from api.cells import BadCell, Doubt, clean
from api.tables import Cell

YEARS = range(1990, 2100)
FIRST_DAY = date(1899, 12, 30)  # day 0 of a spreadsheet's calendar
SERIALS = range(32_874, 73_051)  # the years above as a spreadsheet numbers its days
MONTH_FIRST = frozenset({"US", "PH", "PW", "FM", "MH"})
"""Countries that write the month before the day."""

_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]00:00(?::00)?(?:\.0+)?)?", re.ASCII)
_ISO_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})", re.ASCII)
_MONTH = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_SHORT_MONTH = re.compile(r"(\d{1,2})[-/.](\d{2})", re.ASCII)
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})", re.ASCII)
_NAMED_MONTH = re.compile(r"([a-z]{3,10})\.?[-/ ,]*(\d{4}|\d{2})", re.ASCII)
_DAY_NAMED_MONTH = re.compile(r"(\d{1,2})\.?[-/ ]*([a-z]{3,10})\.?[-/ ,]*(\d{4}|\d{2})", re.ASCII)
_NAMED_MONTH_DAY = re.compile(r"([a-z]{3,10})\.?[-/ ]+(\d{1,2})(?:,\s*|\s+)(\d{4})", re.ASCII)
_PACKED = re.compile(r"\d{8}", re.ASCII)
_SERIAL = re.compile(r"\d{5}(\.0)?", re.ASCII)
_SHORT_YEAR = re.compile(r"[\dA-Za-z]{1,9}[-/. ]+[\dA-Za-z]{1,9}([-/. ]+\d{2})?", re.ASCII)

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier janv enero ene",
            "february feb februar fevrier fevr fev febrero",
            "march mar marz maerz mrz mars marzo",
            "april apr avril avr abril abr",
            "may mai mayo",
            "june jun juni juin junio",
            "july jul juli juillet juil julio",
            "august aug aout agosto ago",
            "september sep sept septembre septiembre setiembre",
            "october oct oktober okt octobre octubre",
            "november nov novembre noviembre",
            "december dec dezember dez decembre diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}
"""The months in English, German, French and Spanish, without accents."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which of two numbers is the day, and how that is known: for the sentence that says so."""

    day_first: bool
    known_by: str


def order_of(cells: Iterable[Cell], *, country: str) -> Order | None:
    """How a column writes its dates: as its plain rows do, else as its country does; none if both ways."""
    seen = set()
    for cell in cells:
        if isinstance(cell, str) and (found := _NUMERIC.fullmatch(cell.strip())):
            first, second = int(found[1]), int(found[3])
            if (first > 12) != (second > 12):
                seen.add(first > 12)
    if len(seen) == 2:
        return None
    if seen:
        return Order(seen.pop(), "as other rows of the column are written")
    return Order(country not in MONTH_FIRST, f"as dates are written in {country}")


def day(*, month_alone: bool = False, order: Order | None = None) -> Callable[[Cell], date | Doubt]:
    """A reader of dates; with `month_alone`, a month and year mean the last day of that month (S9).

    With an `order`, what can be two days, a year of two digits and a spreadsheet's bare number of a day are
    read and doubted; without one they are refused.
    """

    def read(cell: Cell) -> date | Doubt:
        doubts: list[str] = []
        if isinstance(cell, datetime):
            found: date | None = cell.date()
        elif isinstance(cell, date):
            found = cell
        elif isinstance(cell, str) and not (order and _PACKED.fullmatch(cell.strip())):
            found = _written(clean(cell), month_alone=month_alone, order=order, doubts=doubts)
        elif order and isinstance(cell, float | int | str) and not isinstance(cell, bool):
            found = _numbered(float(cell), doubts)
        else:
            raise BadCell(f"{cell} is a number: format the cell as a date, or write 2027-06-30.")
        if found is None:
            raise BadCell(f"{str(cell).strip()[:40]!r} is not a date: write dates like 2027-06-30.")
        if found.year not in YEARS:
            raise BadCell(f"{found} is outside the years {YEARS[0]} to {YEARS[-1]}.")
        return Doubt(found, doubts[0]) if doubts else found

    return read


def _numbered(number: float, doubts: list[str]) -> date | None:
    """A day as a bare number: 20270630, or how many days after 1899 it is."""
    if not abs(number) < 1e9 or number != int(number):
        return None
    whole = int(number)
    if whole in SERIALS:
        found = FIRST_DAY + timedelta(whole)
        doubts.append(f"{whole} is read as {found}, the day that a spreadsheet keeps under this number.")
        return found
    return _date(whole // 10_000, whole // 100 % 100, whole % 100) if whole >= 10_000_000 else None


def _written(words: str, *, month_alone: bool, order: Order | None, doubts: list[str]) -> date | None:
    plain = normalize("NFKD", words.casefold()).encode("ascii", "ignore").decode()
    if not words.isascii() and any(letter.isdecimal() for letter in words if not letter.isascii()):
        return None
    plain = plain.replace(" de ", " ")
    if found := _ISO.fullmatch(words):
        return _date(int(found[1]), int(found[3]), int(found[4]))
    if order and _SERIAL.fullmatch(words):
        return _numbered(float(words), doubts)
    if (found := _NUMERIC.fullmatch(words)) and (order or len(found[4]) == 4):
        return _numeric(words, found, order, doubts)
    if (found := _DAY_NAMED_MONTH.fullmatch(plain)) and found[2] in MONTHS and (order or len(found[3]) == 4):
        return _full(words, _date(_year(found[3]), MONTHS[found[2]], int(found[1])), found[3], doubts)
    if (found := _NAMED_MONTH_DAY.fullmatch(plain)) and found[1] in MONTHS:
        return _date(int(found[3]), MONTHS[found[1]], int(found[2]))
    month: tuple[int, int] | None = None
    if found := _ISO_MONTH.fullmatch(words):
        month = int(found[1]), int(found[2])
    elif (found := _MONTH.fullmatch(words)) or (order and (found := _SHORT_MONTH.fullmatch(words))):
        month = _year(found[2]), int(found[1])
    elif (found := _NAMED_MONTH.fullmatch(plain)) and (order or len(found[2]) == 4):
        month = _year(found[2]), MONTHS.get(found[1], 0)
    if month is not None and found is not None:
        if not month_alone:
            raise BadCell(f"{words!r} names no day: write dates like 2027-06-30.")
        year, number = month
        last = _date(year, number, calendar.monthrange(year, number)[1]) if 1 <= number <= 12 else None
        return _full(words, last, found[found.re.groups], doubts)
    if _SHORT_YEAR.fullmatch(words):
        raise BadCell(f"{words!r} does not write the year in full: write dates like 2027-06-30.")
    return None


def _full(words: str, found: date | None, year: str, doubts: list[str]) -> date | None:
    """The day; where the year had two digits, with a doubt."""
    if found is not None and len(year) == 2 and len(words) < 20 and not _ISO_MONTH.fullmatch(words):
        doubts.append(f"{words} is read as {found}: write the year in full to be sure.")
    return found


def _numeric(words: str, found: re.Match[str], order: Order | None, doubts: list[str]) -> date | None:
    first, second, year = int(found[1]), int(found[3]), _year(found[4])
    day_first, month_first = _date(year, second, first), _date(year, first, second)
    if not (day_first and month_first) or day_first == month_first:
        return _full(words, day_first or month_first, found[4], doubts)
    if order is None:
        raise BadCell(
            f"{words} can be {day_first.day} {day_first:%B} or {month_first.day} {month_first:%B}: "
            f"write it as {day_first} or {month_first}."
        )
    taken = day_first if order.day_first else month_first
    if found[2] != "." or not order.day_first or len(found[4]) == 2:  # points mean day, month, year
        spoken = f"{taken.day} {taken:%B} {taken.year}"
        doubts.append(f"{words} is read as {spoken}, {order.known_by}: write {taken} to be sure.")
    return taken


def _year(digits: str) -> int:
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None
