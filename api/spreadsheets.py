"""Spreadsheets that we write: rows that stream to disk, where text stays text and sums are formulas.

Cells are written as the file format has them. A number is written with all its decimals (12.50 is `12.50`
in the file; a spreadsheet then reckons in binary with 15 digits, which is exact enough for cents below ten
billion). A formula is written with its answer, so that a preview which does not reckon shows it all the same.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache, partial
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape

MOST_ROWS = 1_048_576  # of one sheet, in every spreadsheet program
MOST_CHARACTERS = 32_767  # of one cell
IN_MEMORY = 1_000_000  # bytes of a sheet, before it goes to disk
AT_ONCE = 200  # rows that are written in one go
REMEMBERED = 4_096  # texts of a column whose cells are kept ready
WIDEST, NARROWEST = 60, 9
FIRST_DAY = date(1899, 12, 30)  # day 0 of a spreadsheet's calendar
FIRST_SAFE_DAY = date(1900, 3, 1)  # before it, spreadsheets believe in a 29 February 1900

FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPE_LOOKALIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
PLAIN = re.compile("[A-Za-z0-9](?:[A-Za-z0-9 .,:;#/()-]{0,200}[A-Za-z0-9.,:;#/()-])?")
"""Text that stands in a file as it is: no sign that means something, no space at an end."""
LIVE = re.compile("[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How a text begins that a spreadsheet, or the csv saved from it, would take for a formula."""


class Look(StrEnum):
    """What a cell holds, and so how it is shown."""

    TEXT = "text"
    QUOTED = "quoted"  # text that would be live elsewhere: marked as text for good
    DATE = "date"
    INSTANT = "instant"
    MONEY = "money"
    BALANCE = "balance"  # money that says 0.00 where it is nothing
    AMOUNT = "amount"  # money whose currency stands beside it
    UNIT_COST = "unit_cost"
    QUANTITY = "quantity"
    WHOLE = "whole"
    KEY = "key"  # a number that counts nothing


class Role(StrEnum):
    """What a row is in its table."""

    BODY = "body"
    HEADER = "header"
    TOTAL = "total"
    TITLE = "title"
    NOTE = "note"


OVERHANGING = frozenset({Role.TITLE, Role.NOTE})  # they run over the empty cells beside them
NUMBERS = frozenset(Look) - {Look.TEXT, Look.QUOTED, Look.DATE, Look.INSTANT}
SIGNED = frozenset({Look.MONEY, Look.BALANCE, Look.UNIT_COST})  # these show the currency
DECIMALS = {Look.UNIT_COST: 6, Look.QUANTITY: 4, Look.WHOLE: 0, Look.KEY: 0}  # the rest shows cents


@dataclass(frozen=True, slots=True)
class Formula:
    """A live formula, without its equals sign, and the answer that it must give."""

    text: str
    answer: Decimal | int | str | date


Value = str | int | Decimal | date | datetime | Formula | None
Styles = Mapping[tuple[Look, Role], int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, how it is shown, and what its row is."""

    value: Value
    look: Look = Look.TEXT
    role: Role = Role.BODY


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one column of a sheet, labelled by another, standing beside its rows."""

    title: str
    labels: str  # letters of the columns
    values: str
    first: int
    last: int
    at: str
    lying: bool = False  # bars that lie have room for long labels


@dataclass
class Sheet:
    """One sheet: its rows as the file has them, spooled to disk when they are many."""

    title: str
    styles: Styles
    frozen: str = "A2"  # the first cell that scrolls
    widest: int = WIDEST
    filter_to: str = ""  # what the filter arrows span
    alarms: list[str] = field(default_factory=list)  # ranges that turn red when they are not zero
    charts: list[Chart] = field(default_factory=list)
    rows: int = 0
    widths: list[int] = field(default_factory=list)
    spool: IO[bytes] = field(repr=False, default_factory=partial(SpooledTemporaryFile, IN_MEMORY))
    waiting: list[str] = field(repr=False, default_factory=list)

    def append(self, cells: Sequence[Cell | None]) -> int:
        """Add a row and answer its number; None leaves a cell empty."""
        self.rows += 1
        self.widths += [NARROWEST] * (len(cells) - len(self.widths))
        parts = [f'<row r="{self.rows}">']
        for place, cell in enumerate(cells):
            if cell is not None:
                parts.append(rendered(f"{letters(place)}{self.rows}", cell, self.styles))
                if cell.role not in OVERHANGING:
                    self.widths[place] = max(self.widths[place], min(_width(cell), self.widest))
        parts.append("</row>")
        self.add("".join(parts))
        return self.rows

    def add(self, row: str) -> None:
        """A row as the file has it."""
        self.waiting.append(row)
        if len(self.waiting) == AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self.spool.write("".join(self.waiting).encode())
        self.waiting.clear()

    @property
    def span(self) -> str:
        """The rectangle that holds everything."""
        return f"A1:{letters(max(len(self.widths), 1) - 1)}{max(self.rows, 1)}"

    def reference(self, place: int, first: int, last: int) -> str:
        """The address of part of a column, for formulas on any sheet."""
        name = self.title.replace("'", "''")
        return f"'{name}'!${letters(place)}${first}:${letters(place)}${last}"


@cache
def letters(place: int) -> str:
    """The name of a column, from 0: A, B, ..., Z, AA."""
    before, last = divmod(place, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)


def rendered(reference: str, cell: Cell, styles: Styles) -> str:
    """One cell as the file format has it."""
    return f'<c r="{reference}"{_tail(cell, styles)}'


def _tail(cell: Cell, styles: Styles) -> str:
    """A cell behind its address; text is always marked as text, whatever it begins with."""
    value, look = cell.value, cell.look
    formula = ""
    if isinstance(value, Formula):
        formula, value = f"<f>{escape(value.text)}</f>", value.answer
    if isinstance(value, str):
        if not formula and LIVE.match(value):
            look = Look.QUOTED
        style = styles[look, cell.role]
        if formula:
            return f' s="{style}" t="str">{formula}<v>{_xml(value)}</v></c>'
        return f' s="{style}" t="inlineStr"><is><t{_kept(value)}>{_xml(value)}</t></is></c>'
    style = styles[look, cell.role]
    if value is None:
        return f' s="{style}"/>'
    if isinstance(value, date) and _day(value) < FIRST_SAFE_DAY:
        return _tail(Cell(value.isoformat(), Look.TEXT, cell.role), styles)
    return f' s="{style}">{formula}<v>{_number(value)}</v></c>'


Maker = Callable[[Value], str]


class Rows:
    """Rows of one table: what is the same in each of them is put together once.

    Each kind of row (which of its cells are text, numbers, empty) has a template, in which a zero byte
    stands for the number of the row: no text can have one.
    """

    def __init__(self, sheet: Sheet, looks: Sequence[Look]) -> None:
        self._sheet, self._looks = sheet, tuple(looks)
        self._templates: dict[tuple[type, ...], tuple[str, list[tuple[int, Maker]]]] = {}

    def append(self, values: Sequence[Value]) -> int:
        """Add a row and answer its number; None leaves a cell empty."""
        sheet = self._sheet
        sheet.rows += 1
        kinds = tuple(map(type, values))
        found = self._templates.get(kinds)
        if found is None:
            found = self._templates[kinds] = self._template(kinds)
        template, makers = found
        row = template % tuple([make(values[place]) for place, make in makers])
        sheet.add(row.replace("\0", str(sheet.rows)))
        return sheet.rows

    def _template(self, kinds: tuple[type, ...]) -> tuple[str, list[tuple[int, Maker]]]:
        sheet = self._sheet
        sheet.widths += [NARROWEST] * (len(kinds) - len(sheet.widths))
        parts, makers = ['<row r="\0">'], []
        for place, (kind, look) in enumerate(zip(kinds, self._looks, strict=True)):
            if kind is type(None):
                continue
            parts.append(f'<c r="{letters(place)}\0"')
            if kind in (int, Decimal):
                parts.append(f' s="{sheet.styles[look, Role.BODY]}"><v>%s</v></c>')
                makers.append((place, self._number(place, look)))
            else:
                parts.append("%s")
                one_of_many = kind in (str, date, datetime)
                makers.append((place, (self._word if one_of_many else self._other)(place, look)))
        return "".join([*parts, "</row>"]), makers

    def _number(self, place: int, look: Look) -> Maker:
        longest = 0

        def make(value: Value) -> str:
            nonlocal longest
            text = str(value)
            if "E" in text or not value:
                text = _number(value)  # type: ignore[arg-type]
            if len(text) > longest:
                longest = len(text)
                self._widen(place, value, look)
            return text

        return make

    def _word(self, place: int, look: Look) -> Maker:
        known: dict[Value, str] = {}
        longest = 0
        begin = f' s="{self._sheet.styles[look, Role.BODY]}" t="inlineStr"><is><t>'

        def make(value: Value) -> str:
            nonlocal longest
            found = known.get(value)
            if found is not None:
                return found
            if len(known) >= REMEMBERED:
                known.clear()
            if not isinstance(value, str):
                found = self._tail(place, value, look)
            else:
                if len(value) > longest:
                    longest = len(value)
                    self._widen(place, value, look)
                if PLAIN.fullmatch(value):
                    found = f"{begin}{value}</t></is></c>"
                else:
                    found = _tail(Cell(value, look), self._sheet.styles)
            known[value] = found
            return found

        return make

    def _other(self, place: int, look: Look) -> Maker:
        return lambda value: self._tail(place, value, look)

    def _tail(self, place: int, value: Value, look: Look) -> str:
        self._widen(place, value, look)
        return _tail(Cell(value, look), self._sheet.styles)

    def _widen(self, place: int, value: Value, look: Look) -> None:
        widths = self._sheet.widths
        widths[place] = max(widths[place], min(_width(Cell(value, look)), self._sheet.widest))


def plain_text(text: str) -> str:
    """The text without what a spreadsheet file cannot hold; what is lost shows as a replacement mark."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return FORBIDDEN.sub("\ufffd", lines)[:MOST_CHARACTERS]


@lru_cache(maxsize=8192)
def _xml(text: str) -> str:
    # "_x0041_" is how a file writes the character 0041; a text that really says so is written another way.
    return escape(ESCAPE_LOOKALIKE.sub("_x005F_", plain_text(text)))


def _kept(text: str) -> str:
    return ' xml:space="preserve"' if text != text.strip() or "\n" in text or "\r" in text else ""


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _number(value: int | Decimal | date) -> str:
    if isinstance(value, datetime):
        assert value.tzinfo is not None, value
        moment = value.astimezone(UTC)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        part = (seconds * 10**10 + 43_200) // 86_400
        return f"{(moment.date() - FIRST_DAY).days}.{part:010}"
    if isinstance(value, date):
        return str((value - FIRST_DAY).days)
    return format(value, "f") if value else "0"


def _width(cell: Cell) -> int:
    value = cell.value.answer if isinstance(cell.value, Formula) else cell.value
    if value is None:
        return 0
    if cell.look in NUMBERS and isinstance(value, int | Decimal):
        whole = len(str(int(value)))
        return whole + whole // 3 + DECIMALS.get(cell.look, 2) + (6 if cell.look in SIGNED else 4)
    if isinstance(value, str):
        # A header has the arrow of the filter beside it.
        longest = max(map(len, value.split("\n"))) + (4 if cell.role is Role.HEADER else 2)
        return longest
    return 18 if isinstance(value, datetime) else 13
